"""The code that a visitor's browser keeps and a person may type, and the name that their chats are kept under."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

_SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SLIPS = str.maketrans("OIL", "011", " -‐‑–—_\t\n")


def new_token() -> str:
    """Make an owner's code: 128 random bits in Crockford's base32, and four symbols that tell slips, in fives."""
    body = _symbols(secrets.randbits(128), 26)
    token = body + _check(body)
    return "-".join(token[i : i + 5] for i in range(0, len(token), 5))


def owner_of(token: str) -> str | None:
    """The name that a code's chats are kept under; None for what is no code, slips of typing forgiven."""
    if len(token) > 100:
        return None
    plain = unicodedata.normalize("NFKC", token).upper().translate(_SLIPS)
    if len(plain) != 30 or not set(plain) <= set(_SYMBOLS) or _check(plain[:26]) != plain[26:]:
        return None
    return hashlib.sha256(plain.encode()).hexdigest()


def _symbols(number: int, count: int) -> str:
    return "".join(_SYMBOLS[number >> 5 * place & 31] for place in reversed(range(count)))


def _check(body: str) -> str:
    return _symbols(int.from_bytes(hashlib.sha256(body.encode()).digest()), 4)
