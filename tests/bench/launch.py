#!/usr/bin/env python3
"""What a launch costs beside the engine's own `run` with the very same flags.

    tests/bench/launch.py [PAIRS]      (default: 15)

On each engine in JAILED_TEST_ENGINES (default: all three) in turn: a jail that runs `true`, then the engine with the argument
list of --dry-run, and so on, so that both see the same machine. JAILED_BIN and JAILED_TEST_IMAGE are those of the e2e tests.
The lease is the one flag that is left out: there is nobody at its other end.
"""
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.jail import Engine, Host, planned, run_planned  # noqa: E402


def container_name(argv: list) -> int:
    return argv.index("--name") + 1


def measure(name: str, pairs: int) -> tuple[list[float], list[float]]:
    host = Host.create(Engine(name))
    try:
        host.jail("true").ok()
        plan = planned(host, "true")
        run_planned(host, plan).ok()
        jails, engines = [], []
        for number in range(pairs):
            jails.append(host.jail("true").ok().seconds)
            plan[container_name(plan)] = f"jailed-bench-{os.getpid()}-{number}"
            engines.append(run_planned(host, plan).ok().seconds)
        return jails, engines
    finally:
        host.close()


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"{'engine':<18}{'jailed':>10}{'engine':>10}{'more':>10}   median of {pairs} pairs, ms")
    for name in os.environ.get("JAILED_TEST_ENGINES", "docker podman podman-rootless").split():
        jails, engines = measure(name, pairs)
        more = statistics.median(jail - engine for jail, engine in zip(jails, engines))
        print(f"{name:<18}{1000 * statistics.median(jails):>10.0f}{1000 * statistics.median(engines):>10.0f}{1000 * more:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
