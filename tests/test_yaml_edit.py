"""One value of a YAML text changes, and every other character of it stands."""

from __future__ import annotations

import difflib

import pytest
import yaml

from playground.yaml_edit import with_value
from tests.tables import table

ORDER = ("name", "avatar", "greeting", "system_prompt", "starters")

CASES: dict[str, tuple[str, str, str | list[str], str]] = {
    "plain": ("name: Bob  # his\n", "name", "Ann", "name: Ann  # his\n"),
    "plain that needs quotes": ("name: Bob\n", "name", "A: b # c", "name: 'A: b # c'\n"),
    "plain that looks like a number": ("name: Bob\n", "name", "1.10", "name: '1.10'\n"),
    "emoji and Chinese": ("name: Bob\n", "name", "👩‍🚀 王老師：早", "name: 👩‍🚀 王老師：早\n"),
    "double quotes stay": ('name: "Bob" # x\nb: 1\n', "name", 'A"n', 'name: "A\\"n" # x\nb: 1\n'),
    "single quotes stay": ("name: 'Bob'\n", "name", "Ann's", "name: 'Ann''s'\n"),
    "odd spaces stay": ("name:    Bob\nb:   1\n", "name", "Ann", "name:    Ann\nb:   1\n"),
    "a quoted key": ('"name": Bob\n', "name", "Ann", '"name": Ann\n'),
    "no line end": ("name: Bob", "name", "Ann", "name: Ann"),
    "block": ("a: |\n  one\n  two\n\n# end\nb: 1\n", "a", "x\n\n  y", "a: |\n  x\n\n    y\n\n# end\nb: 1\n"),
    "block with a note": ("a: |-  # note\n    one\nb: 1\n", "a", "two", "a: |  # note\n    two\nb: 1\n"),
    "folded": ("a: >\n  one\n  two\nb: 1\n", "a", "x", "a: |\n  x\nb: 1\n"),
    "block to nothing": ("a: | # note\n  one\nb: 1\n", "a", "", 'a: "" # note\nb: 1\n'),
    "line to block": ("a: one  # note\nb: 1\n", "a", "x\ny", "a: |  # note\n  x\n  y\nb: 1\n"),
    "several lines of plain text": ("a: one\n  two # note\nb: 1\n", "a", "x", "a: x # note\nb: 1\n"),
    "left out": ("a:\nb: 1\n", "a", "x", "a: x\nb: 1\n"),
    "left out, with a note": ("a: # todo\nb: 1\n", "a", "x", "a: x # todo\nb: 1\n"),
    "left out, a list": ("a:\nb: 1\n", "a", ["x", "- y"], "a:\n  - x\n  - '- y'\nb: 1\n"),
    "list: one item": (
        "a:\n# top\n- one\n- 'two'  # t\n\n# low\n- three\n",
        "a",
        ["one", "2: b", "three"],
        "a:\n# top\n- one\n- '2: b'  # t\n\n# low\n- three\n",
    ),
    "list: an item more at the end": (
        "a:\n    - one # 1\n# next\nb: 1\n",
        "a",
        ["one", "two"],
        "a:\n    - one # 1\n    - two\n# next\nb: 1\n",
    ),
    "list: an item more in front": ("a:\n  # top\n  - one\n", "a", ["new", "one"], "a:\n  # top\n  - new\n  - one\n"),
    "list: an item less": ("a:\n  - one\n  # why\n  - two\n  - three\nb: 1\n", "a", ["one", "three"],
        "a:\n  - one\n  # why\n  - three\nb: 1\n"),
    "list: nothing left": ("a:\n  - one\n  - two\nb: 1\n", "a", [], "a: []\nb: 1\n"),
    "list in brackets": ("a: [x,  y] # n\nb: 1\n", "a", ["x", "z, w"], "a: [x, 'z, w'] # n\nb: 1\n"),
    "empty brackets": ("a: []\n", "a", ["x"], "a: [x]\n"),
    "new, in its place": ("name: Bob # n\n\n# p\nsystem_prompt: x\n", "avatar", "🍀",
        "name: Bob # n\navatar: 🍀\n\n# p\nsystem_prompt: x\n"),
    "new, after a block": ("greeting: |\n  hi\n\nx: 1\n", "system_prompt", "a\nb",
        "greeting: |\n  hi\nsystem_prompt: |\n  a\n  b\n\nx: 1\n"),
    "new, before all": ("# top\nsystem_prompt: x\n", "name", "Ann", "# top\nname: Ann\nsystem_prompt: x\n"),
    "new, at the end": ("name: Bob", "starters", ["x"], "name: Bob\nstarters:\n  - x\n"),
    "as JSON": ('{"name": "Bob", "b": 1}', "name", "A\nn", '{"name": "A\\nn", "b": 1}'),
    "as JSON, new": ('{"name": "Bob"}', "avatar", "🍀", '{"avatar": "🍀", "name": "Bob"}'),
}  # fmt: skip


@table("before, key, value, after", CASES.values())
def test_one_value_changes(before: str, key: str, value: str | list[str], after: str) -> None:
    assert with_value(before, key, value, ORDER) == after


@table("before, key, value, after", CASES.values())
def test_another_reader_finds_the_value(before: str, key: str, value: str | list[str], after: str) -> None:
    old, new = yaml.safe_load(before), yaml.safe_load(after)
    assert (new[key].strip() if isinstance(value, str) else new[key]) == value
    assert {k: v for k, v in new.items() if k != key} == {k: v for k, v in old.items() if k != key}


def test_quoted_on_request() -> None:
    text = with_value("a: |\n  one\nb: [x]\n", "a", "x\ny", ORDER, quoted=True)
    assert text == 'a: "x\\ny"\nb: [x]\n'


@pytest.mark.parametrize(
    "text", ["", "# only a note\n", "- a\n- b\n", "word\n", "name: y\n---\n", "# a\u2028b\nname: y\n"]
)
def test_no_mapping(text: str) -> None:
    with pytest.raises(ValueError, match="mapping"):
        with_value(text, "name", "x")


def test_comments_are_never_lost() -> None:
    """Every way to change every list keeps each comment that stands on a line of its own."""
    text = "# 1\na:\n  # 2\n  - p\n  # 3\n  - q\n  # 4\n  - r\n# 5\nb: 1\n"
    for value in (["p"], ["q"], ["r"], ["p", "r"], ["x", "q", "r", "y"], ["r", "q", "p"], ["x"]):
        new = with_value(text, "a", value)
        assert yaml.safe_load(new) == {"a": value, "b": 1}
        gone = [line for line in difflib.ndiff(text.split("\n"), new.split("\n")) if line.startswith("- ")]
        assert not [line for line in gone if "#" in line], value
