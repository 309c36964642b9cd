"""Looks at every provider the way a chat does: its key, its models, one tiny reply, what is left of its quota.

Gives plain records in codes, for a page as well as for the command line.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from playground import failures
from playground.catalogue import merge_live
from playground.client import Finish, prepare, stream
from playground.keys import Endpoint, Key, clean_key, find_key, mask, well_formed
from playground.keys import endpoint as endpoint_of
from playground.line import Cut, Line
from playground.live_models import fetch
from playground.messages import Conversation, Failure
from playground.providers import Model, Provider, ProvidersFile
from playground.reply import Reply
from playground.sources import source_for
from playground.usage import quota
from playground.wire import Setup, build_body, without
from playground.writer import Turn, Unavailable

log = logging.getLogger(__name__)

QUESTION = Conversation().say("Say hello.")
MAX_TOKENS = 16
LIST_SECONDS = 10.0
AT_ONCE = 8
TRIES = 4
"""Requests for one reply: a parameter that is refused is left out of the next."""

State = Literal["good", "warned", "failed", "skipped", "not_running"]
Slots = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at; `slots` fill the words `doctor.<name>.<code>`, or those of the failure."""

    name: Literal["key", "models", "reply", "quota"]
    state: State
    code: str
    slots: Slots = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found at one provider: "good" means that it replies; no key is in it, but masked."""

    provider: str
    label: str
    address: str
    state: State
    steps: tuple[Step, ...]


class Keyring(NamedTuple):
    """Where keys are looked for: what a visitor typed for a provider, the secrets, the environment."""

    typed: Mapping[str, str]
    secrets: Mapping[str, Any]
    environ: Mapping[str, str]


def examine(
    providers: ProvidersFile,
    provider: Provider,
    keyring: Keyring,
    line: Line,
    clock: Callable[[], float] = time.time,
    own: Endpoint | None = None,
    turn: Turn | None = None,
) -> Diagnosis:
    """Look at one provider, at the cost of one reply of MAX_TOKENS tokens, or of the least that its model needs.

    Takes as long as the provider's deadlines allow; raises only Cut, when somebody cut the line. `clock` gives Unix
    time. A model that this app runs itself is fetched and started. `own` is a server that the visitor named. With
    `turn` the reply waits among those who share the key, and is paid from their budget.
    """
    key = find_key(provider, keyring.typed.get(provider.id, ""), keyring.secrets, keyring.environ)
    if own:
        key = Key(own.key, "typed" if own.secret else "placeholder")
    endpoint = own or endpoint_of(provider, key, keyring.environ)
    steps = [_look_for_key(provider, key, keyring)]
    try:
        if steps[0].state == "good":
            steps += _ask(providers, provider, endpoint, line, clock, turn)
    except Unavailable as error:
        steps.append(_failed("reply", provider, provider.models.default, error.failure))
    except Cut:
        if not (turn and turn.classroom and turn.classroom.stopped):
            raise
        stopped = failures.failure("class_stopped")
        steps.append(_failed("reply", provider, provider.models.default, stopped))
    where = "" if provider.kind == "embedded" else endpoint.base_url
    return Diagnosis(provider.id, provider.label, where, _verdict(steps), tuple(steps))


def examine_all(
    providers: ProvidersFile, ids: Sequence[str], keyring: Keyring, clock: Callable[[], float] = time.time
) -> Iterator[Diagnosis]:
    """Look at several providers at the same time, and give what was found in their order; closing it ends the work."""
    lines = {name: Line(providers[name].timeout.connect) for name in ids}

    def one(name: str) -> Diagnosis:
        provider = providers[name]
        try:
            return examine(providers, provider, keyring, lines[name], clock)
        except Cut:
            raise
        except Exception as error:
            # The boundary: one provider's oddity does not hide the others.
            log.error("the examination of %s failed: %s", name, type(error).__name__)
            fault = failures.failure("internal", detail=type(error).__name__)
            return Diagnosis(name, provider.label, "", "failed", (_failed("reply", provider, "", fault),))

    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="doctor")
    try:
        yield from pool.map(one, lines)
    finally:
        for line in lines.values():
            line.cut()
        pool.shutdown(wait=False, cancel_futures=True)


def _verdict(steps: Sequence[Step]) -> State:
    grave: tuple[State, ...] = ("failed", "not_running", "skipped")
    return next((state for state in grave if any(step.state == state for step in steps)), "good")


def _look_for_key(provider: Provider, key: Key, keyring: Keyring) -> Step:
    if key.origin == "placeholder" or (key.origin == "none" and not provider.needs_key):
        return Step("key", "good", "placeholder")
    if key.origin == "none":
        name = next(iter(provider.api_key_env), provider.secret)
        return Step("key", "skipped", "none", {"url": provider.key_url, "name": name})
    names: Mapping[str, Any] = {"secrets": keyring.secrets, "environment": keyring.environ}.get(
        key.origin, {}
    )
    told = (
        n for n in (provider.secret, *provider.api_key_env) if clean_key(str(names.get(n, ""))) == key.value
    )
    if not well_formed(key.value):
        return _failed("key", provider, "", failures.failure("bad_key_format"))
    masked = mask(key.value, key.value) if len(key.value) >= 12 else "…"
    return Step("key", "good", key.origin, {"masked": masked, "name": next(told, "")})


def _ask(
    providers: ProvidersFile,
    provider: Provider,
    endpoint: Endpoint,
    line: Line,
    clock: Callable[[], float],
    turn: Turn | None,
) -> Iterator[Step]:
    model = provider.model(provider.models.default)
    endpoint = source_for(provider, model, endpoint)(line)
    step, model = _list(provider, endpoint, model, line, clock)
    yield step
    if step.state in ("not_running", "failed") or not model.id:
        return
    reply, headers = _reply(providers, provider, endpoint, model, line, clock, turn)
    yield reply
    left = quota(headers, clock())
    if left.told:
        counts = {"requests": left.requests_left, "tokens": left.tokens_left, "seconds": left.reset_seconds}
        state: State = "warned" if 0 in (left.requests_left, left.tokens_left) else "good"
        yield Step("quota", state, "left", {name: n for name, n in counts.items() if n is not None})


def _list(
    provider: Provider, endpoint: Endpoint, model: Model, line: Line, clock: Callable[[], float]
) -> tuple[Step, Model]:
    """What the list says, and the model to talk to: our default, or the first of theirs where we have none."""
    if not provider.models.fetch or provider.kind == "embedded":
        return Step("models", "good", "curated", {"count": len(provider.models.list)}), model
    fetched = fetch(provider, endpoint, line, LIST_SECONDS, clock)
    if fetched.failure:
        return _failed(
            "models", provider, model.id, fetched.failure, "warned" if model.id else "failed"
        ), model
    offers, left_out = merge_live(provider, fetched.rows)
    alive = [offer for offer in offers if offer.standing in ("listed", "found")]
    if not alive:
        return Step("models", "warned" if model.id else "failed", "empty"), model
    model = model if model.id else alive[0].model
    offer = next((o for o in alive if o.model.id == model.id), None)
    count: Slots = {"count": len(alive) + left_out, "model": model.id}
    if offer is None:
        successor = provider.successor(model.id) or alive[0].model.id
        return Step("models", "warned", "missing", {**count, "successor": successor}), model
    if offer.leaving(datetime.fromtimestamp(clock(), UTC).date()):
        return Step("models", "warned", "retiring", {**count, "date": offer.retires}), model
    return Step("models", "good", "listed", count), model


def _reply(
    providers: ProvidersFile,
    provider: Provider,
    endpoint: Endpoint,
    model: Model,
    line: Line,
    clock: Callable[[], float],
    turn: Turn | None,
) -> tuple[Step, Mapping[str, str]]:
    prepare()
    setup = Setup(provider, model, providers.quirks(provider, model.id), max_tokens=MAX_TOKENS)
    finish = Finish("failed")
    begun = first = 0.0
    for _ in range(TRIES):
        with _in_turn(turn, setup, line) as reply:
            reply.request = build_body(setup, QUESTION)
            begun, first = clock(), 0.0
            for item in stream(endpoint, reply.request.body, setup.quirks, line, clock):
                if isinstance(item, Finish):
                    finish = item
                elif not first:
                    first = clock()
            reply.end(finish.ended, finish.failure, finish.usage, quota(finish.headers or {}, clock()))
        if not finish.refused or finish.refused in setup.refused:
            break
        setup = without(setup, finish.refused)
    headers = finish.headers or {}
    if finish.failure is None:
        seconds = {"first": round((first or clock()) - begun, 2), "seconds": round(clock() - begun, 2)}
        return Step("reply", "good", "answered", {"model": model.id, **seconds}), headers
    # It thinks and says so: key, model and address are right, only sixteen tokens were too few.
    state: State = "warned" if finish.failure.code == "only_thinking" else "failed"
    return _failed("reply", provider, model.id, finish.failure, state), headers


@contextmanager
def _in_turn(turn: Turn | None, setup: Setup, line: Line) -> Iterator[Reply]:
    """A reply that takes its place in the queue, and is entered in the class's books; raises Unavailable and Cut."""
    reply = Reply(setup, line, lambda message: None, time.monotonic)
    if turn is None:
        yield reply
        return
    if turn.classroom and (code := turn.classroom.begin(reply, QUESTION, turn.shared)):
        raise Unavailable(failures.failure(code))
    try:
        with turn.limits.admit(turn.lane, turn.pace, turn.visitor) as ticket:
            if not ticket.wait(lambda: line.is_cut):
                raise Cut
            yield reply
    finally:
        reply.end("stopped")
        if turn.classroom:
            turn.classroom.end(reply, turn.shared)


def _failed(
    name: Literal["key", "models", "reply"],
    provider: Provider,
    model_id: str,
    fault: Failure,
    state: State = "failed",
) -> Step:
    if provider.kind == "local" and fault.code in ("unreachable", "dns"):
        state = "not_running"
    slots: Slots = {"provider": provider.label, "model": model_id}
    slots["successor"] = provider.successor(model_id)
    return Step(name, state, fault.code, slots, fault)
