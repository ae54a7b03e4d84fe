#include <fmt/format.h>

#include <jailed/core/command.hpp>
#include <jailed/core/error.hpp>
#include <jailed/plan/beside.hpp>
#include <jailed/plan/project.hpp>

namespace jailed::plan {

void check_beside(const std::string& project, bool mounted_parts, const std::vector<RunningBeside>& running) {
  for (const auto& jail : running) {
    for (const auto& other : jail.projects) {
      if (!is_within(project, other) || (project == other && !mounted_parts)) continue;
      const auto what = project == other ? std::string("it has submodules and is in the jail")
                                         : fmt::format("it lies in {}, which is in the jail", core::printable(other));
      throw core::Error(
          fmt::format("Will not put {} into a jail: {} {}, and what works there could put something else in its place.",
                      core::printable(project), what, jail.name),
          fmt::format("work in that one: jailed shell {0}\nor end it first: jailed stop {0}", core::shell_quote(jail.name)));
    }
  }
}

}  // namespace jailed::plan
