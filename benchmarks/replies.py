"""Measures of replies in a browser: when words are painted, and what a reply costs server, network and page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.apps import OURS, PLAIN, App, installed, running
from benchmarks.browser import Asked, Page, visitor
from benchmarks.provider import Script, Sent
from benchmarks.relay import relay
from benchmarks.rows import Row, Stage, against, in_turn, rows


@dataclass(frozen=True)
class Turn:
    """One question: what the page saw of it, and what the provider sent."""

    seen: Asked
    sent: Sent


Turns = dict[str, list[Turn]]


@dataclass(frozen=True)
class Goals:
    """What a reply may cost, and how late it may be, beside the plain chat's."""

    server: float | None = None
    kilobytes: float | None = None
    first: float | None = None
    last: float | None = None
    text: float | None = None
    """Of the bytes beside those of the text itself."""


def first_question(stage: Stage) -> list[Row]:
    """The first question of a fresh process, from Enter to the first painted word."""
    turns: Turns = {OURS.name: [], PLAIN.name: []}
    for app in in_turn((OURS, PLAIN), min(stage.rounds, 3)):
        with running(app, stage.provider.base_url) as one, visitor(stage.browser) as context:
            page = Page(context, one)
            page.rest()
            turns[app.name].append(_ask(stage, page, Script(10, 0.02, 0.3)))
    return [
        *rows("Enter to first paint, less the provider's wait", "s", turns, _own_wait, 1.0),
        *rows("of that, Enter to the provider", "s", turns, _asking),
        *rows("of that, first chunk to first paint", "s", turns, _first_lag),
        *rows("server", "CPU s", turns, _server),
    ]


def first_token(stage: Stage) -> list[Row]:
    """From the provider's chunk to its paint, for a provider that answers at once and one that waits.

    Who asks sooner is still redrawing the page when an answer comes at once, so there the goal is counted from Enter.
    """
    table: list[Row] = []
    with ExitStack() as stack:
        pages = _pages(stack, stage, (OURS, PLAIN))
        for kind, delay in (("at once", 0.02), ("after 0.8 s", 0.8)):
            turns: Turns = {name: [] for name in pages}
            for number, app in enumerate(in_turn((OURS, PLAIN), 4 * stage.rounds)):
                # Lengths that differ, so that the last chunk does not always meet the same beat of a clock.
                script = Script(10 + number // 2 * 3 % 8, 0.02, delay)
                turns[app.name].append(_ask(stage, pages[app.name], script))
            first = 1.0 if delay > 0.5 else None
            table += [
                *rows(f"Enter to the provider ({kind})", "ms", turns, _asking),
                *rows(f"first chunk ({kind}) to first paint", "ms", turns, _first_lag, first),
                *rows(f"last chunk ({kind}) to last paint", "ms", turns, _last_lag),
                *rows(f"Enter to first paint ({kind}), less the wait", "ms", turns, _own_wait, 1.0),
                *rows(f"one question ({kind}): server", "CPU s", turns, _server),
                *rows(f"one question ({kind}): browser", "CPU s", turns, _browser),
            ]
    return table


def paced(stage: Stage) -> list[Row]:
    """A reply of 500 chunks at 50 a second, and one four times as long at twice the pace."""
    goals = Goals(server=0.33, kilobytes=0.05, first=1.0, last=1.0)
    return _replies(
        stage, (500, 0.02), (2000, 0.01), (min(stage.rounds, 4), max(1, stage.rounds // 3)), goals
    )


def burst(stage: Stage) -> list[Row]:
    """A reply of 1000 chunks as fast as they go, and one four times as long."""
    goals = Goals(server=0.14, kilobytes=0.025, last=0.18, text=3.0)
    return _replies(stage, (1000, 0.0), (4000, 0.0), (stage.rounds, min(stage.rounds, 3)), goals)


def _replies(
    stage: Stage, short: tuple[int, float], long: tuple[int, float], rounds: tuple[int, int], goals: Goals
) -> list[Row]:
    """A reply, beside other front ends too where they are installed, and one four times as long."""
    apps = (OURS, PLAIN, *installed())
    with ExitStack() as stack:
        pages = _pages(stack, stage, apps)
        few = _told(stage, pages, apps, short, rounds[0])
        # A cost that grows with the square would keep other front ends busy for minutes.
        many = _told(stage, pages, (OURS, PLAIN), long, rounds[1])
    text = Script(*short).bytes / 1000
    said = f"{short[0]} chunks"
    return [
        *_costs(said, few, goals),
        against(f"{said}: to the browser", "the text", "kB", _each(few, _kilobytes), text, goals.text),
        *_costs(f"{long[0]} chunks", many, Goals()),
        *(
            against(
                f"{long[0]} chunks: {what}", f"ours, {said}", unit, _each(many, cost), _each(few, cost), 5.0
            )
            for what, unit, cost in (("server", "CPU s", _server), ("to the browser", "kB", _kilobytes))
        ),
    ]


def _told(
    stage: Stage, pages: dict[str, Page], apps: Sequence[App], size: tuple[int, float], rounds: int
) -> Turns:
    turns: Turns = {app.name: [] for app in apps}
    for app in in_turn(apps, rounds):
        turns[app.name].append(_ask(stage, pages[app.name], Script(*size)))
    return turns


def _costs(said: str, turns: Turns, goals: Goals) -> list[Row]:
    return [
        *rows(f"{said}: server", "CPU s", turns, _server, goals.server),
        *rows(f"{said}: browser", "CPU s", turns, _browser),
        *rows(f"{said}: to the browser", "kB", turns, _kilobytes, goals.kilobytes),
        *rows(f"{said}: first chunk to first paint", "ms", turns, _first_lag, goals.first),
        *rows(f"{said}: last chunk to last paint", "ms", turns, _last_lag, goals.last),
    ]


def _each(turns: Turns, value: Callable[[Turn], float]) -> list[float]:
    return [value(turn) for turn in turns[OURS.name]]


def _pages(stack: ExitStack, stage: Stage, apps: Sequence[App]) -> dict[str, Page]:
    """A page of each app that has answered once and stays open until the stack unwinds."""
    pages: dict[str, Page] = {}
    for app in apps:
        one = stack.enter_context(running(app, stage.provider.base_url))
        wire = stack.enter_context(relay(one.port))
        pages[app.name] = page = Page(stack.enter_context(visitor(stage.browser)), one, wire)
        page.rest()
        # Long enough to use every font.
        _ask(stage, page, Script(100))
    return pages


def _ask(stage: Stage, page: Page, script: Script) -> Turn:
    stage.provider.speech = script
    seen = page.ask(script.first, script.last)
    return Turn(seen, stage.provider.sent[-1])


def _server(turn: Turn) -> float:
    return turn.seen.server_cpu


def _browser(turn: Turn) -> float:
    return turn.seen.browser_cpu


def _kilobytes(turn: Turn) -> float:
    return turn.seen.bytes / 1000


def _asking(turn: Turn) -> float:
    return turn.sent.asked - turn.seen.submitted


def _first_lag(turn: Turn) -> float:
    return turn.seen.first_paint - turn.sent.first


def _last_lag(turn: Turn) -> float:
    return turn.seen.last_paint - turn.sent.last


def _own_wait(turn: Turn) -> float:
    """Seconds from Enter to the first painted word that are not the provider's."""
    return turn.seen.first_paint - turn.seen.submitted - (turn.sent.first - turn.sent.asked)
