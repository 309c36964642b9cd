"""When a provider does not answer: what is said of it, and that nobody pays for asking in vain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from playground.messages import Conversation
from playground.reply import Reply
from playground.wire import Setup
from tests.faithful import names, rules_of
from tests.faithful_scenes import ALL, PROVIDERS, TUNED, asked, close_all, models_of, served, setup_for

WRONG_KEY = "sk-wrong-0123456789abcdefghij"
TROUBLES = ("no_permission", "no_credit", "quota_spent_today", "rate_limited", "filtered")


@pytest.fixture(scope="module", autouse=True)
def _close() -> Iterator[None]:
    yield
    close_all()


def says(*kinds: str) -> list[tuple[str, str]]:
    """Every provider that can say so."""
    return [(name, kind) for name in names() for kind in kinds if kind in rules_of(name)["says"]]


def told(reply: Reply) -> str:
    """The failure's code; a failed reply has one, and nothing of the key in its words."""
    assert reply.info
    assert reply.info.failure
    assert WRONG_KEY not in reply.info.failure.detail
    return reply.info.failure.code


@pytest.mark.parametrize(("name", "kind"), says(*TROUBLES))
def test_refusal_has_its_name(name: str, kind: str) -> None:
    faithful, form = served(name), rules_of(name)["says"][kind]
    faithful.trouble = kind
    reply = asked(faithful, setup_for(name))
    assert told(reply) == kind
    assert len(faithful.requests) == 1
    assert reply.info
    assert reply.info.failure
    assert reply.info.failure.seconds == form.get("seconds")
    assert reply.info.failure.detail or "finish" in form
    assert bool(reply.text) == ("finish" in form), "what had come is kept"


@pytest.mark.parametrize(("name", "_kind"), says("bad_key"))
def test_wrong_key(name: str, _kind: str) -> None:
    faithful = served(name)
    code = rules_of(name)["says"]["bad_key"].get("code", "bad_key")
    assert told(asked(faithful, setup_for(name), key=WRONG_KEY)) == code
    assert len(faithful.requests) == 1


@pytest.mark.parametrize(("name", "_kind"), says("too_long"))
def test_too_long(name: str, _kind: str) -> None:
    """A model that can read less than we believe."""
    faithful = served(name)
    faithful.window = 20
    assert told(asked(faithful, setup_for(name), Conversation().say("很長" * 40))) == "too_long"
    assert len(faithful.requests) == 1


def retired(name: str) -> list[str]:
    dead = PROVIDERS[name].models.replaced.keys() - rules_of(name)["living"].keys()
    dead |= {model for form in rules_of(name).get("gone", []) for model in form.get("ids", [])}
    return sorted(dead)


@pytest.mark.parametrize(("name", "model"), [(name, model) for name in ALL for model in retired(name)])
def test_retired_model_names_its_successor(name: str, model: str) -> None:
    faithful, provider = served(name), PROVIDERS[name]
    reply = asked(faithful, setup_for(name, model))
    assert told(reply) == "model_gone"
    assert len(faithful.requests) == 1
    successor = provider.successor(model)
    assert successor in models_of(name)
    assert asked(faithful, setup_for(name, successor)).text == faithful.said[-1]


@pytest.mark.parametrize("name", [name for name in ALL if "gone" in rules_of(name)])
def test_unknown_model(name: str) -> None:
    faithful = served(name)
    wanted = "not_found" if PROVIDERS[name].kind == "local" else "model_gone"
    if rules_of(name).get("any_model"):
        pytest.skip("it has one model and uses it for any name")
    assert told(asked(faithful, setup_for(name, "nobody/no-such-model-9b"))) == wanted
    assert len(faithful.requests) == 1


@pytest.mark.parametrize(("name", "_kind"), says("breaks"))
def test_error_within_a_stream(name: str, _kind: str) -> None:
    faithful = served(name)
    faithful.trouble = "breaks"
    reply = asked(faithful, setup_for(name))
    assert told(reply) == "overloaded"
    assert reply.text
    assert faithful.said[0].startswith(reply.text)
    assert reply.info
    assert reply.info.failure
    assert reply.info.failure.detail
    assert len(faithful.requests) == 1


@pytest.mark.parametrize(("name", "_kind"), says("instead"))
def test_error_in_place_of_a_stream(name: str, _kind: str) -> None:
    faithful = served(name)
    faithful.trouble = "instead"
    reply = asked(faithful, setup_for(name))
    assert told(reply) == rules_of(name)["says"]["instead"]["code"]
    assert reply.text == ""
    assert len(faithful.requests) == 1


def sent(setup: Setup) -> list[str]:
    """Every parameter of a request that could be refused."""
    faithful = served(setup.provider.id)
    asked(faithful, setup)
    return [field for field in faithful.requests[0].json if field not in ("model", "messages", "stream")]


REFUSERS = [name for name in ALL if {"unsupported", "unknown", "value"} & rules_of(name)["says"].keys()]


@pytest.mark.parametrize("name", REFUSERS)
def test_unforeseen_refusal_costs_one_retry(name: str) -> None:
    """Whatever a provider comes to refuse one day is left out, remembered and told."""
    setup = setup_for(name, persona=TUNED)
    for field in sent(setup):
        faithful, learnt = served(name), list[str]()
        faithful.forbidden = field
        reply = asked(faithful, setup, remember=learnt.append)
        assert reply.info
        assert reply.info.failure is None, field
        assert reply.text == faithful.said[0]
        assert len(faithful.requests) == 2
        assert (learnt, reply.info.unused) == ([field], (field,))
        assert field not in faithful.requests[1].json
        again = asked(faithful, replace(setup, refused=frozenset(learnt)))
        assert again.text == faithful.said[1]
        assert len(faithful.requests) == 3


@pytest.mark.parametrize(
    ("name", "model", "settings", "field"),
    [
        ("mistral", "ministral-8b-latest", {"temperature": 0.0}, "top_p"),
        ("anthropic", "claude-haiku-4-5", {}, "temperature"),
        ("openrouter", "minimax/minimax-m2.5", {}, "reasoning"),
        ("xai", "grok-4.1-fast-reasoning", {}, "reasoning_effort"),
        ("nvidia", "mistralai/ministral-14b", {}, "chat_template_kwargs"),
        ("openai", "gpt-4o", {}, "reasoning_effort"),
    ],
)
def test_refusals_as_they_were_reported(name: str, model: str, settings: dict[str, Any], field: str) -> None:
    """Where the data does not know the model's rule: as if somebody had just added it."""
    setup = setup_for(name, model, TUNED, **settings)
    off = {"reasoning": {"enabled": False}} if name == "openrouter" else {"reasoning_effort": "low"}
    if name == "nvidia":
        off = {"chat_template_kwargs": {"enable_thinking": False}}
    quirks = {"drop_params": (), "reasoning": setup.quirks.reasoning.model_copy(update={"off": off})}
    if field in ("top_p", "temperature"):
        quirks.pop("reasoning")
    faithful = served(name)
    reply = asked(faithful, replace(setup, quirks=setup.quirks.model_copy(update=quirks)))
    assert reply.info
    assert reply.text == faithful.said[0]
    assert reply.info.unused == (field,)
    assert len(faithful.requests) == 2
