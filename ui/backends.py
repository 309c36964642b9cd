"""The providers page: what is known of each provider, and what a test of it finds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.checkup import Diagnosis, Keyring, examine
from playground.doctor import wording
from playground.i18n import Translator
from playground.line import Line
from playground.providers import Provider, Quirks
from ui.markdown import plain
from ui.models import model_name, provider_name
from ui.page import Room
from ui.session import key_for

MARKS = {"good": ":green[✓]", "warned": ":orange[!]", "failed": ":red[✗]", "skipped": "–", "not_running": "–"}
POLL = 0.3
"""Seconds between two looks at tests that are under way."""


@st.cache_resource(show_spinner=False)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="examine")


def draw_room_check(room: Room) -> None:
    """The one button to press five minutes before class, and what it found."""
    ready = [one for one in room.providers.all.values() if _can_be_tested(one)]

    def check() -> None:
        for one in ready:
            _start(room, one)

    st.button(
        room.t("backends.check_room", count=len(ready)),
        key="check_room",
        icon=":material/fact_check:",
        on_click=check,
    )
    st.caption(room.t("backends.check_cost"))


def draw_provider(room: Room, provider: Provider) -> DeltaGenerator:
    """One provider's card; returns the place where a test's result goes."""
    t, language = room.t, room.session.language
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(plain(provider_name(t, provider)), anchor=False)
            st.markdown(_key_state(t, provider))
            st.button(
                t("backends.test"),
                key=f"test_{provider.id}",
                icon=":material/network_check:",
                on_click=_start,
                args=(room, provider),
                disabled=not _can_be_tested(provider),
            )
        if about := provider.about.get(language):
            st.markdown(plain(about))
        if free := provider.free_tier.get(language):
            st.markdown(t("sidebar.free", text=plain(free)))
        place = st.empty()
        _draw_result(room, provider, place)
        if provider.models.list:
            label = t("backends.models_priced" if provider.needs_key else "backends.models")
            st.caption(f"{label} {' · '.join(_offers(provider))}")
        if provider.needs_key:
            with st.expander(t("backends.get_key"), icon=":material/key:"):
                st.markdown(f"{plain(provider.key_steps.get(language, ''))}  \n<{provider.key_url}>")
                names = ", ".join(
                    f"`{name}`" for name in filter(None, (provider.secret, *provider.api_key_env))
                )
                st.markdown(t("backends.key_names", names=names))
        with st.expander(t("backends.dialect"), icon=":material/translate:"):
            quirks = room.providers.quirks(provider, provider.models.default)
            st.markdown("\n".join(f"- {line}" for line in dialect(t, quirks)) or t("backends.no_dialect"))
    return place


def watch(room: Room, places: Mapping[str, DeltaGenerator]) -> None:
    """Show the results of tests as they come in; leaving early does not end a test."""
    running = {name for name, future in room.session.tests.items() if not future.done()}
    while running:
        time.sleep(POLL)
        for name in sorted(running):
            _draw_result(room, room.providers[name], places[name])
        running = {name for name in running if not room.session.tests[name].done()}
    for name in room.session.tests:
        if name in places:
            _draw_result(room, room.providers[name], places[name])
    room.tell_engine()


def dialect(t: Translator, quirks: Quirks) -> Iterator[str]:
    """What is special about a provider's requests, one sentence each, from the data."""
    if quirks.max_tokens_field != "max_tokens":
        yield t("dialect.max_tokens", name=f"`{quirks.max_tokens_field}`")
    if quirks.stream_usage == "never":
        yield t("dialect.usage")
    if quirks.drop_params:
        yield t("dialect.dropped", names=", ".join(f"`{name}`" for name in quirks.drop_params))
    for name, theirs in quirks.param_mappings.items():
        yield t("dialect.renamed", name=f"`{name}`", theirs=f"`{theirs}`")
    for name, (low, high) in quirks.constraints.items():
        yield t("dialect.range", name=f"`{name}`", low=f"{low:g}", high=f"{high:g}")
    if quirks.messages.first_role == "user":
        yield t("dialect.first_user")
    if quirks.messages.alternate:
        yield t("dialect.alternate")
    if quirks.messages.last_role == "user":
        yield t("dialect.last_user")
    if quirks.reasoning.off:
        yield t("dialect.reasoning_off", params=f"`{quirks.reasoning.off}`")


def _can_be_tested(provider: Provider) -> bool:
    if provider.kind == "recorded":
        # It knows no question but its own, and asks nobody.
        return False
    return not provider.needs_key or key_for(provider).origin != "none"


def _start(room: Room, provider: Provider) -> None:
    visit = room.session
    running = visit.tests.get(provider.id)
    if running and not running.done():
        return
    keyring = Keyring(dict(visit.keys), visit.secrets, dict(os.environ))
    line = Line(provider.timeout.connect)
    visit.tests[provider.id] = _pool().submit(examine, room.providers, provider, keyring, line)


def _key_state(t: Translator, provider: Provider) -> str:
    if not provider.needs_key:
        return f":gray[{t(f'sidebar.kind_{provider.kind}')}]"
    origin = key_for(provider).origin
    return f":gray[{t('sidebar.key_missing')}]" if origin == "none" else f":green[{t('sidebar.key_there')}]"


def _offers(provider: Provider) -> Iterator[str]:
    for model in provider.models.list[:6]:
        price = ""
        if model.price and any(model.price) and provider.needs_key:
            price = f" ${model.price[0]:g}/{model.price[1]:g}"
        yield plain(f"{model_name(model)}{price}")


def _draw_result(room: Room, provider: Provider, place: DeltaGenerator) -> None:
    t, future = room.t, room.session.tests.get(provider.id)
    if future is None:
        return
    if not future.done():
        place.caption(f":material/hourglass_top: {t('backends.testing')}")
        return
    place.markdown("  \n".join(_result(t, future)))


def _result(t: Translator, future: Future[Diagnosis]) -> Iterator[str]:
    if future.cancelled() or future.exception() is not None:
        yield f"{MARKS['failed']} {t('failure.internal.what')}"
        return
    found = future.result()
    if found.state == "not_running":
        yield f"{MARKS['not_running']} {plain(t('doctor.not_running', address=found.address))}"
        return
    for step in found.steps:
        yield f"{MARKS[step.state]} **{t(f'doctor.step.{step.name}')}** {plain(wording(step, t))}"
