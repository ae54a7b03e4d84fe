#include <catch.hpp>
#include <jailed/plan/jail/selinux.hpp>
#include <support.hpp>

using namespace jailed;
using namespace jailed::plan;
using Words = std::vector<std::string>;

namespace {

Engine enforcing(EngineKind kind) {
  return {kind, kind == EngineKind::docker ? "/usr/bin/docker" : "/usr/bin/podman", false, {}, true};
}
const Engine kPodman = enforcing(EngineKind::podman);
const Engine kDocker = enforcing(EngineKind::docker);
const Engine kElsewhere{EngineKind::podman, "/usr/bin/podman"};

Words binds(const Engine& engine, const std::vector<BindMount>& mounts) {
  Words args;
  add_binds(args, engine, mounts);
  return args;
}

std::string refusal(const Engine& engine, const std::string& path) {
  return test::message_of([&] { check_label(engine, path, "/home/me"); });
}

}  // namespace

TEST_CASE("a mount is relabelled only where SELinux enforces", "[plan]") {
  const std::vector<BindMount> mounts = {{"/s/passwd", "/etc/passwd", true}, {"/a,b", "/workspace"}};
  CHECK(binds(kElsewhere, mounts) == Words{"--mount",
                                           "type=bind,source=/s/passwd,target=/etc/passwd,readonly",
                                           "--mount", "type=bind,\"source=/a,b\",target=/workspace"});
  CHECK(binds(kPodman, mounts) ==
        Words{"--mount", "type=bind,source=/s/passwd,target=/etc/passwd,readonly,relabel=shared", "--mount",
              "type=bind,\"source=/a,b\",target=/workspace,relabel=shared"});
  CHECK(binds(kDocker, mounts) ==
        Words{"--volume", "/s/passwd:/etc/passwd:ro,z", "--volume", "/a,b:/workspace:z"});
}

TEST_CASE("the system's files and an engine's socket are never relabelled", "[plan]") {
  CHECK(binds(kPodman, {{"/usr/share/git/objects", "/x", true}}) ==
        Words{"--mount", "type=bind,source=/usr/share/git/objects,target=/x,readonly"});
  CHECK(binds(kPodman, {{"/run/jailed/0123/workspace", "/workspace"}}) ==
        Words{"--mount", "type=bind,source=/run/jailed/0123/workspace,target=/workspace,relabel=shared"});
  const std::vector<BindMount> with_socket = {{"/p", "/workspace"},
                                              {"/run/docker.sock", "/var/run/docker.sock"}};
  CHECK(binds(kDocker, with_socket) ==
        Words{"--security-opt", "label=disable", "--mount", "type=bind,source=/p,target=/workspace",
              "--mount", "type=bind,source=/run/docker.sock,target=/var/run/docker.sock"});
}

TEST_CASE("places that must keep their label are refused", "[plan]") {
  for (const auto* path : {"/", "/usr", "/usr/share/x", "/etc", "/etc/x", "/home", "/home/me", "/root",
                           "/var", "/tmp", "/home/me/.ssh", "/home/me/.config", "/boot"}) {
    CAPTURE(path);
    CHECK(refusal(kPodman, path).ends_with("must keep its own."));
    CHECK_NOTHROW(check_label(kElsewhere, path, "/home/me"));
  }
  for (const auto* path : {"/home/me/project", "/srv/project", "/tmp/x", "/home/me/.config/jailed"}) {
    CAPTURE(path);
    CHECK_NOTHROW(check_label(kPodman, path, "/home/me"));
    CHECK_NOTHROW(check_label(kPodman, path, ""));
  }
  CHECK(refusal(kDocker, "/home/me/a:b").ends_with("its name has a colon."));
  CHECK_NOTHROW(check_label(kPodman, "/home/me/a:b", "/home/me"));
}
