"""Persona files that can be used and yet hold a slip: the gallery tells of them, and the sidebar leads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_pages import Opened, folder, opened

__all__ = ["folder", "opened"]

TYPO = "name: Bear\ngreating: Hello, I am a bear.\nsystem_prompt: You are a bear.\n"


@pytest.mark.parametrize(
    ("language", "hint", "told"),
    [("en", "worth a look: 1", "worth a look"), ("zh-TW", "有 1 個角色檔建議檢查", "建議檢查")],
)
def test_a_mistyped_key_is_told_in_the_gallery_and_hinted_at(
    opened: Opened, folder: Path, language: str, hint: str, told: str
) -> None:
    (folder / "41_typo.yaml").write_text(TYPO, "utf-8")
    test = opened("gallery", language=language)
    assert any(hint in link.proto.label for link in test.sidebar.get("page_link"))
    box = next(one for one in test.expander if told in one.label)
    assert "41" in box.label
    assert not box.proto.expanded
    assert "greating" in box.markdown[0].value
    assert "greeting" in box.markdown[0].value


def test_a_broken_file_comes_first_and_a_good_folder_is_told_of_nothing(opened: Opened, folder: Path) -> None:
    assert not any("look" in link.proto.label for link in opened().sidebar.get("page_link"))
    (folder / "41_typo.yaml").write_text(TYPO, "utf-8")
    (folder / "42_broken.yaml").write_text("name: Cat\n", "utf-8")
    test = opened("gallery")
    labels = [one.label.replace("\\", "") for one in test.expander if ".yaml" in one.label]
    assert [label.split()[0] for label in labels] == ["42_broken.yaml", "41_typo.yaml"]
    hints = [
        link.proto.label for link in test.sidebar.get("page_link") if "persona files" in link.proto.label
    ]
    assert hints == ["1 persona files need mending"]
