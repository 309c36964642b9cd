"""The panel beside the chat: what was sent, what would be sent, the switches, the code; and chats as files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from playground.exports import EXPORTS
from playground.i18n import LANGUAGES, translator
from playground.messages import Message, ReplyInfo
from playground.providers import MessageRules
from playground.sent import Sent
from playground.wire import Leave, build_body
from tests.faithful_scenes import DISTINCT, SCENES, TUNED, setup_for
from tests.fake_provider import FakeProvider, Script, api_error
from tests.test_pages import Opened, ask, folder, opened
from ui import sent_views
from ui.markdown import plain
from ui.models import provider_name

__all__ = ["folder", "opened"]

SENTINEL = "sk-sentinel-0123456789"
WHOSE = {"renamed", "dropped", "refused", "clamped", "added"}
"""What is explained by the service that wants it so."""
INFO = ReplyInfo("mistral", "m", "stop", 1.0, 0.5)


def panel(opened: Opened, **query: str) -> AppTest:
    test = opened(**query).toggle(key="show_sent").set_value(True).run()
    assert not test.exception
    return test


def viewed(test: AppTest, view: str) -> AppTest:
    test.session_state["session"].sent_view = view
    test.run()
    assert not test.exception
    return test


def badges(test: AppTest) -> list[str]:
    return [m.value.split("  \n")[0] for m in test.main.markdown if "-badge[" in m.value]


def texts(test: AppTest) -> list[str]:
    return [text.value for text in test.main.text]


def test_nothing_of_it_is_there_before_it_is_wanted(opened: Opened) -> None:
    test = ask(opened(), "Rain")
    assert test.toggle(key="show_sent").value is False
    assert not badges(test)
    assert not test.main.code
    assert "sent_reply" not in {box.key for box in test.selectbox}


@pytest.mark.parametrize(("language", "words"), [("en", "System prompt"), ("zh-TW", "系統提示詞")])
def test_a_persona_is_the_first_message_before_anything_is_asked(
    opened: Opened, provider: FakeProvider, language: str, words: str
) -> None:
    test = panel(opened, lang=language, persona="vicky")
    assert badges(test)[0] == f":violet-badge[system] :gray-badge[{words}]"
    assert texts(test)[:2] == ["You turn bad luck into luck.", "Hi! What went wrong today?"]
    assert len(badges(test)) == 3
    assert provider.chats == []


def test_the_panel_follows_the_latest_reply(opened: Opened, provider: FakeProvider) -> None:
    test = panel(opened)
    ask(test, "Rain")
    ask(test, "Snow")
    assert test.selectbox(key="sent_reply").value == "2"
    assert texts(test) == [message["content"] for message in provider.chats[-1].json["messages"]]
    test.selectbox(key="sent_reply").set_value("1").run()
    assert texts(test) == [message["content"] for message in provider.chats[0].json["messages"]]
    ask(test, "Hail")
    assert test.selectbox(key="sent_reply").value == "3"
    test.switch_page("pages/about.py").run()
    test.switch_page("streamlit_app.py").run()
    assert texts(test) == [message["content"] for message in provider.chats[-1].json["messages"]], (
        "still open"
    )


def test_what_was_sent_for_an_earlier_reply_is_one_click_away(opened: Opened, provider: FakeProvider) -> None:
    test = opened()
    for question in ("Rain", "Snow", "Hail"):
        ask(test, question)
    test.run()
    openers = [button.key for button in test.main.button if str(button.key).startswith("open_sent_")]
    assert openers == ["open_sent_1", "open_sent_2"], "the switch below opens the last one's"
    test.button(key="open_sent_2").click().run()
    assert test.toggle(key="show_sent").value is True
    assert texts(test) == [message["content"] for message in provider.chats[1].json["messages"]]
    test.session_state["session"].chat.sent.clear()
    test.run()
    assert test.selectbox(key="sent_reply").value == "next"
    assert any("until the page is loaded anew" in caption.value for caption in test.main.caption)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_is_explained_once(opened: Opened, language: str) -> None:
    t = translator(language)
    test = panel(opened, lang=language)
    chat = test.session_state["session"].chat
    setup = setup_for("mistral", persona=TUNED)
    chat.sent.append(Sent(setup, build_body(setup, SCENES["all of it"].conversation), b"", INFO))
    chat.conversation = chat.conversation.say("Q").answered(Message("assistant", "A", info=INFO))
    test.run()
    assert not test.exception
    shown = "".join(m.value for m in test.main.markdown)
    for part in ("system_prompt", "greeting", "example", "history", "question", "reminder"):
        assert shown.count(t(f"sent.why.{part}")) == 1, part


def test_the_exact_body_and_the_events_are_shown(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(["a"] * 30, headers={"x-ratelimit-remaining-requests": "7", "x-other": "no"})
    test = viewed(ask(panel(opened), "下雨了 <b> `x`"), "json")
    body, events = (code.value for code in test.main.code)
    assert body.encode() == provider.chats[0].body
    came = events.split("\n\n")
    assert len(came) == 13
    assert "21 more" in came[6]
    assert json.loads(came[0].removeprefix("data: "))["choices"][0]["delta"]["role"] == "assistant"
    assert "usage" in json.loads(came[-1].removeprefix("data: "))
    every = next(one for one in test.toggle if one.label == "Show every event").set_value(True).run()
    assert [code.value for code in every.main.code][1].count("data: {") == 33
    viewed(test, "messages")
    assert test.main.code[-1].value == "x-ratelimit-remaining-requests: 7"


def test_figures_of_the_answer(opened: Opened) -> None:
    test = ask(panel(opened), "Rain")
    figures = {metric.label: metric.value for metric in test.main.metric}
    assert set(figures) == {"First token", "Tokens per second", "Tokens read", "Tokens written"}
    assert figures["Tokens written"] == "3"


@pytest.mark.parametrize(
    ("part", "missing"),
    [
        ("system_prompt", "You turn bad luck into luck."),
        ("greeting", "Hi! What went wrong today?"),
        ("history", "Rain"),
    ],
)
def test_a_part_can_be_left_out(opened: Opened, provider: FakeProvider, part: str, missing: str) -> None:
    test = ask(panel(opened), "Rain")
    assert missing in texts(test)
    test.toggle(key=f"with_{part}").set_value(False).run()
    assert missing not in texts(test)
    assert any("as you chose" in m.value for m in test.main.markdown)
    ask(test, "Snow")
    sent = provider.chats[-1].json["messages"]
    assert missing not in [message["content"] for message in sent]
    assert texts(test) == [message["content"] for message in sent]
    test.session_state["session"].chat.sent.clear()  # as after a reload
    test.run()
    assert sum("without: " in c.value for c in test.main.caption) == 1
    test.button(key="new_chat").click().run()
    assert test.toggle(key=f"with_{part}").value is True


def test_the_same_in_code(opened: Opened) -> None:
    test = viewed(ask(panel(opened), "Rain"), "code")
    assert [tab.label for tab in test.main.tabs] == ["Python", "curl", "JavaScript"]
    python, curl, javascript = (code.value for code in test.main.code)
    assert "from openai import OpenAI" in python
    assert "/chat/completions" in curl
    assert "fetch(" in javascript
    assert all('"Rain"' in code for code in (python, curl, javascript))
    assert any(button.label == "As a notebook" for button in test.main.get("download_button"))


def test_a_refused_request_is_shown_with_what_was_said_to_it(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(status=400, body=api_error("No such thing"))
    test = viewed(ask(panel(opened), "Rain"), "json")
    assert test.main.code[-2].value.encode() == provider.chats[-1].body
    assert "No such thing" in test.main.code[-1].value


def test_a_key_is_nowhere_in_it(opened: Opened, provider: FakeProvider) -> None:
    echoed = f"Incorrect key {SENTINEL}"
    replies = [Script(["ok ", SENTINEL]), Script(status=401, body=api_error(echoed))]
    test = panel(opened, provider="keyed")
    test.text_input(key="api_key").set_value(SENTINEL).run()
    for script in replies:
        provider.script = script
        ask(test, "Rain")
        for view in ("messages", "json", "code"):
            viewed(test, view)
            shown = [*texts(test), *(c.value for c in test.main.code), *(c.value for c in test.main.caption)]
            assert not any(SENTINEL in text for text in shown)
    assert provider.chats[-1].authorization == f"Bearer {SENTINEL}"


def test_a_deleted_turn_is_not_shown(opened: Opened) -> None:
    test = ask(panel(opened), "Rain")
    test.button(key="delete").click().run()
    assert not test.exception
    assert test.selectbox(key="sent_reply").value == "next"


def test_a_chat_can_be_had_as_a_file_when_it_is_wanted(opened: Opened) -> None:
    test = ask(opened(), "Rain")
    before = len(test.main.get("download_button"))
    test.session_state["more"] = True
    test.run()
    assert not test.exception
    assert len(test.main.get("download_button")) == before + len(EXPORTS) + 1  # and the bundle


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_quirk_changes_has_words(language: str) -> None:
    """Every note that any shipped model, or any setting of a quirk, can give."""
    t, seen = translator(language), set()
    ways: list[dict[str, Any]] = [{"greeting": way} for way in ("as_user_lead", "in_system", "drop")]
    ways += [{"system_role": role} for role in ("developer", "user")]
    ways += [
        {"constraints": {"temperature": (0, 0.1)}},
        {"drop_params": ("top_p",)},
        {"add_params": {"a_b": 1}},
    ]
    strict = MessageRules(first_role="user", last_role="user", alternate=True)
    setups = [setup_for(name, model, TUNED) for name, model in DISTINCT]
    setups += [replace(one, refused=frozenset({"temperature"})) for one in setups]
    setups += [replace(one, leave=Leave(True, True, True)) for one in setups[:3]]
    for way in ways:
        quirks = setups[0].quirks.model_copy(update={"messages": strict, **way})
        setups.append(replace(setups[0], quirks=quirks))
    for setup in setups:
        for scene in SCENES.values():
            for note in build_body(setup, scene.conversation).notes:
                words = sent_views.worded(t, note, setup)
                service = plain(provider_name(t, setup.provider))
                assert "\\" not in words.replace(service, "")
                assert (service in words) == (note.code in WHOSE)
                seen.add(note.code)
    assert seen == {"renamed", "dropped", "refused", "clamped", "added", "moved"} | {
        *("merged", "raised", "trimmed", "left_out")
    }


def test_of_a_long_request_the_ends_are_drawn(opened: Opened) -> None:
    test = panel(opened)
    chat = test.session_state["session"].chat
    for number in range(30):
        chat.conversation = chat.conversation.say(f"Q{number}").answered(Message("assistant", f"A{number}"))
    test.run()
    shown = texts(test)
    assert len(shown) == sum(sent_views.EDGES)
    assert (shown[0], shown[-2]) == ("You turn bad luck into luck.", "A29")
    assert any("33 more messages" in caption.value for caption in test.main.caption)
    assert badges(test)[-1] == ":blue-badge[user] :gray-badge[Question]"
