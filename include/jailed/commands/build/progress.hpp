#pragma once
#include <chrono>
#include <deque>
#include <fstream>
#include <jailed/plan/build/build.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jailed::commands {

/// Shows a build while it runs: on a terminal one live line, otherwise a line a step. Everything that the
/// engine says goes to the log file.
class BuildProgress {
 public:
  /// Throws core::Error when the log cannot be written. `terminal`: stderr is one.
  BuildProgress(std::string log_path, bool terminal, bool quiet);
  BuildProgress(const BuildProgress&) = delete;
  BuildProgress& operator=(const BuildProgress&) = delete;
  ~BuildProgress() { clear_line(); }

  /// A build begins; there may be several.
  void begin() {
    step_.reset();
    at_base_ = false;
  }
  void line(std::string_view text);
  void tick();
  void clear_line();

  /// Whether the build is, or ended, where it looks for the base image.
  bool at_base() const { return at_base_; }
  const std::deque<std::string>& last_lines() const { return last_lines_; }
  const std::vector<plan::VersionChange>& versions() const { return versions_; }
  const std::string& log_path() const { return log_path_; }
  std::string elapsed() const;

 private:
  void log(std::string_view text);
  void draw();

  std::string log_path_;
  std::ofstream log_;
  std::size_t logged_ = 0;
  bool terminal_;
  bool quiet_;
  bool drawn_ = false;
  bool at_base_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::optional<plan::BuildStep> step_;
  std::deque<std::string> last_lines_;
  std::vector<plan::VersionChange> versions_;
};

}  // namespace jailed::commands
