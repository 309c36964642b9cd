"""Pace and places in the queue for replies that share a provider's key."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import chain, zip_longest

LaneId = tuple[str, str]  # provider id, key owner; never the key itself

WIRE = 1.0  # seconds added to a minute: requests overtake each other on their way
LOOK = 0.25  # seconds between two looks at whether a waiting reply was stopped
TYPICAL = 10.0  # seconds a reply is thought to take before the first one has ended
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 120.0  # seconds; a spent day must not silence a lane for a day
LONGEST_GAP = 60.0  # seconds between two starts after refusal upon refusal
RECOVERY = 120.0  # seconds without a refusal in which the gap halves
MEMORY = 600.0  # seconds after which an empty lane has nothing left worth remembering


@dataclass(frozen=True)
class Pace:
    """What a key allows; None is without limit, so `Pace()` never queues."""

    requests_per_minute: float | None = None
    at_once: int | None = None

    def __post_init__(self) -> None:
        per_minute, at_once = self.requests_per_minute, self.at_once
        if not (per_minute is None or 0 < per_minute < math.inf) or not (at_once is None or at_once >= 1):
            raise ValueError(self)

    @property
    def even_gap(self) -> float:
        """Seconds between requests spread evenly; one second where nothing is known."""
        return 60.0 / (self.requests_per_minute or 60.0)

    @property
    def burst(self) -> int:
        """Requests that may start within one `window`."""
        return max(1, int(self.requests_per_minute or 1))

    @property
    def window(self) -> float:
        """Seconds; longer than a minute for a key that allows less than one request in it."""
        return max(60.0, self.even_gap) + WIRE if self.requests_per_minute else 0.0


@dataclass(frozen=True, slots=True)
class Queue:
    """How many replies of a lane are being written and wait, and the seconds until the last of these begins."""

    running: int
    waiting: int
    seconds: float


class _Lane:
    """One key's queue; `now` is in seconds and never goes backwards."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.starts: deque[float] = deque(maxlen=self.pace.burst)
        self.turns: dict[str, list[Ticket]] = {}  # visitors in the order of their turns
        self.running: dict[Ticket, float] = {}
        self.ended, self.typical = 0, TYPICAL
        self.resumes, self.slowed = 0.0, 0.0
        self.plan: dict[Ticket, tuple[int, float]] | None = None
        self.plan_ends = 0.0

    def join(self, ticket: Ticket, pace: Pace) -> None:
        if pace != self.pace:
            self.pace, self.starts = pace, deque(self.starts, pace.burst)
        self.turns.setdefault(ticket.visitor, []).append(ticket)
        self.plan = None

    def go(self, ticket: Ticket, now: float) -> bool:
        if ticket in self.running:
            return True
        first = next(iter(self.turns.values()), [None])[0]
        if ticket is not first or len(self.running) >= self.slots or self.opens(self.starts, now) > now:
            return False
        mine = self.turns.pop(ticket.visitor)[1:]
        if mine:
            self.turns[ticket.visitor] = mine
        self.running[ticket] = now
        self.starts.append(now)
        self.plan = None
        return True

    def leave(self, ticket: Ticket, now: float) -> None:
        if ticket in self.running:
            self.ended += 1
            self.typical += (now - self.running.pop(ticket) - self.typical) / min(self.ended, 10)
        mine = self.turns.get(ticket.visitor, [])
        if ticket in mine:
            mine.remove(ticket)
            if not mine:
                del self.turns[ticket.visitor]
        self.plan = None

    def slow_down(self, seconds: float, now: float) -> None:
        if not self.starts or self.starts[-1] >= self.resumes:  # refusals of one burst count once
            self.slowed = max(2 * self.pace.even_gap, min(2 * self.gap(now), LONGEST_GAP))
        self.resumes = max(self.resumes, now + max(SHORTEST_PAUSE, min(seconds, LONGEST_PAUSE)))
        self.plan = None

    def gap(self, at: float) -> float:
        return self.slowed * math.exp2(-max(0.0, at - self.resumes) / RECOVERY)

    def opens(self, starts: deque[float], at: float) -> float:
        """The earliest time from `at` on when the pace allows one more start after these."""
        at = max(at, self.resumes)
        if starts:
            at = max(at, starts[-1] + self.gap(starts[-1]))
        return max(at, starts[0] + self.pace.window) if len(starts) == starts.maxlen else at

    @property
    def slots(self) -> float:
        return self.pace.at_once or math.inf

    def forecast(self, now: float) -> dict[Ticket, tuple[int, float]]:
        """Every waiting ticket's place, and the time of its turn if all goes on as it does."""
        if self.plan is None or now >= self.plan_ends:
            self.plan, starts, at = {}, self.starts.copy(), now
            ends = [max(now + LOOK, start + self.typical) for start in self.running.values()]
            heapify(ends)
            rounds = chain.from_iterable(zip_longest(*self.turns.values()))
            for place, ticket in enumerate(filter(None, rounds), 1):
                while len(ends) >= self.slots:
                    at = max(at, heappop(ends))
                at = self.opens(starts, at)
                starts.append(at)
                heappush(ends, at + self.typical)
                self.plan[ticket] = place, at
            self.plan_ends = min((at for _, at in self.plan.values()), default=math.inf)
        return self.plan

    def queue(self, now: float) -> Queue:
        plan = self.forecast(now).values()
        return Queue(len(self.running), len(plan), max((at - now for _, at in plan), default=0.0))

    def is_over(self, now: float) -> bool:
        used = max(self.resumes, *self.starts, 0.0)
        return not self.turns and not self.running and now > used + max(MEMORY, self.pace.window)


class Ticket:
    """A place in a lane: any thread may look at it, the one that writes the reply waits on it."""

    def __init__(self, limits: Limits, lane: _Lane, visitor: str) -> None:
        self._limits, self._lane, self.visitor = limits, lane, visitor

    @property
    def place(self) -> int:
        """0 has had its turn, 1 is next."""
        return self._limits._look(self, self._lane)[0]

    @property
    def seconds(self) -> float:
        """Seconds until the turn, as expected now."""
        return self._limits._look(self, self._lane)[1]

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Block until the turn has come: True. False when `stopped()` or no longer in the queue."""
        limits, lane = self._limits, self._lane
        while not stopped():  # asked without the lock: the answer may need a lock of its own
            with limits._changed:
                if lane.go(self, limits._now()):
                    limits._changed.notify_all()
                    return True
                place, seconds = limits._look(self, lane)
                if not place:
                    return False
                limits._changed.wait(min(seconds + 0.001, LOOK))
        limits._leave(self, lane)
        return False


class Limits:
    """Pace and places in the queue, a lane for each key; safe to call from any thread."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, changed: threading.Condition | None = None
    ) -> None:
        self._clock, self._changed = clock, changed or threading.Condition()
        self._lanes: dict[LaneId, _Lane] = {}
        self._read, self._elapsed = clock(), 0.0

    @contextmanager
    def admit(self, lane: LaneId, pace: Pace, visitor: str) -> Iterator[Ticket]:
        """Queue a visitor's reply; leaving the block gives back its place or its slot, whatever happened."""
        with self._changed:
            now = self._now()
            self._lanes = {name: queue for name, queue in self._lanes.items() if not queue.is_over(now)}
            queue = self._lanes.setdefault(lane, _Lane())
            ticket = Ticket(self, queue, visitor)
            queue.join(ticket, pace)
        try:
            yield ticket
        finally:
            self._leave(ticket, queue)

    def slow_down(self, lane: LaneId, seconds: float | None = None) -> None:
        """Tell that the provider refused a request and asked for a pause of `seconds` (Retry-After)."""
        with self._changed:
            if lane in self._lanes:
                self._lanes[lane].slow_down(seconds or 0.0, self._now())

    def queues(self) -> dict[LaneId, Queue]:
        """Every lane as it is now."""
        with self._changed:
            now = self._now()
            return {name: lane.queue(now) for name, lane in self._lanes.items()}

    def _now(self) -> float:
        """Seconds gone by; setting the clock back costs one reading and never holds a lane up."""
        read = self._clock()
        self._elapsed += max(0.0, read - self._read)
        self._read = read
        return self._elapsed

    def _look(self, ticket: Ticket, lane: _Lane) -> tuple[int, float]:
        with self._changed:
            now = self._now()
            place, at = lane.forecast(now).get(ticket, (0, now))
            return place, max(0.0, at - now)

    def _leave(self, ticket: Ticket, lane: _Lane) -> None:
        with self._changed:
            lane.leave(ticket, self._now())
            self._changed.notify_all()
