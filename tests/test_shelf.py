"""The folder of personas: in order, safe, none in the way of the others, and read only once."""

from __future__ import annotations

import json
import os
import string
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import personas
from playground.personas import PERSONAS, Shelf, load_personas, personas_folder, slug_of
from tests.tables import table

BROKEN = Path(__file__).resolve().parent / "bad_personas"
VERDICTS: list[dict[str, Any]] = json.loads((BROKEN / "index.json").read_text("utf-8"))
GOOD = "name: 王老師\nsystem_prompt: 你是助教\n"


def fill(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, "utf-8")
    return folder


def codes(shelf: Shelf) -> dict[str, list[str]]:
    return {file: [p.code for p in problems] for file, problems in shelf.broken}


def test_broken_files_hide_no_others() -> None:
    shelf = load_personas(BROKEN)
    good = {row["file"] for row in VERDICTS if not row["expect"].startswith("reject")}
    assert {f.file for f in shelf.files if f.persona} == good
    assert {file for file, _ in shelf.broken} == {row["file"] for row in VERDICTS} - good
    assert {file for file, _ in shelf.warned} == {
        r["file"] for r in VERDICTS if r["expect"].startswith("warn")
    }


def test_a_file_that_gets_a_slip_keeps_its_persona(tmp_path: Path) -> None:
    file = fill(tmp_path, one__yaml=GOOD) / "one.yaml"
    shelf = load_personas(tmp_path)
    before = shelf.personas["one"]
    for slip in ("", "name: [", "name: One\n"):
        file.write_text(slip, "utf-8")
        shelf = load_personas(tmp_path, shelf)
        assert shelf.personas == {"one": before}
        assert (list(codes(shelf)), shelf.warned) == (["one.yaml"], [])
    assert load_personas(tmp_path).personas == {}
    file.write_text(GOOD + "greeting: Anew.\n", "utf-8")
    shelf = load_personas(tmp_path, shelf)
    assert (shelf.personas["one"].greeting, codes(shelf)) == ("Anew.", {})
    file.unlink()
    assert load_personas(tmp_path, shelf).personas == {}


def test_order_and_slugs(tmp_path: Path) -> None:
    names = [
        "b.yaml",
        "a.yml",
        "10_z.yaml",
        "9-y.YAML",
        "王 老師.yaml",
        "A.yaml",
        "con.yaml",
        ".hidden.yaml",
        "notes.txt",
    ]
    for name in names:
        (tmp_path / name).write_text(GOOD, "utf-8")
    shelf = load_personas(tmp_path)
    assert list(shelf.personas) == ["y", "z", "a", "a-2", "b", "persona-con", "王-老師"]
    assert [f.file for f in shelf.files][:3] == ["9-y.YAML", "10_z.yaml", "A.yaml"]


@table(
    "file, slug",
    [
        ("lucky_vicky.yaml", "lucky-vicky"),
        ("10_Lucky Vicky.yaml", "lucky-vicky"),
        ("01-員瑛式思考.yml", "員瑛式思考"),
        ("2024.yaml", "2024"),
        ("..yaml", "persona"),
        ("CON.yaml", "persona-con"),
        ("ａ／ｂ.yaml", "a-b"),
        ("a" * 200 + ".yaml", "a" * 60),
    ],
)
def test_slugs(file: str, slug: str) -> None:
    assert slug_of(file) == slug


@given(st.text(max_size=80))
def test_slugs_are_safe(name: str) -> None:
    slug = slug_of(name + ".yaml")
    assert 0 < len(slug) <= 68
    assert not set(slug) & set(string.punctuation.replace("-", "") + string.whitespace + "\0")
    assert all(c.isalnum() or c == "-" for c in slug)


@pytest.mark.skipif(
    os.name == "nt", reason="Windows has no pipes in folders, and asks for rights to make links"
)
def test_files_that_are_no_personas(tmp_path: Path) -> None:
    folder = fill(tmp_path, good__yaml=GOOD, story__yaml__txt=GOOD, word__docx="PK", readme__md="# Hello")
    (folder / "folder.yaml").mkdir()
    (folder / "gone.yaml").symlink_to(folder / "nowhere")
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    (folder / "out.yaml").symlink_to(Path(__file__))
    (folder / "in.yaml").symlink_to(folder / "good.yaml")
    os.mkfifo(folder / "pipe.yaml")
    shelf = load_personas(folder)
    assert list(shelf.personas) == ["good", "in"]
    assert codes(shelf) == {
        "folder.yaml": ["not_file"],
        "gone.yaml": ["unreadable"],
        "loop.yaml": ["unreadable"],
        "out.yaml": ["outside"],
        "pipe.yaml": ["not_file"],
        "story.yaml.txt": ["extension"],
        "word.docx": ["extension"],
    }


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    assert codes(load_personas(tmp_path / "none")) == {"none/": ["unreadable"]}
    assert load_personas(tmp_path) == Shelf()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps such names")
def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xa4\xfd.yaml")).write_text(GOOD, "utf-8")
    (shelved,) = load_personas(tmp_path).files
    assert shelved.file.encode("utf-8")
    assert shelved.persona


def test_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personas, "MAX_FILES", 3)
    for number in range(5):
        (tmp_path / f"{number}.yaml").write_text(GOOD, "utf-8")
    shelf = load_personas(tmp_path)
    assert len(shelf.personas) == 3
    assert codes(shelf) == {f"{tmp_path.name}/": ["many_files"]}


def test_only_changed_files_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    really = personas.read_persona_file

    def counted(path: Path) -> Any:
        read.append(path.name)
        return really(path)

    monkeypatch.setattr(personas, "read_persona_file", counted)
    first = load_personas(fill(tmp_path, a__yaml=GOOD, b__yaml=GOOD, c__yaml="name: x"))
    assert read == ["a.yaml", "b.yaml", "c.yaml"]
    again = load_personas(tmp_path, first)
    assert read[3:] == []
    assert again == first
    assert again.personas["a"] is first.personas["a"]

    fill(tmp_path, b__yaml=GOOD.replace("王", "李"), d__yaml=GOOD)
    os.utime(tmp_path / "b.yaml", ns=(1, 1))
    (tmp_path / "a.yaml").unlink()
    later = load_personas(tmp_path, again)
    assert read[3:] == ["b.yaml", "d.yaml"]
    assert {slug: p.name for slug, p in later.personas.items()} == {"b": "李老師", "d": "王老師"}
    assert codes(later) == {"c.yaml": ["missing"]}


def test_folder_from_the_environment(tmp_path: Path) -> None:
    assert personas_folder({}) == PERSONAS
    assert personas_folder({"PLAYGROUND_PERSONAS": str(tmp_path)}) == tmp_path
