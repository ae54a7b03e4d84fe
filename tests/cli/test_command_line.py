"""The whole argument list that an engine gets, against files in golden/.

JAILED_UPDATE_GOLDEN=1 writes them anew; read the difference before you commit it.
"""
import os
import re
from pathlib import Path

import pytest
from harness import IS_ROOT, STRANGER, Call, Host

GOLDEN = Path(__file__).resolve().parent / "golden"


def normal(host: Host, call: Call) -> str:
    text = "\n".join(call.args) + "\n"
    session = re.search(r"^jailed\.session=([0-9a-f]{12})$", text, re.MULTILINE).group(1)
    text = text.replace(session, "<session>")
    for name, path in [("<config>", host.config), ("<project>", host.project), ("<home>", host.home)]:
        text = text.replace(str(path), name)
    text = re.sub(r"^jailed\.version=.*$", "jailed.version=<version>", text, flags=re.MULTILINE)
    text = re.sub(r"^nofile=\d+:\d+$", "nofile=<files>", text, flags=re.MULTILINE)  # as many as this machine allows
    if host.caller:
        text = re.sub(rf"\b{host.caller}\b", "<uid>", text)
    return text


def check(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("JAILED_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text.splitlines() == path.read_text().splitlines()


OPTIONS = ["--memory", "8g", "--cpus", "1.5", "--pids", "512", "--env", "SECRET=hunter2", "--env", "PATH=/x", ".", "--",
           "sh", "-c", "echo $HOME; exit", ""]


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_a_callers_jail(new_host, kernel_host, engine):
    host = kernel_host(engine) if engine == "podman" else new_host(engine)
    assert host.run(*OPTIONS, env={"GH_TOKEN": "t", "AIDER_MODEL": "m"}).code == 0
    (call,) = host.fakes.calls
    assert call.program == str(host.fakes.bin / engine)
    check(f"{engine}-user.txt", normal(host, call))


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_roots_jail(root_host, engine):
    host = root_host
    host.fakes.add(engine)
    result = host.run("--runtime", engine, "--memory", "8g", ".")
    if "cannot be handed to a jail without root" in result.err:
        pytest.skip("no idmapped mounts here")
    assert result.code == 0
    (call,) = host.fakes.calls
    check(f"{engine}-root.txt", normal(host, call))


def test_the_default_command_is_a_login_shell(host):
    host.run(".")
    assert host.fakes.calls[0].args[-3:] == ["jailed:latest", "zsh", "-l"]


@pytest.mark.parametrize("command", [["claude"], ["sh", "-c", "a 'b' \"c\" $d\n*"], ["--help"], ["-it", "--", "-v"], [""]])
def test_a_command_arrives_word_by_word(host, command):
    host.run(".", "--", *command)
    words = host.fakes.calls[0].args
    assert words[words.index("jailed:latest") + 1:] == command


def test_a_commands_bytes_need_not_be_utf_8(host):
    host.run(".", "--", b"caf\xe9")
    assert host.fakes.calls[0].raw_args[-1] == b"caf\xe9"


def test_the_terminal_is_asked_for_only_when_both_ends_are_one(host):
    host.run(".")
    assert "-t" not in host.fakes.calls[0].args
    child = host.terminal(".")
    child.expect("(?s).*$")
    child.wait()
    assert host.fakes.calls[1].args[:4] == ["run", "--rm", "-i", "-t"]


def test_input_and_output_are_the_commands(host):
    host.fakes.on("run", "/bin/cat; echo to-stderr >&2")
    result = host.run(".", input=b"line one\nline two")
    assert result.out == "line one\nline two"
    assert result.err == "to-stderr\n"


def test_the_sudo_user_is_who_the_jail_is(root_host):
    host = root_host
    os.chown(host.project, STRANGER, STRANGER)
    result = host.run(".", env={"SUDO_UID": "12345", "SUDO_GID": "12346"})
    if "cannot be handed to a jail without root" in result.err:
        pytest.skip("no idmapped mounts here")
    call = host.fakes.calls[0]
    assert call.values("--user") == ["12345:12346"]
    # Held by root: the user who owns it cannot put another directory there any more.
    assert re.fullmatch("/run/jailed/[0-9a-f]{12}/workspace", call.mounts["/workspace"])


def test_the_projects_owner_is_who_roots_jail_is(root_host):
    host = root_host
    os.chown(host.project, STRANGER, STRANGER)
    result = host.run(".")
    if "cannot be handed to a jail without root" in result.err:
        pytest.skip("no idmapped mounts here")
    call = host.fakes.calls[0]
    assert call.values("--user") == [f"{STRANGER}:{STRANGER}"]
    # Held by root: the user who owns it cannot put another directory there any more.
    assert re.fullmatch("/run/jailed/[0-9a-f]{12}/workspace", call.mounts["/workspace"])


def test_another_directory_put_in_the_place_of_roots_project_is_not_mounted(root_host):
    """The owner waits for root's look at it to be over, which is when git is asked, and leads the path elsewhere."""
    host = root_host
    os.chown(host.project, STRANGER, STRANGER)
    (host.project / "mine").touch()
    (host.project / ".git").mkdir()
    (host.mkdir("secret") / "key").touch()
    host.fakes.add("git")
    host.fakes.on("-C", f"/bin/mv {host.project} {host.directory}/moved; /bin/ln -s {host.directory}/secret {host.project}")
    host.fakes.on("run", """
for word; do case $word in *,target=/workspace) word=${word#type=bind,source=}; /bin/ls "${word%%,target=*}" >>"$fake/notes" ;; esac; done
""")
    result = host.run("--git", "none", ".")
    if "cannot be handed to a jail without root" in result.err:
        pytest.skip("no idmapped mounts here")
    assert host.fakes.notes == ["mine"], result.err


def test_roots_own_project_appears_as_the_jails_users(root_host):
    host = root_host
    (host.project / "file").write_text("x")
    host.fakes.on("run", """
for word; do case $word in *,target=/workspace) word=${word#type=bind,source=}; source=${word%%,target=*} ;; esac; done
note "$source"
/usr/bin/stat -c '%u %g' "$source/file" >>"$fake/notes"
/bin/ls "$source/.." >>"$fake/notes"
""")
    result = host.run(".")
    if "cannot be handed to a jail without root" in result.err:
        pytest.skip("no idmapped mounts here")
    source, owner, *names = host.fakes.notes
    assert source.startswith("/run/jailed/") and source.endswith("/workspace")
    assert owner == "1000 1000"
    assert sorted(names) == ["config", "workspace"]
    assert not Path(source).parent.exists()
    assert (host.project / "file").read_text() == "x"


def test_the_memory_limit_is_three_quarters_of_the_machines(host):
    host.run(".")
    call = host.fakes.calls[0]
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert call.values("--memory") == call.values("--memory-swap") == [str(machine // 4 * 3)]


def test_one_process_of_the_engine_and_git_is_all_that_runs(host):
    """The engine is called once; nothing else is started but git, which is not on PATH here."""
    host.run(".")
    assert [call.args[0] for call in host.fakes.calls] == ["run"]


def test_gits_name_and_address_come_along(host):
    host.fakes.add("git")
    host.fakes.on("-C", '''printf 'user.name\\nAda "L"\\0user.email\\nada@example.org\\0' ''')
    host.fakes.on("run", '/bin/cat "$(session "$@")/gitconfig" >>"$fake/notes"')
    host.run(".")
    git = host.fakes.called("-C")[0]
    assert git.args[:9] == ["-C", str(host.project), "-c", "safe.bareRepository=explicit", "config", "--global", "--includes", "--null", "--get-regexp"]
    assert git.args[9].startswith("^(user\\.name|user\\.email|")
    assert host.fakes.notes == ["[user]", '\tname = "Ada \\"L\\""', '\temail = "ada@example.org"']


def test_no_git_no_identity(host):
    host.fakes.on("run", '/bin/cat "$(session "$@")/gitconfig" >>"$fake/notes"; note end')
    assert host.run(".").code == 0
    assert host.fakes.notes == ["end"]


@pytest.mark.skipif(not IS_ROOT, reason="the caller is this user")
def test_a_caller_without_an_account_has_a_name_in_the_jail(host):
    host.fakes.on("run", '/bin/cat "$(session "$@")/passwd" "$(session "$@")/group" >>"$fake/notes"')
    host.run("--user", "ada", ".")
    assert f"ada:x:{STRANGER}:{STRANGER}:ada:/home/ada:/bin/zsh" in host.fakes.notes
    assert f"ada:x:{STRANGER}:" in host.fakes.notes


def test_what_only_looks_like_a_dry_run_is_refused(host):
    """`jailed git import --dry-run` imported."""
    for verb in ("import", "drop", "log"):
        result = host.run("git", verb, "--dry-run")
        assert result.code == 2 and "--dry-run" in result.err and host.fakes.calls == []
