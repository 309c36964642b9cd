"""Where a reply comes from: a provider's address with its key, or a model that has to be fetched and started first."""

from __future__ import annotations

from playground import embedded, failures
from playground.keys import Endpoint
from playground.line import Cut, Line
from playground.providers import Model, Provider
from playground.writer import Source, Unavailable


def source_for(provider: Provider, model: Model, endpoint: Endpoint) -> Source:
    """The source of a model's replies; `endpoint` binds a key to its provider's own address."""
    if provider.kind == "recorded":
        return lambda line: _recording(provider.lesson, model)
    if provider.kind != "embedded":
        return lambda line: endpoint
    weights = _weights(model)
    return lambda line: _served(weights, line)


def readiness(model: Model) -> embedded.State | None:
    """How far a model that this app runs itself is; None for any other. Never waits."""
    weights = _weights(model)
    return embedded.state(weights) if weights else None


def _recording(lesson: str, model: Model) -> Endpoint:
    if not model.id:
        # Its file cannot be read; there is nothing that one could choose.
        raise Unavailable(failures.failure("not_recorded"))
    # A server takes a moment to import: not before the first paint.
    from playground import recorded

    return recorded.serve(lesson)


def _served(weights: embedded.Weights | None, line: Line) -> Endpoint:
    if weights is None:
        raise Unavailable(failures.failure("model_gone"))
    try:
        served = embedded.serve(weights, stop=lambda: line.is_cut)
    except embedded.EmbeddedError as error:
        if line.is_cut:
            raise Cut from error
        raise Unavailable(failures.failure(error.code, detail=error.detail)) from error
    return Endpoint(served.base_url, served.api_key)


def _weights(model: Model) -> embedded.Weights | None:
    """What providers.yaml says of a model's file, as the engine wants it."""
    file = model.weights
    if file is None:
        return None
    source: embedded.Wheel | embedded.Hub
    if file.wheel:
        source = embedded.Wheel(**file.wheel.model_dump())
    elif file.hub:
        source = embedded.Hub(**file.hub.model_dump())
    else:
        return None
    return embedded.Weights(model.id, file.file, file.size, file.sha256 or "", source, file.n_ctx)
