"""What somebody handed in or kept, opened again: dialogues join the visitor's own, a persona goes to the workshop."""

from __future__ import annotations

import streamlit as st

from playground.archive import Archived, from_archive
from playground.bundle import from_bundle
from ui import keeping
from ui.markdown import plain
from ui.page import Room
from ui.workshop_begin import go_and_write, refused_bundle


def draw_restore(room: Room) -> None:
    """Dialogues from a file of them or from a bundle join the visitor's own; a damaged file changes nothing."""
    t, visit = room.t, room.session
    file = st.file_uploader(
        t("chats.restore"), type=["json", "zip"], max_upload_size=25, key=f"restore_{visit.restored}"
    )
    if file is None:
        return
    chats, persona, refused = _brought(room, file.name, file.getvalue())
    if refused:
        st.error(refused, icon=":material/broken_image:")
        return
    keeping.restore(visit, chats)
    visit.restored += 1
    visit.news, visit.handed_in = ("restored", len(chats)), persona
    st.rerun()


def draw_persona(room: Room) -> None:
    """Offer the persona that came with a bundle to the workshop."""
    t, visit = room.t, room.session
    if not visit.handed_in:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(t("bundle.persona"))
        if st.button(t("shared.edit"), key="take_handed_in", icon=":material/edit_note:"):
            text, visit.handed_in = visit.handed_in, ""
            go_and_write(visit, text)
        if st.button(t("sharing.leave"), key="leave_handed_in", type="tertiary"):
            visit.handed_in = ""
            st.rerun()


def _brought(room: Room, name: str, raw: bytes) -> tuple[list[Archived], str, str]:
    """The dialogues of a file, the persona that came with them, and in words why it is refused."""
    if name.lower().endswith(".zip"):
        found, refusal = from_bundle(raw)
        if refusal:
            return [], "", refused_bundle(room.t, refusal)
        return (list(found.chats), found.persona, "") if found else ([], "", "")
    chats, damage = from_archive(raw)
    if damage:
        return [], "", room.t(f"chats.damage.{damage.code}", place=plain(damage.place))
    return chats, "", ""
