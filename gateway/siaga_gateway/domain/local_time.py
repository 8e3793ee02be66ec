"""The time of day where the people are who read it, always with its zone: `14:03:27 WITA`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from siaga_gateway.domain.value import record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP_MS: Final = 7 * 86_400_000  # no zone changes its offset twice within a week
_CLOCK: Final = "%H:%M:%S"
_DAY: Final = "%d-%m-%Y"


@record
class ZoneSpan:
    """A stretch of time during which a zone keeps its offset and its name."""

    from_ms: int  # Unix; the first span of a list also holds for everything before it
    offset_s: int  # east of UTC
    label: str

    def like(self, other: ZoneSpan) -> bool:
        return (self.offset_s, self.label) == (other.offset_s, other.label)


@record
class LocalTime:
    """A site's zone, and times as its people read them."""

    zone: tzinfo

    def at(self, unix_ms: int) -> datetime:
        """Raises: OverflowError past the year 9999."""
        return (_EPOCH + timedelta(milliseconds=unix_ms)).astimezone(self.zone)

    def moment(self, unix_ms: int) -> str:
        """For what is kept or read elsewhere: `23-11-2026 14:03:27 WITA`."""
        local = self.at(unix_ms)
        return f"{local.strftime(f'{_DAY} {_CLOCK}')} {zone_label(local)}"

    def clock(self, unix_ms: int, now_ms: int) -> str:
        """For a screen: `14:03:27 WITA` for a time of today, and with its day for any other."""
        local = self.at(unix_ms)
        if local.date() != self.at(now_ms).date():
            return self.moment(unix_ms)
        return f"{local.strftime(_CLOCK)} {zone_label(local)}"

    def bare(self, unix_ms: int) -> str:
        """Only where the zone stands beside it already: `14:03:27`."""
        return self.at(unix_ms).strftime(_CLOCK)

    def label(self, unix_ms: int) -> str:
        """What its people call the zone at that time: `WITA`."""
        return zone_label(self.at(unix_ms))

    def iso(self, unix_ms: int, timespec: str = "seconds") -> str:
        """Format as ISO 8601 with the offset, rounded down: `2026-11-23T14:03:27+08:00`."""
        return self.at(unix_ms).isoformat(timespec=timespec)

    def file_part(self, unix_ms: int) -> str:
        """Format for the name of a file: `20261123-140327+0800`."""
        return self.at(unix_ms).strftime("%Y%m%d-%H%M%S%z")

    def end_of(self, day: date) -> int:
        """Return the first moment after that day, Unix ms. Raises: OverflowError past the year 9999."""
        midnight = datetime.combine(day + timedelta(days=1), time(), self.zone)
        return (midnight - _EPOCH) // timedelta(milliseconds=1)

    def of_clock(self, written: str) -> int | None:
        """Return the time that its people mean by `2026-12-31T08:30`, Unix ms; of two, the first. None: it is no such
        time, or clocks leave it out on that day."""
        try:
            local = datetime.strptime(written, "%Y-%m-%dT%H:%M").replace(tzinfo=self.zone)
            unix_ms = (local - _EPOCH) // timedelta(milliseconds=1)
            there = self.at(unix_ms)
        except (ValueError, OverflowError):
            return None
        return unix_ms if there.replace(tzinfo=None) == local.replace(tzinfo=None) else None

    def spans(self, from_ms: int, to_ms: int) -> list[ZoneSpan]:
        """Return how the zone goes between two times, so that a browser need not know it: one span, or more where
        clocks are changed in summer."""
        found = [self._span(from_ms)]
        at_ms = from_ms
        while at_ms < to_ms:
            next_ms = min(at_ms + _STEP_MS, to_ms)
            if not found[-1].like(self._span(next_ms)):
                found.append(self._span(self._change(at_ms, next_ms)))
            at_ms = next_ms
        return found

    def _span(self, unix_ms: int) -> ZoneSpan:
        local = self.at(unix_ms)
        return ZoneSpan(unix_ms, round(_offset(local).total_seconds()), zone_label(local))

    def _change(self, before_ms: int, after_ms: int) -> int:
        """Return the first moment of what holds at `after_ms`, by bisection."""
        old = self._span(before_ms)
        while after_ms - before_ms > 1:
            middle_ms = (before_ms + after_ms) // 2
            if old.like(self._span(middle_ms)):
                before_ms = middle_ms
            else:
                after_ms = middle_ms
        return after_ms


IN_UTC: Final = LocalTime(UTC)  # right for anybody, if not what a site's people live by


def zone_label(local: datetime) -> str:
    """Return the zone's abbreviation, or `UTC+08:00` where it has none: the zone database then has the offset there."""
    name = local.tzname() or ""
    return name if name.isalpha() else offset_label(_offset(local))


def offset_label(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta()
