"""One reply being written, on its own thread: anyone may watch it, one may stop it.

A page only watches. A click, a page change or a lost socket ends the watching and never the writing; a reply that
nobody has watched for a while stops by itself, so that nobody pays for what nobody reads.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from playground import client, failures
from playground.classroom import Classroom
from playground.keys import Endpoint
from playground.limits import LaneId, Limits, Pace
from playground.line import Cut, Line
from playground.messages import Conversation, Failure
from playground.reply import Keep, Reply
from playground.usage import quota
from playground.wire import Setup, build_body, without

SHORT_WAIT = 5.0
"""Seconds of a provider's "try again in" that are waited for; a longer wait is the reader's choice."""


@dataclass(frozen=True)
class Turn:
    """A place in the queue of those who share a key: in which `lane`, at which `pace`, and for whom.

    `Pace()` stands for no queue. `classroom` is the class that the reply belongs to, and `shared` whether its key is
    the class's.
    """

    limits: Limits
    lane: LaneId
    pace: Pace
    visitor: str
    classroom: Classroom | None = None
    shared: bool = True


Source = Callable[[Line], Endpoint]
"""Gives the address and key of the model when it is ready, which may take its time; `line` says when the reader has
stopped waiting. Raises Unavailable."""


class Unavailable(Exception):
    """No endpoint can be had; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def ask(
    setup: Setup,
    conversation: Conversation,
    source: Source,
    *,
    turn: Turn | None = None,
    first: Callable[[], None] = lambda: None,
    remember: Callable[[str], None] = lambda param: None,
    keep: Keep = lambda message: None,
    clock: Callable[[], float] = time.monotonic,
) -> Reply:
    """Start the reply to the conversation's last question and return at once.

    `first` is done before anything else, on the reply's own thread; `source` gives the endpoint when it is ready;
    `turn` makes the reply wait for its place among those who share a key, and tells whose class sees and stops it;
    `remember` is told of a parameter that the model refuses; `keep` stores what is written, as it is written.
    """
    line = Line(setup.quirks.timeout.connect, clock)
    reply = Reply(setup, line, keep, clock)
    threading.Thread(
        target=_write,
        args=(reply, conversation, source, turn, first, remember, line),
        daemon=True,
        name="reply",
    ).start()
    return reply


def _write(
    reply: Reply,
    conversation: Conversation,
    source: Source,
    turn: Turn | None,
    first: Callable[[], None],
    remember: Callable[[str], None],
    line: Line,
) -> None:
    """Write the reply; whatever happens, it ends with a ReplyInfo."""
    classroom = turn.classroom if turn else None
    try:
        first()
        if turn and classroom and (code := classroom.begin(reply, conversation, turn.shared)):
            raise Unavailable(failures.failure(code))
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
        reply.end(finish.ended, finish.failure, finish.usage, quota(finish.headers or {}))
    except Cut:
        reply.end("stopped")
    except Unavailable as error:
        reply.end("failed", error.failure)
    except Exception as error:
        # The boundary: nothing of the error on the page but a number.
        reply.end("failed", failures.failure("internal", detail=failures.report("reply", error)))
    if turn and classroom:
        classroom.end(reply, turn.shared)
    reply.keep()


def _in_turn(
    reply: Reply, conversation: Conversation, endpoint: Endpoint, turn: Turn | None, line: Line
) -> client.Finish:
    """Make an attempt when the queue lets it; a rate limit slows the whole queue down."""
    if turn is None or turn.pace == Pace():
        return _attempt(reply, conversation, endpoint, line)
    with turn.limits.admit(turn.lane, turn.pace, turn.visitor) as ticket:
        reply.ticket = ticket
        reply.change("queued")
        if not ticket.wait(lambda: line.is_cut or reply.abandoned) or line.is_cut:
            raise Cut
        finish = _attempt(reply, conversation, endpoint, line)
    if finish.failure and finish.failure.code == "rate_limited":
        turn.limits.slow_down(turn.lane, finish.failure.seconds)
    return finish


def _attempt(reply: Reply, conversation: Conversation, endpoint: Endpoint, line: Line) -> client.Finish:
    reply.request = build_body(reply.setup, conversation)
    reply.change("waiting")
    for item in client.stream(endpoint, reply.request.body, reply.setup.quirks, line):
        if isinstance(item, client.Finish):
            return item
        reply.add(item)
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
    # A class that was refused together must not come back together.
    seconds = max(seconds or 0.5, 0.2) * random.uniform(1, 1.3)
    reply.pauses(seconds)
    line.wait(seconds)
