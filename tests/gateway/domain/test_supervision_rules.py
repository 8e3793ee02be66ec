"""What is expected of a device, in numbers (domain/supervision.py); what becomes of it: test_supervision.py."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from gateway.rule_values import ID, NOW_MS, device
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import REJECTED_MS, RESTART_MS, DeviceStatus
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.supervision import (
    GAP_OF_A_RESTART,
    INSTALLING_MS,
    PROFILES,
    UNSIGNED_MS,
    Case,
    Cause,
    SupervisionLimits,
    Verdict,
    checkin_of,
    due_since,
    judge,
    listened_ms,
    merged,
    problems,
    silence_allowed_ms,
    unexplained,
    version_number,
)

DAY_MS = 86_400_000
HEALTH = Status((1, 2, 0), -80, 1, 0, 5, 0, 0)
WELL = DeviceStatus(ID, 1, 100, 100, NOW_MS, battery=80, health=HEALTH)
USUAL = SupervisionLimits()


def found(
    wanted: SupervisionLimits = USUAL, standing: frozenset[Cause] = frozenset(), **changes: object
) -> dict[Cause, int]:
    hung = device(enrolled_at_ms=NOW_MS - 30 * DAY_MS)
    return problems(hung, replace(WELL, **changes), NOW_MS, wanted, [], standing)  # type: ignore[arg-type]


def test_what_is_expected_where_nothing_else_is_set() -> None:
    assert PROFILES == {"installed": 60, "ready": 21_600, "deep": 86_400}
    assert SupervisionLimits(21_600, 3, 5, 20, 100, None) == USUAL
    assert (GAP_OF_A_RESTART, INSTALLING_MS) == (24, DAY_MS)
    assert Case(1, ID, Cause.SILENT, 1, 0) == Case(1, ID, Cause.SILENT, 1, 0, None, None, None, True, None)


@pytest.mark.parametrize("value", [USUAL, Case(1, ID, Cause.SILENT, 1, 0), Verdict({}, ())])
def test_such_a_value_is_not_changed_and_not_misspelt(value: object) -> None:
    assert not hasattr(value, "__dict__")
    with pytest.raises(FrozenInstanceError):
        setattr(value, next(iter(value.__slots__)), 1)  # type: ignore[attr-defined]


# How often it checks in


@pytest.mark.parametrize(
    ("settings", "checkin"),
    [
        ({}, None),  # they say nothing of it
        ({"hold_ms": 3000}, None),
        ({"checkin_s": 90}, (90,)),
        ({"checkin_s": 1}, (1,)),
        ({"checkin_s": 90, "profile": "deep"}, (90,)),
        ({"profile": "installed"}, (60,)),
        ({"profile": "ready"}, (21_600,)),
        ({"profile": "deep"}, (86_400,)),
        # What the device refuses: as is usual.
        ({"checkin_s": 0}, (None,)),
        ({"checkin_s": -5}, (None,)),
        ({"checkin_s": True}, (None,)),
        ({"checkin_s": 1.5}, (None,)),
        ({"checkin_s": "90"}, (None,)),
        ({"profile": "none such"}, (None,)),
        ({"profile": 3}, (None,)),
        ({"profile": ["deep"]}, (None,)),
        ({"checkin_s": 0, "profile": "deep"}, (86_400,)),
        ({"checkin_s": None, "profile": None}, None),
    ],
)
def test_what_settings_say_of_its_check_ins(settings: dict[str, object], checkin: tuple[int | None] | None) -> None:
    assert checkin_of(settings) == checkin


def test_how_long_it_may_be_silent() -> None:
    assert silence_allowed_ms(None, SupervisionLimits(checkin_s=100, missed=3)) == 300_000
    assert silence_allowed_ms(60, SupervisionLimits(checkin_s=100, missed=4)) == 240_000
    assert silence_allowed_ms(0, SupervisionLimits(checkin_s=100, missed=4)) == 0


# While nobody listened


def test_what_was_heard_between_two_moments() -> None:
    deaf = [(100, 200), (300, 400)]
    assert listened_ms(0, 500, deaf) == 300
    assert [listened_ms(150, now, deaf) for now in (149, 150, 199, 200, 201, 350)] == [0, 0, 0, 0, 1, 100]
    assert listened_ms(600, 500, []) == 0, "its clock was set back: nobody is to blame"
    assert listened_ms(600, 500, deaf) == 0
    assert listened_ms(350, 360, deaf) == 0


def test_since_when_silence_counts() -> None:
    deaf = [(100, 200), (300, 400)]
    assert due_since(500, 100, deaf) == 400
    assert due_since(500, 99, deaf) == 401
    assert due_since(500, 101, deaf) == 299
    assert due_since(500, 200, deaf) == 200
    assert due_since(500, 250, deaf) == 50
    assert due_since(350, 50, deaf) == 250, "they do not listen now"
    assert due_since(300, 50, deaf) == 250, "and begin not to just now"
    assert due_since(90, 50, deaf) == 40
    assert due_since(250, 30, [(100, 240), (300, 400)]) == 80, "of what is still to come it knows nothing"


def test_periods_that_meet_are_one() -> None:
    assert merged([(5, 9), (1, 3), (3, 4), (9, 9), (8, 12), (20, 20), (30, 29)]) == [(1, 4), (5, 12)]
    assert merged([(1, 10), (2, 5)]) == [(1, 10)]
    assert merged([]) == []


# What is wrong with it


def test_silence_counts_from_the_last_word_or_the_enrolment_whichever_is_later() -> None:
    fresh = device(enrolled_at_ms=NOW_MS - 70_000, checkin_s=20)
    assert problems(fresh, replace(WELL, last_seen_ms=0), NOW_MS, USUAL, []) == {Cause.SILENT: 70}
    assert problems(fresh, replace(WELL, last_seen_ms=NOW_MS - 60_000), NOW_MS, USUAL, []) == {Cause.SILENT: 60}
    assert problems(fresh, replace(WELL, last_seen_ms=NOW_MS - 59_999), NOW_MS, USUAL, []) == {}
    assert problems(fresh, None, NOW_MS, USUAL, []) == {Cause.SILENT: 70}


@pytest.mark.parametrize("state", list(RegistrationState))
def test_only_what_is_in_service_or_about_to_be_is_looked_after(state: RegistrationState) -> None:
    served = state in (RegistrationState.ACTIVE, RegistrationState.PENDING)
    for standing in (frozenset[Cause](), frozenset(Cause)):
        assert bool(problems(device(state=state), None, NOW_MS, USUAL, [], standing)) is served


def test_what_it_says_of_itself() -> None:
    assert found() == {}
    assert found(low_battery=True, battery=None) == {Cause.LOW_BATTERY: 0}
    assert found(low_battery=True, battery=12) == {Cause.LOW_BATTERY: 12}
    assert found(counter_fault_ms=0) == {Cause.COUNTERS: 0}
    assert found(counter_fault_ms=NOW_MS) == {Cause.COUNTERS: NOW_MS // 1000}


def test_two_days_of_check_ins_by_mac_alone_are_a_case() -> None:
    assert found(mac_since_ms=NOW_MS - UNSIGNED_MS, mac_until_ms=NOW_MS) == {Cause.UNSIGNED: UNSIGNED_MS // 1000}
    assert found(mac_since_ms=NOW_MS - UNSIGNED_MS, mac_until_ms=NOW_MS - 1) == {}
    assert found(mac_since_ms=NOW_MS - 9 * UNSIGNED_MS, mac_until_ms=NOW_MS - 9 * UNSIGNED_MS) == {}


def test_its_version_is_old_where_a_later_one_is_wanted() -> None:
    wanted = {
        version: found(SupervisionLimits(version=version)) for version in ((1, 2, 0), (1, 1, 9), (1, 2, 1), (2, 0, 0))
    }
    assert wanted == {
        (1, 2, 0): {},
        (1, 1, 9): {},
        (1, 2, 1): {Cause.OLD_VERSION: 0x010201},
        (2, 0, 0): {Cause.OLD_VERSION: 0x020000},
    }
    assert found(SupervisionLimits(version=(2, 0, 0)), health=None) == {}
    assert version_number((3, 255, 7)) == 3 * 65_536 + 255 * 256 + 7


def test_an_opening_after_its_installation_counts_and_one_that_stands_open() -> None:
    installed = NOW_MS - 29 * DAY_MS
    assert found(tampered_ms=installed - 1) == {}
    assert found(tampered_ms=installed) == {Cause.TAMPER: installed // 1000}
    assert found(tamper_open=True) == {Cause.TAMPER: 0}
    assert found(tamper_open=True, tampered_ms=5_000) == {Cause.TAMPER: 5}


@pytest.mark.parametrize(
    ("cause", "field", "each_ms", "most"),
    [
        (Cause.RESTARTS, "restarts_until_ms", RESTART_MS, 5),
        (Cause.REJECTED, "rejected_until_ms", REJECTED_MS, 20),
    ],
)
def test_restarts_and_refused_inputs_count_while_they_are_remembered(
    cause: Cause, field: str, each_ms: int, most: int
) -> None:
    enough = NOW_MS + (most - 1) * each_ms
    assert found(**{field: enough}) == {}
    assert found(**{field: enough + 1}) == {cause: most}, "a part of one is one"
    assert found(**{field: NOW_MS + most * each_ms}) == {cause: most}
    standing = frozenset({cause})
    assert found(USUAL, standing, **{field: NOW_MS + 1}) == {cause: 1}
    assert found(USUAL, standing, **{field: NOW_MS}) == {}
    assert found(USUAL, frozenset(Cause) - standing, **{field: NOW_MS + 1}) == {}


def test_frames_that_never_came_count_beyond_what_restarts_explain() -> None:
    assert found(highest_counter=199) == {}
    assert found(highest_counter=200) == {Cause.COUNTER_GAP: 100}
    assert found(highest_counter=223, restarts=1) == {}
    assert found(highest_counter=224, restarts=1) == {Cause.COUNTER_GAP: 100}
    assert unexplained(replace(WELL, restarts=9)) == 0
    assert unexplained(replace(WELL, highest_counter=101)) == 1


def test_while_it_is_installed_only_what_is_wrong_by_itself_counts() -> None:
    bench = replace(WELL, highest_counter=9_000, tamper_open=True, low_battery=True, counter_fault_ms=1_000)
    begun = device(enrolled_at_ms=NOW_MS - DAY_MS + 1)
    assert set(problems(begun, bench, NOW_MS, USUAL, [])) == {Cause.LOW_BATTERY, Cause.COUNTERS}
    over = device(enrolled_at_ms=NOW_MS - DAY_MS)
    assert {Cause.TAMPER, Cause.COUNTER_GAP} <= set(problems(over, bench, NOW_MS, USUAL, []))


# What becomes of its cases


@pytest.mark.parametrize(
    ("cause", "worse_by"),
    [
        (Cause.RESTARTS, 5),
        (Cause.REJECTED, 20),
        (Cause.COUNTER_GAP, 100),
        (Cause.OLD_VERSION, 1),
        (Cause.TAMPER, 1),
        (Cause.COUNTERS, 1),
        (Cause.SILENT, None),
        (Cause.LOW_BATTERY, None),
    ],
)
def test_a_case_that_a_person_closed_is_opened_anew_where_it_is_worse(cause: Cause, worse_by: int | None) -> None:
    closed = Case(1, ID, cause, 50, 0, closed_ms=0)
    standing = replace(closed, closed_ms=None)
    worse = 10_000 if worse_by is None else 50 + worse_by
    again = judge({cause: worse}, [closed], USUAL)
    assert again == (Verdict({}, ()) if worse_by is None else Verdict({cause: worse}, (closed,)))
    assert judge({cause: worse - 1}, [closed], USUAL) == Verdict({}, ()), "it knows so much already"
    assert judge({cause: worse}, [standing], USUAL) == Verdict({}, ()), "it stands open as it is"
    assert judge({}, [closed], USUAL).gone == judge({}, [closed], USUAL).gone == (closed,)
