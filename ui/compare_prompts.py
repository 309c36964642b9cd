"""How the system prompts of two columns differ, side by side."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from playground.compare import Comparison
from playground.difference import Pieces, difference
from ui.compare_seats import persona_name, persona_of
from ui.markdown import plain
from ui.page import Room

SIDES = ("left", "right")
COLORS = ("orange", "blue")
"""What only the left, and what only the right prompt has; told apart by those who see few colours too."""


# Streamlit's own tints are gone on a projector.
_TINTS = """
.st-key-only_left .stMarkdownColoredBackground { background-color: light-dark(#FFD9A8, #5C3A12) !important; }
.st-key-only_right .stMarkdownColoredBackground { background-color: light-dark(#BFDBFF, #1C3F6B) !important; }
"""
_tints = st.components.v2.component("playground_difference", css=_TINTS, isolate_styles=False)


def draw_difference(room: Room, comparison: Comparison) -> None:
    """Two system prompts with what only one of them has marked, where that is wanted and no name is hidden."""
    if not comparison.prompts_shown or comparison.hidden:
        return
    t, columns = room.t, comparison.shown
    names = [f"{number}. {persona_name(room, column.seat)}" for number, column in enumerate(columns, 1)]
    st.subheader(t("compare.prompts"), anchor=False)
    st.caption(t("compare.prompts_legend"))
    prompts = []
    places = st.columns(2, gap="medium")
    for side, place in enumerate(places):
        key = f"prompt_side_{side}"
        with place:
            number = st.selectbox(
                t("compare.prompt_of"),
                range(len(columns)),
                index=side,
                format_func=names.__getitem__,
                key=key,
                label_visibility="collapsed",
            )
        persona = persona_of(room, columns[number].seat)
        prompts.append(persona.system_prompt.strip() if persona else "")
    if prompts[0] == prompts[1]:
        st.info(t("compare.same_prompt"), icon=":material/equal:")
    _tints(height=0)
    for place, where, pieces, color in zip(places, SIDES, _difference(*prompts), COLORS, strict=True):
        with place, st.container(border=True, key=f"only_{where}"):
            st.markdown(marked(pieces, color) or t("compare.no_prompt"))


@lru_cache(maxsize=64)
def _difference(one: str, other: str) -> tuple[Pieces, Pieces]:
    return difference(one, other)


def marked(pieces: Pieces, color: str) -> str:
    """The pieces as Markdown, line by line as they were, with what the other text has not on a colour."""
    text = ""
    for piece in pieces:
        for line in piece.text.splitlines(keepends=True):
            words = line.strip()
            before, after = line[: len(line) - len(line.lstrip(" \t"))], line.rstrip("\n")
            shown = plain(words)
            if shown and not piece.same:
                shown = f":{color}-background[**{shown}**]"
            space = " " if after != after.rstrip() and words else ""
            text += (" " if before and words else "") + shown + space
            text += "  \n" if line.endswith("\n") else ""
    return text
