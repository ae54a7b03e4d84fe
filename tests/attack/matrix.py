"""Writes the matrix of attacks from the results of runs.

    matrix.py RESULTS.json... > docs/security-matrix.md
"""
from __future__ import annotations

import json
import sys
from pathlib import Path


def controls_of(runs: dict[str, list[dict]]) -> dict[str, dict[str, set[str]]]:
    """Probe -> control -> engines on which it turned the probe red."""
    found: dict[str, dict[str, set[str]]] = {}
    for engine, results in runs.items():
        for result in results:
            if "control" in result and result["result"] == "passed":
                for probe in result["red"].split():
                    found.setdefault(probe, {}).setdefault(result["control"], set()).add(engine)
    return found


def cell(result: dict | None) -> str:
    if result is None:
        return "not run"
    if "cannot" in result:
        return "not enforced"
    return f"`{result['outcome']}`" if result["result"] == "passed" else f"**FAILED** `{result['outcome']}`"


def matrix(runs: dict[str, list[dict]]) -> str:
    engines = list(runs)
    probes: dict[str, dict[str, dict]] = {}
    for engine, results in runs.items():
        for result in results:
            if "probe" in result:
                probes.setdefault(result["probe"], {})[engine] = result
    controls = controls_of(runs)
    lines = [
        "# Security matrix",
        "",
        "Written by `scripts/attack`; every cell is what a run saw, in the jail that `jailed` starts by default. A cell holds the",
        "kernel's answer to the attack, or what the probe found in its place. The last column names the relaxations that make the",
        "same probe fail on at least one engine, which shows that it can; what each of them changes is in `tests/attack/controls.py`.",
        "",
        "| attack | " + " | ".join(engines) + " | caught when relaxed |",
        "|---|" + "---|" * (len(engines) + 1),
    ]
    for probe in sorted(probes, key=lambda name: (int(name.split("-", 1)[0]), name)):
        cells = [cell(probes[probe].get(engine)) for engine in engines]
        lines.append(f"| {probe} | " + " | ".join(cells) + " | " + ", ".join(controls.get(probe, {})) + " |")
    lines += ["", "## Relaxations", "", "| relaxation | " + " | ".join(engines) + " |", "|---|" + "---|" * len(engines)]
    names = list(dict.fromkeys(result["control"] for results in runs.values() for result in results if "control" in result))
    reasons: dict[str, None] = {}
    for name in names:
        cells = []
        for engine in engines:
            result = next((r for r in runs[engine] if r.get("control") == name), None)
            if result is None:
                cells.append("not run")
            elif "why_not" in result:
                cells.append("cannot be made")
                reasons[f"{name}: {result['why_not']}"] = None
            else:
                cells.append(f"{len(result['red'].split())} red" if result["result"] == "passed" else "**NOT CAUGHT**")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    cannot = {
        f"{r.get('probe') or r.get('attack')} ({engine}): {r['cannot']}": None
        for engine, results in runs.items() for r in results if "cannot" in r and "usable" not in r}  # fmt: skip
    if cannot:
        lines += ["", "Not enforced, and why:", ""] + [f"- {reason}" for reason in cannot]
    if reasons:
        lines += ["", "Relaxations that cannot be made:", ""] + [f"- {reason}" for reason in reasons]
    other = [(engine, r) for engine, results in runs.items() for r in results if "attack" in r]
    if other:
        rows: dict[str, dict[str, str]] = {}
        for engine, result in other:
            words = result.get("cannot") or result.get("outcome", "")
            rows.setdefault(result["attack"], {})[engine] = words if result["result"] != "failed" else f"**FAILED** {words}"
        lines += ["", "## From the host's side", "", "| attack | " + " | ".join(engines) + " |", "|---|" + "---|" * len(engines)]
        for attack in sorted(rows, key=lambda name: (int(name.split("-", 1)[0]), name)):
            lines.append(f"| {attack} | " + " | ".join(rows[attack].get(engine, "not run") for engine in engines) + " |")
    lines += launches(runs)
    lines += usable(runs)
    return "\n".join(lines) + "\n"


def launches(runs: dict[str, list[dict]]) -> list[str]:
    """The same probes in other kinds of launches."""
    engines = list(runs)
    rows: dict[str, dict[str, dict]] = {}
    for engine, results in runs.items():
        for result in results:
            if "launch" in result:
                rows.setdefault(result["launch"], {})[engine] = result
    if not rows:
        return []
    lines = ["", "## The same in other launches", "", "How many of the probes above saw in another kind of launch what they see in the default jail, and which did not, by design", "(`tests/attack/test_launches.py`, which has the reasons).", ""]  # fmt: skip
    lines += ["| launch | " + " | ".join(engines) + " |", "|---|" + "---|" * len(engines)]
    for launch, found in rows.items():
        cells = []
        for engine in engines:
            result = found.get(engine)
            differs = f" but for {result['differs'].replace(' ', ', ')}" if result and result.get("differs") else ""
            words = "not run" if result is None else f"{result.get('outcome', '')}{differs}"
            cells.append(f"**FAILED** {words}" if result and result["result"] == "failed" else words)
        lines.append(f"| {launch} | " + " | ".join(cells) + " |")
    return lines


def usable(runs: dict[str, list[dict]]) -> list[str]:
    """The other side: what works in the same jail, and how long it takes."""
    engines = list(runs)
    found = {engine: {r["usable"]: r for r in results if "usable" in r} for engine, results in runs.items()}
    names = list(dict.fromkeys(name for results in found.values() for name in results))
    if not names:
        return []
    lines = ["", "## Usable in the same jail", "", "Each line is work done in the default jail that is attacked above, nothing loosened (`tests/attack/usable.py`): seconds from the", "call of `jailed` to its end, the jail's start and end included. "
             "The engines ran one after the other on a machine with other work: a column says that it works, not how it compares. The first go", "build on an engine fills the cache.", ""]  # fmt: skip
    lines += ["| work | " + " | ".join(engines) + " |", "|---|" + "---|" * len(engines)]
    reasons: dict[str, None] = {}
    for name in names:
        cells = []
        for engine in engines:
            result = found[engine].get(name)
            if result is None:
                cells.append("not run")
            elif "cannot" in result:
                cells.append("no")
                reasons[f"{name} ({engine}): {result['cannot']}"] = None
            else:
                cells.append(result["seconds"] if result["result"] == "passed" else "**FAILED**")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines + (["", "Not there, and why:", ""] + [f"- {reason}" for reason in reasons] if reasons else [])


if __name__ == "__main__":
    loaded = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    sys.stdout.write(matrix({run["engine"]: run["results"] for run in loaded}))
