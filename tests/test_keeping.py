"""Dialogues are written through as they change, found again by a token, and drawn from their end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from playground.archive import from_archive, to_archive
from playground.keys import Endpoint
from playground.messages import Conversation, Message
from playground.owners import new_token, owner_of
from playground.providers import Model, Provider, Quirks
from playground.reply import Reply
from playground.store import Store, Unsaved
from playground.wire import Setup
from playground.writer import ask
from tests.databases import KINDS, database
from tests.fake_provider import FakeProvider, Script
from tests.test_pages import ask as ask_page
from tests.test_pages import folder, opened, said
from tests.test_wire_faults import finished
from ui import chats, keeping, watching
from ui.dialogue import Chat
from ui.session import Session

__all__ = ["folder", "opened"]

Opened = Callable[..., AppTest]
TALK = Conversation().say("Why?").answered(Message("assistant", "Because."))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A database of the test's own below the pages."""
    store = Store(f"sqlite:///{tmp_path / 'chats.sqlite'}")
    monkeypatch.setattr(keeping, "store", lambda: store)
    return store


def visitor(*talks: Conversation) -> Session:
    visit = Session()
    for number, talk in enumerate(talks):
        one = Chat("vicky", talk, f"chat{number}")
        visit.chats[one.id] = one
        visit.chat_id = one.id
        keeping.save(visit, one)
    return visit


def test_every_change_is_written_through(kept: Store) -> None:
    visit = visitor(TALK)
    one = visit.chat
    one.conversation = one.conversation.say("And then?")
    keeping.save(visit, one, 2)
    keeping.keep(visit, one)(Message("assistant", "Half a"))
    assert [m.content for m in loaded(kept, visit).messages] == ["Why?", "Because.", "And then?", "Half a"]
    one.conversation = one.conversation.before_last_question()
    keeping.save(visit, one, 2)
    assert loaded(kept, visit) == TALK
    one.conversation = Conversation()
    keeping.save(visit, one, 0)
    assert kept.chats(visit.owner) == []


def loaded(kept: Store, visit: Session) -> Conversation:
    found = kept.load(visit.owner, visit.chat_id)
    assert found is not None
    return found.conversation


def test_what_failed_is_written_with_the_next_change(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = visitor(TALK)
    one = visit.chat
    one.conversation = one.conversation.say("And then?")
    with monkeypatch.context() as patch:
        patch.setattr(kept, "save", full)
        keeping.save(visit, one, 2)
    assert visit.unsaved == "full"
    one.conversation = one.conversation.answered(Message("assistant", "Nothing.")).say("Really?")
    keeping.save(visit, one, 4)
    assert visit.unsaved == ""
    assert loaded(kept, visit) == one.conversation


def full(*anything: object, **more: object) -> None:
    raise Unsaved("full")


def test_a_browser_that_was_here_before(kept: Store) -> None:
    earlier = visitor(TALK)
    visit = Session(persona="vicky")
    visit.open_chat("vicky", "Hello")
    keeping.recognise(visit, {"token": earlier.token, "chat": "chat0", "shared": False})
    assert visit.chat.conversation == TALK
    assert [one.id for one in keeping.listed(visit)] == ["chat0"]
    # Only the first word counts: what a page says later changes nothing.
    keeping.recognise(visit, {"token": new_token(), "chat": "", "shared": True})
    assert (visit.token, visit.shared) == (earlier.token, False)


def test_the_code_counts_before_the_database_answers(kept: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run may draw the page meanwhile, and must not tell the browser to keep the new code."""
    earlier, visit, seen = visitor(TALK), Session(), []
    visit.open_chat("vicky", "")

    def slow() -> Store:
        seen.append((visit.token, visit.known))
        return kept

    monkeypatch.setattr(keeping, "store", slow)
    keeping.recognise(visit, {"token": earlier.token, "chat": "", "shared": False})
    assert seen[0] == (earlier.token, False)
    assert visit.known


@pytest.mark.parametrize("told", [{}, {"token": 7}, {"token": "x" * 10_000, "chat": []}, {"token": None}])
def test_a_browser_that_tells_nonsense(kept: Store, told: dict[str, object]) -> None:
    visit = visitor(TALK)
    token = visit.token
    keeping.recognise(visit, told)
    assert visit.token == token
    assert loaded(kept, visit) == TALK


def test_what_was_said_before_the_code_was_entered_comes_along(kept: Store) -> None:
    earlier, visit = visitor(TALK), Session()
    visit.open_chat("vicky", "")
    visit.chat.conversation = TALK.say("Now?")
    keeping.save(visit, visit.chat)
    before = visit.owner
    assert keeping.take_over(visit, earlier.token.lower())
    assert owner_of(visit.token) == earlier.owner
    assert len(keeping.listed(visit)) == 2
    assert kept.chats(before) == []
    assert not keeping.take_over(visit, "no code")


def test_codes_cannot_be_guessed_for_long() -> None:
    tries: list[float] = []
    assert [chats.may_guess(tries, 0) for _ in range(chats.GUESSES + 2)][-3:] == [True, False, False]
    assert chats.may_guess(tries, 60)


def test_restore_adds_and_never_replaces(kept: Store) -> None:
    visit = visitor(TALK)
    chats, damage = from_archive(to_archive([found for found in [keeping.find(visit, "chat0")] if found]))
    assert damage is None
    keeping.restore(visit, chats)
    assert [one.length for one in keeping.listed(visit)] == [2, 2]
    keeping.delete_all(visit)
    assert keeping.listed(visit) == keeping.every(visit) == ()


def test_many_are_listed_and_all_can_be_carried_away(kept: Store) -> None:
    visit = visitor(*[TALK] * 203)
    assert (len(keeping.listed(visit)), len(keeping.every(visit))) == (200, 203)


def test_a_new_session_finds_the_reply_that_is_written(kept: Store) -> None:
    visit = visitor(TALK)
    one = visit.chat
    one.conversation = one.conversation.say("A story?")
    keeping.save(visit, one, 2)
    with FakeProvider() as provider:
        gate = provider.gate(1)
        provider.script = Script(["one ", "two"], gate=gate)
        reply = start(provider, one.conversation, keeping.keep(visit, one))
        keeping.watch_for(visit, one, reply)
        begun(reply)
        again = Session()
        keeping.take_over(again, visit.token)
        keeping.open_chat(again, one.id)
        assert again.chat.reply is reply
        assert again.chat.conversation.question == "A story?"
        gate.release()
        finished(reply)
    again.settle()
    assert again.chat.conversation.messages[-1].content == "one two"


def start(provider: FakeProvider, talk: Conversation, keep: Callable[[Message], None]) -> Reply:
    setup = Setup(Provider(id="fake", label="Fake"), Model(id="m"), Quirks())
    return ask(setup, talk, lambda line: Endpoint(provider.base_url, "sk-test-0123456789"), keep=keep)


def test_long_history_is_drawn_from_its_end(opened: Opened) -> None:
    test = opened()
    session: Session = test.session_state["session"]
    for number in range(30):
        answer = Message("assistant", f"Answer {number}")
        session.chat.conversation = session.chat.conversation.say(f"Question {number}").answered(answer)
    test.run()
    assert said(test)[-1] == "Answer 29"
    assert 20 <= len(said(test)) < 30
    test.button(key="older").click().run()
    assert said(test)[1] == "Question 0"
    assert len(said(test)) == 61


def begun(reply: Reply) -> None:
    """Wait for its first words."""
    version = -1
    while not reply.text:
        version = reply.watch(version, 0.05)


def test_two_hundred_aborted_turns_leave_nothing_behind() -> None:
    """No thread, socket or file stays open."""
    with FakeProvider() as provider:
        provider.script = Script(["one ", "two"], gate=provider.gate(1))

        def abort(turns: int) -> None:
            for _ in range(turns):
                reply = start(provider, Conversation().say("Why?"), lambda message: None)
                begun(reply)
                reply.stop()
                assert reply.done

        def own() -> int:
            return sum(thread.name == "reply" for thread in threading.enumerate())

        abort(5)
        provider.wait_for(lambda: own() == 0)
        before = open_files()
        abort(200)
        provider.wait_for(lambda: own() == 0)
        provider.wait_for(lambda: all(chat.gone.is_set() for chat in provider.chats))
        provider.wait_for(lambda: open_files() <= before + 2)
        assert len(provider.chats) == 205


def open_files() -> int:
    """Files and sockets of this process, where the system tells."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def test_ask_twice_at_once_is_one_question(opened: Opened, provider: FakeProvider) -> None:
    """The second click of a double click meets a reply that is written already."""
    test = ask_page(opened(), "One?")
    again = test.button(key="again")
    again.click()
    test.run()
    test.run()
    assert len(provider.chats) == 2


def test_a_slow_database_keeps_nobody_from_clicking(
    opened: Opened, kept: Store, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever clicks while the question is being stored finds a reply under way, and asks nothing twice."""
    test, free, save = opened(), threading.Event(), kept.save

    def slow(*change: Any, **more: Any) -> bool:
        assert free.wait(20)
        return save(*change, **more)

    monkeypatch.setattr(kept, "save", slow)
    with monkeypatch.context() as patch:
        patch.setattr(watching, "watch", lambda *anything: None)
        test.chat_input[0].set_value("The tea is cold.").run()
        assert not provider.chats, "the question is stored before it is asked"
        assert test.session_state["session"].chat.reply, "the next run finds it"
        free.set()
    test.run()
    assert said(test)[-1] == "You asked: The tea is cold."
    assert len(provider.chats) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_app_keeps_what_the_environment_names(
    opened: Opened, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(kind, tmp_path) as url:
        monkeypatch.setenv("PLAYGROUND_DATABASE_URL", url)
        keeping.store.cache_clear()
        try:
            visit = ask_page(opened(), "The tea is cold.").session_state["session"]
            for thread in threading.enumerate():
                if thread.name == "reply":
                    thread.join(10)
            keeping.store().close()
            other = Store(url)
            found = other.load(visit.owner, visit.chat_id)
            other.close()
        finally:
            keeping.store().close()
            keeping.store.cache_clear()
    assert found is not None
    assert found.conversation.messages[-1].content == "You asked: The tea is cold."


@pytest.mark.parametrize(("days", "left"), [("", 1), ("30", 1), ("0", 0), ("a week", 1), ("-1", 1)])
def test_old_chats_are_dropped_where_the_operator_says_so(kept: Store, days: str, left: int) -> None:
    visit = visitor(TALK)
    keeping.prepare({"PLAYGROUND_KEEP_DAYS": days})
    assert len(kept.chats(visit.owner)) == left
