"""Makes a standby the primary, by PostgreSQL's own function; and readies its store, whoever promoted it and however.

A gateway may see the new primary before the one who promoted it does, and he may never come back. So it is readied by
whichever process of ours is first to use it, before that process reads or writes anything else there.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg
from psycopg import errors

from siaga_gateway.adapters.sql.engine import StoreUnusable
from siaga_gateway.adapters.sql.postgres.errors import failing, meaning
from siaga_gateway.adapters.sql.postgres.servers import Standing
from siaga_gateway.service.registry.after_restore import COMMANDS, SEQUENCES
from siaga_gateway.service.store.versions import SKIPPED

_WITHIN_S: Final = 60
READY_S: Final = 120
# More than an old primary can have given out that this server never received.
_INCIDENTS: Final = 1_000
_DELIVERIES: Final = 1_000_000
# No worker relies longer on a lease that it could not renew.
_LEASE_S: Final = 120
_KEPT: Final = "timeline"  # of the server that the store was last readied for
OUTBOX_AFTER: Final = "outbox.after"
_VERSIONS: Final = ("registry", "outbox", "command", "responders", "duty", "places")
_LEASES: Final = (
    "UPDATE lease SET until_ms = least(until_ms, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + %s)"
)


def promote(server: Standing) -> None:
    """Return once it takes writes. Raises: StoreUnusable."""
    try:
        with psycopg.connect(server.conninfo, connect_timeout=5, autocommit=True) as connection:
            connection.execute("SET statement_timeout = 0")
            row = connection.execute("SELECT pg_promote(true, %s)", (_WITHIN_S,)).fetchone()
    except errors.InsufficientPrivilege as error:
        raise StoreUnusable("standby.no_right", server=server.shown, why=meaning(error)) from None
    except psycopg.Error as error:
        raise StoreUnusable("standby.not_promoted", server=server.shown, why=meaning(error)) from None
    if row is None or not row[0]:
        raise StoreUnusable("standby.promoting", server=server.shown, within_s=_WITHIN_S)


def ready(server: Standing, *, promoted: bool = False, connection: psycopg.Connection | None = None) -> bool:
    """Ready the store of a primary for use, if it was promoted since it was last readied. Returns whether it was.

    promoted: it was, also if this store does not remember any time before that. connection: to that server, in no
    transaction; None: one of its own.

    The old primary may have given out numbers that never came here: incidents, messages about open ones, deliveries and
    commands to buttons go on above them, and who has read lists from it reads them anew. Its leases were timed by its
    own clock: none lasts long by ours. Raises: StoreFailing.
    """
    with failing():
        if connection is not None:
            return _ready(connection, server, promoted)
        with psycopg.connect(server.conninfo, connect_timeout=5, autocommit=True) as own:
            return _ready(own, server, promoted)


def _ready(connection: psycopg.Connection, server: Standing, promoted: bool) -> bool:
    (made,) = connection.execute("SELECT to_regclass('meta') IS NOT NULL AND to_regclass('lease') IS NOT NULL")
    if not made[0]:
        return False  # nothing was stored yet
    now = f"{server.system} {server.timeline}"
    if connection.execute("SELECT 1 FROM meta WHERE (name, value) = (%s, %s)", (_KEPT, now)).fetchone():
        return False
    with connection.transaction():
        # There may be no standby of its own yet. What is lost here with this server is done anew on the next.
        connection.execute("SET LOCAL synchronous_commit = local")
        connection.execute(f"SET LOCAL statement_timeout = '{READY_S}s'")
        connection.execute("INSERT INTO meta (name, value) VALUES (%s, '0 0') ON CONFLICT DO NOTHING", (_KEPT,))
        (kept,) = connection.execute("SELECT value FROM meta WHERE name = %s FOR UPDATE", (_KEPT,))
        system, timeline = map(int, kept[0].split())
        if system == server.system and timeline >= server.timeline:
            return False  # another process was first
        connection.execute("UPDATE meta SET value = %s WHERE name = %s", (now, _KEPT))
        later = system == server.system  # else it was made, or moved here as a whole
        if later or (promoted and system == 0):
            _go_on(connection)
            return True
    return False


def _go_on(connection: psycopg.Connection) -> None:
    run = connection.execute
    run(_LEASES, (_LEASE_S * 1000,))
    run("UPDATE incident SET sequence = sequence + %s WHERE state <> 'closed'", (SEQUENCES,))
    commands = int(time.time()) + COMMANDS
    run("UPDATE down_counter SET last = %s WHERE last < %s", (commands, commands))
    run("SELECT setval(name, nextval(name) + %s) FROM pg_get_serial_sequence('incident', 'id') AS name", (_INCIDENTS,))
    run(
        "INSERT INTO meta (name, value) SELECT %s, (coalesce(max(id), 0) + %s)::text FROM outbox "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (OUTBOX_AFTER, _DELIVERIES),
    )
    run("UPDATE meta SET value = (value::bigint + %s)::text WHERE name = ANY(%s)", (SKIPPED, list(_VERSIONS)))
