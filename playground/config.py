"""A YAML file into a validated record, or exactly what is wrong, where, and the fix."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from playground.i18n import Translator
from playground.yaml_record import Reading
from playground.yaml_shapes import names
from playground.yaml_slips import key_form, refuse_slip
from playground.yaml_text import Edit, Problem, Refused, Slot, as_text, refuse_fence
from playground.yaml_tree import BYTES_PER_NODE, Node, grow

__all__ = ["Edit", "Problem", "applied", "read", "read_file", "repaired", "wording"]

M = TypeVar("M", bound=BaseModel)

MAX_BYTES = 64 * 1024
MAX_TOLD = 50
MAX_REPAIRS = 200

_SECRET = re.compile(
    r"(?<![A-Za-z0-9_-])(?:(?:sk|gsk|hf|fw|xai|csk|nvapi|tgp|ghp|github_pat|glpat)[-_](?=[\w-]*\d)[\w-]{16,}"
    r"|AIza[\w-]{30,}|AQ\.[\w-]{20,}|AKIA[A-Z0-9]{16})",
    re.ASCII,
)
_KIND_WORDS = {"text", "number", "integer", "bool", "list", "mapping", "unknown", "broken_utf8"}


def read(
    source: bytes | str,
    model: type[M],
    *,
    words: Mapping[str, str] = {},
    forbidden: Collection[str] = (),
    max_bytes: int = MAX_BYTES,
) -> tuple[M | None, tuple[Problem, ...]]:
    """Read a YAML text as a record of a strict `model`; an error among the problems means no record.

    Every scalar is text until the model says otherwise, so `no`, `1.10` and `12:30` stay what somebody typed;
    where the model says Any, an unquoted JSON number, true or false counts as such. `words` maps names that
    other tools use to ours, for "did you mean"; keys in `forbidden` are refused, however they are spelt.
    Never raises on any source.
    """
    ours = {key_form(word): name for word, name in words.items()}
    keys = names(model) | ours.keys()
    text = ""
    try:
        text, told = as_text(source, max_bytes)
        refuse_fence(text)
        top = grow(text, max_bytes // BYTES_PER_NODE, keys)
        lines = text.split("\n")
        if top is None or top.null:
            raise Refused(Problem("error", "empty"))
        if top.kind != "mapping":
            _refuse_other_top(top, lines, keys)
    except Refused as stopped:
        return None, (_safe(stopped.problem), *_secrets(None, text))
    reading = Reading(ours, lines, top)
    record = reading.record(model)
    refused = _forbidden(top, forbidden)
    places = {(p.line, p.column) for p in refused}
    found = [p for p in reading.problems if p.code != "unknown" or (p.line, p.column) not in places]
    problems = sorted([*told, *found, *refused, *_secrets(top, text)], key=lambda p: p.level)[:MAX_TOLD]
    failed = any(p.level == "error" for p in problems)
    in_order = sorted(problems, key=lambda p: (p.line or len(lines) + 1, p.column or 0))
    return None if failed else record, tuple(_safe(p) for p in in_order)


def read_file(
    path: Path,
    model: type[M],
    *,
    words: Mapping[str, str] = {},
    forbidden: Collection[str] = (),
    max_bytes: int = MAX_BYTES,
) -> tuple[M | None, tuple[Problem, ...]]:
    """Read a file as `read` does; one that cannot be opened is a problem too."""
    try:
        with path.open("rb") as file:
            source = file.read(max_bytes + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return None, (Problem("error", "unreadable", slots={"reason": reason}),)
    return read(source, model, words=words, forbidden=forbidden, max_bytes=max_bytes)


def wording(problem: Problem, t: Translator) -> tuple[str, str]:
    """Say in the translator's language what is wrong, and how to repair it; the line is left out."""
    slots: dict[str, object] = dict(problem.slots)
    for name in ("wanted", "got", "guess"):
        if slots.get(name) in _KIND_WORDS:
            slots[name] = t(f"problems.kinds.{slots[name]}")
    fix = "fix_nearest" if slots.get("nearest") else "fix_inner" if slots.get("inner") else "fix"
    if problem.code == "type":
        fix = f"fix_{problem.slots['wanted']}"
    return t(f"problems.{problem.code}.what", **slots), t(f"problems.{problem.code}.{fix}", **slots)


def repaired(source: bytes | str, model: type[BaseModel], **how: Any) -> str | None:
    """Give the text with every repair applied that is certain, or None when there is none.

    `how` is as in `read`.
    """
    changed = None
    for _ in range(MAX_REPAIRS):
        _, problems = read(source, model, **how)
        edit = next((p.edit for p in problems if p.edit), None)
        if edit is None:
            break
        text, _ = as_text(source, how.get("max_bytes", MAX_BYTES))
        source = changed = applied(edit, text)
    return changed


def applied(edit: Edit, text: str) -> str:
    """Give the text with one repair made."""
    lines = text.split("\n")
    at = edit.line - 1
    if edit.text is None:
        return "\n".join(lines[:at] + lines[at + edit.count :])
    lines[at] = lines[at][: edit.column - 1] + edit.text + lines[at][edit.end - 1 :]
    return "\n".join(lines)


def _refuse_other_top(top: Node, lines: list[str], keys: Collection[str]) -> None:
    if top.kind == "text" and top.plain:
        for number, line in enumerate(lines[:200], 1):
            refuse_slip(line, number, keys, known_only=True)
    raise Refused(Problem("error", "not_mapping", slots={"got": top.kind}))


def _secrets(top: Node | None, text: str) -> list[Problem]:
    places = [(node.line, node.column) for node in top.inside() if _SECRET.search(node.text)] if top else []
    if not places and (found := _SECRET.search(text)):
        places = [(text.count("\n", 0, found.start()) + 1, 1)]
    return [Problem("error", "secret", line, column) for line, column in places]


def _forbidden(top: Node, forbidden: Collection[str]) -> list[Problem]:
    bare = {key_form(name).replace("_", "") for name in forbidden}
    return [
        Problem("error", "forbidden", key.line, key.column, {"field": key.text})
        for node in top.inside()
        for key, _ in node.pairs
        if key_form(key.text).replace("_", "") in bare
    ]


def _safe(problem: Problem) -> Problem:
    """Keep keys, walls of text and characters that do not show out of what is told."""
    return replace(problem, slots={name: _short(value, name) for name, value in problem.slots.items()})


def _short(value: Slot, name: str) -> Slot:
    if not isinstance(value, str):
        return value
    text = _SECRET.sub("…", value)
    text = "".join(c if c.isprintable() else " " for c in text)
    limit = 40 if name in ("value", "text", "field") else 400
    return text if len(text) <= limit else text[:limit] + "…"
