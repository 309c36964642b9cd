"""A character card and the file that carries it: JSON, or a PNG with the card in a text of its own."""

from __future__ import annotations

import base64
import colorsys
import contextlib
import io
import json
import struct
import unicodedata
import zlib
from typing import Any, NoReturn

from PIL import Image, ImageDraw, ImageFont, ImageOps, PngImagePlugin

from playground.config import Problem
from playground.persona_text import json_text
from playground.personas import FORBIDDEN
from playground.yaml_slips import key_form
from playground.yaml_text import Refused

Card = dict[str, Any]

MAX_BYTES = 8 * 1024**2
MAX_TEXT = 2 * 1024**2
MAX_PIXELS = 4096 * 4096
MAX_DEPTH = 32
LARGEST_SIDE = 1024
"""Pixels; a larger picture is made smaller on its way into a card."""

_PNG = b"\x89PNG\r\n\x1a\n"
_NEWEST_FIRST = ("ccv3", "chara")
_NO_KEYS = {key_form(name).replace("_", "") for name in FORBIDDEN}


def read_card(raw: bytes) -> Card:
    """Give the JSON object that a JSON or PNG file holds, within limits; raises Refused.

    A key that no persona may set (an API key, an address) is refused at every depth.
    """
    if len(raw) > MAX_BYTES:
        raise Refused(Problem("error", "card_big", slots={"limit": MAX_BYTES // 1024**2}))
    text = _text_in_png(raw) if raw.startswith(_PNG) else raw
    if len(text) > MAX_TEXT:
        raise Refused(Problem("error", "card_big", slots={"limit": MAX_TEXT // 1024**2}))
    try:
        card = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Refused(Problem("error", "card_damaged" if text is not raw else "not_card")) from None
    if not isinstance(card, dict):
        raise Refused(Problem("error", "not_card"))
    _look_through(card)
    return card


def card_json(card: Card) -> bytes:
    """Write a card as JSON in ASCII, which no program can decode wrongly."""
    return json.dumps(card, indent=2, allow_nan=False).encode()


def card_png(name: str, picture: bytes | None, cards: dict[str, Card]) -> bytes:
    """Write a PNG with `cards` in it, each in the text of its name; without a picture, one is drawn for `name`.

    Of a picture nothing but what it shows is kept. Raises Refused when it cannot be used.
    """
    texts = PngImagePlugin.PngInfo()
    for keyword, card in cards.items():
        texts.add_text(keyword, base64.b64encode(json_text(card).encode()).decode())
    image = _opened(picture) if picture else _drawn(name)
    image.info = {}
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=texts, optimize=True)
    return file.getvalue()


def _text_in_png(raw: bytes) -> bytes:
    _refuse_size(*struct.unpack(">II", raw[16:24].ljust(8, b"\0")))
    texts: dict[Any, Any] = {}
    # Whatever Pillow raises on a damaged file, there is no card to be had from it.
    with contextlib.suppress(Exception), Image.open(io.BytesIO(raw), formats=["PNG"]) as image:
        texts |= image.info
        # Texts that follow the picture come with its pixels; an animation's would all have to be decoded.
        if isinstance(image, PngImagePlugin.PngImageFile) and "ccv3" not in texts and not image.is_animated:
            texts |= image.text
    text = next((texts[name] for name in _NEWEST_FIRST if isinstance(texts.get(name), str)), None)
    if text is None:
        raise Refused(Problem("error", "card_missing"))
    try:
        return base64.b64decode(text)
    except ValueError:
        raise Refused(Problem("error", "card_damaged")) from None


def _look_through(value: Any, depth: int = 1) -> None:
    if depth > MAX_DEPTH:
        raise Refused(Problem("error", "card_deep", slots={"limit": MAX_DEPTH}))
    if isinstance(value, dict):
        for key, inner in value.items():
            if key_form(key).replace("_", "") in _NO_KEYS:
                raise Refused(Problem("error", "forbidden", slots={"field": key}))
            _look_through(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _look_through(inner, depth + 1)


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if abs(number) != float("inf") else _no_number(digits)


# -- the picture


def _opened(picture: bytes) -> Any:
    if len(picture) > MAX_BYTES:
        raise Refused(Problem("error", "card_big", slots={"limit": MAX_BYTES // 1024**2}))
    try:
        image = Image.open(io.BytesIO(picture), formats=["PNG", "JPEG", "WEBP"])
        _refuse_size(*image.size)
        image = ImageOps.exif_transpose(image)
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    except Refused:
        raise
    except Exception:  # Pillow has no one error for a file that it cannot read
        raise Refused(Problem("error", "card_picture")) from None
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return image


def _refuse_size(width: int, height: int) -> None:
    if not 0 < width * height <= MAX_PIXELS:
        slots = {"width": width, "height": height, "limit": MAX_PIXELS // 1000**2}
        raise Refused(Problem("error", "card_pixels", slots=slots))


def _drawn(name: str) -> Any:
    """Draw the name's first letter on a colour of its own, or a face where the only font at hand has no such letter."""
    hue = zlib.crc32(name.encode("utf-8", "replace")) % 360 / 360
    ground, disc, ink = (_colour(hue, light) for light in (0.35, 0.55, 0.97))
    # Drawn at twice the size and made smaller, so that edges are smooth.
    image = Image.new("RGB", (800, 1200), ground)
    draw = ImageDraw.Draw(image)
    draw.circle((400, 600), 300, fill=disc)
    letter = unicodedata.normalize("NFKD", name)[:1].upper()
    if letter.isascii() and letter.isalnum():
        draw.text((400, 600), letter, ink, ImageFont.load_default(340), anchor="mm")
    else:
        for x in (310, 490):
            draw.circle((x, 540), 36, fill=ink)
        draw.arc((260, 480, 540, 760), 25, 155, fill=ink, width=32)
    return image.resize((400, 600), Image.Resampling.LANCZOS)


def _colour(hue: float, light: float) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in colorsys.hls_to_rgb(hue, light, 0.45))
