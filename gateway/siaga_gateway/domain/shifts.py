"""When somebody is on duty or available: shifts by local weekdays and times, and what he said himself by his button.

A shift follows the clock on the wall. Where that clock is changed, a shift begins at the first and ends at the last
moment that reads so: two shifts overlap for an hour, and no hour is without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import Final

from siaga_gateway.domain.opening_hours import DAY, WEEK, Spans
from siaga_gateway.domain.value import record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_DAYS_BEFORE: Final = 3  # no piece of a shift that began on an earlier day is still under way, wherever clocks change
LONGEST_WORD_MS: Final = 16 * 3_600_000  # what somebody says of himself holds no longer: he forgets to take it back
_TIME: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})")
USUAL_WORD_MS: Final = 12 * 3_600_000  # without an end, and without a shift under way


class DutyState(StrEnum):
    ON_DUTY = "on_duty"
    AVAILABLE = "available"  # at home, and can be called
    OFF = "off"


_ORDER: Final = (DutyState.ON_DUTY, DutyState.AVAILABLE, DutyState.OFF)


@record
class Shift:
    """A rule: every week at these hours, on days from the first to the last."""

    responder: str  # whose; a responder's key
    duty: DutyState
    hours: Spans  # minutes of the local week; none: always
    first_day: int | None = None  # on which it may begin, as date.toordinal; None: since ever
    last_day: int | None = None  # on which it may begin, inclusive


@record
class SelfDeclared:
    """What somebody said of himself; it counts instead of his shifts until it ends."""

    responder: str
    duty: DutyState
    since_ms: int
    until_ms: int


@record
class Standing:
    """What somebody is now, and for how long that is sure."""

    duty: DutyState
    since_ms: int | None  # when the shift under way began, or he said so; None: off, or always
    until_ms: int | None  # when that ends; None: not foreseen within a week
    declared: bool = False  # said by himself

    @property
    def reachable(self) -> bool:
        return self.duty is not DutyState.OFF


NOTHING: Final = Standing(DutyState.OFF, None, None)


def occurrences(shift: Shift, from_ms: int, to_ms: int, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """Yield begin and end (Unix ms) of each time that the shift is under way between two times, unsorted.

    A shift that is always on has one, from its first day to its last, cut off some days outside of these times. One of
    more than a day comes in pieces of a day, each of which begins on a day of its own.
    """
    # Only days around: one far away, such as 9999-12-31 for "no end", has no Unix time in every zone.
    first, last = _local_day(from_ms, zone) - _DAYS_BEFORE, _local_day(to_ms, zone) + 1
    first = first if shift.first_day is None else max(first, shift.first_day)
    last = last if shift.last_day is None else min(last, shift.last_day)
    if first > last:
        return
    if not shift.hours:
        yield _edges(first, 0, zone)[0], _edges(last, DAY, zone)[1]
        return
    pieces = [piece for begin, length in shift.hours for piece in _days_of(begin, length)]
    for day in range(first, last + 1):
        weekday = date.fromordinal(day).weekday()
        for begin, length in pieces:
            if begin // DAY != weekday:
                continue
            begin_ms, end_ms = _edges(day, begin % DAY, zone)[0], _edges(day, begin % DAY + length, zone)[1]
            if begin_ms <= to_ms and end_ms >= from_ms:
                yield begin_ms, end_ms


def _days_of(begin: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the pieces of a span, each a day long or shorter: hours that touch are kept as one span (`written`)."""
    for minute in range(begin, begin + length, DAY):
        yield minute % WEEK, min(DAY, begin + length - minute)


def standing(shifts: Iterable[Shift], said: SelfDeclared | None, at_ms: int, zone: tzinfo) -> Standing:
    """Return what somebody with these shifts, who said so of himself, is at a time.

    Raises: OverflowError past the year 9999.
    """
    return with_word(by_shifts(shifts, at_ms, zone), said, at_ms)


def with_word(found: Standing, said: SelfDeclared | None, at_ms: int) -> Standing:
    """Return what somebody is who has these shifts, and said this of himself."""
    if said is None or said.until_ms <= at_ms:
        return found
    if said.since_ms <= at_ms:
        return Standing(said.duty, said.since_ms, said.until_ms, declared=True)
    until_ms = said.since_ms if found.until_ms is None else min(found.until_ms, said.since_ms)
    return Standing(found.duty, found.since_ms, until_ms)


def by_shifts(shifts: Iterable[Shift], at_ms: int, zone: tzinfo) -> Standing:
    """Return what these shifts say. On duty counts before available; shifts that touch are one.

    Raises: OverflowError past the year 9999.
    """
    week_ms = WEEK * 60_000
    spans: dict[DutyState, list[tuple[int, int]]] = {}
    for shift in shifts:
        found = occurrences(shift, at_ms - week_ms, at_ms + week_ms, zone)
        spans.setdefault(shift.duty, []).extend(found)
    next_ms: int | None = None
    for duty in _ORDER[:-1]:
        joined = _joined(spans.get(duty, []))
        for begin_ms, end_ms in joined:
            if begin_ms <= at_ms < end_ms:
                until_ms = None if end_ms > at_ms + week_ms else end_ms
                if next_ms is not None:
                    until_ms = next_ms if until_ms is None else min(until_ms, next_ms)
                return Standing(duty, begin_ms if begin_ms >= at_ms - week_ms else None, until_ms)
        later = [begin_ms for begin_ms, _ in joined if begin_ms > at_ms]
        next_ms = min([*later, *([] if next_ms is None else [next_ms])], default=None)
    return Standing(DutyState.OFF, None, next_ms)


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin_ms, end_ms in sorted(spans):
        if joined and begin_ms <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_ms)
        else:
            joined.append((begin_ms, end_ms))
    return joined


def declared(responder: str, duty: DutyState, now_ms: int, until_ms: int | None, shift_now: Standing) -> SelfDeclared:
    """Return what somebody says of himself now. until_ms: None: to the end of the shift under way, or half a day; that
    he is off holds no longer than until his next shift begins.

    It never holds longer than LONGEST_WORD_MS.
    """
    if until_ms is None:
        until_ms = shift_now.until_ms if shift_now.reachable or duty is DutyState.OFF else None
    if until_ms is None or until_ms <= now_ms:
        until_ms = now_ms + USUAL_WORD_MS
    return SelfDeclared(responder, duty, now_ms, min(until_ms, now_ms + LONGEST_WORD_MS))


def minute_of_day(text: str) -> int | None:
    """Parse 22:00 or 7.30 into a minute of the day, 24:00 into 1440; None: it is no time of day."""
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[2]) > 59:
        return None
    minute = int(match[1]) * 60 + int(match[2])
    return minute if minute <= DAY else None


def next_time(minute_of_day: int, now_ms: int, zone: tzinfo) -> int:
    """Return when the clock on the wall next reads so, Unix ms: 22:00 said at 23:00 is tomorrow's. 1440 is midnight.

    Raises: OverflowError past the year 9999.
    """
    today = _local_day(now_ms, zone)
    for day in (today, today + 1):
        for at_ms in sorted(set(_edges(day, minute_of_day, zone))):
            if at_ms > now_ms:
                return at_ms
    return _edges(today + 2, minute_of_day, zone)[0]


def _local_day(unix_ms: int, zone: tzinfo) -> int:
    return (_EPOCH + unix_ms * _MS).astimezone(zone).date().toordinal()


@lru_cache(maxsize=4_096)
def _edges(day: int, minute: int, zone: tzinfo) -> tuple[int, int]:
    """Return the first and the last moment at which the clock on the wall reads so, Unix ms; where it is set forward
    over that reading, what the clock of before and that of after would have made of it."""
    more, minute = divmod(minute, DAY)
    naive = datetime.combine(date.fromordinal(day + more), datetime.min.time()) + timedelta(minutes=minute)
    moments = [(naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) - _EPOCH) // _MS for fold in (0, 1)]
    return min(moments), max(moments)
