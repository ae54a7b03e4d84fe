"""What an engine can do on this machine, found out without a call of it: limits, other machines, SELinux, flavours."""
import json
import os

import pytest

LIMITS = ["--memory", "--memory-swap", "--cpus", "--pids-limit"]
NO_CGROUP_V2 = ("[jailed] Rootless podman cannot limit a jail's memory{} here: that takes cgroup v2. "
                "Fix: boot with systemd.unified_cgroup_hierarchy=1\n")


ALLOW = ["--allow", "system-directory", "--allow", "secret-store", "--allow", "foreign-project"]


def limits_of(call) -> list[str]:
    return [word for word in call.args if word in LIMITS]


# --- limits ----------------------------------------------------------------------------------------------


def test_limits_that_cannot_hold_are_left_out_and_that_is_said_once(kernel_host):
    host = kernel_host("podman")
    host.kernel("cgroup/cgroup.controllers", None)
    first, second = host.run("."), host.run(".")
    assert (first.code, first.err) == (0, NO_CGROUP_V2.format(""))
    assert (second.code, second.err) == (0, "")
    for call in host.fakes.calls:
        assert limits_of(call) == []
        assert "nproc=4096:4096" in call.values("--ulimit")
        assert not any(source.startswith(str(host.config / "told")) for source in call.mounts.values())
    asked = host.run("--memory", "1g", "--cpus", "2", ".")
    assert asked.err == NO_CGROUP_V2.format(" and CPUs")


def test_what_is_delegated_is_limited(kernel_host):
    host = kernel_host("podman")
    service = f"cgroup/user.slice/user-{host.caller}.slice/user@{host.caller}.service/cgroup.controllers"
    host.kernel(service, "memory pids\n")
    assert host.run(".").err == ""
    asked = host.run("--cpus", "2", ".")
    assert "cannot limit a jail's CPUs here" in asked.err and "Delegate=" in asked.err
    host.kernel(service, None)
    assert "jail's memory here" in host.run("--memory", "1g", ".").err
    assert [limits_of(call) for call in host.fakes.calls] == [
        ["--pids-limit", "--memory", "--memory-swap"], ["--pids-limit", "--memory", "--memory-swap"], []]


def test_an_engine_with_a_daemon_of_root_limits_everywhere(kernel_host):
    host = kernel_host("docker")
    host.kernel("cgroup/cgroup.controllers", None)
    assert host.run("--cpus", "2", ".").err == ""
    assert sorted(limits_of(host.fakes.calls[0])) == sorted(LIMITS)


# --- other machines --------------------------------------------------------------------------------------


def give_context(host, address: str) -> None:
    meta = host.home / ".docker/contexts/meta/0123"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": "there", "Endpoints": {"docker": {"Host": address}}}))
    (host.home / ".docker/config.json").write_text('{"currentContext": "there"}')
    host.give(host.home)


def give_podman(host, name: str, text: str) -> None:
    directory = host.home / ".config/containers"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)
    host.give(host.home)


def refused(host, **how) -> str:
    before = host.snapshot()
    result = host.run(".", **how)
    assert result.code == 125 and host.fakes.calls == [] and host.snapshot() == before
    assert "use an engine of this machine: " in result.err and "hunter2" not in result.err
    return result.err


@pytest.mark.parametrize("address, shown", [
    ("ssh://me:hunter2@there:22/x", "ssh://there:22"), ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
    ("tcp://localhost:2376", "tcp://localhost:2376"), ("http://there", "http://there")])
def test_docker_on_another_machine(host, address, shown):
    for variables in ({"DOCKER_HOST": address}, {"DOCKER_HOST": address, "DOCKER_CONTEXT": "absent"}):
        assert refused(host, env=variables) == (
            f"[jailed] DOCKER_HOST names an engine on another machine, {shown}: what a jail mounts would be "
            "that machine's files.\n"
            "[jailed]   with Mutagen they go there and come back: https://mutagen.io, without --sync bind\n"
            "[jailed]   or use an engine of this machine: unset DOCKER_HOST\n")


def test_docker_on_another_machine_with_mutagen(host):
    host.install_mutagen()
    before = host.snapshot()
    for words, said in ((("--git", "rw"), "--git rw mounts the repository of this one"), (("--testcontainers",), "ssh://there")):
        result = host.run(*words, ".", env={"DOCKER_HOST": "ssh://there"})
        assert result.code in (2, 125) and said in result.err
    assert host.fakes.calls == [] and host.snapshot() == before


def test_a_docker_context_of_another_machine(host):
    give_context(host, "ssh://there")
    assert "The docker context 'there' names" in refused(host)
    assert "The docker context 'there' names" in refused(host, env={"DOCKER_CONTEXT": "there"})
    assert host.run(".", env={"DOCKER_CONTEXT": "default"}).code == 0
    assert host.run(".", env={"DOCKER_HOST": "unix:///x/docker.sock"}).code == 0
    assert len(host.fakes.calls) == 2


def test_podman_on_another_machine(new_host):
    host = new_host("podman")
    assert "CONTAINER_HOST names" in refused(host, env={"CONTAINER_HOST": "ssh://me:hunter2@there/run/podman.sock"})
    give_podman(host, "podman-connections.json",
                json.dumps({"Connection": {"Default": "far", "Connections": {"far": {"URI": "ssh://me:hunter2@there/x"}}}}))
    assert "CONTAINER_CONNECTION names" in refused(host, env={"CONTAINER_CONNECTION": "far"})
    # A default connection counts only for a podman that is a client.
    assert host.run(".").code == 0 and len(host.fakes.calls) == 1


@pytest.mark.parametrize("where", ["containers.conf", "containers.conf.d/10-far.conf", "CONTAINERS_CONF"])
def test_podmans_default_connection_where_podman_is_a_client(new_host, where):
    host = new_host("podman")
    text = ('[containers]\nremote = false\n[engine] # here\nactive_service = "far"  # x\nremote = true\n'
            '[engine.service_destinations.far]\nuri = "tcp://there:1"\n')
    variables = {}
    if where == "CONTAINERS_CONF":
        variables = {where: str(host.mkdir("conf") / "my.conf")}
        (host.directory / "conf/my.conf").write_text(text)
    else:
        (host.home / ".config/containers/containers.conf.d").mkdir(parents=True)
        give_podman(host, where, text)
    assert "Podman's default connection 'far' names an engine on another machine, tcp://there:1" in refused(host, env=variables)


def test_a_socket_of_this_machine_is_no_other_machine(new_host):
    host = new_host("podman", "docker")
    assert host.run(".", env={"CONTAINER_HOST": "unix:///x/podman.sock", "DOCKER_HOST": "ssh://there"}).code == 0
    assert len(host.fakes.calls) == 1


def test_podmans_service_of_root_gets_no_keep_id(new_host):
    host = new_host("podman")
    host.run(".", env={"CONTAINER_HOST": "unix:///run/podman/podman.sock"})
    host.run(".", env={"CONTAINER_HOST": f"unix:///run/user/{host.caller}/podman/podman.sock"})
    assert ["--userns=keep-id" in call.args for call in host.fakes.calls] == [False, host.uid is not None or os.geteuid() != 0]


# --- flavours --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["script", "link"])
def test_a_docker_that_is_podman_is_used_as_podman(new_host, how):
    host = new_host("docker")
    script = host.fakes.bin / "docker"
    if how == "link":
        script.rename(host.fakes.bin / "podman")
        script.symlink_to("podman")
    else:  # as the package podman-docker has it
        script.rename(host.fakes.bin / "real")
        text = f'echo "Emulate Docker CLI using podman." >&2\nexec {host.fakes.bin}/podman "$@"\n'
        script.write_text("#!/bin/sh\n" + text)
        script.chmod(0o755)
        (host.fakes.bin / "podman").symlink_to("real")
    assert host.run("--runtime", "docker", ".").code == 0
    (call,) = host.fakes.calls
    if host.uid is not None:
        assert "--userns=keep-id" in call.args
    assert any(value.startswith("/run:") and "notmpcopyup" in value for value in call.values("--tmpfs"))


def test_rootless_docker_is_refused(host):
    if host.uid is None and os.geteuid() == 0:
        pytest.skip("root has no rootless docker")
    for variables in ({"DOCKER_HOST": f"unix:///run/user/{host.caller}/docker.sock"},
                      {"DOCKER_HOST": "unix:///runtime/docker.sock", "XDG_RUNTIME_DIR": "/runtime"}):
        result = host.run(".", env=variables)
        assert result.code == 125 and "is rootless: in its containers only root is you" in result.err
        assert "jailed --runtime podman" in result.err and host.fakes.calls == []
    give_context(host, f"unix:///run/user/{host.caller}/docker.sock")
    assert "docker context use default" in host.run(".").err
    asked = host.run(".", env={"DOCKER_HOST": "unix:///run/podman/podman.sock"})
    assert "points docker's client at podman's socket" in asked.err
    assert host.run(".", env={"DOCKER_HOST": "unix:///run/user/1/docker.sock"}).code == 0
    assert len(host.fakes.calls) == 1


# --- SELinux ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("enforce", ["0", "", None])
def test_no_labels_where_selinux_does_not_enforce(kernel_host, enforce):
    host = kernel_host("podman")
    host.kernel("selinux/enforce", enforce)
    host.run(".")
    assert not any("relabel" in value or "label=" in value for value in host.fakes.calls[0].args)


def test_podman_relabels_all_that_is_mounted(kernel_host):
    host = kernel_host("podman")
    host.kernel("selinux/enforce", "1")
    assert host.run(".").code == 0
    (call,) = host.fakes.calls
    assert [fields.get("relabel") for fields in call.mount_fields()] == ["shared"] * len(call.mounts)
    assert call.mounts["/workspace"] == str(host.project) and "label=disable" not in call.args


def test_docker_relabels_by_volume(kernel_host):
    host = kernel_host("docker")
    host.kernel("selinux/enforce", "1")
    assert host.run(".").code == 0
    (call,) = host.fakes.calls
    assert call.values("--mount") == []
    assert f"{host.project}:/workspace:z" in call.values("--volume")
    assert any(value.endswith(":/etc/passwd:ro,z") for value in call.values("--volume"))
    colon = host.mkdir("a:b")
    refusal = host.run(colon)
    assert refusal.code == 2 and "has a colon" in refusal.err and len(host.fakes.calls) == 1


def test_what_belongs_to_others_keeps_its_label(kernel_host):
    host = kernel_host("podman")
    host.kernel("selinux/enforce", "1")
    (host.home / ".ssh").mkdir()
    host.give(host.home)
    for place in ("/usr/share", "/etc", "/usr", "/", "/home", host.home, host.home / ".ssh"):
        result = host.run(*ALLOW, place)
        assert result.code == 2, place
        # The whole machine and the home never get in.
        assert "must keep its own" in result.err or place in ("/", "/home", host.home), result.err
    host.kernel("selinux/enforce", "0")
    assert host.run("--dry-run", *ALLOW, "/usr/share").code == 0
    assert host.fakes.calls == []


def test_an_engines_socket_is_never_relabelled(kernel_host):
    import socket

    host = kernel_host("docker")
    host.kernel("selinux/enforce", "1")
    path = host.directory / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        os.chown(path, host.caller, host.caller)
        assert host.run("--testcontainers", ".", env={"DOCKER_HOST": f"unix://{path}"}).code == 0
    (call,) = host.fakes.calls
    assert "label=disable" in call.values("--security-opt") and call.values("--volume") == []
    assert call.mounts["/var/run/docker.sock"] == str(path)
