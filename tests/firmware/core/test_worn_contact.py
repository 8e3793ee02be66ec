"""A contact that is worn, wet or cold opens for moments under a finger: every small history of one is tried."""

from __future__ import annotations

from itertools import product

import pytest

from siaga.core.button_gestures import CANCEL, DURESS, PRESS, TAPS, Button

STEP = 5
CLOSED = (10, 60, 350, 1100, 2400, 5300)
OPEN = (10, 40, 100, 140, 170, 400)


def heard(segments: list[tuple[bool, int]], *, incident: bool, taps: bool, step: int = STEP) -> list[str]:
    """segments: (closed, milliseconds)."""
    button, now, words = Button(triple_tap=taps), 0, []
    for closed, ms in [(False, 500), *segments, (False, 1500)]:
        end = now + ms
        while now < end:
            word = button.sample(closed, now, incident)
            words += [word] if word else []
            now += step
    return words


class Hold:
    """What one hold came to: total with its openings, longest unbroken end, and every closing of it."""

    def __init__(self) -> None:
        self.total = self.unbroken = self.open = 0


def holds(segments: list[tuple[bool, int]]) -> list[Hold]:
    """By the rule itself: shorter than 25 ms is bounce, up to 150 ms an opening of the same hold, longer its end."""
    found: list[Hold] = []
    current: Hold | None = None
    for closed, ms in segments:
        if closed:
            if current is None:
                if ms < 25:
                    continue
                current = Hold()
                found.append(current)
            if current.open >= 25 and ms >= 25:
                current.unbroken = 0
            current.total += current.open + ms
            current.unbroken += ms + (current.open if current.open < 25 else 0)
            current.open = 0
        elif current is not None:
            current.open += ms
            if current.open > 150:
                current = None
    return found


def histories(count: int) -> list[list[tuple[bool, int]]]:
    found = []
    for times in product(*[CLOSED if place % 2 == 0 else OPEN for place in range(count)]):
        found.append([(place % 2 == 0, ms) for place, ms in enumerate(times)])
    return found


@pytest.mark.parametrize("count", [1, 3, 5])
def test_every_small_history_without_an_incident(count: int):
    for segments in histories(count):
        if any(closed and ms < 25 for closed, ms in segments):
            continue  # bounce of its own is below
        expected = [PRESS for hold in holds(segments) if hold.total >= 2000]
        assert heard(segments, incident=False, taps=False) == expected, segments


@pytest.mark.parametrize("count", [1, 3])
def test_every_small_history_in_an_incident(count: int):
    for segments in histories(count):
        if any(closed and ms < 25 for closed, ms in segments):
            continue
        words = heard(segments, incident=True, taps=False)
        expected = []
        for hold in holds(segments):
            if hold.total >= 8000:
                expected.append(DURESS)
            elif hold.unbroken >= 5000:
                expected.append(CANCEL)
            elif hold.total >= 2000:
                expected.append(PRESS)
        assert words == expected, segments


def test_a_free_cancel_is_never_made_of_pieces():
    """Whatever the openings, a CANCEL needs 5 s without one."""
    for segments in histories(5):
        runs = [0]
        for closed, ms in segments:
            runs[-1] += ms if closed or ms < 25 else 0
            if not closed and ms >= 25:
                runs.append(0)
        if CANCEL in heard(segments, incident=True, taps=True, step=10):
            assert max(runs) >= 4950, segments


@pytest.mark.parametrize("gap", [20, 30, 50, 80, 120, 145])
@pytest.mark.parametrize("every", [300, 500, 1000, 1900])
def test_a_worn_contact_alarms_and_forces(gap: int, every: int):
    worn = [part for _ in range(10_000 // every) for part in ((True, every - gap), (False, gap))]
    assert heard(worn, incident=False, taps=False) == [PRESS]
    assert heard(worn, incident=True, taps=False) == [DURESS]


@pytest.mark.parametrize("every", [300, 500, 1000, 1900])
def test_with_taps_allowed_a_worn_contact_alarms_once_too(every: int):
    worn = [part for _ in range(6000 // every) for part in ((True, every - 50), (False, 50))]
    words = heard(worn, incident=False, taps=True)
    assert words in ([PRESS], [TAPS]), "an alarm, and one"


@pytest.mark.parametrize("closed", [40, 80, 150])
@pytest.mark.parametrize("open_", [40, 80, 140, 160, 300, 550])
def test_three_taps_of_quick_and_slow_fingers_never_merge(closed: int, open_: int):
    taps = [(True, closed), (False, open_)] * 3
    assert heard(taps, incident=False, taps=True) == [TAPS]
    assert heard(taps, incident=True, taps=True) == [TAPS]
    assert heard(taps, incident=False, taps=False) == []
    bouncing = [part for _ in range(3) for part in ((True, 10), (False, 10), (True, closed), (False, 10), (True, 10))]
    bouncing = [part for tap in range(3) for part in (*bouncing[tap * 5 : tap * 5 + 5], (False, open_))]
    assert heard(bouncing, incident=False, taps=True) == [TAPS]


def test_two_touches_are_not_three_taps_by_a_worn_contact():
    """A long closing between openings is a finger that stays, not a tap."""
    assert heard([(True, 350), (False, 50), (True, 350), (False, 400), (True, 350)], incident=False, taps=True) == []
