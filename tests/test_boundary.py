"""What nobody foresaw: a sentence and a number on the page, its place in the log, and nothing lost."""

from __future__ import annotations

import pytest

from playground import failures
from tests.conftest import REPORT
from tests.fake_provider import FakeProvider
from tests.test_pages import Opened, folder, opened, said
from ui import watching

__all__ = ["folder", "opened"]


def test_error_in_the_page_does_not_touch_the_reply(
    opened: Opened, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*anything: object) -> None:
        raise RuntimeError("sk-secret-0123456789")

    test = opened(lang="zh-TW")
    with monkeypatch.context() as patch:
        patch.setattr(watching, "watch", broken)
        patch.setattr(failures, "report", REPORT)
        test.chat_input[0].set_value("The tea is cold.").run()
    (told,) = [box.value for box in test.error]
    assert "這個應用程式出了點問題" in told
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert told[-8:] in line
    assert "RuntimeError at test_boundary.py" in line
    assert not test.exception
    assert "secret" not in caplog.text + told
    test.run()
    assert not test.error
    assert said(test)[-1] == "You asked: The tea is cold."
    assert len(provider.chats) == 1
