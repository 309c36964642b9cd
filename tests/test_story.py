"""The class as it is taught, in a real browser: minutes 3 to 25 and 45 to 50 in order, live and without a network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from playground.i18n import translator
from tests.conftest import ROOT, App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script, api_error
from tests.rooms import PROVIDERS

TAPE = """
  tape:
    label: Tape
    kind: recorded
    errors: {patterns: {not_recorded: [not_recorded]}}
    models: {fetch: false}
"""
KEY = "classroom-key-0123456789"
CHECKS = """temperature: 0.5
checks:
  - {type: contains, value: ？}
"""
IN_THE_LESSON = ("01_lucky_vicky_zh.yaml", "02_lucky_vicky.yaml")


@pytest.fixture
def classroom(app: App, provider: FakeProvider) -> Iterator[App]:
    """A room with a paid service that follows a script, the lesson that ships, and the personas that are in it."""
    service = PROVIDERS.replace("    kind: local\n", "").replace("price: [0, 0]", "price: [1, 2]")
    service = service.replace("api_key: not-a-secret", "api_key_env: [CLASS_API_KEY]")
    providers, teacher = app.personas.parent / "providers.yaml", app.personas / "02_teacher.yaml"
    before = {path: path.read_text("utf-8") for path in (providers, teacher)}
    providers.write_text(service.format(base_url=provider.base_url) + TAPE, "utf-8")
    teacher.write_text(before[teacher] + CHECKS, "utf-8")
    lucky = [Path(shutil.copy(ROOT / "personas" / name, app.personas / f"9{name}")) for name in IN_THE_LESSON]
    yield app
    for path in lucky:
        path.unlink()
    for path, text in before.items():
        path.write_text(text, "utf-8")


def refuse_temperature(body: dict[str, Any]) -> Script:
    if "temperature" in body:
        told = "Unsupported parameter: temperature"
        return Script(status=400, body=api_error(told, code="unsupported_parameter"))
    return Script(["因為散射。"])


def arrange(page: Page, *choices: str) -> None:
    """Set the comparison up, and ask."""
    page.locator(".st-key-arrange button").first.click()
    for choice in choices:
        page.locator(f".st-key-{choice}").locator("button, label").first.click()
        # What is drawn anew meanwhile would not feel the next click.
        page.wait_for_timeout(400)
        page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
    page.keyboard.press("Escape")
    page.locator(f".st-key-{choices[0]}").wait_for(state="hidden")
    page.locator(".st-key-ask_all button").click()


def start(page: Page) -> None:
    page.locator(".st-key-starter button").first.click()


@pytest.mark.usefixtures("quiet")
def test_the_class_live(
    classroom: App, visitor: Callable[..., Visit], provider: FakeProvider, tmp_path: Path
) -> None:
    """On a projector, in Chinese."""
    visit = visitor(locale="zh-TW", width=1280, height=720).goes(
        f"{classroom.url}?persona=teacher&provider=fake"
    )
    page = visit.page

    # 3 to 8: it greets, a starter is one click, and the reply is there while it is still written.
    visit.sees("你好，今天想弄懂什麼？")
    page.locator(".st-key-api_key input").fill(KEY)
    page.locator(".st-key-api_key input").press("Enter")
    page.locator(".st-key-clear_key").wait_for()
    provider.script = Script(["迴圈", "就是", "重複。"])
    held = provider.hold(after=1)
    start(page)
    reply = page.get_by_test_id("stChatMessage").last
    expect(reply).to_contain_text("迴圈")
    expect(reply).not_to_contain_text("重複。")
    held.release()
    provider.release()
    expect(reply).to_contain_text("迴圈就是重複。")
    actions_shown(page)

    # 8 to 13: what was sent is what arrived, with its tokens, its time and what it cost.
    page.locator(".st-key-show_sent label").click()
    panel = page.locator(".st-key-sent_panel")
    for message in provider.chats[-1].json["messages"]:
        panel.get_by_text(message["content"], exact=True).first.wait_for()
    for told in ("system", "token", "秒", "$0."):
        expect(panel).to_contain_text(told)
    page.locator(".st-key-show_sent label").click()

    # 13 to 18: with a persona and without; then model A and model B, in the blind.
    provider.script = lambda body: Script(
        ["什麼是圈？" if body["messages"][0]["role"] == "system" else "迴圈是重複執行。"]
    )
    page.locator(".st-key-more button").first.click()
    page.locator(".st-key-compare button").click()
    page.locator(".st-key-ask_all button").click()
    main = page.locator(".stMain")
    main.get_by_text("什麼是圈？").wait_for()
    main.get_by_text("迴圈是重複執行。").wait_for()
    main.get_by_text("王老師").first.wait_for()
    provider.script = lambda body: Script(["A？" if body["model"] == "fake-small" else "B？"])
    arrange(page, "preset_models", "blind")
    page.locator(".st-key-better").wait_for()
    assert {chat.json["model"] for chat in provider.chats[-2:]} == {"fake-small", "fake-large"}
    assert main.get_by_text("fake-").count() == 0

    # 18 to 22: a phone votes, the votes are counted, the names are shown.
    page.locator(".st-key-begin_vote button").first.click()
    link = page.locator(".st-key-invitation code").inner_text()
    phone = visitor(locale="zh-TW", width=375, height=667).goes(link)
    phone.page.locator(".st-key-vote_a button").click()
    phone.page.locator(".st-key-vote_a button[kind=primary]").wait_for()
    page.locator(".st-key-reveal_vote button").click()
    visit.sees("共 1 票")
    main.get_by_text("fake-large").first.wait_for()

    # 22 to 25: cold and hot; then stop, which keeps what is written and ends it at the service too.
    arrange(page, "preset_temperatures")
    provider.wait_for(lambda: {chat.json.get("temperature") for chat in provider.chats[-2:]} == {0, 1.5})
    page.locator(".st-key-better").wait_for()
    page.get_by_role("link", name="聊天", exact=True).click()
    actions_shown(page)
    provider.script = Script(["天空", "是藍的"])
    provider.hold(after=1)
    visit.asks("為什麼天空是藍的？")
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("天空")
    page.locator(".st-key-stop button").click()
    actions_shown(page)
    assert provider.chats[-1].gone.wait(10)
    provider.release()
    expect(page.get_by_test_id("stChatMessage").last).to_contain_text("天空")
    expect(page.get_by_test_id("stChatMessage").last).not_to_contain_text("是藍的")
    provider.script = refuse_temperature
    page.locator(".st-key-again button").click()
    visit.sees("未使用：temperature")

    # 45 to 48: break it. Ten turns of small talk, and what it should decline.
    provider.script = Script(["是什麼？"])
    page.get_by_role("link", name="驗證", exact=True).click()
    page.locator(".st-key-prove_runs").get_by_role("slider").press("Home")
    page.get_by_text("考倒它").click()
    for probe in ("drift", "refuse"):
        page.locator(f".st-key-prove_probe_{probe} label").click()
    main.get_by_text("14 則回覆").wait_for()
    page.locator(".st-key-prove_start button").click()
    page.locator(".st-key-prove_anew button").wait_for()
    main.get_by_text("100%").first.wait_for()
    assert max(len(chat.json["messages"]) for chat in provider.chats) > 20, "a drift of ten turns"

    # 48 to 50: one file to hand in, and the teacher opens it.
    page.get_by_role("link", name="聊天", exact=True).click()
    actions_shown(page)
    page.locator(".st-key-more button").first.click()
    with page.expect_download() as download:
        page.locator(".st-key-export_bundle button").first.click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with ZipFile(file) as bundle:
        assert "迴圈就是重複。" in bundle.read("dialogue.md").decode()
        assert "AI 使用聲明" in bundle.read("declaration.md").decode()
        assert not any(KEY.encode() in bundle.read(name) for name in bundle.namelist())
    page.locator(".st-key-new_chat button").click()
    page.get_by_role("link", name="你的對話").click()
    page.get_by_role("heading", name="你的對話", level=1).wait_for()
    page.locator('input[type="file"]').first.set_input_files(file)
    visit.sees("繳交包裡有一個角色。")
    page.locator('[class*="st-key-open_"] button').first.click()
    visit.sees("迴圈就是重複。")
    assert visit.foreign == []


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("locale", "width", "persona", "prompt", "heat", "told"),
    [
        (
            "en",
            375,
            "lucky-vicky",
            "You are Lucky Vicky",
            "0",
            "practice driving again and become a better driver!",
        ),
        ("zh-TW", 1280, "lucky-vicky-zh", "你是全網最幸運的人", "0.9", "連一杯都喝不下去了"),
    ],
    ids=["phone", "projector"],
)
def test_the_class_without_a_network(
    classroom: App,
    visitor: Callable[..., Visit],
    provider: FakeProvider,
    locale: str,
    width: int,
    persona: str,
    prompt: str,
    heat: str,
    told: str,
) -> None:
    """From the lesson that ships: on a phone in English, on a projector in Chinese."""
    logged, t = len(classroom.log.read_text()), translator(locale)
    large, small = (
        t("recorded.model", model=name, date="2026-11-22") for name in ("Qwen2.5 Coder 1.5B", "SmolLM2 135M")
    )
    visit = visitor(locale=locale, width=width).goes(f"{classroom.url}?persona={persona}&provider=tape")
    page = visit.page
    main = page.locator(".stMain")

    # 3 to 8
    visit.sees(t("recorded.notice", model=large))
    start(page)
    visit.sees(told)
    actions_shown(page)
    main.get_by_text(t("recorded.told", temperature=heat)).wait_for()

    # 8 to 13
    page.locator(".st-key-show_sent label").click()
    panel = page.locator(".st-key-sent_panel")
    panel.get_by_text(prompt).first.wait_for()
    page.locator(".st-key-show_sent label").click()

    # 13 to 18: with a persona and without.
    page.locator(".st-key-more button").first.click()
    page.locator(".st-key-compare button").click()
    page.locator(".st-key-ask_all button").click()
    page.locator(".st-key-again_0 button").wait_for()
    page.locator(".st-key-again_1 button").wait_for()
    expect(main.get_by_text(told).first).to_be_visible()
    expect(main.get_by_text(t("recorded.told", temperature=""))).to_have_count(2)

    # 18 to 22: model A and model B in the blind, a vote, and who was who.
    arrange(page, "blind", "preset_models")
    page.locator(".st-key-better button").first.click()
    expect(main.get_by_text(small)).to_have_count(0)
    page.locator(".st-key-reveal button").click()
    main.get_by_text(large).first.wait_for()
    main.get_by_text(small).first.wait_for()

    # 22 to 25: cold and hot.
    arrange(page, "blind", "preset_temperatures")
    main.get_by_text(t("recorded.told", temperature="1.5")).wait_for()
    main.get_by_text(t("recorded.told", temperature="0")).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.foreign == []
    assert provider.chats == []
    assert "Traceback" not in classroom.log.read_text()[logged:]
