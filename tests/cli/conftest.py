"""The cli tests: the real binary against fake engines. JAILED_BIN names another binary than build/release's."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import BINARY, IS_ROOT, STRANGER, Host  # noqa: E402
from needs_linux import reason_of, unknown  # noqa: E402


def pytest_collection_modifyitems(config, items) -> None:
    nodes = [item.nodeid for item in items]
    whole = config.args in (["tests/cli"], [str(Path(__file__).parent)]) and not config.option.keyword
    if whole and unknown(nodes):
        raise pytest.UsageError(f"tests/cli/needs_linux.py names what is no test: {unknown(nodes)}")
    if os.environ.get("JAILED_TEST_PORTABLE") != "1":
        return
    for item in items:
        if reason := reason_of(item.nodeid):
            item.add_marker(pytest.mark.skip(reason=f"needs Linux: {reason}"))


def pytest_report_header() -> str:
    return f"jailed: {BINARY}"


@pytest.fixture(scope="session")
def base():
    """A directory that every caller can reach (pytest's own is private), with a copy of the binary."""
    assert BINARY.exists(), f"{BINARY} is not built: cmake --preset release && cmake --build --preset release"
    path = Path(tempfile.mkdtemp(prefix="jailed-cli-")).resolve()
    path.chmod(0o755)
    Host.binary = Path(shutil.copy(BINARY, path / "jailed"))
    Host.binary.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def new_host(base):
    """Makes hosts whose caller is not root: new_host("docker"), new_host("docker", "podman"), new_host()."""
    made = []

    def make(*engines: str, uid: int | None = STRANGER if IS_ROOT else None) -> Host:
        directory = Path(tempfile.mkdtemp(prefix="host-", dir=base))
        directory.chmod(0o755)
        made.append(Host(directory, uid, *engines))
        return made[-1]

    yield make
    for host in made:
        shutil.rmtree(host.directory, ignore_errors=True)


@pytest.fixture
def host(new_host):
    return new_host("docker")


@pytest.fixture
def kernel_host(new_host):
    """Makes hosts whose /sys/fs is the test's own (host.kernel)."""
    def make(*engines: str) -> Host:
        host = new_host(*engines)
        if not host.own_kernel:
            pytest.skip("needs root, for a mount namespace")
        return host

    return make


@pytest.fixture
def root_host(new_host):
    if not IS_ROOT:
        pytest.skip("needs root")
    return new_host("docker", uid=None)
