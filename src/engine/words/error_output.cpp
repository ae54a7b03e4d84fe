#include <algorithm>
#include <array>
#include <jailed/engine/words/error_output.hpp>
#include <utility>

namespace jailed::engine {
namespace {

// How lines of docker (20.10 to 28) and podman (4.3) begin.
constexpr std::array<std::string_view, 12> kClientLines = {"docker: ",
                                                           "Error: ",
                                                           "Error response",
                                                           "See 'docker run --help'",
                                                           "Run 'docker run --help'",
                                                           "See 'podman run --help'",
                                                           "WARNING: ",
                                                           "time=\"",
                                                           "Cannot connect to the Docker daemon",
                                                           "Cannot connect to Podman.",
                                                           "permission denied while trying to connect",
                                                           "Emulate Docker CLI"};

bool is_client(std::string_view line) {
  return std::any_of(kClientLines.begin(), kClientLines.end(),
                     [&](std::string_view marker) { return line.starts_with(marker); });
}

bool may_become_client(std::string_view beginning) {
  return std::any_of(kClientLines.begin(), kClientLines.end(), [&](std::string_view marker) {
    return beginning.starts_with(marker) || marker.starts_with(beginning);
  });
}

}  // namespace

bool ErrorOutput::holds_too_much() const { return held_.size() + line_.size() > kMostHeld; }

bool ErrorOutput::command_began() {
  if (!sure_ && begun_ && begun_()) sure_ = true;
  return sure_;
}

std::string ErrorOutput::feed(std::string_view text) {
  if (sure_) return std::string(text);
  if (command_began()) return std::exchange(held_, {}) + std::exchange(line_, {}) + std::string(text);
  if (mark_.empty()) return pass(text);
  // Nothing before the mark is long: the client's words and warnings.
  auto all = std::exchange(line_, {}) + std::string(text);
  if (const auto at = all.find(mark_); at != std::string::npos) {
    sure_ = true;
    return std::exchange(held_, {}) + all.erase(at, mark_.size());
  }
  // What may become the mark waits for the rest of it.
  std::size_t tail = std::min(all.size(), mark_.size() - 1);
  while (!mark_.starts_with(std::string_view(all).substr(all.size() - tail))) --tail;
  const auto rest = all.substr(all.size() - tail);
  auto out = pass(std::string_view(all).substr(0, all.size() - tail));
  line_ += rest;
  return out;
}

std::string ErrorOutput::pass(std::string_view text) {
  if (speaking_) return std::string(text);
  line_ += text;
  while (!line_.empty()) {
    const auto end = line_.find('\n');
    const auto line = std::string_view(line_).substr(0, end);
    // Docker's own errors end with an empty line and a hint.
    const bool client = end == std::string::npos ? may_become_client(line)
                        : line.empty()           ? !held_.empty()
                                                 : is_client(line);
    if (!client || holds_too_much()) {
      speaking_ = true;
      return std::exchange(held_, {}) + std::exchange(line_, {});
    }
    if (end == std::string::npos) return {};
    held_ += line_.substr(0, end + 1);
    line_.erase(0, end + 1);
  }
  return {};
}

}  // namespace jailed::engine
