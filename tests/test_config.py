"""YAML into records: what stays text, where everything stands, what is never repeated, what is repaired."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from playground.config import read, read_file, repaired, wording
from playground.i18n import LANGUAGES, locale, translator
from tests.cards import Card, Pet, card, told
from tests.tables import table

ROOT = Path(__file__).resolve().parent.parent


@table("word", ["no", "yes", "on", "12:30", "1.10", "0123", "0x1F", "1_000", "2024-01-01", "1e3"])
def test_text_stays_what_was_typed(word: str) -> None:
    assert card(f"name: {word}").name == word
    assert card(f"{{name: x, tags: [{word}]}}").tags == (word,)


@table(
    "line, field, value",
    [
        ("price: [0.15, 1e-1]", "price", (0.15, 0.1)),
        ("price: ['1', ０.５]", "price", (1.0, 0.5)),
        ("price: null", "price", None),
        ("price:", "price", None),
        ("on: yes", "on", True),
        ("on: true", "on", True),
        ("on: no", "on", False),
        ("on:", "on", False),
        ("text:", "text", ""),
        ("tags:", "tags", ()),
        ("tags: []", "tags", ()),
        ("count: 1_000", "count", 1000),
        ("pet: {kind: cat, age: '7'}", "pet", Pet(kind="cat", age=7)),
        ("named:\n  a/b: {kind: dog}", "named", {"a/b": Pet(kind="dog")}),
        (
            "free: {a: 1, b: 0.5, c: true, d: null, e: '1', f: 0123, g: [no, {h: -2e3}]}",
            "free",
            {"a": 1, "b": 0.5, "c": True, "d": None, "e": "1", "f": "0123", "g": ["no", {"h": -2000.0}]},
        ),
        ("text: |\n  a # b\n  規則：c\n  - d\n  \tname: x\n", "text", "a # b\n規則：c\n- d\n\tname: x\n"),
        ("text: a\n  b\n\n  c\n", "text", "a b\nc"),
        ('text: "\\ud83d\\ude00"', "text", "😀"),
        ("text: 12:30 見 https://a.tw/x#y", "text", "12:30 見 https://a.tw/x#y"),
        ("text: x  # a remark", "text", "x"),
        ("ｔｅｘｔ: x", "text", "x"),
    ],
)
def test_values(line: str, field: str, value: object) -> None:
    record = card(f"name: n\n{line}")
    assert getattr(record, field) == value
    assert type(getattr(record, field)) is type(value)


def test_places_have_columns() -> None:
    _, problems = read("name: n\npets:\n  - {kind: cat, age: 99}\n  - kind：cat\n", Card)
    assert [(p.line, p.column) for p in problems] == [(3, 22), (4, 9)]


def test_several_problems_are_told_at_once_in_order() -> None:
    text = "name: n\ntxet: a\ncount: x\npet: {kind: cow}\nname: m\n"
    assert told(text) == [("unknown", 2), ("type", 3), ("choice", 4), ("dup", 5)]


def test_many_warnings_never_hide_an_error() -> None:
    text = "name: n\n" + "".join(f"k{n}: x\n" for n in range(200)) + "count: x\n"
    record, problems = read(text, Card)
    assert record is None
    assert len(problems) == 50
    assert problems[-1].code == "type"


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("nmae", "name"),
        ("Name", "name"),
        ("1 name", "name"),
        ("“name”", "name"),
        ("title", "name"),
        ("標題", "name"),
    ],
)
def test_unknown_field_names_the_nearest(word: str, nearest: str) -> None:
    _, problems = read(f"{word}: n\n", Card, words={"title": "name", "標題": "name"})
    assert problems[0].slots == {"field": word, "nearest": nearest}
    assert [p.code for p in problems] == ["unknown", "missing"]


def test_nearest_is_never_a_field_that_is_there() -> None:
    _, problems = read("nmae: m\nname: n\n", Card)
    assert [(p.code, p.slots["nearest"]) for p in problems] == [("unknown", "")]


# In two parts, so that no scanner takes this file for a leak.
SECRETS = [
    "sk-" + "proj-abcdEFGH1234567890abcd",
    "sk-" + "ant-api03-abcdEFGH1234567890",
    "gsk" + "_abcdEFGH1234567890abcdEFGH",
    "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "AQ." + "Ab8RN6Jabcdefghij1234567890",
    "hf" + "_abcdefghijABCDEFGHIJ1234",
    "xai" + "-abcdefghijABCDEFGHIJ1234",
]


@table("secret", SECRETS)
@table(
    "text, line",
    [
        ("name: n\ntext: 金鑰{}\n", 2),
        ("name: n\ntext: |\n  a\n  {}\n", 2),
        ("name: n\n# {}\n", 2),
        ("name: n\n{}: x\n", 2),
        ("name: n\nfree:\n  a: [{}]\n", 3),
        ("name:{}\n", 1),
        ("name: n\ncode: {}\n", 2),
        ("name: n\ncount: {}\n", 2),
        ("name: n\ntext: a #{}\n", 2),
    ],
)
def test_keys_are_refused_and_never_repeated(secret: str, text: str, line: int) -> None:
    record, problems = read(text.replace("{}", secret), Card)
    assert record is None
    assert ("secret", line) in [(p.code, p.line) for p in problems]
    for language in LANGUAGES:
        assert secret[4:] not in str([wording(p, translator(language)) for p in problems])


@pytest.mark.parametrize(
    "text", ["sk-learn-is-for-everyone-who-learns", "ask-12345678901234567890", "sk-…", "hf_x"]
)
def test_what_is_no_key(text: str) -> None:
    assert card(f"name: n\ntext: {text}").text == text


@pytest.mark.parametrize("key", ["api_key", "API_KEY", "apiKey", "api-key", "Api Key", "ａｐｉ＿ｋｅｙ"])
def test_forbidden_keys(key: str) -> None:
    assert told(f"name: n\n{key}: x\n", forbidden={"api_key"}) == [("forbidden", 2)]
    assert ("forbidden", 3) in told(f"name: n\nother:\n  {key}: x\n", forbidden={"api_key"})


def test_size_limit_is_the_callers() -> None:
    text = "name: n\nfree: {a: " + "b" * 100_000 + "}\n"
    assert told(text) == [("too_big", None)]
    assert card(text, max_bytes=200_000).free["a"].startswith("bb")


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("name: 王老師\n", "utf-8")
    (tmp_path / "b.yaml").write_bytes(b"a" * 70_000)
    assert read_file(tmp_path / "a.yaml", Card) == (Card(name="王老師"), ())
    assert [p.code for p in read_file(tmp_path / "b.yaml", Card)[1]] == ["too_big"]
    assert [p.code for p in read_file(tmp_path / "c.yaml", Card)[1]] == ["unreadable"]
    assert [p.code for p in read_file(tmp_path, Card)[1]] == ["unreadable"]


@table(
    "broken, whole",
    [
        ("name：n\ntext：a: b\n", "name: n\ntext: 'a: b'\n"),
        ("name:n\ntext:a\n", "name: n\ntext: a\n"),
        ("name = n\n", "name: n\n"),
        ("name:\tn\ntext: |\n\ta\n", "name: n\ntext: |\n  a\n"),
        ("name:　n\n", "name: n\n"),
        ("nmae: n\ntext: a\n", "name: n\ntext: a\n"),
        ("na\u200bme: n\n", "name: n\n"),
        ("name: n\ntext: a\u200bb\n", "name: n\ntext: ab\n"),
        ("name: n\ntags:\n  -a\n  • b\n  3. c\n", "name: n\ntags:\n  - a\n  - b\n  - c\n"),
        ("name: @n\n", "name: '@n'\n"),
        ("name: {user}\n", "name: '{user}'\n"),
        ("name: {user} it's\n", "name: '{user} it''s'\n"),
        ("name: **n** a\n", "name: '**n** a'\n"),
        ("name: !n\n", "name: '!n'\n"),
        ('name: "C:\\dir"\n', "name: 'C:\\dir'\n"),
        ("```yaml\nname: n\n```\n", "name: n\n"),
        ("text: a\n  name：n\n", "text: a\nname: n\n"),
        ("name: n\ntext: ｜\n  a\n  b\n", "name: n\ntext: |\n  a\n  b\n"),
        ('"name": "n",\n"text": "a"\n', '"name": "n"\n"text": "a"\n'),
    ],
)
def test_repairs(broken: str, whole: str) -> None:
    assert repaired(broken, Card) == whole
    assert read(whole, Card)[0] is not None
    assert repaired(whole, Card) is None


@pytest.mark.parametrize(
    "text",
    [
        "name: n\n",
        "name: - n\n",
        "name: @n # a\n",
        "name: @n\n  m\n",
        "name: 'It's'\n",
        "text: a\n",
        "\ud83d",
    ],
)
def test_what_is_not_certain_is_not_repaired(text: str) -> None:
    assert repaired(text, Card) is None


def test_every_code_has_words_and_every_word_has_a_code() -> None:
    raised = r'(?:refuse|_mark|_error|_warn|_broken)\(\s*(?:name, |[\w{}"./]+, )?"(\w+)"'
    codes = {"type", "control", "surrogate"}
    for path in (ROOT / "playground").glob("*.py"):
        source = path.read_text("utf-8")
        codes |= set(re.findall(r'PydanticCustomError\("(\w+)"', source)) - {"literal_error"}
        codes |= set(re.findall(r'Problem\("(?:error|warning)", "(\w+)"', source))
        if path.stem.startswith(("yaml_", "config", "personas")):
            codes |= set(re.findall(raised, source))
    worded = {key.split(".")[1] for key in locale("en") if key.startswith("problems.")} - {"kinds", "report"}
    assert worded == codes
