"""PostgreSQL databases that are used again by the next test: to make one costs more than most tests do with it.

One that is given back is emptied and then compared with a new one, object by object. It is not used again if anything
is left, or if somebody is still connected to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import psycopg

from waiting import eventually

_GONE_S: Final = 0.5  # the server notices the end of a connection a little later than who closed it

# Everything in a database that a test may have changed, but for rows and the state of sequences.
_OBJECTS: Final = """
WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)')
SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
    SELECT concat_ws('|', 'schema', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT concat_ws('|', 'relation', nspname, relname, relkind, relpersistence, relowner::regrole, relacl,
            reloptions, relrowsecurity, relforcerowsecurity, relreplident, relispartition, reltablespace,
            CASE relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid) END)
        FROM pg_class c JOIN ours ON ours.oid = relnamespace
    UNION ALL SELECT concat_ws('|', 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod),
            attnotnull, attidentity, attgenerated, attacl, attoptions, attcollation, pg_get_expr(adbin, adrelid))
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN ours ON ours.oid = relnamespace
        LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum) WHERE attnum > 0
    UNION ALL SELECT concat_ws('|', 'constraint', conrelid::regclass, conname, convalidated,
            pg_get_constraintdef(c.oid))
        FROM pg_constraint c JOIN ours ON ours.oid = connamespace
    UNION ALL SELECT concat_ws('|', 'sequence', seqrelid::regclass, seqstart, seqincrement, seqmax, seqmin, seqcache,
            seqcycle) FROM pg_sequence
    UNION ALL SELECT concat_ws('|', 'trigger', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws('|', 'rule', ev_enabled, pg_get_ruledef(r.oid))
        FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class JOIN ours ON ours.oid = relnamespace
    UNION ALL SELECT concat_ws('|', 'function', proowner::regrole, proacl, p.oid::regprocedure, prosrc)
        FROM pg_proc p JOIN ours ON ours.oid = pronamespace
    UNION ALL SELECT concat_ws('|', 'type', oid::regtype, typtype) FROM pg_type WHERE oid >= 16384 AND typtype <> 'b'
        AND typrelid = 0
    UNION ALL SELECT concat_ws('|', 'policy', polrelid::regclass, polname) FROM pg_policy
    UNION ALL SELECT concat_ws('|', 'extension', extname, extversion) FROM pg_extension
    UNION ALL SELECT concat_ws('|', 'on event', evtname) FROM pg_event_trigger
    UNION ALL SELECT concat_ws('|', 'large object', oid) FROM pg_largeobject_metadata
    UNION ALL SELECT concat_ws('|', 'privileges', defaclrole, defaclnamespace, defaclacl) FROM pg_default_acl
    UNION ALL SELECT concat_ws('|', 'database', datconnlimit, datallowconn, datacl, encoding, datcollate,
            datdba::regrole) FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT concat_ws('|', 'setting', setrole, setconfig) FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS told (line)
"""
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)
_RELATIONS: Final = (
    "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    " WHERE nspname = 'public' AND relkind = %s ORDER BY 1"
)
_FUNCTIONS: Final = (
    "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace"
    " WHERE nspname = 'public' ORDER BY 1"
)


@dataclass(slots=True)
class _Kind:
    """Databases that are alike."""

    objects: str
    rows: dict[str, bytes]  # of each table that has some, as COPY has them
    clean: list[str] = field(default_factory=list)  # their conninfo


class RecycledDatabases:
    """Lends databases by the name of their kind, and takes them back."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._lent: dict[str, str] = {}  # kind by conninfo

    def lend(self, kind: str, make: Callable[[], str]) -> str:
        """The conninfo of one of this kind, new by `make` if there is none. For one thread."""
        known = self._kinds.get(kind)
        conninfo = known.clean.pop() if known is not None and known.clean else make()
        if known is None:
            with psycopg.connect(conninfo, autocommit=True) as connection:
                self._kinds[kind] = _Kind(objects(connection), _rows(connection))
        self._lent[conninfo] = kind
        return conninfo

    def give_back(self, conninfo: str) -> bool:
        """Whether it will be used again."""
        kind = self._kinds[self._lent.pop(conninfo)]
        try:
            with psycopg.connect(conninfo, autocommit=True, connect_timeout=5) as connection:
                if not _alone(connection):
                    return False
                if not kind.rows:
                    _drop_all(connection)
                else:
                    _refill(connection, kind.rows)
                if objects(connection) != kind.objects:
                    return False
        except psycopg.Error:
            return False
        kind.clean.append(conninfo)
        return True


def objects(connection: psycopg.Connection) -> str:
    """A digest of all that it consists of."""
    return str(connection.execute(_OBJECTS).fetchall()[0][0])


def _names(connection: psycopg.Connection, kind: str) -> list[str]:
    return [name for (name,) in connection.execute(_RELATIONS, (kind,)).fetchall()]


def _rows(connection: psycopg.Connection) -> dict[str, bytes]:
    used = connection.execute("SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL").fetchall()
    assert not used, f"a new store has drawn from {used}"
    found = {}
    for table in _names(connection, "r"):
        with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
            found[table] = b"".join(copy)
    return {table: rows for table, rows in found.items() if rows}


def _alone(connection: psycopg.Connection) -> bool:
    with contextlib.suppress(AssertionError):
        # no deadline of a machine: one that is not alone by then is made anew
        return eventually(lambda: connection.execute(_OTHERS).fetchall() == [(0,)], timeout_s=_GONE_S)
    return False


def _refill(connection: psycopg.Connection, rows: Mapping[str, bytes]) -> None:
    statements = ["SET LOCAL session_replication_role = replica"]  # without triggers and foreign keys
    statements += [f"DELETE FROM {table}" for table in _names(connection, "r")]
    statements += ["SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"]
    with connection.transaction():
        connection.execute("; ".join(statements))
        for table, lines in rows.items():
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(lines)


def _drop_all(connection: psycopg.Connection) -> None:
    for kind, word in (("v", "VIEW"), ("r", "TABLE"), ("S", "SEQUENCE")):
        for name in _names(connection, kind):
            connection.execute(f"DROP {word} IF EXISTS {name} CASCADE")
    for (name,) in connection.execute(_FUNCTIONS).fetchall():
        connection.execute(f"DROP FUNCTION {name}")
