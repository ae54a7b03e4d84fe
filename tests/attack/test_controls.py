"""Every relaxation is noticed by the probes named for it; the same plan without one stays green."""
import pytest
from attacks import CANNOT, ENDS_THE_JAIL, EXPECTED, fits
from controls import CONTROLS, HOLDS_IN_GVISOR

from support.jail import ENGINE, GVISOR


def red(seen: dict[str, str]) -> set[str]:
    return {name for name, outcome in seen.items() if not fits(outcome, EXPECTED[name])}


@pytest.mark.parametrize("name", CONTROLS)
def test_control(name, stage, record_property):
    control = CONTROLS[name]
    record_property("control", name)
    if ENGINE not in control.engines:
        record_property("why_not", control.why_not)
        pytest.skip(control.why_not)
    if GVISOR and name in HOLDS_IN_GVISOR:
        record_property("why_not", f"(gVisor) {HOLDS_IN_GVISOR[name]}")
        pytest.skip(HOLDS_IN_GVISOR[name])
    argv = control.change(stage.planned(control.red), stage)
    seen = stage.run_weakened(argv, {**stage.hostile_environment, **control.env})
    record_property("red", " ".join(sorted(red(seen))))
    record_property("outcomes", "; ".join(f"{probe} {outcome}" for probe, outcome in seen.items()))
    if GVISOR:  # some of what is taken away here was gVisor's to give; the rest must be noticed as well
        assert red(seen) & set(control.red), seen
        return
    assert red(seen) | set(control.may_hold) == set(control.red), f"these did not notice: {set(control.red) - red(seen)} of {seen}"


def test_the_plan_itself_is_green(stage):
    """So it is the relaxation that turns a probe red, not the way of running the plan."""
    names = sorted({probe for control in CONTROLS.values() for probe in control.red} - ENDS_THE_JAIL)
    seen = stage.run_weakened(stage.planned(names), stage.hostile_environment)
    assert set(seen) == set(names) and red(seen) <= set(CANNOT.get(ENGINE, {})), seen
