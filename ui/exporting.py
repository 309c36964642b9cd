"""Takes a dialogue away as a file: to read, to print, to run, to hand in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urljoin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from playground.i18n import translator
from playground.messages import Conversation
from playground.personas import Persona, personas_folder, slug_of
from ui.models import provider_name
from ui.session import endpoint_for, key_for, known_keys

if TYPE_CHECKING:
    from playground.exports import File, Transcript
    from playground.snippets import Call
    from playground.wire import Setup
    from ui.page import Room


def draw_exports(room: Room, key: str, persona: str, said: Callable[[], Conversation]) -> None:
    """A button for every kind of file; `said` gives the dialogue, and nothing is written before the click."""
    from playground.exports import EXPORTS, to_file

    one = room.shelf.personas.get(persona)
    draw_bundle(room, f"{key}_bundle", one, lambda: file_text(room, persona), said, slug=persona)
    tell, language = _teller(room, one, persona, said), room.session.language
    keys = known_keys(room.providers.all.values())

    def write(kind: str) -> File:
        return to_file(kind, tell(), translator(language), *keys)

    name = f"{slug_of(persona or 'chat')}-{datetime.now(here()):%Y-%m-%d}"
    for kind, export in EXPORTS.items():
        st.download_button(
            room.t(f"sent.export.{kind}"),
            data=partial(_content, write, kind),
            file_name=f"{name}{export.suffix}",
            mime=export.media_type,
            key=f"{key}_{kind}",
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )


def draw_bundle(
    room: Room,
    key: str,
    persona: Persona | None,
    text: Callable[[], str | None],
    said: Callable[[], Conversation],
    slug: str = "",
) -> None:
    """The button that hands in: one zip with all there is; `text` gives the persona's YAML as somebody wrote it."""
    from playground.persona_text import persona_yaml
    from playground.share import to_link

    tell, language = _teller(room, persona, slug, said), room.session.language
    keys = known_keys(room.providers.all.values())
    link = to_link(persona, urljoin(st.context.url or "", ".")) if persona and st.context.url else ""

    def write() -> bytes:
        from playground.bundle import to_bundle

        written = text() or (persona_yaml(persona) if persona else "")
        return to_bundle(tell(), persona, written, translator(language), *keys, link=link).content

    st.download_button(
        room.t("bundle.hand_in"),
        data=write,
        file_name=f"{slug_of(persona.name if persona else 'chat')}-{datetime.now(here()):%Y-%m-%d}.zip",
        mime="application/zip",
        key=key,
        icon=":material/assignment_turned_in:",
        type="tertiary",
        help=room.t("bundle.help"),
        on_click="ignore",
    )


def here() -> ZoneInfo:
    """The visitor's own time zone: a class hands in by its own date, wherever the server stands."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except ZoneInfoNotFoundError:
        return ZoneInfo("UTC")


def file_text(room: Room, slug: str) -> str | None:
    """The text of a persona's file as somebody wrote it, or None where it cannot be read any more."""
    from playground.drafts import uploaded

    file = next((one.file for one in room.shelf.files if one.slug == slug), "")
    try:
        return uploaded((personas_folder(os.environ) / file).read_bytes())[0]
    except OSError:
        return None


def call_for(room: Room, setup: Setup, body: dict[str, object]) -> Call:
    """The call that sends `body` as this visitor does, without the key."""
    from playground.snippets import to_call

    base_url, keyed = _way(setup)
    return to_call(setup, body, base_url=base_url, keyed=keyed).masked(
        *known_keys(room.providers.all.values())
    )


def _content(write: Callable[[str], File], kind: str) -> bytes:
    return write(kind).content


def _way(setup: Setup) -> tuple[str, bool]:
    """Where the visitor's requests go, and whether a key of somebody's goes with them."""
    return endpoint_for(setup.provider).base_url, key_for(setup.provider).origin not in (
        "placeholder",
        "none",
    )


def _teller(
    room: Room, persona: Persona | None, slug: str, said: Callable[[], Conversation]
) -> Callable[[], Transcript]:
    """What tells of a dialogue later, when nothing of the session can be asked any more."""
    from playground.exports import to_transcript

    language, providers = room.session.language, room.providers
    labels = {one.id: provider_name(room.t, one) for one in providers.all.values()}
    ways = {one.id: _way(replace(room.setup, provider=one)) for one in providers.all.values()}
    setup = replace(room.setup, persona=persona)
    when, answers = datetime.now(here()), dict(room.session.judged)

    def tell() -> Transcript:
        from playground.rubric import judgement

        conversation = said()
        answered = _answered_by(setup, conversation, room)
        base_url, keyed = ways[answered.provider.id]
        return to_transcript(
            answered,
            conversation,
            when=when,
            language=language,
            labels=labels,
            base_url=base_url,
            keyed=keyed,
            slug=slug,
            judged={
                (check, message): judgement(check, message.content, answer.message()).verdict
                for (check, message), answer in answers.items()
                if answer.done
            },
        )

    return tell


def _answered_by(setup: Setup, conversation: Conversation, room: Room) -> Setup:
    """The setup of the last reply; the one that is chosen now, where its provider is gone or nobody replied."""
    info = next((m.info for m in reversed(conversation.messages) if m.info), None)
    provider = room.providers.all.get(info.provider) if info else None
    if info is None or provider is None or (provider.id, info.model) == (setup.provider.id, setup.model.id):
        return setup
    model = provider.model(info.model)
    return replace(
        setup,
        provider=provider,
        model=model,
        quirks=room.providers.quirks(provider, model.id),
        refused=frozenset(),
    )
