"""What a refusal points at, and how long it asks to wait: bodies as providers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playground.failures import LONGEST_WAIT, failure, from_response, refused_param, wait_seconds
from playground.providers import Errors, load_providers
from tests.tables import table

FILE, _ = load_providers()
assert FILE
ERRORS = FILE.defaults.errors
OURS: dict[str, Any] = {
    "model": "m",
    "messages": [],
    "stream": True,
    "temperature": 1,
    "top_p": 1,
    "max_tokens": 9,
}
OURS |= {"reasoning_effort": "low", "reasoning": {}, "chat_template_kwargs": {}, "stream_options": {}}


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


@table(
    "body, wanted",
    [
        (error("Unsupported parameter: 'temperature' is not supported.", param="temperature"), "temperature"),
        (error("Unrecognized request argument supplied: reasoning_effort", param=None), "reasoning_effort"),
        ({"object": "error", "message": {"detail": [{"loc": ["body", "stream_options"]}]}}, "stream_options"),
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "top_p"], "msg": "no"}]}, "top_p"),
        ([error('Invalid JSON payload received. Unknown name "top_p": Cannot find field.')], "top_p"),
        (error("Validation: Unsupported parameter(s): `chat_template_kwargs`"), "chat_template_kwargs"),
        ({"detail": "body -> max_tokens\n  Extra inputs are not permitted"}, "max_tokens"),
        ({"message": "1 validation error\nreasoning_effort\n  Input should be 'low'"}, "reasoning_effort"),
        ({"code": "c", "error": "Model m does not support parameter reasoningEffort."}, "reasoning_effort"),
        (error("`temperature` and `top_p` cannot both be specified for this model."), "temperature"),
        (error("Reasoning is mandatory for this endpoint and cannot be disabled."), "reasoning"),
        (error("top_p must be 1 when using greedy sampling."), "top_p"),
        (error("Provider returned error", metadata={"raw": '{"error":{"param":"top_p"}}'}), "top_p"),
        ({"error": "temperature: out of range"}, "temperature"),
        (error("The model `m` does not exist", param="model"), None),
        (error("messages must alternate", param="messages"), None),
        (error("You sent seed, which we do not know"), None),
        ("no", None),
        (None, None),
    ],
)
def test_refused_param(body: Any, wanted: str | None) -> None:
    assert refused_param(json.dumps(body).encode(), OURS) == wanted


def test_refused_param_of_what_is_no_json() -> None:
    assert refused_param(b"Bad Request: temperature", OURS) == "temperature"
    assert refused_param(b"\xff\xfe", OURS) is None


@table(
    "headers, payload, detail, wanted",
    [
        ({"retry-after": "20"}, None, "", 20),
        ({"retry-after-ms": "inf"}, None, "", LONGEST_WAIT),
        ({"retry-after-ms": "nan"}, None, "", None),
        ({"retry-after-ms": "-5"}, None, "", 0),
        ({"retry-after": "9" * 400}, None, "", LONGEST_WAIT),
        ({}, {"retryDelay": "9" * 400 + "s"}, "", LONGEST_WAIT),
        ({}, None, f"Please try again in {'9' * 400}s.", LONGEST_WAIT),
        ({"retry-after-ms": "9500"}, None, "", 9.5),
        ({"retry-after": "Sun, 22 Nov 2026 00:00:30 GMT"}, None, "", 30),
        ({"retry-after": "soon"}, None, "Please try again in 4s.", 4),
        ({}, [{"error": {"details": [{"retryDelay": "37s"}]}}], "", 37),
        ({}, None, "Please try again in 7.66s. Need more tokens?", 7.66),
        ({}, None, "Please try again in 250ms.", 0.25),
        ({}, None, "Please try again in 1m2.5s.", 62.5),
        ({}, None, "Please try again in 2h3m0s.", 7380),
        ({}, None, "Please retry in 37.238754s.", 37.238754),
        ({}, None, "Wait, and try it again in 2 minutes 5 seconds", 125),
        ({}, None, "Please try again later.", None),
        ({}, None, "", None),
    ],
)
def test_wait_seconds(headers: dict[str, str], payload: Any, detail: str, wanted: float | None) -> None:
    assert wait_seconds(headers, payload, detail, 1795305600) == pytest.approx(wanted)


@table(
    "status, body, wanted",
    [
        (400, error("x", code="context_length_exceeded"), "too_long"),
        (
            403,
            error("Project `p` does not have access to model `m`", code="model_not_found"),
            "no_permission",
        ),
        (404, error("No endpoints found matching your data policy."), "no_permission"),
        (404, error("model: claude-3-haiku", code="not_found_error"), "model_gone"),
        (
            412,
            error("Account is suspended, possibly due to reaching the monthly spending limit"),
            "no_credit",
        ),
        (
            413,
            error("Request too large for model `m` on tokens per minute", code="rate_limit_exceeded"),
            "too_long",
        ),
        (429, error("You exceeded your current quota", type="insufficient_quota"), "no_credit"),
        (429, error("You exceeded your current quota"), "rate_limited"),
        (500, error("Jinja Exception: roles must alternate", type="server_error"), "template"),
        (500, error("Something", type="server_error"), "overloaded"),
        (418, error("Short and stout"), "bad_request"),
    ],
)
def test_what_words_mean(status: int, body: Any, wanted: str) -> None:
    assert from_response(status, {}, json.dumps(body).encode(), ERRORS, "", 0).code == wanted


@pytest.mark.parametrize(
    ("status", "wanted"), [(400, "too_long"), (413, "too_long"), (401, "bad_key"), (500, "overloaded")]
)
def test_an_answer_without_words(status: int, wanted: str) -> None:
    errors = Errors(without_body="too_long")
    assert from_response(status, {}, b"", errors, "", 0).code == wanted


def test_half_an_emoji_in_a_sentence_can_be_stored_and_shown() -> None:
    assert failure("bad_request", detail="Too long: \ud83d").detail.encode("utf-8").startswith(b"Too long: ")
