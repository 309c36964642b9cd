"""The notebook: valid, explained, without a key, and its cells send what was sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from playground.i18n import LANGUAGES, translator
from playground.notebook import INSTALL, as_notebook
from playground.snippets import Call
from tests.code_cases import BODIES, KEY, PLAIN, REPLY, SECRET, VARIABLE, colab, run
from tests.fake_provider import FakeProvider, Script

T = translator("zh-TW")


@pytest.fixture(scope="module")
def server() -> Iterator[FakeProvider]:
    with FakeProvider(Script(REPLY), key=KEY) as running:
        yield running


def cells(raw: bytes, kind: str) -> list[str]:
    book: Any = nbformat.reads(raw.decode(), as_version=4)
    nbformat.validate(book)
    return [cell.source for cell in book.cells if cell.cell_type == kind]


def program(raw: bytes) -> str:
    """The code cells as one program; the line that only a notebook knows is left out."""
    code = cells(raw, "code")
    assert code.count(INSTALL) == 1
    assert not any(
        line.startswith(("%", "!")) for cell in code for line in cell.splitlines() if cell != INSTALL
    )
    return "\n\n".join(cell for cell in code if cell != INSTALL)


@pytest.mark.parametrize(
    ("body", "key_from"), [("plain", "colab"), ("texts", "environment"), ("every parameter", "typed")]
)
def test_sends_the_same_body(body: str, key_from: str, server: FakeProvider, tmp_path: Path) -> None:
    call = Call(server.base_url, BODIES[body], SECRET, VARIABLE, {"X-Title": "P"})
    (tmp_path / "book.py").write_text(program(as_notebook(call, T, "題目")), "utf-8")
    environ = {VARIABLE: KEY} if key_from == "environment" else {}
    if key_from == "colab":
        environ["PYTHONPATH"] = colab(tmp_path)
    before = len(server.chats)
    printed = run([sys.executable, "book.py"], tmp_path, f"{KEY}\n" if key_from == "typed" else "", **environ)
    assert len(server.chats) == before + 1, "the cell to go on with asks nothing until it is filled in"
    assert server.chats[-1].json == BODIES[body]
    assert printed.endswith("".join(REPLY) + "\n")
    assert KEY not in printed


def test_goes_on(server: FakeProvider, tmp_path: Path) -> None:
    """A question in the last cell is asked after all that was said before."""
    code = program(as_notebook(Call(server.base_url, PLAIN, SECRET, VARIABLE), T, "題目"))
    assert code.count('question = ""') == 1
    (tmp_path / "book.py").write_text(code.replace('question = ""', 'question = "再說一次"'), "utf-8")
    run([sys.executable, "book.py"], tmp_path, **{VARIABLE: KEY})
    said = [{"role": "assistant", "content": "".join(REPLY)}, {"role": "user", "content": "再說一次"}]
    assert server.chats[-2].json == PLAIN
    assert server.chats[-1].json == PLAIN | {"messages": PLAIN["messages"] + said}


def test_a_server_without_a_key(tmp_path: Path) -> None:
    with FakeProvider(Script(REPLY)) as server:
        code = program(as_notebook(Call(server.base_url, PLAIN), T, "題目"))
        assert "getpass" not in code
        (tmp_path / "book.py").write_text(code, "utf-8")
        run([sys.executable, "book.py"], tmp_path)
        assert server.chats[-1].json == PLAIN


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_is_explained(language: str) -> None:
    raw = as_notebook(Call("http://s/v1", PLAIN, SECRET, VARIABLE), translator(language), "Title", ["> said"])
    book: Any = nbformat.reads(raw.decode(), as_version=4)
    kinds = [cell.cell_type for cell in book.cells]
    assert all(kinds[at - 1] == "markdown" for at, kind in enumerate(kinds) if kind == "code")
    texts = cells(raw, "markdown")
    assert texts[0].startswith("# Title\n")
    assert texts[1] == "> said"
    assert any(f"`{SECRET}`" in text for text in texts)


def test_equal_calls_give_equal_bytes() -> None:
    call = Call("http://s/v1", PLAIN, SECRET, VARIABLE)
    assert as_notebook(call, T, "題目") == as_notebook(call, T, "題目")


def test_never_a_key() -> None:
    body = PLAIN | {"messages": [{"role": "user", "content": f"my key is {KEY}"}]}
    assert KEY.encode() not in as_notebook(Call(f"http://s/{KEY}", body, SECRET, VARIABLE), T, "題目")
