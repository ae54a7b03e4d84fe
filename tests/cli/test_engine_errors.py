"""What an engine answers when it cannot start a jail, and what the user reads then. The texts are those of docker
20.10 and 28.2 and of podman 4.3."""
import os

import pexpect
import pytest
from harness import exit_code, without_escapes

MISSING = {
    "docker 20.10": ("docker", "docker: Error response from daemon: No such image: jailed:latest.\n"
                               "See 'docker run --help'.\n"),
    "docker 28": ("docker", "docker: Error response from daemon: No such image: jailed:latest\n\n"
                            "Run 'docker run --help' for more information\n"),
    "podman 4.3": ("podman", "Error: jailed:latest: image not known\n"),
}
NOT_FOUND = "[jailed] Image 'jailed:latest' not found.\n"


def answer(host, text: str, code: int = 125) -> None:
    (host.fakes.directory / "answer").write_text(text)
    host.fakes.on("run", f'/bin/cat "$fake/answer" >&2; exit {code}')


@pytest.fixture(params=MISSING.values(), ids=MISSING.keys())
def imageless(request, new_host):
    """A host without the image until something is built."""
    engine, text = request.param
    host = new_host(engine)
    (host.fakes.directory / "answer").write_text(text)
    host.fakes.on("run", 'if [ ! -e "$fake/built" ]; then /bin/cat "$fake/answer" >&2; exit 125; fi; echo in the jail; exit 7')
    host.fakes.on("build", ': >"$fake/built"')
    host.give(host.fakes.directory)
    return host


def test_no_image_and_no_terminal(imageless):
    result = imageless.run(".")
    assert (result.code, result.out, result.err) == (125, "", NOT_FOUND + "[jailed] run: jailed build\n")
    assert [call.args[0] for call in imageless.fakes.calls] == ["run"]
    assert imageless.sessions == []


def test_no_image_is_said_when_all_else_is_quiet(imageless):
    result = imageless.run("-q", ".")
    assert (result.code, result.err) == (125, NOT_FOUND + "[jailed] run: jailed build\n")


@pytest.mark.parametrize("reply", ["", "y", "Y", "yes"])
def test_built_on_demand_and_then_launched(imageless, reply):
    child = imageless.terminal(".", "--", "true")
    child.expect_exact("Build it now? [Y/n] ")
    assert without_escapes(child.before).replace("\r\n", "\n") == NOT_FOUND
    child.sendline(reply)
    child.expect_exact("in the jail")
    assert exit_code(child) == 7
    assert [call.args[0] for call in imageless.fakes.calls] == ["run", "build", "run"]
    first, _, second = imageless.fakes.calls
    assert second.args[-2:] == ["jailed:latest", "true"]
    assert first.values("--name") != second.values("--name")
    assert imageless.sessions == []


@pytest.mark.parametrize("reply", ["n", "N", "no", "what?"])
def test_not_built_when_the_user_says_no(imageless, reply):
    child = imageless.terminal(".")
    child.expect_exact("Build it now? [Y/n] ")
    child.sendline(reply)
    assert exit_code(child) == 125
    assert [call.args[0] for call in imageless.fakes.calls] == ["run"]


def test_the_end_of_input_is_no_yes(imageless):
    child = imageless.terminal(".")
    child.expect_exact("Build it now? [Y/n] ")
    child.sendeof()
    assert exit_code(child) == 125
    assert [call.args[0] for call in imageless.fakes.calls] == ["run"]


def test_an_interrupt_at_the_question(imageless):
    child = imageless.terminal(".")
    child.expect_exact("Build it now? [Y/n] ")
    child.sendintr()
    assert exit_code(child) == 130
    assert [call.args[0] for call in imageless.fakes.calls] == ["run"]
    assert imageless.sessions == []


def test_a_build_that_fails_ends_the_launch(imageless):
    imageless.fakes.on("build", "echo no network; exit 1")
    child = imageless.terminal(".")
    child.expect_exact("Build it now? [Y/n] ")
    child.sendline("y")
    child.expect_exact("The build failed after")
    assert exit_code(child) == 125
    assert [call.args[0] for call in imageless.fakes.calls] == ["run", "build"]


def test_a_hint_instead_of_a_question_when_the_question_would_not_be_seen(imageless):
    """Input is a terminal, error output is a file."""
    log = imageless.mkdir("logs") / "err"
    script = 'exec "$@" 2>"$LOG"'
    program, *words = imageless.command(".")
    child = pexpect.spawn("/bin/sh", ["-c", script, "sh", program, *words], env={**imageless.env, "LOG": str(log)},
                          cwd=str(imageless.project), timeout=10)
    assert exit_code(child) == 125
    assert log.read_text() == NOT_FOUND + "[jailed] run: jailed build\n"


def test_another_image_is_named(host):
    host.fakes.on("image", "exit 1")
    answer(host, "docker: Error response from daemon: No such image: me/x:1.\nSee 'docker run --help'.\n")
    assert host.run("--image", "me/x:1", ".").err == "[jailed] Image 'me/x:1' not found.\n[jailed] run: jailed build\n"


@pytest.mark.parametrize("text", [
    "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?.\n"
    "See 'docker run --help'.\n",
    "docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n\n"
    "Run 'docker run --help' for more information\n"])
def test_dockers_daemon_is_down(host, text):
    answer(host, text)
    result = host.run(".")
    assert (result.code, result.err) == (
        125, "[jailed] Docker is installed, but its daemon does not answer.\n"
             "[jailed]   Linux: sudo systemctl start docker    macOS, Windows: start Docker Desktop\n"
             "[jailed]   or use podman, which needs no daemon: jailed --runtime podman\n"
             "[jailed]   it was looked for at unix:///var/run/docker.sock (DOCKER_HOST or the docker context may say so)\n")
    assert len(host.fakes.calls) == 1


@pytest.mark.parametrize("code", [125, 126])
@pytest.mark.parametrize("text", [
    "docker: permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Post "
    '"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/create": dial unix /var/run/docker.sock: connect: permission '
    "denied.\nSee 'docker run --help'.\n",
    "docker: permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Head "
    '"http://%2Fvar%2Frun%2Fdocker.sock/_ping": dial unix /var/run/docker.sock: connect: permission denied\n\n'
    "Run 'docker run --help' for more information\n"])
def test_dockers_socket_is_closed_to_the_caller(host, text, code):
    """docker's client ends with 126 here."""
    answer(host, text, code)
    result = host.run(".")
    assert (result.code, result.err) == (
        125, "[jailed] Docker is there, but you may not use it: permission denied on its socket.\n"
             '[jailed]   join the group and log in anew: sudo usermod -aG docker "$USER"\n'
             "[jailed]   or use rootless podman: jailed --runtime podman\n")


def test_a_command_that_cannot_be_run_keeps_its_126(host):
    text = "docker: Error response from daemon: OCI runtime create failed: exec: permission denied: unknown.\n"
    answer(host, text, 126)
    result = host.run(".")
    assert (result.code, result.err) == (126, text)


def test_an_error_that_is_not_known_comes_as_it_is(host):
    answer(host, "docker: Error response from daemon: something new.\nSee 'docker run --help'.\n")
    result = host.run(".")
    assert result.code == 125
    assert result.err.startswith(f"[jailed] {host.fakes.bin}/docker could not start the jail. It said:\n"
                                 "docker: Error response from daemon: something new.\n")


def test_a_warning_of_the_engine_is_shown_with_a_jail_that_starts(host):
    host.fakes.on("run", "echo 'WARNING: no swap limit' >&2; echo hello")
    result = host.run(".")
    assert (result.code, result.out, result.err) == (0, "hello\n", "WARNING: no swap limit\n")


def test_a_full_disk(host):
    answer(host, "docker: Error response from daemon: write /x: no space left on device.\n")
    result = host.run(".")
    assert (result.code, result.err) == (
        125, "[jailed] The engine has no space left on its disk.\n"
             "[jailed]   see what takes it: docker system df    free some: docker system prune\n")


def test_a_commands_own_125(host):
    host.fakes.on("run", "echo my words >&2; exit 125")
    result = host.run(".")
    assert (result.code, result.err) == (125, "my words\n")
    assert len(host.fakes.calls) == 1


NEWUIDMAP = ('time="2026-11-24T14:27:44Z" level=error msg="invalid internal status, try resetting the pause process with '
             '\\"podman system migrate\\": command required for rootless mode with multiple IDs: exec: \\"newuidmap\\": '
             'executable file not found in $PATH"\n')


def test_podman_ends_with_1_where_it_gets_no_user_namespace(new_host):
    host = new_host("podman")
    answer(host, NEWUIDMAP, 1)
    result = host.run(".")
    assert (result.code, result.err) == (
        125, "[jailed] Rootless podman needs newuidmap and newgidmap, and they are not there.\n"
             "[jailed]   Debian, Ubuntu: sudo apt install uidmap    Fedora: sudo dnf install shadow-utils\n")


def test_podman_ends_with_126_where_crun_cannot_work(new_host):
    host = new_host("podman")
    answer(host, "Error: OCI runtime error: crun: cgroups in hybrid mode not supported, drop all controllers from cgroupv2\n", 126)
    result = host.run(".")
    assert result.code == 125
    assert result.err.startswith("[jailed] Podman's crun cannot work with the cgroups of this machine, which has both versions mounted.\n"
                                 "[jailed]   have podman use runc: runtime = ")


@pytest.mark.parametrize("engine, said", [("podman", "1"), ("docker", "unset")])
def test_podman_5_keeps_its_warning_of_old_cgroups_to_itself(new_host, engine, said):
    host = new_host(engine)
    host.fakes.on("run", 'echo "${PODMAN_IGNORE_CGROUPSV1_WARNING-unset}"')
    assert host.run(".").out == said + "\n"


def test_a_command_that_ends_with_1_after_a_warning_of_podman(new_host):
    host = new_host("podman")
    text = 'time="2026-11-24T14:26:52Z" level=warning msg="\\"/\\" is not a shared mount"\n'
    answer(host, text, 1)
    result = host.run(".")
    assert (result.code, result.err) == (1, text)


def test_podmans_machine_is_not_started(new_host):
    host = new_host("podman")
    answer(host, "Cannot connect to Podman. Please verify your connection to the Linux system using `podman system connection "
                 "list`, or try `podman machine init` and `podman machine start` to manage a new Linux VM\n"
                 "Error: unable to connect to Podman socket: dial tcp 127.0.0.1:49846: connect: connection refused\n")
    result = host.run(".")
    assert result.code == 125 and len(host.fakes.calls) == 1
    assert result.err.startswith("[jailed] Podman's client has nothing to talk to.\n[jailed]   macOS: podman machine start")


def test_a_build_that_talks_without_end_fills_no_disk_and_no_terminal(host):
    host.fakes.on("build", "/usr/bin/head -c 120000000 /dev/zero | /usr/bin/tr '\\0' x; echo; echo the end; exit 1")
    result = host.run("build", timeout=60)
    assert result.code == 125 and "the end\n" in result.err and len(result.err) < 100_000
    log = host.cache / "build.log"
    assert log.stat().st_size < 70 << 20
    with log.open("rb") as file:
        file.seek(-200, os.SEEK_END)
        assert b"more than this log holds" in file.read()


BUILDKIT = ["#4 [ 1/9] FROM debian", "#4 CACHED", "#5 [ 2/9] RUN sh /opt/jailed/install/system", "#9 [ 3/9] RUN sh /opt/jailed/install/node",
            "#5 [ 2/9] RUN sh /opt/jailed/install/system", "#9 [ 3/9] RUN sh /opt/jailed/install/node", "#12 exporting to image", "#12 exporting layers"]  # fmt: skip


def test_a_build_goes_forward_and_says_that_the_image_is_written(host):
    host.fakes.on("build", "\n".join(f"echo '{line}'" for line in BUILDKIT))
    result = host.run("build")
    assert result.code == 0
    steps = [line for line in result.err.splitlines() if " step " in line]
    assert steps == [f"[jailed] step {number} of 9: {name}" for number, name in ((2, "system"), (3, "node"), (9, "writing the image"))]
