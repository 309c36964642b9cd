"""Two tabs of one visitor, and a database that was away for a moment: no change is lost, and none undoes another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playground.messages import Conversation, Message
from playground.store import Store
from tests.test_keeping import TALK, Opened, full, kept, loaded, visitor
from tests.test_pages import ask as ask_page
from tests.test_pages import folder, opened, said
from ui import keeping
from ui.dialogue import Chat
from ui.session import Session

__all__ = ["folder", "kept", "opened"]


@pytest.mark.parametrize("talk", [Conversation(), TALK])
def test_a_question_that_was_not_stored_comes_with_its_reply(
    kept: Store, monkeypatch: pytest.MonkeyPatch, talk: Conversation
) -> None:
    visit = visitor(talk)
    visit.chat.conversation = talk.say("And then?")
    put = keeping.keep(visit, visit.chat)
    with monkeypatch.context() as patch:
        patch.setattr(kept, "save", full)
        keeping.later(visit, visit.chat)()
    assert visit.unsaved == "full"
    put(Message("assistant", "Half a"))
    put(Message("assistant", "Half a reply."))
    assert (visit.unsaved, visit.chat.parted) == ("", False)
    assert loaded(kept, visit).messages[-2:] == (
        Message("user", "And then?"),
        Message("assistant", "Half a reply."),
    )


def test_a_stopped_reply_does_not_write_over_the_one_that_took_its_place(kept: Store) -> None:
    visit = visitor(TALK.say("And then?"))
    stopped, question = keeping.keep(visit, visit.chat), keeping.later(visit, visit.chat)
    answer = keeping.keep(visit, visit.chat)
    keeping.later(visit, visit.chat)()
    answer(Message("assistant", "The answer."))
    stopped(Message("assistant", "The"))
    question()
    assert loaded(kept, visit).messages[-1] == Message("assistant", "The answer.")


def test_what_another_tab_took_away_is_not_written_after_all(kept: Store) -> None:
    """A tab that was loaded anew deletes the question; the reply's thread belongs to the tab before."""
    visit = visitor(TALK.say("And then?"))
    late = keeping.keep(visit, visit.chat)
    keeping.later(visit, visit.chat)()
    again = Chat("vicky", TALK, visit.chat.id)
    keeping.save(visit, again, len(TALK.messages))
    late(Message("assistant", "Because."))
    assert loaded(kept, visit).messages == TALK.messages


def test_a_deleted_dialogue_stays_deleted_though_its_question_was_never_kept(kept: Store) -> None:
    visit = visitor(Conversation().say("A secret"))
    late, question = keeping.keep(visit, visit.chat), keeping.later(visit, visit.chat)
    keeping.delete(visit, visit.chat_id)
    question()
    late(Message("assistant", "Psst."))
    assert kept.chats(visit.owner) == []


def test_a_reply_that_comes_late_does_not_bring_its_question_back(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = visitor(Conversation().say("Why?"))
    one, put = visit.chat, kept.put
    one.conversation = TALK.say("And then?")
    late = keeping.keep(visit, one)

    def meanwhile(*reply: Any) -> bool:
        one.conversation = Conversation()
        keeping.save(visit, one)
        return put(*reply)

    monkeypatch.setattr(kept, "put", meanwhile)
    late(Message("assistant", "Because."))
    late(Message("assistant", "Because it is."))
    assert kept.chats(visit.owner) == []
    one.conversation = TALK
    keeping.save(visit, one)
    assert not one.parted
    assert loaded(kept, visit) == TALK


def test_a_chat_deleted_in_another_tab_is_not_made_again(kept: Store) -> None:
    """Neither by the next question nor by the reply; its reader may keep it as another one."""
    visit, tab = visitor(TALK, TALK.say("Mine?")), Session()
    keeping.take_over(tab, visit.token)
    keeping.open_chat(tab, visit.chat_id)
    tab.chat.conversation = tab.chat.conversation.say("Still there?")
    put = keeping.keep(tab, tab.chat)
    keeping.delete(visit, tab.chat_id)
    put(Message("assistant", "Half a"))
    keeping.later(tab, tab.chat)()
    put(Message("assistant", "Yes."))
    assert tab.chat.parted
    assert [one.id for one in keeping.listed(tab)] == ["chat0"]
    assert [one.id for one in kept.chats(visit.owner)] == ["chat0"]
    keeping.keep_as_new(tab)
    assert not tab.chat.parted
    assert [m.content for m in loaded(kept, tab).messages][-2:] == ["Mine?", "Still there?"]
    assert len(keeping.listed(tab)) == 2


def test_a_chat_that_went_on_in_another_tab_is_not_written_over(kept: Store) -> None:
    """Whoever comes second keeps a dialogue of their own, if they like."""
    visit, tab = visitor(TALK), Session()
    keeping.take_over(tab, visit.token)
    keeping.open_chat(tab, visit.chat_id)
    for one, question in ((visit, "Mine?"), (tab, "No, mine?")):
        one.chat.conversation = one.chat.conversation.say(question)
        put = keeping.keep(one, one.chat)
        keeping.later(one, one.chat)()
        put(Message("assistant", f"{question} Yes."))
    assert (visit.chat.parted, tab.chat.parted) == (False, True)
    assert [m.content for m in loaded(kept, tab).messages][2:] == ["Mine?", "Mine? Yes."]
    said, tab.chat.conversation = tab.chat.conversation, Conversation()
    keeping.save(tab, tab.chat)
    assert len(loaded(kept, visit).messages) == 4
    tab.chat.conversation = said
    keeping.keep_as_new(tab)
    assert [m.content for m in loaded(kept, tab).messages][2:] == ["No, mine?"]


def test_the_page_says_that_another_tab_deleted_the_chat(opened: Opened, kept: Store) -> None:
    test = ask_page(opened(), "One?")
    visit: Session = test.session_state["session"]
    kept.delete(visit.owner, visit.chat_id)
    ask_page(test, "Two?")
    assert "deleted or continued in another tab" in "".join(one.value for one in test.markdown)
    test.button(key="keep_as_new").click().run()
    assert "deleted or continued in another tab" not in "".join(one.value for one in test.markdown)
    assert loaded(kept, visit).messages[-1].content == "You asked: Two?"


def test_rename_search_delete(opened: Opened, kept: Store) -> None:
    test = ask_page(opened(), "About foxes.")
    test.button(key="new_chat").click().run()
    visit: Session = ask_page(test, "About owls.").session_state["session"]
    owls, foxes = (one.id for one in kept.chats(visit.owner))
    test.switch_page("pages/chats.py").run()
    test.text_input(key=f"title_{owls}").set_value("Birds of the night").run()
    assert "**🍀 Birds of the night**" in [one.value for one in test.main.markdown]
    test.text_input(key="search_chats").set_value("fox").run()
    assert not [one for one in test.main.button if one.key == f"open_{owls}"]
    test.button(key=f"delete_{foxes}").click().run()
    assert test.main.info[0].value == "No chat has these words."
    test.text_input(key="search_chats").set_value("").run()
    assert [one.key for one in test.main.button if one.key and one.key.startswith("open_")] == [
        f"open_{owls}"
    ]
    assert [one.title for one in kept.chats(visit.owner)] == ["Birds of the night"]


def test_a_disk_that_cannot_be_written(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chat goes on, and says that nothing is kept."""
    (tmp_path / "file").write_text("no folder")
    store = Store(f"sqlite:///{tmp_path / 'file' / 'chats.sqlite'}")
    monkeypatch.setattr(keeping, "store", lambda: store)
    test = opened()
    for question in ("The tea is cold.", "And the milk?"):
        ask_page(test, question)
        assert said(test)[-1] == f"You asked: {question}"
        assert "Your chats are not saved" in test.main.warning[0].value
    test.switch_page("pages/chats.py").run()
    assert "Your chats are not saved" in test.main.warning[0].value
    assert len([one for one in test.main.button if one.key and one.key.startswith("open_")]) == 1
