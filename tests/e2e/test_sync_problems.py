"""Mutagen mode with what Mutagen cannot carry, in either direction, and a session that has to be made again."""
import os
import shutil
import subprocess

import pytest

from support.git import Repository
from support.jail import wait_for

pytestmark = pytest.mark.side_by_side

ODD = b"caf\xe9.txt"
COMMIT_ALL = "echo more >>a; git add -A; git commit -qm two"


def odd_file(synced) -> bytes:
    path = os.path.join(os.fsencode(synced.project), ODD)
    with open(path, "wb") as file:
        file.write(b"x\n")
    synced.own()
    return path


def archives(synced) -> list:
    return sorted((synced.host.config / "sessions").glob("*/conflicts/*.tar"))


def only_archives_left(synced) -> None:
    synced.host.wait_until_no_jail(10)
    assert synced.volumes() == [] and "No synchronization sessions found" in synced.sessions()
    for session in (synced.host.config / "sessions").iterdir():
        assert [path.name for path in session.iterdir()] == ["conflicts"]
        shutil.rmtree(session)


def test_tracked_files_that_cannot_be_carried_are_not_deleted_by_a_commit(synced):
    repo = Repository(synced.host, synced.project)
    odd_file(synced)
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "odd")
    before = repo.git("rev-parse", "HEAD")
    result = synced.run(COMMIT_ALL, env={"JAILED_SYNC_STRATEGY": "mutagen"})
    assert result.status == 125 and "--sync bind" in result.errors and ".txt" in result.errors, result
    assert repo.git("rev-parse", "HEAD") == before
    result = synced.run(COMMIT_ALL).ok()  # nobody asked for Mutagen: mounted
    assert "mounted directly" in result.errors
    assert repo.git("rev-parse", "HEAD") != before and len(repo.git("ls-files").splitlines()) == 3
    synced.nothing_left()


def test_what_is_left_out_is_named_at_the_start(synced):
    odd_file(synced)
    result = synced.run("ls").ok()
    assert result.text == "" and "Not in the jail" in result.errors and "non-UTF-8" in result.errors
    synced.nothing_left()


def test_a_commit_does_not_delete_what_sync_json_left_out(synced):
    synced.host.write(synced.host.config / "sync.json", '{"ignore": ["/dir"]}')
    repo = Repository(synced.host, synced.project)
    before = repo.git("rev-parse", "HEAD")
    result = synced.run(COMMIT_ALL).ok()
    assert "dir/b would be deleted" in result.errors, result.errors
    assert repo.git("rev-parse", "HEAD") == before and (synced.project / "dir/b").exists()
    assert len(repo.refs("refs/jailed")) == 1
    synced.nothing_left()


def test_closed_files_and_directories_come_home(synced):
    synced.run("mkdir -p locked/deep; echo 1 >locked/deep/f; echo 2 >closed; chmod 000 closed locked/deep locked").ok()
    assert (synced.project / "locked/deep/f").read_text() == "1\n" and (synced.project / "closed").read_text() == "2\n"
    synced.nothing_left()


def test_names_that_are_no_text_are_saved_in_an_archive(synced):
    result = synced.run("mkdir d; echo odd >d/$'caf\\xe9.txt'; echo work >work").ok()
    assert (synced.project / "work").read_text() == "work\n"
    (archive,) = archives(synced)
    assert str(archive) in result.errors and "sync recover" not in result.errors
    assert subprocess.run(["tar", "-xOf", archive], check=True, capture_output=True).stdout == b"odd\n"
    only_archives_left(synced)


def test_a_session_that_is_made_again_leaves_out_what_the_first_one_did(synced):
    settings = synced.host.write(synced.host.config / "sync.json", '{"ignore": ["/dist"]}')
    process = synced.ready("mkdir dist; echo built >dist/x; echo work >work; sleep 60")
    wait_for("the work is home", (synced.project / "work").exists, 20)
    settings.unlink()
    synced.client("sync", "terminate", "--all")
    synced.host.engine.run("kill", synced.host.only_jail()["Id"])
    _, err = process.communicate(timeout=60)
    assert "forgotten this jail" in err.decode()
    assert not (synced.project / "dist").exists()
    synced.nothing_left()
