"""What a day cost, what an hour broke and what is left of a quota: exact, by the clock it is given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal

import pytest

from playground.ledger import FAILURES, HOUR, Failed, Ledger, Left, local_day
from playground.messages import Failure, ReplyInfo
from playground.usage import Cost, Total

DAY = 86400.0
NOON = 100.5 * DAY
CENT = Cost(Decimal("0.01"), "listed")
REPORTED = Cost(Decimal("0.25"), "reported")
UNKNOWN = Cost(None, "unknown")


def reply(provider: str = "groq", code: str = "", **told: int) -> ReplyInfo:
    return ReplyInfo(
        provider, "m", "failed" if code else "stop", 1, failure=Failure(code) if code else None, **told
    )


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(day=lambda now: now // DAY)


def test_money_by_provider(ledger: Ledger) -> None:
    assert ledger.spent(NOON) == {}
    for info, paid in ((reply(), CENT), (reply(), UNKNOWN), (reply("openai"), REPORTED), (reply(), CENT)):
        ledger.add(info, paid, NOON)
    assert ledger.spent(NOON) == {
        "groq": Total(Decimal("0.02"), replies=3, unknown=1, estimated=True),
        "openai": Total(Decimal("0.25"), replies=1),
    }


def test_whose_key_is_their_own_costs_the_class_nothing(ledger: Ledger) -> None:
    ledger.add(reply(requests_left=3), None, NOON)
    ledger.add(reply(code="bad_key"), None, NOON)
    assert (ledger.spent(NOON), ledger.left(NOON)) == ({}, {})
    assert [one.code for one in ledger.failed(NOON)] == ["bad_key"]


@pytest.mark.parametrize(
    ("then", "amount"),
    [
        (101 * DAY - 1, Decimal("0.01")),  # just before midnight
        (101 * DAY, None),
        (103 * DAY, None),
        (99 * DAY, Decimal("0.01")),  # a clock that is set back gives nothing back
    ],
)
def test_a_new_day_begins_at_midnight(ledger: Ledger, then: float, amount: Decimal | None) -> None:
    ledger.add(reply(), CENT, NOON)
    found = ledger.spent(then).get("groq")
    assert (found and found.amount) == amount


def test_midnight_comes_once_though_the_clock_is_set_back_over_it(ledger: Ledger) -> None:
    for now in (101 * DAY - 1, 101 * DAY + 1, 101 * DAY - 1, 101 * DAY + 2):
        ledger.add(reply(), CENT, now)
    assert ledger.spent(101 * DAY + 3)["groq"].replies == 3


@pytest.mark.parametrize(
    ("environ", "midnight"),
    [
        ({}, 1_800_028_800.0),  # 2027-01-16 00:00 in Taipei
        ({"PLAYGROUND_TIME_ZONE": ""}, 1_800_028_800.0),
        ({"PLAYGROUND_TIME_ZONE": "Europe/Berlin"}, 1_800_054_000.0),
    ],
)
def test_midnight_is_the_school_s(environ: dict[str, str], midnight: float) -> None:
    """Whatever the clock of the machine says."""
    assert local_day(midnight - 1, environ) == date(2027, 1, 15)
    assert local_day(midnight, environ) == date(2027, 1, 16)


@pytest.mark.parametrize("name", ["Taipei/Asia", "../etc/passwd", "Asia"])
def test_an_unknown_time_zone_is_told_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    days = {local_day(NOON, {"PLAYGROUND_TIME_ZONE": name}) for _ in range(3)}
    assert days == {datetime.fromtimestamp(NOON).date()}
    assert [record.name for record in caplog.records] == ["playground.ledger"]


def test_failures_of_the_last_hour_the_most_frequent_first(ledger: Ledger) -> None:
    ledger.add(reply(code="timeout"), None, NOON - HOUR)
    for ago, code in ((3500, "dns"), (900, "rate_limited"), (60, "rate_limited")):
        ledger.add(reply(code=code), CENT, NOON - ago)
    assert ledger.failed(NOON) == [
        Failed("groq", "m", "rate_limited", 2, 60.0),
        Failed("groq", "m", "dns", 1, 3500.0),
    ]
    assert ledger.failed(NOON + HOUR) == []


def test_only_so_many_failures_are_remembered(ledger: Ledger) -> None:
    for _ in range(FAILURES + 10):
        ledger.add(reply(code="dns"), None, NOON)
    assert ledger.failed(NOON)[0].count == FAILURES


def test_what_was_said_of_the_quota_last(ledger: Ledger) -> None:
    ledger.add(reply(requests_left=10, tokens_left=900), CENT, NOON)
    ledger.add(reply(tokens_left=800), CENT, NOON + 5)
    ledger.add(reply(), CENT, NOON + 9)  # says nothing, so what was said stays
    ledger.add(reply("openai", requests_left=0), CENT, NOON + 9)
    assert ledger.left(NOON + 10) == {"groq": Left(None, 800, 5.0), "openai": Left(0, None, 1.0)}


def test_nothing_is_lost_when_forty_end_at_once(ledger: Ledger) -> None:
    with ThreadPoolExecutor(40) as threads:
        list(threads.map(lambda _: ledger.add(reply(code="dns"), CENT, NOON), range(800)))
    assert ledger.spent(NOON)["groq"] == Total(Decimal("8.00"), 800, 0, True)
    assert ledger.failed(NOON)[0].count == 800


def test_a_budget_is_exceeded_by_one_reply_at_most(ledger: Ledger) -> None:
    """Two hundred ask at once, each for three cents of a dollar at most."""
    with ThreadPoolExecutor(20) as threads:
        allowed = list(threads.map(lambda _: ledger.reserve("groq", Decimal("0.03"), 1.0, NOON), range(200)))
    assert allowed.count(True) == 34  # 33 make 99 cents; the last one goes over by two
    assert ledger.reserve("openai", Decimal("0.03"), 1.0, NOON)
    for _ in range(34):
        ledger.add(reply(), CENT, NOON)
        ledger.release("groq", Decimal("0.03"))
    # Each was cheaper than it might have been: what was set aside is there again.
    assert ledger.spent(NOON)["groq"].amount == Decimal("0.34")
    assert ledger.reserve("groq", Decimal("0.03"), 1.0, NOON)
    assert not ledger.reserve("groq", Decimal("0.03"), 0.3, NOON)
    assert ledger.reserve("groq", Decimal("0.03"), 0.3, NOON + DAY)


def test_a_budget_of_nothing_lets_nothing_through(ledger: Ledger) -> None:
    assert not ledger.reserve("groq", Decimal(0), 0.0, NOON)
