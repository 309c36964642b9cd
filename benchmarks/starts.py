"""Measures of a fresh process in a browser."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.apps import EMPTY, OURS, running
from benchmarks.browser import Page, visitor
from benchmarks.rows import Row, Stage, in_turn, rows


@dataclass(frozen=True)
class Start:
    """One start of an app: seconds and CPU seconds."""

    answered: float
    painted: float
    server_cpu: float
    files: float
    kilobytes: float
    second_visit: float


def cold_start(stage: Stage) -> list[Row]:
    """From the start of the process to the first paint of the app's own content, and a second visit to it."""
    starts: dict[str, list[Start]] = {OURS.name: [], EMPTY.name: []}
    for app in in_turn((OURS, EMPTY), stage.rounds):
        with running(app, stage.provider.base_url) as one, visitor(stage.browser) as context:
            page = Page(context, one)
            up, painted, cpu = one.answered - one.started, page.painted - one.started, one.cpu()
            page.rest()
            files, kilobytes = page.loaded()
            page.close()
            again = Page(context, one)
            starts[app.name].append(Start(up, painted, cpu, files, kilobytes, again.painted - again.opening))
    return [
        *rows("process start to first paint", "s", starts, lambda s: s.painted, 1.3),
        *rows("of that, until the server answers", "s", starts, lambda s: s.answered),
        *rows("server, until first paint", "CPU s", starts, lambda s: s.server_cpu),
        *rows("files loaded", "files", starts, lambda s: s.files),
        *rows("files loaded", "kB", starts, lambda s: s.kilobytes),
        *rows("second visit, to first paint", "s", starts, lambda s: s.second_visit),
    ]
