"""A recorded lesson: its file, what it answers, and that everything treats its replies as a provider's."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import date, datetime
from itertools import product
from typing import Any

import pytest

from playground.exports import to_file, to_transcript
from playground.i18n import translator
from playground.keys import Endpoint
from playground.lesson import (
    BYTES,
    LESSON_FILE,
    Entry,
    Lesson,
    known,
    load_lesson,
    place,
    read_lesson,
    to_entry,
    to_lesson,
    with_lesson,
)
from playground.messages import Conversation
from playground.personas import Persona, load_personas
from playground.providers import ProvidersFile, load_providers
from playground.recorded import Player
from playground.reply import Reply
from playground.sources import source_for
from playground.wire import Leave, Setup, build_body
from playground.writer import ask
from tests.conftest import ROOT
from tests.fake_provider import FakeProvider, Script
from tests.tables import table

KEY = "sk-sentinel-0123456789abcdef"
FILE, _ = load_providers()
SHELF = load_personas(ROOT / "personas")
VICKY, TWIN = SHELF.personas["lucky-vicky"], SHELF.personas["lucky-vicky-zh"]
SMALL, LARGE = "recorded-2026-11-22/smollm2-135m", "recorded-2026-11-22/qwen2.5-coder-1.5b-instruct"
GREETED = Conversation.opening(VICKY.greeting.strip())


def entry(**told: Any) -> Entry:
    plain: dict[str, Any] = {"question": "Why?", "model": "m", "recorded": date(2026, 11, 22)}
    return Entry(**{**plain, "pieces": ((0.0, "Because", ""), (2.0, " so.", "")), **told})


def body(question: str = "Why?", **told: Any) -> dict[str, Any]:
    messages: list[dict[str, str]] = [{"role": "user", "content": question}]
    return {"model": "recorded-2026-11-22/m", "messages": messages, **told}


@pytest.fixture(scope="module")
def shipped() -> Lesson:
    lesson = load_lesson(LESSON_FILE)
    assert lesson
    return place(lesson)[1]


@pytest.fixture(scope="module")
def providers(shipped: Lesson) -> ProvidersFile:
    assert FILE
    return with_lesson(FILE, shipped, place(shipped)[0], lambda one: f"{one.label}, {one.recorded}")


def setup(providers: ProvidersFile, persona: Persona | None = VICKY, **told: Any) -> Setup:
    provider = next(p for p in providers.all.values() if p.kind == "recorded")
    model = provider.model(provider.models.default)
    return Setup(provider, model, providers.quirks(provider, model.id), persona, **told)


def ended(reply: Reply) -> Reply:
    version = -1
    while not reply.done:
        version = reply.watch(version, 5)
    return reply


def played(setup: Setup, said: Conversation) -> Reply:
    return ended(ask(setup, said, source_for(setup.provider, setup.model, Endpoint("", ""))))


def test_the_shipped_lesson_holds_the_class(shipped: Lesson) -> None:
    """In both languages with a persona and without, cold and hot, and from two models."""
    assert {one.model_id for one in shipped.entries} == {SMALL, LARGE}
    for twin in (VICKY, TWIN):
        prompt = twin.system_prompt.strip()
        assert shipped.model_of(prompt) == LARGE
        assert shipped.questions(SMALL, prompt) == shipped.questions(LARGE, prompt) == twin.starters
        for question, persona in product(twin.starters, (prompt, "")):
            asked = (LARGE, question, persona)
            heats = [e.heat for e in shipped.entries if (e.model_id, e.question, e.system_prompt) == asked]
            assert {0.0, 1.5} <= set(heats)
    for one in shipped.entries:
        times = [seconds for seconds, _, _ in one.pieces]
        assert times == sorted(times)
        assert len(one.pieces) > 10


def test_every_starter_is_answered_as_the_chat_asks_it(shipped: Lesson, providers: ProvidersFile) -> None:
    ways = ((VICKY, GREETED), (None, Conversation()))
    for temperature, question, (persona, said) in product((None, 0.0, 1.5, 2.0), VICKY.starters, ways):
        asked = build_body(setup(providers, persona, temperature=temperature), said.say(question)).body
        found = shipped.find(asked)
        assert found
        assert bool(found.system_prompt) == (persona is not None)
        assert (found.heat > 1) == ((asked.get("temperature", 1.0)) > 0.75)


@table(
    "asked, found",
    [
        (body(), "hot"),
        (body("  WHY ？ "), "hot"),
        (body(temperature=0.7), "cold"),
        (body(temperature=0.8), "hot"),
        (body("Why not?"), None),
        ({**body(), "model": "m"}, None),
        ({**body(), "messages": [{"role": "system", "content": "Be kind."}, *body()["messages"]]}, "kind"),
        ({**body(), "messages": [{"role": "assistant", "content": "Hi"}, *body()["messages"]]}, None),
        ({**body(), "messages": [*body("What?")["messages"], *body()["messages"]]}, "hot"),
        ({**body(), "messages": [{"role": "user", "content": 7}, "x"]}, None),
        ({"model": "recorded-2026-11-22/m"}, None),
    ],
)
def test_a_request_finds_its_answer(asked: dict[str, Any], found: str | None) -> None:
    cold = entry(temperature=0.5, pieces=((0, "cold", ""),))
    hot = entry(pieces=((0, "hot", ""),))
    kind = entry(system_prompt="Be kind", pieces=((0, "kind", ""),))
    one = Lesson(entries=(cold, hot, kind)).find(asked)
    assert (one.text if one else None) == found


def test_a_reply_is_played_like_any_other(providers: ProvidersFile) -> None:
    reply = played(setup(providers, temperature=1.5), GREETED.say(VICKY.starters[0]))
    assert reply.info
    assert (reply.info.ended, reply.info.model) == ("stop", LARGE)
    assert reply.info.usage.completion_tokens
    assert reply.text.startswith("I failed my driving test, so now I get")
    sent = reply.sent()
    assert sent
    assert reply.request
    assert json.loads(sent.body) == reply.request.body
    assert (
        '"recorded": {"on": "2026-11-22", "model": "qwen2.5-coder-1.5b-instruct", "temperature"'
        in sent.first[0]
    )
    t = translator("en")
    said = GREETED.say(VICKY.starters[0]).answered(reply.message())
    told = to_transcript(setup(providers), said, when=datetime(2026, 11, 22), language="en", labels={})
    assert LARGE.encode() in to_file("page", told, t).content


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("What is love?", {}),
        (VICKY.starters[2], {"leave": Leave(greeting=True)}),
        (VICKY.starters[2], {"persona": SHELF.personas["rubber-duck"]}),
    ],
)
def test_what_is_not_in_it_is_told(providers: ProvidersFile, question: str, more: dict[str, Any]) -> None:
    reply = played(replace(setup(providers), **more), GREETED.say(question))
    assert reply.info
    assert reply.info.failure
    assert reply.info.failure.code == "not_recorded"


def test_stop_keeps_what_was_shown(providers: ProvidersFile) -> None:
    before = threading.enumerate()
    name, lesson = place(Lesson(entries=(entry(pieces=((0, "Now", ""), (500, " later", ""))),)))
    own = with_lesson(providers, lesson, name, lambda one: "")
    one = setup(own, None)
    reply = ask(one, Conversation().say("Why?"), source_for(one.provider, one.model, Endpoint("", "")))
    version = -1
    while not reply.text:
        version = reply.watch(version, 5)
    reply.stop()
    assert (reply.text, reply.message().info.ended if reply.info else "") == ("Now", "stopped")
    assert lesson.told(one.model.id, "Now") == lesson.entries[0]
    for thread in set(threading.enumerate()) - set(before):
        if "process_request" in thread.name:
            # It does not wait for what nobody hears.
            thread.join(5)
            assert not thread.is_alive()


def test_it_is_played_at_the_pace_at_which_it_came() -> None:
    waits: list[float] = []
    player = Player(lambda _, seconds: bool(waits.append(seconds)))
    name, lesson = place(Lesson(entries=(entry(pieces=((0.5, "a", ""), (0.5, "b", ""), (1.25, "c", ""))),)))
    assert FILE
    one = setup(with_lesson(FILE, lesson, name, lambda one: ""), None)
    reply = ended(ask(one, Conversation().say("Why?"), lambda line: player.endpoint(name)))
    player.close()
    assert reply.text == "abc"
    assert waits == [0.5, 0.75]


def test_only_who_has_the_key_is_answered(shipped: Lesson, providers: ProvidersFile) -> None:
    player, one = Player(), setup(providers)
    address = player.endpoint(place(shipped)[0]).base_url
    reply = ended(ask(one, GREETED.say(VICKY.starters[0]), lambda line: Endpoint(address, "guessed")))
    player.close()
    assert reply.info
    assert reply.info.failure
    assert (reply.info.failure.code, reply.text) == ("bad_key", "")


def test_a_session_becomes_a_lesson_and_is_played_again(providers: ProvidersFile) -> None:
    """With a reminder, on a service that moves the greeting: it is kept as the player will send it."""
    persona = VICKY.model_copy(update={"reminder": "Stay lucky.", "examples": ()})
    with FakeProvider(Script(["Lu", "ck", "y!"], reasoning=["Hm"])) as fake:
        live = {"label": "Live", "base_url": fake.base_url, "kind": "local", "api_key": "x"}
        live["messages"] = {"first_role": "user", "alternate": True}  # type: ignore[assignment]
        mixed = ProvidersFile.model_validate({"providers": {"live": live}})
        model = mixed["live"].model("fake-small")
        asked = Setup(
            mixed["live"], model, mixed.quirks(mixed["live"], "fake-small"), persona, temperature=0.5
        )
        before = GREETED.say("My bus is gone")
        reply = ended(ask(asked, before, lambda line: Endpoint(fake.base_url, "x")))
    sent, player = reply.sent(), setup(providers, persona, temperature=0.5)
    assert sent
    kept = to_entry(sent, before, reply.message(), player, "Fake", date(2026, 11, 23))
    assert kept
    assert [text for _, text, _ in kept.pieces] == ["", "Lu", "ck", "y!"]
    assert kept.pieces[0][2] == "Hm"
    assert (kept.question, kept.temperature, kept.completion_tokens) == ("My bus is gone", 0.5, 4)
    read, flaw = read_lesson(to_lesson([kept]))
    assert flaw is None
    assert read == Lesson(entries=(kept,))
    name, lesson = place(read)
    own = with_lesson(providers, lesson, name, lambda one: one.label)
    again = played(setup(own, persona, temperature=0.5), before)
    assert (again.text, again.reasoning) == ("Lucky!", "Hm")


def test_what_did_not_end_by_itself_is_not_kept(providers: ProvidersFile) -> None:
    with FakeProvider(Script(status=500, body="{}")) as fake:
        reply = ended(ask(setup(providers), GREETED.say("Hi"), lambda line: Endpoint(fake.base_url, "x")))
    sent = reply.sent()
    assert sent
    assert to_entry(sent, GREETED.say("Hi"), reply.message(), setup(providers), "", date(2026, 1, 1)) is None


def test_no_key_is_in_it() -> None:
    whole = entry(question=f"My key is {KEY}", pieces=((0, KEY[:9], ""), (1, KEY[9:], "")))
    raw = to_lesson([whole], KEY)
    assert KEY.encode() not in raw
    found, _ = read_lesson(raw)
    assert found
    assert (KEY in found.entries[0].text, found.entries[0].pieces[0][0]) == (False, 1)


GOOD = json.loads(to_lesson([entry()]))


@table(
    "raw, code, where",
    [
        (b"", "no_lesson", ""),
        (b"PK\x03\x04", "no_lesson", ""),
        (b"[]", "no_lesson", ""),
        (json.dumps({**GOOD, "format": "else"}).encode(), "no_lesson", ""),
        (json.dumps({**GOOD, "version": 2}).encode(), "newer", ""),
        (json.dumps({**GOOD, "entries": []}).encode(), "damaged", "entries"),
        (json.dumps({**GOOD, "entries": GOOD["entries"] * 201}).encode(), "damaged", "entries"),
        (json.dumps({**GOOD, "more": 1}).encode(), "damaged", "more"),
        (
            json.dumps({**GOOD, "entries": [{**GOOD["entries"][0], "model": 7}]}).encode(),
            "damaged",
            "entries.0.model",
        ),
        (
            json.dumps({**GOOD, "entries": [{**GOOD["entries"][0], "pieces": [[-1, "", ""]]}]}).encode(),
            "damaged",
            "entries.0.pieces.0.0",
        ),
        (b" " * (BYTES + 1), "too_large", ""),
    ],
)
def test_what_is_no_lesson_is_refused(raw: bytes, code: str, where: str) -> None:
    lesson, flaw = read_lesson(raw)
    assert lesson is None
    assert flaw
    assert (flaw.code, flaw.place) == (code, where)


def test_a_lesson_that_nobody_holds_is_forgotten() -> None:
    name, lesson = place(Lesson(entries=(entry(question="Forgotten?"),)))
    assert known(name) is lesson
    assert place(Lesson(entries=lesson.entries))[1] is lesson
    del lesson
    assert known(name) is None


def test_a_lesson_of_two_models_shows_two() -> None:
    """The same question to model A and model B."""
    assert FILE
    other = entry(model="n", language="zh-TW", pieces=((0, "Therefore.", ""),))
    name, lesson = place(Lesson(entries=(entry(label="M"), other)))
    found = with_lesson(FILE, lesson, name, lambda one: f"{one.label or one.model}, {one.recorded}")
    provider = next(p for p in found.all.values() if p.kind == "recorded")
    assert provider.models.default == "recorded-2026-11-22/m"
    told = [(one.id, one.label, one.languages) for one in provider.models.list]
    assert told == [
        ("recorded-2026-11-22/m", "M, 2026-11-22", ()),
        ("recorded-2026-11-22/n", "n, 2026-11-22", ("zh-TW",)),
    ]
    again = replace(setup(found, None), model=provider.model("recorded-2026-11-22/n"))
    assert played(again, Conversation().say("Why?")).text == "Therefore."
