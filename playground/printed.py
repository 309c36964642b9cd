"""A conversation as one HTML page to print: it holds all it needs, fetches nothing and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

# Whatever a model wrote is escaped; should anything slip through all the same, this forbids it to do harm.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_EMPHASIS = re.compile(r"`([^`\n]{1,400})`|\*\*(?=[^\s*])([^\n*]{1,400})(?<!\s)\*\*")
_LINE_END = re.compile(r"\r\n|\r|\n")


class Said(NamedTuple):
    """One message of the page, and under it what there is to know of it."""

    role: str
    speaker: str
    content: str
    reasoning: str
    notes: Sequence[str]


def as_page(
    language: str, title: str, by: str, about: Iterable[tuple[str, str]], said: Iterable[Said], thinking: str
) -> str:
    """The page: `about` are headings with texts shown as they are, `thinking` the word above what a model thought."""
    body = [f"<h1>{_line(title)}</h1>", f'<p class="by">{_line(by)}</p>']
    body += [
        f'<section class="about"><h2>{_line(head)}</h2><div class="text">{escape(text)}</div></section>'
        for head, text in about
    ]
    body += ["<main>", *(_article(one, thinking) for one in said), "</main>"]
    return _PAGE.format(
        language=_line(language), policy=_POLICY, title=_line(title), style=_STYLE, body="\n".join(body)
    )


def _article(said: Said, thinking: str) -> str:
    parts = [f'<article class="{_line(said.role)}">', f"<h2>{_line(said.speaker)}</h2>"]
    if said.reasoning:
        parts.append(f'<div class="thinking"><h3>{_line(thinking)}</h3>{_text(said.reasoning)}</div>')
    if said.content:
        parts.append(_text(said.content))
    parts += [f'<p class="note">{_line(note)}</p>' for note in said.notes]
    return "".join([*parts, "</article>"])


def _text(text: str) -> str:
    """A text as it was written, line for line; only code, bold and headings are drawn as such."""
    out: list[str] = []
    prose: list[str] = []
    code: list[str] = []
    fence = ""
    for line in _LINE_END.split(text):
        mark = _FENCE.fullmatch(line)
        if fence and mark and mark[1].startswith(fence) and not mark[2].strip():
            out.append(f"<pre>{escape(chr(10).join(code))}</pre>")
            fence, code = "", []
        elif fence:
            code.append(line)
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            out.append(_prose(prose))
            fence, prose = mark[1], []
        else:
            prose.append(line)
    out.append(f"<pre>{escape(chr(10).join(code))}</pre>" if fence else _prose(prose))
    return "".join(out)


def _prose(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    if not text.strip():
        return ""
    drawn = (
        f"<b>{_inline(line.lstrip('# '))}</b>" if re.match(r"#{1,6} ", line) else _inline(line)
        for line in text.split("\n")
    )
    return f'<div class="text">{chr(10).join(drawn)}</div>'


def _inline(line: str) -> str:
    out, at = [], 0
    for found in _EMPHASIS.finditer(line):
        out.append(escape(line[at : found.start()]))
        code, strong = found.groups()
        out.append(f"<code>{escape(code)}</code>" if code else f"<b>{escape(strong)}</b>")
        at = found.end()
    return "".join([*out, escape(line[at:])])


def _line(text: str) -> str:
    return escape(" ".join(text.split()))


_PAGE = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""

_STYLE = """
:root { color-scheme: light; --ink: #1c1b22; --quiet: #5d5a69; --line: #d9d6e3; --mine: #eeebfb; --code: #f5f4f8 }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 44rem; color: var(--ink); background: #fff;
  font: 16px/1.65 system-ui, "Noto Sans TC", "Noto Sans CJK TC", "PingFang TC", "Microsoft JhengHei", sans-serif;
  overflow-wrap: anywhere }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.3 }
h2, h3 { margin: 0 0 .3rem; font-size: .85rem; font-weight: 600; color: var(--quiet) }
.by { margin: .25rem 0 1.75rem; font-size: .85rem; color: var(--quiet) }
.text { white-space: pre-wrap }
.text + pre, pre + .text { margin-top: .6rem }
pre, code { font: .88em/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK TC", monospace;
  background: var(--code) }
code { padding: .1em .3em; border-radius: .25em }
pre { margin: 0; padding: .7rem .9rem; border-radius: .4rem; white-space: pre-wrap }
.about { padding: 0 0 1rem }
.about .text { font-size: .92rem }
main { padding-top: 1.5rem; border-top: 1px solid var(--line) }
article { margin: 0 0 1.4rem; padding: .15rem 0 .15rem 1rem; border-left: 3px solid var(--line) }
article.user { padding: .7rem 1rem; border-left-color: #6b5bd2; border-radius: 0 .5rem .5rem 0;
  background: var(--mine) }
.thinking { margin: 0 0 .8rem; font-size: .88rem; color: var(--quiet) }
.note { margin: .45rem 0 0; font-size: .78rem; color: var(--quiet) }
.note + .note { margin-top: .1rem }
@page { margin: 18mm 16mm }
@media print {
  body { padding: 0; max-width: none; font-size: 11pt }
  article.user, pre, code { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  h1, h2, h3 { break-after: avoid }
  .note { break-before: avoid }
  .text, pre { orphans: 3; widows: 3 }
}
"""
