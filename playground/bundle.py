"""A hand-in bundle: one zip with a persona, a dialogue with it and all that belongs to them, written and read again."""

from __future__ import annotations

import json
import re
import stat
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from playground import __version__
from playground.archive import Archived, from_archive
from playground.config import MAX_BYTES as PERSONA_BYTES
from playground.exports import EXPORTS, File, Transcript
from playground.i18n import Translator
from playground.keys import mask
from playground.personas import Persona, slug_of

BYTES = 5_000_000
"""Bytes of the largest bundle that is opened, and of its largest file."""
ALL_BYTES = 10_000_000
"""Bytes of all its files together."""
FILES = 30

PERSONA, DIALOGUE = "persona.yaml", "dialogue.json"
NAMES = {PERSONA, DIALOGUE, "dialogue.md", "settings.json", "checks.json", "checks.md", "notebook.ipynb"}
NAMES |= {"declaration.md"}
_MORE = re.compile(
    r"screenshots/([\w .()-]+\.(png|jpe?g|webp))?|declaration\.(docx|odt|pdf|txt)", re.IGNORECASE
)
"""What the one who hands in adds: pictures in a folder of their own, the form in another format. Never opened."""
_ADDED = re.compile(r"^__MACOSX/|(^|/)(\.DS_Store|Thumbs\.db|desktop\.ini)$")
"""What a system puts into a zip on its own. Never opened."""
_FOLDER = re.compile(r"[^/\\.][^/\\]*/")

_LONGEST_NAME = 80
_ENCRYPTED = 0x1

Code = Literal[
    "too_large",
    "no_zip",
    "encrypted",
    "too_many",
    "foreign",
    "twice",
    "too_big",
    "damaged",
    "no_dialogue",
    "dialogue",
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a bundle is not opened, and which of its files is at fault."""

    code: Code
    file: str = ""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What a bundle brings back: its dialogues, and the text of its persona, "" where it has none."""

    chats: tuple[Archived, ...]
    persona: str


def to_bundle(
    transcript: Transcript,
    persona: Persona | None,
    text: str,
    t: Translator,
    *keys: str,
    link: str = "",
) -> File:
    """Write a bundle; the same dialogue gives the same bytes. `keys` are masked, and whatever else looks like one.

    `text` is the persona's YAML as somebody wrote it, `link` one that carries it.
    """
    transcript = transcript.masked(*keys)
    files = {
        DIALOGUE: EXPORTS["json"].write(transcript, t),
        "dialogue.md": EXPORTS["markdown"].write(transcript, t),
        "notebook.ipynb": EXPORTS["notebook"].write(transcript, t),
        "settings.json": _json(_settings(transcript)),
        "declaration.md": _encoded(_declaration(transcript, mask(link, *keys), t)),
    }
    if persona:
        files[PERSONA] = _encoded(mask(text, *keys))
        files["checks.json"] = _json(_checks(transcript))
        files["checks.md"] = _encoded(_checks_told(transcript, t))
    name = f"{slug_of(transcript.persona or 'chat')}-{transcript.when:%Y-%m-%d}.zip"
    return File(name, "application/zip", _zipped(files))


def from_bundle(raw: bytes) -> tuple[HandedIn | None, Refusal | None]:
    """Open a bundle whole, or refuse it whole; nothing of it is written anywhere."""
    if len(raw) > BYTES:
        return None, Refusal("too_large")
    try:
        with ZipFile(BytesIO(raw)) as bundle:
            members = bundle.infolist()
            if refusal := _refusal(members):
                return None, refusal
            wanted = [(name, one) for name, one in _files(members) if name in (PERSONA, DIALOGUE)]
            content = {name: _read(bundle, one) for name, one in wanted}
    except (
        BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
        # Its numbers may be larger than a place in a file can be.
        OverflowError,
    ) as error:
        # The module says "no zip" and "damaged" with the same exception.
        return None, Refusal("no_zip" if isinstance(error, BadZipFile) and raw[:2] != b"PK" else "damaged")
    return _opened(content)


def _files(members: Sequence[ZipInfo]) -> list[tuple[str, ZipInfo]]:
    """Files by their names in the bundle: who filled in the form may have packed it anew, with a folder around it."""
    ours = [one for one in members if not _ADDED.search(one.filename)]
    tops = {one.filename.partition("/")[0] for one in ours}
    folder = f"{tops.pop()}/" if len(tops) == 1 and all("/" in one.filename for one in ours) else ""
    if not _FOLDER.fullmatch(folder) or folder == "screenshots/":
        folder = ""
    return [(name, one) for one in ours if (name := one.filename.removeprefix(folder))]


def _refusal(members: Sequence[ZipInfo]) -> Refusal | None:
    """What is wrong with the files of a zip, before any of them is read."""
    files = _files(members)
    if len(files) > FILES or len(members) > 4 * FILES:
        return Refusal("too_many")
    seen: set[str] = set()
    for name, one in files:
        told = name[:_LONGEST_NAME]
        kind = stat.S_IFMT(one.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG) or (one.is_dir() and kind == stat.S_IFDIR)
        if one.filename != one.orig_filename or not plain or not (name in NAMES or _MORE.fullmatch(name)):
            return Refusal("foreign", told)
        if one.flag_bits & _ENCRYPTED:
            return Refusal("encrypted", told)
        if name in seen:
            return Refusal("twice", told)
        if one.file_size > BYTES:
            return Refusal("too_big", told)
        if one.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            return Refusal("damaged", told)
        seen.add(name)
    return Refusal("too_big") if sum(one.file_size for one in members) > ALL_BYTES else None


def _read(bundle: ZipFile, member: ZipInfo) -> bytes:
    # Asked for the whole, the module would inflate all that is there, however little the member claims to hold.
    with bundle.open(member) as file:
        return file.read(member.file_size + 1)


def _opened(content: dict[str, bytes]) -> tuple[HandedIn | None, Refusal | None]:
    if DIALOGUE not in content:
        return None, Refusal("no_dialogue")
    chats, damage = from_archive(content[DIALOGUE])
    if damage:
        return None, Refusal("dialogue", DIALOGUE)
    written = content.get(PERSONA, b"")
    if len(written) > PERSONA_BYTES:
        return None, Refusal("too_big", PERSONA)
    try:
        return HandedIn(tuple(chats), written.decode("utf-8-sig")), None
    except UnicodeDecodeError:
        return None, Refusal("damaged", PERSONA)


def _settings(transcript: Transcript) -> dict[str, Any]:
    replies = [m.info for m in transcript.conversation.messages if m.info]
    last = replies[-1] if replies else None
    return {
        "app": "Persona Playground",
        "version": __version__,
        "written": transcript.when.isoformat(timespec="seconds"),
        "language": transcript.language,
        "persona": transcript.persona,
        "provider": last.provider if last else "",
        "model": transcript.call.body.get("model", ""),
        "parameters": transcript.settings,
        "replies": [
            {
                "provider": one.provider,
                "model": one.model,
                "ended": one.ended,
                "seconds": round(one.seconds, 2),
                "prompt_tokens": one.usage.prompt_tokens,
                "completion_tokens": one.usage.completion_tokens,
            }
            for one in replies
        ],
    }


def _checks(transcript: Transcript) -> list[dict[str, Any]]:
    said = transcript.conversation.messages
    return [
        {"message": one["message"], "reply": said[one["message"] - 1].content, **one}
        for one in transcript.checks
    ]


def _checks_told(transcript: Transcript, t: Translator) -> str:
    passed = [check["passed"] for one in transcript.checks for check in one["checks"]]
    counts = {"passed": passed.count(True), "failed": passed.count(False), "open": passed.count(None)}
    parts = [
        f"# {t('bundle.checks.title', name=_line(transcript.persona))}",
        t("bundle.checks.sum", **counts),
    ]
    for one in transcript.checks:
        parts.append(f"## {t('bundle.checks.reply', number=one['message'])}")
        told = transcript.remarks.get(one["message"] - 1, ())
        parts.append("\n".join(f"- {_line(sentence)}" for sentence in told))
    return "\n\n".join(parts) + "\n"


def _declaration(transcript: Transcript, link: str, t: Translator) -> str:
    said = transcript.conversation.messages
    used = dict.fromkeys(f"{m.info.provider} / {m.info.model}" for m in said if m.info)
    return t(
        "bundle.declaration",
        name=_line(transcript.persona or t("exports.nobody")),
        link=link or "________",
        models=_line(", ".join(used) or "________"),
        app=t("app.name"),
        version=__version__,
        date=f"{transcript.when:%Y-%m-%d}",
    )


def _line(text: str) -> str:
    """A text of one line that Markdown shows as it is."""
    return re.sub(r"[\\`*_\[\]<>#|~$&!]", r"\\\g<0>", " ".join(text.split()))


def _zipped(files: dict[str, bytes]) -> bytes:
    """A zip that knows nothing of when and where it was made."""
    out = BytesIO()
    with ZipFile(out, "w") as bundle:
        for name in sorted(files):
            member = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type, member.create_system = ZIP_DEFLATED, 3
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            bundle.writestr(member, files[name], compresslevel=9)
    return out.getvalue()


def _json(value: Any) -> bytes:
    return _encoded(json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")
