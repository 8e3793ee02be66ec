"""HTTP exchanges by aiohttp, each with one deadline for all of it: name look-up, connection, proxy, TLS, every byte.

Each receiver has an event loop in a thread of its own: one that pours, drips or hangs delays no other's deliveries.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from siaga_gateway.adapters.outputs.web_address import WebAddress
from siaga_gateway.adapters.tls_authorities import TlsAuthorities
from siaga_gateway.catalogue.localized import original
from siaga_gateway.domain.errors import Failing

_IDLE_S: Final = 30.0  # how long an idle connection is kept: presses come in bursts
_NAMES_S: Final = 10  # how long an address is remembered
# The body is read only so that the connection can be reused: the status has said what matters.
_LONGEST_BODY: Final = 64 * 1024
_LONGEST_LINE: Final = 64 * 1024  # of the answer's head
_BODY_S: Final = 1.0
_GRACE_S: Final = 2.0  # for the loop to say that the deadline has passed
_CLOSING_S: Final = 2.0


class ExchangeFailed(Failing):
    """No answer was received. The text says why, as far as known."""

    sent = True  # whether the receiver may have got the request, and acted on it


class TooSlow(ExchangeFailed):
    """The deadline passed."""


class NoConnection(ExchangeFailed):
    """No address accepted the connection, or the proxy made none."""

    sent = False


class NameNotFound(NoConnection):
    """DNS does not know the name, or cannot be asked."""


class NotTrusted(NoConnection):
    """The receiver's certificate is not trusted: an unknown authority, another name, expired."""


class ConnectionClosed(ExchangeFailed):
    """The connection ended before an answer."""


class NotHttp(ExchangeFailed):
    """What was received is not an HTTP/1 answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; its headers by name in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)  # as much of it as was asked for


@dataclass(frozen=True, slots=True)
class _Running:
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    session: aiohttp.ClientSession


class HttpClient:
    """Sends requests to one address, on as many kept connections as are used at once. Thread-safe."""

    def __init__(self, to: WebAddress, tls: TlsAuthorities | None, proxy: WebAddress | None = None) -> None:
        """tls: for an https:// address. proxy: every connection goes through it, one to https:// by CONNECT."""
        self._url = _url(to)
        self._tls = tls
        self._proxy = None if proxy is None else _url(proxy)
        # Through a tunnel the proxy sees the CONNECT alone, and only that names who we are.
        self._for_proxy: dict[str, str] = {}
        if proxy is not None and proxy.user is not None:
            self._for_proxy["proxy-authorization"] = f"Basic {base64.b64encode(proxy.user.encode()).decode('ascii')}"
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def post(
        self, headers: Mapping[str, str], body: bytes, until: float, *, target: str | None = None, keep: int = 0
    ) -> Answer:
        """Send the request and read the answer by `until` (time.monotonic). Raises: ExchangeFailed.

        target: another path and query at the same server. keep: how many bytes of the answer's body are wanted;
        for more than is usual it takes the time that there is.
        If a kept connection breaks, the request is sent once more on another: receivers close idle connections after
        some seconds, perhaps this very moment. So it may arrive twice.
        """
        return self._ask("POST", headers, body, until, target, keep)

    def get(self, headers: Mapping[str, str], until: float, *, keep: int = 0) -> Answer:
        """As `post`, without a body."""
        return self._ask("GET", headers, None, until, None, keep)

    def _ask(
        self, method: str, headers: Mapping[str, str], body: bytes | None, until: float, target: str | None, keep: int
    ) -> Answer:
        running = self._start()
        under_way = asyncio.run_coroutine_threadsafe(
            self._exchange(running.session, method, target, headers, body, until, keep), running.loop
        )
        try:
            return under_way.result(max(until - time.monotonic(), 0) + _GRACE_S)
        except TimeoutError:
            under_way.cancel()
            raise TooSlow("exchange.deadline") from None
        except CancelledError:
            raise ConnectionClosed("exchange.closed") from None

    def close(self) -> None:
        """Close the kept connections; what is under way fails. Can be used again afterwards."""
        with self._lock:
            running, self._running = self._running, None
        if running is None:
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(_end(running.session), running.loop).result(_CLOSING_S)
        running.loop.call_soon_threadsafe(running.loop.stop)
        running.thread.join(_CLOSING_S)

    def _start(self) -> _Running:
        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_run, args=(loop,), name=f"http {self._url.host}", daemon=True)
                thread.start()
                session = asyncio.run_coroutine_threadsafe(_session(), loop).result()
                self._running = _Running(loop, thread, session)
            return self._running

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        method: str,
        target: str | None,
        headers: Mapping[str, str],
        body: bytes | None,
        until: float,
        keep: int,
    ) -> Answer:
        url = self._url if target is None else self._url.origin().join(URL(target, encoded=True))
        while True:
            seen = SimpleNamespace(reused=False, sent=False)
            try:
                async with asyncio.timeout_at(until):  # the loop's clock is time.monotonic
                    response = await self._request(session, method, url, headers, body, seen)
            except Exception as error:
                failed = _meaning(error)
                if isinstance(failed, ConnectionClosed) and seen.reused:
                    continue
                failed.sent = seen.sent
                raise failed from error
            read_until = until if keep > _LONGEST_BODY else min(until, time.monotonic() + _BODY_S)
            said = await _drain(response, read_until, keep)
            return Answer(response.status, response.headers, said)

    async def _request(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        seen: SimpleNamespace,
    ) -> aiohttp.ClientResponse:
        if self._tls is not None:
            self._tls.renew()
        return await session.request(
            method,
            url,
            data=body,
            headers=headers if self._tls is not None else {**headers, **self._for_proxy},
            allow_redirects=False,
            ssl=True if self._tls is None else self._tls.context,
            proxy=self._proxy,
            proxy_headers=self._for_proxy if self._tls is not None else None,
            trace_request_ctx=seen,
        )


class _Resolver(AbstractResolver):
    """The system's resolver. It cannot be told to give up, so a look-up that hangs keeps its thread; meanwhile all wait
    for that one: a dead name server costs one thread, not one an attempt. The threads do not delay the process's exit.
    """

    def __init__(self) -> None:
        self._under_way: Future[list[ResolveResult]] | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if self._under_way is None or self._under_way.done():
            begun: Future[list[ResolveResult]] = Future()
            # Raises where the machine has no thread to spare: then nothing is under way, and the next attempt asks.
            threading.Thread(
                target=_look_up, args=(begun, host, port, family), name="name look-up", daemon=True
            ).start()
            self._under_way = begun
        return await asyncio.shield(asyncio.wrap_future(self._under_way))

    async def close(self) -> None:
        """Nothing to close."""


def _look_up(found: Future[list[ResolveResult]], host: str, port: int, family: socket.AddressFamily) -> None:
    try:
        rows = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found.set_result(
            [
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=int(address[1]),
                    family=kind,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
                for kind, _, proto, _, address in rows
            ]
        )
    except BaseException as error:
        found.set_exception(error)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()


async def _session() -> aiohttp.ClientSession:
    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(_reused)
    tracing.on_request_headers_sent.append(_sent)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_Resolver(), limit=0, keepalive_timeout=_IDLE_S, ttl_dns_cache=_NAMES_S
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trace_configs=[tracing],
        auto_decompress=False,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        skip_auto_headers=("Accept-Encoding",),
    )


async def _reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _facts: Any) -> None:
    context.trace_request_ctx.reused = True


async def _sent(_session: aiohttp.ClientSession, context: SimpleNamespace, _facts: Any) -> None:
    context.trace_request_ctx.sent = True


async def _end(session: aiohttp.ClientSession) -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await session.close()


async def _drain(response: aiohttp.ClientResponse, until: float, keep: int) -> bytes:
    """Read the rest of a small answer, and return its first bytes. A large or slow one closes the connection."""
    if response.content.is_eof() and response.content.exception() is None:  # it came with the head: nothing to wait for
        whole = response.content.read_nowait()
        response.release()
        return whole[:keep]
    size = 0
    kept = bytearray()
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with asyncio.timeout_at(until):
            async for part in response.content.iter_any():
                size += len(part)
                kept += part[: max(0, keep - len(kept))]
                if size > max(_LONGEST_BODY, keep):
                    break
    if response.content.at_eof():
        response.release()
    else:
        response.close()
    return bytes(kept)


def _meaning(error: Exception) -> ExchangeFailed:
    """Return what an error of aiohttp's means for a delivery."""
    match error:
        case TimeoutError():
            return TooSlow("exchange.deadline")
        case aiohttp.ClientHttpProxyError():
            return NoConnection("exchange.proxy", status=error.status)
        case aiohttp.ClientConnectorCertificateError():
            certificate = error.certificate_error
            return NotTrusted("passed_on", why=original(getattr(certificate, "verify_message", str(certificate))))
        case aiohttp.ClientConnectorDNSError():
            return NameNotFound("passed_on", why=error.os_error)
        case aiohttp.ClientConnectorError():
            return NoConnection("passed_on", why=error.os_error)
        case aiohttp.ServerDisconnectedError():
            return ConnectionClosed("exchange.ended")
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return NotHttp("passed_on", why=original(_first_line(error)))
        case OSError() | aiohttp.ClientError():
            return ConnectionClosed("passed_on", why=error)
    raise error


def _first_line(error: Exception) -> str:
    said = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
    # Only the words before a quotation: that may repeat personal data.
    return next(iter(said.splitlines()), type(error).__name__).partition(": b'")[0]


def _url(to: WebAddress) -> URL:
    return URL(f"{to.scheme}://{to.authority}{to.target}", encoded=True)
