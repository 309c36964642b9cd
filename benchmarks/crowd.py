"""Many students at once, in a process of their own, so that they take nothing from the app and the provider.

The process reads one wish a line, as JSON, does it with all its students, and answers with one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import WebSocketException

from benchmarks.apps import ROOT
from benchmarks.provider import Script
from benchmarks.student import Heard, Student, Unanswered

_LOST = Heard(math.inf, math.inf, math.inf, 0)


class Crowd:
    """The students of one app, as the measures see them; a reply that never came whole took infinitely long."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def open(self, students: int) -> None:
        """Let so many more students open the page, one after another."""
        self._wish(do="open", students=students)

    def ask(self, script: Script) -> list[Heard]:
        """Let every student ask at the same moment, and wait for all replies."""
        return self._heard(do="ask", first=script.first, last=script.last)

    def arrive(self, students: int, over: float, script: Script) -> list[Heard]:
        """Let so many students come evenly over `over` seconds; each opens the page and asks at once."""
        return self._heard(do="arrive", students=students, over=over, first=script.first, last=script.last)

    def rerun(self, times: int) -> None:
        """Let every student's page be drawn again so many times."""
        self._wish(do="rerun", times=times)

    def leave(self) -> None:
        """Let every student close the page."""
        self._wish(do="leave")

    def _heard(self, **wish: Any) -> list[Heard]:
        return [Heard(*one) for one in self._wish(**wish)]

    def _wish(self, **wish: Any) -> list[list[float]]:
        assert self._process.stdin, "it is a pipe"
        assert self._process.stdout, "it is a pipe"
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        if not (answer := self._process.stdout.readline()):
            raise RuntimeError(f"the students went away over {wish}")
        done: list[list[float]] = json.loads(answer)
        return done


@contextlib.contextmanager
def crowd(url: str) -> Iterator[Crowd]:
    """Students for the app at `url`, none of them there yet."""
    command = [sys.executable, "-m", "benchmarks.crowd", url]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Crowd(process)
        finally:
            process.kill()


async def _serve(url: str) -> None:
    """Do what the lines on standard input say until there are no more."""
    present: list[Student] = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        wish: dict[str, Any] = json.loads(line)
        heard: list[Heard] = []
        match wish["do"]:
            case "open":
                for _ in range(wish["students"]):
                    present.append(Student(url))
                    await present[-1].open()
            case "ask":
                heard = await asyncio.gather(*(_asked(one, wish) for one in present))
            case "arrive":
                new = [Student(url) for _ in range(wish["students"])]
                present += new
                pause = wish["over"] / len(new)
                heard = await asyncio.gather(*(_arrived(s, i * pause, wish) for i, s in enumerate(new)))
            case "rerun":
                for _ in range(wish["times"]):
                    await asyncio.gather(*(one.rerun() for one in present))
            case "leave":
                await asyncio.gather(*(one.close() for one in present))
                present.clear()
        print(json.dumps([[one.first, one.whole, one.gap, one.bytes] for one in heard]), flush=True)


async def _arrived(student: Student, after: float, wish: dict[str, Any]) -> Heard:
    await asyncio.sleep(after)
    return await _asked(student, wish, opens=True)


async def _asked(student: Student, wish: dict[str, Any], opens: bool = False) -> Heard:
    try:
        if opens:
            await student.open()
        return await student.ask(wish["first"], wish["last"])
    except (Unanswered, TimeoutError, OSError, WebSocketException) as error:
        print(f"a student got no reply: {error!r}", file=sys.stderr)
        return _LOST


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
