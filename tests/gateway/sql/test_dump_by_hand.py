"""A PostgreSQL store that an administrator dumps and loads with the server's own programs, without `siaga`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from databases import Place, held_keys, shared_server
from gateway import sample_store
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.service.journal.audit_chain import verify
from waiting import ENDS_S

ROLE = "siaga_plain"  # the owner of its database, and no superuser


@pytest.fixture
def dump(tmp_path: Path) -> Iterator[Path]:
    """Of a store with a call that was delivered, in pg_dump's own format."""
    with Place("postgresql", tmp_path) as place:
        store = sample_store.new_store(place)
        sample_store.with_device(store)
        sample_store.open_incident(store, outputs=("cad",))
        store.close()
        file = tmp_path / "store.dump"
        assert told("pg_dump", "--format=custom", "--file", str(file), place.conninfo) == ""
        yield file


@pytest.fixture
def target() -> Iterator[str]:
    """An empty database of somebody who is no superuser."""
    server = shared_server()
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
            connection.execute(f"CREATE ROLE {ROLE} LOGIN")  # type: ignore[call-overload]
    conninfo = server.new_database(f"OWNER {ROLE}")
    yield conninfo
    server.execute(f"DROP DATABASE {conninfo.rpartition('/')[2]} WITH (FORCE)")


def told(*command: str) -> str:
    """What a program says of errors; empty: it did what it should."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=ENDS_S, check=False)
    return done.stderr if done.returncode else ""


def load(target: str, dump: Path, *options: str, superuser: bool = False) -> str:
    who = target if superuser else target.replace("://siaga@", f"://{ROLE}@")
    return told("pg_restore", "--exit-on-error", "--no-owner", "--no-privileges", *options, "-d", who, str(dump))


def is_whole(target: str) -> bool:
    """Whether all is there, and references are checked as before."""
    with psycopg.connect(target) as connection:
        (counts,) = connection.execute(
            "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM outbox), (SELECT count(*) FROM device)"
        )
        refused = []
        for statement in ("UPDATE event SET incident_id = 99", "DELETE FROM incident", "DELETE FROM device"):
            with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
                connection.execute(statement)
            refused.append(statement)
    return counts == (1, 1, 1) and len(refused) == 3


def test_it_is_loaded_whole_or_in_its_three_sections(dump: Path, target: str) -> None:
    for section in ("pre-data", "data", "post-data"):
        assert load(target, dump, f"--section={section}") == ""
    assert is_whole(target)
    store = SqlStore(Postgres(target), sample_store.NOW_MS, held_keys())
    verify(store)
    store.close()


def test_rows_alone_are_loaded_into_a_store_s_tables_without_their_triggers(dump: Path, target: str) -> None:
    """They come table by table, by name: devices before their owners, events before their incidents."""
    assert load(target, dump, "--schema-only") == ""
    assert "foreign key" in load(target, dump, "--data-only", "--single-transaction")
    only = ("--data-only", "--disable-triggers", "--single-transaction")
    assert "permission denied" in load(target, dump, *only), "foreign keys too are a superuser's to switch off"
    assert load(target, dump, *only, superuser=True) == ""
    assert is_whole(target)
