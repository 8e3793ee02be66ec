"""What an operator does: committed, journalled, told to the outputs and to the button under its opening press."""

from __future__ import annotations

from dataclasses import replace

import pytest
import stored
from fakes import ManualClock, SentAnswers

from pressing import is_bound
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Change, Disposition, IncidentState
from siaga_gateway.service import journal
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.operate import Operator
from siaga_gateway.service.ports import OperateError


@pytest.fixture
def sent() -> SentAnswers:
    return SentAnswers()


@pytest.fixture
def operator(store: SqlStore, sent: SentAnswers) -> Operator:
    keyring = KeyRing(store, stored.GATEWAY_KEY)
    return Operator(store, keyring, sent, JournalBell(), ManualClock(stored.NOW_MS + 5_000), outputs=["cad"])


def changes(store: SqlStore) -> list[Change]:
    return [delivery.change for delivery in reversed(store.deliveries())]


def test_an_incident_goes_from_seen_to_closed_and_everyone_hears_each_step(
    store: SqlStore, operator: Operator, sent: SentAnswers
) -> None:
    incident = stored.open_incident(store, counter=7, outputs=("cad",))
    assert operator.seen(incident.id, "Siti").seen_by == "Siti"
    operator.assign(incident.id, "Siti", " Patroli  12 ", 6)
    operator.on_scene(incident.id, "Budi")
    closed = operator.close(incident.id, "Budi", "verified", " diamankan ")

    assert (closed.state, closed.disposition, closed.note) == (
        IncidentState.CLOSED,
        Disposition.VERIFIED,
        "diamankan",
    )
    assert closed == store.incident(incident.id)
    assert sent.stages() == [
        (7, Stage.SEEN, 255),
        (7, Stage.ASSIGNED, 6),
        (7, Stage.ON_SCENE, 255),
        (7, Stage.CLOSED, 255),
    ]
    assert changes(store) == [Change.OPENED, Change.SEEN, Change.ASSIGNED, Change.ON_SCENE, Change.CLOSED]
    entries = store.journal_of_incident(incident.id)
    assert [(e.kind, e.actor) for e in entries] == [
        (journal.SEEN, "Siti"),
        (journal.ASSIGNED, "Siti"),
        (journal.ON_SCENE, "Budi"),
        (journal.CLOSED, "Budi"),
    ]
    assert entries[1].facts == {"unit": "Patroli 12", "eta_minutes": 6}


def test_the_acknowledgement_is_one_that_the_button_verifies(
    store: SqlStore, operator: Operator, sent: SentAnswers
) -> None:
    incident = stored.open_incident(store)
    operator.seen(incident.id, "Siti")
    device_id, frame = sent.frames[0]
    assert device_id == stored.DEVICE_ID
    assert is_bound(stored.BUTTON.mac_down, frame, stored.press(1))
    assert not is_bound(stored.BUTTON.mac_down, frame, stored.press(2)[:10] + stored.press(1)[10:14] + bytes(29))


def test_a_step_twice_is_one_step(store: SqlStore, operator: Operator, sent: SentAnswers) -> None:
    incident = stored.open_incident(store)
    for _ in range(2):
        operator.seen(incident.id, "Siti")
        operator.assign(incident.id, "Siti", "Patroli 12", 5)
    assert operator.seen(incident.id, "Budi").seen_by == "Siti"  # somebody was faster
    assert len(sent.frames) == 2
    assert len(store.journal_of_incident(incident.id)) == 2


def test_an_eta_that_is_too_long_for_the_button_is_not_told_as_unknown(
    store: SqlStore, operator: Operator, sent: SentAnswers
) -> None:
    incident = stored.open_incident(store)
    for minutes in (254, 255, 256, 1440):
        operator.assign(incident.id, "Siti", "Patroli 12", minutes)
    assert [eta for _, _, eta in sent.stages()] == [254] * 4


def test_another_unit_can_take_over(store: SqlStore, operator: Operator) -> None:
    incident = stored.open_incident(store)
    operator.assign(incident.id, "Siti", "Patroli 12", 5)
    assert operator.assign(incident.id, "Siti", "Patroli 9", None).unit == "Patroli 9"


def test_a_held_incident_is_told_to_nobody_until_a_person_dispatches_it(
    store: SqlStore, operator: Operator, sent: SentAnswers
) -> None:
    incident = stored.open_incident(store, held=True)
    operator.seen(incident.id, "Siti")
    with pytest.raises(OperateError, match="is held, for its registration is suspended: dispatch it first"):
        operator.assign(incident.id, "Siti", "Patroli 12", 5)
    assert changes(store) == []
    released = operator.dispatch_held(incident.id, "Siti")
    assert not released.held
    assert changes(store) == [Change.OPENED]
    operator.dispatch_held(incident.id, "Siti")
    assert changes(store) == [Change.OPENED]
    assert [e.kind for e in store.journal_of_incident(incident.id)] == [journal.SEEN, journal.DISPATCHED_BY_PERSON]


@pytest.mark.parametrize(
    ("do", "said"),
    [
        (lambda o, i: o.seen(i + 99, "Siti"), "there is no incident"),
        (lambda o, i: o.seen(i, "  "), "the operator's name is empty"),
        (lambda o, i: o.assign(i, "Siti", "", 3), "the unit's name is empty"),
        (lambda o, i: o.assign(i, "Siti", "P", -1), "give 0 to 1440"),
        (lambda o, i: o.on_scene(i, "Siti"), "no unit is assigned"),
        (lambda o, i: o.close(i, "Siti", "done", ""), "'done' is no way for an incident to end: one of verified"),
        (lambda o, i: o.close(i, "Siti", "verified", "x" * 2001), "at most 2000"),
    ],
)
def test_a_step_that_cannot_be_is_refused_in_words_and_changes_nothing(
    store: SqlStore, operator: Operator, sent: SentAnswers, do: object, said: str
) -> None:
    incident = stored.open_incident(store)
    with pytest.raises(OperateError, match=said):
        do(operator, incident.id)  # type: ignore[operator]
    assert store.incident(incident.id) == incident
    assert sent.frames == []


def test_what_a_holder_said_since_the_operator_looked_is_not_closed_unseen(store: SqlStore, operator: Operator) -> None:
    incident = stored.open_incident(store)
    with store.transaction() as transaction:
        transaction.put_incident(replace(incident, presses=incident.presses + 1))
    with pytest.raises(OperateError, match="has called again since"):
        operator.close(incident.id, "Siti", "accidental", "", presses=incident.presses, duress=False)
    with store.transaction() as transaction:
        transaction.put_incident(replace(incident, duress=True))
    with pytest.raises(OperateError, match="has called again since"):
        operator.close(incident.id, "Siti", "accidental", "", presses=incident.presses, duress=False)
    kept = store.incident(incident.id)
    assert kept is not None and kept.state is IncidentState.OPEN
    closed = operator.close(incident.id, "Siti", "verified", "", presses=incident.presses, duress=True)
    assert closed.state is IncidentState.CLOSED


def test_nothing_goes_back(store: SqlStore, operator: Operator) -> None:
    incident = stored.open_incident(store)
    operator.assign(incident.id, "Siti", "Patroli 12", 5)
    operator.on_scene(incident.id, "Siti")
    with pytest.raises(OperateError, match="further on already"):
        operator.assign(incident.id, "Siti", "Patroli 9", 5)
    operator.close(incident.id, "Siti", "unfounded", "")
    for again in (operator.on_scene, operator.seen):
        with pytest.raises(OperateError, match="was closed by Siti"):
            again(incident.id, "Budi")
    with pytest.raises(OperateError, match="is closed"):
        operator.dispatch_held(incident.id, "Budi")
