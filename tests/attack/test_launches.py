"""The probes of attacks.py again, in the other kinds of launches: at a terminal, left running, entered, with Mutagen, with the socket proxy."""
import pexpect
import pytest
from attacks import CANNOT, ENDS_THE_JAIL, EXPECTED, fits
from stage import OPTIONS, Stage, outcomes

from support.jail import ENGINE, GVISOR, Host, Result, wait_for
from support.service import engine_socket
from support.sync import Synced

PROBES = [name for name in EXPECTED if name not in ENDS_THE_JAIL]

# What the proxy lets through is tested in tests/e2e/test_testcontainers.py.
BY_THE_PROXY = frozenset({"34-any-socket", "34-engine-sockets"})


@pytest.fixture
def same(record_property):
    """Compares with the default jail, but for what differs by design, and keeps it for the matrix."""

    def compare(launch: str, seen: dict[str, str], differs: frozenset = frozenset()) -> None:
        changed = {name for name in PROBES if not fits(seen.get(name, "no answer"), EXPECTED[name])} - set(CANNOT.get(ENGINE, {}))
        record_property("launch", launch)
        record_property("outcome", f"{len(PROBES) - len(changed)} of {len(PROBES)}")
        record_property("differs", " ".join(sorted(changed)))
        assert changed == differs, {name: seen.get(name, "no answer") for name in changed ^ differs}

    return compare


@pytest.fixture(scope="module")
def synced_stage(engine, mutagen):
    if GVISOR:
        pytest.skip("not tried in gVisor")
    host = Host.create(engine)
    synced = Synced(host, mutagen)
    stage = Stage(host)
    yield stage
    stage.close()
    synced.close()
    host.close()


def without_terminal(stage: Stage, *args) -> Result:
    return stage.host.run(*args, env=stage.hostile_environment, prefix=stage.careless(), timeout=150)


def at_a_terminal(stage: Stage, *args) -> dict[str, str]:
    command = [*stage.careless(), *map(str, stage.host._argv(args))]
    session = stage.host.terminal(command=command, env=stage.hostile_environment, size=(50, 200), timeout=150)
    session.expect(pexpect.EOF)
    session.close()
    return outcomes(Result(0, session.before.replace("\r", "").encode(), b"", 0))


class Left:
    """A jail left running whose command attacks, then waits."""

    def __init__(self, stage: Stage, sync: str) -> None:
        self.stage = stage
        script = f"({stage.command(PROBES)[2]}) >/tmp/seen 2>&1; touch /tmp/done; exec sleep 600"
        self.name = without_terminal(stage, "--detach", *OPTIONS, "--sync", sync, stage.project, "--", "bash", "-c", script).ok().text.strip()

    def seen(self) -> dict[str, str]:
        wait_for("the probes' end", lambda: self.stage.host.run("exec", self.name, "--", "test", "-e", "/tmp/done").status == 0, 120)
        return outcomes(self.stage.host.run("exec", self.name, "--", "cat", "/tmp/seen").ok())

    def end(self) -> None:
        self.stage.host.run("stop", self.name, timeout=90).ok()


@pytest.fixture(scope="module")
def left(stage):
    if GVISOR:
        pytest.skip("the probes were not made to end there in a jail that is left running")
    made = Left(stage, "bind")
    yield made
    made.end()


@pytest.fixture(scope="module")
def synced_left(synced_stage):
    made = Left(synced_stage, "mutagen")
    yield made
    made.end()


def test_at_a_terminal(stage, same):
    same("at a terminal", at_a_terminal(stage, *OPTIONS, *stage.host.bind(stage.project), "--", *stage.command(PROBES)))


def test_left_running(left, same):
    """jailed is gone: no lease, and nobody who watches."""
    same("--detach", left.seen())


def test_entered(stage, left, same):
    left.seen()
    same("exec", outcomes(without_terminal(stage, "exec", left.name, "--", *stage.command(PROBES))))


def test_entered_at_a_terminal(stage, left, same):
    left.seen()
    same("exec at a terminal", at_a_terminal(stage, "exec", left.name, "--", *stage.command(PROBES)))


def test_with_mutagen(synced_stage, same):
    same("mutagen", outcomes(without_terminal(synced_stage, *OPTIONS, "--sync", "mutagen", synced_stage.project, "--", *synced_stage.command(PROBES))))


def test_left_running_with_mutagen(synced_left, same):
    same("mutagen --detach", synced_left.seen())


@pytest.mark.skipif(GVISOR, reason="gVisor mounts no socket of the host's")
def test_with_the_socket_proxy(engine, stage, same):
    with engine_socket(engine):
        same("--testcontainers=proxy", stage.attack(PROBES, options=["--testcontainers=proxy"]), BY_THE_PROXY)


# --- controls: the same jails entered by the engine itself, with one thing relaxed ---------------------------------


ENTERED_WITH = {
    "entered as root": (["--user", "0:0"], "18-uid"),
    "entered with the caller's variables": (["--env", "MY_TOKEN"], "20-environment"),
}


@pytest.mark.parametrize("name", ENTERED_WITH)
@pytest.mark.parametrize("kind", ["left", "synced_left"])
def test_what_enters_is_probed(request, engine, name, kind):
    jail = request.getfixturevalue(kind)
    jail.seen()
    options, probe = ENTERED_WITH[name]
    command = [engine.client, "exec", *options, "--workdir", "/workspace", jail.name, "/usr/libexec/jailed/init", *jail.stage.command([probe])]
    seen = jail.stage.run_weakened(command, jail.stage.hostile_environment)
    assert not fits(seen[probe], EXPECTED[probe]), seen
