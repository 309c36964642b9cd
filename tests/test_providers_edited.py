"""providers.yaml as somebody edits it while a class uses it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.fake_provider import FakeProvider
from tests.test_pages import Opened, ask, folder, opened, said

__all__ = ["folder", "opened"]

SLIPS = {
    "colon": ("    label: Keyed", "    label Keyed"),
    "key": ("    label: Keyed", "    lable: Keyed\n    kind: clowd"),
    "empty": ("", ""),
}


@pytest.fixture
def file(folder: Path) -> Path:
    return folder.parent / "providers.yaml"


def slip(file: Path, name: str = "colon") -> None:
    """Save the file with a slip; a later save has a later time, however coarse the clock of the disk."""
    right, wrong = SLIPS[name]
    save(file, file.read_text("utf-8").replace(right, wrong) if right else "")


def save(file: Path, text: str) -> None:
    later = file.stat().st_mtime + 2 if file.exists() else 1_000_000_000
    file.write_text(text, "utf-8")
    os.utime(file, (later, later))


def hints(test: AppTest) -> list[str]:
    labels = [link.proto.label for link in test.sidebar.get("page_link")]
    return [label for label in labels if "needs mending" in label or "需要修正" in label]


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_ends_no_chat(opened: Opened, file: Path, provider: FakeProvider, name: str) -> None:
    good = file.read_text("utf-8")
    test = opened(provider="keyed")
    assert not hints(test)
    test.text_input(key="api_key").set_value("sk-own-0123456789abcdef").run()
    slip(file, name)
    ask(test, "Still there?")
    assert not test.error
    assert provider.chats[-1].headers["authorization"] == "Bearer sk-own-0123456789abcdef"
    assert "Still there?" in said(test)
    assert hints(test) == ["The backends' file needs mending"]
    save(file, good)
    ask(test, "And now?")
    assert not hints(test)
    assert test.text_input(key="api_key").value == "sk-own-0123456789abcdef"


@pytest.mark.parametrize(("language", "told"), [("en", "as it was before"), ("zh-TW", "照先前的設定")])
def test_who_arrives_meanwhile_gets_what_was_there(
    opened: Opened, file: Path, language: str, told: str
) -> None:
    opened()
    slip(file)
    test = opened("providers", language=language)
    assert hints(test)
    assert [h.value for h in test.main.subheader] == ["Fake", "Keyed"]
    box = next(one for one in test.main.expander if "providers" in one.label)
    assert told in box.caption[0].value
    assert "label: …" in "".join(one.value for one in box.markdown).replace("\\", "")


def test_a_file_that_is_away_for_a_moment_ends_no_chat(opened: Opened, file: Path) -> None:
    good = file.read_text("utf-8")
    file.unlink()
    test = AppTest.from_file("../streamlit_app.py", default_timeout=30).run()
    assert test.error
    save(file, good)
    test.run()
    assert not test.error
    file.unlink()
    assert not ask(test, "Still there?").error


def test_where_there_never_was_a_good_one_a_button_looks_again(opened: Opened, file: Path) -> None:
    good = file.read_text("utf-8")
    slip(file)
    test = AppTest.from_file("../streamlit_app.py", default_timeout=30)
    test.query_params["persona"], test.query_params["provider"] = "teacher", "keyed"
    test.run()
    assert "providers.yaml cannot be read" in test.error[0].value.replace("\\", "")
    test.button(key="look_again").click().run()
    assert test.error
    save(file, good)
    test.button(key="look_again").click().run()
    assert not test.error
    assert test.title[0].value == "🧑‍🏫  王老師"
    assert test.selectbox(key="provider").value == "keyed"
