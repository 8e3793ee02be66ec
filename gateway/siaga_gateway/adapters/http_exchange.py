"""One POST over HTTP/1.1 on a kept connection, within one deadline over all of it.

HTTP libraries count their timeouts anew at each read: a receiver that sends one byte every few seconds holds a request
for ever. Here an exchange has one moment (time.monotonic) at which everything must be over: name look-up, each address
tried, TLS, sending, and every byte of the answer. What is read is parsed by llhttp (httptools), the parser of Node.js.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httptools

from siaga_gateway.adapters.one_at_a_time import OneAtATime

_IDLE_S: Final = 30.0  # an idle connection is kept this long: presses come in bursts
_READ: Final = 65_536
_LONGEST_HEAD: Final = 64 * 1024
# Of an answer's body, only so that the connection can be used again: the status has said what matters.
_LONGEST_BODY: Final = 64 * 1024
_BODY_S: Final = 1.0
_EXACT_S: Final = 0.05  # a time-out that is set is good for so long: setting it is a call of the system


class ExchangeFailed(Exception):
    """Nothing that is an answer came. The text says why, as far as it is known."""


class TooSlow(ExchangeFailed):
    """The moment came first."""


class NoConnection(ExchangeFailed):
    """No address took the connection."""


class NameNotFound(NoConnection):
    """DNS knows no such name, or cannot be asked."""


class NotTrusted(NoConnection):
    """The receiver's certificate proves nothing: an unknown authority, another name, expired."""


class BrokeOff(ExchangeFailed):
    """The connection ended before an answer."""


class NotHttp(ExchangeFailed):
    """What came is no answer in HTTP/1."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Of the headers those that were asked for, by lower-case name."""

    status: int
    headers: Mapping[str, str]


class Line:
    """One receiver, and connections to it: as many as are used at once. Safe in several threads."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._names = OneAtATime("name look-up")
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._closed = False

    def exchange(self, request: bytes, until: float) -> Answer:
        """Send the whole request and read the answer. Raises ExchangeFailed.

        Where a kept connection breaks off it is sent once more, on a new one: receivers close what was idle for some
        seconds, and may do so in this very moment. So it may come twice.
        """
        kept = self._kept()
        if kept is not None:
            try:
                return self._on(kept, request, until)
            except BrokeOff:
                pass
        return self._on(self._connect(until), request, until)

    def _on(self, connection: _Connection, request: bytes, until: float) -> Answer:
        try:
            answer = connection.exchange(request, until)
        except BaseException:
            connection.close()
            raise
        self._put_back(connection)
        return answer

    def close(self) -> None:
        """Close the kept connections, and those in use once they are put back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _kept(self) -> _Connection | None:
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()  # the one used last: the others may go
            if connection.well:
                return connection
            connection.close()

    def _put_back(self, connection: _Connection) -> None:
        old: list[_Connection] = []
        with self._lock:
            if self._closed or not connection.again:
                old.append(connection)
            else:
                connection.idle_since = time.monotonic()
                self._idle.append(connection)
                if self._idle[0].idle_since < connection.idle_since - _IDLE_S:
                    old.append(self._idle.pop(0))
        for one in old:
            one.close()

    def _connect(self, until: float) -> _Connection:
        addresses = self._look_up(until)
        for tried, address in enumerate(addresses):
            # A dead first address (IPv6 without a route, a standby host) leaves time for the others.
            share = _left(until) / (len(addresses) - tried)
            try:
                plain = socket.create_connection((address, self._port), share)
            except OSError as error:
                if tried == len(addresses) - 1:
                    if isinstance(error, TimeoutError) and error.errno is None:
                        raise TooSlow("no connection in time") from error
                    raise NoConnection(str(error)) from error
                continue
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return _Connection(self._secured(plain, until))
            except BaseException:
                plain.close()
                raise
        raise NoConnection(f"{self._host} has no address")

    def _look_up(self, until: float) -> list[str]:
        def resolve() -> list[str]:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(address[0]) for *_, address in found))

        try:
            return self._names.call(resolve, until)
        except socket.gaierror as error:
            raise NameNotFound(error.strerror or str(error)) from error
        except TimeoutError as error:
            raise TooSlow("the name look-up did not end") from error

    def _secured(self, plain: socket.socket, until: float) -> socket.socket:
        if self._tls is None:
            return plain
        plain.settimeout(_left(until))
        try:
            return self._tls.wrap_socket(plain, server_hostname=self._host)
        except ssl.SSLCertVerificationError as error:
            raise NotTrusted(error.verify_message) from error
        except TimeoutError as error:
            raise TooSlow("the handshake did not end") from error
        except OSError as error:
            raise NoConnection(str(error)) from error


class _Connection:
    """For one thread at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._set_at = 0.0
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self.again = False  # whether it can be used again
        self.idle_since = 0.0

    @property
    def well(self) -> bool:
        """Not too old, and not closed by the other side: then there would be its end to be read."""
        return time.monotonic() - self.idle_since < _IDLE_S and not self._poll.poll(0)

    def close(self) -> None:
        self._sock.close()

    def exchange(self, request: bytes, until: float) -> Answer:
        self.again = False
        self._set_at = 0.0
        self._send(request, until)
        reading = _Reading()
        read = 0
        while not reading.head_read:
            part = self._receive(until)
            if not part:
                raise BrokeOff("it ended before an answer")
            read += len(part)
            reading.feed(part)
            if not reading.head_read and read > _LONGEST_HEAD:
                raise NotHttp("its head does not end")
        self._drain(reading, min(until, time.monotonic() + _BODY_S))
        return Answer(reading.status, reading.headers)

    def _drain(self, reading: _Reading, until: float) -> None:
        """Read what is left of a small answer. One that is large or slow ends the connection."""
        try:
            read = 0
            while not reading.whole and read <= _LONGEST_BODY:
                part = self._receive(until)
                if not part:
                    return
                read += len(part)
                reading.feed(part)
        except ExchangeFailed:
            return
        self.again = reading.whole and reading.keep

    def _send(self, request: bytes, until: float) -> None:
        rest = memoryview(request)
        try:
            while rest:
                self._within(until)
                rest = rest[self._sock.send(rest) :]
        except TimeoutError as error:
            raise TooSlow("it does not take the request") from error
        except OSError as error:
            raise BrokeOff(str(error)) from error

    def _receive(self, until: float) -> bytes:
        try:
            self._within(until)
            return self._sock.recv(_READ)
        except TimeoutError as error:
            raise TooSlow("its answer did not end") from error
        except OSError as error:
            raise BrokeOff(str(error)) from error

    def _within(self, until: float) -> None:
        now = time.monotonic()
        if now - self._set_at > _EXACT_S or until - now < 2 * _EXACT_S:
            self._sock.settimeout(_left(until))
            self._set_at = now


class _Reading:
    """An answer as it comes, an interim one (1xx) passed over."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._wanted: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.status = 0
        self.head_read = self.whole = self.keep = False

    def feed(self, part: bytes) -> None:
        """Raises NotHttp."""
        try:
            self._parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            self.head_read = True  # nobody asked for another protocol: the status tells
        except httptools.HttpParserError as error:
            if not self.head_read:
                raise NotHttp(str(error) or type(error).__name__) from error
            self.whole = self.keep = False

    # What httptools calls

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"location", b"retry-after"):
            self._wanted[name.lower().decode("ascii")] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self.head_read:
            return  # more than was asked for
        if 100 <= status < 200 and status != 101:
            self._wanted.clear()
            return
        self.status, self.headers, self.head_read = status, self._wanted, True

    def on_message_begin(self) -> None:
        if self.whole:
            self.keep = False  # more than was asked for

    def on_message_complete(self) -> None:
        if self.head_read and not self.whole:
            self.whole, self.keep = True, self._parser.should_keep_alive()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TooSlow("the deadline has passed")
    return left
