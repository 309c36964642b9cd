"""A request and its answer: the messages coloured by role and explained, what was changed, the JSON, the code."""

from __future__ import annotations

import streamlit as st

from playground.i18n import Translator
from playground.keys import mask
from playground.sent import Sent, as_it_leaves
from playground.wire import Note, Setup
from ui.exporting import call_for
from ui.markdown import plain
from ui.models import provider_name
from ui.money import reply_price
from ui.page import Room
from ui.session import known_keys, picked, show

COLORS = {"system": "violet", "developer": "violet", "user": "blue", "assistant": "green"}

EDGES = 10, 20
"""Messages that are drawn at the two ends of a long request."""


def draw_view(room: Room, one: Sent, when: str) -> None:
    """Draw a request in the chosen way; one run may draw it twice, "early" and "late", and no key may come twice."""
    view, keys = room.session.sent_view, known_keys(room.providers.all.values())
    if view == "json":
        _draw_json(room, one, keys, when)
    elif view == "code":
        _draw_code(room, one)
    else:
        _draw_messages(room.t, one, keys, when)
        _draw_notes(room.t, one)
        _draw_parameters(room.t, one, keys)
        _draw_answer(room, one)


def _draw_messages(t: Translator, one: Sent, keys: tuple[str, ...], when: str) -> None:
    messages = one.request.body["messages"]
    (first, last), explained = EDGES, set[str]()
    for place, message in enumerate(messages):
        between = len(messages) - first - last
        if between > 0 and first <= place < len(messages) - last:
            if place == first:
                st.caption(t("sent.between", count=between))
            continue
        with st.container(border=True, gap="small", key=f"message_{message['role']}_{when}_{place}"):
            parts = list(dict.fromkeys(_part(part, place, messages) for part in one.request.origins[place]))
            badges = [f":{COLORS.get(message['role'], 'gray')}-badge[{plain(message['role'])}]"]
            badges += [f":gray-badge[{t(f'sent.part.{part}')}]" for part in parts]
            why = " ".join(t(f"sent.why.{part}") for part in parts if part not in explained)
            explained.update(parts)
            # As many elements in every message: of those drawn early none may be left where the late ones stand.
            st.markdown(" ".join(badges) + (f"  \n:small[:gray[{why}]]" if why else ""))
            st.text(mask(message["content"], *keys))


def _part(origin: str, place: int, messages: list[dict[str, str]]) -> str:
    """What a message is called on screen: the last thing that the user said is the question."""
    later = any(message["role"] == "user" for message in messages[place + 1 :])
    return "question" if origin == "history" and messages[place]["role"] == "user" and not later else origin


def _draw_notes(t: Translator, one: Sent) -> None:
    """What was changed on the way, and why."""
    if told := list(dict.fromkeys(worded(t, note, one.setup) for note in one.request.notes)):
        st.markdown(f"**{t('sent.changed')}**\n\n" + "\n".join(f"- {text}" for text in told))


def worded(t: Translator, note: Note, setup: Setup) -> str:
    """What became of something on the way and whose rule that is, as a sentence."""
    if note.code == "moved":
        way = f"{note.what}_{note.now}" if note.what == "greeting" else note.what
        return t(f"sent.note.moved_{way}")
    if note.code in ("merged", "trimmed", "left_out"):
        return t(f"sent.note.{note.code}", what=t(f"sent.part.{note.what}"), now=note.now)
    # They stand between backticks, where nothing is escaped.
    what, now, model = (name.replace("`", "") for name in (note.what, note.now, setup.model.id))
    service = plain(provider_name(t, setup.provider))
    return t(f"sent.note.{note.code}", what=what, now=now, model=model, service=service)


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
        "first_token": None
        if info.first_token_seconds is None
        else t("reply.seconds", seconds=f"{info.first_token_seconds:.2f}"),
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


def _draw_json(room: Room, one: Sent, keys: tuple[str, ...], when: str) -> None:
    """The exact body and the exact events, with nothing changed but a key where one got in."""
    t, visit = room.t, room.session
    body = one.body.decode("utf-8", "replace") if one.body else as_it_leaves(one.request.body)
    size = f"{len(body.encode('utf-8', 'replace')):,}"
    st.caption(t("sent.exact" if one.body else "sent.would", size=size))
    st.code(mask(body, *keys), language="json", wrap_lines=True)
    if not one.count:
        return

    def choose(every: bool) -> None:
        visit.every_event = every

    st.caption(t("sent.events", count=one.count))
    if one.packed and when == "late":
        key = show("every_event", visit.every_event)
        st.toggle(t("sent.every_event"), key=key, on_change=picked("every_event", choose))
    if one.packed and visit.every_event:
        st.code(mask(one.events, *keys), language=None, wrap_lines=True, height=420)
        return
    between = one.count - len(one.first) - len(one.last)
    events = [*one.first, *([t("sent.events_between", count=between)] if between else []), *one.last]
    st.code(mask("\n\n".join(events), *keys), language="json", wrap_lines=True)


def _draw_code(room: Room, one: Sent) -> None:
    """The same request in the languages that it can be had in; the key is named and never there."""
    from playground.snippets import SNIPPETS

    call, t = call_for(room, one.setup, one.request.body), room.t
    for tab, (language, write) in zip(
        st.tabs([t(f"sent.language.{name}") for name in SNIPPETS]), SNIPPETS.items(), strict=True
    ):
        with tab:
            st.code(write(call, t), language="bash" if language == "curl" else language, wrap_lines=True)


def draw_notebook(room: Room, one: Sent) -> None:
    """The request as a notebook to take along."""
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
