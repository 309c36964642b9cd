"""What a browser may see of a model's reply: no fetch, no mark of Streamlit's own, no lost character."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.markdown_cases import CODE, JOINER, MARKS, PICTURES, code, documents, links, parsed, seen, tokens
from tests.tables import table
from ui.markdown import plain, safe


@table("source, words", PICTURES)
def test_an_image_becomes_words(source: str, words: str | None) -> None:
    shown = safe(source)
    assert "image" not in {token.type for token in tokens(shown)}
    assert words is None or seen(shown) == words


def test_an_image_becomes_a_link_to_its_page_unless_it_is_in_one() -> None:
    assert links(safe("![x](https://evil.tw/p)")) == ["https://evil.tw/p"]
    assert links(safe("[![x](https://evil.tw/p)](https://ci.tw)")) == ["https://ci.tw"]
    assert links(safe("![x](data:image/png,AAAA) ![y](/local)")) == []


@table(
    "source, target",
    [
        ("[a](https://a.tw/b_(c))", ["https://a.tw/b_(c)"]),
        ("[a](/rel 'title')", ["/rel"]),
        ("[a](mailto:a@b.tw)", ["mailto:a@b.tw"]),
        ("<https://a.tw>", ["https://a.tw"]),
        ("[a][r]\n\n[r]: https://a.tw", ["https://a.tw"]),
        ("[a](javascript:alert(1))", []),
        ("[a](data:text/html,x)", []),
        ("[a](ms-word:ofe|u|x)", []),
        ("[a](&#106;avascript:x)", []),
        ("<javascript:x>", []),
        ("[a][r]\n\n[r]: data:text/html,x", ["#"]),
        ("請看 https://a.tw/b，謝謝", ["https://a.tw/b"]),
    ],
)
def test_links(source: str, target: list[str]) -> None:
    assert links(safe(source)) == target


# The frontend's own replacements, as its bundle has them; each works on the text between two inline marks.
REPLACED = [
    *(rf"(^|\s){arrow}(\s|$)" for arrow in ("<->", "->", "<-", "--", ">=", "<=", "~=")),
    r":[\w-]*[a-zA-Z_][\w-]*:|:[+-]1:|:100:|:1234:",
    r":material_(\w+):",
]
DIRECTIVE = re.compile(r"(?<!\\):[^\s!-/:-@\[-`{-~]")


@table("source", MARKS)
@table("frame", ["{}", "**{}**", "- {}", "> {}", "# {}", "中文 {} 中文"])
def test_streamlits_own_marks_stay_characters(source: str, frame: str) -> None:
    for shown in (safe(frame.replace("{}", source)), plain(source)):
        for token in tokens(shown):
            if token.type == "text":
                assert not [rule for rule in REPLACED if re.search(rule, token.content, re.ASCII)]
        assert not DIRECTIVE.search(shown)
        assert ":material/" not in shown


@table(
    "words",
    [
        "12:30:45 a:b:c 上午 9:30",
        ":red[紅] :smile: a -> b",
        "a < b > c, 1 <2",
        "<b>bold</b> <!-- note --> <?php ?> <br/> </think>",
        "<details><summary>詳細</summary>",
        "$5 and $10; NT$30 到 US$5; $HOME",
        "10~20 元，30~40 元",
        "f(x) = [1, 2] {3} x_1 y^2 #tag @me",
        "C:\\Users\\me",
        "![x",
        "[x](",
        "```",
        "$$",
        "\\\\(",
    ],
)
def test_prose_is_seen_as_it_was_written(words: str) -> None:
    assert seen(safe(f"文 {words} 文")) == seen(f"文 {words} 文")
    assert seen(plain(words)) == words


@table(
    "source, shown",
    [
        ("設 $x$ 為", "設 $x$ 為"),
        ("設$x^2$為", "設$x^2$為"),
        ("\\(a+b\\)", "$a+b$"),
        ("\\( a + b \\)，\\[ c \\]", "$a + b$，$$c$$"),
        ("$$a$$", "$$a$$"),
        ("$$\na\n- b\n+ c % why\n$$", "$$a - b + c$$"),
        (
            "\\[\n\\begin{matrix} a \\\\[4pt] b \\end{matrix}\n\\]",
            "$$\\begin{matrix} a \\\\[4pt] b \\end{matrix}$$",
        ),
        ("> \\[\n> a\n> b\n> \\]\n> on", "> $$a b$$\n> on"),
        ("- so\n  $$\n  a\n  $$", "- so\n  $$a$$"),
        ("$a\nb$ c", "$a b$ c"),
        ("\\(a\\)\\(b\\)", f"$a${JOINER}$b$"),
        ("$a \\$ b$", "$a \\text{\\textdollar} b$"),
        ("$5 and $10; $a+b$", "\\$5 and \\$10; $a+b$"),
        ("$ a$ $b $", "\\$ a\\$ \\$b \\$"),
        ("$a$1 $b$c", "\\$a\\$1 \\$b\\$c"),
        ("US$5 和 A$", "US\\$5 和 A\\$"),
        ("$a\n\nb$", "\\$a\n\nb\\$"),
        ("$$\na\n\nb\n$$", "\\$\\$\na\n\nb\n\\$\\$"),
        ("$$ open", "\\$\\$ open"),
        ("\\[ open", "\\[ open"),
        ("`$a$` \\\\(b\\\\)", "`$a$` \\\\(b\\\\)"),
        ("$![x](u)$", "$! [x] (u)$"),
        ("\\$5", "\\$5"),
        ("$a`b$", "\\$a\\`b\\$"),
    ],
)
def test_mathematics(source: str, shown: str) -> None:
    assert safe(source) == shown


@table("source", CODE)
def test_code_stays_byte_for_byte(source: str) -> None:
    assert code(tokens(safe(source))) == code(parsed(source))
    if not source.startswith((" ", "\t")) and "      " not in source:
        assert safe(source) == source


@table("info", ["mermaid", "Mermaid", " mermaid theme=x", "mermaid-js", "mermaid{a}", "mer&#109;aid", "math"])
@table("mark", ["```", "~~~~"])
def test_a_drawing_is_shown_as_code(info: str, mark: str) -> None:
    assert safe(f"{mark}{info}\ngraph TD\n{mark}") == f"{mark}text\ngraph TD\n{mark}"


@pytest.mark.parametrize("info", ["mathematica", "c++", "objective-c", "python title=x", "mermaidx", ""])
def test_other_languages_keep_their_name(info: str) -> None:
    assert safe(f"```{info}\nx") == f"```{info}\nx"


@table(
    "source, shown",
    [
        ("a\x00b\x07c", "abc"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07end", "red end"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("\ud800 \udc00", "\ufffd \ufffd"),
        ("\ud83d\ude00", "😀"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\n\n \n  text", "text"),
        (" - a\n - b", "- a\n- b"),
        ("  - a\n  - b\n\nc", "- a\n- b\n\nc"),
        ("", ""),
        ("這是**「重點」**的", f"這是**{JOINER}「重點」{JOINER}**的"),
        ("2**(3)**4", "2**(3)**4"),
        ("a\n    [^1]:streamlit:", f"a\n    [^1]\\:{JOINER}streamlit:"),
        ("a[^1]\n\n[^1]: b\n[^2]: c", "a[^1]\n\n[^1]: b\n[^2]: c"),
    ],
)
def test_characters(source: str, shown: str) -> None:
    assert safe(source) == shown


@table(
    "words",
    [
        "# 1. - * + > a",
        "1. one",
        "- [x] **b** _i_ `c` ~d~ ~~e~~",
        "![x](https://evil.tw/p) [a](b) <b> &amp; \\",
        "meta-llama/Llama-3.1-8B_it:free",
        ":red[x] :smile: :material/home: a -> b",
        "$x$ | y | {z} \\(w\\)",
        "Error 400: 'model' isn't \"valid\"!",
    ],
)
def test_plain_shows_exactly_the_characters(words: str) -> None:
    assert seen(plain(words)) == words
    assert {token.type for token in tokens(plain(words))} <= {
        "paragraph_open",
        "inline",
        "text",
        "text_special",
        "paragraph_close",
    }


def test_the_name_of_an_icon_can_be_copied() -> None:
    assert "\u2060" not in plain("an icon: ':material/school:'")


def test_plain_is_one_line() -> None:
    assert seen(plain(" a\n\n  b\tc\x00\u202e \ud800")) == "a b c \ufffd"


@settings(deadline=None, max_examples=300)
@given(documents)
def test_no_image_and_no_html_survives(text: str) -> None:
    assert not {token.type for token in tokens(safe(text))} & {"image", "html_inline", "html_block"}


@settings(deadline=None, max_examples=300)
@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_is_taken(text: str) -> None:
    for shown in (safe(text), plain(text)):
        shown.encode()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert "\n" not in plain(text)


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_plain_is_seen_as_the_words_it_was_given(text: str) -> None:
    words = re.sub("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\u2060]", "", text)
    assert "".join(seen(plain(words)).split()) == "".join(words.split())


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("`~$![](): \n\t-a文<\\|>")))
def test_fenced_code_is_byte_for_byte_wherever_it_stands(text: str) -> None:
    body = "".join(f"{line}\n" for line in text.split("\n"))
    source = f"前\n\n``````py\n{body}``````\n\n後 ![x](u)"
    assert f"``````py\n{body}``````\n" in safe(source)
