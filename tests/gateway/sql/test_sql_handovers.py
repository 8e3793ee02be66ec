"""Handovers and notes of a shift on both engines: what ShiftBook does, who takes what, and what is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.journal import LAST_START, LINES
from siaga_gateway.domain.handover import Wait
from siaga_gateway.domain.incident import Disposition, IncidentState
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.value import copied
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.retention import DAY_MS, Retention, RetentionPolicy
from siaga_gateway.service.reports import shift_facts
from siaga_gateway.service.reports.shift_book import LONGEST_REMARKS, WAITS_MS, ShiftBook, ShiftDirectory, ShiftError

NOW_MS = sample_store.NOW_MS + 3_600_000
HOUR_MS = 3_600_000
TYPED = "Kanal 2 berderau. Panggilan 1: tunggu di gerbang."


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    yield kept
    kept.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def book(store: SqlStore, clock: ManualClock) -> ShiftBook:
    return ShiftBook(store, clock, JournalNotifier())


@pytest.fixture
def shifts(store: SqlStore, clock: ManualClock, book: ShiftBook) -> ShiftDirectory:
    return ShiftDirectory(store, clock, book)


def test_a_handover_has_what_the_gateway_knows_as_references(
    store: SqlStore, clock: ManualClock, book: ShiftBook, shifts: ShiftDirectory
) -> None:
    first, second = (sample_store.open_incident(store, counter) for counter in (1, 2))
    with store.transaction() as transaction:
        transaction.lock([sample_store.DEVICE_ID])
        ended = {"closed_at_ms": NOW_MS - 1000, "disposition": Disposition.VERIFIED}
        closed = copied(second, state=IncidentState.CLOSED, **ended)  # type: ignore[arg-type]
        transaction.put_incident(closed, second)
        transaction.note(journal.SEEN, NOW_MS - 5000, {}, incident_id=first.id, actor="Rina")
        transaction.note(journal.WAY_LOST, NOW_MS - 4000, {"way": "sms", "why": "gone"})
        transaction.note(journal.WAY_LOST, NOW_MS - 4000, {"way": "telegram", "why": "gone"})
        transaction.note(journal.WAY_BACK, NOW_MS - 3000, {"way": "telegram", "seconds": 1})
    note = book.add_note("  Radio \n\n  mati  ", "Budi", None)
    number = book.hand_over(TYPED, "Rina", NOW_MS - 8 * HOUR_MS, None, "form")
    found = shifts.handover(number, None)
    assert found is not None and (found.made_by, found.made_ms, found.remarks) == ("Rina", NOW_MS, TYPED)
    facts = found.facts
    assert [(each.incident_id, each.last_kind, each.waits) for each in facts.open] == [
        (first.id, journal.SEEN, Wait.RINGS)
    ]
    assert [(each.incident_id, each.disposition) for each in facts.closed] == [(second.id, "verified")]
    assert [(each.kind, each.about) for each in facts.lines] == [(journal.WAY_LOST, "sms")]
    assert [(each.id, each.text) for each in shifts.notes(facts)] == [(note, "Radio\n\nmati")]
    kept = "".join(map(str, store.fetch("SELECT facts, remarks FROM handover")[0]))
    for personal in ("Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh", "Toko Contoh", "gerbang"):
        assert personal not in kept, "neither a copy of a name, nor typed words in the clear"


def test_closed_calls_that_a_handover_has_no_room_for_are_counted(
    store: SqlStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the station whose they are: those of a busy neighbour push none out."""
    monkeypatch.setattr(shift_facts, "MOST_CLOSED", 2)
    calls = [sample_store.open_incident(store, counter) for counter in range(1, 8)]
    with store.transaction() as transaction:
        transaction.lock([sample_store.DEVICE_ID])
        for number, each in enumerate(calls):
            ended = {"closed_at_ms": NOW_MS - 1000 + number, "disposition": Disposition.VERIFIED}
            transaction.put_incident(copied(each, state=IncidentState.CLOSED, **ended), each)  # type: ignore[arg-type]
    own = {each.id for each in calls[:3]}  # the first that were closed

    def told(station: str | None, from_ms: int = 0) -> tuple[list[int], int]:
        found = shift_facts.gather(store, station, lambda key, call: call.id in own, from_ms, NOW_MS)
        return [each.incident_id for each in found.closed], found.more_closed

    assert told("polsek-a") == ([calls[2].id, calls[1].id], 1)
    assert told("polsek-a", NOW_MS - 1000) == ([calls[2].id, calls[1].id], 0), "closed after then"
    assert told(None) == ([calls[6].id, calls[5].id], 5)
    readable = store.incidents
    monkeypatch.setattr(store, "incidents", lambda ids: readable(set(ids) - {calls[2].id}))
    assert told("polsek-a") == ([calls[1].id, calls[0].id], 1), "one that cannot be read may be his"


def test_two_hand_over_nobody_comes_and_a_form_is_sent_twice(
    store: SqlStore, clock: ManualClock, book: ShiftBook, shifts: ShiftDirectory
) -> None:
    rina = book.hand_over("satu", "Rina", NOW_MS, None, "page-1")
    assert book.hand_over("satu", "Rina", NOW_MS, None, "page-1") == rina, "a second click"
    budi = book.hand_over("", "Budi", NOW_MS, None, "page-2")
    assert [each.id for each in shifts.waiting("Siti", None)] == [budi, rina]
    assert [each.id for each in shifts.waiting("Budi", None)] == [rina], "nobody is told of his own"
    with pytest.raises(ShiftError, match="yourself"):
        book.take(rina, "Rina", None)
    with pytest.raises(ShiftError, match="99"):
        book.take(99, "Siti", None)
    for _ in range(2):
        book.take(rina, "Siti", None)
    book.take(rina, "Made", None)
    assert [each.name for each in store.receipts([rina])[rina]] == ["Made", "Siti"]
    assert [each.id for each in shifts.waiting("Made", None)] == [budi]
    clock.at_ms += WAITS_MS + 1
    assert not shifts.waiting("Made", None), "it is no news any more, and the list says that nobody took it"
    kinds = [(each.kind, each.actor) for each in store.journal_after(0) if each.kind.startswith("hand")]
    assert kinds == [
        (journal.HANDED_OVER, "Rina"),
        (journal.HANDED_OVER, "Budi"),
        (journal.HANDOVER_TAKEN, "Siti"),
        (journal.HANDOVER_TAKEN, "Made"),
    ]


def test_of_several_at_once_each_has_a_number_of_his_own(book: ShiftBook, shifts: ShiftDirectory) -> None:
    done = list[int]()

    def work(name: str) -> None:
        book.add_note(f"catatan {name}", name, None)
        done.append(book.hand_over("", name, NOW_MS, None, name))

    threads = [threading.Thread(target=work, args=(f"Operator {n}",)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(done) == [1, 2, 3, 4, 5, 6]
    assert len(shifts.handovers(None, 2**62, 50)) == 6


@pytest.mark.parametrize("behind_ms", [20_000, -20_000])
def test_a_note_of_a_machine_with_another_clock_is_handed_over(
    store: SqlStore, clock: ManualClock, book: ShiftBook, shifts: ShiftDirectory, behind_ms: int
) -> None:
    other = ManualClock(NOW_MS - behind_ms)
    beside = ShiftBook(store, other, JournalNotifier())
    for passed in (5000, 1000):  # the second handover has no notes: those of the first stay taken
        number = book.hand_over("", "Rina", NOW_MS, None, f"form-{clock.at_ms}")
        clock.at_ms += passed
        other.at_ms += passed
        book.take(number, "Dewi", None)
    number = book.hand_over("", "Rina", NOW_MS, None, "with a note")
    note = beside.add_note("Ibu di Blok C diancam lagi", "Dewi", None)
    book.take(number, "Dewi", None)
    clock.at_ms += 8 * HOUR_MS
    begins = shifts.begins_ms(clock.at_ms - 1000, None)
    assert store.handover(number) is not None and note in shifts.facts(None, begins).notes
    told = book.hand_over("", "Dewi", clock.at_ms, None, "next")
    book.take(told, "Siti", None)
    clock.at_ms += 8 * HOUR_MS
    assert note not in shifts.facts(None, shifts.begins_ms(clock.at_ms - 1000, None)).notes, "told once"
    assert not shifts.facts("polres-x", 0).notes and store.last_taken_note("polres-x") == 0


def test_a_note_that_waited_for_another_has_the_time_of_its_turn(store: SqlStore) -> None:
    clock = ManualClock(NOW_MS)
    book = ShiftBook(store, clock, JournalNotifier())
    writing = threading.Thread(target=book.add_note, args=("kedua", "Budi", None))
    with store.transaction() as transaction:
        transaction.lock_handovers()
        writing.start()
        clock.at_ms += 30_000
    writing.join()
    assert [each.at_ms for each in store.shift_notes_of([1])] == [NOW_MS + 30_000]


def test_a_line_cut_long_ago_is_named_whatever_has_happened_since(store: SqlStore, shifts: ShiftDirectory) -> None:
    with store.transaction() as transaction:
        transaction.note(journal.WAY_LOST, 1, {"way": "telegram", "why": "gone"})  # forgotten at the start
        transaction.note(journal.GATEWAY_STARTED, 2)
        transaction.note(journal.WAY_LOST, 3, {"way": "sms", "why": "gone"})
        transaction.note(journal.LINE_FAULT, 4, {"output": "cad", "why": "silent"})
        transaction.note(journal.LINE_RESTORED, 5, {"output": "cad", "seconds": 1})
        for at_ms in range(6_000):
            transaction.note(journal.POSITION, 6 + at_ms)
    assert [(each.kind, each.about, each.since_ms) for each in shifts.facts(None, 0).lines] == [
        (journal.WAY_LOST, "sms", 3)
    ]
    if store.engine.kind == "sqlite":
        for statement, asked in ((LAST_START, ()), (LINES, (1, 9))):
            assert "journal_line" in str(store.fetch(f"EXPLAIN QUERY PLAN {statement}", asked))


def test_a_jurisdiction_has_shifts_of_its_own(store: SqlStore, clock: ManualClock) -> None:
    one, two = (sample_store.open_incident(store, counter) for counter in (1, 2))
    book = ShiftBook(store, clock, JournalNotifier(), lambda station, call: call.id == one.id)
    shifts = ShiftDirectory(store, clock, book, lambda station, call: call.id == one.id)
    book.add_note("dari Polres", "Made", "polres-x")
    number = book.hand_over("", "Made", NOW_MS - 1, "polres-x", "a")
    found = shifts.handover(number, "polres-x")
    assert found is not None and [each.incident_id for each in found.facts.open] == [one.id]
    assert len(shifts.notes(found.facts)) == 1
    assert shifts.handover(number, None) is None and shifts.handover(number, "polres-y") is None
    assert not shifts.waiting("Rina", None) and shifts.waiting("Nyoman", "polres-x")
    with pytest.raises(ShiftError):
        book.take(number, "Rina", None)
    assert {each.incident_id for each in shifts.facts(None, 0).open} == {one.id, two.id}


def test_what_was_typed_is_forgotten_with_the_notes_of_calls(
    store: SqlStore, clock: ManualClock, book: ShiftBook, shifts: ShiftDirectory
) -> None:
    book.add_note(TYPED, "Rina", None)
    number = book.hand_over(TYPED, "Rina", NOW_MS - 1, None, "a")
    later = ManualClock(NOW_MS + 31 * DAY_MS)
    policy = RetentionPolicy(0, 30, 0, 0, 0)
    assert Retention(store, later, policy).run(dry=True).remarks == 2
    assert Retention(store, later, policy).run().remarks == 2
    found = shifts.handover(number, None)
    assert found is not None and found.remarks is None and [each.text for each in shifts.notes(found.facts)] == [None]
    assert Retention(store, later, policy).run().remarks == 0


def test_what_was_typed_is_sealed_anew_under_another_key(
    store: SqlStore, tmp_path: Path, book: ShiftBook, shifts: ShiftDirectory
) -> None:
    book.add_note(TYPED, "Rina", None)
    number = book.hand_over(TYPED, "Rina", NOW_MS - 1, None, "a")
    file = KeyFile(tmp_path / FILE_NAME)
    new = file.add().id
    assert store.sealing.has(new), "looked at again, for a key that is not known"
    store.reseal()
    store.sealed_by(new)
    file.retire()
    for table, column in (("shift_note", "text"), ("handover", "remarks")):
        ((sealed,),) = store.fetch(f"SELECT {column} FROM {table}")
        assert sealed.startswith(f"{new}.")
    found = shifts.handover(number, None)
    assert found is not None and found.remarks == TYPED and shifts.notes(found.facts)[0].text == TYPED


def test_what_is_too_long_or_empty_is_refused_and_nothing_is_stored(
    store: SqlStore, book: ShiftBook, shifts: ShiftDirectory
) -> None:
    for text in ("", " \n ", "x" * (LONGEST_NOTE + 1)):
        with pytest.raises(ShiftError):
            book.add_note(text, "Rina", None)
    with pytest.raises(ShiftError, match=str(LONGEST_REMARKS)):
        book.hand_over("x" * (LONGEST_REMARKS + 1), "Rina", NOW_MS, None, "a")
    with pytest.raises(ShiftError):
        book.hand_over("", "Rina", NOW_MS, None, "")
    assert not shifts.handovers(None, 2**62, 50) and not store.journal_after(0)


def test_an_erased_owner_is_in_no_handover(store: SqlStore, book: ShiftBook, shifts: ShiftDirectory) -> None:
    call = sample_store.open_incident(store)
    number = book.hand_over("", "Rina", NOW_MS, None, "a")
    with store.transaction() as transaction:
        transaction.lock([sample_store.DEVICE_ID])
        transaction.erase_owner(store.owners()[0].id, NOW_MS)
    found = shifts.handover(number, None)
    assert found is not None
    assert shifts.calls(found.facts)[call.id].device_label == "-"
