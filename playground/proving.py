"""A plan being carried out, on threads of its own: anyone may look, one may stop it, and what was done is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from playground import failures, rubric
from playground.checks import Check, Verdict
from playground.messages import Conversation, Message, ReplyInfo
from playground.proof import Cell, Judge, Outcome, Plan, fitting, judged, remaining, summed, turns
from playground.reply import Reply
from playground.wire import Setup, without
from playground.writer import Source, Turn, ask

log = logging.getLogger(__name__)

AT_ONCE = 4
"""Questions that are asked at the same time, by all models together; each model has one at least."""

GIVE_UP = 3
"""Failures one after the other after which a model is asked nothing more: the fourth would fail too."""

TRIES = 4
"""Requests for one reply where the service asks to slow down."""

WAIT, LONGEST_WAIT = 10.0, 90.0
"""Seconds before the next of them where the service does not say how long, and at most."""

UNWATCHED = 600.0
"""Seconds without a watcher after which it stops by itself; a visitor may read another page meanwhile."""

BEAT = 5.0
"""Seconds between two looks at whether anybody still watches."""

State = Literal["running", "stopping", "over"]


@dataclass
class Voice:
    """A model that a plan asks: with which settings, from where, and in which queue."""

    setup: Setup
    source: Source
    turn: Turn | None = None

    def ask(self, conversation: Conversation) -> Reply:
        """Start the reply to the last question; a parameter that is refused is not sent again."""
        return ask(self.setup, conversation, self.source, turn=self.turn, remember=self.leave_out)

    def leave_out(self, param: str) -> None:
        """Do not send a parameter again."""
        self.setup = without(self.setup, param)


def prove(
    plan: Plan,
    voices: Mapping[str, Voice],
    outcomes: Iterable[Outcome] = (),
    *,
    judge: Voice | None = None,
    hide: Callable[[str], str] = str,
    clock: Callable[[], float] = time.monotonic,
) -> Proving:
    """Begin to ask what `outcomes` do not have yet, and return at once; `voices` has a voice for every model.

    `judge` is asked about the checks that ask a model, which are left out without it; `hide` masks keys in what is
    kept.
    """
    proving = Proving(plan, voices, fitting(plan, outcomes), judge, hide, clock)
    proving.begin()
    return proving


def at_once(plan: Plan, voice: Voice) -> int:
    """How many questions a model is asked at the same time; what would only wait in the queue is not asked yet."""
    each = max(1, AT_ONCE // max(1, len(plan.models)))
    return min(each, (voice.turn.pace.at_once if voice.turn else None) or each)


class Proving:
    """A plan being carried out; everything public may be used from any thread."""

    def __init__(
        self,
        plan: Plan,
        voices: Mapping[str, Voice],
        outcomes: tuple[Outcome, ...],
        judge: Voice | None,
        hide: Callable[[str], str],
        clock: Callable[[], float],
    ) -> None:
        self.plan = plan
        self._voices, self._judge, self._hide, self._clock = voices, judge, hide, clock
        self._outcomes = {one.cell: one for one in outcomes}
        self._order = {cell: number for number, cell in enumerate(plan.cells())}
        self._cells = {model: deque[Cell]() for model in plan.models}
        self._in_a_row = dict.fromkeys(plan.models, 0)
        self._replies: set[Reply] = set()
        self._threads = 0
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._watched = clock()

    def begin(self) -> None:
        """Start the threads that ask."""
        for cell in remaining(self.plan, self._outcomes.values()):
            self._cells[cell.model].append(cell)
        workers = [
            model
            for model, cells in self._cells.items()
            for _ in range(min(at_once(self.plan, self._voices[model]), len(cells)))
        ]
        self._threads = len(workers)
        if not workers:
            self._forget_keys()
        for model in workers:
            threading.Thread(target=self._work, args=(model,), daemon=True, name="proving").start()

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What is known so far, in the plan's order."""
        with self._news:
            known = list(self._outcomes.values())
        return tuple(sorted(known, key=lambda one: self._order[one.cell]))

    @property
    def state(self) -> State:
        """Whether it goes on, is about to end, or is over."""
        if not self._threads:
            return "over"
        return "stopping" if self._stop.is_set() else "running"

    @property
    def left(self) -> int:
        """How many cells have no reply yet."""
        return len(remaining(self.plan, self.outcomes))

    def stop(self) -> None:
        """End it now: what was answered stays, and the connections of what is being written are closed."""
        self._stop.set()
        with self._news:
            replies = list(self._replies)
        for reply in replies:
            reply.stop()

    def seen(self) -> None:
        """Tell that somebody still wants to know."""
        self._watched = self._clock()

    def linger(self, seconds: float) -> None:
        """Wait `seconds`, or until it is over; whoever waits also watches."""
        self.seen()
        with self._news:
            self._news.wait_for(lambda: not self._threads, seconds)

    def _work(self, model: str) -> None:
        try:
            while not self._stop.is_set() and (cell := self._next(model)):
                if outcome := self._try(cell):
                    self._take(outcome)
        finally:
            with self._news:
                self._threads -= 1
                if not self._threads:
                    self._forget_keys()
                self._news.notify_all()

    def _forget_keys(self) -> None:
        """Let go of what knows keys: what was found may be looked at long after the visit that had them."""
        self._voices, self._judge, self._hide = {}, None, str

    def _next(self, model: str) -> Cell | None:
        with self._news:
            cells = self._cells[model]
            return cells.popleft() if cells and self._in_a_row[model] < GIVE_UP else None

    def _take(self, outcome: Outcome) -> None:
        with self._news:
            self._outcomes[outcome.cell] = outcome
            model = outcome.cell.model
            self._in_a_row[model] = self._in_a_row[model] + 1 if outcome.info.failure else 0

    def _try(self, cell: Cell) -> Outcome | None:
        """What comes of a cell; None when it was stopped before its reply was whole."""
        try:
            return self._ask(cell)
        except Exception as error:
            # The boundary: the type alone, since the words of an error may hold a key.
            log.error("proving with %s failed: %s", cell.model, type(error).__name__)
            setup = self._voices[cell.model].setup
            fault = failures.failure("internal", detail=type(error).__name__)
            return Outcome(cell, "", ReplyInfo(setup.provider.id, setup.model.id, "failed", 0, failure=fault))

    def _ask(self, cell: Cell) -> Outcome | None:
        voice = self._voices[cell.model]
        said = Conversation.opening(self.plan.persona.greeting.strip())
        infos: list[ReplyInfo] = []
        text = ""
        for question in turns(cell.question):
            said = said.say(question)
            message = self._answer(voice, said)
            if message is None or message.info is None:
                return None
            said, text = said.answered(message), self._hide(message.content)
            infos.append(message.info)
            if message.info.failure:
                break
        judges: list[ReplyInfo] = []
        outcome = judged(self.plan, cell, text, summed(infos), self._judging(judges))
        if any(info.ended == "stopped" for info in judges):
            return None
        return self._without_keys(replace(outcome, judges=tuple(judges)))

    def _judging(self, judges: list[ReplyInfo]) -> Judge | None:
        """What asks the judge about a reply, and notes in `judges` what that took."""
        if (voice := self._judge) is None:
            return None

        def judge(check: Check, question: str, reply: str) -> Verdict:
            told = rubric.judge(
                check,
                question,
                reply,
                voice.setup,
                voice.source,
                turn=voice.turn,
                remember=voice.leave_out,
                stopped=self._stop.is_set,
            )
            judges.append(told.info)
            return told.verdict

        return judge

    def _answer(self, voice: Voice, said: Conversation) -> Message | None:
        for more in reversed(range(TRIES)):
            reply = self._written(voice.ask(said))
            info = reply.info
            if info is None or info.ended == "stopped":
                return None
            fault = info.failure
            if fault is None or fault.code != "rate_limited" or not more:
                return reply.message()
            seconds = fault.seconds or WAIT
            if seconds > LONGEST_WAIT:
                return reply.message()
            if self._stop.wait(seconds):
                return None
        raise AssertionError("the last try returns")

    def _written(self, reply: Reply) -> Reply:
        """Wait until a reply has ended; one that nobody wants any more is stopped."""
        with self._news:
            self._replies.add(reply)
        while not reply.done:
            if self._stop.is_set():
                reply.stop()
            elif self._clock() - self._watched > UNWATCHED:
                self.stop()
            reply.seen()
            reply.linger(BEAT)
        with self._news:
            self._replies.discard(reply)
        return reply

    def _without_keys(self, outcome: Outcome) -> Outcome:
        verdicts = (
            replace(one, slots={name: self._hidden(value) for name, value in one.slots.items()})
            for one in outcome.verdicts
        )
        return replace(outcome, verdicts=tuple(verdicts))

    def _hidden(self, value: object) -> object:
        return self._hide(value) if isinstance(value, str) else value
