"""An httpx transport whose deadline covers a whole exchange.

The timeouts of httpx count anew with each read: a receiver that sends one byte every few seconds holds a request for
ever. Here the request carries one moment at which everything must be over, in `extensions={"until": time.monotonic()
+ 10}`: name look-up, each address tried, TLS, sending, and every byte of the answer. httpcore hands the timeouts of a
request through to its network backend untouched, so this backend is given that moment in place of a length of time.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpcore
import httpx

from siaga_gateway.adapters.one_at_a_time import OneAtATime

_IDLE_S: Final = 30.0  # an idle connection is kept this long: presses come in bursts
_CONNECTIONS: Final = 8


class DeadlineTransport(httpx.BaseTransport):
    """HTTP/1.1 with kept connections; every request must carry `until` among its extensions.

    Raises httpcore's exceptions: TimeoutException (ConnectTimeout, ReadTimeout, WriteTimeout, PoolTimeout) at the
    deadline, ConnectError (NameNotFound, NotTrusted), ReadError, WriteError, RemoteProtocolError.
    """

    def __init__(self, ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_IDLE_S,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        until: float = request.extensions["until"]
        moments = dict.fromkeys(("connect", "read", "write"), until)
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.read(),
                # The pool itself waits for a free connection, and there a timeout is a length of time.
                extensions={"timeout": {**moments, "pool": max(until - time.monotonic(), 0)}},
            )
        )
        return httpx.Response(status_code=response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Backend(httpcore.NetworkBackend):
    """Each `timeout` is the moment (time.monotonic) at which the call must be over."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()
        self._names = OneAtATime("name look-up")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        until = _moment(timeout)
        addresses = self._look_up(host, port, until)
        for tried, address in enumerate(addresses):
            # A dead first address (IPv6 without a route, a standby host) leaves time for the others.
            share = _left(until, httpcore.ConnectTimeout) / (len(addresses) - tried)
            try:
                stream = self._plain.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if tried == len(addresses) - 1:
                    raise
            else:
                return _Stream(stream)
        raise httpcore.ConnectError(f"{host} has no address")

    def _look_up(self, host: str, port: int, until: float) -> list[str]:
        def resolve() -> list[str]:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(address[0]) for *_, address in found))

        try:
            return self._names.call(resolve, until)
        except socket.gaierror as error:
            raise NameNotFound(error.strerror or str(error)) from error
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name look-up did not end") from error


class NameNotFound(httpcore.ConnectError):
    """DNS knows no such name, or cannot be asked."""


class NotTrusted(httpcore.ConnectError):
    """The receiver's certificate proves nothing: an unknown authority, another name, expired."""


class _Stream(httpcore.NetworkStream):
    def __init__(self, plain: httpcore.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, _left(_moment(timeout), httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # The stream's own write gives each partial send the whole time again, so the sends are made here.
        until, connection, rest = _moment(timeout), self._plain.get_extra_info("socket"), memoryview(buffer)
        while rest:
            connection.settimeout(_left(until, httpcore.WriteTimeout))
            try:
                rest = rest[connection.send(rest) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._plain.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(_moment(timeout), httpcore.ConnectTimeout)
        try:
            return _Stream(self._plain.start_tls(ssl_context, server_hostname, left))
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                raise NotTrusted(error.__cause__.verify_message) from error
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)


def _moment(timeout: float | None) -> float:
    if timeout is None:
        raise RuntimeError("a request without a deadline")
    return timeout


def _left(until: float, late: type[httpcore.TimeoutException]) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise late("the deadline has passed")
    return left
