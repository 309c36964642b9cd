"""Bytes that somebody saved as YAML, as text: decoded, or refused with what is wrong and where."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NoReturn

Slot = str | int | float


@dataclass(frozen=True, slots=True)
class Edit:
    """A repair that is certain: in a line, the columns from `column` up to `end` become `text`; all from 1.

    A text of None takes the whole line away, or as many of them as `count` says.
    """

    line: int
    column: int
    end: int
    text: str | None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, as a code that the screen words with `slots`; `line` and `column` count from 1."""

    level: Literal["error", "warning"]
    code: str
    line: int | None = None
    column: int | None = None
    slots: Mapping[str, Slot] = field(default_factory=dict)
    edit: Edit | None = None


class Refused(Exception):
    """A text that cannot be read further; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def refuse(
    code: str, line: int | None = None, column: int | None = None, *, edit: Edit | None = None, **slots: Slot
) -> NoReturn:
    """Stop reading with an error."""
    raise Refused(Problem("error", code, line, column, slots, edit))


_MAGIC = (
    (b"PK\x03\x04", "Word/zip (.docx)"),
    (b"\xd0\xcf\x11\xe0", "Word (.doc)"),
    (b"{\\rtf", "RTF"),
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "WebP/WAV"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"SQLite format 3", "SQLite"),
    (b"bplist", "plist"),
    (b"\x7fELF", "ELF"),
)
_HTML = re.compile(rb"<(!doctype|!--|html|head|body|\?xml|div|meta|p|span|table|script)\b", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16-be"),
)
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK = re.compile("\r\n?")
# YAML ends a line at these, and no editor shows it.
_HIDDEN_BREAK = re.compile("[\x85\u2028\u2029]")
_FENCE = re.compile(r"^(```|~~~)", re.MULTILINE)
_FIELD = re.compile(r"[ ]*(?:-[ ]+)?[\"']?[A-Za-z_][\w-]*[\"']?[ ]*[:：]")


def as_text(source: bytes | str, max_bytes: int) -> tuple[str, list[Problem]]:
    """Give the text with lines that end in "\\n", and what should be told about it; raises Refused."""
    size = len(source) if isinstance(source, bytes) else len(source.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        refuse("too_big", limit=max_bytes // 1024)
    told: list[Problem] = []
    head = source[:512]
    _refuse_other_formats(head if isinstance(head, bytes) else head.encode("utf-8", "replace"))
    if isinstance(source, bytes):
        source, encoding = _decode(source)
        if encoding != "UTF-8":
            told.append(Problem("warning", "decoded_as", slots={"encoding": encoding}))
    text = _HIDDEN_BREAK.sub(" ", _LINE_BREAK.sub("\n", source.removeprefix("\ufeff")))
    refuse_unreadable(text)
    return text, told


def refuse_fence(text: str) -> None:
    """Refuse the ``` that a Markdown block begins and ends with; inside YAML's own blocks it is indented.

    What somebody, or some model, said around a block goes with its fence, unless it may be YAML itself.
    """
    if not (fence := _FENCE.search(text)):
        return
    lines, mark = text.split("\n"), fence.group()
    first = text.count("\n", 0, fence.start()) + 1
    second = next((n for n in range(first + 1, len(lines) + 1) if lines[n - 1].startswith(mark)), 0)
    edit = Edit(first, 1, 1, None)
    if not any(map(_FIELD.match, lines[: first - 1])):
        edit = Edit(1, 1, 1, None, count=first)
        after = lines[second:]
        if second and any(map(str.strip, after)) and not any(map(_FIELD.match, after)):
            edit = Edit(second, 1, 1, None, count=len(lines) - second + 1)
    refuse("fence", first, 1, edit=edit, mark=mark)


def refuse_unreadable(text: str, line: int | None = None, column: int | None = None) -> None:
    """Refuse control characters and halves of emoji, at their own place unless another is given."""
    if found := _UNREADABLE.search(text):
        char, start = found.group(), found.start()
        line = line or text.count("\n", 0, start) + 1
        column = column or start - text.rfind("\n", 0, start)
        code = "surrogate" if "\ud800" <= char <= "\udfff" else "control"
        refuse(code, line, column, char=f"U+{ord(char):04X}")


def is_invisible(char: str) -> bool:
    """Whether a character shows nothing and takes no place, such as a zero-width space."""
    return unicodedata.category(char) == "Cf"


def _refuse_other_formats(head: bytes) -> None:
    head = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    kind = next((name for magic, name in _MAGIC if head.startswith(magic)), "")
    if kind := kind or ("HTML" if _HTML.match(head) else ""):
        refuse("not_text", kind=kind)


def _decode(raw: bytes) -> tuple[str, str]:
    for bom, name, codec in _BOMS:
        if raw.startswith(bom):
            return _strictly(raw.removeprefix(bom), codec, name), name
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if codec := _utf16_without_bom(raw):
        refuse("decode", 1, guess=codec.upper().removesuffix("-LE").removesuffix("-BE"))
    try:
        return raw.decode(), "UTF-8"
    except UnicodeDecodeError as error:
        readable = raw.decode("utf-8", "replace")
        damaged = readable.count("\ufffd")
        if sum(char > "\x7f" for char in readable) >= 2 * damaged:
            refuse("decode", _line_of(raw, error.start), guess="broken_utf8")
        candidates = (("Big5/CP950", "cp950"), ("GBK", "gb18030"))
        share, name, codec = max((_common_share(raw, name), name, codec) for name, codec in candidates)
        if share > 0.7:
            return _strictly(raw, codec, name), name
        refuse("decode", _line_of(raw, error.start), guess="unknown")


def _strictly(raw: bytes, codec: str, name: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode(codec, "ignore")
        refuse("decode", before.count("\n") + 1, guess=name)


def _line_of(raw: bytes, offset: int) -> int:
    return len(re.findall(rb"\r\n?|\n", raw[:offset])) + 1


def _utf16_without_bom(raw: bytes) -> str:
    even, odd = raw[0::2].count(0), raw[1::2].count(0)
    if even + odd < 4 or len(raw) % 2 or min(even, odd) * 10 > max(even, odd):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _common_share(raw: bytes, encoding: str) -> float:
    """How much of the two-byte characters lies where the encoding keeps its everyday ones and punctuation.

    Big5 keeps its 5401 common characters from A4 to C6, GB 2312 its 3755 from B0 to D7, punctuation below.
    """
    common = pairs = at = 0
    while at < len(raw):
        lead = raw[at]
        if lead < 0x80:
            at += 1
            continue
        trail = raw[at + 1] if at + 1 < len(raw) else 0
        pairs += 1
        at += 2
        if encoding == "GBK":
            common += trail >= 0xA1 and (0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7)
        else:
            common += 0xA1 <= lead <= 0xC6 and (0x40 <= trail <= 0x7E or trail >= 0xA1)
    return common / pairs if pairs else 0.0
