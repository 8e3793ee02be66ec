"""One connection to PostgreSQL: its settings, and deadlines for answers."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final, NamedTuple

import psycopg
from psycopg import errors
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
_PREPARED: Final = 400  # statements that a connection keeps prepared: more than there are
SESSION: Final = {
    # A commit returns when the data are on disk, and on that of a standby that the server waits for: acknowledgements
    # rest on that. See replication.py.
    "synchronous_commit": "on",
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


class Asked(NamedTuple):
    """A statement, and its parameters or the rows to run it for."""

    statement: str
    parameters: Sequence[Any] = ()
    rows: Sequence[Row] | None = None


class Link:
    """A connection, and the deadline of its current answer (time.monotonic; 0: none is pending)."""

    def __init__(self, connection: psycopg.Connection[Row], conninfo: str = "") -> None:
        """conninfo: by which it was made."""
        self.connection = connection
        self.conninfo = conninfo
        self.lasting = True  # whether it may be used again
        self._replicates = True  # as SESSION has it
        # Why the server ended the connection: where several statements are sent, libpq tells it aside.
        self._last_words: psycopg.Error | None = None
        connection.add_notice_handler(self._heard)
        self.answer_s = ANSWER_S  # at most for what is sent together
        self.until = 0.0

    def ask(self, statement: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[Row]:
        return self.ask_all([Asked(statement, parameters)])

    def ask_all(self, asked: Sequence[Asked]) -> psycopg.Cursor[Row]:
        """Run the statements, each of which waits for no other's answer. Returns the last one's; the first error ends
        them.

        All are sent now, with the mark that lets the server know that it waits for us: only so its limit for a client
        that stands still in a transaction counts. What waits to be sent waits here.
        """
        self.until = time.monotonic() + self.answer_s
        try:
            return self._ask(asked[0]) if len(asked) == 1 else self._ask_together(asked)
        finally:
            self.until = 0.0

    def replicate(self, wanted: bool) -> None:
        """Have the next transactions wait for the standby too, or for this server's disk only."""
        if wanted is not self._replicates:
            self.ask(f"SET synchronous_commit = {'on' if wanted else 'local'}")
            self._replicates = wanted

    def _ask_together(self, asked: Sequence[Asked]) -> psycopg.Cursor[Row]:
        failed: psycopg.Error | None = None
        try:
            with self.connection.pipeline():
                try:
                    for each in asked:
                        last = self._ask(each)
                except psycopg.Error as error:  # not further: the pipeline would log what comes behind it
                    failed = self._last_words or error
        except psycopg.Error as error:
            failed = failed or self._last_words or error
        if failed is not None:
            raise failed
        return last

    def _heard(self, said: errors.Diagnostic) -> None:
        if said.severity_nonlocalized in ("FATAL", "PANIC") and said.sqlstate is not None:
            self._last_words = errors.lookup(said.sqlstate)(said.message_primary or "")

    def _ask(self, asked: Asked) -> psycopg.Cursor[Row]:
        text = _text(asked.statement)
        if asked.rows is None:
            return self.connection.execute(text, asked.parameters, binary=True)
        cursor = self.connection.cursor()
        cursor.executemany(text, asked.rows)
        return cursor

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """A deadline for what is done by the connection itself."""
        self.until = time.monotonic() + seconds
        try:
            yield
        finally:
            self.until = 0.0

    def cut(self) -> None:
        """Make whoever waits for an answer fail now; it is not used again."""
        self.lasting = False
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
    connection.prepared_max = _PREPARED
    return Link(connection, conninfo)


@cache
def _text(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")
