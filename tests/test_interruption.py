"""Whatever a visitor does while a reply is written: it is neither lost nor asked for twice, on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Gate, Script, echo

pytestmark = pytest.mark.usefixtures("quiet")

Visitor = Callable[..., Visit]
STORY = ["Once ", "upon ", "a time ", "there was ", "a fox ", "who ran ", "away."]
WHOLE = "".join(STORY)


def held(provider: FakeProvider, after: int) -> Gate:
    """Let `after` pieces of the story out and hold the rest."""
    gate = provider.gate(after)
    provider.script = Script(STORY, gate=gate)
    return gate


def test_stop_keeps_what_was_written(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor().goes(app.url)
    held(provider, 3)
    visit.asks("A story, please.")
    visit.sees("Once upon a time")
    visit.page.locator(".st-key-stop button").click()
    visit.sees("stopped")
    assert provider.chats[0].gone.wait(5)
    assert provider.chats[0].answered_at is None
    provider.release()
    actions_shown(visit.page)
    assert visit.screen.get_by_text("there was").count() == 0
    assert len(provider.chats) == 1
    # What was kept is what the next question is sent with.
    provider.script = echo
    visit.asks("And then?")
    visit.sees("You asked: And then?")
    assert provider.chats[1].json["messages"][-2]["content"].strip() == "Once upon a time"


def test_click_while_writing(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """A click, a page change or a language switch neither loses the reply nor asks twice."""
    visit = visitor().goes(app.url)
    page = visit.page

    def goes_and_comes(gate: Gate) -> None:
        page.get_by_role("link", name="Personas").click()
        page.get_by_role("heading", name="Personas").wait_for()
        gate.release(2)
        page.get_by_role("link", name="Chat", exact=True).click()

    def sets(gate: Gate) -> None:
        page.get_by_text("Larger text").click()
        expect(page.locator("html")).to_have_css("font-size", "20px")

    def switches(gate: Gate) -> None:
        page.get_by_role("radio", name="繁體中文").click()
        expect(page.get_by_placeholder("輸入訊息…")).to_be_visible()

    for number, nudge in enumerate((goes_and_comes, sets, switches), 1):
        gate = held(provider, 2)
        visit.asks("A story, please.")
        begun = visit.screen.get_by_text("Once upon")
        expect(begun).to_have_count(number)
        nudge(gate)
        expect(begun).to_have_count(number)
        gate.release()
        expect(visit.screen.get_by_text(WHOLE)).to_have_count(number)
        actions_shown(page)
        assert begun.count() == number
        assert len(provider.chats) == number


def test_question_while_writing_waits_its_turn(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor().goes(app.url)
    gate = held(provider, 2)
    visit.asks("A story, please.")
    visit.sees("Once upon")
    visit.asks("And a poem.")
    visit.sees("Next (1): And a poem.")
    assert len(provider.chats) == 1
    provider.script = echo
    gate.release()
    visit.sees("You asked: And a poem.")
    visit.sees(WHOLE)
    assert len(provider.chats) == 2


def test_what_was_said_stays_in_its_place(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """A run begins with the new question and its reply; what stands above them is drawn anew later."""
    visit = visitor().goes(app.url)
    page = visit.page
    for question in ("One.", "Two."):
        visit.asks(question)
        visit.sees(f"You asked: {question}")
        actions_shown(page)
    page.evaluate(
        """() => {
          window.seen = new Set();
          new MutationObserver(() => {
            const text = document.querySelector(".stMain").innerText;
            window.seen.add(["You asked: One.", "You asked: Two."].map((words) => text.split(words).length - 1) + "");
          }).observe(document.querySelector(".stMain"), { subtree: true, childList: true, characterData: true });
        }"""
    )
    gate = held(provider, 2)
    visit.asks("Three.")
    visit.sees("Once upon")
    # The request of the second reply can be opened as soon as the old ones are drawn anew.
    page.locator(".st-key-open_sent_2 button").wait_for()
    gate.release()
    visit.sees(WHOLE)
    actions_shown(page)
    assert page.evaluate("[...window.seen]") == ["1,1"]
    said = page.get_by_test_id("stChatMessage").all_inner_texts()
    order = ["One.", "You asked: One.", "Two.", "You asked: Two.", "Three.", WHOLE]
    assert [words for words, text in zip(order, said[-6:], strict=True) if words not in text] == []
