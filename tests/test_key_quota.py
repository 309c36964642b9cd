"""A key's quota: a spent day is told apart from a minute's limit and from spent credit, and what is left is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from playground.failures import from_payload, from_response
from playground.keys import Endpoint
from playground.messages import Conversation, Failure, ReplyInfo, Usage
from playground.providers import Errors, load_providers
from playground.usage import scarcest
from playground.wire import Setup
from playground.writer import ask
from tests.fake_provider import FakeProvider, Script, api_error
from tests.tables import table
from tests.test_wire_faults import finished

FILE, _ = load_providers()
assert FILE

NOW = 1_795_000_000.0


def errors_of(provider: str) -> Errors:
    assert FILE
    return FILE.quirks(FILE[provider], "m").errors


def violation(*quotas: str, message: str = "You exceeded your current quota.", delay: str = "37s") -> Any:
    """What Google answers: the sentence is the same for a minute and a day, the quota's id is not."""
    failed = {"@type": "type.googleapis.com/google.rpc.QuotaFailure"}
    details = [
        {**failed, "violations": [{"quotaId": quota} for quota in quotas]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    status = {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}
    return [{"error": status}]


def reached(limit: str, again: str) -> Any:
    words = f"Rate limit reached for model `m` in organization `o` on {limit}. Please try again in {again}."
    return api_error(words, type="tokens", code="rate_limit_exceeded")


A_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
A_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
NOT_FREE = "Quota exceeded for metric: generate_content_free_tier_requests, limit: 0, model: gemini-4-argon"
FREE_MODELS = api_error("Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000", code=429)
LIMIT_SOURCE = {"error": {"message": "Slow down", "metadata": {"limit_source": "openrouter_free_tier_daily"}}}
ANSWERS: dict[str, tuple[str, int, Any, str, float | None]] = {
    "a day of Gemini": ("gemini", 429, violation(A_DAY), "quota_spent_today", None),
    "a day and a minute": ("gemini", 429, violation(A_MINUTE, A_DAY), "quota_spent_today", None),
    "a minute of Gemini": ("gemini", 429, violation(A_MINUTE), "rate_limited", 37),
    "a model that is not free": ("gemini", 429, violation(A_DAY, message=NOT_FREE), "no_permission", None),
    "tokens of a day": ("groq", 429, reached("tokens per day (TPD)", "9m38.5s"), "quota_spent_today", 578.5),
    "requests of a day": (
        "groq",
        429,
        reached("requests per day (RPD)", "2h3m0s"),
        "quota_spent_today",
        7380,
    ),
    "tokens of a minute": ("groq", 429, reached("tokens per minute (TPM)", "7.5s"), "rate_limited", 7.5),
    "free models": ("openrouter", 429, FREE_MODELS, "quota_spent_today", None),
    "where the limit comes from": ("openrouter", 429, LIMIT_SOURCE, "quota_spent_today", None),
    "Cerebras": ("cerebras", 429, {"message": "Tokens per day limit exceeded"}, "quota_spent_today", None),
    "another word": ("nvidia", 429, {"detail": "Daily request limit reached"}, "quota_spent_today", None),
    "spent credit": ("openai", 429, api_error("Quota", type="insufficient_quota"), "no_credit", None),
    "a key or its credit": ("mistral", 401, {"detail": "Unauthorized"}, "key_or_credit", None),
    "where nothing else is known": ("groq", 401, {"detail": "Unauthorized"}, "bad_key", None),
}


@table("name", ANSWERS)
def test_what_is_spent(name: str) -> None:
    provider, status, body, code, seconds = ANSWERS[name]
    errors = errors_of(provider)
    told = from_response(status, {}, json.dumps(body).encode(), errors, "", NOW)
    assert (told.code, told.seconds) == (code, seconds)
    assert told.retry is (code == "rate_limited")
    if status == 429:
        inside = body[0] if isinstance(body, list) else body
        assert from_payload(inside, errors, "").code == code, "the same inside a stream"


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


def failed(fake: FakeProvider, provider: str = "openrouter") -> Failure:
    assert FILE
    one = FILE[provider]
    endpoint = Endpoint(fake.base_url, "sk-test-0123456789")
    setup = Setup(one, one.model(one.models.default), FILE.quirks(one, one.models.default))
    info = finished(ask(setup, Conversation().say("hi"), lambda line: endpoint)).info
    assert info
    assert info.failure
    return info.failure


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "7200"}, 7200),
    ],
)
def test_a_spent_day_is_asked_for_once(
    fake: FakeProvider, headers: dict[str, str], seconds: float | None
) -> None:
    fake.script = [Script(status=429, body=FREE_MODELS, headers=headers), Script(["Too late."])]
    told = failed(fake)
    assert (told.code, told.seconds) == ("quota_spent_today", seconds)
    assert len(fake.chats) == 1


@table(
    "requests, tokens, size, wanted",
    [
        (None, None, 100, None),
        (7, None, 100, ("requests", 7)),
        (None, 900, 100, ("tokens", 900)),
        (999, 7000, 100, ("tokens", 7000)),
        (5, 7000, 100, ("requests", 5)),
        (5, 0, 0, ("requests", 5)),
        (0, 7000, 100, ("requests", 0)),
        (10, 0, 100, ("tokens", 0)),
    ],
)
def test_what_runs_out_first(
    requests: int | None, tokens: int | None, size: int, wanted: tuple[str, int] | None
) -> None:
    usage = Usage(size // 2, size - size // 2)
    info = ReplyInfo("p", "m", "stop", 1.0, usage=usage, requests_left=requests, tokens_left=tokens)
    assert scarcest(info) == wanted
