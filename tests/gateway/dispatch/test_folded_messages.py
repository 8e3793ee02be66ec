"""An earthquake and one chief: a few messages tell him of all calls, and none counts that no message told of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import NTFY, CalledDistrict
from gateway.dispatch.told_way import ToldWay
from gateway.fake_ports import ManualClock
from siaga_gateway.catalogue import text
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import Contact, ContactKind, Why, Withdrawal
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.keyed_answer import Question
from siaga_gateway.domain.notification import EXPIRES_MS, Notification, NotificationState, Outcome, made
from siaga_gateway.domain.personal_message import Answer, PersonalMessage, Spoken
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.folded_messages import Fold, FoldedMessages, folded
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import Store
from waiting import eventually

CHIEF = "responder:kapolres"
CALL = Contact(1, ContactKind.CALL, Why.OPENED, 1, "chief")
TAKEN = Outcome(True, "200")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made_store = sample_store.new_store(tmp_path)
    sample_store.with_device(made_store)
    yield made_store
    made_store.close()


def call(
    store: Store, counter: int, clock: ManualClock, contact: Contact = CALL, who: str = CHIEF, **changes: object
) -> Incident:
    incident = copied(sample_store.open_incident(store, counter, pressed=False), **changes)  # type: ignore[arg-type]
    with store.transaction() as transaction:
        transaction.put_incident(incident)
        transaction.add_notifications([made(incident.id, contact, who, NTFY, 0, None, clock.now_ms())])
    return incident


def rows(store: Store, incidents: list[Incident]) -> list[Notification]:
    return [row for each in incidents for row in store.notifications_of(each.id)]


def _number(row: Notification) -> tuple[int, int]:
    return row.incident_id, row.number


class Chief:
    """Sends what is due to one address, as the sender does, by a time that is set."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock
        self.folds = FoldedMessages(store, NTFY, store.incidents)
        self.got: list[Fold] = []
        self.last: Fold | None = None

    def tried(self, outcome: Outcome) -> Fold:
        """Return the last message of a turn."""
        before, self.last = self.last, None
        self.turn(outcome)
        assert self.last is not None and self.last is not before
        return self.last

    def turn(self, outcome: Outcome = TAKEN) -> None:
        now_ms, done = self.clock.now_ms(), set[tuple[int, int]]()
        for each in self.store.notifications_due(NTFY, now_ms, limit=500):
            incident = self.store.incident(each.incident_id)
            if incident is None or _number(each) in done:
                continue
            fold = self.folds.take(each, incident, lambda row: _number(row) in done, now_ms)  # noqa: B023
            if isinstance(fold, Notification):
                with self.store.transaction() as transaction:
                    transaction.put_notifications([fold])
                continue
            self.last = fold
            done |= {_number(row) for row in fold.all}
            afters = fold.after(outcome, "schluessel", now_ms, repeats_recognised=True)
            with self.store.transaction() as transaction:
                transaction.put_notifications(afters)
            if outcome.handed_over:
                self.got.append(fold)
            else:
                self.folds.not_taken(fold)


def test_a_thousand_presses_are_a_dozen_messages_and_each_is_told_of(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief, incidents = Chief(store, clock), []
    for second in range(300):
        if second < 100:  # ten a second
            incidents += [call(store, 10 * second + number + 1, clock) for number in range(10)]
        if second % 5 == 0:
            chief.turn()
        clock.at_ms += 1_000
    assert len(chief.got) <= 10
    assert [bool(each.members) for each in chief.got[:4]] == [False, False, False, True]
    told = [row.incident_id for fold in chief.got for row in fold.all]
    assert sorted(told) == sorted(each.id for each in incidents) and len(told) == 1_000
    assert {row.state for row in rows(store, incidents)} == {NotificationState.HANDED_OVER}
    counts = [fold.calls for fold in chief.got if fold.members]
    assert counts == sorted(counts) and counts[-1] == 1_000, "the count grows"
    assert "in schluessel)" in str(rows(store, incidents[-1:])[0].detail)


def test_what_is_not_handed_over_counts_for_none_of_them_and_goes_again_at_once(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief, incidents = Chief(store, clock), [call(store, number, clock) for number in range(1, 21)]
    chief.turn(Outcome(False, "503"))
    assert {row.state for row in rows(store, incidents)} == {NotificationState.PENDING}
    clock.at_ms += 5_000
    chief.turn()
    assert {row.state for row in rows(store, incidents)} == {NotificationState.HANDED_OVER}
    assert len(chief.got) == 4, "the three that went by themselves, and one"


def test_what_told_of_several_calls_is_no_single_ones_to_take_back(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief, incidents = Chief(store, clock), [call(store, number, clock) for number in range(1, 11)]
    chief.turn(Outcome(False, "503", "4710"))
    clock.at_ms += 5_000
    chief.turn(Outcome(True, "200", "4711"))
    alone = {row.incident_id for fold in chief.got if not fold.members for row in fold.all}
    kept = {row.incident_id for row in rows(store, incidents) if row.reference is not None}
    assert kept == alone and len(kept) == 3


def test_what_would_be_too_old_when_its_turn_comes_goes_at_once(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief, old = Chief(store, clock), [call(store, number, clock) for number in range(1, 5)]
    clock.at_ms += EXPIRES_MS - 10_000
    young = [call(store, number, clock) for number in range(5, 9)]
    chief.turn()
    later = call(store, 9, clock)
    chief.turn()
    assert {each.state for each in rows(store, [*old, *young])} == {NotificationState.HANDED_OVER}
    assert rows(store, [later])[0].state is NotificationState.PENDING, "that one can wait"


def test_exercises_and_calls_in_earnest_are_never_in_one_message(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    real = [call(store, number, clock) for number in range(1, 11)]
    drill = [call(store, number, clock, mode=Mode.EXERCISE, drill=3) for number in range(11, 21)]
    chief = Chief(store, clock)
    chief.turn()
    names = {each.id: each in drill for each in [*real, *drill]}
    assert all(len({names[row.incident_id] for row in fold.all}) == 1 for fold in chief.got)
    assert [fold.exercise for fold in chief.got if fold.members] in ([False, True], [True, False])


def test_a_call_that_is_closed_is_in_no_message(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    incidents = [call(store, number, clock) for number in range(1, 11)]
    chief = Chief(store, clock)
    with store.transaction() as transaction:
        transaction.withdraw_notifications(incidents[9].id, Withdrawal.ALL)
    chief.turn()
    assert incidents[9].id not in {row.incident_id for fold in chief.got for row in fold.all}


def tell(store: Store, incident: Incident, clock: ManualClock, contact: Contact) -> None:
    with store.transaction() as transaction:
        transaction.add_notifications([made(incident.id, contact, CHIEF, NTFY, 0, None, clock.now_ms())])


def test_one_call_that_nobody_acknowledges_is_never_folded_and_the_next_call_does_not_wait(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief, first = Chief(store, clock), call(store, 1, clock)
    for number in range(2, 16):
        chief.turn()
        clock.at_ms += 10_000
        tell(store, first, clock, Contact(number, ContactKind.RING_DESK, Why.UNACKNOWLEDGED, 1))
    chief.turn()
    assert len(chief.got) == 15 and not any(fold.members for fold in chief.got)
    other = call(store, 2, clock)
    chief.turn()
    assert chief.got[-1].all == tuple(rows_before(store, other))


def rows_before(store: Store, incident: Incident) -> list[Notification]:
    """Return them as they were before they were sent."""
    sent = store.notifications_of(incident.id)
    return [made(row.incident_id, CALL, CHIEF, NTFY, 0, None, row.made_at_ms) for row in sent]


def test_the_desks_ringing_for_many_calls_holds_up_no_new_call(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    ring = Contact(1, ContactKind.RING_DESK, Why.UNACKNOWLEDGED, 1)
    chief, rung = Chief(store, clock), [call(store, number, clock, ring) for number in range(1, 11)]
    chief.turn()
    assert len(chief.got) == 4 and {row.state for row in rows(store, rung)} == {NotificationState.HANDED_OVER}
    new = call(store, 11, clock)
    chief.turn()
    assert [row.incident_id for row in chief.got[-1].all] == [new.id]


def test_two_messages_of_one_call_are_one_and_say_so(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief, early = Chief(store, clock), [call(store, number, clock) for number in range(1, 4)]
    chief.turn()
    one = call(store, 4, clock)
    tell(store, one, clock, Contact(2, ContactKind.RING_DESK, Why.UNACKNOWLEDGED, 1))
    chief.turn(Outcome(True, "200", "4711"))
    assert len(early) == 3 and len(chief.got) == 4 and len(chief.got[-1].all) == 2
    message = PersonalMessage("PANGGILAN", "08:01", None, True, 1)
    assert folded(message, chief.got[-1]) == message
    assert {row.reference for row in rows(store, [one])} == {"4711"}, "it can be taken back"


@pytest.mark.parametrize(
    ("contact", "changes"),
    [
        *((copied(CALL, why=why), {}) for why in (Why.BACKUP, Why.MADE_REAL, Why.WITHDRAWN, Why.NOT_ARRIVED)),
        (CALL, {"duress": True}),
        (CALL, {"call_back": CallBack.DURESS_WORD}),
    ],
)
def test_whoever_needs_more_than_the_first_call_does_not_wait_behind_others(
    store: Store, contact: Contact, changes: dict[str, object]
) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief = Chief(store, clock)
    for number in range(1, 11):
        call(store, number, clock)
    chief.turn()
    waits = call(store, 11, clock)
    grave = call(store, 12, clock, contact, **changes)
    chief.turn()
    assert [row.incident_id for row in chief.got[-1].all] == [grave.id]
    assert rows(store, [waits])[0].state is NotificationState.PENDING


def test_the_gravest_call_leads(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    incidents = [call(store, number, clock) for number in range(1, 11)]
    with store.transaction() as transaction:
        transaction.put_alarm(incidents[5].id, Alarm(3, ()))
    chief = Chief(store, clock)
    chief.turn()
    assert incidents[5].id in {fold.carrier.incident_id for fold in chief.got}
    assert chief.got[-1].carrier.incident_id == incidents[5].id and len(chief.got[-1].all) == 7


def test_a_gateway_for_exercises_marks_its_folded_messages(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    for number in range(1, 11):
        call(store, number, clock, mode=Mode.EXERCISE)
    chief = Chief(store, clock)
    chief.turn()
    assert chief.got[-1].several and chief.got[-1].exercise


def test_a_repetition_has_the_key_of_the_message_that_was_not_taken(store: Store) -> None:
    clock = ManualClock(sample_store.NOW_MS)
    chief = Chief(store, clock)
    for number in range(1, 5):
        call(store, number, clock)
    chief.turn()
    clock.at_ms += 15_000
    for number in range(5, 9):
        call(store, number, clock)
    tried = chief.tried(Outcome(False, "503"))
    clock.at_ms += 500  # newer ones are due before those that were tried
    newer = [call(store, number, clock) for number in range(9, 12)]
    again = chief.tried(TAKEN)
    assert again.carrier.incident_id == tried.carrier.incident_id
    assert {row.incident_id for row in again.all} >= {each.id for each in newer}


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_message_says_how_many_and_can_answer_none_of_them(language: str) -> None:
    row = made(1, CALL, CHIEF, NTFY, 0, None, 0)
    newest = PersonalMessage(
        "PANGGILAN",
        "08:01",
        "https://siaga.example/r/x",
        True,
        1,
        language=language,
        answers=(Answer("Ya", "https://x"),),
        spoken=Spoken(Question.DESK, ("Panggilan darurat.",)),
    )
    told = folded(newest, Fold(row, (copied(row, incident_id=2),), calls=37, minutes=4, exercise=True))
    assert told.title == text("calls.title.exercise", language, title=text("calls.title.folded", language, count=37))
    assert "37" in told.text and "4" in told.text and told.text.endswith("08:01")
    assert told.answers == () and told.reply is None and told.url == newest.url
    assert told.spoken.question is Question.HEARD and told.spoken.exercise
    assert "37" in told.spoken.sentences[0] and told.spoken.sentences[1:] == newest.spoken.sentences
    assert folded(newest, Fold(row)) == newest


def test_desks_that_lead_are_told_in_one_message_and_stations_that_go_of_each(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path)
    way = ToldWay()

    def compose(incident: Incident, notification: Notification, to: Addressee) -> PersonalMessage:
        return PersonalMessage("Panggilan", "08:00", None, True, notification.expires_at_ms)

    sender = NotificationSender(
        district.store,
        [way],
        ListedAddresses(district.router, Duty(district.store, UTC), "id"),
        compose,
        JournalNotifier(),
        district.clock,
        Lease(district.store, "way ntfy", "worker 1", 20.0),
    )
    incidents = [district.press(counter=number) for number in range(1, 21)]
    district.go_on()
    sender.start()
    try:
        eventually(
            lambda: {row.state for each in incidents for row in district.told(each)} == {NotificationState.HANDED_OVER}
        )
    finally:
        sender.stop()
    went = [station for station, _ in way.sent]
    assert went.count("polsek-sw") == went.count("polsek-se") == 20
    assert went.count("polres") == 4
    district.close()
