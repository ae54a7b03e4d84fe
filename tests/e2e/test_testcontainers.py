"""--testcontainers: the engine's socket in the jail, raw and behind the proxy, with the real libraries."""
from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from support.jail import Engine, Host, wait_for
from support.service import engine_socket

pytestmark = [pytest.mark.side_by_side, pytest.mark.xdist_group("testcontainers")]  # one service, one set of packages

SOURCES = Path(__file__).parent / "testcontainers"
# "localhost/" keeps every engine and library from asking a registry.
SIBLING = "localhost/jailed-test-sibling:1"
SOCKET = "--testcontainers"
PROXY = "--testcontainers=proxy"
LIBRARIES = ("python", "node", "java")


def busybox_tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in ("bin", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        program = Path("/bin/busybox").read_bytes()
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
        for applet in ("sh", "httpd", "echo", "sleep", "cat", "id", "ls", "true"):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return data.getvalue()


@pytest.fixture(scope="module")
def sibling_image(engine: Engine, tmp_path_factory):
    """The smallest image that can serve a page, made here: no registry is asked."""
    assert Path("/bin/busybox").exists(), "the package busybox-static is missing"
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        file.write(busybox_tar())
        file.flush()
        os.chmod(file.name, 0o644)
        engine.run("import", "--change", 'CMD ["sh"]', file.name, SIBLING)
    yield SIBLING
    engine.run("rmi", "--force", SIBLING, check=False)


@pytest.fixture(scope="module")
def socket(engine: Engine):
    """Where the engine listens. Podman listens only while its service runs."""
    with engine_socket(engine) as path:
        yield path


@pytest.fixture(scope="module")
def tc_host(engine: Engine, socket, sibling_image):
    host = Host.create(engine)
    yield host
    left = [line for line in host.close() if "/containers-user-" not in line]  # rootless podman's own
    assert not left, "left over: " + "\n".join(left)


@pytest.fixture(scope="module")
def projects(tc_host: Host) -> dict[str, Path]:
    """One project for each library, its packages inside; pip and npm run in a jail, as an agent would run them."""
    found = {}
    for name in LIBRARIES:
        found[name] = tc_host.project(f"tc-{name}")
        shutil.copytree(SOURCES / name, found[name], dirs_exist_ok=True)
        for path in [found[name], *found[name].rglob("*")]:
            tc_host._own(path)
    install = {
        "python": "python3 -m pip install --quiet --target packages -r requirements.txt",
        "node": "npm install --no-audit --no-fund --loglevel=error",
    }
    for name, command in install.items():
        tc_host.sh(command, project=found[name], timeout=300).ok()
    # The image has no JVM: a runtime of the host's JDK goes along.
    java = found["java"]
    maven = ["mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
    subprocess.run(maven, cwd=java, check=True, timeout=300)
    subprocess.run(["jlink", "--add-modules", "java.se,jdk.unsupported", "--output", java / "jre"], check=True, timeout=120)
    subprocess.run(["chmod", "-R", "a+rX", java], check=True)
    return found


COMMANDS = {
    "python": ["env", "PYTHONPATH=/workspace/packages", "python3", "main.py"],
    "node": ["node", "main.mjs"],
    "java": ["jre/bin/java", "-cp", "target/classes:lib/*", "Main"],
}


def siblings(engine: Engine) -> list[str]:
    return engine.run("ps", "--all", "--quiet", "--filter", f"ancestor={SIBLING}").stdout.split()


def api(host: Host, option: str, *calls: str, project=None, timeout: float = 60):
    """curl against the jail's socket; each call is a curl argument list. One line a call: status, then the body."""
    script = "cd /tmp\n" + "".join(
        f"curl -sS -o body -w '%{{http_code}} ' --unix-socket /var/run/docker.sock {call}; head -c 9000 body | tr -d '\\0'; echo; : >body\n"
        for call in calls)  # fmt: skip
    return host.sh(script, options=[option, "-e", f"SIBLING_IMAGE={SIBLING}"], project=project, timeout=timeout).ok()


def create(body: dict) -> str:
    text = json.dumps({"Image": SIBLING, **body})
    return f"-X POST -H 'Content-Type: application/json' -d '{text}' http://d/containers/create"


# --- the real libraries


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("option", [SOCKET, PROXY])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_starts_a_sibling_talks_to_it_and_cleans_up(engine, tc_host, projects, library, option):
    # The reaper's image would come from a registry.
    options = [option, "-e", f"SIBLING_IMAGE={SIBLING}", "-e", "TESTCONTAINERS_RYUK_DISABLED=true"]
    done = tc_host.jail(*COMMANDS[library], project=projects[library], options=options, timeout=150).ok()
    assert "answer: hello" in done.text and "exec: inside" in done.text
    assert siblings(engine) == []


# --- the way in


def test_without_the_flag_there_is_no_socket(tc_host):
    done = tc_host.sh("ls /var/run/docker.sock; env | grep -E 'DOCKER_HOST|TESTCONTAINERS' || true")
    assert done.text == ""


@pytest.mark.parametrize("option", [SOCKET, PROXY])
def test_the_socket_answers_to_a_user_without_root(tc_host, option):
    done = tc_host.sh("id -u; id -G; curl -sS --unix-socket /var/run/docker.sock http://d/_ping", options=[option]).ok()
    uid, groups, ping = done.text.splitlines()
    assert ping == "OK" and uid != "0" and "0" not in groups.split()


def test_the_raw_socket_comes_with_one_warning_and_the_proxy_with_none(tc_host):
    raw = tc_host.jail("true", options=[SOCKET]).ok().errors.splitlines()
    assert len([line for line in raw if "other walls no longer hold" in line]) == 1
    assert "--testcontainers" not in tc_host.jail("true", options=[PROXY]).ok().errors


def test_a_missing_socket_is_an_error_with_the_command_that_helps(tc_host):
    done = tc_host.run(SOCKET, *tc_host.bind(), "--", "true", env={
        "DOCKER_HOST": "unix:///nonexistent/docker.sock", "XDG_RUNTIME_DIR": "/nonexistent"})  # fmt: skip
    if tc_host.engine.client == "podman":
        pytest.skip("podman's usual place has a socket here")
    assert done.status == 125 and "does not exist" in done.errors and "systemctl enable --now docker" in done.errors


# --- the escape, and its control


def test_control_the_raw_socket_gives_the_host_away(tc_host):
    """Why there is a warning, and that the next tests can fail: a canary outside of the jail is read."""
    canary = tc_host.directory("outside")
    (canary / "canary").write_text("secret of the host\n")
    name = f"jailed-test-escape-{os.getpid()}"
    call = create({"Cmd": ["cat", "/host/canary"], "HostConfig": {"Binds": [f"{canary}:/host"]}})
    done = api(tc_host, SOCKET, call.replace("/create", f"/create?name={name}"), f"-X POST http://d/containers/{name}/start",
               f"-X POST http://d/containers/{name}/wait", f"http://d/containers/{name}/logs?stdout=1",
               f"-X DELETE http://d/containers/{name}?force=1")  # fmt: skip
    assert "secret of the host" in done.text


ESCAPES = {
    "host bind": {"Binds": ["/:/host"]},
    "host mount": {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
    "volume of a device": {"Mounts": [{"Type": "volume", "Target": "/h", "VolumeOptions": {"DriverConfig": {
        "Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}}}]},
    "privileged": {"Privileged": True},
    "pid namespace": {"PidMode": "host"},
    "ipc namespace": {"IpcMode": "host"},
    "network namespace": {"NetworkMode": "host"},
    "uts namespace": {"UTSMode": "host"},
    "user namespace": {"UsernsMode": "host"},
    "cgroup namespace": {"CgroupnsMode": "host"},
    "capability": {"CapAdd": ["SYS_ADMIN"]},
    "device": {"Devices": [{"PathOnHost": "/dev/null", "PathInContainer": "/dev/x", "CgroupPermissions": "r"}]},
    "no seccomp": {"SecurityOpt": ["seccomp=unconfined"]},
    "unmasked paths": {"MaskedPaths": []},
}  # fmt: skip


def test_the_proxy_refuses_every_escape(tc_host, engine):
    lines = api(tc_host, PROXY, *[create({"HostConfig": config}) for config in ESCAPES.values()],
                create({"hostconfig": {"Privileged": True}})).text.splitlines()  # fmt: skip
    assert len(lines) == len(ESCAPES) + 1
    for name, line in zip([*ESCAPES, "another spelling"], lines):
        assert line.startswith("403 "), (name, line)
    assert siblings(engine) == []


def test_the_proxy_shows_and_touches_nothing_of_others(tc_host, engine):
    foreign = engine.run("run", "-d", "--label", "secret=label", SIBLING, "sleep", "300").stdout.strip()
    try:
        base = f"http://d/containers/{foreign}"
        post = "-X POST -H 'Content-Type: application/json'"
        done = api(tc_host, PROXY, "http://d/containers/json?all=1", f"{base}/json", f"{base}/logs?stdout=1",
                   f"{post} -d '{{\"Cmd\":[\"id\"]}}' {base}/exec", f"{post} {base}/kill", f"-X DELETE {base}?force=1",
                   create({"HostConfig": {"VolumesFrom": [foreign]}}), create({"HostConfig": {"NetworkMode": f"container:{foreign}"}}),
                   f"-X DELETE http://d/images/{SIBLING}", "http://d/secrets", "http://d/networks")  # fmt: skip
        lines = [line.split(" ", 1) for line in done.text.splitlines()]
        assert [status for status, _ in lines] == ["200", "404", "404", "404", "404", "404", "403", "403", "403", "403", "200"]
        assert lines[0][1].strip() == "[]" and lines[-1][1].strip() == "[]"
        state = engine.run("inspect", "--format", "{{.State.Running}}", foreign).stdout.strip()
        assert state == "true"
    finally:
        engine.remove(foreign)


LABELLED = "localhost/jailed-test-labelled:1"


@pytest.mark.parametrize("option, said", [(PROXY, ""), (SOCKET, "0123456789ab")], ids=["proxy", "the control"])
def test_no_image_makes_its_containers_a_jail(tc_host, engine, option, said):
    """A container has its image's labels, unless its request sets them: those by which jailed knows its jails are set."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        file.write(busybox_tar())
        file.flush()
        os.chmod(file.name, 0o644)
        labels = {"jailed.session": "0123456789ab", "jailed.owner": os.geteuid(), "jailed.project": "/p", "jailed.role": "git"}
        changes = [word for name, value in labels.items() for word in ("--change", f"LABEL {name}={value}")]
        engine.run("import", "--change", 'CMD ["sh"]', *changes, file.name, LABELLED)
    try:
        base = "http://d/containers/claims"
        done = api(tc_host, option, create({"Image": LABELLED}).replace("/create", "/create?name=claims"), f"{base}/json", f"-X DELETE {base}?force=1")
        made, looked = [line for line in done.text.splitlines() if line.strip()][:2]
        assert made.startswith("201 ")
        assert f'"jailed.session":"{said}"' in looked.replace(": ", ":")
    finally:
        engine.run("rmi", "--force", LABELLED, check=False)


# --- the end


def leave_something() -> str:
    calls = [
        create({"Cmd": ["sleep", "300"], "Volumes": {"/data": {}}}).replace("/create", "/create?name=left-behind"),
        "-X POST http://d/containers/left-behind/start",
        "-X POST -H 'Content-Type: application/json' -d '{\"Name\":\"left-net\"}' http://d/networks/create",
        "-X POST -H 'Content-Type: application/json' -d '{\"Name\":\"left-volume\"}' http://d/volumes/create",
    ]
    return "\n".join(f"curl -fsS -o /dev/null --unix-socket /var/run/docker.sock {call} || echo failed" for call in calls)


def what_is_left(engine: Engine) -> str:
    filters = ["--quiet", "--filter", "label=jailed.sibling"]
    return "".join(engine.run(*words, *filters).stdout for words in (["ps", "--all"], ["network", "ls"], ["volume", "ls"])).strip()


def test_what_a_jail_made_goes_with_it(tc_host, engine):
    done = tc_host.sh(leave_something() + "\necho made", options=[PROXY]).ok()
    assert done.text == "made\n"
    assert what_is_left(engine) == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_jail_made_goes_when_jailed_is_killed(tc_host, engine, number):
    argv = tc_host._argv([PROXY, *tc_host.bind(), "--", "bash", "-c", leave_something() + "\necho made; sleep 300"])
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=tc_host.root, env=tc_host.environment)
    assert process.stdout and process.stdout.readline() == b"made\n"
    assert what_is_left(engine) != ""
    process.send_signal(number)
    process.wait(60)
    wait_for("nothing is left", lambda: what_is_left(engine) == "", 40)
    tc_host.wait_until_no_jail(20)
    tc_host.jail("true").ok()  # sweeps the session's directory


def test_what_a_killed_proxy_left_goes_with_the_next_launch(tc_host, engine):
    argv = tc_host._argv([PROXY, *tc_host.bind(), "--", "bash", "-c", leave_something() + "\necho made; sleep 300"])
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=tc_host.root, env=tc_host.environment)
    assert process.stdout and process.stdout.readline() == b"made\n"
    proxies = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")
               if b"__socket-proxy" in _cmdline(entry) and os.fsencode(tc_host.root) in _cmdline(entry)]  # fmt: skip
    assert len(proxies) == 1
    os.kill(proxies[0], signal.SIGKILL)
    process.kill()
    process.wait()
    tc_host.wait_until_no_jail(20)
    assert what_is_left(engine) != ""
    tc_host.jail("true").ok()
    assert what_is_left(engine) == ""


def _cmdline(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""
