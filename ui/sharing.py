"""A persona on its way: out as a link, a QR code and files, and in from somebody's link, shown before it is used."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import streamlit as st

from playground.cards import to_card, to_card_png
from playground.drafts import Draft
from playground.persona_text import persona_yaml
from playground.personas import Persona
from playground.saving import file_name
from playground.share import from_link, qr_svg, to_link
from ui.chat import face
from ui.markdown import plain, safe
from ui.models import language_name
from ui.page import Room
from ui.problems import problem_list
from ui.session import Session
from ui.workshop_begin import go_and_write

LONG_LINK = 2000
"""Characters from which on chat programs are known to cut links."""

QR_WIDTH = 600
"""Pixels, so that the last row can read it from the wall; a narrower screen shows it smaller."""


def draw_share(
    room: Room, persona: Persona | None, text: Callable[[], str], key: str, *, quiet: bool = False
) -> None:
    """The button that shows a persona's link, QR code and files; `text` gives its YAML."""
    pressed = st.button(
        room.t("sharing.share"),
        key=key,
        icon=":material/share:",
        type="tertiary" if quiet else "secondary",
        disabled=persona is None,
    )
    if pressed and persona:
        # Made when it is asked for: a wall of cards would draw a QR code for each.
        st.dialog(room.t("sharing.title"), width="large")(_draw_ways)(room, persona, text())


def _draw_ways(room: Room, persona: Persona, text: str) -> None:
    t = room.t
    link = to_link(persona, urljoin(st.context.url or "", "."))
    ways, scan = st.columns([2, 3], gap="medium")
    with ways:
        st.header(f"{face(persona)}  {plain(persona.name)}", anchor=False)
        st.markdown(t("sharing.help"))
        # A container's scrolling can be reached by keyboard, that of the code's own box cannot.
        with st.container(height=160, border=False):
            st.code(link, language=None, wrap_lines=True)
        if len(link) > LONG_LINK:
            st.caption(t("sharing.long", count=len(link)))
        _draw_files(room, persona, text)
    with scan:
        if code := qr_svg(link):
            with st.container(width=QR_WIDTH):
                st.image(code, caption=t("sharing.qr"), width="stretch", alt=t("sharing.qr"))
        else:
            st.info(t("sharing.no_qr"), icon=":material/qr_code:")


def _draw_files(room: Room, persona: Persona, text: str) -> None:
    t, stem = room.t, file_name(persona.name).removesuffix(".yaml")
    for label, content, suffix, kind in (
        (t("sharing.yaml"), text.encode("utf-8", "replace"), ".yaml", "application/yaml"),
        (t("sharing.card"), to_card(persona), ".json", "application/json"),
        (t("sharing.picture"), to_card_png(persona), ".png", "image/png"),
    ):
        st.download_button(
            label,
            content,
            file_name=f"{stem}{suffix}",
            mime=kind,
            key=f"share{suffix}",
            icon=":material/download:",
            on_click="ignore",
        )


def draw_received(room: Room) -> Persona | None:
    """Show the persona in the link that led here, or say why there is none; nothing of it has been used so far."""
    t, arrived = room.t, room.session.arrived
    persona, told = from_link(arrived) if arrived else (None, ())
    if persona:
        with st.container(border=True):
            _draw_stranger(room, persona)
            problem_list(t, told)
        return persona
    if arrived:
        st.error(t("shared.refused"), icon=":material/link_off:")
        problem_list(t, told)
    else:
        st.info(t("shared.nothing"), icon=":material/link_off:")
    st.page_link("pages/gallery.py", label=t("nav.gallery"), icon=":material/groups:")
    return None


def draw_choice(room: Room, persona: Persona) -> None:
    """What can become of a persona that came with a link: talk to it, take it into the workshop, or nothing."""
    t, visit = room.t, room.session
    with st.container(horizontal=True):
        if st.button(t("shared.talk"), key="talk_to_guest", type="primary", icon=":material/forum:"):
            visit.guest = Draft(persona_yaml(persona))
        if st.button(t("shared.edit"), key="edit_guest", icon=":material/edit_note:"):
            _dismiss(visit)
            go_and_write(visit, persona_yaml(persona))
        if st.button(t("shared.decline"), key="decline_guest", type="tertiary"):
            _dismiss(visit)
            st.switch_page("pages/gallery.py")


def _dismiss(visit: Session) -> None:
    if visit.guest and visit.guest.trial.reply:
        visit.guest.trial.reply.stop()
    visit.guest = None


def _draw_stranger(room: Room, persona: Persona) -> None:
    t = room.t
    st.header(f"{face(persona)}  {plain(persona.name)}", anchor=False)
    if persona.description:
        st.markdown(plain(persona.description))
    marks = [language_name(t, persona.language)] if persona.language else []
    by = t("shared.by", author=persona.author) if persona.author else t("shared.by_nobody")
    st.caption(" · ".join(plain(mark) for mark in (by, *marks, *persona.tags)))
    if persona.greeting:
        with st.chat_message("assistant", avatar=face(persona)):
            st.markdown(safe(persona.greeting), anchors=False)
    st.caption(t("shared.prompt"))
    with st.container(height=230, border=False):
        st.code(persona.system_prompt, language=None, wrap_lines=True)
    with st.expander(t("shared.whole")):
        st.code(persona_yaml(persona), language="yaml", wrap_lines=True)
