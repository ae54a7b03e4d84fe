"""No file includes what its room may not see. The linker keeps the same arrows, but for what a header says alone."""
import re
from pathlib import Path

from harness import ROOT

ROOM = re.compile(r"^add_room\((\S+)(.*?)\)$", re.MULTILINE | re.DOTALL)
INCLUDE = re.compile(r"^#include <jailed/(\S+)>", re.MULTILINE)


def arrows() -> dict[str, set[str]]:
    """What each room may see, itself and by way of others as well, as CMakeLists.txt has it."""
    seen: dict[str, set[str]] = {}
    for name, words in ROOM.findall((ROOT / "CMakeLists.txt").read_text()):
        direct = re.search(r"\bROOMS ((?:[a-z_/]+ ?)+)", words)
        seen[name] = {name}
        for other in direct.group(1).split() if direct else []:
            seen[name] |= seen[other]
    return seen


def room_of(path: str, rooms: set[str]) -> str:
    return max((room for room in rooms if path.startswith(room + "/")), key=len)


def wrong(files: dict[str, str], seen: dict[str, set[str]]) -> list[str]:
    found = []
    for path, text in files.items():
        for header in INCLUDE.findall(text):
            if room_of(header, set(seen)) not in seen[room_of(path, set(seen))]:
                found.append(f"{path} includes {header}")
    return found


def sources() -> dict[str, str]:
    files = {}
    for base in (ROOT / "src", ROOT / "include/jailed"):
        for path in base.rglob("*.[ch]pp"):
            files[str(path.relative_to(base))] = Path(path).read_text()
    return files


def test_every_include_goes_along_an_arrow():
    seen = arrows()
    assert seen["core"] == {"core"} and "work/git" in seen["work/life"] and "cli" not in seen["commands"]
    files = sources()
    assert len(files) > 150
    assert wrong(files, seen) == []


def test_control_an_include_against_an_arrow_is_found():
    assert wrong({"plan/jail/jail.cpp": "#include <jailed/host/files/files.hpp>\n"}, arrows()) != []


def test_the_rooms_of_the_document_are_those_of_the_build():
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/architecture.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted({room.partition("/")[0] for room in arrows()})
