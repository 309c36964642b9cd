"""A reply on its own thread: watched, stopped, retried once, and never lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from playground import failures
from playground.client import Delta
from playground.keys import Endpoint
from playground.limits import Limits, Pace
from playground.line import Cut, Line, Overdue
from playground.messages import Conversation, Message, Usage
from playground.providers import Model, Provider, Quirks
from playground.reply import KEEP_EVERY, UNWATCHED, Reply
from playground.usage import was_billed
from playground.wire import Setup
from playground.writer import Turn, Unavailable, ask
from tests.fake_provider import FakeProvider, Script
from tests.tables import table
from tests.test_wire_faults import finished

ASKED = Conversation().say("Why?")


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(Script(["one ", "two ", "three"])) as running:
        yield running


def setup(**quirks: object) -> Setup:
    return Setup(Provider(id="fake", label="Fake"), Model(id="m"), Quirks.model_validate(quirks))


def start(fake: FakeProvider, **quirks: object) -> Reply:
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")
    return ask(setup(**quirks), ASKED, lambda line: endpoint)


def until(reply: Reply, text: str) -> None:
    version = -1
    for _ in range(400):
        if text in reply.text:
            return
        version = reply.watch(version, 0.05)
    pytest.fail(f"{text!r} never came")


def test_a_reply(fake: FakeProvider) -> None:
    fake.script = Script(["one ", "two"], usage={"prompt_tokens": 9, "completion_tokens": 2})
    reply = finished(start(fake))
    message = reply.message()
    assert (message.content, reply.info and reply.info.ended) == ("one two", "stop")
    assert message.info is not None
    assert message.info.usage.completion_tokens == 2
    assert not message.info.usage.estimated
    assert message.info.first_token_seconds is not None


def test_a_pause_is_counted_down() -> None:
    now = [7.0]
    reply = Reply(setup(), Line(), lambda message: None, lambda: now[0])
    reply.pauses(4)
    assert (reply.state, reply.pause) == ("pausing", 4)
    now[0] = 10
    assert reply.pause == 1
    now[0] = 20
    assert reply.pause == 0


def test_tokens_are_estimated_where_nobody_counts(fake: FakeProvider) -> None:
    fake.script = Script(["one ", "two"], send_usage="never")
    info = finished(start(fake)).info
    assert info is not None
    assert info.usage.estimated
    assert info.usage.completion_tokens


def test_stop_keeps_what_was_written_and_hangs_up(fake: FakeProvider) -> None:
    fake.script = Script(["one ", "two ", "three"], gate=fake.gate(2))
    reply = start(fake)
    until(reply, "two")
    reply.stop()
    assert reply.done
    assert reply.text == "one two "
    assert reply.info is not None
    assert reply.info.ended == "stopped"
    assert fake.chats[0].gone.wait(5)
    fake.release()
    assert reply.text == "one two "


def test_a_stop_that_cuts_something_off_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the writing thread still adds, until it notices that the line was cut, makes nothing of it whole."""
    line = Line()
    reply = Reply(setup(), line, lambda message: None, lambda: 0.0)
    reply.add(Delta("one "))

    def cut() -> None:
        reply.add(Delta("two."))
        reply.end("stop")

    monkeypatch.setattr(line, "cut", cut)
    reply.stop()
    assert (reply.text, reply.info and reply.info.ended) == ("one ", "stopped")


def test_nothing_turns_the_order_of_letters_around(fake: FakeProvider) -> None:
    fake.script = Script(["a\u202egnp.", "\u2066b\u200f"])
    assert finished(start(fake)).text == "agnp.b\u200f", "the marks that Arabic and Hebrew need stay"


@pytest.mark.parametrize("delay", [5.0, 0.0], ids=["before headers", "after headers"])
def test_stop_while_nothing_comes(fake: FakeProvider, delay: float) -> None:
    fake.script = Script(["one"], delay=delay, gate=fake.gate(0))
    reply = start(fake)
    fake.wait_for(lambda: fake.chats)
    reply.stop()
    assert reply.done
    assert fake.chats[0].gone.wait(5)
    assert reply.info
    assert (reply.text, reply.info.ended) == ("", "stopped")
    # The provider may count the question.
    assert was_billed(reply.info)


def test_stop_while_the_model_is_made_ready() -> None:
    entered = threading.Event()

    def never(line: Line) -> Endpoint:
        entered.set()
        line.wait(60)
        raise AssertionError("nobody waits a minute")

    reply = ask(setup(), ASKED, never)
    assert entered.wait(5)
    reply.stop()
    assert reply.done
    assert reply.info
    assert (reply.info.usage, was_billed(reply.info)) == (Usage(0, 0), False)


def test_nobody_watches_so_it_stops(fake: FakeProvider) -> None:
    now = [0.0]
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")
    gate = fake.gate(1)
    fake.script = Script(["one ", "two ", "three"], gate=gate)
    calm = {"timeout": {"first_byte": 1e6, "between": 1e6, "whole": 1e6}}
    reply = ask(setup(**calm), ASKED, lambda line: endpoint, clock=lambda: now[0])
    until(reply, "one")
    now[0] += UNWATCHED + 1
    gate.release(1)
    assert fake.chats[0].gone.wait(10)
    fake.release()
    info = finished(reply).info
    assert info is not None
    assert info.ended == "stopped"


@pytest.mark.parametrize(
    ("status", "seconds", "requests"),
    [
        (500, None, 2),
        (503, 1, 2),
        (503, 60, 1),
        (429, 0.2, 2),
        (429, 60, 1),
        (429, None, 1),
        (401, None, 1),
        (400, None, 1),
    ],
)
def test_one_retry_where_it_can_help(
    fake: FakeProvider, status: int, seconds: float | None, requests: int
) -> None:
    headers = {"retry-after": str(seconds)} if seconds else {}
    fake.script = [Script(status=status, body={"error": {"message": "no"}}, headers=headers), Script(["yes"])]
    reply = finished(start(fake))
    assert len(fake.chats) == requests
    assert reply.text == ("yes" if requests == 2 else "")
    if requests == 1:
        assert reply.info is not None
        assert reply.info.failure is not None
        assert reply.info.failure.seconds == seconds


def test_refused_parameter_is_left_out_and_told(fake: FakeProvider) -> None:
    refusal = {
        "error": {"message": "Unsupported parameter", "param": "max_tokens", "code": "unsupported_parameter"}
    }
    fake.script = [Script(status=400, body=refusal), Script(["fine"])]
    remembered: list[str] = []
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")
    reply = finished(ask(setup(), ASKED, lambda line: endpoint, remember=remembered.append))
    assert reply.text == "fine"
    assert "max_tokens" in fake.chats[0].json
    assert "max_tokens" not in fake.chats[1].json
    assert remembered == ["max_tokens"]
    assert reply.info is not None
    assert reply.info.unused == ("max_tokens",)


def test_a_shared_key_has_a_queue(fake: FakeProvider) -> None:
    """One reply at once: the second waits for the first, says so; who stops or closes the tab leaves the queue."""
    gate = fake.gate(1)
    fake.script = Script(["one ", "two"], gate=gate)
    limits = Limits()
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")

    def start_for(visitor: str, clock: Callable[[], float] = time.monotonic) -> Reply:
        turn = Turn(limits, ("fake", "shared"), Pace(at_once=1), visitor)
        return ask(setup(), ASKED, lambda line: endpoint, turn=turn, clock=clock)

    now = [0.0]
    first = start_for("ann")
    until(first, "one")
    gone, second, third = start_for("dan", lambda: now[0]), start_for("ben"), start_for("cat")
    fake.wait_for(lambda: gone.state == second.state == third.state == "queued")
    third.stop()
    now[0] = UNWATCHED + 1
    fake.wait_for(lambda: gone.done)
    assert gone.info
    assert (gone.text, gone.info.ended) == ("", "stopped")
    assert len(fake.chats) == 1
    gate.release()
    assert finished(second).text == finished(first).text == "one two"
    assert third.text == ""
    assert len(fake.chats) == 2


@table("status, asked, waits", [(429, 60.0, 60.0), (429, None, 2.0), (503, 60.0, 0.0), (200, None, 0.0)])
def test_a_refusal_slows_everybody_on_the_key_down(
    fake: FakeProvider, status: int, asked: float | None, waits: float
) -> None:
    """By as long as the provider asks for, or by twice the lane's even gap where it asks for nothing."""
    headers = {"retry-after": str(asked)} if asked else {}
    fake.script = Script(["yes"], status=status, body={"error": {"message": "slow down"}}, headers=headers)
    limits, lane, pace = Limits(lambda: 0.0), ("fake", "shared"), Pace(at_once=1)
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")
    finished(ask(setup(), ASKED, lambda line: endpoint, turn=Turn(limits, lane, pace, "ann")))
    with limits.admit(lane, pace, "ben") as ticket:
        assert ticket.seconds == waits


def test_no_endpoint_is_a_failure() -> None:
    def broken(line: Line) -> Endpoint:
        raise Unavailable(failures.failure("download_failed", detail="no route"))

    info = finished(ask(setup(), ASKED, broken)).info
    assert info is not None
    assert info.failure is not None
    assert (info.ended, info.failure.code) == ("failed", "download_failed")


def test_the_unforeseen_has_a_number_and_no_story(caplog: pytest.LogCaptureFixture) -> None:
    def broken(line: Line) -> Endpoint:
        raise ValueError("the key is sk-secret-0123456789")

    info = finished(ask(setup(), ASKED, broken)).info
    assert info is not None
    assert info.failure is not None
    assert info.failure.code == "internal"
    assert info.failure.detail in caplog.text
    assert "sk-secret" not in caplog.text + info.failure.detail


def test_a_line_that_is_cut_stays_cut() -> None:
    line = Line()
    line.cut()
    with pytest.raises(Cut):
        line.remaining()
    with pytest.raises(Cut):
        line.wait(10)


def test_deadlines() -> None:
    now = [0.0]
    line = Line(clock=lambda: now[0])
    line.allow("whole", 120)
    line.allow("first_byte", 30)
    assert line.remaining() == 30
    line.lift("first_byte")
    now[0] = 100
    assert line.remaining() == 20
    now[0] = 121
    with pytest.raises(Overdue, match="whole"):
        line.remaining()


def test_what_is_written_is_stored_while_it_is_written(fake: FakeProvider) -> None:
    gate = fake.gate(1)
    fake.script = Script(["one ", "two ", "three"], gate=gate)
    endpoint, now = Endpoint(fake.base_url, "sk-test-0123456789"), [0.0]
    stored: list[Message] = []
    ended = threading.Event()

    def keep(message: Message) -> None:
        stored.append(message)
        if message.info and message.info.ended == "stop":
            ended.set()

    reply = ask(setup(), ASKED, lambda line: endpoint, keep=keep, clock=lambda: now[0])
    until(reply, "one")
    gate.release(1)
    until(reply, "two")
    now[0] += KEEP_EVERY
    gate.release()
    assert ended.wait(10)
    assert [(m.content, m.info and m.info.ended) for m in stored] == [
        ("one ", "interrupted"),
        ("one two three", "interrupted"),
        ("one two three", "stop"),
    ]
