"""A store of the version before check-ins were no evidence, killed at chosen and random moments of its migration and of
the removal, while buttons press: nothing is lost, and an audit passes before, during and after."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from brokers import embedded_broker
from databases import Place
from gateway.enrolled_devices import enroll_at
from gateway.stubborn_buttons import Crowd, answers
from pressing_button import PressingButton, at, report_body
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.files.personal_key import FILE_NAME
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.audit import AuditReading
from siaga_gateway.adapters.sql.engine import Engine, Insert, Row
from siaga_gateway.adapters.sql.migrate import applied
from siaga_gateway.domain.frame import Kind, Suite, digest_of
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.store import NewEvent
from system.running_gateway import Gateway
from waiting import ENDS_S, RUNS_S, eventually

BEFORE: Final = 38  # the last version that stored check-ins as evidence
FRAMED: Final = 42  # the last before frames of check-ins go from the journal
BATCHES, EACH = 40, 10
HOURS_MS: Final = 3 * 3_600_000
KILLING: Final = [sys.executable, str(Path(__file__).with_name("killed_gateway.py"))]
# What, before or after the commit, of which; migration 1 only looks, 2 is the 39th.
CHOSEN: Final = (
    ("migration", "before", 2),
    ("migration", "after", 2),
    ("removal", "before", 1),
    ("removal", "after", 3),
)
RANDOM: Final = 1
OLD_CHECKINS: Final = f"SELECT count(*) FROM event WHERE kind = {int(Kind.CHECKIN)} AND incident_id IS NULL"


class Evidence(AuditReading):
    """A store's chain, read without opening the store, which would migrate it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.transaction() as session:
            done = applied(engine, session)
        self.thinned, self.unframed = done > BEFORE, done > FRAMED

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._engine.fetch(statement, parameters)


def history(store: SqlStore, button: PressingButton) -> dict[tuple[bytes, int], bytes]:
    """Batches of check-ins with a tamper among them, as older versions stored them. Returns the tampers."""
    kept, received_ms = {}, time.time_ns() // 1_000_000 - HOURS_MS
    for batch in range(BATCHES):
        with store.transaction() as transaction:
            for number in range(EACH):
                kind = Kind.TAMPER if number == batch % EACH else Kind.CHECKIN
                button.counter += 1
                frame = button.frame(kind, button.counter, report_body(received_ms // 1000, **at()), Suite.HS256_64)
                key = (button.device_id, button.counter)
                if kind is Kind.TAMPER:
                    kept[key] = frame
                transaction.add_event(
                    NewEvent(*key, kind, Suite.HS256_64, frame, None, received_ms, "mqtt", None, digest_of(frame))
                )
    return kept


def downgraded(store: SqlStore, old: Engine) -> None:
    """Copy the rows, as far as the older schema has tables and columns for them."""
    with old.transaction() as session:
        if old.kind == "sqlite":
            session.run("PRAGMA defer_foreign_keys = ON")
        else:
            session.run("SET LOCAL session_replication_role = replica")
        if old.kind == "postgresql":
            for name, last in store.fetch("SELECT sequencename::text, last_value FROM pg_sequences"):
                if last is not None:
                    session.fetch("SELECT setval(?::regclass, ?)", (name, last))
        before, now = (_columns(engine) for engine in (old, store.engine))
        for table in sorted(before.keys() - {"migration", "lease"}):
            names = tuple(sorted(before[table] & now[table]))
            listed = ", ".join(names)
            rows = store.fetch(f"SELECT {listed} FROM {table}")
            session.run(f"DELETE FROM {table}")
            if table == "meta":
                rows = [
                    row
                    for row in rows
                    if not str(row[names.index("name")]).startswith(("checkins.", "frames.", "search."))
                ]
            if rows:
                session.insert(Insert(table, names), rows)


def _columns(engine: Engine) -> dict[str, set[str]]:
    if engine.kind == "sqlite":
        found = engine.fetch(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
            "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'"
        )
    else:
        found = engine.fetch(
            "SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables "
            "USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
    columns: dict[str, set[str]] = {}
    for table, name in found:
        columns.setdefault(table, set()).add(name)
    return columns


@pytest.mark.timeout(3600)
def test_killed_at_any_moment_of_the_migration_and_the_removal_nothing_is_lost(place: Place, tmp_path: Path) -> None:
    chance = random.Random(39)
    (tmp_path / "now").mkdir()
    with embedded_broker() as broker_port, Place(place.kind, tmp_path / "now") as now:
        gateway = Gateway(tmp_path / "gateway", broker_port)
        for file in gateway.data.glob("siaga.db*"):
            file.unlink()
        if place.kind == "sqlite":
            place = Place("sqlite", gateway.data)
        buttons = enroll_at(now.open(0), read_key(gateway.data), 4)
        shutil.copy(tmp_path / "now" / FILE_NAME, gateway.data)
        made = now.open(0)
        kept, old = history(made, buttons.pop()), place.open_at(BEFORE, 0)
        gateway.config.write_text(gateway.config.read_text(encoding="utf-8") + place.settings(), encoding="utf-8")
        downgraded(made, old)
        made.close()
        assert verify(Evidence(old)).removed == 0

        crowd = Crowd(broker_port, buttons, pause_s=0.05, seed=39)
        try:
            crowd.start()
            for what, when, number in CHOSEN:
                process = gateway.launch(program=[*KILLING, what, when, str(number)])
                assert process.wait(RUNS_S) == -signal.SIGKILL, gateway.stderr()
                gateway.kill()
                verify(Evidence(old))
            for _ in range(RANDOM):
                gateway.launch(program=[*KILLING, "removal", "never", "1"])
                answered = answers([crowd])
                eventually(lambda before=answered: answers([crowd]) > before, "a press is answered", timeout_s=RUNS_S)
                time.sleep(chance.random())
                gateway.kill()
                verify(Evidence(old))
            gateway.start()
            eventually(lambda: old.fetch(OLD_CHECKINS) == [(0,)], "the check-ins of old are gone", timeout_s=RUNS_S)
            verify(Evidence(old))
            crowd.finish(ENDS_S)
            told = gateway.command("audit", "verify")
            assert gateway.stop() == 0
        except BaseException:
            crowd.let_go()
            raise
        finally:
            gateway.kill()
        assert str(BATCHES * (EACH - 1)) in told, "it says how many went"
        stored = {
            (bytes(row[0]), row[1]): bytes(row[2]) for row in old.fetch("SELECT device_id, counter, frame FROM event")
        }
        assert kept.items() <= stored.items(), "what is evidence is as it was"
        presses = {
            (one.button.device_id, counter): frame
            for one in crowd.buttons
            for counter, frame in one.sent.items()
            if frame[1] != Kind.CHECKIN
        }
        assert presses.items() <= stored.items(), "a press is lost"
        assert len(presses) >= 4, "too few presses to mean anything"
        assert "Traceback" not in gateway.stderr(), gateway.stderr()[-3000:]
        old.close()
