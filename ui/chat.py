"""Draws a dialogue: the persona's face, and what was said."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import ceil

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException
from streamlit.string_util import validate_icon_or_emoji

from playground.care import is_cry_for_help
from playground.failures import UNTOLD_WAIT
from playground.i18n import Translator, locale
from playground.messages import Failure, Message
from playground.personas import Persona
from playground.usage import scarcest
from ui import lesson, library
from ui.growing import cleared
from ui.markdown import plain, safe_again
from ui.models import language_name, mismatch, model_name, provider_name, speaks, way_on
from ui.money import price_basis, reply_price
from ui.page import Room, draw_notices
from ui.sent import draw_opener, left_out, openable
from ui.session import key_for
from ui.verdicts import draw_verdicts

WHOSE_KEY = {"bad_key", "key_or_credit", "no_permission", "no_credit", "quota_spent_today"}
"""Failures that are about the key, so that it matters whose it is."""

MASK = "🎭"
"""The face of who has none."""

TEN = 10
"""Messages that are drawn in one container."""

ON_THE_WAY = {"unreachable", "dns", "tls", "timeout", "stalled", "cut_off"}
"""Failures of the way to a provider: what is told of them are not its words."""


def draw_header(room: Room) -> None:
    """The persona's face, name and one line, and what the visitor should know before typing."""
    persona, t = room.persona, room.t
    if persona is None:
        st.title(t("app.name"), anchor=False)
        return
    with st.container(gap=None):
        st.title(f"{face(persona)}  {plain(persona.name)}", anchor=False)
        if persona.description:
            st.caption(plain(persona.description))
    draw_notices(room)
    if gone := room.session.gone:
        st.warning(t("notice.persona_gone", name=plain(library.name_of(gone))), icon=":material/link_off:")
    if file := next((f for f in room.shelf.files if f.slug == room.session.persona and f.earlier), None):
        st.warning(t("notice.earlier", file=plain(file.file)), icon=":material/build:")
    if lesson.draw_notice(room):
        return
    if not speaks(room.model, persona):
        st.info(mismatch(t, room.model, persona), icon=":material/translate:")
    elif room.model.languages and room.session.language not in room.model.languages:
        spoken = language_name(t, room.model.languages[0])
        st.caption(t("notice.small_model", model=plain(model_name(room.model)), spoken=spoken))


def face(persona: Persona | None) -> str:
    """The persona's avatar, or a mask where it has none that Streamlit draws."""
    avatar = persona.avatar if persona else ""
    return avatar if avatar and is_drawn(avatar) else MASK


@lru_cache(maxsize=256)
def is_drawn(avatar: str) -> bool:
    """Whether Streamlit has this emoji or icon: it knows fewer than there are, and a page with another one breaks."""
    try:
        validate_icon_or_emoji(avatar)
    except StreamlitAPIException:
        return False
    return True


def stage(room: Room) -> DeltaGenerator:
    """The place of the dialogue, cleared of another one that was here before."""
    visit = room.session
    if visit.on_stage != visit.chat_id:
        visit.on_stage = visit.chat_id
        visit.stages += 1
    return cleared(visit.stages)


def draw_dialogue(room: Room) -> tuple[DeltaGenerator, Callable[[], None]]:
    """Draw the header and what was said, from the end, with what is older when it is asked for.

    Returns the place of the reply to come, and what draws the rest: while a reply is under way only the last
    question is drawn at once, since all else is on screen already.
    """
    visit, chat = room.session, room.session.chat
    messages = chat.conversation.messages
    header = st.container()
    # The beginning moves in leaps, so that what stays on screen is mostly drawn at the place where it stood.
    older = max(0, len(messages) - chat.length_shown) // TEN * TEN
    if older:
        st.button(
            room.t("chat.older", count=older),
            key="older",
            icon=":material/history:",
            type="tertiary",
            on_click=chat.show_older,
        )
    known = openable(chat)
    said = [(room.told(n), message, known.get(n, "")) for n, message in enumerate(messages)][older:]
    # A container that is drawn again keeps what was in it until something else comes.
    *full, last = [(st.container(), said[at : at + TEN]) for at in range(0, len(said) + 1, TEN)]
    with last[0]:
        bubbles = [(_bubble(own, message), own, message, number) for own, message, number in last[1]]

    def fill(bubbles: list[tuple[DeltaGenerator, Room, Message, str]]) -> None:
        for bubble, own, message, number in bubbles:
            with bubble:
                _draw_said(own, message, number)

    def rest() -> None:
        with header:
            draw_header(room)
        for place, lines in full:
            with place:
                for own, message, number in lines:
                    draw_message(own, message, number)
        fill(bubbles[:-1])

    if chat.reply and visit.standing == (chat.id, older):
        fill(bubbles[-1:])
        return last[0], rest
    rest()
    fill(bubbles[-1:])
    visit.standing = (chat.id, older)
    return last[0], lambda: None


def draw_message(room: Room, message: Message, number: str = "") -> None:
    """Draw something that was said, and under a reply one quiet line about it; `number` opens what was sent for it."""
    with _bubble(room, message):
        _draw_said(room, message, number)


def _bubble(room: Room, message: Message) -> DeltaGenerator:
    if message.role == "user":
        return st.chat_message("user", avatar=":material/person:")
    return st.chat_message("assistant", avatar=face(room.persona))


def _draw_said(room: Room, message: Message, number: str) -> None:
    if message.role == "assistant":
        draw_reply(room, message, number)
        return
    st.markdown(safe_again(message.content), anchors=False)
    if is_cry_for_help(message.content):
        st.info(room.t("care.notice"), icon=":material/support:")


def draw_reply(room: Room, message: Message, number: str = "") -> None:
    """Draw what a reply is made of: thoughts, words, and the line about it, with what opens its request."""
    # The same places as a `Painting`: else the browser shows what stood in the last one twice until the run ends.
    draw_thinking(room.t, message.reasoning, st.empty())
    if message.content:
        st.markdown(safe_again(message.content), anchors=False)
    else:
        st.empty()
    draw_ending(room, message, number)


def draw_ending(room: Room, message: Message, number: str = "") -> None:
    """Who wrote a reply, how long it took, how much it was, how it ended, and what went wrong."""
    info, t = message.info, room.t
    if info is None:
        return
    if info.failure:
        draw_failure(room, message)
        if info.failure.code == "key_in_chat":
            # Nobody was asked, so nobody took any time.
            return
    providers = room.providers.all
    label = provider_name(t, providers[info.provider]) if info.provider in providers else info.provider
    model = (
        model_name(providers[info.provider].model(info.model)) if info.provider in providers else info.model
    )
    parts = [plain(label), plain(model), t("reply.seconds", seconds=f"{info.seconds:.1f}")]
    if recorded := lesson.told(room, message):
        parts.append(recorded)
    tokens, thought = info.usage.completion_tokens, info.usage.reasoning_tokens
    if tokens is not None and thought:
        parts.append(t("reply.tokens_thinking", count=tokens, thinking=thought))
    elif tokens is not None:
        parts.append(t("reply.about_tokens" if info.usage.estimated else "reply.tokens", count=tokens))
    basis = None
    if price := reply_price(t, info, room.providers):
        parts.append(price)
        basis = price_basis(t, info, room.providers, room.session.language)
    if info.ended != "failed":
        parts.append(t(f"ended.{info.ended}"))
    if left := scarcest(info):
        parts.append(t(f"doctor.quota.{left[0]}", count=f"{left[1]:,}"))
    if info.unused:
        parts.append(t("reply.unused", names=plain(t("app.comma").join(info.unused))))
    if missing := left_out(room, info):
        parts.append(missing)
    line = " · ".join(filter(None, parts))
    if number:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(line, help=basis, width="content")
            draw_opener(room, number)
    else:
        st.caption(line, help=basis)
    draw_verdicts(t, room.persona, message)


def draw_failure(room: Room, message: Message) -> None:
    """Say what happened and what to do, in the reader's language, with the provider's own words below."""
    info, t = message.info, room.t
    if info is None or info.failure is None:
        return
    fault = info.failure
    # A file of chats may tell of failures that we have no words for.
    code = fault.code if f"failure.{fault.code}.what" in locale(room.session.language) else "internal"
    providers = room.providers.all
    label = plain(provider_name(t, providers[info.provider]) if info.provider in providers else info.provider)
    successor = way_on(providers[info.provider], info.model) if info.provider in providers else ""
    slots = {
        "provider": label,
        "model": plain(info.model),
        "wait": _wait(t, fault),
        "successor": plain(successor or "—"),
        "number": plain(fault.detail) if code == "internal" else "",
    }
    whose = ""
    if code in WHOSE_KEY and info.provider in providers:
        whose = t(f"whose_key.{key_for(providers[info.provider]).origin}")
    st.warning(
        f"**{t(f'failure.{code}.what', **slots)}** {whose}  \n{t(f'failure.{code}.do', **slots)}",
        icon=":material/error:",
    )
    if fault.detail and code != "internal":
        with st.expander(t("failure.cause" if code in ON_THE_WAY else "failure.details")):
            st.code(f"{fault.status or ''} {fault.detail}".strip(), language=None, wrap_lines=True)


def _wait(t: Translator, fault: Failure) -> str:
    """How long to wait before a new try, in words."""
    if fault.code == "quota_spent_today" and not fault.seconds:
        return t("reply.wait.tomorrow")
    seconds = fault.seconds or UNTOLD_WAIT
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return t(f"reply.wait.{unit}", count=ceil(seconds / size))
    return t("reply.wait.seconds", count=ceil(seconds))


def draw_thinking(t: Translator, reasoning: str, place: DeltaGenerator) -> None:
    """A model's thoughts, folded, at the same place in every run, so that what the reader unfolded stays so."""
    if reasoning:
        place.expander(thinking_label(t)).markdown(safe_again(reasoning), anchors=False)


def thinking_label(t: Translator) -> str:
    """What the thoughts stand under."""
    return f":material/psychology: {t('reply.thinking')}"
