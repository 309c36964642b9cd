"""Prints a table of ratios: this app beside a plain Streamlit chat, an empty Streamlit app, and other front ends.

Gradio and Chainlit are measured where they are installed; PLAYGROUND_BENCH_PYTHON names the interpreter that has
them, when they are to stay out of this one.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.apps import others
from benchmarks.browser import chromium
from benchmarks.measures import MEASURES
from benchmarks.provider import TimedProvider
from benchmarks.rows import Row, Stage

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
_HEAD = "| measure | what | ours | beside | ratio | from – to | goal |\n|---|---|---:|---:|---:|---:|---:|"
_NOTE = """A ratio is the median of ours by the median of its neighbour; below 1 is better. "From – to" are the
smallest and the largest ratio of two neighbouring samples: the further apart, the noisier the machine."""


def main() -> None:
    """Run the named measures, or all, and print their table."""
    options = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=_meanings(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "measures", nargs="*", metavar="measure", help="those below; all, when none is named"
    )
    options.add_argument("--rounds", type=int, default=5, help="samples of each app (default 5)")
    options.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    given = options.parse_args()
    if unknown := set(given.measures) - set(MEASURES):
        options.error(f"no such measure: {', '.join(sorted(unknown))}")
    began, lines = time.monotonic(), [_HEAD]
    with chromium() as browser, TimedProvider() as provider:
        about = _machine(browser.version, given.rounds)
        print(about, _HEAD, sep="\n\n", flush=True)
        for name in given.measures or MEASURES:
            rows = MEASURES[name](Stage(browser, provider, given.rounds))
            lines += [line(name, row) for row in rows]
            print(*lines[-len(rows) :], sep="\n", flush=True)
    took = f"Took {time.monotonic() - began:.0f} s."
    print(f"\n{_NOTE}\n{took}")
    if given.write:
        again = f"{took} Again: `python -m benchmarks --write`\n"
        text = "\n\n".join(("# Measured", about, "\n".join(lines), _NOTE, _meanings(), again))
        RESULTS.write_text(text, "utf-8")


def _meanings() -> str:
    """What each measure is, in its own first sentence."""
    return "\n".join(f"- `{name}`: {(run.__doc__ or '').splitlines()[0]}" for name, run in MEASURES.items())


def line(measure: str, row: Row) -> str:
    """A row of the table; what could not be measured here keeps its goal and has neither ✓ nor ✗."""
    low, high = row.range
    met = "" if math.isnan(row.ratio) else " ✓" if row.ratio <= (row.goal or 0) else " ✗"
    goal = "" if row.goal is None else f"≤ {row.goal:g}{met}"
    beside = f"{_number(median(row.theirs))} {row.unit} ({row.beside})"
    spread = f"{low:.2f} – {high:.2f}" if len(row.ours) > 1 else ""
    ours = f"{_number(median(row.ours))} {row.unit}"
    return f"| {measure} | {row.what} | {ours} | {beside} | {row.ratio:.2f} | {spread} | {goal} |"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _machine(chromium_version: str, rounds: int) -> str:
    """What was measured on, in one line."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    ours = {name: version(name) for name in ("streamlit", "openai", "playwright")}
    packages = ", ".join(f"{name} {number}" for name, number in (ours | others()).items())
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs{load}"
    python = f"Python {platform.python_version()}"
    return f"{machine}; {python}, {packages}, Chromium {chromium_version}; {rounds} rounds."


if __name__ == "__main__":
    main()
