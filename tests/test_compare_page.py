"""The compare page through Streamlit's own test runner: who is asked what, and what stands where."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.text_format import MessageToString
from streamlit.testing.v1 import AppTest

from playground.compare import Column, Comparison, Seat
from tests.fake_provider import FakeProvider, Script, api_error, echo
from tests.test_pages import Opened, ask, folder, opened
from tests.test_wire_faults import finished
from tests.test_workshop import click
from ui import compare, keeping
from ui.page import Room

__all__ = ["folder", "opened"]

VICKY = Seat("fake", "fake-small", "vicky", 0.5)
NOBODY = Seat("fake", "fake-small", "", 0.5)


@pytest.fixture
def compared(folder: Path) -> Opened:
    """The compare page as who lands there first sees it."""

    def land(language: str = "en-US", **query: str) -> AppTest:
        test = AppTest.from_file("../streamlit_app.py", default_timeout=30)
        test.context = {"locale": language, "timezone": "Asia/Taipei"}
        for name, value in query.items():
            test.query_params[name] = value
        test.switch_page("pages/compare.py").run()
        assert not test.exception
        return test

    return land


def comparison_of(test: AppTest) -> Comparison:
    return cast(Comparison, test.session_state["session"].comparison)


def seats(test: AppTest) -> list[Seat]:
    return [column.seat for column in comparison_of(test).columns]


def sit(test: AppTest, *seats: Seat) -> AppTest:
    comparison_of(test).place(seats)
    return rerun(test)


def rerun(test: AppTest, **fields: object) -> AppTest:
    for name, value in fields.items():
        setattr(comparison_of(test), name, value)
    test.run()
    assert not test.exception
    return test


def unfolded(test: AppTest, *popovers: str) -> AppTest:
    for key in popovers:
        test.session_state[key] = True
    return rerun(test)


def texts(test: AppTest) -> list[list[str]]:
    return [[reply.text for reply in column.replies] for column in comparison_of(test).shown]


def page(test: AppTest) -> str:
    """Everything that goes to the browser for the main part of the page."""
    protos = (node.proto for node in test.main if getattr(node, "proto", None))
    return "\n".join(MessageToString(proto, as_utf8=True) for proto in protos)


def markdown(test: AppTest) -> list[str]:
    return [element.value for element in test.main.markdown]


def captions(test: AppTest) -> str:
    return "\n".join(element.value for element in test.main.caption).replace("\\", "")


def heads(test: AppTest) -> list[str]:
    return [element.value for element in test.main.subheader]


def test_the_first_screen_is_a_question_two_columns_and_a_button(compared: Opened) -> None:
    test = compared()
    assert test.title[0].value == "Compare"
    assert [area.value for area in test.main.text_area] == ["I missed my bus."]
    assert [button.key for button in test.main.button] == ["ask_all"]
    assert heads(test) == ["🍀 Vicky", "No persona"]
    assert seats(test) == [VICKY, NOBODY]
    assert "You turn bad luck into luck." in captions(test)
    assert "No system prompt" in captions(test)
    assert not test.main.chat_input
    assert not test.main.selectbox


@pytest.mark.parametrize(
    ("language", "button", "nobody"), [("en", "Ask all", "No persona"), ("zh-TW", "全部提問", "沒有角色")]
)
def test_in_both_languages(compared: Opened, language: str, button: str, nobody: str) -> None:
    test = compared(language=language, persona="vicky")
    assert test.button(key="ask_all").label == button
    assert heads(test)[1] == nobody


@pytest.mark.parametrize("name", ["compare", "prove"])
def test_a_link_that_names_a_stranger_is_told_here_too(opened: Opened, name: str) -> None:
    told = [box.value for box in opened(name, persona="nobody").main.warning]
    assert "The link names a persona that is not here: nobody. You got another one." in told
    assert not opened(name, persona="vicky").main.warning


def test_a_chat_is_taken_over_with_its_last_question(opened: Opened, provider: FakeProvider) -> None:
    test = opened(persona="vicky", model="fake-large")
    test.slider(key="temperature").set_value(1.2).run()
    ask(test, "Rain")
    ask(test, "Snow")
    test.session_state["more"] = True
    test.run()
    test.button(key="compare").click().run()
    test.switch_page("pages/compare.py").run()
    assert not test.exception
    assert test.main.text_area[0].value == "Snow"
    assert seats(test) == [Seat("fake", "fake-large", name, 1.2) for name in ("vicky", "")]
    provider.reset()
    click(test, "ask_all")
    assert texts(test) == [["You asked: Snow"]] * 2
    bodies = sorted((chat.json for chat in provider.chats), key=lambda body: len(body["messages"]))
    assert [[m["role"] for m in body["messages"]] for body in bodies] == [
        ["user"],
        ["system", "assistant", "user"],
    ]
    assert [(body["model"], body["temperature"]) for body in bodies] == [("fake-large", 1.2)] * 2


def test_under_each_reply_stands_what_it_took(compared: Opened, folder: Path, provider: FakeProvider) -> None:
    checks = "checks: [{type: contains, value: bus}, {type: contains, value: luck}]\n"
    (folder / "03_judge.yaml").write_text(f"name: Judge\nsystem_prompt: Judge.\n{checks}", "utf-8")
    test = compared(persona="judge", provider="keyed")
    test.text_input(key="api_key").set_value("sk-typed-0123456789").run()
    test.main.text_area[0].set_value("My bus").run()
    provider.script = Script(["bus"], usage={"prompt_tokens": 1000, "completion_tokens": 500})
    click(test, "ask_all")
    assert captions(test).count("500 tokens") == 2
    assert captions(test).count("Keyed · fake-large") == 4
    assert captions(test).count("about $0.0020") == 2
    assert captions(test).count(":green[✓] must contain “bus”") == 1
    assert captions(test).count(":orange[✗] expected: must contain “luck”") == 1
    assert {chat.authorization for chat in provider.chats} == {"Bearer sk-typed-0123456789"}


def test_what_was_sent_is_one_click_from_each_reply(compared: Opened, provider: FakeProvider) -> None:
    test = compared(persona="vicky")
    test.main.text_area[0].set_value("Rain").run()
    click(test, "ask_all")
    bodies = {len(chat.json["messages"]): chat.json for chat in provider.chats}
    for position, size in enumerate(sorted(bodies, reverse=True)):
        shown = [text.value for text in click(test, f"sent_{position}_1").text]
        assert shown == [message["content"] for message in bodies[size]["messages"]]
    blind = click(rerun(test, blind=True), "ask_all")
    assert "sent_0_1" not in {button.key for button in blind.button}


def test_a_failure_is_told_in_its_own_column(compared: Opened, provider: FakeProvider) -> None:
    provider.script = lambda body: (
        echo(body) if body["model"] == "fake-small" else Script(status=500, body=api_error("broken"))
    )
    test = sit(compared(), VICKY, Seat("fake", "fake-large"), Seat("keyed", "fake-large"))
    click(test, "ask_all")
    assert texts(test) == [["You asked: I missed my bus."], [""], [""]]
    told = [box.value for box in test.main.warning]
    assert len(told) == 2
    assert "Keyed needs a key." in told[1]
    assert [test.button(key=f"again_{n}").label for n in range(3)] == ["Try again", "Retry", "Retry"]
    provider.script = echo
    click(test, "again_1")
    assert texts(test)[1] == ["You asked: I missed my bus."]
    assert len(test.main.warning) == 1


def test_a_key_in_a_question_is_put_to_nobody(compared: Opened, provider: FakeProvider) -> None:
    test = compared()
    test.main.text_area[0].set_value("Is sk-abcdefghijklmnop1234 right?")
    click(test, "ask_all")
    assert provider.chats == []
    assert "looks like an API key" in test.main.warning[0].value
    assert "abcdefghijklmnop" not in test.main.text_area[0].value
    click(test, "ask_all")
    assert len(provider.chats) == 2
    assert not test.main.warning
    for key in ("go_on_all", "only_0"):
        test.chat_input(key=key).set_value("And sk-abcdefghijklmnop1234?").run()
        assert len(provider.chats) == 2
        assert test.main.warning
    assert "abcdefghijklmnop" not in page(test)


def test_an_empty_question_is_put_to_nobody(compared: Opened, provider: FakeProvider) -> None:
    test = compared()
    test.main.text_area[0].set_value("  ")
    click(test, "ask_all")
    assert provider.chats == []


def test_going_on_with_all_or_with_one(compared: Opened, provider: FakeProvider) -> None:
    test = click(compared(persona="vicky"), "ask_all")
    test.chat_input(key="only_1").set_value("Only you?").run()
    assert texts(test) == [["You asked: I missed my bus."], ["You asked: Only you?"]]
    assert [m["content"] for m in provider.chats[-1].json["messages"]] == [
        "I missed my bus.",
        "You asked: I missed my bus.",
        "Only you?",
    ]
    test.chat_input(key="go_on_all").set_value("Both of you?").run()
    assert not test.exception
    assert texts(test) == [["You asked: Both of you?"]] * 2
    folded = [e.label for e in test.main.expander]
    assert folded == ["Said before (3)", "Said before (4)"]
    assert "Both of you?" in markdown(test)
    click(test, "ask_all")
    assert not test.main.expander


def test_repeats_and_how_much_they_differ(compared: Opened, folder: Path, provider: FakeProvider) -> None:
    checks = "checks: [{type: contains, value: luck}]\n"
    (folder / "03_judge.yaml").write_text(f"name: Judge\nsystem_prompt: Judge.\n{checks}", "utf-8")
    provider.script = lambda body: Script(["luck" if len(provider.chats) % 2 else "none!"])
    test = sit(compared(), Seat("fake", "fake-small", "judge"), NOBODY)
    unfolded(test, "arrange")
    test.button_group(key="runs").set_value(4).run()
    click(test, "ask_all")
    assert [len(column) for column in texts(test)] == [4, 4]
    assert captions(test).count("Reply 4 of 4") == 2
    judged, plain = (box.value for box in test.main.info)
    luck = texts(test)[0].count("luck")
    assert judged.endswith(f"4 to 5 characters · all checks held in {luck} of 4") or luck in (0, 4)
    assert "different of 4" in plain
    assert "checks" not in plain


def test_a_reply_outlives_the_page(compared: Opened, provider: FakeProvider) -> None:
    test = click(compared(), "ask_all")
    test.switch_page("pages/about.py").run()
    test.switch_page("pages/compare.py").run()
    assert texts(test) == [["You asked: I missed my bus."]] * 2
    assert test.main.text_area[0].value == "I missed my bus."
    assert len(provider.chats) == 2


def test_a_page_that_was_loaded_anew_goes_on(compared: Opened, provider: FakeProvider) -> None:
    """The browser tells which tab it was; another persona's link begins with that persona."""
    before = rerun(click(rerun(compared(persona="vicky"), blind=True), "ask_all"))
    told = before.session_state["session"]
    for persona, found in (("vicky", True), ("teacher", False)):
        test = compared(persona=persona)
        keeping.recognise(test.session_state["session"], {"token": told.token, "chat": told.chat_id})
        rerun(test)
        assert (heads(test) == ["A", "B"]) is found
        assert (texts(test) == texts(before)) is found
        assert comparison_of(test) is not comparison_of(before)
    assert len(provider.chats) == 2


def test_columns_of_one_shared_key_take_turns(
    compared: Opened, folder: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYED_API_KEY", "sk-from-outside-01234")
    file = folder.parent / "providers.yaml"
    file.write_text(
        file.read_text("utf-8").replace("    secret: Keyed\n", "    secret: Keyed\n    pace: {at_once: 1}\n"),
        "utf-8",
    )
    written: list[list[int]] = []

    def script(body: dict[str, Any]) -> Script:
        written.append([chat.sent for chat in provider.chats])
        return Script(["One ", "by ", "one."])

    provider.script = script
    test = sit(compared(), *(Seat("keyed", "fake-large", "", warm) for warm in (0.0, 0.5, 1.0)))
    click(test, "ask_all")
    assert texts(test) == [["One by one."]] * 3
    assert written == [[0], [3, 0], [3, 3, 0]], "each is asked when the one before is whole"


def test_a_reply_may_end_while_the_page_is_drawn(
    compared: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = compare.draw_prompt

    def draw_late(room: Room, comparison: Comparison) -> None:
        draw(room, comparison)
        for reply in (reply for column in comparison.columns for reply in column.replies):
            finished(reply)

    monkeypatch.setattr(compare, "draw_prompt", draw_late)
    test = click(compared(), "ask_all")
    assert not test.button(key="ask_all").disabled


def test_a_column_that_goes_closes_its_menu(opened: Opened) -> None:
    """The next column comes to its place, and another click there would take that one away too."""
    test = unfolded(opened("compare"), "seat_0")
    rerun(test, columns=[*comparison_of(test).columns, Column(comparison_of(test).columns[0].seat)])
    test.button(key="remove_0").click().run()
    assert len(comparison_of(test).columns) == 2
    assert not test.session_state["seat_0"]
