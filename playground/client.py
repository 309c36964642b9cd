"""Asks a provider for a reply: the only module that imports openai, and the lesson itself.

The same three things change from provider to provider: base_url, key and model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from playground import events, failures
from playground.keys import Endpoint, mask, url_host, well_formed
from playground.line import Cut, Heard, Line
from playground.messages import Failure, Usage
from playground.providers import Quirks
from playground.usage import counted, quota

MAX_TEXT = 64 * 1024
"""Characters of one reply; what comes beyond is cut off."""

LEAST_HIDDEN = 16
"""Characters of the shortest key that is hidden in a reply; a shorter one may be a word, as Ollama's "ollama" is."""

AFTER_FINISH = 2.0
"""Seconds to wait for the token counts once the reply has ended."""

_ENDS = {"stop": "stop", "eos": "stop", "end": "stop", "end_turn": "stop", "stop_sequence": "stop"}
_ENDS |= {"complete": "stop", "length": "length", "model_length": "length", "max_tokens": "length"}
_ENDS |= {"tool_calls": "tool_calls", "function_call": "tool_calls", "content_filter": "filtered"}
_ENDS |= {"safety": "filtered", "error": "failed", "network_error": "failed"}


def prepare() -> None:
    """Load what every request needs; it takes a second, which is nobody's answering time."""
    import openai

    from playground.gate import gate

    gate()
    del openai


class Delta(NamedTuple):
    """A piece of the reply."""

    text: str = ""
    reasoning: str = ""


class Finish(NamedTuple):
    """How the reply ended ("stop", "length", "filtered", "tool_calls", "unconfirmed", "failed"), with its token counts.

    `refused` names the one parameter that the provider would not take, where that is why it failed; `headers` are
    the answer's, with lower-case names; `opened` says whether the provider had begun to answer with a 200.
    """

    ended: str
    failure: Failure | None = None
    usage: Usage | None = None
    refused: str = ""
    headers: dict[str, str] | None = None
    opened: bool = False


def stream(
    endpoint: Endpoint,
    body: dict[str, Any],
    quirks: Quirks,
    line: Line,
    clock: Callable[[], float] = time.time,
) -> Iterator[Delta | Finish]:
    """Post `body` and yield Deltas, then one Finish; raises only Cut, when somebody pressed Stop.

    Deadlines come from `quirks.timeout` (seconds); `clock` gives Unix time.
    """
    if not well_formed(endpoint.key):
        yield Finish("failed", failures.failure("bad_key_format" if endpoint.key else "no_key"))
        return
    if wrong := endpoint.fault or ("" if body["model"] else "no_model"):
        yield Finish("failed", failures.failure(wrong))
        return
    from openai import APIStatusError, OpenAI, OpenAIError

    from playground.gate import gate

    limits = quirks.timeout
    line.lift_all()
    line.sent, line.headers = b"", {}
    line.heard = Heard(lambda text: mask(text, endpoint.key))
    line.public_only = endpoint.public_only
    line.own_headers = frozenset(name.lower().encode() for name in quirks.headers)
    line.allow("whole", limits.whole)
    line.allow("first_byte", limits.first_byte)
    reader = _Reader(quirks, endpoint.key)
    begun = False
    try:
        with line.open():
            client = OpenAI(
                base_url=endpoint.base_url, api_key=endpoint.key, http_client=gate(), max_retries=0
            )
            posted = client.chat.completions.with_streaming_response.create(
                model=body["model"],
                # They go as they are: the SDK takes half a millisecond to look through each, and changes nothing.
                messages=[],
                stream=True,
                extra_body={k: v for k, v in body.items() if k not in ("model", "stream")},
                extra_headers=quirks.headers,
                timeout=limits.whole,
            )
            with posted as response:
                begun = True
                reader.headers = line.headers = {k.lower(): v for k, v in response.headers.items()}
                line.lift("first_byte")
                line.allow("between", limits.between)
                parts = response.iter_bytes()
                for event in events.read_events(parts):
                    line.heard.note(event.raw or f"[{event.kind.upper()}]")
                    if (delta := reader.take(event)) is not None:
                        yield delta
                        line.allow("between", limits.between)
                        line.pieces += 1
                    if reader.ended and not reader.waiting_for_usage:
                        break
                    if reader.waiting_for_usage:
                        line.lift("between")
                        line.allow("after_finish", AFTER_FINISH)
                line.read_out(parts)
    except Cut:
        raise
    except APIStatusError as error:
        raw = _error_body(error)
        headers = line.headers = {k.lower(): v for k, v in error.response.headers.items()}
        line.heard.note(failures.readable(raw))
        fault = failures.from_response(error.status_code, headers, raw, quirks.errors, endpoint.key, clock())
        refused = ""
        if fault.code == "bad_request" and error.status_code in (400, 422):
            refused = failures.refused_param(raw, body) or ""
        if refused:
            fault = failures.failure("parameter_refused", status=fault.status, detail=fault.detail)
        elif fault.code == "quota_spent_today" and fault.seconds is None:
            fault = replace(fault, seconds=quota(headers, clock()).reset_seconds)
        yield Finish("failed", fault, refused=refused, headers=headers)
        return
    except (OpenAIError, Exception) as error:
        if line.is_cut:
            raise Cut from error
        if not reader.over:
            for rest in reader.rest():
                yield rest
            host = url_host(endpoint.base_url)
            fault = failures.from_exception(error, begun and reader.heard, endpoint.key, host)
            yield Finish("failed", fault, reader.usage, headers=reader.headers, opened=begun)
            return
    if line.is_cut and not reader.over:
        # An answer without a length ends like this as well.
        raise Cut
    for rest in reader.rest():
        yield rest
    yield reader.finish()


def _error_body(error: Any) -> bytes:
    try:
        return bytes(error.response.content)
    except Exception:
        return json.dumps(error.body).encode() if error.body is not None else b""


class _Reader:
    """Gathers what the events of one reply say."""

    def __init__(self, quirks: Quirks, key: str) -> None:
        self.usage: Usage | None = None
        self.headers: dict[str, str] = {}
        self.text_size = self.thought_size = 0
        self.heard = False
        self.ended = ""
        self._quirks, self._key = quirks, key
        self._failure: Failure | None = None
        self._finished = ""
        self._tidy, self._tidy_thought = events.Tidy(), events.Tidy()
        self._splitter = events.TagSplitter(quirks.reasoning.tags)
        # A gateway may quote the operator's key to the visitor in the midst of a reply.
        secret = key if len(key) >= LEAST_HIDDEN else ""
        self._hider, self._thought_hider = (events.KeyHider(secret, mask(key, key)) for _ in range(2))
        self._refusal = ""
        self._stray = ""

    @property
    def over(self) -> bool:
        """Whether the provider has said how the reply ended."""
        return bool(self.ended or self._finished)

    @property
    def waiting_for_usage(self) -> bool:
        """Whether the reply is over and only its token counts may still come."""
        return bool(self._finished) and not self.usage and self.ended not in ("done", "failed")

    def take(self, event: events.Event) -> Delta | None:
        """Read one event; return what it adds to the reply, if it adds something."""
        if event.kind == "json" and isinstance(event.value, dict):
            return self._chunk(event.value, event.name)
        if event.kind == "json" and isinstance(event.value, list) and event.value:
            if isinstance(event.value[0], dict) and "error" in event.value[0]:
                self._fail(failures.from_payload(event.value[0], self._quirks.errors, self._key))
        elif event.kind == "done":
            self.ended = "done"
        elif event.kind == "stray":
            return self._unframed(event.value)
        elif event.kind == "bad":
            self._fail(self._fault("bad_stream", str(event.value or "")))
        elif event.kind == "too_big":
            self._fail(failures.failure("too_big"))
        return None

    def _chunk(self, payload: dict[str, Any], name: str = "") -> Delta | None:
        self.heard = True
        if (error := events.error_in(payload, name)) is not None:
            self._fail(failures.from_payload(error, self._quirks.errors, self._key))
            return None
        if counts := events.usage_in(payload):
            self.usage = counted(counts)
        piece = events.read_choice(payload, self._quirks.reasoning.fields)
        if piece.bad:
            self._fail(failures.failure("bad_stream"))
            return None
        self._refusal += piece.refusal
        if piece.finish:
            self._finished = _ENDS.get(piece.finish.lower(), "stop")
        text, thought = self._splitter.feed(self._tidy.feed(piece.text))
        thought = self._thought_hider.feed(thought + self._tidy_thought.feed(piece.reasoning))
        delta = self._measured(self._hider.feed(text), thought)
        if self._finished == "failed":
            self._fail(failures.failure("overloaded"))
        elif self._finished and self.usage:
            self.ended = "done"
        return delta

    def _measured(self, text: str, thought: str) -> Delta | None:
        room = MAX_TEXT - self.text_size
        if len(text) > room or self.thought_size + len(thought) > MAX_TEXT:
            text, thought = text[:room], ""
            self._fail(failures.failure("too_big"))
        self.text_size += len(text)
        self.thought_size += len(thought)
        return Delta(text, thought) if text or thought else None

    def _unframed(self, text: str) -> Delta | None:
        """Text that came outside of events: a whole JSON answer, an error, or something that is no API."""
        self._stray = text
        if self.heard and not text.lstrip().startswith("error"):
            if not self.ended and not self._finished:
                self._fail(self._fault("bad_stream", text))
            return None
        try:
            payload = json.loads(text.removeprefix("error:"))
        except (ValueError, RecursionError):
            self._fail(self._fault("not_an_api", failures.readable(text.encode())))
            return None
        if text.startswith("error:"):
            self._fail(failures.from_payload(payload, self._quirks.errors, self._key))
            return None
        if isinstance(payload, list) and payload and isinstance(payload[0], dict) and "error" in payload[0]:
            payload = payload[0]
        if isinstance(payload, dict) and (payload.get("choices") or events.error_in(payload, "")):
            delta = self._chunk(payload)
            self.ended = self.ended or "done"
            return delta
        self._fail(self._fault("not_an_api", text))
        return None

    def _fault(self, code: str, detail: str) -> Failure:
        return failures.failure(code, detail=mask(detail, self._key))

    def _fail(self, fault: Failure) -> None:
        self._failure = self._failure or fault
        self.ended = "failed"

    def rest(self) -> Iterator[Delta]:
        """What was held back until it was certain."""
        text, thought = self._splitter.feed(self._tidy.end())
        more, more_thought = self._splitter.end()
        text = self._hider.feed(text + more) + self._hider.end()
        thought = self._thought_hider.feed(thought + more_thought + self._tidy_thought.end())
        delta = self._measured(text, thought + self._thought_hider.end())
        if delta:
            yield delta

    def finish(self) -> Finish:
        """How it ended, once nothing more comes."""
        fault, ended = self._failure, self._finished
        if fault is None and ended == "filtered":
            fault = failures.failure("filtered")
        elif fault is None and self._refusal and not self.text_size:
            fault = self._fault("refused", self._refusal)
        elif fault is None and not self.text_size:
            fault = failures.failure(self._why_empty(ended))
        if fault is not None:
            return Finish("failed", fault, self.usage, headers=self.headers, opened=True)
        if not ended:
            ended = "stop" if self.ended == "done" else "unconfirmed"
        return Finish(ended, None, self.usage, headers=self.headers, opened=True)

    def _why_empty(self, ended: str) -> str:
        """Our failure code for a reply without text; thoughts may be paid for and never be seen."""
        if ended == "tool_calls":
            return "tool_call"
        thought = self.thought_size or (self.usage and self.usage.reasoning_tokens)
        return "only_thinking" if thought or ended == "length" else "empty"
