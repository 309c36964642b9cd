"""A text that grows on screen, painted as often as the browser and the other pages of this process can bear."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.reply import Reply
from ui.blocks import Blocks
from ui.markdown import safe

FASTEST = 0.1
"""Seconds between two paints of a short reply; a long one is painted less often."""

SHARE = 0.01
"""Seconds between two paints, at least, for each page that watches a reply: one process paints for a whole class."""


def cleared(turn: int) -> DeltaGenerator:
    """A container that is empty at the first run of each turn, and the same at the others.

    The browser keeps what stood in a container until the run ends, which takes a while with a reply to watch; so
    there are two places, and what is no container empties the other one at once.
    """
    if turn % 2:
        st.empty()
    place = st.container()
    if not turn % 2:
        st.empty()
    return place


class Growing:
    """A text that grows: finished blocks are sent once, only the open tail is painted again."""

    def __init__(self, place: DeltaGenerator) -> None:
        self._place = place
        self._parts: DeltaGenerator | None = None
        self._tail: DeltaGenerator | None = None
        self._blocks = Blocks()
        self.size = 0
        """Characters painted so far."""

    def paint(self, text: str) -> float:
        """Paint the text so far; returns the seconds to wait before the next paint, more as the text grows."""
        self.size = len(text)
        finished, rest = self._blocks.feed(text)
        if finished:
            # The first words go straight to their place; a container is made when there is more to hold.
            self._parts = self._parts or self._place.container()
            self._write("".join(finished))
            self._tail = None
        if rest.strip():
            self._write(rest)
        size = len(rest) + len(text)
        return max(FASTEST + size / 40_000, SHARE * crowd() + size / 80_000)

    def _write(self, text: str) -> None:
        """Write the open tail, in the place of what it was before."""
        if self._tail:
            self._tail.markdown(safe(text), anchors=False)
        else:
            written = (self._parts or self._place).markdown(safe(text), anchors=False)
            self._tail = written if self._parts else None


_watching: set[int] = set()
"""The replies that pages watch now."""


def crowd() -> int:
    """How many replies are watched now, on all pages of this process."""
    return len(_watching)


@contextmanager
def watched(*replies: Reply) -> Iterator[None]:
    """Count the replies among those that pages watch."""
    ids = {id(reply) for reply in replies}
    _watching.update(ids)
    try:
        yield
    finally:
        _watching.difference_update(ids)
