"""What is sent, beside the dialogue: which request is shown, in which way, and what goes along with the next one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.i18n import Translator, locale
from playground.messages import ReplyInfo
from playground.reply import Reply
from playground.sent import Sent
from playground.wire import build_body
from ui.actions import asking
from ui.dialogue import Chat
from ui.page import Room
from ui.sent_views import draw_notebook, draw_view
from ui.session import picked, show

NEXT = "next"
"""Names the request that the next question would make."""

VIEWS = ("messages", "json", "code")

# The dialogue beside it may be many screens long, and the page stands at its end; on a phone, where the panel comes
# last, the end of the dialogue has to stay in sight above it, and what was sent comes before the switches.
_CSS = """
.stColumn:has(.st-key-sent_panel) { max-height: 45vh; overflow-y: auto; }
@media (min-width: 641px) {
  .stColumn:has(.st-key-sent_panel) {
    position: sticky; top: 3.75rem; align-self: flex-start; max-height: calc(100vh - 13rem);
  }
  .st-key-sent_panel [data-testid="stText"] { display: block; max-height: 8.5rem; overflow-y: auto; }
}
@media (max-width: 640px) {
  [data-testid="stLayoutWrapper"]:has(> .st-key-sent_switches) { order: 1; }
}
[class*="st-key-message_"] { border-left: 0.3rem solid #8a8a8a; }
[class*="st-key-message_system"], [class*="st-key-message_developer"] { border-left-color: #8b5cf6; }
[class*="st-key-message_user"] { border-left-color: #3b82f6; }
[class*="st-key-message_assistant"] { border-left-color: #22a06b; }
"""
# On a phone the panel is far below the reply whose request was asked for.
_LOOK = """
let before = 0;
export default function ({ data }) {
  if (data.looks > before && innerWidth <= 640)
    setTimeout(() => document.querySelector(".st-key-sent_panel")?.scrollIntoView({ block: "start" }), 600);
  before = data.looks;
}
"""
_beside = st.components.v2.component("playground_beside", css=_CSS, js=_LOOK, isolate_styles=False)


def places(room: Room) -> tuple[DeltaGenerator, DeltaGenerator | None]:
    """The place of the dialogue, and that of the panel beside it where it is open."""
    if not room.session.show_sent:
        return st.container(), None
    _beside(key="beside", height=0, data={"looks": room.session.looks})
    dialogue, panel = st.columns(2, gap="medium")
    return dialogue, panel.container(key="sent_panel").empty()


def draw_toggle(room: Room) -> None:
    """What opens the panel and closes it."""

    def choose(on: bool) -> None:
        room.session.show_sent = on

    st.toggle(
        room.t("sent.show"),
        key=show("show_sent", room.session.show_sent),
        on_change=picked("show_sent", choose),
    )


def draw_under_way(room: Room, reply: Reply, panel: DeltaGenerator | None) -> None:
    """Draw the frame, and in the panel the request that is being answered."""
    room.draw_frame()
    if panel:
        with panel.container():
            st.subheader(room.t("sent.title"), anchor=False)
            draw_view(room, reply.sent() or _next(room), "early")


def draw_panel(room: Room, panel: DeltaGenerator | None) -> None:
    """Draw the latest request, or the one that the visitor chose, or the one that would be sent now."""
    if panel is None:
        return
    with panel.container():
        st.subheader(room.t("sent.title"), anchor=False)
        one = _draw_choice(room)
        _draw_switches(room)
        _draw_ways(room, one)


def _draw_ways(room: Room, one: Sent) -> None:
    """A request in the way that the visitor likes, and the other ways."""
    visit, t = room.session, room.t

    def look(view: str | None) -> None:
        visit.sent_view = view or visit.sent_view

    st.segmented_control(
        t("sent.title"),
        VIEWS,
        format_func=lambda view: t(f"sent.view.{view}"),
        key=show("sent_view", visit.sent_view),
        on_change=picked("sent_view", look),
        label_visibility="collapsed",
    )
    draw_view(room, one, "late")
    if visit.sent_view == "code":
        draw_notebook(room, one)


def draw_dialog_opener(room: Room, one: Sent, key: str, number: int = 0) -> None:
    """Under a reply of a page without the panel, what shows its request in a dialog."""
    if _opener(room, key, f" ({number})" if number else ""):
        st.dialog(room.t("sent.title"), width="large")(_draw_apart)(room, one)


def _draw_apart(room: Room, one: Sent) -> None:
    """The same away from the chat, with the colours of the roles."""
    _beside(key="apart", height=0, data={"looks": 0})
    _draw_ways(room, one)


def draw_opener(room: Room, number: str) -> None:
    """Under an earlier reply, what shows its request."""

    def look() -> None:
        room.session.show_sent, room.session.chat.sent_shown = True, number
        room.session.looks += 1

    _opener(room, f"open_sent_{number}", on_click=look)


def _opener(room: Room, key: str, which: str = "", on_click: Callable[[], None] | None = None) -> bool:
    label = f":gray[:small[:material/data_object: {room.t('sent.open')}{which}]]"
    return st.button(label, key=key, type="tertiary", on_click=on_click)


def openable(chat: Chat) -> dict[int, str]:
    """The places of the earlier replies whose request is still known, each with its number among the replies."""
    said = chat.conversation.messages
    replies = [(place, one.info) for place, one in enumerate(said) if one.info]
    # A set: each run asks it of every reply, and a dialogue may be long.
    kept = {one.info for one in chat.sent}
    known = {place: str(n) for n, (place, info) in enumerate(replies, 1) if info in kept}
    known.pop(len(said) - 1, None)
    return known


def left_out(room: Room, info: ReplyInfo) -> str:
    """The parts that a reply's request went without, in words; "" where it had all of them."""
    # A file of chats may name parts that we have no words for.
    parts = [part for part in info.left_out if f"sent.part.{part}" in locale(room.session.language)]
    return room.t("sent.without", parts=_listed(room.t, parts)) if parts else ""


def _listed(t: Translator, parts: list[str]) -> str:
    return t("app.comma").join(t(f"sent.part.{part}") for part in parts)


def _next(room: Room) -> Sent:
    """What would be sent now; what is not written yet has a placeholder."""
    said, setup = room.session.chat.conversation, asking(room)
    asked = said if said.question is not None else said.say(room.t("sent.placeholder"))
    return Sent(setup, build_body(setup, asked), b"")


def _draw_choice(room: Room) -> Sent:
    """Which request is shown, and the choice of another one."""
    t, chat = room.t, room.session.chat
    kept: dict[str, tuple[Sent, str]] = {}
    number, question, forgotten = 0, "", False
    for message in chat.conversation.messages:
        question = message.content if message.role == "user" else question
        if message.info:
            number += 1
            if one := chat.sent_for(message.info):
                label = t("sent.reply", number=number, question=" ".join(question.split())[:40])
                kept[str(number)] = (one, label)
            elif message.info.first_token_seconds is not None:
                forgotten = True
    choices = [*reversed(kept), NEXT]
    chosen = chat.sent_shown if chat.sent_shown in choices else choices[0]

    def choose(name: str) -> None:
        chat.sent_shown = name

    st.selectbox(
        t("sent.which"),
        choices,
        format_func=lambda name: kept[name][1] if name in kept else t("sent.next"),
        key=show("sent_reply", chosen),
        on_change=picked("sent_reply", choose),
        label_visibility="collapsed",
    )
    if forgotten:
        st.caption(t("sent.forgotten"))
    return kept[chosen][0] if chosen in kept else _next(room)


def _draw_switches(room: Room) -> None:
    """What goes along with the next question."""
    t, chat = room.t, room.session.chat

    def choose(part: str, on: bool) -> None:
        chat.leave = replace(chat.leave, **{part: not on})
        chat.sent_shown = NEXT

    with st.container(gap="small", key="sent_switches"):
        st.caption(t("sent.switches"))
        row = st.container(horizontal=True, gap="medium")
    with row:
        for part in ("system_prompt", "greeting", "history"):
            key = f"with_{part}"
            st.toggle(
                t(f"sent.part.{part}"),
                key=show(key, not getattr(chat.leave, part)),
                on_change=picked(key, partial(choose, part)),
                width="content",
            )
