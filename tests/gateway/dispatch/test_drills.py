"""Drills on a real store: ordered, pressed, answered, made real, ended; whom they call; what they never count for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.fake_ports import SentAnswers
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from siaga_gateway.domain.drill import Drill, is_exercise
from siaga_gateway.domain.escalation_state import FactKind, Phase, Why
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.incident_rules import stage_of
from siaga_gateway.domain.notification import NotificationState
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.response import ResponseState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.drill_reports import report, silent_buttons
from siaga_gateway.service.dispatch.drills import DrillEnds, DrillError, Drills, WantedDrill
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError, Overtaken
from siaga_gateway.service.ports import ResponderRefused
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import Store
from waiting import ENDS_S, eventually

BUTTON = sample_store.DEVICE_ID
WANTED = WantedDrill("Latihan contoh", (BUTTON,), ("polsek-nw", "station:polda"), 60)


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


@pytest.fixture
def drills(district: CalledDistrict) -> Drills:
    return Drills(district.store, JournalNotifier(), district.clock, Mode.ACTUAL)


def exercise(district: CalledDistrict, drill: Drill) -> Incident:
    """A press within the drill, as ingest leaves it."""
    place = Position(*IN_SW, 10, 0, "gnss", district.clock.now_ms())
    opened = sample_store.open_incident(district.store)
    incident = copied(opened, mode=Mode.EXERCISE, drill=drill.id, position=place)
    with district.store.transaction() as transaction:
        transaction.put_incident(incident)
    district.note(incident, journal.INCIDENT_OPENED)
    district.go_on()
    return incident


def everybody(district: CalledDistrict, incident: Incident) -> set[str]:
    return {each.recipient for each in district.store.notifications_of(incident.id)}


# Ordering and ending


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "  "}, "give the drill a name of 1 to 60"),
        ({"minutes": 0}, "give 1 to 480 minutes"),
        ({"minutes": 481}, "give 1 to 480 minutes"),
        ({"buttons": ()}, "name 1 to 200 buttons"),
        ({"buttons": (b"fremd-01",)}, "is no enrolled button"),
        ({"contacts": ()}, "name 1 to 200 stations or officers"),
        ({"contacts": ("polsek-xx",)}, "polsek-xx is no station and no officer"),
        ({"begins_ms": NOW_MS - 1}, "now or within 30 days"),
    ],
)
def test_a_drill_that_cannot_be_is_refused_with_the_mend(drills: Drills, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(DrillError, match=said):
        drills.order(copied(WANTED, **changed), "Siti")
    assert drills.all() == []


def test_a_drill_needs_an_active_button_and_a_gateway_in_earnest(district: CalledDistrict) -> None:
    with pytest.raises(DrillError, match="every press is one already"):
        Drills(district.store, JournalNotifier(), district.clock, Mode.EXERCISE).order(WANTED, "Siti")


def test_a_drill_is_kept_journalled_and_shuts_out_another_of_its_button(
    district: CalledDistrict, drills: Drills
) -> None:
    made = drills.order(WANTED, " Siti ")
    assert made == district.store.drill(made.id) and drills.runs()
    assert (made.ordered_by, made.contacts) == ("Siti", ("station:polsek-nw", "station:polda"))
    (entry,) = [each for each in district.store.journal_last(50) if each.kind == journal.DRILL_ORDERED]
    assert entry.actor == "Siti" and BUTTON.hex() in entry.facts["listed"]
    with pytest.raises(DrillError, match=f"takes part in drill {made.id}"):
        drills.order(WANTED, "Budi")
    later = drills.order(copied(WANTED, begins_ms=made.ends_ms), "Budi")
    assert drills.end(made.id, "Budi").ended_by == "Budi"
    assert drills.end(made.id, "Siti").ended_by == "Budi"
    assert not drills.runs() and [each.id for each in drills.all()] == [later.id, made.id]
    with pytest.raises(DrillError, match="there is no drill 99"):
        drills.end(99, "Siti")


def test_a_forgotten_drill_ends_by_itself_and_never_runs_again(district: CalledDistrict, drills: Drills) -> None:
    made, clock, seconds = drills.order(WANTED, "Siti"), district.clock, [0.0]
    ends = DrillEnds(district.store, drills, clock, lambda: seconds[0])
    ends.work()
    assert drills.runs()
    clock.at_ms = made.ends_ms
    ends.work()
    ended = drills.known(made.id)
    assert ended.ended_ms == made.ends_ms and ended.ended_by is None
    clock.at_ms = made.begins_ms
    assert not ended.runs_at(clock.at_ms) and not drills.runs()


@pytest.mark.parametrize("back_ms", [30 * 60_000, 24 * 3_600_000], ids=["into the drill", "to before it"])
def test_a_clock_that_is_set_back_makes_no_drill_longer(district: CalledDistrict, drills: Drills, back_ms: int) -> None:
    made, clock, seconds = drills.order(WANTED, "Siti"), district.clock, [0.0]
    ends = DrillEnds(district.store, drills, clock, lambda: seconds[0])
    ends.work()
    clock.at_ms += 59 * 60_000 - back_ms
    seconds[0] += 62 * 60
    ends.work()
    ended = drills.known(made.id)
    assert ended.ended_ms is not None
    entry = district.store.journal_last(1)[0]
    assert (entry.kind, entry.facts["why"]) == (journal.DRILL_ENDED, "drill_clock")


# Whom it calls


def test_an_exercise_calls_nobody_but_those_whom_its_drill_names(district: CalledDistrict, drills: Drills) -> None:
    incident = exercise(district, drills.order(WANTED, "Siti"))
    for _ in range(30):
        district.hand_over()
        district.go_on(10)
    assert everybody(district, incident) == {"station:polsek-nw", "station:polda"}
    assert "everyone" in district.called(incident)


def test_withdrawals_and_back_up_call_nobody_else_either(district: CalledDistrict, drills: Drills) -> None:
    incident = exercise(district, drills.order(WANTED, "Siti"))
    for said in ("accepted", "arrived", "backup", "withdrew"):
        district.note(incident, journal.RESPONDER_SAID, who="responder:budi", said=said, minutes=1)
        district.go_on(70)
    assert everybody(district, incident) <= {"station:polsek-nw", "station:polda"}


def test_a_drill_that_is_gone_calls_nobody(district: CalledDistrict) -> None:
    lost = copied(sample_store.open_incident(district.store), mode=Mode.EXERCISE, drill=99)
    with district.store.transaction() as transaction:
        transaction.put_incident(lost)
    district.note(lost, journal.INCIDENT_OPENED)
    district.go_on(60)
    assert everybody(district, lost) == set()


# It is real after all


def test_what_is_made_real_is_called_from_the_first_rung_by_everybody_who_would_be(
    district: CalledDistrict, drills: Drills
) -> None:
    incident = exercise(district, drills.order(WANTED, "Siti"))
    for _ in range(8):
        district.hand_over()
        district.go_on(10)
    district.operator.assign(incident.id, "Siti", "Patroli 12", 5)
    district.go_on()
    told_before = everybody(district, incident)
    real = district.operator.make_real(incident.id, "Budi")
    assert (real.mode, real.state, real.unit, is_exercise(real)) == (Mode.ACTUAL, IncidentState.OPEN, None, False)
    district.go_on()
    state = district.state(incident)
    assert (state.phase, state.why, state.rung, state.assignments) == (Phase.CALLING, Why.MADE_REAL, "stations", ())
    rows = [each for each in district.told(incident) if each.why is Why.MADE_REAL]
    assert {each.recipient for each in rows} >= told_before | {
        "station:polsek-sw",
        "station:polsek-se",
        "station:polres",
    }
    assert all(each.state is NotificationState.PENDING for each in rows)
    kinds = [each.kind for each in district.store.journal_of_incident(incident.id)]
    assert kinds.count(journal.MADE_REAL) == 1
    assert district.operator.make_real(incident.id, "Siti") == real, "there is no way back, and twice is once"


def test_an_answer_to_the_exercise_is_none_to_the_call_that_it_became(district: CalledDistrict, drills: Drills) -> None:
    incident = exercise(district, drills.order(WANTED, "Siti"))
    shown = incident.progress
    wave = district.state(incident).wave
    district.operator.make_real(incident.id, "Budi")
    with pytest.raises(Overtaken):
        district.operator.seen(incident.id, "Siti", shown=shown)
    district.operator.acknowledge(incident.id, "Siti", wave)  # by another way: the escalation has not gone on yet
    district.go_on()
    assert district.state(incident).phase is Phase.CALLING


def test_a_responder_makes_it_real_and_what_was_answered_is_void(district: CalledDistrict, drills: Drills) -> None:
    incident = exercise(district, drills.order(WANTED, "Siti"))
    keyring = KeyRing(district.store, sample_store.GATEWAY_KEY)
    steps = ResponderSteps(district.store, keyring, SentAnswers(), JournalNotifier(), district.clock, outputs=["cad"])
    steps.answer(incident.id, "budi", FactKind.ACCEPTED, 5)
    district.operator.make_real(incident.id, "Siti")
    after = district.store.incident(incident.id)
    assert after is not None and after.unit is None
    assert stage_of(after) is Stage.SEEN, "the button no longer says that somebody comes, who came to the exercise"
    assert [each.state for each in district.store.responses_of(incident.id)] == [ResponseState.OPENED]
    with pytest.raises(ResponderRefused, match="THIS IS REAL"):
        steps.answer(incident.id, "budi", FactKind.ACCEPTED, 6)
    district.go_on()
    (first, *_) = district.store.notifications_of(incident.id)
    real = max(district.store.notifications_of(incident.id), key=lambda each: each.number).number
    told = copied(first, number=real, recipient="responder:budi", why=Why.MADE_REAL, state=NotificationState.PENDING)
    with district.store.transaction() as transaction:
        transaction.add_notifications([told])
    with pytest.raises(ResponderRefused, match="THIS IS REAL"):
        steps.answer(incident.id, "budi", FactKind.ACCEPTED, 6, way=ContactWay.SMS)
    with district.store.transaction() as transaction:
        sent_ms = district.clock.at_ms
        handed_over = copied(told, state=NotificationState.HANDED_OVER, next_at_ms=None, attempted_ms=sent_ms)
        transaction.put_notifications([handed_over])
    for said, said_ms, of_exercise in (
        (FactKind.ACCEPTED, sent_ms - 5_000, False),
        (FactKind.ACCEPTED, sent_ms + 5_000, True),
        (FactKind.WITHDREW, sent_ms + 5_000, True),
    ):
        with pytest.raises(ResponderRefused, match="THIS IS REAL"):
            steps.answer(incident.id, "budi", said, way=ContactWay.SMS, said_ms=said_ms, exercise=of_exercise)
    steps.answer(incident.id, "budi", FactKind.ACCEPTED, 7, way=ContactWay.SMS, said_ms=sent_ms)
    district.go_on()
    assert [each.minutes for each in district.state(incident).assignments] == [7]
    coming = district.store.incident(incident.id)
    assert coming is not None and stage_of(coming) is Stage.ASSIGNED


def test_a_call_that_nobody_answered_stays_unanswered_when_it_is_real(district: CalledDistrict, drills: Drills) -> None:
    incident = exercise(district, drills.order(WANTED, "Siti"))
    after = district.operator.make_real(incident.id, "Siti")
    assert stage_of(after) is Stage.RECEIVED


def test_only_an_open_exercise_can_be_made_real(district: CalledDistrict, drills: Drills) -> None:
    earnest = district.press()
    with pytest.raises(OperateError, match="belongs to no drill"):
        district.operator.make_real(earnest.id, "Siti")
    district.operator.close(earnest.id, "Siti", "verified", "")
    over = exercise(district, drills.order(WANTED, "Siti"))
    district.operator.close(over.id, "Siti", "exercise", "")
    with pytest.raises(OperateError, match="is closed"):
        district.operator.make_real(over.id, "Siti")


# What it never counts for


def test_an_exercise_raises_no_neighbour_and_is_no_part_of_its_owners_record(
    district: CalledDistrict, drills: Drills
) -> None:
    made = drills.order(WANTED, "Siti")
    earnest = district.press(IN_SW)
    beside = replace(
        exercise(district, made), position=earnest.position, owner=None, device_id=b"anderer1", opening_counter=5
    )
    levels = AlarmLevels(district.store)
    with district.store.transaction() as transaction:
        transaction.put_incident(beside)
    assert levels.near(earnest) == () or [each.incident_id for each in levels.near(earnest)] == []
    assert levels.near(beside) == ()
    assert earnest.owner is not None
    district.operator.close(exercise(district, made).id, "Siti", "abuse", "")
    assert district.store.ended_calls(earnest.owner.id, 0) == []
    district.operator.close(earnest.id, "Siti", "abuse", "")
    assert [each for each, _ in district.store.ended_calls(earnest.owner.id, 0)] == [Disposition.ABUSE]


# What it showed


def test_a_report_tells_when_each_press_was_answered_and_by_whom(district: CalledDistrict, drills: Drills) -> None:
    made = drills.order(copied(WANTED, buttons=(BUTTON,)), "Siti")
    incident = exercise(district, made)
    assert silent_buttons(made, ()) == [BUTTON]
    district.clock.at_ms += 4_000
    district.note(incident, journal.SEEN)
    district.clock.at_ms += 5_000
    district.note(incident, journal.RESPONDER_SAID, who="responder:budi", said="accepted", minutes=4)
    district.note(incident, journal.RESPONDER_SAID, who="responder:ani", said="declined", minutes=None)
    district.clock.at_ms += 60_000
    district.note(incident, journal.RESPONDER_SAID, who="responder:budi", said="arrived", minutes=None)
    (found,) = report(district.store, made)
    assert (found.acknowledged_ms, found.accepted_ms, found.on_scene_ms) == (4_000, 9_000, 69_000)
    assert (found.answered, found.declined) == (("responder:budi",), ("responder:ani",))
    assert found.called_ms == 0 and found.real_ms is None and silent_buttons(made, [found]) == []
    district.operator.make_real(incident.id, "Siti")
    district.note(incident, journal.ON_SCENE, unit="Patroli 1")
    (found,) = report(district.store, made)
    assert found.real_ms is not None and found.on_scene_ms == 69_000


# The whole of ingest, on both databases


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest, lend: Callable[[str], Place]) -> Iterator[IngestHarness]:
    made = IngestHarness(lend(request.param))
    yield made
    made.close()


def ordered(store: Store, *buttons: bytes) -> Drill:
    with store.transaction() as transaction:
        number = transaction.next_drill_id()
        made = Drill(
            number, "Contoh", "Siti", buttons, ("station:a",), NOW_MS - 1_000, NOW_MS - 1_000, NOW_MS + 600_000
        )
        transaction.put_drill(made)
    return made


def test_frames_of_a_named_button_are_an_exercise_until_it_is_pressed_again(desk: IngestHarness) -> None:
    named, other, unproven = desk.button(), desk.button(), desk.button()
    made = ordered(desk.store, named.device_id, unproven.device_id)
    assert desk.store.unended_drills() == [made] == desk.store.drills()
    desk.take(named.follow(Kind.CHECKIN, NOW_S), other.follow(Kind.CHECKIN, NOW_S))
    desk.take(named.press(NOW_S), other.press(NOW_S), unproven.press(NOW_S))
    found = {each.device_id: each for each in desk.store.open_incidents()}
    assert is_exercise(found[named.device_id]) and found[other.device_id].mode is Mode.ACTUAL
    assert found[unproven.device_id].mode is Mode.ACTUAL, "it never checked in: nobody knows how good its clock is"
    assert [each.id for each in desk.store.incidents_of_drill(made.id)] == [found[named.device_id].id]
    with desk.store.transaction() as transaction:
        transaction.put_drill(copied(made, ended_ms=NOW_MS))
    assert desk.store.unended_drills() == [] and desk.store.drill(made.id) == copied(made, ended_ms=NOW_MS)
    desk.take(named.follow(Kind.UPDATE, NOW_S))
    assert is_exercise(found[named.device_id])
    desk.take(named.press(NOW_S))
    after = desk.store.incident(found[named.device_id].id)
    assert after is not None and after.mode is Mode.ACTUAL and after.drill == made.id
    assert desk.told()[-1] == (after.id, "made_real")
    assert len(desk.store.open_incidents()) == 3, "it is the same incident"


def test_a_drill_is_forgotten_with_its_incidents_calls(desk: IngestHarness) -> None:
    named = desk.button()
    made = ordered(desk.store, named.device_id)
    desk.take(named.follow(Kind.CHECKIN, NOW_S), named.press(NOW_S))
    with desk.store.transaction() as transaction:
        transaction.put_drill(copied(made, ended_ms=NOW_MS))
    with desk.store.transaction() as transaction:
        assert transaction.forget_drills(NOW_MS + 1, 9) == 0, "an exercise of it is open"
    incident = desk.only()
    with desk.store.transaction() as transaction:
        transaction.put_incident(replace(incident, state=IncidentState.CLOSED, closed_at_ms=NOW_MS))
    assert desk.store.expired_notifications(NOW_MS + 1) == 1
    with desk.store.transaction() as transaction:
        assert transaction.forget_drills(NOW_MS + 1, 9) == 1
    assert desk.store.drill(made.id) is None
    with desk.store.transaction() as transaction:
        assert transaction.next_drill_id() == made.id + 1, "its number stands in the journal"


def test_of_two_who_order_at_once_the_second_waits_for_the_first(tmp_path: Path) -> None:
    with Place("postgresql", tmp_path) as place:
        one, other = sample_store.new_store(place), place.open(NOW_MS)
        numbers: list[int] = []

        def order() -> None:
            with other.transaction() as transaction:
                numbers.append(transaction.next_drill_id())

        def waits() -> bool:
            asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            asked += "AND wait_event_type = 'Lock'"
            return bool(one.fetch(asked)[0][0])

        second = threading.Thread(target=order)
        with one.transaction() as transaction:
            numbers.append(transaction.next_drill_id())
            second.start()
            eventually(lambda: waits() or not second.is_alive(), "the second order waits")
        second.join(ENDS_S)
        assert numbers == [1, 2]
        one.close()
        other.close()
