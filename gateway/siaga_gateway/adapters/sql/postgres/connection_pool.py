"""A few connections for many threads: each for one thread at a time, each answer with a deadline."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.postgres.connection import Link, connect
from siaga_gateway.adapters.sql.postgres.errors import failing
from siaga_gateway.service.store import StoreFailing

_ROOM_S: Final = 10.0
_LOOK_S: Final = 3.0  # for an answer to a look that nobody waits for: whoever needs a connection waits behind it


class ConnectionPool:
    """This process's connections to one database, except the listener's."""

    def __init__(self, conninfo: str, connections: int, arrived: Callable[[Link], bool] = lambda link: False) -> None:
        """conninfo: from connection.read_conninfo. connections: limit. arrived: looks at each new connection before it
        is used, and returns whether those made before must not be used any more; raises StoreFailing."""
        self.conninfo = conninfo
        self.era = 0  # grows when another server has taken over
        self._arrived = arrived
        self.replicated = True  # whether commits wait for a standby, where the server has one; set by any thread
        self._room = threading.BoundedSemaphore(connections)
        self._connections = connections
        self._arriving = threading.Lock()
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._busy: set[Link] = set()
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._watch_answers, name="store-deadlines", daemon=True)

    def open(self) -> None:
        self._watch.start()

    @contextmanager
    def watched(self, link: Link) -> Iterator[None]:
        """Enforce the deadlines of a connection outside the pool."""
        with self._lock:
            self._busy.add(link)
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(link)

    @contextmanager
    def link(self) -> Iterator[tuple[Link, bool]]:
        """A connection for this thread alone, and whether it is new: an old one may have died unnoticed."""
        if not self._room.acquire(timeout=_ROOM_S):
            raise StoreFailing("store.busy", connections=self._connections, room_s=_ROOM_S)
        try:
            with self._lock:
                if self._closed.is_set():
                    raise StoreFailing("store.closed")
                old = self._idle.pop() if self._idle else None
                if old is not None:
                    self._busy.add(old)  # at once: `use` cuts what is neither idle nor busy to nobody
            link = old or self._connected()
            try:
                yield link, old is None
            finally:
                self._put_back(link)
        finally:
            self._room.release()

    def _connected(self, answer_s: float | None = None) -> Link:
        """A new connection, busy, to the server that is used now and not a moment ago. answer_s: to wait for an answer,
        other than usual."""
        while True:
            era = self.era
            link = connect(self.conninfo)
            link.answer_s = answer_s or link.answer_s
            try:
                # One at a time: else another's, which leads to the new server too, would be cut with those that do not.
                with self._arriving:
                    with self.watched(link):
                        taken_over = self._arrived(link)
                    if taken_over:
                        self.use(self.conninfo)
            except BaseException:
                with suppress(psycopg.Error):
                    link.connection.close()
                raise
            with self._lock:
                if link.conninfo == self.conninfo and (era == self.era or (taken_over and era + 1 == self.era)):
                    self._busy.add(link)
                    return link
            with suppress(psycopg.Error):
                link.connection.close()

    def look(self) -> None:
        """Make a connection for `arrived` to look at, beside the limit, and close it. Raises: StoreFailing."""
        link = self._connected(_LOOK_S)
        link.lasting = False
        self._put_back(link)

    def use(self, conninfo: str) -> None:
        """Connect to this server from now on; whoever waits for another one's answer fails at once."""
        with self._lock:
            self.conninfo = conninfo
            self.era += 1
            idle, self._idle = self._idle, []
            busy = tuple(self._busy)
        for link in busy:
            link.cut()
        for link in idle:
            with suppress(psycopg.Error):
                link.connection.close()

    def _put_back(self, link: Link) -> None:
        with self._lock:
            self._busy.discard(link)
            if link.well and link.lasting and link.conninfo == self.conninfo and not self._closed.is_set():
                self._idle.append(link)
                return
            # If one is dead the others usually are: the server was restarted.
            dead = [] if link.well else self._idle
            if dead:
                self._idle = []
        for each in (link, *dead):
            with suppress(psycopg.Error):
                each.connection.close()

    def _watch_answers(self) -> None:
        """Enforce the deadline of every answer, for a server or a network that stalls in the middle of one."""
        while not self._closed.wait(1.0):
            now = time.monotonic()
            with self._lock:
                late = [link for link in self._busy if 0.0 < link.until < now]
            for link in late:
                link.cut()

    def begun(self, stack: contextlib.ExitStack) -> Link:
        """Return a connection with a transaction begun. One that died while idle is replaced, once."""
        for last in (False, True):
            entered = contextlib.ExitStack()
            link, fresh = entered.enter_context(self.link())
            try:
                with failing():
                    link.replicate(self.replicated)
                    link.ask("BEGIN")
            except StoreFailing:
                entered.close()
                if fresh or last:
                    raise
                continue
            except BaseException:
                entered.close()
                raise
            stack.push(entered.pop_all())
            return link
        raise AssertionError

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        while True:
            with self.link() as (link, fresh):
                try:
                    with failing():
                        return link.ask(statement, parameters).fetchall()
                except StoreFailing:
                    if fresh or not link.connection.closed:
                        raise

    def close(self) -> None:
        """Further calls raise StoreFailing."""
        with self._lock:
            self._closed.set()
            idle, self._idle = self._idle, []
        for link in idle:
            with suppress(psycopg.Error):
                link.connection.close()
