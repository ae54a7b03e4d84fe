"""Logins and caches outlive the jail, and move with the one directory; nothing else outlives it."""
import shutil
import subprocess

import pytest

from support.jail import HOME, offline

pytestmark = pytest.mark.side_by_side

STATE = {
    "claude": ".claude",
    "opencode": ".config/opencode",
    "opencode-data": ".local/share/opencode",
    "aider": ".aider",
    "kimi": ".kimi-code",
    "gemini": ".gemini",
    "codex": ".codex",
    "copilot": ".copilot",
    "gh": ".config/gh",
}
# As agents write: a new file, moved over the old one.
LOG_IN = "cd && " + " && ".join(
    f"mkdir -p {path}/deep && echo {name} >{path}/deep/t && mv {path}/deep/t {path}/login && mv {path}/login {path}/login.json"
    for name, path in STATE.items()
)
SHOW = "cd && cat " + " ".join(f"{path}/login.json" for path in STATE.values())


def test_logins_are_there_in_the_next_jail(host):
    host.sh(LOG_IN).ok()
    assert host.sh(SHOW, project=host.project("another")).ok().text.split() == list(STATE)
    for name in STATE:
        assert (host.config / "agents" / name / "login.json").read_text().strip() == name


def test_logins_move_with_the_directory(host):
    host.sh(LOG_IN).ok()
    archive = host.root / "moved.tar"
    subprocess.run(["tar", "-C", host.config, "-cpf", archive, "."], check=True)
    shutil.rmtree(host.config)
    host.directory("elsewhere")
    subprocess.run(["tar", "-C", host.root / "elsewhere", "-xpf", archive], check=True)
    assert host.sh(SHOW, env={"JAILED_CONFIG_DIR": str(host.root / "elsewhere")}).ok().text.split() == list(STATE)


def test_a_real_agent_s_login_is_kept(user_host):
    user_host.sh("true").ok()  # makes the configuration directory
    login = offline(user_host, "codex", "login", "--with-api-key", stdin=b"sk-test-0000000000000000000000\n")
    assert login.status == 0, login.errors
    status = offline(user_host, "codex", "login", "status", project=user_host.project("another"))
    assert status.status == 0 and "API key" in status.text + status.errors
    assert user_host.sh("test -s ~/.codex/auth.json").status == 0


def test_caches_are_shared_by_jails(host):
    script = """for name in CARGO_HOME GOMODCACHE GOCACHE npm_config_cache PIP_CACHE_DIR UV_CACHE_DIR; do
      mkdir -p "${!name}" && echo "$name" >"${!name}/made" && echo "${!name}"
    done"""
    places = host.sh(script).ok().text.split()
    assert len(places) == 6 and all(place.startswith(f"{HOME}/.cache/") for place in places)
    assert len(host.sh(f"cat {' '.join(f'{place}/made' for place in places)}").ok().text.split()) == 6
    assert len(list((host.config / "cache").rglob("made"))) == 6


def test_home_and_tmp_are_new_every_time(host):
    host.sh("touch ~/made /tmp/made ~/.config/made ~/.local/made /run/made").ok()
    assert host.sh("ls -d ~/made /tmp/made ~/.config/made ~/.local/made /run/made 2>/dev/null; true").ok().text == ""


@pytest.mark.parametrize("name", ["config with spaces", "con,fig=1", 'quo"ted', "colon:ed"])
def test_odd_names_of_the_configuration_directory(host, name):
    place = str(host.root / name)
    result = host.sh("touch ~/.claude/made", env={"JAILED_CONFIG_DIR": place})
    if result.status:
        assert result.status in (2, 125) and "[jailed]" in result.errors
    else:
        assert (host.root / name / "agents/claude/made").exists()
