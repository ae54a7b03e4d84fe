"""The jail at a terminal: a shell as usual, through a real pty."""
import re
import time

import pexpect
import pytest

from support.jail import wait_for

COLOURS = r"(?:\x1b\[[0-9;]*m)*"
PROMPT = rf"\[jail[^\]]*\][^\r\n]*%{COLOURS} "


@pytest.fixture
def shell(host):
    """zsh -l in a jail, at its prompt."""
    session = host.terminal(*host.bind())
    session.expect(PROMPT)
    yield session
    if session.isalive():
        session.sendline("")
        session.sendline("exit 0")
        session.expect(pexpect.EOF)


def status_of(session) -> int:
    session.expect(pexpect.EOF)
    session.close()
    return session.exitstatus if session.exitstatus is not None else 128 + session.signalstatus


def test_a_prompt_that_says_jail_and_the_shell_s_own_status(host):
    session = host.terminal(*host.bind())
    session.expect(PROMPT)
    session.sendline("echo $((6 * 7)) $0 $PWD; [[ -o login ]] && echo log''in")
    session.expect(rf"42 -?zsh {host.project()}\r\n")
    session.expect("login")
    session.sendline("exit 7")
    assert status_of(session) == 7


def test_no_questions_at_the_first_start(shell):
    shell.sendline("echo at''once")
    shell.expect("atonce")


def test_ctrl_c_ends_the_command_and_not_the_jail(shell):
    shell.sendline("echo run''ning; sleep 60")
    shell.expect("running")
    time.sleep(0.3)
    began = time.monotonic()
    shell.sendintr()
    shell.expect(PROMPT)
    assert time.monotonic() - began < 3
    shell.sendline("echo status $?")
    shell.expect("status 130")


def test_ctrl_c_reaches_the_command_exactly_once(host):
    script = "trap 'n=$((n+1)); echo got $n' INT; echo ready; while :; do sleep 0.2; done"
    session = host.terminal(*host.bind(), "--", "bash", "-c", script)
    session.expect("ready")
    session.sendintr()
    session.expect("got 1")
    assert session.expect(["got 2", pexpect.TIMEOUT], timeout=1.5) == 1
    session.sendintr()
    session.expect("got 2")


def test_ctrl_c_is_the_status_of_a_command_that_it_ends(host):
    session = host.terminal(*host.bind(), "--", "sh", "-c", "echo ready; exec sleep 60")
    session.expect("ready")
    time.sleep(0.3)
    session.sendintr()
    assert status_of(session) == 130


def test_a_killed_program_leaves_the_terminal_as_it_was(host):
    script = "stty raw -echo; printf '\\033[?1000h\\033[?1049h\\033[?25lmodes set'; sleep 0.2; kill -9 $$"
    session = host.terminal(*host.bind(), "--", "bash", "-c", script)
    session.expect("modes set")
    assert status_of(session) == 137
    assert [mode for mode in ("1000l", "1049l", "25h", "2004l") if f"\x1b[?{mode}" not in session.before] == []


def test_ctrl_z_and_back(shell):
    shell.sendline("echo re''ady; cat")
    shell.expect("ready")
    time.sleep(0.3)
    shell.sendline("first")
    shell.expect("first\r\nfirst")
    shell.sendcontrol("z")
    shell.expect("suspended")
    shell.expect(PROMPT)
    shell.sendline("jobs")
    shell.expect(r"\[1\].*suspended.*cat")
    shell.sendline("fg")
    shell.expect("continued")
    shell.sendline("second")
    shell.expect("second\r\nsecond")
    shell.sendeof()
    shell.expect(PROMPT)


def test_background_jobs(shell):
    shell.sendline("sleep 30 &")
    shell.expect(r"\[1\] \d+")
    shell.sendline("kill %1; wait; echo don''e")
    shell.expect("done")


def test_the_size_is_the_terminal_s_from_the_start(host):
    session = host.terminal(*host.bind(), "--", "bash", "-c", "sleep 0.5; stty size", size=(33, 101))
    session.expect("33 101")
    assert status_of(session) == 0


def test_a_resize_arrives(host):
    script = "trap 'echo resized $(stty size)' WINCH; echo ready; while :; do sleep 0.1; done"
    session = host.terminal(*host.bind(), "--", "bash", "-c", script, size=(24, 80))
    session.expect("ready")
    time.sleep(0.3)
    session.setwinsize(40, 132)
    session.expect("resized 40 132")
    session.setwinsize(20, 60)
    session.expect("resized 20 60")
    session.sendcontrol("\\")


def test_a_password_is_not_shown(host):
    script = 'read -rsp "Password: " secret; echo; echo "length ${#secret}"'
    session = host.terminal(*host.bind(), "--", "bash", "-c", script)
    session.expect("Password: ")
    time.sleep(0.3)
    session.sendline("correct horse")
    session.expect("length 13")
    assert "correct horse" not in session.before
    assert status_of(session) == 0


def test_keys_of_editors_come_through(host):
    script = "stty raw -echo; echo ready; head -c 6 | od -An -tx1"
    session = host.terminal(*host.bind(), "--", "bash", "-c", script)
    session.expect("ready")
    time.sleep(0.2)
    session.send("\x10\x11\x1b[A\x03")  # Ctrl-P and Ctrl-Q are docker's detach keys
    session.expect(r"10 11 1b 5b 41 03")


def test_the_terminal_is_left_as_it_was(host):
    jailed = " ".join(str(word) for word in host._argv([*host.bind(), "--", "bash", "-c", "'stty raw -echo; exit 3'"]))
    session = host.terminal(command=["bash", "--norc", "-c", f"stty -g; {jailed}; echo status $?; stty -g"])
    session.expect(pexpect.EOF)
    modes = re.findall(r"(?:[0-9a-f]+:){10,}[0-9a-f]+", session.before)
    assert len(modes) == 2 and modes[0] == modes[1]
    assert "status 3" in session.before


def test_the_terminal_is_left_as_it_was_by_a_jail_that_was_ended(host):
    jailed = " ".join(str(word) for word in host._argv(host.bind()))
    session = host.terminal(command=["bash", "--norc", "-c", f"trap '' TERM; stty -g; echo $$; {jailed}; stty -g; echo o''ver"])
    modes = r"(?:[0-9a-f]+:){10,}[0-9a-f]+"
    session.expect(modes)
    before = session.after
    session.expect(r"\[jail:")  # the prompt: jailed may have a line of its own to say before
    pid = wait_for("jailed runs", lambda: _child_named(session.pid, "jailed"))
    import os
    import signal

    os.kill(pid, signal.SIGHUP)
    session.expect(modes)
    assert session.after == before
    session.expect("over")


def _child_named(parent: int, name: str) -> int:
    from pathlib import Path

    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == name:
            return int(child)
    return 0


def test_in_a_pipeline_no_terminal_is_made_up(host):
    jailed = " ".join(str(word) for word in host._argv([*host.bind(), "--", "bash", "-c", "'test -t 1 && echo terminal || echo pipe'"]))
    session = host.terminal(command=["bash", "--norc", "-c", f"{jailed} | cat"])
    session.expect("pipe\r\n")


def test_ctrl_c_in_a_pipeline_ends_the_jail(host):
    jailed = " ".join(str(word) for word in host._argv([*host.bind(), "--", "bash", "-c", "'echo ready; sleep 60'"]))
    session = host.terminal(command=["bash", "--norc", "-c", f"{jailed} | cat; echo o''ver"])
    session.expect("ready")
    time.sleep(0.3)
    session.sendintr()
    session.expect([pexpect.EOF, "over"], timeout=15)
    host.wait_until_no_jail(5)


def test_no_image_asks_and_takes_no(host):
    session = host.terminal(*host.bind(), env={"JAILED_IMAGE": "no-such-image:here"})
    session.expect_exact("Image 'no-such-image:here' not found.")
    session.expect_exact("Build it now? [Y/n]")
    session.sendline("n")
    assert status_of(session) == 125


def test_ctrl_c_at_the_question_is_no(host):
    session = host.terminal(*host.bind(), env={"JAILED_IMAGE": "no-such-image:here"})
    session.expect_exact("Build it now? [Y/n]")
    session.sendintr()
    assert status_of(session) in (125, 130)
