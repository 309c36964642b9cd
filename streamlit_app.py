"""The chat page, and where to start reading: pick a persona, type, and watch the reply being written."""

from __future__ import annotations

import streamlit as st

from playground.warming import warm_up
from ui import actions, chat, chats, keeping, sent, watching
from ui.page import open_page

with open_page("chat", draw_frame=False) as room:
    visit = room.session

    stop = st.bottom.empty()
    # Pinned to the bottom by itself; inside `st.bottom` the page would not follow a reply that grows. With `max_chars`
    # it would drop a long paste without a word.
    if typed := st.chat_input(room.t("chat.placeholder"), key="question"):
        actions.say(room, typed)
    actions.say_waiting(room)

    dialogue, panel = sent.places(room)
    with dialogue:
        said, below = chat.stage(room), st.empty()
    with said:
        answer, draw_rest = chat.draw_dialogue(room)

    if reply := visit.chat.reply:

        def draw_others() -> None:
            if not reply.done:
                with stop:
                    actions.draw_stop(room, reply, visit.chat.waiting, "stop")
            draw_rest()
            sent.draw_under_way(room, reply, panel)

        with answer:
            watching.watch(room, reply, draw_others)
        visit.settle()
        stop.empty()
        actions.announce(room)
        if visit.chat.waiting:
            st.rerun()
    else:
        room.draw_frame()

    with below.container():
        chats.draw_unsaved(room)
        chats.draw_parted(room)
        if (question := visit.chat.edited) is not None:
            actions.draw_editor(room, question)
        elif visit.chat.conversation.begun:
            actions.draw_actions(room)
        else:
            actions.draw_starters(room)
        sent.draw_toggle(room)
        chats.draw_in_time(room)
    sent.draw_panel(room, panel)

    # Its browser told what it kept of the visitor, so it has drawn the page.
    warm_up(keeping.prepare, painted=visit.known)
