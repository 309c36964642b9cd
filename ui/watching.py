"""Draws the reply that is being written: as it grows, and once more as a whole when it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil
from threading import Lock

import streamlit as st

from playground.reply import Reply
from playground.sources import readiness
from ui.chat import draw_ending, draw_thinking, face, thinking_label
from ui.engine import engine_state
from ui.growing import Growing, crowd, watched
from ui.markdown import plain, safe_again
from ui.models import provider_name
from ui.page import Room

A_FEW_WORDS = 400
"""Characters that a reply may end with before all of it is drawn once more."""

AT_ONCE = 0.3
"""Seconds within which a reply may begin before anything is said of the waiting."""

HEAD_START = 0.35
"""Seconds that the first words have before the rest of the page is drawn."""

CROWDED = 0.03
"""Seconds that each other page with a reply under way adds to that."""

BREATH = 0.06
"""Seconds that the browser has to show the last words before the rest of the page changes."""

READING = 100_000
"""Characters of a reply that the browser lays out in a second, about."""

_drawing = Lock()
"""Held by the page that draws the rest of itself while its reply is under way."""


class Painting:
    """A reply on screen: as it grows, and once more as a whole when it has ended.

    While `hidden` nothing on screen tells who writes it.
    """

    def __init__(self, room: Room, reply: Reply, *, hidden: bool = False) -> None:
        self.reply = reply
        self._room, self._hidden = room, hidden
        # Each place holds something new at once, where a row of elements keeps its old ones until the run ends.
        self._thinking, self._body, self._ending = st.empty(), st.empty(), st.empty()
        self._thoughts: Growing | None = None
        self._words: Growing | None = None
        self._told, self._whole = "", False

    def paint(self) -> float:
        """Paint it as it is now; returns the seconds to wait before the next paint."""
        # Read once: the writing thread may end the reply at any moment.
        state, text, reasoning = self.reply.state, self.reply.text, self.reply.reasoning
        pause = 0.0
        if reasoning and not text and not self._hidden:
            label = thinking_label(self._room.t)
            self._thoughts = self._thoughts or Growing(self._thinking.expander(label).empty())
            pause = self._thoughts.paint(reasoning)
        if text:
            self._words = self._words or Growing(self._body)
            pause = self._words.paint(text)
        elif (
            state != "done" and self.reply.seconds > AT_ONCE and (news := self._progress(state)) != self._told
        ):
            self._body.caption(news)
            self._told = news
        return pause

    def last_words(self) -> None:
        """Paint the end of its text as soon as can be."""
        content = self.reply.message().content
        if self._words and len(content) - self._words.size < A_FEW_WORDS:
            # They are on screen sooner than the whole, which is drawn anew.
            self._words.paint(content)
        elif content:
            self._draw_whole(content)

    def finish(self) -> None:
        """Draw it as it ended."""
        message = self.reply.message()
        if not self._hidden:
            draw_thinking(self._room.t, message.reasoning, self._thinking)
        if message.content:
            self._draw_whole(message.content)
        elif self._hidden:
            self._body.caption(self._room.t("compare.hidden_failure"))
        else:
            self._body.empty()
        if not self._hidden:
            with self._ending.container():
                draw_ending(self._room, message)

    def _draw_whole(self, content: str) -> None:
        if not self._whole:
            self._body.markdown(safe_again(content), anchors=False)
        self._whole = True

    def _progress(self, state: str) -> str:
        if self._hidden:
            return self._room.t("compare.under_way", seconds=int(self.reply.seconds))
        return _progress(self._room, self.reply, state)


def watch(room: Room, reply: Reply, meanwhile: Callable[[], None]) -> None:
    """Show a reply as it is written, and once more as a whole when it ends; leaving early does not end it.

    What `meanwhile` draws waits for the first words, if they come at once.
    """
    waits = True
    with watched(reply), st.chat_message("assistant", avatar=face(room.persona)):
        painting, version = Painting(room, reply), -1
        while not reply.done:
            # In a class that asks at the same moment everybody's first words come before anybody's frame.
            patience = max(HEAD_START, CROWDED * crowd())
            version = reply.watch(version, patience if waits else 0.5)
            pause = painting.paint()
            if reply.state == "preparing":
                room.tell_engine()
            # One page at a time, or a whole class would see its replies stand still for a second.
            if waits and reply.seconds > patience and _drawing.acquire(blocking=False):
                try:
                    meanwhile()
                finally:
                    _drawing.release()
                waits = False
            reply.linger(pause)
        painting.last_words()
        time.sleep(BREATH + len(reply.text) / READING)
        painting.finish()
        if waits:
            meanwhile()
        room.tell_engine()


def _progress(room: Room, reply: Reply, state: str) -> str:
    t, seconds = room.t, int(reply.seconds)
    if state == "preparing" and (engine := readiness(reply.setup.model)):
        return engine_state(t, engine)
    label = plain(provider_name(t, reply.setup.provider))
    if state == "queued" and (ticket := reply.ticket) and ticket.seconds >= 1:
        return t("progress.in_queue", place=ticket.place, seconds=f"{ticket.seconds:.0f}")
    return t(f"progress.{state}", provider=label, seconds=seconds, pause=ceil(reply.pause))
