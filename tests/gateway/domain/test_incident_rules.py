"""The rules of domain/incident_rules.py by themselves, as values; in the store: test_incident_rules_stored.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.rule_values import NOW_MS, OWNER, basis, changes, differs, event, incident, now, place
from siaga_gateway.domain.event import ButtonClock
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode
from siaga_gateway.domain.incident_outcome import EventContext, Mark, Outcome, TimelineEntry
from siaga_gateway.domain.incident_rules import decide
from siaga_gateway.domain.registry import RegistrationState

PRESS, UPDATE, CANCEL, CHECKIN, TAMPER = Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER
ACTIVE, PENDING, STOLEN = RegistrationState.ACTIVE, RegistrationState.PENDING, RegistrationState.STOLEN
CLOSED = IncidentState.CLOSED


# One opens


def test_a_press_opens_with_all_that_is_known() -> None:
    fix = place()
    outcome = decide(
        event(PRESS, 12, 12, silent=True, delayed_s=300, claimed_s=7, clock=ButtonClock.BEHIND),
        basis(),
        EventContext(battery=64, last_position=fix),
    )
    assert now(outcome) == Incident(
        id=9,
        identifier="siaga-9.abc",
        mode=Mode.ACTUAL,
        state=IncidentState.OPEN,
        device_id=b"contoh-1",
        device_label="Toko Contoh, kasir",
        registration=ACTIVE,
        owner=OWNER,
        opening_counter=12,
        opened_at_ms=NOW_MS,
        pressed_at_ms=NOW_MS - 4_000,
        delayed_s=300,
        claimed_s=7,
        position=fix,
        presses=1,
        silent=True,
        battery=64,
        sequence=1,
        last_press=12,
        told_place=(fix.latitude, fix.longitude, 10),
    )
    assert (outcome.answer, outcome.opened, outcome.told) == (Stage.RECEIVED, True, Change.OPENED)
    assert outcome.marks == (Mark(12, arrived=True),)
    assert outcome.happened == (
        TimelineEntry(
            Change.OPENED,
            {
                "counter": 12,
                "kind": "press",
                "trigger": "hold",
                "mode": "actual",
                "drill": None,
                "registration": "active",
                "held": False,
                "silent": True,
                "delayed_s": 300,
                "claimed_s": 7,
                "clock": "behind",
                "has_position": True,
                "after": None,
            },
        ),
    )


def test_a_press_that_says_nothing_of_an_opening_opens_for_itself() -> None:
    outcome = decide(event(PRESS, 12), basis(), EventContext())
    assert (now(outcome).opening_counter, now(outcome).presses, now(outcome).last_press) == (12, 1, 12)
    assert outcome.marks == (Mark(12, arrived=True),)
    assert (now(outcome).position, now(outcome).told_place) == (None, None)
    assert outcome.happened[0].facts["has_position"] is False


def test_a_later_press_that_comes_first_counts_for_both() -> None:
    outcome = decide(event(PRESS, 14, 12), basis(), EventContext())
    assert (now(outcome).opening_counter, now(outcome).presses, now(outcome).last_press) == (12, 2, 14)
    assert outcome.marks == (Mark(12, arrived=False),)


@pytest.mark.parametrize("kind", [UPDATE, CANCEL])
def test_what_follows_a_press_opens_before_it_and_takes_it_for_one_press(kind: Kind) -> None:
    outcome = decide(event(kind, 14, 12), basis(), EventContext())
    after = now(outcome)
    assert (after.opening_counter, after.presses, after.last_press) == (12, 1, 12)
    assert (after.cancelled_by_holder, after.last_cancel) == ((True, 14) if kind is CANCEL else (False, None))
    assert outcome.marks == (Mark(12, arrived=False),)
    assert outcome.answer is Stage.RECEIVED
    assert changes(outcome) == [Change.OPENED] + [Change.CANCELLED_BY_HOLDER] * (kind is CANCEL)


def test_one_that_names_no_press_opens_under_its_own_counter_and_counts_no_press_of_its_own() -> None:
    after = now(decide(event(UPDATE, 14), basis(), EventContext()))
    assert (after.opening_counter, after.presses, after.last_press) == (14, 1, -1)
    after = now(decide(event(CANCEL, 14), basis(), EventContext()))
    assert (after.last_press, after.last_cancel, after.cancelled_by_holder) == (-1, 14, True)


def test_a_check_in_opens_nothing_but_under_duress() -> None:
    assert decide(event(CHECKIN, 14), basis(), EventContext()) == Outcome(Stage.RECEIVED)
    assert decide(event(TAMPER, 14), basis(), EventContext()) == Outcome(Stage.RECEIVED)
    outcome = decide(event(CHECKIN, 14, duress=True), basis(), EventContext())
    assert (now(outcome).duress, now(outcome).last_press, outcome.answer) == (True, -1, Stage.RECEIVED)
    assert outcome.marks == (Mark(14, arrived=False),)
    assert outcome.happened[1] == TimelineEntry(Change.DURESS, {"counter": 14, "late": False})
    held = decide(event(CHECKIN, 14, duress=True), basis(PENDING), EventContext())
    assert held.answer is Stage.RECEIVED, "its ACK says nothing of a call"


@pytest.mark.parametrize("state", sorted(set(RegistrationState) - {ACTIVE}))
def test_a_registration_that_is_not_active_holds_the_call_and_says_so(state: RegistrationState) -> None:
    fix = place()
    outcome = decide(event(PRESS, 12, 12), basis(state), EventContext(last_position=fix))
    after = now(outcome)
    assert (after.held, after.sequence, after.registration, after.told_place) == (True, 0, state, None)
    assert (outcome.answer, outcome.told, outcome.opened) == (Stage.REFUSED, None, True)
    assert (after.position, outcome.happened[0].facts["held"]) == (fix, True)


def test_one_of_a_button_whose_counters_clash_is_marked_from_its_birth() -> None:
    outcome = decide(event(PRESS, 12, 12), basis(), EventContext(counters_doubtful=True))
    assert now(outcome).key_copied
    assert outcome.happened[1] == TimelineEntry(Change.KEY_COPIED, {"counter": 12, "kind": "press", "late": False})
    assert changes(decide(event(PRESS, 12, 12), basis(), EventContext())) == [Change.OPENED]


def test_a_forced_cancel_opens_with_all_that_it_says_in_the_order_of_its_weight() -> None:
    outcome = decide(event(CANCEL, 14, 12, duress=True), basis(), EventContext(counters_doubtful=True))
    assert changes(outcome) == [Change.OPENED, Change.DURESS, Change.CANCELLED_BY_HOLDER, Change.KEY_COPIED]
    assert outcome.happened[2].facts == {"counter": 14, "duress": True, "late": False}


def test_a_mounted_button_opens_where_it_hangs() -> None:
    hung = basis(installed_latitude=-53_000_000, installed_longitude=1_050_000_000)
    old = place(at_ms=NOW_MS - 4_000_000)
    for last in (None, old):
        at = now(decide(event(PRESS, 12, 12), hung, EventContext(last_position=last))).position
        assert at is not None and (at.latitude, at.longitude, at.source) == (-53_000_000, 1_050_000_000, "installed")
        assert at.at_ms == NOW_MS - 4_000, "as of when it was pressed"
    for half in ({"installed_latitude": 1}, {"installed_longitude": 1}):
        assert now(decide(event(PRESS, 12, 12), basis(**half), EventContext())).position is None
    unset = event(PRESS, 12, 12, happened_ms=None)
    at = now(decide(unset, hung, EventContext())).position
    assert at is not None and at.at_ms == NOW_MS
    assert now(decide(unset, hung, EventContext())).pressed_at_ms is None


# It belongs to one that is there


def test_a_further_press_counts_and_is_told() -> None:
    before = incident()
    outcome = decide(
        event(PRESS, 12, 10), basis(), EventContext(open=before, keyed=before, key_arrived=True, battery=55)
    )
    assert differs(before, now(outcome)) == {"presses": 2, "last_press": 12, "sequence": 5, "battery": 55}
    assert (outcome.answer, outcome.told, outcome.opened) == (Stage.RECEIVED, Change.PRESSED_AGAIN, False)
    assert outcome.marks == ()
    assert outcome.happened == (
        TimelineEntry(Change.PRESSED_AGAIN, {"counter": 12, "presses": 2, "after_cancel": False, "released": False}),
    )


def test_an_update_of_nothing_new_changes_nothing_and_is_not_told() -> None:
    before = incident(last_press=11, presses=3)
    outcome = decide(
        event(UPDATE, 12, 10), basis(), EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    )
    assert outcome == Outcome(Stage.RECEIVED, before)


def test_the_press_that_was_overtaken_is_not_counted_twice_and_says_when_it_was() -> None:
    before = incident(last_press=10, presses=1, pressed_at_ms=NOW_MS)
    outcome = decide(event(PRESS, 10, 10), basis(), EventContext(open=before, keyed=before, battery=70))
    assert differs(before, now(outcome)) == {"pressed_at_ms": NOW_MS - 4_000}
    assert (outcome.marks, outcome.happened, outcome.told) == ((Mark(10, arrived=True),), (), None)


def test_another_call_under_a_counter_that_arrived_counts() -> None:
    before = incident()
    outcome = decide(
        event(PRESS, 10, 10), basis(), EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    )
    assert (now(outcome).presses, outcome.told, outcome.marks) == (2, Change.PRESSED_AGAIN, ())


def test_an_older_press_that_comes_late_does_not_take_a_newer_ones_place() -> None:
    before = incident(opening_counter=10, last_press=20, last_cancel=15)
    outcome = decide(
        event(PRESS, 12, 10), basis(), EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    )
    assert (now(outcome).last_press, now(outcome).presses, now(outcome).pressed_at_ms) == (20, 2, NOW_MS - 61_000)


@pytest.mark.parametrize("key", [30, 4])
def test_a_press_under_a_name_that_nobody_knows_joins_and_its_press_counts(key: int) -> None:
    before = incident()
    outcome = decide(event(PRESS, key, key), basis(), EventContext(open=before, battery=70))
    after = now(outcome)
    assert (after.opening_counter, after.last_press, after.presses) == (min(10, key), max(10, key), 2)
    assert after.pressed_at_ms == (NOW_MS - 61_000 if key == 30 else NOW_MS - 4_000)
    assert outcome.marks == (Mark(key, arrived=True),)
    assert outcome.told is Change.PRESSED_AGAIN, "it is not late for what is open"


@pytest.mark.parametrize(("kind", "presses"), [(PRESS, 3), (UPDATE, 2), (CANCEL, 2)])
def test_one_that_names_a_press_which_nobody_knows_counts_that_press_too(kind: Kind, presses: int) -> None:
    before = incident()
    outcome = decide(event(kind, 33, 30), basis(), EventContext(open=before, battery=70))
    after = now(outcome)
    assert (after.presses, after.last_press, after.opening_counter) == (presses, 33 if kind is PRESS else 30, 10)
    assert outcome.marks == (Mark(30, arrived=False),)


def test_one_that_names_none_joins_what_is_open_and_counts_none() -> None:
    before = incident()
    for kind in (UPDATE, CHECKIN, TAMPER):
        outcome = decide(event(kind, 33), basis(), EventContext(open=before, battery=70))
        assert outcome == Outcome(Stage.RECEIVED, before), kind


def test_a_cancel_closes_nothing_and_a_later_press_takes_it_back() -> None:
    before = incident()
    outcome = decide(
        event(CANCEL, 12, 10), basis(), EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    )
    cancelled = now(outcome)
    assert differs(before, cancelled) == {"cancelled_by_holder": True, "last_cancel": 12, "sequence": 5}
    assert (outcome.told, outcome.marks) == (Change.CANCELLED_BY_HOLDER, ())
    assert outcome.happened == (
        TimelineEntry(Change.CANCELLED_BY_HOLDER, {"counter": 12, "duress": False, "late": False}),
    )
    known = EventContext(open=cancelled, keyed=cancelled, key_arrived=True, battery=70)
    again = decide(event(CANCEL, 13, 10), basis(), known)
    assert (again.told, now(again).last_cancel, changes(again)) == (None, 13, [Change.CANCELLED_BY_HOLDER])
    pressed = decide(event(PRESS, 14, 10), basis(), known)
    assert differs(cancelled, now(pressed)) == {
        "cancelled_by_holder": False,
        "last_press": 14,
        "presses": 2,
        "sequence": 6,
    }
    assert pressed.happened[0].facts["after_cancel"] is True
    earlier = decide(event(PRESS, 11, 10), basis(), known)
    assert (now(earlier).cancelled_by_holder, earlier.happened[0].facts["after_cancel"]) == (True, False)


def test_a_cancel_from_before_the_last_press_cancels_nothing() -> None:
    before = incident(last_press=14)
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    outcome = decide(event(CANCEL, 12, 10), basis(), known)
    assert (now(outcome).cancelled_by_holder, now(outcome).last_cancel, outcome.told) == (False, 12, None)
    same = decide(event(CANCEL, 14, 10), basis(), known)
    assert not now(same).cancelled_by_holder, "under the counter of a press: the press stands"


def test_a_cancel_that_comes_late_does_not_put_a_later_one_back() -> None:
    before = incident(last_cancel=20, cancelled_by_holder=True)
    outcome = decide(event(CANCEL, 12, 10), basis(), EventContext(open=before, keyed=before, key_arrived=True))
    assert (now(outcome).last_cancel, now(outcome).cancelled_by_holder) == (20, True)
    zero = decide(event(CANCEL, 0, 0), basis(), EventContext(open=incident(last_press=-1)))
    assert now(zero).last_cancel == 0


def test_a_cancel_from_the_future_does_not_stand_against_a_press_of_a_button_that_is_doubted() -> None:
    before = incident(last_cancel=4_000, cancelled_by_holder=True, key_copied=True)
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70, counters_doubtful=True)
    outcome = decide(event(PRESS, 12, 10), basis(), known)
    assert (now(outcome).cancelled_by_holder, now(outcome).last_cancel) == (False, None)
    assert now(decide(event(UPDATE, 12, 10), basis(), known)).cancelled_by_holder
    trusted = replace(known, counters_doubtful=False)
    assert now(decide(event(PRESS, 12, 10), basis(), trusted)).last_cancel == 4_000


def test_a_doubted_button_marks_its_incident_once_and_a_mark_stays() -> None:
    before = incident()
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70, counters_doubtful=True)
    outcome = decide(event(UPDATE, 12, 10), basis(), known)
    assert differs(before, now(outcome)) == {"key_copied": True, "sequence": 5}
    assert outcome.told is Change.KEY_COPIED
    assert outcome.happened == (TimelineEntry(Change.KEY_COPIED, {"counter": 12, "kind": "update", "late": False}),)
    marked = now(outcome)
    for doubtful in (True, False):
        again = decide(
            event(UPDATE, 13, 10),
            basis(),
            EventContext(open=marked, keyed=marked, key_arrived=True, battery=70, counters_doubtful=doubtful),
        )
        assert again == Outcome(Stage.RECEIVED, marked)


def test_duress_is_told_once_and_stays() -> None:
    before = incident()
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    outcome = decide(event(UPDATE, 12, 10, duress=True), basis(), known)
    assert differs(before, now(outcome)) == {"duress": True, "sequence": 5}
    assert (outcome.told, outcome.happened) == (
        Change.DURESS,
        (TimelineEntry(Change.DURESS, {"counter": 12, "late": False}),),
    )
    marked = now(outcome)
    known = replace(known, open=marked, keyed=marked)
    for duress in (True, False):
        assert decide(event(UPDATE, 13, 10, duress=duress), basis(), known) == Outcome(Stage.RECEIVED, marked)


def test_of_several_changes_the_weightiest_is_told() -> None:
    before = incident(told_place=None)
    known = EventContext(
        open=before, keyed=before, key_arrived=True, battery=70, last_position=place(), counters_doubtful=True
    )
    outcome = decide(event(PRESS, 12, 10, duress=True), basis(), known)
    assert changes(outcome) == [Change.POSITION, Change.KEY_COPIED, Change.PRESSED_AGAIN, Change.DURESS]
    assert (outcome.told, now(outcome).sequence) == (Change.DURESS, 5), "one notice, which shows them all"


def test_silence_once_asked_for_stays() -> None:
    before = incident()
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    silent = now(decide(event(UPDATE, 12, 10, silent=True), basis(), known))
    assert differs(before, silent) == {"silent": True}
    known = replace(known, open=silent, keyed=silent)
    assert now(decide(event(UPDATE, 13, 10), basis(), known)).silent


@pytest.mark.parametrize("state", [IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.ON_SCENE])
def test_what_operators_did_stays_as_it_is(state: IncidentState) -> None:
    before = incident(
        state=state,
        seen_by="Rani",
        seen_at_ms=NOW_MS - 9,
        unit="Patroli 3",
        eta_minutes=7,
        note="dua orang",
        delayed_s=130,
        claimed_s=140,
    )
    known = EventContext(open=before, keyed=before, key_arrived=True, battery=70)
    outcome = decide(event(PRESS, 12, 10), basis(), known)
    assert differs(before, now(outcome)) == {"presses": 2, "last_press": 12, "sequence": 5}
    assert outcome.answer is Stage.RECEIVED
