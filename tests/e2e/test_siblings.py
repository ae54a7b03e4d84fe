"""Two jails beside each other: neither sees the other's processes, sockets, files or network. Each wall has a control, the same plan with
that wall taken down."""
import json
import time

import pytest

from support.jail import ENGINE, GVISOR, HOME, on_network, planned, run_planned

pytestmark = [pytest.mark.side_by_side]

CANARY = "sibling-canary-7f3a"
# Serves the canary on every address by TCP, and under an abstract name; says its address.
SERVE = f"""
python3 - <<'END' &
import http.server, socket, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{CANARY}")
    def log_message(self, *_): pass
abstract = socket.socket(socket.AF_UNIX)
abstract.bind("\\0{CANARY}"); abstract.listen()
http.server.ThreadingHTTPServer(("0.0.0.0", 8642), Answer).serve_forever()
END
exec -a {CANARY}-process sleep 60
"""
ASK = r"""
import json, os, socket, sys
canary, address = sys.argv[1:]
def tcp():
    with socket.create_connection((address, 8642), 3) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        data = b""
        while part := s.recv(4096): data += part
        return data.decode()
def abstract():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("\0" + canary)
        return canary
def processes():
    return "".join(open(f"/proc/{p}/cmdline").read() for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid() and p != "1")
def found(action):
    try: return canary in action()
    except OSError as error: return False
print(json.dumps({"network": found(tcp), "abstract": found(abstract), "processes": found(processes)}))
"""


@pytest.fixture
def served(host):
    """A jail that serves, its container and address."""
    project = host.project("served")
    host.write(project / "secret", CANARY)
    jail = host.start(SERVE, project=project)
    container = host.only_jail()
    networks = container["NetworkSettings"].get("Networks") or {}
    addresses = [container["NetworkSettings"].get("IPAddress"), *(each.get("IPAddress") for each in networks.values())]
    time.sleep(1)
    # Rootless stacks give every container the same one.
    yield container, next((each for each in addresses if each), "10.0.2.100")
    jail.end()


def asked(host, result) -> dict:
    return json.loads(result.ok().text.splitlines()[-1])


def test_a_sibling_sees_nothing_of_another_jail(host, served):
    _, address = served
    result = host.jail("python3", "-c", ASK, CANARY, address, project=host.project("asking"))
    assert asked(host, result) == {"network": False, "abstract": False, "processes": False}
    assert host.sh(f"ls {host.root}/served /projects 2>&1; grep -rl {CANARY} /workspace {HOME} /tmp 2>/dev/null; true", project=host.project("asking")).ok().text.count(CANARY) == 0


def weakened(host, *options: str, beside: str = "") -> list:
    argv = on_network("", planned(host, "python3", "-c", ASK, CANARY, "{address}", project=host.project("asking")))
    at = argv.index("--hostname")  # not together with another container's network
    del argv[at : at + 2]
    if beside and "--userns=keep-id" in argv:  # what belongs to another's namespace of users is shared with that only
        argv[argv.index("--userns=keep-id")] = f"--userns=container:{beside}"
    return [*argv[: argv.index("run") + 1], *options, *argv[argv.index("run") + 1 :]]


@pytest.mark.skipif(GVISOR, reason="no network there")
def test_control_with_the_other_s_network_it_is_reached(host, served):
    container, _ = served
    argv = [word.replace("{address}", "127.0.0.1") for word in weakened(host, "--network", f"container:{container['Id']}", beside=container["Id"])]
    seen = asked(host, run_planned(host, argv))
    assert seen["network"] and seen["abstract"] and not seen["processes"]


def test_control_with_the_other_s_processes_they_are_seen(host, served):
    if GVISOR:
        pytest.skip("processes of another sandbox are no processes of this kernel")
    container, address = served
    argv = [word.replace("{address}", address) for word in weakened(host, "--pid", f"container:{container['Id']}", beside=container["Id"])]
    assert asked(host, run_planned(host, argv))["processes"]


def test_on_the_engine_s_own_bridge_siblings_talk(host):
    """Why jails are not on it: two of them there reach each other (not rootless, where each has a stack of its own)."""
    if ENGINE not in ("docker", "podman"):
        pytest.skip("no bridge that containers share")
    argv = on_network("", planned(host, "bash", "-c", SERVE, project=host.project("served")))
    name = argv[argv.index("--name") + 1]
    argv.remove("-i")
    argv.insert(argv.index("run") + 1, "--detach")
    run_planned(host, argv).ok()
    try:
        networks = json.loads(host.engine.run("inspect", name).stdout)[0]["NetworkSettings"]["Networks"]
        address = next(iter(networks.values()))["IPAddress"]
        time.sleep(1.5)
        weak = [word.replace("{address}", address) for word in weakened(host)]
        assert asked(host, run_planned(host, weak))["network"]
        # The default jail is no neighbour of that bridge. Docker keeps its bridges apart; podman's slirp4netns sends as a process of
        # the host's would, and the host has a way to its bridges (docs/security-model.md says so).
        result = host.jail("python3", "-c", ASK, CANARY, address, project=host.project("asking"))
        assert asked(host, result)["network"] == (ENGINE == "podman")
    finally:
        host.engine.remove(name)


def test_a_jail_still_reaches_the_outside(host):
    """Its name server answers, and it has a way out: the walls between siblings are none against the world."""
    if GVISOR:
        pytest.skip("no network there")
    script = "awk '$2 == \"00000000\"' /proc/net/route | wc -l; grep -c nameserver /etc/resolv.conf"
    routes, servers = host.sh(script).ok().text.split()
    assert int(routes) >= 1 and int(servers) >= 1


@pytest.mark.alone
@pytest.mark.skipif(ENGINE != "docker", reason="the network is docker's")
def test_the_network_is_made_by_the_first_jail(host):
    """Removed by hand (which docker refuses while a jail is on it), it comes back by the next launch."""
    host.engine.run("network", "rm", "jailed-isolated", check=False)
    host.jail("true").ok()
    assert "jailed-isolated" in host.engine.run("network", "ls", "--format", "{{.Name}}").stdout.split()
    options = json.loads(host.engine.run("network", "inspect", "jailed-isolated").stdout)[0]["Options"]
    assert options["com.docker.network.bridge.enable_icc"] == "false"


def test_a_hook_that_a_project_s_agent_planted_is_there_for_the_next_with_the_shared_default(host):
    """The control of the next one."""
    host.sh('echo \'{"hooks": "planted"}\' >~/.claude/settings.json; echo planted >~/.cache/planted', project=host.project("one")).ok()
    other = host.sh("cat ~/.claude/settings.json ~/.cache/planted", project=host.project("two")).ok()
    assert other.text.count("planted") == 2


def test_a_hook_that_a_project_s_agent_planted_is_not_seen_by_another_profile(host):
    host.sh('echo \'{"hooks": "planted"}\' >~/.claude/settings.json; echo planted >~/.cache/planted', project=host.project("one")).ok()
    script = "cat ~/.claude/settings.json ~/.cache/planted 2>&1; touch ~/.claude/own ~/.cache/own && echo usable"
    for cache in ("project", "none"):
        other = host.sh(script, project=host.project("two"), options=["--profile", "two", "--cache", cache]).ok()
        assert "hooks" not in other.text and other.text.count("No such file") == 2 and "usable" in other.text
    assert not (host.config / "agents/claude/own").exists()


def test_a_copied_login_arrives_and_nothing_else(host):
    host.sh("""echo '{"claudeAiOauth": {"accessToken": "token"}}' >~/.claude/.credentials.json; echo planted >~/.claude/settings.json""").ok()
    script = "cat ~/.claude/.credentials.json; ls -A ~/.claude"
    if GVISOR:
        script = "cat ~/.claude/.credentials.json; cd ~/.claude; echo .[a-z]* *"
    other = host.sh(script, options=["--profile", "two", "--copy-logins"]).ok()
    assert "token" in other.text and "settings.json" not in other.text
