"""Handing in and opening again, on the pages."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from playground.messages import Message
from tests.fake_provider import FakeProvider, Script
from tests.test_bundle import GOOD, KEY, files
from tests.test_pages import Opened, ask, folder, opened

__all__ = ["folder", "opened"]


def handed_out(test: AppTest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        "ui.exporting.st.download_button",
        lambda label, data=None, *, key="", **more: given.__setitem__(key, data),
    )
    return given


def test_from_the_chat_to_the_bundle_and_back(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script = Script([f"Lucky! {KEY}"])
    monkeypatch.setattr(type(st.context), "timezone", "Asia/Taipei")
    test = ask(opened(persona="vicky"), "Rain")
    test.session_state["session"].keys["keyed"] = KEY
    assert "chats" in [link.proto.page for link in test.sidebar.get("page_link")], (
        "also before there is a chat"
    )
    given = handed_out(test, monkeypatch)
    test.session_state["more"] = True
    test.run()
    assert not test.exception
    raw = given["export_bundle"]()
    monkeypatch.undo()
    inside = files(raw)
    assert inside["persona.yaml"].decode().startswith("\nname: Vicky")
    assert json.loads(inside["settings.json"])["written"].endswith("+08:00"), "by the visitor's own clock"
    assert not any(KEY.encode() in content for content in inside.values())
    test = opened("chats")
    test.get("file_uploader")[0].set_value([("chats.json", b"[]", "application/json")]).run()
    assert test.main.error[0].value == "This is not a file of chats from this app. Nothing was added."
    test.get("file_uploader")[0].set_value([("handed in.zip", b"PK no", "application/zip")]).run()
    assert test.main.error[0].value == "The zip is damaged: the file as a whole. Nothing was opened."
    test.get("file_uploader")[0].set_value([("handed in.zip", raw, "application/zip")]).run()
    assert not test.exception
    assert "Added 1 chats." in test.main.info[0].value
    assert [chat.title for chat in test.session_state["session"].listed] == ["Rain"]
    test.button(key="take_handed_in").click().run()
    assert not test.exception
    visit = test.session_state["session"]
    assert "You turn bad luck into luck." in (visit.offered or visit.draft.text)
    assert visit.handed_in == ""


def test_a_dialogue_whose_persona_is_not_here_says_so(opened: Opened) -> None:
    test = opened("chats")
    test.get("file_uploader")[0].set_value([("handed in.zip", GOOD, "application/zip")]).run()
    next(one for one in test.main.button if str(one.key).startswith("open_")).click().run()
    assert not test.exception
    assert "lucky\\-vicky" in test.main.warning[0].value
    assert test.session_state["session"].chat.conversation.begun


def test_the_workshop_takes_the_persona_of_a_bundle(opened: Opened) -> None:
    test = opened("workshop")
    test.session_state["begin"] = True
    test.run()
    test.get("file_uploader")[0].set_value([("handed in.zip", b"PK no", "application/zip")]).run()
    assert test.main.error[0].value == "The zip is damaged: the file as a whole. Nothing was opened."
    test.get("file_uploader")[0].set_value([("handed in.zip", GOOD, "application/zip")]).run()
    assert not test.exception
    assert "You are Lucky Vicky" in test.session_state["session"].draft.text


def test_what_a_draft_said_can_be_handed_in(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script = Script(["Fine."])
    test = opened("workshop")
    draft = test.session_state["session"].draft
    draft.put(
        "# mine\nname: Mine\nsystem_prompt: Be mine.\n"
        "checks: [{type: max-chars, value: 9}, {type: llm-rubric, value: is kind}]\n"
    )
    test.run()
    test.chat_input(key="try").set_value("Hello").run()
    rubric, reply = draft.persona.checks[1], draft.trial.conversation.messages[-1]
    judge = Message("assistant", '{"pass": false, "reason": "Too short."}', info=reply.info)
    test.session_state["session"].judged[rubric, reply] = SimpleNamespace(done=True, message=lambda: judge)
    given = handed_out(test, monkeypatch)
    test.run()
    assert not test.exception
    inside = files(given["trial_bundle"]())
    assert "Too short." in inside["checks.md"].decode()
    assert inside["persona.yaml"].decode() == draft.text
    assert b"Fine." in inside["dialogue.json"]
    assert b'"passed": true' in inside["checks.json"]
