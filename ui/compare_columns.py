"""The columns of the compare page: who sits there, what was said, and all replies as they grow, side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.care import is_cry_for_help
from playground.compare import FEWEST, Column, Comparison, spread
from playground.messages import Message
from ui import chat, sent, watching
from ui.actions import MAX_QUESTION
from ui.compare import asking, go_on_with
from ui.compare_seats import backend_name, draw_seat, persona_name, room_of
from ui.growing import FASTEST, cleared, watched
from ui.markdown import plain
from ui.models import mismatch, speaks
from ui.page import Room
from ui.session import picked, show
from ui.verdicts import judged

LOOK = 0.5
"""Seconds after which a reply is painted though nothing came, so that a click is heard."""

GLIMPSE = 150
"""Characters of a system prompt that are shown before anything is asked."""


@dataclass
class Place:
    """A column on screen; `above` and `below` its replies is room for what is known when the last has ended."""

    room: Room
    column: Column
    position: int
    above: DeltaGenerator
    below: DeltaGenerator
    growing: list[watching.Painting] = field(default_factory=list)


def letter(position: int) -> str:
    """What the column at a position is called while names are hidden."""
    return chr(ord("A") + position)


def draw_columns(room: Room, comparison: Comparison) -> list[Place]:
    """Draw all columns, at most three in a row; returns their places, to be watched."""
    bodies: list[DeltaGenerator] = []
    question = st.empty()
    if comparison.begun and _is_worth_saying(comparison):
        with question.container():
            chat.draw_message(room, Message("user", comparison.asked))
    count = len(comparison.shown)
    width = 2 if count in (2, 4) else 3
    for start in range(0, count, width):
        row = range(start, min(start + width, count))
        for position, container in zip(row, st.columns(width, gap="medium"), strict=False):
            with container, st.container(border=True):
                _draw_head(room, comparison, position)
                bodies.append(cleared(comparison.shown[position].turn))
    return [_draw_body(room, comparison, position, body) for position, body in enumerate(bodies)]


def watch(comparison: Comparison, places: list[Place]) -> None:
    """Paint all replies as they grow, until the last has ended; leaving early ends none of them."""
    seen: dict[watching.Painting, tuple[int, float]] = {}
    with watched(*(one.reply for place in places for one in place.growing)):
        while growing := [(place, one) for place in places for one in place.growing]:
            pause = 0.0
            for place, one in growing:
                if one.reply.done:
                    one.finish()
                    place.growing.remove(one)
                    if not place.growing:
                        _draw_around(comparison, place)
                    continue
                version, now = one.reply.watch(-1, 0), time.monotonic()
                known, painted = seen.get(one, (-1, 0.0))
                if version != known or now - painted > LOOK:
                    seen[one] = version, now
                    pause = max(pause, one.paint())
            growing[0][1].reply.linger(max(pause, FASTEST))


def _is_worth_saying(comparison: Comparison) -> bool:
    """Whether the question is not to be read above already, or asks for more than replies."""
    return comparison.asked != comparison.prompt.strip() or is_cry_for_help(comparison.asked)


def _draw_head(room: Room, comparison: Comparison, position: int) -> None:
    """Who sits here, and the way to change that; only a letter while names are hidden."""
    t, column = room.t, comparison.shown[position]
    if comparison.hidden:
        st.subheader(letter(position), anchor=False)
        return
    with st.container(horizontal=True, vertical_alignment="top", horizontal_alignment="distribute"):
        with st.container(gap=None, width="stretch"):
            name = plain(persona_name(room, column.seat))
            st.subheader(f"{letter(position)} · {name}" if comparison.order else name, anchor=False)
            st.caption(plain(backend_name(room, column.seat)))
        change = st.popover(
            t("compare.change"),
            icon=":material/edit:",
            type="tertiary",
            key=f"seat_{position}",
            on_change="rerun",
        )

    def remove() -> None:
        comparison.remove(column)
        # Else it stands open for the column that comes to this place.
        show(f"seat_{position}", False)

    if change.open:
        with change:
            draw_seat(room, comparison, column, str(position))
            st.button(
                t("compare.remove"),
                key=f"remove_{position}",
                icon=":material/close:",
                type="tertiary",
                disabled=len(comparison.columns) == FEWEST,
                on_click=remove,
            )


def _draw_body(room: Room, comparison: Comparison, position: int, place: DeltaGenerator) -> Place:
    """What was said in a column; before that, what its persona would be told."""
    column = comparison.shown[position]
    own = room_of(room, column.seat)
    with place:
        if not column.replies:
            _draw_glimpse(own)
        elif not comparison.hidden:
            _draw_earlier(own, column)
            if (question := column.conversation.question) != comparison.asked:
                chat.draw_message(own, Message("user", question or ""))
        above, growing = st.empty(), []
        for number, reply in enumerate(column.replies, 1):
            if len(column.replies) > 1:
                st.caption(room.t("compare.run", number=number, count=len(column.replies)))
            painting = watching.Painting(own, reply, hidden=comparison.hidden)
            if reply.done:
                painting.finish()
            else:
                growing.append(painting)
        drawn = Place(own, column, position, above, st.empty(), growing)
    _draw_around(comparison, drawn)
    return drawn


def _draw_glimpse(own: Room) -> None:
    t, persona = own.t, own.persona
    prompt = " ".join(persona.system_prompt.split()) if persona else ""
    short = prompt if len(prompt) <= GLIMPSE else f"{prompt[:GLIMPSE]}…"
    st.caption(plain(short) if prompt else t("compare.no_prompt"))
    if persona and not speaks(own.model, persona):
        st.caption(mismatch(t, own.model, persona))


def _draw_earlier(own: Room, column: Column) -> None:
    """What was said before the question on screen, folded, so that the replies stand side by side."""
    if column.earlier.begun:
        with st.expander(own.t("compare.earlier", count=len(column.earlier.messages))):
            for message in column.earlier.messages:
                chat.draw_message(own, message)


def _draw_around(comparison: Comparison, place: Place) -> None:
    """What is to be said of a column and can be done with it, once more when its last reply has ended."""
    t, column, position = place.room.t, place.column, place.position
    if not column.replies:
        return
    with place.below.container():
        # Not whether it is busy: a reply may end at any moment, and this is drawn again when it is seen to have ended.
        if place.growing:
            st.button(
                t("chat.stop"),
                key=f"stop_{position}",
                icon=":material/stop_circle:",
                type="tertiary",
                on_click=column.stop,
            )
            return
        _draw_spread(place, comparison.hidden)
        if comparison.hidden:
            return
        for number, reply in enumerate(column.replies, 1):
            if one := reply.sent():
                told = number if len(column.replies) > 1 else 0
                sent.draw_dialog_opener(place.room, one, f"sent_{position}_{number}", told)
        failed = any(_failed(reply.message()) for reply in column.replies)
        st.button(
            t("chat.retry" if failed else "chat.again"),
            key=f"again_{position}",
            icon=":material/refresh:",
            type="secondary" if failed else "tertiary",
            on_click=lambda: column.ask_again(comparison.runs, asking(place.room)),
        )
        key = f"only_{position}"
        st.chat_input(
            t("compare.go_on_one"),
            key=key,
            max_chars=MAX_QUESTION,
            on_submit=picked(key, lambda text: go_on_with(place.room, comparison, text, position)),
        )


def _draw_spread(place: Place, hidden: bool) -> None:
    """How much several replies of one column differ, and in how many of them all checks held."""
    t, persona = place.room.t, place.room.persona
    texts = [m.content for m in (r.message() for r in place.column.replies) if m.content and not _failed(m)]
    if len(texts) < 2:
        return
    told = spread(texts)
    parts = [
        t("compare.distinct", count=told.distinct, replies=told.replies),
        t("compare.lengths", shortest=told.shortest, longest=told.longest),
    ]
    verdicts = [judged(persona.checks, text) for text in texts] if persona and persona.checks else []
    if verdicts and not hidden:
        held = sum(all(one.passed is not False for one in reply) for reply in verdicts)
        parts.append(t("compare.checks_held", count=held, replies=told.replies))
    place.above.info(" · ".join(parts), icon=":material/repeat:")


def _failed(message: Message) -> bool:
    return message.info is not None and message.info.failure is not None
