"""Divides tests among engines, by tables of files that run whole on one engine and of which the others run smokes."""
import os
from typing import Collection, Mapping

Smokes = Mapping[str, Collection[str]]

# Mutagen's walls are the same on every engine.
ATTACKS = {
    "test_mutagen.py": {
        "test_a_jail_left_running_cannot_hold_up_its_end",
        "test_a_link_that_comes_and_goes_is_never_written_through",
        "test_whoever_writes_through_such_a_link_is_seen",
    },
}


def _asked_for(name: str) -> bool:
    return os.environ.get(name, "") == "1"


def runs_everything(engine: str) -> bool:
    return engine == os.environ.get("JAILED_TEST_WHOLE", "docker") or _asked_for("JAILED_TEST_EVERYWHERE")


def divide(items: list, engine: str, neutral: Smokes, kin: Smokes, always: Collection[str]) -> "tuple[list, list]":
    """Those that run on this engine, and those that do not. `kin` is divided as well on rootless Podman and where smokes are asked for,
    where of the files in no table only `always` runs."""
    only_smokes = _asked_for("JAILED_TEST_SMOKES")
    if runs_everything(engine) and not only_smokes:
        return items, []
    divided = {**neutral, **kin} if only_smokes or engine == "podman-rootless" else neutral
    kept, left, seen = [], [], set()
    for item in items:
        smokes = divided.get(item.path.name)
        name = (item.path.name, item.originalname)
        whole = smokes is None and (item.path.name in always or not only_smokes)
        if whole or (smokes and item.originalname in smokes and name not in seen):
            kept.append(item)
        else:
            left.append(item)
        seen.add(name)
    return kept, left
