"""Questions to begin with, as buttons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from ui.markdown import plain
from ui.session import picked


def draw_questions(
    label: str,
    questions: Sequence[str],
    key: str,
    ask: Callable[[str], None],
    label_visibility: Literal["visible", "collapsed"] = "collapsed",
) -> None:
    """Questions of which a click asks one; nothing where there are none."""

    def chosen(text: str | None) -> None:
        if text:
            ask(text)

    if questions:
        st.pills(
            label,
            questions,
            format_func=plain,
            key=key,
            on_change=picked(key, chosen),
            label_visibility=label_visibility,
        )
