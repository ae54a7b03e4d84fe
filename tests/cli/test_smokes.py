"""What runs on one engine only is named by tests that are there: a wrong name would be a test that nobody runs."""
import ast
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "e2e"), str(TESTS)]

import smokes  # noqa: E402

from support.smokes import ATTACKS  # noqa: E402

TABLES = {TESTS / "e2e": smokes.NEUTRAL | smokes.KIN, TESTS / "attack": ATTACKS}


def functions_of(path: Path) -> "set[str]":
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("path", [directory / name for directory, table in TABLES.items() for name in sorted(table)], ids=lambda path: path.stem)
def test_each_smoke_is_a_test(path):
    named = TABLES[path.parent][path.name]
    assert named, f"nothing of {path.name} runs on the other engines"
    assert named <= functions_of(path)


def test_on_the_other_engines_the_first_case_of_each_smoke_runs(monkeypatch):
    monkeypatch.setenv("JAILED_TEST_WHOLE", "docker")
    monkeypatch.delenv("JAILED_TEST_EVERYWHERE", raising=False)

    def item(file, name):
        return SimpleNamespace(path=Path(file), originalname=name)

    smoke, other, own = item("test_git_killed.py", "test_killed_at_each_step"), item("test_git_killed.py", "test_x"), item("test_walls.py", "test_x")
    again = item("test_git_killed.py", "test_killed_at_each_step")
    assert smokes.divide([smoke, again, other, own], "docker")[0] == [smoke, again, other, own]
    assert smokes.divide([smoke, again, other, own], "podman") == ([smoke, own], [again, other])
    monkeypatch.setenv("JAILED_TEST_EVERYWHERE", "1")
    assert smokes.divide([smoke, again, other, own], "podman")[1] == []
