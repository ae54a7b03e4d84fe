"""The process that jailed is: started by cron, a CI runner, `ssh -T` or a careless script, on a machine that is full."""
import signal
import subprocess
import time

import pytest
from harness import exit_code, wait_until


def started_by(host, wrapper: list, *args) -> list:
    """The command line of jailed, which these words start in its place."""
    words = host.command(*args)
    at = words.index(str(host.binary))
    return [*words[:at], *map(str, wrapper), *words[at:]]


def run(host, wrapper: list, *args, **more) -> subprocess.CompletedProcess:
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run(started_by(host, wrapper, *args), env=host.env, cwd=host.project, text=True, timeout=20, check=False, **more)


def sh(before: str) -> list:
    return ["/bin/bash", "-c", f'{before}; exec "$@"', "sh"]


# --- descriptors ------------------------------------------------------------------------------------------------------

# What reaches the lease after its first byte, a 0 for process 1, would be signals to the jail.
WATCH_LEASE = """/usr/bin/timeout 0.4 /bin/cat "$lease" >"$fake/signals" & /bin/ls -l /proc/$$/fd >"$fake/descriptors"
echo words; echo more words >&2; wait; exit 4"""


@pytest.mark.parametrize("closed", ["0", "1", "2", "01", "02", "12", "012"])
def test_closed_descriptors_never_become_the_lease(host, closed):
    host.fakes.on("run", WATCH_LEASE)
    result = run(host, sh(f"exec {' '.join(f'{fd}>&-' for fd in closed)}"), "--git", "none", ".")
    assert result.returncode == 4
    assert (host.fakes.directory / "signals").read_bytes() == b"\0"
    assert result.stdout == ("" if "1" in closed else "words\n")
    assert ("more words" in result.stderr) == ("2" not in closed)
    assert {f" {fd} -> " for fd in "012"} <= {f" {fd} -> " for fd in "012" if f" {fd} -> " in (host.fakes.directory / "descriptors").read_text()}
    assert host.sessions == []


def test_a_caller_that_left_hundreds_of_descriptors_open_gives_none_of_them_away(host):
    host.fakes.on("run", '/bin/ls /proc/$$/fd >"$fake/descriptors"; exit 4')
    result = run(host, sh("for fd in {20..500}; do eval \"exec $fd</dev/null\"; done"), ".")
    assert (result.returncode, result.stderr) == (4, "")
    assert not {int(fd) for fd in (host.fakes.directory / "descriptors").read_text().split()} & set(range(20, 501))


@pytest.mark.parametrize("soft", [8, 16])
def test_a_low_soft_limit_of_open_files_is_raised(host, soft):
    host.fakes.on("run", "exit 4")
    assert run(host, ["/usr/bin/prlimit", f"--nofile={soft}:4096", "--"], ".").returncode == 4


@pytest.mark.parametrize("most", [6, 12, 24])
def test_too_few_open_files_are_said_before_anything_is_done(host, most):
    result = run(host, ["/usr/bin/prlimit", f"--nofile={most}:{most}", "--"], ".")
    assert result.returncode == 125
    assert result.stderr.splitlines() == ["[jailed] Too few files may be open at once: Too many open files.",
                                          "[jailed]   allow more: ulimit -n 1024"]  # fmt: skip
    assert host.fakes.calls == [] and not host.config.exists()


def test_as_many_as_it_says_are_enough(host):
    host.fakes.on("run", "exit 4")
    assert run(host, ["/usr/bin/prlimit", "--nofile=64:64", "--"], ".").returncode == 4


# --- signals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["ignore", "block"])
@pytest.mark.parametrize("name", ["CHLD", "HUP", "TERM", "INT"])
def test_signals_that_the_caller_has_ignored_or_blocked_change_nothing(host, how, name):
    # The error output closes first: nothing but the signal tells of the end.
    host.fakes.on("run", "exec 2>&-; sleep 0.2; exit 4")
    assert run(host, ["/usr/bin/env", f"--{how}-signal={name}"], ".").returncode == 4
    assert host.sessions == []


def test_term_ends_a_jail_whose_caller_had_it_blocked(host):
    host.fakes.on("run", 'byte=$(/usr/bin/head -c 2 <"$lease" | /usr/bin/tail -c 1 | /usr/bin/od -An -tu1); note $byte; exit 143')
    child = subprocess.Popen(started_by(host, ["/usr/bin/env", "--block-signal=TERM"], "."), env=host.env, cwd=host.project,
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    wait_until(lambda: host.fakes.called("run"))
    time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 143
    assert host.fakes.notes == ["15"]


# --- who starts it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unset", [["TERM"], ["TERM", "LANG", "TZ"]])
def test_a_session_without_a_terminal_and_with_hardly_a_variable(host, unset):
    """As cron, systemd and a CI runner start it."""
    host.fakes.on("run", '/bin/cat; echo words; echo more >&2; exit 4')
    words = ["/usr/bin/setsid", "--wait", "/usr/bin/env", *(f"--unset={name}" for name in unset)]
    result = run(host, words, ".", stdin=None, input="typed\n")
    assert (result.returncode, result.stdout, result.stderr) == (4, "typed\nwords\n", "more\n")


def test_without_a_home_it_is_one_message(host):
    result = run(host, ["/usr/bin/env", "--unset=HOME"], ".")
    assert result.returncode in (2, 125) and result.stderr.startswith("[jailed] ") and host.fakes.calls == []


# --- a full machine ---------------------------------------------------------------------------------------------------


def test_no_room_for_a_process_is_said_in_one_line(host):
    result = run(host, ["/usr/bin/prlimit", "--nproc=0:0", "--"], ".")
    assert result.returncode == 125
    first, *rest = result.stderr.splitlines()
    assert first.endswith("Resource temporarily unavailable.") and first.startswith("[jailed] Cannot run "), result.stderr
    assert [line for line in rest if "ulimit -u" in line] == rest and len(rest) == 1
    assert host.sessions == []


def test_a_daemon_that_holds_an_engines_output_keeps_nobody_waiting(host):
    host.fakes.on("ps", "/usr/bin/sleep 15 & exit 0")
    began = time.monotonic()
    assert host.run("ls").code == 0
    assert time.monotonic() - began < 8


# --- processes beside jailed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words, status", [
    (["__socket-proxy"], 125),
    (["__socket-proxy", "/absent", "/absent", "x", "1", "1", "-", "-", "-", "-"], 125),
    (["__death-watch"], 2),
    (["__follow-changes"], 2),
    (["__follow-changes", "/absent", "/absent", "c", "s", "/absent"], 125),
])  # fmt: skip
def test_what_goes_wrong_in_one_of_them_is_a_message_and_a_status(host, words, status):
    result = host.run(*words)
    assert result.code == status
    assert status == 2 or len((result.out + result.err).splitlines()) == 1


# --- the terminal -----------------------------------------------------------------------------------------------------

MODES = r"printf '\033[?1000h\033[?1049h\033[?25l\033[?2004h\033[?1h\033=\033[2;5r\033[31m'"
TAKEN_BACK = ["?1000l", "?1002l", "?1003l", "?1006l", "?1004l", "?2004l", "?1049l", "?25h", "?1l", "r", "0m", "<99u"]


def output_at_a_terminal(host, *args, env: dict | None = None) -> tuple[int, str]:
    child = host.terminal(*args, env=env)
    child.expect("\\[31m")
    code = exit_code(child)
    return code, child.before


@pytest.mark.parametrize("end, status", [("exit 137", 137), ("exit 139", 139), ("kill -9 $$", 137), ("exit 125", 125)])
def test_what_a_killed_program_set_in_the_terminal_is_taken_back(host, end, status):
    host.fakes.on("run", f"{MODES}; {end}")
    code, after = output_at_a_terminal(host, ".")
    assert code == status
    assert [mode for mode in TAKEN_BACK if f"\x1b[{mode}" not in after] == []
    # Entered first, so that leaving it moves no cursor where it was left already.
    assert after.index("\x1b[?1049h") < after.index("\x1b[?1049l")


@pytest.mark.parametrize("end, env", [("exit 0", {}), ("exit 1", {}), ("exit 137", {"TERM": "dumb"})])
def test_a_program_that_ended_by_itself_has_its_terminal_left_alone(host, end, env):
    host.fakes.on("run", f"{MODES}; {end}")
    assert "\x1b" not in output_at_a_terminal(host, ".", env=env)[1].replace("\x1b[33m", "").replace("\x1b[m", "")


def test_the_consoles_terminal_gets_only_what_it_knows(host):
    host.fakes.on("run", f"{MODES}; exit 137")
    after = output_at_a_terminal(host, ".", env={"TERM": "linux"})[1]
    assert "\x1b[?25h" in after and "\x1b[<" not in after and "1049" not in after


def test_without_a_terminal_nothing_is_sent(host):
    host.fakes.on("run", "exit 137")
    result = host.run(".")
    assert result.code == 137 and "\x1b" not in result.out + result.err


def test_the_terminal_of_who_entered_a_jail_is_taken_back(host):
    name = host.run("--detach", ".").out.strip()
    host.fakes.on("exec", f"{MODES}; exit 137")
    code, after = output_at_a_terminal(host, "exec", name, "--", "x")
    assert code == 137 and "\x1b[?1049l" in after and "\x1b[?1000l" in after


# --- why it ended -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine, events, says, never", [
    ("docker", "echo oom", "ran out of memory (limit 1 GiB", "If that was"),
    ("docker", "[ ! -e $fake/asked ] || echo oom; : >$fake/asked", "ran out of memory", "If that was"),
    ("docker", "exit 0", "If that was for want of memory: the limit is 1 GiB", "ran out"),
    ("docker", "exit 1", "If that was for want of memory: the limit is 1 GiB", "ran out"),
    ("podman", "echo oom", "If that was for want of memory", "ran out"),
])  # fmt: skip
def test_no_more_is_said_of_a_kill_than_is_known(new_host, engine, events, says, never):
    host = new_host(engine)
    host.fakes.on("run", "exit 137")
    host.fakes.on("events", events)
    result = host.run("--memory", "1g", ".")
    assert result.code == 137
    assert says in result.err and never not in result.err, result.err
    assert len(result.err.splitlines()) == 1


def test_docker_is_asked_only_after_a_kill(host):
    for code in (0, 1, 125, 130, 143):
        host.fakes.on("run", f"echo x >&2; exit {code}")
        host.run(".")
    assert host.fakes.called("events") == []


def test_what_jailed_ended_itself_is_not_called_a_kill_by_others(host):
    host.fakes.on("run", 'byte=$(/usr/bin/head -c 2 <"$lease" | /usr/bin/tail -c 1); exit 137')
    host.fakes.on("events", "echo oom")
    child = host.start(".")
    wait_until(lambda: host.fakes.called("run"))
    time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=10)
    assert (child.returncode, err) == (137, b"")


def test_a_client_that_was_killed_is_said(host):
    host.fakes.on("run", "kill -9 $$")
    result = host.run(".")
    assert result.code == 137 and "docker's client was killed" in result.err


@pytest.mark.parametrize("words", [
    'time="2026-11-26T17:00:00Z" level=error msg="error waiting for container: unexpected EOF"',
    'time="2026-11-26T17:00:00Z" level=error msg="error waiting for container: "',
])  # fmt: skip
def test_an_engine_that_went_away_is_not_a_jail_that_could_not_start(host, words):
    host.fakes.on("run", f"echo '{words}' >&2; exit 125")
    result = host.run(".")
    assert result.code == 125
    assert "Docker's daemon went away while the jail ran" in result.err and "could not start" not in result.err
    assert len(host.fakes.called("run")) == 1
