#include <algorithm>
#include <jailed/engine/words/error_output.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <utility>

namespace jailed::engine {
namespace {

// Whether `fits` says so of how a line of some engine's client begins: a program of one kind can turn out to be another.
template <typename Fits>
bool any_line(Fits fits) {
  const auto all = plan::all_traits();
  return std::any_of(all.begin(), all.end(), [&](const auto* traits) {
    return std::any_of(traits->words.lines.begin(), traits->words.lines.end(), [&](std::string_view marker) { return fits(marker); });
  });
}

bool is_client(std::string_view line) {
  return any_line([&](std::string_view marker) { return line.starts_with(marker); });
}

bool may_become_client(std::string_view beginning) {
  return any_line([&](std::string_view marker) { return beginning.starts_with(marker) || marker.starts_with(beginning); });
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
