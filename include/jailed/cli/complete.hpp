#pragma once
#include <string>
#include <vector>

namespace jailed::cli {

/// What may stand next on a command line: words, each with what it is; and what the shell has to find by itself.
struct Completion {
  struct Word {
    std::string text;
    std::string help;
    bool operator==(const Word&) const = default;
  };
  enum class Also { nothing, jails, directories, files };
  std::vector<Word> words = {};
  Also also = Also::nothing;
};

/// `words`: those behind the program's name, up to and with the one that is being written, which may be empty. What was written
/// before need not be right. Pure: nothing is looked at.
Completion complete(const std::vector<std::string>& words);

}  // namespace jailed::cli
