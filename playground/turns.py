"""A few places for many threads, given in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets `places` threads at a time go on; Python's own locks let a busy thread overtake those that wait."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._line: deque[threading.Event] = deque()
        self._guard = threading.Lock()

    @contextmanager
    def turn(self, patience: float) -> Iterator[None]:
        """Wait for a place, at most `patience` seconds; raises TimeoutError."""
        called = threading.Event()
        with self._guard:
            if self._free:
                self._free -= 1
                called.set()
            else:
                self._line.append(called)
        if not called.wait(patience):
            with self._guard:
                if not called.is_set():  # else the place came in the last moment
                    self._line.remove(called)
                    raise TimeoutError
        try:
            yield
        finally:
            with self._guard:
                if self._line:
                    self._line.popleft().set()
                else:
                    self._free += 1
