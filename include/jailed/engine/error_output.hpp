#pragma once
#include <string>
#include <string_view>

namespace jailed::engine {

/// Tells an engine client's own words from the command's error output, which arrive on one stream. What the
/// client says before the command speaks is held back until it is known how the call ended; from the
/// command's first byte on everything passes at once.
class ErrorOutput {
 public:
  /// What can be shown now.
  std::string feed(std::string_view text);

  /// The client's words so far, and what may become some.
  std::string held() const { return held_ + line_; }

 private:
  bool speaking_ = false;  // the command has begun
  std::string held_;       // whole lines of the client
  std::string line_;       // a line that has not ended yet
};

}  // namespace jailed::engine
