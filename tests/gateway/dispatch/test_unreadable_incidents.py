"""An incident that cannot be read keeps nobody from being called for, and told about, the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.listed_places import at
from gateway.fake_ports import SentAnswers
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.store_repair import StoreGuard
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.cluster import ClusterLimits
from siaga_gateway.domain.escalation_state import Assignment, FactKind, Phase, Progress
from siaga_gateway.domain.gateway_trouble import TroubleKind
from siaga_gateway.domain.incident import IncidentState, Mode
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.clusters import Clusters
from siaga_gateway.service.dispatch.drills import Drills, WantedDrill
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_ends import DutyEnds
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.exercise_ends import GRACE_MS, ExerciseEnds
from siaga_gateway.service.incidents.promises import Promises
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import RowUnreadable, StoreDamaged


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def _after(district: CalledDistrict) -> AfterStep:
    keyring = KeyRing(district.store, sample_store.GATEWAY_KEY)
    return AfterStep(keyring, SentAnswers(), JournalNotifier(), lambda: None)


def test_the_next_rungs_are_called_while_something_is_owed_to_it(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt, other = district.press(counter=1), district.press(counter=2)
    district.go_on()
    district.spoil(spoilt)
    district.note(spoilt, journal.CALL_FAILED, call=1, rung="stations")
    district.go_on()  # it is owed from now on
    begin = time.monotonic()
    for turn in range(1, 5):
        monkeypatch.setattr(time, "monotonic", lambda turn=turn: begin + 6 * turn)
        district.go_on(60)
    assert len(district.called(other)) > 1
    district.waves = district.made(district.store)  # a restart reads what is owed
    new = district.press(counter=3)
    district.go_on()
    assert district.called(new) == ["stations"]


def test_after_a_restored_backup_the_others_are_called(district: CalledDistrict) -> None:
    spoilt, other = district.press(counter=1), district.press(counter=2)
    district.go_on()
    district.spoil(spoilt)
    district.restore()
    new = district.press(counter=3)
    district.go_on()
    assert district.state(other).phase is Phase.ASKED
    assert district.called(new) == ["stations"]


def test_the_holder_of_another_hears_that_help_is_late(district: CalledDistrict) -> None:
    class NobodyKnows:
        def travel_s(self, *asked: object) -> None:
            return None

    spoilt, other = district.press(counter=1), district.press(counter=2)
    district.go_on()
    for each in (spoilt, other):
        district.operator.assign(each.id, "Rina", "Patroli", 5)
    district.go_on()
    district.spoil(spoilt)
    promises = Promises(district.store, NobodyKnows(), _after(district), district.clock)
    district.clock.at_ms += 6 * 60_000
    promises.work()
    told = district.store.incident(other.id)
    assert told is not None and told.late_ms is not None


def test_an_officer_who_has_left_comes_no_more_to_another(district: CalledDistrict) -> None:
    spoilt, other = district.press(counter=1), district.press(counter=2)
    district.go_on()
    gone = Assignment("responder:gone", Progress.COMING, 1, district.clock.now_ms())
    for each in (spoilt, other):
        with district.store.transaction() as transaction:
            transaction.put_escalation(copied(district.state(each), assignments=(gone,)))
    district.spoil(spoilt)
    bell, keyring = JournalNotifier(), KeyRing(district.store, sample_store.GATEWAY_KEY)
    steps = ResponderSteps(district.store, keyring, SentAnswers(), bell, district.clock, outputs=[])
    DutyEnds(district.store, Duty(district.store, UTC), steps, district.clock).work()
    said = [each for each in district.store.journal_of_incident(other.id) if each.kind == journal.RESPONDER_SAID]
    assert [each.facts["said"] for each in said] == [FactKind.WITHDREW]


def test_another_exercise_ends(district: CalledDistrict) -> None:
    drills = Drills(district.store, JournalNotifier(), district.clock, Mode.ACTUAL)
    drill = drills.order(WantedDrill("Latihan contoh", (sample_store.DEVICE_ID,), ("polsek-sw",), 60), "Siti")
    calls = [district.press(counter=counter) for counter in (1, 2)]
    for each in calls:
        with district.store.transaction() as transaction:
            transaction.put_incident(copied(each, mode=Mode.EXERCISE, drill=drill.id))
        district.operator.seen(each.id, "Siti")
    drills.end(drill.id, "Siti")
    with district.store.engine.transaction() as session:  # read in the list, unreadable when its turn comes
        session.run("UPDATE escalation SET phase = 'calling', assignments = '[' WHERE incident_id = ?", (calls[0].id,))
    district.clock.at_ms += GRACE_MS + 1000
    ExerciseEnds(district.store, _after(district), district.clock, []).work()
    ended = district.store.incident(calls[1].id)
    assert ended is not None and ended.state is IncidentState.CLOSED


def test_others_become_a_major_incident_beside_one_whose_first_call_it_is(district: CalledDistrict) -> None:
    spoilt = district.press(counter=1)
    near = [district.press(at(1.4, 0.4), counter=counter) for counter in (2, 3)]
    with district.store.transaction() as transaction:
        transaction.put_incident(copied(spoilt, cluster=spoilt.id))
    district.spoil(spoilt)
    Clusters(district.store, JournalNotifier(), district.clock, ClusterLimits(presses=2)).work()
    joined = district.store.incident(near[1].id)
    assert joined is not None and joined.cluster == near[0].id


def test_it_neither_ends_the_gateway_nor_is_told_as_a_damaged_store(district: CalledDistrict, tmp_path: Path) -> None:
    ended: list[bool] = []
    told: list[TroubleKind] = []
    assert isinstance(district.store, SqlStore)
    settings = Settings(name="siaga.test", data_dir=tmp_path)
    guard = StoreGuard(settings, district.store, district.clock, lambda: ended.append(True), told.append)
    row = RowUnreadable("store.row", table="incident", number=1, why="-")
    for error in (row, StoreDamaged("store.damaged", why="-")):
        guard.met(error, True)
        guard._since[True] = -100.0  # it has been so for long
        guard.met(error, True)
        assert (ended, told) == (([], []) if error is row else ([True], [TroubleKind.STORE_DAMAGED] * 2))
