"""A key that is like nothing else is looked for wherever it could have come: it is nowhere but in its field."""

from __future__ import annotations

import argparse
import gc
import io
import json
import logging
import os
import socket
import sys
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml
from streamlit.testing.v1 import AppTest

from playground import doctor, failures
from tests.fake_connection import Connection, Request
from tests.fake_provider import FakeProvider, Script, api_error
from tests.test_pages import Opened, ask, folder, opened, said
from tests.wire_behaviours import H, sse
from ui.page import PAGES

__all__ = ["folder", "opened"]

KEY = "sk-SENTINEL-0123456789abcdef"
NOWHERE = "no-such-host.invalid"


def elements(node: Any) -> Iterator[Any]:
    """Everything that a page sends to the browser."""
    yield node
    for child in getattr(node, "children", {}).values():
        yield from elements(child)


def holders(test: AppTest) -> list[str]:
    """The kinds of the elements that hold the key, escaped or not; and the address counts as one."""
    shown = [one for one in elements(test._tree) if KEY in str(getattr(one, "proto", "")).replace("\\", "")]
    kinds = [f"{one.type} {getattr(one, 'key', '')}" for one in shown if one.type != "root"]
    return kinds + ["address"] * (KEY in str(dict(test.query_params)))


def unpacked(file: bytes | str) -> list[bytes]:
    """A file for the visitor's disk, and what is in it if it is a zip."""
    raw = file.encode() if isinstance(file, str) else file
    if not raw.startswith(b"PK"):
        return [raw]
    with ZipFile(io.BytesIO(raw)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def echo_in_location(connection: Connection, request: Request) -> None:
    connection.reply(307, "", {"location": f"http://{NOWHERE}/?key={KEY}"})


def event_of(error: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(error)}\n\n".encode()


ECHO = api_error(f"Incorrect API key provided: {KEY}", code="invalid_api_key")
FAULTS: dict[str, Any] = {
    "refused with an echo": Script(status=401, body=ECHO),
    "broken with an echo": Script(status=500, body=f"<html><b>{KEY}</b></html>"),
    "limited with an echo": Script(status=429, body=api_error(f"Bearer {KEY} is too fast")),
    "an echo in a header": echo_in_location,
    "an echo in a stream": sse(H, event_of(ECHO)),
    "text in a stream": sse(H, f"oops {KEY}".encode()),
    "a reply": Script(["All ", "well."]),
}


@pytest.fixture
def told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """Logs at their most talkative, output, and every exception of a request with the locals of its frames."""
    caplog.set_level(logging.DEBUG)
    traces: list[str] = []

    def noted(make: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            if error := sys.exception() if sys.version_info >= (3, 11) else sys.exc_info()[1]:
                traces.extend(
                    traceback.TracebackException.from_exception(error, capture_locals=True).format()
                )
            return make(*args, **more)

        return wrapped

    for name in ("from_response", "from_exception"):
        monkeypatch.setattr(failures, name, noted(getattr(failures, name)))

    def everything() -> str:
        assert len(traces) > 10
        assert "DEBUG" in caplog.text
        return "\n".join((*capfd.readouterr(), caplog.text, *traces))

    return everything


@pytest.fixture
def room(folder: Path, tmp_path: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The room of the other tests, with a service beyond an address that does not exist."""
    file, real = tmp_path / "providers.yaml", socket.getaddrinfo
    providers = yaml.safe_load(file.read_text("utf-8"))
    lost = {"label": "Lost", "base_url": f"http://{NOWHERE}/v1", "api_key_env": ["LOST_API_KEY"]}
    providers["providers"]["lost"] = {**lost, "models": {"default": "m", "list": [{"id": "m"}]}}
    file.write_text(yaml.safe_dump(providers), "utf-8")

    def lookup(host: Any, *args: Any, **more: Any) -> Any:
        if host in (NOWHERE, NOWHERE.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return tmp_path


def test_the_key_is_nowhere_but_in_its_field(
    opened: Opened,
    room: Path,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    told: Callable[[], str],
) -> None:
    field = ["text_input api_key"]
    test = opened(provider="keyed")
    assert holders(test.text_input(key="api_key").set_value(KEY).run()) == field
    for name, fault in FAULTS.items():
        with monkeypatch.context() as patch:
            if isinstance(fault, Script):
                provider.script = fault
            else:
                patch.setattr(provider, "serve", fault)
            assert holders(ask(test, f"Now {name}?")) == field, name
    assert said(test)[-1] == "All well."
    assert len({chat.authorization for chat in provider.chats} & {f"Bearer {KEY}"}) == 1

    test.session_state["session"].keys["lost"] = KEY
    test.selectbox(key="provider").set_value("lost").run()
    assert holders(ask(test, "Anybody there?")) == field
    test.selectbox(key="provider").set_value("keyed").run()
    assert holders(ask(test, f"My key is {KEY}.")) == field

    provider.script = FAULTS["refused with an echo"]
    given: dict[str, Any] = {}

    def offer(label: str, data: Any = None, *_: Any, key: str = "", **more: Any) -> None:
        given[key or label] = data

    monkeypatch.setattr("streamlit.download_button", offer)
    for name, (page, _) in PAGES.items():
        test.switch_page(page)
        test.session_state["more"] = True
        test.run()
        if name == "providers":
            test.button(key="test_keyed").click().run()
            assert any("…cdef" in element.value for element in test.main.markdown), "the test was made"
        assert not test.exception
        assert holders(test) == field, name

    files = {name: data() if callable(data) else data for name, data in given.items()}
    assert {"export_json", "export_python", "export_notebook", "export_bundle"} <= files.keys()
    content = [part for file in files.values() for part in unpacked(file)]
    assert any(b"cdef" in part for part in content), "a hidden key is in them"
    assert not any(KEY.encode() in part for part in content)

    visit = test.session_state["session"]
    chats = [json.dumps(chat.conversation.to_json(), ensure_ascii=False) for chat in visit.chats.values()]
    assert sum(text.count("sk-…cdef") for text in chats) > 3
    assert KEY not in "\n".join(chats) + repr(visit)
    kept = [file.read_bytes() for file in Path(os.environ["PLAYGROUND_DATA"]).rglob("*") if file.is_file()]
    assert any(b"All well." in content for content in kept)
    assert not any(KEY.encode() in content for content in kept)
    assert KEY not in told()


def test_a_key_goes_with_its_session(opened: Opened, room: Path, provider: FakeProvider) -> None:
    """Streamlit drops the session of a browser that stays away; nothing of ours holds on to any of them."""
    visits = [session_that_ends(opened) for _ in range(4)]
    for _ in range(50):
        gc.collect()
        # Streamlit's runner of tests itself may hold one for longer.
        if None in [visit() for visit in visits]:
            return
        time.sleep(0.1)
    raise AssertionError("every session is still there")


def session_that_ends(opened: Opened) -> weakref.ref[object]:
    """A visit to every page with a key, which is over now."""
    test = opened(provider="keyed")
    test.text_input(key="api_key").set_value(KEY).run()
    ask(test, "Anybody there?")
    for name, (page, _) in PAGES.items():
        test.switch_page(page).run()
        if name == "providers":
            test.button(key="test_keyed").click().run()
        assert not test.exception
    assert KEY in test.session_state["session"].keys.values()
    return weakref.ref(test.session_state["session"])


def test_the_doctor_never_says_it(room: Path, provider: FakeProvider, told: Callable[[], str]) -> None:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser, "en")
    keys = {"KEYED_API_KEY": KEY, "LOST_API_KEY": KEY}
    environ = {"PLAYGROUND_PROVIDERS": str(room / "providers.yaml"), **keys}
    provider.script = FAULTS["refused with an echo"]
    for form in ("text", "json"):
        out = io.StringIO()
        assert doctor.run(parser.parse_args(["keyed", "lost", "--format", form]), environ, out) == 1
        assert "sk-…cdef" in out.getvalue()
        assert KEY not in out.getvalue()
    assert KEY not in told()


def test_what_looks_for_the_key_would_find_it(opened: Opened, room: Path) -> None:
    test = opened(provider="keyed")
    assert holders(test) == []
    test.session_state["session"].notices.append(("unknown_model", {"name": KEY}))
    assert holders(test.run()) == ["warning None"]
    test.query_params["persona"] = KEY
    assert "address" in holders(test)
