"""Projects with names that shells and engines stumble over: mounted exactly, or refused with a reason."""
import os

import pytest

pytestmark = pytest.mark.side_by_side

NAMES = [
    b"with spaces",
    b" around ",
    b"it's",
    b'"quoted"',
    b"comma,here",
    b"colon:here",
    b"equals=here",
    b"readonly",
    b"a,readonly",
    b"a,source=etc",
    b"-x",
    b"--help",
    b"$(touch oops)",
    b"`id`",
    b"semi;colon&",
    b"back\\slash",
    b"new\nline",
    b"carriage\rreturn",
    b"tab\there",
    b"esc\x1b[31mred",
    b"percent%20%s",
    b"{{.ID}}",
    b"star*?[a]",
    "ünïcödé ✓".encode(),
    b"latin-1 \xe9",
    b"\xff\xfe",
    b"#hash",
    b"~",
    b"x" * 200,
    b"...",
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[2:-1][:40])
def test_is_mounted_exactly_or_refused(host, name):
    project = host.directory(name)
    # "./" as a user would write a name that starts with a dash; the others by their whole path.
    path = b"./" + name if name.startswith(b"-") else project
    result = host.sh("pwd; touch made", project=path)
    made = [entry for entry in os.listdir(project)]
    if result.status == 0:
        assert result.out == project + b"\n" and made == [b"made"]
    else:
        assert result.status in (2, 125), result.errors
        assert "[jailed]" in result.errors and made == []
        assert b"\x1b" not in result.err and b"\r" not in result.err
    assert {os.fsdecode(entry) for entry in os.listdir(host.root)} <= {"home", "tmp", "config", "jailed", os.fsdecode(name)}


@pytest.mark.parametrize("name", [b"with spaces", b'"quoted"', b"comma,here", b"colon:here", b"equals=here", "ünïcödé ✓".encode(), b"-x"])
def test_these_at_least_are_mounted(host, name):
    project = host.directory(name)
    host.run("--sync", "bind", "--", "touch", "made", cwd=project).ok()
    assert os.listdir(project) == [b"made"]


def test_a_symlink_leads_to_the_project_that_it_names(host):
    project = host.project()
    link = host.root / "link"
    link.symlink_to(project)
    host.sh("touch made", project=link).ok()
    assert (project / "made").exists()


@pytest.mark.parametrize("path", ["/", "/nonexistent", "/etc/passwd"])
def test_what_is_no_project_is_refused(host, path):
    result = host.sh("true", project=path)
    assert result.status == 2 and "[jailed]" in result.errors
