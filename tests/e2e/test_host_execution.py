"""What an agent leaves for tools of the host to run, and what those tools, the real ones, then do: nothing by default, and
each of it in the control, where the jail was allowed all of it.

A row plants a program that makes the file RAN when the host runs it.
"""
import os
import shutil
import signal
import subprocess

import pytest

from support.git import Repository
from support.jail import wait_for

pytestmark = pytest.mark.side_by_side

IDENTITY = "git config --global user.name x; git config --global user.email x; git config --global --add safe.directory '*';"
OPEN = ["--allow-edit", "**"]

# A repository or something of its shape whose settings run $EVIL at the first look.
NESTED = "git init -q {0} && git -C {0} config core.fsmonitor $EVIL && (cd {0} && git commit -q --allow-empty -m x)"
BARE = "git init -q --bare {0} && git config -f {0}/config core.bare false && git config -f {0}/config core.worktree . && git config -f {0}/config core.fsmonitor $EVIL"

# name -> what the agent does in /workspace, where the host's user then goes, and what the user types there.
STATUS = "git status; git -c core.untrackedCache=false diff --stat"
ROWS = {
    "a nested repository, cd into it": (NESTED.format("sub"), "sub", STATUS),
    "a nested repository, deep and hidden": (NESTED.format("p/.q/r"), "p/.q/r", STATUS),
    "a nested repository in a closed directory": (NESTED.format("shut/sub") + "; chmod 111 shut", "shut/sub", STATUS),
    "a nested repository and a gitlink to it": (NESTED.format("sub") + "; git add sub; git commit -qm link", ".", "git add -A; git status"),
    "a .git file that leads to a repository": (NESTED.format("x") + "; mv x/.git x/other; mkdir sub; echo gitdir: ../x/other >sub/.git", "sub", STATUS),
    "a .git link that leads to a repository": (NESTED.format("x") + "; mv x/.git x/other; mkdir sub; ln -s ../x/other sub/.git", "sub", STATUS),
    "a bare-shaped directory": (BARE.format("b"), "b", STATUS),
    "a bare shape among other files": ("mkdir b; echo x >b/main.c; " + BARE.format("b"), "b", STATUS),
    "a bare shape with its objects elsewhere": (BARE.format("b") + "; git config -f b/config core.sshCommand $EVIL; git config -f b/config remote.o.url ssh://localhost/x;"
                                                " mkdir c; mv b/HEAD c/; echo ../b >c/commondir", "c", "git fetch o"),
    "a repository in node_modules": ("mkdir node_modules; " + NESTED.format("node_modules/x"), "node_modules/x", STATUS),
    "a nested repository that was there, its settings": ("git -C old config core.fsmonitor $EVIL", "old", STATUS),
    "a nested repository that was there, its hooks": ("mkdir -p old/.git/hooks; cp evil old/.git/hooks/post-checkout", "old", "git checkout -q -b y"),
    "a nested repository that was there, replaced": ("mv old older; " + NESTED.format("old"), "old", STATUS),
    "the hooks directory that the settings name": ("cp evil tools/hooks/pre-commit", ".", "git commit -q --allow-empty -m x"),
    "the hooks directory, by its parent": ("mv tools t; mkdir -p tools/hooks; cp evil tools/hooks/pre-commit", ".", "git commit -q --allow-empty -m x"),
    "the file that the settings include": ("printf '[core]\\n\\tfsmonitor = %s\\n' $EVIL >team.inc", ".", STATUS),
    "the program that is a filter": ("cp evil clean", ".", "echo x >>f.filtered; git add f.filtered"),
    "what an allowed .envrc reads": ("echo $EVIL >>vars.sh", ".", "DIRENV"),
    "what an allowed .envrc reads, moved away": ("mv vars.sh v && cp evil vars.sh", ".", "DIRENV"),
    "an allowed .envrc's own directory": ("mv env e && mkdir env && cp e/.envrc env/ && echo $EVIL >env/more.sh", "env", "DIRENV"),
    "a link to the shell's start file": ("ln -s $BAIT notes", ".", "echo $EVIL >>notes; SHELL_START"),
    "a link by another link": ("mkdir -p p/q; ln -s p/q up; ln -s up/../../../home/shellrc notes", ".", "echo $EVIL >>notes; SHELL_START"),
}
# What the shell of the user does: direnv's hook at the prompt, and a start file.
TYPES = {
    "DIRENV": 'eval "$(direnv hook bash)"; _direnv_hook',
    "SHELL_START": "bash --noprofile --rcfile $HOME/shellrc -i -c true </dev/null",
}


class Place(Repository):
    """A project whose user has git hooks, an included file, a filter, an allowed .envrc, a nested repository."""

    def __init__(self, host, path):
        super().__init__(host, path)
        self.evil = host.write(path / "evil", f"#!/bin/sh\n: >'{self.ran}'\nexit 0\n", 0o755)
        self.bait = host.write(host.root / "home/shellrc", "# mine\n")
        host.write(path / "tools/hooks/post-rewrite", "#!/bin/sh\n", 0o755)
        host.write(path / "team.inc", "[alias]\n\tst = status\n")
        host.write(path / "clean", "#!/bin/sh\ncat\n", 0o755)
        host.write(path / ".gitattributes", "*.filtered filter=tidy\n")
        host.write(path / ".envrc", ". ./vars.sh\n")
        host.write(path / "vars.sh", "export X=1\n")
        host.write(path / "env/.envrc", "source_env_if_exists more.sh; . ./more.sh\n")
        host.write(path / "env/more.sh", "export X=1\n")
        for key, value in {"core.hooksPath": "tools/hooks", "include.path": "../team.inc", "filter.tidy.clean": "./clean"}.items():
            self.git("config", key, value)
        self.commit("the project")
        self.git("init", "-q", "old")
        self.git("commit", "-q", "--allow-empty", "-m", "old", cwd=path / "old")
        for directory in (path, path / "env"):
            self.run("direnv", "allow", cwd=directory)

    def types(self, where, words):
        for name, script in TYPES.items():
            words = words.replace(name, script)
        script = f'cd "$1" || exit 0; EVIL={self.evil}; {words}; true'
        self.run("bash", "-c", script, "bash", str(self.path / where), check=False, env={"GIT_TEMPLATE_DIR": "", "TERM": "dumb"})


def ran(host, name, *options, command=None):
    if "DIRENV" in ROWS[name][2] and not shutil.which("direnv"):
        pytest.skip("direnv is not here")
    script, where, words = ROWS[name]
    place = Place(host, host.project())
    done = host.sh(f"EVIL='{place.evil}'; BAIT='{place.bait}'\n" + IDENTITY + script, project=place.path, options=options)
    assert done.status != 125, done.errors
    assert not place.ran.exists(), "jailed itself ran it"
    place.types(where, words)
    place.give_up()
    return place.ran.exists()


@pytest.mark.parametrize("name", ROWS)
def test_nothing_runs(host, name):
    assert not ran(host, name)


@pytest.mark.parametrize("name", ROWS)
def test_the_control_runs_it(host, name):
    assert ran(host, name, *OPEN)


def test_what_is_guarded_cannot_be_changed_or_moved(host):
    place = Place(host, host.project())
    host.write(place.path / ".vscode/tasks.json", "{}\n")
    host.write(place.path / ".claude/settings.json", "{}\n")
    attempts = ["echo x >>.envrc", "rm -f .envrc", "mv .envrc x", "ln -sf x .envrc", "echo x >new; mv -f new .envrc", "chmod 777 .envrc",
                "mv .vscode x", "rm -rf .vscode/tasks.json", "rmdir .vscode", "echo x >.vscode/tasks.json", "mv .claude x",
                "ln -f /etc/passwd .claude/settings.json", "touch old/.git/x", "mv old/.git x", "mv tools x", "mv tools/hooks x",
                "touch tools/hooks/x", "echo x >>team.inc", "echo x >>clean", "echo x >>vars.sh", "umount .envrc",
                "python3 -c 'import ctypes; exit(ctypes.CDLL(None).umount2(b\"/workspace/.envrc\", 2))'"]  # fmt: skip
    script = "".join(f"({attempt}) 2>/dev/null && echo {i}\n" for i, attempt in enumerate(attempts))
    done = host.sh(script + "touch .vscode/settings.json; exit 0", project=place.path)
    assert done.text == "", [attempts[int(i)] for i in done.text.split()]
    assert place.git("diff", "--name-only") == ""


def test_the_work_of_every_day_goes_on_beside_the_guards(host):
    place = Place(host, host.project())
    host.write(place.path / ".vscode/tasks.json", "{}\n")
    host.sh("set -e; echo y >>a; git add a; git commit -qm y; git checkout -q -b z; git stash list; echo z >.vscode/settings.json;"
            "mkdir d; git mv a d/a; git commit -qm moved; git checkout -q main; git clean -nd >/dev/null; cp .envrc copy; rm copy", project=place.path).ok()  # fmt: skip
    place.assert_sound()
    place.give_up()


def test_a_file_that_the_host_replaces_meanwhile(host):
    """Renaming over a mounted file takes the mount away: then the end finds what the agent wrote."""
    place = Place(host, host.project())
    running = host.start("while [ ! -e go ]; do sleep 0.05; done; echo evil >>.envrc; rm go", project=place.path)
    host.write(place.path / "new", "mine\n")
    os.rename(place.path / "new", place.path / ".envrc")
    host.write(place.path / "go", "")
    running.wait(30)
    assert "evil" not in (place.path / ".envrc").read_text()
    place.give_up()


def test_without_a_repository(host):
    """No .git, the agent makes one with settings of its own, or the shape of one at the root."""
    place = Repository(host, host.project(), init=False)
    evil = host.write(place.path / "evil", f"#!/bin/sh\n: >'{place.ran}'\n", 0o755)
    for script in (NESTED.format("."), BARE.format("b") + "; mv b/* .; rmdir b"):
        host.sh(f"EVIL='{evil}'\n" + IDENTITY + script, project=place.path)
        place.run("bash", "-c", STATUS, check=False)
        assert not place.ran.exists()
        place.give_up()
        shutil.rmtree(place.path / ".git", ignore_errors=True)
    host.sh(f"EVIL='{evil}'\n" + IDENTITY + NESTED.format("."), project=place.path, options=["--git", "rw", *OPEN])
    place.run("bash", "-c", STATUS, check=False)
    assert place.ran.exists()


def test_a_part_of_a_repository(host):
    whole = Repository.create(host)
    evil = host.write(whole.path / "dir/evil", f"#!/bin/sh\n: >'{whole.ran}'\n", 0o755)
    part = whole.path / "dir"
    for script in ("rm -rf .git; " + NESTED.format("."), BARE.format("bb") + "; mv bb/* .; rmdir bb"):
        host.sh(f"EVIL='{evil}'\n" + IDENTITY + script, project=part)
        whole.run("bash", "-c", STATUS, cwd=part, check=False)
        assert not whole.ran.exists()
        whole.give_up()
        for name in ("config", "objects", "refs", "hooks", "info", "description", "branches"):
            shutil.rmtree(part / name, ignore_errors=True)
            (part / name).unlink(missing_ok=True)
    host.sh(f"EVIL='{evil}'\n" + IDENTITY + BARE.format("bb") + "; mv bb/* .; rmdir bb", project=part, options=OPEN)
    whole.run("bash", "-c", STATUS, cwd=part, check=False)
    assert whole.ran.exists()


@pytest.fixture
def with_submodule(host):
    lib = Repository.create(host, "lib")
    repo = Repository.create(host)
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(lib.path), "deps/lib")
    repo.git("commit", "-qm", "a submodule")
    repo.evil = host.write(repo.path / "evil", f"#!/bin/sh\n: >'{repo.ran}'\n", 0o755)
    return repo


MODULES = {
    "its settings": "git -C deps/lib config core.fsmonitor $EVIL",
    "its .git file": NESTED.format("x") + "; echo gitdir: ../../x/.git >deps/lib/.git",
    "its work tree, replaced": "mv deps d; " + NESTED.format("deps/lib"),
    "its repository, rebuilt beside": "mv .git/modules .git/m; cp -r .git/m .git/modules; git config -f .git/modules/deps/lib/config core.fsmonitor $EVIL",
}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("control", [False, True], ids=["shadow", "control"])
def test_submodules(host, with_submodule, name, control):
    repo = with_submodule
    options = ["--git", "rw", *OPEN] if control else []
    host.sh(f"EVIL='{repo.evil}'\n" + IDENTITY + MODULES[name], project=repo.path, options=options)
    assert not repo.ran.exists()
    repo.run("bash", "-c", "git status; cd deps/lib && git status", check=False)
    repo.give_up()
    assert repo.ran.exists() == control


@pytest.mark.parametrize("control", [False, True], ids=["shadow", "control"])
def test_the_host_s_own_git_meanwhile(host, control):
    """A rename by git on the host takes a mounted config away; a shadow does not depend on it."""
    repo = Repository.create(host)
    evil = host.write(repo.path / "evil", f"#!/bin/sh\n: >'{repo.ran}'\n", 0o755)
    options = ["--git", "rw"] if control else []
    running = subprocess.Popen(
        host._argv([*options, *host.bind(repo.path), "--", "bash", "-c", f"{IDENTITY} echo >up; while [ ! -e go ]; do sleep 0.05; done; git config core.fsmonitor {evil}; rm go"]),
        env=host.environment, cwd=host.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    wait_for("the jail", (repo.path / "up").exists)
    repo.git("config", "user.nickname", "me")
    host.write(repo.path / "go", "")
    assert running.wait(60) == 0
    repo.run("git", "status", check=False)
    assert repo.ran.exists() == control
    repo.give_up()


def test_killed_with_something_planted(host):
    place = Place(host, host.project())
    running = host.start(f"EVIL='{place.evil}'\n{IDENTITY}{NESTED.format('sub')}; touch done; sleep 60", project=place.path)
    wait_for("the plant", (place.path / "done").exists)
    running.signal(signal.SIGKILL)
    running.wait()
    host.wait_until_no_jail(10)
    done = host.sh("true", project=place.path).ok()
    assert "sub/.git" in done.errors and not (place.path / "sub/.git").exists()
    place.types("sub", STATUS)
    assert not place.ran.exists()
    place.give_up()


def test_the_way_back_works_for_the_one_who_started_the_jail(host):
    place = Repository.create(host)
    done = host.sh("git init -q sub; git -C sub commit -q --allow-empty -m x", project=place.path)
    command = done.errors.partition("to take it: ")[2].splitlines()[0]
    place.run("bash", "-c", command)
    assert place.git("log", "--format=%s", cwd=place.path / "sub") == "x"
    assert "[jailed]" not in host.sh("true", project=place.path).ok().errors
    assert not place.sessions()


def test_a_user_s_files_stay_the_user_s(user_host):
    place = Repository.create(user_host)
    user_host.write(place.path / ".envrc", "mine\n")
    user_host.sh("echo x >.x; ! mv .x .envrc 2>/dev/null; git init -q sub", project=place.path).ok()
    assert {(found.lstat().st_uid, found.lstat().st_gid) for found in place.path.rglob("*")} == {(user_host.caller.uid, user_host.caller.gid)}
    place.give_up()
