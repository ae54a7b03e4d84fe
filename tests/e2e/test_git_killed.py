"""Killed at each step between snapshot, launch, import, fast-forward and read-tree: the host's repository stays whole, and
the agent's commits are home or can be had.

A step is a system call by which something begins or becomes visible; strace ends jailed at the n-th of it: for MOST_STEPS of
all n, spread evenly, or for each with JAILED_TEST_EVERYWHERE=1.
"""
import collections
import os
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
MOST_STEPS = 12
WORK = "echo new >new; git add new; git commit -qm 'from the jail'; git branch idea; git init -q sub"


def traced(repo, *how):
    return repo.host.sh(WORK, project=repo.path, prefix=["strace", "-qq", "-e", "signal=none", *how])


def steps_of(host, calls) -> "list[tuple[str, int]]":
    """The steps to be killed at, in their order: strace counts each call by itself."""
    repo = Repository.create(host, "counted")
    log = repo.path.parent / "steps"
    log.touch()
    log.chmod(0o666)
    traced(repo, "-e", f"trace={calls}", "-o", str(log)).ok()
    repo.give_up()
    counted, steps = collections.Counter(), []
    for line in log.read_text().splitlines():
        call = line.partition("(")[0]
        counted[call] += 1
        steps.append((call, counted[call]))
    assert steps and all(call in calls.split(",") for call in counted), steps
    log.unlink()
    if len(steps) <= MOST_STEPS or os.environ.get("JAILED_TEST_EVERYWHERE", "") == "1":
        return steps
    return [steps[round(n * (len(steps) - 1) / (MOST_STEPS - 1))] for n in range(MOST_STEPS)]


def killed_at(repo, call, number):
    """Whether jailed was killed at that step, and not done before."""
    done = traced(repo, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}", "-o", "/dev/null")
    assert done.status in (0, -signal.SIGKILL, 128 + signal.SIGKILL), done.errors
    return done.status != 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", STEPS)
def test_killed_at_each_step(host, kind):
    steps = steps_of(host, STEPS[kind])
    killed = 0
    for number, step in enumerate(steps):
        repo = Repository.create(host, f"project-{number}")
        first = repo.git("rev-parse", "main")
        killed += killed_at(repo, *step)
        repo.host.wait_until_no_jail(20)
        repo.assert_sound()
        assert repo.run("git", "merge-base", "--is-ancestor", first, "main", check=False).returncode == 0
        worked = (repo.path / "new").exists()
        # Cut off between branch and index: git makes no commit that takes the jail's work back.
        if repo.git("rev-parse", "main") != first and repo.status() not in ("", "?? sub/"):
            assert (repo.path / ".git/index.lock").exists(), step
        done = repo.host.sh("true", project=repo.path).ok()  # sweeps, offers
        repo.host.run("git", "import").ok()
        repo.assert_sound()
        if worked:
            assert repo.git("log", "-1", "--format=%s", "main") == "from the jail", (step, done.errors)
            assert repo.git("rev-parse", "main~") == first
            assert repo.status() in ("", "?? sub/"), step
            assert repo.arrived() == {} and "refs/heads/idea" in repo.refs(), step
        assert not (repo.path / "sub/.git").exists(), step
        repo.give_up()
    # How many there are differs by one or two from launch to launch.
    assert killed >= len(steps) - 2, (killed, steps)
