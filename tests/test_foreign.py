"""What strangers write never makes a reader's browser fetch anything or run anything, on any screen.

Another server counts who comes to it; every text that somebody else may have written names it in every way that
Markdown and HTML know.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Dialog, Page, expect

from playground.persona_text import persona_yaml
from playground.personas import Persona
from playground.share import to_link
from playground.store import Store
from tests.conftest import App, Visit, actions_shown
from tests.fake_provider import FakeProvider, Script

pytestmark = pytest.mark.usefixtures("quiet")


class Foreign:
    """A server that remembers every request, on a port of its own."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Counter(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def short(self, place: str) -> str:
        """What fits into a name."""
        return f"![x]({self.url}/{place}) <img src={self.url}/{place}>"

    def text(self, place: str) -> str:
        """Everything that a text can try."""
        to = f"{self.url}/{place}"
        drawing = f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="{to}-svg"/></svg>'
        svg = "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()
        return "\n\n".join(
            [
                f"MARK {place} ![a]({to}-a) ![b][ref] <img src='{to}-c' onerror='alert(1)'>",
                f"[ref]: {to}-b",
                f'<script src="{to}-d"></script><script>alert(1)</script>',
                "[go](javascript:alert(1)) <a href='javascript:alert(1)'>go</a> <javascript:alert(1)>",
                f"![s]({svg}) <svg onload=alert(1)><image href='{to}-e'/></svg>",
                f"<iframe src='{to}-f'></iframe><link rel=stylesheet href='{to}-g'><style>@import '{to}-h';</style>",
                f"```mermaid\ngraph TD; A[<img src='{to}-i'>]-->B\n```",
                f"$\\href{{javascript:alert(1)}}{{x}} \\includegraphics{{{to}-j}}$",
                f"| ![t]({to}-k) |\n|---|\n| <video src='{to}-l' autoplay> |",
            ]
        )


@pytest.fixture(scope="module")
def foreign() -> Iterator[Foreign]:
    running = Foreign()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture(scope="module")
def stranger(foreign: Foreign) -> Persona:
    line = " ".join(foreign.text("line").split())[:480]
    return Persona(
        name=foreign.short("name"),
        system_prompt=foreign.text("prompt"),
        greeting=foreign.text("greeting"),
        description=foreign.text("description"),
        tags=(foreign.short("tag"),),
        starters=(line,),
        author=foreign.short("author"),
        checks=[{"type": "contains", "value": foreign.text("check")}],  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider, foreign: Foreign, stranger: Persona
) -> Iterator[App]:
    running = App(tmp_path_factory.mktemp("hostile"), provider.base_url)
    (running.personas / "00_stranger.yaml").write_text(persona_yaml(stranger), "utf-8")
    broken = f"name: x\navatar: '{foreign.short('avatar')}'\n'{foreign.short('key')}': y\n"
    (running.personas / "<img src=x onerror=alert(1)>.yaml").write_text(broken, "utf-8")
    yield running
    running.close()


@pytest.fixture
def visit(visitor: Callable[..., Visit], foreign: Foreign) -> Iterator[Visit]:
    """A reader whose browser must have asked the foreign server nothing, and run nothing, when the test ends."""
    reader = visitor()
    alerts: list[str] = []

    def look(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    reader.page.on("dialog", look)
    foreign.asked.clear()
    yield reader
    reader.page.wait_for_timeout(500)  # What a page fetches late, it fetches by now.
    is_clean(reader.page, foreign)
    reader.page.remove_listener("dialog", look)
    assert foreign.asked == []
    assert alerts == []
    assert [url for url in reader.foreign if url.startswith(foreign.url)] == []


def is_clean(page: Page, foreign: Foreign) -> None:
    """Nothing on the page would fetch or run anything, now or at a click."""
    fetching = f'[src*="{foreign.url}"], [href*="{foreign.url}"]:not(a), [src^="data:image/svg"][src*="MARK"]'
    assert page.locator(fetching).count() == 0
    assert page.locator('a[href^="javascript:" i]').count() == 0


def settled(page: Page, foreign: Foreign, mark: str) -> None:
    expect(page.locator("#root").get_by_text(f"MARK {mark}").first).to_be_visible()
    is_clean(page, foreign)


def test_the_counter_counts(house: App, visitor: Callable[..., Visit], foreign: Foreign) -> None:
    """Were it drawn as it stands, on a page of the app's address, it would be seen."""
    page = visitor().page
    page.goto(f"{house.url}/_stcore/health")
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    with page.expect_request(f"{foreign.url}/**"), page.expect_event("dialog"):
        page.set_content(foreign.text("control"))
    for _ in range(100):  # its server may be slow to hear of it
        if foreign.asked:
            break
        page.wait_for_timeout(100)
    assert foreign.asked
    assert alerts
    page.close()  # Its dialogs are listened to.


def test_a_chat_and_what_is_kept_of_it(
    house: App, visit: Visit, foreign: Foreign, provider: FakeProvider
) -> None:
    page = visit.goes(f"{house.url}/?persona=stranger&provider=fake").page
    settled(page, foreign, "greeting")
    provider.script = [
        Script([foreign.text("reply")], reasoning=[foreign.text("thought")]),
        Script(status=400, body={"error": {"message": foreign.text("error")}}),
    ]
    visit.asks(foreign.text("question"))
    actions_shown(page)
    settled(page, foreign, "reply")
    settled(page, foreign, "question")
    # While the page still grows below the click, it would miss.
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
    page.get_by_text("Thinking").first.click()
    settled(page, foreign, "thought")
    page.get_by_text("Larger text").click()
    settled(page, foreign, "thought")
    visit.asks("And now?")
    page.get_by_text("What the service said").click()
    settled(page, foreign, "error")
    actions_shown(page)
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
    page.get_by_text("Show what is sent").click()
    settled(page, foreign, "prompt")
    page.get_by_role("button", name="New chat").click()
    page.get_by_text("Earlier chats").click()
    expect(page.locator("[class*=st-key-chat_]").get_by_text("MARK question")).to_be_visible()
    is_clean(page, foreign)
    for link, title in (("All chats", "Your chats"), ("About", "In sixty seconds"), ("Backends", "Backends")):
        page.get_by_role("link", name=link).click()
        page.get_by_role("heading", name=title, level=1).wait_for()
        if link == "All chats":
            expect(page.get_by_test_id("stMain").get_by_text("MARK question")).to_be_visible()
        is_clean(page, foreign)


def test_names_in_an_address(house: App, visit: Visit, foreign: Foreign) -> None:
    bad = foreign.short("address").replace(" ", "%20").replace("!", "%21")
    page = visit.goes(f"{house.url}/?persona={bad}&provider={bad}&model={bad}").page
    expect(page.get_by_role("alert").first).to_be_visible()


def test_the_gallery(house: App, visit: Visit, foreign: Foreign) -> None:
    page = visit.goes(f"{house.url}/gallery?provider=fake").page
    settled(page, foreign, "description")
    expect(page.get_by_text("needs mending").first).to_be_visible()
    page.get_by_text("System prompt").first.click()
    settled(page, foreign, "prompt")
    page.locator(".st-key-share_stranger button").press("Enter")  # the page may still move
    expect(page.get_by_role("dialog").get_by_text("YAML file")).to_be_visible()
    is_clean(page, foreign)


def test_what_is_compared_proved_and_voted_on(
    house: App, visit: Visit, foreign: Foreign, provider: FakeProvider
) -> None:
    provider.script = Script([foreign.text("compared")], reasoning=[foreign.text("thought")])
    page = visit.goes(f"{house.url}/compare?persona=stranger&provider=fake").page
    page.locator(".st-key-ask_all button").click()
    page.locator(".st-key-again_1 button").wait_for()
    settled(page, foreign, "compared")
    settled(page, foreign, "line")
    page.get_by_role("link", name="Prove").click()
    page.locator(".st-key-prove_start button").click()
    page.locator(".st-key-prove_json button").wait_for()
    page.get_by_text("replies did not").first.click()
    settled(page, foreign, "compared")
    settled(page, foreign, "check")
    store = Store(f"sqlite:///{house.personas.parent}/kept/chats.sqlite")
    names = foreign.short("who"), foreign.short("else")
    code = store.polls.open("teacher", foreign.text("asked"), foreign.text("a"), foreign.text("b"), names)
    visit.goes(f"{house.url}/vote?poll={code}")
    settled(page, foreign, "asked")
    settled(page, foreign, "a")
    store.polls.reveal(code)
    store.close()
    page.get_by_test_id("stVegaLiteChart").wait_for()
    is_clean(page, foreign)


def test_the_workshop(
    house: App, visit: Visit, foreign: Foreign, stranger: Persona, provider: FakeProvider
) -> None:
    page = visit.goes(f"{house.url}/workshop?provider=fake").page
    page.locator(".cm-content").click()

    def writes(text: str) -> None:
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(text)

    writes(persona_yaml(stranger))
    settled(page, foreign, "greeting")
    provider.script = Script([foreign.text("answer")])
    visit.asks("Hello")
    settled(page, foreign, "answer")
    page.locator(".cm-content").click()
    writes(f"name: x\navatar: '{foreign.short('avatar')}'\n'{foreign.short('key')}': y\n")
    expect(page.get_by_text("To mend").first).to_be_visible()
    page.locator(".cm-lintRange-error").first.hover()
    expect(page.locator(".cm-tooltip .cm-diagnostic").first).to_be_visible()


def test_a_persona_from_a_link(house: App, visit: Visit, foreign: Foreign, stranger: Persona) -> None:
    page = visit.goes(to_link(stranger, f"{house.url}/")).page
    settled(page, foreign, "greeting")
    page.get_by_text("Everything in it").click()
    settled(page, foreign, "check")
    page.locator(".st-key-talk_to_guest button").click()
    page.locator(".st-key-try").wait_for()
