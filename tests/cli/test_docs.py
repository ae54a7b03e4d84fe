"""What the documents say is tested is there to be run."""
import re

import pytest
from harness import ROOT

REFERENCE = re.compile(r"`(tests/[\w./-]+?)::([^`]+)`")
MODEL = (ROOT / "docs/security-model.md").read_text()


def references() -> list[tuple[str, str]]:
    found = []
    for document in sorted((ROOT / "docs").glob("*.md")):
        found += REFERENCE.findall(document.read_text())
    return found


@pytest.mark.parametrize("path, name", sorted(set(references())))
def test_a_test_that_is_named_exists(path, name):
    file = ROOT / path
    assert file.is_file(), path
    text = file.read_text()
    definitions = [f"def {name}(", f'TEST_CASE("{name}"', f'"{name}":', f" {name}("]
    assert any(definition in text for definition in definitions), f"{path} has no {name}"


def test_every_claim_of_the_security_model_names_a_test():
    section = MODEL.partition("## What is kept out")[2].partition("\n## ")[0]
    claims = re.split(r"\n- ", section)[1:]
    assert len(claims) > 10
    assert [claim for claim in claims if not REFERENCE.search(claim)] == []


def test_the_matrix_names_the_other_adversaries_as_its_writer_does(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests/attack"))
    from matrix import elsewhere

    assert (ROOT / "docs/security-matrix.md").read_text().endswith("\n".join(elsewhere()) + "\n")
