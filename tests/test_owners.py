"""A code names its owner however it is typed, and a wrong one names nobody."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import owners
from playground.owners import new_token, owner_of
from tests.tables import table

SLIPS: list[Callable[[str], str]] = [
    str.lower,
    lambda token: token.replace("-", ""),
    lambda token: token.replace("-", " – ") + "\n",
    lambda token: token.replace("0", "O").replace("1", "l"),
    lambda token: token.replace("0", "o").replace("1", "I"),
    lambda token: "".join(chr(ord(c) + 0xFEE0) for c in token),  # full-width, from a Chinese keyboard
]


@given(st.integers(0, 2**128 - 1), st.sampled_from(SLIPS))
def test_codes_forgive_slips(number: int, slip: Callable[[str], str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owners.secrets, "randbits", lambda bits: number)
        token = new_token()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}(-[0-9A-HJKMNP-TV-Z]{5}){5}", token)
    owner = owner_of(token)
    assert owner
    assert re.fullmatch("[0-9a-f]{64}", owner)
    assert owner_of(slip(token)) == owner


def test_codes_differ() -> None:
    assert len({owner_of(new_token()) for _ in range(100)}) == 100


TOKEN = "5FYDX-SYY13-4SQWR-D4BH4-X4P52-05ENA"


@table(
    "token",
    [
        "",
        "x",
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "-" * 100,
        "U" + TOKEN[1:],
        "\0" * 30,
        "字" * 30,
        "\ud800" * 30,
    ],
)
def test_what_is_no_code(token: str) -> None:
    assert owner_of(token) is None


@given(st.integers(0, 29), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_wrong_symbol_is_noticed(at: int, symbol: str) -> None:
    """A code with a slip must not open an empty shelf, as if nothing had ever been kept."""
    plain = "7XK2M9QW4R0123456789ABCDEF" + "RV4Y"
    plain = plain[:26] + owners._check(plain[:26])
    wrong = plain[:at] + symbol + plain[at + 1 :]
    assert (owner_of(wrong) is None) == (wrong != plain)
