"""The last fix: its age, while the button runs, over a reset and over a sleep."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from nmea_sentences import HERE, NOON, UNKNOWN

from siaga.core import fix


def a_fix(epoch: int, accuracy: int = 10, time: int = NOON) -> fix.Fix:
    return fix.Fix(-54292000, 1052610000, accuracy, time, epoch)


def test_a_fix_ages_and_a_receiver_that_repeats_itself_does_not_renew_it() -> None:
    last = fix.LastFix()
    assert last.known(0, 0) is None
    assert not last.is_fresh(0, 10**6)
    assert last.take(a_fix(1, 20), 1000)
    assert last.known(5999, 0) == (*HERE, 20, 4, 1)
    assert not last.take(a_fix(1, 5), 9000)  # told better, not anew
    assert last.known(9000, 0) == (*HERE, 5, 8, 1)
    assert last.is_fresh(11000, 10000)
    assert not last.is_fresh(11001, 10000)
    assert last.take(a_fix(2), 12000)
    assert last.known(12000, 0) == (*HERE, 10, 0, 2)
    assert last.known(12000 + 70000 * 1000, 0) == (*HERE, 10, 65534, 2)


def test_the_last_fix_outlives_a_reset_with_its_age() -> None:
    before = fix.LastFix()
    assert before.saved(0, NOON) == b""
    before.take(a_fix(1), 1000)
    after = fix.LastFix()
    assert after.restore(before.saved(2000, 0))
    assert after.known(0, NOON + 60) == (*HERE, 10, 60, 1)
    assert after.known(0, 0) == (*HERE, 10, UNKNOWN, 1)  # the clock is not set
    assert after.known(0, NOON - 5) == (*HERE, 10, UNKNOWN, 1)  # and here it is wrong
    assert not after.is_fresh(0, 10**9)
    assert after.take(a_fix(1), 50)  # the same epoch number of another run is a new fix
    assert after.known(50, 0) == (*HERE, 10, 0, 2)


def test_a_fix_without_a_time_takes_it_from_the_clock_when_it_is_saved() -> None:
    before = fix.LastFix()
    before.take(a_fix(1, time=0), 1000)
    after = fix.LastFix()
    assert after.restore(before.saved(11000, NOON))
    assert after.known(0, NOON + 30) == (*HERE, 10, 40, 1)


@given(st.binary(max_size=20))
def test_a_corrupt_record_is_no_position(record: bytes) -> None:
    last = fix.LastFix()
    if not last.restore(record):
        assert last.known(0, 1) is None
    else:
        known = last.known(0, 1)
        assert known is not None
        assert abs(known[0]) <= 900_000_000
        assert abs(known[1]) <= 1_800_000_000


def test_the_age_of_a_fix_from_before_a_sleep_does_not_go_by_the_calendar():
    """The gateway corrects that clock, both ways, and it may not be set at all."""
    before = fix.LastFix()
    before.take(fix.Fix(*HERE, 10, NOON, 1), 1000)
    for unix in (0, NOON - 86400, NOON + 86400):
        after = fix.LastFix()
        assert after.restore(before.saved(2000, NOON), -7200 * 1000)
        assert after.known(3000, unix) == (*HERE, 10, 7203, 1)
        assert not after.is_fresh(3000, 10000)
