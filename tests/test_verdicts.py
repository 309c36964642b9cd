"""Checks under a reply: what is said of each verdict, when nothing is said, and that nothing is asked for it."""

from __future__ import annotations

import json
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


# ---- A model judges


def judging(test: AppTest) -> AppTest:
    """Click, and come again when every judge has answered."""
    click(test, "judge")
    for answer in test.session_state["session"].judged.values():
        answer.linger(20)
    test.run()
    assert not test.exception
    return test


def offers(test: AppTest) -> list[str]:
    return [b.label for b in test.button if b.key in ("judge", "stop_judging")]


def told(test: AppTest) -> str:
    return next((line for line in lines(test) if "make a model agree" in line), "")


def test_a_model_judges_when_asked_and_once(opened: Opened, judge: Path, provider: FakeProvider) -> None:
    provider.script = Script(["So lucky. Lucky Vicky!"])
    test = ask(opened(persona="judge"), "Rain")
    assert offers(test) == ["Judge it (one call)"]
    assert any("1 check needs a model" in c.value for c in test.main.caption)
    provider.script = Script(['{"pass": true, "reason": "It is *very* kind."}'])
    judging(test)
    assert len(provider.chats) == 2
    asked = provider.chats[1].json
    assert asked["model"] == "fake-small"
    assert json.loads(asked["messages"][1]["content"]) == {
        "rubric": "is kind",
        "question": "Rain",
        "reply": "So lucky. Lucky Vicky!",
    }
    assert told(test).startswith(":green[✓] must make a model agree: “is kind” (the model says: It is *very*")
    assert "judge: fake-small" in told(test)
    assert offers(test) == []
    # It is no part of the dialogue, and is not asked again.
    test.switch_page("pages/about.py").run()
    test.switch_page("streamlit_app.py").run()
    assert told(test)
    assert len(test.session_state["session"].chat.conversation.messages) == 3
    assert len(provider.chats) == 2


def test_a_failing_verdict_says_why(opened: Opened, judge: Path, provider: FakeProvider) -> None:
    provider.script = Script(["Lucky Vicky!"])
    test = ask(opened(persona="judge", language="zh-TW"), "Rain")
    provider.script = Script(['{"pass": false, "reason": "語氣冷淡"}'])
    judging(test)
    line = next(line for line in lines(test) if "讓模型同意" in line)
    assert line.startswith(":orange[✗] 要求：要讓模型同意：「is kind」；結果：")
    assert "語氣冷淡" in line
    assert "判斷者：fake-small" in line


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (Script(status=500, body={"error": {"message": "broken"}}), "Fake has a problem just now"),
        (Script(["Well, perhaps."]), "the model gave no clear answer: Well, perhaps."),
    ],
    ids=["failed", "unclear"],
)
def test_what_could_not_be_judged_is_told_and_offered_again(
    opened: Opened, judge: Path, provider: FakeProvider, script: Script, why: str
) -> None:
    provider.script = Script(["Lucky Vicky!"])
    test = ask(opened(persona="judge"), "Rain")
    provider.script = script
    judging(test)
    (line,) = [c for c in test.main.caption if "could not be judged" in c.value.replace("\\", "")]
    assert why in line.value.replace("\\", "")
    assert offers(test) == ["Judge it (one call)"]
    provider.script = Script(['{"pass": true, "reason": "kind"}'])
    assert ":green[✓] must make a model agree" in told(judging(test))


def test_the_words_of_a_judge_are_text(opened: Opened, judge: Path, provider: FakeProvider) -> None:
    provider.script = Script(["Lucky Vicky!"])
    test = ask(opened(persona="judge"), "Rain")
    provider.script = Script(
        ['{"pass": true, "reason": "![x](http://foreign.example/a) <img src=x> :red[y]"}']
    )
    judging(test)
    (shown,) = [c.value for c in test.main.caption if "the model says" in c.value]
    assert "![" not in shown
    assert "\\<img" in shown
    assert "\\:red" in shown


def test_its_cost_is_shown(
    opened: Opened, judge: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYED_API_KEY", "sk-keyed-0123456789abcdef")
    provider.script = Script(["Lucky Vicky!"])
    test = ask(opened(persona="judge", provider="keyed"), "Rain")
    usage = {"prompt_tokens": 1000, "completion_tokens": 500}
    provider.script = Script(['{"pass": true, "reason": "kind"}'], usage=usage)
    judging(test)
    assert "$0.0020" in told(test)


def test_judging_can_be_stopped_and_outlives_a_page_change(
    opened: Opened, judge: Path, provider: FakeProvider
) -> None:
    provider.script = Script(["Lucky Vicky!"])
    test = ask(opened(persona="judge"), "Rain")
    gate = provider.gate(1)
    provider.script = Script(['{"pass": true', ', "reason": "kind"}'], gate=gate)
    click(test, "judge")
    assert offers(test) == ["Stop"]
    test.switch_page("pages/about.py").run()
    test.switch_page("streamlit_app.py").run()
    assert offers(test) == ["Stop"]
    click(test, "stop_judging")
    test.run()
    assert any("stopped" in c.value and "could not be judged" in c.value for c in test.main.caption)
    assert told(test) == ""
    assert offers(test) == ["Judge it (one call)"]
    gate.release()


def test_the_workshop_has_the_draft_judged(opened: Opened, provider: FakeProvider) -> None:
    provider.script = Script(["Lucky Vicky!"])
    test = types(opened("workshop"), CHECKED + "  - {type: not-llm-rubric, value: is cold}\n")
    test.chat_input(key="try").set_value("Rain").run()
    assert offers(test) == ["Judge them (2 calls)"]
    provider.script = Script(['{"pass": true, "reason": "so it is"}'])
    judging(test)
    assert [line[:9] for line in lines(test)] == [":green[✓]", ":green[✓]", ":orange[✗"]
    assert len(provider.chats) == 3
    assert offers(test) == []
    # Another wish has not been judged.
    types(test, CHECKED.replace("is kind", "is brief"))
    assert offers(test) == ["Judge it (one call)"]
