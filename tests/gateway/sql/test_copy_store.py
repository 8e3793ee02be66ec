"""A store moves from SQLite to PostgreSQL as it is: what was in it, its numbers, its audit chain; then it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, store_path
from siaga_gateway.adapters.sql.copy_store import move
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.notifier import JournalNotifier
from system.running_gateway import Gateway


def lived_in(folder: Path) -> IngestHarness:
    """A desk on SQLite with some of everything."""
    desk = IngestHarness(folder)
    button, other = desk.button(), desk.button(RegistrationState.SUSPENDED)
    desk.take(button.press(NOW_S), button.follow(Kind.UPDATE, NOW_S), button.press(NOW_S, again=True))
    desk.take(other.press(NOW_S), other.follow(Kind.CHECKIN, NOW_S), b"noise", b"\x11")
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    operator = IncidentActions(
        desk.store, desk.keyring, SentAnswers(), JournalNotifier(), ManualClock(NOW_MS), outputs=("cad", "trainer")
    )
    operator.seen(1, "Rina")
    operator.assign(1, "Rina", "Patroli 12", 7)
    return desk


def everything(store: SqlStore) -> list[object]:
    return [
        store.name,
        store.open_incidents(),
        store.journal_after(0, 10_000),
        store.owners(),
        sorted(store.devices(), key=lambda pair: pair[0].device.device_id),
        store.deliveries(limit=10_000),
        [store.notice(delivery) for delivery in store.deliveries(limit=10_000)],
        store.strangers(),
        store.chain_head(),
        store.registry_version(),
        store.fetch("SELECT device_id, counter, frame, signature, incident_id FROM event ORDER BY id"),
        store.fetch("SELECT device_id, counter, test, incident_id FROM press ORDER BY device_id, counter, test"),
    ]


def test_all_that_was_there_is_there_and_it_goes_on(tmp_path: Path) -> None:
    desk = lived_in(tmp_path)
    before = everything(desk.store)
    desk.close()
    place = Place("postgresql", tmp_path).emptied()
    target = SqlStore(Postgres(place.conninfo), NOW_MS, KeyFile(tmp_path / FILE_NAME))
    moved = move(store_path(tmp_path), target)
    assert moved["event"] == 6
    target.close()
    again = SqlStore(Postgres(place.conninfo), NOW_MS, KeyFile(tmp_path / FILE_NAME))
    assert everything(again) == before
    verify(again)
    highest = max(incident.id for incident in again.open_incidents())
    with again.transaction() as transaction:
        transaction.add_device(
            Device(sample_store.DEVICE_ID, sample_store.PUBLIC_XY, 1, RegistrationState.ACTIVE, "Kasir", NOW_MS)
        )
    assert sample_store.open_incident(again, 1, outputs=("cad",)).id == highest + 1, "every number goes on where it was"
    assert again.deliveries(limit=1)[0].id > max(one.id for one in before[5])  # type: ignore[attr-defined]
    verify(again)
    again.close()


def test_a_database_in_use_is_left_alone(tmp_path: Path) -> None:
    lived_in(tmp_path).close()
    used = sample_store.new_store(Place("postgresql", tmp_path))
    sample_store.with_device(used)
    before = everything(used)
    with pytest.raises(StoreUnusable, match="in use already"):
        move(store_path(tmp_path), used)
    assert everything(used) == before
    used.close()


def test_the_command_moves_and_the_gateway_finds_all(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "gateway", 1883)
    button = PressingButton()
    gateway.enrol(button.device_id.hex(), frame=button.enrol().hex())
    before = gateway.command("devices")
    assert "names no database" in gateway.command("move-store", check=False)
    place = Place("postgresql", tmp_path).emptied()
    gateway.config.write_text(gateway.config.read_text() + "\n" + place.settings(), encoding="utf-8")
    said = gateway.command("move-store")
    assert "1  device" in said
    assert gateway.command("devices") == before
    assert "in use already" in gateway.command("move-store", check=False)
