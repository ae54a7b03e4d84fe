"""Files made in the jail belong to the caller; the jail is never root, whoever calls."""
import os
import subprocess

import pytest

pytestmark = pytest.mark.side_by_side

MAKE = "umask 022; id -u; echo text >made; mkdir made.d; : >made.d/file; cat given; echo more >>given"


def owner(path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_uid, found.st_gid


def given(host, who):
    project = host.project("project", who)
    host.write(project / "given", "given\n", 0o600, who)
    return project


def test_a_user_s_files_stay_the_user_s(user_host):
    caller = (user_host.caller.uid, user_host.caller.gid)
    project = given(user_host, caller)
    out = user_host.sh(MAKE, project=project).ok().text.split()
    assert out == [str(caller[0]), "given"]
    for name in ("made", "made.d", "made.d/file", "given"):
        assert owner(project / name) == caller
    assert (project / "given").read_text() == "given\nmore\n"


def test_a_user_s_configuration_is_private_and_the_user_s(user_host):
    user_host.sh("true").ok()
    caller = (user_host.caller.uid, user_host.caller.gid)
    assert os.stat(user_host.config).st_mode & 0o777 == 0o700
    for path in [user_host.config, *user_host.config.rglob("*")]:
        assert owner(path) == caller, path
    names = {path.name for path in (user_host.config / "agents").iterdir()}
    assert {"claude", "opencode", "opencode-data", "aider", "kimi", "gemini", "codex", "copilot", "gh"} <= names
    assert (user_host.config / "cache").is_dir() and (user_host.config / "sessions").is_dir()


def test_root_s_own_project(root_host):
    project = given(root_host, (0, 0))
    out = root_host.sh(MAKE, project=project).ok().text.split()
    assert out == ["1000", "given"]
    for name in ("made", "made.d", "made.d/file", "given"):
        assert owner(project / name) == (0, 0)
    assert (project / "given").read_text() == "given\nmore\n"
    for path in [root_host.config, *root_host.config.rglob("*")]:
        assert owner(path) == (0, 0), path


def test_root_in_a_project_of_somebody_else(root_host):
    project = given(root_host, (4242, 4343))
    out = root_host.sh(MAKE, project=project).ok().text.split()
    assert out == ["4242", "given"]
    for name in ("made", "made.d", "given"):
        assert owner(project / name) == (4242, 4343)


def test_root_by_sudo_in_the_user_s_project(root_host):
    project = given(root_host, (5555, 5656))
    out = root_host.sh(MAKE, project=project, env={"SUDO_UID": "5555", "SUDO_GID": "5656"}).ok().text.split()
    assert out == ["5555", "given"]
    for name in ("made", "made.d", "given"):
        assert owner(project / name) == (5555, 5656)


def test_root_by_sudo_in_root_s_project(root_host):
    project = given(root_host, (0, 0))
    out = root_host.sh(MAKE, project=project, env={"SUDO_UID": "5555", "SUDO_GID": "5656"}).ok().text.split()
    assert out == ["5555", "given"]
    for name in ("made", "made.d", "given"):
        assert owner(project / name) == (0, 0)


def test_nonsense_in_sudo_uid_never_means_root(root_host):
    for value in ("0", "-1", "root", "4294967296", ""):
        result = root_host.sh("id -u", env={"SUDO_UID": value, "SUDO_GID": value})
        assert result.status in (2, 125) or result.text.strip() not in ("", "0"), (value, result)


def test_what_others_own_in_root_s_project_stays_out_of_reach(root_host):
    project = root_host.project("project", (0, 0))
    root_host.write(project / "private", "somebody else's\n", 0o600, (4242, 4242))
    result = root_host.sh("cat private", project=project)
    assert result.status == 1 and "ermission denied" in result.errors


def test_git_takes_the_caller_for_the_owner(host):
    script = """
    git init -q . && echo text >file && git add file && git commit -qm first && git log --format='%an <%ae>'"""
    host.write(host.root / "home/.gitconfig", "[user]\n\tname = Ada L.\n\temail = ada@example.org\n")
    home = {"HOME": str(host.root / "home")} if not host.engine.rootless else {}
    if not home:
        home = {"GIT_CONFIG_GLOBAL": str(host.root / "home/.gitconfig")}
    result = host.sh(script, env=home).ok()
    assert result.text.strip() == "Ada L. <ada@example.org>"


def test_idmapped_mounts_are_gone_afterwards(root_host):
    jail = root_host.start("sleep 30", project=given(root_host, (0, 0)))
    assert root_host.mounts(), "root's project is expected to be mounted with mapped ids"
    jail.end()
    assert not root_host.mounts()


def test_mounts_of_a_killed_jailed_are_swept_by_the_next(root_host):
    import signal

    jail = root_host.start("sleep 60", project=given(root_host, (0, 0)))
    jail.signal(signal.SIGKILL)
    jail.wait()
    root_host.wait_until_no_jail(5)
    root_host.sh("true").ok()
    assert not root_host.mounts()


@pytest.mark.parametrize("mode", ["0755", "0700"])
def test_modes_of_the_project_directory_itself_are_kept(host, mode):
    project = host.project()
    project.chmod(int(mode, 8))
    before = os.stat(project)
    host.sh("touch made && stat -c %a .").ok()
    after = os.stat(project)
    assert (before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid)


def test_nothing_of_the_caller_s_is_left_unremovable(host):
    host.sh("mkdir -p a/b && touch a/b/c && chmod 0400 a/b/c").ok()
    subprocess.run(host.caller.argv(["rm", "-r", host.project() / "a"]), check=True)
