"""What was proved as a file: JSON that is gone on from, CSV for a spreadsheet, JUnit XML for what runs tests."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from playground.checks import Verdict, expectation, finding
from playground.events import clean
from playground.i18n import Translator
from playground.messages import ReplyInfo
from playground.personas import Persona
from playground.proof import Cell, Outcome, Plan, Rate, digest, enough, failed, failing, judged, rate

FORMAT = "persona-playground-proof"
BYTES = 25_000_000
"""Bytes of the largest file that is read: as many long replies as the page asks for."""
MODELS, QUESTIONS, RUNS = 12, 200, 100
RESULTS = MODELS * QUESTIONS * RUNS
QUESTION = 32_000
"""Characters of one question, all of its turns together."""
SUFFIX = {"json": ".json", "csv": ".csv", "junit": ".xml"}

Damaged = Literal["too_large", "damaged", "other_format", "other_persona"]

_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def to_json(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """Write a plan and what came of it; `from_json` gives it back to whoever has the persona."""
    persona = plan.persona
    file = {
        "format": FORMAT,
        "version": 1,
        "persona": {"name": persona.name, "digest": digest(persona)},
        "questions": plan.questions,
        "models": plan.models,
        "runs": plan.runs,
        "summary": list(_summary(plan, outcomes)),
        "results": [_result(one) for one in outcomes],
    }
    return clean(json.dumps(file, ensure_ascii=False, indent=1)) + "\n"


def from_json(raw: bytes, personas: Iterable[Persona]) -> tuple[Plan, tuple[Outcome, ...]] | Damaged:
    """Read what `to_json` wrote about one of the personas as it is now, or say why not.

    Every reply is judged anew; of a check that asks a model the verdict is taken from the file.
    """
    if len(raw) > BYTES:
        return "too_large"
    try:
        file = _File.model_validate_json(raw.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)[0]
        # What breaks off may be a file of ours.
        foreign = wrong["type"] != "json_invalid" and wrong["loc"] in ((), ("format",), ("version",))
        return "other_format" if foreign else "damaged"
    persona = next((one for one in personas if digest(one) == file.persona.digest), None)
    if persona is None:
        return "other_persona"
    plan = Plan(persona, file.questions, file.models, file.runs)
    cells = set(plan.cells())
    found = (_outcome(plan, row) for row in file.results)
    return plan, tuple(one for one in found if one.cell in cells)


def to_csv(plan: Plan, outcomes: Sequence[Outcome], t: Translator) -> str:
    """Write a row for every verdict, and one for every question that got no reply; `t` words the checks."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(t(f"prove.column.{name}") for name in _COLUMNS)
    for one in outcomes:
        head = [one.cell.model, one.cell.question, one.cell.run]
        tail = [f"{one.info.seconds:.2f}", one.info.usage.completion_tokens, one.reply]
        if not one.verdicts:
            rows.writerow(map(_cell, [*head, "", one.info.failure and one.info.failure.code, "", *tail]))
        for verdict in one.verdicts:
            told = [expectation(verdict.check, t), t(f"prove.verdict.{verdict.passed}"), finding(verdict, t)]
            rows.writerow(map(_cell, [*head, *told, *tail]))
    # The mark lets spreadsheets see that this is UTF-8.
    return "\ufeff" + clean(out.getvalue())


def to_junit(plan: Plan, outcomes: Sequence[Outcome], threshold: float, t: Translator) -> str:
    """Write a test case for every check and model, failed when the share of replies is below `threshold`.

    It is an error, and no failure of the persona, where too few replies came to say that it is not.
    The form is that of Apache Ant's task, which CI services read.
    """
    root = ET.Element("testsuites", name=_xml(plan.persona.name))
    for model in plan.models:
        mine = [one for one in outcomes if one.cell.model == model]
        spent = sum(one.info.seconds for one in mine)
        suite = ET.SubElement(root, "testsuite", name=_xml(model), time=f"{spent:.3f}")
        for number, check in enumerate(plan.persona.checks):
            name = _xml(expectation(check, t))
            case = ET.SubElement(suite, "testcase", classname=_xml(model), name=name, time="0")
            _tell(case, plan, mine, number, threshold, t)
        count = {
            name: len(suite.findall(f"testcase/{tag}"))
            for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
        }
        for name, value in (("tests", len(plan.persona.checks)), *count.items()):
            suite.set(name, str(value))
    ET.indent(root)
    return f"{_XML}\n{ET.tostring(root, encoding='unicode')}\n"


def percents(found: Rate, t: Translator) -> str:
    """Word a rate: "17/20, 85% (64-95%)", or that nothing was judged."""
    if found.share is None:
        return t("prove.nothing")
    low, high = found.interval
    slots = {"share": f"{found.share:.0%}", "low": f"{low * 100:.0f}", "high": f"{high:.0%}"}
    return t("prove.rate", passed=found.passed, total=found.total, **slots)


_BY_MODEL = ("judged", "unclear", "not-judged")
_COLUMNS = ("model", "question", "run", "check", "verdict", "found", "seconds", "tokens", "reply")


def _tell(
    case: ET.Element, plan: Plan, mine: Sequence[Outcome], number: int, threshold: float, t: Translator
) -> None:
    found = rate(mine, number, case.get("classname", ""))
    if found.share is None:
        if plan.persona.checks[number].asks_model and any(one.verdicts for one in mine):
            ET.SubElement(case, "skipped", message=_xml(t("prove.not_run")))
            return
        fault = next((one.info.failure for one in failed(mine)), None)
        wrong = ET.SubElement(case, "error", type=fault.code if fault else "empty")
        wrong.set("message", _xml(t("prove.no_reply")))
        wrong.text = _xml(fault.detail if fault else "")
    elif found.share < threshold:
        wrong = ET.SubElement(case, "failure", type="rate", message=_xml(percents(found, t)))
        wrong.text = _xml("\n\n".join(_quoted(one, number, t) for one in failing(mine, number)))
    elif not enough(plan, found, threshold):
        wrong = ET.SubElement(case, "error", type="too_few", message=_xml(t("prove.too_few")))
        wrong.text = _xml(percents(found, t))


def _quoted(one: Outcome, number: int, t: Translator) -> str:
    return f"> {one.cell.question}\n{one.reply}\n[{finding(one.verdicts[number], t)}]"


def _xml(text: str) -> str:
    """The text without what XML 1.0 has no place for."""
    return _NO_XML.sub("", clean(text))


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _summary(plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[dict[str, Any]]:
    for number, check in enumerate(plan.persona.checks):
        for model in plan.models:
            found = rate(outcomes, number, model)
            low, high = found.interval
            told = {"model": model, "passed": found.passed, "total": found.total}
            yield {
                "check": check.model_dump(mode="json"),
                **told,
                "low": round(low, 4),
                "high": round(high, 4),
            }


def _result(one: Outcome) -> dict[str, Any]:
    return {
        **one.cell._asdict(),
        "reply": one.reply,
        "info": asdict(one.info),
        "verdicts": [{"passed": v.passed, "found": v.found, "slots": v.slots} for v in one.verdicts],
        "judges": [asdict(info) for info in one.judges],
    }


def _sane(info: ReplyInfo) -> ReplyInfo:
    if not info.countable:
        raise ValueError(info.model)
    return info


_Info = Annotated[ReplyInfo, AfterValidator(_sane)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _Told(_Strict):
    passed: bool | None
    found: str
    slots: dict[str, str | int | float]


class _Result(_Strict):
    model: str
    question: str
    run: int
    reply: str
    info: _Info
    verdicts: Annotated[tuple[_Told, ...], Field(max_length=50)]
    judges: Annotated[tuple[_Info, ...], Field(max_length=50)] = ()


class _About(_Strict):
    name: str
    digest: str


class _File(_Strict):
    format: Literal["persona-playground-proof"]
    version: Literal[1]
    persona: _About
    questions: Annotated[
        tuple[Annotated[str, Field(max_length=QUESTION)], ...], Field(min_length=1, max_length=QUESTIONS)
    ]
    models: Annotated[tuple[str, ...], Field(min_length=1, max_length=MODELS)]
    runs: Annotated[int, Field(ge=1, le=RUNS)]
    summary: list[Any]
    results: Annotated[tuple[_Result, ...], Field(max_length=RESULTS)]


def _outcome(plan: Plan, row: _Result) -> Outcome:
    told = dict(zip(plan.persona.checks, row.verdicts, strict=False))

    def from_file(check: Any, question: str, reply: str) -> Verdict:
        was = told.get(check)
        if was is None or was.found not in _BY_MODEL:
            return Verdict(check, None, "not-asked", {})
        return Verdict(check, was.passed, was.found, {"found": str(was.slots.get("found", ""))})

    cell = Cell(row.model, row.question, row.run)
    return replace(judged(plan, cell, row.reply, row.info, from_file), judges=row.judges)
