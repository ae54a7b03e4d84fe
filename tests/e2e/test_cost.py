"""What a launch costs: one engine process, and little of jailed's own."""
import re
import statistics
import subprocess
import time

import pytest

from support.jail import shell_words


def engine_calls(trace: str) -> list[str]:
    """Command lines of engine clients that were started; what podman starts of itself is not counted."""
    calls = [line for line in trace.splitlines() if re.search(r'execve\("[^"]*/(docker|podman)", .* = 0$', line)]
    return [line for line in calls if '"container", "cleanup"' not in line]


def test_one_engine_process_a_launch(host):
    trace = host.root / "tmp/trace"
    result = host.sh("true", prefix=["strace", "-f", "-qq", "-v", "-s", "300", "-e", "trace=execve", "-e", "signal=none", "-o", trace])
    text = trace.read_text(errors="replace")
    trace.unlink()
    result.ok()
    calls = engine_calls(text)
    assert len(calls) == 1 and '"run"' in calls[0], "\n".join(calls)


def test_version_is_instant(host):
    seconds = []
    for _ in range(21):
        began = time.perf_counter()
        subprocess.run([host.binary, "version"], check=True, stdout=subprocess.DEVNULL, env=host.environment)
        seconds.append(time.perf_counter() - began)
    assert statistics.median(seconds) < 0.010


def test_version_and_help_need_no_engine(host):
    for words in (["version"], ["--version"], ["help"], ["--help"]):
        result = host.run(*words, env={"PATH": "/nonexistent", "JAILED_RUNTIME": None}).ok()
        assert result.text


def test_a_dry_run_starts_nothing_and_says_all(host):
    result = host.run("--dry-run", *host.bind(), "--", "echo", "ran").ok()
    assert result.text.count("\n") == 1 and not host.jails()
    words = shell_words(result.text)
    assert words[1] == "run"
    for flag in ("--rm", "--read-only", "--cap-drop", "no-new-privileges", "--pids-limit", "--pull=never"):
        assert flag in words or (flag == "--pids-limit" and host.engine.rootless), flag
    assert "--privileged" not in words and "--cap-add" not in words


@pytest.mark.parametrize("number", range(3))
def test_a_launch_takes_about_what_the_engine_takes(host, number):
    assert host.sh("true").ok().seconds < 5
