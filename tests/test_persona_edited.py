"""A persona's file as somebody edits it while others talk to the persona."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fake_provider import FakeProvider
from tests.test_pages import Opened, ask, folder, opened

__all__ = ["folder", "opened"]


def test_a_slip_in_the_file_does_not_part_a_dialogue_from_its_persona(
    opened: Opened, folder: Path, provider: FakeProvider
) -> None:
    file = folder / "01_vicky.yaml"
    good = file.read_text("utf-8")
    test = ask(opened(), "Rain again")
    file.write_text("name：Vicky\n", "utf-8")
    ask(test, "And now?")
    assert ["needs mending" in warning.value for warning in test.warning] == [True]
    file.write_text(good, "utf-8")
    ask(test, "And then?")
    assert not test.warning
    prompts = {chat.json["messages"][0]["content"] for chat in provider.chats}
    assert prompts == {"You turn bad luck into luck."}


@pytest.mark.parametrize("avatar", [":material/teacher:", "🇦🇦", "🍀🏿", "\U0001f100"])
def test_a_face_that_streamlit_does_not_have_is_a_mask(opened: Opened, folder: Path, avatar: str) -> None:
    (folder / "00_first.yaml").write_text(
        f'name: First\nsystem_prompt: Be kind.\navatar: "{avatar}"\n', "utf-8"
    )
    test = ask(opened(persona="first"), "Hello")
    assert test.title[0].value == "🎭  First"
    assert [message.avatar for message in test.chat_message] == [":material/person:", "🎭"]
    assert not test.switch_page("pages/gallery.py").run().exception
    assert not test.switch_page("pages/workshop.py").run().exception
