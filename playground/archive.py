"""Conversations as a JSON file that their reader carries away and brings back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Protocol, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, FailFast, Field, ValidationError

from playground.messages import Conversation, Message

FORMAT = "persona-playground-chats"
VERSION = 1
BYTES = 25_000_000
"""Bytes of the largest file that is read: two hundred long dialogues."""
NAME = 256
"""Characters of a title or a persona's name."""
CHATS = 10_000
"""More than fit into so many bytes, unless they are very short; what the app wrote it also reads."""
MESSAGES = 10_000
TEXT = 256_000
"""Characters of one text; longer than any reply, so that what the app wrote it also reads."""

Ended = Literal["stop", "length", "filtered", "tool_calls", "stopped", "unconfirmed", "failed", "interrupted"]
Code = Literal[
    "too_large", "not_json", "other_format", "newer", "missing", "unknown_key", "too_long", "wrong_value"
]

_CODES: dict[str, Code] = {
    "json_invalid": "not_json",
    "missing": "missing",
    "missing_argument": "missing",
    "extra_forbidden": "unknown_key",
    "unexpected_keyword_argument": "unknown_key",
    "string_too_long": "too_long",
    "too_long": "too_long",
}
_SURROGATES = re.compile("[\ud800-\udfff]")


class _Chat(Protocol):
    @property
    def persona(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def conversation(self) -> Conversation: ...
    @property
    def updated(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Archived:
    """A dialogue in a file; `updated` is Unix time, to the microsecond."""

    persona: str
    title: str
    conversation: Conversation
    updated: float


@dataclass(frozen=True, slots=True)
class Damage:
    """Why a file is refused, and where in it: "chats.3.messages.7.role", or "" for the whole file."""

    code: Code
    place: str = ""


def to_archive(chats: Iterable[_Chat], about: Mapping[str, Any] | None = None) -> bytes:
    """Write dialogues as a file, without ids and without codes; `about` tells more of each: parameters, checks.

    `from_archive` gives back just these, but for halves of surrogate pairs, which become U+FFFD.
    """
    rows = [
        {
            "persona": chat.persona,
            "title": chat.title,
            "updated": datetime.fromtimestamp(chat.updated, UTC).isoformat(),
            **(about or {}),
            "messages": [_told(message) for message in chat.conversation.messages],
        }
        for chat in chats
    ]
    text = json.dumps({"format": FORMAT, "version": VERSION, "chats": rows}, ensure_ascii=False, indent=1)
    return _SURROGATES.sub("\ufffd", text).encode()


def from_archive(raw: bytes) -> tuple[list[Archived], Damage | None]:
    """Read a file whole, or refuse it whole."""
    if len(raw) > BYTES:
        return [], Damage("too_large")
    try:
        file = _File.model_validate_json(raw.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        return [], _damage(error)
    return [
        Archived(row.persona, row.title, Conversation(row.messages), row.updated.timestamp())
        for row in file.chats
    ], None


def _told(value: Any) -> Any:
    """What differs from the defaults."""
    if not is_dataclass(value):
        return value
    told = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _told(part) for field, part in told if part != field.default}


def _sane(message: Message) -> Message:
    """Refuse what the screen has no words for, and numbers that no provider counts to."""
    if (info := message.info) and (info.ended not in get_args(Ended) or not info.countable):
        raise ValueError(message.role)
    return message


class _Strict(BaseModel):
    # The messages' own dataclasses are held to this too.
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, str_max_length=TEXT, allow_inf_nan=False
    )


class _Dialogue(_Strict):
    persona: Annotated[str, Field(max_length=NAME)]
    title: Annotated[str, Field(max_length=NAME)]
    updated: Annotated[
        AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))
    ]
    # For whoever opens the file elsewhere; nothing here depends on them.
    parameters: dict[str, Any] = {}
    checks: tuple[dict[str, Any], ...] = ()
    messages: Annotated[
        tuple[Annotated[Message, AfterValidator(_sane)], ...], Field(max_length=MESSAGES), FailFast()
    ]


class _File(_Strict):
    format: Literal["persona-playground-chats"]
    version: Literal[1]
    chats: Annotated[tuple[_Dialogue, ...], Field(max_length=CHATS), FailFast()]


def _damage(error: ValidationError) -> Damage:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:100]
    if place == "format" or (not place and first["type"] != "json_invalid"):
        return Damage("other_format")
    if place == "version" and type(first["input"]) is int and first["input"] > VERSION:
        return Damage("newer")
    return Damage(_CODES.get(first["type"], "wrong_value"), place)
