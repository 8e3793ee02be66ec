"""When a button sleeps, and for how long: the rule itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from siaga.core.power_profile import LINGER_MS, PROFILES, TRY_MS, pause_s, sleep_s

READY, DEEP = PROFILES["ready"], PROFILES["deep"]
DAY_S = 86400


def sleep(profile=READY, **facts: object) -> int:
    usual: dict[str, object] = {
        "idle": True,
        "awake_ms": 600_000,
        "quiet_ms": 600_000,
        "waits": False,
        "urgent": False,
        "at_floor": False,
        "due_s": 5000,
        "failures": 0,
        "checkin_s": 21600,
    }
    return sleep_s(profile, **{**usual, **facts})  # type: ignore[arg-type]


def test_the_profiles_are_what_the_page_for_installers_says():
    table = {name: (one.checkin_s, one.keepalive_s, one.sleeps, one.modem_off) for name, one in PROFILES.items()}
    assert table == {
        "installed": (60, 60, False, False),
        "ready": (6 * 3600, 15 * 60, True, False),
        "deep": (DAY_S, 60, True, True),
    }
    assert (LINGER_MS, TRY_MS) == (5_000, 120_000)


def test_the_borders_of_staying_awake():
    assert sleep(quiet_ms=LINGER_MS) == 5000
    assert sleep(waits=True, awake_ms=TRY_MS, due_s=0) == 1800
    assert sleep(waits=True, quiet_ms=TRY_MS // 2, due_s=0) == 1800
    assert sleep(waits=True, quiet_ms=TRY_MS // 2 - 1, due_s=0) == -1
    assert sleep(waits=True, due_s=1) == 1, "a check-in that is due in a second"
    assert sleep(waits=True, due_s=2) == 2


def test_it_sleeps_until_the_next_check_in():
    assert sleep() == 5000
    assert sleep(DEEP, due_s=DAY_S) == DAY_S
    assert sleep(quiet_ms=LINGER_MS - 1) == -1, "an answer or a command may follow"
    assert sleep(idle=False) == -1
    assert sleep(PROFILES["installed"]) == -1


def test_what_nobody_acknowledges_is_tried_again_more_and_more_seldom():
    assert sleep(waits=True, awake_ms=TRY_MS - 1) == -1
    assert [sleep(waits=True, failures=n, due_s=0) for n in range(6)] == [1800, 3600, 7200, 14400, 21600, 21600]
    assert sleep(waits=True, failures=5, due_s=100) == 100
    assert pause_s(10**6, 60) == 1800


@given(st.booleans(), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(-10, DAY_S), st.integers(0, 99))
def test_a_press_that_waits_keeps_it_awake_while_the_battery_lasts(at_floor, awake_ms, quiet_ms, due_s, failures):
    slept = sleep(
        waits=True, urgent=True, at_floor=at_floor, awake_ms=awake_ms, quiet_ms=quiet_ms, due_s=due_s, failures=failures
    )
    assert slept == -1 or (at_floor and awake_ms >= TRY_MS and slept <= 600)


@given(
    st.sampled_from(sorted(PROFILES)),
    st.booleans(),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
    st.booleans(),
    st.integers(-(10**6), DAY_S),
    st.integers(0, 10**6),
)
def test_it_never_sleeps_past_a_check_in_that_is_to_come(name, idle, awake_ms, quiet_ms, waits, due_s, failures):
    slept = sleep(
        PROFILES[name], idle=idle, awake_ms=awake_ms, quiet_ms=quiet_ms, waits=waits, due_s=due_s, failures=failures
    )
    assert slept == -1 or 0 < slept <= max(due_s, 1) or (waits and due_s <= 0)
    assert slept == -1 or (idle and name != "installed")
