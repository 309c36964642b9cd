"""Who closes the tab reads no more, so the reply ends and the provider's connection with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground.reply import UNWATCHED
from tests.conftest import ROOT, App, Visit
from tests.fake_provider import FakeProvider, Script

SOON = 3.0
"""Seconds without a watcher, where the app itself waits two minutes."""


@pytest.fixture
def hasty(tmp_path: Path, provider: FakeProvider) -> Iterator[App]:
    """The app with SOON in place of UNWATCHED, from outside: Python reads such a file before anything else."""
    (tmp_path / "sitecustomize.py").write_text(f"from playground import reply\n\nreply.UNWATCHED = {SOON}\n")
    running = App(tmp_path, provider.base_url, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    yield running
    running.close()


def test_a_reply_waits_for_a_lost_connection_and_hardly_longer() -> None:
    """Streamlit keeps the session of a lost connection for 120 seconds."""
    assert 120 < UNWATCHED <= 130


@pytest.mark.usefixtures("quiet")
def test_a_closed_tab_ends_the_reply(
    hasty: App, visitor: Callable[..., Visit], provider: FakeProvider
) -> None:
    """As long as somebody looks, it goes on; with nobody there it would go on for a minute."""
    provider.script = Script(["word "] * 600, pace=0.1)
    visit = visitor().goes(hasty.url)
    visit.asks("A long story, please.")
    provider.wait_for(lambda: provider.chats)
    chat = provider.chats[0]
    provider.wait_for(lambda: chat.sent * 0.1 > SOON + 1)
    assert not chat.gone.is_set()
    visit.page.close()
    assert chat.gone.wait(30)
    assert chat.sent < 600
    assert chat.answered_at is None
    assert len(provider.chats) == 1
