"""What leaves this app, and what does not: one gate for every request."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpcore2
import pytest

from playground.gate import ERROR_BYTES, _Backend, gate
from playground.keys import Endpoint
from playground.line import Cut, Line
from playground.messages import Conversation
from playground.providers import Model, Provider, Quirks, Timeouts
from playground.reply import Reply
from playground.wire import Setup
from playground.writer import ask
from tests.fake_provider import FakeProvider, Script
from tests.test_wire_faults import finished
from tests.wire_behaviours import GOOD, HELLO, status

SECRET = "sk-SENTINEL-0123456789abcdef"


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


def asked(fake: FakeProvider, key: str = SECRET) -> Reply:
    setup = Setup(Provider(id="fake", label="Fake"), Model(id="m"), Quirks())
    endpoint = Endpoint(fake.base_url, key)
    return finished(ask(setup, Conversation().say("hi"), lambda line: endpoint))


def test_cookies_of_one_visitor_never_go_with_another(fake: FakeProvider) -> None:
    fake.script = Script(["ok"], headers={"set-cookie": "session=ann; Path=/"})
    asked(fake, "sk-ann-0123456789")
    asked(fake, "sk-ben-0123456789")
    assert len(fake.chats) == 2
    assert all("cookie" not in {name.lower() for name in chat.headers} for chat in fake.chats)


def test_only_known_headers_leave(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-teacher")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-teacher")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Teacher: secret")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    asked(fake)
    sent = {name.lower() for name in fake.chats[0].headers}
    assert sent <= {"host", "authorization", "content-type", "content-length", "accept", "user-agent"}
    assert fake.chats[0].authorization == f"Bearer {SECRET}"


def test_what_an_entry_asks_for_leaves_too(fake: FakeProvider) -> None:
    quirks = Quirks(headers={"X-Course": "ai-101", "Cache-Control": "no-store"})
    setup = Setup(Provider(id="fake", label="Fake"), Model(id="m"), quirks)
    finished(ask(setup, Conversation().say("hi"), lambda line: Endpoint(fake.base_url, SECRET)))
    sent = {name.lower(): value for name, value in fake.chats[0].headers.items()}
    assert (sent["x-course"], sent["cache-control"]) == ("ai-101", "no-store")
    asked(fake)
    assert "x-course" not in {name.lower() for name in fake.chats[1].headers}


def test_one_tls_context_serves_every_reply(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one takes tens of milliseconds, in which a class of thirty would stand still; and one connection does."""
    made: list[type] = []
    make = ssl.SSLContext.__new__

    def counted(kind: type[ssl.SSLContext], *args: object, **more: object) -> ssl.SSLContext:
        made.append(kind)
        return make(kind, *args, **more)

    monkeypatch.setattr(ssl.SSLContext, "__new__", counted)
    gate.cache_clear()
    for _ in range(3):
        asked(fake)
    assert (len(made), fake.connections) == (1, 1)


@pytest.mark.parametrize("status", [200, 401, 429, 500])
def test_a_key_reaches_no_log(
    fake: FakeProvider, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    if status != 200:
        fake.script = Script(
            status=status, body={"error": {"message": f"Incorrect API key provided: {SECRET}"}}
        )
    reply = asked(fake)
    out, err = capfd.readouterr()
    assert SECRET not in caplog.text + out + err
    assert SECRET not in repr(reply.message()) + repr(vars(reply)["setup"])


def test_what_is_packed_once_is_read(fake: FakeProvider) -> None:
    """Nobody asks for it, and a proxy may do it all the same."""
    fake.serve = status(200, gzip.compress(b"".join(GOOD)), {"content-encoding": "gzip"}, "text/event-stream")
    assert asked(fake).text == HELLO
    said = f'{{"error": {{"message": "Incorrect API key provided: {SECRET}"}}}}'
    fake.serve = status(401, gzip.compress(said.encode()), {"content-encoding": "gzip"})
    told = asked(fake).info
    assert told
    assert told.failure
    assert "Incorrect" in told.failure.detail
    url, sign = f"{fake.base_url}/chat/completions", {"authorization": f"Bearer {SECRET}"}
    assert SECRET not in gate().post(url, headers=sign).text


@pytest.mark.parametrize(("times", "code", "most"), [(1, 400, ERROR_BYTES), (2, 400, 9000), (2, 200, 9000)])
def test_a_packed_answer_does_not_grow_without_end(
    fake: FakeProvider, times: int, code: int, most: int
) -> None:
    body = bytes(8_000_000)
    for _ in range(times):
        body = gzip.compress(body)
    fake.serve = status(code, body, {"content-encoding": ", ".join(["gzip"] * times)})
    assert len(gate().post(f"{fake.base_url}/chat/completions").content) <= most


def test_a_connection_that_was_cut_is_never_used_again(fake: FakeProvider) -> None:
    """A reply that was stopped leaves nothing behind that the next one could read."""
    fake.script = [Script(["left ", "over"], gate=fake.gate(1)), Script(["fresh"])]
    setup = Setup(Provider(id="fake", label="Fake"), Model(id="m"), Quirks())
    endpoint = Endpoint(fake.base_url, SECRET)
    first = ask(setup, Conversation().say("hi"), lambda line: endpoint)
    version = -1
    while "left" not in first.text:
        version = first.watch(version, 0.1)
    first.stop()
    assert asked(fake).text == "fresh"
    assert fake.chats[0].gone.wait(5)


@pytest.mark.parametrize(
    ("connect", "stopped", "code"), [(0.5, False, "timeout"), (60, True, None)], ids=["deadline", "stop"]
)
def test_a_handshake_that_never_comes_ends(connect: float, stopped: bool, code: str | None) -> None:
    """A server that takes the connection and then says nothing holds nobody longer than one that is not there."""
    quirks = Quirks(timeout=Timeouts(connect=connect, first_byte=60, between=60, whole=60))
    setup = Setup(Provider(id="fake", label="Fake"), Model(id="m"), quirks)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint(f"https://127.0.0.1:{silent.getsockname()[1]}/v1", SECRET)
        started = time.monotonic()
        reply = ask(setup, Conversation().say("hi"), lambda line: endpoint)
        with silent.accept()[0] as taken:
            taken.settimeout(10)
            assert taken.recv(1) == b"\x16"  # the handshake has begun
            if stopped:
                reply.stop()
            finished(reply)
            # Stopped replies are over for the page at once; the connection says when they are for the thread.
            while taken.recv(4096):
                pass
        assert time.monotonic() - started < 8
    assert reply.info
    assert (reply.info.failure and reply.info.failure.code) == code


@pytest.mark.parametrize(
    ("others", "pieces", "size", "seconds"),
    [
        (0, 0, 100, []),
        (0, 8, 100, []),
        (0, 9, 100, [0.07]),
        (0, 9, 20_000, []),
        (19, 0, 100, []),
        (19, 1, 20_000, [0.1]),
        (99, 1, 100, [0.2]),
    ],
)
def test_a_reply_that_drips_is_read_less_often(
    monkeypatch: pytest.MonkeyPatch, others: int, pieces: int, size: int, seconds: list[float]
) -> None:
    """Not the first words, nor a short reply, nor one that pours; in a crowd all but the first words."""
    waited: list[float] = []
    now = [0.0]
    line = Line(5, lambda: now[0])
    monkeypatch.setattr(line, "wait", waited.append)
    with ExitStack() as stack:
        for _ in range(others):
            stack.enter_context(Line(5, time.monotonic).open())
        with line.open():
            line.pieces, now[0] = pieces, 0.1
            line.took(size)
            line.breathe()
    assert waited == seconds


def resolver(monkeypatch: pytest.MonkeyPatch, numbers: list[str], seconds: float = 0.0) -> None:
    """Let a name have these numbers, after a while."""
    real = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        if host != "model.example":
            return real(host, port, *args, **more)
        time.sleep(seconds)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def connected(line: Line, port: int) -> None:
    with line.open():
        _Backend().connect_tcp("model.example", port).close()


def test_silent_numbers_of_a_host_share_the_time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("", 0), backlog=0))
        port = listener.getsockname()[1]
        # Linux drops whoever comes when the queue is full.
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        resolver(monkeypatch, [f"127.0.0.{number}" for number in range(1, 9)])
        begun = time.monotonic()
        with pytest.raises(httpcore2.ConnectTimeout):
            connected(Line(connect=0.5), port)
        assert time.monotonic() - begun < 2


def test_one_number_that_answers_is_enough(monkeypatch: pytest.MonkeyPatch, fake: FakeProvider) -> None:
    port = urlsplit(fake.base_url).port or 0
    resolver(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    connected(Line(connect=2), port)


def test_a_search_for_a_name_ends_with_the_time_to_connect_or_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, ["127.0.0.1"], seconds=5)
    begun = time.monotonic()
    with pytest.raises(httpcore2.ConnectTimeout):
        connected(Line(connect=0.2), 9)
    line = Line(connect=5)
    threading.Timer(0.2, line.cut).start()
    with pytest.raises(Cut):
        connected(line, 9)
    assert time.monotonic() - begun < 3
