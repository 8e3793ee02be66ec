"""Waves after what should not happen: a restored store, a clock that jumps, a lost connection, a bug."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.called_district import NTFY, CalledDistrict, NoPeople
from siaga_gateway.domain.drill import DrillState
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.notification import NotificationState
from siaga_gateway.domain.places import Point
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch import waves
from siaga_gateway.service.dispatch.drills import Drills, WantedDrill
from siaga_gateway.service.dispatch.recipients import Recipient
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreFailing, Transaction
from waiting import ENDS_S


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


def test_a_restored_backup_revives_no_drill_that_has_ended_since(district: CalledDistrict) -> None:
    drills = Drills(district.store, JournalNotifier(), district.clock, Mode.ACTUAL)
    wanted = WantedDrill("Latihan contoh", (sample_store.DEVICE_ID,), ("polsek-nw",), 60)
    made = drills.order(wanted, "Siti")
    later = drills.order(copied(wanted, begins_ms=made.ends_ms), "Siti")
    district.go_on()
    assert drills.runs()
    district.restore()
    district.go_on()
    assert not drills.runs() and district.store.unended_drills() == []
    assert drills.known(later.id).state_at(district.clock.now_ms()) is DrillState.CANCELLED
    ended = [each.facts for each in district.store.journal_last(9) if each.kind == journal.DRILL_ENDED]
    assert [each["why"] for each in ended] == ["drill_restored"] * 2


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


@pytest.mark.parametrize("restart", [False, True])
def test_what_could_not_be_taken_is_taken_once_later_also_after_a_restart(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch, restart: bool
) -> None:
    """A call for back-up stands in the journal alone: no state of the incident says it."""
    incident, other = district.press(counter=1), district.press(counter=2)
    district.go_on()
    district.operator.seen(incident.id, "Siti")
    district.operator.assign(incident.id, "Siti", "Unit 1", 5)
    district.go_on()
    assert district.state(incident).phase is Phase.ACKNOWLEDGED
    wave, real = district.state(incident).wave, district.waves._planner.ladder

    def ladder(asked: Incident, now_ms: int) -> Ladder:
        if asked.id == incident.id:
            raise ZeroDivisionError("a bug")
        return real(asked, now_ms)

    with monkeypatch.context() as patched:
        patched.setattr(district.waves._planner, "ladder", ladder)
        said = {"said": "backup", "who": "unit:Unit 1"}
        district.note(incident, journal.RESPONDER_SAID, **said)
        district.operator.seen(other.id, "Siti")
        district.go_on()
    assert district.state(other).phase is Phase.ACKNOWLEDGED, "one delays no other"
    if restart:
        district.waves = district.made(district.store)
    else:
        district.waves._aside.clear()  # five seconds later
    district.go_on(1)
    assert district.state(incident).wave == wave + 1
    district.waves = district.made(district.store)
    district.go_on(1)
    assert district.state(incident).wave == wave + 1, "it is taken once"
    assert district.store.remembered("waves.owed") == "{}"


def test_what_is_owed_to_an_incident_that_is_closed_is_forgotten(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = district.press()
    district.go_on()

    def ladder(asked: Incident, now_ms: int) -> Ladder:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(district.waves._planner, "ladder", ladder)
        district.note(incident, journal.PRESSED_AGAIN)
        district.go_on()
        assert district.store.remembered("waves.owed") != "{}"
        district.operator.close(incident.id, "Siti", "verified", "")
    district.waves = district.made(district.store)
    district.go_on(1)
    assert district.state(incident).phase is Phase.CLOSED
    assert district.store.remembered("waves.owed") == "{}"


def test_a_turn_that_hangs_does_not_hold_the_auditor(district: CalledDistrict, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the auditor who tells that the waves hang."""
    monkeypatch.setattr(waves, "_ADOPT_S", 0.01)
    incident = district.press()
    held, over = threading.Event(), threading.Event()

    def hangs() -> None:
        with district.waves._working:
            held.set()
            over.wait(ENDS_S)

    thread = threading.Thread(target=hangs)
    thread.start()
    assert held.wait(ENDS_S)
    district.waves.adopt([incident.id])
    over.set()
    thread.join(ENDS_S)
    assert district.store.escalation_of(incident.id) is None


def test_an_acknowledgement_takes_back_what_still_waits_for_a_chief_and_not_what_waits_for_who_comes(
    tmp_path: Path,
) -> None:
    class Officers(NoPeople):
        def near(self, place: Point | None, now_ms: int) -> Sequence[Recipient]:
            return [Recipient("responder:budi", (NTFY,))]

        def chiefs(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
            return [Recipient("responder:komandan", (NTFY,))]

    made = CalledDistrict(tmp_path, people=Officers())
    incident = made.press()
    made.go_on()
    made.go_on(10)
    made.operator.seen(incident.id, "Siti")
    made.go_on()
    waits = {each.recipient for each in made.told(incident) if each.state is NotificationState.PENDING}
    assert "responder:komandan" in {each.recipient for each in made.told(incident)}
    assert waits == {"responder:budi"}
    made.close()


def test_an_acknowledgement_taken_back_beside_an_older_gateway_rests_nobodys_ladder(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident, taken = district.press(counter=1), district.press(counter=2)
    district.go_on(11)
    older = waves.FOLLOWED - {journal.ACKNOWLEDGEMENT_UNDONE}
    with monkeypatch.context() as patched:
        patched.setattr(waves, "FOLLOWED", older)
        for each in (incident, taken):
            district.operator.seen(each.id, "Siti")
        district.go_on()
        district.operator.undo(incident.id, "Siti")
        district.go_on(1)
    assert district.state(incident).phase is Phase.ACKNOWLEDGED, "it has passed that by"
    calls = len(district.called(incident))
    district.waves = district.made(district.store)
    district.go_on()
    assert district.state(incident).phase is Phase.CALLING and len(district.called(incident)) > calls
    assert district.state(taken).phase is Phase.ACKNOWLEDGED, "what a desk has is left alone"
    wave = district.state(incident).wave
    district.go_on(1)
    assert district.state(incident).wave == wave, "once"
