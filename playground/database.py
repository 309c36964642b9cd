"""Opens the database that conversations are kept in, and says in one word why it cannot be used."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import ConnectionPoolEntry

from playground.folders import own_folder
from playground.turns import Turns

log = logging.getLogger(__name__)

Code = Literal["read_only", "full", "locked", "unreachable", "damaged", "newer"]

PATIENCE = 5.0
"""Seconds that a connection or a lock is waited for."""

REST = 5.0
"""Seconds without a try after a server did not answer: nobody waits for the same silence at every click."""

WRITERS = 10
"""Threads of this process that write to a server at a time; its other connections are left to those who read."""

_VOLUMES = ("K_SERVICE", "SPACE_ID", "RENDER", "RAILWAY_ENVIRONMENT_ID", "FLY_APP_NAME")
"""Set by hosts (Cloud Run, Spaces, Render, Railway, Fly) whose disk lasts only where a volume was added."""

_PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON")

_ERRNO: dict[int | None, Code] = {
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EROFS: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
}
_SQLITE: dict[str, Code] = {
    "READONLY": "read_only",
    "PERM": "read_only",
    "CANTOPEN": "read_only",
    "FULL": "full",
    "BUSY": "locked",
    "LOCKED": "locked",
    "IOERR": "unreachable",
}
"""By the second word of SQLite's names; what is not here speaks of a file that is not as we left it."""
_SQLSTATE: dict[str, Code] = {
    "25006": "read_only",
    "42501": "read_only",
    "53100": "full",
    "55P03": "locked",
    "57014": "locked",
    "40": "locked",
    "22": "damaged",
    "23": "damaged",
    "42": "damaged",
    "XX": "damaged",
}
"""By PostgreSQL's SQLSTATE or its class; what is not here speaks of the connection or the server."""


INSERT: dict[str, Callable[[sa.TableClause], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
"""An insert that may find the row already there is each database's own."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class Unsaved(Exception):
    """The database could not take or give something; the code says why, and there is nothing else in it."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


def database_url(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> str:
    """PLAYGROUND_DATABASE_URL, or a SQLite file in PLAYGROUND_DATA or in this user's folder for data."""
    if named := environ.get("PLAYGROUND_DATABASE_URL"):
        return named
    path = own_folder("data", environ, platform) / "chats.sqlite"
    return URL.create("sqlite", database=path.as_posix()).render_as_string()


def lasts(environ: Mapping[str, str] = os.environ, code: Path = Path(__file__)) -> bool:
    """Whether what is kept outlives the process's machine: not in a file on a host known to begin afresh.

    On hosts that lend lasting volumes, a place that the operator has named is believed to be on one.
    """
    if not database_url(environ).startswith("sqlite"):
        return True
    if environ.get("HOSTNAME") == "streamlit" or code.is_relative_to("/mount/src") or environ.get("DYNO"):
        return False  # Streamlit Community Cloud, Heroku
    named = environ.get("PLAYGROUND_DATABASE_URL") or environ.get("PLAYGROUND_DATA")
    return bool(named) or not any(environ.get(name) for name in _VOLUMES)


def storable(text: str) -> str:
    """Without the characters that one or the other database refuses: NUL and halves of surrogate pairs."""
    return _UNSTORABLE.sub("\ufffd", text)


class Database:
    """A SQLite file or a PostgreSQL database, opened at its first use and upgraded to the last of `steps`.

    Each step is the statements that lead from one version of the schema to the next. Whatever goes wrong is an
    Unsaved.
    """

    def __init__(self, url: str, steps: Sequence[Sequence[str]], clock: Callable[[], float]) -> None:
        self._url, self._steps, self._clock = url, steps, clock
        self._opening = threading.Lock()
        self._engine: sa.Engine | None = None
        self._is_file = url.startswith("sqlite")
        # SQLite takes one writer at a time, and would let chance choose the next.
        self._turns = Turns(1 if self._is_file else WRITERS)
        self._silent_since = -math.inf
        self._told = ""

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection to read with."""
        with self._faults(), self._opened().begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection whose changes are made together when the block ends, or not at all."""
        with self._faults():
            engine = self._opened()
            with self._turns.turn(PATIENCE), engine.execution_options(writes=True).begin() as connection:
                yield connection

    def wipe(self) -> None:
        """Take what was deleted out of SQLite's journal too; another process that reads may put it off."""
        if not self._is_file:
            return
        with self._faults():
            engine = self._opened()
            with self._turns.turn(PATIENCE), contextlib.closing(engine.raw_connection()) as connection:
                connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of every connection; a later use opens it again."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Turn what libraries raise into Unsaved; the log is told once what it was, without texts and addresses."""
        if 0 <= self._clock() - self._silent_since < REST:
            raise Unsaved("unreachable")
        try:
            yield
        except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError, ImportError, ValueError) as error:
            code, cause = _fault(error)
            if code == "unreachable" and getattr(error, "statement", None) is None:
                self._silent_since = self._clock()
            if cause != self._told:
                named = "PLAYGROUND_DATABASE_URL" + " or PLAYGROUND_DATA" * self._is_file
                log.warning("the database is of no use: %s (%s); look at %s", code, cause, named)
            self._told = cause
            # "from None": a traceback of the libraries may hold what was to be saved, or the password.
            raise Unsaved(code) from None
        self._told = ""

    def _opened(self) -> sa.Engine:
        with self._opening:
            if self._engine is None:
                with self._faults():  # inside the lock: who waited for it need not find out once more
                    engine = _file(self._url) if self._is_file else _server(self._url)
                    try:
                        self._upgrade(engine)
                    except BaseException:
                        engine.dispose()
                        raise
                    self._engine = engine
            return self._engine

    def _upgrade(self, engine: sa.Engine) -> None:
        with engine.begin() as connection:
            if _version(connection) == len(self._steps):
                return
        with engine.execution_options(writes=True).begin() as connection:
            if not self._is_file:  # two processes may start at once
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7031965)")
            version = _version(connection)
            if version > len(self._steps):
                raise Unsaved("newer")
            if version == 0:
                connection.exec_driver_sql("CREATE TABLE playground_schema (version INTEGER NOT NULL)")
                connection.exec_driver_sql("INSERT INTO playground_schema VALUES (0)")
            for statement in (s for step in self._steps[version:] for s in step):
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"UPDATE playground_schema SET version = {len(self._steps)}")


def _version(connection: sa.Connection) -> int:
    if not sa.inspect(connection).has_table("playground_schema"):
        return 0
    return int(connection.exec_driver_sql("SELECT version FROM playground_schema").scalar_one())


def _file(url: str) -> sa.Engine:
    place = make_url(url)
    if place.get_backend_name() != "sqlite" or place.database in (None, "", ":memory:"):
        raise ValueError("not a file")
    path = Path(str(place.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)
    elif path.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):
            path.chmod(0o600)
    engine = sa.create_engine(
        place, hide_parameters=True, pool_timeout=PATIENCE, connect_args={"timeout": PATIENCE}
    )

    @sa.event.listens_for(engine, "connect")
    def settle(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # "begin" below says how a transaction begins
        # SQLite's own knows the letters from A to Z only.
        connection.create_function("lower", 1, str.lower, deterministic=True)
        for pragma in _PRAGMAS:
            _patiently(connection, f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A writer that begins as a reader is refused at once when another one was faster, however patient it is.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute what SQLite refuses at once while another connection does the same: to begin the write-ahead log."""
    for pause in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6):
        try:
            connection.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY":
                raise
            time.sleep(pause)
    connection.execute(statement)


def _server(url: str) -> sa.Engine:
    place = make_url(url)
    if place.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise ValueError("not a database that is known")
    # Connection poolers between us and the server do not take prepared statements.
    wishes: dict[str, Any] = {"prepare_threshold": None}
    if "connect_timeout" not in place.query:
        wishes["connect_timeout"] = int(PATIENCE)
    engine = sa.create_engine(
        place.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=PATIENCE,
        connect_args=wishes,
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE * 1000:.0f}ms'")

    return engine


def _fault(error: Exception) -> tuple[Code, str]:
    """What an error means, and its name for the log."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if name := getattr(cause, "sqlite_errorname", None):
        return _SQLITE.get(name.split("_")[1], "damaged"), name
    if state := getattr(cause, "sqlstate", None):
        return _SQLSTATE.get(state) or _SQLSTATE.get(state[:2], "unreachable"), state
    name = type(cause).__name__
    if isinstance(cause, (TimeoutError, sa.exc.TimeoutError)):
        return "locked", name
    if isinstance(cause, (sqlite3.Error, sa.exc.InvalidRequestError, UnicodeDecodeError)):
        return "damaged", name
    return _ERRNO.get(getattr(cause, "errno", None), "unreachable"), name
