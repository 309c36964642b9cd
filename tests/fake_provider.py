"""An OpenAI-compatible server for tests, on 127.0.0.1, made of plain sockets and threads.

    with FakeProvider(Script(["Hello ", "world"])) as provider:
        client = OpenAI(base_url=provider.base_url, api_key="sk-anything")

On its own (prints its base_url):  python -m tests.fake_provider --port 0 --key sk-test
It is then steered over HTTP: POST /_script (a Script's fields as JSON, or a list of such),
POST /_hold {"after": 2}, POST /_release {"chunks": 1}, POST /_reset, GET /_log.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.fake_connection import Connection, Request, to_json
from tests.fake_script import Gate, Script, ScriptSource, api_error, echo

__all__ = ["EVENT_STREAM", "FakeProvider", "Gate", "Script", "Serve", "api_error", "echo"]

Serve = Callable[["Connection", "Request"], None]
EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8"}


class FakeProvider:
    """The server: records every request and answers from its script; `serve` answers chat requests instead.

    `script` is a Script, a function of the request body, or a list of them, used one after another (the last
    one stays). With a `key`, requests without it get 401. `beat` and `patience` are the seconds between the
    steps and of the whole of a deliberately slow answer. Nothing outlives close().
    """

    def __init__(
        self,
        script: ScriptSource = echo,
        *,
        serve: Serve | None = None,
        serve_models: Serve | None = None,
        key: str | None = None,
        models: list[str] | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        beat: float = 0.05,
        patience: float = 20.0,
    ) -> None:
        self.script = script
        self.serve = serve
        self.serve_models = serve_models
        self.key = key
        self.models = ["fake-small", "fake-large"] if models is None else models
        self.beat, self.patience = beat, patience
        self.requests: list[Request] = []
        self.connections = 0
        self.closing = False
        self._held: Gate | None = None
        self._tls = tls
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, Connection] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/v1"
        self._accepting = threading.Thread(target=self._accept, daemon=True, name="fake-provider")
        self._accepting.start()

    def __enter__(self) -> FakeProvider:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def chats(self) -> list[Request]:
        """The recorded requests for a chat completion."""
        return [request for request in self.requests if request.path.endswith("/chat/completions")]

    def gate(self, after: int = 0) -> Gate:
        """A gate for one Script, open for that many chunks."""
        return Gate(self._wake_all, after)

    def hold(self, after: int = 0) -> Gate:
        """From now on every reply without a gate of its own stops after that many chunks, until release."""
        self._held = self.gate(after)
        return self._held

    def release(self, chunks: int | None = None) -> None:
        """Lets that many more chunks out of what hold holds; without a number, all, and holds no more."""
        held = self._held
        if chunks is None:
            self._held = None
        if held:
            held.release(chunks)

    def wait_for(self, ready: Callable[[], Any], timeout: float = 40.0) -> None:
        """Returns as soon as ready() is true; the timeout (in seconds) only keeps a test from hanging."""
        deadline = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError("the awaited state did not come")
            time.sleep(0.002)

    def reset(self) -> None:
        """Back to the echo script, an empty log and no gate."""
        self.script = echo
        self.requests.clear()
        self.release()

    def close(self) -> None:
        """Ends every connection and thread at once."""
        if self.closing:
            return
        self.closing = True
        with contextlib.suppress(OSError):  # only to wake accept(), on every system alike
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._accepting.join(5)
        self._listener.close()
        with self._lock:
            threads = dict(self._open)
        for connection in threads.values():
            connection.cut()
        for thread in threads:
            thread.join(5)

    def record(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Request:
        with self._lock:
            request = Request(len(self.requests) + 1, method, path, headers, body)
            if not path.startswith("/_"):
                self.requests.append(request)
        return request

    def answer(self, connection: Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path.startswith("/_"):
            self._control(connection, request, path[2:])
        elif self.key is not None and request.authorization != f"Bearer {self.key}":
            connection.reply(401, api_error("Incorrect API key provided.", code="invalid_api_key"))
        elif (request.method, path) == ("GET", "/v1/models"):
            (self.serve_models or list_models)(connection, request)
        elif path == "/v1/chat/completions":
            (self.serve or self._follow_script)(connection, request)
        else:
            connection.reply(404, api_error(f"Unknown request URL: {request.method} {path}"))

    def _follow_script(self, connection: Connection, request: Request) -> None:
        body = request.json
        if not isinstance(body, dict):
            connection.reply(400, api_error("We could not parse the JSON body of your request."))
            return
        script = self._next_script(body)
        connection.pause(script.delay)
        if script.status != 200:
            connection.reply(script.status, script.body or "", script.headers)
        elif body.get("stream"):
            send_stream(connection, request, script, script.gate or self._held)
        else:
            connection.reply(200, completion(request, script), script.headers)

    def _next_script(self, body: dict[str, Any]) -> Script:
        with self._lock:
            script: Any = self.script
            if isinstance(script, list):
                script = script.pop(0) if len(script) > 1 else script[0]
        return script(body) if callable(script) else script  # type: ignore[no-any-return]

    def _control(self, connection: Connection, request: Request, action: str) -> None:
        wish = request.json
        match action:
            case "log":
                connection.reply(200, [entry.log_entry() for entry in self.requests])
                return
            case "script":
                self.script = [Script(**one) for one in wish] if isinstance(wish, list) else Script(**wish)
            case "hold":
                self.hold((wish or {}).get("after", 0))
            case "release":
                self.release((wish or {}).get("chunks"))
            case "reset":
                self.reset()
            case _:
                connection.reply(404, api_error("no such control"))
                return
        connection.reply(200, {"ok": True})

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self.closing:
                sock.close()
                return
            self.connections += 1
            connection = Connection(self, sock, self._tls)
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            with self._lock:
                self._open[thread] = connection
            thread.start()

    def _run(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def _wake_all(self) -> None:
        with self._lock:
            connections = list(self._open.values())
        for connection in connections:
            connection.wake()


def event(payload: Any) -> bytes:
    """One server-sent event; a str is sent as it is, anything else as JSON."""
    return f"data: {payload if isinstance(payload, str) else to_json(payload)}\n\n".encode()


def list_models(connection: Connection, request: Request) -> None:
    rows = [
        {"id": id, "object": "model", "created": 0, "owned_by": "fake"} for id in connection.provider.models
    ]
    connection.reply(200, {"object": "list", "data": rows})


def usage_of(request: Request, script: Script) -> dict[str, Any]:
    """The script's usage, else one made of the request's length and the number of chunks."""
    prompt, written = len(request.body) // 4, len(script.chunks) + len(script.reasoning)
    made_up = {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
    return script.usage or made_up


def completion(request: Request, script: Script) -> dict[str, Any]:
    """The script's reply as one chat.completion object."""
    message = {"role": "assistant", "content": "".join(script.chunks)}
    if script.reasoning:
        message["reasoning_content"] = "".join(script.reasoning)
    only = {"index": 0, "message": message, "finish_reason": script.finish_reason}
    usage = {} if script.send_usage == "never" else {"usage": usage_of(request, script)}
    head = {"id": f"chatcmpl-{request.number}", "object": "chat.completion", "created": 0}
    return {**head, "model": request.json.get("model"), "choices": [only], **usage}


def send_stream(connection: Connection, request: Request, script: Script, gate: Gate | None) -> None:
    """The script's reply as server-sent events, at its pace and no further than its gate allows."""
    connection.head(200, {**EVENT_STREAM, "transfer-encoding": "chunked", **script.headers})
    connection.chunk(chunk_event(request, [choice({"role": "assistant", "content": ""})]))
    for position, delta in enumerate(deltas(script)):
        if gate:
            connection.wait_until(partial(gate.lets_out, position))
        if position:
            connection.pause(script.pace)
        connection.chunk(chunk_event(request, [choice(delta)]))
        request.sent = position + 1
    if gate:
        connection.wait_until(partial(gate.lets_out, request.sent))
    if script.finish_reason:
        connection.chunk(chunk_event(request, [choice({}, script.finish_reason)]))
    asked = bool((request.json.get("stream_options") or {}).get("include_usage"))
    if script.send_usage == "always" or (script.send_usage == "asked" and asked):
        connection.chunk(chunk_event(request, [], usage=usage_of(request, script)))
    connection.chunk(event("[DONE]"))
    connection.end_chunks()


def deltas(script: Script) -> Iterator[dict[str, str]]:
    for thought in script.reasoning:
        yield {"reasoning_content": thought}
    for text in script.chunks:
        yield {"content": text}


def choice(delta: dict[str, str], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish_reason}


def chunk_event(request: Request, choices: list[dict[str, Any]], **more: Any) -> bytes:
    head = {"id": f"chatcmpl-{request.number}", "object": "chat.completion.chunk", "created": 0}
    return event({**head, "model": request.json.get("model"), "choices": choices, **more})


def main() -> None:
    options = argparse.ArgumentParser(description="An OpenAI-compatible server for tests.")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--key", help="refuse requests without this key")
    options.add_argument("--script", type=json.loads, help="a Script's fields as JSON")
    given = options.parse_args()
    script: ScriptSource = Script(**given.script) if given.script else echo
    with FakeProvider(script, key=given.key, port=given.port) as provider:
        print(provider.base_url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
