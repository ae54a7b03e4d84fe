#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/commands/find_engine.hpp>
#include <jailed/commands/kept_sessions.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/commands/reuse.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/container_engine.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/session.hpp>
#include <jailed/host/terminal.hpp>
#include <jailed/plan/jails.hpp>
#include <jailed/plan/settings.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Options;
using plan::FoundJail;

// The engine and this user's jails, for commands about jails that are there.
struct Found {
  core::Settings settings;
  plan::Engine engine;
  std::vector<FoundJail> jails;
  std::string sessions;
};

// A detached jail can end without jailed: by its own, or with the machine. Then its session ends here.
void clear_ended_detached(const Found& found) {
  for (const auto& id : host::detached_sessions(found.sessions)) {
    const auto has_jail = [&](const FoundJail& jail) { return jail.session == id; };
    if (std::any_of(found.jails.begin(), found.jails.end(), has_jail)) continue;
    if (!find_volumes(found.engine, id).empty()) continue;  // `jailed ls` shows it as unsynced
    const host::AbandonedSession session(found.sessions, id);
    if (session) clear_session(session, found.sessions, id, "");
  }
}

Found look(const Options& options, const Environment& environment) {
  Found found;
  found.settings = plan::resolve_settings(options, environment);
  found.engine = find_engine(found.settings, environment);
  found.sessions = host::canonical_as_far_as_it_exists(found.settings.config_dir) + "/sessions";
  const auto answer = host::capture(plan::list_jails_command(found.engine, ::geteuid()));
  if (!answer.status.ok()) {
    if (const auto failure = engine::recognise_failure(found.engine, answer.err, found.settings.image))
      throw core::Error(failure->message, failure->next_step);
    throw core::Error(fmt::format("{} does not say which jails there are: {}", found.engine.program,
                                  core::printable(answer.err)));
  }
  found.jails = plan::parse_jails(found.engine, answer.out);
  clear_ended_detached(found);
  return found;
}

// Volumes whose jail is gone.
void add_unsynced(Found& found) {
  for (const auto& volume : find_volumes(found.engine, "")) {
    const auto has_jail = [&](const FoundJail& jail) { return jail.session == volume.session; };
    if (std::any_of(found.jails.begin(), found.jails.end(), has_jail)) continue;
    found.jails.push_back({.name = volume.name,
                           .session = volume.session,
                           .project = volume.project,
                           .image = volume.image,
                           .state = "unsynced",
                           .age = "",
                           .synced = true});
  }
}

std::string here() {
  std::string reason;
  return host::canonical(".", reason);
}

const FoundJail& choose(const std::vector<FoundJail>& jails, const std::string& word) {
  std::string reason;
  const auto path = word.find('/') == std::string::npos && word != "." ? word : host::canonical(word, reason);
  return plan::choose_jail(jails, path.empty() ? word : path, here());
}

MutagenProgram mutagen_or_throw(const plan::Engine& engine, const Environment& environment) {
  auto program = find_mutagen(engine, environment);
  if (!program) throw core::Error("Mutagen not found in PATH.", "get it from https://mutagen.io");
  return *program;
}

// A session directory that this process owns until it is done with it; made anew where it is gone.
class OwnedSession {
 public:
  OwnedSession(const std::string& sessions, const std::string& id) {
    host::make_private_directories(sessions + "/" + id);
    session_.emplace(sessions, id);
  }
  explicit operator bool() const { return static_cast<bool>(*session_); }
  const host::AbandonedSession& operator*() const { return *session_; }

 private:
  std::optional<host::AbandonedSession> session_;
};

// True when the work is home and nothing is left.
bool recover_volume(const Found& found, const plan::Volume& volume, const MutagenProgram& program,
                    const Environment& environment) {
  const OwnedSession session(found.sessions, volume.session);
  if (!session) {
    spdlog::error("The jail {} belongs to a jailed that still runs.", volume.name);
    return false;
  }
  PendingSignals signals;
  if (!recover(found.engine, engine::SyncEngine(program.mutagen), program, jail_of(volume),
               cargo_of(volume, found.sessions), signals))
    return false;
  return import_session(found.engine, *session, volume.session, found.settings, environment);
}

bool stop_jail(const Found& found, const FoundJail& jail, const Environment& environment) {
  const OwnedSession session(found.sessions, jail.session);
  if (!session) {
    // Its jailed does the rest when the command has ended.
    const auto end = jail.synced ? plan::signal_command(found.engine, jail.name, "command", SIGTERM)
                                 : plan::stop_command(found.engine, jail.name);
    return host::capture(end).status.ok();
  }
  if (!jail.synced) {
    host::capture_shielded(plan::stop_command(found.engine, jail.name));
    host::capture_shielded(plan::remove_command(found.engine, jail.name));
    return import_session(found.engine, *session, jail.session, found.settings, environment);
  }
  const auto program = mutagen_or_throw(found.engine, environment);
  const auto volumes = find_volumes(found.engine, jail.session);
  if (volumes.empty()) throw core::Error(fmt::format("The volume of {} is gone.", jail.name));
  PendingSignals signals;
  if (!bring_home_or_recover(found.engine, engine::SyncEngine(program.mutagen), program,
                             jail_of(volumes.front()), cargo_of(volumes.front(), found.sessions), signals))
    return false;
  return import_session(found.engine, *session, jail.session, found.settings, environment);
}

std::vector<FoundJail> running(const Found& found) {
  std::vector<FoundJail> jails;
  for (const auto& jail : found.jails) {
    if (jail.state == "running") jails.push_back(jail);
  }
  return jails;
}

int enter(const Options& options, const Environment& environment, const std::vector<std::string>& command) {
  const auto found = look(options, environment);
  const auto jails = running(found);
  const auto& jail = choose(jails, options.path.value_or(""));
  const auto call =
      plan::enter_command(found.engine, jail.name, command, host::is_terminal(0) && host::is_terminal(1));
  if (options.dry_run) {
    std::cout << core::shell_line(call) << "\n";
    return 0;
  }
  return engine::run_attached(found.engine, call).shell_code();
}

}  // namespace

int list(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  add_unsynced(found);
  if (options.json) {
    std::cout << plan::jails_json(found.jails);
  } else if (options.quiet) {
    for (const auto& jail : found.jails) std::cout << jail.name << "\n";
  } else {
    std::cout << plan::jails_table(found.jails);
  }
  return 0;
}

int stop(const Options& options, const Environment& environment) {
  const auto found = look(options, environment);
  std::vector<FoundJail> chosen;
  if (options.all) {
    chosen = found.jails;
  } else if (options.jails.empty()) {
    chosen.push_back(choose(found.jails, ""));
  }
  for (const auto& word : options.jails) chosen.push_back(choose(found.jails, word));
  bool all_home = true;
  for (const auto& jail : chosen) all_home = stop_jail(found, jail, environment) && all_home;
  return all_home ? 0 : core::kFailed;
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
  return engine::run_attached(found.engine, plan::logs_command(found.engine, jail.name, options.follow))
      .shell_code();
}

std::optional<int> reuse(const Options& options, const Environment& environment, const std::string& project) {
  const auto found = look(options, environment);
  std::vector<FoundJail> jails;
  for (const auto& jail : running(found)) {
    if (jail.project == project) jails.push_back(jail);
  }
  if (jails.empty()) return std::nullopt;
  const auto& jail = plan::choose_jail(jails, "", project);
  const auto command = options.command.empty() ? std::vector<std::string>{"zsh", "-l"} : options.command;
  return engine::run_attached(found.engine, plan::enter_command(found.engine, jail.name, command,
                                                                host::is_terminal(0) && host::is_terminal(1)))
      .shell_code();
}

int sync_status(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  add_unsynced(found);
  const engine::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
  for (const auto& jail : found.jails) {
    if (!jail.synced) continue;
    const auto state = sync.state(jail.session);
    std::cout << fmt::format("{}  {}  {}\n", jail.name, core::printable(jail.project),
                             jail.state == "unsynced" ? "unsynced"
                             : state                  ? plan::sync_summary(*state)
                                                      : "no session");
  }
  return 0;
}

int sync_flush(const Options& options, const Environment& environment) {
  const auto found = look(options, environment);
  const auto& jail = choose(found.jails, options.jails.empty() ? "" : options.jails.front());
  if (!jail.synced)
    throw core::UsageError(fmt::format("{} needs no flush: its project is mounted directly.", jail.name));
  const engine::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
  const auto end = sync.flush(jail.session, [](const auto&) { return true; });
  if (!end.done) throw core::Error(fmt::format("{} could not be flushed: {}", jail.name, end.said));
  if (const auto state = sync.state(jail.session)) spdlog::info("{}", plan::sync_summary(*state));
  return 0;
}

int sync_recover(const Options& options, const Environment& environment) {
  auto found = look(options, environment);
  std::erase_if(found.jails, [](const auto& jail) { return jail.state == "running"; });
  add_unsynced(found);
  const auto volumes = find_volumes(found.engine, "");
  std::vector<FoundJail> lost;
  for (const auto& jail : found.jails) {
    if (jail.synced) lost.push_back(jail);
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
    const bool home = recover_volume(found, *volume, program, environment);
    if (home) spdlog::info("The work of {} is home in {}.", jail.name, core::printable(jail.project));
    all_home = all_home && home;
  }
  return all_home ? 0 : core::kFailed;
}

}  // namespace jailed::commands
