"""The draft as it will greet, and a small dialogue to try it in, apart from the visitor's chats."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from playground.drafts import Draft, Trial
from playground.sources import source_for
from playground.writer import ask
from ui import chat, sent, watching
from ui.actions import MAX_QUESTION, draw_stop, unsent
from ui.exporting import draw_bundle
from ui.markdown import plain
from ui.models import mismatch, model_name, speaks
from ui.page import Room
from ui.session import endpoint_for, turn_for
from ui.starters import draw_questions
from ui.verdicts import draw_judging


def draw_trial(room: Room, draft: Draft) -> None:
    """The face, the greeting, the dialogue so far and a place to type; the last version that works is the one shown."""
    t, persona, trial = room.t, draft.persona or draft.last_good, draft.trial
    if persona is None:
        st.info(t("workshop.nobody_yet"), icon=":material/hourglass_empty:")
        return
    trial.greet(persona.greeting.strip())
    trial.settle()
    room = replace(room, persona=persona)
    _say_waiting(room, trial)
    with st.container(border=True):
        if draft.persona is None:
            st.caption(t("workshop.stale"))
        with st.container(gap=None):
            st.header(f"{chat.face(persona)}  {plain(persona.name)}", anchor=False)
            if persona.description:
                st.caption(plain(persona.description))
        if persona.avatar and not chat.is_drawn(persona.avatar):
            st.warning(t("workshop.no_picture", avatar=plain(persona.avatar)), icon=":material/warning:")
        if not speaks(room.model, persona):
            st.info(mismatch(t, room.model, persona), icon=":material/translate:")
        said, stop, starters = st.container(), st.empty(), st.container()
        if typed := st.chat_input(t("workshop.try"), key="try", max_chars=MAX_QUESTION):
            trial.waiting.append(typed)
            _say_waiting(room, trial)
        with said:
            for message in trial.conversation.messages:
                chat.draw_message(room, message)
            if trial.conversation.begun and trial.reply is None:
                _draw_after(room, trial)
        if not trial.conversation.begun:
            with starters:
                _draw_starters(room, trial)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("workshop.answered_by", model=plain(model_name(room.model))))
            if trial.conversation.begun:
                st.button(
                    t("workshop.start_over"),
                    key="start_over",
                    icon=":material/restart_alt:",
                    type="tertiary",
                    on_click=trial.start_over,
                    args=(trial.greeting,),
                )
                draw_bundle(
                    room,
                    "trial_bundle",
                    persona,
                    lambda: draft.text if draft.persona else None,
                    lambda: trial.conversation,
                )
    if reply := trial.reply:
        with stop:
            draw_stop(room, reply, trial.waiting, "stop_trial")
        with said:
            watching.watch(room, reply, lambda: None)
        trial.settle()
        if trial.waiting:
            st.rerun()
        stop.empty()
        with said:
            _draw_after(room, trial)


def _draw_after(room: Room, trial: Trial) -> None:
    """Below the last reply: what a model says of it, and what was sent for it."""
    draw_judging(room, trial.conversation)
    if trial.answered and (one := trial.answered.sent()):
        sent.draw_dialog_opener(room, one, "trial_sent")


def _draw_starters(room: Room, trial: Trial) -> None:
    starters = room.persona.starters if room.persona else ()
    # Asked when the page is drawn: the same click may have ended the writing in a field.
    draw_questions(room.t("chat.starters"), starters, "try_starter", trial.waiting.append)


def _say_waiting(room: Room, trial: Trial) -> None:
    while trial.waiting and not trial.reply:
        _say(room, trial, trial.waiting.pop(0))


def _say(room: Room, trial: Trial, text: str) -> None:
    """Ask the draft something; a question that holds a key stays here, with the key hidden."""
    hidden, trial.answered = room.session.hidden(text), None
    trial.conversation = trial.conversation.say(hidden)
    if hidden != text:
        trial.conversation = trial.conversation.answered(unsent(room))
        return
    setup, visit = room.setup, room.session
    trial.reply = ask(
        setup,
        trial.conversation,
        source_for(setup.provider, setup.model, endpoint_for(setup.provider)),
        turn=turn_for(setup.provider),
        remember=lambda param: visit.refuse(setup, param),
    )
