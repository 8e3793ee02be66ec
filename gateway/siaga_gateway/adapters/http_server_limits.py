"""Protects a web server from strangers: limits on the number of connections, and deadlines for each.

uvicorn waits for ever for a request's head and body, and for a client that does not read. Here each of these has a
deadline. When the limit is reached, the connection that has waited longest for its client is dropped: a browser sends
its request at once, so whoever holds hundreds of silent connections keeps nobody out, not even from behind the same
proxy.

It wraps uvicorn's protocol and the application, and so depends on neither's internals.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.5
_SET_ASIDE: Final = 128  # descriptors, for the store, the log, metrics
_FEWEST: Final = 16
_TOLD_EVERY_S: Final = 60.0
_LARGEST_HEAD: Final = 256 * 1024  # bytes that may arrive while no body is expected


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits and deadlines of one server."""

    connections: int  # at once
    each: int  # of one address that is neither this machine's nor in `proxies`
    proxies: tuple[str, ...] = ()
    head_s: float = 10.0  # for a request's head, from the answer before it
    body_s: float = 10.0  # for its body
    upload_s: float = 120.0  # for a body with a file
    is_upload: Callable[[str], bool] = lambda path: False  # whether that is expected at a path
    read_s: float = 120.0  # for a client to read what it was sent


class ConnectionLimiter:
    """Pass `protocol` to uvicorn.Config as `http`, and `guard(app)` as its application. For one event loop."""

    def __init__(self, name: str, limits: ConnectionLimits) -> None:
        """name: of the server, for the log."""
        self.limits = limits
        self._name = name
        self._proxies = [ipaddress.ip_network(each, strict=False) for each in limits.proxies]
        self._open: dict[_Connection, None] = {}
        self._by_client: dict[tuple[str, int], _Connection] = {}
        self._of: Counter[str] = Counter()
        self._watching = False
        self._closed: Counter[str] = Counter()
        self._told_at = -_TOLD_EVERY_S
        limiter = self

        class Guarded(_Connection):
            def __init__(self, **parts: Any) -> None:
                super().__init__(limiter, AutoHTTPProtocol(**parts))

        self.protocol: type[asyncio.Protocol] = Guarded

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._open)

    def admit(self, connection: _Connection) -> bool:
        """Whether it may stay; another one may be dropped for it."""
        address = connection.address
        counted = not self._shared(address)
        if counted and self._of[address] >= self.limits.each and not self._make_room("address", address):
            return False
        if len(self._open) >= self.limits.connections and not self._make_room("full", None):
            return False
        self._open[connection] = None
        self._by_client[connection.client] = connection
        if counted:
            self._of[address] += 1
        if not self._watching:
            self._watching = True
            asyncio.get_running_loop().call_later(_LOOK_S, self._look)
        return True

    def forget(self, connection: _Connection) -> None:
        if connection not in self._open:
            return
        del self._open[connection]
        if self._by_client.get(connection.client) is connection:
            del self._by_client[connection.client]
        if connection.address in self._of:
            self._of[connection.address] -= 1
            if self._of[connection.address] <= 0:
                del self._of[connection.address]

    def guard(self, app: ASGIApp) -> ASGIApp:
        """Wrap the application, to know for each connection whether it works or waits for its client.

        An IPv4 client of a dual-stack socket gets its IPv4 address (RFC 4291, 2.5.5.2).
        """

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            connection = self._by_client.get(tuple(scope.get("client") or ()))
            if scope["type"] != "http" or connection is None:
                await app(scope, receive, send)
                return

            async def receive_in_time() -> Message:
                message = await receive()
                if not message.get("more_body", False):
                    connection.body_by = None
                return message

            body_s = self.limits.upload_s if self.limits.is_upload(scope["path"]) else self.limits.body_s
            connection.asked(body_s if _has_body(scope) else None)
            try:
                await app({**scope, "client": (connection.address, connection.client[1])}, receive_in_time, send)
            finally:
                connection.answered()

        return guarded

    def close(self, connection: _Connection, why: str) -> None:
        """Cut the connection, and count it."""
        self.forget(connection)
        connection.abort()
        self._count(why)

    def refuse(self, connection: _Connection) -> None:
        connection.abort()
        self._count("refused")

    def _shared(self, address: str) -> bool:
        """Whether many clients may share the address."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return True
        return found.is_loopback or any(found in network for network in self._proxies)

    def _make_room(self, why: str, address: str | None) -> bool:
        now = time.monotonic()
        idle = [one for one in self._open if one.waits and (address is None or one.address == address)]
        if not idle:
            idle = [one for one in self._open if one.is_slow(now) and (address is None or one.address == address)]
        if not idle:
            return False
        self.close(min(idle, key=lambda one: one.since), why)
        return True

    def _look(self) -> None:
        now = time.monotonic()
        for connection in list(self._open):
            if why := connection.overdue(now, self.limits):
                self.close(connection, why)
        if self._closed and now - self._told_at >= _TOLD_EVERY_S:
            self._told_at = now
            counts = ", ".join(f"{why} {count}" for why, count in sorted(self._closed.items()))
            self._closed.clear()
            log.warning(Localized("log.front.cut_off", door=self._name, counts=counts, open=len(self._open)))
        if self._open or self._closed:
            asyncio.get_running_loop().call_later(_LOOK_S, self._look)
        else:
            self._watching = False

    def _count(self, why: str) -> None:
        self._closed[why] += 1


def connections_within(wanted: int, share: float) -> int:
    """Return `wanted` connections, or fewer if this process may open too few files: that share of them, after reserving
    some for everything else."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return wanted
    return max(_FEWEST, min(wanted, int((limit - _SET_ASIDE) * share)))


def behind_proxies(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Wrap the application so that these proxies, and nobody else, name the client and whether it used TLS."""
    if not proxies:
        return app
    networks = [ipaddress.ip_network(each, strict=False) for each in proxies]
    return ProxyHeadersMiddleware(app, trusted_hosts=[str(each) for each in networks])  # type: ignore[arg-type, return-value]


class _Connection(asyncio.Protocol):
    """Wraps uvicorn's protocol."""

    def __init__(self, limiter: ConnectionLimiter, inner: asyncio.Protocol) -> None:
        self._limiter = limiter
        self._inner = inner
        self._admitted = False
        self._transport: asyncio.Transport
        self._requests = 0  # in progress
        self._head = 0
        self._blocked_since: float | None = None
        self.client = ("", 0)  # as uvicorn names it
        self.address = ""
        self.since = 0.0  # when it began to wait for its client
        self.body_by: float | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits for its client's request."""
        return self._requests == 0 and self._transport.get_write_buffer_size() == 0

    def is_slow(self, now: float) -> bool:
        """Whether its client does not read, or does not send what it announced."""
        blocked = self._blocked_since is not None and now - self._blocked_since > self._limiter.limits.head_s
        return blocked or self.body_by is not None

    def overdue(self, now: float, limits: ConnectionLimits) -> str:
        """Return why it must be dropped; empty: it need not."""
        if self._transport.get_write_buffer_size() == 0:
            self._blocked_since = None
        elif self._blocked_since is None:
            self._blocked_since = now
        if self._blocked_since is not None and now - self._blocked_since > limits.read_s:
            return "not read"
        if self.body_by is not None and now > self.body_by:
            return "body late"
        return "head late" if self.waits and now - self.since > limits.head_s else ""

    def asked(self, body_s: float | None) -> None:
        self._requests += 1
        self._head = 0
        self.body_by = None if body_s is None else time.monotonic() + body_s

    def answered(self) -> None:
        self._requests -= 1
        self.body_by = None
        self.since = time.monotonic()

    def abort(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.client = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) and len(peer) >= 2 else ("", id(self))
        self.address = _plain(self.client[0])
        self.since = time.monotonic()
        self._admitted = self._limiter.admit(self)
        if self._admitted:
            self._inner.connection_made(transport)
        else:
            self._limiter.refuse(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._limiter.forget(self)
        if self._admitted:
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._admitted:
            return
        if self._requests == 0 or self.body_by is None:  # a head; also behind a request in progress
            self._head += len(data)
            if self._head > _LARGEST_HEAD:
                self._limiter.close(self, "head too large")
                return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._admitted else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def _plain(address: str) -> str:
    """Return the usual form of an IPv4 address that an IPv6 socket shows mapped."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return address if mapped is None else str(mapped)


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")
        for name, value in scope["headers"]
    )
