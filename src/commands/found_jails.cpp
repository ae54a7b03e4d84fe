#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <jailed/commands/find_engine.hpp>
#include <jailed/commands/found_jails.hpp>
#include <jailed/commands/kept_sessions.hpp>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/commands/recovery.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/failure.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/process.hpp>
#include <jailed/host/session.hpp>
#include <jailed/plan/settings.hpp>

namespace jailed::commands {
namespace {

using core::Environment;
using core::Options;
using plan::FoundJail;

// What is left of Mutagen's session when its jail and its volume are gone.
void forget_sync(const Found& found, const std::string& id, const Environment& environment) {
  try {
    if (const auto program = find_mutagen(found.engine, environment))
      engine::SyncEngine(program->mutagen).terminate_all(id);
  } catch (const core::Error& error) {
    spdlog::debug("{}", error.what());
  }
}

// A detached jail can end without jailed: by its own, or with the machine. Then its session ends here.
void clear_ended_detached(const Found& found, const Environment& environment) {
  const auto noted = noted_jails(found.engine, found.sessions);
  for (const auto& id : host::detached_sessions(found.sessions)) {
    const auto is_it = [&](const FoundJail& jail) { return jail.session == id; };
    if (std::any_of(found.jails.begin(), found.jails.end(), is_it)) continue;
    if (is_of_other_engine(found.engine, found.sessions + "/" + id)) continue;
    const auto note = std::find_if(noted.begin(), noted.end(), is_it);
    const bool synced = note == noted.end() || note->synced;
    if (synced && !find_volumes(found.engine, id).empty()) continue;  // `jailed ls` shows it as unsynced
    const host::AbandonedSession session(found.sessions, id);
    if (!session) continue;
    if (synced) forget_sync(found, id, environment);
    clear_session(session, found.sessions, id, "");
  }
}

std::string here() {
  std::string reason;
  return host::canonical(".", reason);
}

}  // namespace

Found about(const Options& options, const Environment& environment) {
  Found found;
  found.settings = plan::resolve_settings(options, environment);
  found.engine = find_engine(found.settings, environment);
  found.sessions = host::canonical_as_far_as_it_exists(found.settings.config_dir) + "/sessions";
  return found;
}

void ask_engine(Found& found, const Environment& environment) {
  const auto answer = host::capture(plan::list_jails_command(found.engine, ::geteuid()));
  if (!answer.status.ok()) {
    if (const auto failure = engine::recognise_failure(found.engine, answer.err, found.settings.image))
      throw core::Error(failure->message, failure->next_step);
    throw core::Error(fmt::format("{} does not say which jails there are: {}", found.engine.program,
                                  core::printable(answer.err)));
  }
  found.jails = plan::parse_jails(found.engine, answer.out);
  for (auto& jail : found.jails) {
    const auto session = found.sessions + "/" + jail.session;
    jail.further = further_projects(session, jail.further);
    if (const auto record = noted_record(session)) jail.place = record->place;
  }
  clear_ended_detached(found, environment);
}

Found look(const Options& options, const Environment& environment) {
  auto found = about(options, environment);
  ask_engine(found, environment);
  return found;
}

std::vector<FoundJail> running(const Found& found) {
  std::vector<FoundJail> jails;
  for (const auto& jail : found.jails) {
    if (jail.state == "running") jails.push_back(jail);
  }
  return jails;
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

std::optional<FoundJail> choose_noted(const Found& found, const std::string& word) {
  try {
    return choose(noted_jails(found.engine, found.sessions), word);
  } catch (const core::UsageError&) {
    return std::nullopt;
  }
}

}  // namespace jailed::commands
