"""The page of the visitor's chats: what it says where there is none, or none that could be read."""

from __future__ import annotations

import pytest

from playground.owners import new_token
from playground.store import Store
from tests.test_keeping import full, kept
from tests.test_pages import Opened, folder, opened

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
