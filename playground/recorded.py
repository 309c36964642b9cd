"""Plays a lesson's recorded replies at the pace at which they came: a small OpenAI-compatible server on loopback.

To everything else it is a provider like any other, so that stopping, what was sent and every export work as they do
live. It starts with the first question and ends with the app.
"""

from __future__ import annotations

import hmac
import json
import secrets
import selectors
import socket
import threading
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playground.keys import Endpoint
from playground.lesson import Entry, known

MAX_REQUEST = 4 * 1024 * 1024
"""Bytes of the longest request that is read."""


def serve(name: str) -> Endpoint:
    """Where the lesson of this name answers, and the key for it."""
    return _player().endpoint(name)


@cache
def _player() -> Player:
    return Player()


def _leaves(connection: socket.socket, seconds: float) -> bool:
    """Wait for some seconds, or until the other side leaves: whoever stops a reply leaves no thread asleep for it."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        # Nothing comes after a question, so all that can be read is the end.
        return bool(selector.select(seconds))


class Player:
    """The server; `leaves` waits for some seconds and says whether whoever asked left meanwhile."""

    def __init__(self, leaves: Callable[[socket.socket, float], bool] = _leaves) -> None:
        self._key = secrets.token_urlsafe(32)
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.key, self._server.leaves = self._key, leaves
        threading.Thread(target=self._server.serve_forever, daemon=True, name="recorded").start()

    def endpoint(self, name: str) -> Endpoint:
        """Where a lesson answers."""
        return Endpoint(f"http://127.0.0.1:{self._server.server_address[1]}/{name}/v1", self._key)

    def close(self) -> None:
        """End it; what is being played breaks off."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    key = ""
    leaves: Callable[[socket.socket, float], bool]
    # A whole class may press the same button at once.
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a reader who stops is no error, and a traceback could hold what was asked."""


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30

    def do_POST(self) -> None:
        told = self.headers.get("authorization", "")
        if not hmac.compare_digest(told.encode(), f"Bearer {self.server.key}".encode()):
            self._refuse(401, "invalid_api_key")
            return
        name, _, path = self.path.removeprefix("/").partition("/")
        lesson = known(name)
        if path != "v1/chat/completions" or lesson is None:
            self._refuse(404, "not_recorded")
            return
        try:
            size = int(self.headers.get("content-length", ""))
            body = json.loads(self.rfile.read(size)) if 0 < size <= MAX_REQUEST else None
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self._refuse(400, "bad_request")
        elif entry := lesson.find(body):
            self._play(entry)
        else:
            self._refuse(404, "not_recorded")

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing of what a class asks."""

    def _play(self, entry: Entry) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.end_headers()
        about = {"on": str(entry.recorded), "model": entry.model, "temperature": entry.heat}
        head = {"object": "chat.completion.chunk", "model": entry.model_id, "recorded": about}
        now = 0.0
        for seconds, text, thought in entry.pieces:
            if seconds > now:
                if self.server.leaves(self.connection, seconds - now):
                    return
                now = seconds
            delta = {"content": text} | ({"reasoning_content": thought} if thought else {})
            self._send({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        last: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": entry.ended}]}
        if entry.prompt_tokens is not None and entry.completion_tokens is not None:
            counts = {"prompt_tokens": entry.prompt_tokens, "completion_tokens": entry.completion_tokens}
            last["usage"] = {**counts, "total_tokens": sum(counts.values())}
        self._send({**head, **last})
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, event: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())

    def _refuse(self, status: int, code: str) -> None:
        body = json.dumps({"error": {"message": code, "code": code}}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
