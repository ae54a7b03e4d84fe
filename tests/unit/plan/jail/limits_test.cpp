#include <catch.hpp>
#include <jailed/plan/jail/limits.hpp>

using namespace jailed;
using namespace jailed::plan;

namespace {

Engine rootless(const UserCgroup& cgroup) {
  return {EngineKind::podman, "/usr/bin/podman", true, limit_support(cgroup)};
}

std::string notice(const UserCgroup& cgroup, const core::Settings& settings = {}) {
  return limits_notice(rootless(cgroup), cgroup, settings).value_or("");
}

}  // namespace

TEST_CASE("what a user's engine can limit", "[plan]") {
  CHECK(limit_support({}) == LimitSupport{false, false, false});
  // A name of version 1 does not count, nor does half a word.
  CHECK(limit_support({false, "cpu memory pids"}) == LimitSupport{false, false, false});
  CHECK(limit_support({true, "cpu memory pids\n"}) == LimitSupport{true, true, true});
  CHECK(limit_support({true, "cpuset io memory"}) == LimitSupport{true, false, false});
  CHECK(limit_support({true, ""}) == LimitSupport{false, false, false});
}

TEST_CASE("the line on limits that cannot hold names them, and the fix", "[plan]") {
  CHECK(notice({}) ==
        "Rootless podman cannot limit a jail's memory here: that takes cgroup v2. Fix: boot with "
        "systemd.unified_cgroup_hierarchy=1");
  CHECK(notice({true, "memory"}).empty());  // processes have their ulimit
  CHECK(notice({true, "pids"}) ==
        "Rootless podman cannot limit a jail's memory here: systemd does not delegate them to you. Fix: "
        "Delegate=cpu memory pids for user@.service (man systemd.resource-control)");
  CHECK(notice({true, "cpu memory pids"}).empty());
  core::Settings settings;
  CHECK(notice({true, "memory pids"}, settings).empty());
  settings.cpus = "2";
  CHECK(
      notice({true, "memory pids"}, settings).starts_with("Rootless podman cannot limit a jail's CPUs here"));
  CHECK(notice({true, "pids"}, settings)
            .starts_with("Rootless podman cannot limit a jail's memory and CPUs here"));
}
