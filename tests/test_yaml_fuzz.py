"""Whatever the bytes: a record or problems, never an exception, never a long wait."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from playground.personas import read_persona, repaired_persona
from tests.cards import assert_worded

ROOT = Path(__file__).resolve().parent.parent
BROKEN = Path(__file__).resolve().parent / "bad_personas"

TEXTS = (
    "\t¦\n¦: ¦:¦：¦- ¦-¦\"¦'¦[¦]¦{¦}¦#¦ #¦&a ¦*a¦!¦|¦>¦%¦@¦`¦\\¦,¦? ¦~¦---\n¦...\n¦```\n¦name: x\n¦<<: ¦  ¦　"
)
TEXTS += "¦\u00a0¦\u200b¦😀¦sk-a1¦api_key¦\r"
PIECES = [*(text.encode() for text in TEXTS.split("¦")), b"\0", b"\xff", b"\xed\xa0\xbd"]
SEEDS = [p.read_bytes() for p in sorted(BROKEN.glob("*.y*ml")) if p.stat().st_size < 3000]

BOMBS = r"""
from playground.personas import read_persona
good = "name: x\nsystem_prompt: y\n"
for text in [
    *("name: " + "[" * 60000, good + "a: " + "{a: " * 15000, "- " * 30000, "? " * 30000, "a: &a [*a]"),
    *("name: |\n" * 7000, "[" * 30 + " " * 60000, "k: x\n" * 13000, "---\n" * 16000, "'" * 65001),
    *("name: x" + " " * 60000 + "y: z", "- " * 7 + " " * 60000 + ":", good + "sk-" * 20000, "字sk-" * 10000),
    *("sk-a" + "-a" * 30000, "sk-" + "a" * 60000, "AIza" * 16000),
    *("\u200b" * 20000, "a：b\n" * 8000, "a = b\n" * 8000, "\t" * 60000, ": " * 30000),
    *("\"" + "\\x41" * 16000, "a" * 10**8, "9" * 65000, "\n" * 65000, "#" * 65000),
    *(good + "max_tokens: " + "9" * 60000, good + "temperature: 1" + "e9" * 30000),
]:
    read_persona(text)
print("done")
"""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        cut = draw(st.sampled_from([0, 0, 1, 2, 5, 40]))
        raw = raw[:at] + draw(st.sampled_from(PIECES)) + raw[at + cut :]
    return raw.decode("utf-8", "ignore").encode() if draw(st.booleans()) else raw


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_any_bytes_give_a_record_or_problems(raw: bytes) -> None:
    record, problems = read_persona(raw)
    assert (record is None) == any(p.level == "error" for p in problems)
    lines = max(raw.count(b"\n") + raw.count(b"\r") + 1, 1)
    for problem in problems:
        assert problem.line is None or 1 <= problem.line <= lines + 1
        assert_worded(problem)
    text = repaired_persona(raw)
    assert text is None or repaired_persona(text) is None


def test_bombs_do_not_go_off() -> None:
    """PyYAML alone, or a careless regular expression, takes minutes over some of these."""
    done = subprocess.run(
        [sys.executable, "-c", BOMBS], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout == "done\n", done.stderr[-2000:]
