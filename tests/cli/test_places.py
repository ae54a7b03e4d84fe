"""Where a project is in the jail, and what is said of one that was moved or has links out of it."""
import json
import os
import shutil

MOVED = "This project was "


def launch(host, *words) -> list[str]:
    result = host.run(*words, cwd=host.project if host.project.exists() else host.directory)
    assert result.code == 0, result.err
    return [line for line in result.err.splitlines() if MOVED in line or "Outside of" in line]


def test_a_jail_starts_at_the_projects_own_path(host):
    launch(host, ".")
    (call,) = host.fakes.calls
    assert call.values("--workdir") == [str(host.project)]
    assert call.mounts[str(host.project)] == call.mounts["/workspace"] == str(host.project)
    assert f"JAILED_WORKSPACE={host.project}" in call.values("-e")


def test_each_of_several_projects_is_at_its_own_path(host):
    api = host.mkdir("api b")
    launch(host, host.project, api)
    (call,) = host.fakes.calls
    assert call.mounts[str(api)] == call.mounts["/projects/api-b"] == str(api)
    assert "JAILED_PROJECTS=api-b:" + str(api).replace(" ", "%20") in call.values("-e")


def test_a_moved_project_is_said_once(host):
    assert launch(host, ".") == []
    (host.config / "agents/claude/history").write_text("x")
    host.give(host.config / "agents/claude/history")
    moved = host.project.with_name("moved to")
    host.project.rename(moved)
    (line,) = launch(host, moved)
    assert f"{host.project} before" in line and "what claude said" in line and line.endswith(f"mv '{moved}' {host.project}")
    assert launch(host, moved) == []
    assert (host.config / "known-projects.json").stat().st_mode & 0o777 == 0o600


def test_control_a_copy_is_no_moved_project(host):
    launch(host, ".")
    (host.config / "agents/claude/history").write_text("x")
    copy = shutil.copytree(host.project, host.project.with_name("copy"))
    os.chown(copy, host.project.stat().st_uid, host.project.stat().st_gid)
    shutil.rmtree(host.project)
    assert launch(host, copy) == []


def test_a_list_of_projects_that_is_none_does_no_harm(host):
    launch(host, ".")
    (host.config / "known-projects.json").write_text("[[")
    assert launch(host, ".") == []
    assert len(json.loads((host.config / "known-projects.json").read_text())) == 1


def test_links_out_are_said_with_the_way_to_have_them(host):
    shared = host.mkdir("shared")
    (host.project / "s").symlink_to("../shared")
    (host.project / "in").symlink_to("s")
    (host.project / "python").symlink_to("/usr/bin/env")
    (host.project / "gone").symlink_to("../nowhere")
    (line,) = launch(host, ".")
    assert f"in -> {shared}, s -> {shared}. To have it there: jailed {host.project} {shared}" in line
    assert launch(host, ".", shared) == launch(host, "-q", ".") == []


def test_what_a_killed_jailed_had_begun_to_write_goes(host):
    """It stayed for good, one file each time."""
    host.run(".")
    nobody = host.config / "known-projects.json.999999999"  # no system has so many processes
    others = [host.config / f"known-projects.json.{os.getpid()}", host.config / "known-projects.json.bak"]
    for path in (nobody, *others):
        path.write_text("[")
    host.give(host.config)
    host.run(host.mkdir("other"))
    assert not nobody.exists() and all(path.exists() for path in others)
    assert len(json.loads((host.config / "known-projects.json").read_text())) == 2
