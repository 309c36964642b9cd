"""What all visitors of one process have in common: the queues of shared keys, the class, and its door."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import streamlit as st

from playground.classroom import Classroom, Door
from playground.limits import Limits

if TYPE_CHECKING:
    from playground.compare import Comparison

SECRET, VARIABLE = "TEACHER_PASSCODE", "PLAYGROUND_TEACHER"

COMPARED, COMPARED_SECONDS = 500, 3 * 3600.0
"""Comparisons that are remembered for who loads the page anew, and for how long."""


def passcode(secrets: Mapping[str, Any]) -> str:
    """The passcode of the class page, from the secrets or the environment; "" where the operator set none."""
    return str(secrets.get(SECRET) or os.environ.get(VARIABLE, "")).strip()


@cache
def limits() -> Limits:
    """The queues of those who share a key."""
    return Limits()


@cache
def classroom() -> Classroom:
    """What the teacher sees and stops."""
    return Classroom()


@cache
def door() -> Door:
    """Who may see the class page."""
    return Door()


@st.cache_resource(show_spinner=False, max_entries=COMPARED, ttl=COMPARED_SECONDS)
def compared(owner: str, chat_id: str, persona: str) -> list[Comparison]:
    """What a tab compared last, or nothing; a tab is known by the dialogue that it had on screen."""
    return []
