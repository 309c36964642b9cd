"""What is proved as values: questions, rates and how sure they are, what is left to ask, and what it will take."""

from __future__ import annotations

import pytest

from playground.checks import Check, Verdict
from playground.forecast import TOKENS, forecast
from playground.limits import Limits, Pace
from playground.messages import Failure, ReplyInfo, Usage
from playground.personas import Persona
from playground.proof import (
    Cell,
    Outcome,
    Plan,
    Rate,
    asked,
    digest,
    failing,
    fitting,
    judged,
    rate,
    remaining,
    summed,
    turns,
    wilson,
)
from playground.providers import Model, Provider, ProvidersFile
from playground.proving import Voice
from playground.wire import Setup
from playground.writer import Turn
from tests.tables import table

PERSONA = Persona(
    name="Vicky",
    system_prompt="You turn bad luck into luck.",
    checks=(
        Check(type="ends-with", value="Lucky!"),
        Check(type="max-chars", value=20),
        Check(type="llm-rubric", value="It is kind."),
    ),
)
PLAN = Plan(PERSONA, ("Rain.", "Hi. >> Bye."), ("fake/a", "fake/b"), 2)
RUBRIC = PERSONA.checks[2]


def info(ended: str = "stop", failure: str = "", tokens: int | None = 10, seconds: float = 2.0) -> ReplyInfo:
    fault = Failure(failure) if failure else None
    return ReplyInfo("fake", "a", ended, seconds, usage=Usage(100, tokens), failure=fault)


def outcome(cell: Cell, reply: str = "So Lucky!", **about: object) -> Outcome:
    return judged(PLAN, cell, reply, info(**about))  # type: ignore[arg-type]


# The last four are the examples of R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, method 3.
@table(
    "passed, total, low, high",
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (5, 10, 0.2366, 0.7634),
        (17, 20, 0.6396, 0.9476),
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson(passed: int, total: int, low: float, high: float) -> None:
    assert wilson(passed, total) == pytest.approx((low, high), abs=5e-5)
    assert Rate(passed, total).interval == wilson(passed, total)


def test_wilson_holds_the_share_and_narrows() -> None:
    before = 1.0
    for total in range(1, 200):
        for passed in (0, total // 3, total):
            low, high = wilson(passed, total)
            assert 0 <= low <= passed / total + 1e-12
            assert passed / total - 1e-12 <= high <= 1
        width = wilson(total, total)[1] - wilson(total, total)[0]
        assert width < before
        before = width


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Rain.", ("Rain.",)),
        (" Hi. >> Bye. ", ("Hi.", "Bye.")),
        (">> Hi >>", ("Hi",)),
        ("a > b", ("a > b",)),
        (">>", (">>",)),
    ],
)
def test_turns(question: str, said: tuple[str, ...]) -> None:
    assert turns(question) == said


def test_questions_of_a_file() -> None:
    assert asked("Rain.\n\n  # not this\n你好 >> 再見\r\nRain.\n") == ("Rain.", "你好 >> 再見")


def test_cells_go_run_by_run() -> None:
    cells = list(PLAN.cells())
    assert len(cells) == 8
    assert cells[:2] == [Cell("fake/a", "Rain.", 1), Cell("fake/b", "Rain.", 1)]
    assert [cell.run for cell in cells] == [1] * 4 + [2] * 4
    assert PLAN.calls == 12


@pytest.mark.parametrize(
    ("reply", "about", "passed"),
    [
        ("So Lucky!", {}, [True, True, None]),
        ("So lucky, and I could go on and on.", {"ended": "length"}, [False, False, None]),
        ("So Lucky!", {"ended": "stopped"}, []),
        ("So Luc", {"ended": "failed", "failure": "cut_off"}, []),
        ("", {}, []),
    ],
)
def test_a_reply_is_held_against_every_check(
    reply: str, about: dict[str, str], passed: list[bool | None]
) -> None:
    told = outcome(Cell("fake/a", "Rain.", 1), reply, **about)
    assert [verdict.passed for verdict in told.verdicts] == passed


def test_a_judge_is_asked_about_the_last_question() -> None:
    heard = []

    def judge(check: Check, question: str, reply: str) -> Verdict:
        heard.append((check, question, reply))
        return Verdict(check, False, "judged", {"found": "It is not."})

    told = judged(PLAN, Cell("fake/a", "Hi. >> Bye.", 1), "Lucky!", info(), judge)
    assert heard == [(RUBRIC, "Bye.", "Lucky!")]
    assert [verdict.passed for verdict in told.verdicts] == [True, True, False]


def test_rates_and_the_replies_behind_them() -> None:
    cells = list(PLAN.cells())
    outcomes = [
        outcome(cells[0]),
        outcome(cells[1], "No."),
        outcome(cells[2], "No."),
        outcome(cells[4], "", ended="failed", failure="timeout"),
    ]
    assert rate(outcomes, 0, "fake/a") == Rate(1, 2)
    assert rate(outcomes, 1, "fake/a") == Rate(2, 2)
    assert rate(outcomes, 2, "fake/a") == Rate(0, 0)
    assert rate(outcomes, 2, "fake/a").share is None
    assert rate(outcomes, 0, "fake/b").share == 0
    assert [one.cell for one in failing(outcomes, 0)] == [cells[1], cells[2]]


def test_what_failed_is_asked_again_and_nothing_else() -> None:
    cells = list(PLAN.cells())
    unjudged = outcome(cells[2])
    verdict = Verdict(RUBRIC, None, "not-judged", {})
    unjudged = Outcome(cells[2], "Lucky!", info(), (*unjudged.verdicts[:2], verdict))
    outcomes = [
        outcome(cells[0]),
        outcome(cells[1], "", ended="failed", failure="timeout"),
        unjudged,
        outcome(cells[3], "", ended="filtered"),
    ]
    assert remaining(PLAN, outcomes) == [cells[1], cells[2], *cells[4:]]
    other = outcome(Cell("fake/gone", "Rain.", 1))
    assert [one.cell for one in fitting(PLAN, [*outcomes, other, outcomes[0]])] == cells[:4]


def test_a_dialogue_is_summed() -> None:
    fault = Failure("timeout")
    parts = [
        info(seconds=1),
        ReplyInfo("fake", "a", "failed", 2, usage=Usage(5, None, estimated=True), failure=fault),
    ]
    whole = summed(parts)
    assert (whole.seconds, whole.ended, whole.failure) == (3, "failed", fault)
    assert whole.usage == Usage(105, 10, None, estimated=True)
    assert summed(parts[:1]) is parts[0]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"name": "Ann"}, True),
        ({"description": "x", "starters": ("x",)}, True),
        ({"system_prompt": "x"}, False),
        ({"temperature": 0.1}, False),
        ({"checks": PERSONA.checks[:2]}, False),
    ],
)
def test_a_digest_is_of_what_shapes_the_replies(change: dict[str, object], same: bool) -> None:
    assert (digest(PERSONA.model_copy(update=change)) == digest(PERSONA)) is same


def voice(price: tuple[float, float] | None, kind: str = "cloud", turn: Turn | None = None) -> Voice:
    model = Model(id="a", price=price)
    provider = Provider(id="fake", label="Fake", kind=kind, models={"list": (model,)})  # type: ignore[arg-type]
    return Voice(Setup(provider, model, provider, PERSONA), lambda line: None, turn)  # type: ignore[arg-type]


def told(plan: Plan, one: Voice, outcomes: list[Outcome] | None = None, judge: Voice | None = None):  # type: ignore[no-untyped-def]
    providers = ProvidersFile(providers={"fake": one.setup.provider})
    return forecast(plan, {"fake/a": one}, providers, outcomes or [], judge)


ONE = Plan(PERSONA, ("Rain.", "Hi. >> Bye."), ("fake/a",), 4)


def test_a_forecast_of_money() -> None:
    known = told(ONE, voice((0, 1_000_000)))
    assert known.calls == 12
    assert known.cost.amount == 12 * TOKENS
    assert known.cost.estimated
    read = told(ONE, voice((1_000_000, 0))).cost.amount
    assert 12 * 20 < read < 12 * 60 + 4 * TOKENS
    unknown = told(ONE, voice(None))
    assert (unknown.cost.replies, unknown.cost.unknown) == (12, 12)
    assert told(ONE, voice((0, 0))).cost.amount == 0


def test_a_forecast_learns_from_what_was_answered() -> None:
    done = [outcome(Cell("fake/a", "Rain.", 1), tokens=50, seconds=40.0)]
    later = told(ONE, voice((0, 1_000_000)), done)
    assert later.calls == 11
    assert later.cost.amount == 11 * 50
    assert later.seconds == pytest.approx(11 * 40 / 4)


def test_a_forecast_minds_the_pace_of_a_shared_key() -> None:
    free = told(ONE, voice((0, 0))).seconds
    slow = told(ONE, voice((0, 0), turn=Turn(Limits(), ("fake", ""), Pace(2, None), ""))).seconds
    narrow = told(ONE, voice((0, 0), turn=Turn(Limits(), ("fake", ""), Pace(None, 1), ""))).seconds
    assert slow == 10 * 60 / 2
    assert narrow == 4 * free


def test_a_forecast_counts_the_judge() -> None:
    one = voice((0, 1_000_000))
    both = told(ONE, one, judge=one)
    assert both.calls == 12 + 8
    assert both.cost.amount == 12 * TOKENS + 8 * TOKENS // 2
