"""jailed doctor: each thing that a jail needs, taken away once."""
import json
import re

import pytest
from harness import ROOT


def healthy(host, version: str = "28.5.2") -> None:
    host.fakes.on("info", f"echo {version}")
    host.fakes.on("image", 'case "$*" in *jailed.agents*) echo "claude=1.2.3";; *) echo sha256:x;; esac')


def findings(host, *words, **more) -> "tuple[int, dict]":
    result = host.run("doctor", "--json", *words, **more)
    return result.code, {one["subject"]: one for one in json.loads(result.out)}


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_all_is_well(new_host, name):
    host = new_host(name)
    healthy(host)
    code, found = findings(host, env={"ANTHROPIC_API_KEY": "secret", "JAILED_SYNC_STRATEGY": "bind"})
    assert code == 0 and {one["state"] for subject, one in found.items() if subject != "image"} == {"ok"}
    assert "28.5.2" in found["engine"]["says"] and found["project"]["says"] == str(host.project) and "claude" in found["agents"]["says"]
    assert "sync by JAILED_SYNC_STRATEGY" in found["settings"]["says"]
    assert "--json" not in found["settings"]["says"]
    assert host.sessions == [] and not host.config.exists()  # it looks and makes nothing


def test_a_line_each_with_the_fix_below(host):
    host.fakes.on("image", "exit 1")
    host.fakes.on("info", "echo 28.5.2")
    result = host.run("doctor")
    lines = result.out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("fail  image"))
    assert result.code == 125 and "'jailed:latest' is not there." in lines[at] and lines[at + 1].split() == ["jailed", "build"]


def test_without_any_engine(new_host):
    code, found = findings(new_host())
    assert code == 125 and found["engine"]["state"] == "fail" and "podman" in found["engine"]["fix"].lower() + found["engine"]["says"].lower()
    assert found["project"]["state"] == "ok" and "image" not in found


def test_an_engine_that_is_down(host):
    host.fakes.on("info", 'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1')
    code, found = findings(host)
    assert code == 125 and found["engine"]["state"] == "fail" and "does not answer" in found["engine"]["says"] and found["engine"]["fix"]


@pytest.mark.parametrize("answer", ["echo", "printf '\\033]0;title\\007'", "echo 28.5 2", "printf '%070d' 1", "printf '\\000'", "exit 3"])
def test_an_engine_that_answers_without_sense(host, answer):
    host.fakes.on("info", answer)
    result = host.run("doctor")
    assert result.code == 125 and "\033" not in result.out + result.err and result.out.splitlines()[1].startswith("fail  engine")


def test_an_image_of_another_jailed(host):
    healthy(host)
    code, found = findings(host)
    assert code == 0 and found["image"]["state"] == "warn" and "claude 1.2.3 (now " in found["image"]["says"] and found["image"]["fix"] == "jailed build"


def test_mutagen_that_was_asked_for(host):
    healthy(host)
    code, found = findings(host, "--sync", "mutagen")
    assert code == 125 and found["sync"]["state"] == "fail" and "mutagen.io" in found["sync"]["fix"]


def test_a_directory_that_is_no_project(host):
    healthy(host)
    code, found = findings(host, cwd=host.home)
    assert code == 125 and found["project"]["state"] == "fail" and found["project"]["fix"]


def test_what_will_be_another_thing_in_the_jail(host):
    healthy(host)
    _, found = findings(host, env={"TERM": "no-such-terminal"})
    assert found["terminal"]["state"] == "warn" and "no-such-terminal" in found["terminal"]["says"]


def test_the_keys_are_those_of_the_page(host):
    healthy(host)
    page = (ROOT / "docs/json.md").read_text()
    listed = json.loads(host.run("agents", "--json").out)
    assert set(listed[0]) == set(re.findall(r"`(\w+)`", page_part(page, "jailed agents"))) & set(listed[0]) and len(listed[0]) == 7
    _, found = findings(host)
    assert all(set(one) <= set(re.findall(r"`(\w+)`", page_part(page, "jailed doctor"))) for one in found.values())


def page_part(page: str, headline: str) -> str:
    return page.partition(f"## {headline}\n")[2].partition("\n## ")[0]
