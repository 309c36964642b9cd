"""All personas as cards: search, filter by language and tag, and talk to one."""

from __future__ import annotations

import streamlit as st

from ui import gallery
from ui.page import open_page

with open_page("gallery") as room:
    t = room.t

    st.title(t("gallery.title"), anchor=False)
    st.caption(t("gallery.intro"))

    wanted = gallery.draw_filters(room)
    found = gallery.search(room.shelf.personas, wanted)
    if found:
        gallery.draw_cards(room, found)
    elif room.shelf.personas:
        st.info(t("gallery.nothing"), icon=":material/search_off:")
    gallery.draw_broken(room)
    gallery.draw_warned(room)
