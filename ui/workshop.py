"""The workshop: a persona's YAML or its fields, what is wrong with it, and what to begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from playground.config import Problem, wording
from playground.drafts import FIELDS, Draft, Value
from ui.editor import draw_editor
from ui.markdown import plain
from ui.page import Room
from ui.problems import problem_list
from ui.session import picked, show, shown

MOST = {"name": 80, "avatar": 30, "description": 4000, "greeting": 4000, "system_prompt": 20_000}
"""Characters of a field, so that a text that is too long ends while it is typed."""
HEIGHTS = {"greeting": 100, "system_prompt": 260, "starters": 120}


def open_draft(room: Room) -> Draft:
    """The visitor's draft; a newcomer's is a template in their language."""
    draft = room.session.draft = room.session.draft or Draft(room.t("workshop.template"))
    draft.begin_with(room.t("workshop.template"))
    return draft


def draw_bar(room: Room, draft: Draft) -> bool:
    """Two views of one thing, and the way back; tells whether the fields are to be shown."""
    t = room.t
    names = {"yaml": t("workshop.view_yaml"), "fields": t("workshop.view_fields")}
    view = st.segmented_control(
        t("workshop.view"),
        list(names),
        format_func=names.__getitem__,
        default="yaml",
        key="workshop_view",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    for label, key, do, steps in (
        (t("workshop.undo"), "undo", draft.undo, draft.past),
        (t("workshop.redo"), "redo", draft.redo, draft.future),
    ):
        icon = f":material/{key}:"
        st.button(label, key=key, icon=icon, type="tertiary", disabled=not steps, on_click=do)
    return view == "fields"


def draw_writing(room: Room, draft: Draft, as_fields: bool) -> None:
    """The draft, to be changed as YAML or field by field, and below it what is wrong."""
    with st.container(gap=None):
        draw_editor(room.t, draft, shared=room.session.shared, hidden=as_fields)
    if as_fields:
        _draw_fields(room, draft)
    _draw_problems(room, draft)


def _draw_fields(room: Room, draft: Draft) -> None:
    t, persona = room.t, draft.persona
    if persona is None:
        st.info(t("workshop.fields_need_yaml"), icon=":material/build:")
        return
    labels = {
        "name": t("workshop.field_name"),
        "avatar": t("workshop.field_avatar"),
        "description": t("workshop.field_description"),
        "greeting": t("workshop.field_greeting"),
        "system_prompt": t("workshop.field_system_prompt"),
        "starters": t("workshop.field_starters"),
    }
    for name in FIELDS:
        value, problems = draft.refused.get(name, (getattr(persona, name), ()))
        box = f"field_{name}"
        kept = _box(box, value if isinstance(value, str) else "\n".join(value))
        change = picked(kept, partial(_fill, draft, name))
        if name in HEIGHTS:
            st.text_area(
                labels[name], key=kept, height=HEIGHTS[name], on_change=change, max_chars=MOST.get(name)
            )
        else:
            st.text_input(labels[name], key=kept, on_change=change, max_chars=MOST[name])
        for problem in problems:
            st.markdown(f":red[:material/error: {plain(_told(room, problem, name, labels[name]))}]")


def _told(room: Room, problem: Problem, name: str, label: str) -> str:
    """What is wrong with what a field holds, and what to do, in words that know of no YAML."""
    if problem.slots.get("field") == name:
        problem = replace(problem, slots={**problem.slots, "field": label})
    what, fix = wording(problem, room.t)
    if problem.code in ("blank", "avatar"):
        fix = room.t(f"workshop.fix_field.{problem.code}")
    return f"{what} {fix}"


def _box(key: str, value: str) -> str:
    """Let a box show a value, unless it does: what is being typed into it stays."""
    try:
        same = shown(key) == value
    except KeyError:
        same = False
    return key if same else show(key, value)


def _fill(draft: Draft, name: str, typed: str) -> None:
    value: Value = tuple(typed.split("\n")) if name == "starters" else typed
    draft.fill(name, value)


def _draw_problems(room: Room, draft: Draft) -> None:
    t, problems = room.t, draft.problems
    if not problems:
        if not draft.refused:
            st.caption(t("workshop.good"))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(t("workshop.problems", count=len(problems)), anchor=False)
        if draft.more_to_fix:
            _button(t("workshop.fix_all"), "fix_all", draft.fix_all)
    for number, problem in enumerate(problems):
        problem_list(t, [problem])
        if problem.edit:
            label = t("workshop.fix", line=problem.edit.line)
            _button(label, f"fix_{number}", partial(draft.fix, problem))


def _button(label: str, key: str, do: Callable[[], None]) -> None:
    st.button(label, key=key, icon=":material/auto_fix_high:", on_click=do)
