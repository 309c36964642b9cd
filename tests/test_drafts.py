"""A draft: what the editor sends and the page changes meet, nothing is lost, and every change can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from playground.config import Problem
from playground.drafts import FIELDS, Draft, Trial, Value, uploaded, with_field, without_change, written
from playground.messages import Conversation, Message
from playground.personas import Persona, read_persona
from playground.reply import Reply
from tests.tables import table

PERSONAS = sorted((Path(__file__).resolve().parent.parent / "personas").glob("*.yaml"))
GOOD = "# mine\nname: Vicky  # her name\ngreeting: Hi!\nsystem_prompt: Be kind.\n"


def sent(draft: Draft, text: str, number: int, other: Mapping[str, object] = {}) -> dict[str, object]:
    return {"id": draft.id, "revision": draft.revision, "number": number, "text": text, **other}


def test_what_is_typed_arrives() -> None:
    draft = Draft(GOOD)
    assert draft.untouched
    draft.typed(sent(draft, GOOD.replace("Vicky", "Ann"), 1))
    assert draft.persona
    assert draft.persona.name == "Ann"
    assert (draft.heard, draft.revision, draft.untouched) == (1, 0, False)


@pytest.mark.parametrize(
    "wrong",
    [{"id": "another"}, {"revision": 3}, {"number": 2}, {"number": 1}, {"number": None}, {"text": None}],
    ids=str,
)
def test_what_was_typed_before_a_change_of_the_page_waits_for_its_merger(wrong: dict[str, object]) -> None:
    draft = Draft(GOOD)
    draft.typed(sent(draft, "x: 1", 2))
    draft.typed(sent(draft, "late", 3, wrong))
    assert (draft.text, draft.heard) == ("x: 1", 2)


def test_a_huge_text_is_told_and_not_kept() -> None:
    draft = Draft(GOOD)
    draft.typed(sent(draft, "x" * 10_000_000, 1))
    assert len(draft.text) < 100_000
    assert [p.code for p in draft.problems] == ["too_big"]


def test_one_click_fixes() -> None:
    draft = Draft("name：Vicky\nsystem_prompt：Be kind.\n")
    first = draft.problems[0]
    assert first.edit
    draft.fix(first)
    assert draft.text.startswith("name: Vicky\n")
    draft.fix_all()
    assert draft.persona
    assert draft.text == "name: Vicky\nsystem_prompt: Be kind.\n"
    draft.undo()
    draft.undo()
    assert draft.text == "name：Vicky\nsystem_prompt：Be kind.\n"


@table(
    "text, more",
    [
        ("name：Vicky\nsystem_prompt：Be kind.\n", True),
        ("name：Vicky\nsystem_prompt: Be kind.\ngreting: Hi!\n", True),
        ("name: Vicky\nsystem_promt: Be kind.\ngreting: Hi!\n", True),
        ("name：Vicky\nsystem_prompt: Be kind.\n", False),
        ("name：Vicky\nsystem_prompt: [\n", False),
        ("name: [\n", False),
        (GOOD, False),
    ],
)
def test_all_can_be_fixed_where_one_slip_hides_another(text: str, more: bool) -> None:
    assert Draft(text).more_to_fix is more


def test_a_long_text_is_looked_at_once_more_and_never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    def look(text: str) -> tuple[Persona | None, tuple[Problem, ...]]:
        looks.append(text)
        return read_persona(text)

    monkeypatch.setattr("playground.drafts.read_persona", look)
    draft = Draft("name：Vicky\nsystem_prompt：|\n" + "  Be kind.\n" * 5000)
    for _ in range(3):
        assert draft.more_to_fix
        assert len(draft.problems) == 1
    assert len(looks) == 2


def test_a_fix_finds_its_problem_where_it_stands_by_now() -> None:
    draft = Draft("name：Vicky\nsystem_prompt: x\n")
    problem = draft.problems[0]
    draft.typed(sent(draft, "# a line more\nname：Vicky\nsystem_prompt: x\n", 1))
    draft.fix(problem)
    assert draft.text == "# a line more\nname: Vicky\nsystem_prompt: x\n"
    draft.fix(problem)
    assert len(draft.past) == 1


def test_the_last_good_version_stays() -> None:
    draft = Draft(GOOD)
    assert draft.persona
    draft.typed(sent(draft, "name: [\n", 1))
    assert draft.persona is None
    assert draft.last_good
    assert draft.last_good.name == "Vicky"


def test_undo_and_redo_keep_what_was_typed_since() -> None:
    draft = Draft("a：1\nb: 2\n")
    draft.put("a: 1\nb: 2\n")
    draft.typed(sent(draft, "a: 1\nb: 2 typed\n", 1))
    draft.undo()
    assert draft.text == "a：1\nb: 2 typed\n"
    draft.typed(sent(draft, "# top\na：1\nb: 2 typed\n", 2))
    draft.redo()
    assert draft.text == "# top\na: 1\nb: 2 typed\n"
    draft.undo()
    assert draft.text == "# top\na：1\nb: 2 typed\n"
    assert draft.revision == 4


@pytest.mark.parametrize(
    ("before", "after", "now", "then"),
    [
        ("abc", "aXc", "aXc", "abc"),
        ("abc", "aXc", "aXcd", "abcd"),
        ("abc", "aXc", "QaXc", "Qabc"),
        ("abc", "aXXc", "aXYXc", "abc"),
        ("abc", "", "typed", "typedabc"),
        ("old", "a new text", "a neat text", "old"),
        ("", "new", "new!", "!"),
    ],
)
def test_without_change(before: str, after: str, now: str, then: str) -> None:
    assert without_change(before, after, now) == then


@given(before=st.text("ab\n", max_size=9), after=st.text("ab\n", max_size=9))
def test_undo_at_once_gives_the_very_text(before: str, after: str) -> None:
    draft = Draft(before)
    draft.put(after)
    draft.undo()
    assert draft.text == before
    draft.redo()
    assert draft.text == after


def test_a_field_that_no_persona_may_have_is_kept_and_told() -> None:
    draft = Draft(GOOD)
    draft.fill("avatar", "no picture")
    draft.fill("name", "Ann")
    assert draft.persona
    assert draft.persona.name == "Ann"
    value, problems = draft.refused["avatar"]
    assert (value, [p.code for p in problems]) == ("no picture", ["avatar"])
    draft.fill("avatar", "🍀")
    assert draft.refused == {}
    assert "avatar: 🍀" in draft.text
    assert draft.text.startswith("# mine\nname: Ann  # her name\n")


VALUES: dict[str, list[Value]] = {
    "name": ["New: Name", "1.10", "no", "“smart” 名字", "# hash", "- dash", "A'b\"c", "{x}", "： x"],
    "avatar": ["🍀", ":material/star:", ""],
    "description": ["one line", "a\nb", ""],
    "greeting": ["Hi！你好：嗎", "Line\n\n  indented\n- x: y", "", "#x\ny", "\tTab\n\there"],
    "system_prompt": ["You\nare # not\n\n\tx", "one: two"],
    "starters": [("a",), ("a: b", "- c", "# d"), (), ("x", "y", "z")],
}


@table("path", PERSONAS)
def test_every_field_of_every_shipped_persona(path: Path) -> None:
    """The field changes, the others do not, and every line outside it stays as it was, comments too."""
    text = path.read_text("utf-8")
    before, _ = read_persona(text)
    assert before
    for name in FIELDS:
        # Each value meets some of the files: all with all takes long and finds no more.
        value = VALUES[name][PERSONAS.index(path) % len(VALUES[name])]
        new, problems = with_field(text, name, value)
        assert (problems, new is None) == ((), False), (name, value)
        after, _ = read_persona(cast(str, new))
        wanted = value.strip() if isinstance(value, str) else value
        assert after == before.model_copy(update={name: wanted}), (name, value)
        others = [n for n in FIELDS if n != name]
        assert _parts(cast(str, new), others) == _parts(text, others), (name, value)


def _parts(text: str, names: list[str]) -> dict[str, list[str]]:
    """The lines of each field as they stand in the file, and the comments in front of them."""
    parts: dict[str, list[str]] = {"": []}
    current = ""
    for line in text.split("\n"):
        if line[:1] not in (" ", "", "-", "#"):
            current = line.partition(":")[0]
        if line.startswith("#"):
            parts[""].append(line)
        elif line:
            parts.setdefault(current, []).append(line)
    return {name: parts.get(name, []) for name in [*names, ""]}


@settings(max_examples=60, deadline=None)
@given(value=st.text(max_size=60))
@example("\x85 x")
@example("a\r\nb\rc")
@example("- [a]: {b}\n  - c")
@example("\ud800")
def test_any_text_is_written_as_it_is_or_refused(value: str) -> None:
    new, problems = with_field(GOOD, "greeting", value)
    if new is None:
        assert problems
    else:
        persona, _ = read_persona(new)
        assert persona
        assert persona.greeting.split() == value.replace("\x85", " ").split()
        assert new.startswith("# mine\nname: Vicky  # her name\n")


def test_written_leaves_out_what_no_persona_may_have() -> None:
    text = written(GOOD, {"name": "Ann", "avatar": "nothing", "greeting": "Hello: you"})
    persona, _ = read_persona(text)
    assert persona
    assert (persona.name, persona.avatar, persona.greeting) == ("Ann", "", "Hello: you")
    assert "# her name" in text


@pytest.mark.parametrize(
    ("source", "text", "codes"),
    [
        (b"\xef\xbb\xbfname: a\r\n", "name: a\n", []),
        ("name: 王老師".encode("utf-16"), "name: 王老師", ["decoded_as"]),
        ("name: 你好，我是老師".encode("cp950"), "name: 你好，我是老師", ["decoded_as"]),
        (b"name: [", "name: [", []),
        (b"PK\x03\x04rest", None, ["not_text"]),
        (b"x" * 1_000_000, None, ["too_big"]),
    ],
)
def test_uploaded(source: bytes, text: str | None, codes: list[str]) -> None:
    read, problems = uploaded(source)
    assert (read, [p.code for p in problems]) == (text, codes)


class Written:
    """A reply that somebody else writes."""

    done = False
    stopped = False

    def stop(self) -> None:
        self.stopped = True

    def message(self) -> Message:
        return Message("assistant", "Fine.")


@pytest.fixture
def tried() -> tuple[Trial, Written]:
    trial, reply = Trial(), Written()
    trial.greet("Hi!")
    trial.conversation = trial.conversation.say("How are you?")
    trial.reply = cast(Reply, reply)
    return trial, reply


def test_a_reply_joins_the_trial_when_it_has_ended(tried: tuple[Trial, Written]) -> None:
    trial, reply = tried
    trial.settle()
    assert trial.reply
    reply.done = True
    trial.settle()
    assert trial.reply is None
    assert [m.content for m in trial.conversation.messages] == ["Hi!", "How are you?", "Fine."]


@pytest.mark.parametrize(
    ("act", "begun"),
    [
        (lambda trial: trial.greet("Hi!"), True),
        (lambda trial: trial.greet("Ahoy!"), False),
        (lambda trial: trial.start_over("Hi!"), False),
    ],
    ids=["same greeting", "new greeting", "start over"],
)
def test_a_new_greeting_begins_anew(
    tried: tuple[Trial, Written], act: Callable[[Any], None], begun: bool
) -> None:
    trial, reply = tried
    trial.waiting.append("And then?")
    act(trial)
    assert trial.conversation.begun is begun
    assert reply.stopped is not begun
    assert bool(trial.waiting) is begun
    if not begun:
        assert trial.conversation == Conversation.opening(trial.greeting)
