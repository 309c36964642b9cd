"""The class votes on two replies: the poll on the projector, the ballot on a phone, and the result on both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import streamlit as st

from playground.i18n import Translator
from playground.share import qr_svg
from playground.store import Unsaved
from playground.votes import Choice, Poll, Polls, poll_code
from ui import keeping
from ui.markdown import plain, safe
from ui.page import Room
from ui.session import picked
from ui.sharing import QR_WIDTH
from ui.votes_plot import plot

T = TypeVar("T")

Pair = tuple[str, str, str]
"""What a class votes on: the question and the two replies."""

COUNT_EVERY = 1.0
"""Seconds between two looks of the projected page at the count."""

LOOK_EVERY = 3.0
"""Seconds between two looks of a phone at whether the poll is still open."""

GUESS = 0.2
"""Seconds that a wrong code takes, one after another whoever enters it: one of six letters could be guessed else."""

_guessing = threading.Lock()

# A thumb's width, for who stands in the last row with a phone.
_LARGE = ".st-key-ballot button { min-height: 3.75rem; } .st-key-ballot button p { font-size: 1.2rem; }"
_large = st.components.v2.component(
    "playground_ballot", css=_LARGE, js="export default () => {};", isolate_styles=False
)

_ONLY_HERE = ("localhost", "127.0.0.1", "::1")


def polls() -> Polls:
    """The polls in the app's database."""
    return keeping.store().polls


def draw_poll(room: Room, pair: Pair, names: tuple[str, str], reveal: Callable[[], None]) -> None:
    """Let the class vote on a pair; `names` are shown from the reveal on, which tells the page by `reveal`."""
    t, begun = room.t, room.session.polls
    if pair not in begun:
        # One that was begun before the page was loaded anew.
        begun.update((pair, poll.id) for poll in _mine(room)[::-1] if _pair(poll) == pair)
    code = begun.get(pair, "")
    poll = _look(lambda: polls().find(code)) if code else None
    if poll is None:
        if pair in begun:
            st.error(t("votes.unreachable"), icon=":material/cloud_off:")
        st.button(
            t("votes.begin"),
            key="begin_vote",
            icon=":material/how_to_vote:",
            help=t("votes.begin_help"),
            disabled=not all(reply.strip() for reply in pair[1:]),
            on_click=_begin,
            args=(room, pair, names),
        )
    elif poll.state == "revealed":
        _draw_result(room, poll)
        st.button(
            t("votes.again"),
            key="begin_vote",
            icon=":material/refresh:",
            type="tertiary",
            on_click=_begin,
            args=(room, pair, names),
        )
    else:
        _draw_invitation(room, poll, reveal)


def _begin(room: Room, pair: Pair, names: tuple[str, str]) -> None:
    room.session.polls[pair] = _look(lambda: polls().open(room.session.owner, *pair, names)) or ""


def draw_going_on(room: Room, drawn: Pair | None) -> None:
    """Ways back to the visitor's polls that wait for their reveal, but for the one that is `drawn` on this page."""
    t = room.t
    with st.container(gap="xsmall"):
        for poll in _mine(room):
            if poll.state != "revealed" and _pair(poll) != drawn:
                st.page_link(
                    "pages/vote.py",
                    label=t("votes.going_on", code=spoken(poll.id)),
                    icon=":material/how_to_vote:",
                    query_params={"poll": poll.id},
                )


def _mine(room: Room) -> list[Poll]:
    """The visitor's polls, newest first."""
    return _look(lambda: polls().of(room.session.owner)) or []


def _pair(poll: Poll) -> Pair:
    return poll.question, poll.a, poll.b


def vote_link(app_url: str, code: str) -> str:
    """The address of a poll in the app, any page of which is at `app_url`."""
    return f"{urljoin(app_url, 'vote')}?poll={code}"


def _draw_invitation(room: Room, poll: Poll, reveal: Callable[[], object] = lambda: None) -> None:
    """What a class needs to vote, from the last row: the QR code, the address and the code, and how many have voted."""
    t, link = room.t, vote_link(st.context.url or "", poll.id)
    with st.container(border=True, key="invitation"):
        scan, tell = st.columns([3, 2], gap="large", vertical_alignment="center")
        with scan, st.container(width=QR_WIDTH):
            st.image(qr_svg(link), width="stretch", alt=t("votes.scan"))
        with tell:
            st.header(t("votes.join"), anchor=False)
            st.code(link, language=None, wrap_lines=True)
            if urlsplit(link).hostname in _ONLY_HERE:
                st.caption(t("votes.only_here"))
            st.metric(t("votes.code"), spoken(poll.id))
            _draw_count(t, poll.id)
            st.button(
                t("votes.reveal"),
                key="reveal_vote",
                type="primary",
                icon=":material/visibility:",
                on_click=_change,
                args=(t, partial(_reveal, poll.id, reveal)),
            )


def _reveal(code: str, then: Callable[[], object]) -> None:
    polls().reveal(code)
    then()


@st.fragment(run_every=COUNT_EVERY)
def _draw_count(t: Translator, code: str) -> None:
    tally = _look(lambda: polls().tally(code))
    # Which reply is ahead stays hidden: who votes last should not follow those who voted first.
    st.metric(t("votes.count"), "–" if tally is None else tally.total)


def draw_ballot(room: Room, code: str) -> None:
    """A poll on a phone: the question, the two replies, a button for each; after the reveal the result.

    Who began it sees the invitation too, and reveals it: the page that it was begun on may be gone.
    """
    t = room.t
    try:
        poll = polls().find(code)
    except Unsaved:
        st.error(t("votes.unreachable"), icon=":material/cloud_off:")
        return
    if poll is None:
        with _guessing:
            time.sleep(GUESS)
        draw_code(room, missing=True)
        return
    if poll.state == "revealed":
        _draw_result(room, poll)
    elif poll.owner == room.session.owner:
        _draw_invitation(room, poll)
    _draw_pair(t, poll)
    # The browser's token names the voter. One that keeps nothing for sites counts as somebody new at every visit.
    mine = _look(lambda: polls().choice(poll.id, room.session.owner))
    if poll.state != "open":
        if mine:
            st.caption(t("votes.was_mine", choice=mine.upper()))
        if poll.state == "closed":
            st.info(t("votes.closed"), icon=":material/hourglass_top:")
    else:
        with st.bottom:
            _draw_buttons(room, poll, mine)
    if poll.state != "revealed":
        _follow(poll)


def _draw_pair(t: Translator, poll: Poll) -> None:
    if poll.question.strip():
        with st.chat_message("user", avatar=":material/person:"):
            st.markdown(safe(poll.question), anchors=False)
    for column, letter, text in zip(st.columns(2), "AB", (poll.a, poll.b), strict=True):
        with column, st.container(border=True):
            st.header(t("votes.reply", letter=letter), anchor=False)
            st.markdown(safe(text), anchors=False)


def _draw_buttons(room: Room, poll: Poll, mine: Choice | None) -> None:
    t = room.t
    if mine:
        st.success(t("votes.voted", choice=mine.upper()), icon=":material/check_circle:")
    _large(height=0)
    with st.container(horizontal=True, key="ballot"):
        choices: tuple[Choice, Choice] = ("a", "b")
        for choice in choices:
            st.button(
                t("votes.better", choice=choice.upper()),
                key=f"vote_{choice}",
                type="primary" if choice == mine else "secondary",
                icon=":material/check:" if choice == mine else None,
                width="stretch",
                on_click=_change,
                args=(t, partial(polls().cast, poll.id, room.session.owner, choice)),
            )


@st.fragment(run_every=LOOK_EVERY)
def _follow(poll: Poll) -> None:
    """Draw the page again when the poll is closed or revealed."""
    now = _look(lambda: polls().find(poll.id))
    if now and now.state != poll.state:
        st.rerun()


def draw_code(room: Room, *, missing: bool = False) -> None:
    """The field for a code that was read out, for who came without the link."""
    t = room.t
    if missing:
        st.warning(t("votes.unknown"), icon=":material/search_off:")

    def go(typed: str) -> None:
        if typed.strip():
            # What is no code goes on as it is, to be told that there is no such vote.
            st.query_params["poll"] = poll_code(typed) or typed.strip()[:20]

    st.text_input(
        t("votes.code"),
        key="poll_code",
        placeholder=spoken("C7HKMR"),
        max_chars=500,
        on_change=picked("poll_code", go),
    )
    st.button(t("votes.open"), key="open_poll", type="primary", icon=":material/login:")


def _draw_result(room: Room, poll: Poll) -> None:
    t = room.t
    tally = _look(lambda: polls().tally(poll.id))
    if tally is None:
        st.error(t("votes.unreachable"), icon=":material/cloud_off:")
        return
    ahead = "a" if tally.a > tally.b else "b"
    if tally.a == tally.b:
        st.header(t("votes.tie"), anchor=False)
    else:
        name = plain(poll.names[ahead == "b"])
        st.header(t("votes.winner", choice=ahead.upper(), name=name), anchor=False)
    # Words inside a chart are black, whatever the page is.
    ink = st.get_option(f"theme.{st.context.theme.type or 'light'}.textColor")
    size = 1.25 if room.session.large_text else 1.0
    chart = plot(t, poll, tally, ink, size)
    st.vega_lite_chart(chart, height=int(400 * size), alt=t("votes.plot", a=tally.a, b=tally.b))
    st.caption(t("votes.total", count=tally.total))


def spoken(code: str) -> str:
    """A code in two halves, as it is read out; they stay on one line."""
    return f"{code[:3]}\N{NO-BREAK SPACE}{code[3:]}"


def _change(t: Translator, change: Callable[[], object]) -> None:
    """Change something in the database, or say that it could not be."""
    try:
        change()
    except Unsaved:
        st.error(t("votes.unreachable"), icon=":material/cloud_off:")


def _look(look: Callable[[], T]) -> T | None:
    """What the database tells, or None when it does not answer."""
    try:
        return look()
    except Unsaved:
        return None
