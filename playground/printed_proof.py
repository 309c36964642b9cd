"""What was proved, as lines for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from playground.checks import expectation, finding
from playground.events import clean
from playground.forecast import Forecast
from playground.i18n import Translator
from playground.proof import Outcome, Plan, failed, failing, rate
from playground.proof_file import percents
from playground.providers import ProvidersFile
from playground.usage import Total, reply_cost, total

MAX_LABEL, MAX_QUOTE, MAX_FAILING = 60, 400, 3
"""Columns of a check's words, characters of a reply, and failing replies of a check that are printed."""


def beginning(plan: Plan, told: Forecast, t: Translator) -> str:
    """What is about to happen, and about what it takes."""
    return f"{_plain(plan.persona.name, MAX_QUOTE)}: {estimate(plan, told, t)}"


def estimate(plan: Plan, told: Forecast, t: Translator) -> str:
    """Word what is left of a plan: replies, time, money."""
    return t("prove.estimate", calls=told.calls, time=duration(told.seconds, t), cost=price(told.cost, t))


def duration(seconds: float, t: Translator) -> str:
    """Word a time, in seconds or in minutes."""
    if seconds < 100:
        return t("prove.seconds", count=max(1, round(seconds)))
    return t("prove.minutes", count=round(seconds / 60))


def price(cost: Total, t: Translator) -> str:
    """Word what replies cost in US dollars, as far as it is known; "" of nothing."""
    if cost.unknown == cost.replies and cost.replies:
        return t("money.unknown")
    if not cost.amount:
        words = t("money.free")
    else:
        amount = "<US$0.0001" if cost.amount < 0.0001 else f"US${cost.amount:.4f}"
        words = t("money.about", amount=amount) if cost.estimated else amount
    return f"{words}; {t('money.total_missing', count=cost.unknown)}" if cost.unknown else words


def paid(outcomes: Sequence[Outcome], providers: ProvidersFile) -> Total:
    """What the replies and their judges cost."""
    infos = [info for one in outcomes for info in (one.info, *one.judges) if not info.failure]
    return total(reply_cost(info, providers) for info in infos)


def lines(
    plan: Plan, outcomes: Sequence[Outcome], threshold: float, providers: ProvidersFile, t: Translator
) -> Iterator[str]:
    """The matrix of rates, the replies that failed, the questions that got none, and what it cost."""
    labels = [_plain(expectation(check, t), MAX_LABEL) for check in plan.persona.checks]
    left = max(map(_width, labels))
    for model in plan.models:
        yield ""
        yield _plain(model, MAX_QUOTE)
        for number, label in enumerate(labels):
            found = rate(outcomes, number, model)
            mark = "–" if found.share is None else "✓" if found.share >= threshold else "✗"
            yield f"  {mark} {label}{' ' * (left - _width(label))}  {percents(found, t)}"
    for number, label in enumerate(labels):
        if wrong := failing(outcomes, number):
            yield ""
            yield f"✗ {label} ({len(wrong)})"
            for one in wrong[:MAX_FAILING]:
                yield f"    [{one.cell.model}] {_plain(one.cell.question, MAX_QUOTE)}"
                yield f"      {_plain(one.reply, MAX_QUOTE)}"
                yield f"      → {_plain(finding(one.verdicts[number], t), MAX_QUOTE)}"
    yield from _failed(outcomes, providers, t)
    if not any(check.asks_model for check in plan.persona.checks):
        return
    if not any(one.judges for one in outcomes):
        yield ""
        yield t("prove.needs_judge")


def _failed(outcomes: Sequence[Outcome], providers: ProvidersFile, t: Translator) -> Iterator[str]:
    without = failed(outcomes)
    seen: dict[tuple[str, str], list[Outcome]] = {}
    for one in without:
        if fault := one.info.failure:
            seen.setdefault((one.cell.model, fault.code), []).append(one)
    for (model, code), some in seen.items():
        provider = providers.all.get(some[0].info.provider)
        label = provider.label if provider else some[0].info.provider
        what = t(f"failure.{code}.what", provider=label, model=some[0].info.model)
        detail = some[0].info.failure.detail if some[0].info.failure else ""
        yield ""
        yield f"! {t('prove.failed_calls', count=len(some), model=model)} {what} {_plain(detail, MAX_QUOTE)}".rstrip()
    spent = [one for one in outcomes if not one.info.failure]
    if spent:
        seconds = sum(one.info.seconds for one in spent) / len(spent)
        yield ""
        yield t(
            "prove.took", count=len(spent), seconds=f"{seconds:.1f}", cost=price(paid(outcomes, providers), t)
        )


def _plain(text: str, most: int) -> str:
    """A stranger's text on one line, without what would move a terminal's cursor."""
    text = " ".join(clean(text).split())
    return text if len(text) <= most else f"{text[:most]}…"


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
