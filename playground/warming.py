"""Makes ready what the first reply needs, in a process where nobody has asked yet."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from functools import cache

from playground import client

LATEST = 3.0
"""Seconds until the first page is surely painted, where its browser does not say so."""

_painted = threading.Event()


def warm_up(also: Callable[[], object], painted: bool) -> None:
    """Load what a reply needs, and `also`, once in a process and when a page is `painted`; it takes a second."""
    if painted:
        _painted.set()
    _thread(also)


@cache
def _thread(also: Callable[[], object]) -> threading.Thread:
    def load() -> None:
        _painted.wait(LATEST)
        client.prepare()
        also()
        # What is loaded stays: the collector need not look through all of it again and again.
        gc.freeze()

    thread = threading.Thread(target=load, daemon=True, name="warm-up")
    thread.start()
    return thread
