"""jailed AGENT, jailed agents, jailed login AGENT."""
import json

import pytest
from harness import ROOT

AGENTS = ["claude", "opencode", "aider", "kimi", "gemini", "codex", "copilot"]
COMMANDS = {
    "claude": (["--dangerously-skip-permissions"], ["--print", "--dangerously-skip-permissions", "--", "-do it"]),
    "opencode": (["--auto"], ["run", "--auto", "--", "-do it"]),
    "aider": (["--yes-always"], ["--yes-always", "--message=-do it"]),
    "kimi": (["--auto"], ["--prompt=-do it"]),
    "gemini": (["--yolo", "--skip-trust"], ["--yolo", "--skip-trust", "--prompt=-do it"]),
    "codex": (["--dangerously-bypass-approvals-and-sandbox"],
              ["exec", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check", "--", "-do it"]),
    "copilot": (["--yolo"], ["--yolo", "--prompt=-do it"]),
}


def started(host) -> list[str]:
    """The command of the one jail that was launched: what follows the image."""
    (call,) = host.fakes.called("run")
    return call.args[call.args.index("jailed:latest") + 1 :]


def in_jail(host, *words, **more):
    result = host.run(*words, **more)
    assert result.code == 0, result.err
    return started(host)


@pytest.mark.parametrize("name", AGENTS)
def test_an_agent_asks_no_questions_as_the_jail_is_its_sandbox(host, name):
    assert in_jail(host, name) == [name, *COMMANDS[name][0]]


@pytest.mark.parametrize("name", AGENTS)
def test_a_prompt_is_one_word_whatever_it_begins_with(host, name):
    assert in_jail(host, name, "--prompt", "-do it") == [name, *COMMANDS[name][1]]


def test_it_may_ask_and_it_may_go_on_and_its_own_arguments_come_last(host):
    assert in_jail(host, "codex", "--ask", "--continue", ".", "--", "--model", "x") == ["codex", "resume", "--last", "--model", "x"]


def test_a_prompt_comes_after_the_arguments(host):
    assert in_jail(host, "claude", "--prompt", "do", "--continue", "--", "--model", "x") == [
        "claude", "--print", "--continue", "--dangerously-skip-permissions", "--model", "x", "--", "do"]


def test_a_prompt_from_standard_input(host):
    assert in_jail(host, "aider", "--prompt", "-", input=b"line one\nline two\n")[-1] == "--message=line one\nline two\n"


@pytest.mark.parametrize(("text", "said"), [
    (b"", "there is nothing on standard input"), (b" \n", "there is nothing on standard input"),
    (b"a\0b", "standard input is no text"), (b"x" * (121 * 1024), "standard input holds more than a prompt can")])
def test_what_is_no_prompt(host, text, said):
    result = host.run("aider", "--prompt", "-", input=text)
    assert result.code == 2 and said in result.err and host.fakes.calls == [] and host.sessions == []


def test_an_empty_prompt_is_none(host):
    assert host.run("aider", "--prompt", " ").code == 2


def test_the_flags_are_of_agents_only(host):
    result = host.run("--prompt", "x", ".")
    assert result.code == 2 and "Unknown option '--prompt'" in result.err


def test_a_directory_of_an_agent_s_name_is_a_path_with_a_slash(host):
    (host.project / "claude").mkdir()
    host.give(host.project)
    assert in_jail(host, "./claude", "--", "true") == ["true"]


def test_a_project_and_other_flags_go_along(host):
    (host.project / "web").mkdir()
    host.give(host.project)
    result = host.run("gemini", "--memory", "1g", "web", "--dry-run")
    assert result.code == 0 and f"source={host.project}/web," in result.out and "gemini --yolo --skip-trust" in result.out


def test_who_misspells_an_agent_is_told(host):
    result = host.run("clade")
    assert result.code == 2 and "jailed claude" in result.err


def test_no_login_and_no_key_is_said_before_the_start(host):
    result = host.run("claude")
    assert "Claude Code has neither a login nor a key here." in result.err and "jailed login claude; or set ANTHROPIC_API_KEY" in result.err


@pytest.mark.parametrize("words", [["claude"], ["claude", "--env", "ANTHROPIC_API_KEY=k"]])
def test_a_key_is_enough(host, words):
    more = {} if "--env" in words else {"env": {"ANTHROPIC_API_KEY": "k"}}
    assert "neither" not in host.run(*words, **more).err


def test_a_key_that_stays_outside_is_none(host):
    assert "neither" in host.run("claude", "--no-agent-env", env={"ANTHROPIC_API_KEY": "k"}).err


def write_login(host, text: str, place: str = "agents") -> None:
    host.mkdir(f"home/.config/jailed/{place}/claude", 0o700)
    (host.config / place / "claude/.credentials.json").write_text(text)
    host.give(host.home)


def test_a_login_is_enough_in_its_own_profile(host):
    write_login(host, '{"claudeAiOauth": {"accessToken": "secret-1"}}')
    assert "neither" not in host.run("claude").err
    assert "neither" in host.run("claude", "--profile", "work").err


@pytest.mark.parametrize("text", ["", "{}", '{"claudeAiOauth": null}', '{"a": ' * 100 + "1" + "}" * 100, "{broken"])
def test_what_holds_no_login_is_none(host, text):
    write_login(host, text)
    assert "neither" in host.run("claude").err


def agents(host, *words, **more) -> dict:
    result = host.run("agents", "--json", *words, **more)
    assert result.code == 0, result.err
    return {one["name"]: one for one in json.loads(result.out)}


def test_agents_says_versions_and_logins_and_no_secret(host):
    locked = json.loads((ROOT / "docker/agents/codex/package.json").read_text())["dependencies"]["@openai/codex"]
    host.fakes.on("image", f"echo 'claude=2.0.0 codex={locked}'")
    write_login(host, '{"claudeAiOauth": {"accessToken": "secret-1"}}')
    found = agents(host, env={"OPENAI_API_KEY": "secret-2"})
    assert list(found) == AGENTS
    assert found["claude"] | {"newest": ""} == {"name": "claude", "title": "Claude Code", "version": "2.0.0", "newest": "", "logged_in": True,
                                                "key": None, "log_in": "jailed login claude"}
    assert (found["codex"]["version"], found["codex"]["newest"], found["codex"]["key"]) == (locked, locked, "OPENAI_API_KEY")
    assert found["kimi"]["version"] is None
    table = host.run("agents", env={"OPENAI_API_KEY": "secret-2"})
    assert "secret" not in table.out + table.err and "2.0.0 (" in table.out and "OPENAI_API_KEY" in table.out
    assert host.sessions == []


@pytest.mark.parametrize("answer", ["exit 1", "printf 'claude=\\033[31m evil=1 =2 codex kimi=%0300d ' 1", "echo '<no value>'", "printf '\\000'"])
def test_what_an_engine_answers_is_no_version(host, answer):
    host.fakes.on("image", answer)
    assert {one["version"] for one in agents(host).values()} == {None}


def test_without_an_engine_agents_says_who_is_logged_in(new_host):
    host = new_host()
    write_login(host, '{"claudeAiOauth": {"accessToken": "x"}}')
    found = agents(host)
    assert found["claude"]["logged_in"] and found["claude"]["version"] is None


def test_login_is_the_agent_s_own_program_around_nothing(host):
    host.fakes.on("run", 'printf "%s\\n" "$@" | /bin/grep -c . >/dev/null')
    result = host.run("login", "codex")
    assert result.code == 0 and started(host) == ["codex", "login", "--device-auth"]
    (call,) = host.fakes.called("run")
    around = call.mounts["/workspace"]
    assert "/login/login-" in around and str(host.project) not in call.mounts.values()
    assert not list((host.home / ".cache/jailed/login").iterdir())
    assert "Codex has left no login." in result.err


def test_login_of_whom_nobody_knows(host):
    for words, said in ((["login"], "Which agent?"), (["login", "clade"], "No agent is 'clade'.")):
        result = host.run(*words)
        assert result.code == 2 and said in result.err and "claude opencode" in result.err
    assert host.fakes.calls == []
