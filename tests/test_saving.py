"""A persona's text goes into its folder: whole, never elsewhere, never over another unasked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from playground.saving import can_save, file_name, holds, rival, save
from tests.tables import table


@table(
    "words, file",
    [
        ("Lucky Vicky", "lucky-vicky.yaml"),
        ("王老師", "王老師.yaml"),
        ("ＡＢＣ！", "abc.yaml"),
        ("../../etc/passwd", "etc-passwd.yaml"),
        ("..", "persona.yaml"),
        ("", "persona.yaml"),
        ("🍀", "persona.yaml"),
        ("CON", "persona-con.yaml"),
        ("a\x00b/c\\d", "a-b-c-d.yaml"),
        ("x.yaml", "x.yaml"),
    ],
)
def test_file_name(words: str, file: str) -> None:
    assert file_name(words) == file


def test_file_name_is_short_enough_for_any_disk() -> None:
    assert len(file_name("王" * 500).encode()) < 255


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("lucky-vicky.yaml", "02_Lucky_Vicky.yml"),
        ("LUCKY-vicky.yaml", "02_Lucky_Vicky.yml"),
        ("vicky.yaml", None),
        ("hidden.yaml", None),
    ],
)
def test_rival(tmp_path: Path, file: str, found: str | None) -> None:
    for name in ("02_Lucky_Vicky.yml", ".hidden.yaml", "vicky.txt"):
        (tmp_path / name).touch()
    assert rival(tmp_path, file) == found


def test_save(tmp_path: Path) -> None:
    path = save(tmp_path, "a.yaml", "name: 王老師")
    assert path.read_bytes() == "name: 王老師\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.yaml"]


def test_a_file_that_somebody_else_changed_is_told_from_one_that_was_saved(tmp_path: Path) -> None:
    save(tmp_path, "a.yaml", "name: 王老師")
    assert holds(tmp_path, "a.yaml", "name: 王老師")
    (tmp_path / "a.yaml").write_text("name: theirs\n")
    assert not holds(tmp_path, "a.yaml", "name: 王老師")
    assert not holds(tmp_path, "b.yaml", "name: 王老師")


def test_never_over_another_unasked(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mine")
    with pytest.raises(FileExistsError):
        save(tmp_path, "a.yaml", "yours")
    assert (tmp_path / "a.yaml").read_text() == "mine"
    save(tmp_path, "a.yaml", "yours", over=True)
    assert (tmp_path / "a.yaml").read_text() == "yours\n"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "file", ["../a.yaml", "/a.yaml", "b/a.yaml", "b\\a.yaml", ".a.yaml", "a.py", "..", ""]
)
def test_never_elsewhere(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "personas"
    folder.mkdir()
    with pytest.raises(ValueError, match=r".*"):
        save(folder, file, "x", over=True)
    assert list(folder.iterdir()) == []
    assert list(tmp_path.iterdir()) == [folder]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("theirs")
    folder = tmp_path / "personas"
    folder.mkdir()
    (folder / "a.yaml").symlink_to(outside)
    with pytest.raises(FileExistsError):
        save(folder, "a.yaml", "x")
    save(folder, "a.yaml", "x", over=True)
    assert outside.read_text() == "theirs"
    assert not (folder / "a.yaml").is_symlink()


def test_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a.yaml").write_text("before")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, "a.yaml", "after", over=True)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, "b.yaml", "new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.yaml", "before")]


def test_can_save(tmp_path: Path) -> None:
    assert can_save(tmp_path)
    assert not can_save(tmp_path / "nowhere")
