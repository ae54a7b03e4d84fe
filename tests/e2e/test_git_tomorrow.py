"""What an agent did yesterday is there today: branches, worktrees, and an index that agrees with its branch."""
import pytest

from support.git import Repository

pytestmark = pytest.mark.side_by_side

COMMIT = "echo new >new; git add new; git commit -qm 'from the jail'"


@pytest.fixture
def repo(host):
    repo = Repository.create(host)
    yield repo
    repo.assert_sound()


def jail(repo, script, *options, **how):
    return repo.host.sh("set -e\n" + script, project=repo.path, options=options, **how)


def kept(repo, lock="index.lock"):
    """A jail's end while somebody else's git has the repository locked: nothing moves, and it is said."""
    first = repo.git("rev-parse", "main")
    running = repo.host.start("while [ ! -e go ]; do sleep 0.05; done; rm go; " + COMMIT, project=repo.path)
    repo.host.write(repo.path / ".git" / lock, "")
    repo.host.write(repo.path / "go", "")
    running.wait()
    assert repo.git("rev-parse", "main") == first, "the branch moved, the index did not"
    (repo.path / ".git" / lock).unlink()
    [made] = set(repo.arrived().values())
    return first, made


def test_while_git_here_has_the_index_the_branch_stays(repo):
    first, made = kept(repo)
    assert [path.name for path in (repo.path / ".git").glob("index*")] == ["index"]
    done = repo.host.run("git", "import").ok()
    assert "1 commit came home" in done.errors
    assert repo.git("rev-parse", "main") == made and repo.status() == "" and not repo.sessions()


def test_a_foreign_lock_is_said_with_the_next_step(repo):
    repo.host.write(repo.path / ".git/index.lock", "")
    done = jail(repo, COMMIT)
    assert f"rm {repo.path}/.git/index.lock" in done.errors and "jailed git import" in done.errors, done.errors
    assert (repo.path / ".git/index.lock").exists()
    (repo.path / ".git/index.lock").unlink()
    repo.give_up()


def test_an_index_that_was_left_behind_is_mended_with_what_was_staged_since(repo):
    _, made = kept(repo)
    repo.git("update-ref", "refs/heads/main", made)  # where a homecoming was cut off
    repo.host.write(repo.path / "mine", "x\n")
    repo.git("add", "mine")
    repo.host.run("git", "import").ok()
    assert repo.status() == "A  mine"


def test_a_commit_that_takes_the_jail_s_work_back_is_named(repo):
    _, made = kept(repo)
    repo.git("update-ref", "refs/heads/main", made)
    repo.git("commit", "-qm", "mine", "--allow-empty")
    assert repo.git("ls-tree", "--name-only", "HEAD", "new") == ""  # the control: it was taken back
    done = repo.host.run("git", "import")
    assert f"git diff {made[:8]} HEAD" in done.errors, done.errors


BRANCHES = "for b in fa topic/b; do git switch -qc $b main; echo $b >x; git add x; git commit -qm $b; done; git switch -q main"


def test_branches_that_were_not_left_checked_out_are_branches_here_and_in_the_next_jail(repo):
    done = jail(repo, BRANCHES).ok()
    assert "New branches of the jail: fa, topic/b." in done.errors
    assert set(repo.refs("refs/heads")) == {"refs/heads/fa", "refs/heads/topic/b", "refs/heads/main"} and repo.arrived() == {}
    assert jail(repo, "git log -1 --format=%s fa; git branch --list | wc -l").ok().text.split() == ["fa", "3"]


def test_a_branch_of_the_host_goes_forward_but_is_never_forced(repo):
    repo.git("branch", "forward")
    repo.git("branch", "rewritten")
    repo.git("branch", "deleted")
    before = repo.refs("refs/heads")
    jail(repo, """for b in forward rewritten; do git switch -q $b; git commit -q --allow-empty -m $b; done
        git commit -q --amend --allow-empty -m other; git update-ref refs/heads/rewritten $(git commit-tree -m root HEAD^{tree})
        git switch -q main; git branch -qD deleted""").ok()
    after = repo.refs("refs/heads")
    assert repo.git("log", "-1", "--format=%s", "forward") == "forward"
    assert {**after, "refs/heads/forward": ""} == {**before, "refs/heads/forward": ""}
    assert list(repo.arrived()) == ["heads/rewritten"]


def test_names_that_mean_something_else_stay_in_a_place_of_their_own(repo):
    repo.git("tag", "v1")
    repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    before = repo.refs()
    done = jail(repo, "for b in Main v1 origin/main ORIG_HEAD deadbeef heads/main main/x; do"
                      " git update-ref refs/heads/$b $(git commit-tree -m $b HEAD^{tree}) || :; done; git update-ref refs/heads/fine HEAD").ok()  # fmt: skip
    here = {name: id for name, id in repo.refs().items() if not name.startswith("refs/jailed/")}
    assert here == {**before, "refs/heads/fine": before["refs/heads/main"]}, done.errors
    assert set(repo.arrived()) == {f"heads/{name}" for name in ("Main", "v1", "origin/main", "ORIG_HEAD", "deadbeef", "heads/main")}
    listed = repo.host.run("git", "log", cwd=repo.path).ok().text
    assert "git merge refs/jailed/" in listed and listed.count("\n") == 6


WORKTREE = "git worktree add -q .wt/x -b x; cd .wt/x; "


def test_a_worktree_is_one_here_and_in_the_next_jail(repo):
    done = jail(repo, WORKTREE + COMMIT + "; echo u >uncommitted; echo changed >a").ok()
    assert "The jail's worktree .wt/x is one here: on x." in done.errors and "moved away" not in done.errors, done.errors
    tree = repo.path / ".wt/x"
    assert repo.git("rev-parse", "--abbrev-ref", "HEAD", cwd=tree) == "x"
    assert repo.git("status", "--porcelain", cwd=tree).split("\n") == ["M a", "?? uncommitted"]
    admin = repo.path / ".git/worktrees/x"
    assert sorted(path.name for path in admin.iterdir()) == ["HEAD", "commondir", "gitdir", "index"]
    out = jail(repo, "cd .wt/x; git rev-parse --abbrev-ref HEAD; git status --short; git commit -qam 'next day'; git rev-parse HEAD").ok()
    assert out.text.split("\n")[:3] == ["x", " M a", "?? uncommitted"]
    assert repo.git("rev-parse", "x") == out.text.split()[-1], out.errors
    assert repo.git("status", "--porcelain", cwd=tree) == "?? uncommitted"
    assert repo.git("status", "--porcelain") == "?? .wt/" and not repo.sessions() and repo.arrived() == {}


def test_a_worktree_on_no_branch_comes_with_its_commits(repo):
    out = jail(repo, "git worktree add -q --detach wt; cd wt; " + COMMIT + "; git rev-parse HEAD").ok()
    assert repo.git("rev-parse", "HEAD", cwd=repo.path / "wt") == out.text.strip()
    assert repo.git("status", "--porcelain", cwd=repo.path / "wt") == ""
    assert repo.git("rev-parse", "HEAD") != out.text.strip()


# After `git worktree add .wt/x -b x` in the jail; $EVIL is a program of the project.
HOSTILE_WORKTREES = {
    "a file that leads elsewhere": "echo 'gitdir: /workspace/evil' >.wt/x/.git",
    "a name that leads out": "mv .git/worktrees/x .git/worktrees/-x; echo gitdir: /workspace/.git/worktrees/-x >.wt/x/.git",
    "a place outside": "echo /etc/.git >.git/worktrees/x/gitdir",
    "a place above": "echo /workspace/.wt/../../x/.git >.git/worktrees/x/gitdir",
    "a link as its name": "mv .git/worktrees/x /tmp/x; ln -s /tmp/x .git/worktrees/x",
    "a link as its directory": "mv .wt real; ln -s real .wt",
    "a head that leads out": "echo 'ref: refs/heads/../../config' >.git/worktrees/x/HEAD",
    "a branch that is checked out": "echo 'ref: refs/heads/main' >.git/worktrees/x/HEAD",
    "a repository beside": "rm .wt/x/.git; git init -q .wt/x; git -C .wt/x config core.fsmonitor $EVIL",
    "settings": "git config extensions.worktreeConfig true; git -C .wt/x config --worktree core.fsmonitor $EVIL;"
                " git -C .wt/x config --worktree core.hooksPath /workspace/h; touch .git/worktrees/x/locked; cp -r .git/hooks .git/worktrees/x/",
}

# The controls: what git's own directory says is as it should be, so it is a worktree, by files of our own.
HONEST = ("a file that leads elsewhere", "a repository beside", "settings")


@pytest.mark.parametrize("name", HOSTILE_WORKTREES)
def test_a_hostile_worktree_brings_nothing_of_its_own(repo, name):
    evil = repo.host.write(repo.path / "evil", f"#!/bin/sh\n: >'{repo.ran}'\nexit 0\n", 0o755)
    repo.git("add", "-A")
    repo.git("commit", "-qm", "program")
    config = (repo.path / ".git/config").read_text()
    jail(repo, f"EVIL='{evil}'; git worktree add -q .wt/x -b x; {HOSTILE_WORKTREES[name]}")
    assert (repo.path / ".git/config").read_text() == config
    for tree in (repo.path, *(path for path in (repo.path / ".wt/x", repo.path / "real/x") if path.exists())):
        repo.run("git", "status", cwd=tree, check=False)
        repo.run("git", "commit", "--allow-empty", "-qm", "x", cwd=tree, check=False)
    assert not repo.ran.exists()
    made = [path for path in (repo.path / ".git").glob("worktrees/*")]
    assert bool(made) == (name in HONEST), made
    assert all(path.name in ("HEAD", "commondir", "gitdir", "index", "logs", "COMMIT_EDITMSG", "ORIG_HEAD") for tree in made for path in tree.iterdir())
    repo.give_up()
