"""Which stage answers what, and under which name: what firmware/PROTOCOL.md promises to whoever writes a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from databases import Place
from gateway.ingest_harness import NOW_S, IngestHarness
from pressing_button import PressingButton, report_body
from siaga_gateway.domain.frame import Flags, Kind, Stage
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.registry import RegistrationState

RECEIVED, REFUSED, TEST = Stage.RECEIVED, Stage.REFUSED, Stage.TEST


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


def said(button: PressingButton, kind: Kind, flags: int = 0) -> bytes:
    button.counter += 1
    body = {Kind.RECEIPT: b"\0\0\0\1\0", Kind.ENROL: button.public_xy}.get(kind, report_body(NOW_S, flags=flags))
    return button.frame(kind, button.counter, body)


ANSWERS = [
    (Kind.PRESS, 0, RECEIVED, REFUSED),
    (Kind.UPDATE, 0, RECEIVED, REFUSED),
    (Kind.CANCEL, 0, RECEIVED, REFUSED),
    (Kind.PRESS, Flags.TEST, TEST, REFUSED),
    (Kind.PRESS, Flags.TEST | Flags.DURESS, RECEIVED, REFUSED),
    (Kind.CHECKIN, 0, RECEIVED, RECEIVED),
    (Kind.CHECKIN, Flags.DURESS, RECEIVED, RECEIVED),
    (Kind.TAMPER, 0, RECEIVED, RECEIVED),
    (Kind.RECEIPT, 0, RECEIVED, RECEIVED),
    (Kind.ENROL, 0, RECEIVED, RECEIVED),
]


@pytest.mark.parametrize("state", [one for one in RegistrationState if one is not RegistrationState.PENDING])
def test_what_answers_each_kind_by_the_state_of_the_registration(desk: IngestHarness, state: RegistrationState) -> None:
    active = state is RegistrationState.ACTIVE
    for kind, flags, by_active, by_other in ANSWERS:
        button = desk.button(state)
        frame = said(button, kind, flags)
        free = active or (state is RegistrationState.SUSPENDED and Flags.DURESS in Flags(flags))
        expected = [(button.counter, by_active if free else by_other)]
        assert desk.stages(frame) == expected, (kind, flags)
        assert desk.stages(frame) == expected, "its repetition likewise"


def test_the_call_of_a_registration_that_was_suspended_since_is_answered_as_before(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    with desk.store.transaction() as transaction:
        transaction.set_registration(button.device_id, RegistrationState.SUSPENDED, NOW_S * 1000)
    assert desk.stages(button.follow(Kind.UPDATE, NOW_S)) == [(2, RECEIVED)]


@pytest.mark.parametrize("opening", [0, 65535, 40_000])
@pytest.mark.parametrize("kind", [Kind.UPDATE, Kind.CANCEL])
def test_what_names_no_incident_joins_the_open_one_or_opens_one(desk: IngestHarness, kind: Kind, opening: int) -> None:
    button = desk.button()
    for _ in range(2):
        button.counter += 1
        desk.take(button.frame(kind, button.counter, report_body(NOW_S, opening=opening)))
    assert desk.only().presses <= 1
    assert desk.stages(button.press(NOW_S)) == [(3, RECEIVED)]
    assert desk.only().presses == 2 or kind is Kind.UPDATE


def test_two_openings_of_one_incident_are_told_once_under_the_newest(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S), button.press(NOW_S))
    incident = desk.only()
    with desk.store.transaction() as transaction:
        transaction.put_incident(replace(incident, state=IncidentState.ASSIGNED, seen_by="Siti", unit="Patroli 12"))
        assert [counter for counter, _ in transaction.named_calls(incident.id)] == [2]
    assert desk.stages(button.follow(Kind.UPDATE, NOW_S)) == [(3, RECEIVED), (3, Stage.ASSIGNED)]
