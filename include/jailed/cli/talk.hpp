#pragma once
#include <jailed/core/environment.hpp>
#include <optional>
#include <string>

namespace jailed::cli {

struct TalkOptions {
  bool quiet = false;
  bool verbose = false;
  std::optional<std::string> log_file;  // everything, with times, as well
};

/// Sets up spdlog's default logger: lines that begin with [jailed] on stderr, coloured only on a terminal and
/// never with NO_COLOR. Answers go to stdout by other means.
void set_up_talk(const TalkOptions& options, const core::Environment& environment);

}  // namespace jailed::cli
