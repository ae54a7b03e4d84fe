#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <jailed/core/text.hpp>
#include <jailed/plan/engine/traits.hpp>
#include <jailed/plan/jail/limits.hpp>
#include <vector>

namespace jailed::plan {

LimitSupport limit_support(const UserCgroup& cgroup) {
  if (!cgroup.unified) return {.memory = false, .pids = false, .cpus = false};
  LimitSupport support{.memory = false, .pids = false, .cpus = false};
  for (const auto name : core::words(cgroup.controllers)) {
    if (name == "memory") support.memory = true;
    if (name == "pids") support.pids = true;
    if (name == "cpu") support.cpus = true;
  }
  return support;
}

std::optional<std::string> limits_notice(const Engine& engine, const UserCgroup& cgroup,
                                         const core::Settings& settings) {
  std::vector<std::string_view> unlimited;
  if (!engine.limits.memory) unlimited.emplace_back("memory");
  // Processes are limited by a ulimit all the same, see run_command.
  if (!engine.limits.cpus && settings.cpus) unlimited.emplace_back("CPUs");
  if (unlimited.empty()) return std::nullopt;
  return fmt::format("Rootless {} cannot limit a jail's {} here: {}",
                     traits_of(engine).name, fmt::join(unlimited, " and "),
                     cgroup.unified
                         ? "systemd does not delegate them to you. Fix: Delegate=cpu memory pids for "
                           "user@.service (man systemd.resource-control)"
                         : "that takes cgroup v2. Fix: boot with systemd.unified_cgroup_hierarchy=1");
}

}  // namespace jailed::plan
