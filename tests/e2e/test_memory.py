"""An agent goes on with the talk of its own project, and with no other's: with the real agent and a server that speaks its API."""
import pytest

pytestmark = [pytest.mark.side_by_side, pytest.mark.slow, pytest.mark.timeout(400)]

# Says SEEN when what it is sent holds the word of the first talk.
SERVER = r"""
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_HEAD(self): self.send_response(200); self.end_headers()
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = "SEEN" if b"PINEAPPLE" in body else "CLEAN"
        message = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [], "stop_reason": None, "stop_sequence": None,
                   "usage": {"input_tokens": 1, "output_tokens": 1}}
        events = [("message_start", {"message": message}), ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
                  ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}), ("content_block_stop", {"index": 0}),
                  ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}), ("message_stop", {})]
        self.send_response(200); self.send_header("content-type", "text/event-stream"); self.end_headers()
        for kind, data in events: self.wfile.write(f"event: {kind}\ndata: {json.dumps(dict(data, type=kind))}\n\n".encode())
http.server.ThreadingHTTPServer(("127.0.0.1", 8765), Handler).serve_forever()
"""
TALK = """python3 -c "$SERVER" & server=$!
until (exec 3<>/dev/tcp/127.0.0.1/8765) 2>/dev/null; do sleep 0.05; done
cd "$1"; shift
export ANTHROPIC_BASE_URL=http://127.0.0.1:8765 ANTHROPIC_API_KEY=x CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
timeout 60 claude "$@" </dev/null; kill $server
"""


def talk(host, project, *words: str, place=".", sync="bind"):
    return host.run("-q", "--sync", sync, "--env", "SERVER", project, "--", "bash", "-c", TALK, "sh", place, *words, env={"SERVER": SERVER}, timeout=120)


@pytest.mark.parametrize("sync", ["bind", "mutagen"])
def test_claude_goes_on_with_its_own_project_s_talk(synced, sync):
    host = synced.host
    one, other = host.project("one"), host.project("other")
    talk(host, one, "-p", "remember PINEAPPLE", sync=sync)
    assert "SEEN" not in talk(host, other, "-c", "-p", "what did I say", sync=sync).text
    assert "SEEN" in talk(host, one, "-c", "-p", "what did I say", sync=sync).text


def test_control_at_a_path_that_projects_share_it_does_not(host):
    one, other = host.project("one"), host.project("other")
    talk(host, one, "-p", "remember PINEAPPLE", place="/workspace")
    assert "SEEN" in talk(host, other, "-c", "-p", "what did I say", place="/workspace").text
