"""The compare page while names are hidden, the vote, and how two system prompts differ."""

from __future__ import annotations

import random

import pytest
import streamlit as st

from playground.compare import Comparison, Seat
from playground.difference import Piece
from tests.fake_provider import FakeProvider, Script, api_error
from tests.test_compare_page import (
    NOBODY,
    VICKY,
    captions,
    compared,
    comparison_of,
    heads,
    markdown,
    page,
    rerun,
    sit,
    texts,
)
from tests.test_pages import Opened, folder
from tests.test_workshop import click
from ui import compare, compare_columns, compare_prompts, watching

__all__ = ["compared", "folder"]

NAMES = ("🍀", "Vicky", "王老師", "fake", "Fake", "tokens", "temperature", "I am large", "Hi! What")


def test_nothing_tells_who_is_who_while_names_are_hidden(
    compared: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "_shuffle", random.Random(2).shuffle)
    large = Seat("fake", "fake-large", "teacher")
    provider.script = lambda body: Script(
        ["That is luck."] if body["model"] == "fake-small" else ["That is bad."], reasoning=["I am large."]
    )
    test = sit(compared(persona="vicky"), VICKY, large)
    ids = [column.id for column in comparison_of(test).columns]
    rerun(test, blind=True)
    assert any(name in page(test) for name in NAMES)
    orders = set()
    for _ in range(5):
        click(test, "ask_all")
        drawn = page(test)
        assert not [name for name in (*NAMES, *ids) if name in drawn]
        assert heads(test) == ["A", "B"]
        assert {button.key for button in test.main.button} == {"ask_all", "reveal", "begin_vote"}
        shown = [text for text in markdown(test) if text.startswith("That is")]
        assert shown == [column[0] for column in texts(test)]
        assert [t for t in markdown(rerun(test)) if t.startswith("That is")] == shown
        orders.add(shown[0])
    assert len(orders) == 2
    assert "large" not in str(test.query_params)


def test_one_vote_and_then_the_names(compared: Opened) -> None:
    test = click(rerun(compared(persona="vicky"), blind=True), "ask_all")
    comparison = comparison_of(test)
    place = [column.seat for column in comparison.shown].index(VICKY)
    test.button_group(key="better").set_value("AB"[place]).run()
    assert heads(test) == ["A", "B"]
    click(test, "reveal")
    assert heads(test)[place] == f"{'AB'[place]} · 🍀 Vicky"
    assert test.main.success[0].value.replace("\\", "").startswith("You chose 🍀 Vicky · Fake · fake-small")
    assert any(text.endswith("**1**") and "Vicky" in text for text in markdown(test))
    assert captions(test).count("6 tokens") == 2


def test_a_vote_that_the_page_has_moved_on_from_waits_for_its_reveal(compared: Opened) -> None:
    test = click(click(rerun(compared(persona="vicky"), blind=True), "ask_all"), "begin_vote")
    assert test.main.get("page_link") == []
    assert heads(test) == ["A", "B"]
    test.main.text_area[0].set_value("Something else").run()
    link = click(test, "ask_all").main.get("page_link")[0].proto
    code = next(iter(test.session_state["session"].polls.values()))
    assert (link.page, link.query_string) == ("vote", f"poll={code}")
    assert "not revealed yet" in link.label
    # The reveal of the one that is on the page tells the names on the page too.
    click(click(test, "begin_vote"), "reveal_vote")
    assert [head[:1] for head in heads(test)] == ["A", "B"]
    assert "Vicky" in "".join(heads(test))


def test_a_failure_is_not_told_while_names_are_hidden(compared: Opened, provider: FakeProvider) -> None:
    provider.script = Script(status=401, body=api_error("Incorrect API key"))
    test = click(rerun(compared(), blind=True), "ask_all")
    assert captions(test).count("This one could not reply.") == 2
    assert not test.main.warning
    click(test, "reveal")
    assert len(test.main.warning) == 2


def test_how_two_system_prompts_differ(compared: Opened) -> None:
    test = sit(compared(), VICKY, Seat("fake", "fake-small", "teacher"), NOBODY)
    assert len(heads(test)) == 3
    rerun(test, prompts_shown=True)
    assert markdown(test) == [
        ":orange-background[**You turn bad luck into luck\\.**]",
        ":blue-background[**你是蘇格拉底式的老師。**]",
    ]
    test.selectbox(key="prompt_side_0").set_value(2).run()
    assert markdown(test)[0].startswith("No system prompt")
    test.selectbox(key="prompt_side_1").set_value(2).run()
    assert [box.value for box in test.main.info] == ["Both have the same system prompt."]
    comparison_of(test).place([VICKY, NOBODY])
    rerun(test)
    click(rerun(test, blind=True), "ask_all")
    assert heads(test) == ["A", "B"]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ([("same ", True), ("new", False)], "same :blue-background[**new**]"),
        ([("- a\n\nb\n", True)], "\\- a  \n  \nb  \n"),
        ([("x", True), ("\n", False), ("y", False)], "x  \n:blue-background[**y**]"),
        ([("[a](b) :red[c]", False)], ":blue-background[**\\[a\\]\\(b\\) \\:red\\[c\\]**]"),
    ],
)
def test_a_marked_text_is_what_it_was(pieces: list[tuple[str, bool]], text: str) -> None:
    assert compare_prompts.marked(tuple(Piece(*piece) for piece in pieces), "blue") == text


def test_nothing_tells_who_writes_what_either(
    compared: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paint_once(comparison: Comparison, places: list[compare_columns.Place]) -> None:
        for one in (one for place in places for one in place.growing):
            version = -1
            for _ in range(400):
                if one.reply.reasoning:
                    break
                version = one.reply.watch(version, 0.02)
            one.paint()
        st.stop()

    monkeypatch.setattr(compare_columns, "watch", paint_once)
    monkeypatch.setattr(watching, "AT_ONCE", 0)
    gate = provider.gate(1)
    provider.script = Script(["Luck."], reasoning=["I am large."], gate=gate)
    test = sit(compared(persona="vicky"), VICKY, Seat("fake", "fake-large", "teacher"))
    click(rerun(test, blind=True), "ask_all")
    assert captions(test).count("Under way") == 2
    assert not [name for name in NAMES if name in page(test)]
    comparison_of(test).reveal()
    assert [name for name in NAMES if name in page(rerun(test))] == [*NAMES[:5], *NAMES[6:8]]
    gate.release()
