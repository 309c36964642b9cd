"""Keeps conversations, each under its owner's name: a hash of a code that only the owner has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from playground.database import INSERT, Database, Unsaved, database_url, lasts, storable
from playground.messages import Conversation, Message
from playground.owners import new_token, owner_of
from playground.votes import TABLES, Polls

__all__ = ["Kept", "Listed", "Store", "Unsaved", "database_url", "lasts", "new_token", "owner_of"]

TITLE = 60
"""Characters of a title."""

SEARCH = 500
"""Characters of a search that count."""

_STEPS = (
    (
        """CREATE TABLE playground_chats (
            owner TEXT NOT NULL,
            id TEXT NOT NULL,
            persona TEXT NOT NULL,
            title TEXT NOT NULL,
            renamed BOOLEAN NOT NULL,
            updated DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (owner, id)
        )""",
        "CREATE INDEX playground_chats_by_time ON playground_chats (owner, updated)",
        """CREATE TABLE playground_messages (
            owner TEXT NOT NULL,
            chat TEXT NOT NULL,
            position INTEGER NOT NULL,
            role TEXT NOT NULL,
            content TEXT NOT NULL,
            reasoning TEXT NOT NULL,
            info TEXT,
            PRIMARY KEY (owner, chat, position),
            FOREIGN KEY (owner, chat) REFERENCES playground_chats (owner, id) ON DELETE CASCADE
        )""",
    ),
    TABLES,
    # `info` tells what a request went without; an app that does not know of that finds a newer database.
    (),
)
"""What leads from each version of the schema to the next. A step that was released is never edited; add one."""

_chats = sa.table(
    "playground_chats",
    sa.column("owner", sa.Text),
    sa.column("id", sa.Text),
    sa.column("persona", sa.Text),
    sa.column("title", sa.Text),
    sa.column("renamed", sa.Boolean),
    sa.column("updated", sa.Double),
)
_messages = sa.table(
    "playground_messages",
    sa.column("owner", sa.Text),
    sa.column("chat", sa.Text),
    sa.column("position", sa.Integer),
    sa.column("role", sa.Text),
    sa.column("content", sa.Text),
    sa.column("reasoning", sa.Text),
    sa.column("info", sa.Text),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A dialogue in a list; `updated` is Unix time, `length` counts messages."""

    id: str
    persona: str
    title: str
    updated: float
    length: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A dialogue as it was kept."""

    id: str
    persona: str
    title: str
    conversation: Conversation
    updated: float


class Store:
    """Conversations in a database; any thread may call, and every method raises Unsaved and nothing else.

    The owner is part of every question to the database: an id alone opens nothing.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = Database(url, _STEPS, clock), clock
        self.polls = Polls(self._database, clock)
        """The votes of a class, in the same database."""

    def save(
        self,
        owner: str,
        chat_id: str,
        persona: str,
        conversation: Conversation,
        since: int = 0,
        *,
        known: int = 0,
    ) -> bool:
        """Write messages from position `since` on and drop those beyond the end; a new dialogue is made.

        Of one that was here before, at most `known` messages are known to the writer. Where it is gone, or longer,
        somebody else has deleted it or gone on with it: nothing is written, and False is returned. A dialogue
        without a question is not kept. Until its reader renames it, its first question is its title.
        """
        if not conversation.begun:
            self.delete(owner, chat_id)
            return True
        question = next(m.content for m in conversation.messages if m.role == "user")
        owner, chat_id = storable(owner), storable(chat_id)
        with self._database.writing() as db:
            there = db.execute(_COUNT, {"of": owner, "chat": chat_id}).scalar_one()
            if known and not 0 < there <= known:
                return False
            about = {"owner": owner, "id": chat_id, "persona": storable(persona), "title": _title(question)}
            db.execute(_keep(db.dialect.name), about | {"renamed": False, "updated": self._clock()})
            # What an earlier save could not write is written now, so that no message is missing between two.
            start = max(0, min(since, there))
            if start < there:
                db.execute(_CUT, {"of": owner, "chat": chat_id, "start": start})
            rest = enumerate(conversation.messages[start:], start)
            if rows := [_row(owner, chat_id, position, message) for position, message in rest]:
                db.execute(_APPEND, rows)
        return True

    def put(self, owner: str, chat_id: str, position: int, message: Message) -> bool:
        """Write one message of a dialogue that is here: in another's place, or as its next one; tell whether it is."""
        owner, chat_id = storable(owner), storable(chat_id)
        if position < 0:
            return False
        with self._database.writing() as db:
            about = {"of": owner, "chat": chat_id, "length": position, "now": self._clock()}
            touched = db.execute(_TOUCH, about)
            if touched.rowcount:
                db.execute(_put(db.dialect.name), _row(owner, chat_id, position, message))
            return bool(touched.rowcount)

    def chats(self, owner: str, search: str = "", limit: int | None = None) -> list[Listed]:
        """The owner's dialogues, newest first; with `search`, those that have it in their title or texts."""
        of_chat = (_messages.c.owner == _chats.c.owner, _messages.c.chat == _chats.c.id)
        length = sa.select(sa.func.count()).select_from(_messages).where(*of_chat).scalar_subquery()
        found = sa.select(_chats.c.id, _chats.c.persona, _chats.c.title, _chats.c.updated, length)
        found = found.where(_chats.c.owner == storable(owner))
        if text := storable(search).strip()[:SEARCH]:
            said = sa.exists().where(*of_chat, _messages.c.content.icontains(text, autoescape=True))
            found = found.where(sa.or_(_chats.c.title.icontains(text, autoescape=True), said))
        with self._database.reading() as db:
            rows = db.execute(found.order_by(_chats.c.updated.desc(), _chats.c.id).limit(limit)).all()
        return [Listed(*row) for row in rows]

    def load(self, owner: str, chat_id: str) -> Kept | None:
        """A dialogue as it was kept; None when the owner has none of this id."""
        owner, chat_id = storable(owner), storable(chat_id)
        texts = sa.select(_messages.c.role, _messages.c.content, _messages.c.reasoning, _messages.c.info)
        with self._database.reading() as db:
            chat = db.execute(
                sa.select(_chats.c.persona, _chats.c.title, _chats.c.updated).where(*_is(owner, chat_id))
            ).one_or_none()
            rows = db.execute(texts.where(*_in(owner, chat_id)).order_by(_messages.c.position)).all()
        if chat is None:
            return None
        return Kept(chat_id, chat.persona, chat.title, _conversation(rows), chat.updated)

    def rename(self, owner: str, chat_id: str, title: str) -> None:
        """Give a dialogue a title of the reader's own; a blank one is ignored."""
        if not (title := _title(title)):
            return
        with self._database.writing() as db:
            db.execute(
                sa.update(_chats)
                .where(*_is(storable(owner), storable(chat_id)))
                .values(title=title, renamed=True)
            )

    def delete(self, owner: str, chat_id: str) -> None:
        """Delete a dialogue, from the file too."""
        self._delete(*_is(storable(owner), storable(chat_id)))

    def delete_all(self, owner: str) -> int:
        """Delete all dialogues of an owner, from the file too; returns how many they were."""
        return self._delete(_chats.c.owner == storable(owner))

    def forget_older(self, seconds: float) -> int:
        """Delete every owner's dialogues that nothing was added to for `seconds`; returns how many they were."""
        return self._delete(_chats.c.updated < self._clock() - seconds)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _delete(self, *which: sa.ColumnElement[bool]) -> int:
        with self._database.writing() as db:
            count = db.execute(sa.delete(_chats).where(*which)).rowcount
        if count:
            self._database.wipe()
        return count


@cache
def _put(dialect: str) -> Any:
    """One message at its place, whether another stands there or not; made once, since that takes a millisecond."""
    new = INSERT[dialect](_messages)
    changed = {name: new.excluded[name] for name in ("role", "content", "reasoning", "info")}
    return new.on_conflict_do_update(index_elements=["owner", "chat", "position"], set_=changed)


@cache
def _keep(dialect: str) -> Any:
    """What a dialogue is called and whose it is, whether it was here or not."""
    new = INSERT[dialect](_chats)
    title = sa.case((_chats.c.renamed, _chats.c.title), else_=new.excluded.title)
    changed = {"persona": new.excluded.persona, "title": title, "updated": new.excluded.updated}
    return new.on_conflict_do_update(index_elements=["owner", "id"], set_=changed)


def _is(owner: Any, chat_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return _chats.c.owner == owner, _chats.c.id == chat_id


def _in(owner: Any, chat_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    return _messages.c.owner == owner, _messages.c.chat == chat_id


# What every question of a class asks for, made once: to put a statement together takes a millisecond.
# The owner is "of", since a parameter of an update may not be called what a column of its table is.
_OF = (sa.bindparam("of"), sa.bindparam("chat"))
_COUNT = sa.select(sa.func.count()).select_from(_messages).where(*_in(*_OF))
_CUT = sa.delete(_messages).where(*_in(*_OF), _messages.c.position >= sa.bindparam("start"))
_APPEND = sa.insert(_messages)
_TOUCH = (
    sa.update(_chats)
    .where(*_is(*_OF), _COUNT.scalar_subquery() >= sa.bindparam("length"))
    .values(updated=sa.bindparam("now"))
)


def _row(owner: str, chat_id: str, position: int, message: Message) -> dict[str, Any]:
    info = Conversation((message,)).to_json()[0]["info"]
    return {
        "owner": owner,
        "chat": chat_id,
        "position": position,
        "role": message.role,
        "content": storable(message.content),
        "reasoning": storable(message.reasoning),
        "info": storable(json.dumps(info, ensure_ascii=False)) if info else None,
    }


def _conversation(rows: Any) -> Conversation:
    try:
        return Conversation.from_json(
            [{**row._mapping, "info": row.info and json.loads(row.info)} for row in rows]
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unsaved("damaged") from None


def _title(text: str) -> str:
    return " ".join(storable(text).split())[:TITLE]
