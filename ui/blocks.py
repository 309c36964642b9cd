"""Where the blocks of a Markdown text begin and end, line by line, as CommonMark has it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

DEPTH = 24
"""Quotes and lists inside each other; a deeper marker is a character like any other."""

Kind = Literal["blank", "text", "heading", "rule", "indented", "fence", "inside"]

_CONTROLS = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]?|\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?)?"
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
_SURROGATES = re.compile("[\ud800-\udfff]+")
_HEAD = re.compile(r"[\s>*+\-\d.)]*")
_LIST = re.compile(r"([-+*]|(\d{1,9})[.)])(?= |$)")
_RULE = re.compile(r"(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*")
_HEADING = re.compile(r"#{1,6}(?:[ \t]+|$)")
_FENCE = re.compile(r"(`{3,})[^`]*|(~{3,}).*")
_NEW = re.compile(r"[^\s\d*+\-]|[*+\-]\S")
FOOTNOTE = re.compile(r"\[\^[\w-]+\]:[ \t]*")
DELIMITERS = re.compile(r"(?=[^|:]*[|:])(?=[^-]*-)[|:\- \t]+")


def clean(text: str) -> str:
    """Text without control characters, terminal escapes and bidi overrides; halves of characters joined."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SURROGATES.sub(lambda m: m[0].encode("utf-16", "surrogatepass").decode("utf-16", "replace"), text)


class Line(NamedTuple):
    """One line: what it is, what stands before its content, and the content."""

    kind: Kind
    prefix: str
    content: str
    joins: bool
    """Whether it goes on with the paragraph, or the code, of the line before."""
    margin: str = ""
    """Of indented code: what a line below it begins with to stand in the same quotes and lists."""


class Scanner:
    """Reads a text line by line and knows, after each, which quotes, lists and fences are open.

    Markdown that two readers could nest differently is marked with `\\`, so that all of them agree.
    """

    def __init__(self) -> None:
        self.stack: list[int] = []
        """What is open: 0 for a quote, else the columns by which a list item's content is indented."""
        self.fence = ""
        self.matched = 0
        """How many of the open quotes and lists the last line went on with."""
        self.last: Kind = "blank"
        self.listed = False
        """Whether the last line began with a list marker at the top level."""
        self._paragraph = False
        self._strict = False
        """Whether the paragraph may be a table or a footnote, which end where their marks are missing."""
        self._hollow = self._dead = False

    def line(self, raw: str) -> Line:
        """Read the next line, given without its line end."""
        if raw[:1].isalpha() and not self.stack and not self.fence:
            self.listed = False
            return self._text("", raw, [], self._paragraph, True, False)
        flat = _HEAD.sub(lambda m: m[0].expandtabs(4), raw, count=1) if "\t" in raw else raw
        pos = self._go_on(flat)
        whole = self.matched == len(self.stack)
        if self.fence and whole:
            mark = flat[pos:].strip(" \t")
            if _indent(flat[pos:]) < 4 and len(mark) >= len(self.fence) and mark == self.fence[0] * len(mark):
                self.fence = ""
            return self._is("inside", "", raw)
        self.fence, before = "", list(self.stack)
        stack = self.stack[: self.matched]
        self.listed = False
        pos = self._open(flat, pos, stack, whole)
        fresh = len(stack) > self.matched
        pos_text = pos + _indent(flat[pos:])
        content = flat[pos_text:]
        if not content:
            self.stack, self._paragraph = stack, False
            return self._is("blank", "", raw)
        self._hollow = self._dead = False
        lazy = self._paragraph and not fresh
        if pos_text - pos >= 4 and not lazy:
            joins = self.last in ("indented", "blank") and stack == before and not fresh
            self.stack, self._paragraph = stack, False
            margin = "".join(" " * width or "> " for width in stack)
            return self._is("indented", flat[:pos], _cut(raw, flat, pos), joins)._replace(margin=margin)
        if pos_text - pos < 4 and (kind := self._leaf(content, lazy and whole)):
            self.stack, self._paragraph = stack, False
            return self._is(kind, flat[:pos_text], content)
        footnote = pos_text - pos < 4 and FOOTNOTE.match(content) is not None
        return self._text(flat[:pos_text], content, stack, lazy, whole, footnote)

    def _go_on(self, flat: str) -> int:
        """Count the open containers that the line goes on with; the position behind their marks."""
        pos = self.matched = 0
        blank = not flat.strip(" \t")
        for width in self.stack:
            indent = _indent(flat[pos:])
            if width == 0 and indent < 4 and flat[pos + indent : pos + indent + 1] == ">":
                pos += indent + 1
                pos += flat[pos : pos + 1] == " "
                blank = not flat[pos:].strip(" \t")
            elif width and (blank or indent >= width) and not self._is_dead(blank):
                pos += min(indent, width)
            else:
                break
            self.matched += 1
        self._dead = self._hollow and blank and self.matched == len(self.stack)
        return pos

    def _is_dead(self, blank: bool) -> bool:
        """Whether the next item to go on is one that began with two blank lines."""
        return self._dead and not blank and self.matched == len(self.stack) - 1

    def _open(self, flat: str, pos: int, stack: list[int], whole: bool) -> int:
        """Push the containers that begin on this line; the position behind their marks."""
        while len(stack) < DEPTH:
            indent = _indent(flat[pos:])
            at = pos + indent
            if indent >= 4 or at >= len(flat):
                break
            if flat[at] == ">":
                stack.append(0)
                pos = at + 1 + (flat[at + 1 : at + 2] == " ")
                continue
            marker = _LIST.match(flat, at)
            if not marker or _RULE.fullmatch(flat, at):
                break
            inside = self._paragraph and whole
            rest = flat[marker.end() :]
            empty = not rest.strip(" \t")
            if inside and (empty or marker[2] not in (None, "1")):
                break
            spaces = _indent(rest)
            self.listed = self.listed or not stack
            self._hollow, self._dead = empty, False
            step = 1 if spaces > 4 or empty else spaces
            stack.append(indent + len(marker[1]) + step)
            pos = min(marker.end() + step, len(flat))
        return pos

    def _leaf(self, content: str, under: bool) -> Kind | None:
        if under and not self._strict and _UNDERLINE.fullmatch(content):
            return "rule"
        if _RULE.fullmatch(content):
            return "rule"
        if _HEADING.match(content):
            return "heading"
        if fence := _FENCE.fullmatch(content):
            self.fence = fence[1] or fence[2]
            return "fence"
        return None

    def _text(
        self, prefix: str, content: str, stack: list[int], lazy: bool, whole: bool, footnote: bool
    ) -> Line:
        joins = lazy and not footnote
        if lazy and not whole and (self._strict or footnote):
            prefix, joins = "\n" + prefix, False
        if not joins or whole:
            self.stack = stack
        marker = _LIST.match(content)
        if content[0] == ">" or marker:
            end = marker.end() - 1 if marker else 0
            content = content[:end] + "\\" + content[end:]
        table = joins and DELIMITERS.fullmatch(content)
        self._strict = (self._strict and joins) or bool(table or footnote)
        self._paragraph = True
        return self._is("text", prefix, content, joins)

    def _is(self, kind: Kind, prefix: str, content: str, joins: bool = False) -> Line:
        self.last = kind
        return Line(kind, prefix, content, joins)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" \t"))


def _cut(raw: str, flat: str, pos: int) -> str:
    """Indented code without its indent."""
    if pos == 0:
        return raw[1:] if raw[0] == "\t" else raw[4:] if raw.startswith("    ") else flat[4:]
    return flat[pos + 4 :]


class Blocks:
    """A text that grows, cut into finished top-level blocks and an open tail.

    A finished block never changes by what comes later. A link reference definition counts within its block.
    """

    def __init__(self) -> None:
        self._scanner = Scanner()
        self._seen = 0
        self._lines: list[str] = []
        self._open = ""
        self._full = self._code = self._blank = False
        """Whether the open block has any words, ends in indented code, and ends in a blank line."""

    def feed(self, text: str) -> tuple[list[str], str]:
        """The blocks finished since the last call, and the tail; `text` is the whole text so far."""
        *lines, self._open = (self._open + text[self._seen :]).split("\n")
        self._seen = len(text)
        finished: list[str] = []
        for line in lines:
            self._add(line, finished)
        if self._begins_anew(self._open):
            self._close(finished)
        return finished, "".join(self._lines) + self._open

    def _begins_anew(self, start: str) -> bool:
        """Whether the first characters of a line show that a list or code above it is over."""
        fenced = self._scanner.fence and not self._scanner.stack
        return self._full and self._blank and not fenced and _NEW.match(start) is not None

    def _add(self, line: str, finished: list[str]) -> None:
        scanner = self._scanner
        if self._begins_anew(line):
            self._close(finished)
        part, kind = "", ""
        for part in clean(line.removesuffix("\r")).split("\n"):
            kind = scanner.line(part).kind
        apart = self._blank and not scanner.matched and (self._code or not scanner.listed)
        self._blank = not part.strip(" \t")
        if not self._blank:
            if apart and self._full and kind not in ("indented", "inside"):
                self._close(finished)
            self._full, self._code = True, kind == "indented" and not scanner.stack
        self._lines.append(line + "\n")
        if self._blank and self._full and not self._code and not scanner.stack and not scanner.fence:
            self._close(finished)

    def _close(self, finished: list[str]) -> None:
        finished.append("".join(self._lines))
        self._lines, self._full = [], False


def split(text: str) -> tuple[list[str], str]:
    """The finished top-level blocks of a text that may still grow, and its open tail; joined, the text."""
    return Blocks().feed(text)
