"""What a plan will take, before it starts: replies, seconds and money, as far as anybody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import mean

from playground.messages import Conversation, ReplyInfo, Usage
from playground.proof import Cell, Outcome, Plan, remaining, turns
from playground.providers import ProvidersFile
from playground.proving import Voice, at_once
from playground.usage import Cost, Total, reply_cost, total
from playground.wire import DEFAULT_MAX_TOKENS, Setup, build_body, estimate_tokens

SECONDS = {"cloud": 4.0, "local": 10.0, "embedded": 10.0, "recorded": 1.0}
"""Seconds that a reply takes, by kind of provider, before the first one has been seen."""

TOKENS = 200
"""Tokens of a reply, before the first one has been seen."""

JUDGED_TOKENS = 600
"""Tokens of what a judge reads."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many replies, about how many seconds, and what they will cost; replies of unknown price are counted."""

    calls: int
    seconds: float
    cost: Total


def forecast(
    plan: Plan,
    voices: Mapping[str, Voice],
    providers: ProvidersFile,
    outcomes: Iterable[Outcome] = (),
    judge: Voice | None = None,
) -> Forecast:
    """Estimate what is left of a plan, by what is known of its replies so far."""
    outcomes = list(outcomes)
    cells = remaining(plan, outcomes)
    calls = {model: sum(len(turns(c.question)) for c in cells if c.model == model) for model in plan.models}
    costs = [
        cost
        for model in plan.models
        for cost in _costs(plan, voices[model].setup, cells, model, outcomes, providers)
    ]
    rubrics = sum(check.asks_model for check in plan.persona.checks) * len(cells) if judge else 0
    if judge:
        usage = Usage(JUDGED_TOKENS, TOKENS // 2, estimated=True)
        info = ReplyInfo(judge.setup.provider.id, judge.setup.model.id, "stop", 0, usage=usage)
        costs += [reply_cost(info, providers)] * rubrics
    seconds = _seconds(plan, calls, voices, outcomes)
    slower = 1 + rubrics / max(1, sum(calls.values()))
    return Forecast(sum(calls.values()) + rubrics, seconds * slower, total(costs))


def _costs(
    plan: Plan,
    setup: Setup,
    cells: list[Cell],
    model: str,
    outcomes: list[Outcome],
    providers: ProvidersFile,
) -> Iterable[Cost]:
    written = _typical_tokens(setup, model, outcomes)
    for question in plan.questions:
        times = sum(c.model == model and c.question == question for c in cells)
        said = Conversation.opening(plan.persona.greeting.strip())
        for before, turn in enumerate(turns(question) if times else ()):
            said = said.say(turn)
            read = sum(estimate_tokens(m["content"]) + 4 for m in build_body(setup, said).body["messages"])
            usage = Usage(read + written * before, written, estimated=True)
            info = ReplyInfo(setup.provider.id, setup.model.id, "stop", 0, usage=usage)
            yield from [reply_cost(info, providers)] * times


def _typical_tokens(setup: Setup, model: str, outcomes: list[Outcome]) -> int:
    limit = setup.max_tokens or (setup.persona.max_tokens if setup.persona else None) or DEFAULT_MAX_TOKENS
    seen = [
        tokens / len(turns(one.cell.question))
        for one in outcomes
        if one.cell.model == model and (tokens := one.info.usage.completion_tokens)
    ]
    return round(mean(seen)) if seen else min(limit, TOKENS)


def _seconds(
    plan: Plan, calls: Mapping[str, int], voices: Mapping[str, Voice], outcomes: list[Outcome]
) -> float:
    """The slowest model's time, or the time that the pace of a shared key makes it take."""
    busy: dict[str, float] = {}
    number: dict[str, int] = {}
    longest = 0.0
    for model, count in calls.items():
        voice = voices[model]
        provider = voice.setup.provider
        seen = [
            one.info.seconds / len(turns(one.cell.question))
            for one in outcomes
            if one.cell.model == model and one.verdicts
        ]
        took = count * (mean(seen) if seen else SECONDS[provider.kind])
        longest = max(longest, took / max(1, min(at_once(plan, voice), count)))
        if voice.turn:
            pace = voice.turn.pace
            busy[provider.id] = busy.get(provider.id, 0.0) + took
            number[provider.id] = number.get(provider.id, 0) + count
            if pace.at_once:
                longest = max(longest, busy[provider.id] / pace.at_once)
            if pace.requests_per_minute:
                # The first minute's requests may start at once.
                late = max(0, number[provider.id] - pace.burst)
                longest = max(longest, late * 60 / pace.requests_per_minute)
    return longest
