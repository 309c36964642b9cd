"""The compare page: the question, what is asked of all columns, and what a reader chooses for them together."""

from __future__ import annotations

import random
from functools import partial

import streamlit as st

from playground.compare import MOST, MOST_RUNS, Ask, Comparison, Seat
from playground.messages import Conversation
from playground.reply import Reply
from playground.sources import source_for
from playground.writer import ask
from ui import browser
from ui.actions import MAX_QUESTION
from ui.compare_seats import draw_presets, persona_of, setup_of
from ui.page import Room
from ui.session import endpoint_for, picked, show, shown, turn_for

_shuffle = random.SystemRandom().shuffle


def asking(room: Room) -> Ask:
    """What has a seat answer, as the chat does: with the visitor's key and address, and in its turn."""
    visit = room.session

    def ask_seat(seat: Seat, conversation: Conversation) -> Reply:
        setup = setup_of(room, seat)
        return ask(
            setup,
            conversation,
            source_for(setup.provider, setup.model, endpoint_for(setup.provider)),
            turn=turn_for(setup.provider),
            remember=lambda param: visit.refuse(setup, param),
        )

    return ask_seat


def draw_prompt(room: Room, comparison: Comparison) -> None:
    """The question for all columns, the button that asks it, and what else there is to choose."""
    t, key = room.t, f"prompt_{comparison.id}"

    def keep(text: str) -> None:
        comparison.prompt = text

    st.text_area(
        t("compare.prompt"),
        value=comparison.prompt,
        height=72,
        key=key,
        on_change=picked(key, keep),
        placeholder=t("compare.placeholder"),
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            t("compare.ask_all"),
            key="ask_all",
            type="primary",
            icon=":material/send:",
            disabled=comparison.busy,
            on_click=_ask_all,
            args=(room, comparison, key),
        )
        more = st.popover(
            t("compare.arrange"), icon=":material/tune:", type="tertiary", key="arrange", on_change="rerun"
        )
        if more.open:
            with more:
                _draw_arrangement(room, comparison)
        if comparison.busy:
            st.button(
                t("compare.stop_all"), key="stop_all", icon=":material/stop_circle:", on_click=comparison.stop
            )
        elif comparison.blind and not comparison.hidden:
            st.caption(t("compare.blind_next"))
    told, length = st.empty(), len(comparison.prompt)
    if length > MAX_QUESTION:
        told.warning(t("chat.too_long", count=length, limit=MAX_QUESTION), icon=":material/content_cut:")
    elif comparison.held_back:
        told.warning(f"**{t('failure.key_in_chat.what')}** {t('compare.held_back')}", icon=":material/key:")


def draw_go_on(room: Room, comparison: Comparison) -> None:
    """A place to ask all columns something more."""

    def say(text: str | None) -> None:
        if text and (question := _sendable(room, comparison, text)):
            comparison.go_on(question, asking(room), _shuffle)

    if not comparison.begun:
        st.empty()
        return
    # In a container: at the page's own end it would hold the page there, and the columns are read from their heads.
    with st.container():
        st.chat_input(
            room.t("compare.go_on"),
            key="go_on_all",
            max_chars=MAX_QUESTION,
            disabled=comparison.busy,
            on_submit=picked("go_on_all", say),
        )


def announce(room: Room) -> None:
    """Let screen readers say once that all columns have replied."""
    browser.announce(room.t("compare.finished_aloud"), room.session.finished)


def go_on_with(room: Room, comparison: Comparison, text: str | None, position: int) -> None:
    """Ask the column at a position on screen something more."""
    if text and (question := _sendable(room, comparison, text)):
        comparison.shown[position].go_on(question, comparison.runs, asking(room))


def _ask_all(room: Room, comparison: Comparison, key: str) -> None:
    comparison.prompt = shown(key)
    question = _sendable(room, comparison, comparison.prompt)
    if question:
        comparison.ask_all(question, asking(room), partial(_greeting, room), _shuffle)
    elif comparison.held_back:
        comparison.prompt = room.session.hidden(comparison.prompt)
        show(key, comparison.prompt)


def _sendable(room: Room, comparison: Comparison, text: str) -> str:
    """The question, or "" where there is none, or it is too long or holds a key."""
    comparison.held_back = room.session.hidden(text) != text
    return "" if comparison.held_back or len(text) > MAX_QUESTION else text.strip()


def _greeting(room: Room, seat: Seat) -> str:
    persona = persona_of(room, seat)
    return persona.greeting.strip() if persona else ""


def _draw_arrangement(room: Room, comparison: Comparison) -> None:
    t = room.t

    def choose(name: str, value: object) -> None:
        setattr(comparison, name, value)

    st.caption(t("compare.presets"))
    draw_presets(room, comparison)
    st.button(
        t("compare.add"),
        key="add_column",
        icon=":material/add:",
        type="tertiary",
        disabled=len(comparison.columns) == MOST or comparison.hidden,
        on_click=comparison.add,
    )
    st.segmented_control(
        t("compare.runs"),
        range(1, MOST_RUNS + 1),
        key=show("runs", comparison.runs),
        on_change=picked("runs", partial(choose, "runs")),
        help=t("compare.runs_help"),
        required=True,
    )
    for name in ("blind", "prompts_shown"):
        st.toggle(
            t(f"compare.{name}"),
            key=show(name, getattr(comparison, name)),
            on_change=picked(name, partial(choose, name)),
            help=t(f"compare.{name}_help"),
        )
