#include <fmt/format.h>

#include <algorithm>
#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/project/beside.hpp>
#include <jailed/plan/project/project.hpp>

namespace jailed::plan {
namespace {

bool is_around(const std::string& project, const std::string& other) { return project != other && is_within(other, project); }

[[noreturn]] void refuse_beside(const std::string& project, const std::string& what, const std::string& jail) {
  throw core::Error(fmt::format("Will not put {} into a jail: {} {}, and what works there could put something else in its place.",
                                core::printable(project), what, jail),
                    fmt::format("work in that one: jailed shell {0}\nor end it first: jailed stop {0}", core::shell_quote(jail)));
}

}  // namespace

void check_beside(const LaunchedBeside& launched, const std::vector<RunningBeside>& running) {
  const auto& [project, mounted_parts, elsewhere] = launched;
  for (const auto& jail : running) {
    for (const auto& other : jail.projects) {
      if (jail.synced && is_around(project, other))
        refuse_beside(project, fmt::format("Mutagen keeps {} in step with the jail", core::printable(other)), jail.name);
      for (const auto& path : elsewhere) {
        if (is_within(path, other) && !(jail.masks_git && is_within(path, other + "/.git")))
          refuse_beside(project, fmt::format("its repository has objects in {}, which lies in {}, which is in the jail", core::printable(path), core::printable(other)), jail.name);
      }
      if (!is_within(project, other) || (project == other && !mounted_parts)) continue;
      const auto what = project == other ? std::string("it has submodules, or objects beside its .git, and is in the jail")
                                         : fmt::format("it lies in {}, which is in the jail", core::printable(other));
      refuse_beside(project, what, jail.name);
    }
  }
}

bool must_wait(const std::string& project, const std::vector<RunningBeside>& running) {
  return std::any_of(running.begin(), running.end(), [&](const auto& jail) {
    const auto is_around_it = [&](const auto& other) { return is_around(project, other); };
    return jail.starting && (std::any_of(jail.projects.begin(), jail.projects.end(), is_around_it) ||
                             std::any_of(jail.elsewhere.begin(), jail.elsewhere.end(), is_around_it));
  });
}

}  // namespace jailed::plan
