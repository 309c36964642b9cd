"""Problems of a persona's or provider's file, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from playground.config import Problem, wording
from playground.i18n import Translator
from ui.markdown import plain
from ui.session import SECRETS_FILE, Session


def problem_list(t: Translator, problems: Iterable[Problem]) -> None:
    """List what is wrong, where, and how to mend it."""
    for problem in problems:
        what, fix = wording(problem, t)
        place = ""
        if problem.line:
            place = t("problem_place.line", line=problem.line)
        st.markdown(f"- {place}{plain(what)}  \n  :gray[{plain(fix)}]")


def draw_broken_secrets(t: Translator, visit: Session) -> None:
    """Say that the operator's secrets cannot be read, and where the slip is."""
    if visit.broken_secrets:
        told = t("doctor.broken_secrets", file=SECRETS_FILE, reason=visit.broken_secrets)
        st.error(told, icon=":material/broken_image:")
