"""The exit status is the command's own, and there is one engine call."""
import pytest


@pytest.mark.parametrize("code", [0, 1, 2, 3, 42, 125, 126, 127, 255])
def test_the_commands_exit_code_is_jailed_s(host, code):
    host.fakes.on("run", f"exit {code}")
    assert host.run(".").code == code
    assert len(host.fakes.calls) == 1
    assert host.sessions == []


@pytest.mark.parametrize("name, code", [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("HUP", 129)])
def test_an_engine_client_ended_by_a_signal(host, name, code):
    host.fakes.on("run", f"kill -{name} $$")
    assert host.run(".").code == code
    assert [call.args[0] for call in host.fakes.calls] == ["run", "rm"]
    assert host.sessions == []
