"""A class's vote, as a phone shows it: which of two replies is better."""

from __future__ import annotations

import streamlit as st

from playground.votes import poll_code
from ui import votes
from ui.page import open_page

with open_page("vote") as room:
    t = room.t

    st.title(t("votes.title"), anchor=False)
    if typed := st.query_params.get("poll", ""):
        votes.draw_ballot(room, poll_code(typed))
    else:
        st.markdown(t("votes.intro"))
        votes.draw_code(room)
