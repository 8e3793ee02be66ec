"""An officer who is on his way, and is one no more: the wave begins again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import NTFY, CalledDistrict
from gateway.fake_ports import SentAnswers
from siaga_gateway.domain.escalation_state import FactKind, Phase, Why
from siaga_gateway.domain.incident import Answered, Incident
from siaga_gateway.domain.places import Contact
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_ends import DutyEnds
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing

KEY = "r1"
HOUR_MS = 3_600_000


class OnDuty:
    """The district with one officer, who has accepted the only call."""

    def __init__(self, folder: Path) -> None:
        self.district = CalledDistrict(folder)
        store, clock = self.district.store, self.district.clock
        duty = Duty(store, UTC)
        self.district.people = DutyPeople(duty, 50_000)
        self.district.waves = self.district.made(store)
        keyring = KeyRing(store, sample_store.GATEWAY_KEY)
        self.steps = ResponderSteps(store, keyring, SentAnswers(), JournalNotifier(), clock, outputs=[])
        self.ends = DutyEnds(store, duty, self.steps, clock)
        with store.transaction() as transaction:
            transaction.change_responders()
            way = ProvenWay(Contact(NTFY, "r1"), clock.now_ms())
            transaction.put_responders([Responder(KEY, ResponderKind.OFFICER, "Contoh", "polsek-sw", ways=(way,))])

    def accepted(self) -> Incident:
        incident = self.district.press()
        self.district.go_on()
        self.district.operator.seen(incident.id, "Siti")
        self.steps.answer(incident.id, KEY, FactKind.ACCEPTED, 10)
        self.district.go_on()
        assert [each.who for each in self.district.state(incident).assignments] == ["responder:r1"]
        assert self.district.state(incident).phase is Phase.ACKNOWLEDGED
        return incident

    def declare(self, duty: DutyState, hours: int) -> None:
        now_ms = self.district.clock.now_ms()
        with self.district.store.transaction() as transaction:
            transaction.declare(SelfDeclared(KEY, duty, now_ms, now_ms + hours * HOUR_MS))

    def is_called_again(self, incident: Incident) -> bool:
        self.ends.work()
        self.district.go_on()
        state = self.district.state(incident)
        return state.phase is Phase.CALLING and state.why is Why.WITHDRAWN


@pytest.fixture
def officer(tmp_path: Path) -> Iterator[OnDuty]:
    made = OnDuty(tmp_path)
    yield made
    made.district.close()


def test_while_he_is_on_duty_he_comes(officer: OnDuty) -> None:
    officer.declare(DutyState.ON_DUTY, 8)
    incident = officer.accepted()
    officer.district.go_on(60)
    assert not officer.is_called_again(incident)


def test_when_his_time_ends_before_he_is_there_others_are_called_at_once(officer: OnDuty) -> None:
    officer.declare(DutyState.ON_DUTY, 1)
    officer.district.clock.at_ms += HOUR_MS - 60_000
    incident = officer.accepted()
    assert not officer.is_called_again(incident)
    officer.district.clock.at_ms += 60_001
    assert officer.is_called_again(incident)


def test_whoever_leaves_the_list_comes_no_more(officer: OnDuty) -> None:
    officer.declare(DutyState.ON_DUTY, 8)
    incident = officer.accepted()
    with officer.district.store.transaction() as transaction:
        transaction.change_responders()
        transaction.remove_responders([KEY])
    assert officer.is_called_again(incident)
    found = officer.district.store.incident(incident.id)
    assert found is not None and found.unit is None


def test_who_was_off_duty_and_accepted_all_the_same_is_bound_to_no_shift(officer: OnDuty) -> None:
    incident = officer.accepted()
    officer.district.clock.at_ms += 5 * 60_000
    assert not officer.is_called_again(incident)


def test_who_is_on_scene_stays_there(officer: OnDuty) -> None:
    officer.declare(DutyState.ON_DUTY, 1)
    incident = officer.accepted()
    officer.steps.answer(incident.id, KEY, FactKind.ARRIVED)
    officer.district.go_on()
    officer.district.clock.at_ms += HOUR_MS + 1
    assert not officer.is_called_again(incident)


def test_who_takes_back_his_word_after_he_accepted_comes_no_more(officer: OnDuty) -> None:
    officer.declare(DutyState.ON_DUTY, 8)
    incident = officer.accepted()
    assert not officer.is_called_again(incident)
    officer.district.clock.at_ms += 60_000
    officer.declare(DutyState.OFF, 8)
    assert officer.is_called_again(incident)


def test_who_is_late_and_leaves_the_list_is_nobodys_unit_any_more(officer: OnDuty) -> None:
    officer.declare(DutyState.ON_DUTY, 8)
    incident = officer.accepted()
    officer.district.go_on(15 * 60)
    with officer.district.store.transaction() as transaction:
        transaction.change_responders()
        transaction.remove_responders([KEY])
    officer.ends.work()
    found = officer.district.store.incident(incident.id)
    assert found is not None and (found.unit, found.answered) == (None, Answered.WITHDRAWN)
