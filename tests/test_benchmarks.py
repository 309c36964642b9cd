"""What the benchmarks measure with: students without a browser, the counted wire, and the table's figures."""

from __future__ import annotations

import math
import urllib.request
from collections.abc import Iterator

import pytest
from streamlit.proto.Delta_pb2 import Delta

from benchmarks.__main__ import line
from benchmarks.apps import OURS, PLAIN, App, free_port, running
from benchmarks.crowd import crowd
from benchmarks.measures import MEASURES
from benchmarks.provider import Script, TimedProvider
from benchmarks.relay import relay
from benchmarks.rows import Row, against, in_turn, percentile, rows
from benchmarks.student import Hearing
from tests.fake_provider import FakeProvider


@pytest.fixture(scope="module")
def timed() -> Iterator[TimedProvider]:
    with TimedProvider() as provider:
        yield provider


@pytest.mark.parametrize("app", [OURS, PLAIN], ids=lambda app: app.name)
def test_students_hear_whole_replies(app: App, timed: TimedProvider) -> None:
    asked = len(timed.sent)
    with running(app, timed.base_url) as one, crowd(one.url) as students:
        students.open(2)
        timed.speech = Script(100, 0.002)
        heard = students.ask(timed.speech)
        timed.speech = Script(20)
        heard += students.arrive(1, 0, timed.speech)
        assert len(timed.sent) - asked == len(heard) == 3, "one request a question"
        for one_heard in heard:
            assert 0 < one_heard.first <= one_heard.whole < math.inf
            assert 0 <= one_heard.gap <= one_heard.whole - one_heard.first
        assert all(one_heard.bytes > Script(100).bytes for one_heard in heard[:2])
        students.rerun(2)
        assert len(timed.sent) - asked == 3, "a rerun asks nothing"
        # Where there is no /proc both are NaN, which is neither.
        assert not one.cpu() <= 0
        assert not one.memory() < 10e6
        for lost in students.ask(Script(5)):
            assert (lost.first, lost.whole, lost.gap) == (math.inf,) * 3, "these words never came"
        students.leave()
        assert students.ask(timed.speech) == [], "nobody is left"


def markdown(text: str) -> Delta:
    delta = Delta()
    delta.new_element.markdown.body = text
    return delta


def block() -> Delta:
    delta = Delta()
    delta.add_block.allow_empty = True
    return delta


HEARD = {
    "the whole text every time": (
        [(1, (0, 3, 0), "go"), (2, (0, 3, 0), "go on"), (5, (0, 3, 0), "go on end")],
        (1, 5, 3),
    ),
    "finished blocks and an open tail": (
        [
            (1, (0, 3, 1), "go"),
            (2, (0, 3, 1), None),
            (2, (0, 3, 1, 0), "go"),
            (4, (0, 3, 1, 1), "on and"),
            (9, (0, 3, 1, 1), "on and end"),
            (9, (0, 3, 1), "go\n\non and end"),
        ],
        (1, 9, 5),
    ),
    "the same text again is nothing new": (
        [(1, (0, 3, 0), "go"), (2, (0, 3, 0), "go"), (4, (0, 3, 0), "go on"), (5, (0, 3, 0), "go on end")],
        (1, 5, 3),
    ),
    "nor is what is drawn elsewhere": (
        [(0, (0, 2, 0), "before"), (1, (0, 3, 0), "go"), (2, (1, 0), "side"), (5, (0, 3, 0), "go on end")],
        (1, 5, 4),
    ),
    "words that came at once": ([(1, (0, 3, 0), "go on end")], (1, 1, 0)),
}


@pytest.mark.parametrize(("seen", "heard"), HEARD.values(), ids=HEARD)
def test_hearing(
    seen: list[tuple[float, tuple[int, ...], str | None]], heard: tuple[float, float, float]
) -> None:
    clock: list[float] = []
    reply = Hearing("go", "end", lambda: clock[-1])
    for now, path, text in seen:
        clock.append(now)
        reply.hear(block() if text is None else markdown(text), path)
    assert (reply.began, reply.whole, reply.gap) == heard


def test_wire_counts_what_travels() -> None:
    with FakeProvider() as provider, relay(provider.port) as wire:
        before = wire.bytes()
        with urllib.request.urlopen(f"{wire.url}/v1/models") as answer:
            body = answer.read()
        assert before == 0
        assert len(body) < wire.bytes() < len(body) + 1000


def test_wire_without_an_app_hangs_up() -> None:
    with relay(free_port()) as wire, pytest.raises(OSError):  # noqa: PT011
        urllib.request.urlopen(wire.url, timeout=10)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 41)], 0.95, 38.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([7.0], 0.95, 7.0),
        ([1.0, math.inf], 0.5, 1.0),
    ],
)
def test_percentile(values: list[float], share: float, found: float) -> None:
    assert percentile(values, share) == found


def test_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 0.95))


def test_rows_stand_beside_every_neighbour() -> None:
    samples = {OURS.name: [1.0, 2.0, 4.0], PLAIN.name: [4.0, 4.0, 4.0], "other": [1.0, 1.0, 1.0]}
    plain, other = rows("wait", "ms", samples, float, 0.5)
    assert plain == Row("wait", PLAIN.name, "ms", [1000, 2000, 4000], [4000, 4000, 4000], 0.5)
    assert (plain.ratio, plain.range) == (0.5, (0.25, 1.0))
    assert (other.beside, other.ratio, other.goal) == ("other", 2.0, None)


@pytest.mark.parametrize(
    ("row", "end"),
    [
        (Row("a", "b", "s", [1.0], [2.0], 0.5), "| a | 1 s | 2 s (b) | 0.50 |  | ≤ 0.5 ✓ |"),
        (Row("a", "b", "s", [1.02], [2.0], 0.5), "| a | 1.02 s | 2 s (b) | 0.51 |  | ≤ 0.5 ✗ |"),
        (Row("a", "b", "s", [1.0, 2.0], [2.0, 2.0]), "| a | 1.5 s | 2 s (b) | 0.75 | 0.50 – 1.00 |  |"),
        (Row("a", "b", "s", [math.nan], [2.0], 0.5), "| a | nan s | 2 s (b) | nan |  | ≤ 0.5 |"),
        (against("a", "itself", "kB", [9.0], 3.0, 5.0), "| a | 9 kB | 3 kB (itself) | 3.00 |  | ≤ 5 ✓ |"),
    ],
)
def test_table(row: Row, end: str) -> None:
    assert line("measure", row) == f"| measure {end}"


def test_nobody_is_always_first() -> None:
    assert [app.name for app in in_turn((OURS, PLAIN), 2)] == [OURS.name, PLAIN.name, PLAIN.name, OURS.name]


def test_scripts_have_words_of_their_own() -> None:
    one, other = Script(500, 0.02), Script(500, 0.02)
    assert len(one.words()) == 500
    assert 8 < one.bytes / 500 < 10
    assert one.seconds == pytest.approx(9.98)
    assert "".join(other.words()).count(one.first) == "".join(other.words()).count(one.last) == 0


def test_every_measure_says_what_it_is() -> None:
    assert all(measure.__doc__ for measure in MEASURES.values())
