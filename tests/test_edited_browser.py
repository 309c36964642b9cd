"""Files that are edited under a visitor's hands, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import App, Visit
from tests.fake_provider import FakeProvider, echo

BEAR = "name: Honey Bear\navatar: 🐻\ngreeting: I am a bear.\nsystem_prompt: You are a bear.\n"


@pytest.fixture
def edited(tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider) -> Iterator[App]:
    provider.reset()
    provider.script = echo
    running = App(tmp_path_factory.mktemp("edited"), provider.base_url)
    yield running
    running.close()


def test_a_class_goes_on_while_its_files_are_edited(edited: App, visitor: Callable[..., Visit]) -> None:
    bear, providers = edited.personas / "20_honey.yaml", edited.personas.parent / "providers.yaml"
    bear.write_text(BEAR, "utf-8")
    good = providers.read_text("utf-8")
    visit = visitor().goes(f"{edited.url}/?persona=honey&provider=fake")
    visit.asks("Who are you?")
    visit.sees("You asked: Who are you?")
    away = visit.screen.get_by_text("persona is not here: Honey Bear")

    bear.unlink()
    visit.asks("And now?")
    visit.sees("You asked: And now?")
    away.wait_for()
    visit.page.reload()
    visit.sees("You asked: And now?")
    away.wait_for()

    providers.write_text(good.replace("label: Fake", "label Fake"), "utf-8")
    os.utime(providers, (2_000_000_000, 2_000_000_000))
    visit.asks("Still there?")
    visit.sees("You asked: Still there?")
    visit.sees("The backends' file needs mending")

    bear.write_text(BEAR, "utf-8")
    visit.asks("And then?")
    visit.sees("You asked: And then?")
    visit.page.get_by_role("heading", level=1).get_by_text("Honey Bear").wait_for()
    away.wait_for(state="hidden")
