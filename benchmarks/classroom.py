"""Measures with students that have no browser: reruns of long chats, a class at once, and memory.

Only Streamlit apps can be asked this way, so ours stands beside the plain Streamlit chat alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.apps import OURS, PLAIN, Running, running
from benchmarks.crowd import Crowd, crowd
from benchmarks.provider import Script
from benchmarks.rows import Row, Stage, against, in_turn, percentile, rows
from benchmarks.student import Heard

CLASS = 40
"""Students in a class."""

EARLY = 10
"""Students who come before memory is measured."""

APPS = (OURS, PLAIN)


@dataclass(frozen=True)
class Lesson:
    """What a class heard, and the CPU seconds that the server took for it."""

    heard: list[Heard]
    server_cpu: float

    @property
    def reply(self) -> float:
        """Seconds from the question to the last word that 19 of 20 students did not exceed."""
        return percentile([one.whole for one in self.heard], 0.95)

    @property
    def first(self) -> float:
        """The same for the first word."""
        return percentile([one.first for one in self.heard], 0.95)

    @property
    def gap(self) -> float:
        """The same for the longest silence within the reply."""
        return percentile([one.gap for one in self.heard], 0.95)

    @property
    def kilobytes(self) -> float:
        """What came to each student over the wire."""
        return sum(one.bytes for one in self.heard) / len(self.heard) / 1000


def rerun(stage: Stage) -> list[Row]:
    """Server CPU of a rerun that asks nothing, with 20, 100 and 400 messages in the chat."""
    lengths, reruns = (20, 100, 400), 20
    spent = {length: _none_yet() for length in lengths}
    for app in in_turn(APPS, _few(stage)):
        with running(app, stage.provider.base_url) as one, crowd(one.url) as student:
            student.open(1)
            said = 0
            for length in lengths:
                for _ in range((length - said) // 2):
                    _lesson(stage, one, student, Script(60))
                said = length
                before = one.cpu()
                student.rerun(reruns)
                spent[length][app.name].append((one.cpu() - before) / reruns)
    table = [r for n in lengths for r in rows(f"{n} messages: server", "CPU s", spent[n], float)]
    few, many = (spent[n][OURS.name] for n in (lengths[0], lengths[-1]))
    return [
        *table,
        against(f"{lengths[-1]} messages: server", f"ours, {lengths[0]} messages", "CPU s", many, few, 1.5),
    ]


def crowd_of_students(stage: Stage) -> list[Row]:
    """Forty students: arriving one after another, asking at the same moment, and with long quick replies."""
    arriving, at_once, long = Script(300, 1 / 30), Script(300, 1 / 30), Script(1000, 1 / 50)
    lessons: dict[str, dict[str, list[Lesson]]] = {
        case: {app.name: [] for app in APPS} for case in ("arriving", "at once", "long")
    }
    for app in in_turn(APPS, _few(stage)):
        with running(app, stage.provider.base_url) as one, crowd(one.url) as students:
            students.open(1)
            _lesson(stage, one, students, Script(10))
            students.leave()
            lessons["arriving"][app.name].append(_lesson(stage, one, students, arriving, arrive=True))
            students.leave()
            students.open(CLASS)
            lessons["at once"][app.name].append(_lesson(stage, one, students, at_once))
            lessons["long"][app.name].append(_lesson(stage, one, students, long))
    come, once, streams = (lessons[case] for case in ("arriving", "at once", "long"))
    said = [f"{CLASS} arriving over {CLASS} s", f"{CLASS} at once", f"{CLASS} x {long.chunks} chunks"]
    ideal = [lesson.reply for lesson in come[OURS.name]]
    return [
        against(f"{said[0]}: reply, 95%", "the provider's pace", "s", ideal, arriving.seconds, 1.1),
        *rows(f"{said[0]}: reply, 95%", "s", come, lambda lesson: lesson.reply),
        *rows(f"{said[0]}: first word, 95%", "s", come, lambda lesson: lesson.first, 0.4),
        *rows(f"{said[0]}: longest gap, 95%", "s", come, lambda lesson: lesson.gap, 0.4),
        *rows(f"{said[0]}: server", "CPU s", come, lambda lesson: lesson.server_cpu),
        *rows(f"{said[1]}: reply, 95%", "s", once, lambda lesson: lesson.reply, 0.65),
        *rows(f"{said[1]}: first word, 95%", "s", once, lambda lesson: lesson.first, 0.25),
        *rows(f"{said[1]}: longest gap, 95%", "s", once, lambda lesson: lesson.gap, 0.35),
        *rows(f"{said[1]}: server", "CPU s", once, lambda lesson: lesson.server_cpu),
        *rows(f"{said[2]}: server", "CPU s", streams, lambda lesson: lesson.server_cpu, 0.3),
        *rows(f"{said[2]}: reply, 95%", "s", streams, lambda lesson: lesson.reply),
        *rows(f"{said[2]}: to each", "kB", streams, lambda lesson: lesson.kilobytes),
    ]


def memory(stage: Stage) -> list[Row]:
    """Resident memory of an idle session, and after ten and twenty turns of a whole class."""
    idle, ten, twenty = (_none_yet() for _ in range(3))
    for app in APPS:
        with running(app, stage.provider.base_url) as one, crowd(one.url) as students:
            # What the process loads and reserves for its first visitors is no session's.
            students.open(EARLY)
            _lesson(stage, one, students, Script(10))
            before = one.memory()
            students.open(CLASS - EARLY)
            idle[app.name].append((one.memory() - before) / (CLASS - EARLY) / 1000)
            for after in (ten, twenty):
                for _ in range(10):
                    _lesson(stage, one, students, Script(20))
                after[app.name].append(one.memory() / 1e6)
    return [
        *rows("one idle session: server", "kB", idle, float, 3.0),
        *rows(f"after {CLASS} x 10 turns: server", "MB", ten, float),
        *rows(f"after {CLASS} x 20 turns: server", "MB", twenty, float),
        against(
            f"after {CLASS} x 20 turns: server",
            "ours, 10 turns",
            "MB",
            twenty[OURS.name],
            ten[OURS.name],
            1.05,
        ),
    ]


def _none_yet() -> dict[str, list[float]]:
    return {app.name: [] for app in APPS}


def _few(stage: Stage) -> int:
    """Rounds of a measure that takes minutes."""
    return max(1, stage.rounds // 3)


def _lesson(stage: Stage, one: Running, students: Crowd, script: Script, arrive: bool = False) -> Lesson:
    """Let everybody ask; with `arrive`, a class that comes a student a second."""
    stage.provider.speech = script
    before = one.cpu()
    heard = students.arrive(CLASS, CLASS, script) if arrive else students.ask(script)
    return Lesson(heard, one.cpu() - before)
