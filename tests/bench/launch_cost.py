#!/usr/bin/env python3
"""What jailed itself adds to a launch and to its end, without the engine: the engine is a script that only notes the time.

  tests/bench/launch_cost.py [JAILED]      (build/release/jailed by default)

For each kind of project, the fastest of some runs, in milliseconds: from jailed's start to the engine's call, and from the
engine's end to jailed's; and how much of it the project adds to an empty directory. Then the processor time of a whole
run: that tells more on a machine that has other things to do.
"""
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15
ENGINE = """#!/bin/bash
echo "$EPOCHREALTIME" >"$0.began"
echo "$EPOCHREALTIME" >"$0.ended"
"""


def fill(project: Path, directories: int, files: int, packages: int = 0, per_package: int = 0) -> None:
    """Sources with what real ones have among them; node_modules besides."""
    for d in range(directories):
        place = project / f"src/part{d % 40}/unit{d}"
        place.mkdir(parents=True)
        for f in range(files):
            (place / f"file{f}.c").write_text(f"int f{d}_{f};\n" * 20)
        if d % 10 == 0:
            (place / "Makefile").write_text("all:\n")
            (place / "package.json").write_text("{}\n")
    for p in range(packages):
        place = project / f"node_modules/package{p}/lib"
        place.mkdir(parents=True)
        for f in range(per_package):
            (place / f"module{f}.js").write_text("exports.x = 1\n")
    for name in (".envrc", ".vscode/tasks.json", ".github/workflows/ci.yml", "CLAUDE.md", ".mcp.json"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x\n")


def git(project: Path, *args: str) -> None:
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(project), *args], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip


def repository(project: Path, branches: int) -> None:
    (project / ".gitignore").write_text("node_modules\n")
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    for branch in range(branches):
        git(project, "branch", f"branch{branch}")


def seconds(path: Path) -> float:
    return float(path.read_text().replace(",", "."))


def measure(jailed: str, root: Path, project: Path, *options: str) -> tuple[float, float, float]:
    engine = root / "docker"
    environment = {"PATH": f"{root}:/usr/bin:/bin", "HOME": str(root), "JAILED_RUNTIME": str(engine), "LANG": "C.UTF-8",
                   "JAILED_CONFIG_DIR": str(root / "config")}  # fmt: skip
    launches, ends, processor = [], [], []
    for _ in range(RUNS):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.time()
        subprocess.run([jailed, "--sync", "bind", *options, str(project), "--", "true"], check=True, env=environment,
                       stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
        ended = time.time()
        launches.append(seconds(root / "docker.began") - began)
        ends.append(ended - seconds(root / "docker.ended"))
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)
    return min(launches) * 1000, min(ends) * 1000, sorted(processor)[RUNS // 2] * 1000


def main() -> None:
    jailed = sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).resolve().parents[2] / "build/release/jailed")
    with tempfile.TemporaryDirectory(prefix="jailed-bench-") as name:
        root = Path(name)
        (root / "docker").write_text(ENGINE)
        (root / "docker").chmod(0o755)
        kinds = {
            "an empty directory": (None, 0),
            "500 files, 50 branches": ((50, 10), 50),
            "5,000 files, 200 branches": ((250, 20), 200),
            "20,000 files, 1,500 branches": ((1000, 20), 1500),
            "50,000 files, 10,000 of them sources": ((500, 20, 2000, 20), 200),
        }
        print(f"{'':38} {'launch':>8} {'end':>8}   {'launch':>8} {'end':>8} {'processor':>10}")
        base = (0.0, 0.0, 0.0)
        for kind, (shape, branches) in kinds.items():
            project = root / f"project{len(kind)}{branches}"
            project.mkdir()
            if shape:
                fill(project, *shape)
                repository(project, branches)
            measured = measure(jailed, root, project)
            if not shape:
                base = measured
            added = [mine - empty for mine, empty in zip(measured, base)]
            print(f"{kind:38} {measured[0]:8.1f} {measured[1]:8.1f}   {added[0]:+8.1f} {added[1]:+8.1f} {added[2]:+10.1f}")


if __name__ == "__main__":
    if not os.environ.get("TMPDIR"):
        os.environ["TMPDIR"] = "/tmp"
    main()
