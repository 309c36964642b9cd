"""What outlasts a reload, a lost connection, a crash and a change of device, on a real server in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Gate, Script, echo
from tests.wire_cutter import WireCutter

pytestmark = pytest.mark.usefixtures("quiet")

Visitor = Callable[..., Visit]
STORY = ["Once ", "upon ", "a time ", "there was ", "a fox ", "who ran ", "away."]


def half_told(visit: Visit, provider: FakeProvider) -> tuple[Visit, Gate]:
    """Ask for a story, which goes on when the gate lets it."""
    gate = provider.gate(3)
    provider.script = Script(STORY, gate=gate)
    visit.asks("A story, please.")
    visit.sees("Once upon a time")
    return visit, gate


def test_lost_connection_loses_nothing(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    gate = provider.gate(2)
    provider.script = Script(STORY, gate=gate)
    with WireCutter(int(app.url.rpartition(":")[2])) as wire:
        visit = visitor().goes(wire.url)
        visit.asks("A story, please.")
        visit.sees("Once upon")
        wire.cut()
        gate.release(2)
        wire.join()
        visit.sees("Once upon a time there was")
        gate.release()
        visit.sees("".join(STORY))
        actions_shown(visit.page)
        visit.page.close()
    assert len(provider.chats) == 1


def test_reload_brings_the_dialogue_back(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """The new session finds the reply that the old one began, and goes on watching it; a third finds it whole."""
    visit, gate = half_told(visitor().goes(app.url), provider)
    visit.page.reload()
    visit.sees("Once upon a time")
    gate.release()
    visit.sees("".join(STORY))
    actions_shown(visit.page)
    assert len(provider.chats) == 1
    visit.page.reload()
    visit.sees("".join(STORY))
    actions_shown(visit.page)
    assert visit.screen.get_by_text("Once upon").count() == 1
    provider.script = echo
    visit.asks("And the end?")
    visit.sees("You asked: And the end?")
    assert [m["role"] for m in provider.chats[-1].json["messages"]][1:] == ["assistant", "user"] * 2
    assert len(provider.chats) == 2


def test_a_question_that_waits_outlasts_reloads(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit, gate = half_told(visitor().goes(app.url), provider)
    visit.asks("And a poem.")
    visit.sees("Next (1): And a poem.")
    for _ in range(2):
        visit.page.reload()
        visit.sees("Next (1): And a poem.")
    provider.script = echo
    gate.release()
    visit.sees("You asked: And a poem.")
    actions_shown(visit.page)
    assert [chat.json["messages"][-1]["content"] for chat in provider.chats] == [
        "A story, please.",
        "And a poem.",
    ]


def test_crash_on_a_host_whose_disk_does_not_last(
    tmp_path: Path, visitor: Visitor, provider: FakeProvider
) -> None:
    """Neither the question nor the half reply is lost, and all can be taken along in time."""
    app = App(tmp_path, provider.base_url, HOSTNAME="streamlit")
    try:
        visit, _ = half_told(visitor().goes(app.url), provider)
        app.child.kill()
        app.child.wait(10)
        app.start()
        visit.page.reload()
        visit.sees("A story, please.")
        visit.sees("Once")
        visit.sees("interrupted")
        visit.sees("This host forgets chats when it restarts.")
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Download all chats").first.click()
        assert "A story, please." in Path(download.value.path()).read_text("utf-8")
    finally:
        app.close()


def test_two_browsers(app: App, visitor: Visitor) -> None:
    """Neither sees anything of the other, and no address names a dialogue, until one enters the other's code."""
    home, away = visitor().goes(app.url), visitor(other=True).goes(app.url)
    words = {home: "sentinel-of-home", away: "sentinel-of-away"}
    for visit, word in words.items():
        visit.asks(f"Remember {word}.")
        visit.sees(f"You asked: Remember {word}.")
        actions_shown(visit.page)
        visit.page.get_by_role("link", name="Your chats").click()
        visit.page.get_by_role("heading", name="Your chats").wait_for()
        expect(visit.page.get_by_test_id("stMain")).to_contain_text(word)
    for visit, word in ((home, words[away]), (away, words[home])):
        expect(visit.page.locator("body")).not_to_contain_text(word)
        assert "chat" not in visit.page.url.partition("?")[2]
    home.page.get_by_text("Show my recovery code").click()
    code = home.page.locator(".stCode code").inner_text()
    assert code not in home.page.url
    box = away.page.get_by_label("Enter a recovery code")
    box.fill("AAAAA-BBBBB")
    box.press("Enter")
    away.sees("This is not a recovery code.")
    box.fill(code.lower().replace("-", " "))
    box.press("Enter")
    away.sees("Welcome back. Your chats here: 2.")
    kept = away.page.get_by_test_id("stMain").get_by_role("button", name="Open")
    expect(kept).to_have_count(2)
    kept.last.click()
    away.sees("You asked: Remember sentinel-of-home.")


def test_shared_computer_forgets_with_the_tab(app: App, visitor: Visitor) -> None:
    page = visitor(other=True).goes(f"{app.url}/chats").page
    page.get_by_text("Others use this computer too").click()
    page.wait_for_function("localStorage.getItem('playground-visitor') === null")
    page.get_by_role("link", name="Chat", exact=True).click()
    page.get_by_test_id("stChatInputTextArea").fill("Nobody should see this.")
    page.keyboard.press("Enter")
    actions_shown(page)
    page.reload()
    page.locator("#root").get_by_text("You asked: Nobody should see this.").wait_for()
    with page.context.new_page() as tab:
        tab.goto(f"{app.url}/chats")
        expect(tab.get_by_text("Nothing here yet.")).to_be_visible()
        expect(tab.get_by_role("switch", name="Others use this computer too")).to_be_checked()


def test_the_menu_goes_with_its_dialogue(app: App, visitor: Visitor) -> None:
    """Else it belongs to the next one, and another click in the same place deletes that too."""
    visit = visitor().goes(app.url)
    for word in ("one", "two"):
        visit.asks(word)
        visit.sees(f"You asked: {word}")
        actions_shown(visit.page)
        visit.page.get_by_role("button", name="New chat").click()
    visit.page.get_by_role("link", name="Your chats").click()
    rows = visit.page.get_by_test_id("stMain").get_by_role("button", name="Open", exact=True)
    expect(rows).to_have_count(2)
    visit.page.get_by_test_id("stMain").get_by_role("button", name="More").first.click()
    visit.page.get_by_role("button", name="Delete", exact=True).click()
    expect(rows).to_have_count(1)
    expect(visit.page.get_by_role("button", name="Delete", exact=True)).to_have_count(0)
