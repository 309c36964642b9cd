"""The sidebar: persona, backend and model, settings, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.i18n import LANGUAGES, Translator
from playground.keys import valid_url, well_formed
from playground.personas import Persona, Shelf
from playground.providers import Model, Provider, ProvidersFile, Quirks
from ui import chats
from ui.markdown import plain
from ui.models import draw_model, provider_name, speaks
from ui.persona_names import persona_labels
from ui.session import Session, endpoint_for, key_for, may_name_servers, picked, show, shown

LENGTHS = (60, 90, 150, 300, 600, 800, 1200, 2000, 4000, 8000)
"""Tokens that the reply's length offers."""


def draw(
    t: Translator, visit: Session, shelf: Shelf, providers: ProvidersFile, *, slips: bool
) -> DeltaGenerator:
    """Draw the three groups; returns the place of the line about the model's state.

    `slips` is whether the providers' file needs mending and these are what it held before.
    """
    persona = shelf.personas.get(visit.persona)
    provider = providers[visit.provider]
    model = provider.model(visit.models[provider.id])
    st.subheader(t("sidebar.persona"), anchor=False)
    _persona(t, visit, shelf, persona)
    st.subheader(t("sidebar.backend"), anchor=False)
    _backend(t, visit, providers, provider)
    if slips:
        st.page_link("pages/providers.py", label=t("notice.earlier_providers"), icon=":material/warning:")
    engine = draw_model(t, visit, provider, model, persona)
    st.subheader(t("sidebar.settings"), anchor=False)
    _settings(t, visit, provider, model, providers, persona)
    return engine


def first_provider(providers: ProvidersFile) -> str:
    """The provider a newcomer starts with: the first cloud with a key in place, else the one that needs none."""
    for provider in providers.all.values():
        if provider.kind == "cloud" and key_for(provider).origin in ("secrets", "environment"):
            return provider.id
    embedded = (p.id for p in providers.all.values() if p.kind == "embedded")
    return next(embedded, next(iter(providers.all)))


def first_persona(shelf: Shelf, model: Model, language: str) -> str:
    """The persona a newcomer meets: the first whose language the model speaks, in the reader's language if it can."""
    spoken = [s for s, p in shelf.personas.items() if speaks(model, p)]
    own = [s for s in spoken if shelf.personas[s].language == language]
    return next(iter(own or spoken or list(shelf.personas)), "")


def _persona(t: Translator, visit: Session, shelf: Shelf, persona: Persona | None) -> None:
    names = persona_labels(shelf.personas)

    def switch(slug: str) -> None:
        visit.choose_persona(slug)

    if shelf.personas:
        st.selectbox(
            t("sidebar.persona"),
            list(names),
            format_func=names.__getitem__,
            key=show("persona", visit.persona),
            on_change=picked("persona", switch),
            label_visibility="collapsed",
        )
    else:
        st.warning(t("notice.no_personas"))
    # Two lines about files would be one too many; the page tells of both kinds.
    if shelf.broken:
        told = t("notice.broken_personas", count=len(shelf.broken))
        st.page_link("pages/gallery.py", label=told, icon=":material/warning:")
    elif shelf.warned:
        told = t("notice.warned_personas", count=len(shelf.warned))
        st.page_link("pages/gallery.py", label=f":gray[{told}]", icon=":material/info:")

    def begin() -> None:
        visit.open_chat(visit.persona, persona.greeting.strip() if persona else "")

    st.button(
        t("sidebar.new_chat"), key="new_chat", icon=":material/add_comment:", on_click=begin, width="stretch"
    )
    chats.draw_recent(t, visit, shelf)


def _backend(t: Translator, visit: Session, providers: ProvidersFile, provider: Provider) -> None:
    def state(one: Provider) -> str:
        if not one.needs_key:
            return t(f"sidebar.kind_{one.kind}")
        return t("sidebar.key_missing" if key_for(one).origin == "none" else "sidebar.key_there")

    names = {one.id: f"{provider_name(t, one)} — {state(one)}" for one in providers.all.values()}

    def switch(provider_id: str) -> None:
        visit.provider = provider_id
        visit.notices.clear()

    st.selectbox(
        t("sidebar.provider"),
        list(names),
        format_func=names.__getitem__,
        key=show("provider", visit.provider),
        on_change=picked("provider", switch),
        help=provider.about.get(visit.language) or None,
    )
    if may_name_servers(provider):
        _address(t, visit, provider)
    if provider.needs_key or visit.addresses.get(provider.id):
        _key(t, visit, provider)


def _address(t: Translator, visit: Session, provider: Provider) -> None:
    def keep(provider_id: str) -> None:
        visit.addresses[provider_id] = shown("base_url").strip()

    st.text_input(
        t("sidebar.address"),
        key=show("base_url", visit.addresses.get(provider.id, "")),
        on_change=keep,
        args=(provider.id,),
        placeholder=provider.base_url,
        help=t("sidebar.address_help"),
        autocomplete="off",
    )
    if visit.addresses.get(provider.id):
        endpoint = endpoint_for(provider)
        if not valid_url(endpoint.base_url):
            st.warning(t("sidebar.address_wrong"), icon=":material/link_off:")
        elif endpoint.fault:
            private = "private_address" if endpoint.public_only else endpoint.fault
            st.warning(t(f"failure.{private}.do"), icon=":material/link_off:")


def _key(t: Translator, visit: Session, provider: Provider) -> None:
    # The callback stores under the provider that the field was drawn for, whatever else changes in the same run.
    def keep(provider_id: str) -> None:
        visit.keys[provider_id] = shown("api_key")

    def clear(provider_id: str) -> None:
        visit.keys.pop(provider_id, None)

    st.text_input(
        t("sidebar.key", provider=provider.label),
        key=show("api_key", visit.keys.get(provider.id, "")),
        type="password",
        on_change=keep,
        args=(provider.id,),
        placeholder=f"{provider.key_prefix[0]}…" if provider.key_prefix else "",
        help=t("sidebar.key_help"),
        autocomplete="off",
    )
    key = key_for(provider)
    origin = key.origin
    if origin == "none":
        steps = plain(provider.key_steps.get(visit.language, ""))
        st.info(f"{t('sidebar.key_get', url=provider.key_url)}  \n{steps}", icon=":material/key:")
        if free := provider.free_tier.get(visit.language):
            st.caption(t("sidebar.free", text=plain(free)))
        return
    fits = well_formed(key.value)
    if not fits:
        st.warning(t("failure.bad_key_format.do"), icon=":material/key_off:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if fits:
            st.caption(t(f"sidebar.key_from_{origin}"))
        if origin == "typed":
            st.button(
                t("sidebar.key_clear"), key="clear_key", type="tertiary", on_click=clear, args=(provider.id,)
            )


def draw_temperature(
    t: Translator, quirks: Quirks, wanted: float | None, key: str, take: Callable[[float], None]
) -> None:
    """The slider of a temperature, as far as the model takes one; nobody's wish is 1."""
    low, high = quirks.constraints.get("temperature", (0.0, 2.0))
    # A slider needs two ends; where a model takes one temperature only there is nothing to choose.
    if low == high:
        return
    fixed = "temperature" in quirks.drop_params
    st.slider(
        t("sidebar.temperature"),
        float(low),
        float(high),
        step=0.1,
        key=show(key, float(min(max(1.0 if wanted is None else wanted, low), high))),
        on_change=picked(key, take),
        disabled=fixed,
        help=t("sidebar.temperature_fixed" if fixed else "sidebar.temperature_help"),
    )


def _settings(
    t: Translator,
    visit: Session,
    provider: Provider,
    model: Model,
    providers: ProvidersFile,
    persona: Persona | None,
) -> None:
    quirks = providers.quirks(provider, model.id)
    own = persona.temperature if persona else None

    def warm(number: float) -> None:
        visit.temperature = number

    temperature = own if visit.temperature is None else visit.temperature
    draw_temperature(t, quirks, temperature, "temperature", warm)
    tokens = visit.max_tokens or (persona.max_tokens if persona else None) or 800

    def lengthen(number: int) -> None:
        visit.max_tokens = number

    st.select_slider(
        t("sidebar.length"),
        sorted({*LENGTHS, tokens}),
        format_func=lambda n: t("sidebar.tokens", count=n),
        key=show("max_tokens", tokens),
        on_change=picked("max_tokens", lengthen),
        help=t("sidebar.length_help"),
    )

    def enlarge(on: bool) -> None:
        visit.large_text = on

    st.toggle(
        t("sidebar.large_text"),
        key=show("large_text", visit.large_text),
        on_change=picked("large_text", enlarge),
    )

    def speak(language: str) -> None:
        visit.language, visit.language_chosen = language, True

    st.segmented_control(
        t("sidebar.language"),
        list(LANGUAGES),
        format_func=lambda code: LANGUAGES[code],
        key=show("language", visit.language),
        on_change=picked("language", speak),
        required=True,
    )
