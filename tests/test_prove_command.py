"""The command that tests personas, as a class repository's CI runs it: what it prints, keeps and returns."""

from __future__ import annotations

import io
import json
import re
import shlex
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from playground import prove_command
from playground.__main__ import _parser, main
from playground.i18n import LANGUAGES
from playground.providers import load_providers
from tests.conftest import ROOT
from tests.fake_provider import FakeProvider, Script

KEY = "sk-sentinel-0123456789abcdef"
LUCKY = """
name: Lucky
language: en
system_prompt: You turn bad luck into luck.
greeting: Hi!
starters: [Rain., Snow.]
checks:
  - {type: ends-with, value: Lucky!}
  - {type: max-chars, value: 400}
"""
PROVIDERS = """
version: 1
providers:
  fake:
    label: Fake
    kind: local
    base_url: %s
    api_key: not-a-secret
    models: {default: small, list: [{id: small}, {id: large}]}
  keyed:
    label: Keyed
    base_url: %s
    api_key_env: [KEYED_API_KEY]
    models: {default: large, list: [{id: large, price: [1, 2]}]}
"""


class Command:
    """The command in a folder of its own; gives exit code, output and what was said beside it."""

    def __init__(self, folder: Path, provider: FakeProvider) -> None:
        self.folder = folder
        (folder / "personas").mkdir()
        self.persona("vicky", LUCKY)
        (folder / "providers.yaml").write_text(PROVIDERS % (provider.base_url, provider.base_url), "utf-8")

    def persona(self, name: str, text: str) -> Path:
        path = self.folder / "personas" / f"{name}.yaml"
        path.write_text(text, "utf-8")
        return path

    def __call__(self, *words: str, **environ: str) -> tuple[int, str, str]:
        places = {
            "PLAYGROUND_PERSONAS": str(self.folder / "personas"),
            "PLAYGROUND_PROVIDERS": str(self.folder / "providers.yaml"),
            "LANG": "en",
        }
        out, err = io.StringIO(), io.StringIO()
        args = _parser(places).parse_args(["test", *words, "--secrets", str(self.folder / "none.toml")])
        code = prove_command.run(args, places | environ, out, err)
        assert KEY not in out.getvalue() + err.getvalue()
        return code, out.getvalue(), err.getvalue()


@pytest.fixture
def command(tmp_path: Path, provider: FakeProvider) -> Command:
    provider.reset()
    provider.script = lucky
    return Command(tmp_path, provider)


def lucky(body: dict[str, Any]) -> Script:
    """Always right with the small model; with the large one only of rain."""
    asked = body["messages"][-1]["content"]
    good = body["model"] == "small" or "Rain" in asked
    return Script(["So Lucky!" if good else f"No luck. {KEY}\x1b[31m"])


def test_a_table_and_its_exit_codes(command: Command, provider: FakeProvider) -> None:
    code, out, err = command("vicky", "--model", "fake", "--runs", "3")
    assert code == 0
    assert "fake/small" in out
    assert "6/6, 100% (61–100%)" in out
    assert "6 replies" in err
    assert len(provider.chats) == 6
    both = ("vicky", "--model", "fake/small", "--model", "keyed", "--runs", "2")
    code, out, _ = command(*both, KEYED_API_KEY=KEY)
    assert code == 1
    assert "2/4, 50% (15–85%)" in out
    assert "sk-…cdef" in out
    assert "\x1b" not in out
    assert "US$" in out
    assert command(*both, "--threshold", "0.5", KEYED_API_KEY=KEY)[0] == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_in_the_language(command: Command, language: str) -> None:
    _, out, err = command("vicky", "--model", "fake/large", "--runs", "1", "--lang", language)
    assert ("結尾" in out) == ("則回覆" in err) == (language == "zh-TW")


def test_json(command: Command) -> None:
    code, out, _ = command("vicky", "--model", "keyed", "--runs", "2", "--format", "json", KEYED_API_KEY=KEY)
    told = json.loads(out)
    assert code == 1
    assert [(one["passed"], one["total"]) for one in told["summary"]] == [(2, 4), (4, 4)]
    assert len(told["results"]) == 4
    assert told["results"][0]["info"]["usage"]["completion_tokens"]


def test_junit(command: Command) -> None:
    code, out, _ = command("vicky", "--model", "keyed", "--runs", "2", "--format", "junit", KEYED_API_KEY=KEY)
    suite = ET.fromstring(out.encode()).find("testsuite")
    assert code == 1
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert "No luck. sk-…cdef" in (suite.findtext("testcase/failure") or "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nobody", "--model", "fake"), "no persona called nobody"),
        (("vicky", "--model", "nowhere/x"), "no provider called nowhere"),
        (("vicky", "--model", "keyed"), "needs a key. (KEYED_API_KEY)"),
        (("broken", "--model", "fake"), "“system_prompt” is missing"),
        (("unchecked", "--model", "fake"), "has no checks"),
        (("rubric", "--model", "fake"), "--judge"),
        (("mute", "--model", "fake"), "--questions"),
        (("vicky", "--model", "fake", "--questions", "no.txt"), "no.txt"),
        (("vicky", "--model", "fake", "--resume"), "--out"),
    ],
)
def test_what_cannot_be_run(
    command: Command, provider: FakeProvider, words: tuple[str, ...], told: str
) -> None:
    command.persona("broken", "name: x\n")
    command.persona("unchecked", "name: x\nsystem_prompt: y\nstarters: [z]\n")
    rubric = "checks: [{type: llm-rubric, value: It is kind.}]\n"
    command.persona("rubric", f"name: x\nsystem_prompt: y\nstarters: [z]\n{rubric}")
    command.persona("mute", "name: x\nsystem_prompt: y\nchecks: [{type: is-json}]\n")
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert told in err
    assert provider.chats == []


@pytest.mark.parametrize(
    "words", [("--runs", "0"), ("--runs", "x"), ("--threshold", "1.5"), ("--threshold", "nan")]
)
def test_wrong_calls(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["test", "vicky", "--model", "fake", *words], {})
    assert stopped.value.code == 2


def test_no_reply_at_all_is_no_failure_of_the_persona(command: Command, provider: FakeProvider) -> None:
    refused = {"error": {"message": f"Incorrect key {KEY}"}}
    provider.script = Script(status=401, body=refused)
    code, out, _ = command("vicky", "--model", "keyed", "--runs", "5", KEYED_API_KEY=KEY)
    assert code == 2
    assert "does not accept this key" in out
    assert len(provider.chats) <= 6
    _, out, _ = command("vicky", "--model", "keyed", "--format", "junit", KEYED_API_KEY=KEY)
    assert ET.fromstring(out.encode()).find("testsuite/testcase/error") is not None


def test_one_reply_of_many_proves_nothing(command: Command, provider: FakeProvider) -> None:
    provider.script = [Script(["So Lucky!"]), *[Script(status=503, body={})] * 9]
    words = ("vicky", "--model", "fake", "--runs", "5")
    code, out, err = command(*words)
    assert (code, "1/1, 100%" in out, "Too few replies" in err) == (2, True, True)
    provider.script = [Script(["So Lucky!"]), *[Script(status=503, body={})] * 9]
    assert command(*words, "--threshold", "0.1")[0] == 0


@pytest.mark.parametrize("name", ["testing-personas.md", "testing-personas.zh-TW.md"])
def test_the_commands_of_the_guide_are_understood(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    commands = re.findall(r"python -m playground (test .+?)(?: >|$)", text, re.MULTILINE)
    assert len(commands) == 2
    providers, _ = load_providers(ROOT / "providers.yaml")
    assert providers
    for command in commands:
        args = _parser({}).parse_args(shlex.split(command))
        assert args.models[0].partition("/")[0] in providers.all
    workflow = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert commands[1] in workflow["jobs"]["test"]["steps"][-2]["run"]


def test_a_path_and_questions_of_ones_own(command: Command, provider: FakeProvider, tmp_path: Path) -> None:
    path = command.persona("elsewhere", LUCKY).rename(tmp_path / "draft.yaml")
    questions = tmp_path / "questions.txt"
    questions.write_text("\ufeff# ours\nRain?\nHi. >> Rain again.\n", "utf-8")
    code, _, _ = command(str(path), "--model", "fake", "--runs", "1", "--questions", str(questions))
    assert code == 0
    asked = sorted(request.json["messages"][-1]["content"] for request in provider.chats)
    assert asked == ["Hi.", "Rain again.", "Rain?"]
    longest = max((request.json["messages"] for request in provider.chats), key=len)
    assert [m["content"] for m in longest][1:] == ["Hi!", "Hi.", "So Lucky!", "Rain again."]


def test_a_key_among_the_questions_is_not_sent(
    command: Command, provider: FakeProvider, tmp_path: Path
) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text(f"Rain.\nMy key is {KEY}\n", "utf-8")
    code, _, err = command("vicky", "--model", "fake", "--questions", str(questions))
    assert (code, "API key" in err) == (2, True)
    assert provider.chats == []


def test_what_is_kept_is_gone_on_from(command: Command, provider: FakeProvider, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    words = ("vicky", "--model", "fake", "--out", str(kept))
    assert command(*words, "--runs", "1")[0] == 0
    assert command(*words, "--runs", "3", "--resume")[0] == 0
    assert len(provider.chats) == 6
    assert len(json.loads(kept.read_text("utf-8"))["results"]) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.json", "personas", "providers.yaml"]
    command.persona("vicky", LUCKY.replace("bad luck", "rain"))
    code, _, err = command(*words, "--resume")
    assert (code, "changed since" in err) == (2, True)


def test_an_interruption_keeps_what_was_done(
    command: Command, provider: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = provider.gate()
    provider.script = lambda body: Script(
        ["So ", "Lucky!"], gate=held if "Snow" in str(body["messages"]) else None
    )
    follow: Callable[..., None] = prove_command.Proving.linger
    interrupted = threading.Event()

    def linger(proving: prove_command.Proving, seconds: float) -> None:
        follow(proving, 0.01)
        if len(proving.outcomes) == 2 and not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(prove_command.Proving, "linger", linger)
    kept = tmp_path / "kept.json"
    code, _, err = command("vicky", "--model", "fake", "--runs", "2", "--out", str(kept))
    assert code == 2
    assert "Questions left: 2" in err
    assert len(json.loads(kept.read_text("utf-8"))["results"]) == 2
    held.release()


def test_a_judge_may_be_named(command: Command, provider: FakeProvider) -> None:
    command.persona("vicky", LUCKY + "  - {type: llm-rubric, value: It is kind.}\n")
    words = ("vicky", "--model", "fake", "--runs", "1", "--format", "junit")
    _, out, _ = command(*words)
    assert [len(case) for case in ET.fromstring(out.encode()).iter("testcase")] == [0, 0, 1]

    def judging(body: dict[str, Any]) -> Script:
        return Script(['{"pass": true, "reason": "Kind."}']) if body["model"] == "large" else lucky(body)

    provider.script = judging
    code, out, _ = command(*words, "--judge", "fake/large")
    assert code == 0
    assert [len(case) for case in ET.fromstring(out.encode()).iter("testcase")] == [0, 0, 0]
