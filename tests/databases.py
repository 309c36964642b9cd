"""Databases to test with: a SQLite file, and a PostgreSQL one where PLAYGROUND_TEST_DATABASE_URL names a server."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

KINDS = ("sqlite", "postgresql")
GET_POSTGRESQL = (
    "PLAYGROUND_TEST_DATABASE_URL names no PostgreSQL database; .ci/run starts one from Debian's packages."
)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of this kind, for one test."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'kept' / 'chats.sqlite'}"
        return
    named = os.environ.get("PLAYGROUND_TEST_DATABASE_URL")
    if not named:
        if os.environ.get("CI"):
            pytest.fail(GET_POSTGRESQL)
        pytest.skip(GET_POSTGRESQL)
    schema = f"test_{uuid.uuid4().hex}"
    place = make_url(named).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(place, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    try:
        own = make_url(named).update_query_dict({"options": f"-csearch_path={schema}"})
        yield own.render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a test's own database is; a test that takes it runs on each kind."""
    with database(request.param, tmp_path) as place:
        yield place


@contextmanager
def statements(url: str) -> Iterator[sa.Connection]:
    """A connection beside the store's own; everything is committed at the end."""
    place = make_url(url)
    if place.get_backend_name() == "postgresql":
        place = place.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(place, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


class Clock:
    """A time that stands still until a test moves it; seconds."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
