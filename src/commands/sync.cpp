#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>
#include <jailed/commands/commands.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/here.hpp>
#include <jailed/plan/list/claims.hpp>
#include <jailed/plan/list/jails.hpp>
#include <jailed/work/end/end.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/life/kept.hpp>
#include <jailed/work/session/session.hpp>
#include <jailed/work/sync/recovery.hpp>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using plan::FoundJail;

// True when the work is home and nothing is left.
bool recover_volume(const Found& found, const plan::Volume& volume, const MutagenProgram& program,
                    const Environment& environment) {
  const work::AbandonedSession session(found.sessions, volume.session);
  if (!session) {
    spdlog::error("The jail {} belongs to a jailed that still runs.", volume.name);
    return false;
  }
  PendingSignals signals;
  if (!recover(found.engine, work::SyncEngine(program.mutagen), program, jail_of(volume, found.sessions),
               cargo_of(volume, found.sessions), signals))
    return end_jail({.sessions = found.sessions, .id = volume.session, .files_home = false}).all_home();
  return import_session(found.engine, session, volume.session, found.settings, environment);
}

}  // namespace

int sync_status(const core::Invocation&, const core::Settings& settings, const Environment& environment) {
  auto found = look(settings, environment);
  add_unsynced(found);
  const work::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
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

int sync_flush(const core::Invocation& invocation, const core::Settings& settings, const Environment& environment) {
  auto found = look(settings, environment);
  const auto& jail = choose(found.jails, invocation.word());
  if (!jail.synced)
    throw core::UsageError(fmt::format("{} needs no flush: its project is mounted directly.", jail.name));
  const work::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
  for (const auto& project : projects_of(cargo_in(found, jail))) {
    const auto end = sync.flush(project.key, [](const auto&) { return true; });
    if (!end.done) throw core::Error(fmt::format("{} could not be flushed: {}", jail.name, end.said));
    if (const auto state = sync.state(project.key)) spdlog::info("{}", plan::sync_summary(*state));
  }
  return 0;
}

int sync_recover(const core::Invocation& invocation, const core::Settings& settings, const Environment& environment) {
  auto found = look(settings, environment);
  engine::ask_remote_machine(found.engine);
  std::erase_if(found.jails, [](const auto& jail) { return jail.state == "running" && !jail.foreign; });
  add_unsynced(found);
  const auto volumes = find_volumes(found.engine, found.sessions, "");
  std::vector<FoundJail> lost;
  for (const auto& jail : found.jails) {
    if (jail.synced) lost.push_back(jail);
  }
  if (invocation.words.empty()) {
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
  if (!invocation.words.empty()) lost = {choose(lost, invocation.words.front())};
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
