"""The prove page in a real browser: start, stop, another page, go on, done, and everything taken along."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import App, Visit
from tests.fake_provider import FakeProvider, Script
from tests.test_prove_command import LUCKY

KEY = "classroom-key-0123456789"


@pytest.fixture
def lucky(app: App) -> Iterator[None]:
    file = app.personas / "90_lucky.yaml"
    file.write_text(LUCKY, "utf-8")
    yield
    file.unlink()


def downloaded(visit: Visit, kind: str) -> str:
    with visit.page.expect_download() as download:
        visit.page.locator(f".st-key-prove_{kind} button").click()
    return Path(download.value.path()).read_text("utf-8")


@pytest.mark.usefixtures("quiet", "lucky")
def test_start_stop_go_on_done(app: App, visitor: Callable[..., Visit], provider: FakeProvider) -> None:
    held = provider.gate()
    provider.script = [*[Script(["So Lucky!"])] * 3, Script(["So ", "Lucky!"], gate=held)]
    visit = visitor(width=375, height=667).goes(f"{app.url}/prove?persona=lucky&provider=keyed")
    page = visit.page
    page.get_by_test_id("stExpandSidebarButton").click()
    page.locator(".st-key-api_key input").fill(KEY)
    page.locator(".st-key-api_key input").press("Enter")
    page.locator(".st-key-clear_key").wait_for()
    page.get_by_test_id("stSidebarCollapseButton").locator("button").click()
    page.locator(".st-key-prove_models").get_by_text("Keyed · fake-large").wait_for()
    page.locator(".st-key-prove_start button").click()
    visit.sees("3 of 10 questions answered · about US$0.0")
    assert len(page.locator("table").all_inner_texts()) == 1

    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sixty")
    held.release(1)
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name="Prove").click()
    expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", "true")
    page.locator(".st-key-prove_stop button").click()
    page.get_by_test_id("stVegaLiteChart").wait_for()
    visit.sees("3 of 10 questions answered")
    sent = len(provider.chats)

    provider.script = Script(["Your key is ", KEY])
    page.locator(".st-key-prove_go_on button").click()
    visit.sees("10 of 10 questions answered")
    expect(page.locator(".st-key-prove_go_on")).to_have_count(0)
    assert len(provider.chats) == sent + 7
    expect(page.get_by_role("cell", name="3/10")).to_be_visible()
    page.get_by_text("7 replies did not").click()
    page.get_by_text("Your key is cla…6789").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    files = {kind: downloaded(visit, kind) for kind in ("json", "csv", "junit")}
    assert not any(KEY in text for text in files.values())
    assert len(json.loads(files["json"])["results"]) == 10
    assert ET.fromstring(files["junit"].encode()).find("testsuite/testcase/failure") is not None
    with page.expect_download() as download:
        # Pressed where it stands: on a small screen Streamlit's toolbar lies over whatever is scrolled up to it.
        page.get_by_role("button", name="PNG").dispatch_event("click")
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")
    assert visit.foreign == []
