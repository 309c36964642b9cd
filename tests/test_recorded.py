"""The recorded lesson on the pages: the way into it, what it says of itself, how one is recorded and opened."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from playground import doctor
from playground.lesson import (
    ENTRIES,
    LESSON_FILE,
    Entry,
    Lesson,
    load_lesson,
    read_lesson,
    to_entry,
    to_lesson,
)
from playground.messages import Conversation, Message, ReplyInfo, Usage
from playground.providers import Model, Provider, Quirks
from playground.sent import Sent
from playground.wire import Request, Setup
from tests.conftest import ROOT
from tests.fake_provider import FakeProvider, Script
from tests.rooms import PROVIDERS
from tests.tables import table
from tests.test_pages import Opened, ask, folder, opened, said
from ui import lesson as ui_lesson

__all__ = ["folder", "opened"]

KEY = "sk-sentinel-0123456789abcdef"
LUCKY = "02_lucky_vicky.yaml"
RECORDED = "recorded-2026-11-22/qwen2.5-coder-1.5b-instruct"
MORE = """
  tape:
    label: Tape
    kind: recorded
    errors: {patterns: {not_recorded: [not_recorded]}}
    models: {fetch: false}
"""


@pytest.fixture
def classroom(folder: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> FakeProvider:
    """The room with a provider of recordings, and the persona that is in the lesson that ships."""
    text = PROVIDERS.format(base_url=provider.base_url) + MORE
    (folder.parent / "providers.yaml").write_text(text, "utf-8")
    (folder / "03_lucky_vicky.yaml").write_text((ROOT / "personas" / LUCKY).read_text("utf-8"), "utf-8")
    monkeypatch.delenv("PLAYGROUND_LESSON", raising=False)
    return provider


def told(test: AppTest) -> str:
    return " ".join(str(one.value) for one in (*test.main.caption, *test.main.info, *test.main.warning))


def test_a_starter_is_answered_and_says_that_it_is_recorded(classroom: FakeProvider, opened: Opened) -> None:
    test = opened(persona="lucky-vicky", provider="tape")
    assert not test.exception
    assert "Recorded, not live: Qwen2.5 Coder 1.5B, recorded on 2026-11-22" in told(test).replace("\\", "")
    test.pills(key="starter").set_value("I failed my driving test.").run()
    assert not test.exception
    assert said(test)[-1].startswith("I failed my driving test, so now I get")
    line = told(test).replace("\\", "")
    assert "Recorded lesson · Qwen2.5 Coder 1.5B, recorded on 2026-11-22 ·" in line
    assert "recorded at temperature 0" in line
    assert test.sidebar.selectbox(key="model").value == RECORDED
    assert classroom.chats == []


def test_what_is_not_in_it_leads_to_what_is(classroom: FakeProvider, opened: Opened) -> None:
    test = ask(opened(persona="lucky-vicky", provider="tape"), "What is love?")
    assert "This question is not in the recorded lesson." in told(test)
    test.pills(key="lesson_question").set_value("My flight was cancelled.").run()
    assert not test.exception
    assert said(test)[-1].startswith("My flight was cancelled, so now I get")


def test_another_persona_leads_to_the_one_in_it(classroom: FakeProvider, opened: Opened) -> None:
    test = opened(provider="tape", persona="vicky")
    assert any("not in the lesson. In it: Lucky Vicky" in one.value for one in test.main.markdown)
    test.button(key="lesson_persona").click().run()
    assert test.title[0].value == "🍀  Lucky Vicky"
    assert test.pills(key="starter").options


def test_without_a_network_it_is_one_click_away(
    classroom: FakeProvider, opened: Opened, folder: Path
) -> None:
    classroom.script = Script(status=503, body="{}")
    test = ask(opened(), "Rain")
    assert "lesson_offer" not in {one.key for one in test.button}  # it answered, so there is a network
    with FakeProvider() as gone:
        pass
    providers = folder.parent / "providers.yaml"
    providers.write_text(providers.read_text("utf-8").replace(classroom.base_url, gone.base_url), "utf-8")
    test = ask(opened(), "Rain")
    test.button(key="lesson_offer").click().run()
    assert not test.exception
    assert test.title[0].value == "🍀  Lucky Vicky"
    assert test.sidebar.selectbox(key="provider").value == "tape"


def test_in_chinese_it_says_what_it_speaks(
    classroom: FakeProvider, opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    test = opened(persona="lucky-vicky", provider="tape", lang="zh-TW")
    assert "這堂課的語言是" not in told(test)
    shipped = load_lesson(LESSON_FILE)
    assert shipped
    file = tmp_path / "english.json"
    file.write_bytes(to_lesson([one for one in shipped.entries if one.language == "en"]))
    monkeypatch.setenv("PLAYGROUND_LESSON", str(file))
    assert "這堂課的語言是英文" in told(test.run())


def test_a_session_is_recorded_and_opened_as_a_lesson(
    classroom: FakeProvider, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    classroom.script = Script(["Lu", "cky!"])
    test = ask(opened(persona="lucky-vicky"), f"Rain {KEY} again")
    ask(test, "Rain again")
    test.session_state["session"].keys["fake"] = KEY
    given: dict[str, tuple[str, Callable[[], bytes]]] = {}
    monkeypatch.setattr(
        "ui.lesson.st.download_button",
        lambda label, data=None, *, key="", **more: given.__setitem__(key, (label, data)),
    )
    test.switch_page("pages/providers.py").run()
    assert not test.exception
    label, data = given["lesson_record"]
    assert label == "Keep this session's replies as a lesson (1)"
    lesson, flaw = read_lesson(raw := data())
    assert flaw is None
    assert lesson
    assert KEY.encode() not in raw
    assert [(one.question, one.text, one.label) for one in lesson.entries] == [
        ("Rain again", "Lucky!", "fake-small")
    ]
    test.get("file_uploader")[0].set_value([("lesson.json", b"{}", "application/json")]).run()
    assert "The lesson stays as it was." in test.main.error[0].value
    test.get("file_uploader")[0].set_value([("lesson.json", raw, "application/json")]).run()
    assert not test.exception
    assert f"1 replies: fake-small, recorded on {lesson.entries[0].recorded}" in told(test).replace("\\", "")
    test.button(key="lesson_start").click().run()
    assert not test.exception
    visit = test.session_state["session"]
    assert (visit.provider, visit.models["tape"]) == ("tape", lesson.entries[0].model_id)
    test.switch_page("streamlit_app.py").run()
    assert [one.replace("\\", "") for one in test.pills(key="starter").options] == ["Rain again"]
    test.pills(key="starter").set_value("Rain again").run()
    assert said(test)[-1] == "Lucky!"


def test_the_operator_says_which_lesson_it_is(
    classroom: FakeProvider, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lesson.json"
    rows = [{"question": "Why?", "model": "m", "recorded": "2026-10-01", "pieces": [[0, "So.", ""]]}]
    monkeypatch.setenv("PLAYGROUND_LESSON", str(file))
    test = opened("providers")
    assert any("cannot be read" in one.value for one in test.main.warning)
    assert "This question is not in the recorded lesson." in told(ask(opened(provider="tape"), "Why?"))
    file.write_text(
        json.dumps({"format": "persona-playground-lesson", "version": 1, "entries": rows}), "utf-8"
    )
    assert "1 replies: m, recorded on 2026-10-01" in told(test.run()).replace("\\", "")


def test_what_was_compared_is_recorded_too(
    classroom: FakeProvider, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    classroom.script = Script(["Lu", "cky!"])
    test = opened("compare", persona="lucky-vicky")
    test.text_area[0].set_value("Rain").run()
    test.button(key="ask_all").click().run()
    assert not test.exception
    given: dict[str, Callable[[], bytes]] = {}
    monkeypatch.setattr(
        "ui.lesson.st.download_button",
        lambda label, data=None, *, key="", **more: given.__setitem__(key, data),
    )
    test.switch_page("pages/providers.py").run()
    lesson, _ = read_lesson(given["lesson_record"]())
    assert lesson
    assert sorted(bool(one.system_prompt) for one in lesson.entries) == [False, True]


def pace(count: int, first: float, step: float = 0.0) -> tuple[float, ...]:
    return tuple(told for n in range(count) for told in (first + n * step, 1.0, 0.0))


@table(
    "how, seconds, pieces, tokens",
    [
        (pace(3, 2, 0.5), 1.0, 3, 7),
        (pace(3, 601), 0, 3, 7),
        (pace(3, 1, 400), 600, 3, 7),
        (pace(20_001, 1), 0, 20_000, 7),
        (pace(3, 1), 0, 3, 10**9 + 1),
    ],
)
def test_whatever_a_reply_took_it_can_be_recorded(
    how: tuple[float, ...], seconds: float, pieces: int, tokens: int
) -> None:
    """The wait before its first piece is nobody's to sit through again, and what has no room is left out."""
    info = ReplyInfo("p", "m", "stop", 1, usage=Usage(tokens, tokens))
    reply = Message("assistant", "x" * (len(how) // 3), info=info)
    entry = recorded(how, reply)
    assert entry
    assert (entry.text, len(entry.pieces), entry.pieces[-1][0]) == (reply.content, pieces, seconds)
    assert entry.pieces[0][0] == 0
    assert entry.completion_tokens == (tokens if tokens <= 10**9 else None)
    assert read_lesson(to_lesson([entry]))[1] is None


def test_a_reply_that_is_too_long_for_a_lesson_is_left_out() -> None:
    reply = Message("assistant", "x" * 100_001, info=ReplyInfo("p", "m", "stop", 1))
    assert recorded((), reply) is None


def test_no_lesson_is_written_that_is_not_read_again() -> None:
    """Of more than a file holds the last replies are kept."""
    told = {"model": "m", "recorded": date(2026, 11, 23)}
    many = [Entry(question=f"{n}?", pieces=((0.0, "x", ""),), **told) for n in range(ENTRIES + 9)]
    lesson, flaw = read_lesson(ui_lesson._written(many, ()))
    assert flaw is None
    assert lesson == Lesson(entries=tuple(many[9:]))
    pieces = tuple((n / 100, "xyz", "") for n in range(4000))
    large = [Entry(question=f"{n}?", pieces=pieces, **told) for n in range(100)]
    lesson, flaw = read_lesson(ui_lesson._written(large, ()))
    assert flaw is None
    assert lesson
    assert 50 < len(lesson.entries) < 100
    assert lesson.entries[-1].question == "99?"


def recorded(how: tuple[float, ...], reply: Message) -> Entry | None:
    asked = Setup(Provider(id="p", label="P"), Model(id="m"), Quirks())
    sent = Sent(asked, Request({}, ()), b"{}", reply.info, pace=how)
    return to_entry(sent, Conversation().say("Why?"), reply, asked, "M", date(2026, 11, 23))


def test_the_doctor_leaves_it_alone(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    file.write_text(
        f"version: 1\nproviders:{MORE}  cloud: {{label: Cloud, base_url: https://c.example/v1}}\n", "utf-8"
    )
    parser, out = argparse.ArgumentParser(), io.StringIO()
    doctor.add_arguments(parser, "en")
    args = parser.parse_args(["--secrets", str(tmp_path / "none.toml")])
    assert doctor.run(args, {"PLAYGROUND_PROVIDERS": str(file)}, out) == 0
    assert "Cloud" in out.getvalue()
    assert "Tape" not in out.getvalue()


def test_where_several_temperatures_began_alike_none_is_told() -> None:
    cold, warm = (
        Entry(
            question="Why?",
            model="m",
            recorded=date(2026, 11, 23),
            temperature=heat,
            pieces=((0.0, text, ""),),
        )
        for text, heat in (("Now is cold.", 0.0), ("Now is warm.", 0.9))
    )
    lesson, model = Lesson(entries=(cold, warm)), cold.model_id
    assert lesson.told(model, "Now is") is None
    assert lesson.told(model, "Now is w") == warm
    assert lesson.told(model, "Never") is None
