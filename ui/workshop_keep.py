"""What becomes of a draft: a file to download, a link, and where the operator sits, a file among the personas."""

from __future__ import annotations

import os

import streamlit as st

from playground.drafts import Draft
from playground.personas import personas_folder
from playground.saving import can_save, file_name, holds, rival, save
from ui.markdown import plain
from ui.page import Room
from ui.prove_desk import begin_with_draft
from ui.session import is_here, show
from ui.sharing import draw_share

OPEN = "keep"


def draw_keeping(room: Room, draft: Draft) -> None:
    """Download, sharing, and saving where it is allowed."""
    t, persona = room.t, draft.persona
    name = draft.persona or draft.last_good or room.persona
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            t("workshop.download"),
            # Put together at the click, which may have ended the writing in a field.
            lambda: draft.text.encode("utf-8", "replace"),
            file_name=draft.file or file_name(name.name if name else ""),
            mime="application/yaml",
            key="download_draft",
            icon=":material/download:",
            on_click="ignore",
        )
        draw_share(room, persona, lambda: draft.text, key="share_draft")
        if is_here() and can_save(personas_folder(os.environ)):
            with st.popover(
                t("workshop.save"),
                icon=":material/save:",
                key=OPEN,
                on_change="rerun",
                disabled=persona is None,
            ):
                _draw_saving(room, draft)
        if (
            persona
            and not draft.untouched
            and st.button(t("workshop.prove"), key="prove_draft", icon=":material/fact_check:")
        ):
            begin_with_draft(room)
            st.switch_page("pages/prove.py")
    if draft.file and draft.saved == draft.text:
        _draw_saved(room, draft)


def _draw_saving(room: Room, draft: Draft) -> None:
    t, folder, persona = room.t, personas_folder(os.environ), draft.persona
    if persona is None:
        return
    own = draft.file.rsplit(".", 1)[0] or file_name(persona.name).removesuffix(".yaml")
    words = st.text_input(t("workshop.file_name"), value=own, key=f"file_name_{own}", max_chars=80)
    file = file_name(words)
    other = rival(folder, file)

    def own_file() -> bool:
        # Asked at the click too: somebody may have changed it since the page was drawn.
        return other is not None and other == draft.file and holds(folder, other, draft.saved)

    def write(file: str, over: bool) -> None:
        try:
            save(folder, file, draft.text, over=over or own_file())
        except FileExistsError:
            st.toast(t("workshop.save_exists", file=plain(file)), icon=":material/error:")
        except OSError as error:
            reason = error.strerror or type(error).__name__
            st.toast(t("workshop.save_failed", reason=plain(reason)), icon=":material/error:")
        else:
            draft.file, draft.saved = file, draft.text
            show(OPEN, False)

    if other is None or own_file():
        file = other or file
        st.caption(t("workshop.save_as", file=plain(file)))
        st.button(t("workshop.save_now"), key="save_now", type="primary", on_click=write, args=(file, False))
        return
    there = next((one.persona for one in room.shelf.files if one.file == other), None)
    told = {"file": plain(other), "here": plain(persona.name), "there": plain(there.name) if there else "?"}
    st.warning(t("workshop.save_over", **told), icon=":material/warning:")
    st.button(t("workshop.replace", file=plain(other)), key="replace", on_click=write, args=(other, True))


def _draw_saved(room: Room, draft: Draft) -> None:
    t = room.t
    slug = next((one.slug for one in room.shelf.files if one.file == draft.file and one.persona), "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(t("workshop.saved", file=plain(draft.file)))
        if slug and st.button(t("gallery.talk"), key="talk_to_draft", icon=":material/forum:"):
            room.session.choose_persona(slug)
            st.switch_page("streamlit_app.py")
