"""What a persona's checks come to over many replies: questions, models and runs, and how sure one may be of it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from playground.checks import Check, Verdict, run
from playground.messages import ReplyInfo, Usage
from playground.personas import Persona

TURNS = ">>"
"""Stands between the turns of a question that is a whole dialogue; its last reply is the one that counts."""

Z = 1.959964
"""Standard deviations around the middle of a normal distribution that hold 95% of it."""

Judge = Callable[[Check, str, str], Verdict]
"""Judges a reply by a check that asks a model: (check, question, reply) -> verdict."""


class Cell(NamedTuple):
    """One question to one model; `run` counts from 1."""

    model: str
    question: str
    run: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Which questions go to which models ("provider/model"), and how often; what must hold stands in the persona."""

    persona: Persona
    questions: tuple[str, ...]
    models: tuple[str, ...]
    runs: int = 5

    def cells(self) -> Iterator[Cell]:
        """Every question to be asked, run by run, so that a plan that is stopped has asked all models alike."""
        for number in range(1, self.runs + 1):
            for question in self.questions:
                for model in self.models:
                    yield Cell(model, question, number)

    @property
    def calls(self) -> int:
        """How many replies it takes."""
        return sum(len(turns(question)) for question in self.questions) * len(self.models) * self.runs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a cell: the reply, how it went (of all its turns together), and a verdict for every check.

    There are no verdicts where there is nothing to judge. `judges` tells of what models that judged it took.
    """

    cell: Cell
    reply: str
    info: ReplyInfo
    verdicts: tuple[Verdict, ...] = ()
    judges: tuple[ReplyInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Rate:
    """How many replies of those that were judged did as they must."""

    passed: int = 0
    total: int = 0

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing was judged."""
        return self.passed / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share would lie, in 95 cases of 100, if there were endless replies."""
        return wilson(self.passed, self.total)


def turns(question: str) -> tuple[str, ...]:
    """What is said to the persona, one after the other."""
    said = tuple(part.strip() for part in question.split(TURNS) if part.strip())
    return said or (question.strip(),)


def asked(lines: str) -> tuple[str, ...]:
    """The questions in a text, one a line; empty lines, and those that begin with #, are none."""
    found = (line.strip() for line in lines.splitlines())
    return tuple(dict.fromkeys(line for line in found if line and not line.startswith("#")))


def wilson(passed: int, total: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a share (E. B. Wilson 1927, J. Am. Stat. Assoc. 22, 209-212); (0, 1) of nothing."""
    if not total:
        return 0.0, 1.0
    share, room = passed / total, z * z / total
    middle = (share + room / 2) / (1 + room)
    half = z * math.sqrt(share * (1 - share) / total + room / (4 * total)) / (1 + room)
    return max(0.0, middle - half), min(1.0, middle + half)


def judged(plan: Plan, cell: Cell, reply: str, info: ReplyInfo, judge: Judge | None = None) -> Outcome:
    """Hold a reply against every check of the persona; one that asks a model is run by `judge`, or not at all."""
    if not info.whole or not reply:
        return Outcome(cell, reply, info)
    question = turns(cell.question)[-1]
    verdicts = (
        judge(check, question, reply) if judge and check.asks_model else run(check, reply)
        for check in plan.persona.checks
    )
    return Outcome(cell, reply, info, tuple(verdicts))


def remaining(plan: Plan, outcomes: Iterable[Outcome]) -> list[Cell]:
    """What is still to be asked; what failed, if only the judging of it, is asked again."""
    done = {
        one.cell
        for one in outcomes
        if one.info.failure is None and all(verdict.found != "not-judged" for verdict in one.verdicts)
    }
    return [cell for cell in plan.cells() if cell not in done]


def fitting(plan: Plan, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes that belong to a plan, each cell once."""
    cells = set(plan.cells())
    return tuple({one.cell: one for one in outcomes if one.cell in cells}.values())


def rate(outcomes: Iterable[Outcome], number: int, model: str) -> Rate:
    """How a model did by the check at place `number`."""
    told = [one.verdicts[number].passed for one in outcomes if one.cell.model == model and one.verdicts]
    return Rate(sum(passed is True for passed in told), sum(passed is not None for passed in told))


def enough(plan: Plan, found: Rate, threshold: float) -> bool:
    """Whether a model's rate would reach the threshold even if every reply that is missing had failed."""
    return found.passed / (len(plan.questions) * plan.runs) >= threshold


def failing(outcomes: Iterable[Outcome], number: int) -> list[Outcome]:
    """The replies that did not do what the check at place `number` asks for."""
    return [one for one in outcomes if one.verdicts and one.verdicts[number].passed is False]


def failed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The questions that got no reply."""
    return [one for one in outcomes if one.info.failure]


def summed(infos: Sequence[ReplyInfo]) -> ReplyInfo:
    """Several replies of one dialogue as one: its seconds and tokens together, its end that of the last."""
    last = infos[-1]
    if len(infos) == 1:
        return last
    usages = [info.usage for info in infos]
    costs = [usage.reported_cost for usage in usages]
    usage = Usage(
        _sum([one.prompt_tokens for one in usages]),
        _sum([one.completion_tokens for one in usages]),
        _sum([one.reasoning_tokens for one in usages]),
        any(one.estimated for one in usages),
        None if None in costs else sum(cost for cost in costs if cost is not None),
    )
    return ReplyInfo(
        provider=last.provider,
        model=last.model,
        ended=last.ended,
        seconds=sum(info.seconds for info in infos),
        usage=usage,
        failure=last.failure,
        unused=last.unused,
    )


def digest(persona: Persona) -> str:
    """A short name for all that shapes a persona's replies and judges them: another text, another name."""
    shaping = ("system_prompt", "greeting", "examples", "reminder", "temperature", "top_p", "max_tokens")
    text = json.dumps(persona.model_dump(mode="json", include={*shaping, "checks"}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
