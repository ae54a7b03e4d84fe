#pragma once
#include <jailed/core/agent.hpp>
#include <optional>
#include <string>
#include <vector>

namespace jailed::plan {

/// What is known of an agent: `jailed agents` shows it. Never a secret: a key is its variable's name.
struct AgentState {
  const core::Agent* agent = nullptr;
  std::optional<std::string> in_image;  // its version; none: the image, or the engine, has none
  std::string newest;                   // the version that this jailed builds; empty: it has no lock of it
  bool logged_in = false;
  std::optional<std::string> key;  // the variable of the caller's that a jail gets
};

std::string agents_table(const std::vector<AgentState>& agents);
/// docs/json.md describes it.
std::string agents_json(const std::vector<AgentState>& agents);

}  // namespace jailed::plan
