"""The model on screen: its name, what it speaks, which ones there are to choose from, and how far it is."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.catalogue import Offer, shared
from playground.i18n import Translator
from playground.personas import Persona
from playground.providers import Model, Provider
from playground.sources import readiness
from ui.engine import engine_state
from ui.markdown import plain
from ui.session import Session, endpoint_for, picked, show

OWN = ("embedded", "recorded")
"""Kinds of providers that this app is itself: nobody types a model of theirs."""


def model_name(model: Model) -> str:
    """How a model is called on screen."""
    return model.label or model.id


def provider_name(t: Translator, provider: Provider) -> str:
    """How a provider is called on screen."""
    named = {"embedded": "backends.embedded", "recorded": "recorded.name"}
    return t(named[provider.kind]) if provider.kind in named else provider.label


def way_on(provider: Provider, model_id: str) -> str:
    """The model to go on with where a provider does not have this one: its successor, or else the usual one."""
    found = provider.successor(model_id) or provider.models.default
    return "" if found == model_id else found


def language_name(t: Translator, code: str) -> str:
    """The name of a language in the reader's language, or its code."""
    names = {"en": "english", "zh-TW": "chinese", "zh-CN": "chinese", "ja": "japanese"}
    return t(f"language.{names[code]}") if code in names else code


def speaks(model: Model, persona: Persona | None) -> bool:
    """Whether the model is known to speak the persona's language, or not known not to."""
    if persona is None or not persona.language or not model.languages:
        return True
    return persona.language in model.languages


def mismatch(t: Translator, model: Model, persona: Persona) -> str:
    """Say that a model does not speak a persona's language, and what to choose."""
    spoken = t("language.and").join(language_name(t, code) for code in model.languages[:2])
    return t(
        "notice.language",
        model=plain(model_name(model)),
        spoken=spoken,
        persona=plain(persona.name),
        wanted=language_name(t, persona.language or ""),
    )


def draw_model(
    t: Translator, visit: Session, provider: Provider, model: Model, persona: Persona | None
) -> DeltaGenerator:
    """The model's selectbox, and beside it what there is to know; returns the place of the line about its state."""
    listing = shared().models(provider, endpoint_for(provider))
    names = {offer.model.id: _offer_name(t, offer) for offer in listing.offers}
    if model.id:
        names.setdefault(model.id, model_name(model))

    def switch(model_id: str | None) -> None:
        visit.models[provider.id] = (model_id or "").strip() or provider.models.default
        visit.notices.clear()

    st.selectbox(
        t("sidebar.model"),
        list(names),
        format_func=lambda model_id: names.get(model_id, model_id),
        key=show("model", model.id or None),
        on_change=picked("model", switch),
        accept_new_options=provider.kind not in OWN,
        placeholder=t("sidebar.model_type"),
        help=t(f"listing.{listing.state}") if provider.kind not in OWN else None,
    )
    place = st.empty()
    draw_engine(t, visit, model, place)
    if offer := listing.offer(model.id):
        _warn(t, offer)
    if not speaks(model, persona) and persona is not None:
        st.warning(mismatch(t, model, persona), icon=":material/translate:")
    wish = persona.model if persona else None
    if wish and wish != f"{provider.id}/{model.id}":
        st.caption(t("sidebar.prefers", model=plain(wish)))
    return place


def _offer_name(t: Translator, offer: Offer) -> str:
    name = model_name(offer.model)
    return t("listing.missing", model=name) if offer.standing == "missing" else name


def _warn(t: Translator, offer: Offer) -> None:
    """Tell of a model that leaves, before it is gone."""
    leaving = offer.leaving(datetime.now(UTC).date())
    if leaving:
        st.caption(
            t(f"listing.leaves_{leaving}", date=offer.retires, successor=plain(offer.successor or "—"))
        )


def draw_engine(t: Translator, visit: Session, model: Model, place: DeltaGenerator) -> None:
    """What there is to know of the model, and how far it is if this app runs it itself."""
    state = readiness(model)
    words = (plain(model.note.get(visit.language, "")), engine_state(t, state) if state else "")
    if line := "  \n".join(filter(None, words)):
        place.caption(line)
