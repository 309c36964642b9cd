"""What is measured: each entry of MEASURES runs ours and its neighbour in turn and gives a table's rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.sync_api import Browser

from benchmarks.apps import EMPTY, OURS, PLAIN, App, running
from benchmarks.browser import Asked, Page, visitor
from benchmarks.provider import Script, Sent, TimedProvider


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured of ours and of its neighbour, sample by sample, in turn."""

    what: str
    beside: str
    unit: str
    ours: list[float]
    theirs: list[float]
    goal: float | None = None

    @property
    def ratio(self) -> float:
        """Median of ours by median of theirs; below 1 is better."""
        return _by(median(self.ours), median(self.theirs))

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest ratio of neighbouring samples: how noisy the machine was."""
        pairs = [_by(a, b) for a, b in zip(self.ours, self.theirs, strict=True)]
        return min(pairs), max(pairs)


@dataclass(frozen=True)
class Stage:
    """What every measure works with; `rounds` is how many samples it takes."""

    browser: Browser
    provider: TimedProvider
    rounds: int


@dataclass(frozen=True)
class Turn:
    """One question: what the page saw of it, and what the provider sent."""

    seen: Asked
    sent: Sent


@dataclass(frozen=True)
class Start:
    """One start of an app: seconds and CPU seconds."""

    answered: float
    painted: float
    server_cpu: float
    files: float
    kilobytes: float
    second_visit: float


def cold_start(stage: Stage) -> list[Row]:
    """From the start of the process to the first paint of the app's own content, and a second visit to it."""
    starts: dict[str, list[Start]] = {OURS.name: [], EMPTY.name: []}
    for app in _in_turn(OURS, EMPTY, stage.rounds):
        with running(app, stage.provider.base_url) as one, visitor(stage.browser) as context:
            page = Page(context, one)
            up, painted, cpu = one.answered - one.started, page.painted - one.started, one.cpu()
            page.rest()
            files, kilobytes = page.loaded()
            page.close()
            again = Page(context, one)
            starts[app.name].append(Start(up, painted, cpu, files, kilobytes, again.painted - again.opening))
    return [
        _row("process start to first paint", "s", starts, lambda s: s.painted, goal=1.3),
        _row("of that, until the server answers", "s", starts, lambda s: s.answered),
        _row("server, until first paint", "CPU s", starts, lambda s: s.server_cpu),
        _row("files loaded", "files", starts, lambda s: s.files),
        _row("files loaded", "kB", starts, lambda s: s.kilobytes),
        _row("second visit, to first paint", "s", starts, lambda s: s.second_visit),
    ]


def first_question(stage: Stage) -> list[Row]:
    """The first question of a fresh process, from Enter to the first painted word."""
    turns: dict[str, list[Turn]] = {OURS.name: [], PLAIN.name: []}
    for app in _in_turn(OURS, PLAIN, min(stage.rounds, 3)):
        with running(app, stage.provider.base_url) as one, visitor(stage.browser) as context:
            page = Page(context, one)
            page.rest()
            turns[app.name].append(_ask(stage, page, Script(10, 0.02, 0.3)))
    return [
        _row("Enter to first paint, less the provider's wait", "s", turns, _own_wait, goal=1.0),
        _row("of that, Enter to the provider", "s", turns, _asking),
        _row("of that, first chunk to first paint", "s", turns, _first_lag),
        _row("server", "CPU s", turns, lambda t: t.seen.server_cpu),
    ]


def first_token(stage: Stage) -> list[Row]:
    """From the provider's chunk to its paint, for a provider that answers at once and one that waits.

    Who asks sooner is still redrawing the page when an answer comes at once, so there the goal is counted from Enter.
    """
    rows = []
    with ExitStack() as stack:
        pages = {app.name: _page(stack, stage, app) for app in (OURS, PLAIN)}
        for page in pages.values():
            _ask(stage, page, Script(10))
        for kind, delay in (("at once", 0.02), ("after 0.8 s", 0.8)):
            turns: dict[str, list[Turn]] = {OURS.name: [], PLAIN.name: []}
            for number, app in enumerate(_in_turn(OURS, PLAIN, 4 * stage.rounds)):
                # Lengths that differ, so that the last chunk does not always meet the same beat of a clock.
                script = Script(10 + number // 2 * 3 % 8, 0.02, delay)
                turns[app.name].append(_ask(stage, pages[app.name], script))
            rows += [
                _row(f"Enter to the provider ({kind})", "ms", turns, _asking),
                _row(
                    f"first chunk ({kind}) to first paint",
                    "ms",
                    turns,
                    _first_lag,
                    1.0 if delay > 0.5 else None,
                ),
                _row(f"last chunk ({kind}) to last paint", "ms", turns, _last_lag),
                _row(f"Enter to first paint ({kind}), less the wait", "ms", turns, _own_wait, 1.0),
                _row(f"one question ({kind}): server", "CPU s", turns, lambda t: t.seen.server_cpu),
                _row(f"one question ({kind}): browser", "CPU s", turns, lambda t: t.seen.browser_cpu),
            ]
    return rows


def paced(stage: Stage) -> list[Row]:
    """A reply of 500 chunks at 50 a second, and one four times as long at twice the pace."""
    return _replies(stage, Script(500, 0.02), Script(2000, 0.01), 1)


def burst(stage: Stage) -> list[Row]:
    """A reply of 1000 chunks as fast as they go, and one four times as long."""
    return _replies(stage, Script(1000), Script(4000), min(stage.rounds, 3))


MEASURES: dict[str, Callable[[Stage], list[Row]]] = {
    "cold_start": cold_start,
    "first_question": first_question,
    "first_token": first_token,
    "paced": paced,
    "burst": burst,
}


def _replies(stage: Stage, short: Script, long: Script, rounds: int) -> list[Row]:
    """Costs of a reply, of one four times as long, and by how much the costs grew."""
    rows: list[Row] = []
    with ExitStack() as stack:
        pages = {app.name: _page(stack, stage, app) for app in (OURS, PLAIN)}
        for page in pages.values():
            _ask(stage, page, Script(10))
        for script in (short, long):
            turns: dict[str, list[Turn]] = {OURS.name: [], PLAIN.name: []}
            for app in _in_turn(OURS, PLAIN, rounds):
                turns[app.name].append(_ask(stage, pages[app.name], Script(script.chunks, script.pace)))
            said = f"{script.chunks} chunks"
            rows += [
                _row(f"{said}: server", "CPU s", turns, lambda t: t.seen.server_cpu),
                _row(f"{said}: browser", "CPU s", turns, lambda t: t.seen.browser_cpu),
                _row(f"{said}: over the websocket", "kB", turns, lambda t: t.seen.bytes / 1000),
                _row(f"{said}: last chunk to last paint", "ms", turns, _last_lag),
            ]
    return rows + [_growth(few, many) for few, many in zip(rows[:3], rows[4:7], strict=True)]


def _growth(few: Row, many: Row) -> Row:
    """By how much a cost grew with a reply four times as long."""
    ours, theirs = _by(median(many.ours), median(few.ours)), _by(median(many.theirs), median(few.theirs))
    return Row(f"four times as long: {few.what.partition(': ')[2]}", few.beside, "times", [ours], [theirs])


def _page(stack: ExitStack, stage: Stage, app: App) -> Page:
    """A page that stays open until the stack unwinds."""
    one = stack.enter_context(running(app, stage.provider.base_url))
    page = Page(stack.enter_context(visitor(stage.browser)), one)
    page.rest()
    return page


def _ask(stage: Stage, page: Page, script: Script) -> Turn:
    stage.provider.speech = script
    seen = page.ask(script.first, script.last)
    return Turn(seen, stage.provider.sent[-1])


def _in_turn(one: App, other: App, rounds: int) -> Iterator[App]:
    """Both apps in every round, and neither always first."""
    for number in range(rounds):
        yield from (one, other) if number % 2 == 0 else (other, one)


def _row(
    what: str,
    unit: str,
    samples: dict[str, list[Any]],
    value: Callable[[Any], float],
    goal: float | None = None,
) -> Row:
    """A row made of one number of each sample; `samples` are ours and then the neighbour's."""
    scale = 1000 if unit == "ms" else 1
    beside = next(name for name in samples if name != OURS.name)
    ours, theirs = ([scale * value(one) for one in samples[name]] for name in (OURS.name, beside))
    return Row(what, beside, unit, ours, theirs, goal)


def _asking(turn: Turn) -> float:
    return turn.sent.asked - turn.seen.submitted


def _first_lag(turn: Turn) -> float:
    return turn.seen.first_paint - turn.sent.first


def _last_lag(turn: Turn) -> float:
    return turn.seen.last_paint - turn.sent.last


def _own_wait(turn: Turn) -> float:
    """Seconds from Enter to the first painted word that are not the provider's."""
    return turn.seen.first_paint - turn.seen.submitted - (turn.sent.first - turn.sent.asked)


def _by(a: float, b: float) -> float:
    return a / b if b else math.nan
