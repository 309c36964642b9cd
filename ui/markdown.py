"""Strangers' words as Markdown that Streamlit shows as they were meant: nothing is fetched, run or lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ui.blocks import DELIMITERS, FOOTNOTE, Blocks, Line, Scanner, clean, split
from ui.inline import MERGED, ends_formula, inline, is_allowed, label, plain

__all__ = ["Blocks", "plain", "safe", "safe_again", "split"]

_DEFINITION = re.compile(
    r"\[(?!\^|\s*\])([^\[\]\\`]{1,400})\]:[ \t]*+(<[^\s<>`\\]*+>|[^\s<>`!\[\]\\]++)([ \t]++\"[^\"\\`<&]*+\")?[ \t]*+"
)
_CELL = re.compile(r"(?:\\.|[^|\\])+|\\?\|", re.S)
_DRAWN = re.compile(r"mermaid(?!\w)|math$|.*[&\\]", re.I | re.A)
"""Languages of a fence that Streamlit draws (math only beside a formula), and spellings that hide them."""


def safe(text: str) -> str:
    """A model's reply as Markdown for `st.markdown`, whatever it holds and wherever it was cut.

    Images become links that name their host, Streamlit's own marks become text, `\\(..\\)` becomes `$..$`,
    any other `$` a dollar; code stays as it is. Takes time in proportion to the text.
    """
    lines = _flush_left(clean(text).split("\n"))
    page = _Page(_definitions(lines) if "![" in text else {})
    scanner = Scanner()
    at = 0
    while at < len(lines):
        line = scanner.line(lines[at])
        at += 1
        if line.kind == "text" and line.content.startswith(("$$", "\\[")):
            body, at = _formula(line.content, lines, at, quoted=0 in scanner.stack)
            line = line._replace(content=body)
        page.add(line)
    return page.text()


@lru_cache(maxsize=256)
def safe_again(text: str) -> str:
    """The same for a text that every run draws again, remembered."""
    return safe(text)


def _flush_left(lines: list[str]) -> list[str]:
    """Lines without what `st.markdown` would strip from the first of them alone."""
    first = next((at for at, line in enumerate(lines) if line.strip(" \t")), len(lines))
    lines = lines[first:] or [""]
    indent = len(lines[0]) - len(lines[0].lstrip(" "))
    if 0 < indent < 4:
        nests = re.match(r" *(?:[-+*]|\d+[.)]|```|~~~)", lines[0])
        for at, line in enumerate(lines if nests else lines[:1]):
            if line.strip(" \t") and not line.startswith(" " * indent):
                break
            lines[at] = line[indent:]
    return lines


def _definitions(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        if "]:" in line and (match := _DEFINITION.fullmatch(line.lstrip(" >"))):
            found.setdefault(label(match[1]), match[2])
    return found


def _formula(content: str, lines: list[str], at: int, quoted: bool) -> tuple[str, int]:
    """A formula over several lines as one line, and where the text goes on; as it was if it does not end."""
    opener = content[:2]
    parts = [content]
    if ends_formula(opener, content[2:]) is not False:
        return content, at
    for end in range(at, len(lines)):
        part = lines[end].lstrip(" \t>" if quoted else " \t")
        ends = ends_formula(opener, part)
        if not part or part.startswith(("```", "~~~")) or ends is None:
            break
        parts.append(part)
        if ends:
            return " ".join(re.sub(r"(?<!\\)%.*", "", part) for part in parts), end + 1
    return content, at


class _Page:
    """Lines in, Markdown out; a paragraph is written when its last line is known."""

    def __init__(self, definitions: dict[str, str]) -> None:
        self._definitions = definitions
        self._out: list[str] = []
        self._paragraph: list[Line] = []
        self._code: list[Line] = []

    def add(self, line: Line) -> None:
        if self._code and not (line.kind == "blank" or (line.kind == "indented" and line.joins)):
            self._write_code()
        if self._paragraph and not (line.kind == "text" and line.joins):
            self._write_paragraph()
        if line.kind == "indented" or self._code:
            self._code.append(line)
        elif line.kind == "text":
            self._add_text(line)
        elif line.kind == "heading":
            marks, space, words = re.split(r"([ \t]+|$)", line.content, maxsplit=1)
            self._out.append(line.prefix + marks + space + inline(words, self._definitions))
        elif line.kind == "fence":
            self._out.append(line.prefix + _fence(line.content))
        else:
            self._out.append(line.prefix + line.content)

    def text(self) -> str:
        self._write_code()
        self._write_paragraph()
        return "\n".join(self._out)

    def _add_text(self, line: Line) -> None:
        note = None if line.joins else FOOTNOTE.match(line.content)
        if note:
            line = line._replace(prefix=line.prefix + note[0], content=line.content[note.end() :])
        elif not self._paragraph and (match := _DEFINITION.fullmatch(line.content)):
            target = match[2].strip("<>") if is_allowed(match[2]) else "#"
            self._out.append(f"{line.prefix}[{match[1]}]: <{target}>{match[3] or ''}")
            return
        self._paragraph.append(line)

    def _write_code(self) -> None:
        """Indented code as a fence, which stays code when `st.markdown` strips it and whatever is above."""
        code, after = self._code, []
        while code and code[-1].kind == "blank":
            after.append(code.pop().content)
        if code:
            runs = (len(run) for line in code for run in re.findall("`+", line.content))
            fence = "`" * max(3, 1 + max(runs, default=0))
            below = code[0].margin
            self._out.append(code[0].prefix + fence)
            self._out.extend(below + (line.content if line.kind == "indented" else "") for line in code)
            self._out.append(below + fence)
        self._out.extend(after[::-1])
        self._code = []

    def _write_paragraph(self) -> None:
        lines, self._paragraph = self._paragraph, []
        if any(DELIMITERS.fullmatch(line.content) for line in lines):
            self._out.extend(line.prefix + "".join(self._cells(line.content)) for line in lines)
        elif lines:
            at, text = 0, lines[0].prefix
            joined = inline("\n".join(line.content for line in lines), self._definitions)
            for part in re.split(f"([\n{MERGED}])", joined):
                at += part in ("\n", MERGED)
                text += part + lines[at].prefix if part == "\n" else part.replace(MERGED, "")
            self._out.append(text)

    def _cells(self, row: str) -> Iterator[str]:
        if DELIMITERS.fullmatch(row):
            yield row
            return
        for cell in _CELL.findall(row):
            yield cell if cell == "|" else inline(cell, self._definitions)


def _fence(line: str) -> str:
    """A fence's first line, with a language that is coloured at most, never drawn."""
    mark = line[: len(line) - len(line.lstrip(line[0]))]
    language = line[len(mark) :].strip().split(maxsplit=1)[:1]
    return mark + "text" if language and _DRAWN.match(language[0]) else line
