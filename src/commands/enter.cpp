#include <functional>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/reuse.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/run.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/plan/sync/keeper.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/session/notes.hpp>
#include <set>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using core::Invocation;
using core::Settings;
using plan::FoundJail;

// Runs a command in the jail that `choose_one` takes: one that the sessions know, or one that the engine lists.
// Nothing when it takes none.
using ChooseOne = std::function<std::optional<FoundJail>(const std::vector<FoundJail>&)>;

std::optional<int> run_in_running(Found& found, const Environment& environment,
                                  const std::vector<std::string>& command, const ChooseOne& choose_one) {
  const auto token = "entered-" + host::random_hex(4);
  const bool terminal = host::is_terminal(0) && host::is_terminal(1);
  const auto run = [&](const FoundJail& jail) -> engine::JailEnd {
    if (!found.settings.dry_run) return engine::run_in_jail(found.engine, jail.name, jail.place, command, token, terminal);
    std::cout << core::shell_line(plan::exec_command(found.engine, jail.name, jail.place, command, token, terminal)) << "\n";
    return {};
  };
  std::optional<FoundJail> noted;
  try {
    noted = choose_one(noted_jails(found.engine, found.sessions));
  } catch (const core::UsageError&) {
    // Not clear without the engine.
  }
  engine::JailEnd end;
  if (noted) {
    end = run(*noted);
    if (end.engine_error.empty()) return end.status.shell_code();
  }
  ask_engine(found, environment);
  const auto jail = choose_one(running(found));
  if (!jail) return std::nullopt;
  // The jail is there, so these were the words of the command, which must not run twice.
  if (!noted || jail->name != noted->name) end = run(*jail);
  std::cerr << end.engine_error;
  return end.status.shell_code();
}

int enter(const Invocation& invocation, const Settings& settings, const Environment& environment, const std::vector<std::string>& command) {
  auto found = about(settings, environment);
  const auto choose_one = [&](const auto& jails) { return std::optional(choose(jails, invocation.word())); };
  return *run_in_running(found, environment, command, choose_one);
}

}  // namespace

int shell(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  return enter(invocation, settings, environment, {"zsh", "-l"});
}

int exec(const Invocation& invocation, const Settings& settings, const Environment& environment) {
  if (invocation.command.empty())
    throw core::UsageError("No command to run.", "jailed exec [JAIL] -- COMMAND [ARG...]");
  return enter(invocation, settings, environment, invocation.command);
}

std::optional<int> reuse(const Invocation& invocation, const Settings& settings, const Environment& environment, const Places& places) {
  std::set<std::string> wanted = {places.project};
  for (const auto& project : places.further) wanted.insert(project.path);
  auto found = about(settings, environment);
  const auto command = invocation.command.empty() ? std::vector<std::string>{"zsh", "-l"} : invocation.command;
  return run_in_running(found, environment, command,
                        [&](std::vector<FoundJail> jails) -> std::optional<FoundJail> {
                          jails = plan::own_jails(std::move(jails));
                          std::erase_if(jails, [&](const auto& jail) {
                            const auto projects = plan::projects_of(jail);
                            return jail.project != places.project || std::set(projects.begin(), projects.end()) != wanted;
                          });
                          if (jails.empty()) return std::nullopt;
                          return plan::choose_jail(jails, "", places.project);
                        });
}

}  // namespace jailed::commands
