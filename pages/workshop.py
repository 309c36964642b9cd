"""Write a persona: its YAML or its fields on one side, on the other how it greets and a chat to try it."""

from __future__ import annotations

import streamlit as st

from ui import workshop
from ui.page import open_page
from ui.workshop_begin import draw_beginnings, draw_offer
from ui.workshop_keep import draw_keeping
from ui.workshop_trial import draw_trial

with open_page("workshop") as room:
    t = room.t
    draft = workshop.open_draft(room)

    st.title(t("workshop.title"), anchor=False)
    st.caption(t("workshop.intro"))
    draw_offer(room, draft)

    with st.container(key="workshop"):
        writing, trying = st.columns([6, 5], gap="medium")
    with writing:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            draw_beginnings(room, draft)
            as_fields = workshop.draw_bar(room, draft)
        workshop.draw_writing(room, draft, as_fields)
        draw_keeping(room, draft)
    with trying:
        draw_trial(room, draft)
