"""The visitor's earlier dialogues: the latest in the sidebar, all of them on a page of their own."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

import streamlit as st

from playground.archive import to_archive
from playground.i18n import Translator
from playground.messages import Conversation
from playground.personas import Shelf
from ui import keeping
from ui.exporting import draw_exports, here
from ui.markdown import plain
from ui.session import Session, picked, show, shown

if TYPE_CHECKING:
    from playground.store import Listed
    from ui.page import Room

RECENT = 6
"""Dialogues that the sidebar lists."""
SHOWN = 30
"""Dialogues that the page draws; the search finds the others."""
GUESSES = 100
"""Recovery codes that may be tried in a minute, by everybody together: a class that enters its own is not refused."""


def draw_recent(t: Translator, visit: Session, shelf: Shelf) -> None:
    """The latest dialogues but the one on screen, and the way to all of them."""
    others = [one for one in keeping.listed(visit) if one.id != visit.chat_id]
    if not others:
        return
    with st.expander(t("sidebar.earlier", count=len(others)), icon=":material/history:"):
        for one in others[:RECENT]:
            st.button(
                _title(one, shelf),
                key=f"chat_{one.id}",
                on_click=keeping.open_chat,
                args=(visit, one.id),
                type="tertiary",
                width="stretch",
            )
        st.page_link("pages/chats.py", label=t("chats.all"), icon=":material/arrow_forward:")


def _title(one: Listed, shelf: Shelf) -> str:
    persona = shelf.personas.get(one.persona)
    return f"{persona.avatar if persona and persona.avatar else '💬'} {plain(one.title)}"


def draw_news(room: Room) -> None:
    """What came of the last thing done here, once; and why nothing is kept, as long as that is so."""
    _draw_told(room, of_codes=False)
    draw_unsaved(room)


def _draw_told(room: Room, *, of_codes: bool) -> None:
    """What came of the last thing, once: of a recovery code beside its field, which is far down on a phone."""
    visit = room.session
    if visit.news and visit.news[0].startswith("code_") == of_codes:
        code, count = visit.news
        st.info(room.t(f"chats.news.{code}", count=count), icon=":material/info:")
        visit.news = None


def draw_unsaved(room: Room) -> None:
    """Say that the last change could not be kept, and why."""
    if code := room.session.unsaved:
        st.warning(room.t(f"unsaved.{code}"), icon=":material/cloud_off:")


def draw_parted(room: Room) -> None:
    """Say that another tab has deleted the dialogue or gone on with it, and offer to keep what is on screen."""
    if room.session.chat.parted:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/cloud_off: {room.t('chats.parted')}")
            st.button(
                room.t("chats.keep_as_new"),
                key="keep_as_new",
                icon=":material/save:",
                on_click=keeping.keep_as_new,
                args=(room.session,),
            )


def draw_list(room: Room) -> None:
    """Search, and the dialogues found, newest first."""
    t, visit = room.t, room.session
    visit.listed = None  # another tab may have changed them
    words = st.text_input(
        t("chats.search"),
        placeholder=t("chats.search"),
        label_visibility="collapsed",
        key="search_chats",
        icon=":material/search:",
    )
    found = keeping.search(visit, words) if words else keeping.listed(visit)
    if visit.unread:
        st.warning(t("chats.unread"), icon=":material/cloud_off:")
    elif not (found or words or visit.known):
        st.caption(t("chats.looking"))
    elif not found:
        st.info(t("chats.nothing" if words else "chats.none"), icon=":material/forum:")
    for one in found[:SHOWN]:
        _draw_row(room, one)
    if len(found) > SHOWN:
        st.caption(t("chats.more", count=len(found) - SHOWN))


def _draw_row(room: Room, one: Listed) -> None:
    t, visit = room.t, room.session
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown(f"**{_title(one, room.shelf)}**")
            persona = room.shelf.personas.get(one.persona)
            name = plain(persona.name if persona else one.persona)
            st.caption(f"{name} · {_when(one.updated)} · {t('chats.length', count=one.length)}")
        with st.container(horizontal=True, gap="small", width="content"):
            if st.button(t("chats.open"), key=f"open_{one.id}", type="tertiary", icon=":material/forum:"):
                keeping.open_chat(visit, one.id)
                st.switch_page("streamlit_app.py")
            # With a key of its own: else the next one stays open where this one is deleted.
            with st.popover(
                t("chats.change"), icon=":material/more_horiz:", type="tertiary", key=f"change_{one.id}"
            ):
                _draw_changes(room, one)


def _draw_changes(room: Room, one: Listed) -> None:
    """Rename, download, take away in another form, delete one dialogue."""
    t, visit = room.t, room.session
    key = f"title_{one.id}"

    def rename(title: str) -> None:
        if title.strip():
            keeping.rename(visit, one.id, title.strip())

    st.text_input(
        t("chats.title_label"), key=show(key, one.title), on_change=picked(key, rename), max_chars=80
    )
    st.download_button(
        t("chats.download"),
        data=lambda: _archive(visit, (one,)),
        file_name="chat.json",
        mime="application/json",
        key=f"download_{one.id}",
        icon=":material/download:",
        on_click="ignore",
    )
    # Thirty dialogues in five forms each are drawn when somebody wants one of them.
    forms = st.expander(t("sent.export.title"), key=f"forms_{one.id}", on_change="rerun")
    if forms.open:
        with forms:
            draw_exports(room, f"export_{one.id}", one.persona, lambda: _said(visit, one))
    st.button(
        t("chats.delete"),
        key=f"delete_{one.id}",
        icon=":material/delete:",
        on_click=keeping.delete,
        args=(visit, one.id),
    )


def _said(visit: Session, one: Listed) -> Conversation:
    kept = keeping.find(visit, one.id)
    return kept.conversation if kept else Conversation()


def _when(moment: float) -> str:
    """A moment in the visitor's own time."""
    return f"{datetime.fromtimestamp(moment, here()):%Y-%m-%d %H:%M}"


def _archive(visit: Session, some: tuple[Listed, ...]) -> bytes:
    return to_archive([kept for one in some if (kept := keeping.find(visit, one.id))])


def draw_in_time(room: Room) -> None:
    """Below a dialogue, where a phone shows it too: that this host forgets, and all dialogues as one file."""
    if keeping.listed(room.session) and not keeping.is_lasting():
        draw_download(room.t, room.session, key="download_in_time")


def draw_download(t: Translator, visit: Session, key: str) -> None:
    """All dialogues as one file, and why not to wait with it on a host that forgets."""
    if not keeping.is_lasting():
        st.caption(f":material/warning: {t('chats.fleeting')}")
    st.download_button(
        t("chats.download_all"),
        data=lambda: _archive(visit, keeping.every(visit)),
        file_name="chats.json",
        mime="application/json",
        key=key,
        icon=":material/download:",
        on_click="ignore",
        disabled=not keeping.listed(visit),
    )


def draw_recovery(room: Room) -> None:
    """The code that finds these dialogues from another device, and the place to enter one."""
    t, visit = room.t, room.session
    st.caption(t("chats.code_help"))
    with st.expander(t("chats.code_show"), icon=":material/key:"):
        st.code(visit.token, language=None)

    def enter() -> None:
        code = shown("recovery")
        if not code.strip():
            return
        if not may_guess(_tries(), time.monotonic()):
            visit.news = ("code_wait", 0)
        elif keeping.take_over(visit, code):
            visit.known = True
            found = keeping.listed(visit)
            visit.news = ("code_unread", 0) if visit.unread else ("code_taken", len(found))
        else:
            visit.news = ("code_wrong", 0)

    _draw_told(room, of_codes=True)
    st.text_input(t("chats.code_enter"), key="recovery", on_change=enter, autocomplete="off")


def may_guess(tries: list[float], now: float) -> bool:
    """Whether another recovery code may be tried after these, `now` and they in seconds; counts it if so."""
    tries[:] = [then for then in tries if now - then < 60]
    if len(tries) >= GUESSES:
        return False
    tries.append(now)
    return True


@cache
def _tries() -> list[float]:
    return []


def draw_keeping(room: Room) -> None:
    """Whether the browser keeps the visitor's code, and the end of everything."""
    t, visit = room.t, room.session

    def share(on: bool) -> None:
        visit.shared, visit.known = on, True

    st.toggle(
        t("chats.shared"),
        key=show("shared", visit.shared),
        on_change=picked("shared", share),
        help=t("chats.shared_help"),
    )
    with st.popover(t("chats.delete_all"), icon=":material/delete_forever:"):
        st.markdown(t("chats.delete_all_sure"))
        st.button(
            t("chats.delete_all_yes"),
            key="delete_all",
            on_click=keeping.delete_all,
            args=(visit,),
            type="primary",
        )
