"""Every way in which a database can refuse ends in one code, with nothing secret in it; and what was kept stays."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from playground import database
from playground.messages import Conversation, Message, ReplyInfo
from playground.store import Store, Unsaved
from tests.databases import KINDS, Clock, statements
from tests.databases import database as place

TALK = Conversation((Message("user", "Why?"), Message("assistant", "Because.")))


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with place(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[str]:
    with place("postgresql", tmp_path) as url:
        yield url


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may look into, and that the superuser may not overrule."""
    made = Path(tempfile.mkdtemp())
    yield made
    made.chmod(0o700)
    shutil.rmtree(made)


def keeps(url: str) -> Store:
    """A store in which a dialogue is kept."""
    kept = Store(url, Clock())
    kept.save("me", "a", "vicky", TALK)
    return kept


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(Unsaved) as raised:
        act()
    assert raised.value.args == (raised.value.code,)
    return raised.value.code


def test_a_folder_that_may_not_be_written(folder: Path) -> None:
    kept = keeps(f"sqlite:///{folder}/chats.sqlite")
    kept.close()
    (folder / "chats.sqlite").chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        assert refusal(lambda: kept.save("me", "b", "vicky", TALK)) == "read_only"
        assert refusal(lambda: Store(f"sqlite:///{folder}/new/chats.sqlite").chats("me")) == "read_only"
        assert refusal(lambda: Store(f"sqlite:///{folder}/new.sqlite").chats("me")) == "read_only"
    finally:
        os.seteuid(user)
    folder.chmod(0o755)
    (folder / "chats.sqlite").chmod(0o600)
    kept.save("me", "b", "vicky", TALK)
    assert len(kept.chats("me")) == 2
    kept.close()


def test_a_server_that_only_reads(postgresql: str) -> None:
    keeps(postgresql).close()
    options = f"{make_url(postgresql).query['options']} -c default_transaction_read_only=on"
    only_reads = Store(
        make_url(postgresql).update_query_dict({"options": options}).render_as_string(hide_password=False)
    )
    assert len(only_reads.chats("me")) == 1
    assert refusal(lambda: only_reads.save("me", "b", "vicky", TALK)) == "read_only"
    assert len(only_reads.chats("me")) == 1
    only_reads.close()


def test_a_full_disk(tmp_path: Path) -> None:
    """What was kept before can still be read, and there is room again after something is deleted."""

    def few_pages(connection: sa.engine.interfaces.DBAPIConnection, record: object) -> None:
        connection.cursor().execute("PRAGMA max_page_count = 40")

    sa.event.listen(sa.pool.Pool, "connect", few_pages)
    try:
        kept = keeps(f"sqlite:///{tmp_path}/chats.sqlite")
        kept.save("me", "large", "vicky", TALK.say("x" * 80_000))
        assert refusal(lambda: kept.save("me", "b", "vicky", TALK.say("x" * 80_000))) == "full"
        assert refusal(lambda: kept.put("me", "a", 2, Message("user", "x" * 80_000))) == "full"
        assert sorted(chat.id for chat in kept.chats("me")) == ["a", "large"]
        assert kept.load("me", "a").conversation == TALK  # type: ignore[union-attr]
        kept.delete("me", "large")
        kept.save("me", "b", "vicky", TALK.say("x" * 80_000))
        assert len(kept.chats("me")) == 2
        kept.close()
    finally:
        sa.event.remove(sa.pool.Pool, "connect", few_pages)


def test_somebody_else_writes_and_writes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock is waited for, not for ever; and reading goes on meanwhile."""
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    kept = keeps(url)
    with statements(url) as beside:
        begin = "BEGIN IMMEDIATE" if url.startswith("sqlite") else "LOCK playground_chats IN EXCLUSIVE MODE"
        beside.exec_driver_sql(begin)
        assert refusal(lambda: kept.save("me", "b", "vicky", TALK)) == "locked"
        assert len(kept.chats("me")) == 1
    kept.save("me", "b", "vicky", TALK)
    assert len(kept.chats("me")) == 2
    kept.close()


def test_a_lock_is_waited_for_five_seconds(url: str) -> None:
    question = "PRAGMA busy_timeout" if url.startswith("sqlite") else "SHOW lock_timeout"
    kept = keeps(url)
    with kept._database.writing() as db:
        assert db.exec_driver_sql(question).scalar_one() in (5000, "5s")
    kept.close()


def test_how_sqlite_is_set(tmp_path: Path) -> None:
    kept = keeps(f"sqlite:///{tmp_path}/chats.sqlite")
    with kept._database.reading() as db:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        told = {name: db.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}
    assert told == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "secure_delete": 1}
    kept.close()


def spoiled(raw: bytes, at: int, length: int) -> bytes:
    return raw[:at] + b"\xa5" * length + raw[at + length :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"no database at all, but long enough to be read as one" * 10,
        lambda raw: raw[: len(raw) // 2 + 100],
        lambda raw: raw[:100],
        lambda raw: spoiled(raw, 0, 16),
        lambda raw: spoiled(raw, 16, 84),
        lambda raw: spoiled(raw, 100, 3000),
        lambda raw: spoiled(raw, 4096, len(raw) - 4096),
        lambda raw: raw.replace(b'"ended"', b'"ENDED"'),
        lambda raw: raw.replace("為什麼".encode(), b"\xff" * 9),
        lambda raw: raw.replace(b"TABLE playground_messages", b"TABLE playground_MESSAGER"),
    ],
)
def test_a_damaged_file_is_told_and_left_alone(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "chats.sqlite"
    kept = Store(f"sqlite:///{path}", Clock())
    info = ReplyInfo("groq", "gpt-oss", "stop", 1.0)
    kept.save("me", "a", "vicky", Conversation().say("為什麼").answered(Message("assistant", "x", info=info)))
    kept.close()
    damaged = spoil(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    assert refusal(lambda: (kept.chats("me"), kept.load("me", "a"))) == "damaged"
    kept.close()
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("place", range(0, 49_152, 4096))
def test_damage_anywhere_is_a_code_at_worst(tmp_path: Path, place: int) -> None:
    for at in range(place, place + 4096, 512):
        assert codes_of_a_database_damaged(tmp_path / f"{at}.sqlite", at) <= {"damaged", "newer"}


def codes_of_a_database_damaged(path: Path, at: int) -> set[str]:
    kept = keeps(f"sqlite:///{path}")
    kept.close()
    path.write_bytes(spoiled(path.read_bytes(), at, 64))
    acts: list[Callable[[], object]] = [
        lambda: kept.chats("me", "why"),
        lambda: kept.load("me", "a"),
        lambda: kept.save("me", "a", "vicky", TALK.say("So?")),
        lambda: kept.put("me", "a", 1, TALK.messages[1]),
        lambda: kept.delete_all("me"),
        kept.close,
    ]
    codes = set()
    for act in acts:
        try:
            act()
        except Unsaved as error:
            codes.add(error.code)
    return codes


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:PASSWORD@127.0.0.1:1/x",
        "postgres://me:PASSWORD@127.0.0.1:1/x",
        "postgresql+psycopg://me:PASSWORD@127.0.0.1:1/x",
        "postgresql://me:PASSWORD@127.0.0.1:port/x",
        "postgresql+nothing://me:PASSWORD@127.0.0.1/x",
        "mysql://me:PASSWORD@127.0.0.1/x",
        "PASSWORD",
        "",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+nothing:////tmp/PASSWORD",
        "sqlite:////dev/null/PASSWORD",
    ],
)
def test_no_database_there(address: str, caplog: pytest.LogCaptureFixture) -> None:
    opened = Store(address)
    with caplog.at_level(logging.DEBUG), pytest.raises(Unsaved) as raised:
        opened.save("me", "a", "vicky", TALK)
    assert raised.value.code == "unreachable"
    assert "PASSWORD" not in "".join(traceback.format_exception(raised.value)) + caplog.text
    assert "PLAYGROUND_DATABASE_URL" in caplog.text
    opened.close()


def test_what_was_to_be_saved_is_not_told(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by the error nor in the log, which says the same thing once."""
    kept = keeps(url)
    with statements(url) as beside:
        beside.exec_driver_sql("DROP TABLE playground_messages")
    secret = "SEC" + "RET"  # a traceback shows the lines of this file
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            with pytest.raises(Unsaved) as raised:
                kept.save("me", "a", "vicky", Conversation().say(secret))
    assert secret not in "".join(traceback.format_exception(raised.value)) + caplog.text
    assert [record.name for record in caplog.records] == ["playground.database"]
    kept.close()


def test_a_server_that_is_silent_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a connection that cannot be made is waited for; then nobody waits for it again for a while."""
    tries: list[str] = []

    def silent(url: str) -> sa.Engine:
        tries.append(url)
        raise ConnectionRefusedError

    monkeypatch.setattr(database, "_server", silent)
    clock = Clock()
    opened = Store("postgresql://x", clock)
    for seconds in (0.0, database.REST - 0.1, 0.2, -3600.0, 0.0):
        clock.now += seconds
        assert refusal(lambda: opened.chats("me")) == "unreachable"
    assert len(tries) == 3

    clock.now += database.REST
    threads = [threading.Thread(target=refusal, args=(lambda: opened.chats("me"),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 4


def test_a_server_that_begins_anew(postgresql: str) -> None:
    """Connections that died meanwhile are made again."""
    kept = keeps(postgresql)
    with statements(postgresql) as beside:
        beside.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE pid <> pg_backend_pid()"
        )
    kept.save("me", "b", "vicky", TALK)
    assert len(kept.chats("me")) == 2
    kept.close()
