"""Waves after what should not happen: a restored store, a clock that jumps, a lost connection, a bug."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.dispatch.called_district import CalledDistrict
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import StoreFailing, Transaction


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def test_a_button_pressed_before_the_restored_gateway_looks_round_calls_like_any_other(
    district: CalledDistrict,
) -> None:
    old, asked = district.press(counter=1), district.press(counter=2)
    district.go_on()
    district.restore()
    new = district.press(counter=3)
    district.note(old, journal.PRESSED_AGAIN)
    district.go_on()
    assert district.state(asked).phase is Phase.ASKED
    assert (district.state(new).phase, district.called(new)) == (Phase.CALLING, ["stations"])
    assert district.state(old).phase is Phase.CALLING


def test_a_clock_set_forward_before_a_press_is_looked_at_keeps_nobody_from_being_called(
    district: CalledDistrict,
) -> None:
    incident = district.press()
    district.go_on(3_600)
    assert district.called(incident)[:1] == ["stations"]
    assert district.state(incident).phase is Phase.CALLING


def test_what_a_lost_connection_had_committed_is_not_taken_twice(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL commits, and its answer is lost."""
    incident = district.press()
    district.go_on()
    district.operator.seen(incident.id, "Siti")
    district.go_on()
    contacts = district.state(incident).number
    real = district.store.transaction

    @contextmanager
    def transaction() -> Iterator[Transaction]:
        with real() as inner:
            yield inner
        raise StoreFailing("store.closed")

    district.note(incident, journal.PRESSED_AGAIN)
    with monkeypatch.context() as patched:
        patched.setattr(district.store, "transaction", transaction)
        with pytest.raises(StoreFailing):
            district.waves.work()
    district.go_on()
    assert district.state(incident).number == contacts + 1, "the desk is rung once"


@pytest.mark.parametrize(("held", "restart"), [(False, False), (True, False), (True, True)])
def test_what_is_said_while_an_incident_cannot_be_stepped_is_heard_afterwards(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch, held: bool, restart: bool
) -> None:
    incident = district.press(held=held)
    district.go_on()

    def ladder(incident: object, now_ms: int) -> object:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(district.waves._planner, "ladder", ladder)
        if held:
            district.operator.dispatch_held(incident.id, "Siti")
        else:
            district.operator.seen(incident.id, "Siti")
        district.go_on()
    district.waves._aside.clear()  # five seconds later
    if restart:  # what was owed is forgotten, and the incident itself says it
        district.waves = district.made(district.store)
    district.go_on(21)
    assert district.state(incident).phase is (Phase.CALLING if held else Phase.ACKNOWLEDGED)
    assert district.whom(incident, "stations") == {"polsek-sw", "polsek-se", "polres"}
