"""Text as a tree of YAML nodes that know their place; nothing is constructed, and every scalar stays text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from playground.yaml_slips import explain, position, quoted_value
from playground.yaml_text import refuse, refuse_unreadable

MAX_DEPTH = 8
BYTES_PER_NODE = 32
"""A file of 64 kB may hold 2048 values, which PyYAML reads in less than 100 ms."""

_NULL = {"", "~", "null", "Null", "NULL"}
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_COMMENT = re.compile(r"(\s+)(#.*)")


@dataclass(slots=True)
class Node:
    """A value as it stands in the file; `line` and `column` count from 1."""

    kind: Literal["text", "list", "mapping"]
    line: int
    column: int
    end_line: int = 0
    text: str = ""
    plain: bool = False
    """A text without quotes that is no block."""
    flow: bool = False
    """A list in [brackets] or a mapping in {braces}."""
    comment: str = ""
    """What follows a plain text on its line, from the spaces before the # on."""
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] = field(default_factory=list)

    @property
    def null(self) -> bool:
        """Whether nothing stands here, or a word that YAML reads as nothing."""
        return self.plain and self.text in _NULL

    def inside(self) -> Iterator[Node]:
        """Give this node, its keys and its values, at every depth."""
        yield self
        for item in self.items:
            yield from item.inside()
        for key, value in self.pairs:
            yield from key.inside()
            yield from value.inside()


class _Events(yaml.SafeLoader):
    """PyYAML's scanner and parser; it refuses deep brackets while it scans them, since that takes long."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        if self.flow_level >= MAX_DEPTH:
            refuse("deep", self.line + 1, self.column + 1, limit=MAX_DEPTH)
        super().fetch_flow_collection_start(TokenClass)


def grow(text: str, max_nodes: int, keys: Collection[str]) -> Node | None:
    """Give the top node, or None for a file with nothing in it; raises Refused.

    `keys` are the words that a reader would take for a field's name; they help to say what a
    broken line meant.
    """
    lines = text.split("\n")
    events = _Events(text)
    open_nodes: list[Node] = []
    filled: list[Node] = []
    count, last, second = 0, None, None
    try:
        while event := events.get_event():  # type: ignore[no-untyped-call]
            if isinstance(event, yaml.DocumentStartEvent):
                second = position(event.start_mark)[0] if filled else None
            elif isinstance(event, yaml.NodeEvent):
                count += 1
                if count > max_nodes:
                    refuse("too_many", position(event.start_mark)[0], limit=max_nodes)
                _refuse_extras(event, lines)
                node = _node(event, lines)
                if second and not node.null:
                    refuse("multi_doc", second, 1)
                elif not second:
                    _place(node, open_nodes, filled)
                if node.kind != "text":
                    open_nodes.append(node)
                    if len(open_nodes) > MAX_DEPTH:
                        refuse("deep", node.line, node.column, limit=MAX_DEPTH)
            elif isinstance(event, yaml.CollectionEndEvent):
                _pair(open_nodes.pop())
            if not isinstance(event, yaml.DocumentEndEvent):
                last = event
    except yaml.MarkedYAMLError as error:
        explain(error, last, lines, keys)
    finally:
        events.dispose()
    return filled[0] if filled else None


def _refuse_extras(event: yaml.NodeEvent, lines: list[str]) -> None:
    is_alias = isinstance(event, yaml.AliasEvent) or event.anchor is not None
    if not is_alias and getattr(event, "tag", None) is None:
        return
    line, column = position(event.start_mark)
    is_text = isinstance(event, yaml.AliasEvent | yaml.ScalarEvent)
    edit = quoted_value(lines, line, column) if is_text else None
    refuse("alias" if is_alias else "tag", line, column, edit=edit)


def _node(event: yaml.NodeEvent, lines: list[str]) -> Node:
    line, column = position(event.start_mark)
    if isinstance(event, yaml.ScalarEvent):
        text = _HALVES.sub(
            lambda m: m.group().encode("utf-16", "surrogatepass").decode("utf-16"), event.value
        )
        refuse_unreadable(text, line, column)
        plain = not event.style
        end_line, end_column = position(event.end_mark)
        comment = _COMMENT.fullmatch(lines[end_line - 1][end_column - 1 :]) if plain else None
        return Node("text", line, column, end_line, text, plain, comment=comment.group() if comment else "")
    kind: Literal["list", "mapping"] = "list" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
    return Node(kind, line, column, flow=bool(getattr(event, "flow_style", False)))


def _place(node: Node, open_nodes: list[Node], filled: list[Node]) -> None:
    if open_nodes:
        open_nodes[-1].items.append(node)
    else:
        filled.append(node)


def _pair(node: Node) -> None:
    if node.kind == "mapping":
        node.pairs = list(zip(node.items[::2], node.items[1::2], strict=True))
        node.items = []
        for key, _ in node.pairs:
            if key.plain and key.text == "<<":
                refuse("alias", key.line, key.column)
