"""jailed completion: in the shells themselves."""
import shutil
import subprocess
import time

import pexpect
import pytest
from harness import BINARY, ROOT
from test_life import Machine, jail


def offered(host, *words: str) -> list[str]:
    result = host.run("complete", "--", *words)
    assert result.code == 0 and result.err == ""
    return [line.partition("\t")[0] for line in result.out.splitlines()]


def test_the_scripts_are_the_files_that_an_installation_has(host):
    for shell in ("bash", "zsh", "fish"):
        assert host.run("completion", shell).out == (ROOT / f"completions/jailed.{shell}").read_text()
    for words in (["completion"], ["completion", "tcsh"]):
        assert host.run(*words).code == 2


def test_jails_are_those_that_are_there(host):
    machine = Machine(host, "docker")
    machine.knows([jail(1), jail(2, project="/p/other")])
    machine.knows([jail(3, project="/p/foreign"), jail(1), jail(2, project="/p/other")], sessions=False)
    assert offered(host, "stop", "") == ["jailed-app-000000000001", "jailed-other-000000000002"]
    (host.fakes.directory / "listing").write_text("what is no answer")
    assert offered(host, "stop", "") == []


@pytest.mark.parametrize("break_it", [{"JAILED_MEMORY": "much"}, {"HOME": "/nonexistent"}])
def test_nothing_that_is_wrong_is_said(host, break_it):
    for words in (["stop", ""], ["--git", ""], ["\033[31m", ""], [""], []):
        result = host.run("complete", "--", *words, env=break_it)
        assert (result.code, result.err) == (0, "")


@pytest.fixture
def place(tmp_path):
    """A directory to complete in, with jailed on PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/jailed").symlink_to(BINARY)
    (tmp_path / "work/some dir").mkdir(parents=True)
    (tmp_path / "work/file").write_text("")
    return tmp_path


def environment(place) -> dict[str, str]:
    return {"PATH": f"{place}/bin:/usr/bin:/bin", "HOME": str(place), "TERM": "dumb", "LANG": "C.UTF-8"}


def by_bash(place, *words: str) -> list[str]:
    script = f"""source {ROOT}/completions/jailed.bash
COMP_WORDS=(jailed "$@"); COMP_CWORD=$#
compopt() {{ :; }}
_jailed
printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["/bin/bash", "-c", script, "x", *words], cwd=place / "work", env=environment(place), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def by_fish(place, *words: str) -> list[str]:
    line = " ".join(["jailed", *words])
    script = f"source {ROOT}/completions/jailed.fish; complete -C '{line}'"
    done = subprocess.run(["/usr/bin/fish", "--no-config", "-c", script], cwd=place / "work", env=environment(place), capture_output=True, text=True, check=True)
    return [word.partition("\t")[0] for word in done.stdout.splitlines()]


def by_zsh(place, *words: str) -> str:
    """What zsh shows at two tabs, as only a person sees it."""
    child = pexpect.spawn("/usr/bin/zsh", ["-f", "-i"], env=environment(place) | {"TERM": "xterm", "PS1": "> "}, cwd=str(place / "work"), encoding="utf-8", dimensions=(60, 200), timeout=10)
    child.sendline("autoload -Uz compinit && compinit -u -D && setopt nolistbeep list_ambiguous no_auto_menu; unsetopt prompt_cr prompt_sp zle_bracketed_paste 2>/dev/null")
    child.sendline(f"source {ROOT}/completions/jailed.zsh; echo read''y")
    child.expect("ready")
    child.send(" ".join(["jailed", *words]) + "\t\t")
    seen, end = "", time.monotonic() + 5
    while time.monotonic() < end:
        try:
            seen += child.read_nonblocking(65536, 0.7)
        except pexpect.TIMEOUT:
            if seen:
                break
    child.close(force=True)
    return seen


def is_there(shell: str) -> bool:
    return shutil.which(shell, path="/usr/bin") is not None


def test_bash(place):
    assert {"build", "claude", "completion", "some dir"} <= set(by_bash(place, ""))
    assert "file" not in by_bash(place, "")
    assert by_bash(place, "bu") == ["build"]
    assert by_bash(place, "claude", "--pro") == ["--profile", "--prompt"]
    assert by_bash(place, "--git", "r") == ["rw", "ro"]
    assert by_bash(place, ".", "--", "fi") == ["file"]
    assert by_bash(place, "sync", "") == ["status", "flush", "recover"]


def test_a_tab_runs_no_jailed_of_the_project(place):
    (place / "work/jailed").write_text("#!/bin/sh\n: >ran\n")
    (place / "work/jailed").chmod(0o755)
    script = f"source {ROOT}/completions/jailed.bash; COMP_WORDS=(./jailed bu); COMP_CWORD=1; _jailed; echo ${{COMPREPLY[*]}}"
    done = subprocess.run(["/bin/bash", "-c", script], cwd=place / "work", env=environment(place), capture_output=True, text=True, check=True)
    assert done.stdout == "build\n" and not (place / "work/ran").exists()


@pytest.mark.skipif(not is_there("fish"), reason="fish is not installed")
def test_fish(place):
    assert {"build", "claude", "completion"} <= set(by_fish(place, ""))
    assert "build" in by_fish(place, "bu")
    assert set(by_fish(place, "claude", "--pro")) == {"--profile", "--prompt"}
    assert set(by_fish(place, "--git", "r")) >= {"rw", "ro"}


@pytest.mark.skipif(not is_there("zsh"), reason="zsh is not installed")
def test_zsh(place):
    shown = by_zsh(place, "claude", "--p")
    assert "--profile" in shown and "--prompt" in shown and "--pids" in shown and "--memory" not in shown
    assert "Build the image" in by_zsh(place, "")
