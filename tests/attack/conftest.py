"""What a hostile agent tries, from inside the default jail: the engine in JAILED_TEST_ENGINE, the real image."""
import json
import os
import shutil
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1])]

import pytest  # noqa: E402
from stage import Stage  # noqa: E402

from support.jail import BINARY, ENGINE, IMAGE, Engine, Host  # noqa: E402
from support.smokes import ATTACKS, divide  # noqa: E402
from support.sync import Synced, mutagen_directory  # noqa: E402


def pytest_report_header() -> str:
    return f"jailed: {BINARY} with {ENGINE} and {IMAGE}"


def pytest_collection_modifyitems(config, items) -> None:
    items[:], left = divide(items, ENGINE, ATTACKS, {}, ())
    config.hook.pytest_deselected(items=left)


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def host(engine: Engine):
    made = Host.create(engine)
    yield made
    left = made.close()
    assert not left, "left over: " + "\n".join(left)


@pytest.fixture(scope="session")
def stage(engine: Engine):
    """One host for all probes: they change nothing that another one looks at."""
    made = Host.create(engine)
    # The first launch on an engine makes what plans take for granted, the isolated network; rootless podman maps the image's files, once.
    made.jail("true", timeout=150).ok()
    stage = Stage(made)
    yield stage
    stage.close()
    for kept in made.config.glob("sessions/*/quarantine"):
        shutil.rmtree(kept.parent)
    left = made.close()
    assert not left, "left over: " + "\n".join(left)


@pytest.fixture(scope="session")
def mutagen():
    with mutagen_directory() as directory:
        yield directory


@pytest.fixture
def synced(host: Host, mutagen):
    made = Synced(host, mutagen)
    yield made
    made.close()


@pytest.fixture
def told(record_property):
    """Names the attack, and keeps what was seen, for the matrix."""

    def tell(attack: str, outcome: str) -> None:
        record_property("attack", attack)
        record_property("outcome", outcome)

    return tell


@pytest.fixture(scope="session")
def seen(stage: Stage):
    """Every probe's outcome, from one jail."""
    return stage.attack()


_results: list[dict] = []


def pytest_runtest_logreport(report) -> None:
    """Keeps what a test recorded, for the matrix."""
    if report.when == "call" or (report.when == "setup" and report.outcome != "passed"):
        found = dict(report.user_properties)
        if not found and report.outcome == "failed":  # it ended before it could say what it is about
            found = {"attack": f"0-{report.nodeid.rpartition('::')[2]}", "outcome": "the test failed"}
        if found:
            _results.append({"test": report.nodeid, "result": report.outcome, **found})


def pytest_sessionfinish() -> None:
    """JAILED_ATTACK_RESULTS: a file for these results, as JSON."""
    if path := os.environ.get("JAILED_ATTACK_RESULTS"):
        Path(path).write_text(json.dumps({"engine": ENGINE, "results": _results}, indent=1))
