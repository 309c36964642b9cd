"""What stays where it is while a reply grows: the reader's place on the page, and nothing of another dialogue."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script, echo

pytestmark = pytest.mark.usefixtures("quiet")

Visitor = Callable[..., Visit]
LINES = [f"Line {number} of a long story about a fox.\n\n" for number in range(120)]
STORY = ["Once ", "upon ", "a time."]


def test_reader_who_scrolls_up_stays_there(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    gate = provider.gate(60)
    provider.script = Script(LINES, gate=gate)
    visit = visitor().goes(app.url)
    page = visit.page
    visit.asks("A long story, please.")
    expect(page.get_by_text("Line 59 of")).to_be_in_viewport()
    end = place(page)
    page.mouse.move(700, 300)
    page.mouse.wheel(0, -400)
    page.wait_for_function("end => stMain().scrollTop < end - 300", arg=end)
    here = place(page)
    assert here < end - 300
    gate.release(40)
    page.get_by_text("Line 99 of").wait_for(state="attached")
    gate.release()
    page.get_by_text("Line 119 of").wait_for(state="attached")
    actions_shown(page)
    assert abs(place(page) - here) < 5
    # The next question leads to its answer.
    provider.script = echo
    visit.asks("And then?")
    expect(page.locator("#root").get_by_text("You asked: And then?")).to_be_in_viewport()


def place(page: Page) -> float:
    """How far the page is scrolled, once it has come to rest."""
    page.evaluate("window.stMain = () => document.querySelector('.stMain')")
    before, now = -1.0, float(page.evaluate("stMain().scrollTop"))
    while now != before:
        page.wait_for_timeout(150)
        before, now = now, float(page.evaluate("stMain().scrollTop"))
    return now


def test_nothing_of_another_dialogue_stays(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor().goes(app.url)
    page = visit.page
    for question in ("First.", "Second.", "Third."):
        visit.asks(question)
        visit.sees(f"You asked: {question}")
        actions_shown(page)
    page.locator(".st-key-new_chat button").click()
    visit.sees("My phone broke.")
    gate = provider.gate(2)
    provider.script = Script(STORY, gate=gate)
    visit.asks("A story, please.")
    visit.sees("Once upon")
    page.get_by_text("Earlier chats").click()
    page.get_by_role("button", name="First.").click()
    visit.sees("You asked: Third.")
    page.get_by_role("button", name="A story, please.").click()
    visit.sees("Once upon")
    expect(visit.screen.get_by_text("You asked:")).to_have_count(0)
    gate.release()
    visit.sees("".join(STORY))


def test_a_wide_table_scrolls_in_its_own_place(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    head = "| 中文 | English | Why this way | Register | Another way |\n|---|---|---|---|---|\n"
    row = "| 我昨天晚上吃了牛肉麵 | I had beef noodles last night | English needs a tense | neutral | a lot more |\n"
    provider.script = Script([head, row, row])
    visit = visitor(width=375, height=667).goes(app.url)
    visit.asks("Translate, please.")
    actions_shown(visit.page)
    table = visit.page.locator("[data-testid=stChatMessage] table")
    assert table.evaluate("e => [e.scrollWidth > e.clientWidth, e.getBoundingClientRect().right <= 375]") == [
        True,
        True,
    ]
    assert visit.page.locator(".stMain").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_on_a_phone_a_link_uncovers_the_page_that_it_leads_to(app: App, visitor: Visitor) -> None:
    visit = visitor(width=375, height=667).goes(app.url)
    sidebar = visit.page.get_by_test_id("stSidebar")
    for name in ("Workshop", "Your chats"):
        visit.page.get_by_test_id("stExpandSidebarButton").click()
        sidebar.get_by_role("link", name=name).click()
        visit.page.get_by_role("heading", name=name, level=1).wait_for()
        expect(sidebar).to_have_attribute("data-collapsed", "true")
