"""--network: the calls of both containers, what is said at the end, rules that stand, and what it does not go with."""
import json
import os
import re
import shlex
import socket
import subprocess
import threading

import pytest
from harness import ROOT

# Lives until its lease says otherwise, as a real one; and has talked to some.
SIDECAR = r"""
case "$*" in
  *jailed.role=network*)
    for word; do case $word in *,target=/etc/jailed/log*) log=${word#type=bind,source=}; log=${log%%,*} ;; *,target=/etc/jailed/sidecar*) made=${word#type=bind,source=}; made=${made%%,*} ;; esac; done
    cat >"$log/log" <<'END'
@LOG@
END
    : >"$made/proxy.sock"
    head -c 2 "$lease" >/dev/null
    exit 0 ;;
esac
"""
LOG = """1.0 CONNECT good.example 443 TCP_TUNNEL 200 198.51.100.1 10 2000 -
2.0 CONNECT evil.example 443 TCP_DENIED 403 - 80 268 ERR_JAILED_HOST
3.0 CONNECT evil.example 443 TCP_DENIED 403 - 80 268 ERR_JAILED_HOST
4.0 CONNECT a\x1b[2J$(x).example 443 TCP_DENIED 403 - 80 268 ERR_JAILED_HOST"""


# What the jail's own call does: long enough for the sidecar to have begun.
JAIL = 'i=0; while [ $i -lt 100 ] && ! grep -qs jailed.role=network "$fake"/calls/*/argv; do sleep 0.05; i=$((i+1)); done; sleep 0.3\n'


@pytest.fixture
def networked(host):
    host.fakes.on("run", SIDECAR.replace("@LOG@", LOG) + JAIL)
    return host


def sidecars(host):
    return [call for call in host.fakes.called("run") if "jailed.role=network" in call.args]


def jails(host):
    return [call for call in host.fakes.called("run") if "jailed.role=network" not in call.args]


def test_a_restricted_jail_has_a_socket_and_a_sidecar_has_the_network(networked):
    result = networked.run("--network", "restricted", "--allow", "good.example", ".", "--", "make", env={"ANTHROPIC_API_KEY": "secret-of-mine", "https_proxy": "http://proxy.example:3128"})
    assert result.code == 0, result.err
    (jail,), (sidecar,) = jails(networked), sidecars(networked)
    assert jail.values("--network") == ["none"] and sidecar.values("--network") == []
    assert jail.mounts["/etc/jailed/network"] == sidecar.mounts["/etc/jailed/sidecar"]
    assert {"target": "/etc/jailed/network", "readonly": ""}.items() <= next(f for f in jail.mount_fields() if f["target"] == "/etc/jailed/network").items()
    assert "HTTPS_PROXY=http://127.0.0.1:3128" in jail.values("-e") and "https_proxy" not in jail.values("-e")
    name = jail.values("--name")[0]
    assert sidecar.values("--name") == [f"{name}-network"]
    for call in (jail, sidecar):
        assert call.values("--cap-drop") == ["ALL"] and "--read-only" in call.args and "--rm" in call.args
        assert "no-new-privileges" in call.values("--security-opt") and len(call.values("--security-opt")) == 2
    # Nothing of the project, of agents, of keys.
    assert set(sidecar.mounts) == {f"/etc/{name}" for name in ("passwd", "group", "jailed/lease", "jailed/sidecar", "jailed/policy", "jailed/log")}
    assert sidecar.mounts["/etc/jailed/lease"] != jail.mounts["/etc/jailed/lease"]
    assert sidecar.values("-e") == ["JAILED_PROJECT=project", "HOME=/tmp"]
    assert "secret-of-mine" not in " ".join(sidecar.args + jail.args)
    assert networked.sessions == []


def test_a_restricted_jail_ends_with_a_line_a_host_that_was_refused(networked):
    result = networked.run("--network", "restricted", ".", "--", "make")
    assert "refused: evil.example:443 ×2; to allow: jailed network allow evil.example\n" in result.err
    assert "good.example" not in result.err and "\x1b[2J" not in result.err
    assert "network allow a" not in result.err  # what is no name is no word of a command
    assert "refused" not in networked.run("--network", "restricted", "--quiet", ".", "--", "make").err


def test_a_restricted_jail_is_printed_as_it_is_run(networked):
    words = ["--network", "observe", "--deny", "evil.example", ".", "--", "make"]
    printed = networked.run("--dry-run", *words)
    assert networked.fakes.calls == [] and networked.sessions == []
    networked.run(*words)

    def without_id(words):
        return [re.sub(r"\b[0-9a-f]{12}\b", "ID", word) for word in words]

    lines = [without_id(shlex.split(line)) for line in printed.out.splitlines()]
    calls = [without_id([call.program, *call.args]) for call in [*sidecars(networked), *jails(networked)]]
    assert [line[next(i for i, word in enumerate(line) if "=" not in word):] for line in lines] == calls
    assert calls[0][-1] == "observe"


def test_a_restricted_jail_says_that_its_proxy_never_ran(networked):
    networked.fakes.on("run", 'case "$*" in *jailed.role=network*) echo "exec: sidecar: not found" >&2; exit 127;; esac\n' + JAIL + "exit 7")
    result = networked.run("--network", "restricted", ".", "--", "make")
    assert result.code == 7
    assert "The proxy of this jail's network did not run, so there was no network: exec: sidecar: not found" in result.err
    assert "jailed build" in result.err
    assert networked.sessions == []


def test_a_restricted_jail_gets_its_rules_from_the_user_and_never_from_the_project(networked):
    # What a session's files hold is copied as long as they are there.
    keep = 'for word; do case $word in *,target=/etc/jailed/policy*) p=${word#type=bind,source=}; cp "${p%%,*}"/* "$call"/ ;; esac; done\n'
    networked.fakes.on("run", keep + SIDECAR.replace("@LOG@", LOG) + JAIL)
    hostile = {"allow": ["evil.example"], "projects": {str(networked.project): {"allow": ["evil.example"]}}}
    for place in (networked.project / "network.json", networked.project / ".jailed" / "network.json"):
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(hostile))
    (networked.project / ".npmrc").write_text("registry=https://evil.example/\n")
    (networked.home / ".npmrc").write_text("registry=https://npm.example/\n")
    networked.config.mkdir(parents=True, mode=0o700, exist_ok=True)
    rules = {"allow": ["all.example"], "projects": {str(networked.project): {"allow": ["*.own.example"], "deny": ["all.example"]}, "/other": {"allow": ["other.example"]}}}
    (networked.config / "network.json").write_text(json.dumps(rules))
    networked.give(networked.directory)
    assert networked.run("--network", "restricted", "--allow", "flag.example:80", ".", "--", "claude").code == 0
    (sidecar,) = sidecars(networked)
    policy = json.loads((sidecar.directory / "policy.json").read_text())
    allowed = {host: origin for host, origin in policy["allow"]}
    assert allowed["flag.example:80"] == "--allow" and allowed["all.example"] == "network.json" and allowed["*.own.example"] == "network.json"
    assert allowed["npm.example"] == "packages" and allowed["api.anthropic.com"] == "claude"
    assert policy["deny"] == ["all.example"] and policy["registries"] is True
    assert not {"evil.example", "other.example", "api.openai.com"} & set(allowed)
    configuration = (sidecar.directory / "squid.conf").read_text()
    assert "evil" not in configuration and configuration.endswith("http_access deny refused_host\n")


def test_rules_that_cannot_be_read_end_the_launch(networked):
    networked.config.mkdir(parents=True, mode=0o700, exist_ok=True)
    (networked.config / "network.json").write_text('{"deny": ["evil.example"')
    networked.give(networked.directory)
    result = networked.run("--network", "restricted", ".", "--", "make")
    assert result.code == 125 and "network.json cannot be read" in result.err
    assert networked.fakes.called("run") == [] and networked.sessions == []
    assert networked.run(".", "--", "make").code == 0  # an open jail has no rules to read


def test_a_restricted_jail_that_ends_at_once_costs_no_second_container(networked):
    networked.fakes.on("run", "exit 3")
    assert networked.run("--network", "restricted", ".", "--", "make").code == 3
    assert len(jails(networked)) == 1 and sidecars(networked) == []
    assert networked.sessions == []


def test_a_restricted_jail_that_knocks_gets_its_sidecar_at_once(networked):
    knock = 'for word; do case $word in *,target=/etc/jailed/network,*) at=${word#type=bind,source=}; at=${at%%,*} ;; esac; done; echo >"$at/knock"; date +%s%N >"$fake/knocked";'
    networked.fakes.on("run", SIDECAR.replace("@LOG@", LOG) + knock + JAIL)
    assert networked.run("--network", "restricted", ".", "--", "make").code == 0
    (sidecar,) = sidecars(networked)
    began = int(sidecar.directory.name.split("-")[0])
    assert began - int((networked.fakes.directory / "knocked").read_text()) < 800_000_000


def test_without_a_network_is_one_call(networked):
    networked.fakes.on("run", "exit 0")
    assert networked.run("--network", "none", ".", "--", "make").code == 0
    (jail,) = networked.fakes.called("run")
    assert jail.values("--network") == ["none"] and "/etc/jailed/network" not in jail.mounts
    assert not [variable for variable in jail.values("-e") if "proxy" in variable.lower()]


@pytest.mark.parametrize("words, said", [
    (["--network", "restricted", "--detach"], "--network restricted does not go with --detach yet"),
    (["--network", "observe", "--testcontainers=proxy"], "--network observe does not go with --testcontainers"),
    (["--network", "restricted", "--sandbox", "runsc"], "--network restricted does not go with --sandbox runsc"),
    (["--network", "none", "--reuse"], "--network none does not go with --reuse"),
    (["--allow", "example.org"], "--allow HOST, --allow-set and --deny are about --network restricted"),
    (["--network", "open", "--deny", "example.org"], "are about --network restricted"),
    (["--network", "closed"], "'closed' is not what a jail can talk to: open, restricted, observe or none"),
    (["--network", "restricted", "--allow", "10.0.0.1"], "'10.0.0.1' is no host's name"),
    (["--network", "restricted", "--allow", "example.org:22"], "names a port that nothing leaves a jail by"),
    (["--network", "restricted", "--allow-set", "everything"], "'everything' is not a set of hosts"),
    (["--network", "restricted", "--allow", "forein-project"], "'forein-project' is not foreign-project"),
])  # fmt: skip
def test_what_does_not_go_together_is_said(networked, words, said):
    result = networked.run(*words, ".", "--", "make")
    assert result.code == 2 and said in result.err, result.err
    assert networked.fakes.called("run") == [] and networked.sessions == []


def test_an_engine_on_another_machine_is_said(networked):
    result = networked.run("--network", "restricted", ".", "--", "make", env={"DOCKER_HOST": "ssh://me@far.example"})
    assert result.code == 2 and "--network restricted does not go with an engine on another machine yet" in result.err
    assert networked.fakes.called("run") == []


def test_rules_are_written_for_the_project_or_for_all(host):
    result = host.run("network", "allow", "One.example", "*.two.example:80")
    assert result.code == 0 and f"Jails of {host.project} may talk to from now on: one.example, *.two.example:80" in result.err
    host.run("network", "deny", "--global", "three.example")
    host.run("network", "deny", "one.example")
    rules = json.loads((host.config / "network.json").read_text())
    assert rules == {"allow": [], "deny": ["three.example"], "projects": {str(host.project): {"allow": ["*.two.example:80"], "deny": ["one.example"]}}}
    assert (host.config / "network.json").stat().st_mode & 0o777 == 0o600
    assert host.fakes.calls == []


@pytest.mark.parametrize("text", ["{", "[]", '{"allow": ["a b"]}'])
def test_rules_that_cannot_be_read_are_never_written_over(host, text):
    host.config.mkdir(parents=True, mode=0o700, exist_ok=True)
    (host.config / "network.json").write_text(text)
    host.give(host.directory)
    result = host.run("network", "allow", "one.example")
    assert result.code != 0 and "network.json" in result.err
    assert (host.config / "network.json").read_text() == text


@pytest.mark.parametrize("verb", ["log", "check", "suggest"])
def test_who_asks_about_no_jail_hears_so(host, verb):
    result = host.run("network", verb, *(["one.example"] if verb == "check" else []))
    assert result.code == 2 and "No jail is there." in result.err


@pytest.fixture
def forwarder(tmp_path):
    """The jail's end of its network, with less patience, and where its proxy would be."""
    program = tmp_path / "forward"
    subprocess.run(["gcc", "-DSTART_PATIENCE=300", "-o", program, ROOT / "docker/network/forward.c"], check=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)
        running = subprocess.Popen([program, str(listener.fileno()), str(tmp_path / "proxy.sock")], close_fds=False)
        yield listener.getsockname(), tmp_path / "proxy.sock"
        assert running.poll() is None
        running.kill()
        running.wait()


def test_without_its_proxy_a_request_is_answered_in_words(forwarder):
    address, _ = forwarder
    with socket.create_connection(address) as client:
        client.settimeout(10)
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\n\r\n")
        answer = b""
        while part := client.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 503 ") and b"the proxy of this jail's network does not answer" in answer


def test_a_forwarder_passes_on_every_byte_to_who_comes_late_and_reads_slowly(forwarder):
    address, path = forwarder
    sent = os.urandom(1 << 20) * 8
    with socket.create_connection(address) as client, socket.socket(socket.AF_UNIX) as proxy:
        client.sendall(b"before there is a proxy")
        proxy.bind(str(path))
        proxy.listen()
        taken, _ = proxy.accept()
        taken.settimeout(10)
        client.settimeout(10)
        assert taken.recv(100) == b"before there is a proxy"
        for writer, reader in ((client, taken), (taken, client)):
            sending = threading.Thread(target=lambda: (writer.sendall(sent), writer.shutdown(socket.SHUT_WR)))
            sending.start()
            got = bytearray()
            while part := reader.recv(1 << 16 if len(got) % 3 else 1000):
                got += part
            sending.join()
            assert got == sent
        taken.close()
        assert client.recv(1) == b""


def test_a_forwarder_ends_what_its_proxy_ends(forwarder):
    address, path = forwarder
    with socket.socket(socket.AF_UNIX) as proxy:
        proxy.bind(str(path))
        proxy.listen()
        with socket.create_connection(address) as client:
            client.settimeout(10)
            taken, _ = proxy.accept()
            taken.close()
            assert client.recv(1) == b""
        for _ in range(50):  # and nothing is left of who goes at once
            socket.create_connection(address).close()
            proxy.accept()[0].close()


def test_standing_rules_that_cannot_be_read_are_not_written_over(host):
    rules = host.mkdir("home/.config/jailed", 0o700) / "network.json"
    rules.mkdir()
    host.give(host.home)
    result = host.run("network", "allow", "example.org")
    assert result.code == 125 and "cannot be read, so nothing is written to it" in result.err and rules.is_dir()
