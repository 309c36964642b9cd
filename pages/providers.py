"""All providers at a glance: key, models, price, dialect, and one button that checks the room before class."""

from __future__ import annotations

import streamlit as st

from ui import backends, lesson
from ui.page import open_page
from ui.problems import draw_broken_secrets

with open_page("providers") as room:
    t = room.t

    st.title(t("backends.title"), anchor=False)
    st.caption(t("backends.intro"))

    backends.draw_slips(room)
    draw_broken_secrets(t, room.session)
    board = backends.draw_room_check(room)
    places = {one.id: backends.draw_provider(room, one) for one in room.providers.all.values()}
    lesson.draw_lesson(room)
    backends.watch(room, board, places)
