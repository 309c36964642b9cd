"""providers.yaml: valid, whole, plausible; and how its parts are laid over each other."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from playground.client import AFTER_FINISH
from playground.config import wording
from playground.i18n import LANGUAGES, translator
from playground.keys import find_key
from playground.providers import Provider, ProvidersFile, load_providers, merge
from tests.tables import table

FILE, PROBLEMS = load_providers()
assert FILE
PROVIDERS = FILE.all
CLOUD = [p for p in PROVIDERS.values() if p.kind == "cloud"]
COURSE = {
    "openai": "OpenAI",
    "mistral": "Mistral",
    "groq": "Groq",
    "gemini": "Gemini",
    "together": "Together",
}
COURSE |= {"fireworks": "Fireworks"}
MORE = ["openrouter", "deepseek", "xai", "cerebras", "anthropic", "nvidia", "huggingface"]
LOCAL = ["ollama", "lmstudio", "vllm", "llamacpp"]
NOTEBOOK = {
    "openai": ["gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo", "gpt-4"],
    "mistral": ["ministral-8b-latest", "ministral-8b-2410"],
    "groq": ["llama-3.2-3b-preview", "llama-3.3-70b-versatile", "llama-3.1-8b-instant", "gemma2-9b-it"],
    "gemini": ["gemini-1.5-flash", "gemini-2.0-flash", "gemini-2.5-flash"],
    "together": ["meta-llama/Llama-Vision-Free", "meta-llama/Llama-3.3-70B-Instruct-Turbo"],
    "fireworks": ["accounts/fireworks/models/llama-v3p2-3b-instruct"],
    "deepseek": ["deepseek-chat", "deepseek-reasoner"],
    "cerebras": ["llama3.1-8b", "llama-3.3-70b"],
}
"""Models that lessons and homework have used over the years."""


def test_file_is_valid() -> None:
    assert PROBLEMS == ()


@table("name", PROVIDERS)
def test_nobody_waits_long(name: str) -> None:
    """Seconds to connect, to a first word, between two words, and for the whole reply; free models may take longer."""
    assert FILE
    longer = dict.fromkeys(LOCAL, (5, 120, 60, 300))
    longer |= {"builtin": (5, 60, 60, 180), "nvidia": (5, 90, 60, 180)}
    longer |= dict.fromkeys(("openrouter", "huggingface"), (5, 60, 60, 120))
    for model in {PROVIDERS[name].models.default, *(model.id for model in PROVIDERS[name].models.list)}:
        told = FILE.quirks(PROVIDERS[name], model).timeout
        seconds = (told.connect, told.first_byte, told.between, told.whole)
        most = longer.get(name, (5, 30, 30, 120))
        assert all(one <= limit for one, limit in zip(seconds, most, strict=True)), seconds


def test_nobody_waits_for_the_count_of_tokens() -> None:
    assert AFTER_FINISH <= 2


def test_order_on_screen() -> None:
    assert list(PROVIDERS) == ["builtin", "lesson", *COURSE, *MORE, *LOCAL]


def test_keys_have_the_names_that_teachers_use() -> None:
    assert {name: PROVIDERS[name].secret for name in COURSE} == COURSE
    secrets = [p.secret for p in CLOUD]
    assert all(re.fullmatch(r"[A-Za-z]+", secret) for secret in secrets)
    assert len(set(secrets)) == len(secrets)
    variables = [name for p in PROVIDERS.values() for name in p.api_key_env]
    assert len(set(variables)) == len(variables)


@table("provider", CLOUD)
def test_a_newcomer_finds_a_key(provider: Provider) -> None:
    assert provider.base_url.startswith("https://")
    assert provider.key_url.startswith("https://")
    assert provider.api_key_env
    assert provider.to_confirm
    assert all(not key.endswith(" ") for key in provider.key_prefix)
    for words in (provider.key_steps, provider.free_tier):
        assert set(words) == {"en", "zh-TW"}


def told(provider: Provider) -> list[dict[str, str]]:
    notes = [m.note for m in provider.models.list]
    return [words for words in (provider.key_steps, provider.free_tier, provider.about, *notes) if words]


@table("provider", PROVIDERS.values())
def test_words_are_in_both_languages(provider: Provider) -> None:
    for words in told(provider):
        assert set(words) == {"en", "zh-TW"}
        assert words["en"].isascii()
        assert re.search(r"[\u4e00-\u9fff]", words["zh-TW"])
        words["zh-TW"].encode("cp950")  # what is not written in Taiwan has no place in its old encoding
        assert not re.search("默認|軟件|信息|用戶|界面|文件|視頻|網絡", words["zh-TW"])


def test_a_prefix_is_a_hint_only() -> None:
    for provider in CLOUD:
        assert find_key(provider, "some-new-kind-of-key-0123", {}, {}).origin == "typed"


LISTED = [(p, m) for p in PROVIDERS.values() for m in p.models.list]


@table("provider, model", LISTED)
def test_model_is_plausible(provider: Provider, model: Any) -> None:
    assert model.context
    assert model.context >= 4096
    if provider.kind == "cloud" and ":" not in model.id:
        assert model.price is not None
    if model.price:
        asked, written = model.price
        assert 0 <= asked <= written < 60
    if model.retires:
        assert date.fromisoformat(model.retires) > date(2026, 11, 22)
        assert provider.successor(model.id) not in ("", model.id)


@table("provider", PROVIDERS.values())
def test_default_is_listed(provider: Provider) -> None:
    ids = [m.id for m in provider.models.list]
    assert len(set(ids)) == len(ids)
    assert provider.models.default in ids or (
        provider.kind in ("local", "recorded") and not provider.models.default
    )


REPLACED = [(p, model) for p in PROVIDERS.values() for model in p.models.replaced]
REPLACED += [(PROVIDERS[name], model) for name, models in NOTEBOOK.items() for model in models]


@table("provider, model", REPLACED)
def test_what_is_gone_leads_to_what_lives(provider: Provider, model: str) -> None:
    successor = provider.successor(model)
    living = [m.id for m in provider.models.list if m.id not in provider.models.replaced]
    if model not in living:
        assert successor in living
        assert not provider.model(successor).retires


def test_retired_services_are_not_shipped() -> None:
    assert not [p.id for p in PROVIDERS.values() if "github" in p.base_url or "azure" in p.base_url]


def test_rules_speak_of_providers_and_models_that_exist() -> None:
    assert FILE
    typed = ["o3", "gpt-5-mini", "claude-opus-4-7", "mistral-7b-instruct", "gemma3:4b"]
    for rule in FILE.model_rules:
        assert {*rule.hosts, *rule.hosts_except} <= PROVIDERS.keys()
        hosts = [PROVIDERS[h] for h in rule.hosts] or list(PROVIDERS.values())
        ids = [(p, model) for p in hosts for model in (*typed, *(m.id for m in p.models.list))]
        assert any(rule.applies(p, model) for p, model in ids), rule.match


def test_every_pattern_compiles() -> None:
    for provider in PROVIDERS.values():
        for patterns in provider.errors.patterns.values():
            assert all(re.compile(p) for p in patterns)


@table(
    "provider, model, wanted",
    [
        ("openai", "gpt-4.1-mini", {"drop": [], "off": {}, "limit": "max_completion_tokens"}),
        ("openai", "gpt-6-luna", {"drop": [], "off": {"reasoning_effort": "none"}}),
        ("openai", "gpt-5.2", {"drop": [], "off": {"reasoning_effort": "none"}}),
        ("openai", "gpt-6.1-sol", {"drop": ["temperature", "top_p"], "off": {"reasoning_effort": "low"}}),
        ("openai", "gpt-5-mini", {"drop": ["temperature", "top_p"], "off": {"reasoning_effort": "low"}}),
        ("openai", "gpt-7", {"drop": ["temperature", "top_p"], "off": {}}),
        ("openai", "o3", {"drop": ["temperature", "top_p"], "off": {}}),
        (
            "vllm",
            "openai/gpt-oss-20b",
            {"drop": [], "off": {"reasoning_effort": "low"}, "limit": "max_tokens"},
        ),
        ("openrouter", "openai/gpt-oss-20b", {"off": {"reasoning": {"effort": "low"}}}),
        ("openrouter", "z-ai/glm-5.3-flash", {"off": {"reasoning": {"enabled": False}}}),
        ("anthropic", "claude-haiku-4-5", {"drop": ["top_p"]}),
        ("anthropic", "claude-haiku-5-5", {"drop": ["temperature", "top_p"]}),
        ("openrouter", "anthropic/claude-sonnet-4.5", {"drop": ["top_p"]}),
        ("openrouter", "anthropic/claude-opus-4.8", {"drop": ["temperature", "top_p"]}),
        ("gemini", "gemini-flash-lite-latest", {"off": {"reasoning_effort": "low"}}),
        ("gemini", "gemini-2.5-flash-lite", {"off": {}}),
        ("mistral", "ministral-8b-latest", {"first": "any", "system": "system"}),
        ("nvidia", "mistralai/ministral-14b", {"first": "user", "system": "system"}),
        ("nvidia", "google/gemma-3-12b-it", {"first": "user", "system": "user"}),
        ("gemini", "gemma-4-31b-it", {"first": "any", "system": "system"}),
    ],
)
def test_rules_of_a_model(provider: str, model: str, wanted: dict[str, Any]) -> None:
    assert FILE
    quirks = FILE.quirks(PROVIDERS[provider], model)
    found = {
        "drop": [name for name in ("temperature", "top_p") if name in quirks.drop_params],
        "off": quirks.reasoning.off,
        "limit": quirks.max_tokens_field,
        "first": quirks.messages.first_role,
        "system": quirks.system_role,
    }
    assert {name: found[name] for name in wanted} == wanted


LAID = """
version: 1
defaults:
  drop_params: [a]
  timeout: {connect: 1, whole: 10}
  reasoning: {fields: [x], off: {p: {q: 1}}}
providers:
  one: {label: One, drop_params: [b, a], timeout: {whole: 20}, reasoning: {off: {p: {r: 2}}}}
  two: {label: Two}
model_rules:
  - {match: "^m", drop_params: [c], timeout: {whole: 30}}
  - {match: "^m", hosts: [one], timeout: {whole: 40}, reasoning: {fields: [y]}}
  - {match: "^m", hosts_except: [one], stream_usage: never}
"""


@table(
    "own, rule, code, field",
    [
        ("pace: {requests_per_minute: 0}", "", "range", "pace.requests_per_minute"),
        ("pace: {requests_per_minute: -1}", "", "range", "pace.requests_per_minute"),
        ("pace: {at_once: 0}", "", "range", "pace.at_once"),
        ("constraints: {temperature: [2, 0]}", "", "wrong_order", "constraints.temperature"),
        ("constraints: {temperature: [0, 1e999]}", "", "range", "constraints.temperature[2]"),
        ("timeout: {between: 0}", "", "range", "timeout.between"),
        ("errors: {patterns: {bad_key: [key, '(']}}", "", "bad_expression", "errors.patterns.bad_key[2]"),
        ("pace: {at_once: 1}", "model_rules: [{match: '('}]", "bad_expression", "model_rules[1].match"),
    ],
)
def test_what_would_break_a_page_is_refused(
    own: str, rule: str, code: str, field: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("refused") / "providers.yaml"
    path.write_text(f"version: 1\nproviders:\n  one: {{label: One, {own}}}\n{rule}\n", "utf-8")
    providers, (problem,) = load_providers(path)
    whole = field if rule else f"providers.one.{field}"
    assert (providers, problem.code, problem.slots["field"]) == (None, code, whole)
    for language in LANGUAGES:
        assert all(wording(problem, translator(language)))


@pytest.fixture
def laid(tmp_path: Path) -> ProvidersFile:
    path = tmp_path / "providers.yaml"
    path.write_text(LAID, "utf-8")
    providers, problems = load_providers(path)
    assert providers
    assert not problems
    return providers


@pytest.mark.parametrize(
    ("provider", "model", "drop", "whole", "fields", "usage"),
    [
        ("one", "m1", ("a", "b", "c"), 40, ("y",), "request"),
        ("one", "x", ("a", "b"), 20, ("x",), "request"),
        ("two", "m1", ("a", "c"), 30, ("x",), "never"),
        ("two", "x", ("a",), 10, ("x",), "request"),
    ],
)
def test_parts_are_laid_over_each_other(
    laid: ProvidersFile, provider: str, model: str, drop: Any, whole: float, fields: Any, usage: str
) -> None:
    """Defaults, then the provider, then every rule that matches, in the order of the file."""
    quirks = laid.quirks(laid[provider], model)
    assert (quirks.drop_params, quirks.timeout.whole, quirks.timeout.connect) == (drop, whole, 1)
    assert (quirks.reasoning.fields, quirks.stream_usage) == (fields, usage)
    assert quirks.reasoning.off == ({"p": {"q": 1, "r": 2}} if provider == "one" else {"p": {"q": 1}})


@pytest.mark.parametrize(
    ("base", "patch", "wanted"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"drop_params": ("a",)}, {"drop_params": ("b", "a")}, {"drop_params": ("a", "b")}),
    ],
)
def test_merge(base: dict[str, Any], patch: dict[str, Any], wanted: dict[str, Any]) -> None:
    before = repr(base)
    assert merge(base, patch) == wanted
    assert repr(base) == before


@pytest.mark.parametrize(
    ("replaced", "model", "wanted"),
    [
        ({"a": "b"}, "a", "b"),
        ({"a": "b", "b": "c"}, "a", "c"),
        ({"a": "b", "b": "a"}, "a", ""),
        ({"a": "a"}, "a", ""),
        ({"a": "b"}, "z", ""),
    ],
)
def test_successor(replaced: dict[str, str], model: str, wanted: str) -> None:
    provider = Provider.model_validate({"label": "P", "models": {"replaced": replaced}})
    assert provider.successor(model) == wanted
