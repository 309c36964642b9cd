"""The main job on real input: a newcomer with no key gets a reply from the model that the app runs itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.conftest import ROOT, App, Visit


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The app as a newcomer gets it: shipped personas and providers, no key anywhere."""
    running = App(tmp_path_factory.mktemp("shipped"), PLAYGROUND_PERSONAS=str(ROOT / "personas"))
    yield running
    running.close()


def test_first_visit_to_first_reply(shipped: App, visitor: Callable[..., Visit]) -> None:
    visit = visitor().goes(shipped.url)
    page = visit.page
    expect(page.get_by_role("combobox", name="Backend")).to_have_value("Built-in — no key needed")
    starters = page.locator(".st-key-starter button")
    expect(starters).to_have_count(3)
    starters.first.click()
    # The weights may have to come first: 93 MB, once for a machine.
    page.set_default_timeout(240_000)
    visit.sees("SmolLM2 135M · ")
    reply = page.get_by_test_id("stChatMessage").last
    assert len(reply.inner_text()) > 40
    assert "could not" not in reply.inner_text()
    visit.sees("Ready.")
    assert visit.foreign == []
    assert "Traceback" not in shipped.log.read_text()


def test_a_chinese_visitor_is_told_what_the_small_model_speaks(
    shipped: App, visitor: Callable[..., Visit]
) -> None:
    visit = visitor(locale="zh-TW", width=375, height=667).goes(f"{shipped.url}/?persona=lucky_vicky_zh")
    expect(visit.page.locator(".stMain").get_by_text("SmolLM2 135M 會的是英文")).to_be_visible()


def test_openai_is_kept_off_the_first_paint() -> None:
    """The SDK takes longer to import than Streamlit; the page loads without it."""
    code = "import sys, runpy; import ui.page, ui.chat, ui.actions; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False"), done.stderr[-500:]
