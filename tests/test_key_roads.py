"""Where a key may go, in whatever order things were chosen; and what a strange answer may cost."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.client import Finish, stream
from playground.failures import failure
from playground.keys import Endpoint, Key, Origin, address, endpoint, find_key, own_endpoint
from playground.line import Line
from playground.live_models import fetch
from playground.messages import Conversation
from playground.providers import Model, Provider, Quirks
from playground.wire import Setup, build_body
from playground.writer import ask
from tests.fake_provider import FakeProvider, Script
from tests.tables import table
from tests.test_wire_faults import finished
from tests.wire_cases import CASES, serving

KEY = "sk-mine-0123456789"
NAMES = ("ann", "ben", "cat")
PROVIDERS = {
    name: Provider(
        id=name,
        label=name,
        base_url=f"https://{name}.example/v1",
        base_url_env=(f"{name.upper()}_URL",) if name == "cat" else (),
        secret=name.title(),
        api_key_env=(f"{name.upper()}_API_KEY",),
        kind="local" if name == "cat" else "cloud",
    )
    for name in NAMES
}
owners = st.sets(st.sampled_from((*NAMES, "openai")))


def keys_of(names: set[str], origin: str) -> dict[str, str]:
    """A key for each name that says whose it is and where it lies."""
    return {name: f"sk-{name}-{origin}-0123456789" for name in names}


@table(
    "url, typed, here, code",
    [
        ("http://localhost:11434/v1", KEY, True, ""),
        ("http://127.0.0.7:1/v1", KEY, True, ""),
        ("http://[::1]:1/v1", KEY, True, ""),
        ("http://192.168.1.5:8000/v1", "", True, ""),
        ("http://192.168.1.5:8000/v1", KEY, True, "plain_http"),
        ("http://model.example/v1", KEY, True, "plain_http"),
        ("http://localhost.example/v1", KEY, True, "plain_http"),
        ("HTTPS://model.example/v1", KEY, True, ""),
        ("http://model.example/v1", "", False, "bad_url"),
        ("https://model.example/v1", KEY, False, ""),
        ("ftp://model.example/v1", "", True, "bad_url"),
    ],
)
def test_a_typed_key_leaves_this_machine_encrypted_or_not_at_all(
    url: str, typed: str, here: bool, code: str
) -> None:
    endpoint = own_endpoint(PROVIDERS["cat"], url, typed, here)
    assert endpoint.fault == code
    if code:
        setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
        told = next(i for i in stream(replace(endpoint, key=KEY), {}, setup.quirks, Line()))
        assert told == Finish("failed", failure(code))
        assert fetch(PROVIDERS["cat"], replace(endpoint, key=KEY), Line()).failure == failure(code)


@table(
    "kind, url, origin, code",
    [
        ("cloud", "http://model.example/v1", "typed", "plain_http"),
        ("cloud", "http://model.example/v1", "secrets", "plain_http"),
        ("cloud", "http://model.example/v1", "environment", "plain_http"),
        ("cloud", "http://127.0.0.1:8000/v1", "secrets", ""),
        ("cloud", "https://model.example/v1", "secrets", ""),
        # A school's own server in its own network, with the operator's key: the operator's choice.
        ("local", "http://192.168.1.5:8000/v1", "environment", ""),
        ("local", "http://192.168.1.5:8000/v1", "typed", "plain_http"),
        ("local", "http://192.168.1.5:8000/v1", "placeholder", ""),
    ],
)
def test_a_providers_address_must_be_encrypted_for_its_key(
    kind: Any, url: str, origin: Origin, code: str
) -> None:
    provider = PROVIDERS["cat"].model_copy(update={"kind": kind, "base_url": url, "base_url_env": ()})
    assert endpoint(provider, Key(KEY, origin), {}).fault == code


@given(owners, owners, owners, st.sampled_from(NAMES), st.booleans(), st.booleans())
def test_a_key_goes_to_its_own_provider_only(
    typed: set[str], shared: set[str], exported: set[str], name: str, own: bool, here: bool
) -> None:
    provider = PROVIDERS[name]
    environ = {f"{one.upper()}_API_KEY": key for one, key in keys_of(exported, "environ").items()}
    environ |= {"OPENAI_BASE_URL": "https://evil.example/v1", "OPENAI_ORG_ID": "org"}
    secrets = {one.title(): key for one, key in keys_of(shared, "secrets").items()}
    given_here = keys_of(typed, "typed").get(name, "")
    if own and provider.kind == "local":
        endpoint = own_endpoint(provider, "https://mine.example/v1", given_here, here)
        assert endpoint.key == given_here, "the operator's key stays at home"
        assert endpoint.public_only is not here
        return
    assert address(provider, environ) == f"https://{name}.example/v1"
    key = find_key(provider, given_here, secrets, environ)
    assert key.value == "" or key.value.startswith(f"sk-{name}-")
    assert (key.origin == "none") is (name not in typed | shared | exported)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


def test_plain_http_to_a_strangers_server_is_refused(fake: FakeProvider) -> None:
    setup = Setup(Provider(id="own", label="Own", kind="local"), Model(id="m"), Quirks())
    endpoint = own_endpoint(setup.provider, "http://model.example/v1", "sk-mine-0123456789", here=False)
    info = finished(ask(setup, Conversation().say("hi"), lambda line: endpoint)).info
    assert info
    assert info.failure
    assert info.failure.code == "bad_url"


def said(fake: FakeProvider, conversation: Conversation) -> Conversation:
    """The conversation with the fake provider's reply to its last question."""
    endpoint = own_endpoint(PROVIDERS["cat"], fake.base_url, "sk-mine-0123456789", here=True)
    setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
    return conversation.answered(finished(ask(setup, conversation, lambda line: endpoint)).message())


def failure_of(conversation: Conversation) -> str | None:
    info = conversation.messages[-1].info
    assert info
    return info.failure.code if info.failure else None


@pytest.mark.parametrize("script", [Script([]), Script([], reasoning=["hmm"]), Script(status=500, body="")])
def test_a_reply_without_text_is_no_turn_for_the_model(fake: FakeProvider, script: Script) -> None:
    fake.script = script
    conversation = said(fake, Conversation().say("one"))
    assert failure_of(conversation)
    setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
    asked = build_body(setup, conversation.say("two")).body["messages"]
    assert asked == [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (Script([], finish_reason="stop"), "empty"),
        (Script([], finish_reason="length"), "only_thinking"),
        (Script([], finish_reason="stop", reasoning=["hmm"]), "only_thinking"),
        (
            Script(
                [],
                usage={
                    "prompt_tokens": 9,
                    "completion_tokens": 800,
                    "completion_tokens_details": {"reasoning_tokens": 800},
                },
            ),
            "only_thinking",
        ),
        (Script([], finish_reason="tool_calls"), "tool_call"),
    ],
)
def test_why_a_reply_is_empty(fake: FakeProvider, script: Script, code: str) -> None:
    """Some think where nobody sees it; what was spent on it is counted all the same."""
    fake.script = script
    conversation = said(fake, Conversation().say("hi"))
    assert failure_of(conversation) == code
    info = conversation.messages[-1].info
    assert info
    assert info.usage.completion_tokens is not None


@pytest.mark.parametrize("size", [1, 7, 200])
@pytest.mark.parametrize(
    ("key", "shown"), [(KEY, "sk-…6789"), ("operators-own-0123456789", "ope…6789"), ("ollama", "ollama")]
)
def test_a_reply_that_quotes_the_key_does_not_show_it(
    fake: FakeProvider, key: str, shown: str, size: int
) -> None:
    """However it is cut; and what stands for no key is a word that a reply may say."""
    told = f"The key {key}{key} is spent, {key[:5]} and {key}"
    pieces = [told[at : at + size] for at in range(0, len(told), size)]
    fake.script = Script([*pieces, key[:4]], reasoning=pieces)
    setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
    reply = finished(ask(setup, Conversation().say("hi"), lambda line: Endpoint(fake.base_url, key)))
    hidden = f"The key {shown}{shown} is spent, {key[:5]} and {shown}"
    assert (reply.text, reply.reasoning) == (hidden + key[:4], hidden)


def test_a_huge_error_is_not_read() -> None:
    with serving(CASES["status_500_50MB"]) as served:
        endpoint = own_endpoint(PROVIDERS["cat"], served.base_url, "sk-mine-0123456789", here=True)
        setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
        conversation = Conversation().say("hi")
        finished(ask(setup, conversation, lambda line: endpoint))  # what is imported is not what it costs
        tracemalloc.start()
        try:
            finished(ask(setup, conversation, lambda line: endpoint))
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 10_000_000


def test_an_endless_reply_is_hung_up_on() -> None:
    with serving(CASES["endless_text"], patience=1e6) as served:
        endpoint = own_endpoint(PROVIDERS["cat"], served.base_url, "sk-mine-0123456789", here=True)
        setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
        reply = finished(ask(setup, Conversation().say("hi"), lambda line: endpoint))
        assert len(reply.text) == 64 * 1024
        assert served.chats[0].gone.wait(10)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("conn_refused", "127.0.0.1"),
        ("dns_failure", "no-such-host.invalid"),
        ("tls_self_signed", "127.0.0.1"),
    ],
)
def test_what_cannot_be_reached_is_named(name: str, host: str) -> None:
    with serving(CASES[name]) as served:
        endpoint = Endpoint(served.base_url, "sk-mine-0123456789")
        setup = Setup(PROVIDERS["cat"], Model(id="m"), Quirks())
        info = finished(ask(setup, Conversation().say("hi"), lambda line: endpoint)).info
    assert info
    assert info.failure
    assert info.failure.detail.startswith(f"{host}: ")
