"""The visitor's chats: search, open, rename, take along, restore, delete."""

from __future__ import annotations

import streamlit as st

from ui import chats, handing_in
from ui.page import open_page

with open_page("chats") as room:
    t = room.t

    st.title(t("chats.title"), anchor=False)
    st.caption(t("chats.intro"))
    chats.draw_news(room)
    handing_in.draw_persona(room)
    chats.draw_list(room)

    st.subheader(t("chats.along"), anchor=False)
    chats.draw_download(t, room.session, key="download_chats")
    handing_in.draw_restore(room)

    st.subheader(t("chats.other_device"), anchor=False)
    chats.draw_recovery(room)

    st.subheader(t("chats.this_device"), anchor=False)
    chats.draw_keeping(room)
