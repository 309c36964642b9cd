"""A reply that grows, in blocks: nothing lost, nothing taken back, every line read once."""

from __future__ import annotations

import faulthandler
import sys
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.markdown_cases import documents
from tests.tables import table
from ui.markdown import Blocks, safe, split


@settings(deadline=None, max_examples=200)
@given(documents)
def test_split_loses_nothing_and_never_takes_back(text: str) -> None:
    finished, tail = split(text)
    assert "".join(finished) + tail == text
    for end in range(len(text)):
        before, rest = split(text[:end])
        assert before == finished[: len(before)]
        assert "".join(before) + rest == text[:end]


@settings(deadline=None, max_examples=120)
@given(documents, st.lists(st.integers(1, 9), min_size=1))
def test_blocks_do_not_depend_on_how_the_text_arrives(text: str, steps: list[int]) -> None:
    blocks, finished, tail, end = Blocks(), list[str](), "", 0
    while end < len(text):
        end = min(len(text), end + steps[end % len(steps)])
        new, tail = blocks.feed(text[:end])
        finished += new
    assert (finished, tail) == split(text)


@table(
    "text, blocks",
    [
        ("a\n\nb", ["a\n\n", "b"]),
        ("a\nb", ["a\nb"]),
        ("- a\n\n- b\n\nc", ["- a\n\n- b\n\n", "c"]),
        ("1. a\n\n   para\n\n2. b\n\n", ["1. a\n\n   para\n\n2. b\n\n"]),
        ("- a\n\n**b", ["- a\n\n", "**b"]),
        ("- a\n\n*", ["- a\n\n*"]),
        ("```\na\n\nb\n```\n\nc", ["```\na\n\nb\n```\n\n", "c"]),
        ("```\na\n\nb", ["```\na\n\nb"]),
        ("1. a\n\n   ```\n   x\n\n   y\n   ```\n\nz", ["1. a\n\n   ```\n   x\n\n   y\n   ```\n\n", "z"]),
        ("> a\n>\n> - b\n\nc", ["> a\n>\n> - b\n\n", "c"]),
        ("| a |\n|---|\n| b |\n\nc", ["| a |\n|---|\n| b |\n\n", "c"]),
        ("    a\n\n    b\n\nc", ["    a\n\n    b\n\n", "c"]),
        ("$$\na\n- b\n$$\n\nc", ["$$\na\n- b\n$$\n\n", "c"]),
        ("<div>\na\n</div>\n\nc", ["<div>\na\n</div>\n\n", "c"]),
        ("a\r\n\r\nb", ["a\r\n\r\n", "b"]),
        ("\n\na\n\n\nb", ["\n\na\n\n", "\nb"]),
    ],
)
def test_blocks_stay_in_one_piece(text: str, blocks: list[str]) -> None:
    finished, tail = split(text)
    assert (
        [*finished, tail] == [*blocks, ""]
        if text.endswith("\n\n") and not tail
        else [*finished, tail] == blocks
    )


SEEDS = """
$ ` [ ![ ]( ![]( ![a](u) ](a" ](((a \\( \\[N $$N $a < <a: ! http:// :a ~ >_ -_ -N N ____a |-|N a_`bN ```N
```_``_`_ \\ [a]:_
"""
"""Openings that never close, and other things to look far ahead for; N is a line end, _ a space."""


def calls(text: str) -> int:
    """How many functions `safe` and `split` call for a text."""
    count = 0

    def step(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(step)
    try:
        safe(text)
        split(text)
    finally:
        sys.setprofile(None)
    return count


@table("seed", SEEDS.split())
def test_work_grows_with_the_text_and_not_with_its_square(seed: str) -> None:
    """Steps are counted; a scan that repeats inside one step would hang here, so a clock guards it."""
    seed = seed.replace("N", "\n").replace("_", " ")
    faulthandler.dump_traceback_later(300, exit=True)
    try:
        small, large = calls(seed * (2_000 // len(seed))), calls(seed * (8_000 // len(seed)))
        safe(seed * (131_072 // len(seed)))
    finally:
        faulthandler.cancel_dump_traceback_later()
    assert large <= 5 * small


def test_a_growing_reply_is_read_once() -> None:
    text = "一段文字 with words.\n\n- a\n- b\n\n```\ncode\n```\n\n" * 200
    blocks, count = Blocks(), 0

    def step(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_name == "line"

    sys.setprofile(step)
    try:
        for end in range(0, len(text), 7):
            blocks.feed(text[:end])
    finally:
        sys.setprofile(None)
