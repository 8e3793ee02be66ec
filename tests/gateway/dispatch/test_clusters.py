"""Major incidents on a real store, on both engines: found, joined and left by hand, and nothing else touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.sample_store import NOW_MS
from pressing_button import PressingButton
from siaga_gateway.domain.cluster import ClusterLimits, OpenCall
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.clusters import Clusters
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError


class Crowd:
    """Several buttons in one place."""

    def __init__(self, place: Place) -> None:
        self.district = CalledDistrict(place)
        self.store = self.district.store
        self.clusters = self.worker()
        self._first = sample_store.open_incident(self.store)
        with self.store.transaction() as transaction:  # the sample's button is elsewhere
            transaction.put_incident(copied(self._first, state=IncidentState.CLOSED, disposition=Disposition.TEST))

    def worker(self, limits: ClusterLimits = ClusterLimits()) -> Clusters:  # noqa: B008 - a value
        return Clusters(self.store, JournalNotifier(), self.district.clock, limits)

    def press(self, metres: int = 0, minutes: int = 0, **fields: object) -> Incident:
        button, owner = PressingButton(), self._first.owner
        assert owner is not None
        place: Position | None = Position(IN_SW[0] + metres * 90, IN_SW[1], 10, 0, "gnss", NOW_MS)
        with self.store.transaction() as transaction:
            device = Device(button.device_id, button.public_xy, owner.id, RegistrationState.ACTIVE, "Toko", NOW_MS)
            transaction.add_device(device)
            number = transaction.next_incident_id()
            made = copied(
                self._first,
                id=number,
                identifier=f"siaga.test-{number}.{self.store.name}",
                device_id=button.device_id,
                opened_at_ms=NOW_MS + minutes * 60_000,
                position=place,
                **fields,  # type: ignore[arg-type]
            )
            transaction.put_incident(made)
        self.district.note(made, journal.INCIDENT_OPENED)
        return made

    def group_of(self, incident: Incident) -> int | None:
        found = self.store.incident(incident.id)
        assert found is not None
        return found.cluster

    def told(self, incident: Incident) -> list[tuple[str, str | None, object]]:
        kinds = {journal.CLUSTERED, journal.UNCLUSTERED}
        entries = self.store.journal_of_incident(incident.id)
        return [(each.kind, each.actor, each.facts["major"]) for each in entries if each.kind in kinds]


@pytest.fixture(params=ENGINES)
def crowd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crowd]:
    made = Crowd(Place(request.param, tmp_path))
    yield made
    made.district.close()


def test_presses_in_earnest_are_found_and_only_marked(crowd: Crowd) -> None:
    exercise = copied(crowd.press(), drill=5, mode=Mode.EXERCISE)
    with crowd.store.transaction() as transaction:
        transaction.put_incident(exercise)
    first, held = crowd.press(10), crowd.press(20, held=True, registration=RegistrationState.SUSPENDED)
    nowhere = crowd.press(5_000)
    crowd.clusters.work()
    assert [crowd.group_of(each) for each in (exercise, first, held, nowhere)] == [None] * 4
    third = crowd.press(100)
    assert crowd.store.open_calls()[0] == OpenCall(first.id, (IN_SW[0] + 900, IN_SW[1]), NOW_MS)
    crowd.clusters.work()
    assert [crowd.group_of(each) for each in (first, held, third)] == [first.id] * 3
    assert crowd.store.incident(third.id) == copied(third, cluster=first.id)
    assert crowd.told(third) == [(journal.CLUSTERED, None, first.id)]
    later = crowd.press(350, minutes=4)
    crowd.clusters.work()
    assert crowd.group_of(later) == first.id and [crowd.group_of(each) for each in (exercise, nowhere)] == [None] * 2
    assert crowd.store.incident(later.id).major_incident == first.identifier  # type: ignore[union-attr]


def test_a_gateway_that_starts_late_finds_what_it_has_missed_and_one_that_is_switched_off_nothing(crowd: Crowd) -> None:
    calls = [crowd.press(each) for each in (0, 10, 20)]
    crowd.worker(ClusterLimits(presses=0)).work()
    assert {crowd.group_of(each) for each in calls} == {None}
    crowd.worker().work()
    assert {crowd.group_of(each) for each in calls} == {calls[0].id}
    with crowd.store.transaction() as transaction:
        transaction.put_incident(copied(calls[0], state=IncidentState.CLOSED, cluster=calls[0].id))
    joining = crowd.press(30)
    crowd.worker().work()
    assert crowd.group_of(joining) == calls[0].id, "the first is closed, and where it was is known"


def test_who_is_taken_out_by_hand_is_put_back_by_hand_alone(crowd: Crowd) -> None:
    first, other, third = [crowd.press(each) for each in (0, 10, 20)]
    crowd.clusters.work()
    operate = crowd.district.operator
    assert operate.change_major(other.id, "Siti", None).alone
    crowd.press(30)
    crowd.clusters.work()
    crowd.worker().work()
    assert crowd.group_of(other) is None
    with pytest.raises(OperateError, match="there is no major incident and no open call 987654"):
        operate.change_major(other.id, "Siti", 987_654)
    assert operate.change_major(other.id, "Budi", third.id).cluster == first.id
    assert operate.change_major(other.id, "Budi", first.id).cluster == first.id, "twice is once"
    assert crowd.told(other) == [
        (journal.CLUSTERED, None, first.id),
        (journal.UNCLUSTERED, "Siti", first.id),
        (journal.CLUSTERED, "Budi", first.id),
    ]


def test_two_single_calls_make_one_by_hand_named_after_the_first_of_both(crowd: Crowd) -> None:
    first, second, closed = crowd.press(0), crowd.press(9_000, minutes=30), crowd.press(18_000)
    operate = crowd.district.operator
    assert operate.change_major(second.id, "Siti", first.id).cluster == first.id == crowd.group_of(first)
    assert crowd.told(first) == crowd.told(second) == [(journal.CLUSTERED, "Siti", first.id)]
    crowd.clusters.work()
    beside = crowd.press(100)
    crowd.clusters.work()
    assert crowd.group_of(beside) == first.id, "whoever presses beside the first joins it as ever"
    operate.close(closed.id, "Siti", "verified", "")
    alone, exercise = crowd.press(27_000), copied(crowd.press(36_000), drill=5, mode=Mode.EXERCISE)
    with crowd.store.transaction() as transaction:
        transaction.put_incident(exercise)
    for number, said in ((closed.id, "no open call"), (alone.id, "no open call"), (exercise.id, "exercise or a test")):
        with pytest.raises(OperateError, match=said):
            operate.change_major(alone.id, "Siti", number)
    assert crowd.group_of(alone) is None and not crowd.told(alone)


def test_a_major_incident_outlasts_the_call_that_it_is_named_after(crowd: Crowd) -> None:
    first, other, _ = [crowd.press(each) for each in (0, 10, 20)]
    crowd.clusters.work()
    operate = crowd.district.operator
    operate.change_major(first.id, "Siti", None)
    far = crowd.press(9_000)
    assert operate.change_major(far.id, "Siti", first.id).cluster == first.id == crowd.group_of(other)
    exercise = copied(crowd.press(), drill=5, mode=Mode.EXERCISE)
    with crowd.store.transaction() as transaction:
        transaction.put_incident(exercise)
    with pytest.raises(OperateError, match="exercise or a test"):
        operate.change_major(exercise.id, "Siti", first.id)
