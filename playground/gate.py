"""The only way out: every request of the app goes through `gate`.

No redirect is followed, no cookie kept, no proxy or header taken from the environment, no error body read beyond
ERROR_BYTES or with the key in it, and every connection obeys the line of the thread that uses it.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from typing import Any

import httpcore2
import httpx2

from playground.keys import mask
from playground.line import Line, Private, current

ERROR_BYTES = 64 * 1024
_HEADERS = {b"host", b"authorization", b"content-type", b"content-length", b"accept", b"user-agent"}
_PACKED = b"content-encoding"
_UNICAST, _TRANSLATED = ipaddress.ip_network("2000::/3"), ipaddress.ip_network("64:ff9b::/96")


class _Stream(httpcore2.NetworkStream):
    """A connection whose reads and writes obey the line of the thread that uses it."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        line = current.get()
        if line is not None:
            line.breathe()
        try:
            data = self._inner.read(max_bytes, self._timeout(timeout))
        except httpcore2.ReadTimeout:
            self._timeout(timeout)
            raise
        if line is not None:
            line.took(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._timeout(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        line = current.get()
        if line is None:
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))
        # The handshake takes the socket away from its object, so a second handle is what `cut` can end it by.
        with self._inner.get_extra_info("socket").dup() as handle:
            try:
                line.use(handle)
                timeout = min(line.connect, line.remaining())
            except BaseException:
                self.close()
                raise
            return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def _timeout(self, timeout: float | None) -> float | None:
        line = current.get()
        if line is None:
            return timeout
        line.use(self._inner.get_extra_info("socket"))
        return line.remaining() + 0.001


class _Backend(httpcore2.NetworkBackend):
    """Opens connections for the line of the calling thread."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        line = current.get()
        if line is None:
            return _Stream(self._inner.connect_tcp(host, port, timeout, local_address, socket_options))
        until = time.monotonic() + min(line.connect, line.remaining())
        # Looked up once and connected to by number, so that the name cannot change its mind in between.
        numbers = look_up(host, port, line, until)
        if line.public_only:
            refuse_private(host, numbers)
        for left, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
            # One that says nothing leaves time for the others.
            timeout = min((until - time.monotonic()) / left, line.remaining())
            try:
                return _Stream(
                    self._inner.connect_tcp(number, port, max(timeout, 0.001), local_address, socket_options)
                )
            except (httpcore2.ConnectTimeout, httpcore2.ConnectError):
                if left == 1:
                    raise
        raise httpcore2.ConnectError(host)


def look_up(host: str, port: int, line: Line, until: float) -> list[str]:
    """The numbers of a host, until a time on the monotonic clock; raises what the gate's connections raise, and Cut.

    The system's own search knows no deadline, so a thread that may outlast it does the asking.
    """
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    found: Future[list[str]] = Future()

    def search() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except Exception as error:
            found.set_exception(error)

    threading.Thread(target=search, daemon=True, name="look-up").start()
    while True:
        try:
            return found.result(0.05)
        except TimeoutError:
            line.remaining()
            if time.monotonic() >= until:
                raise httpcore2.ConnectTimeout(host) from None
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from error


def refuse_private(host: str, numbers: Iterable[str]) -> None:
    """Raise Private where one of a host's numbers is not public."""
    if not all(map(_is_public, numbers)):
        raise Private(host)


def _is_public(number: str) -> bool:
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        # Some numbers carry one of the older kind, which is where packets to them end.
        older = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            older = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if older is None:
            return address.is_global and address in _UNICAST
        address = older
    return address.is_global and not address.is_multicast


class _Body(httpx2.SyncByteStream):
    """A response body, as it comes."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts

    def close(self) -> None:
        if close := getattr(self._parts, "close", None):
            close()


class _ErrorBody(httpx2.SyncByteStream):
    """What an error says, cut off after ERROR_BYTES, with the key of the request hidden wherever it is echoed.

    It is unpacked here, a piece at a time: of packed bytes neither the size nor the key could be seen.
    """

    def __init__(self, packed: httpx2.Response, keys: tuple[str, ...]) -> None:
        self._packed, self._keys = packed, keys

    def __iter__(self) -> Iterator[bytes]:
        raw = b""
        for part in self._packed.iter_bytes():
            raw += part
            if len(raw) >= ERROR_BYTES:
                break
        yield _hidden(raw[:ERROR_BYTES], self._keys)

    def close(self) -> None:
        self._packed.close()


def _hidden(raw: bytes, keys: tuple[str, ...]) -> bytes:
    """Bytes of an answer without keys; the SDK logs headers and makes exceptions of errors, which may go anywhere."""
    return mask(raw.decode("utf-8", "surrogateescape"), *keys).encode("utf-8", "surrogateescape")


class _Gate(httpx2.BaseTransport):
    """The only way out: known headers leave, cookies do not come in."""

    def __init__(self, context: ssl.SSLContext) -> None:
        # A pool of its own for addresses that a visitor gave: it never shares a connection that was not examined.
        self._pool, self._public_pool = (
            httpcore2.ConnectionPool(
                ssl_context=context,
                max_connections=200,
                max_keepalive_connections=20,
                keepalive_expiry=30,
                network_backend=_Backend(),
            )
            for _ in range(2)
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        line = current.get()
        if line is not None:
            line.sent = request.content
        known = _HEADERS | (line.own_headers if line is not None else frozenset())
        url = request.url
        pool = self._public_pool if line is not None and line.public_only else self._pool
        response = pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=[(k, v) for k, v in request.headers.raw if k.lower() in known],
                content=request.content,
                extensions=request.extensions,
            )
        )
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        keys = (bearer, request.headers.get("x-api-key", ""))
        headers = [(k, _hidden(v, keys)) for k, v in response.headers if k.lower() != b"set-cookie"]
        packings = b",".join(v for k, v in headers if k.lower() == _PACKED)
        unpacked = [(k, v) for k, v in headers if k.lower() != _PACKED]
        # Nobody asked for it. Once is what a proxy may do; packed again, a few bytes would unpack to any number.
        headers = unpacked if b"," in packings else headers
        parts: Iterable[bytes] = response.stream  # type: ignore[assignment]
        body: httpx2.SyncByteStream = _Body(parts)
        if response.status >= 300:
            body, headers = (
                _ErrorBody(httpx2.Response(response.status, headers=headers, stream=body), keys),
                unpacked,
            )
        return httpx2.Response(
            status_code=response.status, headers=headers, stream=body, extensions=response.extensions
        )

    def close(self) -> None:
        self._pool.close()
        self._public_pool.close()


@cache
def gate() -> httpx2.Client:
    """The HTTP client that all requests share: one TLS context and one pool of connections for the whole app."""
    # It would log headers as they came, which may echo a key.
    logging.getLogger("httpcore2").setLevel(logging.INFO)
    transport = _Gate(httpx2.create_ssl_context())
    return httpx2.Client(transport=transport, follow_redirects=False, trust_env=False)
