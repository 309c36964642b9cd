"""A class of students on one key: what they wait, what they are told, and who goes first."""

import random
import statistics
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from playground import limits
from playground.limits import WIRE, Limits, Pace
from tests.virtual_time import World, never

CLASS = ("acme", "class")
MINUTE = 60.0 + WIRE


@pytest.fixture(autouse=True, scope="module")
def _seldom_looks():
    """A student's patience is looked at once in two seconds; a class of thirty would do nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "LOOK", 2.0)
        yield


@dataclass
class Provider:
    """Refuses with 429 above `per_minute` requests in any 60 seconds; counts what it accepted."""

    world: World
    per_minute: float
    accepted: list[float] = field(default_factory=list)
    refused: int = 0

    def refuses(self):
        """None, or the seconds of Retry-After."""
        with self.world:
            now = self.world.now
            recent = self.accepted[bisect_right(self.accepted, now - 60) :]
            if len(recent) >= self.per_minute:
                self.refused += 1
                return recent[0] + 60 - now
            self.accepted.append(now)
            return None


@dataclass
class Wait:
    """One message: who asked and when, when it went, and what the ticket said at each look."""

    visitor: str
    asked: float
    went: float
    looks: list[tuple[float, int, float]]

    @property
    def seconds(self):
        return self.went - self.asked


@dataclass
class School:
    """Students who think, ask, perhaps give up, read the reply, and ask again."""

    pace: Pace
    allowed: float = 1e9
    students: int = 30
    messages: int = 5
    think: tuple[float, float] = (2, 10)
    give_up: float = 0.0

    def __post_init__(self):
        self.world = World(1000.0)
        self.limits = Limits(self.world.clock, self.world)
        self.provider = Provider(self.world, self.allowed)
        self.waits, self.running, self.most_running = [], 0, 0
        self.world.live(*(lambda number=n: self.student(number) for n in range(self.students)))

    def student(self, number):
        chance = random.Random(number)
        for _ in range(self.messages):
            self.world.sleep(chance.uniform(*self.think))
            patience = chance.uniform(1, 30) if chance.random() < self.give_up else 1e9
            while self.refused(f"student {number}", chance, patience):
                pass

    def refused(self, visitor, chance, patience):
        asked, looks = self.world.now, []
        with self.limits.admit(CLASS, self.pace, visitor) as ticket:

            def stopped():
                looks.append((self.world.now, ticket.place, ticket.seconds))
                return self.world.now > asked + patience

            if not ticket.wait(stopped):
                return False
            with self.world:
                self.waits.append(Wait(visitor, asked, self.world.now, looks))
                self.running += 1
                self.most_running = max(self.most_running, self.running)
            self.world.sleep(chance.uniform(0.1, 0.9))  # on the wire: requests overtake each other
            pause = self.provider.refuses()
            if pause is None:
                self.world.sleep(chance.uniform(3, 8))
            with self.world:
                self.running -= 1
        if pause is not None:
            self.limits.slow_down(CLASS, pause)
        return pause is not None

    def waited(self):
        """Seconds that each student waited in all, sorted."""
        waited = {}
        for wait in self.waits:
            waited[wait.visitor] = waited.get(wait.visitor, 0.0) + wait.seconds
        return sorted(waited.values())

    def overtakings(self):
        """For each message and each other student: how often that one went while this message waited."""
        for mine in self.waits:
            went = [w.visitor for w in self.waits if w is not mine and mine.asked < w.went < mine.went]
            yield from (went.count(visitor) for visitor in set(went))


@pytest.mark.parametrize(
    ("students", "think", "give_up"),
    [(30, (2, 10), 0), (30, (0, 0), 0), (30, (20, 60), 0), (40, (0, 1), 0), (30, (2, 10), 0.15)],
    ids=["a class", "all at once", "calm", "40 at once", "some give up"],
)
def test_a_class_on_one_key_is_never_refused_and_knows_how_long_it_waits(students, think, give_up):
    school = School(Pace(30), 30, students, think=think, give_up=give_up)
    assert school.provider.refused == 0
    if not give_up:
        assert len(school.provider.accepted) == students * 5
        assert school.waited()[-1] <= 2 * statistics.median(school.waited())
    assert max(school.overtakings(), default=0) <= 1
    looks = [(wait.went - now, seconds) for wait in school.waits for now, _, seconds in wait.looks]
    long = [(left, seconds) for left, seconds in looks if left > 5]
    assert len(long) > 100
    assert all(abs(seconds - left) <= 0.2 * left for left, seconds in long)
    assert all(seconds <= 5 * 1.2 for left, seconds in looks if left <= 5)
    for wait in school.waits:
        assert all(later <= earlier for (_, earlier, _), (_, later, _) in pairwise(wait.looks))


def test_no_capacity_is_lost():
    school = School(Pace(30), 30, think=(0, 0))
    started = [wait.went for wait in school.waits]
    assert max(started) - min(started) <= (150 / 30 - 1) * MINUTE + 1


@pytest.mark.parametrize(
    ("pace", "allowed"),
    [(Pace(30), 10), (Pace(), 20), (Pace(None, 5), 20)],
    ids=["told wrong", "told nothing", "told slots"],
)
def test_refusals_teach_a_lane_what_the_key_really_allows(pace, allowed):
    school = School(pace, allowed, messages=3)
    assert len(school.provider.accepted) == 90
    assert 0 < school.provider.refused <= 20
    assert school.provider.accepted[-1] - school.provider.accepted[0] <= 1.5 * 90 / allowed * 60
    assert school.waited()[-1] <= 2 * statistics.median(school.waited())


def test_slots_are_respected_and_the_wait_for_one_is_told():
    school = School(Pace(None, 4))
    assert school.most_running == 4
    settled = [w for w in school.waits[30:] if w.seconds > 5]
    errors = [abs(w.looks[0][2] - w.seconds) / w.seconds for w in settled]
    assert len(errors) > 50
    assert statistics.median(errors) <= 0.2


def test_a_free_slot_is_taken_at_once():
    world, went = World(), []
    limits = Limits(world.clock, world)

    def reply(name, seconds):
        with limits.admit(CLASS, Pace(None, 1), name) as ticket:
            assert ticket.wait(never)
            went.append(world.now)
            world.sleep(seconds)

    world.live(lambda: reply("ann", 3.1), lambda: reply("bo", 3.1), lambda: reply("cy", 3.1))
    assert went == pytest.approx([0, 3.1, 6.2])
