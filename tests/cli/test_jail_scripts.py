"""The shell texts that run in a jail, in a real sh, among processes and files that the jail could have made."""
import subprocess

import pytest
from harness import IS_ROOT

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="needs root, for namespaces")


@pytest.fixture
def end_others(new_host) -> str:
    """What ends all others in a jail, as jailed would have it run."""
    host = new_host("docker")
    host.install_mutagen()
    result = host.run("--dry-run", ".")
    assert result.code == 0, result.err
    (line,) = [line for line in result.out.splitlines() if "for round in" in line]
    script = subprocess.run(["/bin/bash", "-c", f'words=({line}); printf %s "${{words[-1]}}"'], capture_output=True, text=True, check=True).stdout
    assert script.startswith("keeper=")
    return script


# The keeper, an agent of Mutagen's, and one who wants to stay; then what was left of them.
STAGE = """
set -e
mount -t tmpfs none /run; mount -t tmpfs none /home
mkdir -p /home/coder/.mutagen/agents "$(dirname "$evil")"
cp /bin/sleep /home/coder/.mutagen/agents/mutagen-agent; cp /bin/sleep "$evil"
sleep 100 & keeper=$!
/home/coder/.mutagen/agents/mutagen-agent 100 & agent=$!
"$evil" 100 & other=$!
printf -- "$note" "$keeper" >/run/jailed-keeper
sleep 0.1
set +e
HOME=/home/coder /bin/sh -c "$script" >/run/said 2>&1
echo ended $?
for one in keeper agent other; do eval "pid=\\$$one"; grep -q '^State:.[^Z]' /proc/$pid/status 2>/dev/null && echo "$one"; done
exit 0
"""


def left(script: str, note: str, evil: str = "/home/coder/bin/evil") -> list[str]:
    done = subprocess.run(["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--mount", "/bin/bash", "-c", STAGE],
                          env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "script": script, "note": note, "evil": evil},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines and lines[0].startswith("ended"), done
    return lines[1:]


def test_the_keeper_and_mutagens_agent_stay_and_nobody_else(end_others):
    assert left(end_others, "%s\\n") == ["keeper", "agent"]


@pytest.mark.parametrize("note", ["*\\n", "[0-9]*\\n", "?*|*\\n", "* %s\\n", "-1\\n", "1 *\\n", "%s:*|*\\n", "*", "\\n*\\n"])
def test_words_of_the_jail_are_no_pattern(end_others, note):
    assert "other" not in left(end_others, note)


@pytest.mark.parametrize("evil", ["/home/coder/x/.mutagen/agents/mutagen-agent", "/home/x/.mutagen/agents/mutagen-agent"])
def test_only_the_file_that_nobody_in_the_jail_can_write_is_mutagens_agent(end_others, evil):
    assert left(end_others, "%s\\n", evil) == ["keeper", "agent"]
