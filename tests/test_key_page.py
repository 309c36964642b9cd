"""What the chat page says of keys, failures, quota and tokens."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from playground.i18n import translator
from playground.messages import Failure, Message, ReplyInfo
from tests.conftest import ROOT
from tests.fake_provider import FakeProvider, Script, api_error
from tests.test_pages import Opened, ask, folder, opened, said
from tests.wire_behaviours import HALF, W1, H, sse
from tests.wire_cases import CASES

__all__ = ["folder", "opened"]

KEY = "sk-typed-0123456789"


ERRORS = yaml.safe_load((ROOT / "providers.yaml").read_text("utf-8"))["defaults"]["errors"]


@pytest.fixture(autouse=True)
def _schooled(folder: Path, tmp_path: Path) -> None:
    """What errors mean is known here as it is in the shipped file."""
    room = yaml.safe_load((tmp_path / "providers.yaml").read_text("utf-8"))
    room["defaults"]["errors"] = ERRORS
    (tmp_path / "providers.yaml").write_text(yaml.safe_dump(room), "utf-8")


def with_key(opened: Opened, key: str = KEY, **query: str) -> AppTest:
    return opened(provider="keyed", **query).text_input(key="api_key").set_value(key).run()


def told(test: AppTest) -> str:
    return "\n".join(box.value for box in test.main.warning)


def line(test: AppTest) -> str:
    """The quiet line under the last reply."""
    return next(c.value for c in reversed(test.main.caption) if " · " in c.value)


def test_a_typed_key_can_be_cleared(opened: Opened, provider: FakeProvider) -> None:
    test = opened(provider="keyed")
    assert "clear_key" not in {button.key for button in test.sidebar.button}
    test.text_input(key="api_key").set_value(KEY).run()
    test.button(key="clear_key").click().run()
    assert test.text_input(key="api_key").value == ""
    assert test.session_state["session"].keys == {}
    assert "clear_key" not in {button.key for button in test.sidebar.button}
    ask(test, "Hello")
    assert "Keyed needs a key" in told(test)
    assert provider.chats == []


def test_only_the_one_key_is_cleared(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYED_API_KEY", "sk-from-outside-01234")
    test = with_key(opened)
    test.session_state["session"].keys["other"] = "sk-other-0123456789"
    test.button(key="clear_key").click().run()
    assert test.session_state["session"].keys == {"other": "sk-other-0123456789"}
    assert any("computer's environment" in c.value for c in test.sidebar.caption)


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_a_key_that_cannot_be_one_is_told_where_it_was_pasted(opened: Opened, language: str) -> None:
    words = translator(language)("failure.bad_key_format.do")
    test = with_key(opened, "我的金鑰", lang=language)
    assert [box.value for box in test.sidebar.warning] == [words]
    assert test.button(key="clear_key")
    assert not any("check:" in c.value for c in test.sidebar.caption)
    assert not test.text_input(key="api_key").set_value(f" Bearer {KEY}\n").run().sidebar.warning


PASTED = "My key is gsk_abcdefghijklmnop1234.\nWhy does **it** not work?"


@pytest.mark.parametrize(
    ("language", "words"), [("en", "looks like an API key"), ("zh-TW", "看起來像 API 金鑰")]
)
def test_a_key_in_a_question_is_hidden_and_the_question_kept(
    opened: Opened, provider: FakeProvider, language: str, words: str
) -> None:
    test = ask(opened(lang=language), PASTED)
    assert provider.chats == []
    assert words in told(test)
    hidden = PASTED.replace("gsk_abcdefghijklmnop1234", "gsk…1234")
    assert said(test)[-1] == hidden.replace("_", "\\_")
    test.button(key="again").click().run()
    assert provider.chats[-1].json["messages"][-1]["content"] == hidden
    assert "You asked" in said(test)[-1]


def test_a_key_without_a_mark_is_known_once_it_was_typed(opened: Opened, provider: FakeProvider) -> None:
    key = "abcdefghijklmnopqrstuvwxyz012345"
    test = ask(with_key(opened, key), f"Is {key} right?")
    assert provider.chats == []
    assert said(test)[-1] == "Is abc…2345 right?"


def test_a_key_that_waits_or_is_edited_in_is_hidden_too(opened: Opened, provider: FakeProvider) -> None:
    test = opened()
    test.session_state["session"].chat.waiting.append(PASTED)
    ask(test, "Hello")
    assert len(provider.chats) == 1
    assert "looks like an API key" in told(test)
    test.button(key="edit").click().run()
    test.text_area(key="edited").set_value("And hf_abcdefghijklmnop1234?").run()
    test.button(key="resend").click().run()
    assert len(provider.chats) == 1
    assert "abcdefghijklmnop" not in "\n".join(said(test))


SAID: dict[str, str] = {
    "status_401_echoes_key": "bad_key",
    "status_403": "no_permission",
    "status_402": "no_credit",
    "status_404": "not_found",
    "status_413": "too_long",
    "status_400_html": "bad_request",
    "status_400_detail": "bad_request",
    "status_400_not_utf8": "bad_request",
    "status_502_html": "overloaded",
    "200_html": "not_an_api",
    "200_empty": "empty",
    "zero_events": "empty",
    "finish_content_filter": "filtered",
    "refusal": "refused",
    "tool_calls": "tool_call",
    "reasoning_only": "only_thinking",
    "eof_chunked": "cut_off",
    "malformed_json": "bad_stream",
    "error_obj_mid": "overloaded",
    "huge_event": "too_big",
}


UNTOLD = {"empty", "filtered", "tool_call", "only_thinking", "too_big"}
"""Failures that nobody has said a word about."""


@pytest.mark.parametrize(("number", "name"), list(enumerate(SAID)))
def test_a_failure_is_a_message_with_a_way_on(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    """Half of them in the one language, half in the other."""
    language, case = ("en", "zh-TW")[number % 2], CASES[name]
    monkeypatch.setattr(provider, "serve", case.serve)
    test = ask(opened(lang=language), "Hello?")
    t = translator(language)
    words = t(f"failure.{SAID[name]}.what", provider="Fake", model="fake\\-small")
    assert told(test).startswith(f"**{words}**")
    assert test.button(key="again").label == t("chat.retry")
    if case.expect_text and isinstance(case.expect_text, str):
        assert said(test)[-1] == case.expect_text.strip(), "what came is kept"
    label = "failure.cause" if SAID[name] == "cut_off" else "failure.details"
    folds = [one.code[0].value for one in test.main.expander if one.label == t(label)]
    assert len(folds) == (SAID[name] not in UNTOLD)
    assert not any("Traceback" in words or "<" in words for words in folds)


@pytest.mark.parametrize(("language", "words"), [("en", "may be incomplete"), ("zh-TW", "可能不完整")])
def test_a_reply_that_nobody_ended_is_unconfirmed(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, language: str, words: str
) -> None:
    monkeypatch.setattr(provider, "serve", sse(H, W1))
    test = ask(opened(lang=language), "Hello?")
    assert said(test)[-1] == HALF
    assert words in line(test)
    assert test.button(key="go_on")
    assert not test.main.warning


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_a_failure_from_elsewhere_has_words_too(opened: Opened, language: str) -> None:
    test = opened(lang=language)
    info = ReplyInfo("nobody", "m", "failed", 1.0, failure=Failure("of_another_day", detail="e77"))
    chat = test.session_state["session"].chat
    chat.conversation = chat.conversation.say("hi").answered(Message("assistant", "", info=info))
    test.run()
    assert not test.exception
    assert translator(language)("failure.internal.what") in told(test)
    assert "e77" in told(test)


DAY = api_error("Rate limit reached on tokens per day (TPD). Please try again in 9m38s.")


@pytest.mark.parametrize(
    ("language", "body", "words"),
    [
        ("en", DAY, ["Today's quota of this Keyed key is spent", "the key that you typed", "10 minutes"]),
        ("zh-TW", DAY, ["今天的額度用完了", "你輸入的金鑰", "大約 10 分鐘"]),
        ("en", api_error("Too many requests per day"), ["until tomorrow"]),
        ("zh-TW", api_error("Too many requests per day"), ["到明天"]),
    ],
)
def test_a_spent_day_says_when_it_comes_back(
    opened: Opened, provider: FakeProvider, language: str, body: object, words: list[str]
) -> None:
    provider.script = Script(status=429, body=body)
    test = ask(with_key(opened, lang=language), "Hello?")
    assert [word for word in words if word not in told(test)] == []
    assert len(provider.chats) == 1
    assert test.button(key="again")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [("7.2", "about 8 seconds"), ("119", "about 119 seconds"), ("578", "about 10 minutes")],
)
def test_a_wait_is_told_in_its_own_size(
    opened: Opened, provider: FakeProvider, seconds: str, words: str
) -> None:
    provider.script = Script(status=429, body=api_error("Slow down"), headers={"retry-after": seconds})
    assert words in told(ask(opened(), "Hello?"))


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"x-ratelimit-remaining-requests": "999"}, "requests left: 999"),
        (
            {"x-ratelimit-remaining-requests": "999", "x-ratelimit-remaining-tokens": "7000"},
            "tokens left: 7,000",
        ),
        (
            {"x-ratelimit-remaining-requests": "3", "x-ratelimit-remaining-tokens": "7000"},
            "requests left: 3",
        ),
    ],
)
def test_the_scarcer_quota_is_told(
    opened: Opened, provider: FakeProvider, headers: dict[str, str], words: str
) -> None:
    provider.script = Script(["Hi."], headers=headers, usage={"prompt_tokens": 60, "completion_tokens": 40})
    told = line(ask(opened(), "Hello"))
    assert words in told
    assert told.count("left:") == 1


def test_a_guess_is_marked_as_one(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(["One two three."], send_usage="never")
    test = ask(with_key(opened), "Hello")
    assert "about 4 tokens" in line(test)
    assert "about <\\$0.0001" in line(test) or "about \\$0.0" in line(test)
    basis = next(c.proto.help for c in test.main.caption if "tokens" in c.value)
    assert "By the prices in providers.yaml; an estimate." in basis
    assert "they are a guess" in basis


def test_thoughts_are_counted_and_paid_for(opened: Opened, provider: FakeProvider) -> None:
    spent = {"prompt_tokens": 1000, "completion_tokens": 500}
    spent["completion_tokens_details"] = {"reasoning_tokens": 500}  # type: ignore[assignment]
    provider.script = Script([], finish_reason="length", usage=spent)
    test = ask(with_key(opened), "Hello")
    assert "used up its tokens on thinking" in told(test)
    assert "500 tokens, 500 of them for thinking" in line(test)
    assert "about \\$0.0020" in line(test)
    assert any("about \\$0.0020 so far" in c.value for c in test.main.caption)


def choose(test: AppTest, provider: str) -> AppTest:
    return test.selectbox(key="provider").set_value(provider).run()


@pytest.mark.parametrize("order", list(permutations(("key", "server", "talk"))), ids=" ".join)
def test_a_server_of_ones_own_never_sees_anothers_key(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    """In whatever order they are chosen, and with a key of the operator's lying about."""
    monkeypatch.setattr("ui.session.is_here", lambda: True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-operator-0123456789")
    monkeypatch.setenv("KEYED_API_KEY", "sk-operator-0123456789")
    with FakeProvider() as own:
        steps = {
            "key": lambda test: choose(test, "keyed").text_input(key="api_key").set_value(KEY).run(),
            "server": lambda test: (
                choose(test, "fake").text_input(key="base_url").set_value(own.base_url).run()
            ),
            "talk": lambda test: ask(choose(test, "keyed"), "Hello?"),
        }
        test = opened()
        for step in order:
            steps[step](test)
        for name in ("fake", "keyed", "fake"):
            ask(choose(test, name), "Anybody?")
        assert {request.authorization for request in own.requests} == {"Bearer not-a-secret"}
        assert len(own.chats) == 2
    assert provider.chats[-1].authorization == f"Bearer {KEY}"
