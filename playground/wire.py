"""Builds the request body of one turn, every quirk obeyed, with no network.

The order of messages is: system prompt, greeting (really the first assistant message), examples, what was said,
reminder. The keys of a body stand as they leave: model, stream, messages, then the rest. Whatever a quirk changed is
told in `Request.notes`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from playground.messages import Conversation, Message
from playground.personas import Persona
from playground.providers import Model, Provider, Quirks, merge

DEFAULT_MAX_TOKENS = 800

_WIDE = re.compile("[\u2e80-\U0010ffff]")

UNSWITCHED = 4096
"""Tokens of a reply, at least, where a model would not have its thinking switched off."""


@dataclass(frozen=True, slots=True)
class Leave:
    """What is left out of a request, to see what becomes of the reply without it."""

    system_prompt: bool = False
    greeting: bool = False
    history: bool = False
    """What was said before the question."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Who answers: a persona (or none) on a provider's model, with the visitor's settings."""

    provider: Provider
    model: Model
    quirks: Quirks
    persona: Persona | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    refused: frozenset[str] = frozenset()
    """Parameters that this model has refused before, which are not sent again."""
    leave: Leave = Leave()


class Note(NamedTuple):
    """What became of something we would have sent: "renamed", "dropped", "refused", "clamped", "added", "moved",
    "merged", "raised", "trimmed" or "left_out"."""

    code: str
    what: str
    now: str = ""


class Request(NamedTuple):
    """The JSON body to post, and what a quirk changed on the way.

    `origins` tells of each message what went into it: "system_prompt", "greeting", "example", "history" (with the
    question) or "reminder".
    """

    body: dict[str, Any]
    notes: tuple[Note, ...]
    origins: tuple[tuple[str, ...], ...] = ()


class Line(NamedTuple):
    """A message on its way out, with where it comes from, and what else was put into it."""

    origin: str
    role: str
    content: str
    also: tuple[str, ...] = ()

    def taking(self, content: str, *origins: str) -> Line:
        """The same with something more in it."""
        return self._replace(content=f"{self.content}\n\n{content}", also=(*self.also, *origins))


def build_body(setup: Setup, conversation: Conversation) -> Request:
    """Give the body that asks `setup` to answer the conversation's last question."""
    notes: list[Note] = []
    params = _params(setup, notes)
    budget = _prompt_budget(setup, params)
    lines = _without(_lines(setup.persona, conversation.messages), setup.leave, notes)
    lines = _trim(lines, budget, notes)
    lines = _ordered(lines, setup.quirks, notes)
    body: dict[str, Any] = {
        "model": setup.model.id,
        "stream": True,
        "messages": [{"role": line.role, "content": line.content} for line in lines],
    }
    origins = tuple(tuple(dict.fromkeys((line.origin, *line.also))) for line in lines)
    return Request(merge(body, params), tuple(notes), origins)


def estimate_tokens(text: str) -> int:
    """Guess how many tokens a text has: about four Latin letters each, one and a half for a Chinese character."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return int((len(text) - wide) / 4 + wide * 1.5) + 1


def _lines(persona: Persona | None, messages: tuple[Message, ...]) -> list[Line]:
    lines: list[Line] = []
    if persona:
        lines.append(Line("system_prompt", "system", persona.system_prompt.strip()))
    said = list(messages)
    while said and said[0].role == "assistant":
        lines.append(Line("greeting", "assistant", said.pop(0).content))
    for example in persona.examples if persona else ():
        lines.append(Line("example", "user", example.user.strip()))
        lines.append(Line("example", "assistant", example.assistant.strip()))
    lines += [Line("history", m.role, m.content) for m in said]
    if persona and persona.reminder.strip():
        lines.append(Line("reminder", "system", persona.reminder.strip()))
    return [line for line in lines if line.content.strip()]


def _without(lines: list[Line], leave: Leave, notes: list[Note]) -> list[Line]:
    """The lines without what is to be left out; the question stays."""
    question = max((i for i, line in enumerate(lines) if line.origin == "history"), default=-1)
    unwanted = {name for name in ("system_prompt", "greeting", "history") if getattr(leave, name)}
    dropped = [i for i, line in enumerate(lines) if line.origin in unwanted and i != question]
    for origin in dict.fromkeys(lines[i].origin for i in dropped):
        notes.append(Note("left_out", origin, str(sum(lines[i].origin == origin for i in dropped))))
    return [line for i, line in enumerate(lines) if i not in dropped]


def _ordered(lines: list[Line], quirks: Quirks, notes: list[Note]) -> list[Line]:
    rules = quirks.messages
    if rules.first_role == "user":
        lines = _greeting_moved(lines, quirks, notes)
    if lines and lines[-1].origin == "reminder" and (rules.last_role == "user" or rules.alternate):
        reminder = lines.pop()
        if lines and lines[-1].role == "user":
            lines[-1] = lines[-1].taking(f"({reminder.content})", "reminder")
            notes.append(Note("moved", "reminder", "question"))
    if quirks.system_role == "developer" and any(line.role == "system" for line in lines):
        lines = [line._replace(role="developer") if line.role == "system" else line for line in lines]
        notes.append(Note("renamed", "system", "developer"))
    elif quirks.system_role == "user" and lines and lines[0].role == "system":
        lines[0] = lines[0]._replace(role="user")
        notes.append(Note("moved", "system_prompt", "question"))
    return _merged(lines, notes) if rules.alternate or quirks.system_role == "user" else lines


def _greeting_moved(lines: list[Line], quirks: Quirks, notes: list[Note]) -> list[Line]:
    greeting = "\n\n".join(line.content for line in lines if line.origin == "greeting")
    if not greeting:
        return lines
    notes.append(Note("moved", "greeting", quirks.greeting))
    if quirks.greeting == "as_user_lead":
        first = next(i for i, line in enumerate(lines) if line.origin == "greeting")
        return [*lines[:first], Line("greeting", "user", "…"), *lines[first:]]
    rest = [line for line in lines if line.origin != "greeting"]
    if quirks.greeting == "in_system" and rest and rest[0].role == "system":
        rest[0] = rest[0].taking(f"You opened with:\n{greeting}", "greeting")
    elif quirks.greeting == "in_system":
        rest.insert(0, Line("greeting", "system", f"You opened with:\n{greeting}"))
    return rest


def _merged(lines: list[Line], notes: list[Note]) -> list[Line]:
    merged: list[Line] = []
    for line in lines:
        if merged and merged[-1].role == line.role:
            merged[-1] = merged[-1].taking(line.content, line.origin, *line.also)
            notes.append(Note("merged", line.origin))
        else:
            merged.append(line)
    return merged


def _params(setup: Setup, notes: list[Note]) -> dict[str, Any]:
    quirks, persona = setup.quirks, setup.persona
    wanted: dict[str, Any] = {
        "temperature": setup.temperature
        if setup.temperature is not None
        else persona and persona.temperature,
        "top_p": persona and persona.top_p,
        "max_tokens": setup.max_tokens or (persona and persona.max_tokens) or DEFAULT_MAX_TOKENS,
    }
    if quirks.stream_usage == "request":
        wanted["stream_options"] = {"include_usage": True}
    params: dict[str, Any] = {}
    for name, value in wanted.items():
        if value is None:
            continue
        theirs = quirks.max_tokens_field if name == "max_tokens" else quirks.param_mappings.get(name, name)
        is_refused = not setup.refused.isdisjoint((name, theirs))
        if is_refused or name in quirks.drop_params:
            if name != "stream_options":
                notes.append(Note("refused" if is_refused else "dropped", name))
            continue
        if theirs != name:
            notes.append(Note("renamed", name, theirs))
        params[theirs] = _clamped(name, value, quirks, notes)
    if setup.model.reasoning or quirks.reasoning.off:
        params = _allow_thinking(setup, params, notes)
    return _with(params, quirks.add_params, setup.refused, notes)


def _with(
    params: dict[str, Any], added: dict[str, Any], refused: frozenset[str], notes: list[Note]
) -> dict[str, Any]:
    for name in added:
        notes.append(Note("refused" if name in refused else "added", name))
    return merge(params, {k: v for k, v in added.items() if k not in refused})


def _clamped(name: str, value: Any, quirks: Quirks, notes: list[Note]) -> Any:
    if name not in quirks.constraints:
        return value
    low, high = quirks.constraints[name]
    clamped = min(max(value, low), high)
    if clamped != value:
        notes.append(Note("clamped", name, f"{clamped:g}"))
    return clamped


def _allow_thinking(setup: Setup, params: dict[str, Any], notes: list[Note]) -> dict[str, Any]:
    """Ask for as little thinking as the model can do with, and leave room for what it does all the same."""
    thinking, field = setup.quirks.reasoning, setup.quirks.max_tokens_field
    params = _with(params, thinking.off, setup.refused, notes)
    least = thinking.min_output_tokens
    if not setup.refused.isdisjoint(thinking.off):
        least = max(least, UNSWITCHED)
    if params.get(field, least) < least:
        params[field] = least
        notes.append(Note("raised", field, str(least)))
    return params


def _prompt_budget(setup: Setup, params: dict[str, Any]) -> int | None:
    if not setup.model.context:
        return None
    reply = params.get(setup.quirks.max_tokens_field, DEFAULT_MAX_TOKENS)
    return max(int((setup.model.context - reply) * 0.9), 64)


def _trim(lines: list[Line], budget: int | None, notes: list[Note]) -> list[Line]:
    """Leave out the oldest of what was said until the estimate fits; the question itself always stays."""
    if budget is None:
        return lines
    sizes = [estimate_tokens(line.content) + 4 for line in lines]
    excess = sum(sizes) - budget
    history = [i for i, line in enumerate(lines) if line.origin == "history"]
    dropped: set[int] = set()
    for index in history[:-1]:
        # A trimmed history starts with a question again, as an untrimmed one does.
        if excess <= 0 and lines[index].role == "user":
            break
        dropped.add(index)
        excess -= sizes[index]
    if sum(sizes) <= budget or not dropped:
        return lines
    notes.append(Note("trimmed", "history", str(len(dropped))))
    return [line for i, line in enumerate(lines) if i not in dropped]


def without(setup: Setup, param: str) -> Setup:
    """The same setup with one more parameter known to be refused."""
    return replace(setup, refused=setup.refused | {param})
