"""The class behind the teacher's page: its door, its books, its budget, and a stop that stops everything."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest

from playground.classroom import FREE, FREE_TOGETHER, LONGEST_PAUSE, PRESENT, Classroom, Door, matches
from playground.keys import Endpoint
from playground.limits import Limits, Pace, Queue
from playground.messages import Conversation
from playground.providers import Model, Provider, Quirks
from playground.reply import Reply
from playground.wire import Setup
from playground.writer import Turn
from playground.writer import ask as start
from tests.databases import Clock
from tests.fake_provider import FakeProvider, Script
from tests.tables import table
from tests.test_wire_faults import finished

PASSCODE = "five 顆 swift umbrellas"
COUNTS = {"prompt_tokens": 1000, "completion_tokens": 500}


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(Script(["one ", "two"], usage=COUNTS)) as running:
        yield running
        running.release()


def asked(
    fake: FakeProvider,
    room: Classroom,
    limits: Limits | None = None,
    budget: float | None = None,
    **of_turn: object,
) -> Reply:
    provider = Provider(id="fake", label="Fake", daily_budget_usd=budget)
    setup = Setup(provider, Model(id="m", price=(1, 2)), Quirks(), max_tokens=1000)
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")
    pace = Pace(at_once=1) if limits else Pace()
    turn = Turn(limits or Limits(), ("fake", "shared"), pace, "ann", room, **of_turn)  # type: ignore[arg-type]
    return start(setup, Conversation().say("A secret"), lambda line: endpoint, turn=turn)


def settled(room: Classroom) -> None:
    """Wait until the threads of replies that have ended have told so."""
    for thread in threading.enumerate():
        if thread.name == "reply":
            thread.join(10)
    assert room.writing == 0


@table(
    "given, passcode, same",
    [
        (PASSCODE, PASSCODE, True),
        (f" {PASSCODE}\n", PASSCODE, True),
        (PASSCODE[:-1], PASSCODE, False),
        (PASSCODE.upper(), PASSCODE, False),
        ("\ud800", PASSCODE, False),
        ("\ud800", "?", False),
        ("", "", False),
        ("", PASSCODE, False),
        ("", " ", False),
    ],
)
def test_passcodes(given: str, passcode: str, same: bool) -> None:
    assert matches(given, passcode) is same


def guess(door: Door, now: float, address: str = "10.0.0.1", given: str = "wrong") -> bool:
    return door.opens(given, PASSCODE, address, now)


def test_who_guesses_waits_longer_and_longer() -> None:
    door, now, pauses = Door(), 0.0, []
    for _ in range(FREE):
        assert door.wait("10.0.0.1", now) == 0
        assert not guess(door, now)
    for _ in range(10):
        pauses.append(door.wait("10.0.0.1", now))
        assert not guess(door, now + pauses[-1] - 0.1, given=PASSCODE)  # too early, so nobody looks at it
        now += pauses[-1]
        assert not guess(door, now)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, LONGEST_PAUSE, LONGEST_PAUSE]
    assert guess(door, now, "10.0.0.2", PASSCODE)
    assert guess(door, now + LONGEST_PAUSE, given=PASSCODE)
    assert door.wait("10.0.0.1", now + LONGEST_PAUSE) == 0


def test_an_hour_later_all_is_forgotten() -> None:
    door = Door()
    for number in range(FREE + 3):
        guess(door, number * 100.0)
    assert door.wait("10.0.0.1", 700.0) > 0
    assert door.wait("10.0.0.1", 700.0 + 3600) == 0


def test_many_addresses_do_not_help() -> None:
    door = Door()
    for number in range(FREE_TOGETHER):
        guess(door, 0.0, f"10.0.{number}.1")
    assert door.wait("192.168.7.7", 0.0) > 0
    network = Door()
    for number in range(FREE):
        guess(network, 0.0, f"2001:db8::{number}")
    assert network.wait("2001:db8::ffff", 0.0) > 0
    assert network.wait("2001:db8:1::1", 0.0) == 0


def test_who_guesses_does_not_lock_out_who_was_in_before() -> None:
    door = Door()
    assert door.opens(PASSCODE, PASSCODE, "10.0.0.1", 0, "the teacher")
    for _ in range(FREE):
        assert not door.opens("wrong", PASSCODE, "10.0.0.1", 0, "a student")
    assert (door.wait("10.0.0.1", 0, "a student") > 0, door.wait("10.0.0.1", 0, "the teacher")) == (True, 0)
    assert not door.opens(PASSCODE, PASSCODE, "10.0.0.1", 0, "a student")
    assert not door.opens(PASSCODE, PASSCODE, "10.0.0.1", 0)
    assert door.opens(PASSCODE, PASSCODE, "10.0.0.1", 0, "the teacher")


def test_the_door_s_memory_is_bounded() -> None:
    door = Door()
    for number in range(3000):
        guess(door, number * 1000.0, f"10.{number // 250}.{number % 250}.1")
    assert len(door._wrong) <= 1001


def test_who_is_here() -> None:
    clock = Clock()
    room = Classroom(clock)
    for visitor in ("ann", "bob", "ann"):
        room.see(visitor)
    assert room.here() == 2
    clock.now += PRESENT - 1
    room.see("cid")
    clock.now += 1
    assert room.here() == 1


def test_a_reply_is_in_the_books(fake: FakeProvider) -> None:
    clock = Clock()
    room = Classroom(clock)
    fake.script = Script(["one"], usage=COUNTS, headers={"x-ratelimit-remaining-requests": "9"})
    finished(asked(fake, room))
    settled(room)
    assert room.ledger.spent(clock.now)["fake"].amount == Decimal("0.002")
    assert room.ledger.left(clock.now)["fake"].requests == 9
    finished(asked(fake, room, shared=False))
    settled(room)
    assert room.ledger.spent(clock.now)["fake"].replies == 1


def test_a_stopped_reply_is_paid_for_as_far_as_it_came(fake: FakeProvider) -> None:
    room = Classroom(Clock())
    fake.script = Script(["one ", "two"], gate=fake.gate(1))
    reply = asked(fake, room)
    fake.wait_for(lambda: reply.text)
    reply.stop()
    settled(room)
    paid = room.ledger.spent(Clock().now)["fake"]
    assert paid.amount > 0
    assert paid.estimated


def test_stop_now_stops_who_writes_and_who_waits_and_lets_nobody_begin(fake: FakeProvider) -> None:
    room, limits = Classroom(Clock()), Limits()
    fake.script = Script(["one ", "two"], gate=fake.gate(1))
    writing = asked(fake, room, limits)
    fake.wait_for(lambda: writing.text)
    waiting = asked(fake, room, limits)
    fake.wait_for(lambda: waiting.state == "queued")
    queue = limits.queues()[("fake", "shared")]
    assert (queue.running, queue.waiting, queue.seconds > 0) == (1, 1, True)
    assert room.writing == 2

    room.stop()
    assert (writing.done, waiting.done) == (True, True)
    assert [one.info and one.info.ended for one in (writing, waiting)] == ["stopped", "stopped"]
    assert writing.text == "one "
    assert fake.chats[0].gone.wait(5)  # the bill stops too
    refused = finished(asked(fake, room, limits))
    assert refused.info
    assert refused.info.failure
    assert refused.info.failure.code == "class_stopped"
    settled(room)
    assert limits.queues()[("fake", "shared")] == Queue(0, 0, 0.0)
    assert len(fake.chats) == 1
    spent = room.ledger.spent(Clock().now)["fake"]
    assert (spent.replies, spent.unknown) == (1, 0)  # who waited was put to nobody
    assert room.ledger.failed(Clock().now) == []  # that nobody was asked is no error

    room.go_on()
    fake.script = Script(["three"])
    assert finished(asked(fake, room, limits)).text == "three"
    settled(room)


def test_a_day_s_budget(fake: FakeProvider) -> None:
    """A reply may cost a fifth of a cent here, and each of these does."""
    clock = Clock()
    room = Classroom(clock)
    held = fake.gate()
    fake.script = Script(["one"], usage=COUNTS, gate=held)
    first = [asked(fake, room, budget=0.003) for _ in range(2)]
    fake.wait_for(lambda: room.writing == 2)
    over = finished(asked(fake, room, budget=0.003))  # the two that are under way have it all
    held.release()
    own = finished(asked(fake, room, budget=0.003, shared=False))
    for one in first:
        finished(one)
    settled(room)
    assert [one.info.failure.code for one in (*first, over) if one.info and one.info.failure] == [
        "budget_spent"
    ]
    assert own.text == "one"
    assert room.ledger.spent(clock.now)["fake"].amount == Decimal("0.004")
    clock.now += 86400
    assert finished(asked(fake, room, budget=0.003)).text == "one"
    settled(room)
