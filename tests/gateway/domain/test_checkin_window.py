"""The window of check-ins, against a reference that remembers everything."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from siaga_gateway.domain import checkin_window
from siaga_gateway.domain.checkin_window import CONTENTS, WINDOW, Verdict, before_windows, holds, judge, noted
from siaga_gateway.domain.device_status import JUMP


def digest(counter: int, content: int) -> bytes:
    return sha256(f"{counter} {content}".encode()).digest()


class Device:
    """The window as the gateway keeps it, and all that has come beside it."""

    def __init__(self) -> None:
        self.window = b""
        self.came: dict[int, list[int]] = {}  # contents of check-ins by counter
        self.counters: list[int] = []  # of every frame that counts

    @property
    def first(self) -> int:
        return min(self.counters, default=0)

    @property
    def highest(self) -> int:
        return max(self.counters, default=-1)

    def _is_apart(self, counter: int) -> bool:
        return bool(self.counters) and not self.first - JUMP - 1 <= counter <= self.highest + JUMP + 1

    def call(self, counter: int) -> None:
        self.window = noted(self.window, counter, None, apart=self._is_apart(counter))
        self.counters.append(counter)

    def check_in(self, counter: int, content: int) -> Verdict:
        verdict = judge(self.window, self.first, counter, digest(counter, content))
        if verdict in (Verdict.NEW, Verdict.CONTRADICTS):
            self.window = noted(self.window, counter, digest(counter, content), apart=self._is_apart(counter))
            self.counters.append(counter)
            self.came.setdefault(counter, []).append(content)
        return verdict


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(500, 580), st.integers(0, CONTENTS - 1), st.booleans()), max_size=120))
def test_within_the_window_it_says_what_one_would_say_who_remembers_everything(
    frames: list[tuple[int, int, bool]],
) -> None:
    device = Device()
    for counter, content, call in frames:
        known = list(device.came.get(counter, []))
        lowest, first = device.highest - WINDOW + 1, device.first
        if call:
            device.call(counter)
            continue
        verdict = device.check_in(counter, content)
        if not device.window or counter < first:
            assert verdict is Verdict.NEW
        elif counter < lowest:
            assert verdict is Verdict.OUTSIDE, "never new, for it may have come"
        else:
            expected = Verdict.REPEATED if content in known else Verdict.CONTRADICTS if known else Verdict.NEW
            assert verdict is expected
            assert holds(device.window, counter)


COUNTERS = st.one_of(st.integers(0, 60), st.integers(5_000, 5_060), st.integers(0, 2**32 - 1))


@settings(max_examples=300)
@given(st.lists(st.tuples(COUNTERS, st.integers(0, 2), st.booleans()), max_size=80))
def test_what_has_come_is_never_new_whoever_jumps(frames: list[tuple[int, int, bool]]) -> None:
    device = Device()
    for counter, content, call in frames:
        if call:
            device.call(counter)
            continue
        known = list(device.came.get(counter, []))
        verdict = device.check_in(counter, content)
        if known:
            assert verdict is not Verdict.NEW


@given(
    copies=st.lists(st.tuples(st.integers(2_000, 2**32 - 1), st.booleans()), max_size=12),
    steps=st.lists(st.integers(1, 40), min_size=1, max_size=12),
)
def test_however_a_copy_of_the_key_jumps_the_real_buttons_check_ins_go_on(
    copies: list[tuple[int, bool]], steps: list[int]
) -> None:
    device, counter = Device(), 100
    assert device.check_in(counter, 0) is Verdict.NEW
    for number, step in enumerate(steps):
        for copy, call in copies[number : number + 2]:
            if call:
                device.call(copy)
            else:
                device.check_in(copy, 9)
        counter += step
        assert device.check_in(counter, 0) is Verdict.NEW
        assert device.check_in(counter, 0) is Verdict.REPEATED


def test_nothing_from_before_there_were_windows_is_new_and_what_follows_is() -> None:
    window = before_windows(700, 700)
    assert judge(window, 1, 700, digest(700, 0)) is Verdict.OUTSIDE
    assert judge(window, 1, 690, digest(690, 0)) is Verdict.OUTSIDE
    assert judge(window, 1, 701, digest(701, 0)) is Verdict.NEW
    jumped = before_windows(4_000_000_000, 700)
    assert judge(jumped, 1, 701, digest(701, 0)) is Verdict.NEW, "the real button's, whatever a copy has used"
    assert judge(jumped, 1, 699, digest(699, 0)) is Verdict.OUTSIDE


def test_it_stays_small_and_a_damaged_one_stops_nothing() -> None:
    device = Device()
    for counter in range(5_000):
        device.check_in(counter, 0)
    for copy in range(1, 20):
        device.check_in(copy * 100_000_000, 0)
    assert len(device.window) <= checkin_window.RUNS * 9 + 2 * WINDOW * 5
    for end in range(len(device.window)):
        assert judge(device.window[:end] + b"\xff", 0, 5_000, digest(5_000, 0)) in Verdict
        assert noted(device.window[:end] + b"\xff", 5_000, digest(5_000, 0), apart=False)


def test_more_contents_under_one_counter_than_it_remembers_are_each_a_contradiction() -> None:
    device = Device()
    for content in range(CONTENTS + 3):
        assert device.check_in(7, content) is (Verdict.CONTRADICTS if content else Verdict.NEW)
    assert device.check_in(7, 0) is Verdict.REPEATED, "the first are remembered"
    assert device.check_in(7, CONTENTS + 2) is Verdict.REPEATED, "and the last"
