"""What became of the persona's checks, in a quiet line under the reply that they look at."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from playground.checks import Check, Verdict, expectation, finding, run
from playground.i18n import Translator
from playground.messages import Message
from playground.personas import Persona
from ui.markdown import plain

JUDGED = {"stop", "length", "unconfirmed"}
"""How a reply ended that is judged; one that was broken off says nothing of the persona."""

LONGEST = 160
"""Characters of what a check asks for that are shown."""


def draw_verdicts(t: Translator, persona: Persona | None, message: Message) -> None:
    """Say what held of a reply, and of what did not hold what was expected and found."""
    info = message.info
    if persona is None or info is None or info.failure or info.ended not in JUDGED or not message.content:
        return
    verdicts = judged(persona.checks, message.content)
    lines = []
    if held := [_short(expectation(one.check, t)) for one in verdicts if one.passed]:
        lines.append(f":green[✓] {plain(' · '.join(held))}")
    for one in verdicts:
        if one.passed is False:
            told = t("checks.outcome", expected=_short(expectation(one.check, t)), found=finding(one, t))
            lines.append(f":orange[✗] {plain(told)}")
    if lines:
        st.caption("  \n".join(lines))


@lru_cache(maxsize=512)
def judged(checks: tuple[Check, ...], reply: str) -> tuple[Verdict, ...]:
    """Hold a reply against the checks that cost no call to a model; once, however often it is drawn."""
    return tuple(run(check, reply) for check in checks if not check.asks_model)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
