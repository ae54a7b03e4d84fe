"""Several projects in one jail: each has all that a single one has."""
import json
import os
import shutil
import signal
import subprocess

import pytest

from support.git import Repository
from support.jail import GVISOR, wait_for

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
    """At /workspace and /projects/<name>; nothing else can be written there."""
    jail = Several(host, "web", "api")
    done = jail.sh(f"pwd; {COMMIT}; cd /projects/api && git log --format=%s && echo x >file && {COMMIT} && git checkout -qb idea && git commit -q --allow-empty -m idea"
                   " && git checkout -q main; git -C /projects/api status --porcelain; ls /projects; touch /projects/x /projects/api/../y 2>&1 | grep -c 'Read-only'").ok()  # fmt: skip
    assert done.text.split() == ["/workspace", "first", "??", "file", "api", "2"]
    web, api = jail.repositories
    assert came_home(web)
    assert api.git("log", "-1", "--format=%s") == "from the jail"
    assert api.status() == "?? file"
    assert list(api.arrived()) == ["heads/idea"] and web.arrived() == {}
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
    """Branches of one name, made in both, come home apart."""
    jail = Several(host, "web")
    (web,) = jail.repositories
    tree = Repository(host, host.root / "tree", init=False)
    web.git("worktree", "add", "-q", str(tree.path), "-b", "side")
    script = "{} && git checkout -qb idea && git commit -q --allow-empty -m $PWD && git checkout -q {}"
    done = host.run(web.path, tree.path, "--", "bash", "-c", script.format(COMMIT, "main") + "; cd /projects/tree; " + script.format(COMMIT, "side")).ok()
    assert came_home(web) and came_home(tree), done.errors
    refs = web.refs("refs/jailed")
    assert sorted(web.git("log", "-1", "--format=%s", name) for name in refs) == ["/projects/tree", "/workspace"], refs
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
    assert process.returncode == 0 and came_home(web), errors
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
