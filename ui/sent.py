"""What is sent, beside the dialogue: the messages coloured by role, what was changed on the way, the JSON, the code."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.i18n import Translator
from playground.keys import mask
from playground.messages import ReplyInfo
from playground.reply import Reply
from playground.sent import Sent, as_it_leaves
from playground.wire import Note, build_body
from ui.actions import asking
from ui.exporting import call_for
from ui.markdown import plain
from ui.money import reply_price
from ui.page import Room
from ui.session import known_keys, picked, show

NEXT = "next"
"""Names the request that the next question would make."""

VIEWS = ("messages", "json", "code")

COLORS = {"system": "violet", "developer": "violet", "user": "blue", "assistant": "green"}

EDGES = 10, 20
"""Messages that are drawn at the two ends of a long request."""

# The dialogue beside it may be many screens long, and the page stands at its end; on a phone, where the panel comes
# last, the end of the dialogue has to stay in sight above it, and what was sent comes before the switches.
_CSS = """
.stColumn:has(.st-key-sent_panel) { max-height: 45vh; overflow-y: auto; }
@media (min-width: 641px) {
  .stColumn:has(.st-key-sent_panel) {
    position: sticky; top: 3.75rem; align-self: flex-start; max-height: calc(100vh - 11rem);
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
_beside = st.components.v2.component("playground_beside", css=_CSS, isolate_styles=False)


def places(room: Room) -> tuple[DeltaGenerator, DeltaGenerator | None]:
    """The place of the dialogue, and that of the panel beside it where it is open."""
    if not room.session.show_sent:
        return st.container(), None
    _beside(key="beside", height=0)
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
            _draw_view(room, reply.sent() or _next(room), "early")


def draw_panel(room: Room, panel: DeltaGenerator | None) -> None:
    """Draw the latest request, or the one that the visitor chose, or the one that would be sent now."""
    if panel is None:
        return
    visit, t = room.session, room.t

    def look(view: str | None) -> None:
        visit.sent_view = view or visit.sent_view

    with panel.container():
        st.subheader(t("sent.title"), anchor=False)
        one = _draw_choice(room)
        _draw_switches(room)
        st.segmented_control(
            t("sent.title"),
            VIEWS,
            format_func=lambda view: t(f"sent.view.{view}"),
            key=show("sent_view", visit.sent_view),
            on_change=picked("sent_view", look),
            label_visibility="collapsed",
        )
        _draw_view(room, one, "late")
        if visit.sent_view == "code":
            _draw_notebook(room, one)


def left_out(room: Room, info: ReplyInfo) -> str:
    """The parts that a reply's request went without, in words; "" where it had all of them."""
    one = room.session.chat.sent_for(info)
    parts = [note.what for note in one.request.notes if note.code == "left_out"] if one else []
    return room.t("sent.without", parts=_listed(room.t, parts)) if parts else ""


def _listed(t: Translator, parts: list[str]) -> str:
    return t("sent.comma").join(t(f"sent.part.{part}") for part in parts)


def _next(room: Room) -> Sent:
    """What would be sent now; what is not written yet has a placeholder."""
    said, setup = room.session.chat.conversation, asking(room)
    asked = said if said.question is not None else said.say(room.t("sent.placeholder"))
    return Sent(setup, build_body(setup, asked), b"")


def _draw_choice(room: Room) -> Sent:
    """Which request is shown, and the choice of another one."""
    t, chat = room.t, room.session.chat
    kept: dict[str, tuple[Sent, str]] = {}
    number, question = 0, ""
    for message in chat.conversation.messages:
        question = message.content if message.role == "user" else question
        if message.info:
            number += 1
            if one := chat.sent_for(message.info):
                label = t("sent.reply", number=number, question=" ".join(question.split())[:40])
                kept[str(number)] = (one, label)
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


def _draw_view(room: Room, one: Sent, when: str) -> None:
    """Draw a request in the chosen way; one run may draw it twice, "early" and "late", and no key may come twice."""
    view, keys = room.session.sent_view, known_keys(room.providers.all.values())
    if view == "json":
        _draw_json(room.t, one, keys)
    elif view == "code":
        _draw_code(room, one)
    else:
        _draw_messages(room.t, one, keys, when)
        _draw_notes(room.t, one)
        _draw_parameters(room.t, one, keys)
        _draw_answer(room, one)


def _draw_messages(t: Translator, one: Sent, keys: tuple[str, ...], when: str) -> None:
    messages = one.request.body["messages"]
    first, last = EDGES
    for place, message in enumerate(messages):
        between = len(messages) - first - last
        if between > 0 and first <= place < len(messages) - last:
            if place == first:
                st.caption(t("sent.between", count=between))
            continue
        with st.container(border=True, gap="small", key=f"message_{message['role']}_{when}_{place}"):
            parts = [_part(part, place, messages) for part in one.request.origins[place]]
            badges = [f":{COLORS.get(message['role'], 'gray')}-badge[{plain(message['role'])}]"]
            badges += [f":gray-badge[{t(f'sent.part.{part}')}]" for part in dict.fromkeys(parts)]
            st.markdown(" ".join(badges))
            st.text(mask(message["content"], *keys))


def _part(origin: str, place: int, messages: list[dict[str, str]]) -> str:
    """What a message is called on screen: the last thing that the user said is the question."""
    later = any(message["role"] == "user" for message in messages[place + 1 :])
    return "question" if origin == "history" and messages[place]["role"] == "user" and not later else origin


def _draw_notes(t: Translator, one: Sent) -> None:
    """What was changed on the way, and why."""
    if told := list(dict.fromkeys(worded(t, note) for note in one.request.notes)):
        st.markdown(f"**{t('sent.changed')}**\n\n" + "\n".join(f"- {text}" for text in told))


def worded(t: Translator, note: Note) -> str:
    """What became of something on the way, as a sentence."""
    if note.code == "moved":
        way = f"{note.what}_{note.now}" if note.what == "greeting" else note.what
        return t(f"sent.note.moved_{way}")
    if note.code in ("merged", "trimmed", "left_out"):
        return t(f"sent.note.{note.code}", what=t(f"sent.part.{note.what}"), now=note.now)
    # They stand between backticks, where nothing is escaped.
    what, now = (name.replace("`", "") for name in (note.what, note.now))
    return t(f"sent.note.{note.code}", what=what, now=now)


def _draw_parameters(t: Translator, one: Sent, keys: tuple[str, ...]) -> None:
    from playground.snippets import json_text, masked

    parameters = {name: value for name, value in one.request.body.items() if name != "messages"}
    st.markdown(f"**{t('sent.parameters')}**")
    st.code(json_text(masked(parameters, *keys)), language="json", wrap_lines=True)


def _draw_answer(room: Room, one: Sent) -> None:
    """What came back: how soon, how fast, how much, for how much money, and what is left of the quota."""
    info, t = one.info, room.t
    if info is None:
        return
    st.markdown(f"**{t('sent.answer')}**")
    speed, usage = one.tokens_per_second, info.usage
    figures = {
        "first_token": info.first_token_seconds
        and t("reply.seconds", seconds=f"{info.first_token_seconds:.2f}"),
        "speed": speed and f"{speed:.0f}",
        "read": usage.prompt_tokens,
        "written": usage.completion_tokens,
    }
    with st.container(horizontal=True, gap="medium"):
        for name, figure in figures.items():
            st.metric(t(f"sent.{name}"), "—" if figure is None else figure, width="content")
    ended = t("sent.failed" if info.ended == "failed" else f"ended.{info.ended}")
    parts = [t("sent.whole", seconds=f"{info.seconds:.1f}"), ended, reply_price(t, info, room.providers)]
    if usage.estimated:
        parts.append(t("sent.estimated"))
    st.caption(" · ".join(part for part in parts if part))
    if one.headers:
        st.markdown(f"**{t('sent.quota')}**")
        st.code("\n".join(f"{k}: {v}" for k, v in one.headers.items()), language=None, wrap_lines=True)


def _draw_json(t: Translator, one: Sent, keys: tuple[str, ...]) -> None:
    """The exact body and the exact events, with nothing changed but a key where one got in."""
    body = one.body.decode("utf-8", "replace") if one.body else as_it_leaves(one.request.body)
    size = f"{len(body.encode('utf-8', 'replace')):,}"
    st.caption(t("sent.exact" if one.body else "sent.would", size=size))
    st.code(mask(body, *keys), language="json", wrap_lines=True)
    if one.count:
        between = one.count - len(one.first) - len(one.last)
        lines = [*one.first, *([t("sent.events_between", count=between)] if between else []), *one.last]
        st.caption(t("sent.events", count=one.count))
        st.code(mask("\n".join(lines), *keys), language="json", wrap_lines=True)


def _draw_code(room: Room, one: Sent) -> None:
    """The same request in the languages that it can be had in; the key is named and never there."""
    from playground.snippets import SNIPPETS

    call, t = call_for(room, one.setup, one.request.body), room.t
    for tab, (language, write) in zip(
        st.tabs([t(f"sent.language.{name}") for name in SNIPPETS]), SNIPPETS.items(), strict=True
    ):
        with tab:
            st.code(write(call, t), language="bash" if language == "curl" else language, wrap_lines=True)


def _draw_notebook(room: Room, one: Sent) -> None:
    from playground.notebook import as_notebook

    call, t = call_for(room, one.setup, one.request.body), room.t
    persona = one.setup.persona
    st.download_button(
        t("sent.notebook"),
        data=lambda: as_notebook(call, t, plain(persona.name if persona else t("app.name"))),
        file_name="request.ipynb",
        mime="application/x-ipynb+json",
        key="sent_notebook",
        icon=":material/download:",
        on_click="ignore",
    )
