#include <jailed/plan/engine/choose.hpp>

#include "catch.hpp"
#include "support.hpp"

using namespace jailed::plan;
using jailed::core::Error;
using jailed::core::Named;
using jailed::core::UsageError;
using jailed::test::error_of;

namespace {

constexpr auto kInstallPodman =
    "Debian, Ubuntu: sudo apt install podman    Fedora: sudo dnf install podman    macOS: brew install "
    "podman";
constexpr auto kInstallDocker =
    "Debian, Ubuntu: sudo apt install docker.io    Fedora: sudo dnf install moby-engine    macOS: brew "
    "install --cask "
    "docker";

const EnginePrograms kBoth{{{"docker", "/usr/bin/docker"}, {"podman", "/usr/bin/podman"}}, {}};

}  // namespace

TEST_CASE("podman comes before docker, and is rootless unless root calls", "[plan]") {
  CHECK(choose_engine({}, kBoth, false) == Engine{EngineKind::podman, "/usr/bin/podman", true});
  CHECK(choose_engine({}, kBoth, true) == Engine{EngineKind::podman, "/usr/bin/podman", false});
  CHECK(choose_engine({}, {{{"docker", "/usr/bin/docker"}}, {}}, false) ==
        Engine{EngineKind::docker, "/usr/bin/docker", false});
  CHECK(choose_engine({}, {{{"podman", "/usr/bin/podman"}}, {}}, false) ==
        Engine{EngineKind::podman, "/usr/bin/podman", true});
}

TEST_CASE("no engine at all says how to get one", "[plan]") {
  CHECK(error_of([] { choose_engine({}, {}, false); }) ==
        Error("Neither 'docker' nor 'podman' found in PATH.", kInstallPodman));
}

TEST_CASE("a named engine is the one, whatever else is there", "[plan]") {
  CHECK(choose_engine(Named{"docker", "--runtime"}, kBoth, false) ==
        Engine{EngineKind::docker, "/usr/bin/docker", false});
  CHECK(choose_engine(Named{"podman", "JAILED_RUNTIME"}, kBoth, true) ==
        Engine{EngineKind::podman, "/usr/bin/podman", false});
  CHECK(choose_engine(Named{"/opt/x/podman", "--runtime"}, {{}, "/opt/x/podman"}, false) ==
        Engine{EngineKind::podman, "/opt/x/podman", true});
  CHECK(choose_engine(Named{"/opt/x/docker", "--runtime"}, {{}, "/opt/x/docker"}, false) ==
        Engine{EngineKind::docker, "/opt/x/docker", false});
}

TEST_CASE("a named engine that is not there says who named it", "[plan]") {
  CHECK(error_of([] {
          choose_engine(Named{"docker", "JAILED_RUNTIME"}, {{{"podman", "/usr/bin/podman"}}, {}}, false);
        }) == Error("'docker' not found in PATH (asked for by JAILED_RUNTIME).", kInstallDocker));
  CHECK(error_of([] {
          choose_engine(Named{"podman", "--runtime"}, {{{"docker", "/usr/bin/docker"}}, {}}, false);
        }) == Error("'podman' not found in PATH (asked for by --runtime).", kInstallPodman));
  CHECK(error_of([] {
          choose_engine(Named{"/opt/x/podman", "JAILED_RUNTIME"}, kBoth, false);
        }) == Error("'/opt/x/podman' is not an executable file (asked for by JAILED_RUNTIME).",
                    "unset JAILED_RUNTIME, or name docker or podman"));
}

TEST_CASE("a name that is no engine's is wrong usage, even when such a program exists", "[plan]") {
  CHECK(error_of([] {
          choose_engine(Named{"nerdctl", "--runtime"}, kBoth, false);
        }) == UsageError("--runtime: unknown container runtime 'nerdctl'.",
                         "name docker, podman, or a path to one"));
  CHECK(error_of([] {
          choose_engine(Named{"/bin/sh", "JAILED_RUNTIME"}, {{}, "/bin/sh"}, false);
        }) == UsageError("JAILED_RUNTIME: '/bin/sh' is neither a docker nor a podman.",
                         "name docker, podman, or a path to one"));
  CHECK(error_of([] {
          choose_engine(Named{"a\x1b[31m", "--runtime"}, kBoth, false);
        }) == UsageError("--runtime: unknown container runtime 'a\\033[31m'.",
                         "name docker, podman, or a path to one"));
}

TEST_CASE("a docker that hands on to podman", "[plan]") {
  // Debian's podman-docker, and Fedora's.
  CHECK(hands_on_to(
      "#!/bin/sh\n[ -e /etc/containers/nodocker ] || \\\necho \"Emulate Docker CLI using podman. "
      "Create /etc/containers/nodocker to quiet msg.\" >&2\nexec /usr/bin/podman \"$@\"\n",
      "podman"));
  CHECK(hands_on_to("#!/usr/bin/bash\npodman \"$@\"", "podman"));
  for (const auto* text : {"",
                           "\x7f"
                           "ELF podman \"$@\"",
                           "#!/bin/sh\n# not: exec podman \"$@\"\nexec /usr/bin/docker.real \"$@\"\n",
                           "#!/bin/sh\npodman ps\nexec docker-ce \"$@\"\n", "exec podman \"$@\"\n"})
    CHECK_FALSE(hands_on_to(text, "podman"));
}
