"""Each toolchain builds and tests a small project, without a network, as whoever calls."""
import pytest

from support.jail import offline

pytestmark = [pytest.mark.side_by_side]

CARGO = {
    "Cargo.toml": '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "pub fn twice(n: u32) -> u32 {\n    n * 2\n}\n\n#[test]\nfn doubles() {\n    assert_eq!(twice(21), 42);\n}\n",
    "src/main.rs": 'fn main() {\n    println!("{}", small::twice(21));\n}\n',
}
GO = {
    "go.mod": "module example.org/small\n\ngo 1.21\n",
    "small.go": "package main\n\nimport \"fmt\"\n\nfunc twice(n int) int { return n * 2 }\n\nfunc main() { fmt.Println(twice(21)) }\n",
    "small_test.go": 'package main\n\nimport "testing"\n\nfunc TestTwice(t *testing.T) {\n\tif twice(21) != 42 {\n\t\tt.Fatal()\n\t}\n}\n',
}
NODE = {
    "package.json": '{"name": "small", "version": "1.0.0", "type": "module", "scripts": {"test": "node --test", "build": "node build.js"},'
    ' "dependencies": {"local": "file:./local"}}\n',
    "local/package.json": '{"name": "local", "version": "1.0.0", "type": "module", "main": "index.js"}\n',
    "local/index.js": "export const twice = (n) => n * 2;\n",
    "build.js": 'import { twice } from "local";\nconsole.log(twice(21));\n',
    "small.test.js": 'import test from "node:test";\nimport assert from "node:assert";\nimport { twice } from "local";\n'
    'test("doubles", () => assert.equal(twice(21), 42));\n',
}
PYTHON = {
    "pyproject.toml": '[project]\nname = "small"\nversion = "1.0.0"\nrequires-python = ">=3.10"\ndependencies = []\n',
    "small.py": "def twice(n):\n    return n * 2\n",
    "test_small.py": "import unittest\nimport small\n\n\nclass Twice(unittest.TestCase):\n    def test_doubles(self):\n"
    "        self.assertEqual(small.twice(21), 42)\n",
}
C = {
    "Makefile": "small: small.c\n\tgcc -O1 -Wall -o $@ $<\ntest: small\n\ttest \"$$(./small)\" = 42\n",
    "small.c": '#include <stdio.h>\nint main(void) { printf("%d\\n", 42); return 0; }\n',
}

PROJECTS = {
    "rust": (CARGO, "cargo build -q && ./target/debug/small && cargo test -q"),
    "go": (GO, "go build -o small . && ./small && go test ./... && go run ."),
    "node": (NODE, "npm install --no-audit --no-fund && npm run -s build && npm test"),
    "python-venv": (PYTHON, "python3 -m venv .venv && . .venv/bin/activate && pip --version && python -c 'print(42)' && python -m unittest"),
    "python-uv": (PYTHON, "uv venv -q && uv run -q python -c 'import small; print(small.twice(21))' && uv run -q python -m unittest"),
    "c": (C, "make -s && ./small && make -s test"),
}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("toolchain", PROJECTS)
def test_builds_and_tests_a_small_project(host, toolchain):
    files, script = PROJECTS[toolchain]
    project = host.project(toolchain)
    for name, text in files.items():
        host.write(project / name, text)
    result = host.sh(script, project=project, timeout=200).ok()
    assert "42" in result.text.split(), result.text


@pytest.mark.slow
def test_go_test_runs_what_it_built_offline_too(user_host):
    project = user_host.project("go")
    for name, text in GO.items():
        user_host.write(project / name, text)
    user_host.sh("true").ok()
    result = offline(user_host, "go", "test", "./...", project=project, timeout=200)
    assert result.status == 0 and result.text.startswith("ok"), result.text + result.errors


def test_the_tools_of_the_trade_are_there(shared_host):
    tools = "git gh zsh bash rg fd jq curl less nano make gcc g++ cargo rustc node npm python3 uv pip go tar unzip ssh"
    assert shared_host.sh(f"for tool in {tools}; do command -v $tool >/dev/null || echo $tool; done").ok().text == ""


def test_node_is_new_enough_for_every_agent(shared_host):
    version = shared_host.jail("node", "--version").ok().text.strip().lstrip("v")
    assert tuple(map(int, version.split(".")[:2])) >= (22, 19)


def test_text_is_utf_8(shared_host):
    script = "locale charmap; python3 -c 'import sys; print(sys.getfilesystemencoding(), \"\\u00e9\")'; printf '%s' 'é' | wc -m"
    assert shared_host.sh(script).ok().text.split() == ["UTF-8", "utf-8", "é", "1"]
