"""Several projects in one jail: each has all that a single one has."""
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess

import pytest

from support.git import Repository
from support.jail import ENGINE, GVISOR, IMAGE, wait_for
from support.sync import Synced, kill_at, tree

pytestmark = pytest.mark.side_by_side

COMMIT = "echo new >new && git add new && git commit -qm 'from the jail'"


class Several:
    """Repositories, and jails around all of them."""

    def __init__(self, host, *names: str, owners=()) -> None:
        self.host = host
        for name in names:
            if "/" in name and not (host.root / name).parent.exists():
                host.directory(name.split("/")[0])
        self.repositories = [Repository.create(host, name) for name in names]
        host.environment["JAILED_SYNC_STRATEGY"] = "bind"

    @property
    def paths(self):
        return [repo.path for repo in self.repositories]

    def sh(self, script: str, *options, **how):
        return self.host.run(*options, *self.paths, "--", "bash", "-c", script, **how)

    def start(self, script: str):
        process = subprocess.Popen(
            self.host._argv([*self.paths, "--", "bash", "-c", f"echo ready; {script}"]), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.host.root, env=self.host._environment(None))  # fmt: skip
        self.host._children.append(lambda: process.poll() is None and process.kill())
        assert process.stdout.readline() == b"ready\n", process.communicate()
        return process

    def sessions(self):
        return self.repositories[0].sessions()


def came_home(repo: Repository) -> bool:
    assert repo.status() == ""
    return repo.git("log", "-1", "--format=%s") == "from the jail"


def test_commits_of_both_come_home(host):
    """At /workspace and /projects/<name>, and at their own paths; nothing else can be written there."""
    jail = Several(host, "web", "api")
    done = jail.sh(f"pwd; {COMMIT}; cd /projects/api && git log --format=%s && echo x >file && {COMMIT} && git checkout -qb idea && git commit -q --allow-empty -m idea"
                   " && git checkout -q main; git -C /projects/api status --porcelain; ls /projects; touch /projects/x /projects/api/../y 2>&1 | grep -c 'Read-only'").ok()  # fmt: skip
    web, api = jail.repositories
    assert done.text.split() == [str(web.path), "first", "??", "file", "api", "2"]
    assert came_home(web)
    assert api.git("log", "-1", "--format=%s") == "from the jail"
    assert api.status() == "?? file"
    assert api.arrived() == web.arrived() == {} and "refs/heads/idea" in api.refs()
    assert jail.sessions() == []
    for repo in jail.repositories:
        repo.assert_sound()


def test_duplicate_names_get_their_parents(host):
    jail = Several(host, "web", "one/api", "two/api", "one-api")
    done = jail.sh("for d in /projects/*; do echo $d; cd $d; " + COMMIT + "; done").ok()
    assert done.text.split() == ["/projects/one-api", "/projects/one-api-2", "/projects/two-api"]
    web, *rest = jail.repositories
    assert web.git("log", "-1", "--format=%s") == "first"
    assert all(came_home(repo) for repo in rest)


def test_a_name_of_any_characters(host):
    jail = Several(host, "web", 'a "b", c=$(d)\n', "ü")
    done = jail.sh("cd /projects; for d in *; do [[ $d =~ ^[A-Za-z0-9._-]+$ ]] || echo $d; (cd ./$d; " + COMMIT + "); done").ok()
    assert done.text == ""
    assert all(came_home(repo) for repo in jail.repositories[1:])


def test_the_seconds_repository_is_a_shadow(host):
    """What is written into its .git is obeyed by no git on the host; with --git rw it is."""
    plant = "printf '#!/bin/sh\\n: >%s\\n' {ran} >{git}/hooks/post-checkout; chmod +x {git}/hooks/post-checkout; git -C {git}/.. config core.fsmonitor {git}/hooks/post-checkout"
    for how, runs in (("shadow", False), ("rw", True)):
        jail = Several(host, f"web-{how}", f"api-{how}")
        api = jail.repositories[1]
        jail.sh("git config --global --add safe.directory '*'; mkdir -p /projects/*/.git/hooks; "
                + plant.format(ran=api.ran, git=f"/projects/api-{how}/.git"), "--git", how).ok()  # fmt: skip
        api.use_like_a_user()
        assert api.ran.exists() is runs
    api.ran.unlink()


def test_what_tools_run_is_guarded_and_moved_away_in_the_second(host):
    """A file that is there cannot be changed, a new one goes to the quarantine of its project."""
    jail = Several(host, "web", "api")
    web, api = jail.repositories
    host.write(api.path / ".envrc", "export MINE=1\n")
    done = jail.sh("echo 'echo evil' >/projects/api/.envrc; mkdir /projects/api/x && echo evil >/projects/api/x/.envrc; git init -q /projects/api/sub; echo evil >.envrc").ok()
    assert (api.path / ".envrc").read_text() == "export MINE=1\n"
    assert not (api.path / "x/.envrc").exists() and not (api.path / "sub/.git").exists() and not (web.path / ".envrc").exists()
    assert f"In {api.path}:" in done.errors and f"In {web.path}:" in done.errors
    (session,) = jail.sessions()
    assert len(list((session / "projects/api/quarantine").iterdir())) == 2 and len(list((session / "quarantine").iterdir())) == 1
    # Each project is told of its own, until it is taken back.
    for project, told in ((api.path, session / "projects/api"), (web.path, session)):
        again = host.run("--sync", "bind", project, "--", "true").ok()
        assert f"{told}/quarantine.txt" in again.errors, again.errors
    for line in (session / "projects/api/quarantine.txt").read_text().splitlines():
        if not line.startswith(("Moved", "(")):
            subprocess.run(["bash", "-c", line], check=True)
    assert (api.path / "x/.envrc").read_text() == "evil\n"
    shutil.rmtree(api.path / "sub")
    again = host.run("--sync", "bind", api.path, "--", "true").ok()
    assert "quarantine" not in again.errors, again.errors
    api.give_up()


def test_without_the_guard_the_seconds_file_changes(host):
    """The control of the test above."""
    jail = Several(host, "web", "api")
    api = jail.repositories[1]
    host.write(api.path / ".envrc", "export MINE=1\n")
    jail.sh("echo evil >/projects/api/.envrc", "--allow-edit", "**").ok()
    assert (api.path / ".envrc").read_text() == "evil\n"
    assert jail.sessions() == []


def test_a_second_that_is_no_repository(host):
    """An empty .git holds the place; `git init` in the jail makes a repository here."""
    jail = Several(host, "web")
    plain = host.project("plain")
    done = host.run(jail.paths[0], plain, "--", "bash", "-c", "ls -a /projects/plain | wc -l; " + COMMIT).ok()
    assert done.text.split() == ["3"] and came_home(jail.repositories[0]) and list(plain.iterdir()) == []
    host.run(plain, jail.paths[0], "--", "bash", "-c", f"git init -q -b main; {COMMIT}; cd /projects/web; git commit -q --allow-empty -m again").ok()
    assert came_home(Repository(host, plain, init=False))
    assert jail.repositories[0].git("log", "-1", "--format=%s") == "again"
    assert jail.sessions() == []


def test_two_worktrees_of_one_repository(host):
    """Of branches of one name, made in both, the first is one here, and the other comes home apart."""
    jail = Several(host, "web")
    (web,) = jail.repositories
    tree = Repository(host, host.root / "tree", init=False)
    web.git("worktree", "add", "-q", str(tree.path), "-b", "side")
    script = "{} && git checkout -qb idea && git commit -q --allow-empty -m $PWD && git checkout -q {}"
    done = host.run(web.path, tree.path, "--", "bash", "-c", script.format(COMMIT, "main") + "; cd /projects/tree; " + script.format(COMMIT, "side")).ok()
    assert came_home(web) and came_home(tree), done.errors
    refs = [*web.refs("refs/jailed"), "idea"]
    assert sorted(web.git("log", "-1", "--format=%s", name) for name in refs) == sorted(["/projects/tree", str(web.path)]), refs
    web.assert_sound()
    assert jail.sessions() == []


@pytest.mark.parametrize("back", ["import", "drop"])
def test_killed(host, back):
    """kill -9: the jail ends, and both projects' commits can be had by the next one, or given up."""
    jail = Several(host, "web", "api")
    web, api = jail.repositories
    process = jail.start(f"{COMMIT}; cd /projects/api; {COMMIT}; git init -q sub; echo >/workspace/done; sleep 60")
    wait_for("the commits", (web.path / "done").exists)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    host.wait_until_no_jail(20)
    assert web.git("log", "-1", "--format=%s") == "first"
    # A launch in the second alone sweeps, tells, and leaves nothing that runs there.
    swept = host.run("--sync", "bind", api.path, "--", "true").ok()
    assert "jailed git import" in swept.errors and not (api.path / "sub/.git").exists()
    logged = host.run("git", "log").ok().text
    assert str(web.path) in logged and str(api.path) in logged
    done = host.run("git", back, swept.errors.split("jailed git import ")[1].split()[0]).ok()
    (web.path / "done").unlink()
    if back == "import":
        (api.path / "sub").rmdir()
        assert came_home(web) and came_home(api), done.errors
        assert len(jail.sessions()) == 1  # the quarantine
    else:
        assert web.git("log", "-1", "--format=%s") == api.git("log", "-1", "--format=%s") == "first"
    assert host.run("git", "import").ok().errors.strip() == "[jailed] Everything is home."
    api.give_up()


def test_one_that_cannot_come_home_holds_up_no_other(host):
    """The first comes home; the second, whose repository is in the way, waits for `jailed git import`."""
    jail = Several(host, "web", "api")
    web, api = jail.repositories
    hidden = host.root / "hidden"
    process = jail.start(f"{COMMIT}; cd /projects/api; {COMMIT}; until [ -e /workspace/go ]; do sleep 0.1; done; rm /workspace/go")
    wait_for("the commits", (api.path / "new").exists)
    (api.path / ".git/objects/info").mkdir(exist_ok=True)
    api.git("config", "core.repositoryformatversion", "99")
    host.write(web.path / "go", "")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 125 and came_home(web), errors
    assert b"Commits of the jail stay in" in errors
    api.run("git", "config", "--file", str(api.path / ".git/config"), "core.repositoryformatversion", "0", cwd=host.root)
    assert api.git("log", "-1", "--format=%s") == "first"
    logged = host.run("git", "log").ok().text
    assert str(api.path) in logged and str(web.path) not in logged
    web.git("reset", "-q", "--hard", "HEAD~")
    host.run("git", "import").ok()
    assert came_home(api) and web.git("log", "-1", "--format=%s") == "first"
    assert jail.sessions() == [] and not hidden.exists()


@pytest.mark.skipif(GVISOR, reason="the owner of new files is another matter there")
def test_a_second_project_of_roots(root_host):
    """Root's project beside a user's: by a mount of its own, what is made in it is root's."""
    host = root_host
    jail = Several(host, "web", "api")
    web, api = jail.repositories
    subprocess.run(["chown", "-Rh", "1500:1500", web.path], check=True)
    done = jail.sh(f"id -u; {COMMIT}; cd /projects/api; {COMMIT}; git status --porcelain; stat -c %u new ../../workspace/new").ok()
    assert done.text.split() == ["1500", "1500", "1500"]
    assert (web.path / "new").stat().st_uid == 1500 and (api.path / "new").stat().st_uid == 0
    assert {path.stat().st_uid for path in (api.path / ".git").rglob("*")} == {0}
    assert {path.stat().st_uid for path in (web.path / ".git").rglob("*")} == {1500}
    assert came_home(api)
    assert jail.sessions() == []


def test_a_second_project_of_somebody_elses(root_host):
    """Refused for a caller who may do all, since the jail's one user could not use it; and let through when asked."""
    host = root_host
    jail = Several(host, "web", "api")
    subprocess.run(["chown", "-Rh", "1500:1500", jail.paths[0]], check=True)
    subprocess.run(["chown", "-Rh", "1600:1600", jail.paths[1]], check=True)
    refused = jail.sh("true")
    assert refused.status == 2 and f"'{jail.paths[1]}' belongs to uid 1600, but in this jail everything is done as uid 1500" in refused.errors
    assert jail.sh("id -u", "--allow", "foreign-project").ok().text == "1500\n"


def test_a_jail_of_several_that_lives_on(host):
    """Left running, found by any of its projects, entered again only by the same ones, stopped: both are home."""
    jail = Several(host, "web", "api", "lib")
    web, api, lib = jail.repositories
    name = host.run("--detach", web.path, api.path).ok().text.strip()
    (listed,) = [found for found in json.loads(host.run("ls", "--json").ok().text) if found["name"] == name]
    assert listed["project"] == str(web.path) and listed["further"] == {"api": str(api.path)}
    assert f"{web.path}, {api.path}" in host.run("ls").ok().text
    host.run("exec", api.path, "--", "bash", "-c", "cd /projects/api; " + COMMIT).ok()
    host.run("exec", "--", "bash", "-c", COMMIT, cwd=api.path).ok()
    assert host.run("--reuse", web.path, api.path, "--", "hostname").ok().text == "jailed\n"
    assert len(host.jails()) == 1
    for others in ([], [lib.path], [api.path, lib.path]):
        host.run("--reuse", web.path, *others, "--", "test", "!", "-e", "/workspace/.git/index.lock").ok()
        assert len(host.jails()) == 1
    refused = host.run("attach", web.path, lib.path)
    assert refused.status == 125 and "mounted directly" in refused.errors, refused.errors
    assert f"jailed stop {name} && jailed --detach {web.path} {api.path} {lib.path}" in refused.errors
    refused = host.run("detach", web.path, "api")
    assert refused.status == 125 and f"jailed stop {name} && jailed --detach {web.path}\n" in refused.errors
    host.run("stop", api.path).ok()
    assert came_home(web) and came_home(api)
    assert jail.sessions() == []


def test_one_call_of_the_engine(host):
    """However many projects: a launch is one."""
    jail = Several(host, "web", "api", "lib")
    count = host.root / "count"
    wrappers = host.directory("wrappers")
    real = shutil.which(host.engine.client)
    host.write(wrappers / host.engine.client, f'#!/bin/sh\necho "$1" >>{count}\nexec {real} "$@"\n', 0o755)
    jail.sh("true", env={"PATH": f"{wrappers}:{host.environment['PATH']}"}).ok()
    assert count.read_text().split() == ["run"]


# --- with Mutagen: a volume for all further projects, a session for each ------------------------------------


class SyncedSeveral(Several):
    def __init__(self, host, mutagen, *names: str) -> None:
        super().__init__(host, *names)
        self.synced = Synced(host, mutagen)
        del host.environment["JAILED_SYNC_STRATEGY"]

    def nothing_left(self) -> None:
        self.synced.nothing_left()
        left = self.host.engine.run("volume", "ls", "--quiet").stdout.split()
        assert [name for name in left if name.startswith("jailed-web-") and name.endswith("-projects") and self.is_ours(name)] == []

    def is_ours(self, volume: str) -> bool:
        return volume.removesuffix("-projects") in self.names_seen

    names_seen: set = set()

    def see(self) -> str:
        """The jail that runs now; its volumes are looked for at the end."""
        name = self.host.only_jail()["Name"].lstrip("/")
        self.names_seen = self.names_seen | {name}
        return name


@pytest.fixture
def synced_several(host, mutagen):
    image = host.engine.run("run", "--rm", "--entrypoint", "/usr/bin/stat", IMAGE, "-c", "%a", "/projects").stdout
    assert image == "1777\n", f"{IMAGE} is of before there were several projects: scripts/test e2e makes it anew"
    made = []

    def make(*names):
        made.append(SyncedSeveral(host, mutagen, *names))
        return made[0]

    yield make
    for one in made:
        one.synced.close()


def test_synced_both_sides_in_step(synced_several):
    """What is written on one side of the second project is on the other; the last write arrives; commits come home."""
    jail = synced_several("web", "api")
    web, api = jail.repositories
    (api.path / "mine").write_text("mine\n")
    script = f"cat /projects/api/mine; {COMMIT}; cd /projects/api; {COMMIT}; until [ -e there ]; do sleep 0.1; done; rm there; echo now >here; until [ -e end ]; do sleep 0.1; done; rm end mine; echo last >last"
    process = jail.start(script)
    jail.see()
    assert process.stdout.readline() == b"mine\n"
    jail.host.write(api.path / "there", "")
    wait_for("the jail's file", (api.path / "here").exists, 10)
    assert not (api.path / "there").exists()
    jail.host.write(api.path / "end", "")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert (api.path / "last").read_text() == "last\n" and not (api.path / "mine").exists() and not (api.path / "end").exists()
    assert came_home(web)
    assert api.git("log", "-1", "--format=%s") == "from the jail" and api.status().split() == ["??", "here", "??", "last"]
    jail.nothing_left()


def test_synced_the_last_write_arrives(synced_several):
    jail = synced_several("web", "api")
    for number in range(10):
        jail.sh(f"sleep 0.{number}; echo {number} >/projects/api/last").ok()
        assert (jail.paths[1] / "last").read_text() == f"{number}\n"
    jail.nothing_left()


def test_synced_the_seconds_repository_is_a_shadow(synced_several):
    """Its .git file, replaced by a repository of the agent's, is nothing to the host."""
    jail = synced_several("web", "api")
    api = jail.repositories[1]
    before = {path: path.read_bytes() for path in (api.path / ".git").rglob("*") if path.is_file()}
    jail.sh(f"cd /projects/api; cat .git; git config core.fsmonitor 'touch {api.ran}'; rm .git; git init -q; git config core.fsmonitor 'touch {api.ran}'; git init -q sub").ok()
    assert {path: path.read_bytes() for path in (api.path / ".git").rglob("*") if path.is_file()} == before
    assert not (api.path / "sub/.git").exists()
    api.use_like_a_user()
    assert not api.ran.exists()
    jail.nothing_left()


def test_synced_a_conflict_in_the_second(synced_several):
    """The host's side stays, the jail's is saved, the other project comes home."""
    jail = synced_several("web", "api")
    web, api = jail.repositories
    process = jail.start("echo jail >/projects/api/both; echo jail >/workspace/one; until [ -e /workspace/go ]; do sleep 0.1; done; rm /workspace/go; exit 3")
    jail.see()
    wait_for("the file", (api.path / "both").exists, 15)
    # A directory with a file in it on one side, a file on the other: neither can give way.
    name = jail.host.only_jail()["Name"].lstrip("/")
    jail.synced.client("sync", "pause", "--label-selector", f"jailed={name[-12:]}")
    jail.host.write(api.path / "both", "host\n")
    jail.host.run("exec", name, "--", "bash", "-c", "echo jail again >/projects/api/both").ok()
    jail.host.run("exec", name, "--", "touch", "/workspace/go").ok()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3, errors
    assert (api.path / "both").read_text() == "host\n" and (web.path / "one").read_text() == "jail\n"
    assert b"/projects/api/both" in errors
    (session,) = jail.sessions()
    (archive,) = (session / "conflicts").iterdir()
    assert subprocess.run(["tar", "-xOf", archive, "both"], check=True, capture_output=True).stdout == b"jail again\n"
    shutil.rmtree(session)
    jail.nothing_left()


def test_synced_a_jail_that_puts_a_link_in_the_seconds_place(synced_several):
    """Mutagen tries such a side again for ever: jailed does not. The first project is home, the link leads nowhere here, and it is said how things stand."""
    if ENGINE != "docker":
        pytest.skip("what is waited for is Mutagen's doing, whatever the engine")
    jail = synced_several("web", "api")
    web, api = jail.repositories
    before = tree(api.path)
    outside = jail.host.directory("outside")
    (outside / "mine").write_text("mine\n")
    result = jail.sh(f"echo one >one; mv /projects/api /projects/other; ln -s {outside} /projects/api", timeout=60)
    assert (web.path / "one").read_text() == "one\n"
    assert tree(api.path) == before and tree(outside) == {b"mine": (hashlib.sha256(b"mine\n").hexdigest(), False)}
    (give_up,) = re.findall(r"give up what is not home: (.*)", result.errors)
    (session,) = jail.sessions()
    assert f"jailed sync recover {session.name}" in result.errors
    names = give_up.split("volume rm ")[1].split()
    jail.host.engine.run("volume", "rm", *names)
    jail.host.run(web.path, "--", "true").ok()  # takes away what is left of it
    jail.nothing_left()


@pytest.mark.parametrize("kill", ["jailed", "container"])
def test_synced_killed(synced_several, kill):
    """kill -9 of jailed, or of the jail: both projects' files come home, and then their commits."""
    jail = synced_several("web", "api")
    web, api = jail.repositories
    process = jail.start(f"cd /projects/api; {COMMIT}; cd /workspace; {COMMIT}; echo x >/projects/api/done; sleep 100")
    name = jail.see()
    wait_for("the files", (api.path / "done").exists, 15)
    if kill == "jailed":
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        jail.host.wait_until_no_jail(20)
        assert "bringing its work home" in jail.host.run("--sync", "bind", web.path, "--", "true").ok().errors
        jail.host.run("git", "import").ok()
    else:
        jail.host.engine.run("kill", name)
        process.wait(60)
    (api.path / "done").unlink()
    assert came_home(web) and came_home(api)
    jail.nothing_left()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", ["docker run", "mutagen sync create", "mutagen sync flush", "docker rm", "mutagen sync terminate jailed",
                                   "docker volume rm", "mutagen sync terminate --label"])  # fmt: skip
def test_synced_killed_at(synced_several, point, when):
    """kill -9 at each step: the next jailed leaves nothing, and nothing is lost on either side."""
    jail = synced_several("web", "api")
    web, api = jail.repositories
    (api.path / "mine").write_text("mine\n")
    environment = kill_at(jail.host, point, when, jail.synced.mutagen)
    done = jail.sh("echo theirs >/projects/api/theirs; rm -f /projects/api/mine", env=environment)
    assert done.status == -signal.SIGKILL
    jail.host.wait_until_no_jail(20)
    jail.host.run("--sync", "bind", web.path, "--", "true").ok()
    jail.host.run("git", "import").ok()
    if point in ("docker rm", "mutagen sync terminate jailed", "docker volume rm", "mutagen sync terminate --label"):
        assert (api.path / "theirs").read_text() == "theirs\n" and not (api.path / "mine").exists()
    else:
        assert (api.path / "mine").read_text() == "mine\n"
    jail.nothing_left()


def test_synced_attach_and_detach(synced_several):
    """A project more and one fewer while the jail runs: in step both ways, home at the end of each."""
    jail = synced_several("web", "api", "lib")
    web, api, lib = jail.repositories
    name = jail.host.run("--detach", web.path).ok().text.strip()
    jail.see()
    for repo in (api, lib):
        said = jail.host.run("attach", web.path, repo.path).ok().errors
        assert f"{repo.path} is at /projects/{repo.path.name}. It has no git there" in said
    assert jail.host.run("exec", api.path, "--", "bash", "-c", "cat /projects/*/a; ls -a /projects/api; echo new >/projects/api/new").ok().text.split() == [
        "one", "one", ".", "..", "a", "dir"]  # fmt: skip
    wait_for("the jail's file", (api.path / "new").exists, 10)
    jail.host.write(lib.path / "more", "more\n")
    wait_for("the host's file", lambda: jail.host.run("exec", name, "--", "cat", "/projects/lib/more").text == "more\n", 10)
    (listed,) = [found for found in json.loads(jail.host.run("ls", "--json").ok().text) if found["name"] == name]
    assert listed["further"] == {"api": str(api.path), "lib": str(lib.path)}
    for words, why in ((["attach", name, lib.path], "already"), (["attach", name, lib.path / "dir"], "is inside"), (["detach", name, "web"], "no further project"),
                       (["attach", name, jail.host.root / "nowhere"], "Cannot open")):  # fmt: skip
        refused = jail.host.run(*words)
        assert refused.status == 2 and why in refused.errors, refused.errors
    jail.host.run("exec", name, "--", "bash", "-c", "echo last >/projects/api/last; echo evil >/projects/api/.envrc").ok()
    said = jail.host.run("detach", name, "api").ok().errors
    assert (api.path / "last").read_text() == "last\n" and not (api.path / ".envrc").exists() and "moved away" in said
    assert jail.host.run("exec", name, "--", "ls", "/projects").ok().text == "lib\n"
    assert (api.path / "a").exists()
    jail.host.run("exec", name, "--", "bash", "-c", "echo last >/projects/lib/last; rm /projects/lib/more").ok()
    jail.host.run("stop", name).ok()
    assert (lib.path / "last").read_text() == "last\n" and not (lib.path / "more").exists()
    (session,) = jail.sessions()
    assert len(list((session / "projects/api/quarantine").iterdir())) == 1
    shutil.rmtree(session)
    jail.nothing_left()


def test_synced_an_attached_project_comes_home_after_a_kill(synced_several):
    jail = synced_several("web", "api")
    web, api = jail.repositories
    process = subprocess.Popen(jail.host._argv([web.path, "--", "bash", "-c", "echo ready; until [ -e /projects/api/a ]; do sleep 0.1; done; echo late >/projects/api/late; sleep 100"]),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=jail.host.root, env=jail.host._environment(None))  # fmt: skip
    jail.host._children.append(lambda: process.poll() is None and process.kill())
    assert process.stdout.readline() == b"ready\n"
    name = jail.see()
    jail.host.run("attach", name, api.path).ok()
    jail.host.run("exec", name, "--", "bash", "-c", "until [ -e /projects/api/late ]; do sleep 0.1; done; echo last >/projects/api/last").ok()
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    jail.host.wait_until_no_jail(20)
    jail.host.run("--sync", "bind", web.path, "--", "true").ok()
    assert (api.path / "late").read_text() == "late\n" and (api.path / "last").read_text() == "last\n"
    jail.nothing_left()


# --- what is written while a project leaves ------------------------------------------------------------------


def attached(synced_several, *names: str):
    """A jail left running, to which a project was attached: the jail, its name, the project."""
    jail = synced_several("web", "api")
    web, api = jail.repositories
    name = jail.host.run("--detach", web.path).ok().text.strip()
    jail.see()
    jail.host.run("attach", name, api.path).ok()
    return jail, name, api


def in_jail(jail, name: str, script: str, **how):
    return jail.host.run("exec", name, "--", "bash", "-c", script, **how)


def left_in_jail(jail, name: str, script: str) -> None:
    """A process of the jail's that goes on."""
    in_jail(jail, name, f"setsid bash -c {shlex.quote(script)} >/dev/null 2>&1 </dev/null & until [ -e /tmp/ready ]; do sleep 0.05; done").ok()


def after_step(jail, point: str, script: str) -> dict[str, str]:
    """An environment in which the first "mutagen ..." that begins with `point` has `script` run in the jail when it has ended."""
    host = jail.host
    wrappers = host.directory(f"wrappers-{len(list(host.root.iterdir()))}")
    real = jail.synced.mutagen
    os.symlink(real.parent / "mutagen-agents.tar.gz", wrappers / "mutagen-agents.tar.gz")
    host.write(wrappers / "mutagen", "#!/bin/bash\n" f'{real} "$@"; status=$?\n' f"if [[ \"mutagen $*\" == {shlex.quote(point)}* && ! -e {wrappers}/done ]]; then\n"
               f"  touch {wrappers}/done; {host.engine.client} exec {host.only_jail()['Id']} bash -c {shlex.quote(script)}\n" "fi >/dev/null 2>&1\nexit $status\n", 0o755)  # fmt: skip
    return {"PATH": f"{wrappers}:{host.environment['PATH']}"}


@pytest.mark.parametrize("step", ["mutagen sync flush jailed-", "mutagen sync pause jailed-"])
def test_synced_what_is_written_between_the_steps_of_a_detach_comes_home(synced_several, step):
    jail, name, api = attached(synced_several)
    script = "echo late >/projects/api/late; echo changed >>/projects/api/a; rm -r /projects/api/dir"
    jail.host.run("detach", name, "api", env=after_step(jail, step, script)).ok()
    assert (api.path / "late").read_text() == "late\n" and (api.path / "a").read_text() == "one\nchanged\n" and not (api.path / "dir").exists()
    assert in_jail(jail, name, "ls -A /projects").ok().text == ""
    jail.host.run("stop", name).ok()
    jail.nothing_left()


@pytest.mark.parametrize("pause", ["0.01", "$((RANDOM % 3)).$((RANDOM % 10))"], ids=["always", "now and then"])
def test_synced_no_write_is_lost_while_a_project_leaves(synced_several, pause):
    """Whatever the writer saw succeed is on the host; or the project stays, and that is said."""
    jail, name, api = attached(synced_several)
    left_in_jail(jail, name, f"while [ ! -e /tmp/stop ] && echo $i >/projects/api/n$i; do echo n$i >>/workspace/seen; i=$((i + 1)); touch /tmp/ready; sleep {pause}; done; touch /workspace/refused")
    result = jail.host.run("detach", name, "api")
    if pause == "0.01":
        assert result.status == 125 and f"{api.path} stays in the jail: " in result.errors and "written while it was to leave" in result.errors, result.errors
    if result.status != 0:
        in_jail(jail, name, "touch /tmp/stop; until [ -e /workspace/refused ]; do sleep 0.1; done; echo after >/projects/api/after").ok()
        jail.host.run("detach", name, "api").ok()
        assert (api.path / "after").read_text() == "after\n"
    else:
        in_jail(jail, name, "until [ -e /workspace/refused ]; do sleep 0.1; done").ok()
    seen = in_jail(jail, name, "cat /workspace/seen").ok().text.split()
    assert seen and [written for written in seen if not (api.path / written).exists()] == []
    jail.host.run("stop", name).ok()
    jail.nothing_left()


def test_synced_a_project_in_use_stays(synced_several):
    """By whoever has one of its files open, works in one of its directories, or has mapped a file to write it."""
    jail, name, api = attached(synced_several)
    for how, who in [
        ("exec 3>>/projects/api/log; echo $$ >/tmp/ready; sleep 100; echo more >&3", "bash"),
        ("cd /projects/api/dir; echo $$ >/tmp/ready; exec sleep 100", "sleep"),
        ("echo $$ >/tmp/starts; exec python3 -c 'import mmap, os, time\nwith open(\"/projects/api/a\", \"r+b\") as f: m = mmap.mmap(f.fileno(), 0)\nos.rename(\"/tmp/starts\", \"/tmp/ready\"); time.sleep(100)'", "python3"),
    ]:  # fmt: skip
        left_in_jail(jail, name, how)
        refused = jail.host.run("detach", name, "api")
        assert refused.status == 125 and f"({who}) works in it" in refused.errors, refused.errors
        in_jail(jail, name, f"echo later >/projects/api/{who}; kill -KILL -- -$(cat /tmp/ready); rm /tmp/ready; sleep 0.2").ok()
        wait_for("it is in step as before", (api.path / who).exists, 10)
    jail.host.run("detach", name, "api").ok()
    assert in_jail(jail, name, "ls -A /projects").ok().text == ""
    jail.host.run("stop", name).ok()
    jail.nothing_left()


@pytest.mark.parametrize("point, when", [
    ("docker exec --workdir / jailed-", "after"),
    ("mutagen sync flush jailed-", "after"),
    ("mutagen sync pause jailed-", "after"),
    ("mutagen sync terminate jailed-", "before"),
    ("mutagen sync terminate jailed-", "after"),
])  # fmt: skip
def test_synced_killed_while_a_project_leaves(synced_several, point, when):
    """kill -9 of `jailed detach` at each step: what is written at the project's place afterwards comes home when the jail ends."""
    jail, name, api = attached(synced_several)
    in_jail(jail, name, "echo before >/projects/api/before; rm /projects/api/a").ok()
    jail.host.run("detach", name, "api", env=kill_at(jail.host, point, when, jail.synced.mutagen))
    in_jail(jail, name, "mkdir -p /projects/api; echo late >/projects/api/late").ok()
    jail.host.run("stop", name)
    jail.host.run("--sync", "bind", api.path, "--", "true").ok()
    assert (api.path / "before").read_text() == "before\n" and (api.path / "late").read_text() == "late\n"
    assert not (api.path / "a").exists() and (api.path / "dir").exists()
    jail.nothing_left()
