"""A persona as text that reads back as the same persona: YAML as people write it here, JSON for machines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from playground.config import MAX_BYTES, Problem, read
from playground.personas import FORBIDDEN, WORDS, Persona

LONG = 60
"""Characters from which on a text stands in a block of its own."""

_ALWAYS_BLOCK = {"system_prompt", "greeting"}
# What no editor shows, or YAML takes for the end of a line; the joiners and tags inside emoji are not meant.
_HIDDEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff0-\uffff]"
)
# Begins like a word, and holds nothing that YAML reads as anything but text.
_PLAIN = re.compile(
    r"(?!(?:y|n|yes|no|on|off|true|false|null)$)(?:[^\W\d_]|[☀-➿\U0001f1e6-\U0001faff])"
    r"(?:[^:#\n\t]|:(?=\S)|(?<=\S)#)*",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TYPED = {"fw_comma", "control", "hash_cut", "smart_quote", "decoded_as"}
"""Warnings about how somebody typed a text; here no one did."""


def persona_yaml(persona: Persona) -> str:
    """Give a persona as a file of the folder has it: keys in the schema's order, long texts in blocks."""
    return "".join(
        f"{line}\n" for key, value in persona_fields(persona).items() for line in _entry(key, value)
    )


def persona_fields(persona: Persona) -> dict[str, Any]:
    """Give what a persona says of itself as JSON values, in the schema's order; other tools' keys come last."""
    return persona.model_dump(mode="json", exclude_defaults=True)


def json_text(value: object, indent: int | None = None) -> str:
    """Give JSON values as a JSON text, which is YAML too; characters that do not show are escaped."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(value, ensure_ascii=False, separators=separators, indent=indent, allow_nan=False)
    return _HIDDEN.sub(lambda found: json.dumps(found.group())[1:-1], text)


def read_fields(fields: Mapping[str, Any] | str) -> tuple[Persona | None, tuple[Problem, ...]]:
    """Read a persona from JSON values, or their text, as strictly as from a file, and only what fits into a file.

    Problems have no line and no repair: nobody typed this.
    """
    text = fields if isinstance(fields, str) else json_text(fields)
    # A text in quotes may take twice the room that it takes in a block.
    persona, told = read(text, Persona, words=WORDS, forbidden=FORBIDDEN, max_bytes=2 * MAX_BYTES)
    if persona and len(persona_yaml(persona).encode()) > MAX_BYTES:
        return None, (Problem("error", "too_big", slots={"limit": MAX_BYTES // 1024}),)
    kept = [p for p in told if p.level == "error" or p.code not in _TYPED]
    return persona, tuple(replace(p, line=None, column=None, edit=None) for p in kept)


def _entry(key: str, value: Any, indent: str = "") -> Iterator[str]:
    name = key if _NAME.fullmatch(key) else json_text(key)
    if isinstance(value, str):
        yield from _text(f"{indent}{name}:", value, key, indent)
    elif isinstance(value, float) and value.is_integer():
        yield f"{indent}{name}: {value:.0f}"
    elif key.startswith("x-") or not isinstance(value, list) or not value:
        yield f"{indent}{name}: {json_text(value)}"
    elif isinstance(value[0], dict):
        yield f"{indent}{name}:"
        for row in value:
            lines = [line for name, part in row.items() for line in _entry(name, part, f"{indent}    ")]
            yield f"{indent}  - {lines[0].lstrip()}"
            yield from lines[1:]
    elif (
        key == "tags" and len(value) > 1 and all(_is_plain(v) and not re.search(r"[][,{}]", v) for v in value)
    ):
        yield f"{indent}{name}: [{', '.join(value)}]"
    else:
        yield f"{indent}{name}:"
        yield from (f"{indent}  - {_inline(item)}" for item in value)


def _text(start: str, text: str, key: str, indent: str) -> Iterator[str]:
    wants_block = key in _ALWAYS_BLOCK or "\n" in text or len(text) > LONG
    if not wants_block or not text or text != text.strip() or _HIDDEN.search(text):
        yield f"{start} {_inline(text)}"
        return
    # Our own fields lose the line end that a block adds; what others wrote keeps its exact end.
    yield f"{start} {'|' if key in Persona.model_fields or key in ('user', 'assistant') else '|-'}"
    yield from (f"{indent}  {line}" if line else "" for line in text.split("\n"))


def _inline(text: str) -> str:
    if _is_plain(text):
        return text
    if "\n" in text or _HIDDEN.search(text):
        return json_text(text)
    return "'" + text.replace("'", "''") + "'"


def _is_plain(text: str) -> bool:
    return bool(_PLAIN.fullmatch(text)) and text == text.strip() and not _HIDDEN.search(text)
