"""A class's vote on two replies: one poll, one vote a visitor, counted exactly."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlalchemy as sa

from playground.database import INSERT, Database, storable

State = Literal["open", "closed", "revealed"]
Choice = Literal["a", "b"]
CHOICES: tuple[Choice, ...] = get_args(Choice)

QUESTION, REPLY, NAME = 2_000, 20_000, 200
"""Characters of a question, a reply and a name that are kept."""

KEPT_DAYS, KEPT_POLLS = 90, 40
"""How long a poll is kept, and how many of one visitor's."""

LESSON = 3 * 3600.0
"""Seconds for which whoever began a poll finds it again without its code."""

_SYMBOLS = "346789CDFGHJKMNPQRTVWXY"
"""No two of them look or sound alike, and they make no words."""
_LENGTH = 6

TABLES = (
    """CREATE TABLE playground_polls (
        id TEXT NOT NULL PRIMARY KEY,
        owner TEXT NOT NULL,
        question TEXT NOT NULL,
        reply_a TEXT NOT NULL,
        reply_b TEXT NOT NULL,
        state TEXT NOT NULL,
        name_a TEXT NOT NULL,
        name_b TEXT NOT NULL,
        created DOUBLE PRECISION NOT NULL
    )""",
    "CREATE INDEX playground_polls_by_time ON playground_polls (created)",
    """CREATE TABLE playground_votes (
        poll TEXT NOT NULL,
        voter TEXT NOT NULL,
        choice TEXT NOT NULL,
        PRIMARY KEY (poll, voter),
        FOREIGN KEY (poll) REFERENCES playground_polls (id) ON DELETE CASCADE
    )""",
)
"""The step of the schema that brings the polls."""

_polls = sa.table(
    "playground_polls",
    sa.column("id", sa.Text),
    sa.column("owner", sa.Text),
    sa.column("question", sa.Text),
    sa.column("reply_a", sa.Text),
    sa.column("reply_b", sa.Text),
    sa.column("state", sa.Text),
    sa.column("name_a", sa.Text),
    sa.column("name_b", sa.Text),
    sa.column("created", sa.Double),
)
_votes = sa.table(
    "playground_votes",
    sa.column("poll", sa.Text),
    sa.column("voter", sa.Text),
    sa.column("choice", sa.Text),
)


@dataclass(frozen=True, slots=True)
class Poll:
    """Two replies to one question; `owner` made it, `names` are empty until the reveal, `created` is Unix time."""

    id: str
    owner: str
    question: str
    a: str
    b: str
    state: State
    names: tuple[str, str]
    created: float


@dataclass(frozen=True, slots=True)
class Tally:
    """How many found which reply better."""

    a: int = 0
    b: int = 0

    @property
    def total(self) -> int:
        """How many voted."""
        return self.a + self.b


def poll_code(text: str) -> str:
    """The code in what somebody typed, or in a whole link; "" where there is none."""
    code = unicodedata.normalize("NFKC", text[:500]).upper().rpartition("POLL=")[2].partition("&")[0]
    code = "".join(code.replace("-", " ").split())
    return code if len(code) == _LENGTH and set(code) <= set(_SYMBOLS) else ""


class Polls:
    """Polls in a database; any thread may call, and every method raises Unsaved and nothing else."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self._clock = database, clock

    def open(self, owner: str, question: str, a: str, b: str, names: tuple[str, str] = ("", "")) -> str:
        """Begin a poll, and drop what is old; returns its code. Who wrote A and B is kept, and told at the reveal."""
        owner, now = storable(owner), self._clock()
        name_a, name_b = (storable(name)[:NAME] for name in names)
        row = {
            "owner": owner,
            "question": storable(question)[:QUESTION],
            "reply_a": storable(a)[:REPLY],
            "reply_b": storable(b)[:REPLY],
            "state": "open",
            "name_a": name_a,
            "name_b": name_b,
            "created": now,
        }
        newest = sa.select(_polls.c.id).where(_polls.c.owner == owner).order_by(_polls.c.created.desc())
        beyond = sa.and_(_polls.c.owner == owner, _polls.c.id.not_in(newest.limit(KEPT_POLLS - 1)))
        with self._database.writing() as db:
            db.execute(sa.delete(_polls).where(sa.or_(_polls.c.created < now - KEPT_DAYS * 86400, beyond)))
            while True:
                code = "".join(secrets.choice(_SYMBOLS) for _ in range(_LENGTH))
                new = INSERT[db.dialect.name](_polls).values(id=code, **row)
                new = new.on_conflict_do_nothing(index_elements=["id"])
                if taken := db.execute(new.returning(_polls.c.id)).scalar_one_or_none():
                    return str(taken)

    def find(self, code: str) -> Poll | None:
        """The poll of a code, as `poll_code` gives it."""
        with self._database.reading() as db:
            row = db.execute(sa.select(_polls).where(_polls.c.id == storable(code))).one_or_none()
        return _poll(row) if row else None

    def of(self, owner: str) -> list[Poll]:
        """A visitor's polls of this lesson, newest first."""
        recent = _polls.c.created > self._clock() - LESSON
        mine = sa.select(_polls).where(_polls.c.owner == storable(owner), recent)
        with self._database.reading() as db:
            return [_poll(row) for row in db.execute(mine.order_by(_polls.c.created.desc(), _polls.c.id))]

    def latest(self, limit: int = 20) -> list[tuple[Poll, Tally]]:
        """Everybody's polls with their counts, newest first."""
        with self._database.reading() as db:
            rows = db.execute(
                sa.select(_polls).order_by(_polls.c.created.desc(), _polls.c.id).limit(limit)
            ).all()
            ids = [row.id for row in rows]
            counts = db.execute(
                sa.select(_votes.c.poll, _votes.c.choice, sa.func.count())
                .where(_votes.c.poll.in_(ids))
                .group_by(_votes.c.poll, _votes.c.choice)
            ).all()
        found = {(poll, choice): count for poll, choice, count in counts}
        return [(_poll(row), Tally(*(found.get((row.id, c), 0) for c in CHOICES))) for row in rows]

    def tally(self, code: str) -> Tally:
        """The votes so far."""
        count = sa.select(_votes.c.choice, sa.func.count()).where(_votes.c.poll == storable(code))
        with self._database.reading() as db:
            found = {row[0]: row[1] for row in db.execute(count.group_by(_votes.c.choice))}
        return Tally(**found)

    def cast(self, code: str, owner: str, choice: Choice) -> bool:
        """Count a visitor's vote, in place of the one before; False when the poll is not open."""
        code = storable(code)
        with self._database.writing() as db:
            # A close waits until this vote is in, and no vote comes in after a close; SQLite has one writer anyway.
            state = sa.select(_polls.c.state).where(_polls.c.id == code).with_for_update(read=True)
            if db.execute(state).scalar_one_or_none() != "open":
                return False
            new = INSERT[db.dialect.name](_votes).values(poll=code, voter=_voter(code, owner), choice=choice)
            db.execute(
                new.on_conflict_do_update(
                    index_elements=["poll", "voter"], set_={"choice": new.excluded.choice}
                )
            )
        return True

    def choice(self, code: str, owner: str) -> Choice | None:
        """What a visitor voted."""
        code = storable(code)
        mine = (_votes.c.poll == code, _votes.c.voter == _voter(code, owner))
        with self._database.reading() as db:
            found: Any = db.execute(sa.select(_votes.c.choice).where(*mine)).scalar_one_or_none()
        return found if found in CHOICES else None

    def close(self, code: str) -> None:
        """Take no more votes."""
        self._end(code, "closed", _polls.c.state == "open")

    def reveal(self, code: str) -> None:
        """Take no more votes, and tell who wrote A and who wrote B."""
        self._end(code, "revealed")

    def _end(self, code: str, state: State, *which: sa.ColumnElement[bool]) -> None:
        with self._database.writing() as db:
            db.execute(sa.update(_polls).where(_polls.c.id == storable(code), *which).values(state=state))


def _voter(code: str, owner: str) -> str:
    """A visitor's name in one poll: who reads the table cannot tell whose chats belong to which votes."""
    return hashlib.sha256(f"{code} {owner}".encode()).hexdigest()


def _poll(row: Any) -> Poll:
    return Poll(
        row.id,
        row.owner,
        row.question,
        row.reply_a,
        row.reply_b,
        row.state,
        (row.name_a, row.name_b) if row.state == "revealed" else ("", ""),
        row.created,
    )
