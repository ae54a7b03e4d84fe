#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/end.hpp>
#include <jailed/commands/engine_here.hpp>
#include <jailed/commands/found_jails.hpp>
#include <jailed/commands/kept_sessions.hpp>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/commands/reuse.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/process_list.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/terminal.hpp>
#include <jailed/plan/claims.hpp>
#include <jailed/plan/jails.hpp>
#include <jailed/plan/running_agents.hpp>
#include <jailed/plan/settings.hpp>
#include <set>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Options;
using plan::FoundJail;

// Volumes whose jail is gone.
void add_unsynced(Found& found) {
  for (const auto& volume : claimed_volumes(found.engine, found.sessions, "")) {
    const auto has_jail = [&](const FoundJail& jail) {
      return jail.name == volume.name || (!jail.foreign && !volume.foreign && jail.session == volume.session);
    };
    if (std::any_of(found.jails.begin(), found.jails.end(), has_jail)) continue;
    found.jails.push_back({.name = volume.name,
                           .session = volume.session,
                           .project = volume.project,
                           .image = volume.image,
                           .state = "unsynced",
                           .age = "",
                           .synced = true,
                           .further = volume.further,
                           .foreign = volume.foreign});
  }
}

// On Linux what runs in a container of this machine is in its /proc: no engine has to be asked.
void look_for_agents(Found& found) {
  if (found.jails.empty() || found.engine.remote) return;
  const auto processes = host::process_list();
  for (auto& jail : found.jails) {
    if (jail.state == "running" && !jail.foreign && !jail.container.empty()) jail.agents = plan::agents_in(jail.container, processes);
  }
}

// True when the work is home and nothing is left.
bool recover_volume(const Found& found, const plan::Volume& volume, const MutagenProgram& program,
                    const Environment& environment) {
  const host::AbandonedSession session(found.sessions, volume.session);
  if (!session) {
    spdlog::error("The jail {} belongs to a jailed that still runs.", volume.name);
    return false;
  }
  PendingSignals signals;
  if (!recover(found.engine, engine::SyncEngine(program.mutagen), program, jail_of(volume, found.sessions),
               cargo_of(volume, found.sessions), signals))
    return end_jail({.sessions = found.sessions, .id = volume.session, .files_home = false}).all_home();
  return import_session(found.engine, session, volume.session, found.settings, environment);
}

Cargo cargo_in(const Found& found, const FoundJail& jail) {
  return {.id = jail.session,
          .project = jail.project,
          .container = jail.name,
          .sessions = found.sessions,
          .further = jail.further,
          .beside = noted_beside(found.sessions + "/" + jail.session)};
}

// True when the work is home.
bool bring_detached_home(const Found& found, const FoundJail& jail, const host::AbandonedSession& session,
                         const Environment& environment) {
  const auto program = mutagen_or_throw(found.engine, environment);
  const engine::SyncEngine sync(program.mutagen);
  const auto cargo = cargo_in(found, jail);
  PendingSignals signals;
  auto homecoming = bring_home(found.engine, sync, cargo, signals);
  if (homecoming == Homecoming::container_gone) {
    const auto volumes = find_volumes(found.engine, found.sessions, jail.session);
    if (volumes.empty()) throw core::Error(fmt::format("The volume of {} is gone.", jail.name), "see: jailed ls");
    const bool home = bring_home_or_recover(found.engine, sync, program, jail_of(volumes.front(), found.sessions), cargo, signals);
    homecoming = home ? Homecoming::done : Homecoming::held_up;
  }
  if (homecoming != Homecoming::done)
    return end_jail({.sessions = found.sessions, .id = jail.session, .files_home = false}).all_home();
  return import_session(found.engine, session, jail.session, found.settings, environment);
}

// What the engine says against it; empty when all is well.
std::string ask_to_end(const core::Command& command) {
  const auto answer = host::capture_shielded(command);
  if (answer.status.ok()) return {};
  return answer.err.empty() ? "no reason" : answer.err;
}

struct Stopped {
  std::string engine_error;  // of the first that the engine could not end
  bool all_home = true;      // the work of all others
};

// One that cannot be ended, or whose work cannot come home, does not hold up the others.
class Stopping {
 public:
  Stopping(const Found& found, const Environment& environment) : found_(found), environment_(environment) {}

  // In one call; after a failure each by itself, and those that cannot be are left as they are.
  void end_bound(std::vector<std::string> names) {
    if (names.empty()) return;
    const auto said = ask_to_end(plan::stop_command(found_.engine, names));
    if (said.empty()) return;
    if (names.size() == 1) return refuse(names.front(), said);
    for (const auto& name : names) {
      if (auto own = ask_to_end(plan::stop_command(found_.engine, {name})); !own.empty()) refuse(name, std::move(own));
    }
  }

  void end(const FoundJail& jail, const host::AbandonedSession& session) {
    if (refused_.contains(jail.name)) return;
    try {
      if (session) {
        stopped.all_home = bring_home_from(jail, session) && stopped.all_home;
      } else if (jail.synced && !jail.detached) {
        if (auto said = ask_to_end(plan::signal_command(found_.engine, jail.name, "command", SIGTERM)); !said.empty())
          refuse(jail.name, std::move(said));
      }
    } catch (const core::Error& error) {
      spdlog::error("{}: {}", jail.name, error.what());
      if (!error.next_step().empty()) spdlog::error("  {}", error.next_step());
      stopped.all_home = false;
    }
  }

  bool ended(const FoundJail& jail) const { return !refused_.contains(jail.name); }

  Stopped stopped;

 private:
  bool bring_home_from(const FoundJail& jail, const host::AbandonedSession& session) {
    if (jail.synced) return bring_detached_home(found_, jail, session, environment_);
    if (jail.state != "running") host::capture_shielded(plan::remove_command(found_.engine, jail.name));
    return import_session(found_.engine, session, jail.session, found_.settings, environment_);
  }

  void refuse(const std::string& name, std::string said) {
    refused_.insert(name);
    if (stopped.engine_error.empty()) stopped.engine_error = std::move(said);
  }

  const Found& found_;
  const Environment& environment_;
  std::set<std::string> refused_;
};

Stopped stop_jails(const Found& found, const std::vector<FoundJail>& jails, const Environment& environment) {
  std::vector<host::AbandonedSession> sessions;
  std::vector<std::string> bound;
  for (const auto& jail : jails) {
    sessions.emplace_back(found.sessions, jail.session);
    if (!jail.synced) bound.push_back(jail.name);
  }
  Stopping stopping(found, environment);
  stopping.end_bound(bound);
  for (std::size_t i = 0; i < jails.size(); ++i) stopping.end(jails[i], sessions[i]);
  // The jailed of a jail in the foreground, and one that stops the same jail, bring the work home themselves.
  for (std::size_t i = 0; i < jails.size(); ++i) {
    if (!sessions[i] && stopping.ended(jails[i]) && !wait_for_owner(found.sessions, jails[i].session))
      spdlog::warn("{} was asked to end and is still at it.", jails[i].name);
  }
  return stopping.stopped;
}

// Runs a command in the jail that `choose_one` takes: one that the sessions know, or one that the engine lists.
// Nothing when it takes none.
using ChooseOne = std::function<std::optional<FoundJail>(const std::vector<FoundJail>&)>;

std::optional<int> run_in_running(Found& found, const Options& options, const Environment& environment,
                                  const std::vector<std::string>& command, const ChooseOne& choose_one) {
  const auto token = "entered-" + host::random_hex(4);
  const bool terminal = host::is_terminal(0) && host::is_terminal(1);
  const auto run = [&](const FoundJail& jail) -> engine::JailEnd {
    const auto call = plan::exec_command(found.engine, jail.name, jail.place, command, token, terminal);
    if (!options.dry_run) return engine::run_in_jail(found.engine, jail.name, call, token, terminal);
    std::cout << core::shell_line(call) << "\n";
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

int enter(const Options& options, const Environment& environment, const std::vector<std::string>& command) {
  auto found = about(options, environment);
  const auto choose_one = [&](const auto& jails) { return std::optional(choose(jails, options.path.value_or(""))); };
  return *run_in_running(found, options, environment, command, choose_one);
}

}  // namespace

int list(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  if (may_have_volumes(found.sessions, found.jails)) add_unsynced(found);
  if (!options.quiet) look_for_agents(found);
  if (options.json) {
    std::cout << plan::jails_json(found.engine, found.jails);
  } else if (options.quiet) {
    for (const auto& jail : plan::own_jails(found.jails)) std::cout << jail.name << "\n";
  } else {
    std::cout << plan::jails_table(found.engine, found.jails);
  }
  return 0;
}

int stop(const Options& options, const Environment& environment) {
  auto found = about(options, environment);
  ask_remote_machine(found.engine);
  auto words = options.jails;
  if (words.empty()) words.emplace_back();
  std::vector<FoundJail> chosen;
  if (!options.all && words.size() == 1) {
    if (const auto noted = choose_noted(found, words.front())) chosen.push_back(*noted);
  }
  Stopped stopped;
  if (!chosen.empty()) stopped = stop_jails(found, chosen, environment);
  if (chosen.empty() || engine::says_container_is_gone(stopped.engine_error)) {
    ask_engine(found, environment);
    chosen.clear();
    if (options.all) {
      chosen = plan::own_jails(found.jails);
      for (const auto& jail : found.jails) {
        if (jail.foreign) spdlog::info("{} is left alone: {}.", jail.name, jail.foreign->why);
      }
    }
    for (const auto& word : options.all ? std::vector<std::string>{} : words) {
      const auto& jail = choose(found.jails, word);
      if (std::find(chosen.begin(), chosen.end(), jail) == chosen.end()) chosen.push_back(jail);
    }
    stopped = stop_jails(found, chosen, environment);
  }
  if (!stopped.engine_error.empty() && !engine::says_container_is_gone(stopped.engine_error))
    throw core::Error(fmt::format("{} could not end it: {}", found.engine.program,
                                  core::printable(stopped.engine_error)));
  return stopped.all_home ? 0 : core::kFailed;
}

int shell(const Options& options, const Environment& environment) {
  return enter(options, environment, {"zsh", "-l"});
}

int exec(const Options& options, const Environment& environment) {
  if (options.command.empty())
    throw core::UsageError("No command to run.", "jailed exec [JAIL] -- COMMAND [ARG...]");
  return enter(options, environment, options.command);
}

int logs(const Options& options, const Environment& environment) {
  const auto found = look(options, environment);
  const auto& jail = choose(found.jails, options.path.value_or(""));
  if (!jail.detached)
    throw core::UsageError(fmt::format("{} keeps no log: what it says is on its terminal.", jail.name),
                           "jails with a log are started with: jailed --detach . -- COMMAND");
  return engine::run_attached(plan::logs_command(found.engine, jail.name, options.follow)).shell_code();
}

std::optional<int> reuse(const Options& options, const Environment& environment, const Places& places) {
  std::set<std::string> wanted = {places.project};
  for (const auto& project : places.further) wanted.insert(project.path);
  auto found = about(options, environment);
  const auto command = options.command.empty() ? std::vector<std::string>{"zsh", "-l"} : options.command;
  return run_in_running(found, options, environment, command,
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

int sync_status(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  add_unsynced(found);
  const engine::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
  for (const auto& jail : found.jails) {
    if (!jail.synced) continue;
    if (jail.foreign) {
      std::cout << fmt::format("{}  {}  foreign\n", jail.name, core::printable(jail.project));
      continue;
    }
    for (const auto& project : projects_of(cargo_in(found, jail))) {
      const auto state = sync.state(project.key);
      std::cout << fmt::format("{}  {}  {}\n", jail.name, core::printable(project.path),
                               jail.state == "unsynced" ? "unsynced"
                               : state                  ? plan::sync_summary(*state)
                                                        : "no session");
    }
  }
  return 0;
}

int sync_flush(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  const auto& jail = choose(found.jails, options.jails.empty() ? "" : options.jails.front());
  if (!jail.synced)
    throw core::UsageError(fmt::format("{} needs no flush: its project is mounted directly.", jail.name));
  const engine::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
  for (const auto& project : projects_of(cargo_in(found, jail))) {
    const auto end = sync.flush(project.key, [](const auto&) { return true; });
    if (!end.done) throw core::Error(fmt::format("{} could not be flushed: {}", jail.name, end.said));
    if (const auto state = sync.state(project.key)) spdlog::info("{}", plan::sync_summary(*state));
  }
  return 0;
}

int sync_recover(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  ask_remote_machine(found.engine);
  std::erase_if(found.jails, [](const auto& jail) { return jail.state == "running" && !jail.foreign; });
  add_unsynced(found);
  const auto volumes = find_volumes(found.engine, found.sessions, "");
  std::vector<FoundJail> lost;
  for (const auto& jail : found.jails) {
    if (jail.synced) lost.push_back(jail);
  }
  if (options.jails.empty()) {
    for (const auto& jail : lost) {
      if (!jail.foreign || jail.state != "unsynced") continue;
      spdlog::warn("The volume {} is left alone: {}.", jail.name, jail.foreign->why);
      spdlog::warn("{}", jail.foreign->next_step);
    }
    lost = plan::own_jails(std::move(lost));
  }
  if (lost.empty()) {
    spdlog::info("Nothing to recover: the work of every jail is home.");
    return 0;
  }
  if (!options.jails.empty()) lost = {choose(lost, options.jails.front())};
  const auto program = mutagen_or_throw(found.engine, environment);
  bool all_home = true;
  for (const auto& jail : lost) {
    const auto volume = std::find_if(volumes.begin(), volumes.end(),
                                     [&](const auto& one) { return one.session == jail.session; });
    if (volume == volumes.end()) continue;
    bool home = false;
    try {
      home = recover_volume(found, *volume, program, environment);
    } catch (const core::Error& error) {  // of one; the others are not held up by it
      spdlog::error("{}: {}", jail.name, error.what());
      if (!error.next_step().empty()) spdlog::error("  {}", error.next_step());
    }
    if (home) spdlog::info("The work of {} is home in {}.", jail.name, core::printable(jail.project));
    all_home = all_home && home;
  }
  return all_home ? 0 : core::kFailed;
}

}  // namespace jailed::commands
