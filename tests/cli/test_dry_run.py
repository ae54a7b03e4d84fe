"""--dry-run prints what a launch then does: the same lines, but for the session's id."""
import re
import shlex
import shutil
import subprocess

import pytest
from harness import IS_ROOT, STRANGER

CALLERS = ["user", "root", "root, a user's project"] if IS_ROOT else ["user"]


@pytest.fixture(params=CALLERS)
def caller_host(request, new_host):
    """A host with a repository, a user's own git settings, and a second project."""
    host = new_host("docker", uid=STRANGER if IS_ROOT and request.param == "user" else None)
    git = shutil.which("git")
    (host.fakes.bin / "git").symlink_to(git)
    (host.home / ".gitconfig").write_text(f"[user]\n\tname = A\n\temail = a@b.c\n[core]\n\texcludesFile = {host.home}/ignored\n[commit]\n\tgpgsign = true\n")
    (host.home / "ignored").write_text("*.orig\n")
    host.mkdir("api")
    subprocess.run([git, "init", "-q", host.project], check=True)
    (host.project / ".envrc").write_text("")
    host.give(host.directory)
    if request.param == "root, a user's project":
        subprocess.run(["/bin/chown", "-R", f"{STRANGER}:{STRANGER}", host.project, host.directory / "api"], check=True)
    return host


def told_words(line: str) -> "list[str]":
    """Of a line for a shell, the command: what is before it goes by the environment."""
    words = shlex.split(line)
    return without_ids(words[next(i for i, word in enumerate(words) if "=" not in word):])


def told_lines(text: str) -> "list[list[str]]":
    """A word in quotes goes on over line breaks."""
    lines, open_line = [], ""
    for line in text.splitlines():
        open_line += line
        try:
            lines.append(told_words(open_line))
            open_line = ""
        except ValueError:
            open_line += "\n"
    return lines


def without_ids(words) -> "list[str]":
    """A session's id is all that may differ from launch to launch, and a token for what is entered."""
    return [re.sub(r"\b[0-9a-f]{12}\b", "ID", word) for word in words]


def commands(host):
    return [without_ids([call.program, *call.args]) for call in host.fakes.calls]


WAYS = {
    "plain": [],
    "several": ["{d}/api"],
    "detached": ["--detach"],
    "profile, cache, variables": ["--profile", "work", "--cache", "project", "--env", "A=b", "--env", "PATH=/x"],
    "git rw": ["--git", "rw"],
    "git ro": ["--git", "ro"],
    "git none": ["--git", "none"],
    "gvisor": ["--sandbox", "runsc"],
    "limits": ["--memory", "1g", "--pids", "100", "--seccomp", "default"],
}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_the_call_of_the_launch(caller_host, way):
    host = caller_host
    words = [host.project, *(word.format(d=host.directory) for word in WAYS[way]), "--", "make", "a b"]
    told = host.run("--dry-run", *words)
    assert told.code == 0 and host.fakes.calls == [], told.err
    (line,) = told.out.splitlines()
    done = host.run(*words)
    assert done.code == 0, done.err
    assert told_words(line) in commands(host)
    assert done.err == "" or "not signed" in done.err or way == "detached"


def test_control_another_launch_is_another_call(host):
    told = host.run("--dry-run", ".", "--", "make")
    host.run(".", "--", "make", "all")
    assert told_words(told.out) not in commands(host)


def test_with_mutagen_each_line_is_a_call(new_host):
    host = new_host("docker")
    host.install_mutagen()
    told = host.run("--dry-run", ".", "--", "make")
    assert told.code == 0, told.err
    assert [call.args for call in host.fakes.calls] == [["version"]]  # whether Mutagen is one that jailed knows
    assert host.run(".", "--", "make").code == 0
    done = commands(host)
    assert [words for words in told_lines(told.out) if words not in done] == []
