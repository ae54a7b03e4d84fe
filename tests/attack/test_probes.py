"""Every probe of attacks.py in one jail."""
import pytest
from attacks import CANNOT, EXPECTED, fits

from support.jail import ENGINE


@pytest.mark.parametrize("name", EXPECTED)
def test_probe(name, seen, record_property):
    outcome = seen.get(name, "no answer")
    record_property("probe", name)
    record_property("outcome", outcome)
    if name in CANNOT.get(ENGINE, {}):
        record_property("cannot", CANNOT[ENGINE][name])
        pytest.skip(CANNOT[ENGINE][name])
    assert fits(outcome, EXPECTED[name]), f"{name}: {outcome}, not {EXPECTED[name]}"


def test_no_probe_is_without_an_expectation(seen):
    assert set(seen) == set(EXPECTED)


def leading_out(project):
    return [path for path in project.rglob("*") if path.is_symlink() and str(path.readlink()).startswith("/")]


def test_what_was_planted_in_the_project_is_moved_away(stage):
    """The link that leads out: jailed's look at the end finds it."""
    for link in leading_out(stage.project):  # a control, which has no such end, may have left one
        link.unlink()
    stage.attack()
    kept = [path.name for path in stage.host.config.glob("sessions/*/quarantine/*")]
    assert kept and not leading_out(stage.project), kept


def test_start_up_files_of_the_host_are_as_they_were(stage, seen):
    assert set(stage.host_start_up_files().values()) == {"# the host's own\n"}
