"""One connection to PostgreSQL: its settings, and deadlines for answers."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from siaga_gateway.adapters.sql.engine import Row, StoreUnusable
from siaga_gateway.adapters.sql.postgres.arrays import register
from siaga_gateway.adapters.sql.postgres.errors import failing
from siaga_gateway.catalogue.localized import original

CONNECT_S: Final = 5
# A client that stops in the middle of a transaction (a suspended process, a lost host) blocks the others no longer.
IDLE_S: Final = 10
LOCK_S: Final = 15
STATEMENT_S: Final = 20
# If a server does not even report that it gave up, the connection is cut on this side.
ANSWER_S: Final = 25.0
REWRITE_S: Final = 7_200.0
SESSION: Final = {
    "synchronous_commit": "on",  # a commit returns when the data are on disk: acknowledgements rest on that
    "statement_timeout": f"{STATEMENT_S}s",
    "lock_timeout": f"{LOCK_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_S}s",
    # The server notices that a client is gone, and releases its locks.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "timezone": "UTC",
    "client_min_messages": "warning",
}


def read_conninfo(conninfo: str) -> tuple[str, str]:
    """Return the string with all settings of our connections, and a name for the database. Raises: StoreUnusable."""
    try:
        parts = conninfo_to_dict(conninfo)
    except psycopg.Error as error:
        raise StoreUnusable("store.url", why=original(error)) from None
    own = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    read = make_conninfo(
        conninfo,
        options=f"{parts.get('options') or ''} {own}".strip(),
        connect_timeout=str(parts.get("connect_timeout") or CONNECT_S),
        keepalives_idle="10",
        keepalives_interval="5",
        keepalives_count="3",
        tcp_user_timeout="20000",
        client_encoding="UTF8",
        application_name=str(parts.get("application_name") or "siaga"),
    )
    shown = f"PostgreSQL at {parts.get('host') or 'this machine'}"
    if parts.get("port"):
        shown += f":{parts['port']}"
    shown += f", database {parts.get('dbname') or parts.get('user') or os.environ.get('USER', '')}"
    return read, shown


class Link:
    """A connection, and the deadline of its current answer (time.monotonic; 0: none is pending)."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self.connection = connection
        self.answer_s = ANSWER_S  # at most for one answer
        self.until = 0.0

    def ask(self, statement: str, parameters: Sequence[Any], prepare: bool | None = None) -> psycopg.Cursor[Row]:
        self.until = time.monotonic() + self.answer_s
        try:
            return self.connection.execute(_text(statement), parameters, prepare=prepare, binary=True)
        finally:
            self.until = 0.0

    def ask_each(self, statement: str, rows: Sequence[Row]) -> None:
        """Run the statement for each of the rows."""
        self.until = time.monotonic() + self.answer_s
        try:
            self.connection.cursor().executemany(_text(statement), rows)
        finally:
            self.until = 0.0

    def cut(self) -> None:
        """Make whoever waits for an answer fail now."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def patient(self) -> Iterator[None]:
        """Wait longer for answers: a migration or a vacuum may rewrite a large table."""
        self.answer_s = REWRITE_S
        try:
            yield
        finally:
            self.answer_s = ANSWER_S

    @property
    def well(self) -> bool:
        return not self.connection.closed and self.connection.info.transaction_status is TransactionStatus.IDLE


def connect(conninfo: str) -> Link:
    """Connect. conninfo: from `read_conninfo`. Raises: StoreFailing."""
    with failing():
        connection = psycopg.connect(conninfo, autocommit=True)
    register(connection)
    return Link(connection)


@cache
def _text(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")
