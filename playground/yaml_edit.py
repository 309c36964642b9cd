"""Changes one value in a YAML text and lets every other character of it stand: comments, order, quotes, spaces."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

from playground.yaml_slips import key_form

_HEADER = re.compile(r"[|>][-+0-9]*")
_STYLES = {"'": SingleQuotedScalarString, '"': DoubleQuotedScalarString}


def with_value(
    text: str, key: str, value: str | Sequence[str], order: Sequence[str] = (), quoted: bool = False
) -> str:
    """Give the text with `key` of its top mapping set to a text or to a list of texts.

    A text that is replaced keeps its style where the new one allows it, or is `quoted`; a key that was not there comes
    after those that stand before it in `order`. Raises ValueError on a text that is no mapping, or not only one.
    """
    try:
        top = YAML().compose(text)
    except YAMLError as error:
        # It is stricter than what reads a persona: a closing `---` begins another document.
        raise ValueError("not a mapping") from error
    if not isinstance(top, MappingNode) or not top.value:
        raise ValueError("not a mapping")
    name, node = next((pair for pair in top.value if key_form(pair[0].value) == key), (None, None))
    if top.flow_style:
        return _in_braces(text, top, name, node, key, value)
    if name is None or node is None:
        return _added(text, top, key, value, order, quoted)
    if isinstance(value, str):
        return _with_text(text, name, node, value, quoted)
    return _with_list(text, name, node, value, quoted)


def same_start(one: Sequence[str], other: Sequence[str]) -> int:
    """How many of the first items, or characters, two have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _in_braces(
    text: str, top: MappingNode, name: Node | None, node: Node | None, key: str, value: str | Sequence[str]
) -> str:
    """The text of a mapping that is written as JSON is, which YAML reads too."""
    new = json.dumps(value, ensure_ascii=False)
    if name is None or node is None:
        at = top.start_mark.index + 1
        return f"{text[:at]}{json.dumps(key)}: {new}, {text[at:]}"
    return f"{text[: node.start_mark.index]}{new}{text[node.end_mark.index :]}"


def _with_text(text: str, name: Node, node: Node, value: str, quoted: bool) -> str:
    """The text with a scalar, or whatever stood in its place, replaced."""
    start, end = _start(text, name, node), _end(text, name, node)
    style = node.style if isinstance(node, ScalarNode) else None
    margin = " " * (name.start_mark.column + 2)
    if style in ("|", ">"):
        header, _, body = text[start:end].partition("\n")
        if value and not quoted:
            own = re.match(" +(?=\\S)", body)
            margin = own.group() if own and len(own.group()) >= len(margin) - 1 else margin
            return text[:start] + _HEADER.sub("|", header, count=1) + _block(value, margin) + text[end:]
        note = _HEADER.sub("", header, count=1)
        return text[:start] + _scalar(value, '"') + note.rstrip() + text[end:]
    space = "" if text[start - 1 : start].isspace() else " "
    if "\n" in value and not quoted:
        note, _, _ = text[end:].partition("\n")
        rest = text[end + len(note) :]
        return text[:start] + f"{space}|{note.rstrip()}" + _block(value, margin) + rest
    return text[:start] + space + _scalar(value, '"' if quoted else style) + text[end:]


def _with_list(text: str, name: Node, node: Node, values: Sequence[str], quoted: bool) -> str:
    """The text with a list replaced; items that stay keep their lines and the comments around them."""
    block = isinstance(node, SequenceNode) and not node.flow_style
    if not block or not values or not all(isinstance(item, ScalarNode) for item in node.value):
        new = _flow(values) if isinstance(node, SequenceNode) or not values else _items(name, values, quoted)
        start, end = _start(text, name, node), _end(text, name, node)
        if block:  # nothing is left of it: back to the line of the key
            start = text.index(":", name.end_mark.index) + 1
        space = "" if new.startswith("\n") or text[start - 1 : start].isspace() else " "
        return text[:start] + space + new + text[end:]
    items = node.value
    old = [item.value.strip() for item in items]
    same = same_start(old, values)
    tail = same_start(old[same:][::-1], list(values[same:])[::-1])
    gone, come = items[same : len(old) - tail], values[same : len(values) - tail]
    for item in reversed(gone[len(come) :]):
        start = text.rindex("\n", 0, item.start_mark.index)
        text = text[:start] + _from_line_end(text, _end(text, name, item))
    if more := come[len(gone) :]:
        before = items[same + len(gone) - 1] if same + len(gone) else None
        margin = " " * node.start_mark.column
        lines = "".join(f"\n{margin}- {_scalar(one, _quotes(quoted))}" for one in more)
        at = (
            _line_end(text, _end(text, name, before))
            if before
            else text.rindex("\n", 0, node.start_mark.index)
        )
        text = text[:at] + lines + text[at:]
    for item, one in reversed(list(zip(gone, come, strict=False))):
        start, end = item.start_mark.index, _end(text, name, item)
        style = item.style if item.style in _STYLES else _quotes(quoted)
        text = text[:start] + _scalar(one, style) + text[end:]
    return text


def _added(
    text: str, top: MappingNode, key: str, value: str | Sequence[str], order: Sequence[str], quoted: bool
) -> str:
    """The text with a key that was not there."""
    first = top.value[0][0]
    earlier = set(order[: order.index(key)]) if key in order else {name.value for name, _ in top.value}
    before = [(name, node) for name, node in top.value if name.value in earlier]
    margin = " " * first.start_mark.column
    if isinstance(value, str):
        shown = (
            f" |{_block(value, margin + '  ')}"
            if "\n" in value and not quoted
            else f" {_scalar(value, _quotes(quoted))}"
        )
    else:
        shown = _items(first, value, quoted) if value else " []"
    entry = f"{margin}{key}:{shown}"
    if not before:
        at = first.start_mark.index - len(margin)
        return f"{text[:at]}{entry}\n{text[at:]}"
    at = _line_end(text, _end(text, *before[-1]))
    return f"{text[:at]}\n{entry}{text[at:] or chr(10)}"


def _start(text: str, name: Node, node: Node) -> int:
    """Where a value begins; one that was left out would begin behind the colon."""
    if node.start_mark.index == node.end_mark.index:
        return text.index(":", name.end_mark.index) + 1
    return int(node.start_mark.index)


def _end(text: str, name: Node, node: Node) -> int:
    """Where a value ends, without the blank lines and comments that follow it."""
    if isinstance(node, ScalarNode):
        start = _start(text, name, node)
        if node.style in ("|", ">"):
            return start + len(text[start : node.end_mark.index].rstrip())
        return start if node.start_mark.index == node.end_mark.index else int(node.end_mark.index)
    if not isinstance(node, (MappingNode, SequenceNode)) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last: Any = node.value[-1]
    return _end(text, *last) if isinstance(node, MappingNode) else _end(text, last, last)


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _from_line_end(text: str, at: int) -> str:
    return text[_line_end(text, at) :]


def _quotes(quoted: bool) -> str | None:
    return '"' if quoted else None


def _block(value: str, margin: str) -> str:
    return "".join(f"\n{margin}{line}" if line.strip() else "\n" for line in value.split("\n"))


def _items(name: Node, values: Sequence[str], quoted: bool) -> str:
    margin = " " * (name.start_mark.column + 2)
    return "".join(f"\n{margin}- {_scalar(one, _quotes(quoted))}" for one in values)


def _flow(values: Sequence[str]) -> str:
    listed = CommentedSeq(values)
    listed.fa.set_flow_style()
    return _written(listed)


def _scalar(value: str, style: str | None) -> str:
    return _written(_STYLES[style](value) if style in _STYLES else value)


def _written(value: Any) -> str:
    """One value as it stands behind a key, on one line."""
    yaml, stream = YAML(), StringIO()
    yaml.width = 1 << 30
    yaml.dump({"k": value}, stream)
    return stream.getvalue().removeprefix("k:").strip()
