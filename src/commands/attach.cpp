#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <jailed/commands/commands.hpp>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/engine/steps.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/plan/jail/layout.hpp>
#include <jailed/plan/project/projects.hpp>
#include <jailed/work/git/look.hpp>
#include <jailed/work/git/object_stores.hpp>
#include <jailed/work/git/object_views.hpp>
#include <jailed/work/git/shadow.hpp>
#include <jailed/work/git/state.hpp>
#include <jailed/work/guard/guard.hpp>
#include <jailed/work/launch/beside.hpp>
#include <jailed/work/launch/incomplete_copy.hpp>
#include <jailed/work/launch/places.hpp>
#include <jailed/work/launch/synced.hpp>
#include <jailed/work/life/found.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/sync/follow.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <jailed/work/sync/leaving.hpp>
#include <jailed/work/sync/mutagen.hpp>
#include <jailed/work/sync/sessions.hpp>
#include <thread>

namespace jailed::commands {

using namespace work;

namespace {

using core::Environment;
using plan::FoundJail;

// `jailed attach [JAIL] PATH`: the jail is the last but one word.
struct Words {
  std::string jail;
  std::string subject;
};

Words words_of(const core::Invocation& invocation, const std::string& verb, const std::string& subject) {
  const auto& words = invocation.words;
  if (words.empty())
    throw core::UsageError(fmt::format("Which project shall {}?", subject),
                           fmt::format("jailed {} [JAIL] {}", verb, verb == "attach" ? "PATH" : "NAME"));
  if (words.size() > 2)
    throw core::UsageError(fmt::format("One argument too many: '{}'.", core::printable(words[2])),
                           fmt::format("see: jailed {} --help", verb));
  return words.size() == 1 ? Words{{}, words[0]} : Words{words[0], words[1]};
}

FoundJail jail_meant(Found& found, const Environment& environment, const std::string& word) {
  if (auto noted = choose_noted(found, word)) return *noted;
  ask_engine(found, environment);
  return choose(running(found), word);
}

// What ends the jail and starts it again around these.
std::string restart(const FoundJail& jail, const std::vector<std::string>& projects) {
  auto line = fmt::format("jailed stop {} && jailed", jail.name);
  if (jail.detached) line += " --detach";
  for (const auto& project : projects) line += fmt::format(" {}", core::shell_quote(project));
  return line;
}

[[noreturn]] void refuse(const FoundJail& jail, const std::string& what,
                         const std::vector<std::string>& projects) {
  throw core::Error(fmt::format("{} has its projects mounted directly, and no engine {} a running container.",
                                jail.name, what),
                    fmt::format("end it and start it again: {}", restart(jail, projects)));
}

plan::SharedProject shared(const std::string& path) {
  const auto info = host::lstat_of(path);
  return info ? plan::SharedProject{path, info->st_uid, info->st_dev, info->st_ino}
              : plan::SharedProject{path};
}

// The checks of a launch: of the project by itself, and beside those that are there.
Places checked_places(const Found& found, const FoundJail& jail, const std::string& path,
                      const Environment& environment) {
  const auto places = look_at_places({path}, found.settings, environment);
  Places first;
  first.project = jail.project;
  if (const auto info = host::lstat_of(jail.project)) first.project_info = *info;
  std::vector<plan::SharedProject> projects;
  for (const auto& project : plan::projects_of(jail)) projects.push_back(shared(project));
  projects.push_back(shared(places.project));
  plan::check_several(projects, identity_here(first, environment), ::geteuid() == 0, found.settings.allow);
  return places;
}

std::string session_of(const Found& found, const FoundJail& jail) {
  auto session = found.sessions + "/" + jail.session;
  if (!host::lstat_of(session))
    throw core::Error(fmt::format("{} was started with another configuration directory.", jail.name),
                      "name it: --config-dir DIR");
  return session;
}

Cargo cargo_with(const Found& found, const FoundJail& jail, std::vector<plan::NamedProject> further) {
  return {.id = jail.session,
          .project = jail.project,
          .container = jail.name,
          .sessions = found.sessions,
          .further = std::move(further),
          .beside = {}};
}

// Never that of a part which still holds work of a project that was detached.
std::string name_for(const std::string& path, const std::vector<plan::NamedProject>& further,
                     const std::string& session) {
  std::vector<std::string> taken;
  for (const auto& project : further) taken.push_back(project.name);
  for (const auto& name : host::list_directory(session + "/projects")) taken.push_back(name);
  return plan::name_projects({path}, taken).front().name;
}

constexpr auto kProjectsPatience = std::chrono::seconds(20);
constexpr auto kBetweenLooks = std::chrono::milliseconds(20);

// Which projects a jail has is read, changed and written again: by one at a time, or the files of one that nobody noted stay away.
host::Fd one_at_a_time(const std::string& session, const FoundJail& jail) {
  const auto place = session + "/projects";
  ::mkdir(place.c_str(), 0700);
  const auto end = std::chrono::steady_clock::now() + kProjectsPatience;
  while (true) {
    if (auto lock = host::try_lock_directory(place)) return lock;
    if (!host::lstat_of(place)) throw core::Error(fmt::format("{} has ended.", jail.name));
    if (std::chrono::steady_clock::now() > end)
      throw core::Error(fmt::format("Another jailed attaches a project to {}, or detaches one.", jail.name), "try again when it is done");
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

[[noreturn]] void refuse_twice(const FoundJail& jail, const std::string& path) {
  throw core::UsageError(fmt::format("'{}' is in {} already.", core::printable(path), jail.name), "see: jailed ls");
}

// As if it had not been; what the user is told is why.
void undo_attach(const work::SyncEngine& sync, const std::string& session, const std::string& part, const std::string& key,
                 const std::vector<plan::NamedProject>& before) {
  sync.terminate(key);
  try {
    if (host::lstat_of(session)) note_further_projects(session, before);
  } catch (const core::Error& error) {
    spdlog::debug("{}", error.what());
  }
  host::remove_tree(part);
}

// Throws core::Error for what is not all there, and when the user has interrupted it.
void copy_in(const work::SyncEngine& sync, const plan::SyncSession& definition, const std::string& key, const std::string& workspace,
             PendingSignals& signals, bool quiet) {
  sync.create(definition);
  LiveLine line(quiet);
  const auto end = sync.flush(key, [&](const plan::SyncState& state) {
    line.show(plan::sync_progress(state));
    return signals.count() == 0;
  });
  line.clear();
  if (!end.done)
    throw core::Error(end.stopped ? "Interrupted."
                                  : fmt::format("Mutagen could not copy it into the jail: {}.", end.said));
  check_arrived(sync, key, workspace);
}

void attach_synced(const Found& found, const FoundJail& jail, const std::string& path,
                   const Environment& environment, bool quiet) {
  const auto places = checked_places(found, jail, path, environment);
  const auto session = session_of(found, jail);
  const auto program = mutagen_or_throw(found.engine, environment);
  const work::SyncEngine sync(program.mutagen);
  const auto alone = one_at_a_time(session, jail);
  const auto before = further_projects(session, jail.further);
  if (std::any_of(before.begin(), before.end(), [&](const auto& one) { return one.path == path; })) refuse_twice(jail, path);
  const auto name = name_for(places.project, before, session);
  const auto workspace = plan::place_of(name).workspace;
  const auto part = session + plan::part_below(name);
  const auto key = plan::sync_key(jail.session, name);

  const auto facts = look_at_git(places.project, {environment, places.config});
  check_beside_jails(found.sessions, {places.project, false, {}}, jail.session);
  ObjectViews views(jail.session, identity_here(places, environment), nullptr);
  auto sources = git_sources(facts, part, places.project, views);
  sources.beside = true;
  auto ignores = sync_settings(places.config).ignores;
  for (const auto& directory : plan::plan_git(core::GitMode::shadow, facts, sources).hidden)
    ignores.push_back(plan::ignore_of(directory));
  auto execution =
      look_at_host_execution(facts, found.settings, environment,
                             {found.sessions, jail.session, part, places.project, workspace}, {});

  // Noted first: whatever happens from here on, the jail's end brings its files home.
  host::make_private_directories(part);
  make_host_snapshot(execution, part);
  auto further = before;
  further.push_back({name, places.project});
  try {
    const LaunchTurn turn(found.sessions);
    check_beside_jails(found.sessions, {places.project, false, {}}, jail.session);
    note_further_projects(session, further);
  } catch (const core::Error&) {
    host::remove_tree(part);
    throw;
  }
  const plan::SyncSession definition{
      .id = jail.session, .project = places.project, .container = jail.name, .ignores = ignores, .name = name, .umask = sync_umask()};
  PendingSignals signals;
  try {
    note_sync(session, definition);
    copy_in(sync, definition, key, workspace, signals, quiet);
    name_left_out(sync, key, execution);
  } catch (const core::Error& error) {
    undo_attach(sync, session, part, key, before);
    throw core::Error(fmt::format("{} was not attached. {}", core::printable(places.project), error.what()),
                      error.next_step());
  }
  start_following(found.engine, program, {places.project}, jail.name, jail.session);
  spdlog::info("{} is at {}. It has no git there: a repository cannot be added to a running jail.",
               core::printable(places.project), workspace);
}

constexpr int kTimesTried = 3;
constexpr auto kMoment = std::chrono::milliseconds(200);

// Mutagen's session is paused and the files are out of the way, all of them home; or what stands against it.
std::optional<std::string> take_out(const Found& found, const FoundJail& jail, const work::SyncEngine& sync, const Cargo& cargo,
                                    const CargoProject& project, PendingSignals& signals) {
  std::string obstacle;
  for (int attempt = 0; attempt < kTimesTried; ++attempt) {
    const auto begun = engine::begin_leaving(found.engine, jail.name, project.name);
    if (!begun.answered) return "the jail does not answer";
    if (begun.obstacle) {
      obstacle = *begun.obstacle;
      std::this_thread::sleep_for(kMoment);
      continue;
    }
    if (auto home = bring_project_home(found.engine, sync, cargo, project, signals); home.reason) return home.reason;
    sync.pause(project.key);
    const auto taken = engine::take_out(found.engine, jail.name, project.name);
    if (taken.done()) return std::nullopt;
    sync.resume(project.key);
    if (!taken.answered) return "the jail does not answer";
    obstacle = *taken.obstacle;
    if (signals.count() > 0) return "interrupted";
  }
  return obstacle;
}

void detach_synced(const Found& found, const FoundJail& jail, const plan::NamedProject& project,
                   const Environment& environment) {
  const auto session = session_of(found, jail);
  const work::SyncEngine sync(mutagen_or_throw(found.engine, environment).mutagen);
  const auto alone = one_at_a_time(session, jail);
  auto further = further_projects(session, jail.further);
  if (std::find(further.begin(), further.end(), project) == further.end())
    throw core::UsageError(fmt::format("{} is not in {} any more.", core::printable(project.path), jail.name), "see: jailed ls");
  const auto cargo = cargo_with(found, jail, further);
  const auto part = session + plan::part_below(project.name);
  const auto key = plan::sync_key(jail.session, project.name);
  PendingSignals signals;
  // Whatever ends jailed before the project is no longer noted: who brings it home puts its files back first.
  note_leaving(session, project.name);
  if (const auto why = take_out(found, jail, sync, cargo, {key, project.name, project.path}, signals))
    throw core::Error(fmt::format("{} stays in the jail: {}.", core::printable(project.path), *why),
                      fmt::format("when nobody works in it: jailed detach {} {}; see: jailed sync status", jail.name, project.name));
  sync.terminate(key);
  std::erase(further, project);
  note_further_projects(session, further);
  engine::remove_taken_out(found.engine, jail.name, project.name);
  const bool settled = settle_part(part, jail.session);
  spdlog::info("{} is no longer in the jail; its files are home{}.", core::printable(project.path),
               session_has_work(part) ? ", its commits come when the jail ends" : "");
  if (!settled)
    throw core::Error(fmt::format("What the jail left in {} for your tools to run is not all out of the way yet.", core::printable(project.path)),
                      "it is tried again when the jail ends");
}

}  // namespace

int attach(const core::Invocation& invocation, const core::Settings& settings, const Environment& environment) {
  const auto words = words_of(invocation, "attach", "be attached");
  std::string reason;
  const auto path = host::canonical(words.subject, reason);
  if (path.empty())
    throw core::UsageError(fmt::format("Cannot open '{}': {}.", core::printable(words.subject), reason),
                           "jailed attach [JAIL] PATH");
  auto found = about(settings, environment);
  const auto jail = jail_meant(found, environment, words.jail);
  auto projects = plan::projects_of(jail);
  if (std::find(projects.begin(), projects.end(), path) != projects.end()) refuse_twice(jail, path);
  projects.push_back(path);
  if (!jail.synced) refuse(jail, "adds a mount to", projects);
  attach_synced(found, jail, path, environment, settings.quiet);
  return 0;
}

int detach(const core::Invocation& invocation, const core::Settings& settings, const Environment& environment) {
  const auto words = words_of(invocation, "detach", "be detached");
  auto found = about(settings, environment);
  const auto jail = jail_meant(found, environment, words.jail);
  std::string reason;
  const auto path = host::canonical(words.subject, reason);
  const auto project = std::find_if(jail.further.begin(), jail.further.end(), [&](const auto& one) {
    return one.name == words.subject || one.path == path;
  });
  if (project == jail.further.end()) {
    std::string names;
    for (const auto& one : jail.further) names += fmt::format("{} ", one.name);
    throw core::UsageError(
        fmt::format("{} has no further project '{}'.", jail.name, core::printable(words.subject)),
        names.empty() ? fmt::format("it has only one; to end it: jailed stop {}", jail.name)
                      : fmt::format("it has: {}", names.substr(0, names.size() - 1)));
  }
  auto projects = plan::projects_of(jail);
  std::erase(projects, project->path);
  if (!jail.synced) refuse(jail, "takes a mount from", projects);
  detach_synced(found, jail, *project, environment);
  return 0;
}

}  // namespace jailed::commands
