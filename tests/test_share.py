"""Links that carry a persona: short, whole or told to be broken, and unable to set what a persona cannot."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
import zlib
from urllib.parse import parse_qs, urlsplit

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from playground import share
from playground.personas import Persona, load_personas
from playground.share import from_link, qr_svg, to_link
from tests.cards import assert_worded
from tests.persona_cases import personas
from tests.tables import table

HOME = "https://persona-playground.streamlit.app/"
SHIPPED = load_personas().personas
# Made by the first version, and on somebody's wall by now.
FIRST = "1ePl21U-IgzPOfgVlMCxKEYmiJDURGFPARAPKnJDs-HfypU1XvbYeXrgY1W03DZVqARCuKDw"


def payload(link: str) -> str:
    return parse_qs(urlsplit(link).query)["share"][0]


def packed(text: str | bytes, version: str = "1") -> str:
    packer = zlib.compressobj(zdict=share._VERSIONS["1"])
    raw = packer.compress(text if isinstance(text, bytes) else text.encode("gb18030")) + packer.flush()
    return version + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def codes(text: str) -> list[str]:
    persona, problems = from_link(text)
    assert (persona is None) == any(p.level == "error" for p in problems)
    for problem in problems:
        assert_worded(problem)
        assert (problem.line, problem.column, problem.edit) == (None, None, None)
    return [p.code for p in problems]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(personas)
def test_any_persona_comes_back(persona: Persona) -> None:
    link = to_link(persona, HOME)
    assert re.fullmatch(re.escape(HOME) + r"\?share=[\w-]+", link, re.ASCII)
    assert from_link(payload(link)) == (persona, ())


@pytest.mark.parametrize(
    ("base", "start"),
    [
        ("http://localhost:8501", "http://localhost:8501?share=1"),
        ("https://a.tw/class/?persona=x&key=y#top", "https://a.tw/class/?share=1"),
    ],
)
def test_where_a_link_leads(base: str, start: str) -> None:
    assert to_link(SHIPPED["lucky-vicky"], base).startswith(start)


def prompt_of(language: str) -> str:
    """600 characters as people write them: the shipped prompts of a language, one after the other."""
    text = " ".join(p.system_prompt for p in SHIPPED.values() if p.language == language)
    return text[:600]


FURNITURE = {
    "en": {
        "greeting": "Tell me what went wrong today, and I will tell you why it is the best thing that could happen!",
        "description": "Turns any bad luck of yours into good luck",
        "starters": ["I missed my bus.", "My phone broke.", "I lost my wallet in the park."],
        "tags": ["fun", "writing"],
        "examples": [
            {"user": "I spilled coffee.", "assistant": "And now my shirt smells of breakfast all day!"}
        ],
        "reminder": "End with the catchphrase.",
    },
    "zh-TW": {
        "greeting": "今天遇到什麼倒楣事？說給我聽，我來告訴你為什麼這其實是最棒的一件事！",
        "description": "把任何倒楣事都變成幸運的事",
        "starters": ["我錯過公車了", "我的手機摔壞了", "我把錢包掉在公園裡"],
        "tags": ["正向", "寫作"],
        "examples": [
            {"user": "我把咖啡打翻了", "assistant": "這下衣服整天都有早餐的香味，同學都跑來跟我說話！"}
        ],
        "reminder": "最後要說口頭禪。",
    },
}


@pytest.mark.parametrize("language", ["en", "zh-TW"])
@pytest.mark.parametrize("at", [0, 600, 1200])
def test_a_link_stays_short(language: str, at: int) -> None:
    """600 characters as people write them: the shipped prompts, one after the other; and all that goes with them."""
    prompt = "".join(p.system_prompt.replace("\n", "") for p in SHIPPED.values() if p.language == language)
    persona = Persona.model_validate(
        {"name": "Lucky Vicky", "system_prompt": prompt[at : at + 600], "avatar": "🍀", "temperature": 0.9}
        | {"language": language, "checks": [{"type": "ends-with", "value": "Lucky Vicky!"}]}
        | FURNITURE[language]
    )
    assert len(prompt[at : at + 600]) == 600
    assert len(to_link(persona, HOME)) < 2000


@table("slug", SHIPPED)
def test_shipped_personas_fit_into_a_short_link_and_a_qr_code(slug: str) -> None:
    link = to_link(SHIPPED[slug], HOME)
    assert len(link) < 2000
    picture = ET.fromstring(qr_svg(link))
    code = segno.make(link, error="l", micro=False)
    assert 1 <= int(code.version) <= 40
    side = (code.symbol_size(border=4)[0]) * 4  # four modules of quiet on every side
    assert (picture.get("width"), picture.get("height")) == (str(side), str(side))
    assert {part.tag.rpartition("}")[2] for part in picture.iter()} == {"svg", "g", "path"}


def test_how_much_a_qr_code_holds() -> None:
    assert qr_svg("a" * 2953)
    assert qr_svg("a" * 2954) == ""


def test_a_link_of_the_first_version_opens_for_ever() -> None:
    assert from_link(FIRST) == (
        Persona(name="王老師", system_prompt="You are a teacher. 你是老師，龘也認得。", avatar="🦉"),
        (),
    )


def test_whatever_fits_into_a_file_fits_into_a_link() -> None:
    persona = Persona.model_validate({"name": "a", "system_prompt": "b", "x-card": '"' * 60_000})
    assert from_link(payload(to_link(persona, HOME))) == (persona, ())


def test_a_link_that_was_cut_is_told_apart() -> None:
    whole = payload(to_link(SHIPPED["lucky-vicky-zh"], HOME))
    assert {code for end in range(len(whole)) for code in codes(whole[:end])} == {"link_cut"}
    assert codes(whole) == codes(f" {whole}\n") == []


@table(
    "text, code",
    [
        ("", "link_cut"),
        ("1", "link_cut"),
        ("2AAAA", "link_version"),
        ("好", "link_version"),
        ("1好好好好", "link_damaged"),
        ("1!!!!", "link_damaged"),
        ("1AAAA", "link_damaged"),
        ("1" + "A" * 200_000, "too_big"),
        (packed("a" * 100_000_000), "too_big"),
        (packed(b"\xff\xfe"), "link_damaged"),
        (FIRST + "AAAA", "link_damaged"),
        (packed(""), "empty"),
        (packed("[]"), "not_mapping"),
        (packed("a: &a [*a]"), "alias"),
        (packed("{" * 30_000), "deep"),
    ],
)
def test_what_is_no_link(text: str, code: str) -> None:
    assert codes(text) == [code]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_link_never_opens_as_another_persona(data: st.DataObject) -> None:
    whole = payload(to_link(SHIPPED["lucky-vicky"], HOME))
    at = data.draw(st.integers(0, len(whole) - 2))  # the last character's lowest bits carry nothing
    damaged = whole[:at] + data.draw(st.text("abcXYZ019-_ %=é", max_size=3)) + whole[at + 1 :]
    if damaged != whole:
        assert codes(damaged)


@table(
    "more, code",
    [
        ({"api_key": "x"}, "forbidden"),
        ({"apiKey": "x"}, "forbidden"),
        ({"base_url": "https://evil.example/v1"}, "forbidden"),
        ({"Base URL": "https://evil.example/v1"}, "forbidden"),
        ({"x-more": {"deep": [{"authorization": "x"}]}}, "forbidden"),
        ({"price": [0, 0]}, "unknown"),
        ({"provider": "evil"}, "unknown"),
        ({"limits": {"requests": 9999}}, "unknown"),
        ({"model": "https://evil.example/v1"}, "pattern"),
        ({"avatar": "https://evil.example/a.png"}, "avatar"),
        ({"greeting": "sk-" + "a1" * 16}, "secret"),
        ({"temperature": 9}, "range"),
        ({"greeting": "a" * 4001}, "long"),
    ],
)
def test_what_a_link_cannot_set(more: dict[str, object], code: str) -> None:
    assert codes(packed(json.dumps({"name": "a", "system_prompt": "b"} | more))) == [code]
