"""--sandbox, --profile and --cache: what the engine is asked for, and what is made for it."""
import json
import os

import pytest

DOCKER_28 = "docker: Error response from daemon: unknown or invalid runtime name: nosuch\n\nRun 'docker run --help' for more information\n"
DOCKER_20 = "docker: Error response from daemon: Unknown runtime specified nosuch.\nSee 'docker run --help'.\n"
PODMAN_4 = 'Error: default OCI runtime "nosuch" not found: invalid argument\n'


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_runtime_is_asked_for_by_one_call(new_host, engine):
    host = new_host(engine)
    assert host.run("--sandbox", "runc", ".").code == 0
    (call,) = host.fakes.calls
    where = {"docker": ["run", "--runtime", "runc"], "podman": ["--runtime", "runc", "run"]}[engine]
    assert call.args[:3] == where
    assert "/etc/jailed/lease" in call.mounts


@pytest.mark.parametrize("engine, text", [("docker", DOCKER_20), ("docker", DOCKER_28), ("podman", PODMAN_4)])
def test_a_runtime_that_the_engine_does_not_know(new_host, engine, text):
    host = new_host(engine)
    (host.fakes.directory / "answer").write_text(text)
    for subcommand in ("run", "--runtime"):  # podman's own option comes first
        host.fakes.on(subcommand, '/bin/cat "$fake/answer" >&2; exit 125')
    result = host.run(".", env={"JAILED_SANDBOX": "nosuch"})
    name = engine.capitalize()
    assert result.code == 125
    assert result.err.startswith(f"[jailed] {name} knows no OCI runtime 'nosuch' (asked for by JAILED_SANDBOX).\n[jailed]   ")
    assert len(host.fakes.calls) == 1 and host.sessions == []


@pytest.mark.parametrize("bad", ["--privileged", "a b", "", "../runc"])
def test_what_cannot_be_a_runtime_asks_no_engine(host, bad):
    result = host.run(f"--sandbox={bad}", ".")
    assert result.code == 2 and "--sandbox" in result.err
    assert host.fakes.calls == []


def test_a_kernel_of_its_own_gets_no_lease_and_clone3(host):
    host.fakes.on("run", 'for word; do case $word in seccomp=*) /bin/cp "${word#seccomp=}" "$fake/profile" ;; esac; done')
    assert host.run("--sandbox", "runsc", ".").code == 0
    (call,) = host.fakes.calls
    assert "/etc/jailed/lease" not in call.mounts
    with_gvisor = (host.fakes.directory / "profile").read_text()
    host.run(".")
    assert with_gvisor != (host.fakes.directory / "profile").read_text()


def test_when_jailed_is_killed_its_watch_removes_the_jail(host):
    """No lease holds there: a process beside jailed calls the engine instead."""
    import signal
    import time

    host.fakes.on("run", "echo $$ >$fake/pid; note up; exec /bin/sleep 30")
    host.fakes.on("rm", "kill $(cat $fake/pid)")
    child = host.start("--sandbox", "runsc", ".")
    deadline = time.monotonic() + 10
    while not host.fakes.notes and time.monotonic() < deadline:
        time.sleep(0.02)
    name = host.fakes.calls[0].values("--name")[0]
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=20)
    while not host.fakes.called("rm") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert host.fakes.called("rm")[0].args == ["rm", "--force", "--volumes", name]


def test_no_watch_calls_the_engine_when_all_went_well(host):
    host.run("--sandbox", "runsc", ".")
    assert [call.args[0] for call in host.fakes.calls] == ["run"]


def test_a_profile_has_directories_of_its_own(host):
    assert host.run("--profile", "clients", ".").code == 0
    (call,) = host.fakes.calls
    agents = host.config / "profiles/clients/agents"
    assert call.mounts["/home/coder/.claude"] == str(agents / "claude")
    assert call.mounts["/home/coder/.cache"] == str(host.config / "cache")
    for path in (host.config / "profiles", host.config / "profiles/clients", agents, agents / "claude"):
        assert path.stat().st_mode & 0o777 == 0o700
    assert not (host.config / "agents").exists()


def test_logins_are_copied_into_a_profile_on_request_only(host):
    host.run(".")
    shared = host.config / "agents"
    (shared / "claude/.credentials.json").write_text('{"claudeAiOauth": {"accessToken": "long-lived"}}')
    (shared / "claude/settings.json").write_text('{"hooks": {}}')
    (shared / "gh/hosts.yml").write_text("github.com:\n")
    (shared / "codex/auth.json").symlink_to("/etc/hostname")
    host.give(host.config)
    host.run("--profile", "a", ".")
    assert not (host.config / "profiles/a/agents/claude/.credentials.json").exists()
    host.run("--profile", "b", "--copy-logins", ".")
    copied = host.config / "profiles/b/agents"
    assert json.loads((copied / "claude/.credentials.json").read_text())["claudeAiOauth"]["accessToken"] == "long-lived"
    assert (copied / "gh/hosts.yml").read_text() == "github.com:\n"
    assert not (copied / "claude/settings.json").exists()
    assert not (copied / "codex/auth.json").exists()


def test_a_login_that_lives_in_one_place_only_stays_there_and_is_told(host):
    host.run(".")
    shared = host.config / "agents"
    (shared / "claude/.credentials.json").write_text('{"claudeAiOauth": {"accessToken": "A", "refreshToken": "R1"}}')
    (shared / "codex/auth.json").write_text('{"OPENAI_API_KEY": "sk-1", "tokens": {"refresh_token": "R2"}}')
    (shared / "kimi/credentials").mkdir()
    (shared / "kimi/credentials/kimi-code.json").write_text("\0 not what an agent writes")
    host.give(host.config)
    result = host.run("--profile", "b", "--copy-logins", ".")
    copied = host.config / "profiles/b/agents"
    assert not (copied / "claude/.credentials.json").exists()
    assert json.loads((copied / "codex/auth.json").read_text()) == {"OPENAI_API_KEY": "sk-1"}
    assert (copied / "codex/auth.json").stat().st_mode & 0o777 == 0o600
    assert not (copied / "kimi/credentials").exists()
    for name, way in (("Claude Code", "claude auth login"), ("Codex", "codex login --device-auth")):
        assert f"--copy-logins: {name}'s login stays where it is" in result.err and way in result.err
    assert "Kimi" not in result.err
    # Who has a login is told nothing, and it stays as it is.
    (copied / "claude/.credentials.json").write_text('{"claudeAiOauth": {"refreshToken": "R3"}}')
    host.give(host.config)
    again = host.run("--profile", "b", "--copy-logins", ".")
    assert "refresh token" not in again.err
    assert "R3" in (copied / "claude/.credentials.json").read_text()


def test_whose_cache(host):
    host.run("--cache", "project", ".")
    host.run("--cache", "none", ".")
    other = host.mkdir("other")
    host.run(other, env={"JAILED_CACHE": "project"})
    own, none, others = (call.mounts.get("/home/coder/.cache") for call in host.fakes.calls)
    assert own.startswith(str(host.config / "caches/project-")) and others.startswith(str(host.config / "caches/other-"))
    assert none is None
    assert os.path.isdir(own)


@pytest.mark.parametrize("words", [["--profile", "../x"], ["--profile", ".x"], ["--profile", "a/b"], ["--cache", "mine"], ["--copy-logins"]])
def test_what_cannot_be_meant_is_refused(host, words):
    result = host.run(*words, ".")
    assert result.code == 2 and words[0] in result.err
    assert host.fakes.calls == [] and not host.config.exists()


def test_a_profile_that_became_a_link_is_refused(host):
    host.run("--profile", "work", ".")
    victim = host.mkdir("victim")
    profile = host.config / "profiles/work"
    profile.rename(profile.with_name("moved"))
    profile.symlink_to(victim)
    host.give(host.config)
    result = host.run("--profile", "work", ".")
    assert result.code == 125 and "symbolic link" in result.err
    assert list(victim.iterdir()) == [] and len(host.fakes.calls) == 1


NO_NETWORK = {
    "20.10": "docker: Error response from daemon: network jailed-isolated not found.\n",
    "28": "docker: Error response from daemon: failed to set up container networking: network jailed-isolated not found\n",
}


@pytest.mark.parametrize("text", NO_NETWORK.values(), ids=NO_NETWORK.keys())
def test_the_isolated_network_is_made_when_it_is_not_there(host, text):
    (host.fakes.directory / "answer").write_text(text)
    host.fakes.on("run", 'if [ ! -e "$fake/made" ]; then /bin/cat "$fake/answer" >&2; exit 125; fi; exit 7')
    host.fakes.on("network", ': >"$fake/made"')
    host.give(host.fakes.directory)
    result = host.run(".")
    assert (result.code, result.err) == (7, "")
    first, create, second = host.fakes.calls
    assert create.args == ["network", "create", "--label", "jailed.network=isolated", "--opt", "com.docker.network.bridge.enable_icc=false",
                           "jailed-isolated"]
    assert first.values("--network") == second.values("--network") == ["jailed-isolated"]
    assert host.sessions == []


SPEAKS_LIKE_DOCKER = '/bin/cat "$fake/answer" >&2; note ran; exit 125'


@pytest.mark.parametrize("text", [*NO_NETWORK.values(), "Error: network jailed-isolated not found\n"])
def test_a_command_that_speaks_like_the_engine_runs_once(host, text):
    """Its process 1 has read the lease, so the words are its own: they pass, and the status is its own."""
    (host.fakes.directory / "answer").write_text(text)
    host.fakes.on("run", 'read_first() { /usr/bin/head -c 1 "$lease" >/dev/null; }; read_first; ' + SPEAKS_LIKE_DOCKER)
    result = host.run(".")
    assert (result.code, result.err) == (125, text)
    assert [call.args[0] for call in host.fakes.calls] == ["run"] and host.fakes.notes == ["ran"]


def test_its_lines_come_at_once(host):
    host.fakes.on("run", '/usr/bin/head -c 1 "$lease" >/dev/null; echo "Error: one" >&2; while [ ! -e "$fake/seen" ]; do sleep 0.05; done')
    child = host.start(".")
    assert child.stderr.readline() == b"Error: one\n"
    (host.fakes.directory / "seen").touch()
    assert child.wait(10) == 0


def test_a_command_of_an_image_without_our_init_runs_once(host):
    """Nothing reads the lease there, so the engine is asked whether the network is there."""
    (host.fakes.directory / "answer").write_text(NO_NETWORK["20.10"])
    host.fakes.on("run", SPEAKS_LIKE_DOCKER)
    host.fakes.on("network", 'case $2 in create) echo "network with name jailed-isolated already exists" >&2; exit 1;; inspect) echo 1f;; esac')
    result = host.run(".")
    assert result.code == 125 and NO_NETWORK["20.10"].strip() in result.err
    assert host.fakes.notes == ["ran"]


def test_where_it_cannot_be_made_the_engines_own_is_used_and_that_is_said(host):
    (host.fakes.directory / "answer").write_text(NO_NETWORK["20.10"])
    host.fakes.on("run", 'case " $* " in *" --network "*) /bin/cat "$fake/answer" >&2; exit 125 ;; esac; exit 0')
    host.fakes.on("network", "[ $2 = create ] || exit 1; echo 'Error response from daemon: all predefined address pools have been fully subnetted' >&2; exit 1")
    result = host.run(".")
    assert result.code == 0
    assert result.err.startswith("[jailed] The jail is on the engine's own network, where other containers can reach it: Error response")
    assert [call.values("--network") for call in host.fakes.called("run")] == [["jailed-isolated"], []]


def test_a_podman_without_slirp4netns(root_host):
    host = root_host
    host.fakes.add("podman")
    host.fakes.on("run", 'case " $* " in *" --network "*) echo "Error: could not find slirp4netns, the network namespace cannot be configured" >&2; exit 125 ;; esac')
    result = host.run("--runtime", "podman", ".")
    if "cannot be handed to a jail without root" in result.err:
        pytest.skip("no idmapped mounts here")
    assert result.code == 0 and "other containers can reach it: Error: could not find slirp4netns" in result.err
    assert [call.values("--network") for call in host.fakes.called("run")] == [["slirp4netns"], []]


def test_a_rootless_podman_has_a_network_of_each_container_s_own(new_host):
    host = new_host("podman")
    host.run(".")
    assert host.fakes.calls[0].values("--network") == []


FOREIGN = "[jailed] Image 'debian:trixie' was not built by jailed: what is in it, nobody here has looked at. The walls around it are the same.\n"


@pytest.mark.parametrize("answer, said", [("", FOREIGN), ("<no value>", FOREIGN), ("0.1.0", "")])
def test_an_image_that_jailed_did_not_build_is_said_plainly(host, answer, said):
    host.fakes.on("image", f"echo '{answer}'")
    result = host.run("--image", "debian:trixie", ".")
    assert (result.code, result.err) == (0, said)
    ask, run = host.fakes.calls
    assert ask.args[:2] == ["image", "inspect"] and ask.args[-1] == "debian:trixie"
    host.run(".")
    hardening = [word for word in run.args if word.startswith(("--read-only", "--cap-drop", "no-new-privileges", "--pids-limit"))]
    assert hardening == [word for word in host.fakes.calls[-1].args if word in hardening] != []


@pytest.mark.parametrize("annotations, code", [('{"run.oci.seccomp_bpf_data":"BgAAAAAA/38="}', 125), ('{"org.opencontainers.image.title":"t","x":"y"}', 125), ('[]', 125), ('', 125),
                                               ('{"org.opencontainers.image.title":"t"}', 0), ('{}', 0), ('null', 0)])  # fmt: skip
def test_no_image_tells_podmans_runtime_what_to_do(new_host, annotations, code):
    """Podman gives a container the annotations of its image; crun takes its filter of system calls from one of them."""
    host = new_host("podman")
    host.fakes.on("image", f"case $* in *Annotations*) echo '{annotations}';; *) echo 0.1.0;; esac")
    for image in ("debian:trixie", "example.org/team/jailed:1"):
        result = host.run("--image", image, ".")
        assert result.code == code, result.err
        assert bool(host.fakes.called("run")) == (code == 0)
        if annotations.startswith("{") and code:
            assert f"The image '{image}' has the annotation '" in result.err and "LABEL copied=yes" in result.err
    # The control: what jailed builds here is not asked about.
    assert host.run(".").code == 0


def test_docker_gives_no_container_the_annotations_of_its_image(host):
    host.fakes.on("image", "echo 0.1.0")
    assert host.run("--image", "debian:trixie", ".").code == 0
    assert [call.args[0] for call in host.fakes.calls] == ["image", "run"]


def test_an_image_by_jailed_s_name_costs_no_question(host):
    host.run("--image", "registry.example.org/team/jailed:2", ".")
    assert [call.args[0] for call in host.fakes.calls] == ["run"]
