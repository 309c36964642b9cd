"""Character cards as other programs write them, and what the tests ask of a reading."""

from __future__ import annotations

import base64
import copy
import io
import json
import struct
import zlib
from typing import Any

from PIL import Image

from playground.cards import Version, from_card
from playground.personas import Persona
from tests.cards import assert_worded

VERSIONS: tuple[Version, ...] = ("2", "3")
ENTRY: dict[str, Any] = {
    "keys": ["dragon"],
    "content": "{{char}} fears dragons.",
    "extensions": {"depth": 4, "weight": 1.5},
    "enabled": True,
    "insertion_order": 100,
    "case_sensitive": None,
}
V2: dict[str, Any] = {
    "spec": "chara_card_v2",
    "spec_version": "2.0",
    "data": {
        "name": "Alice",
        "description": "{{char}} is a baker who likes {{user}}.",
        "personality": "warm, {{user}}'s friend",
        "scenario": "A bakery at dawn.",
        "first_mes": "Good morning, {{user}}!",
        "mes_example": "<START>\n{{user}}: Bread?\n{{char}}: Fresh,\nas ever.\n<START>\n{{user}}: Bye\n{{char}}: Bye!",
        "creator_notes": "Best with a long context.",
        "system_prompt": "{{original}}\nStay in character.",
        "post_history_instructions": "{{// be short}}Answer <USER> in one line.",
        "alternate_greetings": ["Hello again, {{user}}.", "Back so soon?"],
        "character_book": {"name": "World", "extensions": {}, "entries": [ENTRY]},
        "tags": ["baker", "cosy"],
        "creator": "somebody",
        "character_version": "3",
        "extensions": {"talkativeness": "0.5", "depth_prompt": {"prompt": "x", "depth": 4, "role": "system"}},
    },
}
V1 = {
    name: V2["data"][name]
    for name in ("name", "description", "personality", "scenario", "first_mes", "mes_example")
}
V3 = copy.deepcopy(V2) | {"spec": "chara_card_v3", "spec_version": "3.0"}
V3["data"] |= {
    "nickname": "Ally",
    "group_only_greetings": ["Hi all."],
    "creator_notes_multilingual": {"zh": "適合長對話。"},
    "source": ["https://cards.example/1"],
    "assets": [{"type": "icon", "uri": "ccdefault:", "name": "main", "ext": "png"}],
    "creation_date": 1700000000,
}
V3["data"]["character_book"]["entries"][0]["use_regex"] = False


def picture(kind: str = "PNG", size: tuple[int, int] = (2, 3), **how: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind, **how)
    return file.getvalue()


SMALL = picture()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes) -> bytes:
    """A picture with chunks before its end, where most programs put a card."""
    return SMALL[:-12] + b"".join(chunks) + SMALL[-12:]


def text_chunk(keyword: str, card: object) -> bytes:
    return chunk(b"tEXt", keyword.encode() + b"\0" + base64.b64encode(json.dumps(card).encode()))


def imported(raw: bytes | dict[str, Any]) -> Persona:
    persona, problems = from_card(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    for problem in problems:
        assert_worded(problem)
    assert persona, problems
    return persona


def codes(raw: bytes | dict[str, Any]) -> list[str]:
    persona, problems = from_card(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    assert (persona is None) == any(p.level == "error" for p in problems)
    for problem in problems:
        assert_worded(problem)
    return [p.code for p in problems]
