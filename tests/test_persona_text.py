"""A persona as text: what is written reads back the same."""

from __future__ import annotations

from hypothesis import given, settings

from playground.persona_text import persona_fields, persona_yaml, read_fields
from playground.personas import Persona, read_persona
from tests.persona_cases import personas


@settings(max_examples=120, deadline=None, derandomize=True)
@given(personas)
def test_any_persona_comes_back_from_yaml(persona: Persona) -> None:
    assert read_persona(persona_yaml(persona)) == (persona, ())


def test_yaml_reads_as_people_write_it() -> None:
    persona = Persona.model_validate(
        {
            "name": "王老師",
            "system_prompt": "你是老師。\n\n- 只問問題",
            "avatar": "🦉",
            "tags": ["課程", "no"],
            "starters": ["什麼是迴圈？"],
            "examples": [{"user": "嗨", "assistant": "一\n二"}],
            "temperature": 0.0,
            "checks": [{"type": "regex", "value": "^it's: "}],
            "version": "1.0",
            "x-mine": {"a": ["1"]},
        }
    )
    assert persona_yaml(persona) == (
        "name: 王老師\nsystem_prompt: |\n  你是老師。\n\n  - 只問問題\navatar: 🦉\n"
        "tags:\n  - 課程\n  - 'no'\nstarters:\n  - 什麼是迴圈？\n"
        "examples:\n  - user: 嗨\n    assistant: |\n      一\n      二\ntemperature: 0\n"
        "checks:\n  - type: regex\n    value: '^it''s: '\nversion: '1.0'\n"
        'x-mine: {"a":["1"]}\n'
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(personas)
def test_any_persona_comes_back_from_its_fields(persona: Persona) -> None:
    assert read_fields(persona_fields(persona)) == (persona, ())


def test_problems_of_fields_have_no_place() -> None:
    persona, problems = read_fields(
        {"name": "a", "systemprompt": "b", "temperature": 9, "x-a": {"Base URL": ""}}
    )
    assert persona is None
    assert {(p.code, p.line, p.column, p.edit) for p in problems} == {
        (code, None, None, None) for code in ("unknown", "missing", "range", "forbidden")
    }


def test_warnings_about_typing_are_for_people_who_typed() -> None:
    persona, problems = read_fields({"name": "a\u200bb", "system_prompt": "“b”", "starters": ["一，二"]})
    assert persona is not None
    assert problems == ()


def test_only_what_fits_into_a_file_is_read() -> None:
    persona, problems = read_fields({"name": "a", "system_prompt": "b", "x-a": "長" * 22_000})
    assert persona is None
    assert [p.code for p in problems] == ["too_big"]
    quoted = '"' * 40_000  # twice as long as a JSON text, and yet a file holds it
    persona, problems = read_fields({"name": "a", "system_prompt": "b", "x-a": quoted})
    assert problems == ()
    assert persona is not None
    assert read_persona(persona_yaml(persona)) == (persona, ())
