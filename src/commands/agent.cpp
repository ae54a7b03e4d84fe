#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/core/agent.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/core/text.hpp>
#include <jailed/engine/find.hpp>
#include <jailed/engine/images.hpp>
#include <jailed/host/files/directories.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/build/build.hpp>
#include <jailed/plan/jail/agent_call.hpp>
#include <jailed/plan/jail/state.hpp>
#include <jailed/plan/list/agents.hpp>
#include <jailed/plan/settings/environment.hpp>
#include <jailed/work/launch/logins.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Invocation;
using core::Settings;

std::string prompt_from_input() {
  const auto text = host::read_whole(host::Fd(::dup(STDIN_FILENO)), plan::kLongestPrompt);
  if (!text) throw core::UsageError("--prompt: standard input holds more than a prompt can.", "put it into a file of the project, and let the prompt name that");
  if (text->find_first_not_of(" \t\r\n") == std::string::npos) throw core::UsageError("--prompt: there is nothing on standard input.");
  if (text->find('\0') != std::string::npos) throw core::UsageError("--prompt: standard input is no text.");
  return *text;
}

std::optional<std::string> prompt_of(const Settings& settings) {
  if (!settings.prompt || *settings.prompt != "-") return settings.prompt;
  return prompt_from_input();
}

// An agent that has neither says so itself, but in words about a machine with a browser, and without one that is not on a terminal ends.
void tell_of_no_login(const core::Agent& agent, const Settings& settings, const Environment& environment) {
  if (plan::find_key(plan::jail_environment(settings, environment, {}), agent.keys)) return;
  if (work::has_login(agent, plan::state_paths(settings.config_dir, settings, {}).agents)) return;
  spdlog::warn("{} has neither a login nor a key here.", agent.title);
  spdlog::warn("  log in: jailed login {}; or set {}", agent.name, agent.keys.front());
}

// As the user wrote it, or, of an agent whose name is misspelt, with what was meant.
const core::Agent& agent_named(const std::string& name) {
  if (const auto* found = core::find_agent(name)) return *found;
  std::vector<std::string_view> names;
  for (const auto& one : core::agents()) names.push_back(one.name);
  throw core::UsageError(name.empty() ? "Which agent?" : fmt::format("No agent is '{}'.", core::printable(name)), fmt::format("one of: {}", fmt::join(names, " ")));
}

// None without an engine: who is logged in can be said all the same.
std::map<std::string, std::string> versions_in_image(const Settings& settings, const Environment& environment) {
  try {
    return engine::agents_of_image(engine::use_engine(settings, environment), settings.image).value_or(std::map<std::string, std::string>{});
  } catch (const core::Error& error) {
    spdlog::warn("{}", error.what());
    return {};
  }
}

std::vector<plan::AgentState> look_at_agents(const Settings& settings, const Environment& environment) {
  const auto in_image = versions_in_image(settings, environment);
  const auto newest = plan::locked_versions(plan::image_context());
  const auto variables = plan::jail_environment(settings, environment, {});
  const auto state = plan::state_paths(settings.config_dir, settings, {}).agents;
  const auto version_in = [](const auto& versions, std::string_view name) -> std::optional<std::string> {
    const auto found = versions.find(std::string(name));
    return found == versions.end() ? std::nullopt : std::optional(found->second);
  };
  std::vector<plan::AgentState> states;
  for (const auto& one : core::agents())
    states.push_back({.agent = &one,
                      .in_image = version_in(in_image, one.name),
                      .newest = version_in(newest, one.name).value_or(""),
                      .logged_in = work::has_login(one, state),
                      .key = plan::find_key(variables, one.keys)});
  return states;
}

}  // namespace

int agents(const Invocation&, const Settings& settings, const Environment& environment) {
  const auto states = look_at_agents(settings, environment);
  std::cout << (settings.json ? plan::agents_json(states) : plan::agents_table(states));
  return 0;
}

// The vendor's own program in a jail around nothing: what it writes is the agent's state, which jails share.
int login(const Invocation& invocation, const Settings& given, const Environment& environment) {
  const auto& wanted = agent_named(invocation.word());
  auto settings = given;
  settings.sync = core::Sync::bind;
  settings.git = core::GitMode::none;
  const auto parent = host::cache_directory(environment) + "/login";
  host::make_private_directories(parent);
  const host::TemporaryDirectory nothing(parent, "login-");
  core::Invocation launched{.verb = core::Verb::launch, .words = {nothing.path()}};
  for (const auto word : core::words(wanted.log_in, " ")) launched.command.emplace_back(word);
  const int status = launch(launched, settings, environment);
  if (status == 0 && !settings.dry_run && !work::has_login(wanted, plan::state_paths(settings.config_dir, settings, {}).agents))
    spdlog::warn("{} has left no login.", wanted.title);
  return status;
}

int agent(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  const auto& wanted = agent_named(invocation.agent);
  auto launched = invocation;
  launched.command = plan::agent_command(wanted, {settings.ask, settings.resume, prompt_of(settings), invocation.command});
  if (!settings.dry_run) tell_of_no_login(wanted, settings, environment);
  return launch(launched, settings, environment);
}

}  // namespace jailed::commands
