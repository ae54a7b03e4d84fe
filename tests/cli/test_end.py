"""The end of a jail always tells and never loses: a full disk, a reader that went away, an engine that breaks, a project that is
gone, one bad session among several. The fake engine is the agent, and the jail that packs its commits."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import zlib
from pathlib import Path

import pytest

from harness import CAN_MOUNT, wait_until
from test_life import Machine, jail as listed

# What every call of `run` begins with: $shadow, the repository in the session; $role, agent or collector.
PRELUDE = r"""PATH=/usr/bin:/bin
role=agent shadow=
for word; do case $word in
  *source=*/git,target=/jail/git*) role=collector; shadow=${word#*source=}; shadow=${shadow%%,target=*} ;;
  *source=*/sessions/*/git,target=*) shadow=${word#*source=}; shadow=${shadow%%,target=*} ;;
esac; done
project='@PROJECT@' session=${shadow%/git} home='@HOME@'
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@a
in_jail() { GIT_DIR=$shadow GIT_WORK_TREE=$project GIT_OBJECT_DIRECTORY=$shadow/objects \
  GIT_ALTERNATE_OBJECT_DIRECTORIES=$repository/objects git "$@" 2>/dev/null; }
repository=$project/.git
commit() { echo "$1" >"$project/$1" && in_jail add "$1" && in_jail commit -q -m "$1"; }
if [ $role = collector ]; then
  note collected
  [ ! -e "$fake/no-collector" ] || exit 1
  repository=$(cat "$fake/repository" 2>/dev/null || echo "$project/.git")
  printf 'HEAD\tref: %s\n' "$(in_jail symbolic-ref HEAD)"
  in_jail for-each-ref --format='%(refname)%09%(objectname)' refs/heads
  echo
  in_jail for-each-ref --format='%(objectname)' refs/heads | in_jail pack-objects --revs --stdout -q
  exit 0
fi
"""


def git(host, *args: str, project: Path | None = None) -> str:
    """As the caller, in the repository here."""
    command = ["git", "-c", "user.name=me", "-c", "user.email=me@here", "-C", str(project or host.project), *args]
    if host.uid is not None:
        command = ["setpriv", f"--reuid={host.uid}", f"--regid={host.uid}", "--clear-groups", "--", *command]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": str(host.home), "PATH": "/usr/bin:/bin"}).stdout


def repository(host, project: Path | None = None) -> None:
    git(host, "init", "-q", "-b", "main", project=project)
    (project or host.project).joinpath("here").write_text("here\n")
    host.give(project or host.project)
    git(host, "add", "here", project=project)
    git(host, "commit", "-q", "-m", "here", project=project)


def agent(host, script: str, project: Path | None = None) -> None:
    """What the next jails do."""
    prelude = PRELUDE.replace("@PROJECT@", str(project or host.project)).replace("@HOME@", str(host.home))
    host.fakes.on("run", f"{prelude}\ncd \"$project\"\n{script}\n")
    for name in ("git", "tar"):
        if not (host.fakes.bin / name).exists():
            (host.fakes.bin / name).symlink_to(f"/usr/bin/{name}")


def commits_cannot_come(host, cannot: bool = True) -> None:
    switch = host.fakes.directory / "no-collector"
    switch.touch() if cannot else switch.unlink()


def subjects(host, project: Path | None = None) -> list[str]:
    return git(host, "log", "--format=%s", project=project).split()


def fsck(host, project: Path | None = None) -> None:
    assert "error" not in git(host, "fsck", "--full", "--strict", "--no-dangling", project=project)


def quarantined(host) -> list[str]:
    found = []
    for session in host.sessions:
        place = host.config / "sessions" / session / "quarantine"
        found += sorted(os.listdir(place)) if place.is_dir() else []
    return found


# --- what the command's status is ---------------------------------------------------------------


def test_commits_come_home(host):
    """The control of all that follows: this fake engine can bring them."""
    repository(host)
    agent(host, "commit one")
    result = host.run(".")
    assert (result.code, subjects(host), host.sessions) == (0, ["one", "here"], []), result.err
    fsck(host)


@pytest.mark.parametrize("code, ends_with", [(0, 125), (3, 3), (125, 125)])
def test_the_status_says_that_commits_stayed_away(host, code, ends_with):
    repository(host)
    commits_cannot_come(host)
    agent(host, f"commit one; exit {code}")
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == ends_with and f"jailed git import {session}" in result.err
    commits_cannot_come(host, False)
    assert host.run("git", "import").code == 0
    assert (subjects(host), host.sessions) == (["one", "here"], [])


def test_files_in_quarantine_are_no_failure(host):
    agent(host, "echo evil >.envrc")
    assert host.run(".").code == 0
    assert quarantined(host) == ["1-envrc"]


# --- a reader that goes away --------------------------------------------------------------------


@pytest.mark.parametrize("leaves", [False, True])
def test_a_reader_that_leaves_ends_no_homecoming(host, leaves):
    """jailed … 2>&1 | head"""
    (host.project / "here").touch()
    agent(host, 'echo evil >.envrc; note planted; while [ ! -e "$fake/go" ]; do sleep 0.02; done')
    child = host.start(".")
    wait_until(lambda: host.fakes.notes)
    if leaves:
        child.stderr.close()
        child.stdout.close()
    (host.fakes.directory / "go").touch()
    assert child.wait(10) == 0
    assert sorted(os.listdir(host.project)) == ["here"]  # neither .envrc nor the directory that held the place of .git
    assert quarantined(host) == ["1-envrc"]


def test_commits_come_home_without_a_reader(host):
    repository(host)
    agent(host, 'commit one; note done; while [ ! -e "$fake/go" ]; do sleep 0.02; done')
    child = host.start(".")
    wait_until(lambda: host.fakes.notes)
    child.stderr.close()
    child.stdout.close()
    (host.fakes.directory / "go").touch()
    assert (child.wait(10), subjects(host), host.sessions) == (0, ["one", "here"], [])


def test_a_command_hears_that_its_reader_has_left(host):
    """As it would without jailed between: it does not write for ever to nobody."""
    agent(host, "note up; while echo words; do :; done >&2 2>/dev/null; note told\n")
    host.fakes.on("run", 'note up; trap "" PIPE; while /bin/echo words >&2; do :; done; note told')
    child = host.start(".")
    child.stderr.read1(10)
    child.stderr.close()
    assert child.wait(10) == 0
    assert host.fakes.notes == ["up", "told"]


# --- what is no session -------------------------------------------------------------------------


@pytest.fixture
def strays(host):
    """What a file manager, an editor or a user leaves in the directory of the sessions."""
    sessions = host.mkdir("home/.config/jailed/sessions", 0o700)
    host.config.chmod(0o700)
    (sessions / ".DS_Store").write_text("x")
    (sessions / "0123456789ab").write_text("a file by a session's name")
    (sessions / "ba9876543210").symlink_to("/etc")
    (sessions / "0123456789ab.bak").mkdir()
    (sessions / "notes" / "projects" / "x").mkdir(parents=True)
    host.give(host.home)
    return sorted(os.listdir(sessions))


def test_a_stray_file_is_no_living_jail(host, strays):
    """Guards go where another jail works on the project; nothing but a session is one."""
    (host.project / ".envrc").write_text("x")
    host.give(host.project)
    agent(host, "true")
    assert host.run(".").code == 0
    assert [mount for mount in host.fakes.called("run")[0].mounts if mount.endswith("/.envrc")]
    assert host.sessions == strays


@pytest.mark.parametrize("words", [["ls"], ["git", "log"], ["git", "import"], ["stop", "--all"]])
def test_a_stray_file_is_no_session_for_anybody(host, strays, words):
    Machine(host, "docker")
    result = host.run(*words)
    assert result.code == 0, result.err
    assert host.sessions == strays
    assert "volume" not in [call.args[0] for call in host.fakes.calls]  # no session could have left one


# --- an exception at any step -------------------------------------------------------------------


def test_an_engine_that_is_gone_takes_no_commits_with_it(host):
    repository(host)
    agent(host, f"commit one; rm {host.fakes.bin}/docker; kill -KILL $$")
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == 137 and f"jailed git import {session}" in result.err
    host.fakes.add("docker")
    agent(host, "true")
    assert f"jailed git import {session}" in host.run(".").err
    assert host.run("git", "import").code == 0
    assert (subjects(host), host.sessions) == (["one", "here"], [])


@pytest.mark.parametrize("mode", ["0", "600"])  # with 600 the names are seen, and no file that has them
@pytest.mark.parametrize("place", ["refs", "refs/heads", "refs/heads/a"])
def test_commits_where_nothing_can_be_listed_are_not_taken_for_none(host, place, mode):
    repository(host)
    agent(host, f"in_jail branch a/b; commit one; in_jail update-ref refs/heads/a/b HEAD; chmod {mode} $shadow/{place}")
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == 125 and f"jailed git import {session}" in result.err
    (host.config / "sessions" / session / "git" / place).chmod(0o755)
    agent(host, "true")
    assert host.run("git", "import").code == 0
    assert (git(host, "log", "-1", "--format=%s", "a/b").strip(), host.sessions) == ("one", [])


@pytest.mark.parametrize("mode", ["0", "600"])
@pytest.mark.parametrize("place", ["worktrees", "worktrees/w", "lfs", "lfs/objects"])
def test_worktrees_and_files_of_lfs_that_cannot_be_seen_are_not_taken_for_none(host, place, mode):
    repository(host)
    oid = hashlib.sha256(b"large").hexdigest()
    agent(host, f"commit one; in_jail worktree add -q --detach $project/w; objects=$shadow/lfs/objects/{oid[:2]}/{oid[2:4]}; mkdir -p $objects; "
                f"printf large >$objects/{oid}; chmod {mode} $shadow/{place}")  # fmt: skip
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == 125 and f"jailed git import {session}" in result.err
    (host.config / "sessions" / session / "git" / place).chmod(0o755)
    agent(host, "true")
    assert host.run("git", "import").code == 0
    assert subjects(host) == ["one", "here"] and "jailed git" not in host.run(".").err
    assert (host.project / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid).read_text() == "large"


@pytest.mark.parametrize("mode", ["0", "300", "500", "600"])
def test_a_directory_that_a_jail_closed_goes_with_its_session(host, mode):
    repository(host)
    agent(host, f"mkdir -p $shadow/objects/x/y; echo >$shadow/objects/x/y/z; chmod {mode} $shadow/objects/x/y; chmod {mode} $shadow/objects/x")
    assert (host.run(".").code, host.sessions) == (0, [])


@pytest.mark.parametrize("breaks", ['mkdir "$session/answer"', 'mkdir "$session/input"', "rm {bin}/git", 'chmod 500 "$repository/objects/pack"',
                                    'chmod 500 "$repository/refs"'])  # fmt: skip
def test_whatever_breaks_on_the_way_home_loses_no_commit(host, breaks):
    repository(host)
    agent(host, "commit one; " + breaks.format(bin=host.fakes.bin))
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == 125 and f"jailed git import {session}" in result.err
    for path in (host.project / ".git/objects/pack", host.project / ".git/refs"):
        path.chmod(0o755)
    agent(host, "true")
    for name in ("answer", "input"):
        shutil.rmtree(host.config / "sessions" / session / name, ignore_errors=True)
    fsck(host)
    assert host.run("git", "import").code == 0
    assert (subjects(host), host.sessions) == (["one", "here"], [])
    fsck(host)


def test_a_launch_that_fails_leaves_nothing(host):
    """Not even the directory that would hold the place of .git."""
    agent(host, "true")
    (host.fakes.bin / "docker").write_text("#!/nowhere\n")
    assert host.run(".").code == 125
    assert (os.listdir(host.project), host.sessions) == ([], [])


# --- what a launch decided is what counts later -------------------------------------------------


def kept(host, project: Path, *options: str) -> str:
    """The session of a jail whose commit could not come home."""
    before = host.sessions
    project.mkdir(parents=True, exist_ok=True)
    host.give(host.directory)
    repository(host, project)
    commits_cannot_come(host)
    agent(host, "commit one", project)
    assert host.run(*options, str(project)).code == 125
    commits_cannot_come(host, False)
    (session,) = set(host.sessions) - set(before)
    return session


def test_a_project_that_was_let_in_is_imported(host):
    project = host.home / ".aws/lambda"
    kept(host, project, "--allow", "secret-store", "--image", "mine", "--user", "dev")
    assert host.run(str(project)).code == 2  # today nobody says that it is allowed
    assert host.run("git", "import").code == 0
    collector = host.fakes.called("run")[-1]
    assert "mine" in collector.args and ":mine" not in collector.args
    assert collector.values("--user")[0].split(":")[0] == str(host.caller)
    assert (subjects(host, project), host.sessions) == (["one", "here"], [])


@pytest.mark.parametrize("first", [True, False])
def test_a_project_that_is_gone_holds_up_no_other(host, first):
    moved, good = host.directory / "moved", host.directory / "good"
    projects = [moved, good] if first else [good, moved]
    sessions = {project: kept(host, project) for project in projects}
    moved.rename(host.directory / "elsewhere")
    (host.fakes.directory / "repository").write_text(str(good / ".git"))
    agent(host, "true", good)
    result = host.run("git", "import")
    assert result.code == 125
    assert f"{moved} is gone" in result.err
    assert f"jailed git import {sessions[moved]}" in result.err and f"jailed git drop {sessions[moved]}" in result.err
    assert (subjects(host, good), host.sessions) == (["one", "here"], [sessions[moved]])
    # Put back, it comes.
    (host.directory / "elsewhere").rename(moved)
    (host.fakes.directory / "repository").write_text(str(moved / ".git"))
    agent(host, "true", moved)
    assert host.run("git", "import").code == 0
    assert (subjects(host, moved), host.sessions) == (["one", "here"], [])


def test_stop_all_goes_on_after_one_that_cannot_be_ended(host):
    machine = Machine(host, "docker")
    good = machine.detach()
    jails = [listed(int(good[-12:], 16), str(host.project)), listed(1, "/p/bad"), listed(2, "/p/other")]
    machine.knows(jails)
    host.fakes.on("stop", 'case "$*" in *jailed-bad-*) echo "Error response from daemon: cannot kill it" >&2; exit 1;; esac')
    result = host.run("stop", "--all")
    assert result.code == 125 and "cannot kill it" in result.err
    assert host.sessions == ["000000000001"]  # the bad one's, for the next try
    ended = [name for call in host.fakes.called("stop") for name in call.args[3:] if len(call.args) == 4]
    assert good in ended and "jailed-other-000000000002" in ended


# --- a full disk --------------------------------------------------------------------------------


@pytest.fixture
def small(new_host):
    """small(*names): a host of whose directories the named ones are together on a file system of 6 MiB."""
    if not CAN_MOUNT:
        pytest.skip("needs root, to mount a small file system")
    mounted = []

    def make(*names: str):
        host = new_host("docker")
        for name in names:
            path = host.directory / name
            path.mkdir(exist_ok=True)
            if not mounted:
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=755", "small", str(path)], check=True)
                mounted.append(path)
                continue
            (mounted[0] / f".{name}").mkdir()
            subprocess.run(["mount", "--bind", str(mounted[0] / f".{name}"), str(path)], check=True)
            mounted.append(path)
        host.give(host.directory)
        return host

    yield make
    for path in reversed(mounted):
        subprocess.run(["umount", str(path)], check=True)


# The jail can write there: <config>/cache and the agents' state.
FILL = 'dd if=/dev/zero of="$home/.config/jailed/cache/filler" bs=4k 2>/dev/null; '


def room_again(host) -> None:
    (host.config / "cache/filler").unlink()


def test_what_is_planted_is_moved_away_although_the_disk_is_full(small):
    """Small things: room was made for them before the jail began."""
    host = small("home")
    agent(host, FILL + "echo evil >.envrc; mkdir -p sub/.git/hooks; echo 'ref: refs/heads/x' >sub/.git/HEAD; echo evil >sub/.git/hooks/post-checkout")
    result = host.run(".")
    assert result.code == 0, result.err
    assert not (host.project / ".envrc").exists() and not (host.project / "sub/.git").exists()
    assert quarantined(host) == ["1-envrc", "2-git"] or quarantined(host) == ["1-git", "2-envrc"], result.err
    (session,) = host.sessions
    assert str(host.project / ".envrc") in (host.config / "sessions" / session / "quarantine.txt").read_text()


PLANT_LARGE = "mkdir -p sub/.git/objects sub/.git/refs; echo 'ref: refs/heads/x' >sub/.git/HEAD; head -c 3M /dev/zero >sub/.git/objects/large; "


def test_what_cannot_be_moved_away_is_named_and_never_a_baseline(small):
    host = small("home")
    agent(host, FILL + PLANT_LARGE + "echo high >Makefile")
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == 125
    assert "sub/.git" in result.err and "could NOT be moved away (No space left on device)" in result.err
    assert f"jailed git import {session}" in result.err and f"jailed git drop {session}" in result.err
    assert (host.project / "sub/.git/HEAD").exists()
    # No launch takes it for what was always there, nor tells again what it told.
    agent(host, "true")
    again = host.run(".")
    assert "sub/.git" in again.err and "could NOT be moved away" in again.err and "Makefile" not in again.err
    assert again.code == 125 and len(host.sessions) == 1
    assert "sub/.git" in host.run("git", "log").out
    room_again(host)
    last = host.run(".")
    assert last.code == 0 and "moved away; to take it: " in last.err
    assert not (host.project / "sub/.git").exists() and quarantined(host) == ["1-git"]
    assert "left files in quarantine" in host.run(".").err and "sub/.git" not in host.run(".").err  # nothing is tried again


@pytest.mark.parametrize("words, is_there", [(["import"], False), (["drop"], True)])
def test_the_user_decides_about_what_could_not_be_moved(small, words, is_there):
    host = small("home")
    agent(host, FILL + PLANT_LARGE)
    assert host.run(".").code == 125
    (session,) = host.sessions
    if words == ["import"]:
        assert host.run("git", "import", session).code == 125
        room_again(host)
    assert host.run("git", *words, session).code == 0
    assert (host.project / "sub/.git").exists() == is_there
    assert bool(quarantined(host)) != is_there
    agent(host, "true")
    assert "could NOT" not in host.run(".").err


def test_on_one_file_system_a_full_disk_stops_no_move(small):
    host = small("home", "project")
    agent(host, ": >.envrc; mkdir -p sub/.git/objects sub/.git/refs; echo 'ref: refs/heads/x' >sub/.git/HEAD; " + FILL + "true")
    result = host.run(".")
    assert result.code == 0, result.err
    assert len(quarantined(host)) == 2
    assert not (host.project / ".envrc").exists() and not (host.project / "sub/.git").exists()


def test_a_launch_on_a_full_disk_says_so_and_leaves_nothing(small):
    host = small("home")
    agent(host, "true")
    assert host.run(".").code == 0  # makes the configuration
    filler = host.config / "cache/filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], stderr=subprocess.DEVNULL)
    result = host.run(".")
    assert result.code == 125 and "No space left on device" in result.err
    assert host.sessions == [] and os.listdir(host.project) == []


@pytest.mark.parametrize("full", ["home", "project"])
def test_commits_outlive_a_full_disk(small, full):
    """Of jailed's own files, and of the repository here."""
    host = small(full)
    repository(host)
    place = '"$home/.config/jailed/cache/filler"' if full == "home" else '"$repository/filler"'
    agent(host, f"head -c 100k /dev/urandom >large; in_jail add large; commit one; dd if=/dev/zero of={place} bs=4k 2>/dev/null; true")
    result = host.run(".")
    (session,) = host.sessions
    assert result.code == 125, result.err
    assert f"jailed git import {session}" in result.err and "No space left on device" in result.err
    assert subjects(host) == ["here"]
    (host.config / "cache/filler" if full == "home" else host.project / ".git/filler").unlink()
    fsck(host)
    agent(host, "true")
    assert host.run("git", "import").code == 0
    assert (subjects(host), host.sessions) == (["one", "here"], [])
    fsck(host)


# --- what a jail, or the repository itself, has put in the way --------------------------------------------------------


def test_a_link_on_the_way_to_the_project_leads_to_no_other_directory(host):
    """As a jail around the project can put it there: what is of that name elsewhere is the user's."""
    project = host.mkdir("around/mid/sub")
    mine = host.mkdir("home/sub")
    (mine / ".envrc").write_text("mine")
    host.mkdir("home/sub/lib/.git")
    (mine / "lib/.git/HEAD").write_text("ref: refs/heads/main\n")
    around = host.directory / "around"
    host.give(host.directory)
    host.fakes.on("run", f"/bin/touch .envrc; /bin/mv {around}/mid {around}/gone; /bin/ln -s {host.home} {around}/mid")
    before = [path for path in host.snapshot() if path[0].startswith("home/sub")]
    result = host.run(project, "--", "true")
    (session,) = host.sessions
    assert [path for path in host.snapshot() if path[0].startswith("home/sub")] == before
    assert result.code == 125 and f"a symbolic link leads to {project} now" in result.err and f"jailed git import {session}" in result.err
    (around / "mid").unlink()
    (around / "gone").rename(around / "mid")
    assert host.run("git", "import").code == 0 and host.sessions == []


def test_a_project_that_was_moved_meanwhile_is_looked_at_when_it_is_back(host):
    moved = host.directory / "moved"
    agent(host, f"echo evil >.envrc; cd ..; mv {host.project} {moved}")
    result = host.run(host.project, cwd=host.directory)
    (session,) = host.sessions
    assert result.code == 125 and f"{host.project} is gone" in result.err and f"jailed git import {session}" in result.err
    host.fakes.on("run", "exit 0")
    assert host.run(host.mkdir("other"), "--", "true", cwd=host.directory).err == ""
    moved.rename(host.project)
    host.run(host.project)
    assert quarantined(host) == ["1-envrc"] and not (host.project / ".envrc").exists()


def test_a_project_that_is_gone_for_good_is_given_up_once(host):
    agent(host, f"cd ..; mv {host.project} {host.directory}/moved")
    host.run(host.project, cwd=host.directory)
    (session,) = host.sessions
    assert host.run("git", "drop", session, cwd=host.directory).code == 0 and host.sessions == []


def test_what_is_not_all_home_is_looked_at_all_the_same(new_host):
    """What came over before the last flush failed was left in the project without a word."""
    host = new_host("docker")
    host.install_mutagen()
    side = {"connected": True, "files": 3}
    (host.fakes.directory / "stuck").write_text(json.dumps([{
        "status": "watching", "alpha": side | {"transitionProblems": [{"path": "f", "error": "unable to create file: file exists"}]}, "beta": side}]))
    host.fakes.on("exec", f'case "$*" in *" agent") echo evil >{host.project}/.envrc; /bin/cp -f --remove-destination "$fake/stuck" "$fake/state";; esac')
    result = host.run(".", "--", "agent")
    assert result.code == 125 and "Not all work of this jail is on the host yet" in result.err
    assert "critical new     .envrc" in result.err and quarantined(host) == ["1-envrc"]


@pytest.fixture
def cut_off(host):
    """Commits of a jail whose jailed was killed while it made the new index: who is the repository's owner has a lock and half an index in it."""
    repository(host)
    agent(host, "commit one")
    (host.fakes.bin / "git").unlink()
    (host.fakes.bin / "git").write_text(f"""#!/bin/sh
case " $* " in *" read-tree "*) [ -e {host.fakes.directory}/killed ] || {{ : >{host.fakes.directory}/killed; kill -9 $PPID; }} ;; esac
exec /usr/bin/git "$@"
""")
    (host.fakes.bin / "git").chmod(0o755)
    assert host.run(".").code == -9
    assert {"index.lock", "index.jailed"} <= set(os.listdir(host.project / ".git"))
    return host


def left(host) -> list[str]:
    return [name for name in os.listdir(host.project / ".git") if name.startswith("index.")]


def test_half_an_index_goes_with_the_next_import(cut_off):
    assert cut_off.run("git", "import").code == 0
    assert (left(cut_off), subjects(cut_off), cut_off.sessions) == ([], ["one", "here"], [])
    fsck(cut_off)


def test_half_an_index_goes_where_nothing_can_be_moved_any_more(cut_off):
    (cut_off.project / ".git/index.lock").unlink()
    git(cut_off, "commit", "-q", "--allow-empty", "-m", "mine")
    result = cut_off.run("git", "import")
    assert result.code == 0 and "the repository here moved on meanwhile" in result.err
    assert (left(cut_off), subjects(cut_off)) == ([], ["mine", "here"])


def test_half_an_index_goes_with_commits_that_are_given_up(cut_off):
    (session,) = cut_off.sessions
    assert cut_off.run("git", "drop", session).code == 0
    assert (left(cut_off), subjects(cut_off), cut_off.sessions) == ([], ["here"], [])


def test_a_lock_of_somebody_elses_stays(cut_off):
    (session,) = cut_off.sessions
    (cut_off.project / ".git/index.lock").write_text("")
    assert cut_off.run("git", "drop", session).code == 0
    assert sorted(left(cut_off)) == ["index.jailed", "index.lock"]


def test_commits_go_to_no_repository_that_a_link_leads_to(host):
    project = host.mkdir("around/mid/sub")
    around = host.directory / "around"
    host.give(around)
    repository(host, project)
    git(host, "clone", "-q", str(project), str(host.home / "sub"), project=host.home)
    agent(host, f"commit one; mv {around}/mid {around}/gone; ln -s {host.home} {around}/mid", project)
    (host.fakes.directory / "repository").write_text(f"{around}/gone/sub/.git")
    before = [path for path in host.snapshot() if path[0].startswith("home/sub")]
    result = host.run(project)
    assert result.code == 125 and "a symbolic link leads to" in result.err
    assert [path for path in host.snapshot() if path[0].startswith("home/sub")] == before


@pytest.mark.parametrize("name", ["refs/heads/pipe", "refs/tags/pipe", "packed-refs", "logs/HEAD", "shallow", "objects/info/alternates", "objects/info/commit-graph",
                                  "info/attributes"])  # fmt: skip
def test_git_here_waits_for_no_pipe_in_the_repository(host, name):
    """The repository came in an archive. The jail's git has objects of its own."""
    repository(host)
    pipe = host.project / ".git" / name
    pipe.parent.mkdir(parents=True, exist_ok=True)
    pipe.unlink(missing_ok=True)
    shutil.copytree(host.project / ".git/objects", host.fakes.directory / "store/objects")
    host.give(host.fakes.directory / "store")
    os.mkfifo(pipe)
    host.give(host.project)
    agent(host, "repository=$fake/store; commit one")
    (host.fakes.directory / "repository").write_text(str(host.fakes.directory / "store"))
    result = host.run(".", timeout=15)
    assert result.code == 125 and f".git/{name} is no file, and git would wait for it" in result.err
    pipe.unlink()


def test_git_here_waits_for_no_pipe_that_settings_include(host):
    repository(host)
    (host.project / ".git/config").open("a").write(f"[include]\n\tpath = {host.home}/pipe\n")
    host.give(host.project)
    os.mkfifo(host.home / "pipe")
    host.give(host.home)
    agent(host, "repository=$fake/store; commit one")
    shutil.copytree(host.project / ".git/objects", host.fakes.directory / "store/objects")
    host.give(host.fakes.directory / "store")
    result = host.run(".", timeout=60)
    assert result.code == 125 and f"does not come to an end with the settings in {host.project}/.git/config" in result.err, result.err
    (host.home / "pipe").unlink()
    agent(host, "true")
    assert host.run("git", "import").code == 0 and subjects(host) == ["one", "here"]


def test_a_pipe_that_the_jail_made_where_settings_include_a_file_is_moved_away_first(host):
    repository(host)
    (host.project / ".git/config").open("a").write("[include]\n\tpath = ../pipe\n")
    host.give(host.project)
    agent(host, "commit one; mkfifo pipe")
    assert (host.run(".", timeout=60).code, subjects(host), quarantined(host)) == (0, ["one", "here"], ["1-pipe"])


# What git 2.54 does with hooks that settings name; 2.39 knows none. Some call of each git here has them: of this one none may run.
NEW_GIT = r"""#!/bin/sh
PATH=/usr/bin:/bin
case " $* " in *" update-ref "* | *" symbolic-ref "* | *" read-tree "*)
  for name in $(git config --null --name-only --get-regexp '^hook[.].*[.]command$' | tr '\0 ' '\n~' | sed 's/^hook[.]//; s/[.]command$//'); do
    name=$(echo "$name" | tr '~' ' ')
    [ "$(git config --type=bool --get "hook.$name.enabled")" = false ] || sh -c "$(git config --get "hook.$name.command")"
  done
esac
exec git "$@"
"""


def test_no_hook_that_settings_name_runs_at_the_homecoming(host):
    """The repository came in an archive, or its settings include a file that the jail wrote."""
    repository(host)
    ran = host.home / "ran"
    hooks = "".join(f'[hook "{name}"]\n\tevent = reference-transaction\n\tcommand = "echo >>{ran}"\n' for name in ("lint", "a.b", "with = sign", "reference-transaction"))
    (host.project / ".git/config").open("a").write(hooks + "[include]\n\tpath = ../more\n")
    host.give(host.project)
    agent(host, f'commit one; printf \'[hook "late"]\\n\\tevent = post-index-change\\n\\tcommand = echo >>{ran}\\n\' >more')
    (host.fakes.bin / "git").unlink()
    (host.fakes.bin / "git").write_text(NEW_GIT)
    (host.fakes.bin / "git").chmod(0o755)
    result = host.run(".")
    assert (result.code, subjects(host), ran.exists()) == (0, ["one", "here"], False), result.err
    # The control: this git runs them for the user.
    env = {"HOME": str(host.home), "PATH": "/usr/bin:/bin", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    subprocess.run([host.fakes.bin / "git", "update-ref", "refs/heads/other", "HEAD"], cwd=host.project, check=True, env=env)
    assert ran.exists()


def test_a_repository_with_more_hooks_than_anybody_has_is_none_to_write_to(host):
    repository(host)
    (host.project / ".git/config").open("a").write("".join(f'[hook "h{number}"]\n\tcommand = true\n' for number in range(1001)))
    host.give(host.project)
    agent(host, "commit one")
    result = host.run(".")
    assert result.code == 125 and "name more hooks than any repository has" in result.err


def test_a_socket_of_git_s_own_is_in_nobody_s_way(host, monkeypatch):
    repository(host)
    with socket.socket(socket.AF_UNIX) as monitor:
        monkeypatch.chdir(host.project / ".git")
        monitor.bind("fsmonitor--daemon.ipc")
    agent(host, "commit one")
    assert (host.run(".").code, subjects(host)) == (0, ["one", "here"])


# Ten thousand million files in a few hundred bytes.
BOMB = r"""tree=$(printf '100644 blob %s\tf\n' $(echo x | in_jail hash-object -w --stdin) | in_jail mktree)
for level in 1 2 3 4 5 6 7 8 9 10; do
  tree=$(for i in 0 1 2 3 4 5 6 7 8 9; do printf '040000 tree %s\td%s\n' $tree $i; done | in_jail mktree)
done
in_jail update-ref refs/heads/main $(in_jail commit-tree -p HEAD -m bomb $tree)"""


def noting_git(host) -> None:
    (host.fakes.bin / "git").unlink()
    script = host.fakes.add("git")
    script.write_text(script.read_text() + 'PATH=$saved_path exec /usr/bin/git "$@"\n')


def steps(host) -> set[str]:
    """The subcommands of git that ran here; each has settings (-c) before it."""
    words = [call.args for call in host.fakes.calls if call.program.endswith("/git")]
    return {next((word for at, word in enumerate(args) if word != "-c" and (at == 0 or args[at - 1] != "-c")), "") for args in words}


def test_a_commit_of_more_files_than_memory_holds_is_not_unpacked(host):
    repository(host)
    agent(host, BOMB)
    noting_git(host)
    result = host.run_within(1 << 30, ".", timeout=120)
    assert result.code == 0 and "Your branch stays where it is: it has more files than can be compared." in result.err
    assert "ls-tree" in steps(host) and not {"diff-tree", "read-tree"} & steps(host)
    assert "/heads/main" in git(host, "for-each-ref", "refs/jailed") and subjects(host) == ["here"]


def test_control_a_commit_of_one_file_is(host):
    repository(host)
    agent(host, "commit one")
    noting_git(host)
    assert host.run(".").code == 0 and {"ls-tree", "diff-tree", "read-tree"} <= steps(host) and subjects(host) == ["one", "here"]


def delta_pack(blob: bytes, size: int) -> bytes:
    """One object that says it is `size` bytes long, made of one that is there."""
    def number(value: int) -> bytes:
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    delta = number(len(blob)) + number(size) + bytes([0x90, len(blob)])
    entry = bytes([0x70 | len(delta) & 15 | (128 if len(delta) > 15 else 0)]) + (bytes([len(delta) >> 4]) if len(delta) > 15 else b"")
    pack = b"PACK" + (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + entry + hashlib.sha1(b"blob %d\0" % len(blob) + blob).digest() + zlib.compress(delta)
    return pack + hashlib.sha1(pack).digest()


def test_an_object_that_unpacks_to_more_than_memory_is_refused_by_its_size(host):
    repository(host)
    agent(host, "commit one")
    (host.fakes.directory / "pack").write_bytes(delta_pack(b"here\n", 3 << 30))
    script = host.fakes.directory / "on-run"
    script.write_text(script.read_text().replace("in_jail for-each-ref --format='%(objectname)' refs/heads | in_jail pack-objects --revs --stdout -q", 'cat "$fake/pack"'))
    result = host.run(".")
    assert result.code == 125 and f"attempting to allocate {(3 << 30) + 1} over limit {2 << 30}" in result.err, result.err


def test_references_that_cost_a_jail_nothing_cost_no_memory_here(host):
    """One file of a megabyte, linked five hundred times."""
    repository(host)
    agent(host, r"""mkdir -p $shadow/refs/heads/x; (printf 'ref: refs/heads/'; head -c 1000000 /dev/zero | tr '\0' a) >$shadow/refs/heads/x/0
i=1; while [ $i -lt 500 ]; do ln $shadow/refs/heads/x/0 $shadow/refs/heads/x/$i; i=$((i + 1)); done; commit one""")
    result = host.run_within(1 << 28, ".", timeout=100)
    assert "bad_alloc" not in result.err and subjects(host) == ["one", "here"]
