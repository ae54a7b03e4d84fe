#include <algorithm>
#include <array>
#include <jailed/core/agent.hpp>
#include <jailed/plan/list/running_agents.hpp>
#include <set>
#include <string_view>

namespace jailed::plan {
namespace {

using core::ProcessEntry;

// Process 1 of every jail: who sees it sees the others.
constexpr std::string_view kInit = "/usr/libexec/jailed/init";
// A program may have an interpreter, and that an option.
constexpr std::size_t kWordsOfProgram = 3;

bool has_word(const ProcessEntry& process, const std::string& word) {
  return std::find(process.words.begin(), process.words.end(), word) != process.words.end();
}

bool is_agent(const ProcessEntry& process, std::string_view name) {
  const auto below = "/opt/agents/" + std::string(name) + "/";
  const auto launcher = "/usr/local/bin/" + std::string(name);
  for (std::size_t i = 0; i < process.words.size() && i < kWordsOfProgram; ++i) {
    const auto& word = process.words[i];
    if (word.starts_with(below) || word == launcher) return true;
    if (i == 0 && word.substr(word.rfind('/') + 1) == name) return true;
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> agents_in(const std::string& container,
                                                  const std::vector<ProcessEntry>& processes) {
  if (container.empty()) return std::nullopt;
  std::set<pid_t> inside;   // the container
  std::set<pid_t> serving;  // what descends from these is inside
  for (const auto& process : processes) {
    if (process.cgroup.find(container) != std::string::npos) inside.insert(process.pid);
    if (has_word(process, container)) serving.insert(process.pid);
  }
  for (bool more = true; more;) {
    more = false;
    for (const auto& process : processes) {
      if (!inside.contains(process.pid) &&
          (inside.contains(process.parent) || serving.contains(process.parent)))
        more = inside.insert(process.pid).second;
    }
  }
  bool seen = false;
  std::set<std::string_view> found;
  for (const auto& process : processes) {
    if (!inside.contains(process.pid)) continue;
    if (process.closed) return std::nullopt;  // whichever it is
    if (process.words.empty()) continue;
    seen = seen || process.words.front() == kInit;
    for (const auto& agent : core::agents()) {
      if (is_agent(process, agent.name)) found.insert(agent.name);
    }
  }
  if (!seen) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& agent : core::agents()) {
    if (found.contains(agent.name)) names.emplace_back(agent.name);
  }
  return names;
}

}  // namespace jailed::plan
