"""A persona whose file is renamed or removed while its dialogue is on screen, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from streamlit.testing.v1 import AppTest

from tests.fake_provider import FakeProvider, Script
from tests.test_pages import Opened, ask, folder, opened, said
from ui import keeping
from ui.session import Session

__all__ = ["folder", "opened"]

BEAR = """
name: Honey Bear
avatar: 🐻
greeting: I am a bear.
system_prompt: You are a bear.
checks: [{type: ends-with, value: Honey!}]
"""
CHECK = "checks: [{type: ends-with, value: Lucky!}]\n"


@pytest.fixture
def bear(folder: Path, provider: FakeProvider) -> Path:
    """The file of a bear; whoever comes first in the folder has a check of its own."""
    provider.script = lambda body: Script(["Honey!" if "bear" in system(body) else "Lucky!"])
    vicky = folder / "01_vicky.yaml"
    vicky.write_text(vicky.read_text("utf-8") + CHECK, "utf-8")
    file = folder / "20_honey.yaml"
    file.write_text(BEAR, "utf-8")
    return file


@pytest.fixture
def begun(opened: Opened, bear: Path) -> AppTest:
    """A dialogue with the bear, of one reply."""
    test = ask(opened(persona="honey"), "Who are you?")
    assert verdicts(test) == ["Honey"]
    return test


def system(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"])


def visit(test: AppTest) -> Session:
    return cast(Session, test.session_state["session"])


def verdicts(test: AppTest) -> list[str]:
    """Whose checks were kept or not, a word for each line about them."""
    lines = [one.value for one in test.main.caption if "✓" in one.value or "✗" in one.value]
    return ["Lucky" if "Lucky" in line else "Honey" for line in lines]


def away(test: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in test.main.warning if "is not here" in one.value]


def faces(test: AppTest) -> list[str]:
    return [one.avatar for one in test.chat_message if one.name == "assistant"]


TOLD = "This chat's persona is not here: Honey Bear. Whoever is shown here answers if you go on."
ACTIONS: dict[str, Callable[[AppTest], object]] = {
    "question": lambda test: ask(test, "And now?"),
    "toggle": lambda test: test.toggle(key="large_text").set_value(True).run(),
    "delete": lambda test: test.button(key="delete").click().run(),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_it_is_told_by_name_whatever_comes_next(begun: AppTest, bear: Path, action: str) -> None:
    bear.rename(bear.with_name("20_panda.txt"))
    ACTIONS[action](begun)
    assert away(begun) == [TOLD]
    assert away(begun.run()) == [TOLD]
    assert begun.title[0].value == "🍀  Vicky"


def test_the_first_question_of_all_is_not_put_to_another_in_silence(opened: Opened, bear: Path) -> None:
    test = opened(persona="honey")
    bear.unlink()
    assert away(test.run()) == [TOLD]
    assert (said(test), faces(test)) == (["Hi! What went wrong today?"], ["🍀"])
    assert away(ask(test, "Hello")) == [TOLD]
    bear.write_text(BEAR, "utf-8")
    assert faces(test.run()) == ["🎭", "🎭"]
    test.button(key="delete").click().run()
    assert (said(test), faces(test)) == (["I am a bear."], ["🐻"])


def test_old_replies_get_neither_checks_nor_face_of_who_stands_in(begun: AppTest, bear: Path) -> None:
    bear.unlink()
    assert verdicts(begun.run()) == []
    assert set(faces(begun)) == {"🎭"}
    ask(begun, "And now?")
    assert said(begun)[-1] == "Lucky!"
    assert verdicts(begun.run()) == ["Lucky"]
    assert faces(begun) == ["🎭", "🎭", "🍀"]


def test_the_dialogue_is_its_own_again_when_the_file_is_back(begun: AppTest, bear: Path) -> None:
    bear.unlink()
    ask(begun, "And now?")
    bear.write_text(BEAR, "utf-8")
    ask(begun, "And then?")
    assert not away(begun)
    assert begun.title[0].value == "🐻  Honey Bear"
    assert begun.query_params["persona"] == "honey"
    assert [text for text in said(begun) if "!" in text] == ["Honey!", "Lucky!", "Honey!"]
    assert faces(begun.run()) == ["🐻", "🐻", "🎭", "🐻"]
    assert verdicts(begun) == ["Honey", "Honey"]
    assert len(visit(begun).chats) == 1
    assert keeping.listed(visit(begun))[0].persona == "honey"


def test_who_stands_in_can_be_talked_to_anew(begun: AppTest, bear: Path) -> None:
    bear.unlink()
    begun.run()
    begun.button(key="new_chat").click().run()
    assert not away(begun)
    assert said(begun) == ["Hi! What went wrong today?"]
    bear.write_text(BEAR, "utf-8")
    begun.run()
    assert begun.title[0].value == "🍀  Vicky"
    earlier = next(one.id for one in keeping.listed(visit(begun)))
    begun.button(key=f"chat_{earlier}").click().run()
    assert (begun.title[0].value, away(begun)) == ("🐻  Honey Bear", [])


def test_a_dialogue_opened_from_the_list_is_told_of_too(opened: Opened, begun: AppTest, bear: Path) -> None:
    begun.button(key="new_chat").click().run()
    bear.unlink()
    begun.selectbox(key="persona").select("vicky").run()
    earlier = next(one.id for one in keeping.listed(visit(begun)))
    begun.button(key=f"chat_{earlier}").click().run()
    assert away(begun) == [TOLD]


def test_a_reload_brings_the_dialogue_back(opened: Opened, begun: AppTest, bear: Path) -> None:
    bear.unlink()
    begun.run()
    before = visit(begun)
    told = {"token": before.token, "chat": before.chat_id, "persona": before.persona}
    test = opened(persona=before.persona)
    keeping.recognise(visit(test), told)
    test.run()
    assert visit(test).chat_id == before.chat_id
    assert away(test) == [TOLD]
    other = opened(persona="teacher")
    keeping.recognise(visit(other), told)
    assert other.run().title[0].value == "🧑‍🏫  王老師"
