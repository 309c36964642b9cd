"""Comparisons without a page: columns that know nothing of each other, rounds without names, presets, differences."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from playground.compare import (
    DRAFT,
    FEWEST,
    MOST,
    PRESETS,
    TIE,
    Ask,
    Column,
    Comparison,
    Other,
    Seat,
    Spread,
    spread,
)
from playground.difference import difference
from playground.keys import Endpoint
from playground.messages import Conversation
from playground.providers import Model, Provider, Quirks
from playground.reply import Reply
from playground.wire import Setup
from playground.writer import ask
from tests.fake_provider import FakeProvider, Script, api_error, echo
from tests.test_wire_faults import finished

SEATS = [Seat("one", "m", persona="vicky"), Seat("two", "m"), Seat("three", "m", temperature=0.5)]
PROMPT = "Tell me a story."


@pytest.fixture
def fakes() -> Iterator[dict[str, FakeProvider]]:
    """Three services of their own, by the names of the seats' providers."""
    with FakeProvider(echo) as one, FakeProvider(echo) as two, FakeProvider(echo) as three:
        yield {"one": one, "two": two, "three": three}


@pytest.fixture
def asking(fakes: dict[str, FakeProvider]) -> Ask:
    def ask_seat(seat: Seat, conversation: Conversation) -> Reply:
        setup = Setup(Provider(id=seat.provider, label=seat.provider), Model(id=seat.model), Quirks())
        return ask(setup, conversation, lambda line: Endpoint(fakes[seat.provider].base_url, "key"))

    return ask_seat


def greet(seat: Seat) -> str:
    return "Hi!" if seat.persona else ""


def compared(*seats: Seat, **fields: object) -> Comparison:
    comparison = Comparison([Column(seat) for seat in seats or SEATS])
    for name, value in fields.items():
        setattr(comparison, name, value)
    return comparison


def backwards(ids: object) -> None:
    ids.reverse()  # type: ignore[attr-defined]


def until(comparison: Comparison) -> list[list[str]]:
    """Wait for all replies; the texts of each column."""
    return [[finished(reply).text for reply in column.replies] for column in comparison.columns]


def when(true: Callable[[], bool], reply: Reply) -> None:
    version = -1
    for _ in range(400):
        if true():
            return
        version = reply.watch(version, 0.02)
    pytest.fail("it never came to be")


def test_all_are_asked_the_same(fakes: dict[str, FakeProvider], asking: Ask) -> None:
    comparison = compared()
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    assert until(comparison) == [[f"You asked: {PROMPT}"]] * 3
    said = [[m["content"] for m in fake.chats[0].json["messages"]] for fake in fakes.values()]
    assert said == [["Hi!", PROMPT], [PROMPT], [PROMPT]]
    assert (comparison.begun, comparison.busy, comparison.hidden) == (True, False, False)
    assert comparison.shown == comparison.columns


def test_one_fails_and_one_stalls_and_the_third_goes_on(fakes: dict[str, FakeProvider], asking: Ask) -> None:
    fakes["one"].script = Script(status=500, body=api_error("broken"))
    fakes["two"].script = Script(["half ", "whole"], gate=fakes["two"].gate(1))
    comparison = compared()
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    failed, stalled, fine = (column.replies[0] for column in comparison.columns)
    assert finished(fine).text == f"You asked: {PROMPT}"
    assert finished(failed).message().info.failure  # type: ignore[union-attr]
    when(lambda: stalled.text == "half ", stalled)
    assert [column.busy for column in comparison.columns] == [False, True, False]
    # The others can be talked to meanwhile.
    comparison.columns[2].go_on("And then?", 1, asking)
    assert finished(comparison.columns[2].replies[0]).text == "You asked: And then?"
    assert not stalled.done
    comparison.columns[1].stop()
    assert (stalled.done, stalled.text) == (True, "half ")


def test_all_stream_at_once(fakes: dict[str, FakeProvider], asking: Ask) -> None:
    gates = {name: fake.gate(1) for name, fake in fakes.items()}
    for name, fake in fakes.items():
        fake.script = Script([f"{name} ", "end"], gate=gates[name])
    comparison = compared()
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    for column in comparison.columns:
        reply = column.replies[0]
        when(lambda reply=reply: bool(reply.text), reply)  # type: ignore[misc]
    assert [c.replies[0].text for c in comparison.columns] == ["one ", "two ", "three "]
    assert all(column.busy for column in comparison.columns)
    comparison.stop()
    assert not comparison.busy
    assert all(fake.chats[0].gone.wait(5) for fake in fakes.values())


def test_every_column_keeps_its_own_dialogue(fakes: dict[str, FakeProvider], asking: Ask) -> None:
    comparison = compared()
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    until(comparison)
    comparison.columns[0].go_on("Only you.", 1, asking)
    until(comparison)
    comparison.go_on("All of you.", asking, random.shuffle)
    until(comparison)
    counts = [len(fake.chats[-1].json["messages"]) for fake in fakes.values()]
    assert counts == [6, 3, 3]
    assert [m.content for m in comparison.columns[1].earlier.messages] == [PROMPT, f"You asked: {PROMPT}"]
    # Asking all anew begins anew.
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    until(comparison)
    assert [len(fake.chats[-1].json["messages"]) for fake in fakes.values()] == [2, 1, 1]


def test_again_asks_the_same_once_more(fakes: dict[str, FakeProvider], asking: Ask) -> None:
    column = Column(SEATS[1])
    column.ask_again(1, asking)
    assert fakes["two"].chats == []
    column.begin(PROMPT, 1, asking, "")
    finished(column.replies[0])
    column.ask_again(3, asking)
    assert [finished(reply).text for reply in column.replies] == [f"You asked: {PROMPT}"] * 3
    assert all(chat.json["messages"] == fakes["two"].chats[0].json["messages"] for chat in fakes["two"].chats)


def test_repeats_go_on_from_the_first(fakes: dict[str, FakeProvider], asking: Ask) -> None:
    fakes["one"].script = [Script(["a"]), Script(["b"]), Script(["c"]), echo]
    comparison = compared(SEATS[0], SEATS[1], runs=3)
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    mine, others = until(comparison)
    assert (sorted(mine), len(others)) == (["a", "b", "c"], 3)
    first = mine[0]
    comparison.go_on("And then?", asking, random.shuffle)
    until(comparison)
    assert fakes["one"].chats[-1].json["messages"][-2]["content"] == first


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["yes", "yes ", "no"], Spread(3, 2, 2, 3)),
        (["下雨了"], Spread(1, 1, 3, 3)),
        (["a\nb", "a b", "a  b"], Spread(3, 1, 3, 3)),
    ],
)
def test_spread(texts: list[str], told: Spread) -> None:
    assert spread(texts) == told


def test_a_round_without_names(asking: Ask) -> None:
    comparison = compared(blind=True)
    assert not comparison.hidden
    comparison.ask_all(PROMPT, asking, greet, backwards)
    until(comparison)
    assert comparison.hidden
    shown = comparison.shown
    assert shown == comparison.columns[::-1]
    assert comparison.shown == shown
    comparison.choice = shown[0].id
    comparison.reveal()
    comparison.reveal()
    # The names are told where the replies stood, and a vote counts once.
    assert (comparison.hidden, comparison.shown) == (False, shown)
    assert [column.wins for column in comparison.columns] == [0, 0, 1]
    comparison.go_on("And then?", asking, lambda ids: None)
    assert (comparison.hidden, comparison.choice) == (True, "")
    assert comparison.shown == comparison.columns
    comparison.choice = TIE
    comparison.reveal()
    assert sum(column.wins for column in comparison.columns) == 1
    comparison.blind = False
    comparison.ask_all(PROMPT, asking, greet, backwards)
    assert not comparison.hidden
    assert comparison.order == []


def test_every_order_comes(asking: Ask) -> None:
    dice, seen = random.Random(1), set()
    comparison = compared(blind=True, runs=0)
    for _ in range(60):
        comparison.ask_all(PROMPT, asking, greet, dice.shuffle)
        seen.add(tuple(column.seat.provider for column in comparison.shown))
    assert len(seen) == 6


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("persona", [{}, {"persona": ""}]),
        ("models", [{}, {"provider": "groq", "model": "gpt"}]),
        ("temperatures", [{"temperature": 0.0}, {"temperature": 1.5}]),
        ("personas", [{}, {"persona": "teacher"}]),
        ("draft", [{"persona": DRAFT}, {}]),
    ],
)
def test_a_preset_differs_in_one_thing(name: str, changed: list[dict[str, object]]) -> None:
    here = Seat("fake", "m", "vicky", 0.8)
    pair = PRESETS[name](here, Other("teacher", "groq", "gpt"))
    assert list(pair) == [replace(here, **change) for change in changed]  # type: ignore[arg-type]


def test_columns_come_and_go(asking: Ask) -> None:
    comparison = compared(*SEATS[:2])
    for _ in range(MOST):
        comparison.add()
    assert len(comparison.columns) == MOST
    assert comparison.columns[-1].seat == SEATS[1]
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    gone = comparison.columns[0]
    for _ in range(MOST):
        comparison.remove(comparison.columns[0])
    assert len(comparison.columns) == FEWEST
    assert gone.replies[0].done
    comparison.change(comparison.columns[0], comparison.columns[0].seat)
    assert comparison.columns[0].replies
    comparison.change(comparison.columns[0], SEATS[2])
    assert not comparison.columns[0].replies
    assert comparison.columns[1].replies
    comparison.place(SEATS[:2])
    assert (comparison.begun, comparison.asked) == (False, "")


def test_a_reader_elsewhere_keeps_all_replies(asking: Ask) -> None:
    comparison = compared()
    comparison.ask_all(PROMPT, asking, greet, random.shuffle)
    now = [0.0]
    for column in comparison.columns:
        column.replies[0]._clock = lambda: now[0]
        column.replies[0].seen()
    now[0] = 1000.0
    assert all(column.replies[0].abandoned for column in comparison.columns)
    comparison.seen()
    assert not any(column.replies[0].abandoned for column in comparison.columns)


@pytest.mark.parametrize(
    ("one", "other", "left", "right"),
    [
        ("Be kind.", "Be kind.", ["=Be kind."], ["=Be kind."]),
        ("", "Be kind.", [], ["Be kind."]),
        ("Be kind.\nBe short.\n", "Be kind.\n", ["=Be kind.\n", "Be short.\n"], ["=Be kind.\n"]),
        (
            "You turn bad luck into gold.",
            "You turn bad days into gold.",
            ["=You turn bad ", "luck ", "=into gold."],
            ["=You turn bad ", "days ", "=into gold."],
        ),
        (
            "把壞事說成好事，完全是幸運呀",
            "把壞事說成好事，完全是倒楣呀",
            ["=把壞事說成好事，完全是", "幸運", "=呀"],
            ["=把壞事說成好事，完全是", "倒楣", "=呀"],
        ),
        # A few letters between two changes are no help to a reader.
        (
            "Say what is in the box now",
            "Ask who is in the car then",
            ["Say what is in the box now"],
            ["Ask who is in the car then"],
        ),
    ],
)
def test_difference(one: str, other: str, left: list[str], right: list[str]) -> None:
    told = difference(one, other)
    assert [[f"{'=' * piece.same}{piece.text}" for piece in side] for side in told] == [left, right]


def test_a_difference_loses_nothing_and_takes_its_time_in_bounds() -> None:
    dice = random.Random(7)
    for size in (3, 40, 200, 4000):
        one, other = ("".join(dice.choices("的一是不了人 \nab.,-", k=size)) for _ in range(2))
        left, right = difference(one, other)
        assert "".join(piece.text for piece in left) == one
        assert "".join(piece.text for piece in right) == other
