"""The editor for YAML: CodeMirror as a component, in step with a draft that the page changes too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from playground.config import Problem, wording
from playground.drafts import Draft
from playground.i18n import Translator
from ui.session import picked

_FILES = Path(__file__).parent / "editor"
KEY = "editor"

# The library travels once: Streamlit does not send again a large message that the browser has. What changes at every
# run is in the message of the small component below.
_library = st.components.v2.component(
    "playground_codemirror", js=(_FILES / "codemirror.min.js").read_text("utf-8"), isolate_styles=False
)
# In the page itself and not in a shadow of it, where input methods and selections of phones fail.
_editor = st.components.v2.component(
    "playground_editor",
    css=(_FILES / "editor.css").read_text("utf-8"),
    js=(_FILES / "editor.js").read_text("utf-8"),
    isolate_styles=False,
)


def draw_editor(t: Translator, draft: Draft, *, shared: bool, hidden: bool = False) -> None:
    """Let the visitor write the draft; what they type comes at the next run after a short pause.

    On a computer that is `shared` the browser forgets the draft with the tab. A `hidden` editor goes on keeping it.
    """
    problems = draft.problems

    def take(state: object) -> None:
        sent = getattr(state, "draft", None)
        if isinstance(sent, Mapping):
            draft.typed(sent)

    _library(key="codemirror", height=0)
    _editor(
        key=KEY,
        data={
            "id": draft.id,
            "revision": draft.revision,
            "heard": draft.heard,
            "fresh": draft.untouched,
            "text": draft.text,
            "problems": [_placed(t, draft.text, one) for one in problems if one.line],
            # What looks like an API key is not left in a browser that somebody else may open.
            "keep": all(one.code != "secret" for one in problems),
            "shared": shared,
            "hidden": hidden,
            "words": {
                "label": t("workshop.editor"),
                "hint": t("workshop.editor_hint"),
                "aloud": _aloud(t, draft),
            },
        },
        on_draft_change=picked(KEY, take),
    )


def _aloud(t: Translator, draft: Draft) -> str:
    """What a screen reader says when the problems change."""
    if not draft.problems:
        return t("workshop.aloud_good")
    first = draft.problems[0]
    text = " ".join(wording(first, t))
    if first.line:
        text = t("problem_place.line", line=first.line) + text
    return t("workshop.aloud_problems", count=len(draft.problems), text=text)


def _placed(t: Translator, text: str, problem: Problem) -> dict[str, object]:
    """A problem with its place as the browser counts: columns from 0, in units of UTF-16."""
    lines = text.split("\n")
    number = min(problem.line or 1, len(lines))
    line = lines[number - 1]
    start = min((problem.column or 1) - 1, len(line))
    end = len(line.rstrip())
    if problem.edit and problem.edit.text is not None and problem.edit.line == number:
        end = problem.edit.end - 1
    if end <= start:
        start, end = len(line) - len(line.lstrip()), max(len(line.rstrip()), start)
    return {
        "line": number,
        "from": _units(line[:start]),
        "to": _units(line[:end]),
        "level": problem.level,
        "message": "\n".join(wording(problem, t)),
    }


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
