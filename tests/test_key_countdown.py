"""The wait that a rate limit asks for, counted down in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.conftest import App, Visit
from tests.fake_provider import FakeProvider, Script, api_error

pytestmark = pytest.mark.usefixtures("quiet")


def limited(seconds: int | None) -> Script:
    headers = {"retry-after": str(seconds)} if seconds else {}
    return Script(status=429, body=api_error("Slow down"), headers=headers)


def test_each_wait_is_counted_down_from_its_own_seconds(
    app: App, visitor: Callable[..., Visit], provider: FakeProvider
) -> None:
    visit = visitor().goes(app.url)
    timer = visit.page.get_by_role("timer")
    provider.script = limited(29)
    visit.asks("Hello?")
    expect(timer).to_have_text(re.compile(r"Try again in 2\d s"))
    expect(timer).to_have_text(re.compile(r"Try again in 2[0-7] s"))
    provider.script = limited(None)
    visit.page.get_by_role("button", name="Retry").click()
    expect(timer).to_have_text(re.compile(r"Try again in (60|5\d) s"))
    provider.script = limited(99)
    visit.page.get_by_role("button", name="Retry").click()
    expect(timer).to_have_text(re.compile(r"Try again in 9\d s"))
    visit.page.clock.set_system_time(datetime.now() + timedelta(seconds=100))
    expect(timer).to_have_text("You can try again now.")
    assert len(provider.chats) == 3, "nobody asks again but the visitor"
    visit.page.close()  # Its clock is set.
