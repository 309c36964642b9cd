"""What is measured: each entry runs ours and its neighbours in turn and gives a table's rows."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.classroom import crowd_of_students, memory, rerun
from benchmarks.replies import burst, first_question, first_token, paced
from benchmarks.rows import Row, Stage
from benchmarks.starts import cold_start

MEASURES: dict[str, Callable[[Stage], list[Row]]] = {
    "cold_start": cold_start,
    "first_question": first_question,
    "first_token": first_token,
    "paced": paced,
    "burst": burst,
    "rerun": rerun,
    "crowd": crowd_of_students,
    "memory": memory,
}
