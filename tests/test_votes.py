"""One vote a visitor, counted exactly whoever votes at once; the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from playground import votes
from playground.owners import new_token, owner_of
from playground.store import Store, Unsaved
from playground.votes import KEPT_DAYS, KEPT_POLLS, Polls, Tally, poll_code
from tests.databases import Clock, statements, url
from tests.tables import table
from tests.test_database import made_by_version_1

__all__ = ["url"]

ME, YOU = str(owner_of(new_token())), str(owner_of(new_token()))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def polls(url: str, clock: Clock) -> Iterator[Polls]:
    store = Store(url, clock)
    yield store.polls
    store.close()


def test_a_poll_from_its_opening_to_the_reveal(polls: Polls, clock: Clock) -> None:
    code = polls.open(ME, "Why?", "Because 🍀", "因為。", ("Vicky", "Tutor"))
    poll = polls.find(code)
    assert poll
    assert (poll.id, poll.owner, poll.question, poll.a, poll.b) == (code, ME, "Why?", "Because 🍀", "因為。")
    assert (poll.state, poll.names, poll.created) == ("open", ("", ""), clock.now)
    assert polls.tally(code) == Tally(0, 0)
    assert polls.choice(code, YOU) is None

    assert polls.cast(code, YOU, "a")
    assert polls.cast(code, ME, "b")
    assert polls.cast(code, YOU, "b")  # a change of mind is no second vote
    assert (polls.choice(code, YOU), polls.tally(code)) == ("b", Tally(0, 2))
    assert polls.cast(code, YOU, "a")
    assert polls.tally(code) == Tally(1, 1)

    polls.close(code)
    closed = polls.find(code)
    assert closed
    assert (closed.state, closed.names) == ("closed", ("", ""))
    assert not polls.cast(code, YOU, "b")
    polls.reveal(code)
    polls.close(code)  # what was revealed stays so
    told = polls.find(code)
    assert told
    assert (told.state, told.names) == ("revealed", ("Vicky", "Tutor"))
    assert not polls.cast(code, owner_of(new_token()) or "", "a")
    assert (polls.choice(code, YOU), polls.tally(code), polls.tally(code).total) == ("a", Tally(1, 1), 2)


def test_an_unknown_code(polls: Polls) -> None:
    assert polls.find("333333") is None
    assert not polls.cast("333333", ME, "a")
    assert polls.choice("333333", ME) is None
    assert polls.tally("333333") == Tally()
    polls.reveal("333333")
    assert polls.latest() == []


def test_what_a_database_refuses_is_left_out_and_the_rest_is_cut(polls: Polls) -> None:
    names = "n" * (votes.NAME + 1), "\0"
    code = polls.open(ME, "q\0\ud800", "a" * (votes.REPLY + 1), "'; DROP TABLE playground_votes; --", names)
    polls.reveal(code)
    poll = polls.find(code)
    assert poll
    assert (poll.question, len(poll.a), poll.b[:2]) == ("q\ufffd\ufffd", votes.REPLY, "';")
    assert (len(poll.names[0]), poll.names[1]) == (votes.NAME, "\ufffd")


def test_forty_visitors_at_once_and_each_changes_their_mind(polls: Polls) -> None:
    code, other = polls.open(ME, "?", "a", "b"), polls.open(ME, "?", "a", "b")
    visitors = [str(owner_of(new_token())) for _ in range(40)]
    together = threading.Barrier(40)

    def vote(number: int) -> bool:
        together.wait(10)
        done = polls.cast(code, visitors[number], "b")
        polls.tally(code)  # phones look while others vote
        return done and polls.cast(code, visitors[number], "a" if number < 23 else "b")

    with ThreadPoolExecutor(40) as threads:
        assert all(threads.map(vote, range(40), timeout=10))
    assert (polls.tally(code), polls.tally(other)) == (Tally(23, 17), Tally())
    assert [polls.choice(code, visitor) for visitor in visitors] == ["a"] * 23 + ["b"] * 17


def test_one_visitor_on_many_tabs_has_one_vote(polls: Polls) -> None:
    code = polls.open(ME, "?", "a", "b")
    with ThreadPoolExecutor(12) as threads:
        assert all(threads.map(lambda number: polls.cast(code, YOU, "ab"[number % 2]), range(24), timeout=10))  # type: ignore[arg-type]
    assert polls.tally(code).total == 1


def test_whoever_was_told_that_it_counts_is_counted_when_a_poll_closes_meanwhile(polls: Polls) -> None:
    code = polls.open(ME, "?", "a", "b")
    together = threading.Barrier(21)

    def vote(visitor: str) -> bool:
        together.wait(10)
        return polls.cast(code, visitor, "a")

    def close() -> Tally:
        together.wait(10)
        polls.close(code)
        return polls.tally(code)

    with ThreadPoolExecutor(21) as threads:
        cast = [threads.submit(vote, str(owner_of(new_token()))) for _ in range(20)]
        at_close = threads.submit(close).result(10)
        accepted = sum(one.result(10) for one in cast)
    assert at_close == polls.tally(code) == Tally(accepted, 0)


def test_the_latest_first_with_their_counts(polls: Polls, clock: Clock) -> None:
    first = polls.open(ME, "1", "a", "b")
    clock.now += 1
    second = polls.open(YOU, "2", "a", "b")
    polls.cast(first, ME, "a")
    polls.cast(first, YOU, "b")
    polls.cast(second, YOU, "b")
    assert [(poll.id, tally) for poll, tally in polls.latest()] == [
        (second, Tally(0, 1)),
        (first, Tally(1, 1)),
    ]
    assert [poll.id for poll, _ in polls.latest(1)] == [second]
    clock.now += 1
    third = polls.open(ME, "3", "a", "b")
    assert [poll.id for poll in polls.of(ME)] == [third, first]
    clock.now += votes.LESSON - 1
    assert [poll.id for poll in polls.of(ME)] == [third]


def test_old_polls_and_their_votes_go_and_a_visitor_keeps_so_many(
    polls: Polls, clock: Clock, url: str
) -> None:
    old = polls.open(YOU, "?", "a", "b")
    polls.cast(old, ME, "a")
    clock.now += KEPT_DAYS * 86400 + 1
    mine = []
    for _ in range(KEPT_POLLS + 2):
        clock.now += 1
        mine.append(polls.open(ME, "?", "a", "b"))
    assert [poll.id for poll, _ in polls.latest(100)] == mine[:1:-1]
    with statements(url) as beside:
        assert beside.execute(sa.text("SELECT count(*) FROM playground_votes")).scalar_one() == 0


def test_a_code_that_is_taken_is_not_given_twice(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = iter("333333333333444444")
    monkeypatch.setattr(votes.secrets, "choice", lambda symbols: next(letters))
    assert [polls.open(ME, "?", "a", "b") for _ in range(2)] == ["333333", "444444"]


def test_a_vote_does_not_tell_whose_chats_are_whose(polls: Polls, url: str) -> None:
    codes = [polls.open(ME, "?", "a", "b") for _ in range(2)]
    for code in codes:
        polls.cast(code, YOU, "a")
    with statements(url) as beside:
        voters = beside.execute(sa.text("SELECT voter FROM playground_votes")).scalars().all()
    assert len(set(voters)) == 2
    assert YOU not in voters


def test_a_database_from_before_the_polls(url: str, tmp_path: Path) -> None:
    made_by_version_1(url, tmp_path)
    store = Store(url)
    code = store.polls.open("me", "?", "a", "b")
    assert store.polls.cast(code, "me", "a")
    assert [chat.title for chat in store.chats("me")] == ["My title"]
    store.close()


def test_a_broken_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "chats.sqlite").write_bytes(b"not a database" * 100)
    polls = Store(f"sqlite:///{tmp_path}/chats.sqlite").polls
    with pytest.raises(Unsaved) as raised:
        polls.tally("333333")
    assert raised.value.code == "damaged"


@table(
    "typed, code",
    [
        ("C7HKMR", "C7HKMR"),
        (" c7h kmr\n", "C7HKMR"),
        ("c7h-kmr", "C7HKMR"),
        ("Ｃ７ＨＫＭＲ", "C7HKMR"),  # full-width, from a Chinese keyboard
        ("https://class.example/app/vote?lang=en&poll=C7HKMR&x=1", "C7HKMR"),
        ("C7HKM", ""),
        ("C7HKMRR", ""),
        ("C7HKMO", ""),
        ("", ""),
        ("poll=", ""),
        ("x" * 10_000, ""),
    ],
)
def test_codes_as_people_type_them(typed: str, code: str) -> None:
    assert poll_code(typed) == code
