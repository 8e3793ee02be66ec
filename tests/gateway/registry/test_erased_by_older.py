"""Who was erased stays erased, whatever a gateway of a version before does beside this one."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.sample_site import WIB
from gateway.sample_store import DEVICE_ID, NOW_MS
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.encryption import SIM_NUMBER, seal_devices, seal_owners
from siaga_gateway.adapters.sql.engine import Row, Session
from siaga_gateway.adapters.sql.postgres.session import PostgresSession
from siaga_gateway.domain.consent import CURRENT, Consent
from siaga_gateway.domain.owner_profile import OwnerProfile
from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.registry.registry_book import RegistryBook
from siaga_gateway.service.registry.retention import Retention, RetentionPolicy
from waiting import ENDS_S, eventually

KEEPS = RetentionPolicy(positions_days=0, notes_days=0, personal_days=0, quarantine_days=0, figures_days=0)
LEFT = "SELECT device_id, sim_number IS NOT NULL FROM device ORDER BY device_id"
CONSENTS = "SELECT owner_id FROM owner_consent ORDER BY id"


@pytest.fixture
def store(place: Place) -> Iterator[SqlStore]:
    """With owner 1, his button, and owner 2."""
    kept = sample_store.new_store(place)
    sample_store.with_device(kept)
    with kept.transaction() as transaction:
        transaction.add_owner(Owner(0, "Contoh Dua", "9900000000000002", "+620000000002", "Jl. C"), NOW_MS)
    yield kept
    kept.close()


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[SqlStore]:
    with Place("postgresql", tmp_path) as place:
        kept = sample_store.new_store(place)
        sample_store.with_device(kept)
        yield kept
        kept.close()


def run(store: SqlStore, statement: str, parameters: Row = ()) -> None:
    with store.engine.transaction() as session:
        session.run(statement, parameters)


def with_number(store: SqlStore) -> None:
    sealed = store.sealing.seal_of_device("+620000000009", DEVICE_ID, SIM_NUMBER)
    run(store, "UPDATE device SET sim_number = ?", (sealed,))


def test_consents_and_sim_numbers_that_an_older_gateway_left_go_with_the_next_run(store: SqlStore) -> None:
    with store.transaction() as transaction:
        for owner_id in (1, 1, 2):
            transaction.add_consent(owner_id, Consent(CURRENT, "2026-09-01", NOW_MS, "Rina"))
    with_number(store)
    retention = Retention(store, ManualClock(NOW_MS), KEEPS)
    retention.run()
    assert (store.fetch(LEFT), store.fetch(CONSENTS)) == ([(DEVICE_ID, True)], [(1,), (1,), (2,)])
    run(store, "UPDATE owner SET name = '', nik = '', phone = '', key_id = '', erased_at_ms = 1 WHERE id = 1")
    changed = store.fetch("SELECT changed FROM device")
    retention.run(dry=True)
    assert len(store.fetch(CONSENTS)) == 3
    retention.run()
    assert (store.fetch(LEFT), store.fetch(CONSENTS)) == ([(DEVICE_ID, False)], [(2,)])
    assert store.fetch("SELECT changed FROM device") > changed, "others who hold it in memory read it again"


def test_a_consent_is_not_recorded_of_somebody_who_is_being_erased(postgres: SqlStore) -> None:
    book = RegistryBook(postgres, ManualClock(NOW_MS), JournalNotifier(), WIB)
    refused: list[EnrolError] = []

    def record() -> None:
        try:
            book.record_consent(1, CURRENT, "2026-01-01", "Rina")
        except EnrolError as error:
            refused.append(error)

    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    recording = threading.Thread(target=record)
    with postgres.transaction() as transaction:
        transaction.lock([DEVICE_ID])
        transaction.erase_owner(1, NOW_MS)
        recording.start()
        eventually(lambda: postgres.fetch(waiting)[0][0] > 0 or not recording.is_alive())
    recording.join(ENDS_S)
    assert [error.key for error in refused] == ["registry.owner_gone"]
    assert postgres.fetch(CONSENTS) == []


class Between:
    """A transaction in which another one changes something after the first look."""

    def __init__(self, session: Session, store: SqlStore, statement: str, parameters: Row) -> None:
        self._session = session
        self._change = (store, statement, parameters)

    def fetch(self, statement: str, parameters: Any = ()) -> list[Row]:
        rows = self._session.fetch(statement, parameters)
        run(*self._change)
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


OWNERS = "SELECT name, nik, phone, address, key_id FROM owner"
ERASED = ("", "", "", "", "")


@pytest.mark.parametrize("after", [ERASED, ("another", "1", "2", "3", "00000000")])
def test_an_owner_who_changes_while_the_key_is_changed_is_not_written_back(
    postgres: SqlStore, tmp_path: Path, after: Row
) -> None:
    new = KeyFile(tmp_path / FILE_NAME).add().id
    assert postgres.sealing.has(new)
    change = "UPDATE owner SET name = ?, nik = ?, phone = ?, address = ?, key_id = ?, erased_at_ms = ?"
    with postgres.engine.transaction() as session:
        between: Any = Between(session, postgres, change, (*after, 1 if after == ERASED else None))
        assert seal_owners(between, postgres.sealing, 0, 9)[0] == 1
    assert postgres.fetch(OWNERS) == [after]


def test_what_an_older_gateway_leaves_of_an_erased_owner_is_read_by_nobody(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_profile(1, OwnerProfile(medical_note="Asma"), NOW_MS)
        transaction.put_owner_photograph(1, b"\xff\xd8\xff", NOW_MS)
    assert store.profile_of(1) and store.owner_photograph_ms(1) and store.owner_photograph(1)
    run(store, "UPDATE owner SET erased_at_ms = ? WHERE id = 1", (NOW_MS,))
    assert (store.profile_of(1), store.owner_photograph_ms(1), store.owner_photograph(1)) == (None, None, None)


@pytest.mark.parametrize("after", [None, "00000000.another"])
def test_a_sim_number_that_changes_while_the_key_is_changed_is_not_written_back(
    postgres: SqlStore, tmp_path: Path, after: str | None
) -> None:
    with_number(postgres)
    assert postgres.sealing.has(KeyFile(tmp_path / FILE_NAME).add().id)
    with postgres.engine.transaction() as session:
        between: Any = Between(session, postgres, "UPDATE device SET sim_number = ?", (after,))
        assert seal_devices(between, postgres.sealing, b"", 9) == DEVICE_ID
    assert postgres.fetch("SELECT sim_number FROM device") == [(after,)]


def test_what_stays_as_it_was_is_encrypted_under_the_new_key(store: SqlStore, tmp_path: Path) -> None:
    with_number(store)
    new = KeyFile(tmp_path / FILE_NAME).add().id
    assert store.sealing.has(new)
    assert store.reseal() == (2, 0)
    assert store.fetch("SELECT key_id FROM owner") == [(new,), (new,)]
    ((number,),) = store.fetch("SELECT sim_number FROM device")
    assert number.startswith(new)


def test_a_scrub_empties_the_tables_that_held_personal_data(
    postgres: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    resealed, fetch = set[str](), PostgresSession.fetch

    def noting(session: PostgresSession, statement: str, parameters: Row = ()) -> list[Row]:
        resealed.update(re.findall(r"FROM (\w+)", statement))
        return fetch(session, statement, parameters)

    with monkeypatch.context() as patched:
        patched.setattr(PostgresSession, "fetch", noting)
        postgres.reseal()
    assert {"owner", "desk_message", "handover"} <= resealed
    postgres.scrub()
    vacuumed = "SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0 AND schemaname = current_schema()"
    wanted = {"owner", "owner_search", "owner_consent", "photograph", "device", "incident", "notice"}
    wanted |= {"owner_profile", "owner_photograph", "responder", "desk_message", "shift_note", "handover"}
    assert wanted >= resealed, "what is encrypted anew leaves the former text behind"
    eventually(lambda: wanted <= {name for (name,) in postgres.fetch(vacuumed)})
