"""Rules: what a reader would say of a reply, on labelled replies and at the edges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from playground.checks import ASKING, RULES, Check, expectation, finding, run
from playground.i18n import LANGUAGES, translator
from playground.language import language_of
from playground.reading import length, sentences
from tests.tables import table

LABELLED = yaml.safe_load((Path(__file__).parent / "labelled_replies.yaml").read_text("utf-8"))
LUCKY = "完全是 Lucky Vicky 呀！"


def check(type_: str, value: object = None, **more: object) -> Check:
    return Check.model_validate({"type": type_, "value": value, **more})


def passes(type_: str, value: object, reply: str, **more: object) -> bool | None:
    return run(check(type_, value, **more), reply).passed


# ---- What a reader would say


def labels(reply: dict[str, Any]) -> Iterator[tuple[Check, bool]]:
    """Every check with what a reader says of it."""
    if tongue := reply.get("language"):
        for tag in ("zh-TW", "zh-CN", "en", "ja"):
            yield check("language", tag), tongue == tag or (tongue == "zh" and tag.startswith("zh"))
        yield check("is-refusal"), reply.get("refusal", False)
    if count := reply.get("sentences"):
        yield check("max-sentences", count), True
        yield check("max-sentences", count + 1), True
        if count > 1:
            yield check("max-sentences", count - 1), False
    for wanted, listed in ((True, "passes"), (False, "fails")):
        for written in reply.get(listed, []):
            yield Check.model_validate(written), wanted


def all_labels() -> Iterator[tuple[str, Check, bool]]:
    for reply in LABELLED["replies"]:
        yield from ((reply["text"], one, wanted) for one, wanted in labels(reply))
    for refusal, listed in ((True, "refusals"), (False, "near_refusals")):
        yield from ((text, check("is-refusal"), refusal) for text in LABELLED[listed])


def test_rules_agree_with_readers() -> None:
    counts: defaultdict[str, Counter[tuple[bool, bool]]] = defaultdict(Counter)
    differ = []
    for text, one, wanted in all_labels():
        passed = run(one, text).passed
        counts[one.rule][(wanted != one.negated, passed != one.negated)] += 1
        if passed != wanted:
            differ.append(f"{one.type} {one.value!r}: readers say {wanted} of {text!r}")
    assert set(counts) == set(RULES)
    for rule, count in counts.items():
        right, wrong, missed = count[True, True], count[False, True], count[True, False]
        assert min(right + missed, wrong + count[False, False]) >= 5, f"too few labels for {rule}"
        assert right / (right + wrong) >= 0.98, (rule, "precision", differ)
        assert right / (right + missed) >= 0.98, (rule, "recall", differ)


def test_there_are_enough_labels() -> None:
    languages = Counter(reply.get("language") for reply in LABELLED["replies"])
    assert len(LABELLED["replies"]) >= 200
    assert min(languages["zh-TW"], languages["en"]) >= 40
    assert min(languages["zh-CN"], languages["ja"]) >= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_has_words(language: str) -> None:
    t = translator(language)
    for text, one, _ in all_labels():
        verdict = run(one, text)
        assert "{" not in expectation(one, t).replace(str(one.value), "")
        assert finding(verdict, t)
    for rule in RULES | ASKING:
        values = {
            "language": "ja",
            "is-json": None,
            "is-refusal": None,
            "contains-all": ["a"],
            "contains-any": ["a"],
        }
        for type_ in (rule, f"not-{rule}"):
            assert expectation(check(type_, values.get(rule, "1")), t)


def test_not_turns_every_rule_around() -> None:
    for text, one, _ in all_labels():
        if not one.negated:
            opposite = one.model_copy(update={"type": f"not-{one.type}"})
            assert run(opposite, text).passed is not run(one, text).passed


# ---- Endings

DECORATED = st.tuples(
    st.sampled_from(["", "\n\n", "> ", "**", "「", "『", "“", '"', "✨", "— ", "## ", "*", "`", "（"]),
    st.sampled_from(["完全是", "完全是 ", "完全是　", "完全是**", "完全是「", "完全是 *", "完全是✨"]),
    st.sampled_from(
        [
            "Lucky Vicky",
            "LuckyVicky",
            "Lucky  Vicky",
            "Ｌｕｃｋｙ Ｖｉｃｋｙ",
            "Lucky\nVicky",
            "Lucky 🍀 Vicky",
        ]
    ),
    st.sampled_from(["", " ", "**", "」", "*", "\u200b"]),
    st.sampled_from(["呀", "呀～", "呀~", "呀〜〜", "呀 "]),
    st.sampled_from(["！", "!", "！！", "❗", "!!!", "❗️"]),
    st.sampled_from(
        [
            "",
            "**",
            "」",
            "』",
            "”",
            "🍀",
            " 🍀✨",
            "❤️",
            "\n",
            " 👍🏽",
            "\n\n🌟",
            "（笑）"[:0],
            "）",
            " :)",
            " (≧▽≦)",
        ]
    ),
)


@given(DECORATED)
def test_an_ending_is_heard_whatever_it_wears(parts: tuple[str, ...]) -> None:
    assert passes("ends-with", LUCKY, "下雨了，" + "".join(parts))
    assert passes("contains", LUCKY, "下雨了，" + "".join(parts) + "你說呢？")


@given(
    DECORATED,
    st.sampled_from(
        ["對吧", "不過", "See you", "#LuckyVicky", "明天見！", "嗎？", "42", "？", "(完)", "——小編"]
    ),
)
def test_going_on_is_no_ending(parts: tuple[str, ...], more: str) -> None:
    assert not passes("ends-with", LUCKY, "".join(parts) + more)


@table(
    "value, reply, expected",
    [
        ("?", "真的嗎？", True),
        ("?", "真的。", False),
        ("!!", "哇！", False),
        ("🙂", "好 🙂", True),
        ("🙂", "好 🙁", False),
        ("❤", "好 ❤️", True),
        ("👍", "👍🏽", True),
        ("**", "**好**", True),
        ("**", "好", False),
        ("- ", "- 蘋果", True),
        ("- ", "蘋果", False),
        ("「", "“好”", False),
        ("～", "好～", True),
        ("～", "好", False),
        ("...", "嗯…", True),
        ("x²", "x2", False),
        ("C#", "C", False),
        ("2**3", "23", False),
        ("a_b", "ab", False),
        ("is it", "visit", False),
        ("I'm", "important", False),
        ("we'll", "well", False),
        ("can't", "can’t", True),
        ("Lucky Vicky", "LuckyVicky!", True),
        ("```python", "```python\nx\n```", True),
        ("```python", "python", False),
        ("✅ 通過", "❌ 通過", False),
        ("✅ 通過", "🎉 ✅ 通過", True),
    ],
)
def test_what_a_check_is_about_is_not_tidied_away(value: str, reply: str, expected: bool) -> None:
    assert passes("contains", value, reply) is expected


# ---- Edges


@table("reply", ["", " \n\t", "🍀", "🍀✨🌟", "！？", "---", "\u202e", "\ud83d", "*" * 9])
def test_a_reply_without_words(reply: str) -> None:
    assert not passes("contains", "好", reply)
    assert not passes("ends-with", LUCKY, reply)
    assert not passes("equals", "好", reply)
    assert not passes("is-json", None, reply)
    assert not passes("is-refusal", None, reply)
    assert not passes("language", "zh-TW", reply)
    assert not passes("language", "en", reply)
    assert passes("max-sentences", 1, reply)
    assert passes("max-chars", 9, reply)
    assert not passes("min-chars", 10, reply)
    assert not passes("regex", "[a-z]", reply)


@pytest.mark.parametrize(
    ("reply", "tongue"),
    [
        ("مرحبا، كيف حالك اليوم؟ أنا بخير!", "other"),
        ("שלום, מה שלומך? הכול טוב.", "other"),
        ("\u202bسلام\u202c", "other"),
        ("สวัสดีครับ วันนี้เป็นอย่างไรบ้าง", "other"),
        ("Привет! Как дела?", "other"),
    ],
)
def test_other_scripts(reply: str, tongue: str) -> None:
    assert language_of(reply) == tongue
    assert passes("ends-with", reply, f"**{reply}** 🙂")
    assert passes("contains", reply[2:6].strip(), reply)


@pytest.mark.parametrize(
    ("text", "count"), [("مرحبا، كيف حالك؟ أنا بخير!", 2), ("नमस्ते। आप कैसे हैं?", 2), ("", 0)]
)
def test_sentences_in_other_scripts(text: str, count: int) -> None:
    assert sentences(text) == count


def test_exact_language_forgives_nothing() -> None:
    reply = "簡體字把「發」寫成发，其他字也都變得簡單，學起來比較輕鬆，寫起來也快，只是讀古書時會有點辛苦。"
    assert passes("language", "zh-TW", reply)
    assert not passes("language", "zh-TW", reply, exact=True)


def test_a_very_long_number_is_json_and_a_very_deep_list_is_none_that_can_be_read() -> None:
    assert passes("is-json", None, "9" * 5000)
    assert not passes("is-json", None, "[" * 100_000 + "]" * 100_000)


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
def test_any_text_can_be_held_against_any_rule(reply: str, value: str) -> None:
    for rule in RULES.keys() - {"regex", "language"}:
        for candidate in (value, [value], 3, None):
            try:
                one = check(rule, candidate)
            except ValidationError:
                continue
            assert run(one, reply).passed is not None


@given(st.text(max_size=80))
def test_what_is_in_a_reply_is_found_there(reply: str) -> None:
    """As it stands always; as a reader takes it, the whole reply is in itself."""
    if reply:
        assert passes("contains", reply, reply)
        assert passes("contains", reply[len(reply) // 2 :], reply, exact=True)
        assert passes("equals", reply, reply)
    assert length(reply) <= len(reply)
