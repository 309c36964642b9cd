"""What a student sees who waits behind others on the class's key, and that a key of one's own waits for nobody."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from playground.limits import Limits, Pace
from tests.fake_provider import FakeProvider
from tests.test_pages import Opened, ask, folder, opened, said
from ui import session, watching

__all__ = ["folder", "opened"]


@pytest.mark.parametrize(
    ("typed", "told", "key"),
    [
        ("", ["Many share this key. Your place in the queue: 2, about 20 s."], "a-shared-key-0123456789"),
        ("a-key-of-my-own-0123456789", [], "a-key-of-my-own-0123456789"),
    ],
    ids=["the class's key", "a key of one's own"],
)
def test_a_place_in_the_queue(
    opened: Opened,
    folder: Path,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    told: list[str],
    key: str,
) -> None:
    """Ann's reply is being written and Ben's is next, until the student has been told something."""
    file = folder.parent / "providers.yaml"
    file.write_text(
        file.read_text("utf-8").replace("    secret: Keyed", "    pace: {at_once: 1}\n    secret: Keyed")
    )
    monkeypatch.setenv("KEYED_API_KEY", "a-shared-key-0123456789")
    limits, lane, news = Limits(lambda: 0.0), ("keyed", "shared"), []
    progress = watching._progress
    with ExitStack() as others:

        def heard(*about: Any) -> str:
            if about[-1] == "queued":
                news.append(progress(*about))
                others.close()
            return progress(*about)

        monkeypatch.setattr(watching, "_progress", heard)
        monkeypatch.setattr(session, "limits", lambda: limits)
        test = opened(provider="keyed", persona="vicky")
        if typed:
            test.text_input(key="api_key").set_value(typed).run()
        ann, _ = (others.enter_context(limits.admit(lane, Pace(at_once=1), name)) for name in ("ann", "ben"))
        assert ann.wait(lambda: False)
        ask(test, "Why?")
    assert news[:1] == told
    assert said(test)[-1] == "You asked: Why?"
    assert provider.chats[-1].authorization == f"Bearer {key}"
