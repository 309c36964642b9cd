"""The network line of one reply: its deadlines, and the way to cut it from another thread.

Deadlines are enforced at each read of the socket, so a provider that drips one byte a second cannot outlive them.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

current: ContextVar[Line | None] = ContextVar("line", default=None)
"""The line of the thread that makes a request."""


_open: set[int] = set()
"""The lines that are open now, in the whole process."""

BREATH, SHORTEST_BREATH, LONGEST_BREATH = 0.005, 0.07, 0.2
"""Seconds before a read: for each line that is open where there are many, for one alone, and at most."""

AT_ONCE = 8
"""Pieces of text that are read as they come; later ones may wait a moment."""

AT_THE_END = 0.05
"""Seconds for what comes after the last word."""

POURING = 100_000
"""Bytes a second from which on a reply is read as fast as it comes."""


class Cut(Exception):
    """The line was cut on purpose: somebody pressed Stop."""


class Private(Exception):
    """A name that must be public leads to this machine or its own network."""


class Overdue(Exception):
    """A deadline passed; `phase` is "connect", "first_byte", "between", "whole" or "after_finish"."""

    def __init__(self, phase: str) -> None:
        super().__init__(phase)
        self.phase = phase


class Heard:
    """The events of an answer as they came: the early ones up to `ROOM` characters, of later ones the last few.

    `hide` takes the key out of a text; of all of it at once that takes long, and is left to whoever shows it.
    """

    EDGE, ROOM = 6, 1_000_000

    def __init__(self, hide: Callable[[str], str] = str) -> None:
        self.count = 0
        self._hide = hide
        self._size = 0
        self._early: list[str] = []
        self._late: deque[str] = deque(maxlen=self.EDGE)

    def note(self, event: str) -> None:
        """Take one event."""
        self.count += 1
        self._size += len(event)
        if self._size <= self.ROOM:
            self._early.append(event)
        else:
            self._late.append(event[: self.ROOM])

    def ends(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The first events, and the last that are not among them."""
        first, late = self._early[: self.EDGE], self._late.copy()
        last = [*self._early[self.EDGE :][-self.EDGE :], *late][-self.EDGE :]
        return tuple(map(self._hide, first)), tuple(map(self._hide, last))

    def whole(self) -> str:
        """Every event that is kept, a blank line between two, and "…" where some are not; nothing is hidden yet."""
        early, late = list(self._early), list(self._late)
        missing = ["…"] if self.count > len(early) + len(late) else []
        return "\n\n".join([*early, *missing, *late])


class Line:
    """One reply's network line; `cut` may be called from any thread, the rest belongs to the writing thread.

    `clock` gives seconds; `connect` is the limit of each new connection in seconds.
    """

    def __init__(self, connect: float = 5, clock: Callable[[], float] = time.monotonic) -> None:
        self.connect = connect
        self.public_only = False
        """Whether connections to private and local addresses are refused: an address that a visitor gave."""
        self.own_headers: frozenset[bytes] = frozenset()
        """Lower-case names of the headers that the provider wants besides the usual ones."""
        self.sent = b""
        """The bytes of the last request body, as they left."""
        self.heard = Heard()
        """The answer to the last request."""
        self.headers: dict[str, str] = {}
        """The headers of that answer, with lower-case names."""
        self.pieces = 0
        """How many pieces of text have come."""
        self.rate = 0.0
        """Bytes a second that came the last time."""
        self._read_at = 0.0
        self._clock = clock
        self._deadlines: dict[str, float] = {}
        self._cut = threading.Event()
        self._socket: socket.socket | None = None

    def allow(self, phase: str, seconds: float) -> None:
        """Set the deadline `phase` to `seconds` from now."""
        self._deadlines[phase] = self._clock() + seconds

    def lift(self, phase: str) -> None:
        """Remove a deadline."""
        self._deadlines.pop(phase, None)

    def lift_all(self) -> None:
        """Remove every deadline: a new request begins."""
        self._deadlines.clear()
        self.pieces = 0

    def remaining(self) -> float:
        """Seconds to the nearest deadline; raises Overdue when one has passed and Cut when the line was cut."""
        if self._cut.is_set():
            raise Cut
        if not self._deadlines:
            return 3600
        phase, deadline = min(self._deadlines.items(), key=lambda item: item[1])
        seconds = deadline - self._clock()
        if seconds <= 0:
            raise Overdue(phase)
        return seconds

    def cut(self) -> None:
        """Close the connection now, whatever the writing thread waits for."""
        self._cut.set()
        if (sock := self._socket) is not None:
            with suppress(OSError):
                # The plain method: ssl's own would change the object under the thread that reads from it.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @property
    def is_cut(self) -> bool:
        """Whether somebody cut the line."""
        return self._cut.is_set()

    def wait(self, seconds: float) -> None:
        """Wait, unless the line is cut meanwhile: then raise Cut."""
        if self._cut.wait(seconds):
            raise Cut

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let the requests of this thread use this line."""
        token = current.set(self)
        _open.add(id(self))
        try:
            yield
        finally:
            _open.discard(id(self))
            self._socket = None
            current.reset(token)

    def breathe(self) -> None:
        """Wait before a read of a reply that drips: what comes meanwhile is read at once, for less work."""
        crowded = min(LONGEST_BREATH, BREATH * len(_open))
        if self.pieces and crowded > SHORTEST_BREATH:
            self.wait(crowded)
        elif self.pieces > AT_ONCE and self.rate < POURING:
            self.wait(SHORTEST_BREATH)

    def read_out(self, body: Iterator[bytes]) -> None:
        """Read what is left after the last word, mostly nothing: only then can the connection serve another reply."""
        self.lift_all()
        self.allow("after_finish", AT_THE_END)
        with suppress(Exception):
            for _ in body:
                pass

    def took(self, size: int) -> None:
        """Note that so many bytes came."""
        before, self._read_at = self._read_at, self._clock()
        self.rate = size / max(self._read_at - before, 1e-6)

    def use(self, sock: socket.socket | None) -> None:
        """Remember the socket in use, for `cut`."""
        self._socket = sock
        if self._cut.is_set():
            raise Cut
