"""The panel in a real browser: beside the dialogue or below it, always in sight; and chats as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from playground.exports import EXPORTS
from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script

KEY = "classroom-key-0123456789"
WORDS = {
    "markdown": "# A conversation",
    "page": "<!doctype html>",
    "python": "from openai",
    "notebook": '"cells"',
}


def downloaded(visit: Visit, key: str) -> str:
    with visit.page.expect_download() as download:
        visit.page.locator(f".st-key-{key} button").click()
    return Path(download.value.path()).read_text("utf-8")


@pytest.mark.usefixtures("quiet")
def test_the_panel_stands_beside_the_dialogue_or_below_it(
    app: App, visitor: Callable[..., Visit], provider: FakeProvider
) -> None:
    visit = visitor().goes(f"{app.url}?persona=vicky")
    visit.page.locator(".st-key-show_sent label").click()
    panel = visit.page.locator(".st-key-sent_panel")
    panel.get_by_text("You turn bad luck into luck.").wait_for()
    for number in range(6):
        visit.asks(f"Rain {number}")
        panel.get_by_text(f"Rain {number}", exact=True).wait_for(state="attached")
        actions_shown(visit.page)
    again = visit.page.locator(".st-key-again")
    told, box = panel.bounding_box(), again.bounding_box()
    assert told
    assert box
    # The dialogue is longer than the screen; its panel is in sight all the same.
    assert told["x"] > box["x"] + box["width"] - 1
    assert 0 <= told["y"] < 200
    visit.page.set_viewport_size({"width": 375, "height": 667})
    visit.page.wait_for_timeout(500)
    told, box = panel.bounding_box(), again.bounding_box()
    assert told
    assert box
    assert told["y"] > box["y"]
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.foreign == []


@pytest.mark.usefixtures("quiet")
def test_a_chat_is_taken_away_in_every_form(
    app: App, visitor: Callable[..., Visit], provider: FakeProvider
) -> None:
    provider.script = Script(["Your key is ", KEY])
    visit = visitor().goes(f"{app.url}?persona=vicky&provider=keyed")
    visit.page.locator(".st-key-api_key input").fill(KEY)
    visit.page.locator(".st-key-api_key input").press("Enter")
    visit.page.locator(".st-key-clear_key").wait_for()
    visit.asks("The tea is cold.")
    actions_shown(visit.page)
    visit.page.locator(".st-key-more button").first.click()
    here = {kind: downloaded(visit, f"export_{kind}") for kind in EXPORTS}
    assert all("The tea is cold." in text for text in here.values())
    assert not any(KEY in text for text in here.values())
    assert all(words.lower() in here[kind].lower() for kind, words in WORDS.items())

    visit.goes(f"{app.url}/chats")
    visit.page.locator('[class*="st-key-open_"]').first.wait_for()
    visit.page.get_by_role("button", name="More").first.click()
    visit.page.get_by_text("Take it along as a file").click()
    one = visit.page.locator('[class*="st-key-export_"][class*="_markdown"] button')
    with visit.page.expect_download() as download:
        one.click()
    assert "The tea is cold." in Path(download.value.path()).read_text("utf-8")
