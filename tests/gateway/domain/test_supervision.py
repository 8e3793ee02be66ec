"""When a device needs an installer, by rule: silence while somebody listened, restarts, gaps, tamper, battery."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.device_report import Flags, Report, Status
from siaga_gateway.domain.device_status import REJECTED_MS, RESTART_MS, DeviceStatus, step
from siaga_gateway.domain.frame import Kind, Suite, Uplink
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.supervision import (
    GAP_OF_A_RESTART,
    INSTALLING_MS,
    PROFILES,
    Case,
    Cause,
    SupervisionLimits,
    due_since,
    judge,
    listened_ms,
    merged,
    problems,
    version_number,
)

DAY_MS = 24 * 3600 * 1000
NOW = 1_790_000_000_000
ENROLLED = NOW - 30 * DAY_MS
DEVICE_ID = bytes(range(8))
DEVICE = Device(DEVICE_ID, bytes(64), 1, RegistrationState.ACTIVE, "Toko Contoh", ENROLLED, checkin_s=60)
WELL = DeviceStatus(DEVICE_ID, 1, 100, 100, NOW - 1000, battery=80, health=Status((1, 2, 0), -80, 1, 0, 5, 0, 0))
WANTED = SupervisionLimits(version=(1, 2, 0))


def found(device: Device = DEVICE, now: int = NOW, deaf: list[tuple[int, int]] | None = None, **changes: object):  # type: ignore[no-untyped-def]
    return problems(device, replace(WELL, **changes), now, WANTED, deaf or [])  # type: ignore[arg-type]


def test_a_device_that_is_well_has_no_case() -> None:
    assert found() == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_device_is_silent_after_three_missed_check_ins_of_its_profile(profile: str) -> None:
    device = replace(DEVICE, checkin_s=PROFILES[profile])
    allowed = 3 * PROFILES[profile] * 1000
    assert found(device, last_seen_ms=NOW - allowed + 1000) == {}
    assert found(device, last_seen_ms=NOW - allowed) == {Cause.SILENT: allowed // 1000}


def test_a_device_that_was_never_heard_is_silent_since_its_enrolment() -> None:
    fresh = replace(DEVICE, enrolled_at_ms=NOW - 170_000)
    assert problems(fresh, None, NOW, WANTED, []) == {}
    assert problems(fresh, None, NOW + 10_000, WANTED, []) == {Cause.SILENT: 180}


def test_without_a_registered_interval_the_settings_one_counts() -> None:
    device = replace(DEVICE, checkin_s=None)
    assert found(device, last_seen_ms=NOW - 17 * 3600 * 1000) == {}
    assert Cause.SILENT in found(device, last_seen_ms=NOW - 18 * 3600 * 1000)


def test_silence_while_nobody_listened_is_nobodys_fault() -> None:
    away = [(NOW - 3_600_000, NOW - 100_000)]  # the gateway was down for an hour and is back for 100 s
    assert found(last_seen_ms=NOW - 3_650_000, deaf=away) == {}  # 50 s and 100 s
    assert found(last_seen_ms=NOW - 3_650_000, deaf=away, now=NOW + 30_000) == {Cause.SILENT: 180}


def test_what_a_device_says_of_itself() -> None:
    assert found(low_battery=True, battery=9) == {Cause.LOW_BATTERY: 9}
    assert found(health=Status((1, 1, 9), -80, 1, 0, 5, 0, 0)) == {Cause.OLD_VERSION: version_number((1, 2, 0))}
    assert found(health=None) == {}  # it never said
    assert found(tampered_ms=NOW - 5000) == {Cause.TAMPER: (NOW - 5000) // 1000}


def test_while_it_is_being_installed_nobody_counts_its_restarts_or_openings() -> None:
    bench = {"restarts_until_ms": NOW + 9 * RESTART_MS, "highest_counter": 5000, "tamper_open": True}
    new = replace(DEVICE, enrolled_at_ms=NOW - INSTALLING_MS + 1)
    assert found(new, tampered_ms=NOW - 10, **bench) == {}
    old = replace(DEVICE, enrolled_at_ms=NOW - INSTALLING_MS)
    assert set(found(old, tampered_ms=NOW - 10, **bench)) == {Cause.RESTARTS, Cause.COUNTER_GAP, Cause.TAMPER}
    assert Cause.TAMPER not in found(old, tampered_ms=NOW - 10, tamper_open=False)  # closed when the work was done


@pytest.mark.parametrize("state", ["suspended", "expired", "stolen"])
def test_what_is_not_in_service_needs_no_installer(state: str) -> None:
    device = replace(DEVICE, state=RegistrationState(state))
    assert found(device, last_seen_ms=ENROLLED, low_battery=True) == {}
    assert found(replace(DEVICE, valid_until_ms=NOW), last_seen_ms=ENROLLED) == {}


def test_a_gap_that_restarts_explain_is_none() -> None:
    assert found(highest_counter=100 + 5 * GAP_OF_A_RESTART, restarts=5) == {}
    assert found(highest_counter=100 + 100) == {Cause.COUNTER_GAP: 100}


def frame(counter: int, flags: int = 0, rejected: int = 0, restarts: int = 0) -> Uplink:
    report = Report(0, -(2**31), 0, 65535, 65535, 80, flags, 0)
    status = Status((1, 2, 0), -80, 1, 0, 5, restarts, rejected)
    return Uplink(Suite.HS256_64, Kind.CHECKIN, DEVICE_ID, counter, b"", b"", b"", report=report, status=status)


def after(*frames: tuple[int, Uplink]) -> DeviceStatus:
    status: DeviceStatus | None = None
    for at_ms, uplink in frames:
        status = step(status, uplink, at_ms, at_ms).status
    assert status is not None
    return status


def test_restarts_are_remembered_and_forgotten() -> None:
    status = after(*((NOW + n * 1000, frame(1 + 17 * n, Flags.RESTARTED, restarts=n)) for n in range(5)))
    assert status.restarts == 5  # each told once by the flag, however often the count beside it is repeated
    assert problems(DEVICE, status, NOW + 5000, WANTED, [])[Cause.RESTARTS] == 5
    later = NOW + 5 * RESTART_MS - 1000
    quiet = replace(status, last_seen_ms=later)
    assert Cause.RESTARTS not in problems(DEVICE, quiet, later, WANTED, [])
    still = problems(DEVICE, quiet, later, WANTED, [], frozenset({Cause.RESTARTS}))
    assert still == {Cause.RESTARTS: 1}, "a case ends when all is forgotten, not at the first quiet hour"
    assert problems(DEVICE, quiet, later + 1000, WANTED, [], frozenset({Cause.RESTARTS})) == {}


def test_a_flood_of_refused_inputs_is_forgotten_in_days_not_years() -> None:
    status = after(*((NOW + n, frame(n, rejected=255)) for n in range(1, 50)))
    assert status.rejected_until_ms <= NOW + 49 + 72 * REJECTED_MS
    assert problems(DEVICE, status, NOW + 100, WANTED, [])[Cause.REJECTED] == 72


def opened(counter: int) -> Uplink:
    report = Report(0, -(2**31), 0, 65535, 65535, 80, Flags.TAMPER_OPEN, 0)
    return Uplink(Suite.HS256_64, Kind.TAMPER, DEVICE_ID, counter, b"", b"", b"", report=report)


def test_an_opening_is_kept_though_the_housing_is_closed_again_and_though_it_comes_late() -> None:
    status = after((NOW, frame(1)), (NOW + 1, opened(2)), (NOW + 2, frame(3)), (NOW + 3, frame(4)))
    assert status.tampered_ms == NOW + 1 and not status.tamper_open
    late = after((NOW, frame(1)), (NOW + 2, frame(3)), (NOW + 3, opened(2)))
    assert late.tampered_ms == NOW + 3 and not late.tamper_open
    again = step(replace(status, tampered_ms=None), frame(5), NOW + 9, NOW + 9).status
    assert again.tampered_ms is None, "what a person has looked into is not told again"
    assert step(again, opened(6), NOW + 10, NOW + 10).status.tampered_ms == NOW + 10


def test_a_housing_that_stays_open_is_a_case_without_a_word_of_its_opening() -> None:
    status = after((NOW, frame(1, Flags.TAMPER_OPEN)))
    assert problems(DEVICE, status, NOW, WANTED, []) == {Cause.TAMPER: 0}
    passed = Case(1, DEVICE_ID, Cause.TAMPER, 0, NOW, NOW, "Contoh Teknisi")
    assert not judge({Cause.TAMPER: 0}, [passed], WANTED).opened


# Silence

PERIODS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 400)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=8
)


@given(PERIODS, st.integers(0, 5000), st.integers(0, 5000))
def test_listened_time_is_what_is_left_of_each_moment(periods: list[tuple[int, int]], since: int, length: int) -> None:
    now = since + length
    moments = [at for at in range(since, now) if not any(begin <= at < end for begin, end in periods)]
    assert listened_ms(since, now, merged(periods)) == len(moments)


@given(PERIODS, st.integers(1, 5000), st.integers(5000, 6000))
def test_the_sieve_and_the_rule_agree_on_who_is_silent(periods: list[tuple[int, int]], silence: int, now: int) -> None:
    deaf = merged(periods)
    since = due_since(now, silence, deaf)
    assert listened_ms(since, now, deaf) == silence
    assert listened_ms(since + 1, now, deaf) < silence


# Cases

OPEN = Case(1, DEVICE_ID, Cause.COUNTER_GAP, 120, NOW)


def test_a_cause_opens_one_case_and_its_end_closes_it() -> None:
    assert judge({Cause.COUNTER_GAP: 120}, [], WANTED).opened == {Cause.COUNTER_GAP: 120}
    assert judge({Cause.COUNTER_GAP: 500}, [OPEN], WANTED) == judge({}, [], WANTED)
    assert judge({}, [OPEN], WANTED).gone == (OPEN,)
    both = judge({Cause.SILENT: 200}, [OPEN], WANTED)
    assert both.opened == {Cause.SILENT: 200} and both.gone == (OPEN,)


@pytest.mark.parametrize(
    ("cause", "seen", "same", "worse"),
    [
        (Cause.COUNTER_GAP, 120, 219, 220),
        (Cause.RESTARTS, 5, 9, 10),
        (Cause.REJECTED, 20, 39, 40),
        (Cause.OLD_VERSION, 7, 7, 8),
        (Cause.TAMPER, 1000, 1000, 1001),
        (Cause.COUNTERS, 1000, 1000, 1001),
        (Cause.SILENT, 200, 999_999, None),
        (Cause.LOW_BATTERY, 9, 1, None),
    ],
)
def test_what_a_person_let_pass_stays_quiet_until_it_is_worse(
    cause: Cause, seen: int, same: int, worse: int | None
) -> None:
    passed = replace(OPEN, cause=cause, level=seen, closed_ms=NOW, closed_by="Contoh Teknisi")
    quiet = judge({cause: same}, [passed], WANTED)
    assert not quiet.opened and not quiet.gone
    assert judge({}, [passed], WANTED).gone == (passed,)
    if worse is not None:
        again = judge({cause: worse}, [passed], WANTED)
        assert again.opened == {cause: worse} and again.gone == (passed,)
