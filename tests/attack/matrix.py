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
    lines += elsewhere()
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


# Adversary -> what it does, what comes of it, and the test that does it: without an engine, so in no column above.
ELSEWHERE = {
    "A repository, a project": [
        ("`.git`, `commondir`, `alternates`, links that lead out", "nothing outside is mounted", "tests/cli/test_hostile_repository.py::test_no_file_of_a_repository_leads_out_of_the_project"),
        ("objects of another repository", "only as a clone of it has them, and said", "tests/cli/test_hostile_repository.py::test_no_other_directory_is_mounted_for_objects"),
        ("FIFOs and links among git's files", "neither waited for nor followed", "tests/cli/test_hostile_repository.py::test_pipes_and_links_among_a_repository_s_files_are_neither_waited_for_nor_followed"),
        ("a directory replaced after it was checked", "not mounted", "tests/unit/host/files/idmapped_mount_test.cpp::a source that was replaced since it was checked is not mounted"),
        ("a jail around a jail", "refused", "tests/cli/test_hostile_repository.py::test_a_project_within_that_of_a_running_jail_is_refused"),
        ("ten thousand levels of directories", "walked, moved and removed", "tests/unit/host/beneath/beneath_test.cpp::a tree of ten thousand levels is scanned, walked and removed"),
        ("something to be run in each of 15,000 levels", "bounded, and told", "tests/cli/test_hostile_trees.py::test_a_chain_of_directories_with_something_in_each_is_bounded"),
        ("a hundred thousand files to be run", "moved away", "tests/cli/test_hostile_trees.py::test_a_hundred_thousand_planted_files_are_moved_away_in_little_time"),
        ("a hook behind 200,000 names", "found", "tests/cli/test_hostile_trees.py::test_a_flood_in_a_repository_hides_no_hook"),
        ("names that are patterns", "are names", "tests/cli/test_hostile_trees.py::test_a_name_is_no_pattern"),
        ("a megabyte of `.envrc`, linked often", "bounded, and told", "tests/cli/test_hostile_trees.py::test_a_large_envrc_linked_many_times_takes_no_memory"),
        ("commits, objects and references without end", "refused", "tests/cli/test_end.py::test_a_commit_of_more_files_than_memory_holds_is_not_unpacked"),
        ("a link on the way to the project", "nothing is moved or committed where it leads", "tests/cli/test_end.py::test_commits_go_to_no_repository_that_a_link_leads_to"),
        ("what git, editors and shells run unasked", "read-only, or moved away and told", "tests/e2e/test_host_execution.py::test_nothing_runs"),
    ],
    "An engine's or Mutagen's answer": [
        ("names, labels, paths, numbers of any kind", "nothing beyond project and session changes", "tests/cli/test_engine_answers.py::test_no_answer_reaches_beyond_the_project_and_the_session"),
        ("a label that is a path", "not followed", "tests/cli/test_engine_answers.py::test_a_label_that_is_a_path_is_not_followed"),
        ("a container that claims to be a jail", "`foreign`, never acted upon", "tests/cli/test_life.py::test_who_only_claims_to_be_a_jail_is_never_acted_upon"),
        ("an answer without end, or nested ever deeper", "one line", "tests/cli/test_engine_answers.py::test_an_answer_without_end_is_one_line_and_takes_no_memory"),
        ("no answer", "one line, after a minute", "tests/unit/host/process/process_test.cpp::who is asked and never answers is one line, and not waited for"),
        ("an answer that makes no sense", "no jail is taken for ended", "tests/cli/test_life.py::test_an_answer_that_makes_no_sense_ends_no_detached_jail"),
        ("silence about containers and volumes", "they are not taken for gone", "tests/cli/test_engine_answers.py::test_a_session_stays_until_the_engine_has_said_that_its_containers_are_gone"),
        ("more conflicts, longer paths than a command takes", "all is archived, and told", "tests/cli/test_life.py::test_more_conflicts_than_mutagen_names_come_home_as_an_archive_of_all"),
        ("a command that speaks like the engine", "runs once", "tests/cli/test_sandbox_and_state.py::test_a_command_that_speaks_like_the_engine_runs_once"),
    ],
    "The end, and jailed's own process": [
        ("a full disk", "what is planted is moved away, commits stay", "tests/cli/test_end.py::test_what_is_planted_is_moved_away_although_the_disk_is_full"),
        ("something breaks at any step", "no commit is lost", "tests/cli/test_end.py::test_whatever_breaks_on_the_way_home_loses_no_commit"),
        ("two jailed attach to one jail", "both projects come home", "tests/cli/test_life.py::test_two_projects_attached_at_once_are_both_in_the_jail"),
        ("descriptors 0 to 2 closed", "never a signal to the jail", "tests/cli/test_process.py::test_closed_descriptors_never_become_the_lease"),
        ("a reader that leaves (SIGPIPE)", "commits come home", "tests/cli/test_end.py::test_a_reader_that_leaves_ends_no_homecoming"),
        ("a flood on the socket proxy", "what was made is removed", "tests/cli/test_socket_proxy.py::test_a_flood_of_connections_is_neither_served_for_ever_nor_spun_on"),
    ],
}


def elsewhere() -> list[str]:
    """What the other adversaries of docs/security-model.md try."""
    lines = ["", "## The other adversaries", "", "A repository, what an engine answers, and whatever can break at the end ([security-model.md](security-model.md)) meet jailed itself and not", "the jail's walls: tests with fake engines and units, in every run of `scripts/test`. What a whole fuzzing run found is there, too."]  # fmt: skip
    for adversary, rows in ELSEWHERE.items():
        lines += ["", f"| {adversary[0].lower() + adversary[1:]} | what comes of it | test |", "|---|---|---|"]
        lines += [f"| {what} | {outcome} | `{test}` |" for what, outcome, test in rows]
    return lines


if __name__ == "__main__":
    loaded = [json.loads(Path(name).read_text()) for name in sys.argv[1:]]
    sys.stdout.write(matrix({run["engine"]: run["results"] for run in loaded}))
