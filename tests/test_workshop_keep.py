"""Saving a draft among the personas, where the visitor sits at the machine: never over a file unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_pages import Opened, folder, opened
from tests.test_workshop import click, draft_of, types

__all__ = ["folder", "opened"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the visitor sit at the machine that the app runs on."""
    monkeypatch.setattr("ui.workshop_keep.is_here", lambda: True)


def test_save_and_talk(opened: Opened, folder: Path, here: None) -> None:
    test = types(opened("workshop"), "name: Ann 王\ngreeting: Hello!\nsystem_prompt: Be kind.\n")
    click(test, "save_now")
    assert (folder / "ann-王.yaml").read_text("utf-8") == draft_of(test).text
    test.run()
    click(test, "talk_to_draft")
    assert test.session_state["session"].persona == "ann-王"


def test_never_over_a_file_unasked(opened: Opened, folder: Path, here: None) -> None:
    before = (folder / "01_vicky.yaml").read_text("utf-8")
    test = types(opened("workshop"), "name: vicky!\nsystem_prompt: Be kind.\n")
    told = next(box.value for box in test.warning if "01" in box.value).replace("\\", "")
    assert "01_vicky.yaml" in told
    assert "“Vicky”" in told
    assert "“vicky!”" in told
    assert not [b for b in test.button if b.key == "save_now"]
    assert (folder / "01_vicky.yaml").read_text("utf-8") == before
    test.text_input(key="file_name_vicky").set_value("../another one").run()
    click(test, "save_now")
    assert sorted(p.name for p in folder.iterdir()) == [
        "01_vicky.yaml",
        "02_teacher.yaml",
        "another-one.yaml",
    ]
    assert (folder / "01_vicky.yaml").read_text("utf-8") == before


def test_ones_own_file_is_saved_again_unless_it_was_changed(opened: Opened, folder: Path, here: None) -> None:
    test = types(opened("workshop"), "name: vicky!\nsystem_prompt: Be kind.")
    click(test, "replace")
    types(test, "name: vicky!\nsystem_prompt: Be firm.\n")
    click(test, "save_now")
    assert (folder / "01_vicky.yaml").read_text("utf-8") == "name: vicky!\nsystem_prompt: Be firm.\n"
    types(test, "name: vicky!\nsystem_prompt: Be wise.\n")
    (folder / "01_vicky.yaml").write_text("name: Theirs\nsystem_prompt: x\n", "utf-8")
    click(test, "save_now")
    assert "name: Theirs" in (folder / "01_vicky.yaml").read_text("utf-8")
    assert any("Nothing was replaced" in toast.value for toast in test.toast)
    assert any("“Theirs”" in box.value for box in test.warning)
    assert len(list(folder.iterdir())) == 2


def test_a_draft_that_begins_anew_has_no_file_of_its_own(opened: Opened, folder: Path, here: None) -> None:
    test = types(opened("workshop"), "name: Ann\nsystem_prompt: Be kind.\n")
    click(test, "save_now")
    test.selectbox(key="copied").set_value("teacher").run()
    click(test, "copy_persona")
    test.text_input(key="file_name_王老師").set_value("ann").run()
    assert [b.key for b in test.button if b.key in ("save_now", "replace")] == ["replace"]
    assert (folder / "ann.yaml").read_text("utf-8") == "name: Ann\nsystem_prompt: Be kind.\n"


def test_replace_when_asked(opened: Opened, folder: Path, here: None) -> None:
    test = types(opened("workshop"), "name: vicky!\nsystem_prompt: Be kind.\n")
    click(test, "replace")
    assert (folder / "01_vicky.yaml").read_text("utf-8") == "name: vicky!\nsystem_prompt: Be kind.\n"
    assert len(list(folder.iterdir())) == 2


def test_a_disk_that_takes_nothing(
    opened: Opened, folder: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    test = types(opened("workshop"), "name: Ann\nsystem_prompt: Be kind.\n")
    monkeypatch.setattr("ui.workshop_keep.save", full)
    click(test, "save_now")
    assert any("No space left" in toast.value for toast in test.toast)
    assert draft_of(test).text == "name: Ann\nsystem_prompt: Be kind.\n"


def test_nobody_else_saves(opened: Opened) -> None:
    test = opened("workshop")
    assert not [b for b in test.button if b.key in ("save_now", "replace")]
    assert test.get("download_button")


def test_a_broken_draft_is_not_saved_and_can_be_downloaded(opened: Opened, folder: Path, here: None) -> None:
    test = types(opened("workshop"), "name: [\n")
    assert not [b for b in test.button if b.key in ("save_now", "replace")]
    assert test.get("download_button")
    assert len(list(folder.iterdir())) == 2
