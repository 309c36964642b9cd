"""What a visitor does in a dialogue: ask, stop, ask again, edit, copy, delete."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from playground.failures import UNTOLD_WAIT, failure
from playground.messages import Conversation, Failure, Message, ReplyInfo
from playground.reply import Reply
from playground.sources import source_for
from playground.wire import Setup
from playground.writer import ask
from ui import browser, keeping, lesson, writing
from ui.compare_seats import from_chat
from ui.exporting import draw_exports
from ui.markdown import plain
from ui.models import model_name, way_on
from ui.money import conversation_price
from ui.page import Room
from ui.session import endpoint_for, picked, show, shown, turn_for
from ui.starters import draw_questions
from ui.verdicts import draw_judging

MAX_QUESTION = 8000
"""Characters of one question."""

MAX_PASTE = 200_000
"""Characters that are kept of a longer one, so that its reader can shorten it."""


def say(room: Room, text: str) -> None:
    """Ask a question; while a reply is being written it waits its turn."""
    visit, chat = room.session, room.session.chat
    visit.notices.clear()
    if chat.reply:
        chat.waiting.append(text)
        return
    if len(text) > MAX_QUESTION:
        chat.edit(text[:MAX_PASTE], adds=True)
        return
    if chat.edited != chat.conversation.last_question() and chat.edited is not None:
        # Another wording of a question that is no longer the last one is kept as a new question.
        chat.edit(chat.edited, adds=True)
    else:
        chat.edit(None)
    _put(room, chat.conversation, text)


def _put(room: Room, before: Conversation, question: str) -> None:
    """Let a question follow what was said before, and ask it; one that holds a key stays here, with the key hidden."""
    chat, hidden = room.session.chat, room.session.hidden(question)
    writing.end(chat.id, len(before.messages))
    if hidden == question:
        chat.conversation = before.say(question)
        _ask(room)
        return
    chat.conversation = before.say(hidden).answered(unsent(room))
    keeping.save(room.session, chat, len(before.messages))


def unsent(room: Room) -> Message:
    """What stands in a reply's place under a question that held a key and was asked of nobody."""
    provider, model = room.provider.id, room.model.id
    info = ReplyInfo(provider, model, ended="failed", seconds=0, failure=failure("key_in_chat"))
    return Message("assistant", "", info=info)


def say_waiting(room: Room) -> None:
    """Ask the next question that waited, once nothing is being written."""
    chat = room.session.chat
    while chat.waiting and not chat.reply:
        say(room, chat.waiting.pop(0))


def asking(room: Room) -> Setup:
    """Who answers the next question of the dialogue on screen, with what the visitor leaves out of it."""
    return replace(room.setup, leave=room.session.chat.leave)


def _ask(room: Room) -> None:
    """Keep the last question, and have it answered."""
    setup, visit = asking(room), room.session
    visit.chat.sent_shown = ""
    others, place = visit.chat.others, len(visit.chat.conversation.messages)
    (others.add if visit.gone else others.discard)(place)
    source = source_for(setup.provider, setup.model, endpoint_for(setup.provider))
    reply = ask(
        setup,
        visit.chat.conversation,
        source,
        turn=turn_for(setup.provider),
        # Not here: while a database took its time, another click would find a question that nobody answers.
        first=keeping.later(visit, visit.chat),
        remember=lambda param: visit.refuse(setup, param),
        keep=keeping.keep(visit, visit.chat),
    )
    keeping.watch_for(visit, visit.chat, reply)


def _ask_again(room: Room, question: str) -> None:
    """Put a question in the place of the last one, and drop what was answered to that."""
    chat = room.session.chat
    if chat.reply is None and question.strip():
        chat.edit(None)
        _put(room, chat.conversation.before_last_question(), question)


def _delete(room: Room) -> None:
    chat = room.session.chat
    if chat.reply is None:
        chat.conversation = chat.conversation.before_last_question()
        writing.end(chat.id, len(chat.conversation.messages))
        keeping.save(room.session, chat, len(chat.conversation.messages))
        chat.edit(None)


def draw_starters(room: Room) -> None:
    """The persona's starter questions, as buttons."""
    starters = room.persona.starters if room.persona else ()
    if room.provider.kind == "recorded":
        starters = lesson.questions(room)
    draw_questions(room.t("chat.starters"), starters, "starter", lambda text: say(room, text))


def draw_stop(room: Room, reply: Reply, waiting: list[str], key: str) -> None:
    """The button that ends the reply being written, and what waits behind it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(room.t("chat.stop"), key=key, icon=":material/stop_circle:", on_click=reply.stop)
        if waiting:
            st.caption(
                room.t("chat.waiting", text=plain(room.session.hidden(waiting[0])[:60]), count=len(waiting))
            )


def draw_actions(room: Room) -> None:
    """What can be done with the last turn."""
    t, chat = room.t, room.session.chat
    question = chat.conversation.last_question() or ""
    last = chat.conversation.messages[-1]
    failed = (last.info is not None and last.info.failure is not None) or last.role == "user"
    if last.info and last.info.failure:
        _draw_way_out(room, last.info, last.info.failure, question)
    draw_judging(room.told(len(chat.conversation.messages) - 1), chat.conversation)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            t("chat.retry" if failed else "chat.again"),
            key="again",
            icon=":material/refresh:",
            type="secondary" if failed else "tertiary",
            on_click=_ask_again,
            args=(room, question),
        )
        broken_off = last.info is not None and last.info.ended in ("unconfirmed", "interrupted", "length")
        # A recorded lesson has no other words than those that were recorded.
        if broken_off and room.provider.kind != "recorded":
            st.button(
                t("chat.go_on"),
                key="go_on",
                icon=":material/more_horiz:",
                type="tertiary",
                on_click=say,
                args=(room, t("chat.go_on_words")),
            )
        st.button(
            t("chat.edit"),
            key="edit",
            icon=":material/edit:",
            type="tertiary",
            on_click=chat.edit,
            args=(question,),
        )
        st.button(
            t("chat.delete"),
            key="delete",
            icon=":material/delete:",
            type="tertiary",
            on_click=_delete,
            args=(room,),
        )
        more = st.popover(
            t("chats.change"), icon=":material/more_horiz:", type="tertiary", key="more", on_change="rerun"
        )
        if more.open:
            with more:
                if st.button(
                    t("compare.from_chat"), key="compare", icon=":material/compare_arrows:", type="tertiary"
                ):
                    from_chat(room)
                    st.switch_page("pages/compare.py")
                draw_exports(room, "export", chat.persona, lambda: chat.conversation)
                lesson.draw_record(room, "export_lesson")
        if price := conversation_price(t, chat.conversation, room.providers):
            st.caption(price)
        if last.role == "assistant" and last.content:
            browser.copy_button(t("chat.copy"), last.content, key="copy")


def _draw_way_out(room: Room, info: ReplyInfo, fault: Failure, question: str) -> None:
    """What helps after a failure: the seconds to wait, or the model that took a retired one's place."""
    t, provider = room.t, room.provider
    if fault.code == "rate_limited":
        # A key of its own, or a second wait would go on with the seconds of the first.
        key = f"wait_{room.session.finished}"
        browser.countdown(t("chat.wait"), t("chat.wait_over"), fault.seconds or UNTOLD_WAIT, key)
    if fault.code == "not_recorded":
        lesson.draw_questions(room, lambda text: say(room, text))
    lesson.draw_offer(room, fault)
    theirs = fault.code == "model_gone" and info.provider == provider.id
    successor = way_on(provider, info.model) if theirs else ""
    if successor and successor != room.model.id:
        st.button(
            t("chat.use_successor", model=plain(model_name(provider.model(successor)))),
            key="use_successor",
            icon=":material/upgrade:",
            on_click=_use_model,
            args=(room, successor, question),
        )


def _use_model(room: Room, model: str, question: str) -> None:
    room.session.models[room.provider.id] = model
    _ask_again(replace(room, model=room.provider.model(model)), question)


def draw_editor(room: Room, question: str) -> None:
    """A field with a question to be changed; the words in it outlast a look at another page."""
    t, chat = room.t, room.session.chat

    def keep(text: str) -> None:
        chat.edited = text[:MAX_PASTE]

    def send() -> None:
        text = shown("edited")
        if len(text) > MAX_QUESTION:
            keep(text)
        elif chat.adds:
            chat.edit(None)
            say(room, text)
        else:
            _ask_again(room, text)

    if len(question) > MAX_QUESTION:
        st.warning(t("chat.too_long", count=len(question), limit=MAX_QUESTION), icon=":material/content_cut:")
    st.text_area(
        t("chat.edit_label"), key=show("edited", question), on_change=picked("edited", keep), height=160
    )
    with st.container(horizontal=True):
        st.button(
            t("chat.send" if chat.adds else "chat.resend"),
            key="resend",
            icon=":material/send:",
            on_click=send,
        )
        st.button(t("chat.cancel"), key="cancel_edit", on_click=chat.edit, args=(None,))


def announce(room: Room) -> None:
    """Let screen readers say once that the reply has ended."""
    last = room.session.chat.conversation.messages[-1]
    failed = last.info is not None and last.info.failure is not None
    name = room.persona.name if room.persona else ""
    text = room.t(
        "chat.failed_aloud" if failed else "chat.finished_aloud", name=name, text=last.content[:300]
    )
    browser.announce(text, room.session.finished)
