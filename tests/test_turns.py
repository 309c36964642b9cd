"""Turns come in the order in which they were asked for, and a place that nobody took is not lost."""

from __future__ import annotations

import threading
from collections import deque

import pytest

from playground.turns import Turns


class Line(deque[threading.Event]):
    """Tells when somebody has joined it."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = threading.Semaphore(0)

    def append(self, event: threading.Event) -> None:
        super().append(event)
        self.joined.release()


def test_first_come_first_served() -> None:
    def take(name: int) -> None:
        with turns.turn(60):
            served.append(name)

    served: list[int] = []
    turns = Turns(1)
    turns._line = line = Line()
    threads = [threading.Thread(target=take, args=(name,)) for name in range(8)]
    with turns.turn(0):
        for thread in threads:
            thread.start()
            line.joined.acquire()
    for thread in threads:
        thread.join()
    assert served == list(range(8))


def test_who_just_had_a_turn_does_not_overtake() -> None:
    """A thread that writes and writes does not keep another one out."""

    def take() -> None:
        with turns.turn(60):
            served.append("other")

    served: list[str] = []
    turns = Turns(1)
    turns._line = line = Line()
    other = threading.Thread(target=take)
    for number in range(5):
        with turns.turn(60):
            served.append("busy")
            if number == 0:
                other.start()
                line.joined.acquire()
    other.join()
    assert served == ["busy", "other", "busy", "busy", "busy", "busy"]


def test_as_many_as_there_are_places() -> None:
    turns = Turns(3)
    for _ in range(2):
        with turns.turn(0), turns.turn(0), turns.turn(0), pytest.raises(TimeoutError), turns.turn(0.001):
            pass


def test_a_turn_that_fails_is_given_back() -> None:
    turns = Turns(1)
    with pytest.raises(KeyError), turns.turn(0):
        raise KeyError
    with turns.turn(0):
        pass
