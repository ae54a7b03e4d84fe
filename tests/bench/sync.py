#!/usr/bin/env python3
"""Numbers of Mutagen mode, as a table; docs/sync.md shows what was measured with it.

  python3 tests/bench/sync.py [prompt] [latency] [idle] [first]

JAILED_BIN, JAILED_TEST_ENGINE and JAILED_TEST_IMAGE as in tests/e2e; scripts/mutagen installs mutagen for it.
JAILED_BENCH_SAMPLES: files written each way for the latency (default 100).
"""
from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.jail import REPO, Engine, Host, processes_of  # noqa: E402
from support.sync import Synced  # noqa: E402

SAMPLES = int(os.environ.get("JAILED_BENCH_SAMPLES", "100"))
TICK = os.sysconf("SC_CLK_TCK")


def fill(project: Path, files: int, owner: tuple[int, int]) -> int:
    """That many files of 1 to 24 KB in directories of 50; their bytes."""
    chance, size = random.Random(1), 0
    for number in range(files):
        directory = project / f"d{number // 2500}" / f"e{number // 50}"
        directory.mkdir(parents=True, exist_ok=True)
        data = chance.randbytes(chance.randrange(1000, 24000))
        (directory / f"f{number}").write_bytes(data)
        size += len(data)
    subprocess.run(["chown", "-R", f"{owner[0]}:{owner[1]}", project], check=False)
    return size


class Bench:
    def __init__(self, engine: Engine, mutagen: Path, files: int) -> None:
        self.host = Host.create(engine)
        self.synced = Synced(self.host, mutagen)
        self.project = self.synced.project
        self.bytes = fill(self.project, files, (self.host.caller.uid, self.host.caller.gid))

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_) -> None:
        self.synced.close()
        self.host.close()

    def jailed(self, *words, **how):
        return self.host.run(*words, cwd=self.project, timeout=600, **how)

    def detach(self) -> str:
        return self.jailed("--detach").ok().text.strip()

    def exec(self, container: str, *command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return self.host.engine.run("exec", "-w", "/workspace", container, *command, timeout=timeout)


def seconds(values: list[float]) -> str:
    values = sorted(values)
    return f"p50 {statistics.median(values):.2f} s, p95 {values[int(len(values) * 0.95)]:.2f} s, most {values[-1]:.2f} s"


def prompt(engine: Engine, mutagen: Path) -> None:
    for files in (10, 3000):
        with Bench(engine, mutagen, files) as bench:
            for mode in ("bind", "mutagen"):
                times = []
                for _ in range(8):
                    began = time.monotonic()
                    process = subprocess.Popen(bench.host._argv(["--sync", mode, bench.project, "--", "sh", "-c", "echo ready; cat"]),
                                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bench.host._environment(None))  # fmt: skip
                    process.stdout.readline()
                    times.append(time.monotonic() - began)
                    process.communicate(b"", timeout=120)
                print(f"| time to prompt, {files} files, {mode} | {seconds(times)} |", flush=True)


# Waits for the files, and says when each was seen.
WATCH = """
import os, sys, time
seen, end = {}, time.time() + float(sys.argv[2])
names = sys.argv[1].split(',')
while len(seen) < len(names) and time.time() < end:
    for name in names:
        if name not in seen and os.path.exists(name): seen[name] = time.time()
    time.sleep(0.002)
print('\\n'.join(f'{name} {at}' for name, at in seen.items()))
"""
# Writes the files at their times, and says when.
WRITE = """
import os, random, sys, time
for name in sys.argv[1].split(','):
    time.sleep(random.uniform(0.2, 2.2))
    with open(name + '~', 'w') as file: file.write('x' * 5000)
    os.rename(name + '~', name)
    print(name, time.time(), flush=True)
"""


def times_of(text: str) -> dict[str, float]:
    return {name: float(at) for name, at in (line.split(" ") for line in text.splitlines())}


def latency(engine: Engine, mutagen: Path) -> None:
    with Bench(engine, mutagen, 10_000) as bench:
        container = bench.detach()
        time.sleep(3)
        for way in ("jail to host", "host to jail"):
            # In directories all over the tree.
            names = [f"d{n % 4}/e{random.Random(n).randrange(n % 4 * 50, n % 4 * 50 + 50)}/{way.split(' ')[0]}{n}" for n in range(SAMPLES)]
            words = ",".join(names)
            inside = bench.host.caller.argv([engine.client, "exec", "-w", "/workspace", container])
            programs = {"host": ["/usr/bin/python3"], "jail": [*inside, "python3"]}
            patience = str(SAMPLES * 2.5 + 30)
            writer, watcher = way.split(" ")[0], way.split(" ")[2]
            environment = {**bench.host._environment(None)}
            watching = subprocess.Popen([*programs[watcher], "-c", WATCH, words, patience], stdout=subprocess.PIPE, text=True,
                                        cwd=bench.project, env=environment)  # fmt: skip
            written = subprocess.run([*programs[writer], "-c", WRITE, words], stdout=subprocess.PIPE, text=True, cwd=bench.project,
                                     env=environment, check=True)  # fmt: skip
            seen = times_of(watching.communicate(timeout=300)[0])
            late = [seen[name] - at for name, at in times_of(written.stdout).items()]
            print(f"| {way}, 10,000 files, {len(late)} writes | {seconds(late)} |", flush=True)
        bench.jailed("stop")


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def idle(engine: Engine, mutagen: Path) -> None:
    for files in (1000, 10_000, 50_000):
        with Bench(engine, mutagen, files) as bench:
            bench.detach()
            time.sleep(15)
            agents = [pid for pid in processes_of(bench.host.only_jail()) if Path(f"/proc/{pid}/comm").read_text() == "mutagen-agent\n"]
            pids = {"daemon": bench.synced.daemon(), "agent": agents[0]}
            before = {name: cpu(pid) for name, pid in pids.items()}
            time.sleep(40)
            used = {name: (cpu(pid) - before[name]) / 40 * 100 for name, pid in pids.items()}
            memory = {name: int(next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1]) // 1024
                      for name, pid in pids.items()}  # fmt: skip
            print(f"| idle, {files:,} files | daemon {used['daemon']:.1f} % of a core and {memory['daemon']} MB, "
                  f"agent {used['agent']:.1f} % and {memory['agent']} MB |", flush=True)  # fmt: skip
            bench.jailed("stop")


def first(engine: Engine, mutagen: Path) -> None:
    for files in (3000, 50_000):
        with Bench(engine, mutagen, files) as bench:
            subprocess.run(["find", bench.project, "-type", "f", "-exec", "cat", "{}", "+"], stdout=subprocess.DEVNULL, check=True)  # both warm
            began = time.monotonic()
            container = bench.detach()
            took = time.monotonic() - began
            pipe = (f"tar -C {bench.project} -c . | " + " ".join(map(str, bench.host.caller.argv([engine.client])))
                    + f" exec -i {container} tar -C /workspace/.mutagen-temporary-copy -x")  # fmt: skip
            bench.exec(container, "mkdir", "/workspace/.mutagen-temporary-copy")
            began = time.monotonic()
            subprocess.run(["bash", "-c", pipe], check=True, env=bench.host._environment(None))
            tar = time.monotonic() - began
            print(f"| first sync, {files:,} files, {bench.bytes >> 20} MB | jailed --detach {took:.1f} s, plain tar pipe {tar:.1f} s |", flush=True)
            began = time.monotonic()
            bench.jailed("stop").ok()
            print(f"| end with nothing to bring home, {files:,} files | {time.monotonic() - began:.1f} s |", flush=True)


def main() -> None:
    wanted = sys.argv[1:] or ["prompt", "latency", "idle", "first"]
    parts = {"prompt": prompt, "latency": latency, "idle": idle, "first": first}
    if not set(wanted) <= set(parts):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        subprocess.run([REPO / "scripts/mutagen", place], check=True, stdout=subprocess.DEVNULL)
        engine = Engine()
        print(f"| {engine.name} | |\n|---|---|", flush=True)
        for name in wanted:
            parts[name](engine, Path(place))


if __name__ == "__main__":
    main()
