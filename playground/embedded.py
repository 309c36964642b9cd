"""Serves a local GGUF model: a child process answers on loopback, shared by everyone in the app.

The child (engine.py) ends with the app, whose end closes its standard input, and after a while without work.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal
from urllib.parse import urlsplit

from playground import engine
from playground.download import NO_WINDOW, child_environment, fetch
from playground.folders import own_folder
from playground.weights import Code, EmbeddedError, Hub, Weights, Wheel

__all__ = ["EmbeddedError", "Hub", "LocalModel", "Served", "State", "Weights", "Wheel", "serve", "state"]

WATCH_SECONDS = 15


@dataclass(frozen=True)
class Served:
    """Where a model answers on this machine, and the key for it."""

    base_url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class State:
    """How far a model is: bytes `done` of the `total` that come over the network, and why when it failed.

    "absent" means that nothing runs; the file is here already when `done` is `total`.
    """

    name: Literal["absent", "fetching", "starting", "ready", "failed"]
    done: int = 0
    total: int = 0
    code: Code | None = None


class LocalModel:
    """One model and its child process; any thread may call it."""

    def __init__(
        self,
        weights: Weights,
        cache: Path,
        idle_seconds: float = 900,
        start_seconds: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._weights, self._cache, self._clock = weights, cache, clock
        self._idle_seconds, self._start_seconds = idle_seconds, start_seconds
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._used = clock()
        self._work: Future[Served] | None = None
        self._child: subprocess.Popen[str] | None = None
        self._served: Served | None = None
        self._progress: State | None = None

    def serve(self, stop: Callable[[], bool] = lambda: False) -> Served:
        """Where the model answers, once it does; fetches and starts it if need be. Raises EmbeddedError.

        When `stop` turns true this raises "stopped" at once. A download goes on for whoever asks next: what
        has come could not be taken up again later, and its size is known.
        """
        if stop():
            raise EmbeddedError("stopped")
        with self._lock:
            self._used = self._clock()
            if self._served and self._alive():
                return self._served
            if self._work is None:
                self._served, self._work = None, Future()
                self._progress = State("starting")
                threading.Thread(target=self._bring_up, args=(self._work,), daemon=True).start()
            work = self._work
        while not wait([work], timeout=0.05).done:
            if stop():
                raise EmbeddedError("stopped")
        return work.result()

    @property
    def state(self) -> State:
        """What a screen may show now; never waits."""
        if self._served and self._alive():
            return State("ready")
        if progress := self._progress:
            return progress
        total, here = self._weights.download_size, False
        with contextlib.suppress(OSError):
            here = (self._cache / self._weights.file).stat().st_size == self._weights.size
        return State("absent", total if here else 0, total)

    def rest(self) -> None:
        """End the child if it is idle: nobody asked for it, and it wrote nothing, for `idle_seconds`."""
        if (served := self._served) is None or not self._idle():
            return
        if _busy(served):
            self._used = self._clock()
        with self._lock:
            if self._idle():
                self._end()

    def close(self) -> None:
        """End whatever runs, for good."""
        self._closed.set()
        if work := self._work:
            wait([work], timeout=5)
        with self._lock:
            self._end()

    def _idle(self) -> bool:
        return self._clock() - self._used >= self._idle_seconds

    def _alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def _end(self) -> None:
        self._served = None
        if self._child:
            self._child.kill()
            self._child.wait()

    def _bring_up(self, work: Future[Served]) -> None:
        try:
            served, child = self._start()
        except Exception as error:
            known = error if isinstance(error, EmbeddedError) else EmbeddedError("engine_failed", repr(error))
            with self._lock:
                self._end()
                self._work, self._progress = None, State("failed", code=known.code)
            work.set_exception(known)
            return
        with self._lock:
            self._work, self._progress, self._served, self._used = None, None, served, self._clock()
        work.set_result(served)
        while child.poll() is None and not self._closed.wait(WATCH_SECONDS):
            self.rest()

    def _start(self) -> tuple[Served, subprocess.Popen[str]]:
        if importlib.util.find_spec("xllamacpp") is None:
            raise EmbeddedError("engine_missing", "xllamacpp is not installed")
        path = fetch(self._weights, self._cache, self._report, self._closed.is_set)
        self._progress = State("starting")
        child = self._child = _launch()
        served = self._introduce(child, path)
        deadline = self._clock() + self._start_seconds
        while _ask(served, "/health")[0] != 200:
            if self._closed.wait(0.05):
                raise EmbeddedError("stopped")
            if self._clock() > deadline:
                raise EmbeddedError("start_timeout", "it answers, but is not ready")
        return served, child

    def _report(self, done: int, total: int) -> None:
        self._progress = State("fetching", done, total)

    def _introduce(self, child: subprocess.Popen[str], path: Path) -> Served:
        """Tell the child what to serve, and hear where it does."""
        key = secrets.token_urlsafe(32)
        order = {"path": str(path), "key": key, "id": self._weights.id, "n_ctx": self._weights.n_ctx}
        assert child.stdin
        with contextlib.suppress(OSError):  # a child that is gone already has its say below
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()
        said: SimpleQueue[dict[str, str]] = SimpleQueue()
        threading.Thread(target=_listen, args=(child, said), daemon=True).start()
        try:
            answer = said.get(timeout=self._start_seconds)
        except Empty:
            raise EmbeddedError("start_timeout", f"no answer in {self._start_seconds} s") from None
        if "address" in answer:
            return Served(answer["address"] + "/v1", key)
        raise EmbeddedError(
            "engine_missing" if answer["code"] == "engine_missing" else "engine_failed", answer["detail"]
        )


def cache_folder(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """PLAYGROUND_CACHE, or the project's folder in this user's cache."""
    return own_folder("cache", environ, platform)


_models: dict[tuple[str, Path], LocalModel] = {}
_models_lock = threading.Lock()


def serve(weights: Weights, cache: Path | None = None, stop: Callable[[], bool] = lambda: False) -> Served:
    """Where the app's one child for this model answers; see LocalModel.serve."""
    return _shared(weights, cache).serve(stop)


def state(weights: Weights, cache: Path | None = None) -> State:
    """How far the app's one child for this model is; never waits."""
    return _shared(weights, cache).state


def _shared(weights: Weights, cache: Path | None) -> LocalModel:
    folder = cache or cache_folder()
    with _models_lock:
        return _models.setdefault((repr(weights), folder), LocalModel(weights, folder))


@atexit.register
def _close_all() -> None:
    for model in _models.values():
        model.close()


def _launch() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", engine.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=child_environment(),
        creationflags=NO_WINDOW,
    )


def _listen(child: subprocess.Popen[str], said: SimpleQueue[dict[str, str]]) -> None:
    """Pass on what the child has to say, and read its log away so that it never has to wait."""
    assert child.stdout
    log: deque[str] = deque(maxlen=3)
    for line in child.stdout:
        if line.startswith(engine.MARK):
            said.put(json.loads(line.removeprefix(engine.MARK)))
        else:
            log.append(line.strip())
    said.put({"code": "engine_failed", "detail": f"exit code {child.wait()}; {' '.join(log)}"[:300]})


def _ask(served: Served, path: str) -> tuple[int, str]:
    place = urlsplit(served.base_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {served.api_key}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def _busy(served: Served) -> bool:
    """Whether a reply is being written or waits; an engine that does not even answer is not at work."""
    lines = _ask(served, "/metrics")[1].splitlines()
    return any(line.startswith("llamacpp:requests_") and float(line.split()[-1]) > 0 for line in lines)
