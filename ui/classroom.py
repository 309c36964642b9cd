"""The teacher's page: who waits, what fails, what it costs, stop and go on; no word that a student wrote."""

from __future__ import annotations

import time
from collections.abc import Iterable
from decimal import Decimal
from math import ceil

import streamlit as st

from playground.classroom import matches
from playground.i18n import Translator, locale
from playground.ledger import Failed, Left
from playground.limits import Queue
from playground.store import Unsaved
from playground.usage import Total
from ui import votes
from ui.markdown import plain
from ui.models import provider_name
from ui.money import dollars
from ui.page import Room
from ui.problems import draw_broken_secrets
from ui.session import Session, shown
from ui.shared import SECRET, VARIABLE, classroom, door, limits, passcode

LOOK_EVERY = 2.0
"""Seconds between two looks at the class."""

# On a phone a table is pushed aside, with a finger or with the arrow keys: its words stay words.
_TABLES = """
.st-key-class_tables [data-testid="stMarkdownContainer"] { overflow-x: auto; }
.st-key-class_tables th { white-space: nowrap; }
@media (max-width: 640px) { .st-key-class_tables td { white-space: nowrap; } }
"""
_REACHED = """
export default function () {
  for (const table of document.querySelectorAll(".st-key-class_tables table")) {
    const place = table.parentElement;
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }
}
"""
_tables = st.components.v2.component(
    "playground_class_tables", css=_TABLES, js=_REACHED, isolate_styles=False
)


def may_enter(room: Room) -> bool:
    """Whether the visitor has given the passcode; else draw what asks for it, or how to set one."""
    t, visit, wanted = room.t, room.session, passcode(room.session.secrets)
    draw_broken_secrets(t, visit)
    if not wanted and visit.broken_secrets:
        return False
    if not wanted:
        st.info(t("classroom.unset"), icon=":material/key:")
        st.code(f'{SECRET} = "…"', language=None)
        st.markdown(t("classroom.unset_or", name=VARIABLE))
        return False
    if matches(visit.passcode, wanted):
        return True
    address = st.context.ip_address or ""
    pause = door().wait(address, time.monotonic(), visit.owner)
    with st.form("door", width=420):
        st.text_input(t("classroom.passcode"), key="passcode", type="password", max_chars=200)
        st.form_submit_button(
            t("classroom.enter"), key="enter", type="primary", on_click=_knock, args=(visit, wanted, address)
        )
    if pause > 0:
        st.warning(t("classroom.wait", seconds=ceil(pause)), icon=":material/hourglass_top:")
    elif visit.passcode:
        st.error(t("classroom.wrong"), icon=":material/block:")
    return False


def _knock(visit: Session, wanted: str, address: str) -> None:
    given = str(shown("passcode"))
    # What was wrong is not kept: it may be a passcode of somewhere else.
    visit.passcode = given if door().opens(given, wanted, address, time.monotonic(), visit.owner) else "?"


@st.fragment(run_every=LOOK_EVERY)
def draw(room: Room) -> None:
    """The class as it is now, drawn again and again."""
    t, here, now = room.t, classroom(), time.time()
    queues = {provider: queue for (provider, _), queue in limits().queues().items()}
    spent, left = here.ledger.spent(now), here.ledger.left(now)
    _draw_switch(t, here.stopped)
    figures = (
        ("here", str(here.here())),
        ("writing", str(here.writing)),
        ("waiting", str(sum(queue.waiting for queue in queues.values()))),
        ("spent", dollars(sum((one.amount for one in spent.values()), Decimal(0)))),
    )
    # Two beside each other on a phone.
    with st.container(horizontal=True):
        for name, value in figures:
            st.metric(t(f"classroom.{name}"), value, help=t(f"classroom.{name}_help"), width=160)
    with st.container(key="class_tables"):
        st.header(t("classroom.keys"), anchor=False)
        _draw_providers(room, queues, spent, left)
        st.header(t("classroom.failures"), anchor=False)
        _draw_failures(room, here.ledger.failed(now))
        st.header(t("classroom.votes"), anchor=False)
        _draw_votes(t, room.session.owner, now)
    # It looks again at every look at the class.
    _tables(data={"now": now}, height=0)


def _draw_switch(t: Translator, stopped: bool) -> None:
    if stopped:
        st.warning(t("classroom.is_stopped"), icon=":material/pause_circle:")
        st.button(
            t("classroom.go_on"),
            key="class_go_on",
            type="primary",
            icon=":material/play_arrow:",
            on_click=classroom().go_on,
        )
    else:
        st.button(
            t("classroom.stop"),
            key="class_stop",
            icon=":material/front_hand:",
            help=t("classroom.stop_help"),
            on_click=classroom().stop,
        )


def _money(t: Translator, spent: Total, budget: float | None) -> str:
    words = t("classroom.about", amount=dollars(spent.amount)) if spent.estimated else dollars(spent.amount)
    if budget is not None:
        words = t("classroom.budget", amount=words, budget=dollars(Decimal(str(budget))))
    return f"{words} · {t('money.total_missing', count=spent.unknown)}" if spent.unknown else words


def _draw_providers(
    room: Room, queues: dict[str, Queue], spent: dict[str, Total], left: dict[str, Left]
) -> None:
    t, rows = room.t, []
    for name, provider in room.providers.all.items():
        queue, total, quota = queues.get(name, Queue(0, 0, 0)), spent.get(name, Total()), left.get(name)
        if not (queue.running or queue.waiting or total.replies or quota):
            continue
        waits = (
            t("classroom.waits", count=queue.waiting, seconds=ceil(queue.seconds)) if queue.waiting else "–"
        )
        told = [
            t(f"doctor.quota.{kind}", count=f"{number:,}")
            for kind, number in (("requests", quota and quota.requests), ("tokens", quota and quota.tokens))
            if number is not None
        ]
        rows.append(
            [
                plain(provider_name(t, provider)),
                str(total.replies),
                waits,
                " · ".join([*told, _ago(t, quota.ago)]) if quota else "–",
                _money(t, total, provider.daily_budget_usd),
            ]
        )
    _draw_table(t, ("provider", "replies", "queue", "left", "cost"), rows)


def _draw_failures(room: Room, failed: list[Failed]) -> None:
    t, known, rows = room.t, room.providers.all, []
    words = locale(room.session.language)
    for one in failed[:20]:
        label = plain(provider_name(t, known[one.provider])) if one.provider in known else plain(one.provider)
        # No detail: a provider may quote what a student wrote.
        code = one.code if f"failure.{one.code}.what" in words else "internal"
        what = t(
            f"failure.{code}.what", provider=label, model=plain(one.model), wait="", number="", successor=""
        )
        rows.append([label, plain(one.model), what, str(one.count), _ago(t, one.ago)])
    _draw_table(t, ("provider", "model", "failure", "times", "last"), rows)


def _draw_votes(t: Translator, owner: str, now: float) -> None:
    try:
        found = votes.polls().latest()
    except Unsaved:
        st.error(t("votes.unreachable"), icon=":material/cloud_off:")
        return
    # Anybody may begin a vote: only what this visitor asked is told, and opens to be revealed.
    rows = [
        [
            _vote_link(poll.id) if poll.owner == owner else votes.spoken(poll.id),
            plain(poll.question[:60]) if poll.owner == owner else "–",
            t(f"classroom.state.{poll.state}"),
            str(tally.a),
            str(tally.b),
            _ago(t, now - poll.created),
        ]
        for poll, tally in found
    ]
    _draw_table(t, ("code", "question", "vote", "a", "b", "begun"), rows)


def _vote_link(code: str) -> str:
    return f"[{votes.spoken(code)}]({votes.vote_link(st.context.url or '', code)})"


def _draw_table(t: Translator, names: Iterable[str], rows: list[list[str]]) -> None:
    if not rows:
        st.caption(t("classroom.nothing"))
        return
    heads = [t(f"classroom.column.{name}") for name in names]
    st.markdown("\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)))


def _ago(t: Translator, seconds: float) -> str:
    return t("classroom.now") if seconds < 60 else t("classroom.ago", minutes=int(seconds // 60))
