"""The providers page: what is known of each provider, and what a test of it finds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from playground.checkup import Diagnosis, Keyring, State, examine
from playground.doctor import wording
from playground.i18n import Translator
from playground.line import Line
from playground.providers import Provider, Quirks
from ui.library import providers_file
from ui.markdown import plain
from ui.models import model_name, provider_name
from ui.page import Room
from ui.problems import problem_list
from ui.session import endpoint_for, key_for, turn_for
from ui.shared import classroom

MARKS = {"good": ":green[✓]", "warned": ":orange[!]", "failed": ":red[✗]", "skipped": "–", "not_running": "–"}
GRAVE: tuple[State, ...] = ("failed", "warned", "skipped")
"""What a test may find that its reader should know, the worst first."""

POLL = 0.3
"""Seconds between two looks at tests that are under way."""


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="examine")


def draw_room_check(room: Room) -> DeltaGenerator:
    """The one button to press five minutes before class; returns the place of what it found, in one look."""
    ready = [one for one in room.providers.all.values() if _can_be_tested(one)]

    def check() -> None:
        for one in ready:
            _start(room, one)

    st.button(
        room.t("backends.check_room", count=len(ready)),
        key="check_room",
        icon=":material/fact_check:",
        on_click=check,
        disabled=classroom().stopped,
    )
    st.caption(room.t("backends.check_cost"))
    place = st.empty()
    _draw_board(room, place)
    return place


def draw_slips(room: Room) -> None:
    """What is wrong with the providers' file, as long as an earlier version of it is in force."""
    if room.slips:
        file = plain(providers_file().name)
        with st.expander(room.t("gallery.broken", file=file), icon=":material/warning:", expanded=True):
            st.caption(room.t("backends.earlier"))
            problem_list(room.t, room.slips)


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
                disabled=classroom().stopped or not _can_be_tested(provider),
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
                names = t("app.comma").join(
                    f"`{name}`" for name in filter(None, (provider.secret, *provider.api_key_env))
                )
                st.markdown(t("backends.key_names", names=names))
        with st.expander(t("backends.dialect"), icon=":material/translate:"):
            quirks = room.providers.quirks(provider, provider.models.default)
            st.markdown("\n".join(f"- {line}" for line in dialect(t, quirks)) or t("backends.no_dialect"))
    return place


def watch(room: Room, board: DeltaGenerator, places: Mapping[str, DeltaGenerator]) -> None:
    """Show the results of tests as they come in; leaving early does not end a test."""
    tests = {name: future for name, future in room.session.tests.items() if name in places}
    running = {name for name, future in tests.items() if not future.done()}
    while running:
        wait([tests[name] for name in running], POLL, FIRST_COMPLETED)
        for name in sorted(running):
            _draw_result(room, room.providers[name], places[name])
        _draw_board(room, board)
        running = {name for name in running if not tests[name].done()}
    for name in tests:
        _draw_result(room, room.providers[name], places[name])
    _draw_board(room, board)
    room.tell_engine()


def dialect(t: Translator, quirks: Quirks) -> Iterator[str]:
    """What is special about a provider's requests, one sentence each, from the data."""
    if quirks.max_tokens_field != "max_tokens":
        yield t("dialect.max_tokens", name=f"`{quirks.max_tokens_field}`")
    if quirks.stream_usage == "never":
        yield t("dialect.usage")
    if quirks.drop_params:
        yield t("dialect.dropped", names=t("app.comma").join(f"`{name}`" for name in quirks.drop_params))
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
    own = endpoint_for(provider) if visit.addresses.get(provider.id) else None
    turn = turn_for(provider)
    visit.tests[provider.id] = _pool().submit(
        examine, room.providers, provider, keyring, line, own=own, turn=turn
    )


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


def _draw_board(room: Room, place: DeltaGenerator) -> None:
    """Everybody who was tested, a line each: who is ready, and what is wrong with the others."""
    tests = room.session.tests
    tested = [one for one in room.providers.all.values() if one.id in tests]
    if len(tested) > 1:
        place.markdown("  \n".join(_board(room.t, [(one, tests[one.id]) for one in tested])))


def _board(t: Translator, tested: Iterable[tuple[Provider, Future[Diagnosis]]]) -> Iterator[str]:
    asleep: list[str] = []
    for provider, future in tested:
        name = plain(provider_name(t, provider))
        if not future.done():
            yield f":material/hourglass_top: **{name}** :gray[{t('backends.testing')}]"
        elif future.cancelled() or future.exception() is not None:
            yield f"{MARKS['failed']} **{name}** {t('failure.internal.what')}"
        elif (found := future.result()).state == "not_running":
            asleep.append(name)
        else:
            states = [step.state for step in found.steps]
            worst = next((state for state in GRAVE if state in states), "good")
            wanted = ("reply", "quota") if worst == "good" else ("quota",)
            told = (s for s in found.steps if s.name in wanted or (worst != "good" and s.state == worst))
            yield f"{MARKS[worst]} **{name}** {plain(' · '.join(wording(s, t) for s in told))}"
    if asleep:
        yield f"{MARKS['not_running']} {t('backends.not_running', names=t('doctor.quota.separator').join(asleep))}"


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
