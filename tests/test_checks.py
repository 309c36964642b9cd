"""Checks: what YAML may say, what asking a model takes, and what no reply can do to the server."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from pydantic import ValidationError

from playground.checks import Check, expectation, run
from playground.i18n import translator
from playground.personas import read_persona
from tests.tables import table


def check(type_: str, value: object = None, **more: object) -> Check:
    return Check.model_validate({"type": type_, "value": value, **more})


# ---- What YAML may say


@table(
    "written, value",
    [
        ("{type: contains, value: 你好}", "你好"),
        ("{type: contains, value: 2026}", "2026"),
        ("{type: contains-all, value: [a, 2]}", ("a", "2")),
        ("{type: max-chars, value: '200'}", 200),
        ("{type: not-max-chars, value: 200}", 200),
        ("{type: language, value: zh-TW}", "zh-TW"),
        ("{type: is-json}", None),
        ("{type: not-is-refusal}", None),
        ("{type: regex, value: '呀！$'}", "呀！$"),
        ("{type: llm-rubric, value: 語氣溫暖}", "語氣溫暖"),
    ],
)
def test_a_check_is_read(written: str, value: object) -> None:
    assert Check.model_validate(yaml.safe_load(written)).value == value


@table(
    "written, place, code",
    [
        ("{value: x}", "", "check_kind"),
        ("{contains: x}", "", "check_kind"),
        ("{type: end-with, value: x}", "type", "literal_error"),
        ("{type: not-not-contains, value: x}", "type", "literal_error"),
        ("{type: ends-with}", "value", "missing"),
        ("{type: ends-with, value: ''}", "value", "string_too_short"),
        ("{type: ends-with, value: [a, b]}", "value", "one_text"),
        ("{type: contains-any, value: a}", "value", "tuple_type"),
        ("{type: contains-any, value: []}", "value", "too_short"),
        ("{type: max-chars, value: many}", "value", "int_parsing"),
        ("{type: max-chars, value: 0}", "value", "greater_than_equal"),
        ("{type: max-sentences}", "value", "missing"),
        ("{type: language, value: klingon}", "value", "literal_error"),
        ("{type: is-json, value: yes please}", "value", "none_required"),
        ("{type: regex, value: '(a'}", "value", "bad_pattern"),
        ("{type: regex, value: '(?=a)b'}", "value", "bad_pattern"),
        ("{type: regex, value: '((a{100}){100}){100}'}", "value", "bad_pattern"),
        ("{type: regex, value: '((.?){100}){9}x'}", "value", "bad_pattern"),
        ("{type: contains, value: x, exact: perhaps}", "exact", "bool_parsing"),
        ("{type: contains, value: x, exakt: true}", "exakt", "extra_forbidden"),
    ],
)
def test_a_wrong_check_is_told_where_and_what(written: str, place: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Check.model_validate(yaml.safe_load(written))
    told = [(".".join(map(str, error["loc"])), error["type"]) for error in caught.value.errors()]
    assert told == [(place, code)]


def test_an_unknown_type_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError) as caught:
        Check(type="endswith", value="x")
    assert "'ends-with'" in caught.value.errors()[0]["ctx"]["expected"]


def test_texts_may_stand_for_numbers_and_truth() -> None:
    assert check("max-chars", "200", exact="true") == check("max-chars", 200, exact=True)


def test_a_check_survives_json() -> None:
    for one in (check("contains-all", ["a", "b"]), check("max-chars", 3), check("is-json")):
        assert Check.model_validate_json(one.model_dump_json()) == one


def test_re2_is_imported_by_the_first_pattern_only() -> None:
    code = (
        "import sys; from playground.checks import Check, run; before = 're2' in sys.modules;"
        "run(Check(type='regex', value='a'), 'a'); print(before, 're2' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("end-with", "ends-with"),
        ("max_chars", "max-chars"),
        ("not contains", "not-contains"),
        ("Not-Contains", "not-contains"),
        ("llm_rubrik", "llm-rubric"),
        ("正規", ""),
    ],
)
def test_a_misspelt_kind_names_the_nearest(written: str, nearest: str) -> None:
    text = f"name: n\nsystem_prompt: p\nchecks:\n  - {{type: {written}, value: a}}\n"
    problem = next(p for p in read_persona(text)[1] if p.code == "choice")
    assert problem.slots["nearest"] == nearest
    assert problem.edit is None or problem.edit.text == nearest


def test_its_own_words_are_what_readers_see() -> None:
    t = translator("en")
    pattern = check("not-regex", r"\?.*\?")
    assert expectation(pattern, t) == r"must not match the pattern “\?.*\?”"
    described = check("not-regex", r"\?.*\?", description=" must ask one question ")
    assert expectation(described, t) == "must ask one question"
    assert run(described, "One? Two?").passed is False


# ---- Asking a model


def test_a_rubric_costs_nothing_unless_asked() -> None:
    rubric = check("llm-rubric", "語氣溫暖")
    assert rubric.asks_model
    assert not check("is-refusal").asks_model
    verdict = run(rubric, "哈囉")
    assert (verdict.passed, verdict.found) == (None, "not-asked")


# ---- Long replies

N = 1 << 16
LONG = {
    "letters": "a" * N,
    "han": "我不能" * (N // 3),
    "emoji": "🍀" * N,
    "joined": "👨\u200d" * (N // 2),
    "space": " " * N,
    "lines": "\n" * N,
    "commas": "a, \n" * (N // 4),
    "dots": "a." * (N // 2),
    "ticks": "`" * N,
    "tick pairs": "`a " * (N // 3),
    "fences": "```\n" * (N // 4),
    "tildes": "~~~\n" * (N // 4),
    "stars": "a" + "*" * N + "b",
    "open bold": "**a" * (N // 3),
    "waves": "a" + "~" * N + "b",
    "quotes": "「" * N,
    "brackets": "[" * N,
    "faces": "(^o^" * (N // 4),
    "marks": "> - # " * (N // 6),
    "addresses": "https://" * (N // 8),
    "refusals": "I can't " * (N // 8),
    "sorry": "抱歉，我" * (N // 4),
    "rtl": "مرحبا بالعالم " * (N // 14),
    "digits": "1" * N,
}
STRENUOUS = [
    ("contains", "a a a b"),
    ("contains-any", ["x y", "完"]),
    ("ends-with", "完全是 Lucky Vicky 呀！"),
    ("starts-with", "> a"),
    ("equals", "b"),
    ("is-json", None),
    ("max-chars", 5),
    ("max-sentences", 5),
    ("language", "zh-TW"),
    ("is-refusal", None),
    ("regex", "(a+)+$"),
    ("regex", "(.*)*x"),
    ("regex", "([ab]?[^a]?){200}z"),
]


def test_no_reply_hangs_a_check() -> None:
    """In a process of its own, which can be ended; a generous limit, as nothing here is measured."""
    code = (
        "import json, sys; from playground.checks import Check, run; job = json.load(sys.stdin);"
        "[(run(Check(type=t, value=v), r), print(n, t, ascii(v)))"
        " for n, r in job['replies'].items() for t, v in job['checks']]"
    )
    job = json.dumps({"replies": LONG, "checks": STRENUOUS})
    out = subprocess.run([sys.executable, "-c", code], input=job, capture_output=True, text=True, timeout=120)
    wanted = [f"{name} {check} {value!a}" for name in LONG for check, value in STRENUOUS]
    assert out.stdout.splitlines() == wanted, out.stderr
