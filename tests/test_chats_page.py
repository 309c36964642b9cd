"""The page of the visitor's chats: what it says where there is none, or none that could be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from playground.owners import new_token
from playground.store import Store
from tests.conftest import App, Visit
from tests.test_keeping import full, kept
from tests.test_pages import Opened, folder, opened
from ui import keeping

__all__ = ["folder", "kept", "opened"]


@pytest.mark.parametrize("words", ["", "tea"])
def test_a_database_that_does_not_answer_is_not_an_empty_one(
    opened: Opened, kept: Store, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    test = opened("chats")
    told = "does not answer, so your earlier chats cannot be shown"
    with monkeypatch.context() as patch:
        patch.setattr(kept, "chats", full)
        test.text_input(key="search_chats").set_value(words).run()
        assert told in " ".join(warning.value for warning in test.main.warning)
        test.text_input(key="recovery").set_value(new_token()).run()
        said = " ".join(info.value for info in test.main.info)
    assert "The code is noted, but the database does not answer" in said
    assert not any(untrue in said for untrue in ("Welcome back", "Nothing here", "No chat has"))
    test.text_input(key="search_chats").set_value("").run()
    assert told not in " ".join(warning.value for warning in test.main.warning)


def test_nothing_is_said_before_the_browser_has_told_its_code(opened: Opened, kept: Store) -> None:
    test = opened("chats")
    assert not test.main.info
    assert "Looking for your chats…" in [caption.value for caption in test.main.caption]
    visit = test.session_state["session"]
    keeping.recognise(visit, {"token": visit.token, "chat": visit.chat_id, "shared": False})
    assert "Nothing here yet" in test.run().main.info[0].value


# Two browsers that have nothing to tell: one without chats, one that keeps nothing for sites.
@pytest.mark.parametrize("script", ["", "Storage.prototype.getItem = () => { throw new Error() };"])
def test_a_newcomer_is_told_that_there_is_nothing(
    app: App, visitor: Callable[..., Visit], script: str
) -> None:
    with visitor(other=True).page.context.new_page() as tab:
        tab.add_init_script(script)
        tab.goto(f"{app.url}/chats")
        expect(tab.get_by_text("Nothing here yet.")).to_be_visible()
