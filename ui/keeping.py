"""What of a visitor's dialogues outlasts the session: every change is written through to the database.

The browser keeps a random token; the database knows its hash and nothing else of the visitor. Where the database cannot
take a change, the chat goes on and the page says that it is not saved.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakValueDictionary

from playground.messages import Message
from playground.owners import owner_of
from playground.reply import Keep, Reply
from ui import browser, writing
from ui.dialogue import Chat
from ui.session import Session
from ui.shared import compared

if TYPE_CHECKING:
    # SQLAlchemy takes a third of a second to import: not before the first paint.
    from playground.archive import Archived
    from playground.store import Kept, Listed, Store

log = logging.getLogger(__name__)

T = TypeVar("T")
_writing: WeakValueDictionary[tuple[str, str], Reply] = WeakValueDictionary()
"""Replies that are being written, by visitor and dialogue."""


@cache
def store() -> Store:
    """The database of this process."""
    from playground.store import Store, database_url

    return Store(database_url(os.environ))


def prepare(environ: Mapping[str, str] = os.environ) -> None:
    """Open the database, which takes a while the first time, and drop what is older than PLAYGROUND_KEEP_DAYS."""
    days = environ.get("PLAYGROUND_KEEP_DAYS", "")
    if days.isdecimal():
        _read(lambda: store().forget_older(int(days) * 86_400))
    elif days:
        log.warning("PLAYGROUND_KEEP_DAYS is no number of days; every chat is kept")
    _read(lambda: store().chats(""))


def is_lasting() -> bool:
    """Whether what is kept here outlasts a restart of the host."""
    from playground.store import lasts

    return lasts(os.environ)


def save(visit: Session, chat: Chat, since: int = 0) -> None:
    """Write a dialogue whose messages changed from position `since` on; one that is empty again is dropped."""
    kept, said = store(), chat.conversation
    writing.end(chat.id, len(said.messages) + 1)
    if said.begun:
        # What an earlier failure left out is written now.
        since = min(since, chat.kept)
        _written(
            visit,
            chat,
            len(said.messages),
            lambda: kept.save(visit.owner, chat.id, chat.persona, said, since, known=chat.seen),
        )
    elif not chat.parted:
        _write(visit, lambda: kept.delete(visit.owner, chat.id))
        chat.kept = chat.seen = 0
    visit.listed = None


def _written(visit: Session, chat: Chat, length: int, change: Callable[[], bool | None]) -> None:
    """Make a change after which the database has `length` messages, and note what came of it; None changes nothing."""
    taken: list[bool | None] = []
    if not _write(visit, lambda: taken.append(change())):
        chat.kept = 0
    elif taken[0]:
        # Never less than before: what an earlier reply's thread still writes is no other tab's.
        chat.kept, chat.seen, chat.parted = length, max(chat.seen, length), False
    elif taken[0] is False:
        chat.kept, chat.parted = 0, True


def later(visit: Session, chat: Chat) -> Callable[[], None]:
    """What writes the dialogue's last question as it is now, from whatever thread."""
    as_now, length = replace(chat), len(chat.conversation.messages)
    right = writing.take(chat.id, length)

    def write() -> None:
        if not right.holds:
            return
        save(visit, as_now, length - 1)
        chat.kept, chat.parted = as_now.kept, as_now.parted
        chat.seen = max(chat.seen, as_now.seen)

    return write


def keep(visit: Session, chat: Chat) -> Keep:
    """What stores the reply to the dialogue's last question, from whatever thread writes it."""
    kept, asked = store(), chat.conversation
    position = len(asked.messages)
    right = writing.take(chat.id, position + 1)

    def change(message: Message) -> bool | None:
        if kept.put(visit.owner, chat.id, position, message):
            return True
        if not right.holds:
            return None
        # The database did not take the question before.
        said = asked.answered(message)
        return kept.save(visit.owner, chat.id, chat.persona, said, known=chat.seen)

    def put(message: Message) -> None:
        if not chat.parted and right.holds:
            _written(visit, chat, position + 1, lambda: change(message))

    return put


def watch_for(visit: Session, chat: Chat, reply: Reply) -> None:
    """Make a dialogue's reply one that the visitor's next session finds, as long as it is written."""
    chat.reply, reply.waiting = reply, chat.waiting
    _writing[(visit.owner, chat.id)] = reply


def listed(visit: Session) -> tuple[Listed, ...]:
    """The visitor's latest dialogues, newest first; those of this session alone when the database cannot tell."""
    if visit.listed is None:
        visit.listed = every(visit, 200)
    return visit.listed


def every(visit: Session, most: int | None = None) -> tuple[Listed, ...]:
    """The same without looking at what was read before; all of them, or so many of those that are kept."""
    told = _read(lambda: store().chats(visit.owner, limit=most))
    found, visit.unread = told or (), told is None
    ids = {one.id for one in found}
    here = [chat for chat in reversed(visit.chats.values()) if chat.conversation.begun]
    # What was kept once and is not found was deleted in another tab.
    missing = (chat for chat in here if chat.id not in ids and (told is None or not chat.seen))
    return (*map(_unsaved, missing), *found)


def _unsaved(chat: Chat) -> Listed:
    from playground.store import Listed

    return Listed(chat.id, chat.persona, chat.title, time.time(), len(chat.conversation.messages))


def search(visit: Session, words: str) -> tuple[Listed, ...]:
    """The visitor's kept dialogues that hold some words, newest first."""
    told = _read(lambda: store().chats(visit.owner, words, 200))
    visit.unread = told is None
    return tuple(told or ())


def load(visit: Session, chat_id: str) -> Kept | None:
    """A kept dialogue of the visitor's."""
    return _read(lambda: store().load(visit.owner, chat_id))


def find(visit: Session, chat_id: str) -> Kept | None:
    """A dialogue of the visitor's as it was kept, or, where it was not, as this session has it."""
    chat, kept = visit.chats.get(chat_id), load(visit, chat_id)
    if chat is None or (kept and chat.kept):
        return kept
    from playground.store import Kept

    return Kept(chat.id, chat.persona, chat.title, chat.conversation, time.time())


def open_chat(visit: Session, chat_id: str) -> None:
    """Go to one of the visitor's dialogues, in this session or kept."""
    if chat_id not in visit.chats:
        if kept := load(visit, chat_id):
            _bring_back(visit, kept)
        else:
            visit.listed = None
    visit.go_to(chat_id)


def _bring_back(visit: Session, kept: Kept) -> None:
    """Let a kept dialogue be one of this session's, with the reply that is being written in it."""
    said, reply = kept.conversation, _writing.get((visit.owner, kept.id))
    waiting = reply.waiting if reply else []
    if reply and not reply.done:
        # An earlier session of this visitor's began it, and the page was loaded anew.
        said = said.before_last_question().say(said.last_question() or "")
    else:
        reply = None
    # A reply to its last question may come yet.
    seen = len(said.messages) + (said.question is not None)
    chat = Chat(kept.persona, said, kept.id, reply, waiting.copy(), kept=len(said.messages), seen=seen)
    # Whoever watched before asks none of them.
    waiting.clear()
    if reply:
        reply.waiting = chat.waiting
    visit.chats[kept.id] = chat


def rename(visit: Session, chat_id: str, title: str) -> None:
    """Give a dialogue another title."""
    _write(visit, lambda: store().rename(visit.owner, chat_id, title))
    visit.listed = None


def delete(visit: Session, chat_id: str) -> None:
    """Delete a dialogue, here and in the database."""
    visit.forget(chat_id)
    _write(visit, lambda: store().delete(visit.owner, chat_id))
    visit.listed = None


def keep_as_new(visit: Session) -> None:
    """Let the dialogue on screen, which has parted from the one that is kept, be one of its own."""
    old = visit.chat
    if old.reply is None:
        new = Chat(old.persona, old.conversation, sent=old.sent, others=old.others, leave=old.leave)
        visit.forget(old.id)
        visit.chats[new.id], visit.chat_id = new, new.id
        save(visit, new)


def delete_all(visit: Session) -> None:
    """Delete every dialogue of the visitor's."""
    for chat_id in list(visit.chats):
        visit.forget(chat_id)
    _write(visit, lambda: store().delete_all(visit.owner))
    visit.listed = None


def restore(visit: Session, chats: Iterable[Archived]) -> None:
    """Add dialogues from a file to the visitor's own."""
    for one in chats:
        chat = Chat(one.persona, one.conversation)
        visit.chats[chat.id] = chat
        save(visit, chat)
        rename(visit, chat.id, one.title)


def remember(visit: Session, page: str) -> None:
    """Tell the browser the page, its looks and what finds the visitor's dialogues again; hear what it kept before."""
    if visit.comparison:
        compared(visit.owner, visit.chat_id, visit.persona)[:] = [visit.comparison]
    kept = {"token": visit.token, "known": visit.known, "shared": visit.shared}
    kept |= {"chat": visit.chat_id, "persona": visit.persona}
    told, lost = partial(recognise, visit), partial(setattr, visit, "equipped", False)
    browser.tell_page(page, visit.language, visit.large_text, kept, told, lost, equipped=visit.equipped)
    visit.equipped = True


def recognise(visit: Session, told: Mapping[str, object] | None) -> None:
    """Take what a browser kept of an earlier visit: the token, the dialogue on screen, whether others use it too."""
    if visit.known or not told:
        return
    visit.shared = told.get("shared") is True
    take_over(visit, str(told.get("token")))
    # As for a dialogue: a link that names another persona counts for more than what this tab showed before.
    before = compared(visit.owner, str(told.get("chat")), visit.persona)
    if before and not (visit.comparison and visit.comparison.begun):
        visit.comparison = before[0].copy()
    if visit.chat_id in visit.chats and not visit.chat.conversation.begun:
        kept = load(visit, str(told.get("chat")))
        if kept and visit.persona in (kept.persona, told.get("persona")):
            _bring_back(visit, kept)
            visit.go_to(kept.id)
    visit.known = True


def take_over(visit: Session, token: str) -> bool:
    """Become the visitor whose token this is, with what was said meanwhile; False when it is none."""
    owner = owner_of(token)
    if owner is None:
        return False
    if owner != visit.owner:
        before = visit.owner
        mine = [chat for chat in visit.chats.values() if chat.conversation.begun and not chat.parted]
        for chat in mine:
            chat.kept = chat.seen = 0
        # Before the database: another run of this session may be drawing the page meanwhile.
        visit.token = token
        kept = store()
        for chat in mine:
            if chat.id in visit.chats:
                save(visit, chat)
                _write(visit, partial(kept.delete, before, chat.id))
        visit.listed = None
    return True


def _write(visit: Session, change: Callable[[], object]) -> bool:
    from playground.store import Unsaved

    try:
        change()
    except Unsaved as error:
        visit.unsaved = error.code
        return False
    visit.unsaved = ""
    return True


def _read(look: Callable[[], T]) -> T | None:
    from playground.store import Unsaved

    try:
        return look()
    except Unsaved:
        return None
