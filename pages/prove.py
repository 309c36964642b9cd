"""Prove a persona: its checks against models, each question several times, and how sure one may be of the result."""

from __future__ import annotations

import streamlit as st

from ui import prove, prove_found
from ui.page import open_page
from ui.prove_desk import open_desk

with open_page("prove") as room:
    t = room.t
    desk = open_desk(room)

    st.title(t("prove.title"), anchor=False)
    st.caption(t("prove.intro"))

    plan = desk.plan
    if plan is None:
        wished = prove.draw_choices(room, desk)
        if wished:
            prove.draw_start(room, desk, wished)
        prove.draw_upload(room, desk)
    else:
        prove_found.draw_head(plan)
        if desk.running:
            prove_found.watch(room, desk, plan)
        prove.draw_going_on(room, desk, plan)
        prove_found.draw_told(room, plan, desk.outcomes)
        prove_found.draw_matrix(t, plan, desk.outcomes)
        prove_found.draw_replies(room, desk, plan)
        prove_found.draw_plot(room, plan, desk.outcomes)
        prove_found.draw_downloads(room, desk, plan)
