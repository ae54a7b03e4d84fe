"""What a hostile agent plants, and what the host's real git then runs: nothing under the default, and each of them
in the control, where the jail has the repository itself.

Rows of the experiments: each plants something that would make a file RAN appear on the host.
"""
import os

import pytest

from support.git import Repository

pytestmark = pytest.mark.side_by_side

# The planted command: proves that it ran on the host by a file that only the host can make.
EVIL = "{place}/evil"

# name -> what the agent does in /workspace. $EVIL is the host's path of a program that the project holds.
# Only what the control must fire; each row is judged after the host's user worked as usual.
PLANTS = {
    "fsmonitor": "git config core.fsmonitor $EVIL",
    "hooksPath": "mkdir -p h; cp evil h/pre-commit; git config core.hooksPath h",
    "a hook": "cp evil .git/hooks/pre-commit; cp evil .git/hooks/post-checkout",
    "include": "printf '[core]\\n\\tfsmonitor = %s\\n' $EVIL >inc; git config include.path ../inc",
    "clean filter": "echo '* filter=x' >.gitattributes; git config filter.x.clean $EVIL; echo >>a",
    "external diff": "git config diff.external $EVIL; echo >>a",
    "textconv": "echo '* diff=x' >.gitattributes; git config diff.x.textconv $EVIL; echo >>a",
    "gpg": "git config commit.gpgsign true; git config gpg.program $EVIL",
    "ssh command": "git config core.sshCommand $EVIL; git config remote.o.url ssh://localhost/x; git config remote.o.fetch '+refs/*:refs/o/*'",
    "upload pack": "git config remote.o.url .; git config remote.o.uploadpack $EVIL; git config remote.o.fetch '+refs/*:refs/o/*'",
    "config moved away": "mv .git/config .git/c; printf '[core]\\n\\trepositoryformatversion=0\\n\\tfsmonitor = %s\\n' $EVIL >.git/config",
    ".git replaced": "mv .git .old && cp -r .old .git && git config core.fsmonitor $EVIL",
    ".git a file": "mv .git other && echo 'gitdir: other' >.git && git config core.fsmonitor $EVIL",
    ".git a link": "mv .git other && ln -s other .git && git config core.fsmonitor $EVIL",
    "commondir": "cp -r .git /tmp/f; mv /tmp/f .git/fake; git config -f .git/fake/config core.fsmonitor $EVIL; echo fake >.git/commondir",
    "bare shape at the root": "cp -r .git/objects .git/refs .git/HEAD .; git config -f config core.fsmonitor $EVIL;"
                              " git config -f config core.worktree .; git config -f config core.repositoryformatversion 0; rm .git/HEAD",
    "config.worktree": "git config extensions.worktreeConfig true; git config --worktree core.fsmonitor $EVIL",
    "re-init": "mkdir t; cp evil t/pre-commit; mkdir -p tt/hooks; cp evil tt/hooks/pre-commit; git init -q --template=tt .",
    "rebase todo": "git commit -q --allow-empty -m x; GIT_SEQUENCE_EDITOR=\"sh -c 'echo break >\\$1' -\" git rebase -q -i HEAD~;"
                   " echo exec $EVIL >.git/rebase-merge/git-rebase-todo",
    "a symlinked log": "rm -f .git/logs/HEAD; ln -s $BAIT .git/logs/HEAD",
    "a symlinked message": "rm -f .git/COMMIT_EDITMSG; ln -s $BAIT .git/COMMIT_EDITMSG",
}
# With the repository itself in the jail, git of newer versions refuses these or the row is about shadow only.
IDENTITY = "git config --global user.name x; git config --global user.email x; git config --global --add safe.directory '*';"


# The status is 125 where commits of the jail stay in its session: an attack may be what keeps them there.
STAY = "Commits of the jail stay in "


def planted(host, name, *options):
    repo = Repository.create(host)
    place = repo.path
    evil = host.write(place / "evil", f"#!/bin/sh\n: >'{repo.ran}'\nexit 0\n", 0o755)
    bait = host.write(host.root / "home" / "shellrc", "untouched\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "program")
    script = f"EVIL='{evil}'; BAIT='{bait}'\n" + IDENTITY + PLANTS[name]
    done = host.sh(script, project=place, options=options)
    assert done.status != 125 or STAY in done.errors, done.errors
    assert not repo.ran.exists(), "jailed itself ran it, at the homecoming"
    repo.use_like_a_user()
    repo.give_up()
    return repo.ran.exists() or bait.read_text() != "untouched\n"


@pytest.mark.parametrize("name", PLANTS)
def test_under_the_shadow_nothing_runs(host, name):
    assert not planted(host, name, "--git", "shadow")


@pytest.mark.parametrize("name", PLANTS)
def test_the_control_runs_it(host, name):
    assert planted(host, name, "--git", "rw", "--allow-edit", "**")


def test_the_agent_cannot_put_away_the_mount(host):
    repo = Repository.create(host)
    for attempt in ("mv .git x", "rm -rf .git", "rmdir .git", "umount .git", "mv x .git", "mkdir .git"):
        done = host.sh(f"{attempt} && exit 9; exit 0", project=repo.path)
        assert done.status == (125 if STAY in done.errors else 0), done.errors
    repo.assert_sound()
    assert repo.git("log", "--format=%s") == "first"
    repo.give_up()


def test_the_host_s_objects_cannot_be_written(host):
    repo = Repository.create(host)
    host.sh("! touch /jail/objects/x 2>/dev/null; ! rm -rf /jail/objects/* 2>/dev/null; git log -1", project=repo.path).ok()
    repo.assert_sound()


HOSTILE_SHADOWS = {
    "HEAD a link": "rm .git/HEAD; ln -s /etc/passwd .git/HEAD",
    "HEAD a fifo": "rm .git/HEAD; mkfifo .git/HEAD",
    "refs a link": "rm -rf .git/refs; ln -s / .git/refs",
    "refs a fifo": "mkfifo .git/refs/heads/x",
    "packed-refs huge": "truncate -s 3G .git/packed-refs",
    "all gone": "rm -rf .git/* 2>/dev/null || :",
    "unreadable": "mkdir -p .git/x/y; chmod 0 .git/x/y .git/x",
    "index junk": "head -c 4096 /dev/urandom >.git/index; git update-ref refs/heads/n HEAD",
    "alternates to the host": "echo /etc >>.git/objects/info/alternates; git update-ref refs/heads/n HEAD",
    "a ref to nothing": "echo 1111111111111111111111111111111111111111 >.git/refs/heads/n",
    "junk objects": "git commit -q --allow-empty -m x; for f in .git/objects/??/*; do chmod u+w $f; head -c 99 /dev/urandom >$f; done",
    "a config that runs": "git commit -q --allow-empty -m x; git config core.fsmonitor 'sleep 1000'; git config core.pager 'sleep 1000'; git config core.hooksPath /workspace;"
                          " git config core.alternateRefsCommand 'sleep 1000'",
    "a config that is broken": "git update-ref refs/heads/n HEAD; echo '[' >>.git/config",
    "many refs": "for i in $(seq 3000); do echo create refs/heads/b$i HEAD; done | git update-ref --stdin",
}


@pytest.mark.parametrize("name", HOSTILE_SHADOWS)
def test_a_hostile_shadow_cannot_hurt_the_homecoming(host, name):
    repo = Repository.create(host)
    repo.commit("second", c="x\n")
    before = repo.git("rev-parse", "main")
    done = host.sh(IDENTITY + HOSTILE_SHADOWS[name], project=repo.path, timeout=60)
    assert done.status in ((125, 1) if STAY in done.errors else (0, 1)), done.errors
    assert done.seconds < 30
    assert repo.git("merge-base", "--is-ancestor", before, "main") == ""
    repo.assert_sound()
    assert repo.status() == ""
    repo.give_up()


def test_objects_that_fsck_refuses_stay_out(host):
    repo = Repository.create(host)
    before = repo.git("rev-parse", "main")
    done = host.sh(IDENTITY + """
        b=$(git rev-parse HEAD:a)
        t=$(printf "100644 blob $b\\t.git\\n" | git mktree 2>/dev/null || printf '100644 .git\\0' | cat - <(printf $b | xxd -r -p) |
            git hash-object -t tree -w --stdin --literally)
        c=$(git commit-tree -p HEAD -m bad $t); git update-ref refs/heads/main $c""", project=repo.path)  # fmt: skip
    assert "refuses their objects" in done.errors, done.errors
    assert repo.git("rev-parse", "main") == before
    repo.give_up()


def test_changed_submodules_do_not_move_the_checkout(host):
    repo = Repository.create(host)
    before = repo.git("rev-parse", "main")
    host.sh(IDENTITY + "git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),sub; git commit -qm link", project=repo.path).ok()
    assert repo.git("rev-parse", "main") == before
    assert list(repo.arrived()) == ["heads/main"]
