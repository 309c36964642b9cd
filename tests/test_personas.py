"""A persona from a file: what each broken one is told, what each field takes, what the schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError
from streamlit.emojis import ALL_EMOJIS

from playground import personas
from playground.personas import (
    PERSONAS,
    SCHEMA_FILE,
    Persona,
    persona_schema,
    read_persona,
    repaired_persona,
)
from tests.cards import assert_worded
from tests.tables import table

BROKEN = Path(__file__).resolve().parent / "bad_personas"
VERDICTS: list[dict[str, Any]] = json.loads((BROKEN / "index.json").read_text("utf-8"))
GOOD = "name: 王老師\nsystem_prompt: 你是助教\n"


@table("row", VERDICTS)
def test_verdicts(row: dict[str, Any]) -> None:
    persona, problems = read_persona((BROKEN / row["file"]).read_bytes())
    for problem in problems:
        assert_worded(problem)
    errors = [p for p in problems if p.level == "error"]
    first = next(iter(errors or problems), None)
    kind = "ok" if first is None else f"{'reject' if errors else 'warn'}:{first.code}"
    assert kind == row["expect"]
    if row["line"] is not None:
        assert first is not None
        assert first.line == row["line"]
    values = persona and json.loads(persona.model_dump_json(include=set(row["persona"] or ())))
    assert values == row["persona"]


@table(
    "line, expected",
    [
        ("avatar: ./cat.png", [("avatar", 3)]),
        ("avatar: https://a.tw/cat.png", [("avatar", 3)]),
        ("avatar: cat", [("avatar", 3)]),
        ("avatar: 🐱🐶", [("avatar", 3)]),
        ("avatar: ':smile:'", [("avatar", 3)]),
        ("avatar: ':material/../x:'", [("avatar", 3)]),
        ("avatar: :material/school:", [("special", 3)]),
        ("avatar: :smile:", [("special", 3)]),
        ("avatar: 貓", [("avatar", 3)]),
        ("avatar: ★", [("avatar", 3)]),
        ("avatar: ♪", [("avatar", 3)]),
        ("avatar: ✓", [("avatar", 3)]),
        ("language: 中文", [("pattern", 3)]),
        ("language: zh_TW", [("pattern", 3)]),
        ("model: gpt-5", [("pattern", 3)]),
        ("temperature: 2.1", [("range", 3)]),
        ("temperature: -0.1", [("range", 3)]),
        ("temperature: nan", [("range", 3)]),
        ("temperature: 0.7度", [("type", 3)]),
        ("top_p: 1.01", [("range", 3)]),
        ("max_tokens: 0", [("range", 3)]),
        ("max_tokens: 32769", [("range", 3)]),
        (f"max_tokens: {'9' * 5000}", [("range", 3)]),
        (f"greeting: {'長' * 4001}", [("long", 3)]),
        ("starters: [" + "a, " * 13 + "]", [("many", 3)]),
        ("starters:\n  - 問: 好", [("type", 4)]),
        ("tags: 數學", [("type", 3)]),
        ("examples:\n  - user: a", [("missing", 4)]),
        ("examples:\n  - user: a\n    assistant:", [("blank", 5)]),
        ("examples:\n  - question: a\n    assistant: b", [("missing", 4), ("unknown", 4)]),
        ("checks:\n  - type: contains", [("missing", 4)]),
        ("checks:\n  - type: contians\n    value: a", [("choice", 4)]),
        ("checks:\n  - type: regex\n    value: '('", [("bad_pattern", 5)]),
        ("base_url: http://a.tw", [("forbidden", 3)]),
        ("x-mine:\n  api_key: a", [("forbidden", 4)]),
        ("extra: 1", [("unknown", 3)]),
    ],
)
def test_what_a_field_refuses(line: str, expected: list[tuple[str, int]]) -> None:
    _, problems = read_persona(f"{GOOD}{line}\n")
    assert [(p.code, p.line) for p in problems] == expected
    for problem in problems:
        assert_worded(problem)


@table(
    "line, field, value",
    [
        ("avatar: 🧑‍🏫", "avatar", "🧑‍🏫"),
        ("avatar: ':material/school:'", "avatar", ":material/school:"),
        ("avatar:", "avatar", ""),
        ("language: zh-TW", "language", "zh-TW"),
        ("model: groq/openai/gpt-oss-20b", "model", "groq/openai/gpt-oss-20b"),
        ("temperature: 1e-1", "temperature", 0.1),
        ("temperature: ０.７", "temperature", 0.7),
        ("temperature:", "temperature", None),
        ("max_tokens: 800", "max_tokens", 800),
        ("version: 1.10", "version", "1.10"),
        ("tags: [no, 12:30]", "tags", ("no", "12:30")),
        ("greeting: |\n\n  你好\n    嗨\n", "greeting", "你好\n  嗨"),
    ],
)
def test_what_a_field_takes(line: str, field: str, value: object) -> None:
    persona, problems = read_persona(f"{GOOD}{line}\n")
    assert problems == ()
    assert getattr(persona, field) == value


def test_examples_checks_and_foreign_keys() -> None:
    persona, problems = read_persona(
        f"{GOOD}examples:\n  - user: 你好\n    assistant: 嗨\nchecks:\n  - type: max-chars\n    value: 200\n"
        "x-other: {a: [1, no]}\n"
    )
    assert problems == ()
    assert persona is not None
    assert [(e.user, e.assistant) for e in persona.examples] == [("你好", "嗨")]
    assert [(c.type, c.value) for c in persona.checks] == [("max-chars", 200)]
    assert persona.model_extra == {"x-other": {"a": ["1", "no"]}}


@table(
    "word, field",
    [
        ("character", "system_prompt"),
        ("Instructions", "system_prompt"),
        ("systemPrompt", "system_prompt"),
        ("提示詞", "system_prompt"),
        ("title", "name"),
        ("first_mes", "greeting"),
        ("conversation_starters", "starters"),
        ("icon", "avatar"),
        ("post_history_instructions", "reminder"),
        ("max_output_tokens", "max_tokens"),
        ("temprature", "temperature"),
    ],
)
def test_words_of_other_tools(word: str, field: str) -> None:
    _, problems = read_persona(f"{word}: a\n")
    assert problems[0].slots["nearest"] == field
    assert repaired_persona(f"{word}: a\n") == f"{field}: a\n"


def test_words_lead_to_fields() -> None:
    fields = {*Persona.model_fields, *personas.Example.model_fields}
    assert set(personas.WORDS.values()) <= fields
    assert not set(personas.WORDS) & fields


def test_persona_is_strict_in_code_too() -> None:
    with pytest.raises(ValidationError):
        Persona(name="a", system_prompt="b", api_key="c")  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Persona(name="a", system_prompt="b").name = "c"  # type: ignore[misc]


def test_every_emoji_that_streamlit_draws_is_a_picture() -> None:
    refused = [e for e in sorted(ALL_EMOJIS) if read_persona(f"{GOOD}avatar: '{e}'\n")[0] is None]
    assert refused == []


def test_schema_is_that_of_the_model() -> None:
    assert json.loads(SCHEMA_FILE.read_text("utf-8")) == persona_schema(), (
        "run: python -m playground schema --write"
    )


def test_schema_agrees_with_the_reader() -> None:
    checker = jsonschema.Draft7Validator(persona_schema())
    good = {"name": "王老師", "system_prompt": "你是助教"}
    fine = [{}, {"version": 1.1}, {"x-a": [1]}, {"temperature": 0.5}, {"tags": ["a", 3]}, {"avatar": "🐱"}]
    wrong = [
        {"nmae": "a"},
        {"temperature": 3},
        {"tags": "a"},
        {"examples": [{"user": "a"}]},
        {"model": "gpt"},
    ]
    for more in fine:
        assert checker.is_valid(good | more), more
        assert read_persona(json.dumps(good | more))[0], more
    for more in wrong:
        assert not checker.is_valid(good | more), more
        assert read_persona(json.dumps(good | more))[1], more
    assert not checker.is_valid({"name": "a"})
    assert all(part.get("description") for part in persona_schema()["properties"].values())


@table("path", sorted(PERSONAS.glob("*.yaml")))
def test_shipped_personas_are_faultless(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../playground/persona.schema.json\n")
    assert read_persona(text)[1] == ()
