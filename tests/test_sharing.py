"""A persona on its way: the link round trip, what a stranger's link cannot do, cards, and copies from the gallery."""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest

from playground import share
from playground.cards import from_card, to_card, to_card_png
from playground.persona_text import json_text, persona_yaml
from playground.personas import Persona, read_persona
from tests.conftest import App, Visit
from tests.fake_provider import FakeProvider
from tests.rooms import PERSONAS
from tests.test_pages import Opened, folder, opened, said
from tests.test_workshop import click, draft_of, types

__all__ = ["folder", "opened"]

# A stranger who goes by the name of somebody who is here.
STRANGER = Persona(
    name="Vicky",
    system_prompt="You are somebody else.",
    greeting="Boo!",
    description="Not the one you know",
    author="A stranger",
    model="keyed/fake-large",
)


def payload(persona: Persona) -> str:
    return parse_qs(urlsplit(share.to_link(persona, "http://x/")).query)["share"][0]


def packed(fields: dict[str, Any]) -> str:
    """A payload of whatever anybody may put into one."""
    packer = zlib.compressobj(9, zdict=share._WORDS)
    raw = packer.compress(json_text(fields).encode("gb18030")) + packer.flush()
    return "1" + urlsafe_b64encode(raw).decode().rstrip("=")


def shown(test: AppTest) -> str:
    """Everything that stands on the page."""
    kinds = ("markdown", "caption", "code", "header")
    return "\n".join(e.value for kind in kinds for e in test.main.get(kind)).replace("\\", "")


def keys(test: AppTest) -> list[str]:
    return [b.key for b in test.main.button if b.key]


def test_a_persona_in_a_link_is_shown_before_it_is_used(opened: Opened, provider: FakeProvider) -> None:
    test = opened(share=payload(STRANGER))
    assert test.title[0].value == "A persona from a link"
    page = shown(test)
    for part in ("Vicky", "You are somebody else.", "Boo!", "Not the one you know", "by A stranger"):
        assert part in page
    visit = test.session_state["session"]
    assert (visit.persona, visit.draft, visit.guest) == ("vicky", None, None)
    assert (visit.provider, visit.models["keyed"]) == ("fake", "fake-large")
    assert not test.chat_input
    assert provider.chats == []


def test_a_guest_answers_here_and_nowhere_else(opened: Opened, folder: Path, provider: FakeProvider) -> None:
    test = click(opened(share=payload(STRANGER)), "talk_to_guest")
    test.chat_input(key="try").set_value("Hello").run()
    assert said(test)[-2:] == ["Hello", "You asked: Hello"]
    assert provider.chats[0].json["messages"][0]["content"] == "You are somebody else."
    assert provider.chats[0].authorization == "Bearer not-a-secret"
    test.switch_page("streamlit_app.py").run()
    assert said(test) == ["Hi! What went wrong today?"]
    assert (folder / "01_vicky.yaml").read_text("utf-8") == PERSONAS["01_vicky.yaml"]
    assert len(list(folder.iterdir())) == 2


def test_into_the_workshop_and_back_with_undo(opened: Opened) -> None:
    test = click(opened(share=payload(STRANGER)), "edit_guest")
    # The browser may have kept a draft of an earlier visit, so the page asks.
    assert "Captain Maybe" in test.main.header[0].value
    click(test, "take_offer")
    assert draft_of(test).persona == STRANGER
    click(test, "undo")
    assert "Captain Maybe" in test.main.header[0].value
    assert "take_offer" not in keys(test)


def test_an_offer_can_be_left(opened: Opened) -> None:
    test = click(opened(share=payload(STRANGER)), "edit_guest")
    click(test, "leave_offer")
    assert draft_of(test).untouched
    assert "leave_offer" not in keys(test)


def test_no_thanks(opened: Opened) -> None:
    test = click(opened(share=payload(STRANGER)), "decline_guest")
    assert test.title[0].value == "Personas"


@pytest.mark.parametrize(
    ("share_", "words"),
    [
        ("1abcdef", "The link is damaged."),
        (payload(STRANGER)[:60], "its end is missing"),
        ("9" + payload(STRANGER)[1:], "not one that this version can read"),
        (packed({"name": "V", "system_prompt": "x", "api_key": "sk-abcdefghijklmnop1234"}), "API key"),
        (packed({"name": "V", "system_prompt": "x", "base_url": "http://evil.example/v1"}), "base_url"),
        (packed({"name": "V", "system_prompt": "x", "price": [0, 0]}), "price"),
        (packed({"name": "V"}), "system_prompt"),
        ("1" + "A" * 300_000, "larger than"),
    ],
    ids=["damaged", "cut", "version", "key", "address", "price", "half", "huge"],
)
def test_a_hostile_link_is_refused_with_words(
    opened: Opened, provider: FakeProvider, share_: str, words: str
) -> None:
    test = opened(share=share_)
    assert test.error[0].value == "The persona in this link is not used."
    assert words in shown(test)
    assert "sk-abcdefghijklmnop1234" not in shown(test)
    assert not [key for key in keys(test) if key.endswith("_guest")]
    assert provider.chats == []


def test_the_page_without_a_link(opened: Opened) -> None:
    assert "no persona in this link" in opened("shared").info[0].value


def test_a_copy_of_a_persona_with_its_comments(opened: Opened, folder: Path) -> None:
    text = "# mine\n" + PERSONAS["01_vicky.yaml"]
    (folder / "01_vicky.yaml").write_text(text, "utf-8")
    test = click(opened("gallery"), "edit_vicky")
    click(test, "take_offer")
    assert draft_of(test).text == text


def test_a_copy_goes_over_a_draft_that_can_be_had_back(opened: Opened) -> None:
    test = types(opened("workshop"), "name: Ann\nsystem_prompt: Be kind.\n")
    test.switch_page("pages/gallery.py").run()
    click(test, "edit_teacher")
    assert "王老師" in test.main.header[0].value
    click(test, "undo")
    assert draft_of(test).text == "name: Ann\nsystem_prompt: Be kind.\n"


@pytest.mark.parametrize("page", ["gallery", "workshop"])
def test_everything_that_leaves_reads_back(
    opened: Opened, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, bytes] = {}
    monkeypatch.setattr(
        "ui.sharing.st.download_button", lambda _, content, *, key, **__: given.__setitem__(key, content)
    )
    test = opened(page)
    click(test, "share_vicky" if page == "gallery" else "share_draft")
    link = next(c.value for c in test.code if "share=" in c.value)
    back, told = share.from_link(parse_qs(urlsplit(link).query)["share"][0])
    assert back
    assert told == ()
    assert read_persona(given["share.yaml"])[0] == back
    assert from_card(given["share.json"])[0] == from_card(given["share.png"])[0] == back
    assert back.name == ("Vicky" if page == "gallery" else "Captain Maybe")


def test_a_draft_that_is_none_yet_is_not_shared(opened: Opened) -> None:
    test = types(opened("workshop"), "name: [")
    assert test.button(key="share_draft").disabled


@pytest.mark.parametrize(
    ("name", "raw"), [("v.json", to_card(STRANGER)), ("V.PNG", to_card_png(STRANGER))], ids=["json", "png"]
)
def test_a_card_is_shown_before_it_is_used(
    opened: Opened, provider: FakeProvider, name: str, raw: bytes
) -> None:
    test = opened("workshop")
    test.get("file_uploader")[0].set_value([(name, raw, "application/octet-stream")]).run()
    assert not test.exception
    assert draft_of(test).persona == STRANGER
    assert draft_of(test).text == persona_yaml(STRANGER)
    assert provider.chats == []
    assert test.session_state["session"].persona == "vicky"
    click(test, "undo")
    assert "Captain Maybe" in test.main.header[0].value


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"hello": 1}', "no character card"),
        (b'{"name": "V", "first_mes": "x", "extensions": {"api_key": "k"}}', "no place in a persona"),
        (b'{"name": "V", "first_mes": "Hi {{random}}", "system_prompt": "x"}', "means something in other"),
    ],
    ids=["no card", "key", "macro"],
)
def test_what_is_wrong_with_a_card_is_told(opened: Opened, raw: bytes, words: str) -> None:
    test = opened("workshop")
    test.get("file_uploader")[0].set_value([("a.json", raw, "application/json")]).run()
    assert words in shown(test)
    assert draft_of(test).untouched is ("means" not in words)


@pytest.mark.usefixtures("quiet")
def test_from_one_browser_to_another(app: App, visitor: Callable[..., Visit], provider: FakeProvider) -> None:
    """The gallery's link, opened on a phone: it stays after a reload, and goes when the visitor goes elsewhere."""
    page = visitor().goes(f"{app.url}/gallery?provider=fake").page
    page.locator(".st-key-share_teacher button").click()
    dialog = page.get_by_role("dialog")
    link = dialog.locator("code").inner_text()
    assert link.startswith(f"{app.url}/?share=")
    code = dialog.locator("img")
    code.wait_for()
    box = code.bounding_box()
    assert box
    assert box["width"] >= 500

    phone = visitor(width=375, height=667)
    phone.goes(f"{link}&provider=fake&lang=zh-TW")
    phone.sees("連結裡的角色")
    phone.sees("你是蘇格拉底式的老師。")
    assert "share=" in phone.page.url
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 375
    phone.page.locator(".st-key-talk_to_guest button").click()
    phone.asks("什麼是迴圈？")
    phone.sees("You asked: 什麼是迴圈？")
    assert provider.chats[-1].json["messages"][0]["content"] == "你是蘇格拉底式的老師。"
    phone.page.get_by_test_id("stExpandSidebarButton").click()
    phone.page.get_by_role("link", name="關於").click()
    expect(phone.page.get_by_role("heading", level=1)).to_contain_text("六十秒")
    assert "share=" not in phone.page.url
    assert phone.foreign == []


@pytest.mark.usefixtures("quiet")
def test_a_draft_of_an_earlier_visit_is_not_lost(app: App, visitor: Callable[..., Visit]) -> None:
    """A link opens a session that knows nothing of the draft that the browser keeps."""
    page = visitor().goes(f"{app.url}/workshop?provider=fake").page
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("name: Ann\nsystem_prompt: Be kind.\n")
    title = page.get_by_role("heading", level=2).last
    expect(title).to_contain_text("Ann")
    page.goto(share.to_link(STRANGER, f"{app.url}/"))
    page.locator(".st-key-edit_guest button").click()
    page.locator(".st-key-take_offer").wait_for()
    expect(title).to_contain_text("Ann")
    page.locator(".st-key-take_offer button").click()
    expect(title).to_contain_text("Vicky")
    page.get_by_role("button", name="Undo").click()
    expect(title).to_contain_text("Ann")
