"""When a station is open: local weekdays and times, also over midnight, in minutes of a week from Monday 00:00."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final

from siaga_gateway.domain.errors import Malformed

DAY: Final = 1_440  # minutes
WEEK: Final = 7 * DAY

Spans = tuple[tuple[int, int], ...]  # (first minute of the week, minutes open); none: always open

_DAYS: Final[dict[str, int]] = {
    name: number
    for number, names in enumerate(
        (
            "mon monday sen senin",
            "tue tuesday sel selasa",
            "wed wednesday rab rabu",
            "thu thursday kam kamis",
            "fri friday jum jumat jum'at",
            "sat saturday sab sabtu",
            "sun sunday min minggu ahad",
        )
    )
    for name in names.split()
}
_ALWAYS: Final = re.compile(r"|24|24/7|24\s*(?:h|jam|hours)|always|selalu|setiap saat")
_NAMES: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Days and times: "Sen-Jum 08:00-16:00", "Sab, Min 22.00-06.00", "08:00-16:00"
_PART: Final = re.compile(r"(?P<days>[a-z',\s-]*?)\s*(?P<times>[0-9].*)")
_TIMES: Final = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})\s*-\s*([0-9]{1,2})[:.]([0-9]{2})")


class HoursError(Malformed):
    """Hours that cannot be read; the text says which part, and how to write it."""


@lru_cache(maxsize=1_024)
def parsed(text: str) -> Spans:
    """Read hours as people write them, in Indonesian or English: parts with `;` between them, each of them days (none:
    every day) and times with `,` between them. An end at or before the begin is on the next day.

    Raises: HoursError.
    """
    return _joined(_spans(text))


@lru_cache(maxsize=1_024)
def parsed_shifts(text: str) -> Spans:
    """Read hours as `parsed`, but leave apart what only touches: each span begins on a day of its own, which may be
    before the first one, or after the last one, of a rule.

    Raises: HoursError.
    """
    return _joined(_spans(text), apart=True)


def _spans(text: str) -> list[tuple[int, int]]:
    """Return what is written; nothing: always."""
    written = re.sub(r"[‒-―−]|\bs/d\b|\bsampai\b|\buntil\b|\bto\b", "-", text.strip().lower())
    if _ALWAYS.fullmatch(written):
        return []
    return [span for part in written.split(";") if part.strip() for span in _part(part.strip())]


def _part(part: str) -> list[tuple[int, int]]:
    match = _PART.fullmatch(part)
    if match is None:
        raise HoursError("hours.part", part=part)
    days = _days(match["days"], part)
    spans = []
    for times in match["times"].split(","):
        found = _TIMES.fullmatch(times.strip())
        if found is None:
            raise HoursError("hours.part", part=part)
        begin, end = (_minute(found[at], found[at + 1], part) for at in (1, 3))
        if begin == DAY:
            raise HoursError("hours.time", part=part)
        minutes = end - begin if end > begin else end - begin + DAY
        spans += [(day * DAY + begin, minutes) for day in days]
    return spans


def _days(text: str, part: str) -> list[int]:
    if not text.strip(" ,:"):
        return list(range(7))
    days = []
    for each in re.sub(r"\s*-\s*", "-", text.strip(" ,")).replace(",", " ").split():
        first, _, last = each.partition("-")
        if first not in _DAYS or (last and last not in _DAYS):
            raise HoursError("hours.day", part=part, day=each)
        until = (_DAYS[last or first] - _DAYS[first]) % 7
        days += [(_DAYS[first] + more) % 7 for more in range(until + 1)]
    return days


def _minute(hour: str, minute: str, part: str) -> int:
    of_day = int(hour) * 60 + int(minute)
    if of_day > DAY or int(minute) > 59:
        raise HoursError("hours.time", part=part)
    return of_day


def _joined(spans: list[tuple[int, int]], *, apart: bool = False) -> Spans:
    """Return the same minutes with as few spans as can be; none if that is the whole week. apart: those that overlap
    alone become one."""
    shared = 1 if apart else 0  # minutes
    minutes = sorted(spans)
    joined: list[tuple[int, int]] = []
    for begin, length in minutes:
        if joined and begin + shared <= joined[-1][0] + joined[-1][1]:
            first, before = joined[-1]
            joined[-1] = first, max(before, begin + length - first)
        else:
            joined.append((begin, length))
    # What goes over the end of the week may reach the first of it.
    while len(joined) > 1 and joined[-1][0] + joined[-1][1] >= WEEK + joined[0][0] + shared:
        first, length = joined.pop(0)
        begin, before = joined[-1]
        joined[-1] = begin, max(before, WEEK + first + length - begin)
    if len(joined) == 1 and joined[0][1] >= WEEK:
        return ()
    return tuple(joined)


def written(spans: Spans) -> str:
    """Return the one way in which hours are kept, which `parsed` reads: `mon 08:00-16:00; tue ...`; empty: always."""
    by_day: dict[str, list[str]] = {}
    for begin, length in spans:
        day, minute = divmod(begin, DAY)
        while length > DAY:  # nothing longer than a day can be written in one
            by_day.setdefault(_NAMES[day % 7], []).append(f"{_clock(minute)}-{_clock(minute)}")
            day, length = day + 1, length - DAY
        end = minute + length
        by_day.setdefault(_NAMES[day % 7], []).append(f"{_clock(minute)}-{_clock(end if end <= DAY else end - DAY)}")
    return "; ".join(f"{day} {', '.join(by_day[day])}" for day in _NAMES if day in by_day)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def local_minute(unix_ms: int, zone: tzinfo) -> int:
    """Return the minute of the week at a place with this time zone."""
    local = datetime.fromtimestamp(unix_ms // 60_000 * 60, zone)
    return local.weekday() * DAY + local.hour * 60 + local.minute


def is_open(spans: Spans, minute: int) -> bool:
    """Whether a station with these hours is open at this minute of the week."""
    return not spans or any((minute - begin) % WEEK < length for begin, length in spans)
