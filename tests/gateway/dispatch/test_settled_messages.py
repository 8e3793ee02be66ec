"""What needs no try, and what cannot be read, stands before no other message: real store, the sender's own turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import NTFY, CalledDistrict
from gateway.dispatch.told_way import ToldWay
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import EXPIRES_MS, Notification, NotificationState, made
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch import due_messages
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.ways import PersonalMessage
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import StoreDamaged, StoreFailing

CALL = Contact(1, ContactKind.CALL, Why.OPENED, 1, "stations")
FEW_THREADS = 40  # rows; more than the sender begins at once


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made_district = CalledDistrict(tmp_path)
    yield made_district
    made_district.close()


def compose(incident: Incident, notification: Notification, to: Addressee) -> PersonalMessage:
    return PersonalMessage("Panggilan", "08:00", None, True, notification.expires_at_ms)


def sender_of(district: CalledDistrict, met: list[StoreFailing] | None = None) -> NotificationSender:
    return NotificationSender(
        district.store,
        [ToldWay()],
        ListedAddresses(district.router, Duty(district.store, UTC), "id"),
        compose,
        JournalNotifier(),
        district.clock,
        Lease(district.store, "way ntfy", "worker 1", 20.0),
        on_damage=lambda error, call: None if met is None else met.append(error),
    )


def call(district: CalledDistrict, counter: int, station: str, age_ms: int = 0) -> Incident:
    incident = sample_store.open_incident(district.store, counter, pressed=False)
    with district.store.transaction() as transaction:
        at_ms = district.clock.now_ms() - age_ms
        transaction.add_notifications([made(incident.id, CALL, f"station:{station}", NTFY, 0, None, at_ms)])
    return incident


def begun(sender: NotificationSender) -> set[int]:
    """Return the incidents that a thread was given since the last time, and end their tries without a result."""
    found = set()
    while not sender._queue.empty():
        work = sender._queue.get_nowait()
        if work is not None:
            found.add(work.each.incident_id)
            sender._forget(work.each)
    return found


def states(district: CalledDistrict, incidents: list[Incident]) -> set[NotificationState]:
    return {row.state for each in incidents for row in district.store.notifications_of(each.id)}


def test_what_is_too_old_holds_up_no_new_call(district: CalledDistrict) -> None:
    old = [call(district, number + 1, "polsek-nw", EXPIRES_MS + 1_000) for number in range(FEW_THREADS)]
    new = call(district, 99, "polsek-ne")
    sender = sender_of(district)
    sender.work()
    assert begun(sender) == {new.id}
    assert states(district, old) == {NotificationState.EXPIRED}


def test_what_waits_to_be_folded_holds_up_no_new_call(district: CalledDistrict) -> None:
    sender = sender_of(district)
    first = [call(district, number + 1, "polres") for number in range(6)]
    sender.work()
    assert begun(sender) <= {each.id for each in first}
    waiting = [call(district, number + 11, "polres", 1_000) for number in range(FEW_THREADS)]
    new = call(district, 99, "polsek-ne")
    sender.wake()
    sender.work()
    assert new.id in begun(sender)
    assert {row.next_at_ms for each in waiting for row in district.told(each)} != {district.clock.now_ms() - 1_000}


def test_behind_more_old_ones_than_are_read_at_once_the_next_look_is_at_once(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_messages, "_READ", 5)
    for number in range(8):
        call(district, number + 1, "polsek-nw", EXPIRES_MS + 1_000)
    new = call(district, 99, "polsek-ne")
    sender = sender_of(district)
    pauses = [sender.work(), sender.work()]
    assert begun(sender) == {new.id}
    assert pauses[0] < 0.1


def damaged_for(read: Callable[[int], Any], incident: Incident) -> Callable[[int], Any]:
    def reads(incident_id: int) -> Any:
        if incident_id == incident.id:
            raise StoreDamaged("store.damaged", why="page 77")
        return read(incident_id)

    return reads


def test_an_incident_that_cannot_be_read_keeps_no_other_from_being_told(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = call(district, 1, "polsek-nw"), call(district, 2, "polsek-ne")
    met: list[StoreFailing] = []
    sender = sender_of(district, met)
    monkeypatch.setattr(district.store, "incident", damaged_for(district.store.incident, bad))
    read = district.store.incidents
    monkeypatch.setattr(district.store, "incidents", lambda ids: read(set(ids) - {bad.id}))
    sender.work()
    assert begun(sender) == {good.id}
    (row,) = district.told(bad)
    assert row.attempts == 1 and row.state is NotificationState.PENDING, "it is tried again"
    assert met and isinstance(met[0], StoreDamaged)


def test_an_outcome_that_cannot_be_recorded_keeps_back_no_other_and_its_message_goes_once(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = call(district, 1, "polsek-nw"), call(district, 2, "polsek-ne")
    met: list[StoreFailing] = []
    sender, real = sender_of(district, met), SqlTransaction.put_notifications

    def put(transaction: SqlTransaction, rows: Sequence[Notification]) -> None:
        if any(row.incident_id == bad.id for row in rows):
            raise StoreDamaged("store.damaged", why="page 77")
        real(transaction, rows)

    sender.work()
    sender._results = [copied(row, state=NotificationState.HANDED_OVER) for row in sender._under_way.values()]
    assert len(begun(sender)) == 2
    with monkeypatch.context() as patched:
        patched.setattr(SqlTransaction, "put_notifications", put)
        sender.wake()
        sender.work()
    assert states(district, [good]) == {NotificationState.HANDED_OVER} and begun(sender) == set()
    assert met
    sender.work()
    assert states(district, [bad]) == {NotificationState.HANDED_OVER} and begun(sender) == set()


def test_an_incident_that_cannot_be_read_keeps_no_other_from_being_called(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[StoreFailing] = []
    district.waves._on_damage = lambda error, call: met.append(error)
    bad, good = district.press(), district.press(counter=2)
    for name in ("escalation_of", "incident"):
        with monkeypatch.context() as patched:
            patched.setattr(district.store, name, damaged_for(getattr(district.store, name), bad))
            district.go_on(6)
            district.waves._aside.clear()
            district.go_on()
        assert district.told(good) and not district.told(bad)
        assert met and isinstance(met[0], StoreDamaged)
    district.waves._aside.clear()  # five seconds later
    district.go_on()
    assert {row.number for row in district.told(bad)} == {1}, "what it was owed is not lost"


def test_what_is_owed_in_a_damaged_part_of_the_store_stays_owed(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = district.press(), district.press(counter=2)
    with monkeypatch.context() as patched:
        patched.setattr(district.store, "escalation_of", damaged_for(district.store.escalation_of, bad))
        district.go_on()
        district.waves = district.made(district.store)
        patched.setattr(district.store, "journal_of_incident", damaged_for(district.store.journal_of_incident, bad))
        third = district.press(counter=3)
        district.go_on()
    assert district.told(good) and district.told(third) and not district.told(bad)
    district.waves = district.made(district.store)
    district.go_on()
    assert {row.number for row in district.told(bad)} == {1}


def test_where_levels_cannot_be_read_people_are_called_and_told(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alarms(incident_ids: object) -> object:
        raise StoreDamaged("store.damaged", why="page 77")

    monkeypatch.setattr(district.store, "alarms", alarms)
    incidents = [district.press(counter=counter) for counter in range(1, 4)]
    district.go_on()
    assert {district.called(each)[0] for each in incidents} == {"stations"}
    sender = sender_of(district)
    sender.work()
    assert begun(sender) == {each.id for each in incidents}
