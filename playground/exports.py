"""A conversation as a file: to read, to print, to run. No key is in it, and nothing that a model wrote comes alive."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from playground.archive import Archived, to_archive
from playground.checks import Check, Verdict, expectation, finding, run
from playground.i18n import Translator, translator
from playground.keys import mask
from playground.messages import Conversation, Message, ReplyInfo
from playground.notebook import as_notebook
from playground.personas import Persona, slug_of
from playground.printed import Said, as_page
from playground.snippets import Call, as_python, comment, masked, to_call
from playground.wire import Setup, build_body

_NOT_SETTINGS = ("model", "messages", "stream", "stream_options")
_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>#|~$&!]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_COMES_ALIVE = re.compile(r"!\[|<[A-Za-z/!?]|\t")
"""What a reader of Markdown would fetch or run; and tabs, which mean something else in a quote."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation with all that its file tells; `call` is the request of its last question.

    `persona` is a name, `labels` the names of providers on screen by id, `language` one of LANGUAGES, `checks` what
    became of the persona's checks, as JSON, and `remarks` are sentences about a message by its place.
    """

    persona: str
    system_prompt: str
    conversation: Conversation
    call: Call
    when: datetime
    language: str
    labels: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[int, Sequence[str]] = field(default_factory=dict)
    slug: str = ""
    """The persona's own name among files, by which it is found again."""
    checks: Sequence[Mapping[str, Any]] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the last request, as they were sent."""
        return {name: value for name, value in self.call.body.items() if name not in _NOT_SETTINGS}

    def masked(self, *keys: str) -> Transcript:
        """The same without `keys` and whatever looks like a key, wherever it stands."""
        return replace(
            self,
            persona=mask(self.persona, *keys),
            slug=mask(self.slug, *keys),
            system_prompt=mask(self.system_prompt, *keys),
            conversation=Conversation.from_json(masked(self.conversation.to_json(), *keys)),
            call=self.call.masked(*keys),
            labels=masked(self.labels, *keys),
            remarks=masked(self.remarks, *keys),
            checks=masked(self.checks, *keys),
        )


class Export(NamedTuple):
    """A kind of file: its suffix, its media type, and what writes it."""

    suffix: str
    media_type: str
    write: Callable[[Transcript, Translator], bytes]


class File(NamedTuple):
    """A file to hand out."""

    name: str
    media_type: str
    content: bytes


def to_transcript(
    setup: Setup,
    conversation: Conversation,
    *,
    when: datetime,
    language: str,
    labels: Mapping[str, str],
    remarks: Mapping[int, Sequence[str]] | None = None,
    base_url: str = "",
    keyed: bool = False,
    slug: str = "",
    judged: Mapping[tuple[Check, Message], Verdict] | None = None,
) -> Transcript:
    """A conversation that `setup` would answer, with the request of its last question as it would be sent.

    The persona's checks are run on every reply; of those that ask a model, `judged` tells what was answered.
    `base_url` and `keyed` are as `to_call` takes them.
    """
    persona, question = setup.persona, conversation.last_question()
    asked = conversation.before_last_question()
    body = build_body(setup, asked.say(question) if question else conversation).body
    call = to_call(setup, body, base_url=base_url, keyed=keyed)
    name, prompt = (persona.name, persona.system_prompt.strip()) if persona else ("", "")
    found = _verdicts(persona, conversation.messages, judged or {})
    t, told = translator(language), {**(remarks or {})}
    for place, verdicts in found.items():
        told[place] = [*told.get(place, ()), *(_outcome(one, t) for one in verdicts)]
    checks = [{"message": place + 1, "checks": [_row(one) for one in found[place]]} for place in found]
    return Transcript(name, prompt, conversation, call, when, language, labels, told, slug, checks)


def to_file(kind: str, transcript: Transcript, t: Translator, *keys: str) -> File:
    """The transcript as a file of one of EXPORTS; `keys` are masked in it, and whatever else looks like a key."""
    export, transcript = EXPORTS[kind], transcript.masked(*keys)
    name = f"{slug_of(transcript.persona or 'chat')}-{transcript.when:%Y-%m-%d}{export.suffix}"
    return File(name, export.media_type, export.write(transcript, t))


def _markdown(transcript: Transcript, t: Translator) -> bytes:
    parts = [f"# {_plain(_title(transcript, t))}", _plain(_by(transcript, t))]
    parts += _opening(transcript, t)
    parts.append(f"## {t('exports.dialogue')}")
    parts += [_said(transcript, place, t) for place in range(len(transcript.conversation.messages))]
    return _encoded("\n\n".join(parts) + "\n")


def _python(transcript: Transcript, t: Translator) -> bytes:
    heading = [comment("#", _title(transcript, t)), comment("#", _by(transcript, t))]
    for number, (place, _) in enumerate(_replies(transcript), 1):
        heading += ["#", comment("#", t("exports.reply", number=number))]
        heading += [comment("#", note) for note in _notes(transcript, place, t)]
    heading.append("#")
    return _encoded("\n".join(heading) + "\n" + as_python(transcript.call, t))


def _notebook(transcript: Transcript, t: Translator) -> bytes:
    said = (_said(transcript, place, t) for place in range(len(transcript.conversation.messages)))
    before = [_plain(_by(transcript, t)), f"## {t('exports.dialogue')}", *said]
    return as_notebook(transcript.call, t, _plain(_title(transcript, t)), before)


def _page(transcript: Transcript, t: Translator) -> bytes:
    about = []
    if transcript.system_prompt:
        about.append((t("exports.system_prompt"), transcript.system_prompt))
    if transcript.settings:
        about.append((t("exports.settings"), "\n".join(_settings(transcript))))
    said = [
        Said(m.role, _speaker(transcript, m, t), m.content, m.reasoning, _notes(transcript, place, t))
        for place, m in enumerate(transcript.conversation.messages)
    ]
    title, thinking = _title(transcript, t), t("reply.thinking")
    return _encoded(as_page(transcript.language, title, _by(transcript, t), about, said, thinking))


def _json(transcript: Transcript, t: Translator) -> bytes:
    """The file that the app reads back; it has no words of its own."""
    about = {"parameters": transcript.settings, "checks": transcript.checks}
    said = transcript.conversation.messages
    title = " ".join(next((m.content for m in said if m.role == "user"), "").split())[:60]
    persona = transcript.slug or transcript.persona
    return to_archive([Archived(persona, title, transcript.conversation, transcript.when.timestamp())], about)


EXPORTS: dict[str, Export] = {
    "markdown": Export(".md", "text/markdown", _markdown),
    "page": Export(".html", "text/html", _page),
    "python": Export(".py", "text/x-python", _python),
    "json": Export(".json", "application/json", _json),
    "notebook": Export(".ipynb", "application/x-ipynb+json", _notebook),
}
"""The kinds of files that a conversation can be had as."""


def _opening(transcript: Transcript, t: Translator) -> list[str]:
    parts = []
    if transcript.system_prompt:
        parts += [f"## {t('exports.system_prompt')}", _block(transcript.system_prompt)]
    if transcript.settings:
        parts += [
            f"## {t('exports.settings')}",
            "\n".join(f"- {_plain(one)}" for one in _settings(transcript)),
        ]
    return parts


def _settings(transcript: Transcript) -> list[str]:
    return [
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in transcript.settings.items()
    ]


def _said(transcript: Transcript, place: int, t: Translator) -> str:
    """One message as Markdown: who said it, what, and under a reply what there is to know of it."""
    message = transcript.conversation.messages[place]
    parts = [f"**{_plain(_speaker(transcript, message, t))}**"]
    if message.reasoning:
        parts += [f"*{t('reply.thinking')}*", _block(message.reasoning)]
    if message.content:
        parts.append(_block(message.content))
    parts += [f"*{_plain(note)}*" for note in _notes(transcript, place, t)]
    return "\n\n".join(parts)


def _block(text: str) -> str:
    """A text in a quote, where its own headings, tables and fences stay inside; as code where it holds more."""
    lines = _LINE_END.split(text)
    if not _COMES_ALIVE.search(text):
        return "\n".join(f"> {line}" if line.strip() else ">" for line in lines)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return "\n".join([f"{fence}text", *lines, fence])


def _speaker(transcript: Transcript, message: Message, t: Translator) -> str:
    return t("exports.you") if message.role == "user" else transcript.persona or t("exports.nobody")


def _title(transcript: Transcript, t: Translator) -> str:
    return t("exports.title", name=transcript.persona or t("exports.nobody"))


def _by(transcript: Transcript, t: Translator) -> str:
    return t("exports.by", date=f"{transcript.when:%Y-%m-%d %H:%M}", app=t("app.name"))


def _replies(transcript: Transcript) -> list[tuple[int, Message]]:
    return [(place, m) for place, m in enumerate(transcript.conversation.messages) if m.info]


def _verdicts(
    persona: Persona | None, messages: Sequence[Message], judged: Mapping[tuple[Check, Message], Verdict]
) -> dict[int, list[Verdict]]:
    """What became of the persona's checks, by the place of the reply; one that asks a model may be open."""
    if persona is None or not persona.checks:
        return {}
    return {
        place: [judged.get((check, message)) or run(check, message.content) for check in persona.checks]
        for place, message in enumerate(messages)
        if message.info and message.info.whole and message.content
    }


def _outcome(one: Verdict, t: Translator) -> str:
    asked = expectation(one.check, t)
    if one.passed:
        return f"✓ {asked}"
    told = t("checks.outcome", expected=asked, found=finding(one, t))
    return f"{'✗' if one.passed is False else '–'} {told}"


def _row(one: Verdict) -> dict[str, Any]:
    return {"type": one.check.type, "value": one.check.value, "passed": one.passed, "found": one.found}


def _notes(transcript: Transcript, place: int, t: Translator) -> list[str]:
    """What there is to know of a message: what went wrong, who wrote it and what it took, and the remarks."""
    info = transcript.conversation.messages[place].info
    notes = [*_failure(transcript, info, t), _about(transcript, info, t)] if info else []
    return [note for note in (*notes, *transcript.remarks.get(place, ())) if note.strip()]


def _about(transcript: Transcript, info: ReplyInfo, t: Translator) -> str:
    usage = info.usage
    parts = [transcript.labels.get(info.provider, info.provider), info.model]
    parts.append(t("reply.seconds", seconds=f"{info.seconds:.1f}"))
    if info.first_token_seconds is not None:
        parts.append(t("exports.first_words", seconds=f"{info.first_token_seconds:.1f}"))
    if usage.prompt_tokens is not None:
        parts.append(t("exports.read", count=usage.prompt_tokens))
    if usage.completion_tokens is not None:
        words = "reply.about_tokens" if usage.estimated else "reply.tokens"
        parts.append(t(words, count=usage.completion_tokens))
    if info.ended != "failed":
        parts.append(_worded(t, f"ended.{info.ended}", info.ended))
    if info.unused:
        parts.append(t("reply.unused", names=t("app.comma").join(info.unused)))
    if info.left_out:
        named = (_worded(t, f"sent.part.{part}", part) for part in info.left_out)
        parts.append(t("sent.without", parts=t("app.comma").join(named)))
    return " · ".join(parts)


def _failure(transcript: Transcript, info: ReplyInfo, t: Translator) -> list[str]:
    fault = info.failure
    if fault is None:
        return []
    provider = transcript.labels.get(info.provider, info.provider)
    what = _worded(t, f"failure.{fault.code}.what", fault.code, provider=provider, model=info.model)
    return [what, fault.detail]


def _worded(t: Translator, key: str, code: str, **slots: object) -> str:
    """The words for a code; the code itself where a conversation of another version brought one we do not know."""
    try:
        return t(key, **slots)
    except KeyError:
        return code


def _plain(text: str) -> str:
    """A text of one line that Markdown shows as it is."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", " ".join(text.split()))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
