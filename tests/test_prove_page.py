"""The prove page: what is chosen, started, found, taken away and brought back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from playground.messages import ReplyInfo
from playground.personas import read_persona
from playground.proof import Plan, judged
from playground.proof_file import to_json
from tests.fake_provider import FakeProvider, Script
from tests.test_pages import Opened, folder, opened
from tests.test_prove_command import LUCKY
from ui import prove, prove_desk, prove_found
from ui.prove_desk import Desk

__all__ = ["folder", "opened"]

KEY = "sk-sentinel-0123456789abcdef"


@pytest.fixture
def at_desk(opened: Opened, folder: Path, provider: FakeProvider) -> Opened:
    (folder / "00_lucky.yaml").write_text(LUCKY, "utf-8")
    provider.script = lucky

    def open_page(language: str = "en-US", **query: str) -> AppTest:
        test = opened("prove", language=language, **{"persona": "lucky", "provider": "fake", **query})
        test.slider(key="prove_runs").set_value(2).run()
        return test

    return open_page


def lucky(body: dict[str, Any]) -> Script:
    asked = str(body["messages"][-1]["content"])
    return Script(["So Lucky!" if "Rain" in asked else f"No *luck*. {KEY}"])


def desk(test: AppTest) -> Desk:
    return cast(Desk, test.session_state["session"].proof)


def click(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def words(test: AppTest) -> str:
    told = (*test.main.markdown, *test.main.caption, *test.main.info, *test.main.warning)
    return "\n".join(str(one.value) for one in told).replace("\\", "")


@pytest.mark.parametrize(("language", "told"), [("en", "about"), ("zh-TW", "大約")])
def test_the_estimate_stands_beside_the_start(at_desk: Opened, language: str, told: str) -> None:
    test = at_desk(language)
    assert told in words(test)
    assert desk(test).models == ("fake/fake-small",)
    assert test.selectbox(key="prove_persona").value == "lucky"
    test.checkbox(key="prove_starter_1").uncheck().run()
    assert not test.checkbox(key="prove_starter_1").value
    test.checkbox(key="prove_probe_drift").check().run()
    test.text_area(key="prove_own").set_value("More rain?").run()
    assert "24" in words(test)
    assert not test.exception


def test_a_matrix_and_the_replies_behind_it(at_desk: Opened, provider: FakeProvider) -> None:
    test = click(at_desk(), "prove_start")
    table = next(m.value for m in test.main.markdown if m.value.startswith("| check"))
    assert ":orange-badge[! 50%] 2/4 (15–85%)" in table
    assert ":green-badge[✓ 100%] 4/4 (51–100%)" in table
    assert [e.label.replace("\\", "") for e in test.main.expander] == [
        "must end with “Lucky!”: 2 replies did not"
    ]
    assert words(test).count("found: it ends “No *luck*.") == 2
    assert len(provider.chats) == 4
    assert provider.chats[0].json["messages"][0]["content"] == "You turn bad luck into luck."
    assert desk(test).plan is not None
    click(test, "prove_anew")
    assert test.button(key="prove_start")


def test_a_second_model_is_a_second_column(at_desk: Opened, provider: FakeProvider) -> None:
    test = at_desk()
    assert list(test.multiselect(key="prove_models").options) == [
        "Fake · fake-small",
        "Fake · fake-large",
    ]
    test.multiselect(key="prove_models").set_value(["fake/fake-small", "fake/fake-large"]).run()
    click(test, "prove_start")
    assert "| check | fake-small | fake-large |" in words(test)
    assert {request.json["model"] for request in provider.chats} == {"fake-small", "fake-large"}
    done = desk(test)
    assert done.plan
    done.plan = replace(done.plan, models=("fake/fake-small", "keyed/fake-small"))
    test.run()
    assert "| check | fake/fake-small | keyed/fake-small |" in words(test)


def test_what_failed_is_told_and_gone_on_with(at_desk: Opened, provider: FakeProvider) -> None:
    provider.script = Script(status=401, body={"error": {"message": f"Incorrect key {KEY}"}})
    test = click(at_desk(), "prove_start")
    # Three in a row are enough; a fourth may be under way by then.
    assert test.main.expander[0].label in [f"Questions without a reply: {count}" for count in (3, 4)]
    assert "does not accept this key" in words(test)
    provider.script = lucky
    click(test, "prove_go_on")
    assert "2/4" in words(test)
    assert not any(button.key == "prove_go_on" for button in test.button)


def test_a_file_is_gone_on_from(at_desk: Opened, provider: FakeProvider) -> None:
    persona = read_persona(LUCKY)[0]
    assert persona
    plan = Plan(persona, ("Rain.", "Wind."), ("fake/fake-small",), 2)
    cells = list(plan.cells())[:3]
    done = [judged(plan, cell, "Lucky!", ReplyInfo("fake", "fake-small", "stop", 1)) for cell in cells]
    test = at_desk()
    test.file_uploader(key="prove_file_0").upload(
        "proof.json", to_json(plan, done).encode(), "application/json"
    )
    test.run()
    assert "3/3" in words(test)
    assert provider.chats == []
    click(test, "prove_go_on")
    assert "3/4" in words(test)
    assert len(provider.chats) == 1


@pytest.mark.parametrize(
    ("questions", "runs", "told"),
    [
        (("Rain. >> Wind. " * 20,), 100, "This would be 2100 replies; at most 2000 go into one proof."),
        (("Rain." * 1600, "Wind."), 2, "The questions have 8005 characters; at most 8000"),
        (("x" * 8000, "Snow."), 2, ""),
    ],
)
def test_a_file_asks_for_no_more_than_the_page(
    at_desk: Opened, provider: FakeProvider, questions: tuple[str, ...], runs: int, told: str
) -> None:
    persona = read_persona(LUCKY)[0]
    assert persona
    plan = Plan(persona, questions, ("fake/fake-small",), runs)
    test = at_desk()
    test.file_uploader(key="prove_file_0").upload(
        "proof.json", to_json(plan, ()).encode(), "application/json"
    )
    test.run()
    assert not test.exception
    assert told in words(test)
    assert desk(test).plan == plan
    assert any(button.key == "prove_go_on" for button in test.button) is not bool(told)
    assert test.button(key="prove_anew")


@pytest.mark.parametrize(
    ("raw", "told"),
    [(b"{}", "not a file of results"), (b"", "is damaged"), (None, "changed since")],
)
def test_another_file_is_refused(at_desk: Opened, raw: bytes | None, told: str) -> None:
    other = read_persona(LUCKY.replace("bad luck", "rain"))[0]
    assert other
    plan = Plan(other, ("Rain.",), ("fake/fake-small",), 1)
    test = at_desk()
    content = to_json(plan, ()).encode() if raw is None else raw
    test.file_uploader(key="prove_file_0").upload("proof.json", content, "application/json")
    test.run()
    assert told in words(test)
    assert desk(test).plan is None


def test_a_persona_without_checks_says_how_to_add_some(at_desk: Opened) -> None:
    test = at_desk(persona="vicky")
    assert "Vicky has no checks" in words(test)
    assert not any(button.key == "prove_start" for button in test.button)


def test_a_key_among_the_questions_is_not_sent(at_desk: Opened, provider: FakeProvider) -> None:
    test = at_desk()
    test.text_area(key="prove_own").set_value(f"My key is {KEY}").run()
    assert "API key" in words(test)
    assert not any(button.key == "prove_start" for button in test.button)


def test_no_key_is_in_what_was_found(at_desk: Opened, provider: FakeProvider) -> None:
    test = at_desk(provider="keyed")
    test.text_input(key="api_key").set_value(KEY).run()
    desk(test).models = ("keyed/fake-large",)
    click(test.run(), "prove_start")
    assert provider.chats[0].authorization == f"Bearer {KEY}"
    assert "sk-…cdef" in words(test)
    assert KEY not in words(test)
    assert KEY not in repr(desk(test).outcomes)


def test_a_check_that_asks_a_model_is_run_by_who_is_named(
    at_desk: Opened, folder: Path, provider: FakeProvider
) -> None:
    rubric = "  - {type: llm-rubric, value: It is kind.}\n"
    (folder / "00_lucky.yaml").write_text(LUCKY + rubric, "utf-8")

    def judging(body: dict[str, Any]) -> Script:
        judges = body["model"] == "fake-large"
        return Script(['{"pass": false, "reason": "Rude."}']) if judges else lucky(body)

    provider.script = judging
    test = click(at_desk(), "prove_start")
    assert ":gray-badge[not run]" in words(test)
    click(test, "prove_anew")
    test.selectbox(key="prove_judge").set_value("fake/fake-large").run()
    click(test, "prove_start")
    assert "0/4" in words(test)
    assert "the model says: Rude." in words(test)


def test_a_key_typed_later_brings_the_model_of_the_sidebar(
    at_desk: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for module in (prove, prove_desk):
            patch.setattr(module, "offers", lambda room: {"fake/fake-small": "Fake"})
        test = at_desk(provider="keyed")
        assert desk(test).models == ("fake/fake-small",), "it stands in"
    test.text_input(key="api_key").set_value(KEY).run()
    assert desk(test).models == ("keyed/fake-large",)


def test_a_reload_finds_it_again(at_desk: Opened, provider: FakeProvider) -> None:
    test = click(at_desk(provider="keyed"), "prove_start")
    token = test.session_state["session"].token
    other = at_desk()
    assert desk(other).plan is None, "it is nobody else's"
    again = at_desk()
    again.session_state["session"].token = token
    again.run()
    assert "2/4" in words(again)
    assert len(provider.chats) == 4
    click(again, "prove_anew")
    assert desk(test.run()).plan, "the other tab has it still"
    click(test, "prove_anew")
    later = at_desk()
    later.session_state["session"].token = token
    assert later.run().button(key="prove_start")


def test_the_draft_is_one_click_away(at_desk: Opened) -> None:
    test = at_desk()
    test.switch_page("pages/workshop.py").run()
    assert not any(button.key == "prove_draft" for button in test.button), "a template is nobody's"
    test.session_state["session"].draft.put(LUCKY.replace("Lucky!", "Plucky!"))
    click(test.run(), "prove_draft")
    assert test.selectbox(key="prove_persona").value == prove_desk.DRAFT
    assert test.title[0].value == "Prove a persona"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("must end with “Totally Lucky Vicky!”", ["must end with “Totally", "Lucky Vicky!”"]),
        ("要以「完全是 Lucky Vicky 呀！」結尾", ["要以「完全是 Lucky", "Vicky 呀！」結尾"]),
        ("短", ["短"]),
        ("x" * 90, ["x" * 90]),
        ("一" * 90, ["一" * 11, "一" * 11, "一" * 11 + "…"]),
    ],
)
def test_a_check_is_whole_in_the_plot(text: str, lines: list[str]) -> None:
    assert prove_found.folded(text).split("\n") == lines
