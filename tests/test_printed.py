"""The page to print: whole, in its language, and nothing that a model wrote comes alive in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.export_cases import REPLIES, transcript, written
from tests.tables import table


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.articles: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "article":
            self.articles.append("")

    def handle_data(self, data: str) -> None:
        if self.articles:
            self.articles[-1] += data


INERT = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "h3",
    "p",
    "section",
    "main",
    "article",
}
INERT |= {"div", "pre", "code", "b"}


@table("reply", REPLIES)
def test_page_is_inert_and_whole(reply: str) -> None:
    text = REPLIES[reply]
    everywhere = transcript(
        text, persona=text or "x", system_prompt=text, labels={"p": text}, remarks={0: [text]}
    )
    raw = written("page", everywhere)
    page = Page(raw)
    assert page.tags <= INERT
    assert page.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert not re.search(r"url\(|@import", raw)
    shown = "".join(page.articles[2].split())
    for word in re.sub(r"[`~*#]|(?<=`)\w+$", " ", text).split():
        assert "".join(word.split()) in re.sub(r"[`~*#]", "", shown) or word in ("python", "md"), word


def test_page_draws_code_and_bold() -> None:
    raw = written("page", transcript("## Head\n**bold** and `**code** <b>`\n```py\n<i>**x**\n```\n**open"))
    assert '<div class="text"><b>Head</b>\n<b>bold</b> and <code>**code** &lt;b&gt;</code></div>' in raw
    assert '<pre>&lt;i&gt;**x**</pre><div class="text">**open</div>' in raw


@pytest.mark.parametrize(("language", "lang"), [("en", "en"), ("zh-TW", "zh-TW")])
def test_page_says_its_language(language: str, lang: str) -> None:
    assert f'<html lang="{lang}">' in written("page", transcript("x", language=language), language)
