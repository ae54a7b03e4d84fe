"""What a repository says is not believed: nothing outside the project becomes readable because a file in it names it. Beside each
such case stands one of a repository that a user really has."""
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness import wait_until

GIT = shutil.which("git", path="/usr/bin:/bin")
pytestmark = pytest.mark.skipif(not GIT, reason="git is not installed")


@pytest.fixture
def host(new_host):
    made = new_host("docker")
    (made.fakes.bin / "git").symlink_to(GIT)
    return made


def git(host, *words, where: Path | None = None) -> str:
    done = subprocess.run([GIT, "-c", "user.name=me", "-c", "user.email=m@e", "-c", "init.defaultBranch=main", "-c", "safe.directory=*",
                           "-c", "protocol.file.allow=always", *map(str, words)],
                          cwd=where or host.project, env={"HOME": str(host.home), "PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1"},
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout.strip()


def repository(host, name: str, content: str = "mine\n") -> Path:
    place = host.mkdir(name)
    git(host, "init", "-q", where=place)
    (place / "file").write_text(content)
    git(host, "add", ".", where=place)
    git(host, "commit", "-qm", content, where=place)
    return place


def launch(host, project: Path, *options: str):
    host.give(host.directory)
    return host.run(*options, project, "--", "true")


def sources(host) -> list[str]:
    """What is mounted of repositories."""
    mounts = host.fakes.called("run")[-1].mounts
    return sorted(source for target, source in mounts.items() if target.startswith("/jail/") and "objects" in target and not target.endswith("alternates"))


def plant(project: Path, line: str) -> None:
    (project / ".git/objects/info/alternates").write_text(line + "\n")


def secrets(host, project):
    store = host.mkdir("home/.ssh", 0o700)
    (store / "id_ed25519").write_text("KEY")
    plant(project, str(store))


def another_repository(host, project):
    plant(project, f"{repository(host, 'private', 'secret')}/.git/objects")


def another_of_which_a_file_is_known(host, project):
    other = repository(host, "private", "a licence that everybody has")
    plant(project, f"{other}/.git/objects")
    (project / ".git/refs/heads/guessed").write_text(git(host, "rev-parse", "HEAD:file", where=other) + "\n")


def through_a_link(host, project):
    other = repository(host, "private", "secret")
    (project / "link").symlink_to(other)
    plant(project, "../../link/.git/objects")


def with_something_else_in_it(host, project):
    other = repository(host, "private", "secret")
    git(host, "fetch", "-q", other, "main:known", where=project)
    (other / ".git/objects/passwords").write_text("x")
    plant(project, f"{other}/.git/objects")


def only_a_directory_of_that_name(host, project):
    place = host.mkdir("data/objects")
    for name in ("pack", "info", "ab"):
        (place / name).mkdir()
    plant(project, str(place))


def of_somebody_else(host, project):
    if os.geteuid() != 0:
        pytest.skip("needs root, for somebody else's files")
    other = repository(host, "private", "secret")
    git(host, "fetch", "-q", other, "main:known", where=project)
    plant(project, f"{other}/.git/objects")
    host.give(host.directory)
    subprocess.run(["chown", "-R", "4242", other], check=True)
    return lambda: host.run(project, "--", "true")


@pytest.mark.parametrize("case", [secrets, another_repository, another_of_which_a_file_is_known, through_a_link, with_something_else_in_it,
                                  only_a_directory_of_that_name, of_somebody_else], ids=lambda case: case.__name__)  # fmt: skip
def test_no_other_directory_is_mounted_for_objects(host, case):
    project = repository(host, "p")
    go = case(host, project) or (lambda: launch(host, project))
    done = go()
    assert done.code == 125 and host.fakes.called("run") == []
    assert "it says that it borrows objects of" in done.err and "--git none" in done.err
    without = host.run("--git", "none", project, "--", "true")
    assert without.code == 0 and sources(host) == []


@pytest.mark.parametrize("how", [["--shared"], ["--reference"]], ids=lambda how: how[0])
def test_a_clone_that_borrows_objects_works_and_says_so(host, how):
    """The control: what git makes is borrowed, also where the clone went on by itself."""
    origin = repository(host, "origin")
    words = [*how, origin] if how == ["--reference"] else how
    git(host, "clone", "-q", *words, f"file://{origin}" if how == ["--reference"] else origin, host.directory / "clone")
    clone = host.directory / "clone"
    (clone / "more").write_text("x")
    git(host, "add", ".", where=clone)
    git(host, "commit", "-qm", "more", where=clone)
    done = launch(host, clone)
    assert done.code == 0, done.err
    assert sources(host) == [str(clone / ".git/objects"), str(origin / ".git/objects")]
    assert f"The project borrows objects of {origin}/.git/objects: the jail can read them." in done.err


def test_what_a_borrowed_repository_borrows_comes_along(host):
    origin = repository(host, "origin")
    git(host, "clone", "-q", "--shared", origin, host.directory / "middle")
    git(host, "clone", "-q", "--shared", host.directory / "middle", host.directory / "clone")
    done = launch(host, host.directory / "clone")
    assert done.code == 0, done.err
    assert str(origin / ".git/objects") in sources(host)


def commondir_elsewhere(host):
    private = repository(host, "private", "secret")
    place = host.mkdir("q/g")
    (place / "HEAD").write_text("ref: refs/heads/main\n")
    (place / "commondir").write_text(f"{private}/.git\n")
    (place.parent / ".git").write_text("gitdir: g\n")


def a_repository_that_does_not_name_it(host):
    private = repository(host, "private", "secret")
    host.mkdir("q")
    (host.directory / "q/.git").write_text(f"gitdir: {private}/.git\n")


def a_repository_through_a_link(host):
    private = repository(host, "private", "secret")
    place = host.mkdir("q")
    (place / "g").symlink_to(private / ".git")
    (place / ".git").write_text("gitdir: g\n")


def objects_that_are_a_link(host):
    private = repository(host, "private", "secret")
    project = repository(host, "q")
    shutil.rmtree(project / ".git/objects")
    (project / ".git/objects").symlink_to(private / ".git/objects")


def references_that_are_a_link(host):
    private = repository(host, "private", "secret")
    project = repository(host, "q")
    shutil.rmtree(project / ".git/refs")
    (project / ".git/refs").symlink_to(private / ".git/refs")


def a_head_that_is_a_fifo(host):
    project = repository(host, "q")
    (project / ".git/HEAD").unlink()
    os.mkfifo(project / ".git/HEAD")


@pytest.mark.parametrize("case", [commondir_elsewhere, a_repository_that_does_not_name_it, a_repository_through_a_link, objects_that_are_a_link,
                                  references_that_are_a_link, a_head_that_is_a_fifo], ids=lambda case: case.__name__)  # fmt: skip
def test_no_file_of_a_repository_leads_out_of_the_project(host, case):
    case(host)
    done = launch(host, host.directory / "q")
    assert done.code == 125 and host.fakes.called("run") == [], done.err


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "bare inside"])
def test_a_linked_worktree_works(host, inside):
    origin = repository(host, "origin")
    where = host.mkdir("q") if inside else host.directory
    if inside:
        git(host, "clone", "-q", "--bare", origin, where / ".bare")
        (where / ".git").write_text("gitdir: ./.bare\n")
        project, objects = where, where / ".bare/objects"
    else:
        git(host, "worktree", "add", "-q", where / "tree", "-b", "other", where=origin)
        project, objects = where / "tree", origin / ".git/objects"
    done = launch(host, project)
    assert done.code == 0, done.err
    assert sources(host) == [str(objects)]


def test_a_submodule_alone_works_and_one_that_is_a_repository_s_own_directory_is_none(host):
    library = repository(host, "library")
    above = repository(host, "above")
    git(host, "submodule", "add", "-q", library, "sub", where=above)
    done = launch(host, above / "sub")
    assert done.code == 0, done.err
    assert sources(host) == [str(above / ".git/modules/sub/objects")]
    assert launch(host, above).code == 0
    mounts = host.fakes.called("run")[-1].mounts
    assert mounts["/workspace/sub"] == str(above / "sub")
    # A repository that says its submodule's files are in .git would have that mounted as they are.
    (above / ".git/inner").mkdir()
    (above / ".git/inner/.git").write_text(f"gitdir: {above}/.git/modules/sub\n")
    git(host, "config", "-f", ".git/modules/sub/config", "core.worktree", f"{above}/.git/inner", where=above)
    assert launch(host, above).code == 0
    mounts = host.fakes.called("run")[-1].mounts
    assert mounts["/workspace/.git"].startswith(str(host.config)) and str(above / ".git") not in mounts.values()


@pytest.mark.parametrize("place", ["modules", "modules/sub"])
def test_no_other_repository_is_packed_in_the_place_of_a_submodule_s(host, place):
    """The jail of its own can write what is below its .git, and the collector mounts the submodule's part of that by its path."""
    lib = repository(host, "lib")
    project = repository(host, "own")
    git(host, "submodule", "add", "-q", lib, "sub", where=project)
    git(host, "commit", "-qm", "sub", where=project)
    private = repository(host, "private", "secret")
    elsewhere = host.mkdir("home/away")
    (private / ".git").rename(elsewhere / "sub")
    host.give(host.directory)
    script = r"""PATH=/usr/bin:/bin
for word; do case $word in
  *source=*/git/modules/sub,target=/jail/git,*) word=${word#*source=}; note "packed: $(readlink -f "${word%%,target=*}")"; exit 1 ;;
  *source=*/git,target=*/.git) shadow=${word#*source=}; shadow=${shadow%%,target=*} ;;
esac; done
@DO@"""
    target = elsewhere if place == "modules" else elsewhere / "sub"
    host.fakes.on("run", script.replace("@DO@", f"mv $shadow/{place} $shadow/gone; ln -s {target} $shadow/{place}"))
    result = host.run(project, "--", "true")
    assert host.fakes.notes == [] and result.code == 125 and "git/modules/sub is no directory of the jail's any more" in result.err, result.err
    # A submodule's repository that is its own is packed.
    host.fakes.on("run", script.replace("@DO@", "[ -e $shadow/modules/sub/HEAD ] && echo ref: refs/heads/other >$shadow/modules/sub/HEAD"))
    host.run(project, "--", "true")
    (note,) = host.fakes.notes
    assert note.endswith("/git/modules/sub") and str(host.config) in note


def test_pipes_and_links_among_a_repository_s_files_are_neither_waited_for_nor_followed(host):
    project = repository(host, "p")
    secret = host.directory / "secret"
    secret.write_text("KEY\n")
    for name in ("config", "index"):
        (project / ".git" / name).unlink()
        os.mkfifo(project / ".git" / name)
    (project / ".git/packed-refs").symlink_to(secret)
    (project / ".git/info/exclude").unlink(missing_ok=True)
    (project / ".git/info/exclude").symlink_to(secret)
    (project / ".git/hooks/evil").symlink_to(secret)
    host.fakes.on("run", 'note "$(/bin/grep -rl KEY "$HOME/.config/jailed/sessions" | /usr/bin/wc -l)"')
    assert launch(host, project).code == 0
    assert host.fakes.notes == ["0"]


@pytest.mark.parametrize("mode", [0, 0o600])
def test_a_repository_whose_refs_cannot_all_be_read_is_not_shown_as_one_without_any(host, mode):
    project = repository(host, "own")
    git(host, "branch", "a/b", where=project)
    host.give(host.directory)
    closed = project / ".git/refs/heads/a"
    closed.chmod(mode)
    result = host.run(project, "--", "true")
    assert result.code == 125 and f"The refs in {project}/.git cannot all be read" in result.err and host.sessions == []
    assert host.run("--git", "none", project, "--", "true").code == 0
    closed.chmod(0o755)
    assert host.run(project, "--", "true").code == 0


def test_a_project_within_that_of_a_running_jail_is_refused(host):
    around = host.mkdir("around")
    for name in ("around/sub", "around-not"):
        host.mkdir(name)
    host.fakes.on("run", 'case "$*" in *first*) note up; while [ ! -e "$fake/ended" ]; do /bin/sleep 0.05; done;; esac')
    first = host.start(around, "--", "first")
    wait_until(lambda: host.fakes.notes == ["up"])
    refused = host.run(around / "sub", "--", "second")
    assert refused.code == 125 and f"it lies in {around}, which is in the jail jailed-around-" in refused.err
    assert "jailed stop jailed-around-" in refused.err
    # Controls: beside it, around it, and the same one.
    for project in (host.directory / "around-not", around):
        assert host.run(project, "--", "second").code == 0
    (host.fakes.directory / "ended").touch()
    first.communicate(timeout=20)
    assert host.run(around / "sub", "--", "second").code == 0


@pytest.mark.parametrize("inside", [True, False])
def test_a_project_with_objects_beside_its_git_is_in_one_jail_at_a_time(host, inside):
    """They are mounted by their path, which the first jail could turn into a link between the look and the mount of the second."""
    project = repository(host, "own")
    if inside:
        repository(host, "own/vendor/lib")
        plant(project, f"{project}/vendor/lib/.git/objects")
    host.give(host.directory)
    host.fakes.on("run", 'case "$*" in *first*) note up; while [ ! -e "$fake/ended" ]; do /bin/sleep 0.05; done;; esac')
    first = host.start(project, "--", "first")
    wait_until(lambda: host.fakes.notes == ["up"])
    second = host.run(project, "--", "second")
    assert (second.code, "objects beside its .git" in second.err) == ((125, True) if inside else (0, False)), second.err
    (host.fakes.directory / "ended").touch()
    assert first.wait(20) == 0
    assert host.run(project, "--", "second").code == 0


@pytest.mark.parametrize("how", ["worktree", "borrowed"])
def test_objects_in_the_project_of_a_running_jail_are_not_mounted(host, how):
    """Of a project beside it: a linked worktree, a clone that borrows. What works there could put a link in their place."""
    host.mkdir("code")
    main = repository(host, "code/main")
    project = host.directory / "beside"
    if how == "worktree":
        git(host, "worktree", "add", "-q", project, where=main)
    else:
        git(host, "clone", "-q", "--shared", main, project)
    host.give(host.directory)
    host.fakes.on("run", 'case "$*" in *first*) note up; while [ ! -e "$fake/ended" ]; do /bin/sleep 0.05; done;; esac')
    # The controls: its own .git is a mount in the jail that it belongs to, but for --git rw; one that runs beside it is in nobody's way.
    for first_of, options, refused in [(host.directory / "code", [], True), (main, [], False), (main, ["--git", "rw"], True), (host.mkdir("other"), [], False)]:
        (host.fakes.directory / "notes").unlink(missing_ok=True)
        (host.fakes.directory / "ended").unlink(missing_ok=True)
        first = host.start(*options, first_of, "--", "first")
        wait_until(lambda: host.fakes.notes == ["up"])
        second = host.run(project, "--", "second")
        (host.fakes.directory / "ended").touch()
        assert first.wait(20) == 0
        assert (second.code, "its repository has objects in" in second.err) == ((125, True) if refused else (0, False)), second.err
    assert launch(host, project).code == 0


def blocks(host, directory: str, word: str) -> None:
    """The launch of a project of this name stands still where it asks git, after its look at other jails and before its own is known."""
    (host.fakes.bin / "git").unlink()
    host.fakes.add("git")
    host.fakes.on("-C", f'case "$2" in */{directory}) note {word}; while [ ! -e "$fake/go" ]; do /bin/sleep 0.02; done;; esac')


def test_of_two_launches_at_once_the_one_within_the_other_finds_it(host):
    host.mkdir("around/sub")
    around = host.directory / "around"
    host.give(around)
    blocks(host, "sub", "looked")
    host.fakes.on("run", 'case "$*" in *outer*) note up; while [ ! -e "$fake/ended" ]; do /bin/sleep 0.02; done;; *) note inner;; esac')
    inner = host.start(around / "sub", "--", "inner")
    wait_until(lambda: host.fakes.notes == ["looked"])
    outer = host.start(around, "--", "outer")
    wait_until(lambda: host.fakes.notes == ["looked", "up"])
    (host.fakes.directory / "go").touch()
    said = inner.communicate(timeout=20)[1].decode()
    assert inner.returncode == 125 and f"it lies in {around}, which is in the jail jailed-around-" in said
    (host.fakes.directory / "ended").touch()
    assert outer.wait(20) == 0 and host.fakes.notes == ["looked", "up"]


def test_a_jail_around_one_that_is_starting_waits_until_that_is_mounted(host):
    host.mkdir("around/sub")
    around = host.directory / "around"
    host.give(around)
    blocks(host, "around", "looked")
    host.fakes.on("run", """case "$*" in *outer*) note outer;; *)
      note called; while [ ! -e "$fake/mounted" ]; do /bin/sleep 0.02; done
      note up; /usr/bin/head -c 1 <"$lease" >/dev/null
      while [ ! -e "$fake/ended" ]; do /bin/sleep 0.02; done;; esac""")
    outer = host.start(around, "--", "outer")
    wait_until(lambda: host.fakes.notes == ["looked"])
    inner = host.start(around / "sub", "--", "inner")
    wait_until(lambda: host.fakes.notes == ["looked", "called"])
    (host.fakes.directory / "go").touch()
    time.sleep(0.7)
    assert host.fakes.notes == ["looked", "called"]
    (host.fakes.directory / "mounted").touch()
    assert outer.wait(20) == 0 and host.fakes.notes == ["looked", "called", "up", "outer"]
    (host.fakes.directory / "ended").touch()
    assert inner.wait(20) == 0


def test_what_a_killed_jailed_left_for_a_moment_goes_with_the_next(host):
    project, other = repository(host, "p"), repository(host, "private", "secret")
    plant(project, f"{other}/.git/objects")
    host.give(host.directory)
    (host.fakes.bin / "git").unlink()
    host.fakes.add("git")
    host.fakes.on("-c", 'note asked; while [ ! -e "$fake/go" ]; do /bin/sleep 0.02; done')
    left = lambda: [path.name for path in host.cache.iterdir() if "borrowed" in path.name]  # noqa: E731
    killed = host.start(project, "--", "true")
    wait_until(lambda: host.fakes.notes == ["asked"])
    living = host.start(project, "--", "true")
    wait_until(lambda: host.fakes.notes == ["asked"] * 2)
    assert len(left()) == 2
    killed.kill()
    killed.wait()
    third = host.start(project, "--", "true")
    wait_until(lambda: host.fakes.notes == ["asked"] * 3)
    assert len(left()) == 2  # that of the one that lives, and the third's
    (host.fakes.directory / "go").touch()
    assert living.wait(20) == third.wait(20) == 125 and left() == []
