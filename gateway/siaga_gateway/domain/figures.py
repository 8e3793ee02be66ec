"""Figures of many calls: how many, how they ended, how long each step took. Pure; integers, durations in ms.

The definitions are in the table of gateway/FIGURES.md; a test holds both together.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from siaga_gateway.domain.call_record import FALSE, NOBODY_HAS_TO_COME, CallRecord, counts
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.value import record

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
BOUNDS_MIN: Final = (1, 5, 10)  # the shares within
UNANSWERED_MS: Final = 10 * MINUTE_MS
FEW: Final = 5  # calls; fewer may tell who it was
# Upper bounds of the histogram's bars, seconds; the last bar has none.
BARS_S: Final = (10, 20, 40, 60, 120, 300, 600, 1_800, 3_600)
_LONGEST_BY_DAY: Final = 45  # days; a longer period's trend goes by weeks
_MONDAY: Final = 3  # 1 January 1970 was a Thursday
HOURS: Final = 24


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """Return the percentile by nearest rank: the smallest value that at least `percent` % of all do not exceed.

    ordered: ascending, not empty. percent: 1 to 100. It is always one of the values, exactly.
    """
    return ordered[-(-percent * len(ordered) // 100) - 1]


@record
class Spread:
    """How long something took."""

    count: int = 0  # of the calls with which it happened and can be measured
    among: int = 0  # of the calls with which it should have happened
    median_ms: int | None = None  # these are None where there is nothing
    p90_ms: int | None = None
    p95_ms: int | None = None
    mean_ms: int | None = None  # rounded down
    most_ms: int | None = None
    within: tuple[int, ...] = (0, 0, 0)  # how many took at most BOUNDS_MIN minutes


def spread(durations: Iterable[int], among: int) -> Spread:
    ordered = sorted(durations)
    if not ordered:
        return Spread(among=among)
    return Spread(
        len(ordered),
        among,
        nearest_rank(ordered, 50),
        nearest_rank(ordered, 90),
        nearest_rank(ordered, 95),
        sum(ordered) // len(ordered),
        ordered[-1],
        tuple(_at_most(ordered, minutes * MINUTE_MS) for minutes in BOUNDS_MIN),
    )


def _at_most(ordered: Sequence[int], bound: int) -> int:
    return bisect_left(ordered, bound + 1)


@record
class CallFigures:
    """The figures of one station with those under it, or of all."""

    calls: int
    presses: int
    held: int
    open: int
    left_out: int  # tests and exercises
    dispositions: Mapping[str, int]
    false: int
    real: int  # ended, and not false
    unanswered: int  # no desk had it within UNANSWERED_MS
    nobody_came: int  # real ones to which somebody had to come
    by_button: int  # calls whose press is timed by the button's clock; the others count from the alarm
    transmission: Spread
    acknowledged: Spread
    assigned: Spread
    on_scene: Spread
    bars: tuple[int, ...]  # of the time to the acknowledgement, by BARS_S

    @property
    def ended(self) -> int:
        return self.false + self.real


class CallCount:
    """Counts calls one by one, in bounded memory: four numbers a call."""

    __slots__ = (
        "_by_button",
        "_calls",
        "_dispositions",
        "_durations",
        "_held",
        "_late",
        "_left_out",
        "_never",
        "_open",
        "_pending",
        "_presses",
        "_unneeded",
        "_unsent",
    )

    def __init__(self) -> None:
        self._calls = self._presses = self._held = self._open = self._left_out = 0
        self._by_button = self._late = self._never = self._pending = self._unneeded = self._unsent = 0
        self._dispositions: Counter[str] = Counter()
        self._durations = tuple(array("q") for _ in range(4))

    def add(self, call: CallRecord, now_ms: int, mode: Mode = Mode.ACTUAL) -> bool:
        """Count a call. mode: of the gateway. Returns whether it counts at all."""
        if not counts(call, mode):
            self._left_out += 1
            return False
        _, opened_ms, _, _, pressed_ms, acknowledged_ms, assigned_ms, scene_ms, closed_ms, ended, presses, held = call
        self._calls += 1
        self._presses += presses
        self._held += held
        spared = ended in NOBODY_HAS_TO_COME
        if closed_ms is None:
            self._open += 1
        elif ended is not None:
            self._dispositions[ended] += 1
        transmission, acknowledged, assigned, on_scene = self._durations
        start_ms = opened_ms
        # A button's clock that is ahead shows that it is wrong, not that its message was quick.
        if pressed_ms is not None and pressed_ms <= opened_ms:
            self._by_button += 1
            transmission.append(opened_ms - pressed_ms)
            start_ms = pressed_ms
        young = closed_ms is None and 0 <= now_ms - opened_ms < UNANSWERED_MS
        if acknowledged_ms is None:
            self._pending += young
            self._late += not young
        elif acknowledged_ms >= opened_ms:  # else the clock was set back in between
            acknowledged.append(acknowledged_ms - start_ms)
            self._late += acknowledged_ms - opened_ms > UNANSWERED_MS
        if assigned_ms is not None and assigned_ms >= opened_ms:
            assigned.append(assigned_ms - start_ms)
        if scene_ms is not None and scene_ms >= opened_ms:
            on_scene.append(scene_ms - start_ms)
        self._unsent += spared and assigned_ms is None
        self._unneeded += spared and scene_ms is None
        if closed_ms is not None and ended is not None and not spared and scene_ms is None:
            self._never += 1
        return True

    def merge(self, other: CallCount) -> None:
        """Count all that the other has counted."""
        for name in self.__slots__:
            if name not in ("_durations", "_dispositions"):
                setattr(self, name, getattr(self, name) + getattr(other, name))
        self._dispositions.update(other._dispositions)
        for mine, others in zip(self._durations, other._durations, strict=True):
            mine.extend(others)

    def figures(self) -> CallFigures:
        transmission, acknowledged, assigned, on_scene = self._durations
        false = sum(count for ended, count in self._dispositions.items() if ended in FALSE)
        answerable = self._calls - self._pending
        return CallFigures(
            calls=self._calls,
            presses=self._presses,
            held=self._held,
            open=self._open,
            left_out=self._left_out,
            dispositions=dict(sorted(self._dispositions.items())),
            false=false,
            real=self._dispositions.total() - false,
            unanswered=self._late,
            nobody_came=self._never,
            by_button=self._by_button,
            transmission=spread(transmission, self._calls),
            acknowledged=spread(acknowledged, answerable),
            assigned=spread(assigned, self._calls - self._unsent),
            on_scene=spread(on_scene, self._calls - self._unneeded),
            bars=_bars(acknowledged),
        )


def _bars(durations: Iterable[int]) -> tuple[int, ...]:
    bounds = [seconds * 1000 for seconds in BARS_S]
    counts = [0] * (len(bounds) + 1)
    for duration in durations:
        counts[bisect_left(bounds, duration)] += 1
    return tuple(counts)


# When they came


@record
class Step:
    """One day, or one week from its Monday, of a trend."""

    day: int  # days since 1 January 1970, local: the first of it
    calls: int
    false: int
    median_ms: int | None  # to the acknowledgement


class CallCalendar:
    """Counts calls by hour and weekday, and by day or week, of the site's zone."""

    def __init__(self, first_day: int, last_day: int) -> None:
        """first_day, last_day: days since 1 January 1970, local, both within."""
        self._by_week = last_day - first_day >= _LONGEST_BY_DAY
        self._first, self._last = first_day, last_day
        self._hours = [0] * (7 * HOURS)
        self._steps: dict[int, tuple[list[int], array[int]]] = {}

    def add(self, call: CallRecord, offset_ms: int) -> None:
        """offset_ms: of the zone at the opening, east of UTC."""
        day, in_day = divmod(call.opened_at_ms + offset_ms, DAY_MS)
        self._hours[weekday(day) * HOURS + in_day // HOUR_MS] += 1
        counts, durations = self._steps.setdefault(self._step(day), ([0, 0], array("q")))
        counts[0] += 1
        counts[1] += call.disposition in FALSE
        if call.acknowledged_ms is not None and call.acknowledged_ms >= call.opened_at_ms:
            start_ms = call.opened_at_ms if call.pressed_at_ms is None else min(call.pressed_at_ms, call.opened_at_ms)
            durations.append(call.acknowledged_ms - start_ms)

    def _step(self, day: int) -> int:
        return day - weekday(day) if self._by_week else day

    @property
    def by_week(self) -> bool:
        return self._by_week

    def hours(self) -> tuple[int, ...]:
        """Return 7 x 24 counts, Monday 0 h first."""
        return tuple(self._hours)

    def steps(self) -> tuple[Step, ...]:
        """Return all steps from the first to the last, also those without a call."""
        width = 7 if self._by_week else 1
        found = []
        for day in range(self._step(self._first), self._last + 1, width):
            (calls, false), durations = self._steps.get(day, ([0, 0], array("q")))
            found.append(Step(day, calls, false, nearest_rank(sorted(durations), 50) if durations else None))
        return tuple(found)


def weekday(day: int) -> int:
    """Return the weekday of a day since 1 January 1970; Monday is 0."""
    return (day + _MONDAY) % 7
