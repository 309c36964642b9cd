"""Who sits in the columns of the compare page: by a preset, one by one, a draft, and somebody who is gone."""

from __future__ import annotations

from pathlib import Path

from playground.compare import DRAFT, Seat
from tests.fake_provider import FakeProvider
from tests.test_compare_page import NOBODY, VICKY, compared, heads, rerun, seats, sit, texts, unfolded
from tests.test_pages import Opened, folder
from tests.test_workshop import click

__all__ = ["compared", "folder"]


PRESETS = {
    "persona": [VICKY, NOBODY],
    "models": [VICKY, Seat("fake", "fake-large", "vicky", 0.5)],
    "temperatures": [Seat("fake", "fake-small", "vicky", warm) for warm in (0.0, 1.5)],
    "personas": [VICKY, Seat("fake", "fake-small", "teacher", 0.5)],
}


def test_presets(compared: Opened) -> None:
    test = unfolded(sit(compared(persona="vicky"), NOBODY, NOBODY, NOBODY), "arrange")
    for preset, filled in PRESETS.items():
        assert seats(click(test, f"preset_{preset}")) == filled
    click(unfolded(test, "seat_0"), "preset_temperatures")
    assert test.slider(key="seat_temperature_0").value == 0.0


def test_a_model_of_one_temperature_has_no_slider(folder: Path, compared: Opened) -> None:
    """Streamlit draws no slider whose two ends are the same."""
    file = folder.parent / "providers.yaml"
    text = file.read_text("utf-8") + "model_rules: [{match: small, constraints: {temperature: [1, 1]}}]\n"
    file.write_text(text, "utf-8")
    test = unfolded(compared(persona="vicky"), "seat_0")
    assert not test.exception
    keys = [slider.key for slider in test.slider]
    assert not {"temperature", "seat_temperature_0"} & {*keys}
    test.selectbox(key="seat_model_0").set_value("fake-large").run()
    assert "seat_temperature_0" in [slider.key for slider in test.slider]


def test_a_column_is_whatever_one_chooses(compared: Opened, provider: FakeProvider) -> None:
    test = unfolded(compared(persona="vicky"), "arrange", "seat_1")
    click(test, "add_column")
    test.selectbox(key="seat_persona_1").set_value("teacher").run()
    test.selectbox(key="seat_model_1").set_value("fake-large").run()
    test.slider(key="seat_temperature_1").set_value(1.7).run()
    assert seats(test) == [VICKY, Seat("fake", "fake-large", "teacher", 1.7), NOBODY]
    assert heads(test) == ["🍀 Vicky", "🧑‍🏫 王老師", "No persona"]
    click(test, "ask_all")
    assert len(provider.chats) == 3
    test.selectbox(key="seat_provider_1").set_value("keyed").run()
    assert texts(test) == [["You asked: I missed my bus."], [], ["You asked: I missed my bus."]]
    click(test, "remove_1")
    assert seats(test) == [VICKY, NOBODY]
    assert unfolded(test, "seat_1").button(key="remove_1").disabled


def test_the_draft_of_the_workshop_is_somebody_too(compared: Opened, provider: FakeProvider) -> None:
    test = unfolded(compared(), "seat_0", "arrange")
    assert len(test.selectbox(key="seat_persona_0").options) == 3
    assert "preset_draft" not in [button.key for button in test.main.button]
    test.switch_page("pages/workshop.py").run()
    test.switch_page("pages/compare.py").run()
    unfolded(test, "seat_0")
    test.selectbox(key="seat_persona_0").set_value(DRAFT).run()
    chosen = seats(test)
    assert seats(click(unfolded(test, "arrange"), "preset_draft")) == [
        Seat("fake", "fake-small", DRAFT, 0.5),
        VICKY,
    ]
    sit(test, *chosen)
    assert heads(test)[0] == "🧭 Captain Maybe \\(your draft\\)"
    click(test, "ask_all")
    systems = [
        m["content"] for chat in provider.chats for m in chat.json["messages"] if m["role"] == "system"
    ]
    assert len(systems) == 1
    assert systems[0].startswith("You are Captain Maybe")


def test_a_persona_whose_file_is_gone_leaves_its_column(compared: Opened, folder: Path) -> None:
    test = sit(compared(persona="vicky"), Seat("gone", "x", "teacher"), VICKY)
    assert seats(test) == [Seat("fake", "fake-small", "teacher"), VICKY]
    (folder / "02_teacher.yaml").unlink()
    rerun(test)
    assert seats(test) == [Seat("fake", "fake-small"), VICKY]


def test_columns_stand_in_rows(compared: Opened) -> None:
    test = compared()
    for count, widths in ((3, [3]), (4, [2, 2]), (6, [3, 3])):
        sit(test, *[NOBODY] * count)
        drawn = [round(1 / column.weight) for column in test.main.columns]
        assert drawn == [width for width in widths for _ in range(width)]
