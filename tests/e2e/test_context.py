"""The caller's own surroundings: what a shell, a terminal and a file system have set outside, as a jail sees it (docs/context.md)."""
import os
import re
import stat
from contextlib import contextmanager

import pytest

from support.jail import GVISOR, REPO

pytestmark = pytest.mark.side_by_side

TOOL = 'for d in "$HOME/.local/bin" "$CARGO_HOME/bin" "$GOPATH/bin"; do mkdir -p "$d"; printf \'#!/bin/sh\\necho "here $0"\\n\' >"$d/$1"; chmod 755 "$d/$1"; done'
SHELLS = ("sh -c", "sh -lc", "bash -c", "bash -lc", "zsh -c", "zsh -lc")


@contextmanager
def umask(mask):
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


@pytest.mark.parametrize("user", ["coder", "somebody"])
def test_what_was_installed_is_found_by_every_shell_and_hides_nothing(host, user):
    """The image's user, and one that it does not know."""
    show = "; ".join(f"{shell} 'mytool; command -v tput'" for shell in SHELLS)
    result = host.sh(f"set -- mytool; {TOOL}; set -- tput; {TOOL}; {show}", env={"JAILED_USER": user}).ok()
    assert result.text.split("\n")[:-1] == [f"here /home/{user}/.local/bin/mytool", "/usr/bin/tput"] * len(SHELLS)
    # As the jail's own command, without a shell: what is in the cache is there in the next jail.
    assert host.jail("mytool", env={"JAILED_USER": user}).ok().text == f"here /home/{user}/.cache/cargo/bin/mytool\n"


def test_what_was_installed_is_found_in_a_jail_left_running(host):
    project = host.project()
    host.run("--sync", "bind", "--detach", project).ok()
    try:
        host.run("exec", project, "--", "sh", "-c", f"set -- mytool; {TOOL}").ok()
        assert host.run("exec", project, "--", "mytool").ok().text == "here /home/coder/.local/bin/mytool\n"
    finally:
        host.run("stop", project, timeout=60)


def test_the_image_describes_every_terminal_that_comes_along(host):
    source = (REPO / "src/plan/jail/caller_context.cpp").read_text()
    (table,) = re.findall(r"kTerminals\[\] = \{(.*?)\};", source, re.DOTALL)
    names = re.findall(r'"([^"]+)"', table)
    assert len(names) > 50
    script = 'while read -r name; do infocmp -x "$name" >/dev/null 2>&1 || echo "$name"; done'
    missing = host.sh(script, stdin="\n".join([*names, "xterm-nosuch", ""]).encode()).ok().text.split()
    assert missing == ["xterm-nosuch"]


def test_a_terminal_that_nobody_knows_works_and_is_said_once(host):
    result = host.sh("tput clear | wc -c; echo $TERM/$TERM_PROGRAM", env={"TERM": "xterm-nosuch", "TERM_PROGRAM": "nosuch"}).ok()
    size, names = result.text.split()
    assert int(size) > 2 and names == "xterm-256color/nosuch"
    assert result.errors.count("xterm-nosuch") == 1


def test_no_tool_complains_about_the_caller_s_language(host):
    german = {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LC_TIME": "de_DE.UTF-8", "LANGUAGE": "de"}
    script = "perl -e 1; bash -c true; locale >/dev/null; python3 -c 'import locale; locale.setlocale(locale.LC_ALL, \"\")'; locale charmap"
    result = host.sh(script, env=german).ok()
    assert result.text == "UTF-8\n" and "locale" not in result.errors
    control = host.sh(script, env={**german, "JAILED_X": "1"}, options=["-e", "LC_ALL"])
    assert "locale" in control.errors


@pytest.mark.skipif(GVISOR, reason="files are made by gVisor's gofer")
@pytest.mark.parametrize("mask, mode", [(0o002, 0o664), (0o027, 0o640), (0o022, 0o644), (0o000, 0o644)])
def test_files_made_in_the_jail_are_for_whom_the_caller_s_are(host, mask, mode):
    project = host.project()
    with umask(mask):
        host.jail("touch", "/workspace/made", project=project).ok()
    assert stat.S_IMODE((project / "made").stat().st_mode) == mode
