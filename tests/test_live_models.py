"""A provider's own list of models: read in every shape, with the right headers, and never waited for too long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from playground.keys import Endpoint
from playground.line import Cut, Line
from playground.live_models import MAX_BYTES, MAX_PAGES, Fetched, Row, day, fetch
from playground.providers import Provider
from tests.fake_connection import Connection, Request
from tests.fake_provider import FakeProvider, Serve, api_error
from tests.tables import table

KEY = "sk-test-0123456789abcdef"


def provider(**models: Any) -> Provider:
    return Provider.model_validate({"id": "fake", "label": "Fake", "models": models})


def rows(*ids: str) -> list[dict[str, Any]]:
    return [{"id": id, "object": "model"} for id in ids]


def says(body: Any, status: int = 200, content_type: str = "", **headers: str) -> Serve:
    return lambda connection, request: connection.reply(status, body, headers, content_type)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider(key=KEY) as running:
        yield running


def fetched(
    fake: FakeProvider, serve: Serve | None = None, seconds: float = 5, key: str = KEY, **models: Any
) -> Fetched:
    fake.serve_models = serve
    return fetch(provider(**models), Endpoint(fake.base_url, key), Line(), seconds, clock=lambda: 0)


def ids(found: Fetched) -> list[str]:
    return [row.id for row in found.rows]


SHAPES = {
    "openai": ({"object": "list", "data": rows("a", "b")}, ["a", "b"]),
    "bare_list": (rows("a", "b"), ["a", "b"]),
    "null": ({"object": "list", "data": None}, []),
    "empty": ({"data": []}, []),
    "rows_without_id": ([{"name": "x"}, {"id": "a"}, {"id": None}, {"id": 7}, {"id": ""}], ["a"]),
    "rows_of_other_kinds": ([None, 3, "b", ["c"], {"id": "a"}], ["a"]),
    "ids_that_cannot_be_shown": (rows("a\nb", "\x1b[31m", "x" * 201, " c "), ["c"]),
    "beside_another_list": ({"models": [{"name": "x"}], "data": rows("a")}, ["a"]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(fake: FakeProvider, name: str) -> None:
    body, expected = SHAPES[name]
    found = fetched(fake, says(body))
    assert (ids(found), found.failure) == (expected, None)


def drip(connection: Connection, request: Request) -> None:
    connection.head(200, {"content-type": "application/json", "content-length": "9999"})
    while True:
        connection.send(b" ")
        connection.pause(0.01)


def hang(connection: Connection, request: Request) -> None:
    connection.wait_until(lambda: False)


def hang_up(connection: Connection, request: Request) -> None:
    connection.head(200, {"content-type": "application/json", "content-length": "100"})
    connection.send(b'{"data": [')
    connection.reset()


def flood(connection: Connection, request: Request) -> None:
    connection.head(200, {"content-type": "application/json"})
    for _ in range(MAX_BYTES // 65536 + 2):
        connection.send(b" " * 65536)
    connection.finish()


FAULTS: dict[str, tuple[Serve, str]] = {
    "html": (
        says("<html><body>Sign in to the network</body></html>", content_type="text/html"),
        "not_an_api",
    ),
    "nothing": (says(""), "not_an_api"),
    "another_json": (says({"hello": "world"}), "not_an_api"),
    "data_of_another_kind": (says({"data": "models"}), "not_an_api"),
    "a_number": (says(b"42"), "not_an_api"),
    "deep": (says(b"[" * 200_000), "not_an_api"),
    "error_in_a_200": (says(api_error("Rate limit reached", code=429)), "rate_limited"),
    "error_list_in_a_200": (says([api_error("Internal server error", code=500)]), "overloaded"),
    "unauthorized": (says({"detail": "Unauthorized"}, 401), "bad_key"),
    "forbidden": (says("no", 403), "no_permission"),
    "absent": (says({"detail": "Not Found"}, 404), "not_found"),
    "busy": (says("<h1>502 Bad Gateway</h1>", 502), "overloaded"),
    "redirected": (says("", 302, location="https://elsewhere.example/v1/models"), "redirected"),
    "hanging": (hang, "timeout"),
    "dripping": (drip, "timeout"),
    "cut_off": (hang_up, "unreachable"),
    "endless": (flood, "too_big"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(fake: FakeProvider, name: str) -> None:
    serve, code = FAULTS[name]
    found = fetched(fake, serve, seconds=0.2 if code == "timeout" else 5)
    assert found.failure is not None
    assert (found.failure.code, found.rows) == (code, ())


def test_nobody_is_there() -> None:
    with FakeProvider() as gone:
        pass
    found = fetch(provider(), Endpoint(gone.base_url, KEY), Line())
    assert found.failure is not None
    assert found.failure.code == "unreachable"


@pytest.mark.parametrize(
    ("key", "auth", "base_url", "code"),
    [
        ("", True, "http://127.0.0.1:9/v1", "no_key"),
        ("金鑰", True, "http://127.0.0.1:9/v1", "bad_key_format"),
        ("sk-a\r\nx-evil: 1", True, "http://127.0.0.1:9/v1", "bad_key_format"),
        (KEY, True, "file:///etc/passwd", "bad_url"),
        ("", False, "https://user:pass@example.tw/v1", "bad_url"),
    ],
)
def test_what_is_not_even_tried(key: str, auth: bool, base_url: str, code: str) -> None:
    found = fetch(provider(auth=auth), Endpoint(base_url, key), Line())
    assert found.failure is not None
    assert found.failure.code == code


PRIVATE = ("https://127.0.0.1", "https://localhost", "https://[::1]", "https://169.254.169.254")


@pytest.mark.parametrize("address", [*PRIVATE, "http://127.0.0.1"])
def test_a_visitors_address_is_a_public_one(address: str, fake: FakeProvider) -> None:
    found = fetch(provider(), Endpoint(f"{address}:{fake.port}/v1", KEY, public_only=True), Line())
    assert found.failure is not None
    assert found.failure.code == ("private_address" if address in PRIVATE else "bad_url")
    assert fake.connections == 0


def test_the_key_goes_to_its_own_address_only(fake: FakeProvider) -> None:
    with FakeProvider() as elsewhere:
        found = fetched(fake, says("", 307, location=f"{elsewhere.base_url}/models"))
        assert found.failure is not None
        assert (found.failure.code, elsewhere.requests) == ("redirected", [])
    assert [r.authorization for r in fake.requests] == [f"Bearer {KEY}"]


def test_an_echoed_key_is_masked(fake: FakeProvider) -> None:
    found = fetched(fake, says(api_error(f"Incorrect API key provided: {KEY}"), 401))
    assert found.failure is not None
    assert "Incorrect API key" in found.failure.detail
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("models", "sent"),
    [
        ({}, {"authorization": f"Bearer {KEY}"}),
        ({"auth": False}, {}),
        (
            {"key_header": "x-api-key", "headers": {"anthropic-version": "2023-06-01"}},
            {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
        ),
    ],
)
def test_headers(models: dict[str, Any], sent: dict[str, str]) -> None:
    with FakeProvider(models=["a"]) as open_to_all:
        assert ids(fetched(open_to_all, **models)) == ["a"]
        (asked,) = open_to_all.requests
    about_keys = ("authorization", "x-api-key", "anthropic-version", "cookie")
    assert {name: value for name, value in asked.headers.items() if name in about_keys} == sent


def test_pages(fake: FakeProvider) -> None:
    def pages(connection: Connection, request: Request) -> None:
        after = request.path.partition("after_id=")[2]
        number = int(after or 0)
        body = {"data": rows(f"m{number}"), "has_more": number < 3, "last_id": str(number + 1)}
        connection.reply(200, body)

    found = fetched(fake, pages, path="/models?limit=1000", page_param="after_id")
    assert ids(found) == ["m0", "m1", "m2", "m3"]
    assert [r.path for r in fake.requests][:2] == [
        "/v1/models?limit=1000",
        "/v1/models?limit=1000&after_id=1",
    ]


def test_pages_are_not_asked_for_where_nobody_knows_how(fake: FakeProvider) -> None:
    assert ids(fetched(fake, says({"data": rows("a"), "has_more": True, "last_id": "a"}))) == ["a"]


@pytest.mark.parametrize(("last", "asked"), [("same", 2), (None, 1), ("new", MAX_PAGES)])
def test_pages_without_end(fake: FakeProvider, last: str | None, asked: int) -> None:
    def serve(connection: Connection, request: Request) -> None:
        last_id = f"m{request.number}" if last == "new" else last
        connection.reply(200, {"data": rows(f"m{request.number}"), "has_more": True, "last_id": last_id})

    assert len(fetched(fake, serve, page_param="after_id").rows) == asked


def test_half_a_list_is_no_list(fake: FakeProvider) -> None:
    """A page that fails must not make the models of the other pages look gone."""

    def serve(connection: Connection, request: Request) -> None:
        if "after_id" in request.path:
            connection.reply(500, "oops")
        else:
            connection.reply(200, {"data": rows("a"), "has_more": True, "last_id": "a"})

    found = fetched(fake, serve, page_param="after_id")
    assert found.failure is not None
    assert found.rows == ()


def test_a_cut_line(fake: FakeProvider) -> None:
    line = Line()

    def serve(connection: Connection, request: Request) -> None:
        line.cut()
        connection.wait_until(lambda: False)

    fake.serve_models = serve
    with pytest.raises(Cut):
        fetch(provider(), Endpoint(fake.base_url, KEY), line)


def test_what_a_row_tells(fake: FakeProvider) -> None:
    row = {
        "id": "models/ministral-8b-2512",
        "aliases": ["ministral-8b-latest", 3],
        "max_context_length": 262144,
        "deprecation": "2027-03-31T12:00:00Z",
        "deprecation_replacement_model": "models/ministral-9b",
        "capabilities": {"completion_chat": True},
    }
    found = fetched(fake, says([row]), strip_prefix="models/")
    assert found.rows == (
        Row("ministral-8b-2512", True, ("ministral-8b-latest",), 262144, "2027-03-31", "ministral-9b"),
    )


@pytest.mark.parametrize(
    ("where", "row", "chats"),
    [
        ({"active": True}, {"active": True}, True),
        ({"active": True}, {"active": False}, False),
        ({"active": True}, {"active": None}, False),
        ({"active": True}, {}, True),  # what a list does not tell keeps no model out
        ({"type": "chat"}, {"type": "image"}, False),
        ({"capabilities.completion_chat": True}, {"capabilities": {"completion_chat": True}}, True),
        ({"capabilities.completion_chat": True}, {"capabilities": {"completion_chat": False}}, False),
        ({"capabilities.completion_chat": True}, {"capabilities": "all"}, True),
        (
            {"architecture.output_modalities": "text"},
            {"architecture": {"output_modalities": ["image"]}},
            False,
        ),
        (
            {"architecture.output_modalities": "text"},
            {"architecture": {"output_modalities": ["image", "text"]}},
            True,
        ),
        ({"providers.status": "live"}, {"providers": [{"status": "error"}, {"status": "live"}]}, True),
        ({"providers.status": "live"}, {"providers": [{"status": "error"}]}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
    ],
)
def test_where(fake: FakeProvider, where: dict[str, Any], row: dict[str, Any], chats: bool) -> None:
    found = fetched(fake, says([{"id": "m", **row}]), filter={"where": where})
    assert [r.chats for r in found.rows] == [chats]


@table(
    "value, told",
    [
        ("2027-01-14", "2027-01-14"),
        ("2027-01-14T00:00:00Z", "2027-01-14"),
        (1_800_000_000, "2027-01-15"),
        ("soon", ""),
        ("", ""),
        (None, ""),
        (True, ""),
        (1e300, ""),
        ({"date": "2027-01-14"}, ""),
    ],
)
def test_day(value: Any, told: str) -> None:
    assert day(value) == told


def test_rows_of_the_wire_survive_json() -> None:
    """A list of the largest providers is read whole."""
    with FakeProvider(
        serve_models=says(json.dumps({"data": rows(*(f"gem-{n}" for n in range(5000)))}))
    ) as big:
        assert len(fetch(provider(auth=False), Endpoint(big.base_url, ""), Line(), 10).rows) == 5000
