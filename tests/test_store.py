"""What was kept is found again, by its owner alone; the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from playground.store import Store, Unsaved, new_token, owner_of
from tests.databases import Clock, statements, url

__all__ = ["url"]

ME, YOU = str(owner_of(new_token())), str(owner_of(new_token()))
LEFT = ("history",)
INFO = ReplyInfo(
    "groq", "gpt-oss", "stop", 1.5, 0.2, Usage(10, 0, 5, True, 0.25), None, ("seed", "用"), 3, 4, LEFT
)
HALF = ReplyInfo("groq", "gpt-oss", "interrupted", 1.5)
FAILED = ReplyInfo("groq", "gpt-oss", "failed", 0, failure=Failure("rate_limited", 429, "慢", 3.5, True))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(url: str, clock: Clock) -> Iterator[Store]:
    opened = Store(url, clock)
    yield opened
    opened.close()


def talk(*texts: str) -> Conversation:
    """A greeting, then questions and replies in turn."""
    roles = ("assistant", "user")
    return Conversation(tuple(Message(roles[i % 2], text) for i, text in enumerate(("Hi", *texts))))  # type: ignore[arg-type]


def kept(store: Store, chat_id: str = "a", owner: str = ME) -> tuple[str, ...]:
    chat = store.load(owner, chat_id)
    return tuple(m.content for m in chat.conversation.messages) if chat else ()


def test_a_turn(store: Store, clock: Clock) -> None:
    """The question before the call, the reply as it grows, its end."""
    asked = talk("Why?")
    store.save(ME, "a", "vicky", asked)
    store.put(ME, "a", 2, Message("assistant", "Bec", "hm", HALF))
    clock.now += 1
    store.put(ME, "a", 2, Message("assistant", "Because.", "hmm", INFO))
    chat = store.load(ME, "a")
    assert chat
    assert (chat.id, chat.persona, chat.title, chat.updated) == ("a", "vicky", "Why?", clock.now)
    assert chat.conversation == asked.answered(Message("assistant", "Because.", "hmm", INFO))


@pytest.mark.parametrize("info", [None, INFO, HALF, FAILED])
def test_everything_of_a_reply(store: Store, info: ReplyInfo | None) -> None:
    said = Conversation((Message("user", "", "x"), Message("assistant", "嗨 🍀\n\t'\"\\%", "想", info)))
    store.save(ME, "a", "vicky", said)
    chat = store.load(ME, "a")
    assert chat
    assert chat.conversation == said


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        (talk("Why?"), talk("Why?", "Because.", "So?"), 2),
        (talk("Why?", "Because.", "So?"), talk("Why?"), 2),
        (talk("Why?", "Because.", "So?"), talk("How?"), 1),
        (talk("Why?", "Because."), talk("Why?", "Because."), 3),
        (talk("Why?"), talk("Why?", "Because.", "So?", "Then."), 4),  # what was missed is made good
        (talk("Why?"), talk("Why?", "Because."), 10**30),
        (talk("Why?"), talk("How?"), -1),
    ],
)
def test_only_what_changed_is_written(
    store: Store, before: Conversation, after: Conversation, since: int
) -> None:
    store.save(ME, "a", "vicky", before)
    store.save(ME, "a", "vicky", after, since)
    assert kept(store) == tuple(m.content for m in after.messages)


def test_what_stands_before_is_left_alone(store: Store) -> None:
    store.save(ME, "a", "vicky", talk("Why?"))
    store.save(ME, "a", "vicky", talk("not written", "Because."), since=2)
    assert kept(store) == ("Hi", "Why?", "Because.")


def test_a_dialogue_without_a_question_is_not_kept(store: Store) -> None:
    store.save(ME, "a", "vicky", talk())
    assert store.chats(ME) == []
    store.save(ME, "a", "vicky", talk("Why?"))
    store.save(ME, "a", "vicky", talk())
    assert store.load(ME, "a") is None


def test_what_somebody_else_deleted_or_went_on_with_is_left_alone(store: Store) -> None:
    assert store.save(ME, "a", "vicky", talk("Why?"))
    assert store.save(ME, "a", "vicky", talk("Why?", "Because."), since=2, known=2)
    assert not store.save(ME, "a", "vicky", talk("Why?", "So?"), since=2, known=2)
    assert kept(store) == ("Hi", "Why?", "Because.")
    store.delete(ME, "a")
    assert not store.save(ME, "a", "vicky", talk("Why?", "Because.", "So?"), since=3, known=3)
    assert store.chats(ME) == []


def test_put_writes_in_place_or_at_the_end(store: Store) -> None:
    reply = Message("assistant", "x")
    assert not store.put(ME, "a", 0, reply)
    assert store.chats(ME) == []
    store.save(ME, "a", "vicky", talk("Why?"))
    for position in (3, 10**6, -1):
        assert not store.put(ME, "a", position, reply)
    assert kept(store) == ("Hi", "Why?")
    assert store.put(ME, "a", 2, reply)
    store.put(ME, "a", 0, Message("assistant", "Hello"))
    assert kept(store) == ("Hello", "Why?", "x")
    store.delete(ME, "a")
    store.put(ME, "a", 3, reply)
    assert store.chats(ME) == []


def test_title(store: Store) -> None:
    """The first question's, as long as its reader gives none."""

    def title() -> str:
        return store.chats(ME)[0].title

    store.save(ME, "a", "vicky", talk("  為什麼\n天空 " + "x" * 99))
    assert title() == "為什麼 天空 " + "x" * 53
    store.save(ME, "a", "vicky", talk("How?"), since=1)
    assert title() == "How?"
    store.rename(ME, "a", " \n ")
    assert title() == "How?"
    store.rename(ME, "a", " My\0 title ")
    store.save(ME, "a", "vicky", talk("Who?"), since=1)
    assert title() == "My\ufffd title"
    store.rename(ME, "b", "None of mine")
    assert len(store.chats(ME)) == 1


def test_list(store: Store, clock: Clock) -> None:
    for chat_id in "abc":
        clock.now += 1
        store.save(ME, chat_id, f"p-{chat_id}", talk("Why?"))
    clock.now += 1
    store.put(ME, "a", 2, Message("assistant", "x"))
    assert [chat.id for chat in store.chats(ME)] == ["a", "c", "b"]
    assert [chat.id for chat in store.chats(ME, limit=2)] == ["a", "c"]
    first = store.chats(ME)[0]
    assert (first.persona, first.title, first.updated, first.length) == ("p-a", "Why?", clock.now, 3)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", "abcde"),
        ("  ", "abcde"),
        ("100%", "a"),
        ("1%0", ""),
        ("a_b", "b"),
        ("a/b", "e"),
        ("\\", ""),
        ("'", ""),
        ("天空", "c"),
        ("是藍的", "c"),
        ("ÉCOLE", "d"),
        ("école", "d"),
        ("because", "a"),
        ("TITLE", "d"),
        ("x\0y\ud800", ""),
        ("Hi" + "x" * 600, ""),
        ("z" * 600, "b"),
    ],
)
def test_search(store: Store, search: str, found: str) -> None:
    store.save(ME, "a", "vicky", talk("Is 100% much?", "Because."))
    store.save(ME, "b", "vicky", talk("a_b", "z" * 600))
    store.save(ME, "c", "vicky", talk("為什麼", "天空是藍的"))
    store.save(ME, "d", "vicky", talk("Une École", "1000"))
    store.save(ME, "e", "vicky", talk("a/b", "axb"))
    store.rename(ME, "d", "My Title")
    assert sorted(chat.id for chat in store.chats(ME, search)) == list(found)


def test_owners_see_nothing_of_each_other(store: Store) -> None:
    """Not even where both have a dialogue of the same id."""
    store.save(ME, "same", "vicky", talk("mine, SENTINEL-ME"))
    store.save(YOU, "same", "vicky", talk("yours, SENTINEL-YOU"))
    store.save(YOU, "other", "vicky", talk("also yours, SENTINEL-YOU"))
    before = kept(store, "same", YOU), kept(store, "other", YOU), store.chats(YOU)
    store.save(ME, "same", "vicky", talk("mine", "x", "y", "z"), since=1)
    store.put(ME, "same", 1, Message("user", "SENTINEL-ME"))
    store.put(ME, "other", 1, Message("user", "SENTINEL-ME"))
    store.rename(ME, "same", "SENTINEL-ME")
    store.rename(ME, "other", "SENTINEL-ME")
    assert store.load(ME, "other") is None
    assert store.chats(ME, "SENTINEL-YOU") == []
    assert "SENTINEL-YOU" not in repr([store.chats(ME), store.load(ME, "same")])
    store.delete(ME, "other")
    store.delete(ME, "same")
    assert store.delete_all(ME) == 0
    assert (kept(store, "same", YOU), kept(store, "other", YOU), store.chats(YOU)) == before


def test_delete(store: Store, url: str, clock: Clock) -> None:
    for chat_id in "abcd":
        store.save(ME, chat_id, "vicky", talk("Why?", "Because."))
        clock.now += 10
    store.save(YOU, "a", "vicky", talk("Why?"))
    store.delete(ME, "b")
    assert [chat.id for chat in store.chats(ME)] == ["d", "c", "a"]
    assert store.forget_older(25) == 1
    assert [chat.id for chat in store.chats(ME)] == ["d", "c"]
    assert store.delete_all(ME) == 2
    with statements(url) as beside:
        left = beside.exec_driver_sql("SELECT owner, content FROM playground_messages").all()
    assert {tuple(row) for row in left} == {(YOU, "Hi"), (YOU, "Why?")}


ODD = "a\0b\ud800c"


def test_what_databases_refuse_is_replaced(store: Store) -> None:
    """NUL and halves of surrogate pairs, wherever they come from."""
    odd = Message("assistant", ODD, ODD, ReplyInfo("p", "m", "failed", 1, failure=Failure("x", detail=ODD)))
    store.save(ME + ODD, ODD, ODD, Conversation((Message("user", ODD), odd)))
    store.put(ME + ODD, ODD, 2, odd)
    (listed,) = store.chats(ME + ODD, ODD)
    chat = store.load(ME + ODD, ODD)
    assert chat
    assert {listed.persona, listed.title, chat.persona, chat.title} == {"a\ufffdb\ufffdc"}
    assert [m.content for m in chat.conversation.messages] == ["a\ufffdb\ufffdc"] * 3
    store.rename(ME + ODD, ODD, ODD)
    store.delete(ME + ODD, ODD)
    assert store.delete_all(ME + ODD) == 0


def test_nothing_is_lost_among_forty_writers(store: Store, url: str) -> None:
    turns = 50 if url.startswith("sqlite") else 10

    def write(writer: int) -> None:
        try:
            for turn in range(turns):
                store.put(ME, f"{writer}", turn + 2, Message("assistant", f"{writer}.{turn}"))
        except Unsaved as error:
            refused.append(error.code)

    refused: list[str] = []
    for writer in range(40):
        store.save(ME, f"{writer}", "vicky", talk("Why?"))
    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(40)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert refused == []
    for writer in range(40):
        assert kept(store, f"{writer}") == ("Hi", "Why?", *(f"{writer}.{turn}" for turn in range(turns)))


def test_processes_that_open_a_new_database_together(url: str, clock: Clock) -> None:
    def begin(store: Store, chat_id: str) -> None:
        gate.wait()
        try:
            store.save(ME, chat_id, "vicky", talk("Why?"))
        except Unsaved as error:
            refused.append(error.code)

    refused: list[str] = []
    gate = threading.Barrier(4)
    stores = [Store(url, clock) for _ in range(4)]
    threads = [threading.Thread(target=begin, args=(s, f"{i}")) for i, s in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []
    assert len(stores[0].chats(ME)) == 4
    for store in stores:
        store.close()
