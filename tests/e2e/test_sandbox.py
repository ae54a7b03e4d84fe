"""--sandbox on real engines: what they know, what they do not, and a jail with a kernel of its own."""
import os
import shutil
import signal
import subprocess

import pytest

from support.jail import ENGINE, GVISOR, wait_for

pytestmark = [pytest.mark.side_by_side]


@pytest.fixture
def gvisor(engine):
    """The variable that puts a jail into gVisor, where docker knows it."""
    if engine.client != "docker":
        pytest.skip("docker's daemon is the one that was given runsc")
    if '"runsc"' not in engine.run("info", "--format", "{{json .Runtimes}}").stdout:
        pytest.skip("docker knows no runsc: scripts/engine start docker-runsc")
    return {"JAILED_SANDBOX": "runsc"}


def test_a_runtime_that_the_engine_does_not_know_is_said_with_the_next_step(host):
    result = host.jail("true", options=["--sandbox", "no-such-runtime"])
    name = "Docker" if host.engine.client == "docker" else "Podman"
    assert result.status == 125 and result.out == b""
    assert f"[jailed] {name} knows no OCI runtime 'no-such-runtime' (asked for by --sandbox)." in result.errors
    assert not host.jails()


@pytest.mark.skipif(GVISOR, reason="another runtime is what is tested here")
def test_a_runtime_that_the_engine_knows(host):
    if shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        pytest.skip("no runc here")
    assert host.jail("echo", "here", options=["--sandbox", "runc"]).ok().text == "here\n"


def test_in_gvisor_another_kernel_answers(host, gvisor):
    release = host.jail("uname", "-r", env=gvisor).ok().text.strip()
    assert release == "4.4.0" != os.uname().release  # what gVisor says of itself


def test_in_gvisor_files_are_the_callers_and_commits_come_home(host, gvisor):
    project = host.project()
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "safe.directory=*", "-C", str(project)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(host.caller.argv([*git, *words]), check=True, env=host.environment)
    script = "git config user.name B; git config user.email b@example.org; echo x >made && git add made && git commit -qm from-the-jail && touch ~/.claude/kept"
    result = host.sh(script, env=gvisor).ok()
    made = (project / "made").stat()
    assert (made.st_uid, made.st_gid) == (host.caller.uid, host.caller.gid)
    assert (host.config / "agents/claude/kept").stat().st_uid == host.caller.uid
    assert "came home" in result.errors
    log = subprocess.run(host.caller.argv([*git, "log", "--format=%s"]), check=True, env=host.environment, capture_output=True, text=True).stdout
    assert log.split() == ["from-the-jail", "first"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_in_gvisor_the_jail_ends_with_jailed(host, gvisor, number):
    jail = host.start("sleep 100", env=gvisor)
    assert len(host.jails()) == 1
    jail.signal(number)
    host.wait_until_no_jail(20)
    wait_for("its watch is gone", lambda: not [line for line in host.processes() if "__death-watch" in line], 15)
    if number == signal.SIGKILL:
        host.jail("true").ok()  # takes the session away


@pytest.mark.skipif(ENGINE != "docker", reason="once is enough")
def test_in_gvisor_a_status_comes_through(host, gvisor):
    assert host.sh("exit 7", env=gvisor).status == 7
    assert host.jail("no-such-command", env=gvisor).status == 127
