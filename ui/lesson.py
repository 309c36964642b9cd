"""A recorded lesson on screen: what can be asked in it, what its replies are, how one is recorded and opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from playground.lesson import BYTES, ENTRIES, Entry, Lesson, known, place, read_lesson, to_entry, to_lesson
from playground.messages import Conversation, Failure, Message
from playground.providers import Provider
from playground.sent import Sent
from playground.wire import Setup
from ui import starters
from ui.markdown import plain
from ui.models import language_name, model_name
from ui.session import Session, known_keys

if TYPE_CHECKING:
    from ui.page import Room

NO_WAY = {
    "unreachable",
    "dns",
    "timeout",
    "no_pip",
    "download_failed",
    "bad_hash",
    "disk_full",
    "not_writable",
}
NO_WAY |= {"engine_missing", "engine_failed", "start_timeout"}
"""Failures after which a recording is better than nothing: no network, or no model of one's own."""


def draw_notice(room: Room) -> bool:
    """Say that what answers here is a recording, and what is in it; tell whether it is one."""
    t = room.t
    if (lesson := _lesson(room)) is None:
        return False
    st.info(t("recorded.notice", model=plain(model_name(room.model))), icon=":material/radio_button_checked:")
    _draw_language(room, lesson)
    if not questions(room):
        names = dict.fromkeys(one.persona for one in lesson.entries if one.persona)
        st.markdown(t("lesson.elsewhere", names=plain(t("app.comma").join(names)) or "—"))
        _draw_start(room, room.provider, key="lesson_persona")
    return True


def questions(room: Room) -> tuple[str, ...]:
    """What the persona on screen can be asked, where its replies are recordings."""
    lesson = _lesson(room)
    prompt = room.persona.system_prompt.strip() if room.persona else ""
    return lesson.questions(room.model.id, prompt) if lesson else ()


def draw_questions(room: Room, say: Callable[[str], None]) -> None:
    """The questions of the lesson as buttons, under one that is not in it."""
    starters.draw_questions(room.t("lesson.ask"), questions(room), "lesson_question", say, "visible")


def told(room: Room, message: Message) -> str:
    """At which temperature a recorded reply was written; "" for a live one."""
    info = message.info
    provider = room.providers.all.get(info.provider) if info else None
    if info is None or provider is None or provider.kind != "recorded" or not message.content:
        return ""
    lesson = known(provider.lesson)
    entry = lesson.told(info.model, message.content) if lesson else None
    return room.t("recorded.told", temperature=f"{entry.heat:g}") if entry else ""


def draw_offer(room: Room, fault: Failure) -> None:
    """The way to the recorded lesson, where nothing can be had live."""
    if fault.code in NO_WAY and room.provider.kind != "recorded":
        for provider in _players(room):
            _draw_start(room, provider, key="lesson_offer")


def draw_record(room: Room, key: str) -> None:
    """What the models said in this session, as a lesson to keep."""
    if not _players(room):
        return
    if not (entries := list(_entries(room))):
        st.caption(room.t("lesson.nothing"))
        return
    keys = known_keys(room.providers.all.values())
    st.download_button(
        room.t("lesson.record", count=min(len(entries), ENTRIES)),
        data=lambda: _written(entries, keys),
        file_name=f"lesson-{date.today()}.json",
        mime="application/json",
        key=key,
        icon=":material/radio_button_checked:",
        type="tertiary",
        help=room.t("lesson.record_help", count=ENTRIES, size=BYTES // 10**6),
        on_click="ignore",
    )


def _written(entries: list[Entry], keys: Collection[str]) -> bytes:
    """The last of the replies as a file, as many as are read again."""
    fits = entries[-ENTRIES:]
    while len(raw := to_lesson(fits, *keys)) > BYTES and len(fits) > 1:
        fits = fits[1 + len(fits) // 10 :]
    return raw


def draw_lesson(room: Room) -> None:
    """The lesson that would be shown, the way into it, and the fields to record and to open another."""
    t, visit = room.t, room.session
    for provider in _players(room):
        lesson = known(provider.lesson)
        st.subheader(t("recorded.name"), anchor=False)
        st.markdown(t("lesson.help"))
        if lesson is None:
            st.warning(t("lesson.broken"), icon=":material/broken_image:")
        else:
            names = " · ".join(plain(model_name(one)) for one in provider.models.list)
            st.caption(t("lesson.inside", count=len(lesson.entries), models=names))
            _draw_language(room, lesson)
            _draw_start(room, provider, key="lesson_start")
        draw_record(room, key="lesson_record")
        file = st.file_uploader(
            t("lesson.open"), type="json", max_upload_size=5, key=f"lesson_{visit.lessons}"
        )
        if file is None:
            return
        found, flaw = read_lesson(file.getvalue())
        if found is None or flaw:
            code, where = (flaw.code, flaw.place) if flaw else ("no_lesson", "")
            st.error(t(f"lesson.flaw.{code}", place=plain(where)), icon=":material/broken_image:")
            return
        visit.lesson = place(found)
        visit.lessons += 1
        visit.models.pop(provider.id, None)
        st.rerun()


def _draw_start(room: Room, provider: Provider, key: str) -> None:
    """The button that begins a dialogue in the lesson, with a persona that is in it."""
    visit, lesson = room.session, known(provider.lesson)
    slug = next(iter(_slugs(room, lesson)), "") if lesson else ""
    if lesson is None or not slug:
        return
    persona = room.shelf.personas[slug]

    def begin() -> None:
        visit.provider = provider.id
        visit.models[provider.id] = lesson.model_of(persona.system_prompt.strip())
        visit.choose_persona(slug)
        visit.open_chat(slug, persona.greeting.strip())

    name = plain(persona.name)
    if (
        st.button(room.t("lesson.start", name=name), key=key, icon=":material/play_circle:", on_click=begin)
        and key == "lesson_start"
    ):
        st.switch_page("streamlit_app.py")


def _slugs(room: Room, lesson: Lesson) -> list[str]:
    """The personas of the shelf that are in the lesson, those that speak the reader's language first."""
    fits = {
        slug: one for slug, one in room.shelf.personas.items() if lesson.model_of(one.system_prompt.strip())
    }
    return sorted(fits, key=lambda slug: fits[slug].language != room.session.language)


def _draw_language(room: Room, lesson: Lesson) -> None:
    """Say that a lesson speaks another language than the reader, and what helps."""
    spoken = list(dict.fromkeys(one.language for one in lesson.entries if one.language))
    if spoken and room.session.language not in spoken:
        st.caption(room.t("lesson.language", spoken=language_name(room.t, spoken[0])))


def _players(room: Room) -> list[Provider]:
    """The provider of recordings, where providers.yaml has one."""
    return [one for one in room.providers.all.values() if one.kind == "recorded"][:1]


def _lesson(room: Room) -> Lesson | None:
    """The lesson that answers now."""
    return known(room.provider.lesson) if room.provider.kind == "recorded" else None


def _entries(room: Room) -> Iterator[Entry]:
    """What live models answered in this session, as far as what was sent for it is still known."""
    for player in _players(room):
        quirks = room.providers.quirks(player, "")
        for sent, before, reply in _replies(room.session):
            if sent.setup.provider.kind == "recorded":
                continue
            setup: Setup = replace(sent.setup, provider=player, quirks=quirks, refused=frozenset())
            label = model_name(sent.setup.model)
            if entry := to_entry(sent, before, reply, setup, label, date.today()):
                yield entry


def _replies(visit: Session) -> Iterator[tuple[Sent, Conversation, Message]]:
    """Every reply of this session in its chats and in the last comparison, with what was sent and said for it."""
    for chat in visit.chats.values():
        said = chat.conversation.messages
        for at, reply in enumerate(said):
            if reply.info and (sent := chat.sent_for(reply.info)):
                yield sent, Conversation(said[:at]), reply
    for column in visit.comparison.columns if visit.comparison else ():
        for one in column.replies:
            if one.done and (sent := one.sent()):
                yield sent, column.conversation, one.message()
