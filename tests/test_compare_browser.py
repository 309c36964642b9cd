"""The compare page in a real browser: three clicks from a chat to two replies that grow side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script


@pytest.mark.usefixtures("quiet")
def test_three_clicks_from_a_chat_to_two_replies_at_once(
    app: App, visitor: Callable[..., Visit], provider: FakeProvider
) -> None:
    visit = visitor().goes(f"{app.url}?persona=vicky")
    page = visit.page
    visit.asks("It rains")
    actions_shown(page)

    gates = {"played": provider.gate(1), "plain": provider.gate(1)}

    def script(body: dict[str, Any]) -> Script:
        who = "played" if body["messages"][0]["role"] == "system" else "plain"
        return Script([f"{who} begins ", "goes on ", "ends."], gate=gates[who])

    provider.script = script
    page.locator(".st-key-more button").first.click()
    page.locator(".st-key-compare button").click()
    page.locator(".st-key-ask_all button").click()

    columns = page.get_by_test_id("stColumn")
    expect(columns).to_have_count(2)
    expect(columns.nth(0)).to_contain_text("played begins")
    expect(columns.nth(1)).to_contain_text("plain begins")
    left, right = (columns.nth(place).bounding_box() for place in (0, 1))
    assert left
    assert right
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]

    # One ends while the other is still written, and what can be done with it is there at once.
    gates["plain"].release()
    expect(columns.nth(1)).to_contain_text("plain begins goes on ends.")
    page.locator(".st-key-again_1 button").wait_for()
    expect(page.locator(".st-key-stop_0 button")).to_be_visible()

    # A click and another page lose neither.
    page.get_by_text("Larger text").click()
    expect(page.locator("html")).to_have_css("font-size", "20px")
    page.get_by_role("link", name="About").click()
    page.get_by_role("heading", name="In sixty seconds").wait_for()
    page.get_by_role("link", name="Compare").click()
    expect(columns.nth(0)).to_contain_text("played begins")
    expect(columns.nth(1)).to_contain_text("plain begins goes on ends.")

    page.locator(".st-key-stop_0 button").click()
    expect(columns.nth(0)).to_contain_text("stopped")
    expect(page.locator(".st-key-ask_all button")).to_be_enabled()
    expect(columns.nth(0)).not_to_contain_text("goes on")
    assert len(provider.chats) == 3

    # What stood in a column is gone when the next reply begins in it.
    page.locator(".st-key-ask_all button").click()
    page.locator(".st-key-stop_0 button").wait_for()
    expect(columns.nth(0)).to_contain_text("played begins")
    expect(columns.nth(0)).not_to_contain_text("stopped", timeout=1000)
    page.locator(".st-key-stop_all button").click()
    expect(page.locator(".st-key-ask_all button")).to_be_enabled()
    assert len(provider.chats) == 5

    # On a phone they stand one below the other, and nothing is wider than the screen.
    page.set_viewport_size({"width": 375, "height": 667})
    page.wait_for_function(
        "() => { const [a, b] = document.querySelectorAll('.stColumn');"
        " return b.getBoundingClientRect().top >= a.getBoundingClientRect().bottom; }"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.foreign == []
