"""Jails on an engine of another machine (support/remote.py): nothing of this one is mounted there, and all work comes home."""
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from support.git import Repository
from support.jail import IMAGE, Caller, Host, labels, shell_words, wait_for
from support.jail import test_user as plain_user
from support.remote import Forwarder, remote_engine, why_not
from support.sync import Synced, kill_at, tree

pytestmark = [pytest.mark.side_by_side, pytest.mark.xdist_group("far")]  # one engine for all

COMMIT = "echo new >new && git add new && git commit -qm 'from the jail'"
SECRET = "sk-ant-test-5a7f0c1e9b"
CREDENTIALS = ".credentials.json"


class Far(Synced):
    """A host whose engine is on the other machine."""

    def nothing_left(self, seconds: float = 10) -> None:
        super().nothing_left(seconds)
        assert self.host.engine.here() == []

    def close(self) -> None:
        super().close()
        self.host.engine.empty()

    def lost(self) -> list[str]:
        """Waits until no container is left; the volumes that are."""
        self.host.wait_until_no_jail(10)
        return self.volumes()

    def login(self, text: str, agent: str = "claude") -> Path:
        """A login that an agent made earlier."""
        path = self.host.config / "agents" / agent / CREDENTIALS
        for directory in (self.host.config, self.host.config / "agents", path.parent):
            if not directory.exists():
                directory.mkdir(0o700)
                self.host._own(directory)
        return self.host.write(path, text, 0o600)


@pytest.fixture(scope="module")
def engine_far_away(engine):
    if reason := why_not():
        pytest.skip(reason)
    with remote_engine(engine) as made:
        yield made


def _far(engine, mutagen, caller=None):
    host = Host.create(engine, caller)
    made = Far(host, mutagen)
    yield made
    made.close()
    left = host.close()
    assert not left, "left over: " + "\n".join(left)


@pytest.fixture
def far(engine_far_away, mutagen):
    yield from _far(engine_far_away, mutagen)


@pytest.fixture
def far_from_user(engine_far_away, mutagen):
    """The same for somebody who is not root and in no group of an engine's."""
    user = plain_user()
    yield from _far(engine_far_away, mutagen, Caller(user.uid, user.gid))


def test_control_the_other_engine_sees_nothing_of_ours(engine, far):
    """What is mounted there by its path is an empty directory of that machine's; here it is the project."""
    (far.project / "mine").write_text("mine\n")
    for where, seen in ((engine, ["mine"]), (far.host.engine, [])):
        words = ("run", "--rm", "--network", "none", "--entrypoint", "/bin/ls", "--volume", f"{far.project}:/seen", IMAGE, "-A", "/seen")
        assert where.run(*words).stdout.split() == seen
    assert far.host.engine.run("info", "--format", "{{.ID}}").stdout != engine.run("info", "--format", "{{.ID}}").stdout
    assert far.host.engine.here() == []


def test_work_comes_home_and_nothing_stays(far):
    (far.project / "mine").write_text("mine\n")
    (far.project / "tool").write_text("#!/bin/sh\n")
    (far.project / "tool").chmod(0o755)
    (far.project / "gone").write_text("x")
    result = far.run("id -un; pwd; cat mine; test -x tool && rm gone && echo theirs >theirs; exit 5")
    assert (result.status, result.text) == (5, f"coder\n{far.project}\nmine\n"), result.errors
    assert sorted(path.name for path in far.project.iterdir()) == ["mine", "theirs", "tool"]
    assert (far.project / "theirs").read_text() == "theirs\n"
    assert (far.project / "theirs").stat().st_uid == far.host.caller.uid
    far.nothing_left()


def test_the_same_for_a_user(far_from_user):
    far = far_from_user
    repo = Repository(far.host, far.project)
    login = far.login("in\n")
    result = far.run(f"set -e; cat ~/.claude/{CREDENTIALS}; echo out >~/.claude/{CREDENTIALS}; git log --format=%s; {COMMIT}").ok()
    assert result.text == "in\nfirst\n"
    assert login.read_text() == "out\n"
    assert repo.git("log", "-1", "--format=%s %an") == "from the jail Host" and repo.status() == ""
    for path in [far.project, *far.project.rglob("*"), *far.host.config.rglob("*")]:
        assert path.lstat().st_uid == far.host.caller.uid, path
    far.nothing_left()


def test_walls_are_as_high_there(far):
    """Only volumes are mounted, and the container is as hardened as one here."""
    process = far.ready("exec sleep 60")
    jail = far.host.only_jail()
    assert sorted((mount["Type"], mount["Destination"]) for mount in jail["Mounts"]) == [
        ("volume", "/jail"), ("volume", "/projects"), ("volume", str(far.project)), ("volume", "/workspace")]  # fmt: skip
    config = jail["HostConfig"]
    assert not config["Binds"] and config["ReadonlyRootfs"] and not config["Privileged"]
    assert [name.upper() for name in config["CapDrop"]] == ["ALL"] and not config["CapAdd"]
    assert any(option.startswith("no-new-privileges") for option in config["SecurityOpt"])
    assert any(option.startswith("seccomp=") for option in config["SecurityOpt"])
    assert config["Memory"] > 0 and config["PidsLimit"] > 0
    assert jail["Config"]["User"] == "1000:1000"
    inside = far.host.engine.run("exec", jail["Id"], "sh", "-c", "grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status; touch /etc/x /usr/x 2>&1 | grep -c Read-only").stdout
    values = dict(line.split(":") for line in inside.splitlines()[:-1])
    assert {int(values[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert values["NoNewPrivs"].strip() == "1" and values["Seccomp"].strip() == "2" and inside.splitlines()[-1] == "2"
    process.terminate()
    process.wait(30)
    far.nothing_left()


# --- files --------------------------------------------------------------------------------------------------

# The jail takes files whose number is even, the host the odd ones: no conflicts, at the same time.
EDITS = """
import os, random, time
chance = random.Random(3)
for round in range(150):
    number = chance.randrange(250) * 2
    path = f"d{number % 17}/f{number}"
    what = chance.randrange(4)
    if what == 0 and os.path.exists(path): os.remove(path)
    elif what == 1: open(path, "wb").write(chance.randbytes(chance.randrange(3000)))
    elif what == 2 and os.path.exists(path): os.chmod(path, 0o755)
    else: open(f"d{number % 17}/jail{round}", "wb").write(chance.randbytes(50))
    time.sleep(0.01)
"""
# Then every file that the host has not touched, with its hash and executable bit.
MANIFEST = (
    "find . -type f ! -name 'host*' ! -name '*[13579]' -o -type f -name 'jail*' | sort >/tmp/list; "
    "xargs -d '\\n' sha256sum </tmp/list; xargs -d '\\n' stat -c '%A %n' </tmp/list | cut -c4,11-"
)


def manifest_of(project: Path) -> list[str]:
    paths = sorted(
        f"./{path.relative_to(project)}" for path in project.rglob("*")
        if path.is_file() and not path.name.startswith("host") and (path.name.startswith("jail") or path.name[-1] not in "13579")
    )  # fmt: skip
    contents = tree(project)
    lines = [f"{contents[os.fsencode(path[2:])][0]}  {path}" for path in paths]
    return lines + [f"{'x' if contents[os.fsencode(path[2:])][1] else '-'} {path}" for path in paths]


def test_random_edits_on_both_sides(far):
    chance = random.Random(os.environ.get("JAILED_TEST_SEED", "7"))
    project = far.project
    for number in range(500):
        (project / f"d{number % 17}").mkdir(exist_ok=True)
        (project / f"d{number % 17}/f{number}").write_bytes(chance.randbytes(chance.randrange(3000)))
    process = far.ready(f"export LC_ALL=C; python3 -c '{EDITS}'; {MANIFEST}")
    expected = {}
    for number in range(150):
        odd = chance.randrange(250) * 2 + 1
        path = project / f"d{odd % 17}/f{odd}"
        what = chance.randrange(3)
        if what == 0:
            path.unlink(missing_ok=True)
            expected[path] = None
        elif what == 1:
            expected[path] = chance.randbytes(chance.randrange(3000))
            path.write_bytes(expected[path])
        else:
            path = path.with_name(f"host{number}")
            path.write_bytes(b"h")
            expected[path] = b"h"
        time.sleep(0.01)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    for path, data in expected.items():
        assert (path.read_bytes() if path.exists() else None) == data, path
    there = out.decode().splitlines()
    assert len(there) > 400
    assert manifest_of(project) == there
    far.nothing_left()


def test_each_side_sees_the_other_s_changes_meanwhile(far):
    process = far.ready("until [ -e from-here ]; do sleep 0.05; done; cat from-here >from-there; until [ -e end ]; do sleep 0.05; done; rm end")
    (far.project / "from-here").write_text("hello\n")
    wait_for("the jail's file", lambda: (far.project / "from-there").exists() and (far.project / "from-there").read_text() == "hello\n", 10)
    (far.project / "end").touch()
    assert process.wait(30) == 0
    assert not (far.project / "end").exists()
    far.nothing_left()


# --- agents' state --------------------------------------------------------------------------------------------


def test_agents_state_goes_in_and_comes_home(far):
    """A login is where its agent looks for it; what the agent makes of it is home, and for nobody else to read."""
    login = far.login("before\n")
    result = far.run(
        f"set -e; cat ~/.claude/{CREDENTIALS}; stat -L -c %a ~/.claude/{CREDENTIALS} ~/.claude\n"
        # As agents write: a new file, moved over the old one.
        f"echo after >~/.claude/new; mv ~/.claude/new ~/.claude/{CREDENTIALS}; mkdir -p ~/.claude/projects/p; echo x >~/.claude/projects/p/log\n"
        "echo codex >~/.codex/auth.json; mkdir -p ~/.local/share/opencode; echo opencode >~/.local/share/opencode/auth.json"
    ).ok()
    assert result.text.split() == ["before", "600", "700"]
    agents = far.host.config / "agents"
    assert login.read_text() == "after\n"
    assert (agents / "claude/projects/p/log").read_text() == "x\n"
    assert (agents / "codex/auth.json").read_text() == "codex\n"
    assert (agents / "opencode-data/auth.json").read_text() == "opencode\n"
    for path in [agents, *agents.rglob("*")]:
        info = path.lstat()
        assert info.st_uid == far.host.caller.uid and not info.st_mode & 0o077, path
        if path.is_file():
            assert stat.S_IMODE(info.st_mode) == 0o600, path
    far.nothing_left()
    # The next jail has it, and a logout comes home as well.
    assert far.run(f"cat ~/.claude/{CREDENTIALS}; rm ~/.claude/{CREDENTIALS}").ok().text == "after\n"
    assert not login.exists() and (agents / "codex/auth.json").exists()
    far.nothing_left()


def test_a_login_is_nowhere_to_be_seen(far):
    """Neither on a command line of this machine nor in what the other one is told of the container."""
    far.login(SECRET)
    process = far.ready("sleep 60; : seen-by-all", env={"ANTHROPIC_API_KEY": f"{SECRET}-key"})
    lines = [_bytes_of(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    told = json.dumps(far.host.only_jail())
    process.terminate()
    process.wait(30)
    assert [line for line in lines if b"seen-by-all" in line]  # such as docker's, and the jail's own
    assert [line for line in lines if SECRET.encode() in line] == []
    # A variable's value is the container's, as it is here; a file's content is not.
    assert SECRET not in told.replace(f"{SECRET}-key", "")
    planned = far.host.run("--dry-run", far.project, "--", "true", env={"ANTHROPIC_API_KEY": f"{SECRET}-key"}).ok()
    assert "ANTHROPIC_API_KEY" in planned.text and SECRET not in planned.text + planned.errors
    far.nothing_left()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# --- git --------------------------------------------------------------------------------------------------------


def test_commits_come_home(far):
    repo = Repository(far.host, far.project)
    first = repo.git("rev-parse", "HEAD")
    done = far.run(f"set -e; git log --format='%s %an'; echo changed >a; git commit -qam changed; {COMMIT}; git rev-parse HEAD; git status --porcelain; "
                   "git checkout -qb idea; git commit -q --allow-empty -m idea; git checkout -q main").ok()  # fmt: skip
    lines = done.text.splitlines()
    assert lines[0] == "first Host" and len(lines) == 2
    assert repo.git("rev-parse", "main", "main~2") == f"{lines[1]}\n{first}"
    assert repo.git("log", "-1", "--format=%s %an <%ae>") == "from the jail Host <host@test>"
    assert repo.arrived() == {} and "refs/heads/idea" in repo.refs()
    assert repo.status() == "" and (far.project / "a").read_text() == "changed\n"
    dot_git = far.project / ".git"
    assert dot_git.is_dir() and not dot_git.is_symlink()
    repo.assert_sound()
    far.nothing_left()


def test_a_submodule_s_commits_come_home(far):
    lib = Repository.create(far.host, "lib")
    repo = Repository(far.host, far.project)
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(lib.path), "deps/lib")
    repo.git("commit", "-qm", "a submodule")
    sub = far.project / "deps/lib"
    gitfile = (sub / ".git").read_bytes()
    done = far.run(f"set -e; git status --porcelain; cd deps/lib; git log --format=%s; {COMMIT}; git rev-parse HEAD").ok()
    *said, made = done.text.split()
    assert said == ["first"]
    assert repo.git("rev-parse", "HEAD", cwd=sub) == made
    assert repo.git("status", "--porcelain", cwd=sub) == "" and (sub / ".git").read_bytes() == gitfile
    repo.assert_sound()
    far.nothing_left()


def test_a_linked_worktree_s_commits_come_home(far):
    repo = Repository(far.host, far.project)
    side = far.host.root / "side"
    repo.git("worktree", "add", "-q", "-b", "side", str(side))
    gitfile = (side / ".git").read_bytes()
    done = far.host.run(side, "--", "bash", "-c", f"set -e; git log --format=%s main; {COMMIT}; git rev-parse HEAD").ok()
    said, made = done.text.split()
    assert said == "first" and repo.git("rev-parse", "side") == made
    assert repo.git("status", "--porcelain", cwd=side) == "" and repo.status() == ""
    assert (side / ".git").read_bytes() == gitfile
    repo.assert_sound()
    far.nothing_left()


def test_a_repository_born_there_comes_home(far):
    repo = Repository(far.host, far.project, init=False)
    done = far.run(f"set -e; git init -q -b trunk; git config core.fsmonitor 'touch /tmp/RAN #'; {COMMIT}; git rev-parse HEAD").ok()
    assert repo.git("rev-parse", "HEAD") == done.text.strip()
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert repo.status() == ""
    dot_git = far.project / ".git"
    assert dot_git.is_dir() and not dot_git.is_symlink() and "fsmonitor" not in (dot_git / "config").read_text()
    far.nothing_left()


def test_no_repository_leaves_no_trace(far):
    far.run("git status 2>/dev/null && exit 1; rm -rf .git; mkdir -p .git; echo x >.git/HEAD").ok()
    assert list(far.project.iterdir()) == []
    far.nothing_left()


def test_two_projects(far):
    web, api = Repository(far.host, far.project), Repository.create(far.host, "api")
    done = far.host.run(web.path, api.path, "--", "bash", "-c",
                        f"set -e; pwd; {COMMIT}; cd /projects/api; git log --format=%s; {COMMIT}; echo x >file; rm dir/b").ok()  # fmt: skip
    assert done.text.split() == [str(web.path), "first"]
    for repo in (web, api):
        assert repo.git("log", "-1", "--format=%s") == "from the jail"
        repo.assert_sound()
    assert web.status() == "" and sorted(api.status().splitlines()) == ["?? file", "D dir/b"]
    far.nothing_left()


# --- ends -------------------------------------------------------------------------------------------------------


def test_streams_and_a_death_by_signal(far):
    result = far.run("cat; echo err >&2; echo x >x; kill -9 $$", stdin=b"in\n" * 20000)
    assert result.status == 137 and (far.project / "x").read_text() == "x\n"
    assert result.out == b"in\n" * 20000 and b"err\n" in result.err
    far.nothing_left()


@pytest.mark.parametrize("script, status", [("exec sleep 60", 143), ("trap 'echo tidy >tidied; exit 7' TERM; while :; do sleep 0.1; done", 7)],
                         ids=["sleep", "trap"])  # fmt: skip
def test_asked_to_end(far, script, status):
    process = far.ready(f"echo work >work; {script}")
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == status
    assert (far.project / "work").read_text() == "work\n"
    assert (far.project / "tidied").exists() == (status == 7)
    far.nothing_left()


def test_in_a_terminal(far):
    session = far.host.terminal(far.project, "--", "bash", "--norc", "-i")
    session.expect(r"\$ ", timeout=30)
    # Docker's client tells the size of a terminal once the command of an exec runs, and again until it is taken.
    session.sendline("until stty size | grep -v '^0 0$'; do sleep 0.1; done; tty >there; exit 3")
    session.expect("24 80")
    session.expect("(?s).*$")
    wait_for("its end", lambda: not session.isalive(), 30)
    assert session.exitstatus == 3 and (far.project / "there").read_text().startswith("/dev/pts/")
    far.nothing_left()


def killed(far) -> None:
    """A jail whose jailed was killed with -9 when it had work that nobody waited for."""
    process = far.ready(f"{COMMIT}; echo work >work; rm -f mine; echo changed >~/.claude/{CREDENTIALS}; echo done; exec sleep 60")
    assert process.stdout.readline() == b"done\n"
    process.kill()
    process.wait()


def assert_killed_work_is_home(far, repo) -> None:
    """Commits when the user asks for them, as with a jail of this machine; all else by itself."""
    (session,) = repo.sessions()
    before = repo.git("rev-parse", "main")
    far.host.run("git", "import", session.name).ok()
    assert repo.git("rev-parse", "main~") == before
    assert (far.project / "work").read_text() == "work\n" and not (far.project / "mine").exists()
    assert (far.host.config / "agents/claude" / CREDENTIALS).read_text() == "changed\n"
    assert repo.git("log", "-1", "--format=%s") == "from the jail"
    repo.assert_sound()


def test_killed(far):
    """Its container is soon gone, the work is not: the next jailed brings it home."""
    repo = Repository(far.host, far.project)
    (far.project / "mine").write_text("mine\n")
    far.login("before\n")
    killed(far)
    assert len(far.lost()) == 1
    result = far.run("cat work").ok()
    assert result.text == "work\n" and "jailed git import" in result.errors
    assert_killed_work_is_home(far, repo)
    far.nothing_left()


def test_killed_and_then_a_jail_on_this_machine(engine, far):
    """A launch that uses another engine leaves the work where it is and says where."""
    repo = Repository(far.host, far.project)
    far.login("before\n")
    killed(far)
    (volume,) = far.lost()
    between = far.run("test ! -e /jail/git; echo here >here", env={"DOCKER_HOST": None}).ok()
    assert far.host.engine.tcp in between.errors
    assert (far.project / "here").read_text() == "here\n"
    assert far.volumes() == [volume]
    assert not [found for found in engine.jails() if labels(found)["jailed.project"].startswith(str(far.host.root))]
    assert far.run("cat work here").ok().text == "work\nhere\n"
    assert_killed_work_is_home(far, repo)
    far.nothing_left()


@pytest.mark.parametrize("point", ["docker run", "docker rm"])
def test_killed_before(far, point):
    """Where there is no container yet, and where the command has ended and all is on its way home; the next jailed tidies up after it, and what
    watched the one that was killed keeps out of its way. (tests/e2e/test_sync.py has all the steps.)"""
    (far.project / "mine").write_text("mine\n")
    result = far.run("echo work >work; rm mine", env=kill_at(far.host, point, "before", far.mutagen))
    assert result.status == -signal.SIGKILL, result
    assert len(far.lost()) == 1
    far.run("true").ok()
    assert [path.name for path in far.project.iterdir()] == ["mine" if point == "docker run" else "work"]
    far.nothing_left()


def test_what_a_jail_leaves_in_its_own_places(far):
    """Of what it may change there but files come, nothing is followed here, and nothing waits for ever."""
    repo = Repository(far.host, far.project)
    began = time.monotonic()
    far.run("set -e; for place in /jail/git /jail/git/refs/heads /jail/agents/claude /jail/agents; do mkfifo $place/fifo; ln -s /etc $place/out; done\n"
            "rm -rf /jail/objects /jail/gitconfig; ln -s / /jail/objects; echo work >work", timeout=60)  # fmt: skip
    assert time.monotonic() - began < 40
    assert (far.project / "work").read_text() == "work\n"
    assert not list(far.host.config.rglob("fifo"))
    assert os.readlink(far.host.config / "agents/claude/out") == "/etc"  # as a jail of this machine could leave it
    repo.assert_sound()
    far.nothing_left()


def test_a_jail_that_replaces_what_is_kept_in_step(far):
    """Its files are home, what it put in the shadow's place is not, and it is said how things stand."""
    repo = Repository(far.host, far.project)
    outside = far.host.directory("outside")
    (outside / "mine").write_text("mine\n")
    result = far.run(f"echo work >work; mv /jail/git /jail/other; ln -s {outside} /jail/git; mv /jail/agents /jail/gone", timeout=60)
    assert "jailed sync recover" in result.errors and "docker volume rm" in result.errors and result.seconds < 50
    assert (far.project / "work").read_text() == "work\n" and (outside / "mine").read_text() == "mine\n"
    (session,) = repo.sessions()
    assert (session / "git").is_dir() and not (session / "git").is_symlink() and (session / "git/HEAD").exists()
    assert (far.host.config / "agents/claude").is_dir()
    assert len(far.volumes()) == 1
    repo.assert_sound()
    far.host.engine.empty()
    far.client("sync", "terminate", "--all")
    shutil.rmtree(session)


def descendants(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        children = _bytes_of(Path(f"/proc/{one}/task/{one}/children")).split()
        found.extend(int(child) for child in children)
    return found


def test_this_machine_goes_down(far):
    """Jailed, what watches it, and Mutagen's daemon die at once: the container is still there, for the next jailed to end."""
    repo = Repository(far.host, far.project)
    far.login("before\n")
    process = far.ready(f"{COMMIT}; echo work >work; echo changed >~/.claude/{CREDENTIALS}; echo done; exec sleep 120")
    assert process.stdout.readline() == b"done\n"
    everything = [*descendants(process.pid), far.daemon()]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in everything:
            os.kill(pid, number)
    process.wait()
    time.sleep(1)
    assert far.host.only_jail()["State"]["Running"]  # else this would be the test above
    result = far.run("cat work").ok()
    assert result.text == "work\n" and "jailed git import" in result.errors
    assert_killed_work_is_home(far, repo)
    far.nothing_left()


def test_the_container_is_killed(far):
    process = far.ready("echo work >work; exec sleep 60")
    far.host.engine.run("kill", far.host.only_jail()["Id"])
    process.wait(60)
    assert (far.project / "work").read_text() == "work\n"
    far.nothing_left()


def test_the_connection_is_cut(far):
    """The work waits on the other machine; once that answers again, the next jailed brings it home."""
    repo = Repository(far.host, far.project)
    far.login("before\n")
    line = Forwarder(far.host.engine.socket)
    there = {"DOCKER_HOST": f"tcp://127.0.0.1:{line.port}"}
    try:
        process = far.ready(f"{COMMIT}; echo work >work; echo changed >~/.claude/{CREDENTIALS}; echo done; exec sleep 60", env=there)
        assert process.stdout.readline() == b"done\n"
        line.cut()
        _, said = process.communicate(timeout=90)
        assert process.returncode != 0
        assert b"jailed" in said, said
        assert len(far.volumes()) == 1
        line = Forwarder(far.host.engine.socket, line.port)
        far.run("true", env=there, timeout=90).ok()
        assert_killed_work_is_home(far, repo)
        far.nothing_left(20)
    finally:
        line.cut()


# --- jails that live on -------------------------------------------------------------------------------------------


def test_a_detached_jail(far):
    repo = Repository(far.host, far.project)
    name = far.host.run("--detach", far.project).ok().text.strip()
    assert re.fullmatch(r"jailed-project-[0-9a-f]{12}", name)
    (listed,) = json.loads(far.host.run("ls", "--json").ok().text)
    assert (listed["name"], listed["state"], listed["sync"], listed["detached"]) == (name, "running", "mutagen", True)
    assert listed["project"] == str(far.project)
    done = far.host.run("exec", name, "--", "bash", "-c", f"cat; {COMMIT}; exit 5", stdin=b"in\n")
    assert (done.status, done.text) == (5, "in\n"), done.errors
    far.run("true").ok()  # another launch leaves it alone
    assert far.host.only_jail()["Name"] == f"/{name}"
    # Nor is it anybody's with the engine of this machine.
    assert name not in far.host.run("ls", "--json", env={"DOCKER_HOST": None}).ok().text
    far.host.run("stop", name, timeout=90).ok()
    assert repo.git("log", "-1", "--format=%s") == "from the jail" and repo.status() == ""
    assert json.loads(far.host.run("ls", "--json").ok().text) == []
    far.nothing_left()


def test_another_machine_s_work_is_left_alone(far):
    """A big machine has many masters: same user's number, same path of the project, another machine. Here a volume that its jailed left."""
    process = far.ready("exec sleep 60")
    (ours,) = [name for name in far.volumes() if not name.endswith(("-jail", "-projects"))]
    told = json.loads(far.host.engine.run("volume", "inspect", ours).stdout)[0]["Labels"]
    process.terminate()
    process.wait(30)
    far.nothing_left()
    assert told["jailed.project"] == str(far.project) and re.fullmatch("[0-9a-f]{16}", told["jailed.machine"])
    for machine, seen in (("f" * 16, []), (told["jailed.machine"], ["foreign"])):  # the second is the control
        session = os.urandom(6).hex()
        labelled = {**told, "jailed.session": session, "jailed.machine": machine}
        name = f"jailed-project-{session}"
        far.host.engine.run("volume", "create", *[f"--label={key}={value}" for key, value in labelled.items()], name)
        (far.host.config / "sessions" / ("0" * 12)).mkdir(exist_ok=True)  # for `ls` to ask for volumes at all
        listed = json.loads(far.host.run("ls", "--json").ok().text)
        assert [jail["state"] for jail in listed] == seen
        if not seen:
            assert "Nothing to recover" in far.host.run("sync", "recover").ok().errors
            assert far.host.run("stop", "--all").ok()
            assert name in far.host.engine.here()
        far.host.engine.run("volume", "rm", name)
        (far.host.config / "sessions" / ("0" * 12)).rmdir()
    far.nothing_left()


# --- what is shown, and what is refused -----------------------------------------------------------------------------


def test_a_dry_run_mounts_nothing_of_ours(far):
    Repository(far.host, far.project)
    far.login(SECRET)
    shown = far.host.run("--dry-run", far.project, "--", "true", env={"ANTHROPIC_API_KEY": SECRET}).ok()
    lines = [shell_words(line.replace(" | ", " '|' ")) for line in shown.text.splitlines()]
    (run,) = [words for words in lines if "run" in words[:2]]
    mounts = [run[at + 1] for at, word in enumerate(run) if word == "--mount"]
    assert sorted(re.search(r"(?:target|destination|dst)=([^,]*)", mount)[1] for mount in mounts) == ["/jail", "/projects", str(far.project), "/workspace"]
    assert all("type=volume" in mount for mount in mounts)
    assert not {"-v", "--volume", "--volumes-from", "--device", "--privileged"} & {word.split("=")[0] for word in run}
    assert sum("create" in words and str(far.project) in words for words in lines) == 1  # Mutagen brings it
    assert SECRET not in shown.text + shown.errors
    far.nothing_left()


@pytest.mark.parametrize("options, word", [(["--testcontainers"], "testcontainers"), (["--git", "rw"], "--git rw"), (["--sync", "bind"], "bind")],
                         ids=lambda value: value if isinstance(value, str) else "-")  # fmt: skip
def test_refusals(far, options, word):
    """In one line, with the next step below it; nothing is made on either side."""
    Repository(far.host, far.project)
    result = far.host.run(*options, far.project, "--", "true")
    assert result.status == 125 and result.text == ""
    first, *steps = result.errors.splitlines()
    assert word in result.errors and far.host.engine.tcp in first, result.errors
    assert steps and all(line.startswith("[jailed]   ") for line in steps), result.errors
    assert not list((far.host.config / "sessions").glob("*"))
    assert far.host.engine.here() == []


def test_no_mutagen_is_refused_too(far):
    path = far.host.environment["PATH"].split(":", 1)[1]
    result = far.run("true", env={"PATH": path})
    first, *steps = result.errors.splitlines()
    assert result.status == 125 and far.host.engine.tcp in first and any("mutagen" in line for line in steps), result.errors
    assert far.host.engine.here() == []


def test_an_image_that_is_not_there_leaves_nothing(far):
    """Neither there nor here, where a launch makes room for a repository in a project without one."""
    result = far.run("true", env={"JAILED_IMAGE": "jailed:no-such-image"})
    assert result.status == 125 and "jailed:no-such-image" in result.errors
    assert list(far.project.iterdir()) == []
    far.nothing_left()


def test_nobody_answers(far):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = far.run("true", env={"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
    assert result.status == 125 and str(port) in result.errors, result.errors
    first, *steps = result.errors.splitlines()
    assert steps and all(line.startswith("[jailed]   ") for line in steps), result.errors
    assert not list((far.host.config / "sessions").glob("*"))


# --- other ways to name it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["ssh", "context", "context by variable"])
def test_by(engine, far, way):
    """Docker's own client by ssh:// and by a context; the work is there and home all the same."""
    repo = Repository(far.host, far.project)
    other = far.host.engine
    environment = {"ssh": other.by_ssh, "context": other.by_context, "context by variable": other.by_context_variable}[way]()
    if "PATH" in environment:
        environment["PATH"] = f"{far.mutagen.parent}:{environment['PATH']}"
    process = far.ready(f"git log --format=%s; {COMMIT}; sleep 3", env=environment)
    assert process.stdout.readline() == b"first\n"
    assert far.host.only_jail()["State"]["Running"]  # over there
    assert not [found for found in engine.jails() if labels(found)["jailed.project"].startswith(str(far.host.root))]
    assert process.wait(30) == 0
    assert repo.git("log", "-1", "--format=%s") == "from the jail" and repo.status() == ""
    far.nothing_left()
