"""Tokens into money, and what an answer's headers tell of the quota that is left.

Prices change and providers count in their own ways, so every figure says what it rests on; all but the provider's own
is an estimate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Literal

from playground.messages import MOST, Conversation, ReplyInfo, Usage
from playground.providers import Model, Provider, ProvidersFile

Basis = Literal["reported", "listed", "catalogue", "free", "unknown"]

MILLION = 1_000_000

# What providers tell of a reply's cost in its token counts -> US dollars of one unit.
# docs.x.ai/developers/cost-tracking: a dollar is 10^10 ticks.
_REPORTED = {"cost_in_usd_ticks": Decimal("1e-10"), "cost": Decimal(1)}

_LEFT = re.compile(r"(?:rate|token)limit.*remaining")
_RESET = re.compile(r"(?:rate|token)limit.*reset")
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[dhms]))+")
_UNIT = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reply cost in US dollars, None when nobody knows, and what the figure rests on.

    "reported" is the provider's own figure, "listed" a price in providers.yaml, "catalogue" one of genai-prices, "free"
    a price of nothing. `estimated` says that the tokens were not counted by the provider, or not all of them.
    """

    amount: Decimal | None
    basis: Basis
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Total:
    """What several replies cost in US dollars; `unknown` of the `replies` have no price and are not in it.

    `estimated` says that some of it is not the provider's own figure.
    """

    amount: Decimal = Decimal(0)
    replies: int = 0
    unknown: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left before the provider refuses, None where it does not tell.

    `reset_seconds` is the time until what is used up is there again, or all of it where nothing is.
    """

    requests_left: int | None = None
    tokens_left: int | None = None
    reset_seconds: float | None = None

    @property
    def told(self) -> bool:
        """Whether the provider told anything."""
        return (self.requests_left, self.tokens_left, self.reset_seconds) != (None, None, None)


def scarcest(info: ReplyInfo) -> tuple[Literal["requests", "tokens"], int] | None:
    """What of the quota is used up first by replies like this one, and how much of it is left; None if nobody told."""
    requests, tokens = info.requests_left, info.tokens_left
    size = (info.usage.prompt_tokens or 0) + (info.usage.completion_tokens or 0)
    if tokens is not None and (requests is None or tokens < requests * size):
        return "tokens", tokens
    return None if requests is None else ("requests", requests)


def cost(usage: Usage, provider: Provider, model: Model, reported: Decimal | float | None = None) -> Cost:
    """What a reply cost: the provider's own figure, else the listed price, else the catalogue's.

    `reported` is in US dollars; without it the one that `usage` carries counts.
    """
    if reported is None:
        reported = getattr(usage, "reported_cost", None)
    if reported is not None:
        return Cost(Decimal(str(reported)), "reported")
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    estimated = usage.estimated or prompt is None or completion is None
    price = model.price or provider.price
    if provider.kind != "cloud" or (price and not any(price)):
        return Cost(Decimal(0), "free")
    if prompt is None and completion is None:
        return Cost(None, "unknown")
    if price:
        per_prompt, per_completion = (Decimal(str(number)) for number in price)
        amount = ((prompt or 0) * per_prompt + (completion or 0) * per_completion) / MILLION
        return Cost(amount, "listed", estimated)
    found = _catalogue(provider.price_id or provider.id, model.id, prompt or 0, completion or 0)
    return Cost(None, "unknown") if found is None else Cost(found, "catalogue", estimated)


def reply_cost(info: ReplyInfo, providers: ProvidersFile) -> Cost:
    """What one reply of a conversation cost, by what providers.yaml says now."""
    provider = providers.all.get(info.provider)
    if provider is None:
        return cost(info.usage, Provider(label=info.provider, id=info.provider), Model(id=info.model))
    model = provider.model(info.model)
    if model.price is None and (price := providers.quirks(provider, model.id).price):
        model = model.model_copy(update={"price": price})
    return cost(info.usage, provider, model)


def spent(conversation: Conversation, providers: ProvidersFile) -> Total:
    """What the replies of a conversation cost, as far as it is known."""
    infos = (m.info for m in conversation.messages if m.info is not None and was_billed(m.info))
    return total(reply_cost(info, providers) for info in infos)


def total(costs: Iterable[Cost]) -> Total:
    """The sum of what is known."""
    rows = list(costs)
    known = [c for c in rows if c.amount is not None]
    return Total(
        sum((c.amount for c in known if c.amount is not None), Decimal(0)),
        len(rows),
        len(rows) - len(known),
        any(c.estimated or c.basis in ("listed", "catalogue") for c in known),
    )


def counted(counts: Mapping[str, Any]) -> Usage:
    """The tokens of a reply, from the counts of its answer."""
    details = counts.get("completion_tokens_details")
    thinking = (
        details.get("reasoning_tokens") if isinstance(details, dict) else counts.get("reasoning_tokens")
    )
    asked, written, total = (
        _count(counts.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    )
    if asked is not None and written is not None and total is not None:
        # Some leave the thinking out of completion_tokens, and bill it all the same.
        written = max(written, total - asked)
    return Usage(asked, written, _count(thinking), reported_cost=reported_cost(counts))


def reported_cost(counts: Mapping[str, Any]) -> float | None:
    """The provider's own figure in US dollars, from the token counts of its answer."""
    for name, unit in _REPORTED.items():
        if (own := _amount(counts.get(name))) is not None:
            return float(Decimal(str(own)) * unit) + _passed_on(counts)
    return None


def quota(headers: Mapping[str, str], now: float = 0) -> Quota:
    """What an answer's headers tell of the quota, in any of the spellings that providers use.

    `now` is the Unix time, for a reset that is told as a date.
    """
    left: dict[str, int] = {}
    resets: dict[str, float] = {}
    for name, value in headers.items():
        name = name.lower()
        kind = "tokens" if "token" in name or "bysize" in name else "requests"
        if _LEFT.search(name) and (number := re.match(r"\s*(\d{1,13})\b", value)):
            if (told := _count(int(number.group(1)))) is not None:
                left[kind] = min(told, left.get(kind, told))
        elif _RESET.search(name) and (seconds := _seconds(value, now)) is not None:
            resets[kind] = max(resets.get(kind, 0.0), seconds)
    used_up = [resets[kind] for kind, number in left.items() if number == 0 and kind in resets]
    after = _retry_after(headers, now)
    reset = after if after is not None else max(used_up or resets.values(), default=None)
    return Quota(left.get("requests"), left.get("tokens"), reset)


def was_billed(info: ReplyInfo) -> bool:
    """Whether a reply can have cost anything: one that failed or was stopped before a single token did not."""
    counts = (
        info.usage.prompt_tokens,
        info.usage.completion_tokens,
        getattr(info.usage, "reported_cost", None),
    )
    return counts != (0, 0, None) and (info.ended != "failed" or counts != (None, None, None))


@lru_cache(maxsize=1024)
def _catalogue(provider_id: str, model_id: str, prompt: int, completion: int) -> Decimal | None:
    """The price by the data that genai-prices brings along, where that package is installed; no network."""
    try:
        # Half a second of loading, for the few models that have no price of ours.
        from genai_prices import Usage as Counts
        from genai_prices import calc_price

        counts = Counts(input_tokens=prompt, output_tokens=completion)
        return Decimal(calc_price(counts, model_ref=model_id, provider_id=provider_id).total_price)
    except (ImportError, LookupError, ValueError):
        return None


def _count(value: Any) -> int | None:
    """A number of things, where it is one: True is none, and with 400 digits nothing can be reckoned."""
    return value if type(value) is int and 0 <= value <= MOST else None


def _amount(value: Any) -> float | int | None:
    if type(value) not in (int, float):
        return None
    # Compared, and not asked whether it is finite: that turns it into a float, which not every int fits into.
    return value if 0 <= value <= MOST else None


def _passed_on(counts: Mapping[str, Any]) -> float:
    """What the provider behind a router bills on the visitor's own key there, which the router's cost leaves out."""
    details = counts.get("cost_details")
    if counts.get("is_byok") is True and isinstance(details, Mapping):
        return _amount(details.get("upstream_inference_cost")) or 0.0
    return 0.0


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    told: dict[str, str] = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", "ms"), ("retry-after", "")):
        if name in told and (seconds := _seconds(told[name].strip() + unit, now)) is not None:
            return seconds
    return None


def _seconds(text: str, now: float) -> float | None:
    """A time to wait: "6m0s", "12.5", a Unix time in seconds or milliseconds, or a date."""
    text = text.strip()
    if _SPAN.fullmatch(text):
        span = sum(float(number) * _UNIT[unit] for number, unit in _parts(text))
        return span if span <= MOST else None
    if re.fullmatch(r"\d{1,15}(?:\.\d+)?", text):
        number = float(text)
        if number > 1e11:
            number /= 1000
        return max(number - now, 0.0) if number > 1e8 else number
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return max(read(text).timestamp() - now, 0.0)
        except (ValueError, TypeError, OverflowError, OSError):
            continue
    return None


def _parts(span: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(r"(\d+(?:\.\d+)?)(ms|[dhms])", span):
        yield found.group(1), found.group(2)
