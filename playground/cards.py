"""Character Cards V2 and V3: a persona that other programs can read, and theirs as a persona.

What a card says and a persona has no place for (a lorebook, other greetings, other programs' extensions) stays
with the persona in its key `x-card`, and is in the card again when the persona leaves; so are the card's own words
where a persona holds them in another form. What a persona says and a card has no place for stands in the card
under `data.extensions.persona_playground`.

A persona knows no macros. On the way in, {{char}} becomes the card's nickname or name; {{user}} becomes "the user"
where the model is told about somebody, and "you" where somebody is spoken to; {{original}} and comments go away;
any other stays as it stands, with a warning. On the way out the card's own text comes back, macros and all, as long
as the persona's has not been changed.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from playground.card_file import Card, card_json, card_png, read_card
from playground.config import Problem
from playground.persona_text import json_text, persona_fields, read_fields
from playground.personas import Persona
from playground.yaml_text import Refused

Version = Literal["2", "3"]
Fields = dict[str, Any]

OURS = "persona_playground"
KEPT = "x-card"

_V1 = ("name", "description", "personality", "scenario", "first_mes", "mes_example")
_TEXTS = (*_V1, "creator_notes", "system_prompt", "post_history_instructions", "creator", "character_version")
# What other programs repeat beside `data` for readers of version 1.
_REPEATED = {"spec", "spec_version", "data", "tags", "creatorcomment", *_V1}
# Which fields of a card make which of ours.
_MAKES = (
    (("name", "nickname"), ("name",)),
    (
        ("system_prompt", "description", "personality", "scenario", "mes_example"),
        ("system_prompt", "examples"),
    ),
    (("first_mes",), ("greeting",)),
    (("post_history_instructions",), ("reminder",)),
    (("creator_notes", "creator_notes_multilingual"), ("description",)),
    (("creator",), ("author",)),
    (("character_version",), ("version",)),
    (("tags",), ("tags",)),
)
_ROOM = {"greeting": 4000, "description": 4000, "author": 200, "version": 200, "tags": 20, "examples": 20}
"""How much of a long field is used, in characters or entries; the whole of it is kept."""

_LONGEST_NAME = 80
"""Characters of a name or nickname that are used; a persona's own name is no longer either."""

_HAN = re.compile("[\u4e00-\u9fff]")
_SECTIONS = {
    "description": ("Description", "描述"),
    "personality": ("Personality", "個性"),
    "scenario": ("Scenario", "情境"),
    "mes_example": ("Examples", "對話範例"),
}
_CHAR = re.compile(r"\{\{char\}\}|<BOT>", re.IGNORECASE)
_USER = re.compile(r"(?:\{\{user\}\}|<USER>)('s\b)?", re.IGNORECASE)
_SILENT = re.compile(r"\{\{(?:original|//[^{}]*|(?:comment|hidden_key):[^{}]*)\}\}", re.IGNORECASE)
_MACRO = re.compile(r"\{\{[^{}\n]{1,80}\}\}")
_START = re.compile(r"^[ \t]*<START>[ \t]*$", re.IGNORECASE | re.MULTILINE)
_SPEAKER = re.compile(
    r"^[ \t]*(?:(?P<user>\{\{user\}\}|<USER>)|\{\{char\}\}|<BOT>)[ \t]*[:：]", re.IGNORECASE | re.MULTILINE
)


def from_card(raw: bytes) -> tuple[Persona | None, tuple[Problem, ...]]:
    """Read a card of any version, JSON or PNG, as a persona, or say what is wrong; never raises on any bytes.

    What it says is read as strictly as a file, so it can set no key and no address.
    """
    try:
        card = _in_shape(read_card(raw))
    except Refused as refused:
        return None, (refused.problem,)
    data = card["data"]
    own = data["extensions"].pop(OURS, None)
    own = own if isinstance(own, dict) else {}
    fields, cut = _persona_part(data)
    told = [
        *(Problem("warning", "card_cut", slots={"field": name}) for name in cut if name not in own),
        *_unused(data, {name: value for name, value in fields.items() if name not in own}),
    ]
    fields |= own
    persona, problems = read_fields(fields)
    if persona is None:
        return None, problems
    told += problems
    if kept := _difference(card, _plain_card(persona, "3" if "v3" in str(card.get("spec")) else "2")):
        whole, problems = read_fields(fields | {KEPT: json_text(kept, indent=1)})
        if whole is None and {p.code for p in problems} != {"too_big"}:
            return None, problems
        if whole is None:
            told.append(Problem("warning", "card_left_out"))
        persona = whole or persona
    return persona, tuple(told)


def to_card(persona: Persona, version: Version = "3") -> bytes:
    """Give a persona as a card in JSON, with every field that the version's specification asks for."""
    return card_json(_card(persona, version))


def to_card_png(persona: Persona, version: Version = "3", picture: bytes | None = None) -> bytes:
    """Give a persona as a PNG with its card inside; without a picture (PNG, JPEG or WebP) one is drawn.

    Beside a card of version 3 stands one of version 2, for programs that know no other. Raises Refused when the
    picture cannot be used.
    """
    cards = {"chara": _card(persona, "2")}
    if version == "3":
        cards["ccv3"] = _card(persona, "3")
    return card_png(persona.name, picture, cards)


# -- from a card


def _in_shape(card: Card) -> Card:
    """Give a card of version 1 the shape of the later ones; raises Refused for what is no card."""
    if not isinstance(card.get("data"), dict):
        card = {"data": card}
    data = card["data"]
    is_told = str(card.get("spec")).startswith("chara_card")
    if "name" not in data or not (is_told or ({*_TEXTS} - {"name", "description"}) & {*data}):
        raise Refused(Problem("error", "not_card"))
    data = {**dict.fromkeys(_TEXTS, ""), **data, "extensions": _mapping(data.get("extensions"))}
    return card | {"data": data}


def _persona_part(data: Fields) -> tuple[Fields, list[str]]:
    """Give what a card says of what a persona holds, none of it empty but the required, and which fields were cut."""
    tongue = 1 if any(_HAN.search(_text(data, name)) for name in _TEXTS) else 0
    told, spoken = ("the user", "使用者")[tongue], ("you", "你")[tongue]
    examples = _exchanges(_text(data, "mes_example"))
    parts = [name for name in _SECTIONS if name != "mes_example" or examples is None]
    texts = {name: text for name in ("system_prompt", *parts) if (text := _worded(data, name, told))}
    if len(texts) > 1:
        texts = {n: f"## {_SECTIONS[n][tongue]}\n{t}" if n in _SECTIONS else t for n, t in texts.items()}
    fields: Fields = {
        "greeting": _worded(data, "first_mes", spoken),
        "description": _text(data, "creator_notes") or _any_text(data.get("creator_notes_multilingual")),
        "tags": [tag.strip()[:200].strip() for tag in _texts(data.get("tags")) if tag.strip()],
        "examples": [{who: _without_macros(data, t, spoken) for who, t in p.items()} for p in examples or ()],
        "reminder": _worded(data, "post_history_instructions", told),
        "author": _text(data, "creator"),
        "version": _text(data, "character_version"),
    }
    cut = [name for name, value in fields.items() if len(value) > _ROOM.get(name, len(value))]
    for name in cut:
        fields[name] = fields[name][: _ROOM[name]]
    fields = {name: value for name, value in fields.items() if value}
    return {"name": _text(data, "name"), "system_prompt": "\n\n".join(texts.values()), **fields}, cut


def _worded(data: Fields, name: str, user: str) -> str:
    return _without_macros(data, _text(data, name), user)


def _without_macros(data: Fields, text: str, user: str) -> str:
    # A name may be as long as the card, and stand in it as often as there is room: that would be gigabytes.
    char = (_text(data, "nickname") or _text(data, "name"))[:_LONGEST_NAME]
    text = _CHAR.sub(lambda _: char, _SILENT.sub("", text))
    own = "your" if user == "you" else f"{user}'s"
    return _USER.sub(lambda found: own if found[1] else user, text).strip()


def _exchanges(text: str) -> list[dict[str, str]] | None:
    """Give a card's example dialogues as questions and answers, or None when they are anything else."""
    pairs: list[dict[str, str]] = []
    for dialogue in _START.split(text):
        turns = list(_SPEAKER.finditer(dialogue))
        if dialogue[: turns[0].start() if turns else None].strip() or len(turns) % 2:
            return None
        ends = [*(turn.start() for turn in turns[1:]), len(dialogue)]
        said = [dialogue[turn.end() : end].strip() for turn, end in zip(turns, ends, strict=False)]
        if not all(said) or [bool(turn["user"]) for turn in turns] != [True, False] * (len(turns) // 2):
            return None
        pairs += [{"user": u, "assistant": a} for u, a in zip(said[::2], said[1::2], strict=True)]
    return pairs


def _unused(data: Fields, fields: Fields) -> list[Problem]:
    """Tell what a card expects of a program that this one does not do."""
    told = []
    if entries := _list(_mapping(data.get("character_book")).get("entries")):
        told.append(Problem("warning", "card_lorebook", slots={"count": len(entries)}))
    if found := _MACRO.search(json_text(fields)):
        told.append(Problem("warning", "card_macro", slots={"text": found.group()}))
    return told


def _difference(card: Card, plain: Card) -> Card:
    """Give what of a card is not in the plain one, in the same shape."""
    data = {
        name: value
        for name, value in sorted(card["data"].items())
        if name not in plain["data"] or json_text(value) != json_text(plain["data"][name])
    }
    rest = {name: value for name, value in card.items() if name not in _REPEATED}
    return rest | ({"data": data} if data else {})


# -- to a card


def _card(persona: Persona, version: Version) -> Card:
    card, kept, said = _plain_card(persona, version), _kept(persona), persona_fields(persona)
    if kept:
        del said[KEPT]
    data, rest = card["data"], kept.pop("data", {})
    for theirs, ours in _MAKES:
        original = data | {name: rest.pop(name) for name in theirs if name in rest}
        back, _ = _persona_part(original)
        if all(back.get(name) == said.get(name) for name in ours):
            data = original
    data = _sound(data | rest, version)
    back, _ = _persona_part(data)
    # What is empty here and would not be empty there has to be told as well.
    own = {name: type(value)() for name, value in back.items() if name not in said}
    own |= {name: value for name, value in said.items() if name not in back or back[name] != value}
    if own:
        data["extensions"] = data["extensions"] | {OURS: own}
    return {**kept, **card, "data": data}


def _plain_card(persona: Persona, version: Version) -> Card:
    """Give a card that knows nothing of where the persona came from."""
    pairs = [f"<START>\n{{{{user}}}}: {e.user}\n{{{{char}}}}: {e.assistant}" for e in persona.examples]
    data: Fields = {
        "name": persona.name,
        "description": "",
        "personality": "",
        "scenario": "",
        "first_mes": persona.greeting,
        "mes_example": "\n".join(pairs),
        "creator_notes": persona.description,
        "system_prompt": persona.system_prompt,
        "post_history_instructions": persona.reminder,
        "alternate_greetings": [],
        "tags": list(persona.tags),
        "creator": persona.author,
        "character_version": persona.version,
        "extensions": {},
    }
    language = persona.language.split("-")[0].lower()
    if version == "3":
        data["group_only_greetings"] = []
        if persona.description and language not in ("", "en"):
            data["creator_notes_multilingual"] = {language: persona.description}
    return {"spec": f"chara_card_v{version}", "spec_version": f"{version}.0", "data": data}


def _kept(persona: Persona) -> Card:
    """Give what a persona keeps of the card that it came from."""
    try:
        kept = json.loads((persona.model_extra or {}).get(KEPT, ""))
        json_text(kept, indent=1)
    except (TypeError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) and isinstance(kept.get("data", {}), dict) else {}


def _sound(data: Fields, version: Version) -> Fields:
    """Give the data with every required field there and of its kind."""
    lists = ("alternate_greetings", "tags", *(["group_only_greetings"] if version == "3" else []))
    data = data | {name: _text(data, name) for name in _TEXTS if not isinstance(data.get(name), str)}
    data |= {name: _texts(data.get(name)) for name in lists}
    data["extensions"] = {name: v for name, v in _mapping(data.get("extensions")).items() if name != OURS}
    if "character_book" in data:
        book = _mapping(data.pop("character_book"))
        required = {"keys": [], "content": "", "extensions": {}, "enabled": True, "insertion_order": 0}
        required |= {"use_regex": False} if version == "3" else {}
        entries = [entry for entry in _list(book.get("entries")) if isinstance(entry, dict)]
        for entry in entries:
            entry.update({name: value for name, value in required.items() if name not in entry})
        data["character_book"] = book | {"entries": entries, "extensions": _mapping(book.get("extensions"))}
    return data


def _text(data: Fields, name: str) -> str:
    value = data.get(name)
    return value.replace("\r\n", "\n").replace("\r", "\n").strip() if isinstance(value, str) else ""


def _any_text(value: Any) -> str:
    return next((_text(_mapping(value), name) for name in _mapping(value)), "")


def _texts(value: Any) -> list[str]:
    return [text for text in _list(value) if isinstance(text, str)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}
