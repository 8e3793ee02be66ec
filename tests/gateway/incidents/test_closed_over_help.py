"""No call is closed over an officer who asks for help; one whose calls for help cannot be read can be closed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from databases import Place
from gateway import sample_store
from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.listed_responders import BUDI
from gateway.fake_ports import SentAnswers
from siaga_gateway.domain.escalation_state import FactKind, Phase, Why
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError, Overtaken
from siaga_gateway.service.registry.keyring import KeyRing


class Scene:
    """A call that a desk has seen, with Budi on scene."""

    def __init__(self, place: Place) -> None:
        self.district = district = CalledDistrict(place)
        keyring = KeyRing(district.store, sample_store.GATEWAY_KEY)
        self.steps = ResponderSteps(
            district.store, keyring, SentAnswers(), JournalNotifier(), district.clock, outputs=[]
        )
        with district.store.transaction() as transaction:
            transaction.put_responders([BUDI])
        self.call = district.press()
        district.operator.seen(self.call.id, "Rina")
        self.steps.answer(self.call.id, "budi", FactKind.ACCEPTED, 5)
        self.steps.answer(self.call.id, "budi", FactKind.ARRIVED)
        district.go_on()

    def close(self, wave: int | None = 1, *, together: bool = False) -> Incident:
        now = self.district.store.incident(self.call.id)
        assert now is not None
        return self.district.operator.close(
            now.id, "Rina", "verified", "", presses=1, duress=False, wave=wave, together=together, shown=now.progress
        )

    def spoil(self, call: Incident) -> None:
        with self.district.store.engine.transaction() as session:
            session.run("UPDATE escalation SET assignments = '[' WHERE incident_id = ?", (call.id,))


@pytest.fixture
def scene(place: Place) -> Iterator[Scene]:
    made = Scene(place)
    yield made
    made.district.close()


@pytest.mark.parametrize("together", [False, True])
def test_not_over_back_up_that_no_wave_tells_of_yet(scene: Scene, together: bool) -> None:
    scene.steps.answer(scene.call.id, "budi", FactKind.BACKUP)
    for wave in (1, None):
        with pytest.raises(Overtaken):
            scene.close(wave, together=together)
    scene.district.go_on()
    state = scene.district.state(scene.call)
    assert (state.phase, state.why) == (Phase.CALLING, Why.BACKUP)
    with pytest.raises(OperateError):
        scene.close(1, together=together)
    assert scene.close(state.wave).state is IncidentState.CLOSED, "who has seen that he asks decides"


def test_nor_over_back_up_that_is_asked_for_in_that_moment(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    store = scene.district.store
    transaction = store.transaction

    def after_a_word() -> object:
        monkeypatch.undo()
        scene.steps.answer(scene.call.id, "budi", FactKind.BACKUP)
        return transaction()

    monkeypatch.setattr(store, "transaction", after_a_word)
    with pytest.raises(Overtaken):
        scene.close()


def test_nor_over_back_up_that_is_owed_but_waves_that_stand_still_hold_it_up_no_longer_than_a_minute(
    scene: Scene,
) -> None:
    scene.steps.answer(scene.call.id, "budi", FactKind.BACKUP)
    store = scene.district.store
    last = store.last_journal_id()
    with store.transaction() as transaction:
        transaction.remember("waves.journal", str(last))
        transaction.remember("waves.owed", json.dumps({scene.call.id: [last]}))
    with pytest.raises(Overtaken):
        scene.close()
    scene.district.clock.at_ms += 60_000
    assert scene.close().state is IncidentState.CLOSED


def test_nor_over_back_up_that_came_to_a_machine_whose_clock_is_ahead(scene: Scene) -> None:
    scene.district.clock.at_ms += 2_000
    scene.steps.answer(scene.call.id, "budi", FactKind.BACKUP)
    scene.district.clock.at_ms -= 2_000
    with pytest.raises(Overtaken):
        scene.close()


@pytest.mark.parametrize("wave", [1, None])
def test_one_whose_calls_for_help_cannot_be_read_is_closed_but_not_with_others(scene: Scene, wave: int | None) -> None:
    scene.spoil(scene.call)
    with pytest.raises(OperateError, match="is in doubt"):
        scene.close(wave, together=True)
    assert scene.close(wave).state is IncidentState.CLOSED


def test_one_whose_calls_for_help_cannot_be_read_is_seen(scene: Scene) -> None:
    call = scene.district.press(counter=2)
    scene.district.go_on()
    scene.spoil(call)
    assert scene.district.operator.seen(call.id, "Rina", wave=1).state is IncidentState.SEEN
