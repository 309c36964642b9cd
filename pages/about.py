"""What this is, in sixty seconds."""

from __future__ import annotations

import streamlit as st

from ui.page import open_page
from ui.shared import passcode

with open_page("about") as room:
    t = room.t

    st.title(t("about.title"), anchor=False)
    st.markdown(t("about.intro"))

    for step in ("one", "two", "three", "four", "five"):
        with st.container(border=True):
            st.subheader(t(f"about.{step}.title"), anchor=False)
            st.markdown(t(f"about.{step}.text"))

    st.page_link("streamlit_app.py", label=t("about.start"), icon=":material/forum:")
    st.divider()
    st.markdown(t("about.lesson"))
    st.code(t("about.lesson_code"), language="python")
    st.caption(t("about.privacy"))
    if passcode(room.session.secrets):
        st.page_link("pages/classroom.py", label=t("nav.classroom"), icon=":material/school:")
