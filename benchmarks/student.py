"""A student without a browser: opens a Streamlit app's page, asks, and notes when the reply's words arrived.

It speaks what the browser speaks (Streamlit's own messages over the websocket), so it knows no app: whichever has a
`st.chat_input` and shows its replies as Markdown can be asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

Path = tuple[int, ...]


@dataclass(frozen=True)
class Heard:
    """A reply as it arrived: seconds to its first and last word, the longest silence between, bytes on the wire."""

    first: float
    whole: float
    gap: float
    bytes: float


class Unanswered(Exception):
    """The run ended, and the awaited words had not come."""


class _Counted(ClientConnection):
    """A websocket that counts the bytes that come, as they travel."""

    received = 0

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        super().data_received(data)


class Student:
    """One visitor's page; one thing is asked at a time, each within `patience` seconds."""

    def __init__(self, url: str, patience: float = 300) -> None:
        self._url, self._patience = url, patience
        self._socket: _Counted | None = None
        self._input = self._page = ""

    async def open(self) -> None:
        """Open the page and wait until it is drawn."""
        address = f"ws://{urlsplit(self._url).netloc}/_stcore/stream"
        # Whether what travels is compressed is the server's choice, as with a browser.
        socket = await connect(
            address,
            create_connection=_Counted,
            subprotocols=[Subprotocol("streamlit")],
            max_size=None,
            ping_interval=None,
        )
        assert isinstance(socket, _Counted), "connect makes what it is told to"
        self._socket = socket
        await self.rerun()
        if not self._input:
            raise Unanswered(f"{self._url} shows no chat input")

    async def rerun(self) -> None:
        """Let the page be drawn again, and ask nothing."""
        await self._run(self._wish(), lambda delta, path: None)

    async def ask(self, first: str, last: str, question: str = "What do you see?") -> Heard:
        """Ask, and listen until the reply's words `first` and `last` have come and the page is drawn."""
        wish = self._wish()
        state = wish.rerun_script.widget_states.widgets.add()
        state.id = self._input
        state.chat_input_value.data = question
        reply, asked = Hearing(first, last), time.monotonic()
        received = await self._run(wish, reply.hear)
        if not reply.whole:
            raise Unanswered(f"{last} did not come; {'the reply began' if reply.began else 'no reply began'}")
        return Heard(reply.began - asked, reply.whole - asked, reply.gap, received)

    async def close(self) -> None:
        """Close the page."""
        if self._socket:
            await self._socket.close()

    def _wish(self) -> BackMsg:
        wish = BackMsg()
        wish.rerun_script.page_script_hash = self._page
        visitor = wish.rerun_script.context_info
        visitor.url, visitor.locale, visitor.timezone = self._url, "en-US", "UTC"
        return wish

    async def _run(self, wish: BackMsg, see: Callable[[Delta, Path], None]) -> int:
        """Wish for a run and look at what it draws until it ends; returns the bytes that came."""
        assert self._socket, "open comes first"
        before = self._socket.received
        async with asyncio.timeout(self._patience):
            await self._socket.send(wish.SerializeToString())
            while True:
                raw = await self._socket.recv()
                assert isinstance(raw, bytes)
                message = ForwardMsg.FromString(raw)
                kind = message.WhichOneof("type")
                if kind == "delta":
                    if message.delta.new_element.HasField("chat_input"):
                        self._input = message.delta.new_element.chat_input.id
                    see(message.delta, tuple(message.metadata.delta_path))
                elif kind == "new_session":
                    self._page = message.new_session.page_script_hash
                elif kind == "script_finished":
                    # A run that begins anew by itself ends early first.
                    if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                        return self._socket.received - before
                    if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                        raise Unanswered("the app's script cannot be run")


class Hearing:
    """Follows a reply through the elements that show it, however an app divides it among them."""

    def __init__(self, first: str, last: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._first, self._last, self._clock = first, last, clock
        self._shown: dict[Path, str] = {}
        self._around: Path = ()
        self._length = 0
        self._heard = 0.0
        self.began = self.whole = self.gap = 0.0

    def hear(self, delta: Delta, path: Path) -> None:
        """Look at one change of the page."""
        text = delta.new_element.markdown.body
        if not self.began:
            if self._first not in text:
                return
            self.began = self._heard = self._clock()
            # Its neighbours within the same chat message belong to the reply too.
            self._around = path[:-1]
        if self.whole or path[: len(self._around)] != self._around:
            return
        # What replaces a block replaces what was in it.
        self._shown = {place: words for place, words in self._shown.items() if place[: len(path)] != path}
        self._shown[path] = text
        length, now = sum(map(len, self._shown.values())), self._clock()
        if length > self._length:
            self.gap = max(self.gap, now - self._heard)
            self._length, self._heard = length, now
        if self._last in text:
            self.whole = now
