"""A question that is changed before it is asked: another wording of the last one, or a new one that was too long."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from playground.i18n import translator
from tests.fake_provider import FakeProvider
from tests.test_pages import Opened, ask, folder, opened, said
from ui.actions import MAX_QUESTION

__all__ = ["folder", "opened"]

ESSAY = "The rain in Spain. " * 1000


def asked(provider: FakeProvider) -> list[str]:
    return [chat.json["messages"][-1]["content"] for chat in provider.chats]


def edited(test: AppTest) -> list[str]:
    return [area.value for area in test.text_area if area.key == "edited"]


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_a_question_that_is_too_long_waits_to_be_cut(
    opened: Opened, provider: FakeProvider, language: str
) -> None:
    test = ask(opened(lang=language), ESSAY)
    words = translator(language)("chat.too_long", count=len(ESSAY), limit=MAX_QUESTION)
    assert (edited(test), asked(provider)) == ([ESSAY], [])
    assert words in [box.value for box in test.main.warning]
    test.button(key="resend").click().run()
    assert (edited(test), asked(provider)) == ([ESSAY], [])
    test.text_area(key="edited").set_value(ESSAY[:MAX_QUESTION])
    test.button(key="resend").click().run()
    assert (edited(test), asked(provider)) == ([], [ESSAY[:MAX_QUESTION]])


def test_it_waits_while_others_are_asked(opened: Opened, provider: FakeProvider) -> None:
    test = ask(ask(opened(), "One"), ESSAY)
    ask(test, "Two")
    assert (edited(test), asked(provider)) == ([ESSAY], ["One", "Two"])
    test.text_area(key="edited").set_value("Three")
    test.button(key="resend").click().run()
    assert (edited(test), asked(provider)) == ([], ["One", "Two", "Three"])
    assert len(said(test)) == 7


def test_it_can_be_thrown_away(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), ESSAY)
    test.button(key="cancel_edit").click().run()
    assert (edited(test), asked(provider)) == ([], [])


def test_another_wording_outlasts_a_look_at_another_page(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), "Oen")
    test.button(key="edit").click().run()
    test.text_area(key="edited").set_value("One").run()
    test.switch_page("pages/about.py").run()
    test.switch_page("streamlit_app.py").run()
    assert edited(test) == ["One"]
    test.button(key="resend").click().run()
    assert (edited(test), asked(provider)) == ([], ["Oen", "One"])
    assert "Oen" not in "".join(said(test))


def test_another_wording_is_kept_when_something_else_is_asked(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), "One")
    test.button(key="edit").click().run()
    ask(test, "Two")
    assert edited(test) == []
    test.button(key="edit").click().run()
    test.text_area(key="edited").set_value("Three")
    ask(test, "Four")
    assert edited(test) == ["Three"]
    test.button(key="resend").click().run()
    assert (edited(test), asked(provider)) == ([], ["One", "Two", "Four", "Three"])


def test_another_wording_may_be_too_long_as_well(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), "One")
    test.button(key="edit").click().run()
    test.text_area(key="edited").set_value(ESSAY)
    test.button(key="resend").click().run()
    assert (edited(test), asked(provider)) == ([ESSAY], ["One"])
    test.text_area(key="edited").set_value("Two")
    test.button(key="resend").click().run()
    assert asked(provider) == ["One", "Two"]
    assert "One" not in "".join(said(test))


def test_one_that_is_too_long_to_compare_stays_where_it_is(opened: Opened, provider: FakeProvider) -> None:
    test = opened("compare")
    test.main.text_area[0].set_value("no " * MAX_QUESTION)
    test.button(key="ask_all").click().run()
    assert (provider.chats, len(test.main.text_area[0].value)) == ([], 3 * MAX_QUESTION)
    assert [f"{3 * MAX_QUESTION} characters" in box.value for box in test.main.warning] == [True]
    test.main.text_area[0].set_value("Yes")
    test.button(key="ask_all").click().run()
    assert not test.main.warning
    assert len(provider.chats) == 2
