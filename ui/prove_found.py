"""What was found: the matrix of pass rates, the replies behind it, a plot, and all of it as files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.checks import Check, expectation, finding
from playground.i18n import Translator, translator
from playground.messages import Message
from playground.personas import slug_of
from playground.printed_proof import paid, price
from playground.proof import Outcome, Plan, Rate, failed, failing, rate
from playground.proof_file import SUFFIX, to_csv, to_json, to_junit
from ui.chat import draw_failure, face
from ui.exporting import here
from ui.markdown import plain, safe
from ui.page import Room
from ui.prove_desk import Desk

POLL = 0.4
"""Seconds between two looks at what is being proved."""

GOOD, FAIR = 0.8, 0.5
"""From which share on a check counts as held, and as held by half."""

LINE, LINES = 22, 3
"""Columns of a line of a check's words in the plot, and how many lines; a Chinese character takes two columns."""

WORD = re.compile(r"[「『（]*[\u2e80-\uffef][」』），。、；：！？]*\s*|[^\s\u2e80-\uffef]+\s*")
"""What is not broken; no line begins or ends with a mark that belongs to its neighbour."""

AT_A_TIME = 10
"""Failing replies that are drawn, until more are asked for."""

LONGEST = 80
"""Characters of a check's words in the matrix."""

COLOURS = ["#0F766E", "#D55E00", "#0072B2", "#B0559B", "#B07D00", "#4B9CD3"]
"""Of the models in the plot; told apart by the colour-blind too, on light and on dark."""

MEDIA = {"json": "application/json", "csv": "text/csv", "junit": "application/xml"}


def watch(room: Room, desk: Desk, plan: Plan) -> None:
    """Show how it goes on until it is over; a page that is left early ends nothing."""
    t, proving = room.t, desk.proving
    if proving is None:
        return
    st.button(
        t("prove.stop"),
        key="prove_stop",
        icon=":material/stop_circle:",
        on_click=proving.stop,
        disabled=proving.state == "stopping",
    )
    place, total = st.empty(), sum(1 for _ in plan.cells())
    while proving.state != "over":
        _paint(room, plan, proving.outcomes, total - proving.left, total, place)
        proving.linger(POLL)
    room.tell_engine()
    st.rerun()


def _paint(
    room: Room, plan: Plan, outcomes: tuple[Outcome, ...], done: int, total: int, place: DeltaGenerator
) -> None:
    with place.container():
        st.progress(done / total if total else 1.0, text=_told(room, outcomes, done, total))
        draw_matrix(room.t, plan, outcomes)


def draw_matrix(t: Translator, plan: Plan, outcomes: tuple[Outcome, ...]) -> None:
    """A row for every check, a column for every model: the share of replies that did as they must."""
    head = [t("prove.column.check"), *(_model(plan, name) for name in plan.models)]
    rows = [head, ["---"] * len(head)]
    for number, check in enumerate(plan.persona.checks):
        cells = [_cell(t, check, rate(outcomes, number, name)) for name in plan.models]
        rows.append([plain(short(expectation(check, t))), *cells])
    st.markdown("\n".join(f"| {' | '.join(row)} |" for row in rows))
    st.caption(t("prove.legend", good=f"{GOOD:.0%}", fair=f"{FAIR:.0%}"))


def _cell(t: Translator, check: Check, found: Rate) -> str:
    if found.share is None:
        return f":gray-badge[{t('prove.needs_judge_short' if check.asks_model else 'prove.nothing')}]"
    colour, mark = (
        ("green", "✓") if found.share >= GOOD else ("orange", "!") if found.share >= FAIR else ("red", "✗")
    )
    low, high = found.interval
    badge = f":{colour}-badge[{mark} {found.share:.0%}]"
    return f"{badge} {found.passed}/{found.total} ({low * 100:.0f}–{high:.0%})"


def draw_replies(room: Room, desk: Desk, plan: Plan) -> None:
    """The replies that did not do what a check asks for, and the questions that got none."""
    t, outcomes = room.t, desk.outcomes
    for number, check in enumerate(plan.persona.checks):
        wrong = failing(outcomes, number)
        if not wrong:
            continue
        label = t("prove.failing", check=plain(short(expectation(check, t))), count=len(wrong))
        with st.expander(label, icon=":material/close:"):
            most = desk.shown.get(number, AT_A_TIME)
            for one in wrong[:most]:
                _draw_reply(t, plan, one, number)
            if len(wrong) > most:
                st.button(
                    t("prove.more", count=len(wrong) - most),
                    key=f"prove_more_{number}",
                    on_click=desk.shown.__setitem__,
                    args=(number, most + 5 * AT_A_TIME),
                )
    without = failed(outcomes)
    if without:
        with st.expander(t("prove.without_reply", count=len(without)), icon=":material/error:"):
            first = {(one.cell.model, one.info.failure and one.info.failure.code): one for one in without}
            for one in first.values():
                st.markdown(f"**{_model(plan, one.cell.model)}**")
                draw_failure(room, Message("assistant", "", info=one.info))


def _draw_reply(t: Translator, plan: Plan, one: Outcome, number: int) -> None:
    verdict = one.verdicts[number]
    with st.container(border=True, gap="xsmall"):
        st.caption(f"{_model(plan, one.cell.model)} · {t('prove.run', number=one.cell.run)}")
        st.markdown(f"**{plain(one.cell.question)}**")
        st.markdown(safe(one.reply), anchors=False)
        told = t("checks.outcome", expected=short(expectation(verdict.check, t)), found=finding(verdict, t))
        st.caption(f":orange[✗] {plain(told)}")


def draw_plot(room: Room, plan: Plan, outcomes: tuple[Outcome, ...]) -> None:
    """The rates with their intervals, as a picture that can be taken along."""
    values = list(_points(room.t, plan, outcomes))
    if values:
        alt = room.t("prove.plot_alt")
        st.altair_chart(_chart(room.t, plan, values), width="stretch", key="prove_plot", alt=alt)
        st.caption(room.t("prove.plot_help"))


def draw_downloads(room: Room, desk: Desk, plan: Plan) -> None:
    """The results as files."""
    outcomes, t = desk.outcomes, translator(room.session.language)
    write: dict[str, Callable[[], str]] = {
        "json": partial(to_json, plan, outcomes),
        "csv": partial(to_csv, plan, outcomes, t),
        "junit": partial(to_junit, plan, outcomes, GOOD, t),
    }
    name = f"proof-{slug_of(plan.persona.name)}-{datetime.now(here()):%Y-%m-%d}"
    st.caption(room.t("prove.kept"))
    with st.container(horizontal=True):
        for kind, suffix in SUFFIX.items():
            st.download_button(
                room.t(f"prove.download.{kind}"),
                data=partial(_content, write[kind]),
                file_name=f"{name}{suffix}",
                mime=MEDIA[kind],
                key=f"prove_{kind}",
                icon=":material/download:",
                on_click="ignore",
            )


def draw_head(plan: Plan) -> None:
    """Whose replies these are."""
    st.header(f"{face(plan.persona)} {plain(plan.persona.name)}", anchor=False)


def draw_told(room: Room, plan: Plan, outcomes: tuple[Outcome, ...]) -> None:
    """How many replies there are, and what they cost."""
    answered = sum(1 for one in outcomes if not one.info.failure)
    st.caption(_told(room, outcomes, answered, sum(1 for _ in plan.cells())))


def _told(room: Room, outcomes: tuple[Outcome, ...], done: int, total: int) -> str:
    if not outcomes:
        return room.t("prove.progress", done=done, total=total)
    cost = price(paid(outcomes, room.providers), room.t)
    return plain(room.t("prove.answered", done=done, total=total, cost=cost))


def short(text: str) -> str:
    """A check's words on one line."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def folded(text: str) -> str:
    """A check's words on a few short lines, broken at spaces and between Chinese characters."""
    lines, wide = [""], 0
    for word in WORD.findall(" ".join(text.split())):
        width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in word.rstrip())
        if wide and wide + width > LINE:
            if len(lines) == LINES:
                lines[-1] = f"{lines[-1].rstrip()}…"
                break
            lines, wide = [*lines, ""], 0
        lines[-1] += word
        wide += width + len(word) - len(word.rstrip())
    return "\n".join(line.rstrip() for line in lines)


def _model(plan: Plan, name: str) -> str:
    """A model's own id, with its provider where two have the same."""
    model = name.partition("/")[2]
    same = [one for one in plan.models if one.partition("/")[2] == model]
    return plain(name if len(same) > 1 else model)


def _content(write: Callable[[], str]) -> bytes:
    return write().encode()


def _points(t: Translator, plan: Plan, outcomes: tuple[Outcome, ...]) -> Any:
    for number, check in enumerate(plan.persona.checks):
        for name in plan.models:
            found = rate(outcomes, number, name)
            if found.share is not None:
                low, high = found.interval
                row = {"check": folded(expectation(check, t)), "model": name, "share": found.share}
                yield {**row, "low": low, "high": high, "replies": f"{found.passed}/{found.total}"}


def _chart(t: Translator, plan: Plan, values: list[dict[str, Any]]) -> Any:
    # Half a second of loading, for who has something to look at.
    import altair as alt

    split = "split(datum.label, '\\n')"
    words = alt.Axis(labelExpr=split, labelLimit=190, labelOverlap=False, labelFontSize=13)
    rows = alt.Y("check:N", title=None, sort=None, axis=words)
    models = list(plan.models)
    among = alt.YOffset("model:N", sort=models)
    legend = alt.Legend(orient="bottom", columns=1, labelLimit=400, labelFontSize=13)
    colour = alt.Color("model:N", title=None, sort=models, scale=alt.Scale(range=COLOURS), legend=legend)
    # Its words are longer than a phone's plot is wide: they end where it ends.
    axis = alt.Axis(format="%", tickCount=5, labelFontSize=13, titleAnchor="end")
    base = alt.Chart(alt.Data(values=values)).encode(y=rows, yOffset=among, color=colour)
    lines = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        x=alt.X("low:Q", title=t("prove.plot_axis"), axis=axis, scale=alt.Scale(domain=[0, 1])), x2="high:Q"
    )
    told = [alt.Tooltip(name) for name in ("model:N", "check:N", "replies:N")]
    points = base.mark_point(filled=True, size=110, opacity=1).encode(
        x="share:Q", shape=alt.Shape("model:N", title=None, sort=models), tooltip=told
    )
    tall = 18 * max(str(value["check"]).count("\n") + 1 for value in values)
    height = 110 + 26 * len(models) + len(plan.persona.checks) * (16 + max(tall, 20 * len(models)))
    return alt.layer(lines, points).properties(
        title=alt.Title(plan.persona.name, anchor="start", offset=14),
        height=height,
        padding={"left": 8, "right": 12, "top": 12, "bottom": 8},
    )
