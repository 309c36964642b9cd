"""The guides for writing a persona: every example in them is what the text around it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from playground.checks import RULES, run
from playground.i18n import translator
from playground.personas import read_persona
from tests.tables import table

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDES = {"en": DOCS / "writing-a-persona.md", "zh-TW": DOCS / "writing-a-persona.zh-TW.md"}


class Example(NamedTuple):
    """One piece of YAML in a guide; `broken` names the problem that it is there to show."""

    place: str
    text: str
    broken: str


def examples(path: Path) -> list[Example]:
    text = path.read_text("utf-8")
    found = re.finditer(r"(?:<!-- broken: (\w+) -->\n)?```yaml\n(.*?)```", text, re.DOTALL)
    return [Example(f"{path.name}:{text[: m.start()].count(chr(10)) + 1}", m[2], m[1] or "") for m in found]


ALL = [one for path in GUIDES.values() for one in examples(path)]


@table("example", [one for one in ALL if not one.broken])
def test_an_example_is_a_persona_that_keeps_its_own_rules(example: Example) -> None:
    persona, problems = read_persona(example.text)
    assert persona
    assert problems == ()
    for shown in persona.examples:
        assert [c.type for c in persona.checks if not run(c, shown.assistant).passed] == []


@table("example", [one for one in ALL if one.broken])
def test_a_broken_example_has_the_problem_it_shows(example: Example) -> None:
    _, problems = read_persona(example.text)
    assert example.broken in {p.code for p in problems}


def test_both_guides_show_the_same() -> None:
    english, chinese = (examples(path) for path in GUIDES.values())
    assert len(english) >= 6
    assert [one.broken for one in english] == [one.broken for one in chinese]
    assert all(path.read_text("utf-8").count("```") == 2 * len(examples(path)) for path in GUIDES.values())


@pytest.mark.parametrize("language", GUIDES)
def test_what_a_guide_names_is_there(language: str) -> None:
    text, t = GUIDES[language].read_text("utf-8"), translator(language)
    for rule in RULES:
        assert f"`{rule}`" in text
    for key in ("workshop.begin", "workshop.from_persona", "workshop.copy", "gallery.edit", "workshop.undo"):
        assert t(key) in text, key
    for key in ("nav.workshop", "nav.gallery", "sharing.share", "sharing.yaml"):
        assert t(key) in text, key
    for target in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (DOCS / target).exists(), target
