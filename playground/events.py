"""Reads a provider's answer as it really comes: server-sent events with every known oddity, or no events at all.

Plain JSON is read instead of the SDK's typed chunks, which cost several times as much and hide what they do not know.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

MAX_EVENT = 1024 * 1024
"""Characters of one event or of stray text; more is not a chat reply."""

_FIELDS = ("data", "event", "id", "retry")

_LINE_END = re.compile(r"\r\n|\r|\n")
_DOUBLED = re.compile(r"(?:data:\s*)+")


class Event(NamedTuple):
    """One thing that came: kind "json" (with its value), "done", "comment", "stray" (text that is no event) or "bad".

    `raw` holds its lines as they came.
    """

    kind: str
    value: Any = None
    name: str = ""
    raw: str = ""


def read_events(parts: Iterable[bytes]) -> Iterator[Event]:
    """Cut bytes into events; accepts any line ending, several data lines, a BOM, and a last event without its end.

    Text outside of events comes once, at the end, as one "stray" event.
    """
    data: list[str] = []
    stray: list[str] = []
    raw: list[str] = []
    name = ""
    size = stray_size = 0
    for line in _lines(parts):
        if line is None:
            yield Event("bad")
            return
        if not line:
            if data:
                yield _event("\n".join(data), name, "\n".join(raw))
            elif raw and raw[0].startswith(":"):
                yield Event("comment", raw="\n".join(raw))
            data, raw, name, size = [], [], "", 0
            continue
        raw.append(line)
        size += len(line)
        field, _, value = line.partition(":")
        # Without a name before its colon a line is a comment.
        if field and field not in _FIELDS:
            stray.append(line)
            # It is kept to the end, so an empty line does not begin it anew.
            stray_size += len(line)
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif field == "event":
            name = value.strip()
        if max(size, stray_size) > MAX_EVENT:
            yield Event("too_big")
            return
    if data and (last := _event("\n".join(data), name, "\n".join(raw))).kind != "bad":
        # An event that broke off is not malformed; the reply is cut, which its missing end says.
        yield last
    if stray:
        text = "\n".join(stray)
        yield Event("stray", text, raw=text)


def _lines(parts: Iterable[bytes]) -> Iterator[str | None]:
    """Text lines without their ends; None where the bytes are not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    rest = ""
    for part in parts:
        try:
            text = rest + decoder.decode(part)
        except UnicodeDecodeError:
            yield None
            return
        # A CR at the very end may be half of a CR LF.
        held = "\r" if text.endswith("\r") else ""
        *whole, rest = _LINE_END.split(text[: len(text) - len(held)]) if "\r" in text else text.split("\n")
        rest += held
        yield from whole
        if len(rest) > MAX_EVENT:
            yield "data: " + rest[: MAX_EVENT + 1]
            return
    if rest:
        yield rest.rstrip("\r")


def _event(text: str, name: str, raw: str) -> Event:
    text = text.strip()
    if marks := _DOUBLED.match(text):
        text = text[marks.end() :]
    if not text:
        return Event("empty", raw=raw)
    if text.startswith("[DONE]"):
        return Event("done", raw=raw)
    try:
        return Event("json", json.loads(text), name, raw)
    except (ValueError, RecursionError):
        return Event("bad", text[:200], name, raw)


class Piece(NamedTuple):
    """What one chunk adds: text, thinking, and how the reply ended where the chunk says so."""

    text: str = ""
    reasoning: str = ""
    finish: str = ""
    refusal: str = ""
    bad: bool = False


def read_choice(payload: dict[str, Any], reasoning_fields: tuple[str, ...]) -> Piece:
    """Read the first choice of a chunk or of a whole completion; what is not there adds nothing."""
    choices = payload.get("choices")
    if choices is None or choices == []:
        return Piece()
    if not isinstance(choices, list):
        return Piece(bad=True)
    choice = next((c for c in choices if isinstance(c, dict) and c.get("index") in (None, 0)), None)
    if choice is None:
        return Piece()
    finish = choice.get("finish_reason")
    delta = choice.get("delta") or choice.get("message") or {}
    if isinstance(delta, str):
        return Piece(text=delta)
    if not isinstance(delta, dict):
        return Piece(bad=True)
    text, thought = _content(delta.get("content", choice.get("text")))
    for name in reasoning_fields:
        if isinstance(value := delta.get(name), str) and value:
            thought += value
            break
    refusal = delta.get("refusal")
    return Piece(
        text or "",
        thought,
        finish if isinstance(finish, str) else "",
        refusal if isinstance(refusal, str) else "",
        bad=text is None,
    )


def _content(value: Any) -> tuple[str | None, str]:
    """(text, thinking) of a content that may be a string, a list of parts or an object; None for anything else."""
    if value is None or isinstance(value, str):
        return value or "", ""
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return None, ""
    text = thought = ""
    for part in value:
        if isinstance(part, str):
            text += part
        elif isinstance(part, dict) and isinstance(part.get("thinking"), (str, list)):
            inner, _ = _content(part["thinking"])
            thought += inner or ""
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            text += part["text"]
    return text, thought


def error_in(payload: dict[str, Any], name: str) -> Any:
    """The error object that an event carries in one of its disguises, or None."""
    if "error" in payload and payload["error"] is not None:
        return payload
    if payload.get("object") == "error" or name == "error":
        return payload
    choices = payload.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict) and choices[0].get("error"):
        return choices[0]
    groq = payload.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return groq
    if "choices" not in payload and "usage" not in payload and ({"detail", "message"} & payload.keys()):
        return payload
    return None


def usage_in(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The token counts that an event carries, wherever they stand."""
    nested = payload.get("x_groq")
    for place in (payload.get("usage"), nested.get("usage") if isinstance(nested, dict) else None):
        if isinstance(place, dict) and place:
            return place
    return None


class Tidy:
    """Makes streamed text whole: joins split surrogate pairs, drops control characters and terminal escapes."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """Return what is certain so far."""
        text = self._held + text
        self._held = ""
        if text and ("\ud800" <= text[-1] <= "\udbff" or text[-1] == "\x1b"):
            text, self._held = text[:-1], text[-1]
        return clean(text)

    def end(self) -> str:
        """Return what was held back."""
        held, self._held = self._held, ""
        return clean(held)


_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")


def clean(text: str) -> str:
    """Text that can be stored and shown: no lone surrogates, control characters, terminal escapes or bidi overrides."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", text)


class KeyHider:
    """Puts `instead` for a key in streamed text, in however many pieces it comes; what may be its beginning waits."""

    def __init__(self, key: str, instead: str) -> None:
        self._key, self._instead, self._held = key, instead, ""

    def feed(self, text: str) -> str:
        """Return what is certain so far."""
        if not self._key or not text:
            return text
        text = (self._held + text).replace(self._key, self._instead)
        # Keys are long and pieces many: only from where one may begin is the end compared.
        start = text.find(self._key[0], max(0, len(text) - len(self._key) + 1))
        while start >= 0 and not self._key.startswith(text[start:]):
            start = text.find(self._key[0], start + 1)
        end = start if start >= 0 else len(text)
        text, self._held = text[:end], text[end:]
        return text

    def end(self) -> str:
        """Return what was held back."""
        held, self._held = self._held, ""
        return held


class TagSplitter:
    """Tells thinking from text where a model writes its thoughts between tags at the start of its reply."""

    def __init__(self, tags: tuple[tuple[str, str], ...]) -> None:
        self._tags = tags
        self._close = ""
        self._held = ""
        self._open = bool(tags)
        self._at_start = False

    def feed(self, text: str) -> tuple[str, str]:
        """Return (text, thinking) of what is certain so far."""
        if not self._open and not self._close:
            return self._begun(text), ""
        self._held += text
        if not self._close:
            start = self._held.lstrip()
            for opening, closing in self._tags:
                if start.startswith(opening):
                    self._close, self._held = closing, start[len(opening) :]
                    break
            else:
                if any(opening.startswith(start) for opening, _ in self._tags):
                    return "", ""
                self._open = False
                held, self._held = self._held, ""
                return held, ""
        thought, found, rest = self._held.partition(self._close)
        if found:
            self._close, self._held, self._open, self._at_start = "", "", False, True
            return self._begun(rest), thought
        keep = next((n for n in range(len(self._close) - 1, 0, -1) if thought.endswith(self._close[:n])), 0)
        self._held = thought[len(thought) - keep :]
        return "", thought[: len(thought) - keep]

    def end(self) -> tuple[str, str]:
        """Return (text, thinking) of what was held back."""
        held, self._held = self._held, ""
        return ("", held) if self._close else (held, "")

    def _begun(self, text: str) -> str:
        """Text without the empty lines between the thoughts and the reply."""
        if self._at_start:
            text = text.lstrip("\n")
            self._at_start = not text
        return text
