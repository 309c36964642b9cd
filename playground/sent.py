"""What was sent for one reply, and what came back: the request as it left, and the answer as it came."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.line import Heard
from playground.messages import ReplyInfo
from playground.wire import Request, Setup

LONGEST_EVENT = 2000
"""Characters of one event that are shown with the first and the last ones."""

_QUOTA = re.compile(r"(?:rate-?limit|token-?limit|retry-after)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sent:
    """The last request of one reply; `body` is the bytes as they left, empty where nothing did.

    `first` and `last` are the events of the answer at its two ends, `count` how many there were, `packed` all of them
    where the ends are not all, and `headers` what the answer's headers told of the quota. The key is in none of them:
    it travels in a header of the request.
    """

    setup: Setup
    request: Request
    body: bytes
    info: ReplyInfo | None = None
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    count: int = 0
    packed: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    pace: tuple[float, ...] = ()
    """Of each piece of the answer in turn: the second at which it came, its characters of text and of thought."""

    @property
    def events(self) -> str:
        """Every event as it came, a blank line between two; a key that a service echoed is hidden by who shows it."""
        return (
            zlib.decompress(self.packed).decode() if self.packed else "\n\n".join((*self.first, *self.last))
        )

    @property
    def tokens_per_second(self) -> float | None:
        """How fast the model wrote once it had begun; None where nobody can tell."""
        info = self.info
        if info is None or info.first_token_seconds is None or not info.usage.completion_tokens:
            return None
        seconds = info.seconds - info.first_token_seconds
        return info.usage.completion_tokens / seconds if seconds > 0.05 else None


def to_sent(
    setup: Setup,
    request: Request,
    body: bytes,
    info: ReplyInfo | None,
    heard: Heard,
    headers: Mapping[str, str],
    pace: tuple[float, ...] = (),
) -> Sent:
    """Keep of a request and its answer what can be shown, bounded in size."""
    told = {name: value[:200] for name, value in headers.items() if _QUOTA.search(name)}
    ends = heard.ends()
    first, last = (tuple(map(_shortened, end)) for end in ends)
    # While it is written its ends will do: it is packed once.
    more = info is not None and (heard.count > len(first) + len(last) or (first, last) != ends)
    packed = zlib.compress(heard.whole().encode("utf-8", "replace"), 1) if more else b""
    return Sent(setup, request, body, info, first, last, heard.count, packed, told, pace)


def as_it_leaves(body: Any) -> str:
    """A value as the text that goes over the wire: JSON without a space."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_EVENT else f"{text[:LONGEST_EVENT]}…"
