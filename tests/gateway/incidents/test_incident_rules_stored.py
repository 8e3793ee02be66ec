"""Which incident a frame belongs to: the rules of domain/incident_rules.py, through the real ingest on a real store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from databases import Place
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.frame import Flags, Kind, Stage, Suite
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal

RECEIVED, REFUSED, TEST = Stage.RECEIVED, Stage.REFUSED, Stage.TEST


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


def named(desk: IngestHarness, incident_id: int) -> list[int]:
    """Counters of the uplinks that acknowledgements of its progress name."""
    with desk.store.transaction() as transaction:
        return [counter for counter, _ in transaction.named_calls(incident_id)]


def close(desk: IngestHarness, incident: Incident, at_ms: int = NOW_MS) -> None:
    with desk.store.transaction() as transaction:
        transaction.put_incident(
            replace(
                incident,
                state=IncidentState.CLOSED,
                closed_by="Rani",
                closed_at_ms=at_ms,
                disposition=Disposition.VERIFIED,
            )
        )


def test_the_first_press_opens_and_later_ones_attach(desk: IngestHarness) -> None:
    button = desk.button()
    assert desk.stages(button.press(NOW_S)) == [(1, RECEIVED)]
    assert desk.stages(button.press(NOW_S, again=True)) == [(2, RECEIVED)]
    incident = desk.only()
    assert (incident.presses, incident.opening_counter, incident.last_press) == (2, 1, 2)
    assert desk.kinds() == [journal.INCIDENT_OPENED, journal.PRESSED_AGAIN]
    assert desk.told() == [(1, "opened"), (1, "pressed_again")]


def test_a_restarted_button_presses_again_under_a_new_opening(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    desk.take(button.press(NOW_S))
    desk.take(button.follow(Kind.UPDATE, NOW_S, **at()))
    assert desk.only().presses == 2
    assert named(desk, 1) == [2], "the button waits for the stages of its newest press"


def test_an_update_before_its_press_opens_and_the_press_joins(desk: IngestHarness) -> None:
    button = desk.button()
    press, update = button.press(NOW_S - 5), button.follow(Kind.UPDATE, NOW_S, **at())
    assert desk.stages(update) == [(2, RECEIVED)]
    assert desk.only().opening_counter == 1
    assert desk.stages(press) == [(1, RECEIVED)]
    incident = desk.only()
    assert (incident.presses, incident.pressed_at_ms) == (1, (NOW_S - 5) * 1000)
    assert desk.kinds() == [journal.INCIDENT_OPENED]


def test_a_cancel_before_its_press_opens_too(desk: IngestHarness) -> None:
    button = desk.button()
    press, cancel = button.press(NOW_S), button.follow(Kind.CANCEL, NOW_S)
    desk.take(cancel, press)
    incident = desk.only()
    assert (incident.presses, incident.cancelled_by_holder) == (1, True)
    assert desk.told() == [(1, "opened")]


def test_a_cancel_closes_nothing_and_a_press_takes_it_back(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    desk.take(button.follow(Kind.CANCEL, NOW_S))
    assert desk.only().cancelled_by_holder
    desk.take(button.press(NOW_S))
    assert not desk.only().cancelled_by_holder
    assert desk.told() == [(1, "opened"), (1, "cancelled_by_holder"), (1, "pressed_again")]
    assert desk.journal(journal.PRESSED_AGAIN)[0].facts["after_cancel"] is True


def test_a_forced_cancel_marks_duress(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    desk.take(button.follow(Kind.CANCEL, NOW_S, flags=Flags.DURESS))
    incident = desk.only()
    assert (incident.duress, incident.cancelled_by_holder) == (True, True)
    assert desk.told()[-1] == (1, "duress")


def test_duress_in_a_check_in_opens_an_incident(desk: IngestHarness) -> None:
    button = desk.button()
    assert desk.stages(button.follow(Kind.CHECKIN, NOW_S, flags=Flags.DURESS)) == [(1, RECEIVED)]
    assert desk.only().duress
    assert desk.journal(journal.INCIDENT_OPENED)[0].facts["kind"] == "checkin"


@pytest.mark.parametrize(
    "state",
    [RegistrationState.PENDING, RegistrationState.SUSPENDED, RegistrationState.EXPIRED, RegistrationState.STOLEN],
)
def test_a_registration_that_is_not_active_opens_a_held_incident(desk: IngestHarness, state: RegistrationState) -> None:
    button = desk.button(state)
    press = button.press(NOW_S)
    assert desk.stages(press) == [(1, REFUSED)]
    assert desk.stages(press) == [(1, REFUSED)], "asked again, the same answer"
    incident = desk.only()
    assert (incident.held, incident.registration, incident.sequence) == (True, state, 0)
    assert desk.told() == []


def test_an_active_registration_past_its_date_is_expired(desk: IngestHarness) -> None:
    button = desk.button(valid_until_ms=NOW_MS)
    assert desk.stages(button.press(NOW_S)) == [(1, REFUSED)]
    assert desk.only().registration is RegistrationState.EXPIRED


def test_a_press_of_a_registration_that_became_active_ends_the_hold(desk: IngestHarness) -> None:
    button = desk.button(RegistrationState.PENDING)
    desk.take(button.press(NOW_S))
    with desk.store.transaction() as transaction:
        transaction.set_registration(button.device_id, RegistrationState.ACTIVE, 0)
    desk.take(button.follow(Kind.UPDATE, NOW_S, **at()))
    assert desk.only().held, "an update is no new call"
    assert desk.stages(button.press(NOW_S, again=True)) == [(3, RECEIVED)]
    incident = desk.only()
    assert (incident.held, incident.sequence) == (False, 1)
    assert desk.told() == [(1, "opened")]


def test_a_test_press_is_never_dispatched_as_an_emergency(desk: IngestHarness) -> None:
    button = desk.button()
    press = button.press(NOW_S, test=True, **at())
    assert desk.stages(press) == [(1, TEST)]
    assert desk.stages(press) == [(1, TEST)]
    assert not desk.store.open_incidents()
    assert not desk.store.recent_incidents()
    (test,) = desk.store.recent_tests()
    assert (test.mode, test.state) == (Mode.TEST, IncidentState.CLOSED)
    assert desk.kinds() == [journal.TEST_PRESS, journal.REPEATED]
    assert desk.told("cad") == []
    assert desk.told("trainer") == [(1, "opened")]


def test_a_test_press_of_an_inactive_registration_is_refused(desk: IngestHarness) -> None:
    button = desk.button(RegistrationState.SUSPENDED, 0)
    assert desk.stages(button.press(NOW_S, test=True)) == [(1, REFUSED)]
    assert desk.told("trainer") == []


def test_a_test_does_not_touch_an_emergency_nor_the_other_way_round(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    desk.take(button.press(NOW_S, test=True))
    assert desk.only().presses == 1
    other = desk.button()
    desk.take(other.press(NOW_S, test=True))
    other.opening = 1
    assert desk.stages(other.press(NOW_S, again=True)) == [(2, RECEIVED)], "in earnest, though it names a test"
    assert len(desk.store.open_incidents()) == 2


def test_a_delayed_press_is_dispatched_with_its_age(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.CHECKIN, NOW_S))
    desk.now_ms += 86_400_000
    desk.take(button.press(NOW_S))
    delayed_s = desk.only().delayed_s
    assert delayed_s is not None and 83_000 < delayed_s <= 86_400
    assert desk.told() == [(1, "opened")]


def test_a_clock_that_no_check_in_has_proven_makes_nothing_late_and_is_shown_for_what_it_says(
    desk: IngestHarness,
) -> None:
    desk.take(desk.button().press(NOW_S - 432, **at()))
    incident = desk.only()
    assert (incident.delayed_s, incident.claimed_s, incident.pressed_at_ms) == (None, 432, None)
    assert incident.position is not None and incident.position.at_ms == NOW_MS
    assert desk.journal(journal.INCIDENT_OPENED)[0].facts["clock"] == "unproven"


def test_a_press_is_never_refused_for_its_clock(desk: IngestHarness) -> None:
    unset, ahead = desk.button(), desk.button()
    desk.take(unset.press(0), ahead.press(NOW_S + 86_400))
    assert [one.pressed_at_ms for one in desk.store.open_incidents()] == [None, None]
    assert [entry.facts["clock"] for entry in desk.journal(journal.INCIDENT_OPENED)] == ["unset", "ahead"]
    assert [one.delayed_s for one in desk.store.open_incidents()] == [None, None]


def test_coordinates_that_no_place_has_are_no_position(desk: IngestHarness) -> None:
    desk.take(desk.button().press(NOW_S, **at(latitude=900_000_001)))
    assert desk.only().position is None


def test_the_installed_position_stands_in_for_a_missing_one(desk: IngestHarness) -> None:
    button = desk.button(installed=(-54_000_000, 1_052_600_000))
    desk.take(button.press(NOW_S))
    position = desk.only().position
    assert position is not None
    assert (position.source, position.latitude, position.fix_age_s) == ("installed", -54_000_000, None)
    desk.take(button.follow(Kind.UPDATE, NOW_S, **at(latitude=-55_000_000)))
    position = desk.only().position
    assert position is not None
    assert (position.source, position.latitude) == ("gnss", -55_000_000)


def test_the_last_known_position_is_shown_with_its_real_age(desk: IngestHarness) -> None:
    button = desk.button()
    desk.now_ms -= 3_600_000
    desk.take(button.follow(Kind.CHECKIN, NOW_S - 3600, **at(fix_age=10)))
    desk.now_ms = NOW_MS
    desk.take(button.press(NOW_S))
    position = desk.only().position
    assert position is not None
    assert (position.fix_age_s, position.at_ms) == (3610, NOW_MS)


def test_a_worse_position_does_not_replace_a_better_one(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S, **at(accuracy=8)))
    desk.take(button.follow(Kind.UPDATE, NOW_S + 10, **{**at(-54_500_000, accuracy=2000), "source": 2}))
    position = desk.only().position
    assert position is not None
    assert position.accuracy_m == 8
    desk.now_ms += 600_000
    desk.take(button.follow(Kind.UPDATE, NOW_S + 600, **{**at(-54_500_000, accuracy=2000), "source": 2}))
    position = desk.only().position
    assert position is not None
    assert position.accuracy_m == 2000, "ten minutes later the old fix says less than the cell"


def test_tamper_joins_an_open_incident_or_stands_in_the_journal(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.follow(Kind.TAMPER, NOW_S, flags=Flags.TAMPER_OPEN))
    desk.take(button.press(NOW_S))
    desk.take(button.follow(Kind.TAMPER, NOW_S, flags=Flags.TAMPER_OPEN))
    assert [entry.incident_id for entry in desk.journal(journal.TAMPER)] == [None, 1]
    ((_, status),) = desk.store.devices()
    assert status is not None
    assert status.tamper_open


def test_a_check_in_keeps_the_devices_state(desk: IngestHarness) -> None:
    button = desk.button()
    body = report_body(NOW_S, battery=17, flags=Flags.LOW_BATTERY) + bytes([1, 2, 3, 0xA6, 0x42, 5, 6, 7])
    desk.take(button.frame(Kind.CHECKIN, 1, body))
    ((_, status),) = desk.store.devices()
    assert status is not None
    assert status.health is not None
    assert (status.battery, status.health.version, status.health.signal, status.health.waiting) == (
        17,
        (1, 2, 3),
        -90,
        2,
    )
    assert desk.kinds() == [journal.LOW_BATTERY]


def test_the_second_form_of_an_event_adds_its_signature(desk: IngestHarness) -> None:
    button = desk.button()
    body = report_body(NOW_S)
    short = button.frame(Kind.PRESS, 1, body, Suite.HS256_64)
    long = button.frame(Kind.PRESS, 1, body)
    assert desk.stages(short) == [(1, RECEIVED)]
    assert desk.stages(long) == [(1, RECEIVED)]
    (row,) = desk.store.fetch("SELECT suite, frame, signature FROM event")
    assert row == (Suite.HS256_64, short, long[-64:])
    assert len(desk.store.open_incidents()) == 1


def test_one_counter_with_two_contents_is_a_contradiction_and_both_are_kept(desk: IngestHarness) -> None:
    button = desk.button()
    first, second = button.frame(Kind.PRESS, 5, report_body(NOW_S)), button.frame(Kind.PRESS, 5, report_body(NOW_S + 1))
    other_kind = button.frame(Kind.CANCEL, 5, report_body(NOW_S))
    assert desk.stages(first, second) == [(5, RECEIVED), (5, RECEIVED)]
    assert desk.stages(other_kind) == [(5, RECEIVED)]
    entries = desk.journal(journal.CONTRADICTION)
    assert [entry.frame for entry in entries] == [second, other_kind]
    assert [row[0] for row in desk.store.fetch("SELECT frame FROM event ORDER BY id")] == [first, second, other_kind]


def test_a_gap_in_the_counters_is_noted_and_may_be_filled(desk: IngestHarness) -> None:
    button = desk.button()
    frames = [button.follow(Kind.CHECKIN, NOW_S) for _ in range(5)]
    desk.take(frames[0])
    desk.take(frames[4])
    (gap,) = desk.journal(journal.COUNTER_GAP)
    assert gap.facts == {"after": 1, "counter": 5, "missing": 3}
    desk.take(frames[2], frames[1], frames[3])
    ((_, status),) = desk.store.devices()
    assert status is not None
    assert status.missing == 0


def test_an_enrolled_devices_enrol_is_stored_and_acknowledged(desk: IngestHarness) -> None:
    button = desk.button()
    assert desk.stages(button.enrol()) == [(1, RECEIVED)]
    assert [row[0] for row in desk.store.fetch("SELECT kind FROM event")] == [Kind.ENROL]


def test_a_receipt_is_stored_and_acknowledged(desk: IngestHarness) -> None:
    button = desk.button()
    assert desk.stages(button.frame(Kind.RECEIPT, 1, b"\0\0\0\1\0")) == [(1, RECEIVED)]


def test_a_missed_stage_is_told_again_with_a_repetition(desk: IngestHarness) -> None:
    button = desk.button()
    press = button.press(NOW_S)
    desk.take(press)
    with desk.store.transaction() as transaction:
        transaction.put_incident(replace(desk.only(), state=IncidentState.ASSIGNED, unit="Patroli 12", eta_minutes=7))
    replies = desk.take(press)
    assert [(r.counter, r.stage, r.eta_minutes) for r in replies] == [(1, RECEIVED, None), (1, Stage.ASSIGNED, 7)]


def test_a_replayed_frame_is_answered_again_and_seen_in_the_journal(desk: IngestHarness) -> None:
    button = desk.button()
    press = button.press(NOW_S)
    for _ in range(50):
        assert desk.stages(press) == [(1, RECEIVED)]
    assert desk.only().presses == 1
    (entry,) = desk.journal(journal.REPEATED)
    assert entry.facts == {"counter": 1, "kind": "press", "count": 1}
    assert [rest.facts["count"] for rest in desk.sampler.rest()] == [48]


def test_an_opening_before_the_first_counter_still_gets_through(desk: IngestHarness) -> None:
    button: PressingButton = desk.button()
    desk.take(button.frame(Kind.PRESS, 3, report_body(NOW_S, opening=9)))
    assert desk.only().opening_counter == 3
    other = desk.button()
    desk.take(other.frame(Kind.UPDATE, 3, report_body(NOW_S, opening=0)))
    assert len(desk.store.open_incidents()) == 2
