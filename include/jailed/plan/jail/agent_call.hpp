#pragma once
#include <cstddef>
#include <jailed/core/agent.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::plan {

/// How an agent is wanted: `jailed AGENT [--ask] [--continue] [--prompt TEXT] [-- ARGUMENTS]`.
struct AgentCall {
  bool ask = false;     // else its switch for no questions is on: the jail is its sandbox
  bool resume = false;  // the last talk in this project
  std::optional<std::string> prompt = {};  // it does this and ends
  std::vector<std::string> arguments = {};
};

/// A longer prompt is no argument of a program (Linux: 128 KiB with what stands before it).
inline constexpr std::size_t kLongestPrompt = std::size_t{120} * 1024;

/// The command in the jail. A prompt is one word of it that nothing takes for a switch, whatever it begins with.
std::vector<std::string> agent_command(const core::Agent& agent, const AgentCall& call);

}  // namespace jailed::plan
