"""From a press in the journal to who is told: on a real store, second by second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.dispatch.called_district import NTFY, PHONE, CalledDistrict, NoPeople, on_ntfy
from gateway.dispatch.listed_places import NE, NW, POLDA, POLRES, SE, SW, at
from siaga_gateway.domain.escalation_state import ContactKind, Phase, Why
from siaga_gateway.domain.incident import IncidentState, Mode
from siaga_gateway.domain.notification import NotificationState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.recipients import Recipient
from siaga_gateway.service.dispatch.waves import Waves
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import OperateError
from waiting import ENDS_S

STATE = NotificationState


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def test_a_press_calls_its_station_the_nearest_and_the_desk_at_once(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    first = {"polsek-sw", "polsek-se", "polres"}
    assert district.whom(incident, "stations") == first
    assert district.whom(incident, "stations", PHONE) == first
    assert {each.state for each in district.told(incident, PHONE)} == {STATE.BY_HAND}
    assert {each.state for each in district.told(incident)} == {STATE.PENDING}
    metres = {each.recipient: each.metres for each in district.told(incident)}
    assert 0 < (metres["station:polsek-sw"] or 0) < (metres["station:polsek-se"] or 0)
    assert district.called(incident) == ["stations"]


def test_an_operator_who_sleeps_sees_the_call_climb_to_the_top_and_stay_there(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    seen = {}
    for second in range(1, 121):
        district.go_on(1)
        seen[second] = len(district.called(incident))
    assert (seen[9], seen[10], seen[19], seen[20], seen[39], seen[40]) == (1, 2, 2, 3, 3, 4)
    assert district.called(incident)[:4] == ["stations", "chief", "region", "everyone"]
    assert set(district.called(incident)[4:]) == {"everyone"} and len(district.called(incident)) >= 6
    assert district.whom(incident, "region") == {"polda"}
    assert district.state(incident).phase is Phase.CALLING


def test_a_desk_that_acknowledges_ends_the_climb_and_what_waits_for_it(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on(11)
    district.operator.seen(incident.id, "Siti")
    district.go_on()
    assert district.state(incident).phase is Phase.ACKNOWLEDGED
    assert {each.state for each in district.told(incident)} == {STATE.WITHDRAWN}
    calls = len(district.called(incident))
    district.go_on(59)
    assert len(district.called(incident)) == calls
    district.go_on(2)
    assert district.called(incident)[calls:] == ["stations"], "nobody was assigned in a minute: once more"
    assert district.state(incident).why is Why.UNASSIGNED


def test_a_call_that_rings_again_is_acknowledged_anew(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    district.operator.seen(incident.id, "Siti")
    district.go_on()
    district.go_on(61)
    assert (district.state(incident).wave, district.state(incident).phase) == (2, Phase.CALLING)
    with pytest.raises(OperateError, match="anew"):
        district.operator.acknowledge(incident.id, "Siti", 1)
    district.operator.acknowledge(incident.id, "Siti", 2)
    district.go_on()
    assert district.state(incident).phase is Phase.ACKNOWLEDGED
    assert [each.kind for each in district.store.journal_of_incident(incident.id)].count(journal.ACKNOWLEDGED) == 1


def test_acknowledging_a_new_call_is_seeing_it(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    assert district.operator.acknowledge(incident.id, "Siti", 1).state is IncidentState.SEEN
    district.go_on()
    assert district.state(incident).phase is Phase.ACKNOWLEDGED


def test_a_unit_that_is_late_starts_the_ladder_again_and_another_takes_its_place(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    district.operator.assign(incident.id, "Siti", "Patroli 12", 2)
    district.go_on()
    district.go_on(170)
    assert district.state(incident).phase is Phase.ACKNOWLEDGED
    district.go_on(11)
    assert district.state(incident).why is Why.NOT_ARRIVED
    district.operator.assign(incident.id, "Siti", "Patroli 7", 5)
    district.go_on()
    assert district.state(incident).phase is Phase.ACKNOWLEDGED
    assert [each.who for each in district.state(incident).assignments] == ["unit:Patroli 7"]
    district.operator.on_scene(incident.id, "Siti")
    district.operator.close(incident.id, "Siti", "verified", "")
    district.go_on()
    assert district.state(incident).phase is Phase.CLOSED
    assert district.store.next_escalation_ms() is None


def test_of_several_units_each_is_awaited_and_without_the_last_others_are_called(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    district.operator.assign(incident.id, "Siti", "Patroli 12", 9)
    district.operator.assign(incident.id, "Siti", "Patroli 7", 5, beside=True)
    district.go_on()
    state = district.state(incident)
    assert [(each.who, each.minutes) for each in state.assignments] == [("unit:Patroli 12", 9), ("unit:Patroli 7", 5)]
    district.operator.stand_down(incident.id, "Siti", "Patroli 7")
    district.go_on()
    state = district.state(incident)
    assert [each.who for each in state.assignments] == ["unit:Patroli 12"] and state.phase is Phase.ACKNOWLEDGED
    district.operator.stand_down(incident.id, "Siti", "Patroli 12")
    district.go_on()
    state = district.state(incident)
    assert (state.assignments, state.phase, state.why) == ((), Phase.CALLING, Why.WITHDRAWN)
    district.operator.assign(incident.id, "Siti", "Patroli 3", 5, beside=True)
    district.operator.on_scene(incident.id, "Siti", unit="Patroli 3")
    district.operator.stand_down(incident.id, "Siti", "Patroli 3")
    district.go_on()
    assert [str(each.progress) for each in district.state(incident).assignments] == ["finished"]
    assert district.state(incident).phase is Phase.ACKNOWLEDGED, "who was there was there: a desk is asked to close"


def test_a_call_that_is_opened_again_waits_for_a_unit_and_is_then_called_for_anew(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    district.operator.assign(incident.id, "Siti", "Patroli 12", 9)
    district.go_on()
    district.operator.close(incident.id, "Siti", "unfounded", "")
    district.go_on()
    closed = district.state(incident)
    assert (closed.phase, closed.next_at_ms) == (Phase.CLOSED, None)
    district.operator.reopen(incident.id, "Budi", "salah kejadian")
    district.go_on()
    state = district.state(incident)
    assert (state.phase, state.assignments) == (Phase.ACKNOWLEDGED, ())
    assert state.assign_by_ms is not None and district.store.unescalated() == []
    district.go_on(61)
    assert (district.state(incident).phase, district.state(incident).why) == (Phase.CALLING, Why.UNASSIGNED)
    assert district.state(incident).number > closed.number, "no message has the number of an earlier one"
    district.operator.close(incident.id, "Siti", "unfounded", "")
    district.operator.reopen(incident.id, "Budi", "lagi")
    district.operator.assign(incident.id, "Siti", "Patroli 3", 5)
    district.go_on()
    state = district.state(incident)
    assert [each.who for each in state.assignments] == ["unit:Patroli 3"], "all of it between two looks"


class Reached(NoPeople):
    """Budi alone, by ntfy."""

    def person(self, key: str) -> Recipient | None:
        return Recipient("responder:budi", (NTFY,)) if key == "budi" else None


def test_why_a_desk_rings_about_somebody_who_was_sent_stands_in_the_journal(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path, people=Reached())
    try:
        incident = district.press()
        district.go_on()
        district.operator.assign(incident.id, "Siti", "Patroli 12", 2)
        district.note(incident, journal.RESPONDER_SAID, who="responder:budi", said="arrived")
        district.note(incident, journal.RESPONDER_SAID, who="responder:joko", said="arrived")
        for _ in range(12):
            district.go_on(61)
        entries = district.store.journal_of_incident(incident.id)
        told = [(each.kind, each.facts) for each in entries if each.kind in (journal.DESK_RUNG, journal.SCENE_ASKED)]
        silent = {"why": "scene_silent", "wave": 1}
        assert told == [
            (journal.DESK_RUNG, {"why": "not_arrived", "who": "unit:Patroli 12", "wave": 1}),
            (journal.SCENE_ASKED, {"who": "responder:budi", "recipients": 1, "by_hand": 0}),
            (journal.SCENE_ASKED, {"who": "responder:joko", "recipients": 0, "by_hand": 0}),
            (journal.DESK_RUNG, {**silent, "who": "responder:joko"}),  # at once: no message can ask him
            *[(journal.DESK_RUNG, {**silent, "who": f"responder:{who}"}) for who in ("budi", "joko")],
        ]
        district.note(incident, journal.TEXT_UNCLEAR, who="responder:budi", way="sms")
        district.go_on()
        rung = [each for each in district.store.journal_of_incident(incident.id) if each.kind == journal.DESK_RUNG]
        assert rung[-1].facts == {"why": "unclear", "who": "responder:budi", "wave": 1}
        asked = [each for each in district.store.notifications_of(incident.id) if each.kind is ContactKind.ASK]
        assert [(each.recipient, each.way) for each in asked] == [("responder:budi", NTFY)]
        district.operator.acknowledge(incident.id, "Siti", 1)
        district.go_on()
        assert not any(each.asked for each in district.state(incident).assignments)
    finally:
        district.store.close()


def test_an_incident_from_before_is_called_for_again_when_a_person_says_so(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path)
    try:
        incident = district.press()
        district.operator.resume(incident.id, "Siti")
        district.restore()
        district.clock.at_ms += 20 * 60_000
        district.go_on()
        assert district.state(incident).phase is Phase.ASKED and district.called(incident) == []
        for _ in range(2):
            assert district.operator.resume(incident.id, "Siti").id == incident.id
            district.go_on()
        assert (district.state(incident).phase, district.state(incident).why) == (Phase.CALLING, Why.RESTORED)
        assert district.called(incident) == ["stations"]
        entries = [each for each in district.store.journal_of_incident(incident.id) if each.kind == journal.RESUMED]
        assert [each.actor for each in entries] == ["Siti"], "said of a call that is asked about, once"
        district.operator.close(incident.id, "Siti", "unfounded", "")
        with pytest.raises(OperateError, match="closed"):
            district.operator.resume(incident.id, "Siti")
    finally:
        district.close()


def test_a_rung_with_nobody_is_left_at_once(tmp_path: Path) -> None:
    """Neither the Polres nor the Polda can be told: the ladder does not wait for them."""
    mute = [copied(each, contacts=()) for each in (POLRES, POLDA)]
    district = CalledDistrict(tmp_path, stations=[*map(on_ntfy, (SW, SE, NW, NE)), *mute])
    try:
        incident = district.press()
        district.go_on()
        assert district.called(incident) == ["stations"]
        district.hand_over()
        district.go_on(10)
        assert district.called(incident) == ["stations", "chief", "region", "everyone"]
        assert district.whom(incident, "everyone") == {"polsek-sw", "polsek-se", "polsek-nw"}
    finally:
        district.close()


def test_where_nobody_can_be_told_by_a_program_the_last_rung_rings_again_and_again(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path, ways=())
    try:
        incident = district.press()
        for _ in range(60):
            district.go_on(1)
        assert district.called(incident).count("everyone") >= 4
        assert district.whom(incident, "everyone", PHONE) >= {"polsek-sw", "polres", "polda"}
        assert {each.state for each in district.store.notifications_of(incident.id)} == {STATE.BY_HAND}
    finally:
        district.close()


def test_a_held_call_rings_the_console_alone_until_somebody_lets_it_go(district: CalledDistrict) -> None:
    incident = district.press(held=True)
    district.go_on()
    assert district.state(incident).phase is Phase.HELD
    assert district.told(incident) == []
    district.operator.dispatch_held(incident.id, "Siti")
    district.go_on()
    assert district.state(incident).phase is Phase.CALLING
    assert "polsek-sw" in district.whom(incident, "stations")


def test_a_press_without_a_place_calls_whoever_is_above_all(district: CalledDistrict) -> None:
    incident = district.press(place=None)
    district.go_on()
    assert district.whom(incident, "stations") == {"polda"}


def test_a_call_that_reached_nobody_climbs_at_once(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on(1)
    district.note(incident, journal.CALL_FAILED, call=1, rung="stations")
    district.go_on()
    assert district.called(incident) == ["stations", "chief"]


def test_a_restart_goes_on_where_it_was(district: CalledDistrict) -> None:
    first, second = district.press(counter=1), district.press(at(1.5, 0.5), counter=2)
    district.go_on()
    district.waves.stop()
    district.operator.seen(first.id, "Siti")
    third = district.press(counter=3)
    district.waves = district.made(district.store, "worker 2")
    district.go_on(15)
    assert district.state(first).phase is Phase.ACKNOWLEDGED
    assert district.called(second) == ["stations", "chief"]
    assert district.called(third) == ["stations"]
    keys = [(each.number, each.recipient, each.way) for each in district.store.notifications_of(second.id)]
    assert len(keys) == len(set(keys))


def test_two_workers_at_once_call_nobody_twice(lend: Callable[[str], Place]) -> None:
    """A lease that ran out under one of them: both step the same rows, the second to write reads them again."""
    district = CalledDistrict(lend("postgresql"))
    try:
        incidents = [district.press(counter=counter) for counter in range(1, 9)]
        both = threading.Barrier(2)
        workers = [district.waves, district.made(district.store, "worker 2")]

        def work(waves: Waves) -> None:
            for _ in range(3):
                both.wait(ENDS_S)
                waves.work()

        for second in (0, 10, 20):
            district.clock.at_ms = sample_store.NOW_MS + 1_000 * second
            threads = [threading.Thread(target=work, args=(each,)) for each in workers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(ENDS_S)
        assert [district.called(each) for each in incidents] == [["stations", "chief", "region"]] * 8
    finally:
        district.close()


def test_what_was_open_before_is_asked_about_and_not_called(tmp_path: Path) -> None:
    """Before this version was installed, an hour ago."""
    district = CalledDistrict(tmp_path)
    try:
        incident = sample_store.open_incident(district.store, 1)
        district.restore()
        district.clock.at_ms += 3_600_000
        district.go_on()
        assert district.state(incident).phase is Phase.ASKED
        assert {each.kind for each in district.store.notifications_of(incident.id)} == {ContactKind.RING_DESK}
        district.note(incident, journal.PRESSED_AGAIN)
        district.go_on()
        assert district.state(incident).phase is Phase.CALLING
    finally:
        district.close()


def test_one_incident_that_cannot_be_stepped_delays_no_other(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = district.press(counter=1), district.press(counter=2)
    planner = district.waves._planner
    real = planner.ladder

    def ladder(incident: object, now_ms: int) -> object:
        if getattr(incident, "id", 0) == bad.id:
            raise ZeroDivisionError("a bug")
        return real(incident, now_ms)  # type: ignore[arg-type]

    monkeypatch.setattr(planner, "ladder", ladder)
    district.go_on()
    assert district.called(good) == ["stations"]
    assert district.store.escalation_of(bad.id) is None
    assert "a bug" in caplog.text
    assert bad.id in district.store.unescalated(), "the auditor finds it"
    monkeypatch.undo()
    district.waves.adopt(district.store.unescalated())
    assert district.called(bad) == ["stations"]


def test_a_test_press_calls_nobody(district: CalledDistrict) -> None:
    real = district.press()
    test = copied(real, id=real.id + 1, identifier="siaga.test-2", mode=Mode.TEST)
    with district.store.transaction() as transaction:
        transaction.put_incident(test)
    district.note(test, journal.INCIDENT_OPENED)
    district.go_on(60)
    assert district.store.escalation_of(test.id) is None
    assert district.store.notifications_of(test.id) == []


def test_the_place_of_the_latest_position_counts(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    moved = at(1.6, 1.6)
    assert incident.position is not None
    position = copied(incident.position, latitude=moved[0], longitude=moved[1])
    with district.store.transaction() as transaction:
        transaction.put_incident(copied(incident, position=position))
    for _ in range(41):
        district.hand_over()
        district.go_on(1)
    assert "polsek-ne" in district.whom(incident, "everyone")


def test_a_call_that_was_seen_before_back_up_was_called_goes_on_ringing_for_that(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    district.operator.seen(incident.id, "Siti", wave=1)
    entry = district.store.journal_of_incident(incident.id)[-1]
    assert (entry.kind, dict(entry.facts)) == (journal.SEEN, {"wave": 1})
    district.note(incident, journal.RESPONDER_SAID, said="backup", who="unit:Unit 1")
    district.go_on()
    assert district.state(incident).wave == 2
    assert district.state(incident).phase is Phase.CALLING
