"""Several projects on one command line: what the engine is asked, and what is refused."""
import json
import os

import pytest
from harness import STRANGER
from test_life import Machine, jail


@pytest.fixture
def web(host):
    """Run beside the first project: a second one, and a third of the same name."""
    for name in ("api", "other", "other/api"):
        host.mkdir(name)
    return host


def test_a_launch_is_one_call(web):
    api, other = web.directory / "api", web.directory / "other/api"
    result = web.run(web.project, api, other, "--", "make", "x")
    assert (result.code, result.err) == (0, "")
    (call,) = web.fakes.calls
    assert call.mounts["/workspace"] == str(web.project)
    assert call.mounts[f"/projects/{web.directory.name}-api"] == str(api)
    assert call.mounts["/projects/other-api"] == str(other)
    assert call.args[-3:] == ["jailed:latest", "make", "x"]
    (label,) = [word for word in call.args if word.startswith("jailed.projects=")]
    assert label == f"jailed.projects={web.directory.name}-api:{api} other-api:{other}"
    assert f"jailed.project={web.project}" in call.args
    assert web.sessions == []


def test_dry_run_shows_all_and_makes_nothing(web):
    before = web.snapshot()
    result = web.run("--dry-run", web.project, "api", cwd=web.directory)
    assert result.code == 0 and "target=/projects/api" in result.out and web.fakes.calls == []
    assert web.snapshot() == before


def test_one_project_has_no_label_more(web):
    web.run(web.project)
    (call,) = web.fakes.calls
    assert not [word for word in call.args if word.startswith("jailed.projects=") or "/projects/" in word]


@pytest.mark.parametrize(["words", "why", "fix"], [
    (["{p}", "{p}"], "'{p}' is named twice.", "name each project once"),
    (["{p}", "{d}/api", "{d}/api/."], "'{d}/api' is named twice.", "name each project once"),
    (["{p}", "{d}/link"], "'{p}' is named twice.", "name each project once"),
    (["{d}/other", "{d}/other/api"], "'{d}/other/api' is inside '{d}/other'.", "name only the outer one, or projects that are apart"),
    (["{p}", "{d}/other/api", "{d}/other"], "'{d}/other/api' is inside '{d}/other'.", "name only the outer one, or projects that are apart"),
    (["{p}", "claude"], "Cannot open 'claude': No such file or directory.", "if the jail's command was meant, it stands after --: jailed . -- COMMAND"),
    (["{p}", "/etc"], "Will not put '/etc' into a jail: it belongs to the system, not to a project.", "name a project directory: jailed path/to/project"),
    (["{p}", "{d}/home"], "Will not put '{d}/home' into a jail: it is your home directory, with keys and logins.", "name a project directory: jailed path/to/project"),
    (["{p}", "{d}/api", "{d}/file"], "'{d}/file' is not a directory.", "name a project directory: jailed path/to/project"),
])  # fmt: skip
def test_refused(web, words, why, fix):
    (web.directory / "link").symlink_to(web.project)
    (web.directory / "file").write_text("")
    web.give(web.directory / "file")
    os.chown(web.directory / "link", STRANGER if os.geteuid() == 0 else -1, -1, follow_symlinks=False)
    fill = {"p": web.project, "d": web.directory}
    result = web.run(*[word.format(**fill) for word in words])
    assert result.code == 2 and web.fakes.calls == [] and web.sessions == []
    assert result.err.splitlines()[0] == f"[jailed] {why.format(**fill)}"
    assert result.err.splitlines()[1] == f"[jailed]   {fix}"


def test_only_the_same_projects_are_used_again(web):
    """--reuse: another set, or another first one, is a jail of its own."""
    api, other = web.directory / "api", web.directory / "other/api"
    machine = Machine(web, "docker")
    machine.knows([jail(1, str(web.project), further={"api": str(api)})])
    for words, called in (([web.project, api], "exec"), ([web.project], "run"), ([api, web.project], "run"), ([web.project, other], "run"), ([web.project, api, other], "run")):
        machine.asked()
        assert web.run("--reuse", *words, "--", "true").code == 0
        assert machine.asked()[-1] == called, words


@pytest.mark.parametrize("detached", ["true", ""])
def test_a_bound_jail_takes_no_project_more(web, detached):
    """The line to start it again is there, and nothing has happened."""
    api, other = web.directory / "api", web.directory / "o'ther"
    web.mkdir(other)
    machine = Machine(web, "docker")
    running = jail(1, str(web.project), detached=detached, further={"api": str(api)})
    machine.knows([running])
    again = f"jailed stop {running['name']} && jailed{' --detach' if detached else ''} {web.project}"
    quoted = str(other).replace("'", "'\\''")
    for words, line in ((["attach", other], f"{again} {api} '{quoted}'"), (["detach", "api"], again), (["detach", running["name"], api], again)):
        result = web.run(*words)
        assert result.code == 125
        assert "has its projects mounted directly, and no engine" in result.err
        assert result.err.splitlines()[1] == f"[jailed]   end it and start it again: {line}"
        assert machine.asked() == ([] if detached else ["ps"])


@pytest.mark.parametrize(["words", "why"], [
    (["attach"], "Which project shall be attached?"),
    (["attach", "a", "b", "c"], "One argument too many: 'c'."),
    (["attach", "nowhere"], "Cannot open 'nowhere': No such file or directory."),
    (["attach", "{d}/api"], "'{d}/api' is in jailed-project-000000000001 already."),
    (["detach"], "Which project shall be detached?"),
    (["detach", "project"], "jailed-project-000000000001 has no further project 'project'."),
    (["detach", "nobody", "api"], "No jail is 'nobody'."),
])  # fmt: skip
def test_attach_and_detach_refuse(web, words, why):
    machine = Machine(web, "docker")
    machine.knows([jail(1, str(web.project), further={"api": str(web.directory / "api")})])
    result = web.run(*[word.format(d=web.directory) for word in words])
    assert result.code == 2 and result.err.splitlines()[0] == "[jailed] " + why.format(d=web.directory)


def test_ls_shows_all_projects(web):
    machine = Machine(web, "docker")
    machine.knows([jail(1, "/p/app", further={"api": "/q/a\x1b[2J", "b": "/q/b"})])
    assert "/p/app, /q/a\\033[2J, /q/b  docker" in web.run("ls").out
    (listed,) = json.loads(web.run("ls", "--json").out)
    assert listed["further"] == {"api": "/q/a\x1b[2J", "b": "/q/b"}
