"""Everyday git inside, and histories that come home as they were made."""
import os
import random
import shlex

import pytest

from support.git import Repository

pytestmark = pytest.mark.side_by_side

HISTORIES = int(os.environ.get("JAILED_TEST_HISTORIES", "20"))

# Each line is one operation that has to succeed in the jail.
EVERYDAY = """
git status
git log --oneline --graph --all
git add -A
git commit --allow-empty -m one
git commit --amend --no-edit --allow-empty
git diff HEAD~
git show
git blame a
git branch b1
git switch b1
git switch -c b2
git checkout main
git checkout -b b3
git merge --no-edit b1
git tag light
git tag -a -m annotated full
git describe --tags
git config user.signingkey none
git config core.editor true
git config --unset core.editor
echo 1 >>a && git stash
git stash list
git stash pop
git checkout -- a
git restore a
echo 2 >>a && git add a && git reset -q
git checkout a
git mv a moved
git commit -m moved
git rm -q moved
git reset -q --hard
git revert --no-edit HEAD
git cherry-pick --allow-empty HEAD~2
git rebase -q main
git rebase -q -i --root
git bisect start HEAD HEAD~1 && git bisect reset
git worktree add -q /tmp/wt b1
git -C /tmp/wt commit -q --allow-empty -m 'in the worktree'
git worktree remove /tmp/wt
git init -q --bare -b main /tmp/remote.git
git remote add r /tmp/remote.git
git push -q -u r HEAD
git push -q r --all
git push -q r --tags
git fetch -q r
git pull -q
git clone -q /tmp/remote.git /tmp/clone
git notes add -f -m note HEAD
printf '#!/bin/sh\\ntouch /tmp/hooked\\n' >.git/hooks/pre-commit && chmod +x .git/hooks/pre-commit
git commit -q --allow-empty -m hooked && test -e /tmp/hooked
git -c protocol.file.allow=always submodule add -q /tmp/remote.git sub && git reset -q --hard && rm -rf sub
git reflog
git gc -q
git fsck --strict
git repack -a -d -q
git pack-refs --all
git archive HEAD >/tmp/a.tar
git format-patch -1 --stdout >/tmp/p
git grep one
git shortlog -s HEAD
git clean -fdq
git branch -m b3 renamed
git branch -D b2
git sparse-checkout set --no-cone '/*' && git sparse-checkout disable
git update-index --refresh
git rerere status
git maintenance run --quiet
git ls-files -s
git count-objects -v
"""


def test_everyday_operations(host):
    repo = Repository.create(host)
    script = "export GIT_SEQUENCE_EDITOR=true GIT_EDITOR=true\nfailed=0\n"
    for line in EVERYDAY.strip().splitlines():
        script += f"{{ {line}; }} >/tmp/out 2>&1 || {{ failed=1; echo {shlex.quote(line)}; cat /tmp/out; }}\n"
    done = host.sh(script + "exit $failed", project=repo.path)
    # All of them worked; the submodule's repository, which was made in the jail, stays there.
    assert done.status == 125 and "the new submodule sub" in done.errors, done.text + done.errors
    repo.assert_sound()
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/renamed"
    assert repo.status() == ""
    repo.give_up()


def history(seed):
    """A script that makes a random history on top of what is there."""
    dice = random.Random(seed)
    branches, lines = ["main"], ["g() { git -c user.name=J -c user.email=j@j \"$@\"; }", "exec >/dev/null 2>&1"]
    for step in range(dice.randint(8, 40)):
        kind = dice.choice(["commit"] * 8 + ["branch", "branch", "switch", "switch", "merge", "merge", "tag", "rename", "delete",
                                             "link", "gitlink", "amend", "repack", "octal", "empty", "rebase", "orphan"])  # fmt: skip
        name = f"n{dice.randint(0, 9)}"
        if kind == "commit":
            lines.append(f"mkdir -p d{step % 3}; seq {dice.randint(1, 2000)} >d{step % 3}/{name}; echo {step} >>{name}; g add -A; g commit -m 'step {step}'")
        elif kind == "branch":
            branches.append(f"b{step}")
            lines.append(f"g switch -c b{step}")
        elif kind == "orphan":
            branches.append(f"o{step}")
            lines.append(f"g switch --orphan o{step}; echo {step} >o; g add -A; g commit -m orphan")
        elif kind == "switch":
            lines.append(f"g switch {dice.choice(branches)}")
        elif kind == "merge":
            lines.append(f"g merge -s ours --allow-unrelated-histories -m m{step} {dice.choice(branches)}")
        elif kind == "rebase":
            lines.append(f"g rebase {dice.choice(branches)} || g rebase --abort")
        elif kind == "tag":
            lines.append(f"g tag {'-a -m t' if dice.random() < 0.5 else ''} t{step}")
        elif kind == "rename":
            lines.append(f"g mv {name} r{step} && g commit -m rename")
        elif kind == "delete":
            lines.append(f"g rm -q {name} && g commit -m delete")
        elif kind == "link":
            lines.append(f"ln -s d0/{name} l{step}; g add -A; g commit -m link")
        elif kind == "gitlink":
            lines.append(f"g update-index --add --cacheinfo 160000,$(git rev-parse HEAD),s{step}; g commit -m gitlink")
        elif kind == "amend":
            lines.append("g commit --amend --allow-empty -m amended")
        elif kind == "repack":
            lines.append(dice.choice(["g repack -a -d", "g gc", "g pack-refs --all", "g commit-graph write --reachable"]))
        elif kind == "octal":
            lines.append(f"printf x >'w\303\244 {step}'; g add -A; g commit -m 'ü'")
        else:
            lines.append(f"g commit --allow-empty -m empty --date=2001-01-0{1 + step % 9}T00:00:00")
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_random_histories_come_home_as_a_bundle_would_bring_them(host, seed):
    repo = Repository.create(host)
    before = repo.refs()
    host.sh(history(seed) + "\ngit bundle create bundle --all; true", project=repo.path).ok()
    mirror = host.root / "mirror"
    repo.git("clone", "-q", "--mirror", str(repo.path / "bundle"), str(mirror))
    lines = repo.git("for-each-ref", "--format=%(refname) %(objectname)", cwd=mirror).splitlines()
    made = dict(line.split(" ") for line in lines)
    here, arrived = repo.refs("refs/heads", "refs/tags"), repo.arrived()
    for name, id in made.items():
        assert id in (here.get(name), arrived.get(name.removeprefix("refs/"))), name
    for name, id in before.items():  # nothing of the host's was forced
        assert repo.run("git", "merge-base", "--is-ancestor", id, name, check=False).returncode == 0, name
    ids = sorted(set(made.values()))
    assert sorted(repo.git("rev-list", "--objects", *ids).splitlines()) == sorted(
        repo.git("rev-list", "--objects", *ids, cwd=mirror).splitlines())  # fmt: skip
    repo.git("fsck", "--no-dangling")
