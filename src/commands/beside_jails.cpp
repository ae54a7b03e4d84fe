#include <algorithm>
#include <jailed/commands/beside_jails.hpp>
#include <jailed/commands/noted_jails.hpp>
#include <jailed/host/files.hpp>
#include <jailed/host/session.hpp>
#include <jailed/plan/beside.hpp>
#include <jailed/plan/jail.hpp>

namespace jailed::commands {

void check_beside_jails(const std::string& sessions, const std::string& project, bool mounted_parts, const std::string& except) {
  std::vector<plan::RunningBeside> running;
  const auto detached = host::detached_sessions(sessions);
  for (const auto& id : host::list_directory(sessions)) {
    const auto session = sessions + "/" + id;
    const auto record = id == except ? std::nullopt : noted_record(session);
    if (!record) continue;
    if (std::find(detached.begin(), detached.end(), id) == detached.end() && !host::session_is_owned(sessions, id)) continue;
    plan::RunningBeside jail{plan::container_name(record->project, id), {record->project}};
    for (const auto& further : further_projects(session, record->further)) jail.projects.push_back(further.path);
    running.push_back(std::move(jail));
  }
  plan::check_beside(project, mounted_parts, running);
}

}  // namespace jailed::commands
