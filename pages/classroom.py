"""The teacher's page: the class at a glance, stop and go on."""

from __future__ import annotations

import streamlit as st

from ui import classroom
from ui.page import open_page

with open_page("classroom") as room:
    st.title(room.t("classroom.title"), anchor=False)
    if classroom.may_enter(room):
        classroom.draw(room)
