"""Files that carry a card: where it is looked for, what is refused, and pictures with a card inside."""

from __future__ import annotations

import base64
import copy
import io
import json
import random
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from playground.cards import to_card_png
from playground.personas import Persona
from playground.yaml_text import Refused
from tests.card_cases import SMALL, V1, V2, V3, chunk, codes, imported, picture, png_with, text_chunk
from tests.cards import assert_worded
from tests.tables import table


@table(
    "raw, code",
    [
        (b"", "not_card"),
        (b"name: a\nsystem_prompt: b\n", "not_card"),
        (b"[]", "not_card"),
        (b"{}", "not_card"),
        (b'{"name": "a"}', "not_card"),
        (b'{"name": "a", "description": "b"}', "not_card"),
        (b'{"name": "a", "personality": NaN}', "not_card"),
        (b'{"name": "a", "personality": 1e999}', "not_card"),
        (b'{"name": "a", "personality": ' + b"9" * 5000 + b"}", "not_card"),
        (b"[" * 100_000, "not_card"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "card_deep"),
        (b" " * (8 * 1024**2 + 1), "card_big"),
        (b" " * (2 * 1024**2 + 1), "card_big"),
        (SMALL, "card_missing"),
        (SMALL[:20], "card_pixels"),
        (SMALL[:40], "card_missing"),
        (SMALL[:16] + struct.pack(">II", 60_000, 60_000) + SMALL[24:], "card_pixels"),
        (png_with(chunk(b"tEXt", b"chara\0%%%")), "card_damaged"),
        (png_with(chunk(b"tEXt", b"chara\0" + base64.b64encode(b"{"))), "card_damaged"),
        (png_with(text_chunk("chara", [1])), "not_card"),
        (png_with(chunk(b"zTXt", b"chara\0\0" + zlib.compress(b"A" * 50_000_000))), "card_missing"),
    ],
)
def test_what_is_no_card(raw: bytes, code: str) -> None:
    assert codes(raw) == [code]


def test_where_a_picture_has_its_card() -> None:
    other = copy.deepcopy(V2)
    other["data"]["name"] = "Old"
    assert imported(png_with(text_chunk("chara", V2))).name == "Alice"
    assert imported(png_with(text_chunk("chara", other), text_chunk("ccv3", V3))).name == "Alice"
    assert imported(SMALL[:33] + text_chunk("ccv3", V3) + SMALL[33:-12]).name == "Alice"  # its end is lost
    assert imported("\ufeff".encode() + json.dumps(V2).encode()).name == "Alice"


def test_what_a_picture_carries() -> None:
    persona = imported(V3)
    with Image.open(io.BytesIO(to_card_png(persona, "3"))) as image:
        both = {name: json.loads(base64.b64decode(text)) for name, text in image.text.items()}
        assert image.size == (400, 600)
    assert {name: card["spec_version"] for name, card in both.items()} == {"chara": "2.0", "ccv3": "3.0"}
    with Image.open(io.BytesIO(to_card_png(persona, "2"))) as image:
        assert image.text.keys() == {"chara"}


def test_two_names_have_two_faces() -> None:
    drawn = {
        name: to_card_png(Persona(name=name, system_prompt="b")) for name in ("Ann", "Éva", "王老師", "🍀")
    }
    shown = {Image.open(io.BytesIO(raw)).convert("RGB").tobytes() for raw in drawn.values()}
    assert len(shown) == len(drawn)
    assert all(len(raw) < 40_000 for raw in drawn.values())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_of_ones_own(kind: str) -> None:
    taken = Image.Exif()
    taken[0x010E] = "at my house"
    persona = Persona(name="a", system_prompt="b")
    raw = to_card_png(persona, "3", picture(kind, (2000, 1000), exif=taken))
    with Image.open(io.BytesIO(raw)) as image:
        assert image.size == (1024, 512)
        assert not image.getexif()
    assert b"my house" not in raw
    assert imported(raw) == persona


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"GIF89a", "card_picture"),
        (SMALL[:50], "card_picture"),
        (picture(size=(4097, 4097)), "card_pixels"),
        (b"\0" * (8 * 1024**2 + 1), "card_big"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_picture_that_cannot_be_used(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        to_card_png(Persona(name="a", system_prompt="b"), "3", raw)
    assert refused.value.problem.code == code
    assert_worded(refused.value.problem)


CARDS = [
    json.dumps(V2).encode(),
    json.dumps(V1).encode(),
    to_card_png(imported(V3), "3", SMALL),
    png_with(text_chunk("chara", V2)),
]


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(CARDS), st.randoms(use_true_random=False))
def test_damaged_cards_never_raise(raw: bytes, chance: random.Random) -> None:
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(damaged) + 1)
        damaged[at : at + chance.choice((0, 1, 1, 4, 40))] = chance.randbytes(chance.choice((0, 1, 1, 4)))
    codes(bytes(damaged))
