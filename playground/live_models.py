"""Reads a provider's own list of models, as it really comes: in pages, in odd shapes, late, or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from playground import events, failures
from playground.keys import Endpoint, url_host, well_formed
from playground.line import Cut, Line
from playground.messages import Failure
from playground.providers import ModelList, Provider

SECONDS = 3.0
"""How long a list may take, all its pages together."""

MAX_BYTES = 8 * 1024 * 1024
MAX_PAGES = 20
MAX_ROWS = 10_000
MAX_ID = 200


class Row(NamedTuple):
    """A model as the list tells of it; `chats` is whether the `where` of the provider's filter holds.

    `context` is in tokens, `retires` an ISO date or "", `successor` a model's id or "".
    """

    id: str
    chats: bool = True
    aliases: tuple[str, ...] = ()
    context: int | None = None
    retires: str = ""
    successor: str = ""


class Fetched(NamedTuple):
    """A provider's own list, or why it could not be had."""

    rows: tuple[Row, ...] = ()
    failure: Failure | None = None


class _Refused(Exception):
    """The provider answered, and not with a list."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def fetch(
    provider: Provider,
    endpoint: Endpoint,
    line: Line,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.time,
) -> Fetched:
    """Ask for the list and wait for it at most `seconds`; raises only Cut, when somebody cut the line.

    `clock` gives Unix time.
    """
    if provider.models.auth and not well_formed(endpoint.key):
        return Fetched(failure=failures.failure("bad_key_format" if endpoint.key else "no_key"))
    if wrong := endpoint.fault:
        return Fetched(failure=failures.failure(wrong))
    line.lift_all()
    line.public_only = endpoint.public_only
    line.own_headers = frozenset(name.lower().encode() for name in _headers(provider, endpoint))
    line.allow("whole", seconds)
    rows: list[Row] = []
    try:
        with line.open():
            for payload in _pages(provider, endpoint, seconds, clock):
                for raw in _rows_in(payload, provider, endpoint):
                    if (row := _row(raw, provider.models)) and len(rows) < MAX_ROWS:
                        rows.append(row)
    except Cut:
        raise
    except _Refused as refused:
        return Fetched(failure=refused.failure)
    except Exception as error:
        if line.is_cut:
            raise Cut from error
        return Fetched(
            failure=failures.from_exception(error, False, endpoint.key, url_host(endpoint.base_url))
        )
    return Fetched(tuple(rows))


def day(value: Any) -> str:
    """The ISO date that a text, or a Unix time in seconds, tells of; "" when it tells of none."""
    with suppress(ValueError, OverflowError, OSError):
        if isinstance(value, str):
            return date.fromisoformat(value.strip()[:10]).isoformat()
        if isinstance(value, (int, float)) and value > 1e9:
            return datetime.fromtimestamp(value, UTC).date().isoformat()
    return ""


def _pages(
    provider: Provider, endpoint: Endpoint, seconds: float, clock: Callable[[], float]
) -> Iterator[Any]:
    listing, after = provider.models, ""
    for _ in range(MAX_PAGES):
        payload = _get(provider, endpoint, {listing.page_param: after} if after else {}, seconds, clock)
        yield payload
        if not isinstance(payload, dict) or payload.get("has_more") is not True or not listing.page_param:
            return
        last = payload.get("last_id")
        if not isinstance(last, str) or last in ("", after):
            return
        after = last


def _get(
    provider: Provider, endpoint: Endpoint, params: dict[str, str], seconds: float, clock: Callable[[], float]
) -> Any:
    import httpx2

    from playground.gate import gate

    url = httpx2.URL(f"{endpoint.base_url.rstrip('/')}/{provider.models.path.lstrip('/')}")

    def sign(request: httpx2.Request) -> httpx2.Request:
        # Only here: headers that are handed over lie open in every frame on their way, and in a traceback of them.
        request.headers.update(_headers(provider, endpoint))
        return request

    asked = gate().stream("GET", url.copy_merge_params(params), auth=sign, timeout=seconds)
    with asked as response:
        raw = bytearray()
        for part in response.iter_bytes():
            raw += part
            if len(raw) > MAX_BYTES:
                raise _Refused(failures.failure("too_big"))
        headers = {name.lower(): value for name, value in response.headers.items()}
    if not response.is_success:
        fault = failures.from_response(
            response.status_code, headers, bytes(raw), provider.errors, endpoint.key, clock()
        )
        raise _Refused(fault)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise _Refused(failures.failure("not_an_api", detail=headers.get("content-type", ""))) from None


def _headers(provider: Provider, endpoint: Endpoint) -> dict[str, str]:
    listing = provider.models
    headers = {"accept": "application/json", **provider.headers, **listing.headers}
    if listing.auth:
        bearer = listing.key_header == "authorization"
        headers[listing.key_header] = f"Bearer {endpoint.key}" if bearer else endpoint.key
    return headers


def _rows_in(payload: Any, provider: Provider, endpoint: Endpoint) -> list[Any]:
    if isinstance(payload, dict) and "data" in payload:
        payload = payload["data"] or []  # null is what a local server without models says
    first = payload[0] if isinstance(payload, list) and payload else payload
    if isinstance(first, dict) and "id" not in first and events.error_in(first, "") is not None:
        raise _Refused(failures.from_payload(first, provider.errors, endpoint.key))
    if not isinstance(payload, list):
        raise _Refused(failures.failure("not_an_api"))
    return payload


def _row(raw: Any, listing: ModelList) -> Row | None:
    if not isinstance(raw, Mapping) or not (name := _name(raw.get("id"), listing)):
        return None
    where = listing.filter.where.items()
    chats = all(not (told := _told(raw, path.split("."))) or wanted in told for path, wanted in where)
    fields = listing.fields
    aliases = (_name(alias, listing) for alias in _all(raw, fields.aliases))
    context = next((n for n in _all(raw, fields.context) if type(n) is int and n > 0), None)
    retires = next(filter(None, map(day, _all(raw, fields.retires))), "")
    successor = next(filter(None, (_name(one, listing) for one in _all(raw, fields.successor))), "")
    return Row(name, chats, tuple(filter(None, aliases)), context, retires, successor)


def _name(value: Any, listing: ModelList) -> str:
    """A model's id, without the prefix that requests do not need; "" when this is none."""
    if not isinstance(value, str) or not value.isprintable():
        return ""
    name = value.strip().removeprefix(listing.strip_prefix)
    return name if len(name) <= MAX_ID else ""


def _all(raw: Mapping[str, Any], paths: tuple[str, ...]) -> list[Any]:
    return [value for path in paths for value in _told(raw, path.split("."))]


def _told(node: Any, path: list[str]) -> list[Any]:
    """Every value at a dotted path; a list on the way, or at its end, stands for each of its items."""
    if isinstance(node, list):
        return [value for one in node[:100] for value in _told(one, path)]
    if not path:
        return [node]
    if isinstance(node, Mapping) and path[0] in node:
        return _told(node[path[0]], path[1:])
    return []
