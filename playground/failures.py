"""Turns whatever a provider or the network answers into one kind of failure.

What an error's words mean is data (`errors` in providers.yaml); what a status or an exception means is here.
"""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import ssl
import traceback
import uuid
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from playground.events import clean
from playground.keys import mask
from playground.line import Overdue, Private
from playground.messages import Failure
from playground.providers import Errors

log = logging.getLogger(__name__)

MAX_DETAIL = 500
"""Characters of a provider's sentence that are kept."""

UNTOLD_WAIT = 60
"""Seconds to wait where a service asks to slow down and does not say for how long."""

_STATUS = {400: "bad_request", 401: "bad_key", 402: "no_credit", 403: "no_permission", 404: "not_found"}
_STATUS |= {408: "overloaded", 409: "overloaded", 410: "model_gone", 413: "too_long", 429: "rate_limited"}
_RETRY = {
    "overloaded",
    "rate_limited",
    "unreachable",
    "dns",
    "timeout",
    "cut_off",
    "stalled",
    "empty",
    "bad_stream",
}
_POINTERS = ("error.param", "param", "message.detail.0.loc.1", "detail.0.loc.1")
_NEEDED = {"model", "messages", "stream"}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[hms])", re.IGNORECASE)
_IN = re.compile(
    rf"(?:try again|retry|wait)[^.]{{0,40}}?\bin\s+((?:{_SPAN.pattern}[a-z]*\s*)+)", re.IGNORECASE
)
LONGEST_WAIT = 7 * 86400.0
"""Seconds; who is told to wait for longer need not count them."""
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def failure(
    code: str, *, status: int | None = None, detail: str = "", seconds: float | None = None
) -> Failure:
    """A failure with `retry` set by its code; `detail` is made fit to be shown and cut to MAX_DETAIL characters."""
    return Failure(code, status, clean(detail)[:MAX_DETAIL], seconds, code in _RETRY)


def from_response(
    status: int, headers: Mapping[str, str], raw: bytes, errors: Errors, key: str, now: float
) -> Failure:
    """The failure that an HTTP answer tells of; `now` is the Unix time, for a Retry-After that is a date."""
    payload = _json(raw)
    if 300 <= status < 400:
        return failure("redirected", status=status, detail=mask(headers.get("location", ""), key))
    detail = mask(sentence(payload, errors) or readable(raw), key)
    code = meaning(payload, detail, errors) or _STATUS.get(status)
    if status == 400 and not raw.strip():
        code = errors.without_body
    if code is None:
        code = "overloaded" if status >= 500 else "bad_request"
    seconds = wait_seconds(headers, payload, detail, now) if _has_wait(code, errors) else None
    return failure(code, status=status, detail=detail, seconds=seconds)


def from_payload(payload: Any, errors: Errors, key: str) -> Failure:
    """The failure that an error object inside a 200 answer tells of."""
    detail = mask(sentence(payload, errors), key)
    status = _first(payload, ("error.code", "code", "status_code", "error.status_code", "0.error.code"))
    status = status if isinstance(status, int) and 400 <= status < 600 else None
    code = meaning(payload, detail, errors) or _STATUS.get(status or 0, "overloaded")
    seconds = wait_seconds({}, payload, detail, 0) if _has_wait(code, errors) else None
    return failure(code, status=status, detail=detail, seconds=seconds)


def _has_wait(code: str, errors: Errors) -> bool:
    """Whether a wait that an answer tells is the one after which a new try can help."""
    return code in ("rate_limited", "overloaded") or (code == "quota_spent_today" and errors.daily_wait)


def from_exception(error: BaseException, begun: bool, key: str, host: str = "") -> Failure:
    """The failure behind an exception of the network; `begun` says whether `host` had started to answer."""
    causes = list(_chain(error))
    names = {type(e).__name__ for e in causes}
    overdue = next((e for e in causes if isinstance(e, Overdue)), None)
    if overdue is not None:
        code = "stalled" if overdue.phase == "between" or begun else "timeout"
    elif any(isinstance(e, Private) for e in causes):
        code = "private_address"
    elif any(isinstance(e, ssl.SSLError) for e in causes):
        code = "tls"
    elif any(isinstance(e, socket.gaierror) for e in causes):
        code = "dns"
    elif names & {"UnsupportedProtocol", "InvalidURL", "OverflowError"}:
        code = "bad_url"
    elif names & {"LocalProtocolError", "UnicodeEncodeError"}:
        code = "bad_key_format"
    elif names & {"DecodingError", "UnicodeDecodeError", "JSONDecodeError", "RecursionError"}:
        code = "bad_stream"
    elif names & {"ConnectTimeout"}:
        code = "timeout"
    elif names & {"ReadTimeout", "WriteTimeout", "PoolTimeout"}:
        code = "stalled" if begun else "timeout"
    else:
        code = "cut_off" if begun else "unreachable"
    told = (host, "" if overdue else str(causes[-1]))
    return failure(code, detail=mask(": ".join(filter(None, told)), key))


def sentence(payload: Any, errors: Errors) -> str:
    """The provider's own sentence, from whichever place of the body holds one."""
    for path in errors.message_paths:
        value = _at(payload, path)
        if isinstance(value, str) and value.strip():
            nested = _json(value.encode()) if value.lstrip().startswith(("{", "[")) else None
            return (sentence(nested, errors) if nested else "") or value.strip()
    return payload.strip() if isinstance(payload, str) else ""


def meaning(payload: Any, detail: str, errors: Errors) -> str | None:
    """Our failure code for what the error's words mean, if the data knows them."""
    words = [str(_at(payload, path)) for path in errors.code_paths if _at(payload, path) is not None]
    text = "\n".join([*words, detail])
    for code, patterns in errors.patterns.items():
        if any(re.search(p, text, re.IGNORECASE) for p in patterns):
            return code
    return None


def refused_param(raw: bytes, body: Mapping[str, Any]) -> str | None:
    """The parameter of our own body that a 400 or 422 points at or, failing that, names first."""
    payload = _json(raw)
    told = [_at(payload, path) for path in _POINTERS]
    for text in _texts(payload if payload is not None else raw.decode("utf-8", "replace")):
        told += re.findall(r"\w+", re.sub(r"(?<=[a-z])[A-Z]", lambda capital: "_" + capital[0], text).lower())
    return next((n for n in told if isinstance(n, str) and n in body and n not in _NEEDED), None)


def wait_seconds(headers: Mapping[str, str], payload: Any, detail: str, now: float) -> float | None:
    """Seconds to wait before a new try, from the headers, the body or the sentence; never more than LONGEST_WAIT."""
    told = _told_seconds(headers, payload, detail, now)
    return None if told is None or math.isnan(told) else min(max(told, 0), LONGEST_WAIT)


def _told_seconds(headers: Mapping[str, str], payload: Any, detail: str, now: float) -> float | None:
    try:
        if ms := headers.get("retry-after-ms"):
            return float(ms) / 1000
        if after := headers.get("retry-after"):
            if re.fullmatch(r"[\d.]+", after.strip()):
                return float(after)
            return parsedate_to_datetime(after).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        pass
    delay = re.search(r'"retryDelay":\s*"(\d+(?:\.\d+)?)s"', json.dumps(payload)) if payload else None
    if delay:
        return float(delay.group(1))
    if found := _IN.search(detail):
        return sum(float(n) * _SECONDS[unit.lower()] for n, unit in _SPAN.findall(found[1]))
    return None


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def readable(raw: bytes) -> str:
    """A body that is not JSON, as far as it is text for a reader."""
    text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]{0,300}>", " ", raw[:4096].decode("utf-8", "replace"))
    return " ".join(text.split())


def _at(payload: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(payload, Mapping):
            payload = payload.get(part)
        elif isinstance(payload, list) and part.isdigit() and int(part) < len(payload):
            payload = payload[int(part)]
        else:
            return None
    return payload


def _first(payload: Any, paths: tuple[str, ...]) -> Any:
    return next((v for p in paths if (v := _at(payload, p)) is not None), None)


def _texts(payload: Any) -> Iterator[str]:
    """Every text in a body, wherever it stands."""
    if isinstance(payload, str):
        yield payload
    elif isinstance(payload, Mapping):
        payload = list(payload.values())
    if isinstance(payload, list):
        for value in payload:
            yield from _texts(value)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def report(what: str, error: Exception) -> str:
    """Log that an error which nobody foresaw ended something; returns the number that finds the line in the log.

    The line tells the kind of error and the places, and never its message, which may hold a key.
    """
    number = uuid.uuid4().hex[:8]
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{Path(one.filename).name}:{one.lineno}" for one in reversed(frames))
    log.error("Uncaught in %s (%s): %s at %s", what, number, type(error).__name__, places)
    return number
