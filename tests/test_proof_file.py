"""Results as files: JSON both ways, whatever was done to it, CSV, and JUnit as those who read it want it."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from playground.checks import Check, Verdict
from playground.i18n import LANGUAGES, translator
from playground.messages import Failure, ReplyInfo, Usage
from playground.personas import Persona
from playground.proof import Cell, Outcome, Plan, judged
from playground.proof_file import BYTES, from_json, to_csv, to_json, to_junit
from tests.tables import table

PERSONA = Persona(
    name="員瑛 <b>",
    system_prompt="x",
    checks=(
        Check(type="ends-with", value="Lucky!"),
        Check(type="llm-rubric", value="It is kind."),
        Check(type="max-chars", value=30),
    ),
)
PLAN = Plan(PERSONA, ("Rain?", "=1+1 >> 好 & <b>"), ("fake/a", "fake/b"), 2)
ODD = "=cmd() \x00\x1b[31m]]> \ud800 & <script>\ufffe ﷐ Lucky"


def judge(check: Check, question: str, reply: str) -> Verdict:
    return Verdict(check, "Lucky" in reply, "judged", {"found": "It is."})


def info(failure: Failure | None = None) -> ReplyInfo:
    ended = "failed" if failure else "stop"
    return ReplyInfo(
        "fake", "a", ended, 1.25, 0.5, Usage(10, 5, reported_cost=0.01), failure, ("seed",), 7, 9
    )


def outcomes() -> tuple[Outcome, ...]:
    replies = iter(
        ["So Lucky!", "No.", ODD.replace("\ud800", "").replace("\x00", "").replace("\x1b[31m", "")]
    )
    found = []
    for cell in PLAN.cells():
        if text := next(replies, ""):
            found.append(judged(PLAN, cell, text, info(), judge))
    failed = Cell("fake/b", "=1+1 >> 好 & <b>", 2)
    fault = Failure("bad_key", 401, "No such key", retry=False)
    return (*found, judged(PLAN, failed, "", info(fault)))


def test_there_and_back() -> None:
    assert from_json(to_json(PLAN, outcomes()).encode(), [PERSONA]) == (PLAN, outcomes())
    renamed = PERSONA.model_copy(update={"name": "Ann"})
    found = from_json(to_json(PLAN, outcomes()).encode(), [renamed])
    assert found[0].persona == renamed  # type: ignore[union-attr]


def test_as_many_replies_as_the_page_asks_for_are_read_again() -> None:
    plan = Plan(PERSONA, tuple(f"Rain {number}?" for number in range(20)), PLAN.models, 50)
    found = tuple(judged(plan, cell, "光的散射" * 160, info(), judge) for cell in plan.cells())
    raw = to_json(plan, found).encode()
    assert (len(found), len(raw) > 5_000_000) == (2000, True)
    assert from_json(raw, [PERSONA]) == (plan, found)


def test_a_persona_that_was_changed_is_another_one() -> None:
    changed = PERSONA.model_copy(update={"system_prompt": "y"})
    assert from_json(to_json(PLAN, ()).encode(), [changed]) == "other_persona"


def row(**change: object) -> dict[str, Any]:
    return json.loads(to_json(PLAN, outcomes())) | change


def counting(place: str, number: float) -> bytes:
    """The file, where a number of the first reply is another one: "usage.completion_tokens"."""
    file = row()
    node = file["results"][0]["info"]
    *way, last = place.split(".")
    for step in way:
        node = node[step]
    node[last] = number
    return json.dumps(file).encode()


@table(
    "raw, code",
    [
        (b"", "damaged"),
        (b'{"x":', "damaged"),
        (json.dumps(row()).encode()[:-100], "damaged"),
        (b"[1, 2", "damaged"),
        (b"[1, 2]", "other_format"),
        (b"{}", "other_format"),
        (b"\xff\xfe\x00", "damaged"),
        (b" " * (BYTES + 1), "too_large"),
        (b"[" * 100_000, "damaged"),
        (json.dumps(row(format="persona-playground-chats")).encode(), "other_format"),
        (json.dumps(row(version=2)).encode(), "other_format"),
        (json.dumps(row(runs=-1)).encode(), "damaged"),
        (json.dumps(row(runs=10**9)).encode(), "damaged"),
        (json.dumps(row(questions=["x"] * 500)).encode(), "damaged"),
        (json.dumps(row(results=[{"model": "fake/a"}])).encode(), "damaged"),
        (json.dumps(row(results=7)).encode(), "damaged"),
        (json.dumps(row(questions=["x" * 32_001])).encode(), "damaged"),
        (counting("usage.completion_tokens", 10**400), "damaged"),
        (counting("usage.prompt_tokens", 10**12 + 1), "damaged"),
        (counting("usage.prompt_tokens", -1), "damaged"),
        (counting("usage.reasoning_tokens", True), "damaged"),
        (counting("usage.reported_cost", 1e300), "damaged"),
        (counting("requests_left", 10**400), "damaged"),
        (counting("tokens_left", 10**400), "damaged"),
        (counting("seconds", 1e300), "damaged"),
    ],
)
def test_what_is_no_such_file_is_refused(raw: bytes, code: str) -> None:
    assert from_json(raw, [PERSONA]) == code


def test_a_file_cannot_say_that_a_reply_passed() -> None:
    """Every reply is judged anew; a model's verdict, which costs a call, is taken over."""
    file = row()
    for result in file["results"]:
        for verdict in result["verdicts"]:
            verdict.update(passed=True, found="no.such.word", slots={"odd": 1})
    _, found = from_json(json.dumps(file).encode(), [PERSONA])  # type: ignore[misc]
    assert [v.passed for v in found[0].verdicts] == [True, None, True]
    assert [v.passed for v in found[1].verdicts] == [False, None, True]
    file["results"][0]["model"] = "fake/elsewhere"
    assert len(from_json(json.dumps(file).encode(), [PERSONA])[1]) == len(found) - 1  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_table_has_a_row_for_every_verdict(language: str) -> None:
    text = to_csv(PLAN, outcomes(), translator(language))
    assert text[0] == "\ufeff"
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert len(rows) == 1 + 3 * 3 + 1
    assert len({len(cells) for cells in rows}) == 1
    assert not [cell for cells in rows for cell in cells if cell[:1] in "=+-@" and cell]
    assert rows[-1][4] == "bad_key"


@pytest.mark.parametrize("language", LANGUAGES)
def test_junit(language: str) -> None:
    odd = (*outcomes(), Outcome(Cell("fake/a", "Rain?", 2), ODD, info(), outcomes()[1].verdicts))
    root = ET.fromstring(to_junit(PLAN, odd, 0.8, translator(language)).encode())
    assert root.tag == "testsuites"
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["fake/a", "fake/b"]
    for suite in suites:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase")) == 3
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(name, "")) == len(suite.findall(f"testcase/{tag}"))
        assert float(suite.get("time", "")) > 0
    failure = suites[0].find("testcase/failure")
    assert failure is not None
    assert "<script>" in (failure.text or "")
    assert "\x1b" not in (failure.text or "")


def test_junit_tells_what_was_not_run_from_what_failed() -> None:
    unasked = tuple(judged(PLAN, c, "So Lucky!", info()) for c in PLAN.cells() if c.model == "fake/a")
    fault = judged(PLAN, Cell("fake/b", "Rain?", 1), "", info(Failure("timeout", detail="too slow")))
    root = ET.fromstring(to_junit(PLAN, (*unasked, fault), 0.8, translator("en")).encode())
    told = [[child.tag for child in case] for case in root.iter("testcase")]
    assert told == [[], ["skipped"], [], ["error"], ["error"], ["error"]]
    assert root.find("testsuite/testcase/error[@type='timeout']") is not None
    stopped = ET.fromstring(to_junit(PLAN, unasked[:3], 0.8, translator("en")).encode())
    assert stopped.find("testsuite/testcase/error[@type='too_few']") is not None, "3 of 4 are no 80% of 4"
