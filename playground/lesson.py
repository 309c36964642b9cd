"""A lesson: questions with the replies that models really gave, as a file that shows them again without a network."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from playground.keys import mask
from playground.messages import Conversation, Message, Usage
from playground.providers import Model, ModelList, ProvidersFile
from playground.sent import Sent
from playground.snippets import masked
from playground.wire import Setup, build_body

LESSON_FILE = Path(__file__).resolve().parent / "lessons" / "lucky_vicky.json"
FORMAT = "persona-playground-lesson"
VERSION = 1
BYTES = 5_000_000
"""Bytes of the largest file that is read."""
ENTRIES = 200
PIECES = 20_000
"""Pieces of one reply."""
SECONDS = 600
"""Seconds from the first piece of a reply to its last one."""
TOKENS = 10**9
DEFAULT_TEMPERATURE = 1.0
"""What a request without a temperature is taken for."""

WHOLE = ("stop", "length")
"""How a reply ended that is worth keeping."""

_LOOSE = re.compile(r"[\W_]+")

Seconds = Annotated[float, Field(ge=0, le=SECONDS)]
Short = Annotated[str, Field(max_length=256)]
Count = Annotated[int, Field(ge=0, le=TOKENS)]


class _Strict(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, str_max_length=100_000, allow_inf_nan=False
    )


class Entry(_Strict):
    """One recorded reply: what was asked of whom, and each piece of the answer with the second at which it came.

    A piece is (seconds, text, thought). `opening` is the greeting that stood before the question, `asked` the
    question as it left where a reminder went with it.
    """

    persona: Short = ""
    language: Short = ""
    system_prompt: str = ""
    opening: str = ""
    question: Annotated[str, Field(min_length=1)]
    asked: str = ""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=256)]
    label: Short = ""
    recorded: Annotated[date, Field(strict=False)]
    ended: Literal["stop", "length"] = "stop"
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    pieces: Annotated[tuple[tuple[Seconds, str, str], ...], Field(min_length=1, max_length=PIECES)]

    @property
    def model_id(self) -> str:
        """The id that a recording goes by; nobody can take it for the model itself."""
        return f"recorded-{self.recorded}/{self.model}"

    @property
    def text(self) -> str:
        """The whole reply."""
        return "".join(text for _, text, _ in self.pieces)

    @property
    def heat(self) -> float:
        """The temperature that the reply was written at."""
        return DEFAULT_TEMPERATURE if self.temperature is None else self.temperature


class Lesson(_Strict):
    """A whole file of them."""

    format: Literal["persona-playground-lesson"] = "persona-playground-lesson"
    version: Literal[1] = 1
    entries: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=ENTRIES)]

    def find(self, body: Mapping[str, Any]) -> Entry | None:
        """The recorded answer to a request: the same question to the same persona, at the nearest temperature."""
        asked, system_prompt, opening = _asked(body.get("messages") or [])
        wanted = body.get("temperature")
        heat = float(wanted) if isinstance(wanted, int | float) else DEFAULT_TEMPERATURE
        fits = [
            one
            for one in self.entries
            if one.model_id == body.get("model")
            and _same(one.asked or one.question, asked)
            and _same(one.system_prompt, system_prompt)
            and _same(one.opening, opening)
        ]
        return min(fits, key=lambda one: abs(one.heat - heat), default=None)

    def told(self, model_id: str, text: str) -> Entry | None:
        """The entry that a reply of one of its models, or what was seen of it before Stop, was read from.

        None where several begin like this that were written at different temperatures.
        """
        said = text.strip()
        fits = [one for one in self.entries if one.model_id == model_id and one.text.strip().startswith(said)]
        return fits[0] if len({one.heat for one in fits}) == 1 else None

    def model_of(self, system_prompt: str) -> str:
        """The model that a persona's first entry was recorded with; "" where none is of that persona."""
        fits = (one.model_id for one in self.entries if _same(one.system_prompt, system_prompt))
        return next(fits, "")

    def questions(self, model_id: str, system_prompt: str) -> tuple[str, ...]:
        """What a persona can be asked, in the file's order."""
        fits = (
            one.question
            for one in self.entries
            if one.model_id == model_id and _same(one.system_prompt, system_prompt)
        )
        return tuple(dict.fromkeys(fits))


_known: WeakValueDictionary[str, Lesson] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a file is no lesson: "too_large", "no_lesson", "newer", or "damaged" with the place, "entries.3.model"."""

    code: Literal["too_large", "no_lesson", "newer", "damaged"]
    place: str = ""


def read_lesson(raw: bytes) -> tuple[Lesson | None, Flaw | None]:
    """Read a file whole, or refuse it whole."""
    if len(raw) > BYTES:
        return None, Flaw("too_large")
    try:
        return Lesson.model_validate_json(raw.removeprefix(b"\xef\xbb\xbf")), None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])[:100]
    if place == "version" and type(first["input"]) is int and first["input"] > VERSION:
        return None, Flaw("newer")
    if first["type"] == "json_invalid" or not place or place == "format":
        return None, Flaw("no_lesson")
    return None, Flaw("damaged", place)


def place(lesson: Lesson) -> tuple[str, Lesson]:
    """Make a lesson known to who plays it; returns its name, and the lesson that the caller has to hold meanwhile."""
    name = sha256(to_lesson(lesson.entries)).hexdigest()[:24]
    return name, _known.setdefault(name, lesson)


def known(name: str) -> Lesson | None:
    """The lesson of a name that `place` gave, as long as somebody holds it."""
    return _known.get(name)


def load_lesson(path: Path) -> Lesson | None:
    """The lesson in a file, or None where there is none that can be read."""
    try:
        return read_lesson(path.read_bytes())[0]
    except OSError:
        return None


def to_lesson(entries: Iterable[Entry], *keys: str) -> bytes:
    """Write entries as a file, one a line; `keys` are masked in it, and whatever looks like a key."""
    lines = [json.dumps(_row(one, keys), ensure_ascii=False) for one in entries]
    head = f'{{"format": "{FORMAT}", "version": {VERSION}, "entries": [\n'
    return (head + ",\n".join(lines) + "\n]}\n").encode("utf-8", "replace")


def _row(entry: Entry, keys: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = masked(entry.model_dump(mode="json", exclude_defaults=True), *keys)
    thought = "".join(thought for _, _, thought in entry.pieces)
    if mask(entry.text, *keys) != entry.text or mask(thought, *keys) != thought:
        # A key may have come in pieces, none of which looks like one.
        row["pieces"] = [[entry.pieces[-1][0], mask(entry.text, *keys), mask(thought, *keys)]]
    return row


def to_entry(
    sent: Sent, before: Conversation, reply: Message, player: Setup, label: str, on: date
) -> Entry | None:
    """Make an entry of a reply and what was asked for it; None for one that did not come to its own end, or that is too
    long for a file.

    `before` ends with the question, and `player` is who will play it: the request is kept as that one will send it.
    """
    info, question = reply.info, before.last_question()
    if info is None or info.ended not in WHOLE or not reply.content or not question:
        return None
    body = build_body(player, before).body
    asked, system_prompt, opening = _asked(body["messages"])
    persona, usage = sent.setup.persona, Usage() if info.usage.estimated else info.usage
    try:
        return Entry(
            persona=persona.name if persona else "",
            language=(persona.language or "") if persona else "",
            system_prompt=system_prompt,
            opening=opening,
            question=question,
            asked="" if asked == question else asked,
            temperature=body.get("temperature"),
            model=info.model,
            label=label,
            recorded=on,
            ended="length" if info.ended == "length" else "stop",
            prompt_tokens=_tokens(usage.prompt_tokens),
            completion_tokens=_tokens(usage.completion_tokens),
            pieces=_pieces(sent.pace, reply),
        )
    except ValidationError:
        # A page offers the others all the same.
        return None


def with_lesson(
    providers: ProvidersFile,
    lesson: Lesson,
    key: str,
    named: Callable[[Entry], str],
    language: str = "en",
) -> ProvidersFile:
    """The providers, where those that play recordings have this lesson's models.

    `key` is what the player knows the lesson by, and `named` words a model's name in `language`.
    """
    changed = {
        name: one.model_copy(update={"lesson": key, "models": _models(lesson, named, language)})
        for name, one in providers.providers.items()
        if one.kind == "recorded"
    }
    if not changed:
        return providers
    return ProvidersFile(
        version=providers.version,
        defaults=providers.defaults,
        providers={**providers.providers, **changed},
        model_rules=providers.model_rules,
    )


def _models(lesson: Lesson, named: Callable[[Entry], str], language: str) -> ModelList:
    by_id: dict[str, list[Entry]] = {}
    for one in lesson.entries:
        by_id.setdefault(one.model_id, []).append(one)
    models = tuple(
        Model(
            id=model_id,
            label=named(entries[0]),
            note={language: named(entries[0])},
            price=(0, 0),
            languages=tuple(dict.fromkeys(one.language for one in entries if one.language)),
        )
        for model_id, entries in by_id.items()
    )
    return ModelList(default=models[0].id, fetch=False, list=models)


def _asked(messages: Sequence[Any]) -> tuple[str, str, str]:
    """The question of a request, its system prompt, and the greeting that it opens with."""
    said = [m for m in messages if isinstance(m, Mapping) and isinstance(m.get("content"), str)]
    question = next((m["content"] for m in reversed(said) if m.get("role") == "user"), "")
    system_prompt = said[0]["content"] if said and said[0].get("role") == "system" else ""
    rest = said[1:] if system_prompt else said
    opening = rest[0]["content"] if rest and rest[0].get("role") == "assistant" else ""
    return question, system_prompt, opening


def _same(one: str, other: str) -> bool:
    """Whether two texts differ in nothing but case, width, spaces and punctuation."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return _LOOSE.sub("", text) or text.strip()


def _tokens(told: int | None) -> int | None:
    return told if told is not None and told <= TOKENS else None


def _pieces(pace: Sequence[float], reply: Message) -> tuple[tuple[float, str, str], ...]:
    """The reply cut into the pieces that it came in; what a cut leaves over comes with the last one.

    They are timed from the first one: before it the reply may have waited in a queue for longer than anybody will
    watch a recording.
    """
    pieces: list[tuple[float, str, str]] = []
    text, thought = reply.content, reply.reasoning
    for at in range(0, min(len(pace), 3 * (PIECES - 1)), 3):
        size, thoughts = int(pace[at + 1]), int(pace[at + 2])
        pieces.append((min(round(pace[at] - pace[0], 3), SECONDS), text[:size], thought[:thoughts]))
        text, thought = text[size:], thought[thoughts:]
    if text or thought:
        seconds = pieces[-1][0] if pieces else 0.0
        pieces.append((seconds, text, thought))
    return tuple(pieces)
