"""The persona gallery: filters, cards, and the files that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import streamlit as st

from playground.persona_text import persona_yaml
from playground.personas import Persona
from ui.chat import face
from ui.exporting import file_text
from ui.markdown import plain
from ui.models import language_name
from ui.page import Room
from ui.persona_names import persona_label, persona_labels
from ui.problems import problem_list
from ui.sharing import draw_share
from ui.workshop_begin import go_and_write

COLUMNS = 3


class Wanted(NamedTuple):
    """What a visitor looks for."""

    words: str = ""
    language: str | None = None
    tags: tuple[str, ...] = ()


def draw_filters(room: Room) -> Wanted:
    """Search words, language and tags."""
    t, personas = room.t, room.shelf.personas.values()
    words = st.text_input(
        t("gallery.search"),
        placeholder=t("gallery.search"),
        label_visibility="collapsed",
        key="search",
        icon=":material/search:",
    )
    languages = list(dict.fromkeys(p.language for p in personas if p.language))
    language = st.segmented_control(
        t("gallery.language"),
        languages,
        format_func=lambda code: language_name(t, code),
        key="gallery_language",
        label_visibility="collapsed",
    )
    tags = st.multiselect(
        t("gallery.tags"),
        list(
            dict.fromkeys(tag for p in personas if not language or p.language == language for tag in p.tags)
        ),
        key="tags",
        placeholder=t("gallery.tags"),
        label_visibility="collapsed",
    )
    return Wanted(words or "", language, tuple(tags))


def search(personas: Mapping[str, Persona], wanted: Wanted) -> dict[str, Persona]:
    """The personas that have every word, the language and every tag asked for, in their order."""

    def fits(persona: Persona) -> bool:
        text = " ".join((persona.name, persona.description, *persona.tags, persona.greeting)).casefold()
        return (
            all(word in text for word in wanted.words.casefold().split())
            and wanted.language in (None, persona.language)
            and set(wanted.tags) <= set(persona.tags)
        )

    return {slug: persona for slug, persona in personas.items() if fits(persona)}


def draw_cards(room: Room, personas: Mapping[str, Persona]) -> None:
    """One card a persona, with the button that leads to it."""
    items, names = list(personas.items()), persona_labels(room.shelf.personas)
    for start in range(0, len(items), COLUMNS):
        for column, (slug, persona) in zip(st.columns(COLUMNS), items[start : start + COLUMNS], strict=False):
            with column.container(border=True, height="stretch"):
                _draw_card(room, slug, persona, twin=names[slug] != persona_label(persona))


def _draw_card(room: Room, slug: str, persona: Persona, *, twin: bool) -> None:
    t = room.t
    st.subheader(f"{face(persona)}  {plain(persona.name)}", anchor=False)
    st.markdown(plain(persona.description))
    marks = [language_name(t, persona.language)] if persona.language else []
    marks += [*persona.tags, *([slug] if twin else [])]
    st.caption(" · ".join(map(plain, marks)))
    with st.expander(t("gallery.prompt")):
        st.code(persona.system_prompt.strip(), language=None, wrap_lines=True)
    if st.button(t("gallery.talk"), key=f"talk_{slug}", icon=":material/forum:", width="stretch"):
        room.session.choose_persona(slug)
        st.switch_page("streamlit_app.py")
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button(t("gallery.edit"), key=f"edit_{slug}", icon=":material/edit_note:", type="tertiary"):
            go_and_write(room.session, _text(room, slug, persona))
        draw_share(room, persona, partial(_text, room, slug, persona), key=f"share_{slug}", quiet=True)


def _text(room: Room, slug: str, persona: Persona) -> str:
    return file_text(room, slug) or persona_yaml(persona)


def draw_broken(room: Room) -> None:
    """The files that could not be read, with what is wrong; they never hide the others."""
    t = room.t
    for name, problems in room.shelf.broken:
        with st.expander(t("gallery.broken", file=plain(name)), icon=":material/warning:", expanded=True):
            problem_list(t, problems)


def draw_warned(room: Room) -> None:
    """The files whose personas can be talked to although something in them is probably not meant so."""
    t = room.t
    for name, problems in room.shelf.warned:
        with st.expander(t("gallery.warned", file=plain(name)), icon=":material/info:"):
            problem_list(t, problems)
