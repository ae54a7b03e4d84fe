"""What the host would run: read-only in the jail, reported at the end, moved away where it is critical. The fake engine
does what an agent would."""
import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from harness import ROOT, wait_until

RESTORE = "to take it: "


def put(host, name: str, text: str = "x\n", mode: int = 0o644) -> Path:
    path = host.project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    host.give(host.project)
    return path


def jail(host, script: str = "true", *options: str, code: int = 0):
    """A launch whose agent runs `script` in the project; its report, without jailed's prefix."""
    host.fakes.on("run", f"cd {shlex.quote(str(host.project))} || exit 99\nnote ran\n{script}\nexit {code}")
    done = host.run(*options, str(host.project), "--", "true")
    assert done.code == code, done.err
    return [line.removeprefix("[jailed] ") for line in done.err.splitlines()]


def guards(host) -> dict[str, bool]:
    """Mounts inside the workspace, but for git's: path -> read-only."""
    fields = host.fakes.called("run")[-1].mount_fields()
    at = {place: sorted((each["source"], each["target"].removeprefix(place), "readonly" in each) for each in fields if each["target"].startswith(place))
          for place in ("/workspace", str(host.project))}
    assert at["/workspace"] == at[str(host.project)]  # nothing is left open at one of the two
    return {each["target"].removeprefix("/workspace/"): "readonly" in each for each in fields
            if each["target"].startswith("/workspace/") and not each["target"].startswith("/workspace/.git")}


def quarantined(host) -> list[str]:
    return [name for session in host.sessions for name in sorted(os.listdir(host.config / "sessions" / session / "quarantine"))]


def git_shape(host, name: str, *more: str) -> None:
    for each in ("objects", "refs", *more):
        (host.project / name / each).mkdir(parents=True)
    put(host, name + "/HEAD", "ref: refs/heads/main\n")
    put(host, name + "/config", "[core]\n")


SHAPE = "mkdir -p {0}/objects {0}/refs && echo ref: refs/heads/x >{0}/HEAD"


def test_nothing_to_say(host):
    for name in ("Makefile", ".envrc", "src/main.c"):
        put(host, name)
    assert jail(host, "echo y >>src/main.c; touch Makefile; cp .envrc x; cat x >.envrc; rm x") == []
    assert host.sessions == []


def test_one_call_of_the_engine_and_no_other_program(host):
    put(host, ".envrc")
    jail(host, "mkdir .vscode; echo >.vscode/tasks.json")
    assert [call.args[0] for call in host.fakes.calls] == ["run"]


def test_the_report(host):
    put(host, "Makefile")
    put(host, "app/package.json")
    lines = jail(host, "echo y >>Makefile; echo y >app/package.json; echo >app/AGENTS.md; rm -f nothing", code=3)
    assert lines == [
        "changed files that your tools run by themselves:",
        "  high     new     app/AGENTS.md     agents: start: instructions",
        "  high     changed Makefile          make: make",
        "  high     changed app/package.json  npm and its kin: install, run",
    ]
    assert host.sessions == []


@pytest.mark.parametrize("closed", ["sub\r/.git/hooks", "sub\r/.git", "sub\r/.git/modules/x/hooks"])
def test_a_hook_where_nothing_can_be_listed_is_no_secret(host, closed):
    """Git finds it by its name. Nothing can be mounted on a path with a carriage return, so this repository the jail can write."""
    git_shape(host, "sub\r/.git", "hooks", "modules/x/hooks")
    place = "$(printf '%s')" % closed.replace("\r", "\\r")
    hooks = place if closed.endswith("hooks") else place + "/hooks"
    lines = jail(host, f'echo evil >"{hooks}/post-checkout" && chmod 311 "{place}"')
    assert any(line.startswith("  critical unreadable sub\\015/.git ") for line in lines), lines


def test_removal_is_no_news(host):
    put(host, "Makefile")
    put(host, ".envrc")
    assert jail(host, "rm Makefile .envrc") == []


def test_a_renamed_directory_is_no_news(host):
    put(host, "old/Makefile")
    put(host, "old/.vscode/tasks.json")
    assert jail(host, "mv old new") == []


def test_what_is_automatic_and_critical_is_read_only(host):
    for name in (".envrc", ".vscode/tasks.json", ".vscode/settings.json", "deep/down/.envrc", ".claude/settings.local.json", "Makefile"):
        put(host, name, name)
    git_shape(host, "nested/.git")
    git_shape(host, "fixture.git")
    host.fakes.on("run", f'cd {shlex.quote(str(host.project))}\nfor each; do case $each in *guard/*) each=${{each#*source=}}; '
                         'note "$(/bin/cat "${each%%,*}")";; esac; done')  # fmt: skip
    assert host.run(str(host.project)).code == 0
    assert guards(host) == {".envrc": True, ".vscode": False, ".vscode/tasks.json": True, "deep/down/.envrc": True, ".claude": False,
                            ".claude/settings.local.json": True, "nested/.git": True, "fixture.git": True}  # fmt: skip
    # Each is mounted at both places of the project.
    assert sorted(host.fakes.notes) == sorted([".claude/settings.local.json", ".envrc", ".vscode/tasks.json", "deep/down/.envrc"] * 2)


def test_files_are_mounted_as_copies(host):
    """What the engine opens by name is not in the project, where something could turn it into a link."""
    put(host, ".envrc")
    jail(host)
    source = host.fakes.called("run")[-1].mounts["/workspace/.envrc"]
    assert source.startswith(str(host.config / "sessions"))


def test_a_link_is_not_followed_to_the_outside(host):
    secret = host.directory / "secret"
    secret.write_text("secret")
    (host.project / ".envrc").symlink_to(secret)
    (host.project / ".vscode").symlink_to("/etc")
    host.give(host.project)
    jail(host)
    assert guards(host) == {}


def test_a_link_within_the_project_guards_what_it_leads_to(host):
    put(host, "config/envrc")
    (host.project / ".envrc").symlink_to("config/envrc")
    assert list(guards_of(host)) == ["config/envrc"]


def guards_of(host, *options):
    jail(host, "true", *options)
    return guards(host)


def test_what_an_envrc_reads_is_guarded(host):
    put(host, ".envrc", "source_env lib\n. ./vars.sh\n")
    put(host, "vars.sh")
    put(host, "lib/.envrc")
    assert sorted(guards_of(host)) == [".envrc", "lib/.envrc", "vars.sh"]
    # Also where it cannot be mounted: the end sees it.
    assert any("vars.sh" in line for line in jail(host, "echo evil >vars.sh"))


@pytest.mark.parametrize("where", ["repository", "user"])
def test_hooks_that_the_settings_name_are_guarded(host, where):
    git_shape(host, ".git")
    text = "[core]\n\thooksPath = tools/hooks\n[include]\n\tpath = ../team.inc\n"
    if where == "repository":
        put(host, ".git/config", text)
    else:
        (host.home / ".gitconfig").write_text(text)
        host.give(host.home)
    put(host, "tools/hooks/pre-commit", mode=0o755)
    if where == "repository":
        put(host, "team.inc")
        assert guards_of(host) == {"team.inc": True, "tools": False, "tools/hooks": True}
    else:
        assert guards_of(host) == {"tools": False, "tools/hooks": True}
    # As in a jail that is synced, where nothing of the project is mounted.
    lines = jail(host, "echo evil >>tools/hooks/pre-commit")
    assert lines[1].split()[:3] == ["critical", "changed", "tools/hooks/pre-commit"]
    lines = jail(host, "rm -rf tools; mkdir -p tools/hooks; echo evil >tools/hooks/post-checkout")
    assert any("tools/hooks/post-checkout" in line and "core.hookspath" in line for line in lines)
    assert not (host.project / "tools/hooks/post-checkout").exists()


NAMED_ONLY = {
    "hooks": ("[core]\n\thooksPath = .githooks\n", ".githooks/post-checkout"),
    "husky": ("[core]\n\thooksPath = .husky/_\n", ".husky/_/pre-commit"),
    "an included file": ("[include]\n\tpath = ../team.inc\n", "team.inc"),
    "a filter": ('[filter "tidy"]\n\tclean = ./clean %f\n', "clean"),
    "a monitor": ("[core]\n\tfsmonitor = tools/watch\n", "tools/watch"),
    "a hook": ('[hook "lint"]\n\tevent = pre-commit\n\tcommand = ./tools/lint --fast\n', "tools/lint"),
}


@pytest.mark.parametrize("case", NAMED_ONLY.values(), ids=NAMED_ONLY.keys())
def test_what_settings_name_is_guarded_where_it_is_not_there_yet(host, case):
    """A hooks directory that the user has in some projects (git config --global core.hooksPath .githooks) and that the agent makes in another."""
    text, path = case
    git_shape(host, ".git")
    put(host, ".git/config", text)
    lines = jail(host, f"mkdir -p $(dirname {path}); echo evil >{path}; chmod +x {path}")
    assert any(line.split()[:3] == ["critical", "new", path] for line in lines), lines
    assert not (host.project / path).exists()
    assert not any(path in line for line in jail(host, "mkdir -p src; echo >src/file"))


def test_allow_edit(host):
    for name in (".envrc", ".vscode/tasks.json", "sub/.envrc"):
        put(host, name)
    assert guards_of(host, "--allow-edit", ".envrc") == {".vscode": False, ".vscode/tasks.json": True}
    assert guards_of(host, "--allow-edit", "/.envrc", "--allow-edit", ".vscode") == {"sub/.envrc": True}
    assert guards_of(host, "--allow-edit", "**") == {}
    lines = jail(host, "echo y >>.envrc; mkdir new; echo >new/.envrc", "--allow-edit", "**")
    assert [line.split()[:3] for line in lines[1:]] == [["critical", "changed", ".envrc"], ["critical", "new", "new/.envrc"]]
    assert (host.project / "new/.envrc").exists() and host.sessions == []
    host.env["JAILED_ALLOW_EDIT"] = "/sub/**:.envrc"
    assert guards_of(host) == {".vscode": False, ".vscode/tasks.json": True}


@pytest.mark.parametrize("glob", ["", "/", "../x", "a/../../x"])
def test_allow_edit_must_name_something_in_the_project(host, glob):
    done = host.run("--allow-edit", glob, str(host.project))
    assert done.code == 2 and "--allow-edit" in done.err
    assert not host.fakes.calls


CRITICAL = {
    "a nested repository": ("mkdir sub; " + SHAPE.format("sub/.git"), "sub/.git"),
    "a .git file": ("mkdir sub; echo gitdir: ../x >sub/.git", "sub/.git"),
    "a .git link": ("mkdir sub x; ln -s ../x sub/.git", "sub/.git"),
    "a bare repository": (SHAPE.format("b.git"), "b.git"),
    "a bare shape among other files": (SHAPE.format("src") + "; echo >src/main.c", "src/HEAD"),
    "a bare shape at the root": (SHAPE.format("."), "HEAD"),
    "a shape with a commondir": ("mkdir c; echo x >c/HEAD; echo ../x >c/commondir", "c"),
    "a repository in node_modules": ("mkdir -p node_modules/x; " + SHAPE.format("node_modules/x/.git"), "node_modules/x/.git"),
    "one in node_modules that cannot be listed": (SHAPE.format("node_modules/x/.git") + "; chmod 311 node_modules/x/.git", "node_modules/x/.git"),
    "a bare one in node_modules": (SHAPE.format("node_modules/x"), "node_modules/x"),
    "a repository in a closed directory": (SHAPE.format("shut/.git") + "; chmod 111 shut", "shut/.git"),
    "a repository in a directory that can only be listed": (SHAPE.format("shut/.git") + "; chmod 400 shut", "shut/.git"),
    "a repository far down in such a one": (SHAPE.format("shut/a/.git") + "; chmod 600 shut/a; chmod 600 shut", "shut/a/.git"),
    "a repository that can only be listed": (SHAPE.format("node_modules/x/.git") + "; chmod 600 node_modules/x/.git", "node_modules/x/.git"),
    "an .envrc in a directory that can only be listed": ("mkdir shut; echo evil >shut/.envrc; chmod 600 shut", "shut/.envrc"),
    "a link out in a directory that can only be listed": ("mkdir shut; ln -s /etc/passwd shut/out; chmod 600 shut", "shut/out"),
    "a repository in read-only directories": (SHAPE.format("shut/.git") + "; chmod 555 shut shut/.git", "shut/.git"),
    "a link out of the project": ("ln -s /etc/passwd out", "out"),
    "a link up and out": ("mkdir a; ln -s ../../.. a/out", "a/out"),
    "a link out by another": ("mkdir -p a/b; ln -s a/b/.. l; ln -s l/../../x out", "l"),
    "an .envrc": ("echo evil >.envrc", ".envrc"),
    "tasks of an editor": ("mkdir .vscode; echo >.vscode/tasks.json", ".vscode/tasks.json"),
    "hooks of an agent": ("mkdir -p a/.claude; echo >a/.claude/settings.json", "a/.claude/settings.json"),
    "a plugin": ("mkdir -p .opencode/plugins/x; echo >.opencode/plugins/x/y.js", ".opencode/plugins/x/y.js"),
}


@pytest.mark.parametrize("name", CRITICAL)
def test_what_is_new_and_critical_is_moved_away_and_can_be_taken(host, name):
    script, path = CRITICAL[name]
    lines = jail(host, script, code=7)
    assert lines[0] == "changed files that your tools run by themselves:"
    at = next(i for i, line in enumerate(lines) if line.split()[:3] == ["critical", "new", path])
    assert not os.path.lexists(host.project / path)
    command = lines[at + 1].partition(RESTORE)[2]
    subprocess.run(["/usr/bin/setpriv", f"--reuid={host.caller}", f"--regid={host.caller}", "--clear-groups", "bash", "-c", command]
                   if host.uid is not None else ["bash", "-c", command], check=True)  # fmt: skip
    assert os.path.lexists(host.project / path)
    if path == "HEAD":  # now a bare repository, which no jail is made around
        return
    # What the user took is the user's from now on.
    for _ in range(2):
        assert not any(line.split()[1:3] == ["new", path] for line in jail(host))
    kept = quarantined(host)
    assert len(kept) == len(lines[1:]) // 2 - 1


def test_a_quarantined_repository_is_closed(host):
    jail(host, SHAPE.format("sub/.git"))
    (session,) = host.sessions
    place = host.config / "sessions" / session / "quarantine/1-git"
    assert place.stat().st_mode & 0o777 == 0
    assert "mv -i" in (place.parents[1] / "quarantine.txt").read_text()


def test_links_of_the_user_and_within_the_project_stay(host):
    put(host, "a/b")
    (host.project / "mine").symlink_to("/etc/passwd")
    host.give(host.project)
    assert jail(host, "ln -s a/b in; ln -s ../a/b a/in; ln -s nowhere dangling") == []
    assert (host.project / "mine").is_symlink()


def test_a_link_that_leads_out_since_a_directory_was_renamed_is_moved_away(host):
    """Its own time is as old as before."""
    (host.project / "a/b").mkdir(parents=True)
    (host.project / "a/b/l").symlink_to("../../x")
    host.give(host.project)
    lines = jail(host, "mv a/b b")
    assert any("critical new     b/l" in line for line in lines), lines
    assert len(quarantined(host)) == 1 and not (host.project / "b/l").is_symlink()


@pytest.mark.parametrize("script", ["mv a/b a/c", "mv a c", "echo >a/b/new; mkdir a/d", "mv mine other; mv other mine"])
def test_links_whose_directory_was_renamed_stay_where_they_lead_where_they_led(host, script):
    for name in ("a/b", "mine/deep"):
        (host.project / name).mkdir(parents=True)
    (host.project / "a/b/l").symlink_to("../../x")
    (host.project / "mine/deep/out").symlink_to("../../../elsewhere")  # the user's own
    host.give(host.project)
    assert jail(host, script) == []


def test_in_trees_of_which_nothing_is_remembered_such_a_link_is_told_and_stays(host):
    (host.project / "node_modules/a/b").mkdir(parents=True)
    (host.project / "node_modules/a/b/l").symlink_to("../../../x")
    host.give(host.project)
    lines = jail(host, "mv node_modules/a/b node_modules/b")
    assert any("critical new     node_modules/b/l" in line for line in lines), lines
    assert (host.project / "node_modules/b/l").is_symlink()


def test_a_repository_of_many_levels_is_moved_to_another_file_system(host):
    config = Path("/dev/shm") / host.directory.name
    if not config.parent.is_dir() or config.parent.stat().st_dev == host.project.stat().st_dev:
        pytest.skip("/dev/shm is no other file system")
    try:
        config.mkdir(mode=0o700)
        os.chown(config, host.caller, host.caller)
        host.env["JAILED_CONFIG_DIR"] = str(config)
        levels = "mkdir -p sub/.git && cd sub/.git && i=0 && while [ $i -lt 1500 ]; do mkdir d && cd d && i=$((i+1)); done; echo evil >end"
        lines = jail(host, levels)
        assert any("critical new     sub/.git" in line for line in lines), lines
        assert not (host.project / "sub/.git").exists()
        session, = os.listdir(config / "sessions")
        kept = config / "sessions" / session / "quarantine/1-git"
        kept.chmod(0o700)
        assert (kept / ("d/" * 1500) / "end").read_text() == "evil\n"
    finally:
        subprocess.run(["rm", "-rf", config], check=True)


def test_links_that_nobody_can_write_through_stay(host):
    """A virtual environment made in the jail."""
    script = "mkdir -p .venv/bin; ln -s /usr/bin/env .venv/bin/python; ln -s /workspace/nowhere made; ln -s /home/coder/.local/bin/x home"
    lines = jail(host, script)
    assert [line.split()[1:3] for line in lines[1:]] == [["changed", ".venv"]]
    assert (host.project / ".venv/bin/python").is_symlink() and (host.project / "made").is_symlink()


def test_a_guarded_file_that_changed_all_the_same_is_put_back(host):
    put(host, ".envrc", "mine\n", mode=0o755)
    lines = jail(host, "echo evil >.new; mv .new .envrc")
    assert lines[1].split()[:3] == ["critical", "changed", ".envrc"]
    assert "its former content is back" in lines[2]
    path = host.project / ".envrc"
    assert path.read_text() == "mine\n" and path.stat().st_mode & 0o777 == 0o755 and path.stat().st_uid == host.caller
    subprocess.run(["bash", "-c", lines[2].partition(RESTORE)[2]], check=True)
    assert path.read_text() == "evil\n"


def test_a_repository_that_was_replaced(host):
    git_shape(host, "sub/.git")
    lines = jail(host, "mv sub old; " + SHAPE.format("sub/.git"))
    assert [line.split()[:3] for line in lines[1::2]] == [["critical", "changed", "sub/.git"]]
    assert (host.project / "old/.git/config").exists() and not (host.project / "sub/.git").exists()


def test_settings_of_a_repository_that_could_not_be_mounted(host):
    """Beside another jail of the project, directories are watched only."""
    git_shape(host, "sub/.git")
    put(host, ".envrc")
    host.fakes.on("run", '[ -e "$fake/second" ] && { echo evil >>sub/.git/config; exit 0; }; note up; '
                         'while [ ! -e "$fake/go" ]; do /bin/sleep 0.05; done')  # fmt: skip
    first = host.start(str(host.project), "--", "true")
    wait_until(lambda: host.fakes.notes)
    (host.fakes.directory / "second").touch()
    second = host.run(str(host.project), "--", "true")
    (host.fakes.directory / "go").touch()
    first.communicate(timeout=20)
    assert guards(host) == {".envrc": True}
    assert "can be changed in the jail" in second.err
    assert "critical changed sub/.git/config" in second.err and not (host.project / "sub/.git/config").exists()


def test_beside_a_jail_that_was_left_alone_directories_are_watched_only(host):
    """It runs, although nobody holds its session: what it can replace meanwhile the engine must not mount by its path."""
    git_shape(host, "sub/.git")
    put(host, ".vscode/tasks.json")
    assert host.run("--detach", str(host.project), "--", "true").code == 0
    second = host.run(str(host.project), "--", "true")
    assert guards(host) == {".vscode/tasks.json": True} and "can be changed in the jail" in second.err


def test_the_place_of_a_mount_stays_while_a_jail_that_was_left_alone_runs(host):
    """Without it that one could make a repository which git here would obey."""
    host.fakes.on("run", 'case "$*" in *first*) note up; while [ ! -e "$fake/go" ]; do /bin/sleep 0.05; done;; esac')
    first = host.start(str(host.project), "--", "first")
    wait_until(lambda: host.fakes.notes)
    name = host.run("--detach", str(host.project), "--", "true").out.strip()
    (host.fakes.directory / "go").touch()
    assert first.wait(20) == 0
    assert (host.project / ".git").is_dir()
    assert host.run("stop", name).code == 0 and host.sessions == []
    assert not (host.project / ".git").exists()


def test_large_trees_are_one_line(host):
    put(host, "node_modules/x/index.js", "old")
    lines = jail(host, "echo evil >node_modules/x/index.js; echo >node_modules/x/new.js; mkdir -p sub/node_modules; echo >sub/node_modules/a")
    assert [line.split("  ")[:-1] for line in lines[1:]] == [["", "high     changed node_modules (2 files)"], ["", "high     changed sub/node_modules"]] or [
        line.split()[:3] for line in lines[1:]] == [["high", "changed", "node_modules"], ["high", "changed", "sub/node_modules"]]  # fmt: skip
    assert "(2 files)" in lines[1]


def test_names_cannot_speak_to_the_terminal(host):
    name = "a\x1b]0;owned\x07\n[jailed] all is well"
    lines = jail(host, f"mkdir {shlex.quote(name)}; echo >{shlex.quote(name)}/.envrc")
    assert len(lines) == 3
    assert "\x1b" not in "".join(lines) and "\\033" in lines[1]
    subprocess.run(["bash", "-c", lines[2].partition(RESTORE)[2]], check=True)
    assert (host.project / name / ".envrc").exists()


def test_json(host):
    put(host, "Makefile")
    host.fakes.on("run", f"cd {host.project}; echo y >>Makefile; echo >.envrc; exit 4")
    done = host.run("--report", "json", str(host.project), "--", "true")
    assert done.code == 4 and done.out == ""
    report = json.loads(done.err)
    assert report["project"] == str(host.project) and report["session"] == host.sessions[0]
    assert [(each["path"], each["change"], each["severity"], each["trigger"], each["quarantined"]) for each in report["changed"]] == [
        (".envrc", "new", "critical", "automatic", True), ("Makefile", "changed", "high", "action", False)]  # fmt: skip
    assert Path(report["changed"][0]["kept_as"]).read_text() == "\n"
    subprocess.run(["bash", "-c", report["changed"][0]["restore"]], check=True)
    assert (host.project / ".envrc").exists()
    assert host.run("--report", "xml", str(host.project)).code == 2


def test_a_session_stays_for_as_long_as_it_holds_something(host):
    jail(host, "echo evil >.envrc")
    kept = host.sessions
    assert quarantined(host) == ["1-envrc"]
    lines = jail(host)
    assert len(lines) == 1 and "left files in quarantine" in lines[0] and kept[0] in lines[0]
    other = host.mkdir("other")
    assert host.run(str(other), "--", "true").err == ""
    assert host.sessions == kept
    (host.config / "sessions" / kept[0] / "quarantine/1-envrc").unlink()
    assert jail(host) == []
    assert host.sessions == []


@pytest.mark.parametrize("then", ["launch", "import", "drop"])
def test_after_kill_9_the_next_command_tells(host, then):
    put(host, "Makefile")
    git_shape(host, ".git")
    host.fakes.on("run", f"cd {host.project}; note up; exec >/dev/null 2>&1; while [ ! -e $fake/go ]; do /bin/sleep 0.05; done")
    child = host.start(str(host.project), "--", "true")
    wait_until(lambda: host.fakes.notes)
    child.send_signal(signal.SIGKILL)
    child.wait()
    (host.fakes.directory / "go").touch()
    put(host, "Makefile", "evil\n")
    put(host, ".envrc", "evil\n")
    if then != "launch":
        put(host, f"../home/.config/jailed/sessions/{host.sessions[0]}/git/refs/heads/new", "1" * 40 + "\n")
        host.give(host.config)
        done = host.run("git", then, host.sessions[0])
    else:
        host.fakes.on("run", "true")
        done = host.run(str(host.project), "--", "true")
    assert "critical new     .envrc" in done.err and "high     changed Makefile" in done.err, done.err
    assert not (host.project / ".envrc").exists() and quarantined(host) == ["1-envrc"]
    host.fakes.on("run", "true")
    assert "Makefile" not in host.run(str(host.project), "--", "true").err


def test_many_guards_are_bounded(host):
    for i in range(100):
        put(host, f"d{i}/.envrc")
    lines = jail(host, "echo evil >.x; mv .x d99/.envrc")
    assert len(guards(host)) == 64
    assert lines[0].startswith("36 more files or repositories")
    assert any("d99/.envrc" in line for line in lines)


def test_the_page_is_made_from_the_table():
    subprocess.run([str(ROOT / "scripts/host-execution-doc"), "--check"], check=True)


def test_a_clock_that_was_set_back_hides_nothing(host):
    """In trees of which nothing is remembered, only the time of the change tells."""
    put(host, "node_modules/x/index.js")
    jail(host, "touch -d '2001-01-01' node_modules/x/index.js")
    lines = jail(host, "echo evil >node_modules/x/index.js; touch -d '2001-01-01' node_modules/x/index.js")
    assert "node_modules" in lines[1]


def test_dry_run_shows_the_guards_and_makes_nothing(host):
    put(host, ".envrc")
    before = host.snapshot()
    done = host.run("--dry-run", str(host.project))
    assert ",target=/workspace/.envrc,readonly" in done.out
    assert host.snapshot() == before




def test_many_links_far_below_a_directory_that_was_renamed_take_no_time_each(host):
    """For each of them every directory above was opened, and its path resolved, from the root."""
    here = host.project / "top"
    here.mkdir()
    deep = here / "/".join(["d"] * 500)
    deep.mkdir(parents=True)
    for number in range(3000):
        (deep / f"link{number}").symlink_to("../../inside")
    host.give(host.project)
    host.fakes.on("run", "/bin/mv top other")
    assert host.run(".", timeout=20).code == 0
