"""The class votes: the poll that is projected, the ballot on a phone, and the result on both."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from playground.database import Unsaved
from playground.i18n import LANGUAGES, translator
from playground.store import Store
from playground.votes import Poll, Polls, Tally
from tests.conftest import App, Visit
from tests.test_pages import Opened, folder, opened
from ui import keeping, votes
from ui.votes import spoken, vote_link
from ui.votes_plot import plot

__all__ = ["folder", "opened"]

A, B = "It is **lucky**.\n\n![x](https://pixel.example/a.png)", "It is not."
NAMES = ("Vicky · fake-small", "Nobody · fake-large")


def polls() -> Polls:
    return keeping.store().polls


def shown(test: AppTest) -> str:
    kinds = ("markdown", "caption", "header", "success", "info", "warning", "error")
    return "\n".join(e.value for kind in kinds for e in test.get(kind)).replace("\\", "")


def buttons(test: AppTest) -> dict[str, Any]:
    return {button.key: button for button in test.get("button") if button.key}


def ballot(opened: Opened, code: str) -> AppTest:
    test = opened("vote")
    test.query_params["poll"] = code
    return test.run()


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def projected() -> None:
    """A page as any that lets the class vote."""
    from ui.page import open_page
    from ui.votes import draw_poll

    with open_page("about", draw_frame=False) as room:
        draw_poll(room, ("Why?", "It is lucky.", "It is not."), ("Vicky", "Nobody"), lambda: None)


def test_a_ballot(opened: Opened) -> None:
    code = polls().open("teacher", "Why?", A, B, NAMES)
    test = ballot(opened, code)
    for words in ("Why?", "It is **lucky**.", "It is not.", "pixel.example"):
        assert words in shown(test)
    assert "![" not in shown(test)  # a picture in a reply would tell its host who votes
    assert "You voted" not in shown(test)
    assert "reveal_vote" not in buttons(test)

    assert "You voted A." in shown(press(test, "vote_a"))
    assert "You voted B." in shown(press(test, "vote_b"))
    assert polls().tally(code) == Tally(0, 1)
    assert test.query_params["poll"] in (code, [code])

    polls().close(code)
    closed = press(test, "vote_a")  # too late
    assert "closed" in shown(closed)
    assert "You voted B." in shown(closed)
    assert not {"vote_a", "vote_b"} & buttons(closed).keys()
    polls().reveal(code)
    told = shown(test.run())
    assert "B wins: Nobody · fake-large" in told
    assert "Votes: 1." in told
    assert "You voted B." in told


@pytest.mark.parametrize("typed", ["{spoken}", "{code}", "http://class.example/vote?poll={code}"])
def test_a_code_that_was_read_out(opened: Opened, typed: str) -> None:
    code = polls().open("teacher", "Why?", A, B)
    test = opened("vote")
    test.text_input(key="poll_code").set_value(typed.format(code=code, spoken=spoken(code).lower())).run()
    assert "vote_a" in buttons(test)


@pytest.mark.parametrize("typed", ["333333", "hello", "<b>"])
def test_a_code_that_nobody_gave_out(opened: Opened, typed: str) -> None:
    test = opened("vote")
    test.text_input(key="poll_code").set_value(typed).run()
    assert "no vote with this code" in shown(test)
    assert not test.exception


def test_the_projected_poll(folder: Path) -> None:
    test = AppTest.from_function(projected, default_timeout=30).run()
    press(test, "begin_vote")
    assert not test.exception
    code = next(iter(test.session_state["session"].polls.values()))
    assert spoken(code) in [metric.value for metric in test.get("metric")]
    assert "image" in [element.type for element in test.main]
    polls().cast(code, "ann", "a")
    polls().cast(code, "bob", "a")
    test.run()
    assert "2" in [metric.value for metric in test.get("metric")]
    # Neither who is ahead nor who wrote what is told before the end.
    assert "Vicky" not in str(test.main)
    poll = polls().find(code)
    assert poll
    assert poll.names == ("", "")

    # What was projected is found again by a page that was loaded anew.
    test.session_state["session"].polls.clear()
    press(test.run(), "reveal_vote")
    assert "A wins: Vicky" in shown(test)
    assert not polls().cast(code, "cid", "b")
    again = press(test, "begin_vote").session_state["session"].polls
    assert list(again.values()) != [code]


def test_who_began_a_poll_reveals_it_on_any_page(opened: Opened) -> None:
    test = opened("vote")
    code = polls().open(test.session_state["session"].owner, "Why?", A, B, NAMES)
    test.query_params["poll"] = code
    assert "image" in [element.type for element in test.run().main]
    assert "Vicky" not in str(test.main)
    press(test, "reveal_vote")
    poll = polls().find(code)
    assert poll
    assert (poll.state, poll.names) == ("revealed", NAMES)
    assert "It is a tie" in shown(test)


def test_a_database_that_does_not_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: object) -> Any:
        raise Unsaved("unreachable")

    monkeypatch.setattr(Polls, "open", silent)
    test = press(AppTest.from_function(projected, default_timeout=30).run(), "begin_vote")
    assert "does not answer" in shown(test)
    monkeypatch.undo()
    monkeypatch.setattr(keeping, "store", lambda: Store(f"sqlite:///{folder}/other/chats.sqlite"))
    assert "reveal_vote" in buttons(press(test, "begin_vote"))


def test_a_ballot_of_a_database_that_does_not_answer(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: object) -> Any:
        raise Unsaved("read_only")

    monkeypatch.setattr(Polls, "find", silent)
    test = ballot(opened, "C7HKMR")
    assert "does not answer" in shown(test)
    assert "no vote with this code" not in shown(test)


@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("http://localhost:8501/compare", "http://localhost:8501/vote?poll=C7HKMR"),
        ("https://class.example/app/compare?x=1", "https://class.example/app/vote?poll=C7HKMR"),
        ("https://class.example/", "https://class.example/vote?poll=C7HKMR"),
    ],
)
def test_the_link(page: str, link: str) -> None:
    assert vote_link(page, "C7HKMR") == link


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("tally", "told"), [(Tally(), ["0", "0"]), (Tally(3, 1), ["3 (75%)", "1 (25%)"])], ids=str
)
def test_the_plot(language: str, tally: Tally, told: list[str]) -> None:
    poll = Poll("C7HKMR", "me", "Why?", A, B, "revealed", ("Vicky", "Vicky · Fake"), 0)
    chart = plot(translator(language), poll, tally, "#000")
    rows = chart["data"]["values"]
    assert [row["told"] for row in rows] == told
    assert [row["who"] for row in rows] == [
        "A · Vicky",
        "B · Vicky\nFake",
    ]  # two bars, though the names are one


def test_a_class_votes(app: App, visitor: Callable[..., Visit], tmp_path: Path) -> None:
    """A phone follows the projected poll: one vote a browser, also after a reload, and the reveal by itself."""
    store = Store(f"sqlite:///{app.personas.parent}/kept/chats.sqlite")
    code = store.polls.open("teacher", "Why?", A, B, NAMES)
    phone = visitor(locale="zh-TW", width=375, height=667)
    page = phone.goes(f"{app.url}/vote?poll={code}").page
    page.wait_for_function("document.querySelector('.st-key-vote_a button')?.offsetHeight >= 56")
    box = page.locator(".st-key-vote_a button").first.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 667  # within a thumb's reach, however long the replies are
    page.locator(".st-key-vote_a button").first.click()
    phone.sees("你投給了 A")
    page.reload()
    phone.sees("你投給了 A")
    page.locator(".st-key-vote_b button").first.click()
    phone.sees("你投給了 B")
    assert store.polls.tally(code) == Tally(0, 1)
    expect(page).to_have_url(re.compile(f"/vote\\?poll={code}$"))
    store.polls.reveal(code)
    phone.sees("B 勝出：Nobody · fake-large")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").dispatch_event("click")
    assert download.value.suggested_filename.endswith(".png")
    download.value.save_as(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert phone.foreign == []
    store.close()


def test_codes_are_not_guessed_quickly(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    clock = SimpleNamespace(sleep=lambda seconds: waited.append(seconds * votes._guessing.locked()))
    monkeypatch.setattr(votes, "time", clock)
    code = polls().open("teacher", "Why?", A, B, NAMES)
    ballot(opened, code)
    assert waited == []
    ballot(opened, "bcdfgh")
    assert waited == [votes.GUESS]
