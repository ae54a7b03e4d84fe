"""Exit statuses and streams: a jail is as good as the command itself in a script."""
import hashlib
import os

import pytest

pytestmark = [pytest.mark.side_by_side]


@pytest.mark.parametrize("status", [0, 1, 3, 42, 125, 255])
def test_the_status_is_the_command_s_own(shared_host, status):
    assert shared_host.sh(f"exit {status}").status == status


@pytest.mark.parametrize(("signal", "status"), [("TERM", 143), ("KILL", 137), ("SEGV", 139), ("INT", 130), ("HUP", 129)])
def test_a_signalled_command_is_128_and_the_signal(shared_host, signal, status):
    assert shared_host.sh(f"kill -{signal} $$; sleep 5").status == status


def test_a_command_that_was_killed_is_not_said_to_lack_memory(host):
    result = host.sh("kill -9 $$")
    assert result.status == 137 and "ran out of memory" not in result.errors


def test_a_jail_that_ran_out_of_memory_is_said_to_have(host, engine):
    if engine.client != "docker":
        pytest.skip("podman remembers nothing of a container that is gone")
    script = "exec python3 -c 'x = bytearray(400 << 20)'"
    result = host.run("--memory", "64m", *host.bind(), "--", "sh", "-c", script)
    # Docker does not always hear of it before the container is gone.
    assert result.status == 137 and ("ran out of memory (limit 64 MiB" in result.errors or "want of memory: the limit is 64 MiB" in result.errors)


def test_a_file_that_cannot_run_is_126(shared_host):
    assert shared_host.jail("/etc/passwd").status == 126
    assert shared_host.jail("/workspace").status == 126


def test_a_command_that_is_not_there_is_127(shared_host):
    result = shared_host.jail("no-such-command")
    assert result.status == 127 and "no-such-command" in result.errors


def test_no_image_is_125_with_the_way_to_it(host):
    result = host.sh("echo ran", env={"JAILED_IMAGE": "no-such-image:here"})
    assert result.status == 125 and result.text == ""
    assert "Image 'no-such-image:here' not found." in result.errors and "jailed build" in result.errors


def test_an_engine_that_is_down_is_125_and_says_so(host, engine):
    if engine.client != "docker":
        pytest.skip("podman has no daemon")
    result = host.sh("echo ran", env={"DOCKER_HOST": f"unix://{host.root}/no-such.sock"})
    assert result.status == 125 and result.text == ""
    assert "[jailed]" in result.errors and "no-such.sock" in result.errors


def test_stdout_and_stderr_stay_apart_and_pure(shared_host):
    result = shared_host.sh("echo to stdout; echo to stderr >&2; exit 5")
    assert (result.status, result.text) == (5, "to stdout\n")
    assert "to stderr\n" in result.errors


def test_bytes_come_through_unchanged(shared_host):
    data = os.urandom(1 << 20)
    result = shared_host.jail("cat", stdin=data).ok()
    assert hashlib.sha256(result.out).digest() == hashlib.sha256(data).digest()


def test_an_empty_input_ends(shared_host):
    assert shared_host.jail("wc", "-c").ok().text.strip() == "0"


def test_arguments_arrive_as_they_are(shared_host):
    words = ["", "a b", "$HOME", "*", "'", '"', "\\", "--", "-x", "é", "line\nbreak", "a,b=c"]
    out = shared_host.jail("printf", "<%s>\\n", *words).ok().text
    assert out == "".join(f"<{word}>\n" for word in words)


def test_the_project_is_the_current_directory_by_default(host):
    project = host.project()
    host.write(project / "here", "yes\n")
    assert host.run("--sync", "bind", "--", "cat", "here", cwd=project).ok().text == "yes\n"


def test_a_reader_that_goes_away_ends_the_jail(host):
    import subprocess

    writer = subprocess.Popen(host._argv([*host.bind(), "--", "yes"]), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=host.environment, cwd=host.root)  # fmt: skip
    writer.stdout.read(10)
    writer.stdout.close()
    writer.wait(20)
    writer.stderr.close()
    host.wait_until_no_jail(5)


def test_two_jails_in_one_project(host):
    first = host.start("sleep 30")
    assert host.sh("echo second").ok().text == "second\n"
    assert len(host.jails()) == 1
    first.end()


@pytest.mark.parametrize("words", ["Error: network jailed-isolated not found", "docker: Error response from daemon: No such image: jailed:latest."])
def test_a_command_that_speaks_like_the_engine_runs_once_and_its_words_are_its_own(host, words):
    result = host.sh(f"echo '{words}' >&2; echo ran >>ran; exit 125")
    # Where rootless podman has no limits jailed says so first.
    said = [line for line in result.errors.splitlines() if not line.startswith("[jailed] Rootless podman cannot limit")]
    assert (result.status, said) == (125, [words])
    assert (host.project() / "ran").read_text() == "ran\n"
