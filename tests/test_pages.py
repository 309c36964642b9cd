"""Every page through Streamlit's own test runner: what stands on it, and what a choice changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.fake_provider import FakeProvider, Script, echo
from tests.rooms import PERSONAS, PROVIDERS

Opened = Callable[..., AppTest]


@pytest.fixture
def folder(tmp_path: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A room of our own: two personas, a fake provider, no key anywhere."""
    personas = tmp_path / "personas"
    personas.mkdir()
    for name, text in PERSONAS.items():
        (personas / name).write_text(text, "utf-8")
    providers = tmp_path / "providers.yaml"
    providers.write_text(PROVIDERS.format(base_url=provider.base_url), "utf-8")
    monkeypatch.setenv("PLAYGROUND_PERSONAS", str(personas))
    monkeypatch.setenv("PLAYGROUND_PROVIDERS", str(providers))
    monkeypatch.delenv("KEYED_API_KEY", raising=False)
    provider.reset()
    provider.script = echo
    provider.key = None
    return personas


@pytest.fixture
def opened(folder: Path) -> Opened:
    def open_page(page: str = "", language: str = "en-US", **query: str) -> AppTest:
        test = AppTest.from_file("../streamlit_app.py", default_timeout=30)
        test.context = {"locale": language, "timezone": "Asia/Taipei"}
        for name, value in query.items():
            test.query_params[name] = value
        test.run()
        if page:
            test.switch_page(f"pages/{page}.py").run()
        assert not test.exception
        return test

    return open_page


def ask(test: AppTest, text: str) -> AppTest:
    test.chat_input[0].set_value(text).run()
    assert not test.exception
    return test


def said(test: AppTest) -> list[str]:
    """What stands in the messages, one text a message."""
    return [message.markdown[-1].value for message in test.chat_message if message.markdown]


def test_first_screen(opened: Opened) -> None:
    test = opened()
    assert test.title[0].value == "🍀  Vicky"
    assert said(test) == ["Hi! What went wrong today?"]
    assert [o.replace("\\", "") for o in test.pills[0].options] == [
        "I missed my bus.",
        "My phone broke.",
        "I lost my wallet.",
    ]
    assert [h.value for h in test.sidebar.subheader] == ["Persona", "Backend and model", "Settings"]


def test_the_keys_that_scripts_look_for(opened: Opened) -> None:
    test = opened(provider="keyed")
    for key in ("persona", "provider", "model"):
        assert test.selectbox(key=key).value
    assert test.text_input(key="api_key").value == ""
    assert test.button(key="new_chat")
    assert test.get("segmented_control") or test.get("button_group")


@pytest.mark.parametrize(
    ("language", "title"), [("zh-TW", "🧑‍🏫  王老師"), ("en-GB", "🍀  Vicky"), ("fr", "🍀  Vicky")]
)
def test_language_follows_the_browser(opened: Opened, language: str, title: str) -> None:
    assert opened(language=language).title[0].value == title


def test_language_of_the_link_wins(opened: Opened) -> None:
    test = opened(language="zh-TW", lang="en")
    assert test.sidebar.subheader[0].value == "Persona"


def test_a_turn(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), "Rain again")
    assert said(test)[1:] == ["Rain again", "You asked: Rain again"]
    assert any("Fake · fake" in c.value and "complete" in c.value for c in test.caption)
    body = provider.chats[0].json
    assert body["messages"][0] == {"role": "system", "content": "You turn bad luck into luck."}
    assert body["messages"][1] == {"role": "assistant", "content": "Hi! What went wrong today?"}
    assert (body["temperature"], body["max_tokens"]) == (0.5, 90)
    assert not test.pills


def test_new_chat_keeps_the_old_one(opened: Opened) -> None:
    test = ask(opened(), "Rain again")
    test.button(key="new_chat").click().run()
    assert said(test) == ["Hi! What went wrong today?"]
    assert [b.label for b in test.sidebar.button if b.key.startswith("chat_")] == ["🍀 Rain again"]


def test_persona_switch_greets(opened: Opened) -> None:
    test = ask(opened(), "Rain again")
    test.selectbox(key="persona").set_value("teacher").run()
    assert test.title[0].value == "🧑‍🏫  王老師"
    assert said(test) == ["你好，今天想弄懂什麼？"]
    assert test.query_params["persona"] == "teacher"


def test_provider_switch_keeps_the_dialogue(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), "Rain again")
    test.selectbox(key="provider").set_value("keyed").run()
    assert "You asked: Rain again" in said(test)
    test.text_input(key="api_key").set_value(" sk-typed-0123456789 ").run()
    ask(test, "And snow")
    assert provider.chats[-1].authorization == "Bearer sk-typed-0123456789"
    assert len(provider.chats[-1].json["messages"]) == 5


def test_key_stays_with_its_provider(opened: Opened, provider: FakeProvider) -> None:
    """A key that was typed for one provider is not shown for, or sent to, another."""
    test = opened(provider="keyed")
    test.text_input(key="api_key").set_value("sk-typed-0123456789").run()
    test.selectbox(key="provider").set_value("fake").run()
    ask(test, "Hello")
    assert provider.chats[-1].authorization == "Bearer not-a-secret"
    test.selectbox(key="provider").set_value("keyed").run()
    assert test.text_input(key="api_key").value == "sk-typed-0123456789"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "**Keyed needs a key.**"), ("zh-TW", "**Keyed 需要金鑰。**")]
)
def test_no_key_says_how_to_get_one(opened: Opened, language: str, words: str) -> None:
    test = opened(language=language, provider="keyed")
    assert any("https://keyed.example/keys" in box.value for box in test.info)
    ask(test, "Hello")
    assert any(box.value.startswith(words) for box in test.warning)
    assert test.button(key="again")


@pytest.mark.parametrize("origin", ["secrets", "environment"])
def test_key_found(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, origin: str
) -> None:
    if origin == "environment":
        monkeypatch.setenv("KEYED_API_KEY", "sk-from-outside-01234")
        test = opened(provider="keyed")
    else:
        test = opened()
        test.secrets["Keyed"] = "sk-from-outside-01234"
        test.run()
        test.selectbox(key="provider").set_value("keyed").run()
    assert any(origin in c.value or "secrets" in c.value for c in test.sidebar.caption)
    ask(test, "Hello")
    assert provider.chats[-1].authorization == "Bearer sk-from-outside-01234"


def test_key_in_a_question_is_not_sent(opened: Opened, provider: FakeProvider) -> None:
    test = ask(opened(), "my key is sk-abcdefghijklmnop1234")
    assert provider.chats == []
    told = [box.value for box in test.warning]
    assert any("looks like an API key" in text for text in told)
    assert not any("abcdefghijklmnop" in text for text in told)


def test_a_wrong_key_says_whose_it_is(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(status=401, body={"error": {"message": "Incorrect API key"}})
    test = opened(provider="keyed")
    test.text_input(key="api_key").set_value("sk-typed-0123456789").run()
    ask(test, "Hello")
    assert any("It is the key that you typed." in box.value for box in test.warning)


def test_quota_that_is_left_is_told(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(["Hi."], headers={"x-ratelimit-remaining-requests": "7"})
    test = ask(opened(), "Hello")
    assert any("requests left: 7" in c.value for c in test.main.caption)


def test_temperature_and_length(opened: Opened, provider: FakeProvider) -> None:
    test = opened()
    test.slider(key="temperature").set_value(1.5).run()
    test.select_slider(key="max_tokens").set_value(300).run()
    ask(test, "Hello")
    assert (provider.chats[0].json["temperature"], provider.chats[0].json["max_tokens"]) == (1.5, 300)
    test.selectbox(key="persona").set_value("teacher").run()
    ask(test, "Hello")
    assert provider.chats[1].json["max_tokens"] == 800
    assert "temperature" not in provider.chats[1].json


def test_failed_reply_is_told_in_the_readers_language(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(
        status=429, body={"error": {"message": "slow down"}}, headers={"retry-after": "40"}
    )
    test = ask(opened(language="zh-TW"), "在嗎")
    assert any("請等大約 40 秒" in box.value for box in test.warning)
    assert test.button(key="again").label == "重試"
    provider.script = echo
    test.button(key="again").click().run()
    assert said(test)[-1] == "You asked: 在嗎"


@pytest.mark.parametrize(("named", "living"), [("fake-old", "fake-large"), ("fake-mispelt", "fake-small")])
def test_retired_model_has_one_click_to_go_on(
    opened: Opened, provider: FakeProvider, named: str, living: str
) -> None:
    """The usual model takes the place of one that nobody told us of."""
    gone = {"error": {"message": "The model has been decommissioned", "code": "model_decommissioned"}}
    provider.script = [Script(status=400, body=gone), Script(["Here I am."])]
    test = ask(opened(provider="fake", model=named), "Anyone there?")
    assert any("or no longer does" in box.value and "fake" in box.value for box in test.warning)
    assert test.button(key="use_successor").label.replace("\\", "") == f"Go on with {living}"
    test.button(key="use_successor").click().run()
    assert said(test)[1:] == ["Anyone there?", "Here I am."]
    assert test.selectbox(key="model").value == living
    assert [c.json["model"] for c in provider.chats] == [named, living]


def test_unknown_names_in_a_link(opened: Opened) -> None:
    test = opened(persona="nobody", provider="fake", model="gone-1")
    told = " ".join(box.value for box in test.warning)
    assert "nobody" in told
    assert "gone" in told
    assert test.selectbox(key="model").value == "gone-1"


def test_broken_file_hides_nobody(opened: Opened, folder: Path) -> None:
    (folder / "00_broken.yaml").write_text("name: 王老師\nsystem_prompt： 你好\n", "utf-8")
    test = opened("gallery")
    assert [h.value.split()[-1] for h in test.main.subheader] == ["Vicky", "王老師"]
    assert any("00\\_broken" in e.label or "00_broken" in e.label for e in test.expander)


def test_gallery(opened: Opened) -> None:
    test = opened("gallery")
    assert test.title[0].value == "Personas"
    cards = [b.key for b in test.button if (b.key or "").startswith("talk_")]
    assert cards == ["talk_vicky", "talk_teacher"]
    test.text_input(key="search").set_value("luck").run()
    assert [b.key for b in test.button if (b.key or "").startswith("talk_")] == ["talk_vicky"]
    test.text_input(key="search").set_value("zebra").run()
    assert [box.value for box in test.info] == ["No persona fits. Take a word or a tag away."]


@pytest.mark.parametrize(("language", "title"), [("en", "In sixty seconds"), ("zh-TW", "六十秒上手")])
def test_about(opened: Opened, language: str, title: str) -> None:
    assert opened("about", language=language).title[0].value == title


def test_broken_providers_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("providers: [oops\n", "utf-8")
    test = AppTest.from_file("../streamlit_app.py", default_timeout=30).run()
    assert not test.exception
    assert "providers.yaml" in test.error[0].value.replace("\\", "")


def test_price_of_a_reply_and_of_the_conversation(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(["One."], usage={"prompt_tokens": 1000, "completion_tokens": 500})
    test = opened(provider="keyed")
    test.text_input(key="api_key").set_value("sk-typed-0123456789").run()
    ask(test, "Hello")
    captions = [c.value for c in test.main.caption]
    assert any("about \\$0.0020" in text and "500 tokens" in text for text in captions)
    assert any("about \\$0.0020 so far" in text for text in captions)


def test_thinking_is_shown_apart_and_never_sent_back(opened: Opened, provider: FakeProvider) -> None:
    provider.script = [Script(["Forty-two."], reasoning=["Let me ", "see."]), Script(["Yes."])]
    test = ask(opened(), "What is it?")
    assert said(test)[-1] == "Forty-two."
    folded = [e for e in test.main.expander if "Thinking" in e.label]
    assert [e.markdown[0].value for e in folded] == ["Let me see."]
    ask(test, "Sure?")
    assert "Let me see" not in str(provider.chats[-1].json)


def test_thinking_that_eats_the_whole_limit_says_so(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script([], reasoning=["hmm"], finish_reason="length")
    test = ask(opened(), "What is it?")
    assert any("used up its tokens on thinking" in box.value for box in test.warning)


def test_reply_without_an_end_can_be_continued(opened: Opened, provider: FakeProvider) -> None:
    provider.script = [Script(["Once upon"], finish_reason="length"), Script([" a time."])]
    test = ask(opened(), "A story")
    assert any("cut at the length limit" in c.value for c in test.main.caption)
    test.button(key="go_on").click().run()
    assert said(test)[-2:] == ["Please go on.", "a time."]


def test_nobody_else_names_a_server(opened: Opened) -> None:
    assert not any(box.key == "base_url" for box in opened().sidebar.text_input)
