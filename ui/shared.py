"""What all visitors of one process have in common: the queues of shared keys, the class, and its door."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import streamlit as st

from playground.classroom import Classroom, Door
from playground.limits import Limits

SECRET, VARIABLE = "TEACHER_PASSCODE", "PLAYGROUND_TEACHER"


def passcode(secrets: Mapping[str, Any]) -> str:
    """The passcode of the class page, from the secrets or the environment; "" where the operator set none."""
    return str(secrets.get(SECRET) or os.environ.get(VARIABLE, "")).strip()


@st.cache_resource(show_spinner=False)
def limits() -> Limits:
    """The queues of those who share a key."""
    return Limits()


@st.cache_resource(show_spinner=False)
def classroom() -> Classroom:
    """What the teacher sees and stops."""
    return Classroom()


@st.cache_resource(show_spinner=False)
def door() -> Door:
    """Who may see the class page."""
    return Door()
