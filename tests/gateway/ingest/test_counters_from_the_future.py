"""A counter from the future is seen, told and heard, and nothing that the real button says freezes behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import Place
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.device_report import Report, Status
from siaga_gateway.domain.device_status import JUMP, STRAGGLES_MS, DeviceStatus, step
from siaga_gateway.domain.frame import Flags, Kind, Suite, Uplink
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.supervision import Cause, SupervisionLimits, problems
from siaga_gateway.service.fleet.maintenance_cases import close_case
from siaga_gateway.service.fleet.supervision import Supervisor
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier

DEVICE_ID = bytes(8)
HOUR_MS = 3600 * 1000


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


def status_of(desk: IngestHarness, button: PressingButton) -> DeviceStatus:
    found = desk.store.status(button.device_id)
    assert found is not None
    return found


def check_in(button: PressingButton, counter: int, *, version: int = 1, **report: int) -> bytes:
    body = report_body(NOW_S, **report) + bytes([version, 2, 3, 0xA6, 0x42, 5, 0, 0])
    return button.frame(Kind.CHECKIN, counter, body)


def test_a_jump_is_a_security_event_and_a_case_until_a_person_has_looked(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(check_in(button, 10))
    desk.take(check_in(button, 4_000_000_000))
    (jump,) = desk.journal(journal.COUNTER_JUMP)
    assert jump.device_id == button.device_id
    assert jump.facts == {"counter": 4_000_000_000, "kind": "checkin", "jumped_over": 3_999_999_989, "count": 1}
    assert journal.COUNTER_JUMP in journal.SECURITY_KINDS
    assert not desk.journal(journal.COUNTER_GAP), "a jump is no loss on the way"
    clock, wanted = ManualClock(NOW_MS), SupervisionLimits()
    supervisor = Supervisor(desk.store, JournalNotifier(), clock, wanted, ways=lambda: {"mqtt": True})
    supervisor.listen()
    supervisor.look(NOW_MS)
    (case,) = desk.store.open_cases()
    assert case.cause is Cause.COUNTERS
    close_case(desk.store, clock, wanted, case.id, "Contoh Teknisi", "tombol diganti")
    supervisor.look(NOW_MS + 1)
    assert desk.store.open_cases() == []
    desk.now_ms += 60_000
    desk.take(check_in(button, 4_200_000_000))
    supervisor.look(NOW_MS + 60_001)
    assert [one.cause for one in desk.store.open_cases()] == [Cause.COUNTERS], "once more"


@pytest.mark.parametrize(
    ("counters", "hours", "jumps"),
    [
        ((10, 11, 40, 300), 0, 0),
        ((10, 11 + JUMP), 0, 0),
        ((10, 12 + JUMP), 0, 1),
        ((10, 11 + JUMP + 720), 1, 0),  # a button that restarts for ever uses many
        ((4_000_000_000, 10), 0, 1),
        ((10, 4_000_000_000, 11, 12), 0, 1),
        ((10, 4_000_000_000, 4_000_000_001, 11), 0, 1),
    ],
)
def test_what_a_jump_is(desk: IngestHarness, counters: Sequence[int], hours: int, jumps: int) -> None:
    button = desk.button()
    for counter in counters:
        desk.take(check_in(button, counter))
        desk.now_ms += hours * HOUR_MS
    assert status_of(desk, button).counter_faults == jumps
    assert len(desk.journal(journal.COUNTER_JUMP)) == jumps


def test_a_counter_that_comes_twice_is_a_case_too(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(check_in(button, 10, battery=5), check_in(button, 10, battery=6))
    assert status_of(desk, button).counter_fault_ms == NOW_MS


def test_nothing_that_the_real_button_says_freezes_behind_a_counter_from_the_future(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(check_in(button, 10, battery=80))
    desk.take(check_in(button, 4_000_000_000, version=9, battery=100, **at(-60_000_000), flags=Flags.EXTERNAL_POWER))
    desk.now_ms += 60_000
    flags = Flags.LOW_BATTERY | Flags.TAMPER_OPEN
    desk.take(check_in(button, 11, battery=7, flags=flags, **at(accuracy=9)))
    status = status_of(desk, button)
    assert (status.battery, status.low_battery, status.tamper_open, status.external_power) == (7, True, True, False)
    assert status.health is not None and status.health.version == (1, 2, 3)
    assert status.position is not None and status.position.accuracy_m == 9
    device = Device(button.device_id, button.public_xy, 1, RegistrationState.ACTIVE, "Contoh", NOW_MS)
    found = problems(device, status, desk.now_ms, SupervisionLimits(), [])
    assert {Cause.LOW_BATTERY, Cause.COUNTERS} <= found.keys()
    assert Cause.COUNTER_GAP not in found, "nobody waits for four thousand million frames"


def said(counter: int, battery: int) -> Uplink:
    report = Report(0, -(2**31), 0, 65535, 65535, battery, Flags.LOW_BATTERY if battery < 10 else 0, 0)
    health = Status((1, 2, battery), -80, 1, 0, 5, 0, 0)
    return Uplink(Suite.HS256_64, Kind.CHECKIN, DEVICE_ID, counter, b"", b"", b"", report=report, status=health)


@given(
    ahead=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 5_000)), max_size=20),
    counter=st.integers(0, 2**31),
    battery=st.integers(0, 100),
)
def test_an_hour_after_the_last_word_of_a_copy_the_real_button_is_believed(
    ahead: list[tuple[int, int]], counter: int, battery: int
) -> None:
    """Whatever counters the copy has used, near or far."""
    status, at_ms = step(None, said(counter, 50), NOW_MS, NOW_MS).status, NOW_MS
    for other, pause_ms in ahead:
        at_ms += pause_ms
        status = step(status, said(other, 99), at_ms, at_ms).status
    at_ms += STRAGGLES_MS + 1
    status = step(status, said(counter + 1, battery), at_ms, at_ms).status
    assert status.battery == battery
    assert status.low_battery == (battery < 10)
    assert status.health is not None and status.health.version[2] == battery


def test_a_straggler_changes_nothing_of_what_a_later_frame_said() -> None:
    status = step(None, said(300, 60), NOW_MS, NOW_MS).status
    late = step(status, said(290, 70), NOW_MS + 60_000, NOW_MS).status
    assert (late.battery, late.told_counter) == (60, 300)


def test_a_cancel_from_the_future_does_not_stand_for_ever(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    desk.take(button.frame(Kind.CANCEL, 5_000, report_body(NOW_S, opening=4_999)))
    assert desk.only().cancelled_by_holder
    desk.take(button.press(NOW_S, again=True))
    assert not desk.only().cancelled_by_holder
    desk.take(button.follow(Kind.UPDATE, NOW_S))
    assert not desk.only().cancelled_by_holder


@pytest.mark.parametrize("first", ["copy", "button"])
def test_calls_of_a_button_whose_counters_jumped_are_marked_and_each_press_hears_how_far_it_is(
    desk: IngestHarness, first: str
) -> None:
    """A press from the future is the newest of its incident; the real one must hear of the unit all the same."""
    button = desk.button()
    desk.take(check_in(button, 10))
    future, real = (button.frame(Kind.PRESS, counter, report_body(NOW_S)) for counter in (90_000, 11))
    desk.take(*((future, real) if first == "copy" else (real, future)))
    incident = desk.only()
    assert (incident.key_copied, incident.presses) == (True, 2)
    with desk.store.transaction() as transaction:
        named = transaction.named_calls(incident.id, incident.key_copied)
    assert {counter for counter, _ in named} == {11, 90_000}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("before", "after"), [(60, 0), (0, 60), (7, 60), (60, 7), (60, 60)])
def test_however_often_a_copy_presses_the_real_press_hears_how_far_it_is(
    desk: IngestHarness, before: int, after: int, signed: bool
) -> None:
    """signed: the copy is of the button's key; else of the gateway's, which signs nothing. That one may go on for
    ever; of the other one it is enough that it cannot do it by eight presses, at whatever time."""
    if signed and min(before, after) > 7:
        after = 7
    button = desk.button()
    suite = Suite.ES256 if signed else Suite.HS256_64
    copies = [button.frame(Kind.PRESS, 90_000 + number, report_body(NOW_S), suite) for number in range(before + after)]
    if before:
        desk.take(*copies[:before])
    desk.take(button.frame(Kind.PRESS, 11, report_body(NOW_S)))
    if after:
        desk.take(*copies[before:])
    incident = desk.only()
    with desk.store.transaction() as transaction:
        named = transaction.named_calls(incident.id, incident.key_copied)
    assert 11 in {counter for counter, _ in named}
    assert len(named) == len(set(named)) <= 32
    assert named[0][0] == max(counter for counter, _ in named), "the newest is told first: some bearers take few"


def test_a_jump_marks_the_incident_that_is_open(desk: IngestHarness) -> None:
    button = desk.button()
    desk.take(button.press(NOW_S))
    desk.take(check_in(button, 90_000))
    assert desk.only().key_copied
    assert desk.told() == [(1, "opened"), (1, "key_copied")]
    assert [one.incident_id for one in desk.journal(journal.KEY_COPIED)] == [1]
