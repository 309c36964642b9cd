"""Tokens into money, and headers into what is left: every basis, every spelling."""

from __future__ import annotations

import sys
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from playground import usage
from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from playground.providers import Model, Provider, ProvidersFile
from playground.usage import Cost, Quota, Total, cost, counted, quota, reported_cost, spent, total
from tests.tables import table

CLOUD = Provider(id="cloud", label="Cloud")
PRICED = Model(id="m", price=(0.15, 0.6))
COUNTED = Usage(1_000_000, 500_000)


@pytest.fixture(autouse=True)
def fresh_catalogue() -> None:
    usage._catalogue.cache_clear()


@pytest.mark.parametrize(
    ("counts", "provider", "model", "reported", "expected"),
    [
        (COUNTED, CLOUD, PRICED, None, Cost(Decimal("0.45"), "listed")),
        (COUNTED, CLOUD, PRICED, 0.0012, Cost(Decimal("0.0012"), "reported")),
        (COUNTED, CLOUD, PRICED, Decimal("0"), Cost(Decimal(0), "reported")),
        (Usage(), CLOUD, PRICED, 0.5, Cost(Decimal("0.5"), "reported")),
        (COUNTED, CLOUD, Model(id="m", price=(0, 0)), None, Cost(Decimal(0), "free")),
        (Usage(), CLOUD, Model(id="m", price=(0, 0)), None, Cost(Decimal(0), "free")),
        (COUNTED, Provider(label="L", kind="local"), Model(id="m"), None, Cost(Decimal(0), "free")),
        (COUNTED, Provider(label="E", kind="embedded"), PRICED, None, Cost(Decimal(0), "free")),
        (COUNTED, Provider(label="P", price=(1, 1)), Model(id="m"), None, Cost(Decimal("1.5"), "listed")),
        (Usage(1000, 1000, estimated=True), CLOUD, PRICED, None, Cost(Decimal("0.00075"), "listed", True)),
        (Usage(1000, None), CLOUD, PRICED, None, Cost(Decimal("0.00015"), "listed", True)),
        (Usage(None, 1000), CLOUD, PRICED, None, Cost(Decimal("0.0006"), "listed", True)),
        (Usage(), CLOUD, PRICED, None, Cost(None, "unknown")),
        (COUNTED, CLOUD, Model(id="m"), None, Cost(None, "unknown")),
    ],
)
def test_cost(
    counts: Usage, provider: Provider, model: Model, reported: float | None, expected: Cost
) -> None:
    assert cost(counts, provider, model, reported) == expected


def test_a_cost_that_usage_carries() -> None:
    carried = cast(
        Usage, SimpleNamespace(reported_cost=0.25, prompt_tokens=1, completion_tokens=1, estimated=False)
    )
    assert cost(carried, CLOUD, PRICED) == Cost(Decimal("0.25"), "reported")


def test_sums_are_exact() -> None:
    """A tenth of a cent thirty times is three cents, and not 0.030000000000000002."""
    assert total(Cost(Decimal("0.001"), "reported") for _ in range(30)).amount == Decimal("0.030")


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([], Total()),
        ([Cost(Decimal(1), "reported"), Cost(Decimal(0), "free")], Total(Decimal(1), 2)),
        ([Cost(Decimal(1), "reported"), Cost(Decimal(2), "listed")], Total(Decimal(3), 2, estimated=True)),
        ([Cost(Decimal(1), "catalogue")], Total(Decimal(1), 1, estimated=True)),
        ([Cost(Decimal(1), "reported"), Cost(None, "unknown")], Total(Decimal(1), 2, unknown=1)),
    ],
)
def test_total(costs: list[Cost], expected: Total) -> None:
    assert total(costs) == expected


PROVIDERS = ProvidersFile.model_validate(
    {
        "providers": {
            "cloud": {"label": "Cloud", "models": {"list": [{"id": "m", "price": [1, 2]}]}},
            "own": {"label": "Own", "kind": "embedded"},
        },
        "model_rules": [{"match": ":free$", "price": [0, 0]}],
    }
)


def answered(provider: str, model: str, counts: Usage, ended: str = "stop") -> Message:
    failure = Failure("timeout") if ended == "failed" else None
    return Message(
        "assistant", "…", info=ReplyInfo(provider, model, ended, 1.0, usage=counts, failure=failure)
    )


def test_spent() -> None:
    talk = Conversation(
        (
            Message("assistant", "a greeting costs nothing"),
            Message("user", "hi"),
            answered("cloud", "m", Usage(1_000_000, 1_000_000)),
            answered("cloud", "x:free", Usage(10, 10)),
            answered("own", "small", Usage(10, 10)),
            answered("cloud", "m", Usage(), ended="failed"),
            answered("cloud", "m", Usage(500_000, 0), ended="failed"),
            answered("cloud", "never heard of", Usage(10, 10)),
            answered("gone", "m", Usage(10, 10)),
        )
    )
    assert spent(talk, PROVIDERS) == Total(Decimal("3.5"), replies=6, unknown=2, estimated=True)


@pytest.mark.parametrize(
    ("counts", "dollars"),
    [
        ({"cost": 0.0002709}, 0.0002709),
        ({"cost": 0}, 0.0),
        ({"cost_in_usd_ticks": 37_756_000}, 0.0037756),
        ({"cost_in_usd_ticks": 2_709_000, "cost": 9.0}, 0.0002709),
        ({"cost": 0.01, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, 0.21),
        ({"cost": 0.01, "is_byok": False, "cost_details": {"upstream_inference_cost": 0.2}}, 0.01),
        ({"cost": 0.01, "is_byok": True, "cost_details": None}, 0.01),
        ({"cost": {"total_cost": 1}}, None),
        ({"cost": float("inf")}, None),
        ({"cost": float("nan")}, None),
        ({"cost": -1}, None),
        ({"cost": 10**400}, None),
        ({"cost": 1e300}, None),
        (
            {"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 10**400}},
            0.5,
        ),
        ({"cost": True}, None),
        ({"cost": "0.1"}, None),
        ({}, None),
    ],
)
def test_reported_cost(counts: dict[str, Any], dollars: float | None) -> None:
    assert reported_cost(counts) == pytest.approx(dollars)


@table(
    "told, kept",
    [(0, 0), (7, 7), (10**12, 10**12)]
    + [(told, None) for told in (10**12 + 1, 10**400, -1, True, 2.0, 1e300, float("nan"), "7", None, [7])],
)
def test_counted(told: object, kept: int | None) -> None:
    """What is no count is taken for nothing told: pages reckon with it."""
    found = counted({"prompt_tokens": told, "completion_tokens": told, "total_tokens": told})
    assert (found.prompt_tokens, found.completion_tokens) == (kept, kept)
    assert counted({"completion_tokens_details": {"reasoning_tokens": told}}).reasoning_tokens == kept
    assert type(found.prompt_tokens) is type(kept)


# --- the catalogue of prices ------------------------------------------------------------------------------------------


def test_the_catalogue_knows_what_we_do_not() -> None:
    pytest.importorskip("genai_prices")
    found = cost(
        Usage(1000, 1000),
        Provider(id="mine", label="Mine", price_id="google"),
        Model(id="gemini-2.0-flash"),
    )
    assert found.basis == "catalogue"
    assert found.amount is not None
    assert 0 < found.amount < 1
    assert cost(
        Usage(1000, 1000, estimated=True), Provider(id="openai", label="O"), Model(id="gpt-4o")
    ).estimated


@pytest.mark.parametrize(
    ("provider", "model"), [("no-such-provider", "gpt-4o"), ("openai", "no-such-model"), ("openai", "")]
)
def test_what_the_catalogue_does_not_know(provider: str, model: str) -> None:
    pytest.importorskip("genai_prices")
    assert cost(Usage(1000, 1000), Provider(id=provider, label="P"), Model(id=model)) == Cost(None, "unknown")


def test_without_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert cost(Usage(1000, 1000), Provider(id="openai", label="O"), Model(id="gpt-4o")) == Cost(
        None, "unknown"
    )


# --- what is left -----------------------------------------------------------------------------------------------------

NOW = 1_795_000_000.0

HEADERS: dict[str, tuple[dict[str, str], Quota]] = {
    "nothing": ({"content-type": "text/event-stream", "date": "Sun, 22 Nov 2026 09:00:00 GMT"}, Quota()),
    "openai": (
        {
            "x-ratelimit-limit-requests": "5000",
            "x-ratelimit-limit-tokens": "160000",
            "x-ratelimit-remaining-requests": "4999",
            "x-ratelimit-remaining-tokens": "159976",
            "x-ratelimit-reset-requests": "12ms",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        Quota(4999, 159976, 360),
    ),
    "openai_by_use": (
        {"x-ratelimit-remaining-tokens": "900", "x-ratelimit-remaining-tokens_usage_based": "800"},
        Quota(None, 800),
    ),
    "groq": (
        {
            "X-RateLimit-Remaining-Requests": "999",
            "X-RateLimit-Remaining-Tokens": "7000",
            "X-RateLimit-Reset-Requests": "1m26.4s",
            "X-RateLimit-Reset-Tokens": "7.66s",
        },
        Quota(999, 7000, 86.4),
    ),
    "groq_used_up": (
        {
            "x-ratelimit-remaining-requests": "999",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-requests": "1m26.4s",
            "x-ratelimit-reset-tokens": "7.66s",
        },
        Quota(999, 0, 7.66),
    ),
    "retry_after_is_the_last_word": (
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s", "retry-after": "20"},
        Quota(0, None, 20),
    ),
    "cerebras": (
        {
            "x-ratelimit-limit-requests-day": "14400",
            "x-ratelimit-remaining-requests-day": "14399",
            "x-ratelimit-remaining-tokens-minute": "59000",
            "x-ratelimit-reset-requests-day": "33011.382867",
            "x-ratelimit-reset-tokens-minute": "11.38",
        },
        Quota(14399, 59000, 33011.382867),
    ),
    "mistral": ({"x-ratelimit-remaining": "3", "retry-after": "1"}, Quota(3, None, 1)),
    "mistral_by_size": (
        {"ratelimitbysize-remaining": "499000", "ratelimitbysize-reset": "12", "ratelimit-remaining": "5"},
        Quota(5, 499000, 12),
    ),
    "together": (
        {"x-ratelimit-remaining": "9", "x-ratelimit-reset": "1", "x-tokenlimit-remaining": "2999"},
        Quota(9, 2999, 1),
    ),
    "fireworks": (
        {
            "x-ratelimit-remaining-requests": "599",
            "x-ratelimit-remaining-tokens-prompt": "50000",
            "x-ratelimit-remaining-tokens-generated": "6000",
            "x-ratelimit-over-limit": "no",
        },
        Quota(599, 6000),
    ),
    "openrouter": (
        {"x-ratelimit-remaining": "49", "x-ratelimit-reset": str(int((NOW + 90) * 1000))},
        Quota(49, None, 90),
    ),
    "unix_seconds": ({"x-ratelimit-reset": str(int(NOW) + 30)}, Quota(None, None, 30)),
    "anthropic": (
        {
            "anthropic-ratelimit-requests-limit": "1000",
            "anthropic-ratelimit-requests-remaining": "999",
            "anthropic-ratelimit-requests-reset": "2026-11-18T11:07:20Z",
            "anthropic-ratelimit-input-tokens-remaining": "80000",
            "anthropic-ratelimit-output-tokens-remaining": "16000",
        },
        Quota(999, 16000, 40),
    ),
    "retry_after_ms": ({"retry-after-ms": "1500", "retry-after": "2"}, Quota(None, None, 1.5)),
    "retry_after_date": ({"retry-after": "Wed, 18 Nov 2026 11:07:40 GMT"}, Quota(None, None, 60)),
    "a_date_gone_by": ({"retry-after": "Wed, 18 Nov 2020 11:07:40 GMT"}, Quota(None, None, 0)),
    "with_a_window": ({"ratelimit-remaining": "100, 100;w=60"}, Quota(100)),
    "without_end": ({"x-ratelimit-remaining": "-1"}, Quota()),
    "nonsense": (
        {
            "x-ratelimit-remaining-requests": "many",
            "x-ratelimit-reset-requests": "soon",
            "retry-after": "x",
            "x-ratelimit-remaining-tokens": "9" * 99,
            "x-ratelimit-reset-tokens": "9" * 99,
        },
        Quota(),
    ),
    "more_than_there_can_be": (
        {
            "x-ratelimit-remaining-requests": "9" * 13,
            "x-ratelimit-remaining-tokens": "9" * 15,
            "x-ratelimit-reset-requests": "9" * 400 + "s",
        },
        Quota(),
    ),
    "all_there_can_be": ({"x-ratelimit-remaining": str(10**12)}, Quota(10**12)),
    "other_limits": ({"x-content-limit": "5", "x-remaining": "7", "x-reset": "9"}, Quota()),
}


@pytest.mark.parametrize("name", HEADERS)
def test_quota(name: str) -> None:
    headers, expected = HEADERS[name]
    found = quota(headers, NOW)
    assert (found.requests_left, found.tokens_left) == (expected.requests_left, expected.tokens_left)
    assert found.reset_seconds == pytest.approx(expected.reset_seconds)
    assert found.told == (expected != Quota())
