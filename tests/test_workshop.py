"""The workshop through Streamlit's own test runner; what the editor sends is given to the draft by hand."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from streamlit.testing.v1 import AppTest

from playground.drafts import Draft
from playground.i18n import translator
from playground.personas import read_persona
from tests.fake_provider import FakeProvider
from tests.test_pages import Opened, folder, opened, said

__all__ = ["folder", "opened"]


def draft_of(test: AppTest) -> Draft:
    return cast(Draft, test.session_state["session"].draft)


def types(test: AppTest, text: str) -> AppTest:
    draft = draft_of(test)
    draft.typed({"id": draft.id, "revision": draft.revision, "number": draft.heard + 1, "text": text})
    test.run()
    assert not test.exception
    return test


def click(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click().run()
    assert not test.exception
    return test


def problems(test: AppTest) -> str:
    return "\n".join(m.value for m in test.main.markdown)


@pytest.mark.parametrize(("language", "name"), [("en", "Captain Maybe"), ("zh-TW", "也許船長")])
def test_a_newcomer_is_greeted_by_a_template(opened: Opened, language: str, name: str) -> None:
    test = opened("workshop", language=language)
    assert name in test.main.header[0].value
    assert said(test) == [read_persona(draft_of(test).text)[0].greeting]  # type: ignore[union-attr]
    assert len(test.pills[0].options) == 2
    assert draft_of(test).untouched


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_templates_are_right(language: str) -> None:
    t = translator(language)
    for key in ("workshop.template", "workshop.lines_template"):
        persona, told = read_persona(t(key))
        assert persona
        assert persona.language == language
        assert told == ()
        assert "\n# " in t(key)


def test_typing_changes_the_preview_and_a_new_greeting_begins_anew(opened: Opened) -> None:
    test = opened("workshop")
    test.chat_input(key="try").set_value("Hello").run()
    assert said(test)[1:] == ["Hello", "You asked: Hello"]
    text = draft_of(test).text
    types(test, text.replace("Captain Maybe", "Ann"))
    assert "Ann" in test.main.header[0].value
    assert len(said(test)) == 3
    types(test, draft_of(test).text.replace("greeting: Ahoy!", "greeting: Good day!"))
    assert [text[:9] for text in said(test)] == ["Good day!"]


def test_the_trial_is_apart_from_the_chats_and_asks_the_draft(opened: Opened, provider: FakeProvider) -> None:
    test = opened("workshop")
    test.pills(key="try_starter").set_value("I want to learn to cook.").run()
    assert said(test)[1:] == ["I want to learn to cook.", "You asked: I want to learn to cook."]
    messages = provider.chats[0].json["messages"]
    assert messages[0]["content"].startswith("You are Captain Maybe")
    assert messages[1]["content"].startswith("Ahoy!")
    assert not test.session_state["session"].chat.conversation.begun
    assert [text.value for text in click(test, "trial_sent").text] == [m["content"] for m in messages]
    click(test, "start_over")
    assert len(said(test)) == 1
    assert "trial_sent" not in {button.key for button in test.button}
    assert test.pills(key="try_starter")


def test_a_click_that_ends_the_writing_in_a_field_tries_what_was_written(
    opened: Opened, provider: FakeProvider
) -> None:
    test = opened("workshop")
    test.button_group(key="workshop_view").set_value("fields").run()
    test.text_area(key="field_system_prompt").set_value("You are a kite.")
    test.text_area(key="field_greeting").set_value("Whee!")
    test.pills(key="try_starter").set_value("I want to learn to cook.").run()
    assert [m["content"] for m in provider.chats[0].json["messages"][:2]] == ["You are a kite.", "Whee!"]
    assert said(test) == ["Whee!", "I want to learn to cook.", "You asked: I want to learn to cook."]


def test_a_key_in_a_trial_is_not_sent(opened: Opened, provider: FakeProvider) -> None:
    test = opened("workshop")
    test.chat_input(key="try").set_value("my key is sk-abcdefghijklmnop1234").run()
    assert provider.chats == []
    assert any("looks like an API key" in box.value for box in test.warning)
    assert "abcdefghijklmnop" not in " ".join(said(test))


def test_a_slip_is_told_and_one_click_mends_it(opened: Opened) -> None:
    test = opened("workshop")
    types(test, "name: Ann\nsystem_prompt：Be kind.\n")
    assert "Line 2" in problems(test)
    assert "Captain Maybe" in test.main.header[1].value
    assert any("last version" in c.value for c in test.main.caption)
    assert test.button(key="undo").disabled
    click(test, "fix_0")
    assert draft_of(test).text == "name: Ann\nsystem_prompt: Be kind.\n"
    assert "Ann" in test.main.header[0].value
    click(test, "undo")
    assert "Line 2" in problems(test)
    assert test.button(key="undo").disabled
    click(test, "redo")
    assert draft_of(test).text == "name: Ann\nsystem_prompt: Be kind.\n"


def test_fix_all(opened: Opened) -> None:
    test = opened("workshop")
    types(test, "name: Ann\nsystem_promt: Be kind.\ngreting: Hello\n")
    click(test, "fix_all")
    assert draft_of(test).text == "name: Ann\nsystem_prompt: Be kind.\ngreeting: Hello\n"


def test_slips_that_hide_one_another_are_fixed_by_one_click(opened: Opened) -> None:
    test = types(opened("workshop"), "name：Ann\nsystem_prompt：Be kind.\ngreeting：Hello\n")
    assert test.main.header[0].value == "To mend: 1"
    click(test, "fix_all")
    assert draft_of(test).text == "name: Ann\nsystem_prompt: Be kind.\ngreeting: Hello\n"


def test_fields_and_yaml_are_one_thing(opened: Opened) -> None:
    test = opened("workshop")
    test.button_group(key="workshop_view").set_value("fields").run()
    assert test.text_input(key="field_name").value == "Captain Maybe"
    test.text_area(key="field_greeting").set_value("Hello: you\nAll of you").run()
    test.text_area(key="field_starters").set_value("One?\n\nTwo: three?").run()
    assert not test.exception
    text = draft_of(test).text
    assert "greeting: |\n  Hello: you\n  All of you\n" in text
    assert "  - One?\n  - 'Two: three?'\n" in text
    assert text.count("#") == translator("en")("workshop.template").count("#")
    test.text_input(key="field_avatar").set_value("no picture").run()
    assert test.text_input(key="field_avatar").value == "no picture"
    assert "avatar: 🧭" in draft_of(test).text
    assert any(m.value.startswith(":red[") for m in test.main.markdown)
    types(test, text.replace("Captain Maybe", "Ann"))
    assert test.text_input(key="field_name").value == "Ann"
    types(test, "name: [")
    assert not test.text_area
    assert any("fields come back" in box.value for box in test.info)


def test_a_field_is_told_what_is_wrong_in_its_own_words(opened: Opened) -> None:
    test = opened("workshop")
    test.button_group(key="workshop_view").set_value("fields").run()
    test.text_input(key="field_name").set_value("").run()
    test.text_input(key="field_avatar").set_value("x").run()
    told = [m.value.replace("\\", "") for m in test.main.markdown if m.value.startswith(":red[")]
    assert [text.partition("error: ")[2] for text in told] == [
        "There is nothing in “Name”. Fill it in.]",
        "“x” cannot be a picture here. Use one emoji, such as 🧑‍🏫, or an icon, such as :material/school:]",
    ]


def test_an_avatar_that_nothing_can_draw_is_told(opened: Opened) -> None:
    test = opened("workshop")
    types(test, 'name: V\nsystem_prompt: Be kind.\navatar: ":material/teacher:"\n')
    assert any("can draw the avatar" in warning.value for warning in test.warning)


def test_copy_a_persona(opened: Opened, folder: Path) -> None:
    test = opened("workshop")
    test.selectbox(key="copied").set_value("teacher").run()
    click(test, "copy_persona")
    assert draft_of(test).text == (folder / "02_teacher.yaml").read_text("utf-8")
    assert "王老師" in test.main.header[0].value
    click(test, "undo")
    assert "Captain Maybe" in test.main.header[0].value


def test_three_lines_become_yaml(opened: Opened) -> None:
    test = opened("workshop")
    test.text_input(key="line_name").set_value("Miss: No")
    test.text_input(key="line_task").set_value("Says no to {everything} # politely")
    test.text_input(key="line_greeting").set_value("No!")
    next(b for b in test.button if b.label == "Write the YAML").click().run()
    assert not test.exception
    persona = draft_of(test).persona
    assert persona
    assert (persona.name, persona.greeting) == ("Miss: No", "No!")
    assert "Says no to {everything} # politely" in persona.system_prompt
    assert said(test) == ["No!"]


def test_a_file_begins_a_draft_whatever_is_wrong_with_it(opened: Opened) -> None:
    test = opened("workshop")
    test.get("file_uploader")[0].set_value([("a.yaml", "name：安\n".encode(), "text/yaml")]).run()
    assert not test.exception
    assert draft_of(test).text == "name：安\n"
    assert "Line 1" in problems(test)


def test_a_draft_outlives_a_page_change(opened: Opened) -> None:
    test = types(opened("workshop"), "name: Ann\nsystem_prompt: Be kind.\n")
    test.switch_page("pages/about.py").run()
    test.switch_page("pages/workshop.py").run()
    assert not test.exception
    assert "Ann" in test.main.header[0].value


def test_another_language_brings_another_template_only_to_a_newcomer(opened: Opened) -> None:
    test = opened("workshop")
    test.session_state["session"].language = "zh-TW"
    test.run()
    assert "也許船長" in test.main.header[0].value
    types(test, "name: Ann\nsystem_prompt: Be kind.\n")
    test.session_state["session"].language = "en"
    test.run()
    assert "Ann" in test.main.header[0].value


@pytest.mark.parametrize("text", ["", "name: \ud800", "x\0y", "[" * 3000, "- a", "name: " + "x" * 70_000])
def test_the_page_stands_whatever_is_typed(opened: Opened, text: str) -> None:
    test = types(opened("workshop"), text)
    assert test.main.header[0].value == "To mend: 1"
    assert test.get("download_button")
    assert "Captain Maybe" in test.main.header[1].value
