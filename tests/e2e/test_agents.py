"""All seven agents, and gh, start: in a jail as it is, and without any network as a uid the image never saw."""
import re

import pytest

from support.jail import HOME, offline

pytestmark = pytest.mark.side_by_side

COMMANDS = {
    "claude": "claude --version",
    "opencode": "opencode --version",
    "aider": "aider --version",
    "kimi": "kimi --version",
    "gemini": "gemini --version",
    "codex": "codex --version",
    "copilot": "copilot --version",
    "gh": "gh --version",
    "gh copilot": "gh copilot --version",
}
FOREIGN = (4242, 4343)

# One jail answers for all: name, exit status, seconds, answer.
ASK_ALL = "\n".join(
    f"""answer="$(timeout 60 {command} 2>&1 </dev/null)"; printf '%s\\t%s\\t%s\\n' '{name}' $? "${{answer//$'\\n'/ | }}" """
    for name, command in COMMANDS.items()
)


def answers(text: str) -> dict[str, tuple[int, str]]:
    rows = (line.split("\t", 2) for line in text.splitlines())
    return {name: (int(status), answer) for name, status, answer in rows}


@pytest.fixture(scope="module")
def in_the_jail(shared_host):
    return answers(shared_host.sh(ASK_ALL, timeout=300).ok().text)


@pytest.fixture(scope="module")
def offline_as_foreigner(shared_host, engine):
    # Rootless podman keeps the caller's uid; there that is the foreign one.
    owner = None if engine.rootless else FOREIGN
    project = shared_host.project("foreign", owner)
    result = offline(shared_host, "bash", "-c", f"printf 'uid\\t0\\t%s\\n' $(id -u); {ASK_ALL}", project=project, timeout=300).ok()
    found = answers(result.text)
    assert found["uid"][1] == str(owner[0] if owner else shared_host.caller.uid)
    return found


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("agent", COMMANDS)
def test_answers_version_in_the_jail(in_the_jail, agent):
    status, answer = in_the_jail[agent]
    assert status == 0 and re.search(r"\d+\.\d+\.\d+", answer), answer


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("agent", COMMANDS)
def test_answers_version_without_network_as_a_foreign_uid(offline_as_foreigner, agent):
    status, answer = offline_as_foreigner[agent]
    assert status == 0 and re.search(r"\d+\.\d+\.\d+", answer), answer


def test_the_agents_own_directories_are_where_they_look(shared_host):
    out = shared_host.sh("env").ok().text
    variables = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    expected = {"CLAUDE_CONFIG_DIR": ".claude", "KIMI_CODE_HOME": ".kimi-code", "CODEX_HOME": ".codex", "COPILOT_HOME": ".copilot"}
    assert {name: variables.get(name) for name in expected} == {name: f"{HOME}/{path}" for name, path in expected.items()}


def test_switches_itself_off_where_it_would_update_or_report(shared_host):
    out = shared_host.sh("env").ok().text
    for switch in (
        "DISABLE_AUTOUPDATER=1", "OPENCODE_DISABLE_AUTOUPDATE=1", "AIDER_CHECK_UPDATE=false",
        "AIDER_ANALYTICS=false", "KIMI_CODE_NO_AUTO_UPDATE=1", "COPILOT_AUTO_UPDATE=false",
    ):  # fmt: skip
        assert switch in out.splitlines()
