"""The contract of service/store/notifications.py, kept by both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.notifications import DUE, LAYOUT, NEXT
from siaga_gateway.adapters.sql.row_layout import _TOLD
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Escalation, Phase, Why, Withdrawal
from siaga_gateway.domain.notification import EXPIRES_MS, Notification, NotificationState, made
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import Alarm, Effect, Reason, Sign
from siaga_gateway.domain.value import copied

STATE = NotificationState
NTFY, SMS = ContactWay.NTFY, ContactWay.SMS


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, lend: Callable[[str], Place]) -> Iterator[SqlStore]:
    """With the open incidents 1 and 2."""
    kept = sample_store.new_store(lend(request.param))
    sample_store.with_device(kept)
    assert [sample_store.open_incident(kept, counter).id for counter in (1, 2)] == [1, 2]
    yield kept
    kept.close()


def note(
    incident_id: int = 1,
    number: int = 1,
    recipient: str = "station:polsek-a",
    way: ContactWay = NTFY,
    kind: ContactKind = ContactKind.CALL,
    why: Why = Why.OPENED,
    wave: int = 1,
) -> Notification:
    contact = Contact(number, kind, why, wave, "stations", 0, 2)
    return made(incident_id, contact, recipient, way, 3, 4_000, NOW_MS)


def add(store: SqlStore, *notes: Notification) -> None:
    with store.transaction() as transaction:
        transaction.add_notifications(notes)


def put(store: SqlStore, *notes: Notification) -> None:
    with store.transaction() as transaction:
        transaction.put_notifications(notes)


def test_every_field_comes_back_as_it_was_written(store: SqlStore) -> None:
    first = copied(note(), delivered_ms=NOW_MS + 5, turn=2)
    second = copied(note(number=2, way=SMS), rung="", metres=None)
    with store.transaction() as transaction:
        transaction.add_notifications([second, first])
        assert transaction.notifications(1) == [first, second]
    tried = copied(
        first, attempts=2, attempted_ms=NOW_MS + 1, next_at_ms=NOW_MS + 9, reference="m-1", detail='429 "nanti"'
    )
    put(store, tried)
    assert store.notifications_of(1) == [tried, second]
    assert store.notifications_of(2) == []
    full = dict(zip(LAYOUT.names, LAYOUT.row(tried), strict=True))
    assert None not in full.values(), "the example has every field"


def test_a_report_is_that_of_the_oldest_text_that_is_not_known_to_have_arrived(store: SqlStore) -> None:
    def sent(number: int, at_ms: int, recipient: str = "responder:budi", way: ContactWay = SMS) -> None:
        told = note(number=number, recipient=recipient, way=way)
        add(store, told)
        put(store, copied(told, state=STATE.HANDED_OVER, next_at_ms=None, attempts=1, attempted_ms=NOW_MS + at_ms))

    sent(1, 0)
    sent(2, 30_000)
    sent(3, 1_000, way=NTFY)
    sent(4, 2_000, "responder:wati")
    add(store, note(number=5, recipient="responder:budi", way=SMS, kind=ContactKind.ASK))  # it waits

    def report(at_ms: int, *recipients: str, since_ms: int = -1) -> dict[int, int]:
        with store.transaction() as transaction:
            transaction.mark_text_delivered(recipients, NOW_MS + since_ms, NOW_MS + at_ms)
        found = store.notifications_of(1)
        return {each.number: each.delivered_ms - NOW_MS for each in found if each.delivered_ms is not None}

    budi = ("responder:budi", "responder:budi/2")
    assert report(40_000) == report(40_000, "station:polsek-a") == report(-1, *budi) == {}
    assert report(29_000, *budi) == {1: 29_000}
    assert report(38_000, *budi) == {1: 29_000}, "the second part of the same"
    assert report(39_000, *budi) == {1: 29_000, 2: 39_000}
    assert report(99_000, *budi) == {1: 29_000, 2: 39_000}, "there is none to be known of"
    assert report(99_000, "responder:wati", since_ms=2_000) == {1: 29_000, 2: 39_000}, "it is too old"


def test_a_receipt_marks_the_message_by_whatsapp_that_it_names_once(store: SqlStore) -> None:
    for number, way in ((1, ContactWay.WHATSAPP), (2, ContactWay.WHATSAPP), (3, NTFY)):
        told = note(number=number, way=way)
        add(store, told)
        reference = "wamid.1" if way is NTFY else f"wamid.{number}"
        put(store, copied(told, state=STATE.HANDED_OVER, next_at_ms=None, attempts=1, reference=reference))
    for at_ms in (5, 9):
        with store.transaction() as transaction:
            assert transaction.mark_delivered(["wamid.1", "wamid.unknown"], NOW_MS + at_ms) == ["wamid.unknown"]
        assert [each.delivered_ms for each in store.notifications_of(1)] == [NOW_MS + 5, None, None]


def test_one_that_waits_stands_for_a_later_one_on_its_way(store: SqlStore) -> None:
    add(store, note())
    thanks = note(number=2, kind=ContactKind.NOT_NEEDED)
    others = [note(number=2, way=SMS), note(number=2, recipient="station:polsek-b"), note(incident_id=2), thanks]
    add(store, note(), note(number=2), *others)
    assert {(each.number, each.recipient, each.way, each.kind) for each in store.notifications_of(1)} == {
        (1, "station:polsek-a", NTFY, ContactKind.CALL),
        (2, "station:polsek-a", SMS, ContactKind.CALL),
        (2, "station:polsek-b", NTFY, ContactKind.CALL),
    } | ({(2, "station:polsek-a", NTFY, ContactKind.NOT_NEEDED)})
    assert len(store.notifications_of(2)) == 1
    put(store, *(copied(each, state=STATE.HANDED_OVER, next_at_ms=None) for each in store.notifications_of(1)))
    add(store, note(number=3))
    assert 3 in {each.number for each in store.notifications_of(1)}, "the next round is another message"


def test_a_later_wave_is_not_told_as_the_call_that_waits(store: SqlStore) -> None:
    """The earlier one is put off, among many calls or by a busy line; an officer asks for help meanwhile."""
    again, backup = Why.PRESSED_AGAIN, Why.BACKUP
    add(store, note(), note(way=SMS), note(recipient="station:polsek-b"))
    tried = {each.way: copied(each, attempts=1, next_at_ms=NOW_MS + 20_000) for each in store.notifications_of(1)}
    put(store, tried[SMS])

    def waiting() -> set[tuple[str, ContactWay, int]]:
        told = store.notifications_of(1)
        return {(each.recipient, each.way, each.number) for each in told if each.state is STATE.PENDING}

    a, b = "station:polsek-a", "station:polsek-b"
    add(store, *(note(number=2, way=way, why=again, wave=2) for way in (NTFY, SMS)))
    assert waiting() == {(a, NTFY, 2), (a, SMS, 1), (b, NTFY, 1)}, "what is being tried goes on being tried"
    add(store, *(note(number=3, way=way, why=backup, wave=3) for way in (NTFY, SMS)))
    assert waiting() == {(a, NTFY, 3), (a, SMS, 3), (b, NTFY, 1)}
    add(store, note(number=4, why=backup, wave=3), note(number=4, why=Why.OPENED, wave=2))
    assert waiting() == {(a, NTFY, 3), (a, SMS, 3), (b, NTFY, 1)}, "of the same wave, or an earlier one"


@pytest.fixture
def spoil(lend: Callable[[str], Place]) -> Iterator[tuple[SqlStore, Callable[[str], None]]]:
    """A store on SQLite, and what sets something in all its messages: PostgreSQL takes no such values."""
    kept = sample_store.new_store(lend("sqlite"))
    sample_store.with_device(kept)
    sample_store.open_incident(kept, 1)

    def run(changed: str) -> None:
        with kept.engine.transaction() as session:
            session.run(f"UPDATE notification SET {changed}")

    yield kept, run
    kept.close()


def test_a_message_with_a_flipped_bit_stands_for_no_later_one(spoil: Any) -> None:
    store, run = spoil
    bits = ["wave = 'x'", "attempts = CAST(x'ff' AS TEXT)", "why = 'sung'", "kind = 'sung'"]
    kinds = {10: ContactKind.CALL, 20: ContactKind.RING_DESK}

    def notes(more: int) -> list[Notification]:
        recipients = [f"station:{each}" for each in ("whole", *range(len(bits)))]
        return [note(number=n + more, recipient=each, kind=kind) for n, kind in kinds.items() for each in recipients]

    add(store, *notes(0))
    for number, changed in enumerate(bits):
        run(f"{changed} WHERE recipient = 'station:{number}'")
    add(store, *notes(1))
    add(store, *notes(2))
    due = {(each.recipient, each.number, each.kind) for each in store.notifications_due(NTFY, NOW_MS)}
    told = [each for each in notes(1) if each.recipient != "station:whole"]
    told += [each for each in notes(0) if each.recipient == "station:whole"]
    assert due == {(each.recipient, each.number, each.kind) for each in told}


def test_a_message_to_whom_cannot_be_read_is_settled_and_no_other_is(spoil: Any) -> None:
    """It was due for ever: the sender turned without a pause, and its rung was never left."""
    store, run = spoil
    for each in ("responder:b!_i", "responder:b!xi", "responder:budi"):
        add(store, note(recipient=each), note(recipient=each, way=SMS))
    for raw, recipient, readable, state in (
        ("726573706f6e6465723a62215ff5", "responder:b!_i", "responder:b!_\ufffd", STATE.FAILED),
        ("ff", "responder:budi", "\ufffd", STATE.EXPIRED),
    ):
        run(f"recipient = CAST(x'{raw}' AS TEXT) WHERE recipient = '{recipient}'")
        (told,) = [each for each in store.notifications_due(NTFY, NOW_MS) if "\ufffd" in each.recipient]
        assert told.recipient == readable
        after = copied(told, state=state, next_at_ms=None, attempts=1)
        put(store, after)
        assert [each for each in store.notifications_of(1) if each.state is state] == [after]
    assert [each.recipient for each in store.notifications_due(NTFY, NOW_MS)] == ["responder:b!xi"]
    assert len(store.notifications_due(SMS, NOW_MS)) == 3


@pytest.mark.parametrize(
    ("first", "then"), [(ContactKind.CALL, ContactKind.NOT_NEEDED), (ContactKind.NOT_NEEDED, ContactKind.CALL)]
)
def test_a_call_and_thanks_to_one_responder_never_wait_together(
    store: SqlStore, first: ContactKind, then: ContactKind
) -> None:
    """The service is down: what it takes in the end, in whatever order, says how things are."""
    two = note(recipient="responder:r1/2", kind=first)
    others = [note(kind=first), note(recipient="responder:r2", kind=first)]
    add(store, note(recipient="responder:r1", way=SMS, kind=first), two, note(2, recipient="responder:r1"), *others)
    add(store, note(number=2, recipient="responder:r1", kind=then), note(number=2, kind=then))
    told = store.notifications_of(1)
    assert {(each.recipient, each.kind) for each in told if each.state is STATE.PENDING} == {
        ("responder:r1", then),
        ("responder:r2", first),
        ("station:polsek-a", first),
        ("station:polsek-a", then),
    }
    assert [each.state for each in store.notifications_of(2)] == [STATE.PENDING]


def test_what_is_due_first_tries_first_then_the_longest_due(store: SqlStore) -> None:
    rows = [
        copied(note(number=1), next_at_ms=NOW_MS - 5, attempts=1),
        copied(note(number=2, recipient="station:b"), next_at_ms=NOW_MS - 1),
        copied(note(number=3, recipient="station:c"), next_at_ms=NOW_MS - 3),
        copied(note(number=4, recipient="station:d"), next_at_ms=NOW_MS + 1),
        copied(note(number=5, recipient="station:e"), next_at_ms=NOW_MS + EXPIRES_MS + 1),
        copied(note(number=8, recipient="station:h"), made_at_ms=NOW_MS + 9, next_at_ms=NOW_MS + 9),
        copied(note(number=9, recipient="station:i"), attempted_ms=NOW_MS + 9, next_at_ms=NOW_MS + 5_009, attempts=1),
        note(number=6, recipient="station:f", way=SMS),
        copied(note(number=7, recipient="station:g"), state=STATE.BY_HAND, next_at_ms=None),
        copied(note(number=10, recipient="station:j"), round=0, next_at_ms=NOW_MS - 9, turn=1),
        copied(note(number=11, recipient="station:k", kind=ContactKind.RING_DESK), round=0, next_at_ms=NOW_MS - 9),
        copied(note(number=12, recipient="station:l"), round=0),
    ]
    add(store, *rows)

    def due(without: tuple[Notification, ...] = (), limit: int = 100) -> list[int]:
        return [each.number for each in store.notifications_due(NTFY, NOW_MS, without, limit)]

    assert due() == [12, 10, 11, 3, 2, 8, 5, 1, 9], "5, 8 and 9 were written before the clock was set back"
    assert due((rows[2],)) == [12, 10, 11, 2, 8, 5, 1, 9]
    assert due((*rows[-3:], rows[2]), 1) == [2]
    others = store.notifications_due(NTFY, NOW_MS, not_to=["station:b", "station:h"])
    assert [each.number for each in others] == [12, 10, 11, 3, 5, 1, 9]
    assert store.next_notification_ms(NTFY) == NOW_MS - 9
    assert store.next_notification_ms(ContactWay.TELEGRAM) is None


def test_what_was_withdrawn_or_settled_stays_so_but_for_what_was_on_its_way(store: SqlStore) -> None:
    responder = note(recipient="responder:r1")
    thanks = note(number=2, recipient="responder:r1", kind=ContactKind.NOT_NEEDED)
    chief = copied(note(number=3, recipient="responder:r1", way=SMS), rung="chief")
    add(store, note(), responder, thanks, note(incident_id=2), chief)
    with store.transaction() as transaction:
        assert transaction.withdraw_notifications(1, Withdrawal.NONE) == 0
        assert transaction.withdraw_notifications(1, Withdrawal.LADDER) == 1
        assert transaction.withdraw_notifications(1, Withdrawal.LADDER, ["chief"]) == 1, "who decides, not who comes"
    states = {(each.recipient, each.number): each.state for each in store.notifications_of(1)}
    assert states == {
        ("station:polsek-a", 1): STATE.WITHDRAWN,
        ("responder:r1", 1): STATE.PENDING,
        ("responder:r1", 2): STATE.PENDING,
        ("responder:r1", 3): STATE.WITHDRAWN,
    }
    put(store, copied(note(), attempts=1, next_at_ms=NOW_MS + 1))
    assert store.notifications_of(1)[1].state is STATE.WITHDRAWN
    put(store, copied(note(), state=STATE.HANDED_OVER, next_at_ms=None, reference="7"))
    assert store.notifications_of(1)[1].state is STATE.HANDED_OVER
    put(store, copied(note(), state=STATE.FAILED, next_at_ms=None))
    assert store.notifications_of(1)[1].state is STATE.HANDED_OVER, "final"
    with store.transaction() as transaction:
        assert transaction.withdraw_notifications(1, Withdrawal.ALL) == 1, "thanks are for whoever was called"
    assert [each.state for each in store.notifications_of(2)] == [STATE.PENDING]


def test_what_belongs_to_old_closed_incidents_is_forgotten(store: SqlStore) -> None:
    add(store, note(), note(incident_id=2))
    with store.transaction() as transaction:
        assert transaction.put_escalation(Escalation(1, Phase.CLOSED, Why.OPENED, NOW_MS))
        incident = transaction.incidents([1])[1]
        transaction.put_incident(copied(incident, state=type(incident.state).CLOSED, closed_at_ms=NOW_MS))
    assert (store.expired_notifications(NOW_MS), store.expired_notifications(NOW_MS + 1)) == (0, 2)
    assert (store.incidents_told_of(0, 9), store.incidents_told_of(0, 1), store.incidents_told_of(1, 9)) == (
        [1, 2],
        [1],
        [2],
    )
    assert (store.closed_before([1, 2], NOW_MS), store.closed_before([1, 2], NOW_MS + 1)) == ([], [1])
    with store.transaction() as transaction:
        assert transaction.forget_notifications([1, 2], NOW_MS) == 0
        assert transaction.forget_notifications([2], NOW_MS + 1) == 0, "not asked for"
        assert transaction.forget_notifications([1, 2], NOW_MS + 1) == 2
    assert (store.notifications_of(1), store.escalation_of(1)) == ([], None)
    assert len(store.notifications_of(2)) == 1


def test_what_is_due_is_found_by_the_index(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    try:
        for statement, parameters in ((DUE, ("ntfy", 1, 2, 1)), (NEXT, ("ntfy",))):
            plan = str(store.fetch(f"EXPLAIN QUERY PLAN {statement}", parameters))
            assert "notification_due" in plan, plan
    finally:
        store.close()


def test_a_row_that_cannot_be_read_stands_before_no_other(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    """A flipped bit, or a reason that only a later version knows."""
    _TOLD.clear()
    add(store, note(), note(incident_id=2))
    with store.transaction() as transaction:
        assert transaction.put_escalation(Escalation(1, Phase.CALLING, Why.OPENED, NOW_MS, NOW_MS))
        assert transaction.put_escalation(Escalation(2, Phase.CALLING, Why.OPENED, NOW_MS, NOW_MS))
        transaction.put_alarm(1, Alarm(3, (Reason(Sign.PRESSES, Effect.RAISES, 2), Reason(Sign.SILENT, Effect.RAISES))))
    with store.engine.transaction() as session:
        for table in ("notification", "escalation"):
            session.run(f"UPDATE {table} SET why = 'eclipse' WHERE incident_id = 1")
        session.run("UPDATE alarm SET reasons = replace(reasons, 'presses', 'eclipse')")
    assert [each.incident_id for each in store.notifications_due(NTFY, NOW_MS)] == [2]
    assert [each.incident_id for each in store.escalations_due(NOW_MS, "worker")] == [2]
    assert [each.incident_id for each in store.open_escalations()] == [2]
    assert store.notifications_of(1) == []
    alarm = store.alarms([1])[1]
    assert (alarm.level, [each.sign for each in alarm.reasons]) == (3, [Sign.SILENT])
    assert "eclipse" in caplog.text
