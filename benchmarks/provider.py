"""The tests' fake provider with a stopwatch: what it says, how fast, and when its chunks left."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, cycle, islice

from tests.fake_connection import Connection, Request
from tests.fake_provider import EVENT_STREAM, FakeProvider, choice, chunk_event, event

_PASSAGE = """It was a **quiet** morning, and the old harbour smelled of salt and of bread. The ferry had not
come yet. Two gulls argued over a crust while the baker, who had seen many mornings like this one, counted his
change and hummed. Nobody was in a hurry; the tide would turn when it turned.

- a boat with a *blue* sail,
- a rope that somebody had forgotten,
- and `three` crates of lemons.

Then the bell rang, once, and everybody looked up. "She is early," said the baker. He wiped his hands, took
the largest loaf and went down the steps to the pier, where the water was already rising between the stones.

"""


_numbers = count(1)


@dataclass(frozen=True)
class Script:
    """A reply of `chunks` pieces of a word or two, one every `pace` seconds (0: all at once), after `delay` seconds.

    `first` and `last` are its first and last word, which occur nowhere else.
    """

    chunks: int
    pace: float = 0.0
    delay: float = 0.0
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def first(self) -> str:
        return f"Alpha{self.number}first"

    @property
    def last(self) -> str:
        return f"omega{self.number}last"

    @property
    def seconds(self) -> float:
        """How long the reply takes at its own pace."""
        return (self.chunks - 1) * self.pace

    @property
    def bytes(self) -> int:
        """How much text the reply is."""
        return sum(len(word.encode()) for word in self.words())

    def words(self) -> list[str]:
        """The reply, piece by piece: nine bytes each, as the tokens of longer words are."""
        middle = islice(cycle(re.findall(r"(?:\S{1,4}\s+)?\S+\s*", _PASSAGE)), self.chunks - 2)
        return [f"{self.first} ", *middle, self.last]


@dataclass
class Sent:
    """When a question arrived, and when its reply's first and last chunk left; Unix time in seconds."""

    asked: float
    first: float = 0.0
    last: float = 0.0


class TimedProvider(FakeProvider):
    """Answers every question by `speech` and notes the times in `sent`."""

    def __enter__(self) -> TimedProvider:
        return self

    def __init__(self) -> None:
        super().__init__(serve=self._speak)
        self.speech = Script(10)
        self.sent: list[Sent] = []

    def _speak(self, connection: Connection, request: Request) -> None:
        times = Sent(time.time())
        self.sent.append(times)
        script = self.speech
        chunks: Iterable[bytes] = (chunk_event(request, [choice({"content": w})]) for w in script.words())
        if not script.pace:
            # Made beforehand, so that they leave as fast as can be; at a pace there is time to make each.
            chunks = list(chunks)
        connection.pause(script.delay)
        connection.head(200, {**EVENT_STREAM, "transfer-encoding": "chunked"})
        connection.chunk(chunk_event(request, [choice({"role": "assistant", "content": ""})]))
        start = times.first = time.time()
        for number, chunk in enumerate(chunks):
            if script.pace:
                connection.pause(max(0.0, start + number * script.pace - time.time()))
            times.last = time.time()
            connection.chunk(chunk)
        connection.chunk(chunk_event(request, [choice({}, "stop")]))
        connection.chunk(event("[DONE]"))
        connection.end_chunks()
