"""Where conversations are kept, what becomes of older databases, and what outlives a process."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from playground import store
from playground.database import database_url, lasts
from playground.messages import Conversation, Message, ReplyInfo
from playground.store import Store, Unsaved
from tests.databases import Clock, statements, url
from tests.tables import table

__all__ = ["url"]

ROOT = Path(__file__).resolve().parent.parent
HOME = Path.home()
TALK = Conversation((Message("user", "Why?"), Message("assistant", "Because.")))

VERSION_1 = """
CREATE TABLE playground_schema (version INTEGER NOT NULL);
INSERT INTO playground_schema VALUES (1);
CREATE TABLE playground_chats (
    owner TEXT NOT NULL, id TEXT NOT NULL, persona TEXT NOT NULL, title TEXT NOT NULL, renamed BOOLEAN NOT NULL,
    updated DOUBLE PRECISION NOT NULL, PRIMARY KEY (owner, id)
);
CREATE INDEX playground_chats_by_time ON playground_chats (owner, updated);
CREATE TABLE playground_messages (
    owner TEXT NOT NULL, chat TEXT NOT NULL, position INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL,
    reasoning TEXT NOT NULL, info TEXT, PRIMARY KEY (owner, chat, position),
    FOREIGN KEY (owner, chat) REFERENCES playground_chats (owner, id) ON DELETE CASCADE
);
INSERT INTO playground_chats VALUES ('me', 'a', 'vicky', 'My title', TRUE, 1800000000.5);
INSERT INTO playground_messages VALUES ('me', 'a', 0, 'user', '為什麼？', '', NULL);
INSERT INTO playground_messages VALUES ('me', 'a', 1, 'assistant', 'x', 'hm', '{"provider": "groq", "model": "gpt-oss",
    "ended": "interrupted", "seconds": 1.5, "usage": {"prompt_tokens": 3}, "failure": null, "unused": ["seed"]}')
"""


def keeps(url: str, clock: Clock | None = None) -> Store:
    """A store in which a dialogue is kept."""
    kept = Store(url, clock or Clock())
    kept.save("me", "a", "vicky", TALK)
    return kept


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(Unsaved) as raised:
        act()
    return raised.value.code


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({"PLAYGROUND_DATABASE_URL": "postgresql://x"}, "linux", "postgresql://x"),
        ({"PLAYGROUND_DATA": "/kept"}, "linux", "sqlite:////kept/chats.sqlite"),
        ({"PLAYGROUND_DATA": "~/kept"}, "linux", f"sqlite:///{HOME}/kept/chats.sqlite"),
        ({"XDG_DATA_HOME": "/data"}, "linux", "sqlite:////data/persona-playground/chats.sqlite"),
        ({}, "linux", f"sqlite:///{HOME}/.local/share/persona-playground/chats.sqlite"),
        ({}, "darwin", f"sqlite:///{HOME}/Library/Application Support/persona-playground/chats.sqlite"),
        ({"LOCALAPPDATA": "/local"}, "win32", "sqlite:////local/persona-playground/chats.sqlite"),
    ],
)
def test_where(environ: dict[str, str], platform: str, expected: str) -> None:
    assert database_url(environ, platform) == expected


@table(
    "environ, code, expected",
    [
        ({}, "/home/me/app/x.py", True),
        ({"HOSTNAME": "laptop"}, "/mountain/x.py", True),
        ({}, "/mount/src/app/playground/x.py", False),
        ({"HOSTNAME": "streamlit"}, "/app/x.py", False),
        ({"HOSTNAME": "streamlit", "PLAYGROUND_DATA": "/tmp/kept"}, "/app/x.py", False),
        ({"HOSTNAME": "streamlit", "PLAYGROUND_DATABASE_URL": "postgresql://x"}, "/app/x.py", True),
        ({"SPACE_ID": "me/space"}, "/app/x.py", False),
        ({"SPACE_ID": "me/space", "PLAYGROUND_DATA": "/data"}, "/app/x.py", True),
        ({"K_SERVICE": "chat"}, "/app/x.py", False),
        ({"DYNO": "web.1", "PLAYGROUND_DATA": "/data"}, "/app/x.py", False),
    ],
)
def test_what_lasts(environ: dict[str, str], code: str, expected: bool) -> None:
    assert lasts(environ, Path(code)) is expected


@pytest.mark.parametrize("name", ["plain", "with space", "100%25 & ?x=1#y", "資料"])
def test_any_folder(tmp_path: Path, name: str) -> None:
    keeps(database_url({"PLAYGROUND_DATA": str(tmp_path / name)})).close()
    assert (tmp_path / name / "chats.sqlite").exists()


def test_only_the_owner_may_read_the_files(tmp_path: Path) -> None:
    kept = keeps(f"sqlite:///{tmp_path}/kept/chats.sqlite")
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "kept").iterdir()}
    assert modes == {"chats.sqlite": 0o600, "chats.sqlite-wal": 0o600, "chats.sqlite-shm": 0o600}
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700
    kept.close()
    (tmp_path / "kept" / "chats.sqlite").chmod(0o644)
    kept.chats("me")
    assert stat.S_IMODE((tmp_path / "kept" / "chats.sqlite").stat().st_mode) == 0o600
    kept.close()


def made_by_version_1(url: str, folder: Path) -> None:
    """Make the database as the first version of the app left it."""
    (folder / "kept").mkdir()
    with statements(url) as beside:
        for statement in VERSION_1.split(";\n"):
            beside.execute(sa.text(statement.replace(":", r"\:")))


def test_version_1_is_read(url: str, tmp_path: Path) -> None:
    made_by_version_1(url, tmp_path)
    opened = Store(url)
    chat = opened.load("me", "a")
    assert chat
    assert (chat.persona, chat.title, chat.updated) == ("vicky", "My title", 1800000000.5)
    question, reply = chat.conversation.messages
    assert (question.content, reply.content, reply.reasoning) == ("為什麼？", "x", "hm")
    assert reply.info
    assert (reply.info.ended, reply.info.usage.prompt_tokens, reply.info.unused) == (
        "interrupted",
        3,
        ("seed",),
    )
    opened.save("me", "a", "vicky", chat.conversation.say("So?"), since=2)
    assert opened.chats("me")[0].length == 3
    opened.close()


def test_an_older_database_is_upgraded_and_a_newer_one_left_alone(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps(url).close()
    step = (
        "ALTER TABLE playground_chats ADD COLUMN colour TEXT",
        "UPDATE playground_chats SET colour = 'red'",
    )
    old = Store(url)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_STEPS", (*store._STEPS, step))
        new = Store(url)
        assert len(new.chats("me")) == 1
        new.close()
    with statements(url) as beside:
        assert beside.exec_driver_sql("SELECT colour FROM playground_chats").scalar_one() == "red"
        assert (
            beside.exec_driver_sql("SELECT version FROM playground_schema").scalar_one()
            == len(store._STEPS) + 1
        )
    assert refusal(lambda: old.chats("me")) == "newer"
    old.close()


def test_an_upgrade_that_fails_leaves_the_old_database(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keeps(url).close()
    with monkeypatch.context() as patch:
        step = ("ALTER TABLE playground_chats ADD COLUMN colour TEXT", "no SQL")
        patch.setattr(store, "_STEPS", (*store._STEPS, step))
        assert refusal(lambda: Store(url).chats("me")) == "damaged"
    opened = Store(url)
    assert len(opened.chats("me")) == 1
    opened.close()


WRITER = """
import itertools, sys
from playground.messages import Conversation, Message, ReplyInfo
from playground.store import Store
store, chat_id, turns = Store(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store.save("me", chat_id, "vicky", Conversation().say("Why?"))
info = ReplyInfo("groq", "gpt-oss", "interrupted", 1.0)
for turn in range(1, turns) if turns else itertools.count(1):
    position = turn if turns else 1
    store.put("me", chat_id, position, Message("assistant", "word " * turn, info=info))
    print(turn, flush=True)
"""


def writer(url: str, chat_id: str, turns: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, url, chat_id, str(turns)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def test_two_processes(url: str) -> None:
    children = [writer(url, f"{number}", 50) for number in range(2)]
    for child in children:
        child.communicate()
        assert child.returncode == 0
    opened = Store(url)
    assert [chat.length for chat in opened.chats("me")] == [50, 50]
    opened.close()


def test_a_killed_process_leaves_the_question_and_half_the_reply(url: str) -> None:
    child = writer(url, "a", 0)
    assert child.stdout
    for _ in range(20):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    told = 20 + len(child.communicate()[0].splitlines())
    opened = Store(url)
    chat = opened.load("me", "a")
    assert chat
    question, reply = chat.conversation.messages
    assert question.content == "Why?"
    assert reply.content in ("word " * told, "word " * (told + 1))
    assert reply.info == ReplyInfo("groq", "gpt-oss", "interrupted", 1.0)
    opened.close()


def test_what_was_deleted_is_in_no_file(tmp_path: Path) -> None:
    """Nor what stood in its place before, in a file of many pages with others' dialogues between."""
    kept = Store(f"sqlite:///{tmp_path}/chats.sqlite", Clock())
    beside = keeps(f"sqlite:///{tmp_path}/chats.sqlite")
    for number in range(24):
        kept.save("you", f"{number}", "vicky", TALK.say("OTHER " * number * 10))
        kept.save("me", f"{number}", "vicky", Conversation().say("SECRET " * (number * number + 1)))
        for length in range(0, 900, 150):
            kept.put("me", f"{number}", 1, Message("assistant", "SECRET " * length, "SECRET"))
    for number in range(0, 24, 2):
        kept.delete("me", f"{number}")
    kept.delete_all("me")
    assert len(beside.chats("you")) == 24
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert raw.count(b"OTHER") > 1000
    assert b"SECRET" not in raw
    kept.close()
    beside.close()
