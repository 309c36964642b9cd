"""Stands between a browser and an app, in a process of its own, and counts what the app sends, as it travels.

A page sees its messages only after they were unpacked, so what compression saves can be counted nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.apps import ROOT


class Wire:
    """The way to an app: the URL at which it is reached, and the bytes that it has sent so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{self._line()}"

    def bytes(self) -> int:
        """Bytes that came from the app so far, headers and all."""
        assert self._process.stdin, "it is a pipe"
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> int:
        assert self._process.stdout, "it is a pipe"
        return int(self._process.stdout.readline())


@contextlib.contextmanager
def relay(port: int) -> Iterator[Wire]:
    """A way to the app that listens on `port`."""
    command = [sys.executable, "-m", "benchmarks.relay", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Wire(process)
        finally:
            process.kill()


async def _serve(port: int) -> None:
    """Print the port to connect to, then the bytes so far for every line on standard input."""
    received = 0

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, counts: bool) -> None:
        nonlocal received
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                received += len(piece) if counts else 0
                target.write(piece)
                await target.drain()
        target.close()

    async def connect(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        app_source, app_target = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(source, app_target, False), carry(app_source, target, True))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(received, flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
