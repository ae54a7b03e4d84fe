"""jailed build by the builders that an engine has, on top of the image that is there: what takes minutes is in it already."""
import os
import signal
import subprocess

import pytest

from support.jail import ENGINE, IMAGE, PATH, Host, wait_for

NAME = f"jailed-test-build-{os.getpid()}:1"
SMALL = ("build", "--base", IMAGE, "--agents", "none", "--toolchains", "none")
BUILDERS = ("buildah",) if ENGINE.startswith("podman") else ("BuildKit", "classic")


def path_to_buildkit() -> "str | None":
    """A PATH whose docker can build by BuildKit: clients before 23 have it in them, later ones with buildx."""
    for path in (PATH, "/usr/bin:/bin"):
        asked = subprocess.run(["docker", "build", "--help"], check=False, capture_output=True, text=True,
                               env={"PATH": path, "HOME": "/nonexistent", "DOCKER_BUILDKIT": "1"})  # fmt: skip
        if asked.returncode == 0:
            return path
    return None


@pytest.fixture(params=BUILDERS)
def builder(request, host: Host):
    """A host whose jailed builds by this builder, and whose image is nobody else's."""
    if request.param == "BuildKit":
        path = path_to_buildkit()
        if path is None:
            pytest.skip("docker has no buildx here")
        host.environment["PATH"] = path
    if request.param != "buildah":
        host.environment["DOCKER_BUILDKIT"] = str(int(request.param == "BuildKit"))
    host.environment["JAILED_IMAGE"] = NAME
    host.environment["XDG_CACHE_HOME"] = str(host.directory("cache"))
    yield host
    host.engine.run("rmi", "-f", NAME, check=False)


def certificates() -> "list[str]":
    for name in ("JAILED_TEST_CA", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"):
        if os.environ.get(name):
            return ["--ca-cert", os.environ[name]]
    return []


def images(host: Host) -> "set[str]":
    return set(host.engine.run("images", "--no-trunc", "-q").stdout.split())


def steps(errors: str) -> "list[int]":
    return [int(line.split(" step ")[1].split()[0]) for line in errors.splitlines() if " step " in line]


@pytest.mark.alone
def test_a_build_and_one_that_is_interrupted(builder: Host):
    built = builder.run(*SMALL, *certificates(), timeout=300)
    assert built.status == 0, built.errors
    numbers = steps(built.errors)
    assert numbers and numbers == sorted(set(numbers)), built.errors
    assert builder.engine.run("image", "inspect", "--format", '{{index .Config.Labels "jailed.base"}}', NAME).stdout.strip() == IMAGE
    assert builder.sh("id -u; command -v claude").ok().text.splitlines()[1:] == ["/usr/local/bin/claude"]

    former, running = images(builder), builder.engine.run("ps", "-aq").stdout
    build = subprocess.Popen(builder.caller.argv([builder.binary, *SMALL, "--no-cache", *certificates()]), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=builder.environment)  # fmt: skip
    assert build.stderr
    said = ""
    while not said.endswith(": system\n") and (line := build.stderr.readline()):
        said += line
    build.send_signal(signal.SIGINT)
    said += build.communicate(timeout=60)[1]
    assert build.returncode == 128 + signal.SIGINT and "Interrupted; no image was made." in said, said
    # The classic builder ends what it runs a moment after its client has gone.
    wait_for("the build's containers are gone", lambda: builder.engine.run("ps", "-aq").stdout == running)
    # What is left is the builder's cache, without a name; the image is the one that it was.
    named = builder.engine.run("images", "--no-trunc", "-q", "--filter", "dangling=false").stdout.split()
    assert set(named) <= former
