#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace jailed::engine {

/// Tells an engine client's own words from the command's error output, which arrive on one stream. What the
/// client says before the command speaks is held back until it is known how the call ended; from then on everything passes
/// at once.
///
/// The command has begun when `begun` says so, or when `mark`, which an exec writes before its command
/// (plan::kCommandMark), has come; the mark is taken out. Where neither can tell, a line that is not like the client's
/// counts for the command's. More than `kMostHeld` bytes are nobody's reason why there is no jail: they pass.
class ErrorOutput {
 public:
  static constexpr std::size_t kMostHeld = std::size_t{1} << 20;

  explicit ErrorOutput(std::function<bool()> begun = {}, std::string_view mark = {}) : begun_(std::move(begun)), mark_(mark) {}

  /// What can be shown now.
  std::string feed(std::string_view text);

  /// The client's words so far, and what may become some.
  std::string held() const { return held_ + line_; }

  /// Whether the command is known to have begun: no words are held from then on.
  bool command_began();

 private:
  std::string pass(std::string_view text);
  bool holds_too_much() const;

  std::function<bool()> begun_;
  std::string_view mark_;
  bool sure_ = false;      // the command has begun
  bool speaking_ = false;  // it seems to have
  std::string held_;       // whole lines of the client
  std::string line_;       // a line that has not ended yet
};

}  // namespace jailed::engine
