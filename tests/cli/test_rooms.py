"""No file includes what its room may not see, and nothing but engine/ starts an engine. The linker and the compiler keep the same, but for what a
header says alone and for the ways around core::EngineCall."""
import re
import subprocess
from pathlib import Path

import pytest
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


def test_the_picture_shows_the_targets_of_the_build():
    checked = subprocess.run([ROOT / "scripts/rooms-picture", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    picture = (ROOT / "docs/rooms.svg").read_text()
    assert {name for name in arrows() if f">{name}</text>" in picture} == set(arrows())


# Where a call of an engine would become a process outside of engine/. That a core::EngineCall cannot be handed to what starts
# processes, the compiler keeps (tests/unit/core/engine_call_test.cpp); these are the ways around it.
WAYS_AROUND = {
    "takes engine/'s own header": re.compile(r'#include "[^"]*client\.hpp"|\bclass Client\b(?!;)|\bengine::Client\b(?!;)'),
    "plans a call of an engine as a command of any other program": re.compile(r"core::Command>?\s+[\w:]+\([^;{]*\bEngine&"),
    "makes a command of an engine's program": re.compile(r"\{\s*(?:\w+(?:\.|->))*\w*engine\w*\.program\s*,"),
    "spawns by itself": re.compile(r"\bposix_spawnp?\(|\bexec[vl]p?e?\(|\bv?fork\(|\bpopen\(|\bsystem\("),
}
# What of this is a room's own: plans are calls, made of the program; host starts what it is given.
OF_THE_ROOM = {
    "plan": {"makes a command of an engine's program"},
    "host": {"spawns by itself"},
}


def spawners(files: dict[str, str]) -> list[str]:
    found = []
    for path, text in files.items():
        room = path.split("/")[0]
        if room == "engine":
            continue
        for what, words in WAYS_AROUND.items():
            if what not in OF_THE_ROOM.get(room, set()) and words.search(text):
                found.append(f"{path} {what}")
    return found


def test_nothing_outside_engine_starts_an_engine():
    assert spawners(sources()) == []


def test_a_call_does_not_leave_engine_by_its_headers():
    headers = {path: text for path, text in sources().items() if path.startswith("engine/") and path.endswith(".hpp")}
    assert "engine/client.hpp" in headers and "EngineCall" in headers.pop("engine/client.hpp")
    assert len(headers) > 5 and [path for path, text in headers.items() if "EngineCall" in text] == []


@pytest.mark.parametrize(
    "path, text",
    [
        ("work/end/end.cpp", '#include "../../engine/client.hpp"\n'),
        ("work/end/end.cpp", "namespace jailed::engine { class Client { public: static core::Command command(const core::EngineCall& call); }; }\n"),
        ("plan/jail/jail.cpp", "core::Command remove_command(const Engine& engine, const std::string& container) {\n"),
        ("plan/jail/jail.hpp", "std::optional<core::Command> look_command(const std::string& word,\n                                          const Engine& engine);\n"),
        ("work/sync/homecoming.cpp", '  host::capture({found.engine.program, {"rm", container}, {}});\n'),
        ("commands/stop.cpp", '  const core::Command command{found_.engine.program, {"rm"}, {}};\n'),
        ("commands/stop.cpp", '  ::execv(engine.program.c_str(), words.data());\n'),
    ],
)
def test_control_an_engine_that_is_started_elsewhere_is_found(path, text):
    assert spawners({path: text}) != []
    assert spawners({"engine/run.cpp": text}) == []


def test_of_which_kind_an_engine_is_hardly_anybody_asks():
    askers = [path for path, text in sources().items() if re.search(r"\bEngineKind\b", text)]
    assert "plan/engine/traits.cpp" in askers and len(askers) <= 4
