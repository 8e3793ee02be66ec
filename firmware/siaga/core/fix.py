"""A position from a satellite receiver: parsed from digits, rated for accuracy, kept with its age. Pure, integers only.

The chip's floats are single precision, 1 m at best; a latitude is degrees x 10^7, a time whole seconds.
"""

import struct

from micropython import const
from siaga.core.errors import SiagaError
from siaga.core.frame import UNKNOWN_ACCURACY, UNKNOWN_FIX_AGE

_E7 = const(10000000)
_MOST_DIGITS = const(12)
_RECORD = ">iiHI"
RECORD_BYTES = const(14)
_LONGEST_AGE = const(65534)

# Horizontal error at 95 % for an HDOP of 1, in millimetres: what gpsd assumes (H_UERE_NO_DGPS, H_UERE_WITH_DGPS in its
# libgpsd_core.c). Cautious in the open, about right between buildings; the search circle must not be too small.
_PER_HDOP_MM = const(15000)
_PER_HDOP_CORRECTED_MM = const(3750)

# A receiver's date before this (the start of 2025) or from 2080 on is a default or a GPS week rollover.
_EARLIEST = const(1735689600)
_LATEST = const(3471292800)


class FixError(SiagaError):
    """Something from a receiver that cannot be used.

    Its text is a short stable code: "checksum", "garbage", "cut", "length", "fields", "number", "latitude",
    "longitude", "time", "date". Such errors are only counted; longer texts would only take memory.
    """


class Fix:
    """A receiver's position.

    latitude, longitude: degrees x 10^7, WGS 84
    accuracy: metres, 95 %, 65535 = unknown
    time: Unix seconds of the fix, 0 = unknown
    epoch: equal for two readings of the same fix: a receiver that repeats itself has stalled
    """

    def __init__(self, latitude: int, longitude: int, accuracy: int, time: int, epoch: int) -> None:
        self.latitude = latitude
        self.longitude = longitude
        self.accuracy = accuracy
        self.time = time
        self.epoch = epoch


class LastFix:
    """The last fix with its age, from this run or an earlier one. number: changes with every new fix, 0 = none."""

    def __init__(self) -> None:
        self.number = 0
        self._fix = None  # type: Fix | None
        self._taken_ms = -1
        self._kept_ms = None  # type: int | None

    def take(self, fix: Fix, now_ms: int) -> bool:
        """Store a fix. Returns False if it is the stored one again, perhaps with better values: its age is kept."""
        last = self._fix
        if last is not None and self._taken_ms >= 0 and last.epoch == fix.epoch:
            self._fix = fix
            return False
        self._fix = fix
        self._taken_ms = now_ms
        self.number += 1
        return True

    def moment(self, now_ms: int) -> int:
        """Return the present time from the satellites of a fix of this run, Unix seconds; 0 = unknown."""
        if self._fix is None or self._taken_ms < 0 or not self._fix.time:
            return 0
        return self._fix.time + (now_ms - self._taken_ms) // 1000

    def is_fresh(self, now_ms: int, within_ms: int) -> bool:
        """Return whether a new fix came within this time; a frozen or jammed receiver's is not fresh."""
        return self._taken_ms >= 0 and now_ms - self._taken_ms <= within_ms

    def known(self, now_ms: int, unix: int) -> "tuple[int, int, int, int, int] | None":
        """Return what app/board.py's fix() gives: latitude, longitude, accuracy, age in seconds (65535 = unknown),
        number.

        unix: the calendar clock, 0 = not set; only a fix from before a power cut needs it.
        """
        fix = self._fix
        if fix is None:
            return None
        if self._taken_ms >= 0:
            age = min((now_ms - self._taken_ms) // 1000, _LONGEST_AGE)
        elif self._kept_ms is not None:
            age = min((now_ms - self._kept_ms) // 1000, _LONGEST_AGE)
        elif unix and fix.time and unix >= fix.time:
            age = min(unix - fix.time, _LONGEST_AGE)
        else:
            age = UNKNOWN_FIX_AGE
        return fix.latitude, fix.longitude, fix.accuracy, age, self.number

    def saved(self, now_ms: int, unix: int) -> bytes:
        """Return 14 bytes for restore() after a reset or deep sleep; b"" if nothing is known."""
        fix = self._fix
        if fix is None:
            return b""
        time = fix.time
        if not time and unix and self._taken_ms >= 0:
            time = max(unix - (now_ms - self._taken_ms) // 1000, 0)
        return struct.pack(_RECORD, fix.latitude, fix.longitude, fix.accuracy, time)

    def restore(self, record: bytes, kept_ms: "int | None" = None) -> bool:
        """Restore what saved() returned. kept_ms: when it was new on known()'s clock, before 0; None = only the
        calendar knows. Returns False, changing nothing, if the record holds no position."""
        if len(record) != RECORD_BYTES or self._fix is not None:
            return False
        latitude, longitude, accuracy, time = struct.unpack(_RECORD, record)
        if abs(latitude) > 90 * _E7 or abs(longitude) > 180 * _E7:
            return False
        self._fix = Fix(latitude, longitude, accuracy, time, -1)
        self._kept_ms = kept_ms
        self.number = 1
        return True


# Digits to numbers


def need(fields: "list[bytes]", count: int) -> None:
    """Raises FixError("fields") if there are fewer."""
    if len(fields) < count:
        raise FixError("fields")


def decimal(text: bytes, places: int) -> int:
    """Return an unsigned number, such as b"12.345", times 10^places, halves rounded up. Raises FixError("number")."""
    whole, _, part = text.partition(b".")
    digits = whole + part
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise FixError("number")
    return _scaled(int(digits), 10 ** len(part), 10**places)


def _scaled(number: int, divisor: int, factor: int) -> int:
    """Return number * factor / divisor, halves rounded up."""
    return (2 * number * factor + divisor) // (2 * divisor)


def _parts(text: bytes, what: str) -> "tuple[bytes, bytes]":
    whole, _, part = text.partition(b".")
    if not whole.isdigit() or (part and not part.isdigit()) or len(whole) > 5 or len(part) > _MOST_DIGITS:
        raise FixError(what)
    return whole, part


def _angle(whole: bytes, part: bytes, in_minutes: bool, most: int, what: str) -> int:
    """Return degrees x 10^7 from ddmm.mmmm (the two digits before the point are minutes) or from decimal degrees."""
    fraction = 10 ** len(part)
    if not in_minutes:
        value = _scaled(int(whole + part), fraction, _E7)
    else:
        minutes = int(whole[-2:] + part)
        if minutes >= 60 * fraction:
            raise FixError(what)
        value = int(whole[:-2] or b"0") * _E7 + _scaled(minutes, 60 * fraction, _E7)
    if value > most * _E7:
        raise FixError(what)
    return value


def signed(value: int, letter: bytes, letters: bytes, what: str) -> int:
    """Return the angle with the sign of its hemisphere. letters: the positive and the negative one. The sign comes from
    the letter, never from the degrees, which are 0 along the equator and the meridian."""
    if letter == letters[:1]:
        return value
    if letter == letters[1:]:
        return -value
    raise FixError(what)


def position(latitude: bytes, ns: bytes, longitude: bytes, ew: bytes) -> "tuple[int, int]":
    """Return both angles from the only layout of NMEA 0183: ddmm.mmmm and dddmm.mmmm, with leading zeros."""
    whole, part = _parts(latitude, "latitude")
    if len(whole) != 4:
        raise FixError("latitude")
    north = signed(_angle(whole, part, True, 90, "latitude"), ns, b"NS", "latitude")
    whole, part = _parts(longitude, "longitude")
    if len(whole) != 5:
        raise FixError("longitude")
    return unless_null(north, signed(_angle(whole, part, True, 180, "longitude"), ew, b"EW", "longitude"))


def unless_null(latitude: int, longitude: int) -> "tuple[int, int]":
    """Return the two unchanged. Raises FixError for 0, 0: the receiver knows nothing."""
    if latitude == 0 and longitude == 0:
        raise FixError("latitude")
    return latitude, longitude


def position_of_either_layout(latitude: bytes, ns: bytes, longitude: bytes, ew: bytes) -> "tuple[int, int]":
    """Return both angles as modems write them, ddmm.mmmm or decimal degrees, told apart by the digits before the point.
    A latitude of 3 or 4 digits or a longitude of 4 or 5 must have minutes, and one of them settles both."""
    lat_whole, lat_part = _parts(latitude, "latitude")
    lon_whole, lon_part = _parts(longitude, "longitude")
    in_minutes = len(lat_whole) > 2 or len(lon_whole) > 3
    return unless_null(
        signed(_angle(lat_whole, lat_part, in_minutes, 90, "latitude"), ns, b"NS", "latitude"),
        signed(_angle(lon_whole, lon_part, in_minutes, 180, "longitude"), ew, b"EW", "longitude"),
    )


def signed_degrees(text: bytes, most: int, what: str) -> int:
    """Return degrees x 10^7 from signed decimal degrees, such as b"-0.5"."""
    negative = text[:1] == b"-"
    whole, part = _parts(text[1:] if negative or text[:1] == b"+" else text, what)
    value = _angle(whole, part, False, most, what)
    return -value if negative else value


# Time


def time_of_day(text: bytes) -> int:
    """Return milliseconds since midnight UTC from hhmmss or hhmmss.sss; a leap second counts as the first of the next
    minute."""
    whole, _, part = text.partition(b".")
    if len(whole) != 6 or not whole.isdigit() or (part and not part.isdigit()):
        raise FixError("time")
    hours, minutes, seconds = int(whole[:2]), int(whole[2:4]), int(whole[4:])
    if hours > 23 or minutes > 59 or seconds > 60:
        raise FixError("time")
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int((part + b"000")[:3])


def midnight(day: bytes, month: bytes, year: bytes) -> int:
    """Return the Unix seconds at the start of a day; the year has two digits (20yy) or four. 0 if the date is
    implausible (no week number yet, or a week rollover). Raises FixError("date")."""
    if not (day + month + year).isdigit() or len(day) != 2 or len(month) != 2 or len(year) not in (2, 4):
        raise FixError("date")
    y, m, d = int(year), int(month), int(day)
    if len(year) == 2:
        y += 2000
    if not 1 <= m <= 12 or not 1 <= d <= _days_in(m, y):
        raise FixError("date")
    seconds = days_since_1970(y, m, d) * 86400
    return seconds if _EARLIEST <= seconds < _LATEST else 0


def _days_in(month: int, year: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def days_since_1970(year: int, month: int, day: int) -> int:
    """Return the days of the Gregorian calendar; the year starts in March so that the leap day comes last."""
    if month < 3:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469


# Accuracy


def accuracy_from_hdop(hdop_x100: int, corrected: bool) -> int:
    """Return metres at 95 %, rounded up, from the dilution of precision. corrected: with SBAS or differential
    corrections."""
    per_hdop = _PER_HDOP_CORRECTED_MM if corrected else _PER_HDOP_MM
    return min(max(-(-hdop_x100 * per_hdop // 100000), 1), UNKNOWN_ACCURACY - 1)


def accuracy_from_deviations(latitude_mm: int, longitude_mm: int) -> int:
    """Return metres at 95 %, rounded up, from the receiver's own standard deviations (GST): 2 DRMS, which covers 95.4
    to 98.2 % of the errors, whatever the ellipse's shape."""
    square = 4 * (latitude_mm * latitude_mm + longitude_mm * longitude_mm)
    root = square
    step = (root + 1) // 2
    while step < root:  # Newton: the integer square root
        root = step
        step = (root + square // root) // 2
    if root * root < square:
        root += 1
    return min(max(-(-root // 1000), 1), UNKNOWN_ACCURACY - 1)
