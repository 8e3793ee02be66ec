"""What an operator does: committed, journalled, told to the outputs and to the button under its opening press."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest

from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from pressing_button import is_bound
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.frame import LONGEST_ETA, Stage, eta_field
from siaga_gateway.domain.incident import Answered, Change, Disposition, Incident, IncidentState
from siaga_gateway.domain.limits import LONGEST_UNIT
from siaga_gateway.domain.reopening import WITHIN_MS
from siaga_gateway.domain.undoing import WITHIN_MS as UNDO_MS
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError, Overtaken
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import Transaction


@pytest.fixture
def sent() -> SentAnswers:
    return SentAnswers()


@pytest.fixture
def operator(store: SqlStore, sent: SentAnswers) -> IncidentActions:
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    return IncidentActions(
        store, keyring, sent, JournalNotifier(), ManualClock(sample_store.NOW_MS + 5_000), outputs=["cad"]
    )


def changes(store: SqlStore) -> list[Change]:
    return [delivery.change for delivery in reversed(store.deliveries())]


def test_an_incident_goes_from_seen_to_closed_and_everyone_hears_each_step(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    incident = sample_store.open_incident(store, counter=7, outputs=("cad",))
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
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    incident = sample_store.open_incident(store)
    operator.seen(incident.id, "Siti")
    device_id, frame = sent.frames[0]
    assert device_id == sample_store.DEVICE_ID
    assert is_bound(sample_store.BUTTON.mac_down, frame, sample_store.press(1))
    assert not is_bound(
        sample_store.BUTTON.mac_down, frame, sample_store.press(2)[:10] + sample_store.press(1)[10:14] + bytes(29)
    )


def test_a_step_twice_is_one_step(store: SqlStore, operator: IncidentActions, sent: SentAnswers) -> None:
    incident = sample_store.open_incident(store)
    for _ in range(2):
        operator.seen(incident.id, "Siti")
        operator.assign(incident.id, "Siti", "Patroli 12", 5)
    assert operator.seen(incident.id, "Budi").seen_by == "Siti"  # somebody was faster
    assert len(sent.frames) == 2
    assert len(store.journal_of_incident(incident.id)) == 2


@pytest.mark.parametrize("beside", [False, True])
def test_the_same_unit_with_the_same_minutes_later_is_a_new_estimate(
    store: SqlStore, sent: SentAnswers, beside: bool
) -> None:
    clock = ManualClock(sample_store.NOW_MS + 5_000)
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    operator = IncidentActions(store, keyring, sent, JournalNotifier(), clock, outputs=["cad"])
    incident = sample_store.open_incident(store)
    first = operator.assign(incident.id, "Siti", "Patroli 12", 5)
    clock.at_ms += 9_999
    assert operator.assign(incident.id, "Siti", "Patroli 12", 5, beside=beside) == first, "a form that was sent twice"
    clock.at_ms += 1
    again = operator.assign(incident.id, "Siti", "Patroli 12", 5, beside=beside)
    assert again.promised_ms == clock.now_ms() and [each.since_ms for each in again.units] == [clock.now_ms()]
    assert [each.kind for each in store.journal_of_incident(incident.id)] == [journal.ASSIGNED] * 2
    assert sent.stages()[-1][1:] == (Stage.ASSIGNED, 5)
    assert changes(store)[-2:] == [Change.ASSIGNED] * 2


def test_an_eta_is_as_long_as_the_button_can_be_told(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    incident = sample_store.open_incident(store)
    operator.assign(incident.id, "Siti", "U" * LONGEST_UNIT, LONGEST_ETA)
    assert [eta for _, _, eta in sent.stages()] == [254]
    for minutes in (255, 256, 1440):
        with pytest.raises(OperateError, match="give 0 to 254"):
            operator.assign(incident.id, "Siti", "Patroli 12", minutes)


def test_what_was_stored_before_goes_on(store: SqlStore, operator: IncidentActions) -> None:
    """A longer name and ETA than may be typed now: shown, told as 254, and taken further."""
    incident = sample_store.open_incident(store)
    with store.transaction() as transaction:
        held = replace(incident, state=IncidentState.ASSIGNED, unit="U" * 80, eta_minutes=1440)
        transaction.put_incident(held)
    assert eta_field(held.eta_minutes) == LONGEST_ETA
    assert operator.on_scene(incident.id, "Siti").unit == "U" * 80


def test_another_unit_can_take_over(store: SqlStore, operator: IncidentActions) -> None:
    incident = sample_store.open_incident(store)
    operator.assign(incident.id, "Siti", "Patroli 12", 5)
    assert operator.assign(incident.id, "Siti", "Patroli 9", None).unit == "Patroli 9"


def test_a_held_incident_is_told_to_nobody_until_a_person_dispatches_it(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    incident = sample_store.open_incident(store, held=True)
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
        (lambda o, i: o.assign(i, "Siti", "U" * (LONGEST_UNIT + 1), 3), "at most 60"),
        (lambda o, i: o.assign(i, "Siti", "P", -1), "give 0 to 254"),
        (lambda o, i: o.on_scene(i, "Siti"), "no unit is assigned"),
        (lambda o, i: o.close(i, "Siti", "done", ""), "'done' is no way for an incident to end: one of verified"),
        (lambda o, i: o.close(i, "Siti", "verified", "x" * 2001), "at most 2000"),
    ],
)
def test_a_step_that_cannot_be_is_refused_in_words_and_changes_nothing(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers, do: object, said: str
) -> None:
    incident = sample_store.open_incident(store)
    with pytest.raises(OperateError, match=said):
        do(operator, incident.id)  # type: ignore[operator]
    assert store.incident(incident.id) == incident
    assert sent.frames == []


def test_what_a_holder_said_since_the_operator_looked_is_not_closed_unseen(
    store: SqlStore, operator: IncidentActions
) -> None:
    incident = sample_store.open_incident(store)
    with store.transaction() as transaction:
        transaction.put_incident(replace(incident, presses=incident.presses + 1))
    with pytest.raises(Overtaken, match="has called again since"):
        operator.close(incident.id, "Siti", "accidental", "", presses=incident.presses, duress=False)
    with store.transaction() as transaction:
        transaction.put_incident(replace(incident, duress=True))
    with pytest.raises(Overtaken, match="has called again since"):
        operator.close(incident.id, "Siti", "accidental", "", presses=incident.presses, duress=False)
    kept = store.incident(incident.id)
    assert kept is not None and kept.state is IncidentState.OPEN
    closed = operator.close(incident.id, "Siti", "verified", "", presses=incident.presses, duress=True)
    assert closed.state is IncidentState.CLOSED


def at_once(operator: IncidentActions, step: Callable[[int], Incident]) -> tuple[list[Incident], list[Overtaken]]:
    """Eight operators, who all looked before any of them did a thing."""
    done: list[Incident] = []
    refused: list[Overtaken] = []
    ready = threading.Barrier(8)

    def one(number: int) -> None:
        ready.wait()
        try:
            done.append(step(number))
        except Overtaken as overtaken:
            refused.append(overtaken)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return done, refused


def test_of_eight_at_once_one_does_it_and_seven_are_told_who_it_was(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    shown = operator.seen(sample_store.open_incident(store, outputs=("cad",)).id, "Siti").progress
    done, refused = at_once(
        operator, lambda number: operator.assign(1, f"Operator {number}", f"Patroli {number}", number, shown=shown)
    )
    (assigned,) = done
    assert [overtaken.incident.unit for overtaken in refused] == [assigned.unit] * 7
    assert store.incident(1) == assigned
    done, refused = at_once(
        operator,
        lambda number: operator.close(1, f"Operator {number}", "verified", f"note {number}", shown=assigned.progress),
    )
    (closed,) = done
    assert [overtaken.incident.note for overtaken in refused] == [closed.note] * 7
    for overtaken in range(8):
        operator.add_note(1, f"Operator {overtaken}", f"note {overtaken}")
    kept = store.incident(1)
    assert kept is not None and all(f"note {number}" in (kept.note or "") for number in range(8)), "no note is lost"
    kinds = Counter(entry.kind for entry in store.journal_of_incident(1))
    assert (kinds[journal.ASSIGNED], kinds[journal.CLOSED], kinds[journal.NOTE_ADDED]) == (1, 1, 8)
    assert changes(store).count(Change.ASSIGNED) == changes(store).count(Change.CLOSED) == 1


def test_nothing_goes_back(store: SqlStore, operator: IncidentActions) -> None:
    incident = sample_store.open_incident(store)
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


def test_a_correction_is_told_to_the_outputs_and_rings_no_button(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    incident = sample_store.open_incident(store, counter=7, outputs=("cad",))
    closed = operator.close(incident.id, "Siti", "abuse", "")
    before = sent.stages()
    for wrong, said in ((("jest", "why"), "'jest' is no way for"), (("verified", " "), "the reason is empty")):
        with pytest.raises(OperateError, match=said):
            operator.correct(incident.id, "Siti", *wrong)
    corrected = operator.correct(incident.id, "Budi", "verified", "found hurt later")
    assert changes(store) == [Change.OPENED, Change.CLOSED, Change.CLOSED]
    assert (corrected.sequence, sent.stages()) == (closed.sequence + 1, before)


def test_the_button_and_the_outputs_hear_of_the_unit_that_is_there_soonest(
    store: SqlStore, operator: IncidentActions, sent: SentAnswers
) -> None:
    incident = sample_store.open_incident(store, counter=7, outputs=("cad",))
    operator.assign(incident.id, "Siti", "Patroli 12", 9)
    operator.assign(incident.id, "Siti", "Patroli 7", 4, beside=True)
    operator.assign(incident.id, "Siti", "Patroli 9", 20, beside=True)  # no news for anybody but desks
    operator.stand_down(incident.id, "Siti", "Patroli 7")
    operator.stand_down(incident.id, "Siti", "Patroli 9")
    last = operator.stand_down(incident.id, "Siti", "Patroli 12")
    assert [(stage, eta) for _, stage, eta in sent.stages()] == [
        (Stage.ASSIGNED, 9),
        (Stage.ASSIGNED, 4),
        (Stage.ASSIGNED, 4),
        (Stage.ASSIGNED, 9),
        (Stage.ASSIGNED, 9),
        (Stage.SEEN, 255),
    ]
    told = [Change.OPENED, Change.ASSIGNED, Change.ASSIGNED, Change.ASSIGNED, Change.UNASSIGNED]
    assert changes(store) == told and last == store.incident(incident.id)


def test_a_closed_incident_is_opened_again_within_the_hour_and_everybody_hears_of_a_call(
    store: SqlStore, sent: SentAnswers
) -> None:
    clock = ManualClock(sample_store.NOW_MS + 5_000)
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    operator = IncidentActions(store, keyring, sent, JournalNotifier(), clock, outputs=["cad"])
    incident = sample_store.open_incident(store, counter=7, outputs=("cad",))
    operator.assign(incident.id, "Siti", "Patroli 12", 6)
    operator.close(incident.id, "Siti", "abuse", "")
    clock.at_ms += WITHIN_MS
    again = operator.reopen(incident.id, "Budi", "salah kejadian")
    assert (again.state, again.answered) == (IncidentState.SEEN, Answered.WITHDRAWN)
    assert sent.stages()[-1] == (7, Stage.SEEN, 255)
    assert changes(store) == [Change.OPENED, Change.ASSIGNED, Change.CLOSED, Change.OPENED]
    last = store.deliveries()[0]
    assert store.notices([last])[last.id].previous == (), "a receiver that was told of an end is told of another call"

    operator.close(incident.id, "Budi", "verified", "")
    other = sample_store.open_incident(store, counter=9)
    with pytest.raises(OperateError, match=str(other.id)):
        operator.reopen(incident.id, "Budi", "a holder has one open call")
    operator.close(other.id, "Budi", "verified", "")
    clock.at_ms += WITHIN_MS + 1
    with pytest.raises(OperateError):
        operator.reopen(incident.id, "Budi", "too late")
    with pytest.raises(OperateError):
        operator.reopen(incident.id, "Budi", " ")


def test_an_acknowledgement_is_taken_back_within_a_minute_and_the_button_keeps_its_stage(
    store: SqlStore, sent: SentAnswers
) -> None:
    clock = ManualClock(sample_store.NOW_MS + 5_000)
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    operator = IncidentActions(store, keyring, sent, JournalNotifier(), clock, outputs=["cad"])
    incident = sample_store.open_incident(store, counter=7, outputs=("cad",))
    shown = operator.seen(incident.id, "Siti")
    clock.at_ms += UNDO_MS
    undone = operator.undo(incident.id, "Siti", shown=shown.progress)
    assert undone == store.incident(incident.id) and undone.state is IncidentState.OPEN
    assert changes(store) == [Change.OPENED, Change.SEEN, Change.OPENED], "outputs hear of a call that nobody has"
    assert sent.stages() == [(7, Stage.SEEN, 255)], "what the holder was told is not untold"

    operator.seen(incident.id, "Siti")
    clock.at_ms += UNDO_MS + 1
    with pytest.raises(OperateError, match="no acknowledgement of yours"):
        operator.undo(incident.id, "Siti")
    with store.transaction() as transaction:
        transaction.put_incident(replace(store.incident(incident.id) or incident, unit="patroli", eta_minutes=4))
    clock.at_ms -= 10
    with pytest.raises(Overtaken):
        operator.undo(incident.id, "Siti", shown=shown.progress)


def test_of_two_desks_at_once_one_undoes_and_one_assigns_never_both(store: SqlStore, operator: IncidentActions) -> None:
    shown = operator.seen(sample_store.open_incident(store, outputs=("cad",)).id, "Siti").progress

    def step(number: int) -> Incident:
        if number % 2:
            return operator.undo(1, "Siti", shown=shown)
        return operator.assign(1, f"Operator {number}", f"Patroli {number}", number, shown=shown)

    at_once(operator, step)
    kinds = Counter(entry.kind for entry in store.journal_of_incident(1))
    assert kinds[journal.ACKNOWLEDGEMENT_UNDONE] + kinds[journal.ASSIGNED] == 1
    found = store.incident(1)
    assert found is not None and (found.unit is None) == (found.state is IncidentState.OPEN)


def test_an_acknowledgement_by_another_desk_in_between_is_not_taken_back(
    store: SqlStore, operator: IncidentActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = sample_store.open_incident(store)
    operator.seen(incident.id, "Siti")
    operator.assign(incident.id, "Siti", "Patroli 12", 5)
    with store.transaction() as transaction:
        transaction.put_escalation(Escalation(incident.id, Phase.CALLING, Why.BACKUP, 1, 2, wave=2))
    shown = operator.acknowledge(incident.id, "Siti", 2)
    begin = store.transaction

    def in_between() -> AbstractContextManager[Transaction]:
        monkeypatch.setattr(store, "transaction", begin)
        operator.acknowledge(incident.id, "Budi", 2)
        return begin()

    monkeypatch.setattr(store, "transaction", in_between)
    with pytest.raises(OperateError):
        operator.undo(incident.id, "Siti", shown=shown.progress)
    assert [each.actor for each in store.journal_of_incident(incident.id)][-1] == "Budi"
