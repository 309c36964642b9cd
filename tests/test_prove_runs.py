"""A plan being carried out: order, Stop, going on, giving up, waiting, and keys that are not kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from playground.checks import Check
from playground.keys import Endpoint
from playground.limits import Limits, Pace
from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from playground.personas import Persona
from playground.proof import Plan, rate
from playground.providers import Model, Provider
from playground.proving import GIVE_UP, TRIES, UNWATCHED, Proving, Voice, at_once, prove
from playground.wire import Setup
from playground.writer import Turn
from tests.fake_provider import FakeProvider, Script

PERSONA = Persona(
    name="Vicky",
    system_prompt="You turn bad luck into luck.",
    greeting="Hi!",
    checks=(Check(type="ends-with", value="Lucky!"),),
)
SETUP = Setup(Provider(id="fake", label="Fake"), Model(id="a"), Provider(label="Fake"), PERSONA)
KEY = "classroom-key-0123456789"


@dataclass(eq=False)
class Said:
    """A reply that is there at once, or when `gate` opens."""

    text: str = "So Lucky!"
    failure: Failure | None = None
    gate: threading.Event | None = None
    stopped: bool = False
    patience: Callable[[], None] = lambda: None

    @property
    def done(self) -> bool:
        return self.stopped or self.gate is None or self.gate.is_set()

    @property
    def info(self) -> ReplyInfo:
        ended = "stopped" if self.stopped else "failed" if self.failure else "stop"
        return ReplyInfo("fake", "a", ended, 1.0, usage=Usage(10, 5), failure=self.failure)

    def stop(self) -> None:
        self.stopped = True
        if self.gate:
            self.gate.set()

    def seen(self) -> None: ...

    def linger(self, seconds: float) -> None:
        self.patience()
        if self.gate:
            self.gate.wait(seconds)

    def message(self) -> Message:
        return Message("assistant", self.text, info=self.info)


@dataclass
class Mouth:
    """A voice that answers from a list, the last of it again and again."""

    answers: list[Said]
    heard: list[Conversation] = field(default_factory=list)
    setup: Setup = SETUP
    turn: Turn | None = None
    lock: Any = field(default_factory=threading.Lock)

    def ask(self, conversation: Conversation) -> Said:
        with self.lock:
            self.heard.append(conversation)
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def plan(*questions: str, models: tuple[str, ...] = ("fake/a",), runs: int = 1) -> Plan:
    return Plan(PERSONA, questions or ("Rain.",), models, runs)


def over(proving: Proving) -> Proving:
    proving.linger(20)
    assert proving.state == "over"
    return proving


def run(wanted: Plan, *answers: Said, **more: Any) -> tuple[Proving, Mouth]:
    mouth = Mouth(list(answers) or [Said()])
    return over(prove(wanted, dict.fromkeys(wanted.models, mouth), **more)), mouth  # type: ignore[arg-type]


def test_everything_is_asked_as_the_chat_asks() -> None:
    done, mouth = run(plan("Rain.", "Hi. >> Bye.", models=("fake/a", "fake/b"), runs=3))
    assert done.left == 0
    assert [one.cell for one in done.outcomes] == list(done.plan.cells())
    assert rate(done.outcomes, 0, "fake/b").passed == 6
    assert len(mouth.heard) == 2 * 3 * 3
    longest = max(mouth.heard, key=lambda said: len(said.messages))
    assert [m.content for m in longest.messages] == ["Hi!", "Hi.", "So Lucky!", "Bye."]


def test_stop_keeps_what_was_done_and_it_is_gone_on_with() -> None:
    wanted = plan("One", "Two", "Three", runs=2)
    mouth = Mouth([Said(), Said(), Said(gate=threading.Event())])
    begun = prove(wanted, {"fake/a": mouth})  # type: ignore[dict-item]
    while len(begun.outcomes) < 2:
        begun.linger(0.001)
    begun.stop()
    stopped = over(begun)
    assert (len(stopped.outcomes), stopped.left) == (2, 4)
    later, mouth = run(wanted, outcomes=stopped.outcomes)
    assert later.left == 0
    assert len(mouth.heard) == 4


def test_what_failed_is_asked_again() -> None:
    wanted = plan("One", "Two", "Three")
    first, _ = run(wanted, Said(failure=Failure("timeout")), Said())
    assert (len(first.outcomes), first.left) == (3, 1)
    again, mouth = run(wanted, outcomes=first.outcomes)
    assert (again.left, len(mouth.heard)) == (0, 1)


def test_a_model_that_only_fails_is_given_up() -> None:
    wanted = Plan(PERSONA, ("Rain.",), ("fake/a", "fake/b", "fake/c", "fake/d"), 20)
    bad, good = Mouth([Said(failure=Failure("bad_key"))]), Mouth([Said()])
    voices = dict.fromkeys(wanted.models, good) | {"fake/b": bad}
    done = over(prove(wanted, voices))  # type: ignore[arg-type]
    assert len(bad.heard) == GIVE_UP
    assert len(good.heard) == 60
    assert done.left == 20


@pytest.mark.parametrize(
    ("models", "pace", "count"), [(1, None, 4), (2, None, 2), (9, None, 1), (1, 2, 2), (2, 9, 2)]
)
def test_a_few_at_once(models: int, pace: int | None, count: int) -> None:
    wanted = plan(models=tuple(f"fake/{number}" for number in range(models)))
    turn = Turn(Limits(), ("fake", ""), Pace(None, pace), "")
    assert at_once(wanted, Mouth([], turn=turn)) == count  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "calls", "left"), [(0.001, TRIES, 1), (10_000, 1, 1)], ids=["waited for", "too long"]
)
def test_a_service_that_asks_to_slow_down(seconds: float, calls: int, left: int) -> None:
    done, mouth = run(plan(), Said("", Failure("rate_limited", seconds=seconds)))
    assert (len(mouth.heard), done.left) == (calls, left)
    waited, mouth = run(plan(), Said("", Failure("rate_limited", seconds=0.001)), Said())
    assert (len(mouth.heard), waited.left) == (2, 0)


def test_stop_ends_the_waiting_too() -> None:
    begun = prove(plan(), {"fake/a": Mouth([Said("", Failure("rate_limited", seconds=80))])})  # type: ignore[dict-item]
    begun.stop()
    assert over(begun).outcomes == ()


def test_a_dialogue_ends_where_a_turn_fails() -> None:
    done, mouth = run(plan("One >> Two >> Three"), Said(), Said("", Failure("timeout")))
    assert len(mouth.heard) == 2
    assert done.outcomes[0].info.failure == Failure("timeout")
    assert done.outcomes[0].info.seconds == 2.0


def test_what_nobody_watches_ends() -> None:
    now = [0.0]
    slow = Said(gate=threading.Event(), patience=lambda: now.__setitem__(0, now[0] + UNWATCHED / 2 + 1))
    begun = prove(plan(runs=5), {"fake/a": Mouth([slow])}, clock=lambda: now[0])  # type: ignore[dict-item]
    for thread in threading.enumerate():
        if thread.name == "proving":
            thread.join(20)
    assert begun.state == "over"
    assert begun.left == 5


def test_an_accident_is_a_failure_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Mouth):
        def ask(self, conversation: Conversation) -> Said:
            raise RuntimeError(KEY)

    done = over(prove(plan(), {"fake/a": Broken([])}))  # type: ignore[dict-item]
    fault = done.outcomes[0].info.failure
    assert fault
    assert (fault.code, fault.detail) == ("internal", "RuntimeError")
    assert KEY not in caplog.text


def test_keys_are_not_kept() -> None:
    done, mouth = run(plan(), Said(f"Your key is {KEY}"), hide=lambda text: text.replace(KEY, "…"))
    assert KEY not in repr(done.outcomes)
    assert done.outcomes[0].reply == "Your key is …"
    assert not any(mouth in kept.values() for kept in vars(done).values() if hasattr(kept, "values"))


def test_a_judge_is_asked_and_paid(provider: FakeProvider) -> None:
    persona = PERSONA.model_copy(update={"checks": (Check(type="llm-rubric", value="It is kind."),)})
    provider.reset()
    provider.script = Script(['{"pass": false, "reason": "It is rude."}'])
    here = Provider(id="fake", label="Fake", base_url=provider.base_url)
    setup = Setup(here, Model(id="judge"), here)
    judge = Voice(setup, lambda line: Endpoint(provider.base_url, "not-a-secret"))
    done, _ = run(Plan(persona, ("Rain.",), ("fake/a",), 2), judge=judge)
    assert rate(done.outcomes, 0, "fake/a").total == 2
    assert rate(done.outcomes, 0, "fake/a").passed == 0
    assert [len(one.judges) for one in done.outcomes] == [1, 1]
    assert len(provider.chats) == 2
    provider.script = Script(status=401, body={"error": {"message": "no"}})
    unsure, _ = run(Plan(persona, ("Rain.",), ("fake/a",), 1), judge=judge)
    assert rate(unsure.outcomes, 0, "fake/a").total == 0
    assert unsure.left == 1
