"""The workshop in a real browser: the editor, and the path of a student's first minutes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from playground.personas import read_persona
from playground.share import from_link
from tests.conftest import App, Visit
from tests.fake_provider import FakeProvider, Script, echo

pytestmark = pytest.mark.usefixtures("quiet")


def line(page: Page, start: str) -> Locator:
    return page.locator(".cm-line", has_text=start).first


def end_of(page: Page, start: str) -> None:
    line(page, start).click()
    page.keyboard.press("End")


def slip(page: Page, key: str) -> None:
    """Make the colon after a field's name a full-width one."""
    line(page, f"{key}: ").click()
    page.keyboard.press("Home")
    for _ in key:
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    page.keyboard.insert_text("：")


def heading(visit: Visit, text: str) -> None:
    expect(visit.page.get_by_role("heading", level=2, name=text)).to_be_visible()


@pytest.fixture
def workshop(app: App, visitor: Callable[..., Visit]) -> Visit:
    visit = visitor().goes(f"{app.url}/workshop?provider=fake")
    visit.page.locator(".cm-content").wait_for()
    heading(visit, "Captain Maybe")
    return visit


def test_first_minutes(workshop: Visit, provider: FakeProvider, tmp_path: Path) -> None:
    page = workshop.page
    page.get_by_role("button", name="Start from").click()
    page.get_by_role("button", name="Copy it").click()
    heading(workshop, "Vicky")

    end_of(page, "name: Vicky")
    page.keyboard.type(" the 2nd")
    heading(workshop, "Vicky the 2nd")
    line(page, "greeting: ").click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text("greeting: 嗨！今天還好嗎？")
    workshop.sees("嗨！今天還好嗎？")

    slip(page, "name")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    expect(page.locator(".cm-lintRange-error")).to_have_count(1)
    page.locator(".cm-lintRange-error").hover()
    expect(page.locator(".cm-tooltip .cm-diagnostic")).to_contain_text("full-width")
    expect(page.locator("[role=status]", has_text="Problems: 1.")).to_have_count(1)
    page.get_by_role("button", name="Fix line").click()
    expect(page.locator(".cm-lint-marker-error")).to_have_count(0)
    expect(line(page, "name: Vicky the 2nd")).to_be_visible()
    heading(workshop, "Vicky the 2nd")

    page.locator(".cm-content").press("Control+End")
    page.keyboard.insert_text(
        "checks:\n  - {type: ends-with, value: lucky}\n  - {type: llm-rubric, value: kind}\n"
    )
    provider.script = Script(["How ", "lucky!"])
    page.locator(".st-key-try_starter").get_by_text("I missed my bus.").click()
    workshop.sees("How lucky!")
    workshop.sees("must end with “lucky”")
    messages = provider.chats[-1].json["messages"]
    assert messages[1] == {"role": "assistant", "content": "嗨！今天還好嗎？"}
    assert messages[-1] == {"role": "user", "content": "I missed my bus."}
    provider.script = Script(['{"pass": true, ', '"reason": "It smiles."}'])
    page.get_by_role("button", name="Judge it").click()
    workshop.sees("the model says: It smiles.")

    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img")).to_be_visible()
    shared, _ = from_link(dialog.locator("pre").inner_text().split("share=")[1])
    page.keyboard.press("Escape")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "vicky-the-2nd.yaml"
    persona, problems = read_persona(file.read_bytes())
    assert persona
    assert (persona.name, persona.greeting, problems) == ("Vicky the 2nd", "嗨！今天還好嗎？", ())
    assert len(persona.checks) == 2
    assert shared == persona
    assert workshop.foreign == []


def test_a_draft_outlives_another_page_and_a_reload(workshop: Visit) -> None:
    page = workshop.page
    end_of(page, "name: Captain")
    page.keyboard.type(" One")
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sixty")
    page.get_by_role("link", name="Workshop").click()
    heading(workshop, "Captain Maybe One")
    end_of(page, "name: Captain")
    # Not yet sent when the page is gone.
    page.keyboard.type("!")
    page.reload()
    heading(workshop, "Captain Maybe One!")
    expect(line(page, "name: Captain Maybe One!")).to_be_visible()
    # There is no step back to what stood in the editor before it heard of the draft.
    page.locator(".cm-content").press("ControlOrMeta+z")
    expect(line(page, "name: Captain Maybe One!")).to_be_visible()
    # What looks like a key is not left in the browser, neither now nor from before.
    page.wait_for_function("(localStorage.getItem('playground-draft') || '').includes('Maybe One')")
    end_of(page, "name: Captain")
    page.keyboard.insert_text(" sk-proj-abcdefghijklmnop1234567890")
    workshop.sees("looks like an API key")
    page.wait_for_function("!JSON.stringify({...localStorage, ...sessionStorage}).includes('abcdefghij')")


def test_the_icon_in_an_advice_can_be_copied(workshop: Visit) -> None:
    page = workshop.page
    end_of(page, "avatar: ")
    page.keyboard.type("x")
    advice = page.locator(".stMarkdown", has_text="an icon in quotes")
    expect(advice).to_contain_text("in quotes: ':material/school:'")


def test_a_question_that_comes_early_waits_and_is_asked_next(workshop: Visit, provider: FakeProvider) -> None:
    gate = provider.gate(1)
    provider.script = [Script(["A fox ", "ran away."], gate=gate), echo]
    workshop.asks("A story, please.")
    workshop.sees("A fox")
    workshop.asks("And then?")
    workshop.sees("Next (1): And then?")
    assert len(provider.chats) == 1
    gate.release()
    workshop.sees("You asked: And then?")
    assert [m["content"] for m in provider.chats[1].json["messages"]][-3:] == [
        "A story, please.",
        "A fox ran away.",
        "And then?",
    ]
    expect(workshop.page.get_by_text("Next (1)")).to_have_count(0)


def test_typing_while_an_answer_is_under_way_is_kept(app: App, visitor: Callable[..., Visit]) -> None:
    """The page changes the text, its answer is late, and meanwhile the visitor types: both stand."""
    visit = visitor()
    page, late, holding = visit.page, [], []
    routes: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        route.on_message(server.send)
        server.on_message(lambda message: late.append(message) if holding else route.send(message))
        routes.append(route)

    page.route_web_socket("**/_stcore/stream", between)
    visit.goes(f"{app.url}/workshop?provider=fake")
    page.locator(".cm-content").wait_for()
    slip(page, "language")
    fix = page.get_by_role("button", name="Fix line")
    fix.wait_for()
    holding.append(True)
    fix.click()
    end_of(page, "name: Captain")
    page.keyboard.type(" Now")
    page.wait_for_timeout(
        600
    )  # The editor's pause: what it sends now was typed before it saw the page's change.
    page.keyboard.type(" then")
    holding.clear()
    for message in late:
        routes[-1].send(message)
    page.keyboard.type("!")
    heading(visit, "Captain Maybe Now then!")
    expect(line(page, "name: ")).to_have_text("name: Captain Maybe Now then!")
    expect(line(page, "language")).to_have_text("language: en")
    expect(fix).to_have_count(0)
    page.close()  # Its socket goes through this test.


def test_chinese_is_composed_in_peace_and_keys_do_what_they_do_elsewhere(workshop: Visit) -> None:
    page = workshop.page
    end_of(page, "name: Captain")
    keyboard = page.context.new_cdp_session(page)
    for step in ("ㄏ", "ㄏㄠ", "ㄏㄠˇ"):
        keyboard.send(
            "Input.imeSetComposition", {"text": step, "selectionStart": len(step), "selectionEnd": len(step)}
        )
        page.wait_for_timeout(500)  # Longer than the editor's pause.
    expect(line(page, "name: Captain")).to_have_text("name: Captain Maybeㄏㄠˇ")
    keyboard.send("Input.insertText", {"text": "好"})
    heading(workshop, "Captain Maybe好")
    expect(line(page, "name: Captain")).to_have_text("name: Captain Maybe好")
    end_of(page, "name: Captain")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("r")
    expect(page.locator(".cm-line").nth(2)).to_have_text("  r")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator(".cm-content")).not_to_be_focused()


@pytest.mark.parametrize(("locale", "dark"), [("zh-TW", True), ("en-US", False)])
def test_on_a_phone(app: App, visitor: Callable[..., Visit], locale: str, dark: bool) -> None:
    """Editor above, persona below, nothing wider than the screen, and no zoom when the editor is touched."""
    visit = visitor(locale=locale, width=375, height=667, dark=dark).goes(f"{app.url}/workshop")
    page = visit.page
    page.locator(".cm-content").wait_for()
    editor, persona = page.locator(".draft-editor").bounding_box(), page.get_by_role("heading", level=2).last
    box = persona.bounding_box()
    assert editor
    assert box
    assert box["y"] > editor["y"] + editor["height"]
    assert editor["x"] + editor["width"] <= 375
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert page.evaluate("getComputedStyle(document.querySelector('.cm-content')).fontSize") == "16px"
    page.locator(".st-key-share_draft button").click()
    code = page.get_by_role("dialog").get_by_role("img")
    code.wait_for()
    shown = code.bounding_box()
    assert shown
    assert 250 < shown["width"] <= 375 - shown["x"]
    page.keyboard.press("Escape")
    end_of(page, "name: ")
    page.keyboard.type(" the 2nd")
    page.locator(".st-key-prove_draft button").click()
    page.wait_for_url(re.compile("/prove"))
    page.locator(".st-key-prove_draft").wait_for(state="detached")
    page.wait_for_timeout(500)
    assert page.evaluate("document.querySelector('.stMain').scrollTop") == 0
