"""A store moves from SQLite to PostgreSQL as it is: what was in it, its numbers, its audit chain; then it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import stored
from fakes import ManualClock, SentAnswers
from ingesting import NOW_MS, NOW_S, Desk

from databases import Place
from pressing import PressingButton
from siaga_gateway.adapters.key_file import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, store_path
from siaga_gateway.adapters.sql.moving import move
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.service.audit import verify
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.operate import Operator
from system.house import Gateway


def lived_in(folder: Path) -> Desk:
    """A desk on SQLite with some of everything."""
    desk = Desk(folder)
    button, other = desk.button(), desk.button(RegistrationState.SUSPENDED)
    desk.take(button.press(NOW_S), button.follow(Kind.UPDATE, NOW_S), button.press(NOW_S, again=True))
    desk.take(other.press(NOW_S), other.follow(Kind.CHECKIN, NOW_S), b"noise", b"\x11")
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    operator = Operator(
        desk.store, desk.keyring, SentAnswers(), JournalBell(), ManualClock(NOW_MS), outputs=("cad", "trainer")
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
        store.devices(),
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
    place = Place("postgresql", tmp_path)
    target = SqlStore(Postgres(place.conninfo), NOW_MS, KeyFile(tmp_path / FILE_NAME))
    moved = move(store_path(tmp_path), target)
    assert moved["event"] == 6
    target.close()
    again = SqlStore(Postgres(place.conninfo), NOW_MS, KeyFile(tmp_path / FILE_NAME))
    assert everything(again) == before
    verify(again)
    highest = max(incident.id for incident in again.open_incidents())
    with again.transaction() as transaction:
        transaction.add_device(Device(stored.DEVICE_ID, stored.PUBLIC_XY, 1, RegistrationState.ACTIVE, "Kasir", NOW_MS))
    assert stored.open_incident(again, 1, outputs=("cad",)).id == highest + 1, "every number goes on where it was"
    assert again.deliveries(limit=1)[0].id > max(one.id for one in before[5])  # type: ignore[attr-defined]
    verify(again)
    again.close()


def test_a_database_in_use_is_left_alone(tmp_path: Path) -> None:
    lived_in(tmp_path).close()
    used = stored.new_store(Place("postgresql", tmp_path))
    stored.with_device(used)
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
    place = Place("postgresql", tmp_path)
    gateway.config.write_text(gateway.config.read_text() + "\n" + place.settings(), encoding="utf-8")
    said = gateway.command("move-store")
    assert "1  device" in said
    assert gateway.command("devices") == before
    assert "in use already" in gateway.command("move-store", check=False)
