"""What a line that YAML cannot read was meant to be: the slips of people who type YAML, and the repairs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Any, NoReturn

import yaml

from playground.yaml_text import Edit, is_invisible, refuse

_SPACE = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_LEAD = r"(?P<lead>[ ]*(?:-[ ]+)*)"
_KEY = r"[\"'“”]?(?P<key>[^\W\d][\w-]*(?:[ ][\w-]+)?)[\"'“”]?"
_STRANGE_SPACE = re.compile(f" *[{_SPACE}][ {_SPACE}]*")
_WIDE_COLON = re.compile(f"{_LEAD}{_KEY}(?P<bad>[ {_SPACE}]*[：﹕∶︰][ {_SPACE}]*)")
_SPACE_AFTER_COLON = re.compile(f"{_LEAD}{_KEY}[ ]*:(?P<bad>[ ]*[{_SPACE}][ {_SPACE}]*)")
_NO_SPACE = re.compile(rf"{_LEAD}{_KEY}(?P<bad>:)(?!//)(?=[^\s{_SPACE}])(?P<rest>.*)")
_EQUALS = re.compile(f"{_LEAD}{_KEY}(?P<bad>[ ]*[=＝→][ ]*)")
_FORGOTTEN_COLON = re.compile(rf"{_LEAD}(?P<key>[\w-]+)(?P<bad>[ ]+)[^\s:=]")
# At the margin, where no line of a text without quotes can stand.
_COLON_AT_END = re.compile(r"(?P<key>[\w-]+)(?P<bad>[ ]*)$")
_BULLET = re.compile(
    rf"(?P<lead>[ ]*)(?P<bad>-(?=[^\s-])|[–—•·▪●○・＊－][ {_SPACE}]*|\*[ ]+|\d{{1,2}}[.)、][ ]*)\S"
)
_VALUE = re.compile(r"(?P<lead>[ ]*(?:-[ ]+)*(?:[^\s:'\"][^:]*?:[ ]+)?)(?P<value>\S.*)")
_WIDE_BRACKET = re.compile(r"[ ]*(?:-[ ]+)*(?:[^\W\d][\w-]*:[ ]+)?(?P<value>[｛［].*[｝］])[ ]*$")
_HALF_WIDTH = str.maketrans({"｛": "{", "｝": "}", "［": "[", "］": "]", "，": ", ", "：": ": "})
_NO_COMMENT = re.compile(r"[ ]*(?P<bad>＃|//|<!--)")
_SAYS_NOTHING = re.compile(r"[ ]*(?:#|$)")
_BLOCK_BEGINS = re.compile(r"[:：=＝][ ]*[|>｜][-+0-9]{0,2}[ ]*$")
_ENTRY = re.compile(r"[ ]*(?:[-*•]|\d{1,2}[.)、])[ ]")
_FIELD_LINE = re.compile(r"[ ]*[\"']?[\w-]+[\"']?[ ]*:([ ]|$)")


EARLIER = 300
"""Lines above an error that are looked at for what led to it."""


def key_form(word: str) -> str:
    """Bring a field's name to one form: half-width, lower case, underscores, no quotes or numbering."""
    word = unicodedata.normalize("NFKC", word).strip().strip("\"'“”‘’「」*`").casefold()
    return re.sub(r"[\s-]+", "_", re.sub(r"^\d+[.):|]?\s*", "", word))


def refuse_slip(line: str, number: int, keys: Collection[str], *, known_only: bool = False) -> None:
    """Refuse a line that holds a slip we know; with `known_only`, a field's name must be one of `keys`."""

    def is_key(word: str) -> bool:
        return key_form(word) in keys or (not known_only and key_form(word).isascii() and " " not in word)

    if not known_only and (found := _STRANGE_SPACE.match(line)):
        spaces = "".join("  " if c == "\u3000" else " " for c in found.group())
        refuse("fw_space", number, 1, edit=Edit(number, 1, found.end() + 1, spaces))
    for at, char in enumerate(re.split("(?<=[:：].)", line, maxsplit=1)[0]):
        if is_invisible(char) and char != "\u200d":
            gone = Edit(number, at + 1, at + 2, "")
            refuse("control", number, at + 1, edit=gone, char=f"U+{ord(char):04X}")
    if (found := _WIDE_COLON.match(line)) and is_key(found["key"]):
        _refuse_mark("fw_colon", number, found, ": ")
    if (found := _SPACE_AFTER_COLON.match(line)) and is_key(found["key"]):
        _refuse_mark("fw_space", number, found, " ")
    if (found := _NO_SPACE.match(line)) and is_key(found["key"]):
        _refuse_mark("no_space", number, found, ": ", text=found["rest"])
    if (found := _EQUALS.match(line)) and is_key(found["key"]):
        _refuse_mark("no_colon", number, found, ": ")
    if (found := _FORGOTTEN_COLON.match(line)) and key_form(found["key"]) in keys:
        _refuse_mark("no_colon", number, found, ": ")
    if (found := _COLON_AT_END.match(line)) and key_form(found["key"]) in keys:
        _refuse_mark("no_colon", number, found, ":")
    if not known_only and (found := _BULLET.match(line)):
        _refuse_mark("list_dash", number, found, "- ")


def quoted_value(lines: list[str], number: int, column: int | None = None) -> Edit | None:
    """Give the repair that quotes a line's value, if that ends with its line and begins at `column`."""
    line, after = _line(lines, number), _line(lines, number + 1)
    found = _value(line)
    goes_on = after.strip() and len(after) - len(after.lstrip()) > len(line) - len(line.lstrip())
    if not found or not found["lead"].strip() or goes_on or found["value"][0] in "'\"|>" or " #" in line:
        return None
    if column not in (None, found.start("value") + 1):
        return None
    text = "'" + found["value"].replace("'", "''") + "'"
    return Edit(number, found.start("value") + 1, found.end("value") + 1, text)


def half_width_brackets(lines: list[str], number: int, column: int | None = None) -> Edit | None:
    """Give the repair of a list or group in full-width brackets that fills its line from `column` on."""
    found = _WIDE_BRACKET.match(_line(lines, number))
    if not found or column not in (None, found.start("value") + 1):
        return None
    start, end = found.span("value")
    return Edit(number, start + 1, end + 1, found["value"].translate(_HALF_WIDTH))


def explain(
    error: yaml.MarkedYAMLError, last: yaml.Event | None, lines: list[str], keys: Collection[str]
) -> NoReturn:
    """Refuse with what PyYAML's error means for somebody who does not know YAML.

    `last` is the event before the error. The words of the errors are those of PyYAML 6 in pure Python.
    """
    problem, context = error.problem or "", error.context or ""
    number, column = position(error.problem_mark or error.context_mark)
    begun, begun_column = position(error.context_mark)
    line = _line(lines, number)
    char = line[column - 1 : column]
    if r"'\t'" in problem:
        edit = Edit(number, column, column + 1, " ")
        if not line[: column - 1].strip():
            edit = Edit(number, 1, len(line) - len(line.lstrip()) + 1, " " * _indent(lines, number))
        refuse("tab", number, column, edit=edit)
    if "alias" in context or "anchor" in context:
        refuse_slip(line, number, keys)
        refuse("alias", number, column, edit=quoted_value(lines, number, begun_column))
    if " tag" in context or "tag handle" in problem:
        refuse("tag", number, column, edit=quoted_value(lines, number, begun_column))
    if "escape" in problem:
        refuse("escape", number, column, edit=_single_quotes(lines, number))
    if "quoted scalar" in context:
        refuse("quote_open", _quote_opened(lines, begun))
    if "block scalar" in context:
        refuse("block_header", number, column, mark=_line(lines, begun)[begun_column - 1])
    if "flow" in context:
        if char in ("，", "、"):
            refuse("fw_comma", number, column, edit=Edit(number, column, column + 1, ", "))
        if "but got '?'" in problem:
            refuse("special", number, column, char="?")
        if lines[0].lstrip().startswith(("{", "[")) and "stream end" not in problem:
            refuse("comma", number, column)
        refuse("bracket", begun)
    if "mapping values are not allowed" in problem:
        _refuse_second_colon(lines, number, column, keys)
    if "could not find expected ':'" in problem:
        _refuse_earlier(lines, begun, keys)
        refuse_slip(_line(lines, begun), begun, keys)
        _refuse_comment(lines, begun)
        refuse("indent", begun, 1)
    if "expected the node content" in problem and char and char in "]}":
        refuse("bracket", number)
    if re.search("cannot start any token|not allowed here|expected the node content", problem):
        quoted = quoted_value(lines, number, column) if char != "-" else None
        refuse("special", number, column, edit=quoted, char=char or "?")
    if "document start" in problem and (directive := _first(lines, "%")):
        refuse("special", directive, 1, char="%")
    if line.lstrip().startswith(":"):
        refuse("key_type", number, column)
    if "document start" in problem and 0 < _first(lines, "...") < number:
        refuse("multi_doc", number, column)
    _refuse_earlier(lines, number, keys)
    _refuse_unfinished(last, lines, number, char)
    refuse_slip(line, number, keys)
    refuse("indent", number, column)


def position(mark: Any) -> tuple[int, int]:
    """Give a PyYAML mark's line and column, counted from 1."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _refuse_earlier(lines: list[str], number: int, keys: Collection[str]) -> None:
    """Refuse the first line above that holds a slip beside a field's name, or a comment of another language.

    YAML took it for a part of a text, and stumbles over what comes next.
    """
    block = -1
    for at, line in enumerate(lines[: min(number - 1, EARLIER)], 1):
        indent = len(line) - len(line.lstrip())
        if _SAYS_NOTHING.match(line) or indent > block >= 0:
            continue
        block = indent if _BLOCK_BEGINS.search(line) else -1
        _refuse_comment(lines, at)
        refuse_slip(line, at, keys, known_only=True)


def _refuse_comment(lines: list[str], number: int) -> None:
    if found := _NO_COMMENT.match(_line(lines, number)):
        start, end = found.span("bad")
        repair = Edit(number, start + 1, end + 1, "#")
        refuse("comment", number, start + 1, edit=repair, mark=found["bad"])


def _indent(lines: list[str], number: int) -> int:
    """Say how far a line is meant to be indented, by those above it."""
    above = [line for line in lines[: number - 1] if not _SAYS_NOTHING.match(line)][-EARLIER:]
    last = above[-1] if above else ""
    own, text = len(last) - len(last.lstrip()), last.lstrip()
    if re.search(r"(:|:[ ]+[|>][-+0-9]{0,2})[ ]*$", last):
        return own + (4 if text.startswith("- ") else 2)
    if not _line(lines, number).lstrip().startswith("- "):
        return own + (2 if text.startswith("- ") else 0)
    return next(
        (len(one) - len(one.lstrip()) for one in reversed(above) if one.lstrip().startswith("- ")), own
    )


def run_on(lines: list[str], first: int, last: int) -> int:
    """Find the line of a text without quotes, from its second on, that was meant as a list's entry; 0 if none."""
    return next((n for n in range(first + 1, last + 1) if _ENTRY.match(_line(lines, n))), 0)


def _refuse_unfinished(last: yaml.Event | None, lines: list[str], number: int, char: str) -> None:
    """Refuse when something stands after a value that YAML took for complete."""
    if last is None:
        return
    end_line, end_column = position(last.end_mark)
    rest = _line(lines, end_line)[end_column - 1 :]
    if rest.startswith(","):
        gone = Edit(end_line, end_column, end_column + 1, "") if not rest[1:].strip() else None
        refuse("comma", end_line, end_column, edit=gone)
    if isinstance(last, yaml.ScalarEvent) and last.style in ("'", '"') and end_line == number:
        refuse("quote_open", _quote_opened(lines, position(last.start_mark)[0]))
    if isinstance(last, yaml.ScalarEvent) and not last.style and rest.lstrip().startswith("#"):
        refuse("hash_cut", end_line, end_column + 1, text=rest.strip())
    closed = _line(lines, end_line)[: end_column - 1].endswith(("]", "}"))
    if isinstance(last, yaml.CollectionEndEvent) and closed and char not in ("-", "?"):
        refuse("bracket", end_line, edit=quoted_value(lines, end_line))


def _refuse_mark(code: str, number: int, found: re.Match[str], repair: str, **slots: str) -> NoReturn:
    if "key" in found.groupdict():
        slots["field"] = found["key"]
    start, end = found.span("bad")
    refuse(code, number, start + 1, edit=Edit(number, start + 1, end + 1, repair), **slots)


def _refuse_second_colon(lines: list[str], number: int, column: int, keys: Collection[str]) -> NoReturn:
    line = _line(lines, number)
    before = line[: column - 1]
    value = _value(line)
    if value and value["value"][0] in "'\"" and re.search(r": +['\"]", before):
        refuse("quote_open", _quote_opened(lines, number))
    if edit := half_width_brackets(lines, number):
        refuse("fw_bracket", number, edit.column, edit=edit)
    if value and re.fullmatch(r":[^\s:]+:", value["value"]):
        refuse("special", number, value.start("value") + 1, edit=quoted_value(lines, number), char=":")
    if re.search(r":\s", before):
        refuse("colon_value", number, column, edit=quoted_value(lines, number))
    above = next((n for n in range(number - 1, 0, -1) if not _SAYS_NOTHING.match(_line(lines, n))), 0)
    _refuse_earlier(lines, number, keys)
    _refuse_comment(lines, number)
    if above:
        refuse_slip(_line(lines, above), above, keys)
    refuse_slip(before, number, keys)
    word = re.sub(r"^[ ]*(?:-[ ]+)*", "", before)
    refuse("indent" if key_form(word).isascii() or key_form(word) in keys else "colon_value", number, column)


def _quote_opened(lines: list[str], number: int) -> int:
    """Find the line whose quote never closes: its value runs on into a line that begins with a field."""
    for at in range(1, number + 1):
        value = _value(_line(lines, at))
        text = value["value"] if value else ""
        if text[:1] in ("'", '"') and text.count(text[0]) % 2 and _FIELD_LINE.match(_line(lines, at + 1)):
            return at
    return number


def _single_quotes(lines: list[str], number: int) -> Edit | None:
    found = _value(_line(lines, number))
    text = found["value"] if found else ""
    if not found or len(text) < 2 or text[0] != '"' or text[-1] != '"' or '"' in text[1:-1]:
        return None
    single = "'" + text[1:-1].replace("'", "''") + "'"
    return Edit(number, found.start("value") + 1, found.end("value") + 1, single)


def _value(line: str) -> re.Match[str] | None:
    return _VALUE.match(line.rstrip(" "))


def _first(lines: list[str], start: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if line.startswith(start)), 0)


def _line(lines: list[str], number: int) -> str:
    return lines[number - 1] if 0 < number <= len(lines) else ""
