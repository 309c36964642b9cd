"""A visitor's own server: only where it is allowed, never with the operator's key, never into a private network."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace

import httpcore2
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from playground import writer
from playground.gate import refuse_private
from playground.i18n import translator
from playground.keys import own_endpoint
from playground.line import Line, Private
from playground.live_models import fetch
from playground.messages import Conversation
from playground.providers import Model, Provider, Quirks
from playground.wire import Setup
from tests.fake_provider import FakeProvider
from tests.tables import table
from tests.test_pages import Opened, ask, folder, opened, said
from tests.test_wire_faults import finished
from tests.wire_cases import LOOPBACK_SPELLINGS
from ui.session import is_here

__all__ = ["folder", "opened"]

LOCAL = Provider(id="own", label="Own", kind="local", api_key="placeholder")
PRIVATE = (
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "::1",
)
PRIVATE += (
    "fd00::1",
    "fe80::1",
    "fec0::1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "2002:7f00:1::",
    "64:ff9b::a00:1",
)


def lookup(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> None:
    def answer(host: str, port: int, **more: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


@pytest.mark.parametrize("number", PRIVATE)
def test_names_of_private_places(number: str) -> None:
    with pytest.raises(Private):
        refuse_private("model.example", ["8.8.8.8", number])


def test_names_of_public_places() -> None:
    refuse_private("model.example", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])


def test_a_name_that_changes_its_mind_is_never_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was examined is what is connected to; between the two nobody asks for the name again."""
    reached: list[str] = []

    def connect(backend: object, host: str, *rest: object) -> None:
        lookup(monkeypatch, "127.0.0.1")
        reached.append(host)
        raise httpcore2.ConnectError

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", connect)
    lookup(monkeypatch, "8.8.8.8")
    endpoint = own_endpoint(LOCAL, "https://model.example/v1", "", here=False)
    codes = [failure.code for _ in range(2) if (failure := fetch(LOCAL, endpoint, Line()).failure)]
    assert codes == ["unreachable", "private_address"]
    assert reached == ["8.8.8.8"]


def code_for(url: str, here: bool) -> tuple[str | None, str]:
    endpoint = own_endpoint(LOCAL, url, "", here)
    setup = Setup(LOCAL, Model(id="m"), Quirks.model_validate({"timeout": {"connect": 1, "first_byte": 2}}))
    reply = finished(writer.ask(setup, Conversation().say("hi"), lambda line: endpoint))
    assert reply.info is not None
    return (reply.info.failure.code if reply.info.failure else None), reply.text


@table("host", LOOPBACK_SPELLINGS)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with FakeProvider() as server:
        for scheme in ("http", "https"):
            code, _ = code_for(f"{scheme}://{host}:{server.port}/v1", here=False)
            assert code in ("private_address", "bad_url", "dns", "unreachable"), (scheme, host, code)
        assert server.requests == []
        assert server.connections == 0


def test_at_this_machine_it_works() -> None:
    with FakeProvider() as server:
        assert code_for(server.base_url, here=True) == (None, "You asked: hi")
        assert server.chats[0].authorization == "Bearer placeholder"


def test_only_the_visitors_own_key_goes_there() -> None:
    shared = Provider(id="own", label="Own", kind="local", secret="Own", api_key_env=("OWN_KEY",))
    assert own_endpoint(shared, "https://x.example/v1", "", False).key == ""
    assert own_endpoint(shared, "https://x.example/v1", " mine ", False).key == "mine"


HERE = "http://localhost:8501"


@pytest.mark.parametrize(
    ("url", "peer", "headers", "here"),
    [
        (HERE, None, {}, True),
        (HERE, "127.0.0.1", {"Host": "localhost:8501"}, True),
        ("https://class.example", None, {}, False),
        (HERE, "203.0.113.9", {}, False),
        (HERE, None, {"X-Forwarded-For": "203.0.113.9"}, False),
        (HERE, None, {"Via": "1.1 proxy"}, False),
        (None, None, {}, False),
    ],
)
def test_who_sits_at_this_machine(
    monkeypatch: pytest.MonkeyPatch, url: str | None, peer: str | None, headers: dict[str, str], here: bool
) -> None:
    context = SimpleNamespace(url=url, ip_address=peer, headers=headers)
    monkeypatch.setattr("ui.session.st", SimpleNamespace(context=context))
    assert is_here() is here


def told(test: AppTest) -> str:
    return "\n".join(box.value for box in test.main.warning)


def test_where_the_operator_allows_it_a_visitor_names_public_servers_only(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYGROUND_OWN_SERVERS", "1")
    test = opened()
    with FakeProvider() as private:
        for url in (private.base_url, f"https://localhost:{private.port}/v1"):
            test.text_input(key="base_url").set_value(url).run()
            ask(test, "Hello?")
        assert private.connections == 0
    assert "is not a valid one" in told(test)
    assert "This address leads into a private network." in told(test)
    test.selectbox(key="provider").set_value("keyed").run()
    assert not any(box.key == "base_url" for box in test.sidebar.text_input)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://[::1/v1", "http://h:99999/v1", "a b", "\u65e5\u672c"]
)
def test_what_is_no_address_is_told_at_once(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PLAYGROUND_OWN_SERVERS", "1")
    test = opened().text_input(key="base_url").set_value(url).run()
    assert not test.exception
    assert [box.value for box in test.sidebar.warning] == [translator("en")("sidebar.address_wrong")]
    assert not test.text_input(key="base_url").set_value("https://localhost:1/v1").run().sidebar.warning


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_a_server_whose_model_nobody_chose_is_not_asked(
    opened: Opened, tmp_path: Path, provider: FakeProvider, language: str
) -> None:
    file = tmp_path / "providers.yaml"
    room = yaml.safe_load(file.read_text("utf-8"))
    room["providers"]["bare"] = {"label": "Bare", "kind": "local", "base_url": provider.base_url}
    file.write_text(yaml.safe_dump(room), "utf-8")
    test = ask(opened(provider="bare", lang=language), "Hello?")
    assert translator(language)("failure.no_model.what", provider="Bare") in told(test)
    assert provider.chats == []
    test.selectbox(key="model").set_value("fake-small").run().button(key="again").click().run()
    assert said(test)[-1] == "You asked: Hello?"
