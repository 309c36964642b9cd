"""What is kept of a request is what was received, byte for byte, for every provider and every kind of conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from playground.events import MAX_EVENT, read_events
from playground.keys import Endpoint
from playground.line import Heard
from playground.messages import Conversation, ReplyInfo, Usage
from playground.reply import Reply
from playground.sent import LONGEST_EVENT, Sent, as_it_leaves
from playground.wire import Leave, Note, Request, Setup, build_body
from playground.writer import ask
from tests.faithful_scenes import DISTINCT, FULL, SCENES, SYSTEM, TUNED, setup_for
from tests.fake_provider import FakeProvider, Script, api_error
from tests.test_wire_faults import finished

KEY = "sk-sentinel-0123456789"
LATER = SCENES["all of it"].conversation
CALM = {"max_tokens": 512, "temperature": 0.4}
LEAVES = [Leave(*parts) for parts in product((False, True), repeat=3)]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture(autouse=True)
def _plain(server: FakeProvider) -> None:
    server.reset()


def asked(server: FakeProvider, setup: Setup, conversation: Conversation = LATER) -> Reply:
    return finished(ask(setup, conversation, lambda line: Endpoint(server.base_url, KEY)))


def kept(reply: Reply) -> Sent:
    sent = reply.sent()
    assert sent
    return sent


@pytest.mark.parametrize(("name", "model"), DISTINCT)
def test_what_is_kept_is_what_was_received(server: FakeProvider, name: str, model: str) -> None:
    for scene in SCENES:
        keeps_what_was_received(server, name, model, scene)


def keeps_what_was_received(server: FakeProvider, name: str, model: str, scene: str) -> None:
    setup = setup_for(name, model, SCENES[scene].persona)
    setups = [setup]
    if scene == "all of it":
        # Only where all parts are there does it matter which of them are left out.
        setups = [replace(setup, **CALM), *(replace(setup, leave=one) for one in LEAVES)]
    for one in setups:
        sent = kept(asked(server, one, SCENES[scene].conversation))
        received = server.chats[-1]
        assert sent.body == received.body
        assert sent.request.body == json.loads(received.body)
        # What would be sent is shown before it is, in these very bytes.
        assert as_it_leaves(build_body(one, SCENES[scene].conversation).body).encode() == received.body
        assert len(sent.request.origins) == len(received.json["messages"])
        assert KEY not in repr(sent)
        assert received.authorization == f"Bearer {KEY}"


def test_after_a_refused_parameter_the_second_request_is_kept(server: FakeProvider) -> None:
    refusal = api_error("Unsupported parameter: 'temperature'", code="unsupported_parameter")
    refusal["error"]["param"] = "temperature"
    server.script = [Script(status=400, body=refusal), Script(["Fine."])]
    sent = kept(asked(server, setup_for("mistral", persona=TUNED)))
    assert len(server.chats) == 2
    assert sent.body == server.chats[-1].body != server.chats[0].body
    assert Note("refused", "temperature") in sent.request.notes
    assert len(sent.first) + len(sent.last) == sent.count
    assert sent.events == "\n\n".join((*sent.first, *sent.last))


def test_nothing_is_kept_where_nobody_was_asked(server: FakeProvider) -> None:
    reply = finished(
        ask(setup_for("openai", persona=FULL), LATER, lambda line: Endpoint("not an address", KEY))
    )
    assert reply.info
    assert reply.info.ended == "failed"
    assert reply.sent() is None


@pytest.mark.parametrize("chunks", [1, 3, 8, 9, 10, 200])
def test_events_are_kept_as_they_came(server: FakeProvider, chunks: int) -> None:
    server.script = Script([f"<{n}>" for n in range(chunks)])
    sent = kept(asked(server, setup_for("openai", persona=FULL)))
    assert sent.count == chunks + 3  # the role before them, how it ended and the token counts after them
    assert len(sent.first) + len(sent.last) == min(sent.count, 2 * Heard.EDGE)
    came = sent.events.split("\n\n")
    assert len(came) == sent.count
    assert all(event.startswith("data: {") for event in came)
    assert [f"<{n}>" in event for n, event in zip(range(-1, chunks), came, strict=False)] == [
        False,
        *[True] * chunks,
    ]
    assert '"role":"assistant"' in came[0]
    assert '"usage"' in came[-1]


def test_of_an_endless_answer_the_ends_are_kept(
    monkeypatch: pytest.MonkeyPatch, server: FakeProvider
) -> None:
    monkeypatch.setattr(Heard, "ROOM", 5000)
    server.script = Script([f"<{n}>" for n in range(200)])
    came = kept(asked(server, setup_for("openai", persona=FULL))).events.split("\n\n")
    assert 10 < len(came) < 40
    assert came[-Heard.EDGE - 1] == "…"
    assert "<199>" in came[-3]


@pytest.mark.parametrize(
    ("came", "events"),
    [
        (": PROCESSING\n\ndata: {}\n\n", [": PROCESSING", "data: {}"]),
        (": a\r\ndata:{ }\r\n\r\n", [": a\ndata:{ }"]),
        (
            "event: message\nid: 7\ndata: {}\n\ndata: [DONE]\n\n",
            ["event: message\nid: 7\ndata: {}", "data: [DONE]"],
        ),
        ("data: {}\n\n\n\ndata: {bro", ["data: {}"]),
        ("<p>\n\nNo API", ["<p>\nNo API"]),
    ],
)
def test_an_event_keeps_its_lines(came: str, events: list[str]) -> None:
    for size in (1, 7, len(came)):
        parts = [came[at : at + size].encode() for at in range(0, len(came), size)]
        assert [event.raw for event in read_events(parts)] == events


def test_text_without_end_is_too_big_with_empty_lines_as_without() -> None:
    for line in (b"no event\n", b"no event\n\n"):
        taken = iter([line * 1000] * (2 * MAX_EVENT // 8000))
        assert [event.kind for event in read_events(taken)] == ["too_big"]
        assert next(taken, None)  # it was not read to its end


def test_a_long_event_is_cut(server: FakeProvider) -> None:
    server.script = Script(["x" * 50_000])
    sent = kept(asked(server, setup_for("openai", persona=FULL)))
    assert max(map(len, sent.first)) == LONGEST_EVENT + 1


def test_of_the_headers_the_quota_is_kept(server: FakeProvider) -> None:
    quota = {"x-ratelimit-remaining-tokens": "12", "retry-after": "3", "X-RateLimit-Reset": "1s"}
    server.script = Script(["Fine."], headers={**quota, "x-request-id": "abc", "set-cookie": "a=b"})
    sent = kept(asked(server, setup_for("openai", persona=FULL)))
    assert sent.headers == {name.lower(): value for name, value in quota.items()}


@pytest.mark.parametrize(
    ("first", "seconds", "tokens", "speed"),
    [(1.0, 3.0, 20, 10.0), (None, 3.0, 20, None), (3.0, 3.0, 20, None), (1.0, 3.0, None, None)],
)
def test_speed(first: float | None, seconds: float, tokens: int | None, speed: float | None) -> None:
    info = ReplyInfo("p", "m", "stop", seconds, first, Usage(1, tokens))
    assert Sent(setup_for("openai"), Request({}, ()), b"", info).tokens_per_second == speed


@pytest.mark.parametrize(
    ("leave", "origins", "notes"),
    [
        (Leave(), "system_prompt greeting example history reminder", []),
        (Leave(system_prompt=True), "greeting example history reminder", [("system_prompt", "1")]),
        (Leave(greeting=True), "system_prompt example history reminder", [("greeting", "1")]),
        (Leave(history=True), "system_prompt greeting example history reminder", [("history", "2")]),
        (
            Leave(True, True, True),
            "example history reminder",
            [("system_prompt", "1"), ("greeting", "1"), ("history", "2")],
        ),
    ],
)
def test_parts_are_left_out(leave: Leave, origins: str, notes: list[tuple[str, str]]) -> None:
    request = build_body(replace(setup_for("openai", persona=FULL), leave=leave), LATER)
    assert list(dict.fromkeys(one for part in request.origins for one in part)) == origins.split()
    assert [(note.what, note.now) for note in request.notes if note.code == "left_out"] == notes
    said = [m["content"] for m in request.body["messages"]]
    assert LATER.question in said
    assert (SYSTEM in said) is not leave.system_prompt
    assert ("那就淋雨！" in said) is not leave.history


def test_what_is_not_there_is_not_told_as_left_out() -> None:
    setup = replace(setup_for("openai"), leave=Leave(True, True, True))
    assert not [note for note in build_body(setup, Conversation().say("Q")).notes if note.code == "left_out"]
