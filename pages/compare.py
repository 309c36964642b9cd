"""One question, two to six columns: any persona or none, on any model, at any temperature, side by side."""

from __future__ import annotations

import streamlit as st

from ui import compare, compare_blind, compare_columns, compare_prompts
from ui.compare_seats import opened
from ui.page import open_page

with open_page("compare") as room:
    comparison = opened(room)
    # Asked once: a reply that ends while the page is drawn would leave a part of it as it was before.
    busy = comparison.busy

    st.title(room.t("compare.title"), anchor=False)
    compare.draw_prompt(room, comparison)
    compare_blind.draw_votes_going_on(room, comparison)
    places = compare_columns.draw_columns(room, comparison)
    compare_blind.draw_vote(room, comparison)
    compare.draw_go_on(room, comparison)
    compare_prompts.draw_difference(room, comparison)

    if busy:
        compare_columns.watch(comparison, places)
        room.session.finished += 1
        st.rerun()
    if comparison.begun:
        compare.announce(room)
