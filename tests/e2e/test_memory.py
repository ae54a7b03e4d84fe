"""An agent goes on with the talk of its own project, and with no other's: with the real agents and a server that speaks their APIs."""
import json

import pytest

from support.model import ADDRESS, SERVER

pytestmark = [pytest.mark.side_by_side, pytest.mark.slow, pytest.mark.timeout(400)]

TALK = """python3 -c "$SERVER" & server=$!
until (exec 3<>/dev/tcp/127.0.0.1/8765) 2>/dev/null; do sleep 0.05; done
echo '{"security": {"auth": {"selectedType": "gemini-api-key"}}}' >~/.gemini/settings.json
cd "$1"; shift
timeout 60 env "$@" </dev/null; kill $server
"""

CODEX = ("--skip-git-repo-check", "-c", "model=x", "-c", "model_provider=here", "-c",
         f'model_providers.here={{name="here", base_url="{ADDRESS}/v1", wire_api="responses", env_key="CODEX_API_KEY"}}')  # fmt: skip
OPENCODE = {"model": "here/x", "small_model": "here/x", "provider": {"here": {
    "npm": "@ai-sdk/openai-compatible", "options": {"baseURL": f"{ADDRESS}/v1", "apiKey": "x"}, "models": {"x": {}}}}}  # fmt: skip

# How a talk is begun, how the last one is gone on with, and what has the agent ask the server here.
AGENTS = {
    "claude": (["claude", "-p"], ["claude", "-c", "-p"],
               {"ANTHROPIC_BASE_URL": ADDRESS, "ANTHROPIC_API_KEY": "x", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}),
    "codex": (["codex", "exec", *CODEX], ["codex", "exec", "resume", "--last", *CODEX], {"CODEX_API_KEY": "x"}),
    "opencode": (["opencode", "run"], ["opencode", "run", "-c"],
                 {"OPENCODE_CONFIG_CONTENT": json.dumps(OPENCODE), "OPENCODE_DISABLE_MODELS_FETCH": "1"}),
    "kimi": (["kimi", "-p"], ["kimi", "--continue", "-p"],
             {"KIMI_MODEL_NAME": "x", "KIMI_MODEL_API_KEY": "x", "KIMI_MODEL_BASE_URL": f"{ADDRESS}/v1", "KIMI_MODEL_PROVIDER_TYPE": "openai"}),
    "gemini": (["gemini", "-m", "gemini-2.5-flash", "-p"], ["gemini", "-m", "gemini-2.5-flash", "--resume", "latest", "-p"],
               {"GEMINI_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": ADDRESS, "GEMINI_CLI_TRUST_WORKSPACE": "true"}),
}  # fmt: skip


def talk(host, project, agent, go_on, place=".", sync="bind") -> str:
    """SEEN or CLEAN as the server said it, or all that came when it said neither."""
    begin, again, environment = AGENTS[agent]
    words = [*again, "what did I say"] if go_on else [*begin, "remember PINEAPPLE"]
    settings = [f"{name}={value}" for name, value in environment.items()]
    result = host.run("-q", "--sync", sync, "--env", "SERVER", project, "--", "bash", "-c", TALK, "sh", place, *settings, *words,
                      env={"SERVER": SERVER}, timeout=120)  # fmt: skip
    said = [word for word in ("SEEN", "CLEAN") if word in result.text]
    return said[0] if said else result.text + result.errors


@pytest.mark.parametrize("agent, sync", [(agent, "bind") for agent in AGENTS] + [("claude", "mutagen")])
def test_an_agent_goes_on_with_its_own_project_s_talk(synced, agent, sync):
    host = synced.host
    one, other = host.project("one"), host.project("other")
    assert talk(host, one, agent, False, sync=sync) == "SEEN"
    assert talk(host, other, agent, True, sync=sync) == "CLEAN"
    assert talk(host, one, agent, True, sync=sync) == "SEEN"


@pytest.mark.parametrize("agent", AGENTS)
def test_control_at_a_path_that_projects_share_it_does_not(host, agent):
    one, other = host.project("one"), host.project("other")
    assert talk(host, one, agent, False, place="/workspace") == "SEEN"
    assert talk(host, other, agent, True, place="/workspace") == "SEEN"
