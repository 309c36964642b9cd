"""A persona that a link carries: first it is shown, then the visitor says what becomes of it."""

from __future__ import annotations

import streamlit as st

from ui import sharing
from ui.page import open_page
from ui.workshop_trial import draw_trial

with open_page("shared") as room:
    t = room.t

    st.title(t("shared.title"), anchor=False)
    st.caption(t("shared.intro"))

    showing, talking = st.columns([6, 5], gap="medium")
    with showing:
        persona = sharing.draw_received(room)
    if persona:
        with talking:
            sharing.draw_choice(room, persona)
            if guest := room.session.guest:
                st.caption(t("shared.not_kept"))
                draw_trial(room, guest)
