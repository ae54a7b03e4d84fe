"""However jailed ends, the jail ends with it."""
import os
import signal
import time

import pexpect
import pytest

from support.jail import wait_for

pytestmark = [pytest.mark.side_by_side]

DEAF = "trap '' TERM HUP INT"
FOREVER = "while :; do sleep 0.1; done"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_asked_to_end(host, number):
    jail = host.start("sleep 60")
    jail.signal(number)
    assert jail.wait(10) in (-number, 128 + number)
    host.wait_until_no_jail(5)


def test_asked_again_while_it_tidies_up(host):
    jail = host.start("sleep 60")
    while jail.process.poll() is None:
        jail.signal(signal.SIGTERM)
        time.sleep(0.002)
    host.wait_until_no_jail(5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=lambda number: number.name)
def test_interrupted_from_elsewhere(host, number):
    # Background jobs of a script start with INT and QUIT ignored; this one handles them.
    jail = host.start(FOREVER, trap=f"trap 'echo {number.name} >>told; exit 9' {number.name[3:]}")
    jail.signal(number)
    assert jail.wait(10) == 9
    assert (host.project() / "told").read_text() == f"{number.name}\n"
    host.wait_until_no_jail(5)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=lambda number: number.name)
def test_interrupted_from_elsewhere_at_a_terminal(host, number):
    """Podman's client (4.3) does not pass INT on from there."""
    script = f"trap 'echo told; exit 9' {number.name[3:]}; echo ready; {FOREVER}"
    session = host.terminal(*host.bind(), "--", "bash", "-c", script)
    session.expect("ready")
    os.kill(session.pid, number)
    session.expect("told", timeout=5)
    session.expect(pexpect.EOF, timeout=15)
    session.close()
    assert session.exitstatus == 9
    host.wait_until_no_jail(5)


def test_ctrl_c_at_a_terminal_reaches_the_command_once(host):
    session = host.terminal(*host.bind(), "--", "bash", "-c", f"trap 'echo told >>told' INT; echo ready; {FOREVER}")
    session.expect("ready")
    session.sendintr()
    wait_for("the command was told", lambda: (host.project() / "told").exists(), 5)
    time.sleep(0.5)
    assert (host.project() / "told").read_text() == "told\n"


def test_a_command_may_tidy_up_when_asked_to_end(host):
    project = host.project()
    jail = host.start(FOREVER, trap="trap 'sleep 0.5; echo tidy >tidied; exit 7' TERM")
    jail.signal(signal.SIGTERM)
    jail.wait(10)
    assert (project / "tidied").read_text() == "tidy\n"


def test_killed(host):
    jail = host.start("sleep 60")
    jail.signal(signal.SIGKILL)
    jail.wait(5)
    host.wait_until_no_jail(4)
    wait_for("the engine's client is gone", lambda: not host.processes(), 3)
    host.sh("true").ok()  # sweeps


@pytest.mark.slow
def test_killed_while_the_command_is_stubborn(host):
    jail = host.start(FOREVER, trap=DEAF)
    jail.signal(signal.SIGKILL)
    jail.wait(5)
    host.wait_until_no_jail(6)
    host.sh("true").ok()  # sweeps


@pytest.mark.slow
def test_asked_to_end_while_the_command_is_stubborn(host):
    jail = host.start(FOREVER, trap=DEAF)
    jail.signal(signal.SIGTERM)
    jail.wait(30)
    host.wait_until_no_jail(5)


def test_killed_while_a_whole_tree_runs_in_the_jail(host):
    jail = host.start("for i in 1 2 3; do (setsid sleep 60 &) ; done; nohup sleep 60 >/dev/null 2>&1 & sleep 60")
    jail.signal(signal.SIGKILL)
    jail.wait(5)
    host.wait_until_no_jail(6)
    host.sh("true").ok()  # sweeps


def test_killed_right_after_the_start(host):
    for delay in (0.0, 0.05, 0.15, 0.3):
        process = host.start_unseen("sleep 60")
        time.sleep(delay)
        process.kill()
        process.wait(5)
    # Nothing may come up afterwards either.
    time.sleep(1)
    host.wait_until_no_jail(6)
    host.sh("true").ok()  # sweeps


def test_the_engine_s_client_is_killed(host):
    jail = host.start("sleep 60")
    children = [
        int(entry) for entry in os.listdir("/proc")
        if entry.isdigit() and _parent(entry) == jail.pid
    ]  # fmt: skip
    assert len(children) == 1
    os.kill(children[0], signal.SIGKILL)
    assert jail.wait(20) != 0
    host.wait_until_no_jail(6)


def _parent(pid: str) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return int(stat.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_the_command_ends_and_leaves_others_behind(host):
    result = host.sh("(setsid sleep 60 >/dev/null 2>&1 &); exit 4")
    assert result.status == 4 and result.seconds < 10
    host.wait_until_no_jail(3)


def test_the_terminal_goes_away(host):
    session = host.terminal(*host.bind(), "--", "bash", "-c", "echo ready; sleep 60")
    session.expect("ready")
    host.only_jail()
    session.ptyproc.fileobj.close()  # the kernel sends HUP
    host.wait_until_no_jail(8)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda number: number.name)
def test_ended_at_a_terminal(host, number):
    session = host.terminal(*host.bind())
    session.expect(r"\[jail:")
    os.kill(session.pid, number)
    session.expect(pexpect.EOF, timeout=15)
    host.wait_until_no_jail(8)
    host.sh("true").ok()  # sweeps
