"""A vote on the compare page while names are hidden, by who sits there or by the class, and who was who."""

from __future__ import annotations

import streamlit as st

from playground.compare import TIE, Column, Comparison
from ui.compare_columns import letter
from ui.compare_seats import backend_name, persona_name
from ui.markdown import plain
from ui.page import Room
from ui.session import picked, show
from ui.votes import Pair, draw_going_on, draw_poll


def draw_vote(room: Room, comparison: Comparison) -> None:
    """One vote by who sits here, then the names; after a round with names nothing."""
    place = st.empty()
    if comparison.order and not comparison.busy:
        with place.container(border=True):
            if comparison.hidden:
                _draw_ballot(room, comparison)
            else:
                _draw_result(room, comparison)
            if pair := _pair(comparison):
                one, other = (_name(room, column) for column in comparison.shown)
                draw_poll(room, pair, (one, other), comparison.reveal)


def draw_votes_going_on(room: Room, comparison: Comparison) -> None:
    """Ways back to what the class votes on but what is not on this page: it was loaded anew, or has moved on."""
    draw_going_on(room, _pair(comparison) if comparison.order and not comparison.busy else None)


def _pair(comparison: Comparison) -> Pair | None:
    """What the class may vote on, where there are two columns."""
    if len(comparison.shown) != 2:
        return None
    one, other = comparison.shown
    return comparison.asked, _first(one), _first(other)


def _first(column: Column) -> str:
    return column.replies[0].text if column.replies else ""


def _draw_ballot(room: Room, comparison: Comparison) -> None:
    t = room.t
    # The page speaks of positions: an id would tell a column again in the next round.
    places = [letter(position) for position in range(len(comparison.shown))]
    ids = [column.id for column in comparison.shown]

    def choose(name: str | None) -> None:
        comparison.choice = ids[places.index(name)] if name in places else name or ""

    chosen = places[ids.index(comparison.choice)] if comparison.choice in ids else comparison.choice
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            t("compare.better"),
            [*places, TIE],
            format_func=lambda name: t("compare.tie") if name == TIE else name,
            key=show("better", chosen or None),
            on_change=picked("better", choose),
            width="content",
        )
        st.button(
            t("compare.reveal"),
            key="reveal",
            type="primary",
            icon=":material/visibility:",
            on_click=comparison.reveal,
        )


def _draw_result(room: Room, comparison: Comparison) -> None:
    t = room.t
    chosen = next((column for column in comparison.columns if column.id == comparison.choice), None)
    if chosen:
        st.success(t("compare.chosen", name=plain(_name(room, chosen))), icon=":material/how_to_vote:")
    elif comparison.choice == TIE:
        st.info(t("compare.chosen_tie"), icon=":material/balance:")
    if not any(column.wins for column in comparison.columns):
        return
    st.caption(t("compare.wins"))
    for column in comparison.shown:
        st.markdown(t("compare.score", name=plain(_name(room, column)), count=column.wins))


def _name(room: Room, column: Column) -> str:
    return f"{persona_name(room, column.seat)} · {backend_name(room, column.seat)}"
