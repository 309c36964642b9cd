"""Who sits in a column of the compare page: chosen one by one, by a preset, or taken over from a chat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from playground.catalogue import shared
from playground.compare import DRAFT, PRESETS, Column, Comparison, Other, Seat
from playground.personas import Persona
from playground.providers import Provider
from playground.wire import Setup
from ui.models import OWN, model_name, provider_name, speaks
from ui.page import Room
from ui.persona_names import persona_label, told_apart
from ui.session import endpoint_for, key_for, picked, show
from ui.sidebar import draw_temperature


def from_chat(room: Room) -> Comparison:
    """Begin a comparison with what the chat on screen asks of whom, beside the same without a persona."""
    visit, persona = room.session, room.persona
    if visit.comparison:
        visit.comparison.stop()
    seats = PRESETS["persona"](_here(room), _other(room))
    starter = persona.starters[0] if persona and persona.starters else ""
    prompt = visit.chat.conversation.last_question() or starter
    visit.comparison = Comparison([Column(seat) for seat in seats], prompt)
    return visit.comparison


def opened(room: Room) -> Comparison:
    """The visitor's comparison; a column whose persona or provider is gone takes the one that is chosen now."""
    comparison = room.session.comparison or from_chat(room)
    for column in comparison.columns:
        seat = column.seat
        if seat.provider not in room.providers.all:
            seat = replace(seat, provider=room.provider.id, model=room.model.id)
        if seat.persona not in _personas(room):
            seat = replace(seat, persona="")
        comparison.change(column, seat)
    return comparison


def persona_of(room: Room, seat: Seat) -> Persona | None:
    """The persona of a seat, None where nobody is to be played; a draft as it last was right."""
    return _personas(room)[seat.persona]


def room_of(room: Room, seat: Seat) -> Room:
    """The room as it is for a seat."""
    provider = room.providers[seat.provider]
    return replace(room, persona=persona_of(room, seat), provider=provider, model=provider.model(seat.model))


def setup_of(room: Room, seat: Seat) -> Setup:
    """Who answers from a seat, with the visitor's length of replies."""
    return replace(room_of(room, seat).setup, temperature=seat.temperature)


def draw_presets(room: Room, comparison: Comparison) -> None:
    """Buttons that fill the first two columns such that they differ in one thing."""
    with st.container(horizontal=True, gap="small"):
        for name, preset in PRESETS.items():
            if name != "draft" or DRAFT in _personas(room):
                st.button(
                    room.t(f"compare.preset.{name}"),
                    key=f"preset_{name}",
                    # It would end what is being written, and drop it.
                    disabled=comparison.busy,
                    on_click=lambda preset=preset: comparison.place(preset(_here(room), _other(room))),
                )


def draw_seat(room: Room, comparison: Comparison, column: Column, key: str) -> None:
    """The persona, the provider, the model and the temperature of a column, to be changed."""
    t, seat, visit = room.t, column.seat, room.session
    room = room_of(room, seat)

    def choose(name: str) -> Callable[[Any], None]:
        return lambda value: comparison.change(column, replace(seat, **{name: value}))

    def switch(provider_id: str) -> None:
        model = visit.models.get(provider_id) or room.providers[provider_id].models.default
        comparison.change(column, replace(seat, provider=provider_id, model=model))

    def select(model_id: str | None) -> None:
        model = (model_id or "").strip() or room.provider.models.default
        comparison.change(column, replace(seat, model=model))

    personas = _names(room)
    st.selectbox(
        t("sidebar.persona"),
        list(personas),
        format_func=personas.__getitem__,
        key=show(f"seat_persona_{key}", seat.persona),
        on_change=picked(f"seat_persona_{key}", choose("persona")),
    )
    st.selectbox(
        t("sidebar.provider"),
        list(room.providers.all),
        format_func=lambda provider_id: _provider_label(room, provider_id),
        key=show(f"seat_provider_{key}", seat.provider),
        on_change=picked(f"seat_provider_{key}", switch),
    )
    offers = shared().models(room.provider, endpoint_for(room.provider)).offers
    names = {offer.model.id: model_name(offer.model) for offer in offers}
    if seat.model:
        names.setdefault(seat.model, model_name(room.model))
    st.selectbox(
        t("sidebar.model"),
        list(names),
        format_func=lambda model_id: names.get(model_id, model_id),
        key=show(f"seat_model_{key}", seat.model or None),
        on_change=picked(f"seat_model_{key}", select),
        accept_new_options=room.provider.kind not in OWN,
        placeholder=t("sidebar.model_type"),
    )
    key = f"seat_temperature_{key}"
    draw_temperature(t, room.setup.quirks, _temperature(room, seat), key, choose("temperature"))


def persona_name(room: Room, seat: Seat) -> str:
    """What the persona of a seat is called, with its picture, as plain text."""
    return _names(room)[seat.persona]


def backend_name(room: Room, seat: Seat) -> str:
    """The provider, the model and the temperature of a seat, in one line of plain text."""
    own = room_of(room, seat)
    parts = [provider_name(room.t, own.provider), model_name(own.model)]
    if (temperature := _temperature(room, seat)) is not None:
        parts.append(room.t("compare.temperature", value=f"{temperature:g}"))
    return " · ".join(part for part in parts if part)


def _personas(room: Room) -> dict[str, Persona | None]:
    """Everybody who may be played, by what stands for them in a seat."""
    draft = room.session.draft
    written = draft.persona or draft.last_good if draft else None
    return {"": None, **({DRAFT: written} if written else {}), **room.shelf.personas}


def _names(room: Room) -> dict[str, str]:
    """What to call everybody who may be played, in the same order."""
    t, names = room.t, {slug: persona_label(one) if one else "" for slug, one in _personas(room).items()}
    names[""] = t("compare.nobody")
    if DRAFT in names:
        names[DRAFT] = t("compare.draft", name=names[DRAFT])
    return told_apart(names)


def _temperature(room: Room, seat: Seat) -> float | None:
    persona = persona_of(room, seat)
    return persona.temperature if persona and seat.temperature is None else seat.temperature


def _here(room: Room) -> Seat:
    """Who answers in the chat; what another column has in common with it is meant to be the same."""
    seat = Seat(room.provider.id, room.model.id, room.session.persona, room.session.temperature)
    if seat.persona not in room.shelf.personas:
        seat = replace(seat, persona="")
    return replace(seat, temperature=_temperature(room, seat))


def _other(room: Room) -> Other:
    """Another persona that the model can play, and another model that can be asked at once."""
    others = {slug: one for slug, one in room.shelf.personas.items() if one is not room.persona}
    wanted = room.persona.language if room.persona else room.session.language
    fitting = [slug for slug, one in others.items() if speaks(room.model, one)]
    same = [slug for slug in fitting if others[slug].language == wanted]
    own = [(room.provider.id, one.id) for one in room.provider.models.list if one.id != room.model.id]
    ready = [(one.id, one.models.default) for one in room.providers.all.values() if _is_ready(room, one)]
    # A second model that the app runs itself would have to be fetched first.
    models = ready + own if room.provider.kind == "embedded" else own + ready
    provider, model = next(iter(models), (room.provider.id, room.model.id))
    return Other(next(iter(same or fitting or others), ""), provider, model)


def _is_ready(room: Room, one: Provider) -> bool:
    """Whether another provider's usual model can be asked without more ado."""
    keyed = key_for(one).origin not in ("none", "placeholder")
    return one.id != room.provider.id and bool(one.models.default) and (keyed or one.kind == "embedded")


def _provider_label(room: Room, provider_id: str) -> str:
    provider = room.providers[provider_id]
    label = provider_name(room.t, provider)
    missing = provider.needs_key and key_for(provider).origin == "none"
    return f"{label} — {room.t('sidebar.key_missing')}" if missing else label
