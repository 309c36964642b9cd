"""A request as a notebook for Colab or Jupyter, each step explained; the key is asked for and never in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.i18n import Translator
from playground.snippets import Call, comment, python_arguments, python_client, python_literal, python_text

INSTALL = "%pip install --quiet openai"


def as_notebook(call: Call, t: Translator, title: str, before: Sequence[str] = ()) -> bytes:
    """A notebook (nbformat 4, UTF-8) that sends the call; `title` and the cells `before` are Markdown.

    Equal calls give equal bytes.
    """
    # It takes a tenth of a second, which only the one who wants a notebook should wait.
    import nbformat

    untyped: Any = nbformat
    v4 = untyped.v4
    call = call.masked()
    steps = [("markdown", f"# {title}\n\n{t('exports.notebook.intro')}")]
    steps += [("markdown", text) for text in before]
    steps += [("markdown", t("exports.notebook.install")), ("code", INSTALL)]
    if call.variable:
        words = t("exports.notebook.key", secret=call.secret or call.variable)
        steps += [("markdown", words), ("code", _key(call, t))]
    steps += [
        ("markdown", t("exports.notebook.client")),
        ("code", "\n".join(["from openai import OpenAI", "", *python_client(call, t)])),
        ("markdown", t("exports.notebook.messages")),
        ("code", f"messages = {python_literal(call.body['messages'])}"),
        ("markdown", t("exports.notebook.ask")),
        ("code", _ask(call)),
        ("markdown", t("exports.notebook.go_on")),
        ("code", _go_on(t)),
    ]
    cells = []
    for number, (kind, source) in enumerate(steps, 1):
        new = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
        cells.append(new(source, id=f"step-{number}"))
    language = {"name": "python"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})
    return f"{untyped.writes(book)}\n".encode("utf-8", "replace")


def _key(call: Call, t: Translator) -> str:
    name = call.secret or call.variable
    asked = f"os.environ.get({python_text(call.variable)}) or getpass({python_text(f'{name} API key: ')})"
    lines = ["import os", "from getpass import getpass", ""]
    if not call.secret:
        return "\n".join([*lines, f"api_key = {asked}"])
    lines += ["try:", "    from google.colab import userdata", ""]
    lines += [f"    api_key = userdata.get({python_text(call.secret)})"]
    lines += [f"except Exception:  {comment('#', t('exports.notebook.no_secret'))}", f"    api_key = {asked}"]
    return "\n".join(lines)


def _ask(call: Call) -> str:
    arguments = (
        f"    {line}" for part in python_arguments(call.body, "messages") for line in part.split("\n")
    )
    return "\n".join(
        [
            "def ask(messages):",
            '    reply = ""',
            "    stream = client.chat.completions.create(",
            *arguments,
            "    )",
            "    for chunk in stream:",
            "        if chunk.choices and chunk.choices[0].delta.content:",
            "            reply += chunk.choices[0].delta.content",
            '            print(chunk.choices[0].delta.content, end="", flush=True)',
            "    print()",
            "    return reply",
            "",
            "",
            "reply = ask(messages)",
        ]
    )


def _go_on(t: Translator) -> str:
    return "\n".join(
        [
            f'question = ""  {comment("#", t("exports.notebook.question"))}',
            "",
            "if question:",
            '    messages.append({"role": "assistant", "content": reply})',
            '    messages.append({"role": "user", "content": question})',
            "    reply = ask(messages)",
        ]
    )
