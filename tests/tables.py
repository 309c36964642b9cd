"""A table of cases that one test goes through: quicker than a test for each, where a case takes next to no time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any


def table(names: str, cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test for every case, as `pytest.mark.parametrize` would, and tell of all that failed.

    `names` are the arguments that a case fills, with commas between; what else the test asks for is a fixture, which
    all cases share.
    """
    filled = [name.strip() for name in names.split(",")]
    rows: list[Sequence[Any]] = [case if len(filled) > 1 else (case,) for case in cases]

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        def run(**fixtures: Any) -> None:
            faults: list[Exception] = []
            for row in rows:
                try:
                    check(**dict(zip(filled, row, strict=True)), **fixtures)
                except Exception as fault:
                    fault.add_note(f"case: {row!r}")
                    faults.append(fault)
            assert rows, "a table without a case"
            if faults:
                raise ExceptionGroup(f"{len(faults)} of {len(rows)} cases", faults)

        asked = inspect.signature(check).parameters
        rest = [one for name, one in asked.items() if name not in filled]
        run.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]
        run.__name__, run.__doc__, run.__module__ = check.__name__, check.__doc__, check.__module__
        return run

    return decorate
