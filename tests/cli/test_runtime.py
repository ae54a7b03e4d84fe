"""Which engine: the flag, JAILED_RUNTIME, podman, docker; and what is said when it is not there."""
import pytest

INSTALL_PODMAN = ("[jailed]   Debian, Ubuntu: sudo apt install podman    Fedora: sudo dnf install podman"
                  "    macOS: brew install podman\n")
INSTALL_DOCKER = ("[jailed]   Debian, Ubuntu: sudo apt install docker.io    Fedora: sudo dnf install moby-engine"
                  "    macOS: brew install --cask docker\n")


def used(host) -> list[str]:
    return [call.program.rsplit("/", 1)[1] for call in host.fakes.calls]


@pytest.mark.parametrize("flag, variable, expected", [
    (None, None, "podman"), (None, "docker", "docker"), ("docker", None, "docker"), ("podman", "docker", "podman"),
    ("docker", "podman", "docker"), (None, "", "podman"), ("docker", "nonsense", "docker")])
def test_flag_then_variable_then_podman_then_docker(new_host, flag, variable, expected):
    host = new_host("docker", "podman")
    flags = ["--runtime", flag] if flag else []
    assert host.run(*flags, ".", env={"JAILED_RUNTIME": variable}).code == 0
    assert used(host) == [expected]


def test_docker_when_there_is_no_podman(new_host):
    host = new_host("docker")
    assert host.run(".").code == 0
    assert used(host) == ["docker"]


def test_no_engine_at_all(new_host):
    host = new_host()
    before = host.snapshot()
    result = host.run(".")
    assert result.code == 125
    assert result.out == ""
    assert result.err == "[jailed] Neither 'docker' nor 'podman' found in PATH.\n" + INSTALL_PODMAN
    assert host.snapshot() == before


@pytest.mark.parametrize("words, env, name, who, install", [
    (["--runtime", "podman"], {}, "podman", "--runtime", INSTALL_PODMAN),
    ([], {"JAILED_RUNTIME": "podman"}, "podman", "JAILED_RUNTIME", INSTALL_PODMAN)])
def test_a_named_engine_that_is_missing(host, words, env, name, who, install):
    result = host.run(*words, ".", env=env)
    assert (result.code, result.err) == (125, f"[jailed] '{name}' not found in PATH (asked for by {who}).\n" + install)
    assert host.fakes.calls == []


def test_a_named_docker_that_is_missing(new_host):
    result = new_host("podman").run("--runtime=docker", ".")
    assert (result.code, result.err) == (
        125, "[jailed] 'docker' not found in PATH (asked for by --runtime).\n" + INSTALL_DOCKER)


@pytest.mark.parametrize("words, env, who", [(["--runtime", "nerdctl"], {}, "--runtime"),
                                             ([], {"JAILED_RUNTIME": "nerdctl"}, "JAILED_RUNTIME")])
def test_a_named_engine_that_is_unknown(host, words, env, who):
    host.fakes.add("nerdctl")
    result = host.run(*words, ".", env=env)
    assert (result.code, result.err) == (2, f"[jailed] {who}: unknown container runtime 'nerdctl'.\n"
                                            "[jailed]   name docker, podman, or a path to one\n")
    assert host.fakes.calls == []


def test_a_path_to_an_engine(new_host):
    host = new_host("docker")
    (host.fakes.bin / "docker").rename(host.project / "docker")
    for path in [host.project / "docker", "./docker"]:
        assert host.run("--runtime", path, ".", env={"PATH": "/nowhere"}).code == 0
    assert [call.program for call in host.fakes.calls] == [str(host.project / "docker"), f"{host.project}/./docker"]


def test_a_path_to_no_engine(host):
    for path in ["/absent/docker", str(host.project) + "/podman"]:
        result = host.run("--runtime", path, ".")
        assert (result.code, result.err) == (
            125, f"[jailed] '{path}' is not an executable file (asked for by --runtime).\n"
                 "[jailed]   unset --runtime, or name docker or podman\n")
    result = host.run("--runtime", "/bin/sh", ".")
    assert (result.code, result.err) == (2, "[jailed] --runtime: '/bin/sh' is neither a docker nor a podman.\n"
                                            "[jailed]   name docker, podman, or a path to one\n")


@pytest.mark.parametrize("path", [".", "", "./", ":.:"])
def test_a_project_cannot_bring_its_own_engine(new_host, path):
    host = new_host("docker")
    (host.fakes.bin / "docker").rename(host.project / "docker")
    result = host.run(".", env={"PATH": f"{path}:/nowhere"})
    assert result.code == 125
    assert "Neither 'docker' nor 'podman' found in PATH." in result.err
    assert host.fakes.calls == []


def test_an_engine_that_cannot_be_run(new_host):
    host = new_host()
    for name, content in [("podman", "#!/absent/interpreter\n")]:
        program = host.fakes.bin / name
        program.write_text(content)
        program.chmod(0o755)
    result = host.run(".")
    assert (result.code, result.err) == (
        125, f"[jailed] Cannot run {host.fakes.bin}/podman: No such file or directory.\n")
    assert host.sessions == []
