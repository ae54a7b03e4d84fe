#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <jailed/core/error.hpp>
#include <jailed/engine/jails.hpp>
#include <jailed/engine/steps.hpp>
#include <jailed/engine/volumes.hpp>
#include <jailed/host/files/fd.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/terminal.hpp>
#include <jailed/plan/sync/problems.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/sync/homecoming.hpp>
#include <jailed/work/sync/leaving.hpp>
#include <jailed/work/sync/sessions.hpp>
#include <optional>
#include <thread>
#include <utility>

namespace jailed::work {
namespace {

using What = engine::Archived::What;

constexpr int kTimesToBeAsked = 3;
constexpr std::size_t kNamesShown = 10;
// Without any progress. Mutagen shows none while it reads a tree: three minutes are more than 100,000 files take, and who
// takes longer loses only time, as it all begins again in a fresh container, where nothing is in a hurry.
constexpr auto kStallPatience = std::chrono::minutes(3);

void keep(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo,
          const FilesHome& home) {
  spdlog::error("Not all work of this jail is on the host yet: {}.", *home.reason);
  spdlog::error("  nothing is lost, it waits in the volume {}; bring it home: jailed sync recover {}",
                cargo.container, cargo.id);
  spdlog::error("  give up what is not home: {}", core::shell_line(plan::remove_volume_command(engine, cargo.container)));
  for (const auto& project : projects_of(cargo)) sync.pause(project.key);
  engine::remove_jail(engine, cargo.container);
  if (home.for_the_user) note_held_up(fmt::format("{}/{}", cargo.sessions, cargo.id));
}

void name_some(const std::vector<std::string>& names, std::uint64_t more) {
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i) spdlog::warn("  {}", names[i]);
  more += names.size() > kNamesShown ? names.size() - kNamesShown : 0;
  if (more > 0) spdlog::warn("  and {} more", more);
}

// As an archive and not as files: what the jail has made is not unpacked here by anyone but the user. Its path.
std::optional<std::string> save(const plan::Engine& engine, const Cargo& cargo, const std::string& workspace, const engine::Archived& archived) {
  const auto directory = fmt::format("{}/{}/conflicts", cargo.sessions, cargo.id);
  host::make_private_directories(directory);
  auto path = fmt::format("{}/{}.tar", directory, host::random_hex(4));
  const host::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return std::nullopt;
  if (engine::archive(engine, cargo.container, workspace, archived, file.get())) return path;
  ::unlink(path.c_str());
  return std::nullopt;
}

std::string shown_path(const CargoProject& project, const std::string& path) {
  const auto& name = project.name;
  if (name.empty()) return core::printable(path);
  return core::printable((name.starts_with('/') ? project.path : plan::workspace_of(name)) + "/" + path);
}

bool save_conflicts(const plan::Engine& engine, const Cargo& cargo, const CargoProject& project,
                    const plan::SyncState& state) {
  const auto workspace = plan::workspace_of(project.name);
  // Mutagen (0.18) names ten of them.
  const bool named = state.more_conflicts == 0;
  if (!named) engine::open_up(engine, cargo.container, workspace);
  const auto saved = save(engine, cargo, workspace,
                          named ? engine::Archived{What::sides, state.conflicts} : engine::Archived{What::whole, {""}});
  if (!saved) return false;
  spdlog::warn("Changed on both sides while the jail ran; your files are as you left them:");
  std::vector<std::string> names;
  for (const auto& path : state.conflicts) names.push_back(shown_path(project, path));
  name_some(names, state.more_conflicts);
  spdlog::warn("The jail's side of them{}: tar -xf {} -C DIRECTORY", named ? "" : ", among all that was there", core::shell_quote(*saved));
  return true;
}

// What no later try would bring home either.
bool save_what_stays_away(const plan::Engine& engine, const Cargo& cargo, const CargoProject& project,
                          const plan::StaysAway& away, std::uint64_t more) {
  const auto workspace = plan::workspace_of(project.name);
  std::vector<engine::Archived> wanted;
  if (!away.archived.empty()) wanted.push_back({What::whole, away.archived});
  if (away.odd_names) wanted.push_back({What::odd_names});
  std::vector<std::string> archives;
  for (const auto& one : wanted) {
    auto saved = save(engine, cargo, workspace, one);
    if (!saved) return false;
    archives.push_back(core::shell_quote(*saved));
  }
  for (const auto& path : archives)
    spdlog::error("Some files of the jail cannot come home as they are; they are saved: tar -xf {} -C DIRECTORY", path);
  std::vector<std::string> names;
  for (const auto& problem : away.impossible)
    names.push_back(fmt::format("{}: {}", shown_path(project, problem.path), core::printable(problem.error)));
  name_some(names, more);
  return true;
}

// Tells when nothing has moved for too long.
class StallWatch {
 public:
  explicit StallWatch(Company company) : watching_(company == Company::agent) {}

  bool stalled(const plan::SyncState& state) {
    const auto now = std::chrono::steady_clock::now();
    if (state.progress() != seen_) {
      seen_ = state.progress();
      since_ = now;
    }
    return watching_ && now - since_ > kStallPatience;
  }

 private:
  bool watching_;
  plan::SyncState::Progress seen_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

FilesHome flush_home(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo, const CargoProject& project,
                     PendingSignals& signals, Company company, plan::SyncState& state) {
  bool opened = false;
  const auto open_up = [&] {
    const bool first = !std::exchange(opened, true);
    if (first) engine::open_up(engine, cargo.container, plan::workspace_of(project.name));
    return first;
  };
  plan::StaysAway away;
  // A file that changes while it is copied is a problem in one cycle and none in the next.
  for (int attempt = 0; attempt < 3; ++attempt) {
    StallWatch watch(company);
    bool stalled = false;
    const auto end = sync.flush(project.key, [&](const plan::SyncState& now) {
      stalled = watch.stalled(now);
      return !stalled && signals.count() < kTimesToBeAsked;
    });
    if (end.stopped) return {.reason = "it was cut short", .stalled = stalled};
    if (!end.done) {
      if (end.said.find("permission denied") != std::string::npos && open_up()) continue;
      return {.reason = end.said};
    }
    const auto now = sync.state(project.key);
    if (!now) return {.reason = "Mutagen does not say how its session is"};
    state = *now;
    away = plan::what_stays_away(state);
    if (away.nothing()) return {};
    if (!state.unread.empty()) open_up();
  }
  if (away.in_the_way.empty()) {
    if (save_what_stays_away(engine, cargo, project, away, state.more_unread + state.more_unwritten)) return {};
    return {.reason = "what cannot come as it is could not be saved", .for_the_user = true};
  }
  std::vector<std::string> names;
  for (const auto& problem : away.in_the_way)
    names.push_back(fmt::format("{}: {}", shown_path(project, problem.path), core::printable(problem.error)));
  spdlog::warn("These could not be brought home:");
  name_some(names, away.more_in_the_way);
  return {.reason = "some files are in the way", .for_the_user = true};
}

Homecoming remove_hostile(const plan::Engine& engine, const Cargo& cargo) {
  spdlog::warn("The jail holds up its own end, so it is removed; its files are in its volume.");
  engine::remove_jail(engine, cargo.container);
  return Homecoming::container_gone;
}

}  // namespace

LiveLine::LiveLine(bool quiet) : terminal_(!quiet && host::is_terminal(2)) {}

void LiveLine::show(std::string_view text) {
  if (!terminal_) return;
  const auto width = static_cast<std::size_t>(host::terminal_width(2));
  std::cerr << "\r\033[K" << fmt::format("[jailed] {}", text).substr(0, width > 1 ? width - 1 : 1)
            << std::flush;
  shown_ = true;
}

void LiveLine::clear() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
  shown_ = false;
}

PendingSignals::PendingSignals() : watcher_({SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {}

void PendingSignals::look() {
  while (const auto caught = watcher_.next()) {
    if (count_++ == 0) first_ = caught->signal;
  }
}

int PendingSignals::first() {
  look();
  return first_;
}

int PendingSignals::count() {
  look();
  return count_;
}

std::vector<CargoProject> projects_of(const Cargo& cargo) {
  std::vector<CargoProject> projects = {{cargo.id, {}, cargo.project}};
  for (const auto* list : {&cargo.further, &cargo.beside}) {
    for (const auto& project : *list) projects.push_back({plan::sync_key(cargo.id, project.name), project.name, project.path});
  }
  return projects;
}

FilesHome bring_project_home(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo,
                             const CargoProject& project, PendingSignals& signals, Company company) {
  put_back_what_was_leaving(engine, cargo, project);
  try {
    // An attach that was killed has noted the project and made no session yet.
    if (!project.name.empty() && !sync.state(project.key))
      sync.create(sync_session(cargo, project));
  } catch (const core::Error& error) {
    return {.reason = error.what()};
  }
  plan::SyncState state;
  auto home = flush_home(engine, sync, cargo, project, signals, company, state);
  const bool conflicts = !state.conflicts.empty() || state.more_conflicts > 0;
  if (!home.reason && conflicts && !save_conflicts(engine, cargo, project, state))
    home.reason = "files that changed on both sides could not be saved";
  return home;
}

Homecoming bring_home(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo,
                      PendingSignals& signals, Company company) {
  if (!engine::end_others(engine, cargo.container)) return remove_hostile(engine, cargo);
  FilesHome home;
  for (const auto& project : projects_of(cargo)) {
    if (!home.reason) home = bring_project_home(engine, sync, cargo, project, signals, company);
    if (home.stalled) return remove_hostile(engine, cargo);
  }
  if (!home.reason) {
    discard(engine, sync, cargo);
    return Homecoming::done;
  }
  if (!engine::jail_runs(engine, cargo.container)) return Homecoming::container_gone;
  keep(engine, sync, cargo, home);
  return Homecoming::held_up;
}

// Mutagen's session of the first project goes last: it knows what was deleted on which side, and whatever is left of
// the rest can be brought home only with it. Those of the others go before their volume, which has no labels: if
// jailed is killed between, none finds its side empty.
void discard(const plan::Engine& engine, const SyncEngine& sync, const Cargo& cargo) {
  engine::remove_jail(engine, cargo.container);
  // A container on its way out still holds its volume.
  for (const auto& project : projects_of(cargo)) {
    if (!project.name.empty()) sync.terminate(project.key);
  }
  for (int attempt = 0;; ++attempt) {
    const auto removed = engine::remove_volumes(engine, cargo.container);
    if (removed.gone) break;
    if (attempt == 20 || removed.overdue) {
      spdlog::warn("The volume {} could not be removed; nothing in it is needed: {}", cargo.container,
                   core::shell_line(plan::remove_volume_command(engine, cargo.container)));
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  sync.terminate_all(cargo.id);
}

}  // namespace jailed::work
