"""The exit status is the command's own, and there is one engine call."""
import pytest


@pytest.mark.parametrize("code", [0, 1, 2, 3, 42, 125, 126, 127, 143, 255])
def test_the_commands_exit_code_is_jaileds(host, code):
    host.fakes.on("run", f"echo words; echo more >&2; exit {code}")
    result = host.run(".")
    assert (result.code, result.out, result.err) == (code, "words\n", "more\n")
    assert len(host.fakes.calls) == 1
    assert host.sessions == []


@pytest.mark.parametrize("name, code", [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("HUP", 129), ("INT", 130)])
def test_an_engine_client_ended_by_a_signal_leaves_no_container(host, name, code):
    host.fakes.on("run", f"kill -{name} $$")
    assert host.run(".").code == code
    run, remove = host.fakes.calls
    assert remove.args == ["rm", "--force", "--volumes", run.values("--name")[0]]
    assert host.sessions == []


@pytest.mark.parametrize("text", ["E", "Error: no line break", "docker: ", "WARNING: one\nWARN", "d"])
def test_last_words_that_look_like_the_engines_are_not_lost(host, text):
    host.fakes.on("run", f"printf '{text}' >&2; exit 1".replace("\n", "\\n"))
    result = host.run(".")
    assert (result.code, result.err) == (1, text)


def test_what_the_command_says_comes_at_once(host):
    """A prompt on the error output must not wait for the end."""
    host.fakes.on("run", "printf 'Password: ' >&2; read answer; echo \"got $answer\"")
    child = host.start(".", stdin=-1)
    assert child.stderr.read1(100) == b"Password: "
    out, _ = child.communicate(b"x\n", timeout=10)
    assert out == b"got x\n"
