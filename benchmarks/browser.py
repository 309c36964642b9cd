"""One headless Chromium for all measures, and a page that tells when text was painted and what it cost."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.apps import Running
from benchmarks.relay import Wire

_FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
_FLAGS += " --disable-component-update --disable-sync"
_WATCH = (Path(__file__).resolve().parent / "watch_page.js").read_text("utf-8")


def chromium_path() -> str | None:
    """PLAYGROUND_CHROMIUM, else a Chromium on the PATH, else None: Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("PLAYGROUND_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=_FLAGS.split())
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """Somebody who comes for the first time: an empty cache, no cookies."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.add_init_script(_WATCH)
    try:
        yield context
    finally:
        context.close()


@dataclass
class Asked:
    """What one question did: Unix times in seconds, and what it cost."""

    submitted: float
    first_paint: float
    last_paint: float
    server_cpu: float
    browser_cpu: float
    bytes: float
    """What came over the wire; NaN where nobody counts."""


class Page:
    """An app's page in a visitor's browser; `opening` and `painted` are Unix times in seconds."""

    def __init__(
        self, context: BrowserContext, running: Running, wire: Wire | None = None, timeout: float = 120
    ) -> None:
        self._running, self._wire, self._timeout = running, wire, timeout * 1000
        self._page = context.new_page()
        self._tools = context.new_cdp_session(self._page)
        self._tools.send("Performance.enable")
        self.opening = time.time()
        self._page.goto(wire.url if wire else running.url, wait_until="commit")
        text, where = running.app.content
        self._await(text, where)
        self.painted = self._painted(text)

    def ask(self, first: str, last: str) -> Asked:
        """Ask, and wait until the reply's words `first` and `last` are painted and all is quiet."""
        box = self._page.locator(self._running.app.question)
        box.fill("What do you see?")
        self._await(first)
        self._await(last)
        before = self._counts()
        box.press("Enter")
        painted = self._painted(first), self._painted(last)
        self.rest()
        submitted = self._page.evaluate("bench.submitted")
        spent = [after - start for start, after in zip(before, self._counts(), strict=True)]
        return Asked(submitted, *painted, *spent)

    def rest(self, seconds: float = 0.5) -> None:
        """Wait until the server has sent nothing, or nothing has changed that came otherwise, for so many seconds."""
        self._page.wait_for_function(
            "s => bench.heard && Date.now() / 1000 - bench.heard > s",
            arg=seconds,
            polling=50,
            timeout=self._timeout,
        )

    def loaded(self) -> tuple[int, float]:
        """How many files the page has loaded, and their kilobytes as they travelled."""
        files: list[int] = self._page.evaluate(
            "performance.getEntriesByType('resource').map((file) => file.encodedBodySize)"
        )
        return len(files), sum(files) / 1000

    def close(self) -> None:
        """Close the tab."""
        self._page.close()

    def _await(self, text: str, where: str = "body") -> None:
        self._page.evaluate("([text, where]) => bench.await(text, where)", [text, where])

    def _painted(self, text: str) -> float:
        self._page.wait_for_function(
            "text => bench.painted[text]", arg=text, polling=100, timeout=self._timeout
        )
        return float(self._page.evaluate("text => bench.painted[text]", text))

    def _counts(self) -> tuple[float, float, float]:
        metrics = self._tools.send("Performance.getMetrics")["metrics"]
        busy = next(m["value"] for m in metrics if m["name"] == "TaskDuration")
        return self._running.cpu(), busy, self._wire.bytes() if self._wire else math.nan
