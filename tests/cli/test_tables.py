"""What is made from the tables of settings, verbs and agents says what they say; an agent is a row and a layer."""
import json
import re
import shutil
import subprocess
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest
from harness import BINARY, ROOT


def output(*words: str) -> str:
    return subprocess.run([BINARY, *words], check=True, capture_output=True, text=True, env={}).stdout


TABLES = json.loads(output("print-tables"))
SETTINGS, VERBS, AGENTS = TABLES["settings"], TABLES["verbs"], TABLES["agents"]


@pytest.fixture(scope="module")
def pages_script():
    loader = SourceFileLoader("settings_pages", str(ROOT / "scripts/settings-pages"))
    module = module_from_spec(spec_from_loader("settings_pages", loader))
    loader.exec_module(module)
    return module


def test_the_pages_are_what_the_table_makes(pages_script):
    for path, text in pages_script.pages(TABLES).items():
        assert path.read_text() == text, f"{path}: run scripts/settings-pages"


def test_control_another_default_makes_other_pages(pages_script):
    others = json.loads(json.dumps(TABLES))
    next(setting for setting in others["settings"] if setting["name"] == "pids")["default"] = "17"
    assert all(path.read_text() != text for path, text in pages_script.pages(others).items())


@pytest.mark.skipif(not shutil.which("groff", path="/usr/bin"), reason="groff is not installed")
def test_the_manual_page_is_one_that_man_reads():
    def said(text: str) -> str:
        return subprocess.run(["/usr/bin/groff", "-man", "-ww", "-z", "-K", "utf8"], input=text, capture_output=True, text=True, check=True).stderr

    page = (ROOT / "docs/jailed.1").read_text()
    assert said(page) == ""
    assert said(page + ".NOSUCH request\n") != ""  # as a control
    shown = subprocess.run(["/usr/bin/groff", "-man", "-Tutf8", "-P-c", "-P-b", "-P-u", "-K", "utf8"], input=page, capture_output=True, text=True, check=True).stdout
    assert [setting["name"] for setting in SETTINGS if "--" + setting["name"] not in shown.replace("\u2010", "-").replace("\u2212", "-")] == []


def help_of(setting: dict) -> str:
    """The line of --help, with single spaces."""
    words = [setting["flag"]]
    if setting["takes"] in ("value", "values"):
        words.append(setting["placeholder"])
    if setting["takes"] == "values":
        words.append("...")
    words.append(setting["help"])
    default = setting["default"] or setting["default_in_words"]
    if default:
        words.append(f"[{default}]")
    return " ".join(" ".join(words).split())


def flags_in(text: str) -> set[str]:
    """As they begin the lines of a help."""
    return set(re.findall(r"^  (-\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("verb", [verb["name"] for verb in VERBS if verb["name"] != "help"])
def test_help_is_what_the_table_says(verb):
    text = output(*verb.split(), "--help")
    taken = [setting for setting in SETTINGS if verb in setting["verbs"]]
    own = {"-h,--help"} | ({"-V,--version"} if verb == "" else set())
    assert flags_in(text) == {setting["flag"] for setting in taken} | own
    joined = " ".join(text.split())
    assert [setting["name"] for setting in taken if help_of(setting) not in joined] == []


def test_every_setting_is_in_the_help_of_a_verb():
    assert [setting["name"] for setting in SETTINGS if not setting["verbs"]] == []


def test_the_list_of_commands_is_the_table_of_verbs():
    listed = output("--help").partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    expected = [" ".join(f"{verb['name']} {verb['usage']} {verb['summary']}".split()) for verb in VERBS if verb["summary"]]
    assert [" ".join(line.split()) for line in listed] == expected


def test_what_is_not_for_users_is_not_in_the_list_of_commands():
    assert "print-tables" not in output("--help")
    assert [verb["name"] for verb in VERBS if not verb["summary"]] == ["", "print-tables", "complete"]


def calls(text: str) -> list[str]:
    """What a page shows of calls of jailed: in backquotes, and lines of examples; what follows -- is another program's."""
    found = re.findall(r"`(?:\w+=\S+ )*jailed( [^`]*)`", text) + re.findall(r"^    (?:.*&& )?jailed( .*)$", text, re.MULTILINE)
    return [re.split(r" -- | #| && ", call)[0] for call in found]


def unknown_flags(text: str) -> set[str]:
    known = {"--help", "--version"} | {"--" + setting["name"] for setting in SETTINGS}
    return {flag for call in calls(text) for flag in re.findall(r"(?<=\s)--[a-z][a-z-]*", call)} - known


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_the_flags_that_a_page_names_exist(page):
    assert unknown_flags((ROOT / page).read_text()) == set()


def test_control_a_flag_that_does_not_exist_is_found():
    assert unknown_flags("    jailed --memroy 4g . -- x --y\n") == {"--memroy"}
    assert unknown_flags("see `jailed build --agent claude`") == {"--agent"}
    assert len(calls((ROOT / "README.md").read_text())) > 15


def test_variables_that_a_page_names_exist():
    known = {setting["variable"] for setting in SETTINGS}
    named = set()
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        named |= set(re.findall(r"\bJAILED_[A-Z_]+\b", page.read_text()))
    # Of the build and of the tests.
    assert {name for name in named - known if not name.startswith(("JAILED_FUZZ_", "JAILED_TEST_"))} <= {"JAILED_BIN", "JAILED_TOGETHER", "JAILED_UPDATE_GOLDEN"}


def rows_of(page: str) -> str:
    return "\n".join(line for line in (ROOT / page).read_text().splitlines() if line.startswith("|"))


def missing_for(agent: dict) -> list[str]:
    """What an agent of the table lacks outside of it."""
    name, missing = agent["name"], []
    lock = ROOT / "docker/agents" / name
    dockerfile = (ROOT / "docker/Dockerfile").read_text()
    if (lock / "package.json").exists():
        locked = list(json.loads((lock / "package.json").read_text())["dependencies"]) + ["node"]
    elif (lock / "requirements.txt").exists():
        pins = re.findall(r"^([\w-]+)==", (lock / "requirements.txt").read_text(), re.MULTILINE)
        locked = [pin for pin in pins if pin == agent["package"]] + ["python"]
    else:
        locked = ["", ""]
    package, toolchain = locked[0], locked[-1]
    if package != agent["package"]:
        missing.append(f"docker/agents/{name}: a lock of {agent['package']}")
    block = re.search(rf"^# when {name}\n(.*?)^# end$", dockerfile, re.MULTILINE | re.DOTALL)
    if not block or f"COPY agents/{name} " not in block.group(1) or f"install/agent {name}\n" not in block.group(1):
        missing.append(f"docker/Dockerfile: a block of {name}")
    if not re.search(rf"^# when {toolchain} .*\b{name}\b", dockerfile, re.MULTILINE):
        missing.append(f"docker/Dockerfile: {name} beside its toolchain")
    if not re.search(rf"^  {name}\)$", (ROOT / "docker/install/agent").read_text(), re.MULTILINE):
        missing.append(f"docker/install/agent: a case of {name}")
    state = ", ".join(f"`{one['name']}`" for one in agent["state"])
    row = re.search(rf"^\| {re.escape(agent['title'])} \| `{name}`.*$", rows_of("docs/agents.md"), re.MULTILINE)
    if not row or f"| {state} |" not in row.group() or not all(f"`~/{one['home_path']}`" in row.group() for one in agent["state"]):
        missing.append(f"docs/agents.md: a row of {agent['title']}, with its state")
    if not re.search(rf"^\| {re.escape(agent['title'])} \| `{name}`", rows_of("README.md"), re.MULTILINE):
        missing.append(f"README.md: a row of {agent['title']}")
    return missing


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent["name"])
def test_an_agent_of_the_table_has_its_layer_and_its_rows(agent):
    assert missing_for(agent) == []


def test_control_an_agent_without_a_layer_and_rows_is_found():
    bare = {"name": "bare", "title": "Bare", "package": "@bare/cli", "state": [{"name": "bare", "home_path": ".bare"}]}
    assert [line.partition(":")[0] for line in missing_for(bare)] == [
        "docker/agents/bare", "docker/Dockerfile", "docker/Dockerfile", "docker/install/agent", "docs/agents.md", "README.md"]


def test_every_layer_is_of_an_agent_of_the_table():
    names = {agent["name"] for agent in AGENTS}
    assert {path.name for path in (ROOT / "docker/agents").iterdir()} == names
    assert set(re.findall(r"install/agent (\w+)$", (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE)) == names


def lists_of_agents(files: dict[str, str]) -> list[str]:
    """Files that name three agents or more."""
    names = re.compile(r"\b(" + "|".join(agent["name"] for agent in AGENTS) + r")\b")
    return [path for path, text in files.items() if len(set(names.findall(text))) > 2]


def test_no_other_list_of_agents_stands_in_the_program():
    files = {str(path.relative_to(ROOT)): path.read_text() for room in ("src", "include") for path in (ROOT / room).rglob("*.[ch]pp")}
    assert lists_of_agents(files) == ["src/core/agent.cpp"]


def test_control_another_list_of_agents_is_found():
    assert lists_of_agents({"x": '{"claude", "codex", "kimi"}', "y": "jailed build --agents claude,codex"}) == ["x"]
