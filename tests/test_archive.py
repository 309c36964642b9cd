"""A file of conversations comes back exactly, or is refused whole with what is wrong and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import archive
from playground.archive import Archived, Damage, Ended, from_archive, to_archive
from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from tests.tables import table

REPLY = Message("assistant", "x", info=ReplyInfo("groq", "gpt-oss", "interrupted", 1.5, usage=Usage(0, 3)))
CHAT = Archived("vicky", "為什麼？", Conversation((Message("user", "為什麼？"), REPLY)), 1_800_000_000.25)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counts = st.none() | st.integers(0, 10**9)
seconds = st.floats(0, 1e6)
usages = st.builds(Usage, counts, counts, counts, st.booleans(), st.none() | st.floats(0, 1e6))
failures = st.builds(
    Failure, texts, st.none() | st.integers(100, 599), texts, st.none() | seconds, st.booleans()
)
infos = st.builds(
    ReplyInfo,
    texts,
    texts,
    st.sampled_from(get_args(Ended)),
    seconds,
    st.none() | seconds,
    usages,
    st.none() | failures,
    st.lists(texts, max_size=3).map(tuple),
    counts,
    counts,
    st.lists(texts, max_size=3).map(tuple),
)
messages = st.builds(Message, st.sampled_from(["user", "assistant"]), texts, texts, st.none() | infos)
conversations = st.lists(messages, max_size=5).map(tuple).map(Conversation)
moments = st.integers(0, 4 * 10**15).map(lambda microseconds: microseconds / 10**6)
chats = st.lists(st.builds(Archived, texts, texts, conversations, moments), max_size=4)


@given(chats)
def test_round_trip(kept: list[Archived]) -> None:
    assert from_archive(to_archive(kept)) == (kept, None)


def test_what_a_file_looks_like() -> None:
    assert json.loads(to_archive([CHAT])) == {
        "format": "persona-playground-chats",
        "version": 1,
        "chats": [
            {
                "persona": "vicky",
                "title": "為什麼？",
                "updated": "2027-01-15T08:00:00.250000+00:00",
                "messages": [
                    {"role": "user", "content": "為什麼？"},
                    {
                        "role": "assistant",
                        "content": "x",
                        "info": {
                            "provider": "groq",
                            "model": "gpt-oss",
                            "ended": "interrupted",
                            "seconds": 1.5,
                            "usage": {"prompt_tokens": 0, "completion_tokens": 3},
                        },
                    },
                ],
            }
        ],
    }
    assert "為什麼".encode() in to_archive([CHAT])


def test_a_file_with_a_byte_order_mark() -> None:
    assert from_archive(b"\xef\xbb\xbf" + to_archive([CHAT])) == ([CHAT], None)


def test_a_file_in_which_everything_is_spelled_out() -> None:
    """Defaults may be there or not."""
    file = json.loads(to_archive([CHAT]))
    file["chats"][0]["messages"] = [asdict(message) for message in CHAT.conversation.messages]
    assert from_archive(json.dumps(file).encode()) == ([CHAT], None)


def test_half_a_character_becomes_a_replacement() -> None:
    told = Archived("p", "t", Conversation((Message("user", "a\ud800b\0"),)), 0.0)
    (read,), damage = from_archive(to_archive([told]))
    assert (read.conversation.messages[0].content, damage) == ("a\ufffdb\0", None)


def _set(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(file: dict[str, Any]) -> None:
        for path, value in changes.items():
            node: Any = file
            *way, last = [int(step) if step.isdigit() else step for step in path.split("__")]
            for step in way:
                node = node[step]
            node[last] = value

    return change


REPLIED = "chats__0__messages__1"


@table(
    "change, damage",
    [
        (_set(format="other"), Damage("other_format")),
        (lambda file: file.pop("format"), Damage("other_format")),
        (_set(version=2), Damage("newer")),
        (_set(version="1"), Damage("wrong_value", "version")),
        (lambda file: file.pop("version"), Damage("missing", "version")),
        (_set(owner="x"), Damage("unknown_key", "owner")),
        (_set(chats={}), Damage("wrong_value", "chats")),
        (lambda file: file["chats"][0].pop("title"), Damage("missing", "chats.0.title")),
        (_set(chats__0__id="x"), Damage("unknown_key", "chats.0.id")),
        (_set(chats__0__title="x" * 257), Damage("too_long", "chats.0.title")),
        (_set(chats__0__updated=1_800_000_000), Damage("wrong_value", "chats.0.updated")),
        (_set(chats__0__updated="2026-01-01T00:00:00"), Damage("wrong_value", "chats.0.updated")),
        (_set(chats__0__updated="0001-01-01T00:00:00+10:00"), Damage("wrong_value", "chats.0.updated")),
        (_set(**{f"{REPLIED}__role": "system"}), Damage("wrong_value", "chats.0.messages.1.role")),
        (_set(**{f"{REPLIED}__content": 1}), Damage("wrong_value", "chats.0.messages.1.content")),
        (_set(**{f"{REPLIED}__key": "x"}), Damage("unknown_key", "chats.0.messages.1.key")),
        (_set(**{f"{REPLIED}__info__ended": "never"}), Damage("wrong_value", "chats.0.messages.1")),
        (
            _set(**{f"{REPLIED}__info__seconds": float("nan")}),
            Damage("wrong_value", "chats.0.messages.1.info.seconds"),
        ),
        (
            _set(**{f"{REPLIED}__info__usage__prompt_tokens": 10**400}),
            Damage("wrong_value", "chats.0.messages.1"),
        ),
        (
            _set(**{f"{REPLIED}__info__usage__prompt_tokens": True}),
            Damage("wrong_value", "chats.0.messages.1.info.usage.prompt_tokens"),
        ),
        (
            _set(**{f"{REPLIED}__info__usage__reported_cost": 1e300}),
            Damage("wrong_value", "chats.0.messages.1"),
        ),
        (_set(**{f"{REPLIED}__info__seconds": -1e300}), Damage("wrong_value", "chats.0.messages.1")),
        (_set(**{"x" * 500: 1}), Damage("unknown_key", "x" * 100)),
    ],
)
def test_damage(change: Callable[[dict[str, Any]], None], damage: Damage) -> None:
    file = json.loads(to_archive([CHAT]))
    change(file)
    assert from_archive(json.dumps(file).encode()) == ([], damage)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe{", b"[" * 100_000, to_archive([CHAT])[:-20]])
def test_what_is_no_json(raw: bytes) -> None:
    assert from_archive(raw) == ([], Damage("not_json"))


def test_all_that_is_kept_of_a_visitor_is_read_again() -> None:
    """The file that the page advises to keep: 200 dialogues of a lesson's length, and some that were not kept."""
    said = (
        Message("user", "為什麼天空是藍的？" * 5),
        Message("assistant", "因為光的散射。" * 60, info=REPLY.info),
    )
    long = [Archived("vicky", "t", Conversation(said * 15), 0.0)] * 220
    assert len(to_archive(long)) > 5_000_000
    assert from_archive(to_archive(long)) == (long, None)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as the limits allow is read, and one more is refused."""
    long = Archived("p", "t", Conversation((Message("user", "字" * archive.TEXT),)), 0.0)
    assert from_archive(to_archive([long])) == ([long], None)
    over = Archived("p", "t", long.conversation.say("字" * (archive.TEXT + 1)), 0.0)
    assert from_archive(to_archive([over])) == ([], Damage("too_long", "chats.0.messages.1.content"))

    talk = Archived("p", "t", Conversation((Message("user", "x"),) * archive.MESSAGES), 0.0)
    assert from_archive(to_archive([talk])) == ([talk], None)
    over = Archived("p", "t", talk.conversation.say("x"), 0.0)
    assert from_archive(to_archive([over])) == ([], Damage("too_long", "chats.0.messages"))

    assert from_archive(to_archive([CHAT] * archive.CHATS)) == ([CHAT] * archive.CHATS, None)
    assert from_archive(to_archive([CHAT] * (archive.CHATS + 1))) == ([], Damage("too_long", "chats"))

    raw = to_archive([CHAT])
    monkeypatch.setattr(archive, "BYTES", len(raw))
    assert from_archive(raw) == ([CHAT], None)
    assert from_archive(raw + b" ") == ([], Damage("too_large"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _nodes(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: what holds it, and under which key or index."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [node for key in keys for node in _nodes(value[key])]


@given(chats.filter(bool), json_values, st.data())
def test_a_changed_value_is_read_or_refused(kept: list[Archived], value: Any, data: st.DataObject) -> None:
    file = json.loads(to_archive(kept))
    holder, key = data.draw(st.sampled_from(_nodes(file)))
    holder[key] = value
    _read_or_refused(json.dumps(file).encode())


@given(st.integers(0), st.binary(max_size=3), st.integers(0, 3))
def test_changed_bytes_are_read_or_refused(at: int, put: bytes, drop: int) -> None:
    raw = to_archive([CHAT])
    at %= len(raw)
    _read_or_refused(raw[:at] + put + raw[at + drop :])


@given(st.binary())
def test_any_bytes_are_refused(raw: bytes) -> None:
    read, damage = from_archive(raw)
    assert read == []
    assert damage is not None


def _read_or_refused(raw: bytes) -> None:
    """Never a part of it; and what is read can be written and read again."""
    read, damage = from_archive(raw)
    if damage:
        assert read == []
    else:
        assert from_archive(to_archive(read)) == (read, None)
