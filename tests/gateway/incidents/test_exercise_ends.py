"""What becomes of exercises that are open after their drill, on a real store: closed, or asked about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.fake_ports import SentAnswers
from siaga_gateway.adapters.sql.drills import OPEN
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.drill import LONGEST_MS
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Answered, Disposition, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.drills import Drills, WantedDrill
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.exercise_ends import GRACE_MS, ExerciseEnds
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing

WANTED = WantedDrill("Latihan contoh", (sample_store.DEVICE_ID,), ("polsek-sw",), 60)
GRACE_S = GRACE_MS / 1000


class Range:
    """A drill under way with one exercise, called, and the job that looks after it."""

    def __init__(self, place: Place) -> None:
        self.district = CalledDistrict(place)
        store, bell, clock = self.district.store, JournalNotifier(), self.district.clock
        self.sent = SentAnswers()
        after = AfterStep(KeyRing(store, sample_store.GATEWAY_KEY), self.sent, bell, lambda: None)
        self.ends = ExerciseEnds(store, after, clock, ["cad"])
        self.drills = Drills(store, bell, clock, Mode.ACTUAL)
        self.drill = self.drills.order(WANTED, "Siti")
        opened = sample_store.open_incident(store)
        place_ = Position(*IN_SW, 10, 0, "gnss", clock.now_ms())
        self.incident = copied(opened, mode=Mode.EXERCISE, drill=self.drill.id, position=place_)
        self.put(self.incident)
        self.district.note(self.incident, journal.INCIDENT_OPENED)
        self.go_on()

    def put(self, incident: Incident) -> None:
        with self.district.store.transaction() as transaction:
            transaction.put_incident(incident)

    def go_on(self, seconds: float = 0) -> None:
        self.district.go_on(seconds)
        self.ends.work()
        self.district.go_on()

    def end(self) -> None:
        self.drills.end(self.drill.id, "Siti")

    @property
    def now(self) -> Incident:
        found = self.district.store.incident(self.incident.id)
        assert found is not None
        return found

    @property
    def phase(self) -> Phase:
        return self.district.state(self.incident).phase


@pytest.fixture(params=ENGINES)
def drilled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Range]:
    made = Range(Place(request.param, tmp_path))
    yield made
    made.district.close()


def test_one_that_was_seen_is_closed_some_minutes_after_drill_and_last_step_and_its_button_hears_of_it(
    drilled: Range,
) -> None:
    drilled.district.operator.seen(drilled.incident.id, "Rina")
    drilled.go_on(2 * GRACE_S)
    assert drilled.now.state is IncidentState.SEEN, "its drill runs"
    drilled.end()
    drilled.go_on(GRACE_S - 60)
    drilled.district.operator.assign(drilled.incident.id, "Rina", "Patroli 3", 4)
    drilled.go_on(GRACE_S - 1)
    assert drilled.now.state is IncidentState.ASSIGNED, "somebody has just done something"
    drilled.go_on(1)
    after = drilled.now
    assert (after.state, after.disposition, after.closed_by) == (IncidentState.CLOSED, Disposition.EXERCISE, None)
    last = [each for each in drilled.district.store.journal_of_incident(after.id) if each.kind == journal.CLOSED]
    assert [(each.actor, each.facts["why"]) for each in last] == [(None, "drill_over")]
    assert drilled.phase is Phase.CLOSED and drilled.sent.stages()[-1][1] == Stage.CLOSED
    drilled.go_on(GRACE_S)
    assert drilled.now == after


def test_about_one_that_nobody_has_seen_the_console_asks_and_nobody_is_called(drilled: Range) -> None:
    drilled.end()
    drilled.go_on(GRACE_S - 1)
    assert drilled.phase is Phase.CALLING
    drilled.go_on(1)
    assert (drilled.phase, drilled.now.state) == (Phase.ASKED, IncidentState.OPEN)
    told, calls = len(drilled.district.told(drilled.incident)), drilled.district.called(drilled.incident)
    for _ in range(5):
        drilled.go_on(GRACE_S)
    assert len(drilled.district.told(drilled.incident)) == told
    assert drilled.district.called(drilled.incident) == calls and drilled.phase is Phase.ASKED
    drilled.district.operator.seen(drilled.incident.id, "Rina")
    drilled.go_on(3 * GRACE_S)
    assert drilled.now.state is IncidentState.SEEN, "whoever was asked decides"
    drilled.district.operator.make_real(drilled.incident.id, "Rina")
    drilled.go_on()
    assert (drilled.phase, drilled.now.mode) == (Phase.CALLING, Mode.ACTUAL)
    drilled.go_on(9 * GRACE_S)
    assert drilled.now.state is IncidentState.OPEN, "what became real is closed by people alone"


def test_open_exercises_are_found_by_an_index(tmp_path: Path) -> None:
    store = sample_store.new_store(tmp_path)
    plan = "\n".join(str(row) for row in store.fetch(f"EXPLAIN QUERY PLAN {OPEN}"))
    store.close()
    assert "incident_drill" in plan, plan


@pytest.mark.parametrize("said", ["backup", "nothing"], ids=["who needs back-up", "who does not answer any more"])
def test_an_officer_on_scene_who_may_need_help_keeps_it_open(drilled: Range, said: str) -> None:
    drilled.district.operator.seen(drilled.incident.id, "Rina")
    drilled.put(copied(drilled.now, answered=Answered.ON_SCENE))
    drilled.district.note(drilled.incident, journal.RESPONDER_SAID, who="responder:budi", said="arrived")
    drilled.go_on()
    drilled.end()
    if said == "backup":
        drilled.district.note(drilled.incident, journal.RESPONDER_SAID, who="responder:budi", said="backup")
    else:
        drilled.go_on(GRACE_S + 30)  # asked whether he is well
    drilled.go_on(GRACE_S)
    assert (drilled.phase, drilled.now.state) == (Phase.ASKED, IncidentState.SEEN)


def test_help_that_is_asked_for_in_that_moment_keeps_it_open(drilled: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    store, district = drilled.district.store, drilled.district
    district.operator.seen(drilled.incident.id, "Rina")
    drilled.end()
    drilled.go_on(GRACE_S - 1)
    transaction = store.transaction

    def after_a_word() -> object:
        monkeypatch.undo()
        district.note(drilled.incident, journal.RESPONDER_SAID, who="responder:budi", said="backup")
        district.go_on()
        return transaction()

    monkeypatch.setattr(store, "transaction", after_a_word)
    district.clock.at_ms += 1_000
    drilled.ends.work()
    assert (drilled.phase, drilled.now.state) == (Phase.CALLING, IncidentState.SEEN)


def test_help_that_a_machine_took_whose_clock_is_ahead_keeps_it_open(drilled: Range) -> None:
    district = drilled.district
    district.operator.seen(drilled.incident.id, "Rina")
    drilled.end()
    drilled.go_on(GRACE_S - 1)
    district.clock.at_ms += 2_000
    district.note(drilled.incident, journal.RESPONDER_SAID, who="responder:budi", said="backup")
    district.clock.at_ms -= 1_000
    drilled.ends.work()  # the waves have not heard of it yet
    assert drilled.now.state is IncidentState.SEEN
    district.go_on()
    assert drilled.phase is Phase.CALLING


def test_where_an_officer_has_been_and_is_well_it_is_closed_also_by_a_clock_that_was_set_back(drilled: Range) -> None:
    drilled.put(copied(drilled.now, answered=Answered.ON_SCENE))
    drilled.district.note(drilled.incident, journal.RESPONDER_SAID, who="responder:budi", said="arrived")
    drilled.go_on(GRACE_S / 2)
    drilled.end()
    drilled.go_on(-86_400)
    assert drilled.now.state is IncidentState.CLOSED


@pytest.mark.parametrize(
    ("came", "presses"),
    [
        (CallBack.CONFIRMED, 1),
        (CallBack.CUT, 1),
        (CallBack.UNANSWERED, 1),
        (CallBack.NO_WORD, 1),
        (CallBack.CALLED_OFF, 2),
    ],
)
def test_a_holder_who_may_need_help_keeps_it_open(drilled: Range, came: CallBack, presses: int) -> None:
    drilled.district.operator.seen(drilled.incident.id, "Rina")
    drilled.put(copied(drilled.now, call_back=came, called_presses=1, presses=presses))
    drilled.end()
    drilled.go_on(GRACE_S)
    assert (drilled.phase, drilled.now.state) == (Phase.ASKED, IncidentState.SEEN)


def test_a_drill_that_cannot_be_read_may_still_run_as_long_as_a_drill_can(drilled: Range) -> None:
    drilled.district.operator.seen(drilled.incident.id, "Rina")
    with drilled.district.store.engine.transaction() as session:
        session.run("UPDATE drill SET buttons = 'zz'")
    drilled.go_on(LONGEST_MS / 1000)
    assert drilled.now.state is IncidentState.SEEN
    drilled.go_on(GRACE_S)
    assert drilled.now.state is IncidentState.CLOSED
