"""A request as code: run against a server that must receive what was sent; and the key is never in it."""

from __future__ import annotations

import ast
import inspect
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playground.i18n import LANGUAGES, translator
from playground.messages import Conversation
from playground.personas import Persona
from playground.providers import Model, Provider, Quirks, load_providers
from playground.snippets import (
    NAMED,
    OWN_SERVER,
    SNIPPETS,
    Call,
    as_python,
    json_text,
    python_literal,
    to_call,
)
from playground.wire import Setup, build_body
from tests.code_cases import BODIES, KEY, PLAIN, REPLY, SECRET, TEXTS, VARIABLE, colab, run
from tests.fake_provider import FakeProvider, Script
from tests.tables import table

T = translator("en")
RUNS = {
    "python": ([sys.executable], ".py"),
    "curl": (["bash"], ".sh"),
    "javascript": (["node"], ".mjs"),
}
NEEDS = {"python": sys.executable, "curl": "curl", "javascript": "node"}


@cache
def can_run(snippet: str) -> bool:
    """Whether its program is on this machine, Node.js from 18 on."""
    if (program := shutil.which(NEEDS[snippet])) is None:
        return False
    told = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    return snippet != "javascript" or int(told.strip().lstrip("v").split(".")[0]) >= 18


PROVIDERS, _ = load_providers()
assert PROVIDERS is not None
MODELS = [(p, m) for p in PROVIDERS.all.values() for m in p.models.list or (Model(id="some-model"),)]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeProvider]:
    with FakeProvider(Script(REPLY), key=KEY) as running:
        yield running


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("snippet", SNIPPETS)
def test_sends_the_same_body(snippet: str, body: str, server: FakeProvider, tmp_path: Path) -> None:
    if not can_run(snippet):
        pytest.skip(f"there is no {NEEDS[snippet]} on this machine, or too old a one")
    call = Call(server.base_url + "/", BODIES[body], SECRET, VARIABLE, {"X-Title": "it's $HOME"})
    command, suffix = RUNS[snippet]
    program = tmp_path / f"chat{suffix}"
    program.write_text(SNIPPETS[snippet](call, translator("zh-TW")), "utf-8")
    before = len(server.chats)
    printed = run([*command, str(program)], tmp_path, **{VARIABLE: KEY})
    assert len(server.chats) == before + 1
    request = server.chats[-1]
    assert request.json == BODIES[body]
    assert request.path == "/v1/chat/completions"
    assert request.headers["x-title"] == "it's $HOME"
    assert [p.name for p in tmp_path.iterdir()] == [program.name], "nothing but itself was run"
    if snippet == "curl":
        assert "data: [DONE]" in printed
    else:
        assert printed == "".join(REPLY) + "\n"


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_server_without_a_key(snippet: str, tmp_path: Path) -> None:
    if not can_run(snippet):
        pytest.skip(f"there is no {NEEDS[snippet]} on this machine, or too old a one")
    command, suffix = RUNS[snippet]
    with FakeProvider(Script(REPLY)) as server:
        program = tmp_path / f"chat{suffix}"
        program.write_text(SNIPPETS[snippet](Call(server.base_url, PLAIN), T), "utf-8")
        run([*command, str(program)], tmp_path)
        assert server.chats[-1].json == PLAIN
        assert server.chats[-1].headers.get("authorization", "Bearer none") == "Bearer none"


def test_python_takes_the_key_from_colab(server: FakeProvider, tmp_path: Path) -> None:
    program = as_python(Call(server.base_url, PLAIN, SECRET, VARIABLE), T)
    (tmp_path / "chat.py").write_text(program, "utf-8")
    run([sys.executable, "chat.py"], tmp_path, PYTHONPATH=colab(tmp_path))
    assert server.chats[-1].json == PLAIN


def test_names_are_what_the_package_takes() -> None:
    from openai.resources.chat.completions import Completions

    assert set(inspect.signature(Completions.create).parameters) >= NAMED


def sent_by(program: str) -> dict[str, Any]:
    """The body that a Python program would send, read from its text."""
    calls = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)]
    (create,) = (node for node in calls if ast.unparse(node.func).endswith("completions.create"))
    body = {k.arg: ast.literal_eval(k.value) for k in create.keywords if k.arg}
    return body | body.pop("extra_body", {})


@table("provider, model", MODELS)
def test_every_model(provider: Provider, model: Model) -> None:
    """Whatever the providers' own dialects make of a request is in its code."""
    assert PROVIDERS is not None
    persona = Persona(
        name="A", system_prompt="甲\n乙", greeting="Hi", reminder="短", temperature=0.5, top_p=0.9
    )
    setup = Setup(provider, model, PROVIDERS.quirks(provider, model.id), persona)
    body = build_body(setup, Conversation.opening("Hi").say("Q")).body
    call = to_call(setup, body)
    program = as_python(call, T)
    assert sent_by(program) == body
    variable = provider.api_key_env[0] if provider.needs_key else ""
    assert (call.variable, call.secret) == (variable, provider.secret)
    assert f'userdata.get("{provider.secret}")' in program or not provider.secret
    base_url = (provider.base_url or OWN_SERVER).rstrip("/")
    for write in SNIPPETS.values():
        assert base_url in write(call, T)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_values_are_written_as_they_are(value: Any) -> None:
    assert ast.literal_eval(python_literal(value)) == value
    assert json.loads(json_text(value)) == value
    for text in (python_literal(value), json_text(value)):
        assert all(c.isprintable() or c in "\n\u3000\u200d" for c in text)


@table("case", TEXTS)
def test_texts_stay_readable(case: str) -> None:
    written = python_literal(TEXTS[case])
    assert all(char in written for char in TEXTS[case] if char.isprintable())


def test_layout() -> None:
    """Short values stand on one line, long ones and texts of several lines on several."""
    body = {"short": [1, {"a": True}], "long": ["x" * 50, "y" * 50], "text": "one\ntwo"}
    assert python_literal(body, 1) == textwrap.dedent(
        f"""\
        {{
                "short": [1, {{"a": True}}],
                "long": [
                    "{"x" * 50}",
                    "{"y" * 50}",
                ],
                "text": (
                    "one\\n"
                    "two"
                ),
            }}"""
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("snippet", SNIPPETS)
def test_never_a_key(snippet: str, language: str) -> None:
    body = PLAIN | {"model": f"m {KEY}", "messages": [{"role": "user", "content": f"my key is {KEY}!"}]}
    headers = {"X-Api-Key": "plainsecret", "Authorization": f"Basic {KEY}", "X-Title": f"of {KEY}"}
    call = Call(f"http://localhost/{KEY}/v1", body, SECRET, VARIABLE, headers)
    text = SNIPPETS[snippet](call, translator(language))
    assert KEY not in text
    assert "plainsecret" not in text
    assert "my key is" in text
    odd = call.masked("Be brief.", "my key is")
    assert "my key is" not in SNIPPETS[snippet](odd, T), "a key that looks like none is known to the caller"


@pytest.mark.parametrize(
    ("provider", "keyed", "variable"),
    [
        (Provider(label="P", api_key_env=("A-B", "C_D")), False, "C_D"),
        (Provider(label="P", api_key_env=("$(x)",)), False, "API_KEY"),
        (Provider(label="P", kind="local"), False, ""),
        (Provider(label="P", kind="local"), True, "API_KEY"),
        (Provider(label="P", kind="local", api_key="placeholder", secret="S"), False, ""),
    ],
    ids=["not a name", "no name", "local", "local with a key", "placeholder"],
)
def test_name_of_the_key(provider: Provider, keyed: bool, variable: str) -> None:
    call = to_call(Setup(provider, Model(id="m"), Quirks()), PLAIN, base_url="http://b/v1", keyed=keyed)
    assert (call.base_url, call.variable, call.secret) == ("http://b/v1", variable, "")


def test_words_cannot_leave_their_comment() -> None:
    """A name with a line end in it stays in the comment that tells of it."""
    call = Call("", PLAIN, "Bad\nimport os; os.abort()\u2028x", VARIABLE)
    for write in SNIPPETS.values():
        assert not any(line.startswith("import os;") for line in write(call, T).splitlines())
    assert sent_by(as_python(call, T)) == PLAIN
