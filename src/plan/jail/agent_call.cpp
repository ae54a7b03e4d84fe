#include <jailed/plan/jail/agent_call.hpp>

namespace jailed::plan {

std::vector<std::string> agent_command(const core::Agent& agent, const AgentCall& call) {
  const auto& start = agent.start;
  std::vector<std::string> words = {std::string(agent.name)};
  const auto add = [&](const auto& more) { words.insert(words.end(), more.begin(), more.end()); };
  if (call.prompt) add(start.headless);
  if (call.resume) add(start.resume);
  if (!call.ask) add(call.prompt ? start.headless_no_questions : start.no_questions);
  add(call.arguments);
  if (!call.prompt) return words;
  if (!start.prompt_option.empty()) {
    words.push_back(std::string(start.prompt_option) + *call.prompt);
  } else {
    words.insert(words.end(), {"--", *call.prompt});
  }
  return words;
}

}  // namespace jailed::plan
