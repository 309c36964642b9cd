"""A conversation as a file: everything told, nothing alive, no key, and its own Markdown kept inside its quotes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from html import unescape
from typing import Any

import nbformat
import pytest
from markdown_it import MarkdownIt

from playground.archive import from_archive
from playground.checks import Check, Verdict
from playground.exports import EXPORTS, to_file, to_transcript
from playground.i18n import LANGUAGES, translator
from playground.messages import Conversation, Failure, Message, Usage
from tests.code_cases import KEY
from tests.export_cases import INFO, LOST, PERSONA, REPLIES, SETUP, WHEN, T, transcript, written
from tests.tables import table


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["markdown", "page", "notebook"])
def test_everything_is_told(kind: str, language: str) -> None:
    t = translator(language)
    lost = Conversation.opening("嗨！").say("Q1").answered(Message("assistant", "half", "Hmm.", LOST))
    full = transcript(
        "Lucky!", conversation=lost.say("Q2").answered(Message("assistant", "Lucky!", info=INFO))
    )
    text = unescape(written(kind, replace(full, remarks={4: ["ends with “Lucky!”: yes"]}), language))
    text = re.sub(r"\\([\\`*_\[\]<>#|~$&!])", r"\1", text)
    about = f"P & Co · m-1 · {t('reply.seconds', seconds='1.2')} · {t('exports.first_words', seconds='0.3')}"
    about += f" · {t('exports.read', count=120)} · {t('reply.tokens', count=34)} · {t('ended.length')}"
    for told in (
        t("exports.title", name=PERSONA.name),
        t("exports.by", date="2026-11-22 09:05", app=t("app.name")),
        *("嗨！", "Q1", "half", "Hmm.", t("reply.thinking"), t("exports.you"), "Q2", "Lucky!"),
        f"{about} · {t('reply.unused', names='seed')}",
        t("failure.rate_limited.what", provider="P & Co"),
        "Slow <b>down</b>",
        "ends with “Lucky!”: yes",
        *(["Be lucky.", "# Always", "temperature: 0.8", "max_tokens: 800"] if kind != "notebook" else []),
    ):
        assert told in text, told
    assert text.index("Q1") < text.index("half") < text.index("Q2") < text.rindex("Lucky!")


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_became_of_the_checks_is_told(kind: str) -> None:
    """In every kind of file, with the parameters and with who answered in what time."""
    checks = (
        Check(type="ends-with", value="Lucky!"),
        Check(type="max-chars", value=9),
        Check(type="llm-rubric", value="is merry"),
    )
    setup = replace(SETUP, persona=PERSONA.model_copy(update={"checks": checks}))
    said = transcript("Go away", "Lucky!").conversation
    merry = Verdict(checks[2], True, "judged", {"reason": "So merry."})
    judged = {(checks[2], said.messages[4]): merry}
    told = to_transcript(setup, said, when=WHEN, language="en", labels={}, judged=judged)
    text = written(kind, told)
    for one in ("m-1", "temperature", "800", "34", *(["1.2 s"] if kind != "json" else ["1.24"])):
        assert one in text, one
    if kind != "json":
        assert [unescape(text).count(mark) for mark in ("✓ ", "✗ ", "– expected")] == [4, 1, 1]
        return
    (chat,) = json.loads(text)["chats"]
    assert chat["parameters"] == told.settings
    assert [(one["message"], [c["passed"] for c in one["checks"]]) for one in chat["checks"]] == [
        (3, [False, True, None]),
        (5, [True, True, True]),
    ]
    (read,), damage = from_archive(text.encode())
    assert (read.conversation, damage) == (said, None)


@pytest.mark.parametrize("kind", ["markdown", "page", "notebook", "python"])
def test_what_a_reply_went_without_is_told(kind: str) -> None:
    bare = replace(INFO, left_out=("system_prompt", "footnotes"))
    told = written(kind, transcript("x", info=bare))
    assert "without: System prompt, footnotes" in told


def test_estimates_are_told() -> None:
    guessed = replace(INFO, usage=Usage(None, 34, estimated=True))
    assert T("reply.about_tokens", count=34) in written("markdown", transcript("x", info=guessed))


def test_codes_of_another_version() -> None:
    """A conversation that came from elsewhere may end in a way that has no words here."""
    odd = replace(INFO, ended="teleported", failure=Failure("gremlins", detail=""))
    for kind in ("markdown", "page", "notebook"):
        text = written(kind, transcript("x", info=odd))
        assert "teleported" in text
        assert "gremlins" in text


def blocks(markdown: str) -> list[tuple[str, str]]:
    """What stands at the top level: each block's type, with its heading, its code, or its source."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    found = []
    for at, token in enumerate(tokens):
        if token.level == 0 and token.nesting >= 0 and token.map:
            inner = tokens[at + 1].content if token.type == "heading_open" else token.content
            source = "\n".join(markdown.split("\n")[token.map[0] : token.map[1]])
            found.append((token.type, inner if token.type in ("heading_open", "fence") else source))
    return found


def tidy(text: str) -> str:
    """A text but for what Markdown never keeps: NUL, the kind of line ends, and spaces on empty lines."""
    lines = re.split("\r\n|\r|\n", text.replace("\x00", "\ufffd"))
    return "\n".join(line if line.strip() else "" for line in lines).rstrip("\n")


@table("reply", REPLIES)
@table("kind", ["markdown", "notebook"])
def test_markdown_stays_in_its_place(kind: str, reply: str) -> None:
    """Whatever a reply holds, the outline is ours, and the reply can be read back from its block."""
    text = REPLIES[reply]
    told = transcript(text, "AFTER", call=transcript().call)
    markdown = written("markdown", told)
    if kind == "notebook":
        raw = to_file(kind, told, T).content.decode()
        book: Any = nbformat.reads(raw, as_version=4)
        (at,) = (i for i, cell in enumerate(book.cells) if cell.source.endswith("> Q1"))
        markdown = book.cells[at + 1].source
    found = blocks(markdown)
    headings = [inner for kind_, inner in found if kind_ == "heading_open"]
    ours = [
        r"A conversation with 員瑛 \*Vicky\*",
        T("exports.system_prompt"),
        T("exports.settings"),
        T("exports.dialogue"),
    ]
    assert headings == (ours if kind == "markdown" else [])
    assert {kind_ for kind_, _ in found} <= {
        "heading_open",
        "paragraph_open",
        "bullet_list_open",
        "blockquote_open",
        "fence",
    }
    said = [(kind_, inner) for kind_, inner in found if kind_ in ("blockquote_open", "fence")]
    if not text:
        assert len(said) == (5 if kind == "markdown" else 0)
        return
    kind_, kept = said[3 if kind == "markdown" else 0]
    assert tidy(kept if kind_ == "fence" else re.sub("(?m)^> ?", "", kept)) == tidy(text)
    if kind == "markdown":
        assert said[-1] == ("blockquote_open", "> AFTER")


@table("reply", REPLIES)
@table("kind", ["markdown", "notebook"])
def test_markdown_fetches_and_runs_nothing(kind: str, reply: str) -> None:
    markdown = written(kind, transcript(REPLIES[reply], call=transcript().call))
    if kind == "notebook":
        markdown = markdown[: markdown.index(T("exports.notebook.install"))]
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    kinds = {child.type for token in tokens for child in (token, *(token.children or ()))}
    assert not kinds & {"image", "html_block", "html_inline"}


def test_python_asks_the_last_question_again() -> None:
    program = written("python", transcript("one", "two"))
    (messages,) = (
        k.value for k in ast.walk(ast.parse(program)) if isinstance(k, ast.keyword) and k.arg == "messages"
    )
    said = [m["content"] for m in ast.literal_eval(messages)]
    assert said == ["Be lucky.\n# Always", "嗨！", "Q1", "one", "Q2"]
    assert program.startswith(
        "# A conversation with 員瑛 *Vicky*\n# 2026-11-22 09:05, Persona Playground\n#\n# Reply 1\n"
    )


def test_json_is_read_back() -> None:
    lost = (
        Conversation.opening("嗨！")
        .say("A first\nquestion " * 9)
        .answered(Message("assistant", "", "Hmm.", LOST))
    )
    told = transcript(conversation=lost, slug="vicky_zh", when=WHEN.replace(tzinfo=UTC))
    (chat,), damage = from_archive(to_file("json", told, T).content)
    assert damage is None
    assert chat.conversation == lost
    assert (chat.persona, chat.updated) == ("vicky_zh", told.when.timestamp())
    assert chat.title == ("A first question " * 9)[:60]
    (chat,), _ = from_archive(to_file("json", replace(told, slug=""), T).content)
    assert chat.persona == PERSONA.name


KEYED: Mapping[str, Any] = {
    "reply": transcript(f"your key {KEY}"),
    "thinking": transcript(
        "x",
        conversation=Conversation((Message("user", "Q"), Message("assistant", "a", f"it is {KEY}", INFO))),
    ),
    "failure": transcript("", info=replace(LOST, failure=Failure("bad_key", 401, f"Incorrect key: {KEY}"))),
    "prompt": transcript("x", system_prompt=KEY),
    "persona": transcript("x", persona=f"Vicky {KEY}"),
    "slug": transcript("x", slug=KEY),
    "model": transcript("x", info=replace(INFO, model=KEY)),
    "label": transcript("x", labels={"p": KEY}),
    "remark": transcript("x", remarks={2: [KEY]}),
    "question": transcript("x", conversation=Conversation().say(KEY)),
    "request": transcript(
        "x", call=replace(transcript().call, headers={"X": KEY}, base_url=f"http://{KEY}/v1")
    ),
    "parameter": transcript(
        "x", call=replace(transcript().call, body={**transcript().call.body, "user": KEY})
    ),
}


@table("place", KEYED)
@table("kind", EXPORTS)
def test_never_a_key(kind: str, place: str) -> None:
    file = to_file(kind, KEYED[place], T)
    assert KEY.encode() not in file.content
    assert KEY not in file.name


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_key_that_looks_like_none(kind: str) -> None:
    """What the caller knows to be a key is masked whatever it looks like."""
    told = transcript("the word is mellon-friend", "so it is")
    assert "mellon-friend" in written(kind, told)
    assert "mellon-friend" not in written(kind, told, "en", "mellon-friend")


@pytest.mark.parametrize(
    ("persona", "name"),
    [
        ("員瑛式思考", "員瑛式思考-2026-11-22.md"),
        ("../../etc/passwd", "etc-passwd-2026-11-22.md"),
        ('A<B>:"/\\|?*\x00 C', "a-b-c-2026-11-22.md"),
        ("CON", "persona-con-2026-11-22.md"),
        ("", "chat-2026-11-22.md"),
        ("🍀", "persona-2026-11-22.md"),
        ("長" * 300, f"{'長' * 60}-2026-11-22.md"),
    ],
)
def test_name_of_the_file(persona: str, name: str) -> None:
    assert to_file("markdown", transcript("x", persona=persona), T).name == name


@table("kind", EXPORTS)
@table("language", LANGUAGES)
def test_nobody_and_nothing_said(kind: str, language: str) -> None:
    """Without a persona, and before a question, there is still a file."""
    setup = replace(SETUP, persona=None)
    told = to_transcript(setup, Conversation(), when=WHEN, language=language, labels={})
    if kind == "json":
        assert from_archive(to_file(kind, told, T).content)[1] is None
        return
    assert translator(language)("exports.nobody") in written(kind, told, language)


def test_half_a_character() -> None:
    """A broken emoji breaks no file."""
    for kind in EXPORTS:
        assert to_file(kind, transcript("half \ud83d of", "x"), T).content
