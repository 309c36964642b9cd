"""Takes a dialogue away as a file: to read, to print, to run, to hand in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from playground.i18n import translator
from playground.messages import Conversation
from playground.personas import slug_of
from ui.models import provider_name
from ui.session import endpoint_for, key_for, known_keys

if TYPE_CHECKING:
    from playground.exports import File
    from playground.snippets import Call
    from playground.wire import Setup
    from ui.page import Room


def draw_exports(room: Room, key: str, persona: str, said: Callable[[], Conversation]) -> None:
    """A button for every kind of file; `said` gives the dialogue, and nothing is written before the click."""
    from playground.exports import EXPORTS

    write = _writer(room, persona, said)
    name = f"{slug_of(persona or 'chat')}-{datetime.now():%Y-%m-%d}"
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


def _writer(room: Room, slug: str, said: Callable[[], Conversation]) -> Callable[[str], File]:
    """What writes a file later, when nothing of the session can be asked any more."""
    from playground.exports import to_file, to_transcript

    language, providers = room.session.language, room.providers
    keys = known_keys(providers.all.values())
    labels = {one.id: provider_name(room.t, one) for one in providers.all.values()}
    ways = {one.id: _way(replace(room.setup, provider=one)) for one in providers.all.values()}
    setup = replace(room.setup, persona=room.shelf.personas.get(slug))
    when = datetime.now().astimezone()

    def write(kind: str) -> File:
        conversation = said()
        answered = _answered_by(setup, conversation, room)
        base_url, keyed = ways[answered.provider.id]
        transcript = to_transcript(
            answered,
            conversation,
            when=when,
            language=language,
            labels=labels,
            base_url=base_url,
            keyed=keyed,
            slug=slug,
        )
        return to_file(kind, transcript, translator(language), *keys)

    return write


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
