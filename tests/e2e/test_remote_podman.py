"""Jails on podman's service as if it were on another machine: it sees no file of the tests and is reached by a port."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from support.git import Repository
from support.jail import ENGINE, IMAGE, IS_ROOT, Host
from support.sync import Synced

pytestmark = [pytest.mark.side_by_side, pytest.mark.xdist_group("far")]  # one engine for all

COMMIT = "echo new >new && git add new && git commit -qm 'from the jail'"
# keyctl(2) of nothing, socket(2) of AF_VSOCK, unshare(2) of a user namespace: what podman's own profile lets through.
PROBE = "perl -e 'for ([250, 0, 0], [41, 40, 1, 0], [272, 0x10000000]) { my ($n, @a) = @$_; $! = 0; syscall($n, @a); print $!{EPERM} ? 1 : 0 }'"


@pytest.fixture(scope="module")
def service(engine, tmp_path_factory):
    if ENGINE != "podman" or not IS_ROOT:
        pytest.skip("needs podman as root: its service is made blind by a mount namespace of its own")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    # Network namespaces are mounts below /run/netns. Shared as podman itself would have it: what is mounted there by the service is
    # there for all, or `podman ps` of everybody else fails.
    subprocess.run(["sh", "-ec", "mkdir -p /run/netns; findmnt /run/netns >/dev/null || { mount --bind /run/netns /run/netns; mount --make-shared /run/netns; }"], check=True)
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "unchanged", "sh", "-ec",
         'mount --make-private "$(findmnt -no TARGET -T /tmp)"; mount -t tmpfs none /tmp; '
         f"exec podman system service --time=0 tcp:127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **engine.environment})  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield f"tcp://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def far(service, engine, mutagen):
    host = Host.create(engine)
    made = Synced(host, mutagen)
    host.environment["CONTAINER_HOST"] = service
    yield made
    for data in (host.root / "state/jailed").glob("mutagen-podman*"):
        made.data = data
        made.client("daemon", "stop", check=False)
    made.close()
    left = host.close()
    assert not left, "left over: " + "\n".join(left)


def nothing_left(far) -> None:
    far.host.wait_until_no_jail(10)
    assert far.volumes() == []
    sessions = far.host.config / "sessions"
    assert not sessions.exists() or list(sessions.iterdir()) == []


def test_control_the_service_sees_nothing_of_ours(engine, far, service):
    (far.project / "mine").write_text("x")
    words = ("run", "--rm", "--network", "none", "--entrypoint", "/bin/ls", "--mount", f"type=bind,source={far.project},target=/seen", IMAGE, "-A", "/seen")
    assert engine.run(*words).stdout.split() == ["mine"]
    client = subprocess.run(["podman", "--url", service, *words], capture_output=True, text=True, env={**os.environ, **engine.environment})
    assert client.returncode != 0 and "no such file or directory" in client.stderr


def test_work_commits_and_state_come_home(far):
    repo = Repository(far.host, far.project)
    result = far.run(f"set -e; id -u; git log --format=%s; {COMMIT}; echo state >~/.claude/state; exit 5")
    assert (result.status, result.text) == (5, "1000\nfirst\n"), result.errors
    assert repo.git("log", "-1", "--format=%s") == "from the jail" and repo.status() == ""
    assert (far.host.config / "agents/claude/state").read_text() == "state\n"
    nothing_left(far)


def test_the_filter_of_system_calls_is_jailed_s(far):
    """By the image's label; and podman's own, as a control, lets all three through."""
    assert far.run(PROBE).ok().text == "111"
    assert far.host.run("--seccomp", "default", far.project, "--", "bash", "-c", PROBE).ok().text == "000"
    nothing_left(far)


def test_killed(far):
    process = far.ready("echo work >work; echo done; exec sleep 60")
    assert process.stdout.readline() == b"done\n"
    process.kill()
    process.wait()
    far.host.wait_until_no_jail(10)
    assert len(far.volumes()) == 1
    assert far.run("cat work").ok().text == "work\n"
    nothing_left(far)
