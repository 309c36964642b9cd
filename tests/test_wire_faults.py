"""Every fault on the wire, through the whole path of a turn below the screen: what is kept, what is said of it."""

from __future__ import annotations

import pytest

from playground.gate import gate
from playground.keys import Endpoint, clean_key, tidy_url
from playground.messages import Conversation
from playground.providers import Model, Provider, ProvidersFile, load_providers
from playground.reply import Reply
from playground.wire import Setup
from playground.writer import ask
from tests.wire_cases import CASES, Case, serving

KINDS = {"unconfirmed": "incomplete", "failed": "failure", "stopped": "stopped"}
PATIENT = {"connect": 1.0, "first_byte": 1.5, "between": 0.8, "whole": 3.0}
"""Seconds for what takes 5 to 120 in earnest."""


@pytest.fixture(scope="module")
def providers() -> ProvidersFile:
    found, _ = load_providers()
    assert found
    return found


def setup_for(providers: ProvidersFile, **patience: float) -> Setup:
    known = providers.defaults.model_dump(exclude_unset=True)
    provider = Provider.model_validate(known | {"id": "fake", "label": "Fake"})
    quirks = providers.quirks(provider, "fake-small")
    quirks = quirks.model_copy(update={"timeout": quirks.timeout.model_copy(update=PATIENT | patience)})
    return Setup(provider, Model(id="fake-small"), quirks)


def finished(reply: Reply, seconds: float = 15) -> Reply:
    """Watch a reply to its end; the limit only keeps a broken test from hanging."""
    version = -1
    for _ in range(int(seconds / 0.05)):
        if reply.done:
            return reply
        version = reply.watch(version, 0.05)
    pytest.fail("the reply never ended")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_fault(case: Case, providers: ProvidersFile, monkeypatch: pytest.MonkeyPatch) -> None:
    if not case.stream:
        pytest.skip("an answer to a request that this app never makes")
    with serving(case) as served:
        if served.ca_file:
            monkeypatch.setenv("SSL_CERT_FILE", served.ca_file)
            gate.cache_clear()
        endpoint = Endpoint(tidy_url(served.base_url), clean_key(served.api_key or ""))
        # Megabytes take their time on a busy machine, and no deadline is what ends them.
        patience = {"between": 10.0, "whole": 20.0} if case.expect_code == "too_big" else {}
        reply = ask(setup_for(providers, **patience), Conversation().say("hi"), lambda line: endpoint)
        if case.expect_kind == "stopped":
            reply.watch(0, 2)
            reply.stop()
        finished(reply)
        assert reply.info is not None
        code = reply.info.failure.code if reply.info.failure else None
        kind = KINDS.get(reply.info.ended, "ok")
        requests = len(served.chats)
        assert case.accepts(kind, reply.text, code, requests, reply.info.ended), (
            f"{kind} {code} {reply.info.ended} {requests} requests, text {reply.text[:80]!r}; right: {case.outcomes}"
        )
        assert not served.leaked()
        assert served.other is None or not served.other.requests
        if reply.info.failure and served.api_key and len(served.api_key) > 8:
            assert served.api_key not in reply.info.failure.detail
    if served.ca_file:
        gate.cache_clear()
