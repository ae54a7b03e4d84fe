#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/host/beneath/scan.hpp>
#include <jailed/host/files/files.hpp>
#include <jailed/host/process/lease.hpp>
#include <jailed/plan/jail/jail.hpp>
#include <jailed/plan/project/beside.hpp>
#include <jailed/plan/project/project.hpp>
#include <jailed/work/launch/beside.hpp>
#include <jailed/work/session/notes.hpp>
#include <jailed/work/session/parts.hpp>
#include <jailed/work/session/session.hpp>
#include <thread>
#include <utility>

namespace jailed::work {
namespace {

using std::chrono::steady_clock;

constexpr auto kBetweenLooks = std::chrono::milliseconds(20);
constexpr auto kTurnPatience = std::chrono::seconds(20);
// Of an image without our init nothing tells that it has begun.
constexpr std::int64_t kStartPatience = 30'000'000'000;

bool is_starting(const std::string& session) {
  const auto record = host::lstat_of(session + "/record");
  const auto age = record ? host::file_clock() - host::modification_time(*record) : kStartPatience;
  return age >= 0 && age < kStartPatience && host::Lease::is_unread(session + "/lease");
}

std::vector<plan::RunningBeside> running_beside(const std::string& sessions, const std::string& except) {
  std::vector<plan::RunningBeside> running;
  const auto detached = detached_sessions(sessions);
  for (const auto& id : session_ids(sessions)) {
    const auto session = sessions + "/" + id;
    const auto record = id == except ? std::nullopt : noted_record(session);
    if (!record) continue;
    const bool left_alone = std::find(detached.begin(), detached.end(), id) != detached.end();
    if (!left_alone && !session_is_owned(sessions, id)) continue;
    const auto parts = session_parts(session);
    const bool masks_git =
        record->synced || std::all_of(parts.begin(), parts.end(), [](const auto& part) { return host::lstat_of(part + "/repository").has_value(); });
    plan::RunningBeside jail{plan::container_name(record->project, id), {record->project}, record->synced, !left_alone && is_starting(session), record->elsewhere, masks_git};
    for (const auto& further : further_projects(session, record->further)) jail.projects.push_back(further.path);
    running.push_back(std::move(jail));
  }
  return running;
}

}  // namespace

void check_beside_jails(const std::string& sessions, const plan::LaunchedBeside& launched, const std::string& except) {
  plan::check_beside(launched, running_beside(sessions, except));
}

bool is_in_running_jail(const std::string& sessions, const std::string& path) {
  const auto running = running_beside(sessions, {});
  return std::any_of(running.begin(), running.end(), [&](const auto& jail) {
    return std::any_of(jail.projects.begin(), jail.projects.end(), [&](const auto& project) { return plan::is_within(path, project); });
  });
}

plan::LaunchedBeside beside_of(const ProjectShare& share) { return {share.path, plan::mounts_parts(share.facts), plan::mounted_elsewhere(share.facts)}; }

LaunchTurn::LaunchTurn(const std::string& sessions) {
  const auto end = steady_clock::now() + kTurnPatience;
  while (!(held_ = host::try_lock_directory(sessions))) {
    if (steady_clock::now() > end)
      throw core::Error(fmt::format("Another jailed has {} to itself.", core::printable(sessions)), "try again when it has started, or end it");
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

void announce(const std::string& sessions, const std::string& session_id, plan::SessionRecord record, const std::vector<ProjectShare>& shares) {
  for (const auto& share : shares) {
    for (auto& path : beside_of(share).elsewhere) record.elsewhere.push_back(std::move(path));
  }
  for (bool noted = false;; std::this_thread::sleep_for(kBetweenLooks)) {
    const LaunchTurn turn(sessions);
    if (!std::exchange(noted, true)) note_record(sessions + "/" + session_id, record);
    const auto running = running_beside(sessions, session_id);
    bool wait = false;
    for (const auto& share : shares) {
      plan::check_beside(beside_of(share), running);
      wait = wait || plan::must_wait(share.path, running);
    }
    if (!wait) return;
  }
}

}  // namespace jailed::work
