"""What a measure gives: rows of a table, each made of samples of ours and of its neighbour, taken in turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.sync_api import Browser

from benchmarks.apps import OURS, App
from benchmarks.provider import TimedProvider


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
        pairs = [_by(a, b) for a, b in zip(self.ours, self.theirs, strict=False)]
        return min(pairs), max(pairs)


@dataclass(frozen=True)
class Stage:
    """What every measure works with; `rounds` is how many samples it takes."""

    browser: Browser
    provider: TimedProvider
    rounds: int


def in_turn(apps: Sequence[App], rounds: int) -> Iterator[App]:
    """All apps in every round, and none always first."""
    for number in range(rounds):
        yield from apps if number % 2 == 0 else reversed(apps)


def rows(
    what: str,
    unit: str,
    samples: dict[str, list[Any]],
    value: Callable[[Any], float],
    goal: float | None = None,
) -> list[Row]:
    """One number of each sample: ours beside every neighbour's; the goal is held against the first of them."""
    scale = 1000 if unit == "ms" else 1
    numbers = {name: [scale * value(one) for one in taken] for name, taken in samples.items()}
    ours = numbers.pop(OURS.name)
    return [
        Row(what, beside, unit, ours, theirs, goal if number == 0 else None)
        for number, (beside, theirs) in enumerate(numbers.items())
    ]


def against(
    what: str, beside: str, unit: str, ours: list[float], theirs: float | list[float], goal: float | None
) -> Row:
    """Ours beside a fixed figure, or beside what ours itself took elsewhere."""
    return Row(what, beside, unit, ours, theirs if isinstance(theirs, list) else [theirs] * len(ours), goal)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share of them does not exceed; NaN when there is none."""
    rank = math.ceil(round(share * len(values), 9))
    return sorted(values)[max(rank, 1) - 1] if values else math.nan


def _by(a: float, b: float) -> float:
    return a / b if b else math.nan
