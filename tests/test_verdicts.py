"""Checks under a reply: what is said of each verdict, when nothing is said, and that nothing is asked for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from playground.checks import Check
from tests.fake_provider import FakeProvider, Script
from tests.test_pages import Opened, ask, folder, opened
from tests.test_workshop import click, types
from ui import verdicts

__all__ = ["folder", "opened"]

CHECKED = """
name: Judge
greeting: Hello!
system_prompt: Be lucky.
checks:
  - {type: ends-with, value: Lucky Vicky!}
  - {type: max-chars, value: 40}
  - {type: not-contains, value: '![x](http://foreign.example/a)'}
  - {type: llm-rubric, value: is kind}
"""


def lines(test: AppTest) -> list[str]:
    """The lines of verdicts on the page, without the marks that keep Markdown out."""
    told = [c.value.replace("\\", "") for c in test.main.caption]
    return [line for text in told for line in text.split("  \n") if line[:7] in (":green[", ":orange")]


@pytest.fixture
def judge(folder: Path) -> Path:
    (folder / "03_judge.yaml").write_text(CHECKED, "utf-8")
    return folder


def test_what_held_stands_in_one_line(opened: Opened, judge: Path, provider: FakeProvider) -> None:
    provider.script = Script(["So lucky. Lucky Vicky!"])
    test = ask(opened(persona="judge"), "Rain")
    (line,) = lines(test)
    assert line.startswith(
        ":green[✓] must end with “Lucky Vicky!” · must have at most 40 characters · must not"
    )
    assert len(provider.chats) == 1
    assert "kind" not in line


@pytest.mark.parametrize(
    ("language", "failed"),
    [
        ("en", ":orange[✗] expected: must end with “Lucky Vicky!”; found: it ends “"),
        ("zh-TW", ":orange[✗] 要求：要以「Lucky Vicky!」結尾；結果：結尾是「"),
    ],
)
def test_what_did_not_hold_is_told(
    opened: Opened, judge: Path, provider: FakeProvider, language: str, failed: str
) -> None:
    provider.script = Script(["Bad luck."])
    test = ask(opened(persona="judge", language=language), "Rain")
    held, told = lines(test)
    assert held.startswith(":green[✓]")
    assert told.startswith(failed)


@pytest.mark.parametrize(
    "script",
    [
        Script(status=500, body={"error": {"message": "broken"}}),
        Script([]),
        Script(["half"], finish_reason="content_filter"),
    ],
    ids=["failed", "empty", "filtered"],
)
def test_a_reply_that_was_broken_off_is_not_judged(
    opened: Opened, judge: Path, provider: FakeProvider, script: Script
) -> None:
    provider.script = script
    assert lines(ask(opened(persona="judge"), "Rain")) == []


def test_a_persona_without_checks_has_no_line(opened: Opened) -> None:
    assert lines(ask(opened(persona="vicky"), "Rain")) == []


def test_the_workshop_judges_the_draft(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(["Lucky Vicky!"])
    test = types(opened("workshop"), CHECKED)
    test.chat_input(key="try").set_value("Rain").run()
    assert len(lines(test)) == 1
    # Another wish, and the same reply is judged anew.
    types(test, CHECKED.replace("Lucky Vicky!", "Bye"))
    assert any("expected: must end with “Bye”" in line for line in lines(test))
    assert len(provider.chats) == 1
    click(test, "start_over")
    assert lines(test) == []


def test_a_reply_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    real = verdicts.run
    monkeypatch.setattr(verdicts, "run", lambda check, reply: runs.append(reply) or real(check, reply))
    checks = (Check(type="contains", value="once"), Check(type="llm-rubric", value="kind"))
    for _ in range(3):
        assert [one.passed for one in verdicts.judged(checks, "judged only once")] == [True]
    assert runs == ["judged only once"]


def test_a_long_wish_is_shortened() -> None:
    assert len(verdicts._short("word " * 500)) == verdicts.LONGEST + 1
