"""Conversations to have with the faithful providers, and how to have them through the real providers.yaml."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

from playground.keys import Endpoint, address
from playground.messages import Conversation, Failure, Message, ReplyInfo
from playground.personas import Example, Persona
from playground.providers import ProvidersFile, load_providers
from playground.reply import Reply
from playground.wire import Setup
from playground.writer import ask
from tests.faithful import Faithful, names, rules_file, rules_of
from tests.test_wire_faults import finished

FILE, _ = load_providers()
assert FILE
PROVIDERS: ProvidersFile = FILE

SYSTEM, GREETING, REMINDER = (
    "你是員瑛式思考的機器人。",
    "嗨！今天發生了什麼倒楣事？",
    "最後一定要說 Lucky Vicky。",
)
QUESTION = "我今天錯過了公車。"
EXAMPLES = (
    Example(user="下雨了。", assistant="可以踩水！"),
    Example(user="手機摔了。", assistant="換新的！"),
)
PLAIN = Persona(name="員瑛", system_prompt=SYSTEM)
FULL = Persona(name="員瑛", system_prompt=SYSTEM, greeting=GREETING, examples=EXAMPLES, reminder=REMINDER)
TUNED = FULL.model_copy(update={"temperature": 0.7, "top_p": 0.9, "max_tokens": 300})
OPENED = Conversation.opening(GREETING)
ASKED = OPENED.say(QUESTION)
LOST = Message("assistant", "", info=ReplyInfo("x", "y", "failed", 1.0, failure=Failure("overloaded")))
TURNS = tuple(
    Message("user" if n % 2 == 0 else "assistant", f"第 {n} 句，" + "很長的故事。" * 8) for n in range(80)
)


class Scene(NamedTuple):
    """A conversation that waits for an answer, and what the model must get to read of it."""

    persona: Persona
    conversation: Conversation
    must_read: tuple[str, ...] = (SYSTEM, QUESTION)


def _two_turns(opened: Conversation) -> Conversation:
    return opened.say("我的傘壞了。").answered(Message("assistant", "那就淋雨！")).say(QUESTION)


SCENES = {
    "greeting": Scene(PLAIN, ASKED, (SYSTEM, GREETING, QUESTION)),
    "two turns": Scene(PLAIN, _two_turns(Conversation()), (SYSTEM, "我的傘壞了。", "那就淋雨！", QUESTION)),
    "examples": Scene(
        PLAIN.model_copy(update={"examples": EXAMPLES}),
        Conversation().say(QUESTION),
        (SYSTEM, "下雨了。", "可以踩水！", "手機摔了。", "換新的！", QUESTION),
    ),
    "reminder": Scene(
        PLAIN.model_copy(update={"reminder": REMINDER}),
        Conversation().say(QUESTION),
        (SYSTEM, QUESTION, REMINDER),
    ),
    "all of it": Scene(
        TUNED,
        _two_turns(OPENED),
        (SYSTEM, GREETING, "下雨了。", "換新的！", "我的傘壞了。", "那就淋雨！", QUESTION, REMINDER),
    ),
    "after a failure": Scene(FULL, OPENED.say("在嗎？").answered(LOST).say(QUESTION)),
    "long history": Scene(FULL, replace(OPENED, messages=(*OPENED.messages, *TURNS)).say(QUESTION)),
}

_running: dict[str, Faithful] = {}


def served(name: str) -> Faithful:
    """A faithful provider without any trouble; close_all ends it."""
    if name not in _running:
        _running[name] = Faithful(name)
    _running[name].calm()
    return _running[name]


def close_all() -> None:
    while _running:
        _running.popitem()[1].close()


def models_of(name: str) -> list[str]:
    """The models we list; where we list none, those that the provider has."""
    return [m.id for m in PROVIDERS[name].models.list] or list(rules_of(name)["living"])


def setup_for(name: str, model_id: str = "", persona: Persona | None = None, **settings: Any) -> Setup:
    """A setup as a page makes it; without a model, the provider's first."""
    provider = PROVIDERS[name]
    model = provider.model(model_id or models_of(name)[0])
    return Setup(provider, model, PROVIDERS.quirks(provider, model.id), persona, **settings)


def asked(
    faithful: Faithful, setup: Setup, conversation: Conversation = ASKED, key: str = "", **how: Any
) -> Reply:
    """The reply, once it has ended."""
    base_url = faithful.in_place_of(address(setup.provider, {}) or "http://embedded/v1")
    endpoint = Endpoint(base_url, key or faithful.key)
    return finished(ask(setup, conversation, lambda line: endpoint, **how))


def _distinct() -> list[tuple[str, str]]:
    """One model for each set of rules, ours and the provider's."""
    found: dict[str, tuple[str, str]] = {}
    for name, model in EVERY_MODEL:
        theirs = [re.search(t["match"], model) is not None for t in rules_file()["templates"]]
        theirs += [re.search(t["models"], model) is not None for t in rules_of(name).get("thinking", [])]
        ours = PROVIDERS.quirks(PROVIDERS[name], model)
        found.setdefault(f"{name} {PROVIDERS[name].model(model).reasoning} {ours} {theirs}", (name, model))
    return list(found.values())


ALL = names()
EVERY_MODEL = [(name, model) for name in ALL for model in models_of(name)]
DISTINCT = _distinct()
TYPED = [("openai", "gpt-5.2"), ("openai", "gpt-5-mini"), ("gemini", "gemini-flash-lite-latest")]
TYPED += [("openrouter", "minimax/minimax-m2.5"), ("anthropic", "claude-opus-4-7")]
TYPED += [("nvidia", "mistralai/ministral-14b")]
"""Models that we do not list, and that a visitor may type."""
