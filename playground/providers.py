"""Reads providers.yaml: where each provider answers, which models it has, and how its dialect differs.

A difference between providers is data: `defaults` < the provider's own keys < every `model_rules` entry that matches
the model's id. Mappings merge, `drop_params` add up, anything else replaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat
from pydantic_core import PydanticCustomError

from playground.config import Problem, read_file

PROVIDERS_FILE = Path(__file__).resolve().parent.parent / "providers.yaml"
MAX_BYTES = 512 * 1024
NO_KEY = {"local": {"api_key": "none"}}  # The SDK would not send a request without one.


def _compiles(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise PydanticCustomError("bad_expression", "{detail}", {"detail": str(error)}) from None
    return value


def _in_order(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise PydanticCustomError("wrong_order", "the larger number first")
    return ends


Expression = Annotated[str, AfterValidator(_compiles)]
Range = Annotated[tuple[FiniteFloat, FiniteFloat], AfterValidator(_in_order)]


class Record(BaseModel):
    """A strict part of providers.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MessageRules(Record):
    """Which orders of roles the provider, or the model's chat template, accepts."""

    first_role: Literal["any", "user"] = "any"
    alternate: bool = False
    last_role: Literal["any", "user"] = "any"


class Reasoning(Record):
    """Where thinking arrives in a reply, how it is switched off, and what it needs at least."""

    fields: tuple[str, ...] = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
    tags: tuple[tuple[str, str], ...] = (("<think>", "</think>"),)
    off: dict[str, Any] = {}
    min_output_tokens: int = 1024


class Errors(Record):
    """Where an error's sentence stands, and what its words mean: our failure code -> regular expressions, in order."""

    message_paths: tuple[str, ...] = (
        *("error.metadata.raw", "message", "error.message", "0.error.message", "detail"),
        *("message.detail.0.msg", "detail.0.msg", "error", "title"),
    )
    code_paths: tuple[str, ...] = (
        *("error.code", "code", "error.type", "type", "0.error.status", "error.status"),
        *("0.error.details", "error.details", "error.metadata.limit_source"),
    )
    patterns: dict[str, tuple[Expression, ...]] = {}
    without_body: str = "bad_request"
    """Our failure code for a 400 that says nothing at all."""
    daily_wait: bool = True
    """Whether the wait that is told with a spent day's quota is true; some tell the one of a minute's quota."""


class SharedPace(Record):
    """What a key that a class shares stands: requests a minute, and replies at once."""

    requests_per_minute: float | None = Field(default=None, gt=0)
    at_once: int | None = Field(default=None, ge=1)


class Timeouts(Record):
    """Seconds: to connect, to the first byte, between two pieces of text, for the whole reply."""

    connect: FiniteFloat = Field(default=5, gt=0)
    first_byte: FiniteFloat = Field(default=30, gt=0)
    between: FiniteFloat = Field(default=30, gt=0)
    whole: FiniteFloat = Field(default=120, gt=0)


class Quirks(Record):
    """How a provider's, or one model's, dialect of the chat completions API differs."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    stream_usage: Literal["request", "never"] = "request"
    drop_params: tuple[str, ...] = ()
    param_mappings: dict[str, str] = {}
    add_params: dict[str, Any] = {}
    constraints: dict[str, Range] = {}
    system_role: Literal["system", "developer", "user"] = "system"
    messages: MessageRules = MessageRules()
    greeting: Literal["as_user_lead", "in_system", "drop"] = "in_system"
    reasoning: Reasoning = Reasoning()
    errors: Errors = Errors()
    headers: dict[str, str] = {}
    timeout: Timeouts = Timeouts()
    price: tuple[float, float] | None = None


class Wheel(Record):
    """A model file that travels inside a Python package's wheel."""

    package: str
    version: str
    sha256: str
    member: str
    size: int


class Hub(Record):
    """A model file on a model hub."""

    repo: str
    file: str
    revision: str = "main"


class WeightsFile(Record):
    """A GGUF file for the embedded engine: its size in bytes, its SHA-256, and where it comes from."""

    file: str
    size: int
    sha256: str | None = None
    n_ctx: int = 4096
    wheel: Wheel | None = None
    hub: Hub | None = None


class Model(Record):
    """One model a provider offers; `price` is USD per million tokens in and out, `context` tokens."""

    id: str
    label: str = ""
    context: int | None = None
    price: tuple[float, float] | None = None
    reasoning: bool = False
    languages: tuple[str, ...] = ()
    note: dict[str, str] = {}
    retires: str = ""
    listed_as: str = ""
    """Its id in the provider's own list, where that is another one."""
    weights: WeightsFile | None = None


class ModelFilter(Record):
    """Which rows of a live model list can chat."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    where: dict[str, Any] = {}


class ListFields(Record):
    """Where a row of a live model list tells of more than its id; the first place that holds something counts."""

    aliases: tuple[str, ...] = ("aliases",)
    context: tuple[str, ...] = ("context_window", "context_length", "max_context_length", "max_model_len")
    retires: tuple[str, ...] = ("deprecation", "deprecation_date", "expiration_date")
    successor: tuple[str, ...] = ("deprecation_replacement_model",)


class ModelList(Record):
    """The models we know of, and how to read the provider's own list.

    The list is asked for with the key in `key_header` where `auth` is true, and with `headers` besides; `page_param`
    names the parameter that asks for what comes after a page's `last_id`.
    """

    default: str = ""
    fetch: bool = True
    path: str = "/models"
    auth: bool = True
    key_header: Literal["authorization", "x-api-key"] = "authorization"
    headers: dict[str, str] = {}
    page_param: str = ""
    strip_prefix: str = ""
    filter: ModelFilter = ModelFilter()
    fields: ListFields = ListFields()
    list: tuple[Model, ...] = ()
    replaced: dict[str, str] = {}


class Provider(Quirks):
    """A service that speaks the OpenAI API, with everything we know of it."""

    id: str = ""
    label: str
    base_url: str = ""
    base_url_env: tuple[str, ...] = ()
    kind: Literal["cloud", "local", "embedded", "recorded"] = "cloud"
    lesson: str = ""
    """The lesson that a provider of recordings plays, by the name that its player knows it by."""
    secret: str = ""
    api_key_env: tuple[str, ...] = ()
    api_key: str = ""
    key_prefix: tuple[str, ...] = ()
    key_url: str = ""
    key_steps: dict[str, str] = {}
    free_tier: dict[str, str] = {}
    about: dict[str, str] = {}
    pace: SharedPace = SharedPace()
    daily_budget_usd: float | None = Field(default=None, ge=0)
    """What the operator's key may cost a day, by our estimate and in one process; a visitor's own key may go on."""
    price_id: str = ""
    """Its id in the price catalogue of genai-prices, where that is another one."""
    to_confirm: tuple[str, ...] = ()
    """What only a live key can confirm; the rest is proved on a server that answers as the documentation says."""
    models: ModelList = ModelList()

    @property
    def needs_key(self) -> bool:
        """Whether a request without the visitor's or the operator's key is pointless."""
        return self.kind == "cloud"

    def model(self, model_id: str) -> Model:
        """What we know of a model; an id that we do not know is a model all the same."""
        return next((m for m in self.models.list if m.id == model_id), Model(id=model_id))

    def successor(self, model_id: str) -> str:
        """Follow `replaced` to a living model, or "" when nothing is said."""
        seen = {model_id}
        while (model_id := self.models.replaced.get(model_id, "")) and model_id in self.models.replaced:
            if model_id in seen:
                return ""
            seen.add(model_id)
        return model_id


class ModelRule(Quirks):
    """Quirks of every model whose id matches a regular expression, on any host but `hosts_except`."""

    match: Expression
    hosts: tuple[str, ...] = ()
    hosts_except: tuple[str, ...] = ()

    def applies(self, provider: Provider, model_id: str) -> bool:
        """Whether this rule speaks of the model on the provider."""
        if provider.id in self.hosts_except or (self.hosts and provider.id not in self.hosts):
            return False
        return re.search(self.match, model_id) is not None


class ProvidersFile(Record):
    """All of providers.yaml."""

    version: int = 1
    defaults: Quirks = Quirks()
    providers: dict[str, Provider] = Field(min_length=1)
    model_rules: tuple[ModelRule, ...] = ()

    def __getitem__(self, provider_id: str) -> Provider:
        return self.all[provider_id]

    @cached_property
    def all(self) -> dict[str, Provider]:
        """Every provider by id, in the file's order, with the file's defaults merged in."""
        defaults = self.defaults.model_dump(exclude_unset=True)
        return {
            key: Provider.model_validate(
                NO_KEY.get(p.kind, {}) | merge(defaults, p.model_dump(exclude_unset=True)) | {"id": key}
            )
            for key, p in self.providers.items()
        }

    @cached_property
    def _remembered(self) -> Callable[[str, str], Quirks]:
        """The quirks of our own providers, kept for the models that were asked for last."""
        return lru_cache(maxsize=512)(lambda name, model_id: self._merged(self.all[name], model_id))

    def quirks(self, provider: Provider, model_id: str) -> Quirks:
        """Everything that holds for one model on one provider."""
        if self.all.get(provider.id) is provider:
            return self._remembered(provider.id, model_id)
        return self._merged(provider, model_id)

    def _merged(self, provider: Provider, model_id: str) -> Quirks:
        ours = {*Quirks.model_fields}
        merged = provider.model_dump(exclude_unset=True, include=ours)
        for rule in self.model_rules:
            if rule.applies(provider, model_id):
                merged = merge(merged, rule.model_dump(exclude_unset=True, include=ours))
        return Quirks.model_validate(merged)


def load_providers(path: Path = PROVIDERS_FILE) -> tuple[ProvidersFile | None, tuple[Problem, ...]]:
    """Read a providers file, or say what is wrong with it."""
    return read_file(path, ProvidersFile, max_bytes=MAX_BYTES)


def merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Lay `patch` over `base`: mappings merge, `drop_params` add up, anything else replaces."""
    merged = dict(base)
    for key, value in patch.items():
        known = merged.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(known, value)
        elif key == "drop_params" and known:
            merged[key] = tuple(dict.fromkeys((*known, *value)))
        else:
            merged[key] = value
    return merged
