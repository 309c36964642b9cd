"""Conversations to export: with replies that would leave their place, come alive, or are hard to write down."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import nbformat

from playground.exports import Transcript, to_file, to_transcript
from playground.i18n import translator
from playground.messages import Conversation, Failure, Message, ReplyInfo, Usage
from playground.personas import Persona
from playground.providers import Model, Provider, Quirks
from playground.wire import Setup
from tests.code_cases import TEXTS

WHEN = datetime(2026, 11, 22, 9, 5)
T = translator("en")
PERSONA = Persona(name="員瑛 *Vicky*", system_prompt="Be lucky.\n# Always", temperature=0.8, greeting="嗨！")
SETUP = Setup(
    Provider(id="p", label="P", base_url="http://p.example/v1", secret="P", api_key_env=("P_API_KEY",)),
    Model(id="m-1"),
    Quirks(),
    PERSONA,
)
INFO = ReplyInfo("p", "m-1", "length", 1.24, 0.31, Usage(120, 34), unused=("seed",))
LOST = replace(
    INFO, ended="failed", usage=Usage(), failure=Failure("rate_limited", 429, "Slow <b>down</b>", 5.0, True)
)

REPLIES = {
    "a fence": "See:\n\n```python\nprint('hi')\n```\nDone.",
    "a fence that never ends": "```\nfirst\n# no heading",
    "longer fences": "`````md\n````\n```\n````\n`````",
    "tildes": "~~~\ncode",
    "headings": "# One\n## Two\n\nThree\n=====\n\n---\n",
    "a table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "a list": "1. one\n   - two\n\n     three\n2. four",
    "a quote": "> said\n>> and again\nlazy",
    "other line ends": "one\r\n# two\rthree\r# four",
    "tabs": "-\tone\n\n\tindented",
    "html": "<div>\n\n# in\n\n</div><script>alert(1)</script><!-- never closed",
    "html in bold": "**<img src=x onerror=alert(1)>** and `<img src=x>`\n# <img src=x>\n```<img src=x>\n<img src=x>",
    "an image": "![x](http://evil.example/?d=1) and ![y][z]\n\n[z]: http://evil.example/z",
    "an image in a fence": "```\n![x](http://evil.example/)\n``````",
    "entities": "&lt;b&gt; &amp; &copy; <",
    **TEXTS,
}


def transcript(*replies: str, info: ReplyInfo = INFO, **changes: Any) -> Transcript:
    conversation = Conversation.opening("嗨！")
    for number, reply in enumerate(replies, 1):
        conversation = conversation.say(f"Q{number}").answered(Message("assistant", reply, info=info))
    made = to_transcript(SETUP, conversation, when=WHEN, language="en", labels={"p": "P & Co"})
    return replace(made, **changes)


def written(kind: str, told: Transcript, language: str = "en", *keys: str) -> str:
    """The file's text; of a notebook what its cells say."""
    text = to_file(kind, told, translator(language), *keys).content.decode()
    if kind != "notebook":
        return text
    book: Any = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    return "\n\n".join(cell.source for cell in book.cells)
