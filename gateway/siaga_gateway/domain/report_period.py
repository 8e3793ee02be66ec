"""The time that a report is about: whole days of the site's zone."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.value import record

LONGEST_DAYS: Final = 3 * 366
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_FIRST_YEAR: Final = 1971
_LAST_YEAR: Final = 9_000


class PeriodError(Refused):
    """No such period; the text says why."""


class PeriodKind(StrEnum):
    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@record
class Period:
    """Two days, both within."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def bounds(self, local: LocalTime) -> tuple[int, int]:
        """Return its first moment and the first after it, Unix ms. Where clocks change a day has 23 or 25 hours."""
        return local.end_of(self.first - timedelta(days=1)), local.end_of(self.last)

    @property
    def first_day(self) -> int:
        """Days since 1 January 1970."""
        return self.first.toordinal() - _EPOCH_DAY

    @property
    def last_day(self) -> int:
        return self.last.toordinal() - _EPOCH_DAY


def day_of(number: int) -> date:
    """Return the day that is so many days after 1 January 1970."""
    return date.fromordinal(number + _EPOCH_DAY)


def period_of(kind: PeriodKind, day: date) -> Period:
    """Return the period of this kind that holds a day."""
    match kind:
        case PeriodKind.DAY:
            return Period(day, day)
        case PeriodKind.WEEK:
            monday = day - timedelta(days=day.weekday())
            return Period(monday, monday + timedelta(days=6))
        case PeriodKind.MONTH:
            return _months(day.replace(day=1), 1)
        case PeriodKind.QUARTER:
            return _months(date(day.year, (day.month - 1) // 3 * 3 + 1, 1), 3)
        case PeriodKind.YEAR:
            return _months(date(day.year, 1, 1), 12)


def _months(first: date, count: int) -> Period:
    after = first.year * 12 + first.month - 1 + count
    return Period(first, date(after // 12, after % 12 + 1, 1) - timedelta(days=1))


def free_period(first: date, last: date) -> Period:
    """Raises: PeriodError if it ends before it begins, or is too long."""
    if last < first:
        raise PeriodError("period.backwards", first=first.isoformat(), last=last.isoformat())
    if not (first.year >= _FIRST_YEAR and last.year <= _LAST_YEAR):
        raise PeriodError("period.year", first=first.isoformat(), last=last.isoformat())
    found = Period(first, last)
    if found.days > LONGEST_DAYS:
        raise PeriodError("period.long", days=found.days, most=LONGEST_DAYS)
    return found


def parsed_day(text: str) -> date:
    """Return a day written as 2026-11-30. Raises: PeriodError."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise PeriodError("period.no_day", text=text) from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise PeriodError("period.year", first=day.isoformat(), last=day.isoformat())
    return day
