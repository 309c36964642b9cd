"""What became of the persona's checks, in a quiet line under the reply that they look at."""

from __future__ import annotations

from functools import lru_cache, partial

import streamlit as st

from playground.checks import Check, Verdict, expectation, finding, run
from playground.i18n import Translator
from playground.messages import Conversation, Message, ReplyInfo
from playground.personas import Persona
from playground.providers import ProvidersFile
from playground.reply import Reply
from playground.rubric import Judgement, judgement, start
from playground.sources import source_for
from ui import library
from ui.markdown import plain
from ui.models import model_name, provider_name
from ui.money import reply_price
from ui.page import Room
from ui.session import endpoint_for, session, turn_for

LONGEST = 160
"""Characters of what a check asks for that are shown."""

EVERY = 0.5
"""Seconds between two looks at what a judging model has answered."""


def draw_verdicts(t: Translator, persona: Persona | None, message: Message) -> None:
    """Say what held of a reply, and of what did not hold what was expected and found."""
    if persona is None or not _counts(message):
        return
    verdicts = judged(persona.checks, message.content)
    lines = []
    if held := [_short(expectation(one.check, t)) for one in verdicts if one.passed]:
        lines.append(f":green[✓] {plain(' · '.join(held))}")
    lines += [_outcome(t, one) for one in verdicts if one.passed is False]
    for check in _asking(persona):
        answer = session().judged.get((check, message))
        if answer and answer.done:
            lines.append(_judged(t, judgement(check, message.content, answer.message())))
    if lines:
        st.caption("  \n".join(lines))


def draw_judging(room: Room, conversation: Conversation) -> None:
    """Offer to have the chosen model judge the last reply where no rule can; asked by a click and never else."""
    t, persona, message = room.t, room.persona, conversation.messages[-1]
    if persona is None or not _counts(message):
        return
    answers = {check: session().judged.get((check, message)) for check in _asking(persona)}
    writing = [answer for answer in answers.values() if answer and not answer.done]
    if writing:
        st.fragment(partial(_draw_under_way, room, writing), run_every=EVERY)()
        return
    left = [check for check, answer in answers.items() if answer is None or _is_open(check, message, answer)]
    if not left:
        return
    many = len(left) > 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = t("rubric.left_many", count=len(left)) if many else t("rubric.left_one")
        st.caption(told, width="content")
        st.button(
            t("rubric.judge_many", count=len(left)) if many else t("rubric.judge_one"),
            key="judge",
            icon=":material/balance:",
            type="tertiary",
            on_click=_judge,
            args=(room, left, conversation.last_question() or "", message),
        )


@lru_cache(maxsize=512)
def judged(checks: tuple[Check, ...], reply: str) -> tuple[Verdict, ...]:
    """Hold a reply against the checks that cost no call to a model; once, however often it is drawn."""
    return tuple(run(check, reply) for check in checks if not check.asks_model)


def _counts(message: Message) -> bool:
    return message.info is not None and message.info.whole and bool(message.content)


def _asking(persona: Persona) -> list[Check]:
    return list(dict.fromkeys(check for check in persona.checks if check.asks_model))


def _is_open(check: Check, message: Message, answer: Reply) -> bool:
    return judgement(check, message.content, answer.message()).verdict.passed is None


def _judge(room: Room, checks: list[Check], question: str, message: Message) -> None:
    setup, visit = room.setup, room.session
    for check in checks:
        visit.judged[check, message] = start(
            check,
            question,
            message.content,
            setup,
            source_for(setup.provider, setup.model, endpoint_for(setup.provider)),
            turn=turn_for(setup.provider),
            remember=lambda param: visit.refuse(setup, param),
        )


def _draw_under_way(room: Room, answers: list[Reply]) -> None:
    if all(answer.done for answer in answers):
        st.rerun()
    for answer in answers:
        answer.seen()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        told = room.t("rubric.under_way", model=plain(model_name(answers[0].setup.model)))
        st.caption(told, width="content")
        st.button(
            room.t("chat.stop"),
            key="stop_judging",
            icon=":material/stop_circle:",
            type="tertiary",
            on_click=_stop,
            args=(answers,),
        )


def _stop(answers: list[Reply]) -> None:
    for answer in answers:
        answer.stop()


def _outcome(t: Translator, verdict: Verdict) -> str:
    told = t("checks.outcome", expected=_short(expectation(verdict.check, t)), found=finding(verdict, t))
    return f":orange[✗] {plain(told)}"


def _judged(t: Translator, given: Judgement) -> str:
    """A judge's verdict with its reason, who gave it, and what that took."""
    verdict, info, providers = given.verdict, given.info, library.providers()[0]
    by = _by(t, info, providers) if providers else plain(info.model)
    if verdict.passed is False:
        return f"{_outcome(t, verdict)} {by}"
    expected = _short(expectation(verdict.check, t))
    if verdict.passed:
        return f":green[✓] {plain(t('rubric.held', expected=expected, found=finding(verdict, t)))} {by}"
    why = finding(verdict, t)
    if info.failure:
        slots = {
            "provider": _provider(t, info, providers),
            "model": info.model,
            "number": info.failure.detail,
        }
        why = t(f"failure.{info.failure.code}.what", **slots)
    elif info.ended == "stopped":
        why = t("ended.stopped")
    return f"**?** {plain(t('rubric.not_judged', expected=expected, why=why))} {by}"


def _by(t: Translator, info: ReplyInfo, providers: ProvidersFile) -> str:
    known = providers.all.get(info.provider)
    parts = [plain(model_name(known.model(info.model)) if known else info.model)]
    parts.append(t("reply.seconds", seconds=f"{info.seconds:.1f}"))
    if price := reply_price(t, info, providers):
        parts.append(price)
    return t("rubric.by", who=" · ".join(parts))


def _provider(t: Translator, info: ReplyInfo, providers: ProvidersFile | None) -> str:
    known = providers.all.get(info.provider) if providers else None
    return provider_name(t, known) if known else info.provider


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
