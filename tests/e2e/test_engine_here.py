"""What an engine can and cannot do on this machine."""
import socket
import threading
from pathlib import Path

import pytest

from support.jail import IMAGE

pytestmark = [pytest.mark.side_by_side]


def own_words(errors: str) -> list[str]:
    """What is said of the jail's own; podman warns of the machine's root mount when it first starts."""
    return [line for line in errors.splitlines() if "is not a shared mount" not in line]


def test_limits_that_cannot_hold_are_said_once_and_by_jailed(host):
    first, second = host.sh("true").ok(), host.sh("true").ok()
    cgroup_v2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    if host.engine.rootless and not cgroup_v2:
        assert [line for line in own_words(first.errors) if "cannot limit a jail's memory here" in line and "Fix:" in line]
    assert "Resource limits are not supported" not in first.errors + second.errors
    assert own_words(second.errors) == []


class Registry:
    """A port of this machine that counts who comes."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.visits = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                visitor, _ = self.listening.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listening.getsockname()[1]}"


@pytest.fixture
def asked_registry(host):
    """A registry that podman searches for every short name, the strictest way; asks nobody else."""
    if host.engine.client != "podman":
        pytest.skip("docker has one registry for short names")
    registry = Registry()
    text = f'unqualified-search-registries = ["{registry.address}"]\nshort-name-mode = "enforcing"\n'
    host.environment["CONTAINERS_REGISTRIES_CONF"] = str(host.write(host.root / "registries.conf", text))
    yield registry
    registry.listening.close()


def test_an_image_is_found_without_a_search_in_registries(host, asked_registry):
    assert host.sh("echo there").ok().text == "there\n"
    missing = host.sh("true", env={"JAILED_IMAGE": "no-such-image:1"})
    assert missing.status == 125 and "Image 'no-such-image:1' not found." in missing.errors
    assert host.sh("true", env={"JAILED_IMAGE": f"localhost/{IMAGE}"}).ok()
    assert asked_registry.visits == 0
    # The control: this registry is the one that podman would search.
    pull = host.run("build", "--base", "no-such-base:1", timeout=120)
    assert pull.status != 0 and asked_registry.visits > 0
