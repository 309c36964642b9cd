"""What two texts have in common and what only one of them has, in pieces that a reader takes in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

MOST_WORK = 1_000_000
"""Pairs of words that are compared for one changed passage; a larger passage differs as a whole."""

ISLAND, SHORE = 8, 3
"""Letters from which on something that both have is told apart between things that they have not, and at an end."""

_WORD = re.compile(r"[^\W\u2e80-\uffff]+[^\S\n]*|\n|\s|.")


class Piece(NamedTuple):
    """A part of a text; `same` when the other text has it too."""

    text: str
    same: bool


Pieces = tuple[Piece, ...]


def difference(one: str, other: str) -> tuple[Pieces, Pieces]:
    """Cut each of two texts into pieces, by lines first and by words where lines differ."""
    left: list[Piece] = []
    right: list[Piece] = []
    lines, others = one.splitlines(keepends=True), other.splitlines(keepends=True)
    for same, here, there in _matched(lines, others):
        if same or not here or not there:
            left.append(Piece("".join(here), same))
            right.append(Piece("".join(there), same))
            continue
        words, other_words = (_WORD.findall("".join(part)) for part in (here, there))
        if len(words) * len(other_words) > MOST_WORK:
            left.append(Piece("".join(here), False))
            right.append(Piece("".join(there), False))
            continue
        parts = _matched(words, other_words)
        for number, (same, some, rest) in enumerate(parts):
            ours, theirs = "".join(some), "".join(rest)
            same = same and _letters(ours) >= (ISLAND if 0 < number < len(parts) - 1 else SHORE)
            left.append(Piece(ours, same))
            right.append(Piece(theirs, same))
    return _joined(left), _joined(right)


def _letters(text: str) -> int:
    """How many letters and digits there are; a Chinese character says as much as three."""
    return sum(3 if c > "\u2e7f" else 1 for c in text if c.isalnum())


def _matched(one: Sequence[str], other: Sequence[str]) -> list[tuple[bool, Sequence[str], Sequence[str]]]:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return [(tag == "equal", one[a:b], other[c:d]) for tag, a, b, c, d in matcher.get_opcodes()]


def _joined(pieces: Iterable[Piece]) -> Pieces:
    filled = (piece for piece in pieces if piece.text)
    return tuple(
        Piece("".join(p.text for p in group), same) for same, group in groupby(filled, key=lambda p: p.same)
    )
