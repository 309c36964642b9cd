"""The request body, by tables: the order of messages, every quirk with its note, what a long conversation loses."""

from __future__ import annotations

from typing import Any

import pytest

from playground.messages import Conversation, Failure, Message, ReplyInfo
from playground.personas import Example, Persona
from playground.providers import Model, Provider, Quirks
from playground.wire import DEFAULT_MAX_TOKENS, UNSWITCHED, Note, Setup, build_body, estimate_tokens, without
from tests.tables import table

PLAIN = Persona(name="A", system_prompt="  Be A.\n")
EXAMPLES = (Example(user="in 1", assistant="out 1"), Example(user="in 2", assistant="out 2"))
FULL = Persona(name="A", system_prompt="Be A.", greeting="Hello.", examples=EXAMPLES, reminder="Stay A.")
HELLO = Conversation.opening("Hello.")
ASKED = HELLO.say("Q")
LATER = HELLO.say("q1").answered(Message("assistant", "a1")).say("Q")
LOST = Message("assistant", "", info=ReplyInfo("p", "m", "failed", 1.0, failure=Failure("cut_off")))
STRICT = {"first_role": "user", "alternate": True, "last_role": "user"}
SHOTS = "u:in 1 a:out 1 u:in 2 a:out 2"


def setup(persona: Persona | None = PLAIN, context: int | None = None, **quirks: Any) -> Setup:
    settings = {name: quirks.pop(name) for name in ("temperature", "max_tokens", "refused") if name in quirks}
    model = Model(id="m", context=context, reasoning=quirks.pop("thinks", False))
    return Setup(Provider(id="p", label="P"), model, Quirks.model_validate(quirks), persona, **settings)


def spoken(setup: Setup, conversation: Conversation) -> tuple[str, list[Note]]:
    """The messages as "s:… a:… u:…", and the notes on them."""
    body, notes, _ = build_body(setup, conversation)
    said = " ".join(f"{m['role'][0]}:{m['content']}" for m in body["messages"])
    return said.replace("\n\n", "|").replace("\n", "/"), [n for n in notes if n.what not in PARAMS]


PARAMS = {"max_tokens", "max_completion_tokens", "temperature", "top_p", "effort", "think", "reasoning"}

ORDERS: dict[str, tuple[Persona | None, Conversation, dict[str, Any], str, list[Note]]] = {
    "nobody": (None, Conversation().say("Q"), {}, "u:Q", []),
    "a persona": (PLAIN, Conversation().say("Q"), {}, "s:Be A. u:Q", []),
    "greeting": (PLAIN, ASKED, {}, "s:Be A. a:Hello. u:Q", []),
    "greeting without a persona": (None, ASKED, {}, "a:Hello. u:Q", []),
    "later": (PLAIN, LATER, {}, "s:Be A. a:Hello. u:q1 a:a1 u:Q", []),
    "all": (FULL, LATER, {}, f"s:Be A. a:Hello. {SHOTS} u:q1 a:a1 u:Q s:Stay A.", []),
    "a failed reply": (PLAIN, HELLO.say("q1").answered(LOST).say("Q"), {}, "s:Be A. a:Hello. u:q1 u:Q", []),
    "reminder with the question": (
        FULL,
        ASKED,
        {"messages": {"last_role": "user"}},
        f"s:Be A. a:Hello. {SHOTS} u:Q|(Stay A.)",
        [Note("moved", "reminder", "question")],
    ),
    "greeting in the system prompt": (
        PLAIN,
        LATER,
        {"messages": {"first_role": "user"}},
        "s:Be A.|You opened with:/Hello. u:q1 a:a1 u:Q",
        [Note("moved", "greeting", "in_system")],
    ),
    "greeting in a system prompt of its own": (
        None,
        ASKED,
        {"messages": {"first_role": "user"}},
        "s:You opened with:/Hello. u:Q",
        [Note("moved", "greeting", "in_system")],
    ),
    "greeting after a silent user": (
        PLAIN,
        ASKED,
        {"messages": STRICT, "greeting": "as_user_lead"},
        "s:Be A. u:… a:Hello. u:Q",
        [Note("moved", "greeting", "as_user_lead")],
    ),
    "no greeting": (
        PLAIN,
        ASKED,
        {"messages": STRICT, "greeting": "drop"},
        "s:Be A. u:Q",
        [Note("moved", "greeting", "drop")],
    ),
    "strict turns": (
        FULL,
        HELLO.say("q1").answered(LOST).say("Q"),
        {"messages": STRICT},
        f"s:Be A.|You opened with:/Hello. {SHOTS} u:q1|Q|(Stay A.)",
        [
            Note("moved", "greeting", "in_system"),
            Note("moved", "reminder", "question"),
            Note("merged", "history"),
        ],
    ),
    "developer": (
        FULL,
        ASKED,
        {"system_role": "developer"},
        f"d:Be A. a:Hello. {SHOTS} u:Q d:Stay A.",
        [Note("renamed", "system", "developer")],
    ),
    "no system role": (
        PLAIN,
        LATER,
        {"system_role": "user", "messages": STRICT},
        "u:Be A.|You opened with:/Hello.|q1 a:a1 u:Q",
        [
            Note("moved", "greeting", "in_system"),
            Note("moved", "system_prompt", "question"),
            Note("merged", "history"),
        ],
    ),
}


@table("case", ORDERS)
def test_order_of_messages(case: str) -> None:
    persona, conversation, quirks, wanted, notes = ORDERS[case]
    assert spoken(setup(persona, **quirks), conversation) == (wanted, notes)


TUNED = PLAIN.model_copy(update={"temperature": 1.2, "top_p": 0.9, "max_tokens": 200})
OFF = {"reasoning": {"off": {"effort": "none"}, "min_output_tokens": 0}}
LIMIT = {"max_tokens": DEFAULT_MAX_TOKENS}
USAGE = {"stream_options": {"include_usage": True}}
HOT = {"temperature": 1.2, "top_p": 0.9, "max_tokens": 200}

SETTINGS: dict[str, tuple[Setup, dict[str, Any], list[Note]]] = {
    "nothing asked for": (setup(), LIMIT | USAGE, []),
    "as the persona has it": (setup(TUNED), HOT | USAGE, []),
    "as the reader has it": (
        setup(TUNED, temperature=0.0, max_tokens=50),
        {"temperature": 0.0, "top_p": 0.9, "max_tokens": 50, **USAGE},
        [],
    ),
    "no usage": (setup(stream_usage="never"), LIMIT, []),
    "another name for the limit": (
        setup(stream_usage="never", max_tokens_field="max_completion_tokens"),
        {"max_completion_tokens": DEFAULT_MAX_TOKENS},
        [Note("renamed", "max_tokens", "max_completion_tokens")],
    ),
    "another name": (
        setup(TUNED, stream_usage="never", param_mappings={"top_p": "nucleus"}),
        {"temperature": 1.2, "nucleus": 0.9, "max_tokens": 200},
        [Note("renamed", "top_p", "nucleus")],
    ),
    "dropped": (
        setup(TUNED, drop_params=("temperature", "stream_options", "seed")),
        {"top_p": 0.9, "max_tokens": 200},
        [Note("dropped", "temperature")],
    ),
    "clamped": (
        setup(TUNED, stream_usage="never", constraints={"temperature": (0, 1), "max_tokens": (1, 100)}),
        {"temperature": 1, "top_p": 0.9, "max_tokens": 100},
        [Note("clamped", "temperature", "1"), Note("clamped", "max_tokens", "100")],
    ),
    "added": (
        setup(stream_usage="never", add_params={"safe": True}),
        LIMIT | {"safe": True},
        [Note("added", "safe")],
    ),
    "added beside what we send": (
        setup(add_params={"stream_options": {"more": 1}}),
        LIMIT | {"stream_options": {"include_usage": True, "more": 1}},
        [Note("added", "stream_options")],
    ),
    "refused": (
        setup(TUNED, refused=frozenset({"temperature", "stream_options"})),
        {"top_p": 0.9, "max_tokens": 200},
        [Note("refused", "temperature")],
    ),
    "refused under its other name": (
        setup(
            stream_usage="never",
            max_tokens_field="max_completion_tokens",
            refused=frozenset({"max_completion_tokens"}),
        ),
        {},
        [Note("refused", "max_tokens")],
    ),
    "refused though added": (
        setup(stream_usage="never", add_params={"safe": True}, refused=frozenset({"safe"})),
        LIMIT,
        [Note("refused", "safe")],
    ),
    "a thinker gets room": (
        setup(stream_usage="never", thinks=True, max_tokens=50),
        {"max_tokens": 1024},
        [Note("raised", "max_tokens", "1024")],
    ),
    "a thinker with room enough": (
        setup(stream_usage="never", thinks=True, max_tokens=2000),
        {"max_tokens": 2000},
        [],
    ),
    "thinking switched off": (
        setup(stream_usage="never", thinks=True, max_tokens=50, **OFF),
        {"max_tokens": 50, "effort": "none"},
        [Note("added", "effort")],
    ),
    "thinking switched off for a model that is not in the list": (
        setup(stream_usage="never", max_tokens=50, **OFF),
        {"max_tokens": 50, "effort": "none"},
        [Note("added", "effort")],
    ),
    "thinking that cannot be switched off": (
        setup(stream_usage="never", thinks=True, max_tokens=50, refused=frozenset({"effort"}), **OFF),
        {"max_tokens": UNSWITCHED},
        [Note("refused", "effort"), Note("raised", "max_tokens", str(UNSWITCHED))],
    ),
    "a thinker whose limit is refused": (
        setup(stream_usage="never", thinks=True, refused=frozenset({"max_tokens"})),
        {},
        [Note("refused", "max_tokens")],
    ),
}


@table("case", SETTINGS)
def test_settings(case: str) -> None:
    prepared, params, notes = SETTINGS[case]
    body, told, _ = build_body(prepared, Conversation().say("Q"))
    assert {k: v for k, v in body.items() if k not in ("model", "stream", "messages")} == params
    assert list(told) == notes


def test_keys_stand_as_they_leave() -> None:
    body, *_ = build_body(setup(TUNED, add_params={"zeal": 1}, **OFF), ASKED)
    order = ["model", "stream", "messages", "temperature", "top_p", "max_tokens", "stream_options"]
    assert list(body) == [*order, "effort", "zeal"]
    assert (body["model"], body["stream"]) == ("m", True)


def test_a_body_changes_nothing_else() -> None:
    """The quirks are shared by every reply: building twice gives the same, and apart."""
    prepared = setup(TUNED, add_params={"nested": {"a": [1]}}, **OFF)
    first, second = build_body(prepared, LATER), build_body(prepared, LATER)
    assert first == second
    first.body["messages"].clear()
    assert second == build_body(prepared, LATER)


def test_without() -> None:
    once = without(setup(refused=frozenset({"a"})), "b")
    assert once.refused == {"a", "b"}


LONG = Conversation(
    (
        *HELLO.messages,
        *(Message("user" if n % 2 == 0 else "assistant", f"{n}: " + "長" * 40) for n in range(40)),
    )
).say("Q" + "問" * 40)


@pytest.mark.parametrize("context", [500, 1000, 2000, 4000, 100_000])
def test_oldest_turns_give_way(context: int) -> None:
    prepared = setup(FULL, context, max_tokens=100)
    body, notes, _ = build_body(prepared, LONG)
    said = [m["content"] for m in body["messages"]]
    everything = [m["content"] for m in build_body(setup(FULL), LONG).body["messages"]]
    lead = ["Be A.", "Hello.", "in 1", "out 1", "in 2", "out 2"]
    left_out = len(everything) - len(said)
    assert said == everything[: len(lead)] + everything[len(lead) + left_out :]
    assert said[:6] == lead
    assert said[-2:] == [LONG.messages[-1].content, "Stay A."]
    assert body["messages"][len(lead)]["role"] == "user", "what is left begins with a question"
    told = [n for n in notes if n.code == "trimmed"]
    assert told == ([Note("trimmed", "history", str(left_out))] if left_out else [])
    size = sum(estimate_tokens(text) + 4 for text in said)
    assert size <= (context - 100) * 0.9
    assert bool(left_out) == (context < 4000), "no more than has to"


def test_the_question_stays_however_long() -> None:
    body, notes, _ = build_body(setup(PLAIN, 300), Conversation().say("問" * 5000))
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert [n for n in notes if n.code == "trimmed"] == []


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("", 1, 1), ("Hello, world!", 3, 6), ("今天天氣很好", 6, 12), ("今天 is a good day", 4, 9)],
)
def test_estimate_of_tokens(text: str, least: int, most: int) -> None:
    assert least <= estimate_tokens(text) <= most
