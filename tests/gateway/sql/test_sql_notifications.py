"""The contract of service/store/notifications.py, kept by both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

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
) -> Notification:
    contact = Contact(number, kind, Why.OPENED, 1, "stations", 0, 2)
    return made(incident_id, contact, recipient, way, 3, 4_000, NOW_MS)


def add(store: SqlStore, *notes: Notification) -> None:
    with store.transaction() as transaction:
        transaction.add_notifications(notes)


def put(store: SqlStore, *notes: Notification) -> None:
    with store.transaction() as transaction:
        transaction.put_notifications(notes)


def test_every_field_comes_back_as_it_was_written(store: SqlStore) -> None:
    first, second = note(), copied(note(number=2, way=SMS), rung="", round=0, metres=None)
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
    ]
    add(store, *rows)

    def due(without: tuple[Notification, ...] = (), limit: int = 100) -> list[int]:
        return [each.number for each in store.notifications_due(NTFY, NOW_MS, without, limit)]

    assert due() == [3, 2, 8, 5, 1, 9], "5, 8 and 9 were written before the clock was set back"
    assert due((rows[2],)) == [2, 8, 5, 1, 9]
    assert due((rows[2],), 1) == [2]
    others = store.notifications_due(NTFY, NOW_MS, not_to=["station:b", "station:h"])
    assert [each.number for each in others] == [3, 5, 1, 9]
    assert store.next_notification_ms(NTFY) == NOW_MS - 5
    assert store.next_notification_ms(ContactWay.TELEGRAM) is None


def test_what_was_withdrawn_or_settled_stays_so_but_for_what_was_on_its_way(store: SqlStore) -> None:
    responder = note(recipient="responder:r1")
    thanks = note(number=2, recipient="responder:r1", kind=ContactKind.NOT_NEEDED)
    add(store, note(), responder, thanks, note(incident_id=2))
    with store.transaction() as transaction:
        assert transaction.withdraw_notifications(1, Withdrawal.NONE) == 0
        assert transaction.withdraw_notifications(1, Withdrawal.LADDER) == 1
    states = {(each.recipient, each.number): each.state for each in store.notifications_of(1)}
    assert states == {
        ("station:polsek-a", 1): STATE.WITHDRAWN,
        ("responder:r1", 1): STATE.PENDING,
        ("responder:r1", 2): STATE.PENDING,
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
    with store.transaction() as transaction:
        assert transaction.forget_notifications(NOW_MS) == 0
        assert transaction.forget_notifications(NOW_MS + 1) == 2
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
