"""The store's contract, kept by both engines: all or nothing, durable, bounded, in order."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from databases import Place, rows
from gateway import sample_store
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame import Kind, Suite, event_digest
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.service.store import (
    Attempt,
    DeliveryState,
    NewEvent,
    StoreConflict,
    StoreFailing,
    UnknownDevice,
)
from waiting import ENDS_S

NOW_MS = sample_store.NOW_MS


def event(counter: int, frame: bytes = b"frame") -> NewEvent:
    digest = event_digest(Kind.PRESS, counter, b"body")
    return NewEvent(
        sample_store.DEVICE_ID, counter, Kind.PRESS, Suite.ES256, frame, b"s" * 64, NOW_MS, "mqtt", None, digest
    )


def stranger(number: int, seen_ms: int, proven: bool = False) -> UnknownDevice:
    return UnknownDevice(number.to_bytes(8, "big"), seen_ms, seen_ms, 1, b"frame", b"enrol" if proven else None)


def test_a_commit_outlives_the_store_that_made_it(place: Place) -> None:
    first = sample_store.new_store(place)
    sample_store.with_device(first)
    incident = sample_store.open_incident(first)
    name = first.name
    first.close()
    again = sample_store.new_store(place)
    assert (again.incident(incident.id), again.name) == (incident, name)
    again.close()


def test_two_stores_have_two_names(place: Place, tmp_path: Path) -> None:
    names = set()
    with ExitStack() as lent:
        for number in range(4):
            (tmp_path / str(number)).mkdir()
            made = sample_store.new_store(lent.enter_context(Place(place.kind, tmp_path / str(number))))
            names.add(made.name)
            made.close()
    assert len(names) == 4


def test_a_transaction_that_fails_leaves_nothing(store: SqlStore) -> None:
    before = store.last_journal_id()
    with pytest.raises(RuntimeError), store.transaction() as transaction:
        transaction.add_event(event(1))
        transaction.note("seen", NOW_MS)
        assert transaction.events([(sample_store.DEVICE_ID, 1)]), "a transaction reads what it wrote"
        raise RuntimeError("in the middle")
    assert (rows(store, "event"), store.last_journal_id()) == (0, before)
    with store.transaction() as transaction:
        transaction.add_event(event(1))
    assert rows(store, "event") == 1


def test_an_incidents_newest_frames_come_back_in_their_order_and_nobody_elses(store: SqlStore) -> None:
    one, other = (sample_store.open_incident(store, counter, pressed=False).id for counter in (1, 2))
    with store.transaction() as transaction:
        for counter, incident in ((1, one), (2, other), (3, one), (4, None), (5, one)):
            new = replace(event(counter, b"frame %d" % counter), incident_id=incident, received_ms=NOW_MS - counter)
            transaction.add_event(new)
    told = [(each.frame, each.received_ms) for each in store.placed_frames(one, 2)]
    assert told == [(b"frame 3", NOW_MS - 3), (b"frame 5", NOW_MS - 5)]
    assert len(store.placed_frames(one, 10)) == 3 and store.placed_frames(other + 1, 10) == []


def test_the_same_event_cannot_be_stored_twice(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.add_event(event(7))
    with pytest.raises(StoreConflict), store.transaction() as transaction:
        transaction.add_event(event(7, b"another"))
    assert rows(store, "event") == 1


def test_what_is_said_under_one_counter_is_read_in_the_order_of_arrival(store: SqlStore) -> None:
    digests = [bytes([number]) * 32 for number in (9, 1, 5)]
    for digest in digests:
        with store.transaction() as transaction:
            transaction.lock([sample_store.DEVICE_ID])
            transaction.add_event(replace(event(7), digest=digest, signature=None))
            transaction.add_event(replace(event(8), digest=digest))
    with store.transaction() as transaction:
        key = (sample_store.DEVICE_ID, 7)
        assert [one.digest for one in transaction.events([key, (sample_store.DEVICE_ID, 9)])[key]] == digests
        transaction.add_signature(key, digests[1], b"t" * 64, NOW_MS)
        assert [one.has_signature for one in transaction.events([key])[key]] == [False, True, False]
    assert store.event_signatures(*key) == [(digests[1], b"t" * 64)]
    pages, after = [], (-1, 0)
    while page := store.event_rows_of(sample_store.DEVICE_ID, after, 2):
        pages += [(row.counter, row.digest) for row in page]
        after = (page[-1].counter, page[-1].id)
    assert pages == [(counter, digest) for counter in (7, 8) for digest in digests], "however the pages are cut"


def test_readers_do_not_wait_for_a_writer(store: SqlStore) -> None:
    sample_store.open_incident(store)
    found = []
    with store.transaction() as transaction:
        transaction.note("seen", NOW_MS)
        reader = threading.Thread(target=lambda: found.append(len(store.open_incidents())))
        reader.start()
        reader.join(ENDS_S)
    assert found == [1]


def test_another_process_may_write_at_the_same_time(place: Place, store: SqlStore) -> None:
    """As `siaga gateway state` does while the gateway runs."""
    other = sample_store.new_store(place)
    version = store.registry_version()
    with other.transaction() as transaction:
        transaction.set_registration(sample_store.DEVICE_ID, RegistrationState.STOLEN, 0)
    assert store.registry_version() == version + 1
    assert store.devices_changed(version) == [sample_store.DEVICE_ID]
    assert store.enrolled([sample_store.DEVICE_ID])[sample_store.DEVICE_ID].device.state is RegistrationState.STOLEN
    other.close()


def test_a_place_is_set_and_others_are_measured_without_it(store: SqlStore) -> None:
    for place in ((-54_292_000, 1_052_610_000), None):
        version = store.registry_version()
        with store.transaction() as transaction:
            transaction.set_place(sample_store.DEVICE_ID, "Gudang", place)
        assert store.devices_changed(version) == [sample_store.DEVICE_ID]
        assert store.enrolled([sample_store.DEVICE_ID])[sample_store.DEVICE_ID].device.label == "Gudang"
        assert store.installed_places() == ([] if place is None else [place])
        assert store.installed_places(without=sample_store.DEVICE_ID) == []


def test_the_quarantine_is_bounded_and_keeps_the_proven_longest(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.quarantine([stranger(n, NOW_MS + n, proven=n < 3) for n in range(6)], 10)
        assert transaction.quarantine([stranger(9, NOW_MS + 9), stranger(9, NOW_MS + 10)], 4) == 3
    assert [one.device_id[-1] for one in store.strangers()] == [9, 2, 1, 0]
    found = store.stranger(stranger(9, 0).device_id)
    assert found is not None
    assert (found.frames, found.first_seen_ms, found.last_seen_ms) == (2, NOW_MS + 9, NOW_MS + 10)


def test_who_is_enrolled_is_no_stranger_though_a_frame_of_his_was_under_way(store: SqlStore) -> None:
    late = replace(stranger(1, NOW_MS), device_id=sample_store.DEVICE_ID)
    with store.transaction() as transaction:
        transaction.quarantine([late, stranger(2, NOW_MS)], 10)
    assert [one.device_id for one in store.strangers()] == [stranger(2, NOW_MS).device_id]


def test_a_proven_enrol_is_not_forgotten_for_a_later_frame(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.quarantine([stranger(1, NOW_MS, proven=True)], 10)
        transaction.quarantine([stranger(1, NOW_MS + 1)], 10)
    (found,) = store.strangers()
    assert found.enrol_frame == b"enrol"


def test_a_notice_keeps_the_incident_as_it_was_and_lists_what_the_output_had_before(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad",))
    with store.transaction() as transaction:
        transaction.add_notice(Notice(incident, Change.SEEN, 2, NOW_MS + 1), ["cad", "late"])
        transaction.add_notice(Notice(incident, Change.CLOSED, 3, NOW_MS + 2), ["cad", "late"])
    third = store.pending("cad")[-1]
    assert third.key == f"{incident.identifier}.3.cad"
    notice = store.notice(third)
    assert notice.incident == incident
    assert notice.previous == ((1, NOW_MS), (2, NOW_MS + 1))
    assert store.notice(store.pending("late")[-1]).previous == ((2, NOW_MS + 1),), "it never got the first"
    waiting = store.pending("cad")
    assert store.notices(waiting) == {one.id: store.notice(one) for one in waiting}
    assert store.notices([]) == {}


def test_what_became_real_supersedes_nothing_of_the_exercise(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad",))
    with store.transaction() as transaction:
        for number, change in enumerate((Change.SEEN, Change.MADE_REAL, Change.POSITION, Change.CLOSED), 2):
            transaction.add_notice(Notice(incident, change, number, NOW_MS + number), ["cad"])
    waiting = store.pending("cad")
    told = store.notices(waiting)
    assert [[sequence for sequence, _ in told[each.id].previous] for each in waiting] == [[], [1], [], [3], [3, 4]]


def test_a_kept_notice_holds_no_personal_data(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad",))
    assert incident.owner is not None
    ((kept,),) = store.fetch("SELECT incident FROM notice")
    for part in (incident.owner.name, incident.owner.nik, incident.owner.phone, incident.owner.address):
        assert part not in kept


def test_a_person_may_ask_for_another_try(store: SqlStore) -> None:
    incident = sample_store.open_incident(store, outputs=("cad", "folder"))
    cad, folder = store.pending("cad")[0], store.pending("folder")[0]
    with store.transaction() as transaction:
        transaction.record(
            [
                Attempt(cad.id, NOW_MS, DeliveryState.ABANDONED, "410 Gone"),
                Attempt(folder.id, NOW_MS, DeliveryState.DELIVERED, "written"),
            ]
        )
    assert not store.pending("cad")
    version = store.outbox_version()
    with store.transaction() as transaction:
        assert transaction.ask_again() == {"cad": 1}
    again = store.pending("cad")[0]
    assert (again.key, again.attempts, again.asked) == (f"{incident.identifier}.1.cad", 1, 1)
    assert store.outbox_version() == version + 1
    assert [(a.state, a.detail) for a in store.attempts(cad.id)] == [(DeliveryState.ABANDONED, "410 Gone")]


def test_the_journal_is_numbered_in_the_order_of_commits_without_a_gap(store: SqlStore) -> None:
    last = store.last_journal_id()
    with store.transaction() as transaction:
        for number in range(3):
            transaction.note("seen", NOW_MS + number)
    with pytest.raises(RuntimeError), store.transaction() as transaction:
        transaction.note("seen", NOW_MS)
        raise RuntimeError("never was")
    with store.transaction() as transaction:
        transaction.note("closed", NOW_MS)
    found = store.journal_after(last)
    assert [(entry.id - last, entry.kind) for entry in found] == [(1, "seen"), (2, "seen"), (3, "seen"), (4, "closed")]
    assert [entry.at_ms - NOW_MS for entry in found] == [0, 1, 2, 0]


def test_an_incidents_number_is_given_once(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.expect_incidents(3)
        drawn = [transaction.next_incident_id() for _ in range(5)]
    assert len(set(drawn)) == 5
    assert drawn == sorted(drawn)
    opened = [sample_store.open_incident(store, counter).id for counter in (1, 2)]
    assert opened[0] < opened[1]


def test_what_was_delivered_stays_delivered(store: SqlStore) -> None:
    """A worker that was held for a while tells of its failure after another one has delivered."""
    sample_store.open_incident(store, outputs=("cad",))
    (cad,) = store.pending("cad")
    for state in (DeliveryState.DELIVERED, DeliveryState.PENDING):
        with store.transaction() as transaction:
            transaction.record([Attempt(cad.id, NOW_MS, state, "told")])
    assert not store.pending("cad")
    assert len(store.attempts(cad.id)) == 2


def test_text_comes_back_as_it_was_written(store: SqlStore) -> None:
    text = "Jl. Raden Intan № 1 % ? 'x' — “Łódź” 🚨"
    with store.transaction() as transaction:
        number = transaction.add_owner(Owner(0, text, "9900000000000002", "+620000000002", text), NOW_MS)
        transaction.note("seen", NOW_MS, {"why": text}, actor=text)
    found = store.owner(number)
    assert found is not None
    assert (found.name, found.address) == (text, text)
    (entry,) = store.journal_last(1)
    assert (entry.facts["why"], entry.actor) == (text, text)


def test_a_second_owner_with_the_same_nik_is_a_conflict_and_leaves_no_version(store: SqlStore) -> None:
    version = store.registry_version()
    with pytest.raises(StoreConflict), store.transaction() as transaction:
        transaction.add_owner(Owner(0, "Lain", "9900000000000001", "+620000000003", "Jl. Contoh 2"), NOW_MS)
    assert store.registry_version() == version


def test_a_closed_store_says_so(place: Place) -> None:
    made = sample_store.new_store(place)
    made.close()
    with pytest.raises(StoreFailing, match="closed"), made.transaction():
        pass
    with pytest.raises(StoreFailing, match="closed"):
        made.open_incidents()
