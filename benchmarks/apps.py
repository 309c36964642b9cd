"""The apps that are measured, each in a process, a home and a port of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent

_PROVIDERS = """
version: 1
providers:
  fake:
    label: Fake
    kind: local
    base_url: {url}
    api_key: sk-benchmark
    models: {{default: fake-small, fetch: false, list: [{{id: fake-small}}]}}
"""
_PERSONA = """
name: Ready
system_prompt: You are calm and answer at length.
greeting: Hello there.
language: en
"""


@dataclass(frozen=True)
class App:
    """Something to measure: how it starts, where it runs, where its first content and its input stand."""

    name: str
    command: Callable[[int], list[str]]
    folder: Path | None = None
    """The working directory; a fresh one when None, so that no settings of ours are found there."""
    content: tuple[str, str] = ("Ready", "h1")
    """The first text of its own, and where it stands."""
    question: str = "[data-testid=stChatInputTextArea]"


def streamlit(script: Path) -> Callable[[int], list[str]]:
    """How a Streamlit app is started, as its user would, without opening a browser."""
    how = ["--server.headless=true", "--browser.gatherUsageStats=false", "--server.address=127.0.0.1"]
    return lambda port: [sys.executable, "-m", "streamlit", "run", str(script), *how, f"--server.port={port}"]


OTHERS_PYTHON = os.environ.get("PLAYGROUND_BENCH_PYTHON", sys.executable)
"""The interpreter of other front ends, whose packages may not go with ours."""

OURS = App("ours", streamlit(ROOT / "streamlit_app.py"), ROOT)
PLAIN = App("plain chat", streamlit(HERE / "plain_chat.py"))
EMPTY = App("empty app", streamlit(HERE / "empty_app.py"))
GRADIO = App(
    "gradio",
    lambda port: [OTHERS_PYTHON, str(HERE / "gradio_chat.py"), str(port)],
    content=("Ready", "h1"),
    question="textarea",
)
CHAINLIT = App(
    "chainlit",
    lambda port: [
        OTHERS_PYTHON,
        "-m",
        "chainlit",
        "run",
        str(HERE / "chainlit_chat.py"),
        "-h",
        "--port",
        str(port),
    ],
    content=("Ready", "#root"),
    question="#chat-input",
)


@cache
def others() -> dict[str, str]:
    """The other front ends that OTHERS_PYTHON has, with their versions."""
    look = "import importlib.metadata as m; print(*(f'{d.name} {d.version}' for d in m.distributions()), sep='\\n')"
    told = subprocess.run([OTHERS_PYTHON, "-c", look], capture_output=True, text=True, check=True).stdout
    found = dict(line.split() for line in told.splitlines())
    return {app.name: found[app.name] for app in (GRADIO, CHAINLIT) if app.name in found}


def installed() -> list[App]:
    """The apps of the other front ends that are there."""
    return [app for app in (GRADIO, CHAINLIT) if app.name in others()]


@dataclass
class Running:
    """An app that answers, and the Unix times at which it was started and first answered."""

    app: App
    port: int
    pid: int
    started: float
    answered: float = 0.0

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def cpu(self) -> float:
        """CPU seconds that the process has used so far, in steps of 10 ms; NaN where there is no /proc."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident bytes of the process; NaN where there is no /proc."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except OSError:
            return float("nan")
        return float(pages * os.sysconf("SC_PAGE_SIZE"))


@contextlib.contextmanager
def running(app: App, provider_url: str) -> Iterator[Running]:
    """Start an app with one provider and one persona, wait until it answers, end it with its children."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        port = free_port()
        with (home / "log").open("wb") as log:
            started = time.time()
            process = subprocess.Popen(
                app.command(port),
                cwd=app.folder or home,
                env=_environment(home, provider_url),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            one = Running(app, port, process.pid, started)
            _wait_for_answer(port, process)
            one.answered = time.time()
            yield one
        except Exception as error:
            error.add_note(f"{app.name} said:\n{(home / 'log').read_text('utf-8', 'replace')[-3000:]}")
            raise
        finally:
            _end(process)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _environment(home: Path, provider_url: str) -> dict[str, str]:
    """Nothing of the user's settings, keys or caches; only where the fake provider is."""
    (home / "providers.yaml").write_text(_PROVIDERS.format(url=provider_url), "utf-8")
    (home / "personas").mkdir()
    (home / "personas" / "ready.yaml").write_text(_PERSONA, "utf-8")
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "VIRTUAL_ENV")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "OPENAI_BASE_URL": provider_url,
        "OPENAI_API_KEY": "sk-benchmark",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "PLAYGROUND_CACHE": str(home / "cache"),
        "PLAYGROUND_DATA": str(home / "kept"),
        "PLAYGROUND_PROVIDERS": str(home / "providers.yaml"),
        "PLAYGROUND_PERSONAS": str(home / "personas"),
    }


def _wait_for_answer(port: int, process: subprocess.Popen[bytes], timeout: float = 90) -> None:
    deadline = time.time() + timeout
    while process.poll() is None and time.time() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.005)
    raise RuntimeError("the app did not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    if not hasattr(os, "killpg"):
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
