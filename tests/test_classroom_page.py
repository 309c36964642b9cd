"""The teacher's page: who gets in, what it tells, and that stop loses nothing that a student wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from playground.classroom import FREE
from playground.owners import new_token, owner_of
from tests.fake_provider import FakeProvider, Script
from tests.test_classroom import PASSCODE
from tests.test_pages import Opened, ask, folder, opened, said
from ui import keeping, shared

__all__ = ["folder", "opened"]


@pytest.fixture
def class_page(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    monkeypatch.setenv("PLAYGROUND_TEACHER", PASSCODE)
    for one in (shared.classroom, shared.door, shared.limits):
        one.cache_clear()
    yield opened("classroom")
    shared.classroom.cache_clear()
    shared.door.cache_clear()


def knock(test: AppTest, given: str) -> AppTest:
    test.text_input(key="passcode").set_value(given)
    test.button(key="enter").click().run()
    assert not test.exception
    return test


def table(test: AppTest, head: str) -> str:
    return next((m.value for m in test.main.markdown if m.value.startswith(f"| {head} ")), "")


def test_without_a_passcode_the_page_says_how_to_set_one(opened: Opened) -> None:
    test = opened("classroom")
    assert "TEACHER_PASSCODE" in test.main.code[0].value
    assert not test.main.get("metric")
    assert not [field for field in test.text_input if field.key == "passcode"]


def test_who_has_no_passcode_sees_nothing(class_page: AppTest) -> None:
    test = class_page
    for _ in range(FREE):
        assert not knock(test, "wrong").main.get("metric")
    assert not test.main.error
    assert "Wait" in test.main.warning[0].value
    assert not knock(test, PASSCODE).main.get("metric")
    shared.door.cache_clear()
    assert len(knock(test, PASSCODE).main.get("metric")) == 4
    assert PASSCODE not in str(test.main)
    assert "wrong" not in repr(test.session_state["session"].passcode)


def test_a_passcode_that_was_changed_lets_nobody_stay(
    class_page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert knock(class_page, PASSCODE).main.get("metric")
    monkeypatch.setenv("PLAYGROUND_TEACHER", "another one")
    assert not class_page.run().main.get("metric")


def test_no_student_s_word_is_on_it(
    class_page: AppTest, opened: Opened, folder: Path, provider: FakeProvider
) -> None:
    student = opened(provider="fake")
    provider.script = Script(status=400, body={"error": {"message": "What you wrote, my diary, is bad"}})
    ask(student, "This is my diary")
    keeping.store().polls.open(str(owner_of(new_token())), "my diary?", "diary a", "diary b")
    keeping.store().polls.open(class_page.session_state["session"].owner, "Which is better?", "a", "b")
    test = knock(class_page, PASSCODE)
    assert "Fake" in table(test, "Backend")
    assert "fake-small" in "".join(m.value for m in test.main.markdown).replace("\\", "")
    assert "Which is better" in table(test, "Code").replace("\\", "")
    assert table(test, "Code").count("vote?poll=") == 1  # to reveal it; not the student's
    assert "diary" not in str(test.main)


def test_stop_and_go_on_as_a_student_sees_it(
    class_page: AppTest, opened: Opened, provider: FakeProvider
) -> None:
    teacher = knock(class_page, PASSCODE)
    student = opened(provider="fake", lang="zh-TW")
    teacher.button(key="class_stop").click().run()
    assert "Stopped" in teacher.main.warning[0].value
    ask(student, "為什麼？")
    assert provider.chats == []
    assert "老師暫停了" in student.main.warning[0].value
    assert "老師暫停了" in student.main.info[0].value
    assert student.session_state["session"].chat.conversation.last_question() == "為什麼？"
    teacher.button(key="class_go_on").click().run()
    student.button(key="again").click().run()
    assert said(student)[-1] == "You asked: 為什麼？"
    assert not student.main.info


def test_a_spent_budget_as_a_student_sees_it(
    class_page: AppTest, opened: Opened, folder: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shared key rests, and a key of one's own goes on."""
    file = folder.parent / "providers.yaml"
    file.write_text(
        file.read_text("utf-8").replace("    secret: Keyed", "    daily_budget_usd: 0\n    secret: Keyed")
    )
    monkeypatch.setenv("KEYED_API_KEY", "a-shared-key-0123456789")
    student = ask(opened(provider="keyed", persona="vicky"), "Why?")
    assert "budget for Keyed is used up" in student.main.warning[0].value
    assert provider.chats == []
    student.text_input(key="api_key").set_value("a-key-of-my-own-0123456789").run()
    student.button(key="again").click().run()
    assert said(student)[-1] == "You asked: Why?"
    assert not knock(class_page, PASSCODE).exception


@pytest.mark.parametrize("wanted", ["", PASSCODE])
def test_the_way_to_it_is_shown_where_there_is_a_passcode(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setenv("PLAYGROUND_TEACHER", wanted)
    links = [str(link.proto.page) for link in opened("about").main.get("page_link")]
    assert ("classroom" in links) is bool(wanted)
