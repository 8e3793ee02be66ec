"""A promised time passes and nobody is there: the button is told, and the timeline says what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import IN_SW
from gateway.dispatch.test_duty_ends import KEY, OnDuty
from gateway.fake_ports import SentAnswers
from siaga_gateway.domain.escalation_state import FactKind, Progress
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.responders import ResponderPosition
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.promises import Promises
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing

_100_M = 9_000  # degrees of latitude x 10^7


class Late(OnDuty):
    """The officer of the district, who has promised ten minutes, and the job that looks after it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        district = self.district
        self.sent = SentAnswers()
        keyring = KeyRing(district.store, sample_store.GATEWAY_KEY)
        after = AfterStep(keyring, self.sent, JournalNotifier(), lambda: None)
        self.promises = Promises(district.store, self.ends._duty, after, district.clock)
        self.incident = self.accepted()

    def minutes_later(self, minutes: float) -> None:
        self.district.go_on(minutes * 60)
        self.promises.work()

    def told(self) -> list[tuple[int, int]]:
        return [(stage, eta) for _, stage, eta in self.sent.stages()]

    def stored(self) -> Incident:
        found = self.district.store.incident(self.incident.id)
        assert found is not None
        return found

    def is_at(self, metres: int, age_s: int = 0) -> None:
        now_ms = self.district.clock.now_ms()
        place = IN_SW[0] + metres * _100_M // 100, IN_SW[1]
        fix_ms = now_ms - age_s * 1000
        with self.district.store.transaction() as transaction:
            transaction.put_position(ResponderPosition(KEY, *place, 10, fix_ms, True, now_ms))


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Late]:
    made = Late(tmp_path)
    yield made
    made.district.close()


def test_before_it_is_due_nothing_is_said_and_then_once_that_nobody_knows(late: Late) -> None:
    late.minutes_later(9.9)
    assert late.told() == []
    late.minutes_later(0.2)
    assert late.told() == [(Stage.ASSIGNED, 255)]
    incident = late.stored()
    assert (incident.eta_minutes, incident.told_minutes) == (10, None)
    entries = late.district.store.journal_of_incident(incident.id)
    assert [each.facts for each in entries if each.kind == journal.PROMISE_PASSED] == [{"minutes": None}]
    for _ in range(6):
        late.minutes_later(2)
    assert len(late.told()) == 1
    assert late.district.state(incident).assignments[0].progress is Progress.LATE, "the ladder keeps to the promise"


def test_where_he_is_now_makes_the_new_estimate_and_an_old_place_makes_none(late: Late) -> None:
    late.district.go_on(11 * 60)
    late.is_at(3_000, age_s=301)
    late.promises.work()
    assert late.told() == [(Stage.ASSIGNED, 255)], "five minutes ago he was somewhere"
    late.district.go_on(5 * 60)
    late.is_at(3_000)
    late.promises.work()
    stage, minutes = late.told()[-1]
    assert stage == Stage.ASSIGNED and 4 <= minutes <= 12
    late.minutes_later(minutes - 0.1)
    assert len(late.told()) == 2
    late.is_at(0)
    late.minutes_later(0.2)
    assert late.told()[-1] == (Stage.ASSIGNED, 1), "he says himself that he is there; nobody else does"


def test_a_new_word_of_his_counts_from_then_on(late: Late) -> None:
    late.minutes_later(11)
    late.steps.answer(late.incident.id, KEY, FactKind.ACCEPTED, 10)
    assert (late.stored().told_minutes, late.stored().late_ms) == (10, None)
    late.minutes_later(9)
    assert len(late.told()) == 1
    late.minutes_later(2)
    assert len(late.told()) == 2


def test_a_desks_unit_is_no_exception_and_another_who_still_comes_in_time_is_the_estimate(late: Late) -> None:
    late.district.operator.assign(late.incident.id, "Siti", "Patroli 12", 4)
    late.district.go_on()
    late.minutes_later(5)
    assert late.told() == [(Stage.ASSIGNED, 5)], "the officer has five of his ten minutes left"
    late.district.operator.assign(late.incident.id, "Siti", "Patroli 12", 3)
    assert late.stored().told_minutes == 3


def test_a_clock_that_is_set_back_puts_off_no_promise(late: Late) -> None:
    def set_back() -> None:
        late.district.clock.at_ms -= 3_600_000
        late.district.waves = late.district.made(late.district.store)  # who looks at the clock's steps once a second

    set_back()
    late.minutes_later(1)
    assert late.told() == []
    late.minutes_later(10.1)
    assert late.told() == [(Stage.ASSIGNED, 255)], "ten minutes from when it was seen, and not in an hour"
    set_back()
    late.minutes_later(0.1)
    late.is_at(3_000)
    late.minutes_later(5.1)
    assert len(late.told()) == 2, "five minutes after that"


def test_whoever_is_there_is_not_late(late: Late) -> None:
    late.steps.answer(late.incident.id, KEY, FactKind.ARRIVED)
    late.minutes_later(30)
    assert late.told() == []
    assert late.stored().state is IncidentState.SEEN
