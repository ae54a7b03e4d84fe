#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <iostream>
#include <jailed/commands/build/progress.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/process/terminal.hpp>

namespace jailed::commands {

constexpr std::size_t kLastLines = 15;
constexpr std::size_t kLongestShownLine = 2000;
// A build says a few MiB; what is installed may talk without end.
constexpr std::size_t kMostLogged = std::size_t{64} << 20;

BuildProgress::BuildProgress(std::string log_path, bool terminal, bool quiet)
    : log_path_(std::move(log_path)), log_(log_path_), terminal_(terminal), quiet_(quiet) {
  if (!log_)
    throw core::Error(fmt::format("Cannot write the build's log {}.", core::printable(log_path_)),
                      "name a writable XDG_CACHE_HOME");
}

std::string BuildProgress::elapsed() const {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_).count();
  return seconds < 60 ? fmt::format("{}s", seconds) : fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
}

void BuildProgress::line(std::string_view text) {
  log(text);
  last_lines_.push_back(core::printable(text.substr(0, kLongestShownLine)));
  if (last_lines_.size() > kLastLines) last_lines_.pop_front();
  if (auto version = plan::parse_version_line(text)) {
    std::erase_if(versions_, [&](const auto& other) { return other.agent == version->agent; });
    versions_.push_back(std::move(*version));
  }
  auto step = plan::parse_build_step(text);
  if (plan::is_base_wanted(text)) {
    at_base_ = true;
  } else if (step) {
    at_base_ = false;
  }
  if (!step && step_ && plan::is_image_written(text)) step = plan::BuildStep{step_->total, step_->total, "writing the image", true};
  // BuildKit names steps again when it goes on with what it says of them.
  if (!step || step == step_ || (step_ && step->number < step_->number)) return;
  step_ = std::move(step);
  if (terminal_) {
    draw();
  } else if (!quiet_ && step_->runs) {
    spdlog::info("step {} of {}: {}", step_->number, step_->total, step_->name);
  }
}

void BuildProgress::log(std::string_view text) {
  if (logged_ > kMostLogged) return;
  logged_ += text.size() + 1;
  log_ << text << '\n';
  if (logged_ > kMostLogged) log_ << "[jailed] The build says more than this log holds: what follows is not in it.\n";
  log_ << std::flush;
}

void BuildProgress::tick() {
  if (terminal_) draw();
}

void BuildProgress::draw() {
  if (quiet_) return;
  const auto text =
      step_ ? fmt::format("step {} of {}: {}  {}", step_->number, step_->total, step_->name, elapsed())
            : fmt::format("starting  {}", elapsed());
  const auto width = static_cast<std::size_t>(host::terminal_width(2));
  std::cerr << "\r\033[K" << fmt::format("[jailed] {}", text).substr(0, width > 1 ? width - 1 : 1)
            << std::flush;
  drawn_ = true;
}

void BuildProgress::clear_line() {
  if (drawn_) std::cerr << "\r\033[K" << std::flush;
  drawn_ = false;
}

}  // namespace jailed::commands
