"""The alarm level as the store knows an incident, on both engines; the rules themselves are in domain/test_triage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.dispatch.listed_places import at
from gateway.sample_store import DEVICE_ID, NOW_MS
from pressing_button import PressingButton
from siaga_gateway.adapters.sql.alarms import ENDED
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.domain.triage import Sign
from siaga_gateway.domain.value import copied
from siaga_gateway.service.journal import kinds as journal


@pytest.fixture(params=ENGINES)
def district(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(Place(request.param, tmp_path))
    yield made
    made.close()


def level(district: CalledDistrict, incident: Incident) -> int:
    return district.store.alarms([incident.id])[incident.id].level


def signs(district: CalledDistrict, incident: Incident) -> set[Sign]:
    return {reason.sign for reason in district.store.alarms([incident.id])[incident.id].reasons}


def neighbour(district: CalledDistrict, like: Incident, number: int, place: Point) -> Incident:
    """Another holder presses."""
    button = PressingButton()
    with district.store.transaction() as transaction:
        owner = Owner(0, "Contoh Sari", f"98000000000000{number:02}", "+620000000002", "Jl. Contoh 2")
        owner_id = transaction.add_owner(owner, NOW_MS)
        device = Device(button.device_id, button.public_xy, owner_id, RegistrationState.ACTIVE, "Rumah", NOW_MS)
        transaction.add_device(device)
    assert like.position is not None
    incident = copied(
        like,
        id=like.id + number,
        identifier=f"siaga.test-near-{number}",
        device_id=button.device_id,
        owner=district.store.owner(owner_id),
        position=copied(like.position, latitude=place[0], longitude=place[1]),
    )
    with district.store.transaction() as transaction:
        transaction.put_incident(incident)
    district.note(incident, journal.INCIDENT_OPENED)
    return incident


def close(district: CalledDistrict, incident: Incident, how: Disposition) -> None:
    closed = copied(incident, state=IncidentState.CLOSED, closed_at_ms=district.clock.now_ms(), disposition=how)
    with district.store.transaction() as transaction:
        transaction.put_incident(closed)


def test_a_plain_press_is_a_call_and_a_second_press_raises(district: CalledDistrict) -> None:
    incident = district.press()
    assert district.store.alarms([incident.id]) == {}
    district.go_on()
    assert level(district, incident) == 2
    with district.store.transaction() as transaction:
        transaction.put_incident(copied(incident, presses=2))
    district.note(incident, journal.PRESSED_AGAIN)
    district.go_on()
    assert (level(district, incident), signs(district, incident)) == (3, {Sign.PRESSES})


def test_earlier_pranks_lower_and_duress_is_the_gravest(district: CalledDistrict) -> None:
    for counter in range(3):
        close(district, district.press(counter=counter + 1), Disposition.ABUSE)
    incident = district.press(counter=9)
    district.go_on()
    assert (level(district, incident), signs(district, incident)) == (1, {Sign.PRANKS})
    with district.store.transaction() as transaction:
        transaction.put_incident(copied(incident, duress=True))
    district.note(incident, journal.DURESS)
    district.go_on()
    assert level(district, incident) == 4


def test_what_the_button_reported_counts(district: CalledDistrict) -> None:
    with district.store.transaction() as transaction:
        status = DeviceStatus(DEVICE_ID, 1, 5, 5, NOW_MS, low_battery=True, tampered_ms=NOW_MS - 60_000)
        transaction.lock([DEVICE_ID])
        transaction.put_status(status)
    incident = district.press()
    district.go_on()
    assert (level(district, incident), signs(district, incident)) == (3, {Sign.TAMPER, Sign.UNWELL})


def test_neighbours_raise_each_other(district: CalledDistrict) -> None:
    first = district.press(IN_SW)
    district.go_on()
    assert level(district, first) == 2
    second = neighbour(district, first, 1, (IN_SW[0] + 2_000, IN_SW[1] + 2_000))
    far = neighbour(district, first, 2, at(1.5, 0.5))
    district.go_on()
    assert (level(district, first), level(district, second)) == (3, 3)
    assert Sign.NEIGHBOURS not in signs(district, far)


def test_what_was_judged_is_forgotten_with_its_incident(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    close(district, incident, Disposition.VERIFIED)
    district.go_on()
    with district.store.transaction() as transaction:
        assert transaction.forget_notifications([incident.id], district.clock.now_ms() + 1) >= 2
    assert district.store.alarms([incident.id]) == {}


def test_how_calls_ended_is_found_by_the_index(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    try:
        assert "incident_owner" in str(store.fetch(f"EXPLAIN QUERY PLAN {ENDED}", (1, 2)))
    finally:
        store.close()


def test_a_button_that_falls_silent_after_its_press_raises_the_level_and_a_network_that_is_gone_does_not(
    district: CalledDistrict,
) -> None:
    incident = district.press()
    district.go_on()
    assert level(district, incident) == 2

    def missed(case: Case) -> int:
        with district.store.transaction() as transaction:
            transaction.put_case(case)
        district.note(incident, journal.MAINTENANCE_OPENED, cause="silent")
        district.go_on(1)
        return level(district, incident)

    now_ms = district.clock.now_ms()
    before = Case(1, DEVICE_ID, Cause.SILENT, 600, incident.opened_at_ms - 1)
    assert missed(before) == 2, "it was silent before"
    fold = Case(3, None, Cause.SILENT, 30, now_ms)
    with district.store.transaction() as transaction:
        transaction.put_case(replace(before, closed_ms=now_ms, stands=False))
        transaction.put_case(fold)
    assert missed(Case(4, DEVICE_ID, Cause.SILENT, 600, now_ms, fold=3)) == 2
    assert missed(Case(4, DEVICE_ID, Cause.SILENT, 600, now_ms)) == 3
    assert signs(district, incident) == {Sign.FELL_SILENT}


def _damaged(district: CalledDistrict, statement: str, number: int) -> None:
    with district.store.transaction() as transaction:
        transaction._run(statement, (number,))


def test_no_row_that_cannot_be_read_stops_a_call(district: CalledDistrict) -> None:
    """An old call's, a maintenance case's, an open neighbour's, one after the other."""
    old = district.press()
    close(district, old, Disposition.ABUSE)
    district.go_on()
    _damaged(district, "UPDATE incident SET disposition = 'abusf' WHERE id = ?", old.id)
    first = district.press(counter=2)
    district.go_on()
    assert (level(district, first), bool(district.told(first))) == (2, True)

    with district.store.transaction() as transaction:
        transaction.put_case(Case(1, DEVICE_ID, Cause.SILENT, 1, 1, closed_ms=5, stands=False))
    _damaged(district, "UPDATE maintenance SET cause = 'silenu' WHERE id = ?", 1)
    second = district.press(counter=3)
    district.go_on()
    assert (level(district, second), bool(district.told(second))) == (2, True)
    assert district.store.cases_of(DEVICE_ID) == [] and sum(district.store.census().cases.values()) == 0

    near = neighbour(district, second, 40, (IN_SW[0] + 2_000, IN_SW[1] + 2_000))
    district.go_on()
    _damaged(district, "UPDATE incident SET disposition = 'abusf' WHERE id = ?", near.id)
    third = district.press(counter=4)
    district.go_on()
    assert (level(district, third), bool(district.told(third))) == (3, True)
