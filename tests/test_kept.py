"""What outlasts a reload, a lost connection, a crash and a change of device, on a real server in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script
from tests.wire_cutter import WireCutter

pytestmark = pytest.mark.usefixtures("quiet")

Visitor = Callable[..., Visit]
STORY = ["Once ", "upon ", "a time ", "there was ", "a fox ", "who ran ", "away."]


def chats_page(visit: Visit, url: str) -> Page:
    page = visit.page
    page.goto(f"{url}/chats")
    page.get_by_role("heading", name="Your chats").wait_for()
    return page


def test_reload_brings_the_dialogue_back(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor().goes(app.url)
    visit.asks("The tea is cold.")
    visit.sees("You asked: The tea is cold.")
    actions_shown(visit.page)
    visit.page.reload()
    visit.sees("You asked: The tea is cold.")
    actions_shown(visit.page)
    visit.asks("And the milk?")
    visit.sees("You asked: And the milk?")
    assert [m["role"] for m in provider.chats[-1].json["messages"]][1:] == ["assistant", "user"] * 2
    assert len(provider.chats) == 2


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


def test_reload_while_writing(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """The new session finds the reply that the old one began, and goes on watching it."""
    gate = provider.gate(3)
    provider.script = Script(STORY, gate=gate)
    visit = visitor().goes(app.url)
    visit.asks("A story, please.")
    visit.sees("Once upon a time")
    visit.page.reload()
    visit.sees("Once upon a time")
    gate.release()
    visit.sees("".join(STORY))
    actions_shown(visit.page)
    assert visit.screen.get_by_text("Once upon").count() == 1
    assert len(provider.chats) == 1


def test_crash_loses_neither_question_nor_half_reply(
    fresh_app: App, visitor: Visitor, provider: FakeProvider
) -> None:
    provider.script = Script(STORY, gate=provider.gate(3))
    visit = visitor().goes(fresh_app.url)
    visit.asks("A story, please.")
    visit.sees("Once upon a time")
    fresh_app.child.kill()
    fresh_app.child.wait(10)
    fresh_app.start()
    visit.page.reload()
    visit.sees("A story, please.")
    visit.sees("Once")
    visit.sees("interrupted")


def test_nobody_sees_anything_of_another(app: App, visitor: Visitor) -> None:
    """Two browsers, a sentinel in each; an address names no dialogue."""
    one, other = visitor().goes(app.url), visitor(other=True).goes(app.url)
    for visit, word in ((one, "sentinel-of-one"), (other, "sentinel-of-other")):
        visit.asks(f"Remember {word}.")
        visit.sees(f"You asked: Remember {word}.")
        actions_shown(visit.page)
    for visit, foreign in ((one, "sentinel-of-other"), (other, "sentinel-of-one")):
        for path in ("", "chats"):
            visit.page.goto(f"{app.url}/{path}")
            visit.page.get_by_role("heading", level=1).first.wait_for()
            expect(visit.page.locator("body")).not_to_contain_text(foreign)
        assert "chat" not in visit.page.url.partition("?")[2]


def test_recovery_code_on_another_device(app: App, visitor: Visitor) -> None:
    home = visitor().goes(app.url)
    home.asks("My secret plan.")
    home.sees("You asked: My secret plan.")
    actions_shown(home.page)
    page = chats_page(home, app.url)
    page.get_by_test_id("stMain").get_by_text("My secret plan.").wait_for()
    page.get_by_text("Show my recovery code").click()
    code = page.locator(".stCode code").inner_text()
    assert code not in page.url
    away = visitor(other=True)
    page = chats_page(away, app.url)
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    box = page.get_by_label("Enter a recovery code")
    box.fill("AAAAA-BBBBB")
    box.press("Enter")
    away.sees("This is not a recovery code.")
    box.fill(code.lower().replace("-", " "))
    box.press("Enter")
    away.sees("Welcome back.")
    page.get_by_test_id("stMain").get_by_role("button", name="Open").click()
    away.sees("You asked: My secret plan.")


def test_rename_search_delete(app: App, visitor: Visitor) -> None:
    visit = visitor().goes(app.url)
    for question in ("About foxes.", "About owls."):
        visit.asks(question)
        visit.sees(f"You asked: {question}")
        actions_shown(visit.page)
        visit.page.locator(".st-key-new_chat button").click()
        visit.sees("I missed my bus.")
    page = chats_page(visit, app.url)
    rows = page.get_by_test_id("stMain").get_by_role("button", name="Open")
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="More").first.click()
    title = page.get_by_label("Title")
    title.fill("Birds of the night")
    title.press("Enter")
    page.get_by_test_id("stMain").get_by_text("Birds of the night").wait_for()
    page.keyboard.press("Escape")
    search = page.get_by_placeholder("Search your chats")
    search.fill("fox")
    search.press("Enter")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="More").first.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    visit.sees("No chat has these words.")
    search.fill("")
    search.press("Enter")
    expect(rows).to_have_count(1)
    page.reload()
    page.get_by_role("heading", name="Your chats").wait_for()
    expect(rows).to_have_count(1)


def test_shared_computer_forgets_with_the_tab(app: App, visitor: Visitor) -> None:
    visit = visitor(other=True).goes(app.url)
    visit.asks("Nobody should see this.")
    visit.sees("You asked: Nobody should see this.")
    actions_shown(visit.page)
    page = chats_page(visit, app.url)
    page.get_by_text("Others use this computer too").click()
    page.wait_for_function("localStorage.getItem('playground-visitor') === null")
    visit.page.reload()
    visit.sees("Nobody should see this.")
    with page.context.new_page() as tab:
        tab.goto(f"{app.url}/chats")
        expect(tab.get_by_text("Nothing here yet.")).to_be_visible()
        expect(tab.get_by_role("switch", name="Others use this computer too")).to_be_checked()


def test_disk_that_cannot_be_written(tmp_path: Path, visitor: Visitor, provider: FakeProvider) -> None:
    """The chat goes on, and says that nothing is kept."""
    (tmp_path / "file").write_text("no folder")
    app = App(tmp_path / "app", provider.base_url, PLAYGROUND_DATA=str(tmp_path / "file" / "kept"))
    try:
        visit = visitor().goes(app.url)
        visit.asks("The tea is cold.")
        visit.sees("You asked: The tea is cold.")
        visit.sees("Your chats are not saved")
        actions_shown(visit.page)
        visit.asks("And the milk?")
        visit.sees("You asked: And the milk?")
    finally:
        app.close()


def test_host_whose_disk_does_not_last(tmp_path: Path, visitor: Visitor, provider: FakeProvider) -> None:
    app = App(tmp_path, provider.base_url, HOSTNAME="streamlit")
    try:
        visit = visitor().goes(app.url)
        visit.asks("The tea is cold.")
        visit.sees("You asked: The tea is cold.")
        actions_shown(visit.page)
        visit.sees("This host forgets chats when it restarts.")
        with visit.page.expect_download() as download:
            visit.page.get_by_role("button", name="Download all chats").click()
        assert "The tea is cold." in Path(download.value.path()).read_text("utf-8")
    finally:
        app.close()
