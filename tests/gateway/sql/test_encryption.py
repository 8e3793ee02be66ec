"""Personal data lies sealed in the store, on both engines; without its key everything else goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_S, IngestHarness
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, notice_snapshots, store_path
from siaga_gateway.adapters.sql.encryption import seal_notes
from siaga_gateway.adapters.sql.engine import Row, Session
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.registry import Owner
from siaga_gateway.formats import cap, cloudevent
from siaga_gateway.formats.cap_texts import words
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, Registrar
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import StoreConflict

NOTE = "Korban dibawa ke RS Contoh oleh adiknya"
PERSONAL = ("Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1", "RS Contoh")
TABLES = (
    "owner",
    "device",
    "device_status",
    "incident",
    "event",
    "press",
    "journal",
    "notice",
    "outbox",
    "meta",
    "batch",
)


def close_with_note(store: SqlStore, note: str = NOTE) -> int:
    incident = sample_store.open_incident(store, outputs=("cad",))
    ring = KeyRing(store, sample_store.GATEWAY_KEY)
    operator = IncidentActions(store, ring, SentAnswers(), JournalNotifier(), ManualClock(), outputs=("cad",))
    operator.seen(incident.id, "Rina")
    operator.close(incident.id, "Rina", "verified", note)
    return incident.id


def everything(store: SqlStore) -> str:
    """Every value of every row, as text."""
    return "\n".join(repr(row) for table in TABLES for row in store.fetch(f"SELECT * FROM {table}"))


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("siaga.db*"))


def test_nothing_personal_is_in_any_row_and_all_of_it_is_read(store: SqlStore) -> None:
    number = close_with_note(store)
    kept = everything(store)
    assert [part for part in PERSONAL if part in kept] == []
    incident = store.incident(number)
    assert incident is not None and incident.owner is not None
    assert (incident.note, incident.owner.name, incident.owner.nik) == (NOTE, PERSONAL[0], PERSONAL[1])
    told = [store.notice(one) for one in store.pending("cad")]
    assert told[-1].incident.note == NOTE
    assert all(one.incident.owner == incident.owner for one in told)
    verify(store)


def test_the_key_lies_beside_and_is_for_its_owner_only(tmp_path: Path, store: SqlStore) -> None:
    key = tmp_path / FILE_NAME
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text().split()[2] not in everything(store)


def test_a_nik_is_registered_once(store: SqlStore) -> None:
    registrar = Registrar(store, ManualClock())
    same = NewOwner("Contoh Dua", "9900000000000001", "+620000000002", "Jl. Contoh 2")
    with pytest.raises(EnrolError, match="registered already, as owner 1"):
        registrar.add_owner(same, actor="Dewi")
    assert registrar.add_owner(replace(same, nik="9900000000000002"), actor="Dewi").id == 2
    assert (store.owner_by_nik("9900000000000002"), store.owner_by_nik("9900000000000003")) == (2, None)
    with pytest.raises(StoreConflict), store.transaction() as transaction:
        transaction.add_owner(Owner(0, "Contoh Tiga", "9900000000000002", "+620000000003", "Jl. Contoh 3"), 0)


def test_sealed_text_that_is_moved_to_another_owner_does_not_open(store: SqlStore) -> None:
    Registrar(store, ManualClock()).add_owner(
        NewOwner("Contoh Dua", "9900000000000002", "+620000000002", "Jl. Contoh 2"), actor="Dewi"
    )
    with store.engine.transaction() as session:
        session.run("UPDATE owner SET phone = (SELECT phone FROM owner AS o WHERE o.id = 2) WHERE id = 1")
    owner = store.owner(1)
    assert owner is not None and owner.unreadable


def without_key(place: Place, folder: Path) -> SqlStore:
    (folder / FILE_NAME).rename(folder / "elsewhere")
    return sample_store.new_store(place)


def test_without_its_key_a_press_still_goes_and_keeps_its_owner(place: Place, tmp_path: Path) -> None:
    desk = IngestHarness(place)
    button = desk.button()
    key = desk.gateway_key
    desk.close()
    store = without_key(place, tmp_path)
    assert store.key_fault is not None and "put your copy of it back" in store.key_fault
    store.close()
    desk = IngestHarness(place, beside=desk)
    assert desk.gateway_key is key
    assert len(desk.take(button.press(NOW_S))) == 1
    incident = desk.only()
    assert (incident.device_label, incident.holder) == ("Toko Contoh, kasir", None)
    assert incident.owner is not None and incident.owner.unreadable
    notice = Notice(incident, Change.OPENED, 1, NOW_S * 1000)
    for language, said in (("en", "its key is missing"), ("id", "kuncinya tidak ada")):
        told = words(notice, language)
        assert "Toko Contoh, kasir" in told.headline and said in told.description
    schema = jsonschema.Draft202012Validator(cloudevent.schema())
    data = cloudevent.contents(notice)
    schema.validate(data)
    assert (data["owner"], data["owner_unreadable"]) == (None, True)
    assert ("owner_unreadable", "true") in cap.parameters(notice)
    erased = replace(notice, incident=replace(incident, owner=None))
    assert "owner_unreadable" not in cloudevent.contents(erased) and "owner_unreadable" not in dict(
        cap.parameters(erased)
    )
    desk.close()
    (tmp_path / "elsewhere").rename(tmp_path / FILE_NAME)
    store = sample_store.new_store(place)
    again = store.incident(incident.id)
    assert again is not None and again.holder is not None and again.holder.name == "Contoh Wati"
    store.close()


def test_without_its_key_a_note_is_refused_and_an_old_one_is_kept(place: Place, tmp_path: Path) -> None:
    store = sample_store.new_store(place)
    sample_store.with_device(store)
    number = close_with_note(store)
    store.close()
    store = without_key(place, tmp_path)
    with pytest.raises(OperateError, match=r"the note cannot be kept .* close the incident without one"):
        close_with_note(store)
    incident = store.incident(number)
    assert incident is not None and not incident.note
    with store.transaction() as transaction:
        transaction.put_incident(replace(incident, presses=2))
    store.close()
    (tmp_path / "elsewhere").rename(tmp_path / FILE_NAME)
    store = sample_store.new_store(place)
    again = store.incident(number)
    assert again is not None and (again.note, again.presses) == (NOTE, 2)
    store.close()


def test_names_come_back_by_themselves_and_who_was_erased_stays_erased(place: Place, tmp_path: Path) -> None:
    desk = IngestHarness(place)
    button = desk.button()
    desk.close()
    store = without_key(place, tmp_path)
    store.close()
    desk = IngestHarness(place, beside=desk)
    desk.take(button.press(NOW_S))
    store, number = desk.store, desk.only().id
    before = store.incident(number)
    assert before is not None and before.owner is not None and before.owner.unreadable, (
        "registered, and not readable now"
    )
    (tmp_path / "elsewhere").rename(tmp_path / FILE_NAME)
    again = store.incident(number)
    assert again is not None and again.holder is not None and again.holder.name == "Contoh Wati"
    assert store.key_fault is None and store.key_file_fault() is None
    with store.transaction() as transaction:
        transaction.erase_owner(1, sample_store.NOW_MS)
    gone = store.incident(number)
    assert gone is not None and gone.owner is None, "erased is what the store says, not what cannot be read"
    (tmp_path / FILE_NAME).unlink()
    gone = store.incident(number)
    assert gone is not None and gone.owner is None
    desk.close()


@pytest.mark.parametrize("fault", ["gone", "open to others", "cut short", "of another installation"])
def test_a_key_that_goes_while_the_gateway_runs_is_told_and_costs_no_name(
    place: Place, tmp_path: Path, fault: str
) -> None:
    store = sample_store.new_store(place)
    sample_store.with_device(store)
    key = tmp_path / FILE_NAME
    whole = key.read_text()
    assert store.key_file_fault() is None
    if fault == "open to others":
        key.chmod(0o644)
    else:
        key.unlink()
    if fault == "cut short":
        key.write_text(whole[:50])
        key.chmod(0o600)
    if fault == "of another installation":
        KeyFile(key).make()
    told = store.key_file_fault()
    assert told is not None and str(key) in told
    owner = store.owner(1)
    assert (store.key_fault, owner is not None and owner.name) == (None, "Contoh Wati"), "what was read serves on"
    fresh = sample_store.new_store(place)
    assert fresh.key_fault is not None
    unreadable = fresh.owner(1)
    assert unreadable is not None and unreadable.unreadable
    registrar = Registrar(fresh, ManualClock())
    with pytest.raises(PersonalKeyError, match=FILE_NAME):
        registrar.add_owner(NewOwner("Contoh Dua", "9900000000000002", "+620000000002", "Jl. 2"), actor="Dewi")
    key.unlink(missing_ok=True)
    key.write_text(whole)
    key.chmod(0o600)
    assert (fresh.key_fault, store.key_file_fault()) == (None, None)
    assert registrar.add_owner(NewOwner("Contoh Dua", "9900000000000002", "+620000000002", "Jl. 2"), actor="D").id == 2
    back = fresh.owner(1)
    assert back is not None and back.name == "Contoh Wati"
    store.close()
    fresh.close()


def test_another_key_is_not_taken_for_it_and_none_is_made_in_its_place(place: Place, tmp_path: Path) -> None:
    sample_store.new_store(place).close()
    made = (tmp_path / FILE_NAME).read_text().split()[1]
    (tmp_path / FILE_NAME).unlink()
    store = sample_store.new_store(place)
    assert not (tmp_path / FILE_NAME).exists()
    store.close()
    KeyFile(tmp_path / FILE_NAME).make()
    store = sample_store.new_store(place)
    assert store.key_fault is not None and f"the store is sealed by {made}" in store.key_fault
    store.close()


def test_a_key_that_others_can_read_is_refused_for_a_new_store(place: Place, tmp_path: Path) -> None:
    KeyFile(tmp_path / FILE_NAME).make()
    (tmp_path / FILE_NAME).chmod(0o640)
    with pytest.raises(StoreUnusable, match="others can read the keys"):
        sample_store.new_store(place)


def test_a_key_is_changed_while_others_read(place: Place, tmp_path: Path) -> None:
    store, other = sample_store.new_store(place), sample_store.new_store(place)
    sample_store.with_device(store)
    number = close_with_note(store)
    assert other.owner(1) is not None
    file = KeyFile(tmp_path / FILE_NAME)
    old = file.keys().current
    new = file.add().id
    assert store.sealing.has(new), "looked at again, for a key that is not known"
    assert store.reseal() == (1, 1)
    store.sealed_by(new)
    assert [key.id for key in file.retire()] == [old]
    assert store.fetch("SELECT key_id FROM owner") == [(new,)]
    for one in (store, other, sample_store.new_store(place)):
        owner, incident = one.owner(1), one.incident(number)
        assert owner is not None and incident is not None
        assert (owner.name, incident.note, one.key_fault) == ("Contoh Wati", NOTE, None)
        assert one.owner_by_nik("9900000000000001") == 1
        assert one.notice(one.pending("cad")[-1]).incident.note == NOTE
        one.close()
    retired = tmp_path / f"{FILE_NAME}-retired"
    assert (old in retired.read_text(), retired.stat().st_mode & 0o777) == (True, 0o600)


class Interrupted:
    """A session in which somebody else commits right after the first read."""

    def __init__(self, session: Session, meanwhile: Callable[[Session], None]) -> None:
        self._session = session
        self._meanwhile: Callable[[Session], None] | None = meanwhile

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        rows = self._session.fetch(statement, parameters)
        if (meanwhile := self._meanwhile) is not None:
            self._meanwhile = None
            meanwhile(self._session)
        return rows

    def many(self, statement: str, rows: Sequence[Row]) -> None:
        self._session.many(statement, rows)


def test_a_note_that_is_added_while_the_key_changes_is_not_written_over(place: Place, tmp_path: Path) -> None:
    store = sample_store.new_store(place)
    sample_store.with_device(store)
    number = close_with_note(store)
    file = KeyFile(tmp_path / FILE_NAME)
    new, newer = file.add().id, f"{NOTE}, lalu pulang"
    assert store.sealing.has(new)
    sealing, sealed = store.sealing, store.sealing.seal_note(newer, number)

    def add(session: Session) -> None:
        session.run("UPDATE incident SET note = ? WHERE id = ?", (sealed, number))
        last = session.fetch("SELECT max(sequence) FROM notice WHERE incident_id = ?", (number,))[0][0]
        text = session.fetch("SELECT incident FROM notice WHERE incident_id = ? AND sequence = ?", (number, last))[0][0]
        session.run(
            "INSERT INTO notice (incident_id, sequence, change, made_at_ms, incident) "
            "SELECT incident_id, sequence + 1, change, made_at_ms, ? FROM notice "
            "WHERE incident_id = ? AND sequence = ?",
            (notice_snapshots.changed(text, {"note": sealed}), number, last),
        )

    with store.engine.transaction() as session:
        seal_notes(Interrupted(session, add), store.writing, sealing, 0, 100)  # type: ignore[arg-type]
    found = store.incident(number)
    assert found is not None and found.note == newer
    kept = [
        notice_snapshots.fields(text)["note"]
        for (text,) in store.fetch("SELECT incident FROM notice WHERE incident_id = ? ORDER BY sequence", (number,))
    ]
    noted = [each for each in kept if each is not None]
    assert [each.partition(".")[0] for each in noted] == [new] * len(noted), "those of before too"
    assert [sealing.open_note(each, number) for each in noted[-2:]] == [NOTE, newer], "each has the note of its day"
    store.close()


def old_store(place: Place) -> None:
    old = place.open_at(5, 0)
    with old.transaction() as session:
        session.run("INSERT INTO meta (name, value) VALUES ('store', 'bcdfg')")
        for number in range(1, 1_203):
            session.run(
                "INSERT INTO owner VALUES (?, ?, ?, '+620000000001', 'Jl. Contoh 1, Bandar Lampung', 'id', 7)",
                (number, f"Contoh Wati {number}", f"{9_900_000_000_000_000 + number}"),
            )
        row = (sample_store.DEVICE_ID, sample_store.PUBLIC_XY, 1, "suspended", "Toko Contoh", 5, None, None, None, 1)
        session.run(
            "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, valid_until_ms, "
            "installed_latitude, installed_longitude, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        session.run(
            "INSERT INTO incident (id, identifier, mode, state, device_id, device_label, registration, owner_id, "
            "opening_counter, opened_at_ms, presses, silent, duress, cancelled_by_holder, held, note, sequence, "
            "last_press) VALUES (1, 'x-1.bcdfg', 'actual', 'closed', ?, 'Toko', 'active', 1, 1, 1, 1, 0, 0, 0, 0, ?, "
            "2, 1)",
            (sample_store.DEVICE_ID, NOTE),
        )
        session.run(
            "INSERT INTO notice VALUES (1, 2, 'closed', 1, ?)", (f'{{"id":1,"device_id":"00","note":"{NOTE}"}}',)
        )
    old.close()


def test_an_older_store_is_sealed_at_its_first_start(place: Place) -> None:
    old_store(place)
    store = sample_store.new_store(place)
    assert [part for part in PERSONAL if part in everything(store)] == []
    assert [owner.name for owner in store.owners()] == [f"Contoh Wati {number}" for number in range(1, 1_203)]
    assert store.owner_by_nik("9900000000001202") == 1_202
    incident = store.incident(1)
    assert incident is not None and incident.note == NOTE
    assert store.fetch("SELECT state_since_ms FROM device") == [(5,)]
    store.close()


def test_nothing_that_was_in_the_open_stays_behind_in_the_files(tmp_path: Path) -> None:
    old_store(Place("sqlite", tmp_path))
    assert b"Contoh Wati 77" in on_disk(tmp_path)
    SqlStore(store_path(tmp_path), 0).close()
    left = on_disk(tmp_path)
    assert [part for part in (*PERSONAL, "9900000000000077") if part.encode() in left] == []


def test_a_start_that_was_killed_while_it_sealed_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_store(Place("sqlite", tmp_path))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("siaga_gateway.adapters.sql.store.seal_notes", killed)
        with pytest.raises(KeyboardInterrupt):
            SqlStore(store_path(tmp_path), 0)
    store = SqlStore(store_path(tmp_path), 0)
    assert len(store.owners()) == 1_202
    store.close()
    assert [part for part in PERSONAL if part.encode() in on_disk(tmp_path)] == []
    with sqlite3.connect(store_path(tmp_path)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE name = 'personal'").fetchone() == ("sealed",)
    connection.close()
