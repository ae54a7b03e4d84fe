"""What honest work needs, in the very jail that the attacks are tried in: each entry is a small project and a script whose last line
is 42 or a version. Times are kept: the matrix shows what a second kernel costs."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Mapping

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from test_agents import COMMANDS  # noqa: E402
from test_toolchains import PROJECTS  # noqa: E402


@dataclass(frozen=True)
class Work:
    script: str
    files: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()  # programs from outside that are put beside the project
    online: bool = False  # needs the package registries
    seconds: int = 200


C_PROGRAM = "#include <stdio.h>\nint twice(int n) { return 2 * n; }\nint main(void) { printf(\"%d\\n\", twice(21)); return 0; }\n"
GO_PROGRAM = "package main\n\nimport \"fmt\"\n\nfunc twice(n int) int { return n * 2 }\n\nfunc main() { fmt.Println(twice(21)) }\n"

WORK: dict[str, Work] = {f"build and test: {name}": Work(script, files) for name, (files, script) in PROJECTS.items()}
WORK |= {f"agent starts: {name}": Work(f"timeout 150 {command}") for name, command in COMMANDS.items()}
WORK |= {
    "install: pip": Work(
        "python3 -m venv v && v/bin/pip install -q --no-input six==1.17.0 && v/bin/python -c 'import six; print(six.PY3 and 42)'", online=True),
    "install: uv": Work("uv venv -q v && uv pip install -q -p v/bin/python six==1.17.0 && v/bin/python -c 'import six; print(six.PY3 and 42)'", online=True),
    "install: npm": Work(
        "npm install --no-audit --no-fund --silent is-odd@3.0.1 && node -e 'console.log(require(\"is-odd\")(3) && 42)'",
        {"package.json": '{"name": "small", "version": "1.0.0"}\n'}, online=True),
    "install: cargo": Work(
        "cargo run -q", {
            "Cargo.toml": '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nitoa = "=1.0.15"\n',
            "src/main.rs": 'fn main() {\n    println!("{}", itoa::Buffer::new().format(42));\n}\n'}, online=True),
    "install: go": Work(
        "go mod tidy && go run .", {
            "go.mod": "module example.org/small\n\ngo 1.21\n\nrequire github.com/google/uuid v1.6.0\n",
            "main.go": 'package main\n\nimport (\n\t"fmt"\n\n\t"github.com/google/uuid"\n)\n\nfunc main() { fmt.Println(len(uuid.New().String()) + 6) }\n'},
        online=True),
    "debug: strace of its own child": Work(
        "tools/run strace -f -o trace -e trace=openat python3 -c 'print(42)' && grep -q openat trace && echo 42", tools=("strace",)),
    "debug: gdb on C": Work(
        "gcc -g -O0 -o small small.c && tools/run gdb -q -batch -ex 'break twice' -ex run -ex 'print n * 2' -ex continue ./small",
        {"small.c": C_PROGRAM}, ("gdb",)),
    "debug: gdb on Rust": Work(
        "rustc -g -o small small.rs && tools/run gdb -q -batch -ex 'break small.rs:2' -ex run -ex 'print n * 2' -ex continue ./small",
        {"small.rs": "fn twice(n: i32) -> i32 {\n    n * 2\n}\n\nfn main() {\n    println!(\"{}\", twice(21));\n}\n"}, ("gdb",)),
    "debug: delve on Go": Work(
        "GOFLAGS= go install github.com/go-delve/delve/cmd/dlv@v1.24.2 && printf 'break main.twice\\ncontinue\\nprint n * 2\\nquit\\n' | "
        "$GOPATH/bin/dlv debug --allow-non-terminal-interactive=true .",
        {"go.mod": "module example.org/small\n\ngo 1.21\n", "main.go": GO_PROGRAM}, online=True, seconds=280),
    "debug: node inspector": Work(
        "(sleep 3; echo cont; sleep 2; echo 'exec(\"n * 2\")'; sleep 2; echo .exit) | timeout 60 node inspect small.js 2>&1",
        {"small.js": "function twice(n) {\n  debugger;\n  return n * 2;\n}\nconsole.log(twice(21));\n"}),
    "debug: pdb": Work(
        "python3 -m pdb -c 'break 2' -c continue -c 'p n * 2' -c quit small.py", {"small.py": "def twice(n):\n    return n * 2\n\n\nprint(twice(21))\n"}),
    "profile: node --cpu-prof": Work("node --cpu-prof -e 'console.log(42)' && test -n \"$(echo CPU.*.cpuprofile)\" && echo 42"),
    "git: commit, branch, merge": Work(
        "git init -q repo && cd repo && git config user.name A && git config user.email a@b.c && echo 1 >f && git add f && git commit -qm 1 && "
        "git switch -qc side && echo 2 >g && git add g && git commit -qm 2 && git switch -q - && git merge -q side && "
        "git log --oneline | wc -l | grep -qx 2 && echo 42"),
    "files: 2000 written, listed, found": Work(
        "mkdir many && cd many && for i in $(seq 2000); do echo $i >$i; done && test $(fd . | wc -l) = 2000 && rg -lx 1777 . | grep -qx ./1777 && echo 42"),
    "files: ls": Work("ls -l >/dev/null && echo 42"),
}  # fmt: skip

GOOD = re.compile(r"\b42\b|\d+\.\d+\.\d+")

# What an engine's jail cannot do, and why.
CANNOT = {
    "docker-runsc": {
        "files: ls": "runsc 20221219 answers statx() with AT_NO_AUTOMOUNT by EINVAL, and ls of the image (coreutils 9.7) fails so",
        **{name: "gVisor runs here without a network" for name, work in WORK.items() if work.online},
    }
}


def bring_tools(names: tuple[str, ...], place: Path) -> None:
    """Copies programs of JAILED_TEST_TOOLS, else the host's, with their libraries (all but the C library's own), and `run`, which starts one."""
    place.mkdir()
    for name in names:
        program = shutil.which(name, path=f"{os.environ.get('JAILED_TEST_TOOLS', '')}:{os.environ['PATH']}")
        assert program, f"{name} is not installed here"
        shutil.copy(program, place / name)
        listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        for library in re.findall(r"=> (/\S+)", listed):
            if not re.match(r"(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so|ld-linux", os.path.basename(library)):
                shutil.copy(library, place / os.path.basename(library))
    run = place / "run"
    run.write_text('#!/bin/bash\nhere="$(dirname "$0")"\nLD_LIBRARY_PATH="$here" exec "$here/$@"\n')
    run.chmod(0o755)
