"""A reply that is being written: anyone may watch it, one may stop it."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from typing import Literal

from playground import client
from playground.limits import Ticket
from playground.line import Cut, Heard, Line
from playground.messages import Failure, Message, ReplyInfo, Usage
from playground.sent import Sent, to_sent
from playground.usage import Quota
from playground.wire import Request, Setup, estimate_tokens

UNWATCHED = 125.0
"""Seconds without a watcher after which a reply stops by itself; a lost connection may come back within 120."""

KEEP_EVERY = 1.0
"""Seconds of writing that are lost at most when the app dies, where the database is quick."""

State = Literal["preparing", "queued", "waiting", "pausing", "thinking", "writing", "done"]

Keep = Callable[[Message], None]
"""Stores a reply: as "interrupted" while it is written, and as it ended."""


class Reply:
    """A reply being written; `text`, `reasoning`, `state` and `pause` may be read from any thread."""

    def __init__(self, setup: Setup, line: Line, keep: Keep, clock: Callable[[], float]) -> None:
        self.setup = setup
        self.state: State = "preparing"
        self.ticket: Ticket | None = None
        """The place in the queue, while state is "queued"."""
        self._resumes = 0.0
        self.request: Request | None = None
        self.waiting: list[str] = []
        """What its reader typed meanwhile, to be asked after it."""
        self.info: ReplyInfo | None = None
        self._line, self._store, self._clock = line, keep, clock
        self._kept_at, self._keep_every = float("-inf"), KEEP_EVERY
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._pace = array("f")
        self._news = threading.Condition()
        self._over = threading.Event()
        self._version = 0
        self._started = self._watched = clock()
        self._first: float | None = None
        self._shown_at_stop: str | None = None
        self._sent: Sent | None = None

    @property
    def text(self) -> str:
        """What is written so far."""
        if self._shown_at_stop is not None:
            return self._shown_at_stop
        return "".join(self._texts)

    @property
    def reasoning(self) -> str:
        """What was thought so far."""
        return "".join(self._thoughts)

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state == "done"

    @property
    def seconds(self) -> float:
        """Seconds since the question was asked, until the end."""
        return self.info.seconds if self.info else self._clock() - self._started

    @property
    def pause(self) -> float:
        """Seconds until the question is asked once more, while state is "pausing"."""
        return max(self._resumes - self._clock(), 0)

    def stop(self) -> None:
        """End it now: what is written stays, and the provider's connection is closed."""
        with self._news:
            if self.done or self._shown_at_stop is not None:
                return
            self._shown_at_stop = "".join(self._texts)
            # Before the lock is given back: else the last piece, which nobody will see, could make it a whole one.
            self.end("stopped")
        self._line.cut()

    @property
    def abandoned(self) -> bool:
        """Whether nobody has watched for so long that nobody will read it."""
        return self._clock() - self._watched > UNWATCHED

    def seen(self) -> None:
        """Tell that its reader is still here."""
        self._watched = self._clock()

    def watch(self, seen: int, timeout: float) -> int:
        """Wait until something is newer than version `seen`, at most `timeout` seconds; return the version now."""
        with self._news:
            self.seen()
            if self._version == seen and not self.done:
                self._news.wait(timeout)
            return self._version

    def linger(self, seconds: float) -> None:
        """Wait `seconds`, or until it ends, whatever is written meanwhile."""
        self._over.wait(seconds)

    def message(self) -> Message:
        """The reply as a part of the conversation: as it ended, or as far as it got."""
        return Message("assistant", self.text, self.reasoning, self.info or self._info("interrupted"))

    def sent(self) -> Sent | None:
        """What was asked of the provider and what it answered, so far; None where nobody was asked."""
        line, request = self._line, self.request
        if self._sent or request is None or not line.sent:
            return self._sent
        info, pace = self.info, tuple(self._pace)
        sent = to_sent(self.setup, request, line.sent, info, line.heard, line.headers, pace)
        if info is None:
            return sent
        with self._news:
            # Pages ask at every run, and to pack a long answer takes a while. The events themselves are let go: they
            # take much room, and know the key that is to be hidden in them.
            self._sent = self._sent or sent
            line.heard = Heard()
        return self._sent

    def keep(self) -> None:
        """Store it as it is now."""
        began = self._clock()
        self._store(self.message())
        self._kept_at = self._clock()
        # A database that many write to takes its time, and is asked less often.
        self._keep_every = max(KEEP_EVERY, 20 * (self._kept_at - began))

    def change(self, state: State) -> None:
        """Enter a state, or tell the watchers that something was added; nothing changes after the end."""
        with self._news:
            if self.done:
                return
            self.state = state
            self._version += 1
            self._news.notify_all()

    def pauses(self, seconds: float) -> None:
        """Tell the watchers that it is asked once more in so many seconds."""
        self._resumes = self._clock() + seconds
        self.change("pausing")

    def add(self, delta: client.Delta) -> None:
        """Add what the model wrote; raises Cut when nobody reads it any more."""
        if self.abandoned:
            self.stop()
            raise Cut
        now = self._clock()
        with self._news:
            if delta.text:
                if self._first is None:
                    self._first = now - self._started
                self._texts.append(delta.text)
            if delta.reasoning:
                self._thoughts.append(delta.reasoning)
            # Three small numbers a piece: who keeps a lesson of it plays it back as it came.
            self._pace.extend((now - self._started, len(delta.text), len(delta.reasoning)))
            self.change("writing" if self._texts else "thinking")
        if now - self._kept_at >= self._keep_every:
            self.keep()

    def end(
        self,
        ended: str,
        failure: Failure | None = None,
        usage: Usage | None = None,
        left: Quota | None = None,
    ) -> None:
        """End it, once, and tell how."""
        with self._news:
            if self.done:
                return
            self.info = self._info(ended, failure, usage, left)
            self.state = "done"
            self._version += 1
            self._news.notify_all()
        self._over.set()

    def _info(
        self,
        ended: str,
        failure: Failure | None = None,
        usage: Usage | None = None,
        left: Quota | None = None,
    ) -> ReplyInfo:
        return ReplyInfo(
            provider=self.setup.provider.id,
            model=self.setup.model.id,
            ended=ended,
            seconds=self._clock() - self._started,
            first_token_seconds=self._first,
            # Who is stopped before anybody was asked has used nothing.
            usage=usage or (Usage(0, 0) if ended == "stopped" and not self._line.sent else self._estimate()),
            failure=failure,
            unused=tuple(sorted(self.setup.refused)),
            left_out=tuple(n.what for n in self.request.notes if n.code == "left_out")
            if self.request
            else (),
            requests_left=left.requests_left if left else None,
            tokens_left=left.tokens_left if left else None,
        )

    def _estimate(self) -> Usage:
        if not self._texts and not self._thoughts:
            return Usage()
        asked = self.request.body["messages"] if self.request else []
        prompt = sum(estimate_tokens(m["content"]) + 4 for m in asked)
        return Usage(prompt, estimate_tokens(self.text + self.reasoning), estimated=True)
