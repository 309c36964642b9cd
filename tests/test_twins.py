"""Two files whose personas have one name: each can be picked, wherever one is picked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_compare_page import heads, seats, unfolded
from tests.test_pages import Opened, folder, opened, said
from tests.test_prove_page import desk
from tests.test_workshop import click, draft_of

__all__ = ["folder", "opened"]


@pytest.fixture(autouse=True)
def twins(folder: Path) -> None:
    """A copy of Vicky's file that greets in its own words."""
    text = (folder / "01_vicky.yaml").read_text("utf-8")
    (folder / "03_my_copy.yaml").write_text(text.replace("Hi!", "MY COPY"), "utf-8")


PICKS = pytest.mark.parametrize(("slug", "greeting"), [("vicky", "Hi!"), ("my-copy", "MY COPY")])


def test_the_labels_of_twins_end_in_their_slug(opened: Opened) -> None:
    test = opened()
    assert test.selectbox(key="persona").options == ["🍀 Vicky · vicky", "🧑‍🏫 王老師", "🍀 Vicky · my-copy"]


@PICKS
def test_the_chat_is_with_the_twin_that_was_picked(opened: Opened, slug: str, greeting: str) -> None:
    test = opened(persona="teacher")
    test.selectbox(key="persona").select(slug).run()
    assert said(test) == [f"{greeting} What went wrong today?"]


@PICKS
def test_the_workshop_copies_the_twin_that_was_picked(opened: Opened, slug: str, greeting: str) -> None:
    test = opened("workshop")
    test.selectbox(key="copied").select(slug).run()
    click(test, "copy_persona")
    assert greeting in draft_of(test).text


@PICKS
def test_compare_and_prove_seat_the_twin_that_was_picked(opened: Opened, slug: str, greeting: str) -> None:
    test = unfolded(opened("compare", persona="teacher"), "seat_0")
    test.selectbox(key="seat_persona_0").select(slug).run()
    assert [seat.persona for seat in seats(test)] == [slug, ""]
    assert heads(test)[0].replace("\\", "") == f"🍀 Vicky · {slug}"
    test.switch_page("pages/prove.py").run()
    test.selectbox(key="prove_persona").select(slug).run()
    assert desk(test).persona == slug


def test_the_cards_of_twins_name_their_slugs(opened: Opened) -> None:
    marks = [one.value.replace("\\", "") for one in opened("gallery").main.caption]
    assert [line for line in marks if "fun" in line] == ["English · fun · vicky", "English · fun · my-copy"]
