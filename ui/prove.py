"""What is to be proved: persona, models, questions, how often; and how that is started, stopped and gone on with."""

from __future__ import annotations

import streamlit as st

from playground.forecast import forecast
from playground.i18n import Translator, translator
from playground.keys import mask
from playground.personas import Persona
from playground.printed_proof import estimate
from playground.proof import Plan, asked, remaining, turns
from playground.proof_file import from_json
from playground.proving import prove
from ui.markdown import plain
from ui.page import Room
from ui.persona_names import persona_label, told_apart
from ui.prove_desk import DRAFT, Desk, offers, personas, voices
from ui.session import known_keys, picked, show, shown

MOST_MODELS, MOST_RUNS, MOST_CALLS = 6, 20, 2000
MAX_QUESTIONS = 8000
"""Characters of the questions that are typed."""

PROBES = ("drift", "reveal", "refuse", "role", "language")


def draw_choices(room: Room, desk: Desk) -> Plan | None:
    """Persona, models and questions; returns the plan they make, None where something is missing."""
    t, known, offered = room.t, personas(room), offers(room)
    names = _names(room, known)
    who, what = st.columns(2, gap="large")
    with who:
        st.selectbox(
            t("prove.persona"),
            list(names),
            format_func=names.__getitem__,
            key=show("prove_persona", desk.persona),
            on_change=picked("prove_persona", lambda slug: _choose(desk, slug)),
        )
        st.multiselect(
            t("prove.models"),
            list(offered),
            format_func=lambda name: offered.get(name, name),
            key=show("prove_models", list(desk.models)),
            on_change=picked("prove_models", lambda names: setattr(desk, "models", tuple(names))),
            max_selections=MOST_MODELS,
            help=t("prove.models_help"),
        )
        st.slider(
            t("prove.runs"),
            1,
            MOST_RUNS,
            key=show("prove_runs", desk.runs),
            on_change=picked("prove_runs", lambda runs: setattr(desk, "runs", runs)),
            help=t("prove.runs_help"),
        )
        persona = known.get(desk.persona)
        if persona and any(check.asks_model for check in persona.checks):
            _draw_judge(room, desk, offered)
    if persona is None:
        return None
    with what:
        questions = _draw_questions(room, desk, persona)
    if not persona.checks:
        st.info(t("prove.no_checks", persona=plain(persona.name)), icon=":material/checklist:")
        st.page_link("pages/workshop.py", label=t("prove.add_checks"), icon=":material/edit:")
        return None
    if any(room.session.hidden(question) != question for question in questions):
        st.warning(t("prove.key_in_question"), icon=":material/key_off:")
        return None
    if not questions or not desk.models:
        st.caption(t("prove.nothing_to_ask"))
        return None
    return Plan(persona, questions, desk.models, desk.runs)


def draw_start(room: Room, desk: Desk, plan: Plan) -> None:
    """What it will take, and the button that starts it."""
    t = room.t
    if refusal := _too_much(room, plan, plan.calls):
        st.warning(refusal)
        return
    ready = voices(room, (*plan.models, desk.judge), plan.persona)
    told = forecast(plan, ready, room.providers, (), ready.get(desk.judge))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            t("prove.start"),
            key="prove_start",
            type="primary",
            icon=":material/play_arrow:",
            on_click=_start,
            args=(room, desk, plan),
        )
        st.markdown(plain(estimate(plan, told, t)))


def draw_going_on(room: Room, desk: Desk, plan: Plan) -> None:
    """The way on from where it was stopped, and the way to another one."""
    t, left = room.t, remaining(plan, desk.outcomes)
    # A file may hold more than the choices here would let anybody ask.
    refusal = _too_much(room, plan, sum(len(turns(cell.question)) for cell in left)) if left else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        missing = [name for name in plan.models if name not in offers(room)] if left else []
        if left and not missing and not refusal:
            ready = voices(room, (*plan.models, desk.judge), plan.persona)
            told = forecast(plan, ready, room.providers, desk.outcomes, ready.get(desk.judge))
            st.button(
                t("prove.go_on"),
                key="prove_go_on",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_start,
                args=(room, desk, plan, True),
            )
            st.markdown(plain(estimate(plan, told, t)))
        st.button(t("prove.anew"), key="prove_anew", icon=":material/restart_alt:", on_click=desk.clear)
    if missing:
        st.caption(t("prove.no_way", models=plain(t("app.comma").join(missing))))
    elif refusal:
        st.warning(refusal)


def draw_upload(room: Room, desk: Desk) -> None:
    """Take results from a file, to look at or to go on from."""
    t, key = room.t, f"prove_file_{desk.files}"

    def take() -> None:
        if file := shown(key):
            _take(room, desk, file.getvalue())

    st.file_uploader(t("prove.upload"), type=["json"], key=key, on_change=take, help=t("prove.upload_help"))
    if desk.damage:
        st.warning(t(f"prove.damaged.{desk.damage}"), icon=":material/error:")


def _too_much(room: Room, plan: Plan, calls: int) -> str:
    """Why so many replies, or such long questions, are not asked for from here; "" where they may be."""
    if calls > MOST_CALLS:
        return room.t("prove.too_many_calls", count=calls, limit=MOST_CALLS)
    probing = _probing(plan.persona)
    known = {*plan.persona.starters, *(probing(f"prove.probe.{name}") for name in PROBES)}
    length = sum(len(question) for question in plan.questions if question not in known)
    if length > MAX_QUESTIONS:
        return room.t("prove.too_long", count=length, limit=MAX_QUESTIONS)
    return ""


def _probing(persona: Persona) -> Translator:
    """Words the probes, which are put to the persona in its own language."""
    return translator("zh-TW" if persona.language.lower().startswith("zh") else "en")


def _start(room: Room, desk: Desk, plan: Plan, going_on: bool = False) -> None:
    if desk.running:
        return
    keys = known_keys(room.providers.all.values())
    ready = voices(room, (*plan.models, desk.judge), plan.persona)
    desk.plan, desk.damage = plan, ""
    desk.proving = prove(
        plan,
        ready,
        desk.outcomes if going_on else (),
        judge=ready.get(desk.judge),
        hide=lambda text: mask(text, *keys),
    )


def _take(room: Room, desk: Desk, raw: bytes) -> None:
    known = personas(room)
    found = from_json(raw, known.values())
    if isinstance(found, str):
        desk.damage = found
        return
    desk.clear()
    desk.files += 1
    desk.plan, desk.before = found
    desk.persona = next(slug for slug, persona in known.items() if persona == desk.plan.persona)


def _choose(desk: Desk, slug: str) -> None:
    desk.persona = slug
    desk.left_out.clear()


def _names(room: Room, known: dict[str, Persona]) -> dict[str, str]:
    names = {slug: persona_label(persona) for slug, persona in known.items()}
    if DRAFT in names:
        names[DRAFT] = room.t("prove.draft", name=names[DRAFT])
    return told_apart(names)


def _draw_judge(room: Room, desk: Desk, offered: dict[str, str]) -> None:
    t = room.t
    st.selectbox(
        t("prove.judge"),
        ["", *offered],
        format_func=lambda name: offered.get(name, t("prove.nobody")),
        key=show("prove_judge", desk.judge),
        on_change=picked("prove_judge", lambda name: setattr(desk, "judge", name)),
        help=t("prove.judge_help"),
    )


def _draw_questions(room: Room, desk: Desk, persona: Persona) -> tuple[str, ...]:
    t = room.t
    st.markdown(f"**{t('prove.questions')}**")
    ticked = [
        text
        for number, text in enumerate(persona.starters)
        if _tick(
            f"prove_starter_{number}",
            plain(text),
            text not in desk.left_out,
            desk.left_out,
            text,
            turned=True,
        )
    ]
    probing = _probing(persona)
    with st.expander(t("prove.break_it"), icon=":material/construction:", expanded=bool(desk.probes)):
        st.caption(t("prove.break_it_help"))
        for name in PROBES:
            text = probing(f"prove.probe.{name}")
            label = t(f"prove.probe_label.{name}", count=len(turns(text)))
            if _tick(
                f"prove_probe_{name}", f"**{label}** {turns(text)[0]}", name in desk.probes, desk.probes, name
            ):
                ticked.append(text)
    st.text_area(
        t("prove.own"),
        key=show("prove_own", desk.own),
        on_change=picked("prove_own", lambda text: setattr(desk, "own", text)),
        max_chars=MAX_QUESTIONS,
        help=t("prove.own_help"),
    )
    return tuple(dict.fromkeys((*ticked, *asked(desk.own))))


def _tick(key: str, label: str, on: bool, kept: set[str], name: str, turned: bool = False) -> bool:
    """A checkbox that puts `name` into `kept`, or takes it out of there where it is `turned`."""

    def change(ticked: bool) -> None:
        (kept.add if ticked != turned else kept.discard)(name)

    return st.checkbox(label, key=show(key, on), on_change=picked(key, change))
