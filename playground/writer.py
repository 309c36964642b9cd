"""One reply being written, on its own thread: anyone may watch it, one may stop it.

A page only watches. A click, a page change or a lost socket ends the watching and never the writing; a reply that
nobody has watched for a while stops by itself, so that nobody pays for what nobody reads.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from playground import client, failures
from playground.keys import Endpoint
from playground.limits import LaneId, Limits, Pace, Ticket
from playground.line import Cut, Line
from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from playground.usage import Quota, quota
from playground.wire import Request, Setup, build_body, estimate_tokens, without

log = logging.getLogger(__name__)

UNWATCHED = 125.0
"""Seconds without a watcher after which a reply stops by itself; a lost connection may come back within 120."""

SHORT_WAIT = 5.0
"""Seconds of a provider's "try again in" that are waited for; a longer wait is the reader's choice."""


@dataclass(frozen=True)
class Turn:
    """A place in the queue of those who share a key: in which `lane`, at which `pace`, and for whom."""

    limits: Limits
    lane: LaneId
    pace: Pace
    visitor: str


State = Literal["preparing", "queued", "waiting", "pausing", "thinking", "writing", "done"]


Source = Callable[[Line], Endpoint]
"""Gives the address and key of the model when it is ready, which may take its time; `line` says when the reader has
stopped waiting. Raises Unavailable."""


class Unavailable(Exception):
    """No endpoint can be had; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


class Reply:
    """A reply being written; `text`, `reasoning`, `state` and `pause` may be read from any thread."""

    def __init__(self, setup: Setup, line: Line, clock: Callable[[], float]) -> None:
        self.setup = setup
        self.state: State = "preparing"
        self.ticket: Ticket | None = None
        """The place in the queue, while state is "queued"."""
        self.pause = 0.0
        """Seconds of the wait that state "pausing" speaks of."""
        self.request: Request | None = None
        self.info: ReplyInfo | None = None
        self._line, self._clock = line, clock
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._news = threading.Condition()
        self._over = threading.Event()
        self._version = 0
        self._started = self._watched = clock()
        self._first: float | None = None
        self._shown_at_stop: str | None = None

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

    def stop(self) -> None:
        """End it now: what is written stays, and the provider's connection is closed."""
        with self._news:
            if self.done or self._shown_at_stop is not None:
                return
            self._shown_at_stop = "".join(self._texts)
        self._line.cut()
        self._end("stopped")

    def watch(self, seen: int, timeout: float) -> int:
        """Wait until something is newer than version `seen`, at most `timeout` seconds; return the version now."""
        with self._news:
            self._watched = self._clock()
            if self._version == seen and not self.done:
                self._news.wait(timeout)
            return self._version

    def linger(self, seconds: float) -> None:
        """Wait `seconds`, or until it ends, whatever is written meanwhile."""
        self._over.wait(seconds)

    def message(self) -> Message:
        """The reply as a part of the conversation, once it is done."""
        return Message("assistant", self.text, self.reasoning, self.info)

    def _changed(self, state: State) -> None:
        with self._news:
            if self.done:
                return
            self.state = state
            self._version += 1
            self._news.notify_all()

    def _add(self, delta: client.Delta) -> None:
        if self._clock() - self._watched > UNWATCHED:
            self.stop()
            raise Cut
        if delta.text and self._first is None:
            self._first = self._clock() - self._started
        with self._news:
            if delta.text:
                self._texts.append(delta.text)
            if delta.reasoning:
                self._thoughts.append(delta.reasoning)
        self._changed("writing" if self._texts else "thinking")

    def _end(
        self,
        ended: str,
        failure: Failure | None = None,
        usage: Usage | None = None,
        left: Quota | None = None,
    ) -> None:
        with self._news:
            if self.done:
                return
            self.info = ReplyInfo(
                provider=self.setup.provider.id,
                model=self.setup.model.id,
                ended=ended,
                seconds=self._clock() - self._started,
                first_token_seconds=self._first,
                usage=usage or self._estimate(),
                failure=failure,
                unused=tuple(sorted(self.setup.refused)),
                requests_left=left.requests_left if left else None,
                tokens_left=left.tokens_left if left else None,
            )
            self.state = "done"
            self._version += 1
            self._news.notify_all()
        self._over.set()

    def _estimate(self) -> Usage:
        if not self._texts and not self._thoughts:
            return Usage()
        asked = self.request.body["messages"] if self.request else []
        prompt = sum(estimate_tokens(m["content"]) + 4 for m in asked)
        return Usage(prompt, estimate_tokens(self.text + self.reasoning), estimated=True)


def ask(
    setup: Setup,
    conversation: Conversation,
    source: Source,
    *,
    turn: Turn | None = None,
    remember: Callable[[str], None] = lambda param: None,
    clock: Callable[[], float] = time.monotonic,
) -> Reply:
    """Start the reply to the conversation's last question and return at once.

    `source` gives the endpoint when it is ready, `turn` makes the reply wait for its place among those who share a
    key; `remember` is told of a parameter that the model refuses.
    """
    line = Line(setup.quirks.timeout.connect, clock)
    reply = Reply(setup, line, clock)
    threading.Thread(
        target=_write, args=(reply, conversation, source, turn, remember, line), daemon=True, name="reply"
    ).start()
    return reply


def _write(
    reply: Reply,
    conversation: Conversation,
    source: Source,
    turn: Turn | None,
    remember: Callable[[str], None],
    line: Line,
) -> None:
    """Write the reply; whatever happens, it ends with a ReplyInfo."""
    try:
        endpoint = source(line)
        finish = _in_turn(reply, conversation, endpoint, turn, line)
        if _worth_a_retry(reply, finish):
            assert finish.failure is not None
            if finish.refused:
                remember(finish.refused)
                reply.setup = without(reply.setup, finish.refused)
            else:
                _pause(reply, line, finish.failure.seconds)
                endpoint = source(line)
            finish = _in_turn(reply, conversation, endpoint, turn, line)
        reply._end(finish.ended, finish.failure, finish.usage, quota(finish.headers or {}))
    except Cut:
        reply._end("stopped")
    except Unavailable as error:
        reply._end("failed", error.failure)
    except Exception as error:
        # The boundary: an id that the operator finds in the log, and nothing of the error on the page.
        number = uuid.uuid4().hex[:8]
        log.error("reply %s failed: %s at %s", number, type(error).__name__, _place(error))
        reply._end("failed", failures.failure("internal", detail=number))


def _in_turn(
    reply: Reply, conversation: Conversation, endpoint: Endpoint, turn: Turn | None, line: Line
) -> client.Finish:
    """Make an attempt when the queue lets it; a rate limit slows the whole queue down."""
    if turn is None:
        return _attempt(reply, conversation, endpoint, line)
    with turn.limits.admit(turn.lane, turn.pace, turn.visitor) as ticket:
        reply.ticket = ticket
        reply._changed("queued")
        if not ticket.wait(lambda: line.is_cut):
            raise Cut
        finish = _attempt(reply, conversation, endpoint, line)
    if finish.failure and finish.failure.code == "rate_limited":
        turn.limits.slow_down(turn.lane, finish.failure.seconds)
    return finish


def _attempt(reply: Reply, conversation: Conversation, endpoint: Endpoint, line: Line) -> client.Finish:
    reply.request = build_body(reply.setup, conversation)
    reply._changed("waiting")
    for item in client.stream(endpoint, reply.request.body, reply.setup.quirks, line):
        if isinstance(item, client.Finish):
            return item
        reply._add(item)
    raise AssertionError("a stream ends with a Finish")


def _worth_a_retry(reply: Reply, finish: client.Finish) -> bool:
    """Whether a second try, the only one, is allowed: before any text, and only where it can help."""
    if finish.failure is None or finish.opened:
        return False
    if finish.refused:
        return True
    if finish.failure.code == "rate_limited":
        return finish.failure.seconds is not None and finish.failure.seconds <= SHORT_WAIT
    return (
        finish.failure.code in ("overloaded", "unreachable") and (finish.failure.seconds or 0) <= SHORT_WAIT
    )


def _pause(reply: Reply, line: Line, seconds: float | None) -> None:
    reply.pause = max(seconds or 0.5, 0.2)
    reply._changed("pausing")
    line.wait(reply.pause)


def _place(error: Exception) -> str:
    """Where an error arose; neither its message nor its frames, which may hold a key."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
