"""Fixtures for the tests that need the real thing: the app as a process, and a browser to look at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from streamlit.components.v2 import manifest_scanner

from playground import failures
from tests.fake_provider import FakeProvider, echo
from tests.rooms import PERSONAS, PROVIDERS
from ui import watching

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# The shell loads a page with two thirds of the work of the whole browser.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NAMES += ("chrome", "msedge")
GET_CHROMIUM = (
    "No Chromium was found. Install one (Debian: apt-get install chromium-headless-shell; anywhere: "
    "python -m playwright install chromium), or let PLAYGROUND_CHROMIUM name one."
)

# What moves while it opens may be missed by a click.
STILL = """
addEventListener("DOMContentLoaded", () => {
  const style = document.createElement("style");
  style.textContent = "*, *::before, *::after { transition: none !important; animation-duration: 0s !important }";
  document.head.append(style);
});
"""
# A busy machine may take its time.
PATIENCE = 40_000
REPORT = failures.report
expect.set_options(timeout=PATIENCE)


def chromium_path() -> str | None:
    """The Chromium to drive, None where Playwright has its own."""
    named = os.environ.get("PLAYGROUND_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need a browser come first: they take longest, and what is quick fills the end."""
    slow = {item.path for item in items if "browsers" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(autouse=True, scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests keep their chats away from the user's, and a page without a browser wastes no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAYGROUND_DATA", str(tmp_path_factory.mktemp("kept")))
        patch.delenv("PLAYGROUND_DATABASE_URL", raising=False)
        # Streamlit looks through every installed package at every run of a page under test.
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        patch.setattr(watching, "BREATH", 0.0)
        patch.setattr(failures, "report", _raise)
        yield


def _raise(what: str, error: Exception) -> str:
    """A page that breaks fails the test that looks at it."""
    if what.startswith("page"):
        raise error
    return REPORT(what, error)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = chromium_path()
        if path is None and not Path(playwright.chromium.executable_path).exists():
            if os.environ.get("CI"):
                pytest.fail(GET_CHROMIUM)
            pytest.skip(GET_CHROMIUM)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """One visitor's browser; remembers what it asked of the network."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.foreign: list[str] = []
        self.hosts: set[str] = set()
        # Without the region that speaks to screen readers, which says everything once more.
        self.screen = page.locator("#root")
        page.on("request", self._look)
        page.set_default_timeout(PATIENCE)

    def _look(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        self.hosts |= {host} if (host := urlsplit(url).netloc) else set()
        if not url.startswith(("http://localhost", "http://127.0.0.1", "ws://localhost", "data:", "blob:")):
            self.foreign.append(url)

    def leaves(self) -> Page:
        """Stop looking at the tab."""
        self.page.remove_listener("request", self._look)
        return self.page

    def goes(self, url: str) -> Visit:
        self.page.goto(url)
        self.page.get_by_role("heading", level=1).first.wait_for()
        return self

    def asks(self, text: str) -> None:
        box = self.page.get_by_test_id("stChatInputTextArea")
        box.fill(text)
        box.press("Enter")

    def sees(self, text: str) -> None:
        self.screen.get_by_text(text).first.wait_for()


class Browsers:
    """Visitors' browsers, one of a kind; a tab is used again, since to load Streamlit's own files costs seconds."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[tuple[str, bool], BrowserContext] = {}
        self._free: dict[BrowserContext, list[Page]] = {}

    def tab(self, locale: str, other: bool) -> Page:
        kind = (locale, other)
        if kind not in self._contexts:
            self._contexts[kind] = self._browser.new_context(locale=locale, timezone_id="Asia/Taipei")
        free = self._free.setdefault(self._contexts[kind], [])
        if free:
            return free.pop()
        page = self._contexts[kind].new_page()
        # A visitor comes for the first time, whoever used the browser before; a reload keeps what the tab has.
        page.add_init_script(
            "if (!sessionStorage.here) { localStorage.clear(); sessionStorage.here = 'yes'; }" + STILL
        )
        return page

    def take_back(self, visit: Visit) -> None:
        """Keep the visitor's tab for the next one, unless it may remember more than one address."""
        page = visit.leaves()
        if page.is_closed() or len(visit.hosts) != 1 or page.url == "about:blank":
            page.close()
            return
        page.evaluate("sessionStorage.clear()")
        page.goto("about:blank")
        self._free[page.context].append(page)


@pytest.fixture(scope="session")
def browsers(browser: Browser) -> Browsers:
    return Browsers(browser)


@pytest.fixture
def visitor(browsers: Browsers) -> Iterator[Callable[..., Visit]]:
    """Makes visitors: `visitor(locale="zh-TW", width=375, height=667, dark=True)`; `other` has a browser of its own."""
    visits: list[Visit] = []

    def make(
        locale: str = "en-US", width: int = 1280, height: int = 800, dark: bool = False, other: bool = False
    ) -> Visit:
        page = browsers.tab(locale, other)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        visits.append(Visit(page))
        return visits[-1]

    yield make
    for visit in visits:
        browsers.take_back(visit)


_PORTS: list[int] = []  # of apps that have ended


class App:
    """The app as its own process, with folders of its own."""

    def __init__(self, folder: Path, base_url: str = "", **environ: str) -> None:
        self.personas = folder / "personas"
        self.personas.mkdir(parents=True)
        for name, text in PERSONAS.items():
            (self.personas / name).write_text(text, "utf-8")
        settings = {"PLAYGROUND_PERSONAS": str(self.personas), "PLAYGROUND_DATA": str(folder / "kept")}
        if base_url:
            providers = folder / "providers.yaml"
            providers.write_text(PROVIDERS.format(base_url=base_url), "utf-8")
            settings["PLAYGROUND_PROVIDERS"] = str(providers)
        kept = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_TOKEN"))}
        # An address that the browser knows already: it keeps Streamlit's own files by address.
        port = self._port = _PORTS.pop() if _PORTS else free_port()
        self.url = f"http://localhost:{port}"
        self.log = folder / "log.txt"
        self._command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
        self._command += ["--server.port", str(port), "--server.headless", "true"]
        self._environ = kept | settings | environ
        self.start()

    def start(self) -> None:
        """Start the process, also once more after it died, and wait until it answers."""
        with self.log.open("a") as log:
            self.child = subprocess.Popen(self._command, cwd=ROOT, stdout=log, stderr=log, env=self._environ)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2).read()
                return
            except OSError:
                if self.child.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(self.log.read_text())

    def close(self) -> None:
        """End the process; none of its pages may have broken."""
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        _PORTS.append(self._port)
        assert "Uncaught " not in (log := self.log.read_text("utf-8", "replace")), log[-10_000:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        yield running


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider) -> Iterator[App]:
    """The app, with a fake provider below it; tests in one worker share it."""
    running = App(tmp_path_factory.mktemp("app"), provider.base_url)
    yield running
    running.close()


@pytest.fixture
def fresh_app(tmp_path: Path, provider: FakeProvider) -> Iterator[App]:
    """The app as a process that nobody has visited yet."""
    running = App(tmp_path, provider.base_url)
    yield running
    running.close()


@pytest.fixture
def quiet(provider: FakeProvider) -> Iterator[None]:
    """Let a test begin with the provider's plain behaviour and an empty record."""
    provider.release()
    provider.reset()
    provider.script = echo
    yield
    provider.release()


def actions_shown(page: Page) -> None:
    """Wait until the reply has ended and something can be done with it."""
    page.locator(".st-key-again button").wait_for()
