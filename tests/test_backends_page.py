"""The providers page: what stands there for each provider, and what the one button finds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import streamlit as st
import yaml
from streamlit import config
from streamlit.runtime.secrets import Secrets

from playground.i18n import translator
from playground.providers import Quirks
from playground.usage import Total
from tests.fake_provider import FakeProvider, Script, api_error
from tests.test_pages import Opened, folder, opened
from ui.backends import dialect
from ui.markdown import plain
from ui.shared import classroom

__all__ = ["folder", "opened"]


def test_each_provider_has_a_card(opened: Opened) -> None:
    test = opened("providers")
    assert [h.value for h in test.main.subheader] == ["Fake", "Keyed"]
    assert not test.button(key="test_fake").disabled
    assert test.button(key="test_keyed").disabled
    assert any("https://keyed.example/keys" in m.value for m in test.main.markdown)


def test_a_class_that_was_stopped_tests_nothing(opened: Opened) -> None:
    classroom().stop()
    try:
        test = opened("providers")
        assert test.button(key="check_room").disabled
        assert test.button(key="test_fake").disabled
    finally:
        classroom().go_on()


def test_a_test_is_paid_from_the_budget_and_keeps_the_pace(
    opened: Opened, folder: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody may press the button, and the key is the class's."""
    monkeypatch.setenv("KEYED_API_KEY", "sk-operator-0123456789")
    file = folder.parent / "providers.yaml"
    room = yaml.safe_load(file.read_text("utf-8"))
    room["providers"]["keyed"] |= {"daily_budget_usd": 0.00001, "pace": {"at_once": 1}}
    file.write_text(yaml.safe_dump(room), "utf-8")
    provider.script = Script(["Hello."], usage={"prompt_tokens": 10, "completion_tokens": 10})
    before = classroom().ledger.spent(time.time()).get("keyed", Total())
    test = opened("providers", provider="keyed")
    for _ in range(3):
        test.button(key="test_keyed").click().run()
    assert len(provider.chats) == 1
    after = classroom().ledger.spent(time.time())["keyed"]
    assert (after.replies - before.replies, float(after.amount - before.amount)) == (1, 0.00003)
    told = "\n".join(m.value for m in test.main.markdown)
    assert plain(translator("en")("failure.budget_spent.what", provider="Keyed")) in told


@pytest.mark.parametrize(("language", "words"), [("en", "answered"), ("zh-TW", "回答了")])
def test_one_button_checks_the_room(
    opened: Opened, provider: FakeProvider, language: str, words: str
) -> None:
    test = opened("providers", language=language)
    test.button(key="check_room").click().run()
    told = "\n".join(m.value for m in test.main.markdown)
    assert "✓" in told
    assert "✗" not in told
    assert words in told
    assert len(provider.chats) == 1


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_room_is_seen_in_one_look(
    opened: Opened,
    folder: Path,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
) -> None:
    """What the one button found stands beside it, not only in cards further down."""
    file = folder.parent / "providers.yaml"
    room = yaml.safe_load(file.read_text("utf-8"))
    room["providers"]["asleep"] = {"label": "Asleep", "kind": "local", "base_url": "http://127.0.0.1:9/v1"}
    file.write_text(yaml.safe_dump(room, sort_keys=False), "utf-8")
    monkeypatch.setenv("KEYED_API_KEY", "sk-wrong-0123456789")
    left = {"x-ratelimit-remaining-requests": "12"}
    refusal = Script(status=401, body=api_error("Incorrect API key"))
    provider.script = lambda body: refusal if body["model"] == "fake-large" else Script(["Hi."], headers=left)
    t, test = translator(language), opened("providers", language=language)
    before = [m.value for m in test.main.markdown]
    test.button(key="check_room").click().run()
    board = test.main.markdown[0].value
    assert board not in before
    fake, keyed, asleep = board.replace("\\", "").split("  \n")
    assert fake.startswith(":green[✓] **Fake** fake-small")
    assert t("doctor.quota.requests", count=12) in fake
    assert keyed.startswith(f":red[✗] **Keyed** {t('failure.bad_key.what', provider='Keyed')}")
    assert asleep == f"– {t('backends.not_running', names='Asleep')}"


def test_a_server_that_the_visitor_named_is_the_one_that_is_tested(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.session.is_here", lambda: True)
    with FakeProvider() as own:
        test = opened().text_input(key="base_url").set_value(own.base_url).run()
        test.switch_page("pages/providers.py").run().button(key="test_fake").click().run()
        assert not test.exception
        assert (len(own.chats), len(provider.chats)) == (1, 0)
        assert {request.authorization for request in own.requests} == {"Bearer not-a-secret"}


def test_what_is_wrong_is_told(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(status=401, body={"error": {"message": "Incorrect API key"}})
    test = opened("providers")
    test.button(key="test_fake").click().run()
    told = "\n".join(m.value for m in test.main.markdown)
    assert "✗" in told
    assert "does not accept this key" in told


def test_dialect_is_told_from_the_data() -> None:
    quirks = Quirks.model_validate(
        {
            "max_tokens_field": "max_completion_tokens",
            "stream_usage": "never",
            "drop_params": ["seed"],
            "param_mappings": {"seed": "random_seed"},
            "constraints": {"temperature": [0, 1.5]},
            "messages": {"first_role": "user", "alternate": True, "last_role": "user"},
            "reasoning": {"off": {"reasoning_effort": "none"}},
        }
    )
    for language in ("en", "zh-TW"):
        told = list(dialect(translator(language), quirks))
        assert len(told) == 9
        assert "`max_completion_tokens`" in told[0]
        assert "1.5" in told[4]
    assert list(dialect(translator("en"), Quirks())) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'Keyed = sk-slip-0123456789"\nTEACHER_PASSCODE = "a quiet sentinel"\n', "at line 1, column 9"),
        (b'Keyed = "sk-slip-0123456789 \xff"\n', "UnicodeDecodeError"),
    ],
)
def test_a_slip_in_the_secrets_is_told(
    opened: Opened,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    content: bytes,
    reason: str,
) -> None:
    """Neither as if there were none, nor with a word of what stands there."""
    file = tmp_path / "secrets.toml"
    file.write_bytes(content)
    monkeypatch.setattr(st, "secrets", Secrets())
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(file)])
    try:
        pages = [opened(page) for page in ("providers", "classroom")]
    finally:
        config.set_option("secrets.files", before)
    for test in pages:
        assert [box.value for box in test.main.error] == [
            f"secrets.toml cannot be read ({reason}), so its keys are not used."
        ]
        assert "slip-0123" not in str(test.main) + str(test.sidebar)
    assert "TEACHER_PASSCODE" not in str(pages[1].main)
    assert [record.getMessage() for record in caplog.records if record.name == "ui.session"] == [
        f"secrets.toml cannot be read ({reason}), so its keys are not used"
    ]
    assert "slip-0123" not in caplog.text
