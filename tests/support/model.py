"""The vendors' servers, in one that runs inside the jail: Anthropic's, OpenAI's and Google's API, as far as one answer in text goes."""

ADDRESS = "http://127.0.0.1:8765"

# Says SEEN when what it is sent holds the word of the first talk.
SERVER = r"""
import http.server, json
def messages(text):
    message = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [], "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 1, "output_tokens": 1}}
    return [{"type": "message_start", "message": message}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}, {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}, {"type": "message_stop"}]
def responses(text):
    item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}
    return [{"type": "response.created", "response": {"id": "r"}}, {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {"id": "r", "output": [item], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}}]
def completions(text):
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "x"}
    return [dict(chunk, choices=[{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]),
            dict(chunk, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}],
                 usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}), "[DONE]"]
def contents(text):
    return [{"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP"}],
             "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}}]
APIS = {"/messages": messages, "/responses": responses, "/completions": completions, ":streamGenerateContent": contents}
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_HEAD(self): self.send_response(200); self.end_headers()
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        api = next((api for end, api in APIS.items() if path.endswith(end)), None)
        if api is None: return self.send_error(404)
        self.send_response(200); self.send_header("content-type", "text/event-stream"); self.end_headers()
        for event in api("SEEN" if b"PINEAPPLE" in body else "CLEAN"):
            name = f"event: {event['type']}\n" if "type" in event else ""
            self.wfile.write(f"{name}data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode())
http.server.ThreadingHTTPServer(("127.0.0.1", 8765), Handler).serve_forever()
"""
