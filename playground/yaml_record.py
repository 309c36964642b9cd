"""A tree of YAML nodes as a record of a pydantic model, with a place for everything that does not fit."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from playground.yaml_shapes import bounds, item_kinds, kinds_of, model_among, names
from playground.yaml_slips import half_width_brackets, key_form, quoted_value, refuse_slip, run_on
from playground.yaml_text import Edit, Problem, Refused, Slot
from playground.yaml_tree import Node

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]

MAX_HINTS = 20
"""Looking for the nearest name is slow; a file with more unknown fields than this needs no more hints."""

_CURLY = {"“": "”", "‘": "’", "「": "」", "『": "』", "＂": "＂", "„": "“", "«": "»"}
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d{0,15})(\.\d+)?([eE][+-]?\d{1,3})?")
_JSON_WORDS = {"true": True, "false": False}
_KINDS = {"string": "text", "float": "number", "int": "integer", "bool": "bool"}
_KINDS |= dict.fromkeys(("list", "tuple", "set", "frozen"), "list")
_KINDS |= dict.fromkeys(("dict", "mapping", "model", "dataclass"), "mapping")
_RANGES = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_RANGES |= {"finite_number", "int_parsing_size"}
_AROUND = {"control", "fw_space"}
_IN_KEYS = {"no_space", "fw_colon", "no_colon"}
_FOR_KIND = {"list": {"list_dash"}, "mapping": _IN_KEYS}
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b\u2060]")
_RUN_IN = re.compile(r"([\w-]+)[ ]*([:：])[ ]*(.+)")
_RUN_ON = re.compile("，(?=[ ]*[A-Za-z_][A-Za-z_-]*[ ]*[:：])")
_BLOCK = re.compile(r"[ ][|>][-+0-9]{0,2}[ ]*$")
_BUILT_IN = set(get_args(ErrorType))


class Reading:
    """One reading of a tree; `problems` fills up, and keeps what was wrong."""

    def __init__(self, words: dict[str, str], lines: list[str], top: Node) -> None:
        self.problems: list[Problem] = []
        self._words, self._lines, self._top = words, lines, top
        self._nodes: dict[Place, Node] = {}
        self._fields: dict[Place, FieldInfo] = {}
        self._hints = MAX_HINTS

    def record(self, model: type[M]) -> M | None:
        """Give the record, or None when the model refuses it."""
        data = self._data(self._top, model, ())
        try:
            return model.model_validate(data)
        except ValidationError as refused:
            told: set[tuple[Place, Place]] = set()
            for error in refused.errors(include_url=False):
                place, rest = self._place(error["loc"])
                once = place, rest if error["type"] == "missing" else ()
                if once not in told:
                    told.add(once)
                    self.problems.append(self._problem(error, place, rest))
            return None

    def _data(self, node: Node, annotation: Any, place: Place) -> Any:
        self._nodes[place] = node
        kinds = kinds_of(annotation)
        if node.kind == "text":
            return self._scalar(node, kinds)
        if all(kind in (str, int, float, bool, type(None)) for kind in kinds):
            return _untouched(node)
        if node.kind == "list":
            if node.flow and len(node.items) == 1 and re.search("[，、]", node.items[0].text):
                self._warn("fw_comma", node)
            places = [(*place, n) for n in range(len(node.items))]
            each = item_kinds(kinds, len(node.items))
            return [self._data(*one) for one in zip(node.items, each, places, strict=True)]
        if node.flow:
            self._tell_wide_commas(node)
        if model := model_among(kinds):
            return self._known(node, model, place)
        kind = next((get_args(kind)[1] for kind in kinds if get_origin(kind) is dict), Any)
        return {name: self._data(value, kind, (*place, name)) for name, _, value in self._pairs(node, ())}

    def _scalar(self, node: Node, kinds: tuple[Any, ...]) -> Any:
        if node.null:
            return None
        if Any in kinds:
            return _json(node)
        if str not in kinds and not any(get_origin(kind) is Literal for kind in kinds):
            return unicodedata.normalize("NFKC", node.text).strip()
        if _ZERO_WIDTH.search(node.text):
            self._tell_zero_width(node)
        if node.plain and node.text[0] == "｜" and node.end_line > node.line:
            edit = Edit(node.line, node.column, node.column + 1, "|")
            self.problems.append(Problem("error", "fw_pipe", node.line, node.column, edit=edit))
        if node.plain and (number := run_on(self._lines, node.line, node.end_line)):
            self.problems.append(Problem("warning", "run_on", number, 1))
        if node.plain and node.comment and not re.match(r"\s{2,}# ", node.comment):
            self._warn("hash_cut", node, text=node.comment.strip())
        if node.plain and 0 < node.text.find(_CURLY.get(node.text[0], "\n")) == len(node.text) - 1:
            self._warn("smart_quote", node, mark=node.text[0] + node.text[-1])
        return node.text

    def _known(self, node: Node, model: type[BaseModel], place: Place) -> dict[str, Any]:
        fields = {info.alias or name: info for name, info in model.model_fields.items()}
        present = {unicodedata.normalize("NFKC", key.text) for key, _ in node.pairs}
        data: dict[str, Any] = {}
        for name, key, value in self._pairs(node, fields.keys()):
            if name in fields:
                info, here = fields[name], (*place, name)
                self._nodes[here], self._fields[here] = value, info
                nothing = info.is_required() or {type(None), Any} & {*kinds_of(info.annotation)}
                if nothing or not value.null:
                    data[name] = self._data(value, info.annotation, here)
                elif re.match(r"\s*#\S", value.comment):
                    self._warn("hash_cut", value, text=value.comment.strip())
            elif name.startswith("x-") and model.model_config.get("extra") == "allow":
                data[name] = _untouched(value)
            else:
                self._tell_unknown(name, key, [n for n in fields if n not in present], names(model))
        return data

    def _pairs(self, node: Node, known: Collection[str]) -> Iterator[tuple[str, Node, Node]]:
        seen: dict[str, int] = {}
        for key, value in node.pairs:
            if key.kind != "text" or key.null:
                self.problems.append(Problem("error", "key_type", key.line, key.column))
                continue
            name = unicodedata.normalize("NFKC", key.text)
            name = name if name in known else key.text
            if name in seen:
                slots: dict[str, Slot] = {"field": name, "first": seen[name]}
                self.problems.append(Problem("error", "dup", key.line, key.column, slots))
                continue
            seen[name] = key.line
            yield name, key, value

    def _tell_unknown(self, name: str, key: Node, free: list[str], inside: Collection[str]) -> None:
        self._hints -= 1
        slip = _slip(self._lines, key.line, ()) if key.plain and self._hints > 0 else None
        if slip and slip.code in _AROUND | _IN_KEYS:
            self.problems.append(slip)
            return
        run_in = _RUN_IN.fullmatch(name) if key.plain and self._hints > 0 else None
        if run_in and key_form(run_in[1]) in map(key_form, free):
            code, start = "no_space" if run_in[2] == ":" else "fw_colon", key.column + run_in.start(2)
            parts: dict[str, Slot] = {"field": run_in[1], "text": run_in[3]}
            apart = Edit(key.line, start, key.column + run_in.start(3), ": ")
            self.problems.append(Problem("error", code, key.line, start, parts, apart))
            return
        nearest = self._nearest(name, free) if self._hints > 0 else ""
        edit = None
        if nearest and key.plain:
            edit = Edit(key.line, key.column, key.column + len(key.text), nearest)
        slots: dict[str, Slot] = {"field": name, "nearest": nearest}
        if name in inside:
            slots["inner"] = True
        self.problems.append(Problem("warning", "unknown", key.line, key.column, slots, edit))

    def _tell_zero_width(self, node: Node) -> None:
        for number in range(node.line, node.end_line + 1):
            if found := _ZERO_WIDTH.search(self._lines[number - 1]):
                column, slots = found.start() + 1, {"char": f"U+{ord(found.group()):04X}"}
                edit = Edit(number, column, column + 1, "")
                self.problems.append(Problem("warning", "control", number, column, slots, edit))

    def _tell_wide_commas(self, group: Node) -> None:
        for one in (part for pair in group.pairs for part in pair):
            if one.plain and one.line == one.end_line and (found := _RUN_ON.search(one.text)):
                column = one.column + found.start()
                edit = Edit(one.line, column, column + 1, ", ")
                self.problems.append(Problem("error", "fw_comma", one.line, column, edit=edit))

    def _nearest(self, name: str, known: list[str]) -> str:
        form = key_form(name)
        ours = {key_form(n): n for n in known}
        others = {word: n for word, n in self._words.items() if n in known}
        if form in ours or form in others:
            return ours.get(form) or others[form]
        if len(form) > 60:
            return ""
        close = difflib.get_close_matches(form, [*ours, *others], 1, 0.75)
        return ours.get(close[0]) or others[close[0]] if close else ""

    def _warn(self, code: str, node: Node, **slots: Slot) -> None:
        self.problems.append(Problem("warning", code, node.line, node.column, slots))

    def _place(self, loc: Place) -> tuple[Place, Place]:
        """Split an error's location into what stands in the file and the rest, such as a missing field."""
        place: Place = ()
        rest: Place = ()
        for step in loc:
            if (*place, step) in self._nodes:
                place = (*place, step)
            else:
                rest = (*rest, step)
        return place, rest

    def _problem(self, error: ErrorDetails, place: Place, rest: Place) -> Problem:
        kind, ctx, node = error["type"], error.get("ctx", {}), self._nodes[place]
        if kind == "missing":
            return self._missing(place, rest) if rest else self._missing(place[:-1], place[-1:])
        if node.null:
            return self._error("blank", place)
        if kind in _RANGES:
            return self._error("range", place, value=node.text, allowed=bounds(self._fields.get(place), ctx))
        wanted = _KINDS.get(kind.split("_")[0])
        if wanted and kind.endswith(("_type", "_parsing", "_from_float", "_set")):
            return self._wrong_kind(place, wanted)
        if kind == "string_too_long":
            return self._error("long", place, length=len(node.text.strip()), limit=ctx["max_length"])
        if kind == "too_long":
            count = len(node.items) + len(node.pairs)
            return self._error("many", place, count=count, limit=ctx["max_length"])
        if kind in ("string_too_short", "too_short") and not (node.text.strip() or node.items or node.pairs):
            if _BLOCK.search(self._lines[node.line - 1]) and "".join(self._lines[node.line :]).strip():
                return Problem("error", "indent", node.line + 1, 1)
            return self._error("blank", place)
        if kind in ("literal_error", "enum"):
            return self._choice(place, *(str(ctx.get(name, "")) for name in ("expected", "also")))
        if kind == "string_pattern_mismatch":
            info = self._fields.get(place)
            example = str(info.examples[0]) if info and info.examples else str(ctx.get("pattern", ""))
            return self._error("pattern", place, value=node.text, example=example)
        slots = {name: str(value) for name, value in ctx.items()}
        if kind not in _BUILT_IN:
            return self._error(kind, place, **(slots | {"value": node.text}))
        return self._error("invalid", place, reason=error["msg"].removeprefix("Value error, "))

    def _choice(self, place: Place, expected: str, also: str) -> Problem:
        node, listed = self._nodes[place], re.findall("'(.*?)'", expected)
        forms = {key_form(one): one for one in (*listed, *re.findall("'(.*?)'", also))}
        near = [difflib.get_close_matches(key_form(node.text[:60]), forms, 1, least) for least in (0.6, 0.75)]
        nearest, certain = (forms[close[0]] if close else "" for close in near)
        allowed = ", ".join(listed) or expected
        problem = self._error("choice", place, value=node.text, allowed=allowed, nearest=nearest)
        if certain and node.plain and node.line == node.end_line:
            edit = Edit(node.line, node.column, node.column + len(node.text), certain)
            problem = replace(problem, edit=edit)
        return problem

    def _missing(self, place: Place, rest: Place) -> Problem:
        node = self._nodes[place]
        name = str(rest[-1])
        if isinstance(rest[-1], int):
            return self._error("few", place, count=len(node.items))
        if swallowed := self._swallowed(name, node.column):
            return swallowed
        line, column = (node.line, node.column) if place else (None, None)
        return Problem("error", "missing", line, column, {"field": name})

    def _swallowed(self, name: str, column: int) -> Problem | None:
        """Find a missing field that a slip made part of the text above it; it belongs in `column`."""
        words = {key_form(name), *(word for word, ours in self._words.items() if ours == name)}
        for node in self._top.inside():
            for number in range(node.line + 1, node.end_line + 1) if node.plain else ():
                slip = _slip(self._lines, number, words)
                if slip and slip.edit:
                    line = self._lines[number - 1][: slip.edit.column - 1].lstrip()
                    text = " " * (column - 1) + line + (slip.edit.text or "")
                    return replace(slip, edit=Edit(number, 1, slip.edit.end, text))
        return None

    def _wrong_kind(self, place: Place, wanted: str) -> Problem:
        node = self._nodes[place]
        slip = _slip(self._lines, node.line, ()) if node.plain or node.pairs else None
        if slip and slip.code in _AROUND | _FOR_KIND.get(wanted, set()):
            return slip
        if node.plain and (edit := half_width_brackets(self._lines, node.line, node.column)):
            return Problem("error", "fw_bracket", node.line, node.column, edit=edit)
        if wanted == "text" and node.flow:
            return replace(self._error("braces", place), edit=quoted_value(self._lines, node.line))
        return self._error("type", place, wanted=wanted, got=node.kind)

    def _error(self, code: str, place: Place, **slots: Slot) -> Problem:
        node = self._nodes[place]
        return Problem("error", code, node.line, node.column, {"field": _label(place), **slots})


def _json(node: Node) -> Any:
    if node.plain and _JSON_NUMBER.fullmatch(node.text):
        return float(node.text) if re.search("[.eE]", node.text) else int(node.text)
    return _JSON_WORDS.get(node.text, node.text) if node.plain else node.text


def _untouched(node: Node) -> Any:
    if node.kind == "text":
        return None if node.null else node.text
    if node.kind == "list":
        return [_untouched(item) for item in node.items]
    return {key.text: _untouched(value) for key, value in node.pairs}


def _slip(lines: list[str], number: int, keys: Collection[str]) -> Problem | None:
    try:
        refuse_slip(lines[number - 1], number, keys)
    except Refused as refused:
        return refused.problem
    return None


def _label(place: Place) -> str:
    label = ""
    for step in place:
        label += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if label else step
    return label or "·"
