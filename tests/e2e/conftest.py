"""The end-to-end tests: the real binary, the engine in JAILED_TEST_ENGINE, the real image."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pytest  # noqa: E402

from smokes import divide  # noqa: E402
from support.jail import BINARY, ENGINE, IMAGE, IS_ROOT, Engine, Host  # noqa: E402
from support.sync import Synced, mutagen_directory  # noqa: E402


def pytest_report_header() -> str:
    return f"jailed: {BINARY} with {ENGINE} and {IMAGE}"


def pytest_collection_modifyitems(config, items) -> None:
    items[:], left = divide(items, ENGINE)
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)  # one worker's for a long time, so not the last to begin
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def engine() -> Engine:
    engine = Engine()
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not built: cmake --preset release && cmake --build --preset release", 3)
    if engine.run("image", "inspect", IMAGE, check=False).returncode != 0:
        pytest.exit(f"{ENGINE} has no image {IMAGE} (JAILED_TEST_IMAGE): scripts/test e2e makes it", 3)
    return engine


def _closed_clean(host: Host):
    yield host
    left = host.close()
    assert not left, "left over: " + "\n".join(left)


@pytest.fixture
def host(engine: Engine):
    """A host whose caller is the engine's usual one: root with its own project, or the rootless user."""
    yield from _closed_clean(Host.create(engine))


@pytest.fixture
def user_host(engine: Engine):
    """A host whose caller is not root."""
    caller = engine.unprivileged_caller()
    if caller is None:
        pytest.skip("only root can call this engine")
    yield from _closed_clean(Host.create(engine, caller))


@pytest.fixture
def root_host(engine: Engine):
    """A host whose caller is root."""
    if not IS_ROOT or engine.rootless:
        pytest.skip("needs root and a rootful engine")
    yield from _closed_clean(Host.create(engine))


@pytest.fixture(scope="module")
def shared_host(engine: Engine):
    """One host for the tests of a file that only look."""
    yield from _closed_clean(Host.create(engine))


@pytest.fixture(scope="session")
def mutagen():
    with mutagen_directory() as directory:
        yield directory


@pytest.fixture
def synced(host, mutagen):
    made = Synced(host, mutagen)
    yield made
    made.close()
