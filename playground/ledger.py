"""What a class's replies cost today, what failed in the last hour, what providers say is left; nobody's words."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from playground.messages import ReplyInfo
from playground.usage import Cost, Total, total

log = logging.getLogger(__name__)

TIME_ZONE = "Asia/Taipei"
"""Whose midnight ends the day where the operator names no other."""

HOUR = 3600.0
FAILURES = 2_000
"""Failures that are remembered at most; the oldest of a longer hour are forgotten."""


@dataclass(frozen=True, slots=True)
class Failed:
    """How often a model failed in one way in the last hour, and how many seconds ago it last did."""

    provider: str
    model: str
    code: str
    count: int
    ago: float


@dataclass(frozen=True, slots=True)
class Left:
    """What a provider last said was left of the key's quota, and how many seconds ago."""

    requests: int | None
    tokens: int | None
    ago: float


def local_day(now: float, environ: Mapping[str, str] = os.environ) -> date:
    """The day of a Unix time in PLAYGROUND_TIME_ZONE, an IANA name; a host in a cloud has no clock of the school."""
    return datetime.fromtimestamp(now, _zone(environ.get("PLAYGROUND_TIME_ZONE") or TIME_ZONE)).date()


@cache
def _zone(name: str) -> ZoneInfo | None:
    """A time zone; None, the clock of this machine, where the name is not known."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("PLAYGROUND_TIME_ZONE is no known time zone; days begin by this machine's clock")
        return None


class Ledger:
    """Adds up what replies took; `now` is Unix time, and any thread may call.

    Money begins anew at midnight, by `day`. It holds what this process saw since it started.
    """

    def __init__(self, day: Callable[[float], Any] = local_day) -> None:
        self._day = day
        self._today: Any = None
        self._guard = threading.Lock()
        self._spent: dict[str, Total] = {}
        self._reserved: dict[str, Decimal] = {}
        self._failures: deque[tuple[float, str, str, str]] = deque(maxlen=FAILURES)
        self._left: dict[str, tuple[float, int | None, int | None]] = {}

    def add(self, info: ReplyInfo, paid: Cost | None, now: float) -> None:
        """Count a reply that has ended; `paid` is None where neither its money nor its quota is the class's."""
        with self._guard:
            self._begin_day(now)
            if info.failure:
                self._failures.append((now, info.provider, info.model, info.failure.code))
            if paid is None:
                return
            before, one = self._spent.get(info.provider, Total()), total([paid])
            self._spent[info.provider] = replace(
                before,
                amount=before.amount + one.amount,
                replies=before.replies + 1,
                unknown=before.unknown + one.unknown,
                estimated=before.estimated or one.estimated,
            )
            if (info.requests_left, info.tokens_left) != (None, None):
                self._left[info.provider] = (now, info.requests_left, info.tokens_left)

    def reserve(self, provider: str, most: Decimal, budget: float, now: float) -> bool:
        """Set aside what a reply may cost at most; False, and nothing set aside, where the day's budget is used up.

        The last reply may go over the budget, by its own price and no more.
        """
        with self._guard:
            self._begin_day(now)
            reserved = self._reserved.get(provider, Decimal(0))
            if self._spent.get(provider, Total()).amount + reserved >= Decimal(str(budget)):
                return False
            self._reserved[provider] = reserved + most
            return True

    def release(self, provider: str, most: Decimal) -> None:
        """Give back what was set aside for a reply that has ended."""
        with self._guard:
            self._reserved[provider] = self._reserved[provider] - most

    def spent(self, now: float) -> dict[str, Total]:
        """What the replies of today cost, by provider."""
        with self._guard:
            self._begin_day(now)
            return dict(self._spent)

    def failed(self, now: float) -> list[Failed]:
        """What went wrong in the last hour, the most frequent first."""
        with self._guard:
            recent = [row for row in self._failures if row[0] > now - HOUR]
        last = {row[1:]: row[0] for row in recent}
        counts = Counter(row[1:] for row in recent).most_common()
        return [Failed(*what, count, max(0.0, now - last[what])) for what, count in counts]

    def left(self, now: float) -> dict[str, Left]:
        """What was last told of the quota, by provider."""
        with self._guard:
            return {
                provider: Left(requests, tokens, max(0.0, now - then))
                for provider, (then, requests, tokens) in self._left.items()
            }

    def _begin_day(self, now: float) -> None:
        # A clock that is set back does not give the day's money back.
        if self._today is None or self._day(now) > self._today:
            self._today = self._day(now)
            self._spent.clear()
