"""What a draft may begin with: another persona, three lines, a file or a card, or the template."""

from __future__ import annotations

import streamlit as st

from playground.bundle import Refusal, from_bundle
from playground.cards import from_card
from playground.config import Problem
from playground.drafts import Draft, uploaded, written
from playground.i18n import Translator
from playground.persona_text import persona_yaml
from ui.exporting import file_text
from ui.markdown import plain
from ui.page import Room
from ui.persona_names import persona_labels
from ui.problems import problem_list
from ui.session import Session, show, shown

OPEN = "begin"
CARDS = ("json", "png")


def go_and_write(visit: Session, text: str) -> None:
    """Go to the workshop with a persona's text; what the visitor has written there is not lost."""
    if visit.draft is None:
        visit.offered = text
    else:
        visit.draft.begin_anew(text)
    st.switch_page("pages/workshop.py")


def draw_offer(room: Room, draft: Draft) -> None:
    """Ask whether what the visitor came with may take the place of what the browser kept from an earlier visit."""
    t, visit = room.t, room.session

    def decide(text: str) -> None:
        visit.offered = ""
        if text:
            draft.begin_anew(text)

    if visit.offered:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(t("sharing.offer"))
            st.button(
                t("sharing.take"), key="take_offer", type="primary", on_click=decide, args=(visit.offered,)
            )
            st.button(t("sharing.leave"), key="leave_offer", type="tertiary", on_click=decide, args=("",))


def draw_beginnings(room: Room, draft: Draft) -> None:
    """Everything that a draft can begin with; what was there before comes back with Undo."""
    t = room.t
    with st.popover(t("workshop.begin"), icon=":material/note_add:", key=OPEN, on_change="rerun"):
        st.caption(t("workshop.begin_help"))
        copy, lines, file, template = st.tabs(
            [
                t("workshop.from_persona"),
                t("workshop.from_lines"),
                t("workshop.from_file"),
                t("workshop.from_template"),
            ]
        )
        with copy:
            _draw_personas(room, draft)
        with lines:
            _draw_lines(room, draft)
        with file:
            _draw_file(room, draft)
        with template:
            st.markdown(t("workshop.template_help"))
            st.button(
                t("workshop.use_template"),
                key="use_template",
                on_click=_begin,
                args=(draft, t("workshop.template")),
            )


def _begin(draft: Draft, text: str) -> None:
    draft.begin_anew(text)
    show(OPEN, False)


def _draw_personas(room: Room, draft: Draft) -> None:
    t, names = room.t, persona_labels(room.shelf.personas)

    def copy() -> None:
        text = file_text(room, shown("copied"))
        if text is None:
            st.toast(t("workshop.gone"), icon=":material/error:")
        else:
            _begin(draft, text)

    if not names:
        st.caption(t("notice.no_personas"))
        return
    wished = room.session.persona
    st.selectbox(
        t("sidebar.persona"),
        list(names),
        index=list(names).index(wished) if wished in names else 0,
        format_func=names.__getitem__,
        key="copied",
    )
    st.button(t("workshop.copy"), key="copy_persona", icon=":material/content_copy:", on_click=copy)


def _draw_lines(room: Room, draft: Draft) -> None:
    t = room.t

    def write() -> None:
        name, task, greeting = (shown(f"line_{one}").strip() for one in ("name", "task", "greeting"))
        if not name or not task:
            st.toast(t("workshop.lines_missing"), icon=":material/edit:")
            return
        prompt = t("workshop.lines_prompt", name=name, task=task)
        values = {"name": name, "description": task, "greeting": greeting, "system_prompt": prompt}
        _begin(draft, written(t("workshop.lines_template"), values))

    with st.form("lines", border=False):
        st.text_input(t("workshop.line_name"), key="line_name", max_chars=80)
        st.text_input(t("workshop.line_task"), key="line_task", max_chars=500)
        st.text_input(t("workshop.line_greeting"), key="line_greeting", max_chars=500)
        st.form_submit_button(t("workshop.write"), icon=":material/edit_note:", on_click=write)


def _draw_file(room: Room, draft: Draft) -> None:
    t = room.t

    def take() -> None:
        file = shown("draft_file")
        text, told = _brought(file.name, file.getvalue()) if file else (None, ())
        if text is not None:
            draft.begin_anew(text)
            show(OPEN, bool(told))

    file = st.file_uploader(
        t("workshop.upload"), type=["yaml", "yml", *CARDS, "zip"], key="draft_file", on_change=take
    )
    if file and file.name.lower().endswith(".zip"):
        found, refusal = from_bundle(file.getvalue())
        if refusal:
            st.error(refused_bundle(t, refusal))
        elif found and not found.persona:
            st.error(t("bundle.no_persona"))
    elif file:
        problem_list(t, _brought(file.name, file.getvalue())[1])


def _brought(name: str, raw: bytes) -> tuple[str | None, tuple[Problem, ...]]:
    """The YAML that a file begins a draft with; a card becomes a persona first, a bundle has one in it."""
    if name.lower().endswith(".zip"):
        found, _ = from_bundle(raw)
        return uploaded(found.persona.encode()) if found and found.persona else (None, ())
    if not name.lower().endswith(CARDS):
        return uploaded(raw)
    persona, told = from_card(raw)
    return persona_yaml(persona) if persona else None, told


def refused_bundle(t: Translator, refusal: Refusal) -> str:
    """Why a hand-in bundle is not opened, and where in it the fault is."""
    return t(f"bundle.refused.{refusal.code}", file=plain(refusal.file) or t("bundle.whole"))
