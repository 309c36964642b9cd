"""What only a real browser on a real server can show: streaming, interruption, reload, input methods, access."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script, echo

pytestmark = pytest.mark.usefixtures("quiet")

Visitor = Callable[..., Visit]


def test_question_and_answer(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor().goes(app.url)
    page = visit.page
    visit.sees("What went wrong today?")
    region = page.locator("#playground-announcer")
    visit.asks("The tea is cold.")
    visit.sees("You asked: The tea is cold.")
    visit.sees("complete")
    sent = provider.chats[-1].json["messages"]
    assert [m["role"] for m in sent] == ["system", "assistant", "user"]
    assert sent[1]["content"] == "Hi! What went wrong today?"
    assert len(provider.chats) == 1
    assert visit.foreign == []
    # Screen readers are told once that it has ended, and not again by the next run.
    expect(region).to_have_text("Vicky replied: You asked: The tea is cold.")
    page.evaluate(
        "window.said = 0; new MutationObserver(() => window.said++)"
        ".observe(document.getElementById('playground-announcer'), {childList: true, characterData: true})"
    )
    page.get_by_text("Larger text").click()
    expect(page.locator("html")).to_have_css("font-size", "20px")
    assert page.evaluate("window.said") == 0
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy reply").click()
    copied(page, "You asked: The tea is cold.")


def copied(page: Page, text: str) -> None:
    """Wait for the text to be what was copied."""
    page.wait_for_function("async (text) => await navigator.clipboard.readText() === text", arg=text)


def test_other_model_and_other_persona(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """Another model goes on with the dialogue; another persona begins one, and the earlier one can be gone back to."""
    visit = visitor().goes(app.url)
    page = visit.page
    page.get_by_text("I missed my bus.").click()
    visit.sees("You asked: I missed my bus.")
    expect(visit.screen.get_by_text("My phone broke.")).to_have_count(0)
    actions_shown(page)
    choose(page, "model", "fake-large")
    expect(page.get_by_role("combobox", name="Model")).to_have_value("fake-large")
    visit.asks("Two.")
    visit.sees("You asked: Two.")
    assert provider.chats[1].json["model"] == "fake-large"
    assert len(provider.chats[1].json["messages"]) == 5
    visit.sees("fake-large")
    actions_shown(page)
    choose(page, "persona", "王老師")
    visit.sees("你好，今天想弄懂什麼？")
    expect(visit.screen.get_by_text("You asked:")).to_have_count(0)
    page.get_by_text("Earlier chats (1)").click()
    page.get_by_role("button", name="I missed my bus.").click()
    visit.sees("You asked: I missed my bus.")


def choose(page: Page, key: str, option: str) -> None:
    page.locator(f".st-key-{key} [role=combobox]").click()
    page.get_by_role("option", name=option).click()


def test_link_opens_the_same_room(app: App, visitor: Visitor) -> None:
    visit = visitor().goes(f"{app.url}/?persona=teacher&provider=fake&model=fake-large")
    visit.sees("你好，今天想弄懂什麼？")
    page = visit.page
    expect(page.get_by_role("combobox", name="Model")).to_have_value("fake-large")
    page.reload()
    visit.sees("你好，今天想弄懂什麼？")
    page.get_by_role("link", name="About").click()
    page.get_by_role("heading", name="In sixty seconds").wait_for()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("fake-large")
    page.wait_for_url("**/about?*persona=teacher*")
    assert "model=fake-large" in page.url
    page.get_by_role("link", name="Personas").click()
    search = page.get_by_placeholder("Search")
    search.fill("bad luck")
    search.press("Enter")
    expect(page.get_by_role("button", name="Talk to this one")).to_have_count(1)
    page.get_by_role("button", name="Talk to this one").click()
    visit.sees("What went wrong today?")


def test_unknown_names_in_a_link_are_told(app: App, visitor: Visitor) -> None:
    visit = visitor().goes(f"{app.url}/?persona=nobody&provider=nowhere")
    visit.sees("The link names a persona that is not here: nobody.")
    visit.sees("The link names a backend that is not here: nowhere.")
    visit.asks("Hello")
    visit.sees("You asked: Hello")


def test_cold_deep_link(fresh_app: App, visitor: Visitor) -> None:
    """A page that is the first thing anybody opens in a fresh process is whole, and so is the next one."""
    visit = visitor(locale="zh-TW").goes(f"{fresh_app.url}/gallery")
    page = visit.page
    page.get_by_role("heading", name="角色", level=1).wait_for()
    expect(page).to_have_title("角色 · 人設遊樂場")
    chat = page.get_by_test_id("stSidebar").get_by_role("link", name="聊天")
    expect(chat).to_have_count(1)
    assert page.get_by_test_id("stSidebarNav").count() == 0
    chat.click()
    visit.sees("你好，今天想弄懂什麼？")
    page.go_back()
    page.get_by_role("heading", name="角色", level=1).wait_for()


def test_phone_in_chinese(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor(locale="zh-TW", width=375, height=667, dark=True).goes(app.url)
    page = visit.page
    visit.sees("你好，今天想弄懂什麼？")
    expect(page.locator("html")).to_have_attribute("lang", "zh-TW")
    visit.asks("什麼是變數？")
    visit.sees("You asked: 什麼是變數？")
    visit.sees("完整")
    # A failure is told, and can be retried.
    provider.script = Script(
        status=401, body={"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}
    )
    visit.asks("在嗎？")
    visit.sees("Fake 不接受這把金鑰。")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    provider.script = echo
    page.get_by_role("button", name="重試").click()
    visit.sees("You asked: 在嗎？")
    expect(visit.screen.get_by_text("不接受這把金鑰")).to_have_count(0)


def test_input_methods(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """Enter that ends a composition never sends, in Chromium's order of events and in Safari's."""
    visit = visitor(locale="zh-TW").goes(app.url)
    box = visit.page.get_by_test_id("stChatInputTextArea")
    box.fill("你好")
    enter = {"key": "Enter", "code": "Enter", "bubbles": True, "cancelable": True}
    box.dispatch_event("keydown", {**enter, "keyCode": 13, "isComposing": True})
    box.dispatch_event("compositionend", {"bubbles": True, "data": "你好"})
    box.dispatch_event("keydown", {**enter, "keyCode": 229})
    # A rerun that the page answers shows that nothing was sent before it.
    visit.page.get_by_text("放大文字").click()
    expect(visit.page.locator("html")).to_have_css("font-size", "20px")
    assert provider.chats == []
    expect(box).to_have_value("你好")
    box.press("Enter")
    visit.sees("You asked: 你好")


def test_edited_persona_is_there_at_the_next_click(app: App, visitor: Visitor) -> None:
    fresh = app.personas / "03_pirate.yaml"
    visit = visitor().goes(app.url)
    try:
        fresh.write_text(
            "name: Pirate\nlanguage: en\ngreeting: Ahoy!\nsystem_prompt: Talk like a pirate.\n", "utf-8"
        )
        visit.page.get_by_text("Larger text").click()
        expect(visit.page.locator("html")).to_have_css("font-size", "20px")
        visit.page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
        choose(visit.page, "persona", "Pirate")
        visit.sees("Ahoy!")
        fresh.write_text("name: Pirate\nsystem_prompt: [oops\n", "utf-8")
        visit.page.get_by_text("Larger text").click()
        visit.sees("1 persona files need mending")
        visit.sees("03_pirate.yaml needs mending")
        visit.sees("Ahoy!")
    finally:
        fresh.unlink()
    visit.page.get_by_text("Larger text").click()
    visit.sees("What went wrong today?")


def test_edit_regenerate_delete(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    visit = visitor().goes(app.url)
    page = visit.page
    visit.asks("Frist")
    visit.sees("You asked: Frist")
    page.locator(".st-key-edit button").click()
    page.get_by_label("Your question").fill("First")
    page.locator(".st-key-resend button").click()
    visit.sees("You asked: First")
    expect(visit.screen.get_by_text("Frist")).to_have_count(0)
    actions_shown(page)
    # Other words than before: else the reply that is still on screen would pass for the new one.
    provider.script = Script(["Once more."])
    page.locator(".st-key-again button").click()
    visit.sees("Once more.")
    expect(visit.screen.get_by_text("You asked: First")).to_have_count(0)
    actions_shown(page)
    assert [len(c.json["messages"]) for c in provider.chats] == [3, 3, 3]
    page.locator(".st-key-delete button").click()
    visit.sees("I missed my bus.")
    expect(visit.screen.get_by_text("Once more.")).to_have_count(0)


def test_a_page_whose_code_was_lost_gets_it_again(app: App, visitor: Visitor) -> None:
    """Streamlit drops what was not sent yet when a run begins anew; later runs only call what the first one brought."""
    visit = visitor()
    page, dropped = visit.page, []

    def between(socket: WebSocketRoute) -> None:
        def drop(message: str | bytes) -> None:
            if len(dropped) < 2 and b"playground_first_page" in bytes(message):
                dropped.append(message)
            else:
                socket.send(message)

        socket.connect_to_server().on_message(drop)

    page.route_web_socket("**/_stcore/stream", between)
    visit.goes(app.url).asks("Is anybody there?")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    copied(page, "You asked: Is anybody there?")
    assert page.locator("#playground-style").count() == 1
    assert len(dropped) == 2
    page.close()


def test_what_streamlit_writes_is_translated(app: App, visitor: Visitor) -> None:
    visit = visitor(locale="zh-TW").goes(f"{app.url}/chats")
    page = visit.page
    files = page.get_by_test_id("stFileUploader")
    page.get_by_role("textbox", name="輸入復原代碼").fill("Upload")
    expect(page.get_by_test_id("InputInstructions")).to_have_text("按 Enter 套用")
    zh = ("繁體中文", "選擇檔案", "每個檔案最多 25MB", "收起側邊欄", "「這台電腦還有別人在用」的說明")
    en = ("English", "Upload", "25MB per file", "Collapse sidebar", "Help for Others use this computer too")
    for language, choose, size, collapse, told in (zh, en, zh):
        page.get_by_role("radio", name=language).click()
        expect(files).to_contain_text(choose)
        expect(files).to_contain_text(size)
        expect(page.get_by_role("button", name=collapse)).to_have_count(1)
        expect(page.get_by_role("button", name=told, exact=True)).to_have_count(1)
    expect(page.locator("[aria-label$=' icon']")).to_have_count(0)
    visit.goes(app.url).asks("Upload")
    visit.sees("You asked: Upload")
    # What somebody said is nobody's to translate.
    expect(page.get_by_test_id("stChatMessage").nth(-2)).to_contain_text("Upload")


def test_accessibility(app: App, visitor: Visitor) -> None:
    visit = visitor().goes(app.url)
    page, found = visit.page, []
    visit.asks("Hello")
    visit.sees("complete")
    actions_shown(page)
    found += violations(page, "Chat")
    for name in ("Personas", "Workshop", "About", "Compare", "Prove", "Backends", "Your chats"):
        page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
        expect(page).to_have_title(f"{name} · Persona Playground")
        found += violations(page, name)
    for path in ("vote", "classroom"):
        visit.goes(f"{app.url}/{path}")
        found += violations(page, path)
    assert found == []


COLOURED = {"Chat", "Compare", "Prove", "Backends", "vote"}
"""Pages with every kind of coloured words and buttons; the dark changes nothing but colours."""


def violations(page: Page, name: str) -> list[tuple[str, ...]]:
    """What axe-core finds serious on a page."""
    page.wait_for_load_state("networkidle")
    found = []
    dark = [("dark", {"runOnly": ["color-contrast"]})] if name in COLOURED else []
    for scheme, only in (*dark, ("light", {})):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.wait_for_function(
            f"getComputedStyle(document.querySelector('.stApp')).colorScheme == '{scheme}'"
        )
        # A page that runs anew is pale meanwhile: what is a fault is found a second time.
        found += [(name, scheme, *fault) for fault in grave(page, only) and grave(page, only)]
    return found


def grave(page: Page, only: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """Rules that are broken in earnest, each with the elements that break it."""
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
    faults = Axe().run(page, options={**only, "resultTypes": ["violations"]}).response["violations"]
    return [
        (fault["id"], *(node["html"][:160] for node in fault["nodes"]))
        for fault in faults
        if fault["impact"] in ("serious", "critical")
    ]


def test_own_server(app: App, visitor: Visitor, provider: FakeProvider) -> None:
    """At the machine itself a local provider may answer elsewhere."""
    visit = visitor().goes(app.url)
    with FakeProvider(Script(["From the other one."])) as other:
        box = visit.page.get_by_role("textbox", name="Address of the server")
        box.fill(f"127.0.0.1:{other.port}")
        box.press("Enter")
        visit.asks("Who are you?")
        visit.sees("From the other one.")
        assert len(other.chats) == 1
        assert provider.chats == []


def test_log_stays_clean(app: App) -> None:
    """Nothing that a visitor did in this file made the server complain."""
    text = Path(app.log).read_text()
    assert "Traceback" not in text
    assert "not-a-secret" not in text
