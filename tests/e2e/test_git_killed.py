"""Killed at each step between snapshot, launch, import, fast-forward and read-tree: the host's repository stays whole, and
the agent's commits are home or can be had.

A step is a system call by which something begins or becomes visible; strace ends jailed at the n-th of it, for each n.
"""
import itertools
import signal

import pytest

from support.git import Repository

pytestmark = pytest.mark.side_by_side

# What jailed itself calls. A process starts: git config, the engine, the collector, index-pack, rev-list, update-ref,
# symbolic-ref, read-tree … A directory is made: the session, the shadow. A name changes: the index.
STEPS = {
    "a process starts": "clone,clone3,vfork,fork",
    "a directory is made": "mkdir,mkdirat",
    "a name changes": "rename,renameat,renameat2,linkat",
}
WORK = "echo new >new; git add new; git commit -qm 'from the jail'; git branch idea; git init -q sub"


def killed_at(repo, calls, number):
    """Whether jailed was killed at that step, and not done before."""
    prefix = ["strace", "-qq", "-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={number}", "-o", "/dev/null"]
    done = repo.host.sh(WORK, project=repo.path, prefix=prefix)
    assert done.status in (0, -signal.SIGKILL, 128 + signal.SIGKILL), done.errors
    return done.status != 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", STEPS)
def test_killed_at_each_step(host, kind):
    steps = 0
    for number in itertools.count(1):
        repo = Repository.create(host, f"project-{number}")
        first = repo.git("rev-parse", "main")
        was_killed = killed_at(repo, STEPS[kind], number)
        repo.host.wait_until_no_jail(20)
        repo.assert_sound()
        assert repo.run("git", "merge-base", "--is-ancestor", first, "main", check=False).returncode == 0
        worked = (repo.path / "new").exists()
        # Cut off between branch and index: git makes no commit that takes the jail's work back.
        if repo.git("rev-parse", "main") != first and repo.status() not in ("", "?? sub/"):
            assert (repo.path / ".git/index.lock").exists(), number
        done = repo.host.sh("true", project=repo.path).ok()  # sweeps, offers
        repo.host.run("git", "import").ok()
        repo.assert_sound()
        if worked:
            assert repo.git("log", "-1", "--format=%s", "main") == "from the jail", (number, done.errors)
            assert repo.git("rev-parse", "main~") == first
            assert repo.status() in ("", "?? sub/"), number
            assert repo.arrived() == {} and "refs/heads/idea" in repo.refs(), number
        assert not (repo.path / "sub/.git").exists(), number
        repo.give_up()
        if not was_killed:
            break
        steps += 1
    assert steps > 0
