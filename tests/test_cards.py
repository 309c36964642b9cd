"""Personas as cards and back: nothing is lost, nothing that is asked for is missing, nothing raises."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.cards import Version, from_card, to_card, to_card_png
from playground.persona_text import persona_yaml
from playground.personas import Persona, read_persona
from tests.card_cases import SMALL, V1, V2, V3, VERSIONS, codes, imported
from tests.persona_cases import personas
from tests.tables import table

FOURTEEN = {
    *("name", "description", "personality", "scenario", "first_mes", "mes_example", "creator_notes"),
    *("system_prompt", "post_history_instructions", "alternate_greetings", "tags", "creator"),
    *("character_version", "extensions"),
}
REQUIRED = {"2": FOURTEEN, "3": FOURTEEN | {"group_only_greetings"}}
BAKER = "Alice is a baker who likes the user."
TURN = "Alice waves at you. It is your turn."


@settings(max_examples=60, deadline=None, derandomize=True)
@given(personas)
def test_any_persona_comes_back_from_every_kind_of_card(persona: Persona) -> None:
    for version in VERSIONS:
        card = to_card(persona, version)
        assert json.loads(card)["data"].keys() >= REQUIRED[version]
        assert imported(card) == persona
        assert imported(to_card_png(persona, version, SMALL)) == persona


@pytest.mark.parametrize("card", [V1, V2, V3], ids=["V1", "V2", "V3"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_leaves_as_it_came(card: dict[str, Any], version: Version) -> None:
    persona = imported(card)
    came, left = copy.deepcopy(card.get("data", card)), json.loads(to_card(persona, version))
    assert (left["spec"], left["spec_version"]) == (f"chara_card_v{version}", f"{version}.0")
    if version == "3" and "character_book" in came:
        came["character_book"]["entries"][0].setdefault("use_regex", False)
    assert {name: left["data"].get(name) for name in came} == came
    assert left["data"]["extensions"] == came.get("extensions", {})
    assert imported(to_card_png(persona, version)) == imported(left)
    assert read_persona(persona_yaml(persona)) == (persona, ())


def test_what_a_card_says_becomes_a_persona() -> None:
    persona = imported(V3)
    assert persona.name == "Alice"
    assert persona.system_prompt == (
        "Stay in character.\n\n## Description\nAlly is a baker who likes the user.\n\n"
        "## Personality\nwarm, the user's friend\n\n## Scenario\nA bakery at dawn."
    )
    assert persona.greeting == "Good morning, you!"
    assert persona.reminder == "Answer the user in one line."
    assert [(e.user, e.assistant) for e in persona.examples] == [
        ("Bread?", "Fresh,\nas ever."),
        ("Bye", "Bye!"),
    ]
    assert (persona.description, persona.author, persona.version) == (
        "Best with a long context.",
        "somebody",
        "3",
    )
    assert persona.tags == ("baker", "cosy")


@table(
    "change, field, value",
    [
        ({"system_prompt": "", "personality": "", "scenario": ""}, "system_prompt", BAKER),
        ({"description": "", "personality": "", "scenario": ""}, "system_prompt", "Stay in character."),
        ({"post_history_instructions": "跟{{user}}說"}, "reminder", "跟使用者說"),
        ({"first_mes": "<bot> waves at {{USER}}. It is {{user}}'s turn."}, "greeting", TURN),
        ({"first_mes": "早安，{{user}}"}, "greeting", "早安，你"),
        ({"first_mes": "a\r\nb"}, "greeting", "a\nb"),
        ({"creator_notes": "", "creator_notes_multilingual": {"zh": "好"}}, "description", "好"),
        ({"tags": ["a", 1, " ", "b " * 200]}, "tags", ("a", ("b " * 100).strip())),
        ({"creator": None}, "author", ""),
        ({"nickname": "n" * 900, "first_mes": "{{char}}!<BOT>"}, "greeting", "n" * 80 + "!" + "n" * 80),
    ],
)
def test_fields_of_a_card(change: dict[str, Any], field: str, value: object) -> None:
    card = copy.deepcopy(V2)
    card["data"] |= change
    assert getattr(imported(card), field) == value


@pytest.mark.parametrize(
    "text", ["Alice likes to hum.", "{{char}}: Hello", "{{user}}: a\n{{user}}: b", "{{user}}:\n{{char}}: x"]
)
def test_examples_that_are_no_pairs_go_to_the_prompt(text: str) -> None:
    card = copy.deepcopy(V2)
    card["data"]["mes_example"] = text
    persona = imported(card)
    assert persona.examples == ()
    assert persona.system_prompt.split("## Examples\n")[1] == text.replace("{{char}}", "Alice").replace(
        "{{user}}", "the user"
    )
    assert json.loads(to_card(persona, "2"))["data"]["mes_example"] == text


def test_what_stands_beside_the_data_stays() -> None:
    card = copy.deepcopy(V2) | {"create_date": "2024-01-01", "name": "Alice", "tags": ["baker"]}
    left = json.loads(to_card(imported(card), "2"))
    assert left == V2 | {"create_date": "2024-01-01"}


def test_what_was_changed_here_is_what_leaves() -> None:
    persona = imported(V2)
    data = json.loads(to_card(persona.model_copy(update={"greeting": "Hi."}), "2"))["data"]
    assert data == V2["data"] | {"first_mes": "Hi."}
    data = json.loads(to_card(persona.model_copy(update={"system_prompt": "Be brief."}), "2"))["data"]
    assert [data[name] for name in ("system_prompt", "description", "personality", "scenario")] == [
        "Be brief.",
        "",
        "",
        "",
    ]
    assert data["character_book"] == V2["data"]["character_book"]
    assert imported(to_card(persona.model_copy(update={"greeting": ""}), "2")).greeting == ""


def test_a_card_that_breaks_its_specification_leaves_whole() -> None:
    card = copy.deepcopy(V2)
    card["data"] |= {"alternate_greetings": None, "personality": None, "tags": "a", "extensions": []}
    card["data"]["character_book"] = {"entries": [{"keys": ["a"]}, 7]}
    data = json.loads(to_card(imported(card), "3"))["data"]
    assert [data[name] for name in ("alternate_greetings", "personality", "tags")] == [[], "", []]
    assert data["extensions"] == {}
    assert data["group_only_greetings"] == []
    (entry,) = data["character_book"]["entries"]
    assert entry.keys() >= {"keys", "content", "extensions", "enabled", "insertion_order", "use_regex"}


def test_a_chinese_description_says_its_language() -> None:
    persona = Persona(name="a", system_prompt="b", description="好老師", language="zh-TW")
    assert json.loads(to_card(persona, "3"))["data"]["creator_notes_multilingual"] == {"zh": "好老師"}
    assert "creator_notes_multilingual" not in json.loads(to_card(persona, "2"))["data"]


@table(
    "change, told",
    [
        ({"character_book": None}, []),
        ({}, ["card_lorebook"]),
        ({"character_book": None, "first_mes": "{{random:a,b}}"}, ["card_macro"]),
        ({"character_book": None, "first_mes": "a" * 4001}, ["card_cut"]),
        ({"character_book": None, "creator_notes": "a" * 4001, "tags": ["a"] * 21}, ["card_cut", "card_cut"]),
        ({"character_book": {"entries": [{"content": "龍" * 22_000}]}}, ["card_lorebook", "card_left_out"]),
        ({"system_prompt": "a" * 20_001}, ["long"]),
        ({"name": ""}, ["blank"]),
        ({"name": "a" * 81}, ["long"]),
        ({"first_mes": "\0"}, ["control"]),
        ({"first_mes": "\ud83d"}, ["surrogate"]),
        ({"first_mes": "sk-" + "a1" * 16}, ["secret"]),
        ({"creator": "x", "extensions": {"a": ["sk-" + "a1" * 16]}}, ["secret"]),
        ({"extensions": {"other": {"API-Key": "x"}}}, ["forbidden"]),
        ({"extensions": {"persona_playground": {"base_url": "http://x"}}}, ["forbidden"]),
        ({"extensions": {"persona_playground": {"price": [0, 0]}}}, ["card_lorebook", "unknown"]),
        ({"extensions": {"persona_playground": {"temperature": 9}}}, ["range"]),
        ({"extensions": {"persona_playground": {"avatar": "https://x.example/a.png"}}}, ["avatar"]),
        ({"extensions": {"persona_playground": "x"}}, ["card_lorebook"]),
    ],
)
def test_what_is_told(change: dict[str, Any], told: list[str]) -> None:
    card = copy.deepcopy(V2)
    card["data"] |= change
    assert codes(card) == told


def test_a_price_in_a_card_is_nowhere_in_the_persona() -> None:
    card = copy.deepcopy(V2)
    card["data"]["extensions"]["persona_playground"] = {"price": [0, 0], "starters": ["Bread?"]}
    persona = imported(card)
    assert persona.starters == ("Bread?",)
    assert "price" not in persona.model_dump_json()


ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    "",
    "{{user}}",
    [],
    [None],
    {},
    {"a": {}},
    ["x"] * 30,
    {"entries": {}},
)
odd = st.sampled_from(ODD)
odd_fields = st.dictionaries(st.sampled_from(sorted(V3["data"])), odd, max_size=5)
odd_extension = st.dictionaries(
    st.sampled_from(("starters", "name", "x-card", "checks", "language", "odd")), odd
)


@settings(max_examples=60, deadline=None)
@given(odd_fields, odd_extension)
def test_cards_with_odd_values_never_raise_and_leave_whole(fields: Any, extension: Any) -> None:
    card = copy.deepcopy(V3)
    card["data"] |= fields
    card["data"]["extensions"] = {"persona_playground": extension}
    if codes(card) and from_card(json.dumps(card).encode())[0] is None:
        return
    persona = imported(card)
    for version in VERSIONS:
        left = to_card(persona, version)
        data = json.loads(left)["data"]
        assert data.keys() >= REQUIRED[version]
        assert {n for n, v in data.items() if isinstance(v, str)} >= FOURTEEN - {
            "alternate_greetings",
            "tags",
            "extensions",
        }
        again = imported(left)
        assert again.model_copy(update={"x-card": ""}) == persona.model_copy(update={"x-card": ""})
        assert imported(to_card(again, version)) == again
