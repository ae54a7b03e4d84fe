"""What the caller's shell, terminal and git have set outside: it comes along, is translated, or is said (docs/context.md)."""
import os
import subprocess

import pytest
from harness import wait_until

COPY_GIT_FILES = (
    'for word; do case $word in *,target=/etc/jailed/git*) file=${word#type=bind,source=}; file=${file%%,target=*}; '
    '/bin/cp "$file" "$fake/${file##*/}" ;; esac; done')


def git(host, *words):
    subprocess.run(["/usr/bin/git", *words], check=True, env={"HOME": str(host.home), "PATH": "/usr/bin:/bin"})


@pytest.fixture
def git_host(host):
    (host.fakes.bin / "git").symlink_to("/usr/bin/git")
    host.fakes.on("run", COPY_GIT_FILES)
    git(host, "init", "-q", str(host.project))
    git(host, "config", "--global", "user.name", "Private")
    git(host, "config", "--global", "user.email", "me@home")
    return host


def in_the_jail(host, name, *words):
    """git's answer to a file that the last jail had."""
    return subprocess.run(["/usr/bin/git", "config", "--file", host.fakes.directory / name, *words], capture_output=True, text=True).stdout.split()


def test_an_unknown_terminal_is_replaced_and_said_in_one_line(host):
    result = host.run(".", env={"TERM": "xterm-nosuch", "TERM_PROGRAM": "nosuch"})
    (call,) = host.fakes.calls
    assert "TERM=xterm-256color" in call.values("-e") and "TERM" not in call.values("-e")
    assert "TERM_PROGRAM" in call.values("-e") and call.env[b"TERM_PROGRAM"] == b"nosuch"
    assert result.err.count("\n") == 1 and "TERM=xterm-nosuch" in result.err
    assert host.run("-q", ".", env={"TERM": "xterm-nosuch"}).err == ""
    assert host.run(".", env={"TERM": "xterm-kitty"}).err == ""


@pytest.mark.parametrize("mask, said", [(0o002, ["JAILED_UMASK=0002"]), (0o077, ["JAILED_UMASK=0077"]), (0o022, []), (0o000, [])])
def test_the_caller_s_umask(host, mask, said):
    assert host.run(".", umask=mask).code == 0
    (call,) = host.fakes.calls
    assert [word for word in call.values("-e") if word.startswith("JAILED_UMASK")] == said


@pytest.mark.parametrize("where", [".", "from afar"])
def test_an_identity_that_git_chooses_by_the_directory(git_host, where):
    host = git_host
    git(host, "config", "--global", f"includeIf.gitdir:{host.project}/.path", str(host.home / "work"))
    (host.home / "work").write_text("[user]\n\temail = me@work\n")
    own = str(host.project / ".git/config")
    # What the project itself says is its own business, and runs nothing here.
    for key in ("core.fsmonitor", "core.pager", "pager.config", "core.editor", "alias.config"):
        git(host, "config", "--file", own, key, f"!touch {host.directory}/ran")
    git(host, "config", "--file", own, "user.name", "Project")
    host.give(host.directory)
    where = {"cwd": host.project} if where == "." else {"cwd": host.home}
    assert host.run(host.project, **where).code == 0
    assert in_the_jail(host, "gitconfig", "user.email") == ["me@work"]
    assert in_the_jail(host, "gitconfig", "user.name") == ["Private"]
    assert not (host.directory / "ran").exists()


def test_a_repository_that_git_cannot_read_takes_no_identity_away(git_host):
    git(git_host, "config", "--file", str(git_host.project / ".git/config"), "core.repositoryformatversion", "99")
    git_host.give(git_host.directory)
    git_host.run("--git", "none", ".")
    assert in_the_jail(git_host, "gitconfig", "user.email") == ["me@home"]


def test_of_git_s_settings_come_those_that_need_nothing_of_the_host(git_host):
    host = git_host
    for key, value in {"pull.rebase": "true", "core.autocrlf": "input", "core.editor": "code", "credential.helper": "store",
                       "url.x.insteadOf": "y", "gpg.program": "gpg2", "alias.z": "!z", "core.hooksPath": "/h"}.items():
        git(host, "config", "--global", key, value)
    host.give(host.directory)
    assert host.run(".").code == 0
    assert sorted(in_the_jail(host, "gitconfig", "--list", "--name-only")) == ["core.autocrlf", "pull.rebase", "user.email", "user.name"]


@pytest.mark.parametrize("named", [None, "~/my ignores"])
def test_what_git_ignores_everywhere_is_ignored_in_the_jail(git_host, named):
    host = git_host
    file = host.home / ".config/git/ignore"
    if named:
        git(host, "config", "--global", "core.excludesFile", named)
        file = host.home / named[2:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(".DS_Store\n")
    host.give(host.directory)
    assert host.run(".").code == 0
    (call,) = host.fakes.calls
    assert in_the_jail(host, "gitconfig", "core.excludesFile") == ["/etc/jailed/gitignore"]
    assert (host.fakes.directory / "gitignore").read_text() == ".DS_Store\n"
    (mount,) = [fields for fields in call.mount_fields() if fields["target"] == "/etc/jailed/gitignore"]
    assert "readonly" in mount
    file.unlink()
    host.run(".")
    assert "/etc/jailed/gitignore" not in host.fakes.calls[-1].mounts


@pytest.mark.parametrize("what", ["link", "link behind one", "pipe"])
def test_a_list_of_ignores_that_a_running_jail_replaced_is_not_read(git_host, what):
    """The list is in a project, as of dotfiles; another jail would have the key that the link leads to."""
    host = git_host
    dotfiles = host.mkdir("dotfiles")
    secret = host.mkdir("home/.ssh", 0o700) / "id_ed25519"
    secret.write_text("KEY\n")
    own = host.home / "ignores"
    own.symlink_to(dotfiles / "ignores")
    git(host, "config", "--global", "core.excludesFile", str(own if what == "link behind one" else dotfiles / "ignores"))
    (dotfiles / "ignores").write_text(".DS_Store\n")
    host.give(host.directory)
    host.fakes.on("run", 'case "$*" in *first*) note up; while [ ! -e "$fake/ended" ]; do /bin/sleep 0.05; done;; esac')
    first = host.start(dotfiles, "--", "first")
    wait_until(lambda: host.fakes.notes == ["up"])
    assert host.run(".", timeout=15).code == 0
    assert "/etc/jailed/gitignore" in host.fakes.calls[-1].mounts  # the control: as long as it is a file
    (dotfiles / "ignores").unlink()
    os.mkfifo(dotfiles / "ignores") if what == "pipe" else (dotfiles / "ignores").symlink_to(secret)
    host.give(host.directory)
    assert host.run(".", timeout=15).code == 0
    assert "/etc/jailed/gitignore" not in host.fakes.calls[-1].mounts
    (host.fakes.directory / "ended").touch()
    assert first.wait(20) == 0


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_proxy_with_a_password_stays_outside(new_host, engine):
    """Podman hands over what is set in its own environment, unless it is told not to."""
    host = new_host(engine)
    proxies = {"http_proxy": "http://me:secret@proxy:3128", "HTTPS_PROXY": "http://127.0.0.1:3128", "ALL_PROXY": "http://proxy:1", "no_proxy": "intern"}
    result = host.run(".", "--", "true", env=proxies)
    assert result.code == 0 and "secret" not in result.err
    assert [line.split()[1] for line in result.err.splitlines() if "stays outside" in line] == ["http_proxy", "HTTPS_PROXY"]
    (call,) = host.fakes.called("run")
    assert {name for name in call.values("-e") if "proxy" in name.lower()} == {"ALL_PROXY", "no_proxy"}
    assert ("--http-proxy=false" in call.args) == (engine == "podman")
    host.run("-e", "http_proxy", ".", "--", "true", env=proxies)
    assert "http_proxy" in host.fakes.called("run")[-1].values("-e")


def test_commits_that_will_not_be_signed_are_said(git_host):
    assert git_host.run(".").err.count("signed") == 0
    git(git_host, "config", "--global", "commit.gpgSign", "true")
    git_host.give(git_host.directory)
    assert git_host.run(".").err.count("not signed") == 1
