"""Both languages hold the same words, and no page holds a word of its own."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest
import streamlit

from playground.i18n import LANGUAGES, choose_language, locale, streamlit_words, translator
from tests.tables import table

ROOT = Path(__file__).resolve().parent.parent
SCREEN = [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py"), *(ROOT / "ui").glob("*.py")]
SHOWN = {
    "title",
    "header",
    "subheader",
    "markdown",
    "caption",
    "text",
    "info",
    "warning",
    "error",
    "success",
    "button",
}
SHOWN |= {
    "text_input",
    "text_area",
    "selectbox",
    "slider",
    "select_slider",
    "toggle",
    "pills",
    "page_link",
    "expander",
}
SHOWN |= {
    "segmented_control",
    "chat_input",
    "popover",
    "toast",
    "download_button",
    "checkbox",
    "radio",
    "link_button",
}


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_same_keys() -> None:
    assert set(locale("en")) == set(locale("zh-TW"))


def test_same_slots() -> None:
    ours, theirs = locale("en"), locale("zh-TW")
    assert [key for key in ours if slots(ours[key]) != slots(theirs[key])] == []
    assert [key for key in ours if bool(ours[key].strip()) != bool(theirs[key].strip())] == []


def test_chinese_is_chinese() -> None:
    """A sentence that was never translated has no Chinese character in it."""
    excused = re.compile(r"\{\w+\}|[\d\W]|tokens?|API|URL")
    for key, text in locale("zh-TW").items():
        bare = excused.sub("", text)
        if bare and not key.endswith("_code"):
            assert re.search(r"[\u4e00-\u9fff]", text), key


def literals(path: Path) -> list[str]:
    """Letters that a Streamlit call would put on screen without going through the words."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in SHOWN
            )
            or ast.unparse(node.func.value) == "log"
        ):
            continue
        given = [
            *node.args[:1],
            *(k.value for k in node.keywords if k.arg in ("label", "help", "placeholder")),
        ]
        for value in given:
            texts = [value] if isinstance(value, ast.Constant) else []
            if isinstance(value, ast.JoinedStr):
                texts = [part for part in value.values if isinstance(part, ast.Constant)]
            for text in texts:
                plain = re.sub(r":[\w/]+:|:\w+\[", "", str(text.value))
                if re.search(r"[^\W\d_]", plain) and not str(text.value).endswith(".py"):
                    found.append(f"{path.name}:{node.lineno} {text.value!r}")
    return found


def test_no_literals() -> None:
    assert {path.name: found for path in SCREEN if (found := literals(path))} == {}


def test_literals_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text(
        'st.button("Go")\nst.caption(f"{x} tokens")\nst.info(t("a.b"))\nst.page_link("pages/x.py")\n'
    )
    assert len(literals(page)) == 2


def test_used_keys_exist() -> None:
    """Every key that code names in full is in the words."""
    known = set(locale("en"))
    for path in [*SCREEN, *(ROOT / "playground").glob("*.py")]:
        for key in re.findall(r"""\bt\(\s*["']([\w.]+)["']""", path.read_text("utf-8")):
            assert key in known, f"{path.name}: {key}"


@table(
    "wishes, language",
    [
        (("zh-TW",), "zh-TW"),
        (("zh-Hant-HK",), "zh-TW"),
        (("zh_CN",), "zh-TW"),
        (("en-GB",), "en"),
        (("fr-FR",), "en"),
        ((None, "zh-TW"), "zh-TW"),
        (("en", "zh-TW"), "en"),
        (("xx", "zh-TW"), "zh-TW"),
        ((), "en"),
    ],
)
def test_choose_language(wishes: tuple[str | None, ...], language: str) -> None:
    assert choose_language(*wishes) == language


def test_translator_fills_slots() -> None:
    for language in LANGUAGES:
        assert "7" in translator(language)("reply.tokens", count=7)
    with pytest.raises(KeyError):
        translator("en")("no.such.key")


def test_streamlit_still_writes_what_is_translated() -> None:
    scripts = "".join(
        path.read_text("utf-8") for path in Path(streamlit.__file__).parent.rglob("static/js/*.js")
    )
    for language, words in streamlit_words().items():
        assert language in LANGUAGES
        for said, ours in words.items():
            assert slots(said) == slots(ours), said
            # Its own code puts these together of pieces too.
            pieces = r"\{\w+\}|apply|user|assistant|\w+(?= icon)|(?<=directory)|(?<=to exist)"
            for part in re.split(pieces, said):
                assert part in scripts, said
