"""Every provider and every model that we list, asked through the real providers.yaml, on servers that do as they do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from playground.catalogue import merge_live
from playground.gate import gate
from playground.keys import Endpoint, address, find_key
from playground.line import Line
from playground.live_models import fetch
from playground.providers import load_providers
from playground.wire import Setup
from tests.faithful import rules_of
from tests.faithful_scenes import (
    ALL,
    DISTINCT,
    EVERY_MODEL,
    PROVIDERS,
    SCENES,
    TUNED,
    TYPED,
    asked,
    close_all,
    served,
    setup_for,
)
from tests.faithful_stream import THOUGHT, billed


@pytest.fixture(scope="module", autouse=True)
def _close() -> Iterator[None]:
    yield
    close_all()


def test_every_provider_is_played() -> None:
    assert set(ALL) == {p.id for p in PROVIDERS.all.values() if p.kind != "recorded"}


def least_thinking(name: str, model: str) -> float:
    """The fewest tokens of thought that the model can be brought to; not all know "minimal"."""
    rules = [r for r in rules_of(name).get("thinking", []) if re.search(r["models"], model)]
    ways = [way for rule in rules[:1] for way in rule.get("by", {}).values()]
    return min((n for way in ways for word, n in way.items() if word != "minimal"), default=inf)


@pytest.mark.parametrize(("name", "model"), [*EVERY_MODEL, *TYPED])
def test_right_answer_at_the_first_try(name: str, model: str) -> None:
    """All that a request can hold at every model, and each part alone where a model differs from the others."""
    for scene in SCENES if (name, model) in DISTINCT else ("all of it",):
        answers_rightly(name, model, scene)


def answers_rightly(name: str, model: str, scene: str) -> None:
    faithful, setup = served(name), setup_for(name, model, SCENES[scene].persona)
    reply = asked(faithful, setup, SCENES[scene].conversation)
    assert reply.info
    assert reply.info.failure is None
    assert (reply.info.ended, reply.text) == ("stop", faithful.said[0])
    assert THOUGHT not in reply.text
    assert len(faithful.requests) == 1
    read = "\n".join(m["content"] for m in faithful.asked[0].heard)
    assert [piece for piece in SCENES[scene].must_read if piece not in read] == []
    assert faithful.asked[0].limit, "a reply without a limit"
    assert faithful.asked[0].thinking <= least_thinking(name, model)
    assert reply.request
    assert list(faithful.requests[0].json.items()) == list(reply.request.body.items()), "not what is shown"
    assert not reply.info.usage.estimated
    assert reply.info.usage.completion_tokens == billed(faithful.asked[0], reply.text)


@pytest.mark.parametrize(("name", "model"), DISTINCT)
def test_hottest_temperature(name: str, model: str) -> None:
    faithful = served(name)
    reply = asked(faithful, setup_for(name, model, TUNED, temperature=2.0))
    assert reply.text == faithful.said[0]
    assert len(faithful.requests) == 1


@pytest.mark.parametrize("name", ALL)
def test_headers_go_to_their_provider_only(name: str) -> None:
    faithful = served(name)
    asked(faithful, setup_for(name))
    wanted = {key.lower(): value for key, value in PROVIDERS[name].headers.items()}
    sent = faithful.requests[0].headers
    assert {key: sent.get(key) for key in wanted} == wanted
    assert ("x-title" in sent, "http-referer" in sent) == ("x-title" in wanted, "http-referer" in wanted)
    assert "x-api-key" not in sent


THINKERS = [
    (name, model)
    for name, model in DISTINCT
    if rules_of(name).get("thinking") and rules_of(name)["stream"].get("thoughts", "hidden") != "hidden"
]


@pytest.mark.parametrize(("name", "model"), THINKERS)
def test_thoughts_are_told_from_the_reply(name: str, model: str) -> None:
    faithful, setup = served(name), setup_for(name, model, max_tokens=9000)
    thinking = setup.quirks.reasoning.model_copy(update={"off": {}})
    setup = replace(setup, quirks=setup.quirks.model_copy(update={"reasoning": thinking}))
    reply = asked(faithful, setup)
    assert reply.text == faithful.said[0]
    assert reply.reasoning.strip() == (THOUGHT if faithful.asked[0].thinking else "")


@pytest.mark.parametrize(
    ("name", "model", "text", "code"),
    [
        ("groq", "openai/gpt-oss-20b", "", "only_thinking"),
        ("deepseek", "deepseek-flash", "", "only_thinking"),
        ("gemini", "gemini-3.8-flash", "", "only_thinking"),
        ("fireworks", "accounts/fireworks/models/minimax-m3p1-flash", THOUGHT, ""),
    ],
)
def test_why_a_thinker_needs_room(name: str, model: str, text: str, code: str) -> None:
    """Without the least number of tokens that the data asks for."""
    setup = setup_for(name, model, max_tokens=50)
    greedy = setup.quirks.reasoning.model_copy(update={"off": {}, "min_output_tokens": 0})
    reply = asked(served(name), replace(setup, quirks=setup.quirks.model_copy(update={"reasoning": greedy})))
    assert reply.info
    assert reply.text == text
    assert (reply.info.failure.code if reply.info.failure else "") == code


@pytest.mark.parametrize("name", [name for name in ALL if "list" in rules_of(name)])
def test_own_list_of_models(name: str) -> None:
    """Read as it comes: what we list is in it, and nothing that cannot chat is offered beside."""
    faithful, provider = served(name), PROVIDERS[name]
    fetched = fetch(provider, Endpoint(faithful.in_place_of(address(provider, {})), faithful.key), Line())
    assert fetched.failure is None
    offers, _ = merge_live(provider, fetched.rows)
    listed = [o.model.id for o in offers if o.standing == "listed"]
    assert listed == [m.id for m in provider.models.list]
    alive = {model.removesuffix(":cheapest") for model in faithful.rules["living"]}
    found = {o.model.id for o in offers if o.standing == "found"}
    assert found <= alive
    told = {*found, *listed, *(m.listed_as for m in provider.models.list), *provider.models.replaced}
    assert alive <= told


MADE_UP = {
    "two lines": ("openai", "gpt-4o", "", "{label: Acme, base_url: https://acme.example/v1}"),
    "a strict one": (
        "mistral",
        "ministral-8b-latest",
        "defaults: {messages: {last_role: user}}",
        "{label: Acme, base_url: https://acme.example/v1, api_key_env: [ACME_KEY], stream_usage: never}",
    ),
    "a thinker": (
        "deepseek",
        "deepseek-flash",
        "model_rules: [{match: flash, hosts: [acme], reasoning: {off: {thinking: {type: disabled}}}}]",
        "{label: Acme, base_url: https://acme.example, secret: Acme}",
    ),
    "one without a key": (
        "ollama",
        "llama3.2:3b",
        "defaults: {messages: {first_role: user, alternate: true}}",
        "{label: Acme, kind: local, base_url: http://acme.example/v1}",
    ),
}


@pytest.mark.parametrize("case", MADE_UP)
def test_one_entry_makes_a_provider(case: str, tmp_path: Path) -> None:
    like, model_id, rest, entry = MADE_UP[case]
    file = tmp_path / "providers.yaml"
    file.write_text(f"version: 1\n{rest}\nproviders:\n  acme: {entry}\n", "utf-8")
    providers, problems = load_providers(file)
    assert not problems
    assert providers
    faithful, provider = served(like), providers["acme"]
    key = find_key(provider, "", {"Acme": faithful.key}, {"ACME_KEY": faithful.key}).value
    if provider.needs_key:
        key = key or faithful.key
    setup = Setup(provider, provider.model(model_id), providers.quirks(provider, model_id), TUNED)
    reply = asked(faithful, setup, SCENES["all of it"].conversation, key)
    assert reply.text == faithful.said[0]
    assert len(faithful.requests) == 1


HI = [{"role": "user", "content": "hi"}]
GREETED = [{"role": "system", "content": "x"}, {"role": "assistant", "content": "Hello!"}, *HI]
NAIVE: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("openai", "gpt-6-luna", {"max_tokens": 9}, 400, "max_tokens"),
    ("openai", "gpt-6-luna", {"temperature": 1}, 400, "temperature"),
    ("openai", "gpt-6.1-sol", {"reasoning_effort": "none"}, 400, "reasoning_effort"),
    ("openai", "gpt-4", {}, 404, "deprecated"),
    ("mistral", "ministral-8b-latest", {"stream_options": {"include_usage": True}}, 422, "extra_forbidden"),
    ("mistral", "ministral-8b-latest", {"max_completion_tokens": 9}, 422, "extra_forbidden"),
    ("mistral", "ministral-8b-latest", {"messages": GREETED[:2]}, 400, "Expected last role"),
    (
        "mistral",
        "ministral-8b-latest",
        {"messages": [*HI, GREETED[1], GREETED[0], *HI]},
        400,
        "Unexpected role",
    ),
    ("mistral", "ministral-8b-latest", {"messages": [{**HI[0], "name": "a"}]}, 422, "messages.name"),
    ("groq", "openai/gpt-oss-20b", {"reasoning_effort": "none"}, 400, "must be one of"),
    ("groq", "openai/gpt-oss-20b", {"frequency_penalty": 1}, 400, "unsupported"),
    ("groq", "llama-3.2-3b-preview", {}, 400, "model_decommissioned"),
    ("gemini", "gemini-3.8-flash", {"seed": 1}, 400, "Unknown name"),
    ("gemini", "gemini-1.5-flash", {}, 404, "is not found"),
    ("together", "meta-llama/Llama-Vision-Free", {}, 400, "non-serverless"),
    ("cerebras", "gpt-oss-120b", {"presence_penalty": 0}, 400, "unsupported"),
    ("anthropic", "claude-haiku-4-5", {"temperature": 1, "top_p": 1}, 400, "cannot both"),
    ("nvidia", "google/gemma-3-12b-it", {"messages": GREETED}, 500, "must alternate"),
    ("nvidia", "z-ai/glm-5.3-flash", {"reasoning": {"enabled": False}}, 400, "Unsupported parameter"),
    ("nvidia", "meta/llama-3.1-8b-instruct", {}, 410, "end of life"),
    ("ollama", "llama3.2:3b", {"messages": [{"role": "user", "content": None}]}, 400, "content type"),
    ("lmstudio", "ministral-8b", {"messages": GREETED}, 400, "jinja"),
    ("llamacpp", "qwen3.5-4b-q4", {"messages": [*HI, GREETED[0], *HI]}, 500, "must be at the beginning"),
]


@pytest.mark.parametrize(("name", "model", "more", "status", "word"), NAIVE)
def test_naive_requests_are_refused(
    name: str, model: str, more: dict[str, Any], status: int, word: str
) -> None:
    """The servers are as strict as the providers: without this, the tests above would prove nothing."""
    faithful = served(name)
    url = faithful.in_place_of(address(PROVIDERS[name], {})) + "/chat/completions"
    headers = {"authorization": f"Bearer {faithful.key}"}
    answer = gate().post(url, json={"model": model, "messages": HI, **more}, headers=headers)
    assert answer.status_code == status
    assert word in json.dumps(answer.json(), ensure_ascii=False)
