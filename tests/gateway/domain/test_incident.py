"""What an incident says of itself (domain/incident.py): who holds the button, where, and whether somebody acted."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from gateway.rule_values import NOW_MS, OWNER, incident, place
from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.registry import RegistrationState


def test_a_new_one_is_one_press_that_nobody_has_acted_on() -> None:
    made = Incident(
        1,
        "siaga-1.a",
        Mode.ACTUAL,
        IncidentState.OPEN,
        b"contoh-1",
        "Toko",
        RegistrationState.ACTIVE,
        None,
        7,
        0,
        None,
        None,
        None,
    )
    flags = (made.silent, made.duress, made.cancelled_by_holder, made.held, made.key_copied)
    assert (made.presses, made.sequence, made.last_press, flags) == (1, 1, 0, (False,) * 5)
    assert Notice(made, Change.OPENED, 1, 0).previous == ()


def test_who_holds_the_button_and_who_cannot_be_read_now() -> None:
    sealed = replace(OWNER, unreadable=True)
    found = [(one.holder, one.unreadable) for one in [incident(owner=owner) for owner in (OWNER, sealed, None)]]
    assert found == [(OWNER, False), (None, True), (None, False)]


def test_the_place_is_that_of_its_position() -> None:
    assert incident().place is None
    assert incident(position=place(accuracy_m=12)).place == (-54_000_000, 1_052_600_000, 12)


def test_its_progress_changes_with_each_step_of_an_operator_and_with_nothing_else() -> None:
    before = incident()
    steps = [
        before,
        *(replace(before, state=state) for state in list(IncidentState)[1:]),
        replace(before, held=True),
        replace(before, unit="Patroli 3"),
        replace(before, unit="Patroli 3", eta_minutes=7),
        replace(before, eta_minutes=7),
        replace(before, closed_by="Rani"),
        *(replace(before, disposition=each) for each in Disposition),
    ]
    for one, other in combinations(steps, 2):
        assert one.progress != other.progress
    holder = replace(before, presses=4, position=place(), duress=True, sequence=9, battery=1, opened_at_ms=NOW_MS)
    assert holder.progress == before.progress, "what the holder does takes no form from an operator"
    assert len(before.progress) == 16 and int(before.progress, 16) >= 0
