#include <fmt/format.h>

#include <jailed/core/table.hpp>
#include <jailed/plan/list/agents.hpp>
#include <nlohmann/json.hpp>

namespace jailed::plan {
namespace {

std::string shown_version(const AgentState& state) {
  if (!state.in_image) return "-";
  const bool old = !state.newest.empty() && *state.in_image != state.newest;
  return old ? fmt::format("{} ({} by jailed build)", *state.in_image, state.newest) : *state.in_image;
}

std::string shown_login(const AgentState& state) {
  if (state.key) return *state.key;
  return state.logged_in ? "logged in" : "-";
}

std::string command_to_log_in(const core::Agent& agent) { return fmt::format("jailed login {}", agent.name); }

}  // namespace

std::string agents_table(const std::vector<AgentState>& agents) {
  std::vector<std::vector<std::string>> rows = {{"AGENT", "NAME", "IN THE IMAGE", "LOGIN", "TO LOG IN"}};
  for (const auto& state : agents) {
    const auto& agent = *state.agent;
    rows.push_back({std::string(agent.name), std::string(agent.title), shown_version(state), shown_login(state), command_to_log_in(agent)});
  }
  return core::table(rows);
}

std::string agents_json(const std::vector<AgentState>& agents) {
  using Json = nlohmann::ordered_json;
  auto list = Json::array();
  for (const auto& state : agents) {
    const auto& agent = *state.agent;
    list.push_back({{"name", agent.name},
                    {"title", agent.title},
                    {"version", state.in_image ? Json(*state.in_image) : Json()},
                    {"newest", state.newest.empty() ? Json() : Json(state.newest)},
                    {"logged_in", state.logged_in},
                    {"key", state.key ? Json(*state.key) : Json()},
                    {"log_in", command_to_log_in(agent)}});
  }
  return list.dump(2) + "\n";
}

}  // namespace jailed::plan
