"""Somebody who may harm themselves is told of people who help, whatever the model says."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from playground.care import is_cry_for_help
from tests.tables import table
from tests.test_pages import ask, folder, opened

__all__ = ["folder", "opened"]


@table(
    "text",
    [
        "I want to die",
        "i don't want to live anymore",
        "I don’t want to be alive",
        "I am thinking of killing myself.",
        "Everybody would be better off dead, me first",
        "我想死",
        "我真的活不下去了",
        "我不想活了",
        "她說想輕生",
    ],
)
def test_is_heard(text: str) -> None:
    assert is_cry_for_help(text)


@table(
    "text",
    [
        "I missed my bus.",
        "My phone died.",
        "This exam is killing me.",
        "I want to diet.",
        "How do I kill a process?",
        "公車跑掉了",
        "我想死你了",
        "笑死我了",
        "電池快沒電了",
    ],
)
def test_is_not_one(text: str) -> None:
    assert not is_cry_for_help(text)


def test_help_stands_under_the_question(opened: Callable[..., AppTest]) -> None:
    test = ask(opened(), "I want to die")
    assert any("1925" in info.value for info in test.info)
    assert not any("1925" in info.value for info in ask(opened(), "I missed my bus.").info)
