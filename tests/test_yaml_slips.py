"""Every way in which people break a YAML file: what is told, and of which line."""

from __future__ import annotations

import pytest

from playground.config import read, repaired, wording
from playground.i18n import translator
from tests.cards import Card, assert_worded, told
from tests.tables import table


@table(
    "text, expected",
    [
        # Structure: the place is that of the nested value.
        ("name: n\npets:\n  - kind: cat\n  - kind: fish\n", [("choice", 4)]),
        ("name: n\npets:\n  - kind: cat\n    age: 99\n", [("range", 4)]),
        ("name: n\npets:\n  - age: 3\n", [("missing", 3)]),
        ("name: n\nnamed:\n  a: {kind: cat}\n  b:\n    kind: cat\n    wings: 2\n", [("unknown", 6)]),
        ("name: n\nnamed:\n  a: {kind: cat}\n  a: {kind: dog}\n", [("dup", 4)]),
        ("name: n\nprice: [1]\n", [("few", 2)]),
        ("name: n\nprice: [1, 2, 3]\n", [("many", 2)]),
        ("name: n\ntags: [a, b, c, d]\n", [("many", 2)]),
        ("name: n\ntags:\n  -\n  - b\n", [("blank", 3)]),
        ("name: n\non: maybe\n", [("type", 2)]),
        ("name: n\ncount: 0\n", [("range", 2)]),
        ("name: n\ncount: 1.5\n", [("type", 2)]),
        ("name: n\nprice: [inf, nan]\n", []),
        ("name: n\ncode: A1\n", [("pattern", 2)]),
        ("name: n\nfree: x\n", [("type", 2)]),
        ("name: n\ntext: {a: b}\n", [("braces", 2)]),
        ("name: n\ntext: {{a}}\n", [("braces", 2)]),
        ("name: n\ntext: [a]\n", [("braces", 2)]),
        ("name: n\ntext:\n  - a\n", [("type", 3)]),
        ("name: n\ntext:\n  a: b\n", [("type", 3)]),
        ("name: n\n? [a, b]\n: c\n", [("key_type", 2)]),
        ("name: n\n: c\n", [("key_type", 2)]),
        ("tags: [a]\n", [("missing", None)]),
        ("name: ''\n", [("blank", 1)]),
        ("name: '  '\n", [("blank", 1)]),
        ("name: # n\n", [("blank", 1)]),
        ("name: |\nn\n", [("indent", 2)]),
        ("name: |\n規則: n\n", [("indent", 2), ("unknown", 2)]),
        # Characters.
        ("name:\tn\n", [("tab", 1)]),
        ("name: n\t\n", [("tab", 1)]),
        ("name: n\ntext: |\n\ta\n", [("tab", 3)]),
        ("{\n\t'name': 'n'\n}", [("tab", 2)]),
        ("name: n\ntags:\n　　- a\n", [("fw_space", 3)]),
        ("name: n\n\u00a0text: a\n", [("fw_space", 2)]),
        ("name:　n\n", [("fw_space", 1)]),
        ("na\u200bme: n\n", [("control", 1), ("missing", None)]),
        ("\u2060name: n\n", [("control", 1), ("missing", None)]),
        ("name:\u200b n\n", [("control", 1)]),
        ("name: n\ntags:\n  \u200b- a\n", [("control", 3)]),
        ("name: n\ntext: |\n  a\n  b\u200bc\n", [("control", 4)]),
        ("name: n\n# \x00\n", [("control", 2)]),
        ('name: "a\\x07"\n', [("control", 1)]),
        ('name: "\\ude00"\n', [("surrogate", 1)]),
        ("name: \ud83d\n", [("surrogate", 1)]),
        # Colons, dashes and commas.
        ("name：n\ntext：a\n", [("fw_colon", 1)]),
        ("name: n\ntext ： a\n", [("fw_colon", 2)]),
        ("name: n\npets:\n  - kind：cat\n    age: 1\n", [("fw_colon", 3)]),
        ("name: n\npets:\n  - kind:cat\n    age:1\n", [("no_space", 3)]),
        ("name:n\ntext:a\n", [("no_space", 1)]),
        ("name: n\ntext:|\n  a\n", [("no_space", 2)]),
        ("text: a\n  name：n\n", [("fw_colon", 2)]),
        ("text: a\n  name:n\n", [("no_space", 2)]),
        ("name = n\ntext = a\n", [("no_colon", 1)]),
        ("name: n\ntext abc\non: no\n", [("no_colon", 2)]),
        ("name: n\ntext\n  abc\n", [("no_colon", 2)]),
        ("name: n\ntags\n  - a\n", [("no_colon", 2)]),
        ("name: n\ntags\n- a\n- b\n", [("no_colon", 2)]),
        ("name: n\ntext\n", [("no_colon", 2)]),
        ("text\nname: n\n", [("no_colon", 1)]),
        ("name: n\ntext \non: no\n", [("no_colon", 2)]),
        ("text\n  abc\nname: n\n", [("no_colon", 1)]),
        ("text\n", [("no_colon", 1)]),
        ("name: a long\n  text\ntags:\n  - text\n- b\n", [("indent", 5)]),
        ("name: n\ntext: 請注意: 友善\n", [("colon_value", 2)]),
        ("name: n\ntext: 你好\n  規則: 友善\n", [("colon_value", 3)]),
        ("name: n\ntags:\n  -a\n  -b\n", [("list_dash", 3)]),
        ("name: n\ntags:\n  • a\n", [("list_dash", 3)]),
        ("name: n\ntags:\n  * a\n", [("list_dash", 3)]),
        ("name: n\ntags:\n  1. a\n", [("list_dash", 3)]),
        ("name: n\npets:\n  -kind: cat\n", [("list_dash", 3)]),
        ("name: n\ntags: a\n", [("type", 2)]),
        ("name: n\ntags: [甲，乙]\n", [("fw_comma", 2)]),
        ('name: n\ntags: ["甲"，"乙"]\n', [("fw_comma", 2)]),
        ("name：n\ntext：a\n# b\ntags：\n  - c\n", [("fw_colon", 1)]),
        ("name = n\ntext = |\n  name：b\ntags:\n  - c\n", [("no_colon", 1)]),
        ("name: n\ntags: ［甲，乙］\n", [("fw_bracket", 2)]),
        ("name: n\npets:\n  - ｛kind: cat, age: 1｝\n", [("fw_bracket", 3)]),
        ("name: n\ntext: ［甲］\n", []),
        ("name: n\npets:\n  - {kind：cat, age:1}\n", [("missing", 3), ("fw_colon", 3), ("no_space", 3)]),
        ('"name": "n",\n"text": "a"\n', [("comma", 1)]),
        ('{\n"name": "n"\n"text": "a"\n}', [("comma", 3)]),
        ("name: n\ntext: ｜\n  a\n  b\n", [("fw_pipe", 2)]),
        # What begins a value.
        ("name: @n\n", [("special", 1)]),
        ("name: `n`\n", [("special", 1)]),
        ("name: %n\n", [("special", 1)]),
        ("name: - n\n", [("special", 1)]),
        ("name: ? n\n", [("special", 1)]),
        ("name: :n:\n", [("special", 1)]),
        ("name: :n: m:\n", [("colon_value", 1)]),
        ("name: :n:\n", [("special", 1)]),
        ("name: :n: m:\n", [("colon_value", 1)]),
        ("name: , n\n", [("special", 1)]),
        ("name: n\ntags: [what?, why?]\n", [("special", 2)]),
        ("%n\n", [("special", 1)]),
        ("name: !n\n", [("tag", 1)]),
        ("name: !!str n\n", [("tag", 1)]),
        ("name: &a n\n", [("alias", 1)]),
        ("name: &nbsp;n\n", [("alias", 1)]),
        ("name: *n* a\n", [("alias", 1)]),
        ("a: &a [*a]\n", [("alias", 1)]),
        ("name: n\nfree:\n  <<: {a: b}\n", [("alias", 3)]),
        ("name: n\ntext: {user} a\n", [("bracket", 2)]),
        ("name: n\ntext: [note] a\n", [("bracket", 2)]),
        ("name: [n\n", [("bracket", 1)]),
        ("name: n]\ntext: ]\n", [("bracket", 2)]),
        ("name: n\ntext: > a\n  b\n", [("block_header", 2)]),
        # Quotes.
        ('name: "n\ntext: "a"\n', [("quote_open", 1)]),
        ("name: 'n\n", [("quote_open", 1)]),
        ("name: 'It's'\n", [("quote_open", 1)]),
        ('name: "a" b\n', [("quote_open", 1)]),
        ('name: "a": b\n', [("quote_open", 1)]),
        ('name: "a\\d"\n', [("escape", 1)]),
        ("name: “n”\n", [("smart_quote", 1)]),
        ("name: 「n」\n", [("smart_quote", 1)]),
        ("name: 「n」說\n", []),
        ("name: 「n」和「m」\n", []),
        # Comments that swallow text.
        ("name: n #1\n", [("hash_cut", 1)]),
        ("name: n # 1\n", [("hash_cut", 1)]),
        ("name: n\ntext: #a\n", [("hash_cut", 2)]),
        ("name: n\ntext: # a\n", []),
        ("name: n\ntext: a #b\n  c\n", [("hash_cut", 2)]),
        ("name: n\ncount: 3 # a\n", []),
        ("// mine\nname: n\n", [("comment", 1)]),
        ("＃ mine\nname: n\n", [("comment", 1)]),
        ("// mine\n# ours\nname: n\n", [("comment", 1)]),
        ("name: n\n<!-- mine -->\ntext: a\n", [("comment", 2)]),
        ("name: n\ntext: // mine\n", []),
        # Indentation.
        (" name: n\ntext: a\n", [("indent", 2)]),
        ("name: n\n  text: a\n", [("indent", 2)]),
        ("name: n\ntext: a\nb\n", [("indent", 3)]),
        ("name: n\ntext: |\n    a\n  b\n", [("indent", 4)]),
        ("name: n\ntags:\n  - a\n - b\n", [("indent", 4)]),
        ("name: n\ntags:\n  - a\n   - b\n", [("run_on", 4)]),
        ("name: n\ntext: Be kind.\n  - a\n  - b\n", [("run_on", 3)]),
        ("name: n\ntext: Be\n  kind-hearted.\n", []),
        # The whole file.
        ("", [("empty", None)]),
        ("---\n", [("empty", None)]),
        ("~", [("empty", None)]),
        ("- name: n\n", [("not_mapping", None)]),
        ("Dear class：read this\n", [("not_mapping", None)]),
        ("---\nname: n\n---\n", []),
        ("---\nname: n\n---\nDear class\n", [("multi_doc", 3)]),
        ("name: n\n...\nDear class\n", [("multi_doc", 3)]),
        ("Here you are:\n```yaml\nname: n\n```\n", [("fence", 2)]),
        ("<html>name: n</html>", [("not_text", None)]),
        ("{\\rtf1 name: n}", [("not_text", None)]),
        ("name: n\nname: m\n", [("dup", 2)]),
        ("name: n\nｎａｍｅ: m\n", [("dup", 2)]),
        ("Name: n\n", [("unknown", 1), ("missing", None)]),
        ("name: n\nx-more: 1\n", [("unknown", 2)]),
        ("name: n\nx: " + "[" * 30000, [("deep", 2)]),
        ("name: n\nx: " + "{a: " * 9000, [("deep", 2)]),
        ("- " * 30000, [("deep", 1)]),
        ("".join(f"k{n}: x\n" for n in range(5000)), [("too_many", 1024)]),
        ("a" * 66000, [("too_big", None)]),
        ("字" * 22000, [("too_big", None)]),
    ],
)
def test_slips(text: str, expected: list[tuple[str, int | None]]) -> None:
    assert told(text) == expected
    for problem in read(text, Card)[1]:
        assert_worded(problem)


@table(
    "text, mended",
    [
        ("name: n\npets:\n  - {kind：cat, age:1}\n", "name: n\npets:\n  - {kind: cat, age: 1}\n"),
        ("name: n\npets:\n  - {kind：cat，age：1}\n", "name: n\npets:\n  - {kind: cat, age: 1}\n"),
        ("name: n\npets:\n  - ｛kind：cat，age：1｝\n", "name: n\npets:\n  - {kind: cat, age: 1}\n"),
        ("name: n\npets:\n  - kind: catt\n", "name: n\npets:\n  - kind: cat\n"),
        ("name: :n:\n", "name: ':n:'\n"),
        ("// mine\nname: n\n", "# mine\nname: n\n"),
        ("name: n\ntags\n  - a\n", "name: n\ntags:\n  - a\n"),
        ("name: n\ntext \n", "name: n\ntext:\n"),
        (
            "name: n\npets:\n\t- kind: cat\n\t\tage: 1\n\t- kind: dog\n\ttags: [a]\n",
            "name: n\npets:\n  - kind: cat\n    age: 1\n  - kind: dog\n    tags: [a]\n",
        ),
        ("name: n\ntext: |\n\ta\n\tb\ntags:\n\t- c\n", "name: n\ntext: |\n  a\n  b\ntags:\n  - c\n"),
        ('name: n\ntags: ["a"，"b"]\n', 'name: n\ntags: ["a", "b"]\n'),
        (
            "name：n\ntext：|\n  name：b\n# c\ntags：\n  - d\n",
            "name: n\ntext: |\n  name：b\n# c\ntags: \n  - d\n",
        ),
        # What stands around a Markdown block goes with its fence, and nothing that may be YAML.
        ("Here you are:\n\n```yaml\nname: n\n```\nEnjoy!\n", "name: n"),
        ("```\nname: n\n```\n", "name: n\n"),
        ("Sure!\n~~~yaml\nname: n\n", "name: n\n"),
        ("name: n\ntext: |\n  Say\n```\n  x\n```\n  bye\n", "name: n\ntext: |\n  Say\n  x\n  bye\n"),
        ("```\nname: n\n```\ntext: a\n", "name: n\ntext: a\n"),
    ],
)
def test_a_certain_repair_loses_nothing(text: str, mended: str) -> None:
    assert repaired(text, Card) == mended
    assert read(mended, Card)[0]


@pytest.mark.parametrize(
    ("text", "allowed", "nearest", "certain"),
    [
        ("Cat", "cat, dog", "cat", True),
        ("catt", "cat, dog", "cat", True),
        ("c", "cat, dog", "", False),
        ("'d og'", "cat, dog", "dog", False),
    ],
)
def test_a_wrong_choice_names_the_nearest(text: str, allowed: str, nearest: str, certain: bool) -> None:
    (problem,) = read(f"name: n\npet: {{kind: {text}}}\n", Card)[1]
    assert (problem.slots["allowed"], problem.slots["nearest"]) == (allowed, nearest)
    assert bool(problem.edit) is certain


def test_a_field_in_the_wrong_place_is_told_where_it_belongs() -> None:
    problem = next(p for p in read("name: n\npets:\n- kind: cat\nage: 3\n", Card)[1] if p.line == 4)
    assert "entry" in wording(problem, translator("en"))[1]
    assert problem.edit is None


@table(
    "raw, expected",
    [
        ("name: 王老師\n".encode("cp950"), [("decoded_as", None)]),
        ("name: 王老师\ntext: 你是友善的助教\n".encode("gbk"), [("decoded_as", None)]),
        ("name: 王老師\r\n".encode("utf-16"), [("decoded_as", None)]),
        ("\ufeffname: 王老師\n".encode("utf-16-be"), [("decoded_as", None)]),
        ("name: 王老師\n".encode("utf-32"), [("decoded_as", None)]),
        ("\ufeffname: 王老師\n".encode(), []),
        (b"name: a\rtext: b\r", []),
        ("name: 王老師\n".encode("utf-16-be"), [("decode", 1)]),
        ("name: élève\n".encode("latin-1"), [("decode", 1)]),
        ("name: n\ntext: Käse für Größere\n".encode("cp1252"), [("decode", 2)]),
        ("name: 先生\ntext: あなたは親切です\n".encode("shift-jis"), [("decode", 1)]),
        ("name: 王老師\ntext: 你是友善的助教".encode()[:-1], [("decode", 2)]),
        ("name: 王老師\n".encode() + b"text: \xff\n", [("decode", 2)]),
        ("name: 王老師\ntext".encode("utf-16")[:-1], [("decode", 2)]),
        (b"PK\x03\x04name: n", [("not_text", None)]),
        (b"\xef\xbb\xbf  <!DOCTYPE html>", [("not_text", None)]),
        (b"\x89PNG\r\n\x1a\n", [("not_text", None)]),
        (b"", [("empty", None)]),
        (b"\xef\xbb\xbf", [("empty", None)]),
        (b"\0" * 1000, [("control", 1)]),
    ],
)
def test_encodings(raw: bytes, expected: list[tuple[str, int | None]]) -> None:
    assert told(raw) == expected
    record = read(raw, Card)[0]
    assert (record is None) == any(code not in ("decoded_as",) for code, _ in expected)
    assert record is None or record.name in ("王老師", "王老师", "a")
