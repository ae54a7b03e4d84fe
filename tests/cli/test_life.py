"""Jails that are there: ls, shell, exec, stop, sync, --detach; and how often the engine is asked."""
import json
import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from harness import exit_code, wait_until

NAME = re.compile(r"jailed-project-[0-9a-f]{12}")


def jail(number: int, project: str = "/p/app", state: str = "running", sync: str = "", detached: str = "true", role: str = "",
         further: dict = {}) -> dict:  # fmt: skip
    session = f"{number:012x}"
    slug = re.sub(rb"[^A-Za-z0-9._-]", b"-", os.fsencode(project.rsplit("/", 1)[1])).decode()
    return {"name": f"jailed-{slug}-{session}", "session": session, "project": project, "state": state,
            "sync": sync, "detached": detached, "role": role, "projects": " ".join(f"{name}:{quote(path)}" for name, path in further.items())}  # fmt: skip


def listing(engine: str, jails: list[dict]) -> str:
    """What `ps` of this engine says of these jails."""
    if engine == "docker":
        lines = [[j["name"], j["session"], j["project"], "jailed:latest", j["state"], "2 hours ago", j["sync"], j["detached"], j["role"],
                  j["projects"], f"{j['session']:f>64}"]
                 for j in jails]  # fmt: skip
        return "".join(json.dumps(line) + "\n" for line in lines)
    return json.dumps([
        {"Names": [j["name"]], "Image": "jailed:latest", "State": j["state"], "CreatedAt": "2 hours ago",
         "Labels": {f"jailed.{key}": j[key] for key in ("session", "project", "sync", "detached", "role", "projects") if j[key]}}
        for j in jails])  # fmt: skip


def volume(j: dict) -> dict:
    return {"Name": j["name"], "Labels": {"jailed.session": j["session"], "jailed.project": j["project"], "jailed.owner": j["owner"],
                                          "jailed.image": "jailed:latest", "jailed.user": "coder", "jailed.identity": "7:7"}}  # fmt: skip


class Machine:
    """A host, and what its engine knows of."""

    def __init__(self, host, engine: str) -> None:
        self.host = host
        self.engine = engine
        host.fakes.on("ps", '/bin/cat "$fake/listing"')
        host.fakes.on("volume", 'case $2 in ls) /bin/cat "$fake/volumes";; inspect) /bin/cat "$fake/volume-labels";; esac')
        self.knows([])
        self.keeps([])

    def record(self, j: dict) -> None:
        """The session that a launch of this configuration leaves for such a jail."""
        session = self.host.mkdir(f"home/.config/jailed/sessions/{j['session']}", 0o700)
        session.parent.chmod(0o700)
        if (session / "record").exists():
            return
        further = [[word.partition(":")[0], word.partition(":")[2]] for word in j["projects"].split()]
        text = {"id": j["session"], "project": quote(j["project"]), "place": "/workspace", "engine": self.engine, "sync": j["sync"] or "bind",
                "image": "jailed%3Alatest", "user": "coder", "uid": 7, "gid": 7, "allow": [], "seccomp": "jailed", "further": further, "beside": [],
                "syncs": []}  # fmt: skip
        (session / "record").write_text(json.dumps(text))
        if j["detached"]:
            (session / "detached").touch()
        self.host.give(self.host.home)

    def knows(self, jails: list[dict], sessions: bool = True) -> None:
        for j in jails if sessions else []:
            if not j["role"]:
                self.record(j)
        (self.host.fakes.directory / "listing").write_text(listing(self.engine, jails))

    def keeps(self, jails: list[dict], sessions: bool = True) -> None:
        """Volumes without a jail."""
        for j in jails:
            j["owner"] = str(self.host.caller)
            if sessions:
                self.record({**j, "sync": "mutagen", "detached": ""})
        (self.host.fakes.directory / "volumes").write_text("".join(j["name"] + "\n" for j in jails))
        (self.host.fakes.directory / "volume-labels").write_text(json.dumps([volume(j) for j in jails]))

    def asked(self) -> list[str]:
        """The engine's subcommands since the last time."""
        # The process that follows changes calls at its own time.
        calls = [call for call in self.host.fakes.calls
                 if call.program.endswith(self.engine) and call.args[:3] != ["exec", "--workdir", "/"]]  # fmt: skip
        fresh, self.seen = calls[getattr(self, "seen", 0):], len(calls)
        self.fresh = fresh
        return [" ".join(call.args[:2]) if call.args[0] == "volume" else call.args[0] for call in fresh]

    def detach(self, *words: str) -> str:
        """A jail of this host's project that was left running."""
        result = self.host.run("--detach", *words)
        assert result.code == 0, result.err
        name = result.out.strip()
        assert NAME.fullmatch(name), result
        self.asked()
        return name


@pytest.fixture(params=["docker", "podman"])
def machine(request, new_host):
    return Machine(new_host(request.param), request.param)


@pytest.fixture
def docker(new_host):
    return Machine(new_host("docker"), "docker")


@pytest.fixture
def synced(new_host):
    """Mutagen, whose daemon says that all is well."""
    host = new_host("docker")
    host.install_mutagen()
    return Machine(host, "docker")


def mutagens(machine) -> list[str]:
    return [call.args[1] for call in machine.host.fakes.called("sync")]


# --- ls -----------------------------------------------------------------------------------------


def test_no_jail(machine):
    host = machine.host
    result = host.run("ls")
    assert (result.code, result.err) == (0, "")
    assert result.out.split() == ["JAIL", "PROJECT", "ENGINE", "IMAGE", "AGE", "STATE", "SYNC", "AGENTS"]
    assert (host.run("ls", "-q").out, json.loads(host.run("ls", "--json").out)) == ("", [])
    assert machine.asked() == ["ps"] * 3


def test_fifty_jails_are_one_call(machine):
    machine.knows([jail(n, f"/p/app{n}", sync="mutagen" if n % 2 else "") for n in range(50)] + [jail(99, role="proxy")])
    table = machine.host.run("ls").out.splitlines()
    assert machine.asked() == ["ps"]
    assert len(table) == 51
    assert table[2].split() == ["jailed-app1-000000000001", "/p/app1", machine.engine, "jailed:latest", "2", "hours", "ago", "running", "(detached)", "mutagen", "-"]
    assert len({line.index("jailed:latest") for line in table[1:]}) == 1  # columns are columns
    names = machine.host.run("ls", "-q").out.split()
    assert names == [f"jailed-app{n}-{n:012x}" for n in range(50)]
    listed = json.loads(machine.host.run("ls", "--json").out)
    assert listed[1] == {"name": names[1], "session": "000000000001", "project": "/p/app1", "further": {}, "engine": machine.engine,
                         "image": "jailed:latest", "state": "running", "age": "2 hours ago", "sync": "mutagen", "detached": True,
                         "agents": None, "place": "/workspace"}  # fmt: skip
    assert machine.asked() == ["ps", "ps"]
    (call,) = [machine.fresh[0]]
    assert f"label=jailed.owner={machine.host.caller}" in call.args


@pytest.mark.parametrize("name", ["line\nbreak", "esc\x1b[2Jape", 'quo"te', "com,ma", "grün"])
def test_a_hostile_project_name_stays_in_its_line(machine, name):
    machine.knows([jail(1, f"/p/{name}")])
    out = machine.host.run("ls").out
    assert len(out.splitlines()) == 2 and "\x1b" not in out
    assert json.loads(machine.host.run("ls", "--json").out)[0]["project"] == f"/p/{name}"


@pytest.mark.parametrize("words", ["no JSON\n[1, 2]\n", "{}", "[[]]", '[{"Names": 3}]\n["a"]\n'])
def test_an_answer_that_cannot_be_read_names_no_jail(machine, words):
    (machine.host.fakes.directory / "listing").write_text(words)
    assert machine.host.run("ls", "-q").out == ""


def test_an_engine_that_does_not_answer(docker):
    docker.host.fakes.on("ps", "echo 'Cannot connect to the Docker daemon at unix:///x.' >&2; exit 1")
    result = docker.host.run("ls")
    assert (result.code, result.out) == (125, "")
    assert "daemon does not answer" in result.err
    docker.host.fakes.on("ps", "echo 'something new' >&2; exit 1")
    assert "does not say which jails there are: something new" in docker.host.run("ls").err


def test_volumes_are_asked_for_only_when_a_session_is_without_its_jail(machine):
    kept = jail(7, "/p/lost")
    machine.keeps([kept], sessions=False)
    assert machine.host.run("ls", "-q").out == ""
    assert machine.asked() == ["ps"]
    machine.keeps([kept])
    table = machine.host.run("ls").out.splitlines()
    assert machine.asked() == ["ps", "volume ls", "volume inspect"]
    assert table[1].split() == [kept["name"], "/p/lost", machine.engine, "jailed:latest", "unsynced", "mutagen", "-"]


# --- which jail is meant ------------------------------------------------------------------------


def entered(machine) -> str:
    """The container of the only exec."""
    (call,) = [each for each in machine.host.fakes.called("exec")]
    return call.args[call.args.index("/bin/sh") - 1]


@pytest.mark.parametrize("word", ["jailed-web-000000000002", "jailed-web", "web", "w", "000000000002", "/p/web"])
def test_names_beginnings_and_projects(machine, word):
    machine.knows([jail(1, "/p/app"), jail(2, "/p/web"), jail(17, "/p/other")])
    assert machine.host.run("exec", word, "--", "true").code == 0
    assert machine.asked() == ["exec"]
    assert entered(machine) == "jailed-web-000000000002"


def test_the_jail_around_the_current_directory_comes_first(machine):
    below = machine.host.mkdir("project/deep/down")
    machine.knows([jail(1, "/p/app"), jail(2, str(machine.host.project))])
    assert machine.host.run("exec", "--", "true", cwd=below).code == 0
    assert entered(machine) == "jailed-project-000000000002"


def test_a_path_is_a_project_however_it_is_written(machine):
    machine.knows([jail(1, "/p/app"), jail(2, str(machine.host.project))])
    assert machine.host.run("exec", "./../project", "--", "true").code == 0
    assert entered(machine) == "jailed-project-000000000002"


def test_several_candidates_are_listed(machine):
    machine.knows([jail(1, "/p/app"), jail(2, "/p/apple")])
    result = machine.host.run("exec", "app", "--", "true")
    assert result.code == 2
    assert result.err == ("[jailed] 'app' could be several jails.\n[jailed]   name one of them:\n"
                          "[jailed]     jailed-app-000000000001  /p/app\n[jailed]     jailed-apple-000000000002  /p/apple\n")
    assert "There are several jails." in machine.host.run("shell").err
    assert machine.asked() == ["ps", "ps"]


@pytest.mark.parametrize("words", [["shell"], ["exec", "--", "true"], ["stop"], ["sync", "flush"]])
def test_no_jail_to_mean(machine, words):
    result = machine.host.run(*words)
    assert (result.code, result.err) == (2, "[jailed] No jail is there.\n[jailed]   see: jailed ls\n")


@pytest.mark.parametrize("words", [["shell", "x"], ["exec", "x", "--", "true"], ["stop", "x"], ["sync", "flush", "x"]])
def test_an_unknown_jail(machine, words):
    machine.knows([jail(1)])
    result = machine.host.run(*words)
    assert (result.code, result.err) == (2, "[jailed] No jail is 'x'.\n[jailed]   see: jailed ls\n")


def test_a_jail_that_has_ended_is_not_entered(machine):
    machine.knows([jail(1, state="exited", detached="")])
    assert machine.host.run("exec", "app", "--", "true").code == 2
    assert machine.asked() == ["ps"]


# --- shell and exec -----------------------------------------------------------------------------


def test_a_detached_jail_is_entered_with_one_call(machine):
    name = machine.detach()
    machine.knows([jail(n, f"/p/app{n}") for n in range(50)])
    for words in ([], [name], ["project"], ["."], [str(machine.host.project)], [name[len("jailed-project-"):]]):
        assert machine.host.run("exec", *words, "--", "make", "a b").code == 0
        assert machine.asked() == ["exec"], words
        args = machine.fresh[0].args
        assert args[args.index(name):] == [name, "/bin/sh", "-c", args[args.index(name) + 3], args[args.index(name) + 4],
                                           "/usr/libexec/jailed/init", "make", "a b"]  # fmt: skip
        assert args[:4] == ["exec", "-i", "--workdir", str(machine.host.project)]


def test_a_shell_at_a_terminal(docker):
    name = docker.detach()
    assert exit_code(docker.host.terminal("shell")) == 0
    assert docker.asked() == ["exec"]
    assert docker.fresh[0].args[:4] == ["exec", "-i", "-t", "--detach-keys=ctrl-^,ctrl-^,ctrl-^,ctrl-^"]
    assert docker.fresh[0].args[-3:] == ["/usr/libexec/jailed/init", "zsh", "-l"] and name in docker.fresh[0].args


def test_dry_run_does_nothing(machine):
    name = machine.detach()
    result = machine.host.run("exec", "--dry-run", "--", "echo", "a b")
    assert machine.asked() == []
    assert result.out.startswith(f"{machine.host.fakes.bin}/{machine.engine} exec -i --workdir {machine.host.project} {name} /bin/sh -c ")
    assert result.out.endswith("/usr/libexec/jailed/init echo 'a b'\n")


def test_streams_and_exit_status_are_the_commands(machine):
    machine.detach()
    machine.host.fakes.on("exec", "/bin/cat; echo to-stderr >&2; exit 42")
    result = machine.host.run("exec", "--", "x", input=b"in")
    assert (result.code, result.out, result.err) == (42, "in", "to-stderr\n")


def test_exec_wants_a_command(docker):
    result = docker.host.run("exec", "app")
    assert (result.code, result.err) == (2, "[jailed] No command to run.\n[jailed]   jailed exec [JAIL] -- COMMAND [ARG...]\n")


GONE = {"docker": ("Error: No such container: x", 1), "podman": ('Error: no container with name or ID "x" found: no such container', 125)}


def test_a_note_of_a_jail_that_has_gone(machine):
    machine.detach()
    text, code = GONE[machine.engine]
    machine.host.fakes.on("exec", f"echo '{text}' >&2; exit {code}")
    result = machine.host.run("exec", "--", "true")
    assert (result.code, result.err) == (2, "[jailed] No jail is there.\n[jailed]   see: jailed ls\n")
    assert machine.asked() == ["exec", "ps"]
    assert machine.host.sessions == []  # what was left of it is cleared


def test_another_jail_is_meant_where_the_noted_one_has_gone(docker):
    name = docker.detach()
    docker.knows([jail(2, str(docker.host.project), detached="")])
    docker.host.fakes.on("exec", f'case "$*" in *{name}*) echo "Error: No such container: {name}" >&2; exit 1;; esac; exit 7')
    assert docker.host.run("exec", "--", "true").code == 7
    assert docker.asked() == ["exec", "ps", "exec"]


def test_a_command_that_speaks_like_the_engine_runs_once(docker):
    name = docker.detach()
    docker.knows([jail(int(name[-12:], 16), str(docker.host.project))])
    docker.host.fakes.on("exec", "echo 'Error: No such container: x' >&2; exit 1")
    result = docker.host.run("exec", "--", "docker", "rm", "x")
    assert (result.code, result.err) == (1, "Error: No such container: x\n")
    assert docker.asked() == ["exec", "ps"]


MARK = r"printf '\036jailed\036' >&2; "


def test_a_command_that_speaks_like_the_engine_does_not_run_in_another_jail(docker):
    """What comes after the mark is the command's, whatever the engine says of the jail afterwards; it passes at once."""
    docker.detach()
    docker.knows([jail(2, str(docker.host.project), detached="")])
    docker.host.fakes.on("exec", MARK + "echo 'Error: No such container: x' >&2; note said; while [ ! -e \"$fake/ended\" ]; do sleep 0.05; done; exit 1")
    child = docker.host.start("exec", "--", "docker", "rm", "x")
    assert child.stderr.readline() == b"Error: No such container: x\n"
    (docker.host.fakes.directory / "ended").touch()
    assert (child.wait(10), child.stderr.read()) == (1, b"")
    assert docker.asked() == ["exec"]


def test_term_reaches_the_command(docker):
    docker.detach()
    docker.host.fakes.on("exec", 'case "$*" in *kill*) : >"$fake/ended";; *) note up; while [ ! -e "$fake/ended" ]; do sleep 0.05; done; exit 143;; esac')
    child = docker.host.start("exec", "--", "serve")
    wait_until(lambda: docker.host.fakes.notes)
    child.terminate()
    assert child.wait(10) == 143
    assert docker.asked() == ["exec", "exec"]
    token = next(word for word in docker.fresh[0].args if word.startswith("entered-"))
    assert docker.fresh[1].args[-2:] == [token, "15"]


# --- detach and stop ----------------------------------------------------------------------------


def test_detach_leaves_a_jail_without_a_lease(machine):
    result = machine.host.run("--detach")
    assert result.code == 0 and NAME.fullmatch(result.out.strip()) and result.err == ""
    assert machine.asked() == ["run"]
    call = machine.fresh[0]
    assert call.args[:3] == ["run", "--rm", "-d"]
    assert "jailed.detached=true" in call.values("--label")
    assert "/etc/jailed/lease" not in call.mounts
    assert len(machine.host.sessions) == 1
    assert machine.host.run(".").code == 0
    assert machine.asked() == ["run"]  # its session is not taken for an abandoned one
    assert len(machine.host.sessions) == 1


def test_a_detached_jail_that_cannot_start_leaves_nothing(docker):
    docker.host.fakes.on("run", "echo 'docker: Error response from daemon: No such image: jailed:latest.' >&2; exit 125")
    result = docker.host.run("--detach")
    assert result.code == 125 and "Image 'jailed:latest' not found." in result.err
    assert docker.host.sessions == []


def test_the_proxy_for_testcontainers_cannot_outlive_jailed(machine):
    result = machine.host.run("--detach", "--testcontainers=proxy")
    assert result.code == 2
    assert result.err.startswith("[jailed] --detach does not go with --testcontainers=proxy")
    assert machine.asked() == [] and machine.host.sessions == []


def test_stop_is_one_call(machine):
    name = machine.detach()
    assert machine.host.run("stop").code == 0
    assert machine.asked() == ["stop"]
    assert machine.fresh[0].args == ["stop", "--time", "12", name]
    assert machine.host.sessions == []


def test_stop_all_is_a_list_and_one_call(machine):
    name = machine.detach()
    mine = jail(int(name[-12:], 16), str(machine.host.project))
    machine.knows([mine] + [jail(n, f"/p/app{n}") for n in range(49)])
    assert machine.host.run("stop", "--all").code == 0
    assert machine.asked() == ["ps", "stop"]
    assert machine.fresh[1].args[3:] == [name] + [f"jailed-app{n}-{n:012x}" for n in range(49)]
    assert machine.host.sessions == []


def test_stop_all_without_jails(machine):
    assert machine.host.run("stop", "--all").code == 0
    assert machine.asked() == ["ps"]


def test_a_jail_in_the_foreground_is_stopped_from_elsewhere(machine):
    machine.host.fakes.on("run", 'note up; while [ ! -e "$fake/ended" ]; do sleep 0.05; done; sleep 0.3; note down; exit 143')
    machine.host.fakes.on("stop", ': >"$fake/ended"')
    child = machine.host.start(".")
    wait_until(lambda: machine.host.fakes.notes)
    assert machine.host.run("stop").code == 0
    assert machine.host.fakes.notes == ["up", "down"]  # it waits for the end
    assert machine.host.sessions == []
    assert child.wait(10) == 143
    assert machine.asked() == ["run", "stop"]


def test_a_jail_of_another_configuration_is_left_alone_and_shown(synced):
    strangers = [jail(1, sync="mutagen", detached=""), jail(2, detached="")]
    synced.knows([*strangers, jail(3)], sessions=False)
    synced.record(jail(3))
    table = synced.host.run("ls").out.splitlines()
    assert [line.split()[7] for line in table[1:]] == ["foreign", "foreign", "running"]
    listed = json.loads(synced.host.run("ls", "--json").out)
    assert [(one["state"], one.get("why")) for one in listed] == [("foreign", "no session of it is in this configuration directory")] * 2 + [("running", None)]
    assert synced.host.run("ls", "-q").out == jail(3)["name"] + "\n"
    synced.asked()
    result = synced.host.run("stop", "--all")
    assert result.code == 0
    assert synced.asked() == ["ps", "stop"]
    assert synced.fresh[1].args[3:] == [jail(3)["name"]]
    assert mutagens(synced) == [] and synced.host.sessions == []
    assert f"{strangers[0]['name']} is left alone: no session of it is in this configuration directory." in result.err


ACTS = [["stop", "{}"], ["shell", "{}"], ["exec", "{}", "--", "true"], ["logs", "{}"], ["attach", "{}", "."], ["detach", "{}", "x"], ["sync", "flush", "{}"],
        ["sync", "recover", "{}"]]  # fmt: skip


@pytest.mark.parametrize("words", ACTS, ids=[" ".join(words[:2]) for words in ACTS])
def test_who_only_claims_to_be_a_jail_is_never_acted_upon(synced, words):
    stranger = jail(1, sync="mutagen", state="running" if words[-2:-1] != ["recover"] else "exited")
    synced.knows([stranger], sessions=False)
    result = synced.host.run(*(word.format(stranger["name"]) for word in words))
    assert result.code == 2
    assert f"{stranger['name']} is no jail of this configuration: no session of it is in this configuration directory." in result.err
    assert "--config-dir DIR" in result.err and f"rm --force {stranger['name']}" in result.err
    assert set(synced.asked()) <= {"ps", "volume ls", "volume inspect"} and synced.host.sessions == []
    # The control: with its session it is one.
    synced.knows([stranger])
    assert "is no jail of this configuration" not in synced.host.run(*(word.format(stranger["name"]) for word in words)).err


DISAGREEING = {
    "name": lambda j: {"name": "jailed-app-00000000000c"},
    "project": lambda j: {"project": "/p/other/app"},
    "session": lambda j: {"session": "00000000000b"},
    "a path for a session": lambda j: {"session": "../sessions/" + j["session"]},
    "an option for a name": lambda j: {"name": "--all"},
    "a path with dots": lambda j: {"project": "/p/x/../app"},
    "no path": lambda j: {"project": "p/app"},
    "sync": lambda j: {"sync": "mutagen"},
}


@pytest.mark.parametrize("change", DISAGREEING.values(), ids=DISAGREEING.keys())
def test_label_name_and_session_must_agree(machine, change):
    honest = jail(10)
    machine.record(honest)
    machine.knows([{**honest, **change(honest)} | ({"name": "jailed-app-00000000000b"} if "name" not in change(honest) and "session" in change(honest) else {})], sessions=False)  # fmt: skip
    (only,) = json.loads(machine.host.run("ls", "--json").out)
    assert only["state"] == "foreign" and only["why"]
    machine.asked()
    assert machine.host.run("stop", "--all").code == 0
    assert machine.asked() == ["ps"]
    machine.knows([honest])  # the control
    assert machine.host.run("stop", "--all").code == 0
    assert machine.asked() == ["ps", "stop"]


def test_two_of_one_name_are_not_two_jails(machine):
    machine.knows([jail(1), jail(1)])
    assert [one["state"] for one in json.loads(machine.host.run("ls", "--json").out)] == ["running", "foreign"]


def test_a_volume_of_another_configuration_is_left_alone_and_named(synced):
    stranger = jail(3, "/p/lost")
    synced.keeps([stranger], sessions=False)
    result = synced.host.run("sync", "recover")
    assert result.code == 0
    assert f"The volume {stranger['name']} is left alone" in result.err and f"volume rm {stranger['name']}" in result.err
    assert not synced.host.fakes.called("run") and mutagens(synced) == [] and synced.host.sessions == []


def test_an_engine_that_cannot_stop_it(docker):
    name = docker.detach()
    docker.host.fakes.on("stop", "echo 'Error response from daemon: tried to kill container, but did not receive an exit event' >&2; exit 1")
    result = docker.host.run("stop")
    assert result.code == 125 and "docker could not end it: " in result.err
    assert docker.host.sessions == [name[-12:]]  # it is tried again


def test_an_answer_that_makes_no_sense_ends_no_detached_jail(machine):
    """It was taken for a list of none, and the session of a jail that runs was tidied up."""
    machine.detach()
    (session,) = machine.host.sessions
    before = sorted(os.listdir(machine.host.config / "sessions" / session))
    for answer in ("no JSON", "[", '[{"Names": ["\udcff"]}]'):
        (machine.host.fakes.directory / "listing").write_text(answer, errors="surrogateescape")
        result = machine.host.run("ls")
        assert result.code == 0 and "does not say clearly which jails there are" in result.err
        assert sorted(os.listdir(machine.host.config / "sessions" / session)) == before
    (machine.host.fakes.directory / "listing").write_text("[]" if machine.engine == "podman" else "")
    assert machine.host.run("ls").code == 0 and machine.host.sessions == []


@pytest.fixture(params=["docker", "podman"])
def both(request, new_host):
    """Two engines, neither of which lists a jail; and who asks which."""
    host = new_host("docker", "podman")
    host.fakes.on("ps", 'case $0 in *podman) echo "[]";; esac')
    one, other = (request.param, {"docker": "podman", "podman": "docker"}[request.param])
    return host, {"JAILED_RUNTIME": one}, {"JAILED_RUNTIME": other}


@pytest.mark.parametrize("words", [["ls"], ["stop", "--all"], ["exec", "--", "true"], ["git", "import"], ["."]], ids=lambda words: words[0])
def test_another_engine_does_not_know_whether_a_detached_jail_has_ended(both, words):
    """It lists none, and the session of a jail that runs was tidied up: its repository, and what was remembered of the project."""
    host, one, other = both
    assert host.run("--detach", env=one).code == 0
    (session,) = host.sessions
    before = sorted(os.listdir(host.config / "sessions" / session))
    host.run(*words, env=other)
    assert session in host.sessions and sorted(os.listdir(host.config / "sessions" / session)) == before
    # The control: its own does.
    assert host.run("ls", env=one).code == 0 and session not in host.sessions


def test_another_engine_does_not_know_whether_a_killed_jail_has_ended(both):
    """With an image that has not our init it goes on."""
    host, one, other = both
    host.fakes.on("run", 'case "$*" in *first*) note up; while [ ! -e "$fake/ended" ]; do /bin/sleep 0.05; done;; esac')
    child = host.start(".", "--", "first", env=one)
    wait_until(lambda: host.fakes.notes)
    child.kill()
    child.wait()
    (session,) = host.sessions
    before = sorted(os.listdir(host.config / "sessions" / session))
    elsewhere = host.mkdir("elsewhere")
    result = host.run(".", "--", "true", env=other)
    assert (result.code, host.sessions) == (0, [session]) and f"another engine, {one['JAILED_RUNTIME']}, knows whether it has ended" in result.err
    assert "engine" not in host.run(elsewhere, "--", "true", env=other).err
    assert sorted(os.listdir(host.config / "sessions" / session)) == before
    (host.fakes.directory / "ended").touch()
    assert host.run(elsewhere, "--", "true", env=one).code == 0 and host.sessions == []


# --- with mutagen -------------------------------------------------------------------------------


def test_an_engine_that_makes_no_volume_and_does_not_say_why(synced):
    synced.host.fakes.on("volume", 'case $2 in create) exit 1;; esac')
    result = synced.host.run(".", "--", "true")
    assert result.code == 125 and f"{synced.engine} could not start the jail. It said:\nno reason\n" in result.err
    assert synced.asked() == ["volume create"] and synced.host.sessions == []


def test_a_detached_jail_that_mutagen_keeps_in_step(synced):
    name = synced.host.run("--detach").out.strip()
    assert synced.asked() == ["volume create", "run"]
    assert mutagens(synced)[:2] == ["create", "flush"]
    assert synced.host.run("exec", "--", "true").code == 0
    assert synced.asked() == ["exec"]
    assert synced.host.run("stop").code == 0
    # The end of what still runs; the container; the volume.
    assert synced.asked() == ["exec", "rm", "volume rm"]
    assert [call.args[-1] for call in synced.fresh[1:]] == [name, name]
    assert mutagens(synced)[-1] == "terminate"
    assert synced.host.sessions == []


def test_changes_on_either_side_are_told_to_mutagen(synced):
    """A watcher runs in the jail; each line of it, and each change here, is a flush; its end is the follower's."""
    synced.host.fakes.on("exec", 'case "$*" in "exec --workdir / "*) note up; while [ ! -e "$fake/ended" ]; do [ -e "$fake/told" ] && /bin/rm "$fake/told" && echo; /bin/sleep 0.05; done;; esac')  # fmt: skip
    name = synced.host.run("--detach").out.strip()
    wait_until(lambda: synced.host.fakes.notes)
    (call,) = [call for call in synced.host.fakes.called("exec")]
    assert call.args[:7] == ["exec", "--workdir", "/", name, "/bin/sh", "-c", call.args[6]]

    def flushes() -> int:
        return len([call for call in synced.host.fakes.called("sync") if call.args[1:] == ["flush", "--label-selector", f"jailed={name[-12:]}"]])

    assert flushes() == 0
    (synced.host.fakes.directory / "told").touch()
    synced.host.give(synced.host.fakes.directory / "told")
    wait_until(lambda: flushes() == 1)
    deep = synced.host.mkdir("project/deep/down")
    wait_until(lambda: flushes() >= 2)
    (deep / "file").write_text("x")  # in a directory that was not there before
    wait_until(lambda: flushes() >= 3)
    (synced.host.fakes.directory / "ended").touch()
    wait_until(lambda: not following(synced.host))


def following(host) -> list[list[bytes]]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        found += [words] if b"__follow-changes" in words and os.fsencode(host.project) in words else []
    return found


def test_a_jail_in_the_foreground_with_mutagen_is_asked_by_a_signal(synced):
    synced.host.fakes.on("exec", 'case "$*" in *"kill -"*) : >"$fake/ended";; *-i*) note up; while [ ! -e "$fake/ended" ]; do sleep 0.05; done; exit 143;; esac')
    child = synced.host.start(".")
    wait_until(lambda: synced.host.fakes.notes)
    synced.asked()
    assert synced.host.run("stop").code == 0
    assert child.wait(10) == 143
    assert synced.host.sessions == []
    assert synced.asked()[0] == "exec" and synced.fresh[0].args[-2:] == ["command", "15"]
    assert mutagens(synced)[-1] == "terminate"


def test_sync_status(synced):
    synced.knows([jail(1), jail(2, "/p/web", sync="mutagen")])
    synced.keeps([jail(3, "/p/lost")])
    result = synced.host.run("sync", "status")
    assert (result.code, result.err) == (0, "")
    assert result.out == ("jailed-web-000000000002  /p/web  watching: 3 files here, 4 in the jail\n"
                          "jailed-lost-000000000003  /p/lost  unsynced\n")
    assert synced.host.run("sync").out == result.out
    synced.host.fakes.on("sync", "echo 'unable to locate' >&2; exit 1")
    assert "/p/web  no session" in synced.host.run("sync", "status").out


def test_sync_flush(synced):
    synced.knows([jail(1), jail(2, "/p/web", sync="mutagen")])
    result = synced.host.run("sync", "flush", "web")
    assert (result.code, result.err) == (0, "[jailed] watching: 3 files here, 4 in the jail\n")
    assert [call.args for call in synced.host.fakes.called("sync")][0] == ["sync", "flush", "jailed-000000000002"]
    result = synced.host.run("sync", "flush", "app")
    assert result.code == 2 and "needs no flush" in result.err


def test_sync_recover(synced):
    assert synced.host.run("sync", "recover").err == "[jailed] Nothing to recover: the work of every jail is home.\n"
    lost = jail(3, "/p/lost")
    synced.keeps([lost])
    synced.asked()
    result = synced.host.run("sync", "recover")
    assert result.code == 0, result.err
    assert f"The work of {lost['name']} is home in /p/lost." in result.err
    run = next(call for call in synced.host.fakes.called("run"))
    assert ["--network", "none"] == run.args[run.args.index("--network"):][:2]
    assert [args for args in ([c.args[0], c.args[-1]] for c in synced.host.fakes.calls) if args[0] == "volume"][-1] == ["volume", lost["name"]]
    assert mutagens(synced)[-1] == "terminate"
    assert synced.host.run("sync", "recover", "web").code == 2


def test_a_volume_stays_when_it_cannot_be_brought_home(synced):
    lost = jail(3, "/p/lost")
    synced.keeps([lost])
    synced.host.fakes.on("run", "echo 'docker: Error response from daemon: no.' >&2; exit 125")
    result = synced.host.run("sync", "recover")
    assert result.code == 125
    assert "could not be brought home: docker: Error response from daemon: no." in result.err
    assert "jailed sync recover 000000000003" in result.err
    assert not any(call.args[:2] == ["volume", "rm"] for call in synced.host.fakes.calls)


def test_what_mutagen_passes_over_in_silence_is_named(synced):
    synced.host.mkdir("project/a")
    os.mkfifo(synced.host.project / "a/pipe")
    synced.host.give(synced.host.project)
    result = synced.host.run(".", "--", "true")
    assert result.code == 0 and "Not in the jail, since Mutagen cannot carry it: a/pipe (neither a file nor a directory)\n" in result.err
    assert "Mutagen" not in synced.host.run("--sync", "bind", ".", "--", "true").err


def conflicts(synced, named: int, more: int) -> list[list[str]]:
    """The archives that the end of a jail made of them."""
    state = json.loads((synced.host.fakes.directory / "state").read_text())
    state[0] |= {"conflicts": [{"root": f"{n:04}" + "x" * 1000} for n in range(named)], "excludedConflicts": more}
    (synced.host.fakes.directory / "state").write_text(json.dumps(state))
    result = synced.host.run(".", "--", "true")
    assert result.code == 0 and "Changed on both sides" in result.err and "tar -xf" in result.err, result.err
    assert not synced.host.fakes.called("volume")[-1].args[:2] == ["volume", "create"]  # it is removed
    return [call.args for call in synced.host.fakes.called("exec") if "/bin/tar" in call.args]


def test_more_conflicts_than_mutagen_names_come_home_as_an_archive_of_all(synced):
    """Mutagen names ten; with eleven the work of the jail stayed in its volume, whatever was tried."""
    (args,) = conflicts(synced, 10, 1)
    assert args[-2:] == ["--", "."] and "--one-file-system" in args


def test_paths_of_conflicts_are_never_more_than_a_command_takes(synced):
    (args,) = conflicts(synced, 400, 0)
    assert args[-2:] == ["--", "."]


def test_two_projects_attached_at_once_are_both_in_the_jail(synced):
    """Each read which projects there were and wrote that with its own: the files of the one never came home."""
    host = synced.host
    name = synced.detach()
    projects = [host.mkdir(where) for where in ("one/lib", "two/lib", "three/lib")]
    host.fakes.on("sync", '[ "$2" != create ] || /bin/sleep 0.3; case $2 in list) /bin/cat "$fake/state";; esac')
    running = [host.start("attach", name, project) for project in projects]
    assert [child.wait(20) for child in running] == [0, 0, 0]
    (session,) = host.sessions
    noted = (host.config / "sessions" / session / "further-projects").read_text().split()
    assert sorted(one.partition(":")[2] for one in noted) == sorted(map(str, projects)) and len({one.partition(":")[0] for one in noted}) == 3
    again = [host.start("attach", name, host.mkdir("same")) for _ in range(2)]
    assert sorted(child.wait(20) for child in again) == [0, 2]
    for child in running + again:
        child.communicate()


def test_what_cannot_be_noted_begins_no_jail(synced):
    """It was written, and could not be read again: the session was nobody's."""
    config = synced.host.mkdir("home/.config/jailed", 0o700)
    (config / "sync.json").write_text(json.dumps({"ignore": ["x" * 100_000] * 12}))
    synced.host.give(config)
    result = synced.host.run(".", "--", "true")
    assert result.code == 125 and "shorten sync.json" in result.err and synced.host.sessions == []
    assert not synced.host.fakes.called("run")


@pytest.mark.parametrize("mask, modes", [(0o022, ("0644", "0755")), (0o077, ("0600", "0700")), (0o002, ("0664", "0775")), (0, ("0644", "0755"))])
def test_files_that_come_home_are_for_whom_the_caller_s_are(synced, mask, modes):
    assert synced.host.run(".", "--", "true", preexec_fn=lambda: os.umask(mask)).code == 0
    create = next(call.args for call in synced.host.fakes.called("sync") if call.args[1] == "create")
    assert (create[create.index("--default-file-mode") + 1], create[create.index("--default-directory-mode") + 1]) == modes


def test_sync_without_mutagen(docker):
    for words in (["status"], ["flush"]):
        docker.knows([jail(1, sync="mutagen")])
        result = docker.host.run("sync", *words)
        assert (result.code, result.err) == (125, "[jailed] Mutagen not found in PATH.\n[jailed]   get it from https://mutagen.io\n")
    result = docker.host.run("sync", "dance")
    assert (result.code, result.err) == (2, "[jailed] jailed sync cannot 'dance'.\n[jailed]   it knows: status, flush, recover\n")


def test_a_client_that_outlives_its_jailed_finds_its_files_when_it_starts(host):
    """A launch in this moment took them away: the container never started and never went, and its client waited for that."""
    host.fakes.on("run", 'if [ -e "$fake/began" ]; then exit 0; fi; : >"$fake/began"; here=$(session "$@"); /usr/bin/sleep 1; [ -e "$here/passwd" ] && note there')
    first = host.start(".")
    wait_until(lambda: (host.fakes.directory / "began").exists())
    first.kill()
    first.wait()
    assert host.run(".").code == 0
    assert host.fakes.notes == ["there"] and host.sessions == []
