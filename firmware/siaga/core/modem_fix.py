"""Parses the position answers of SIMCom's modems. Pure."""

import binascii

from siaga.core.fix import (
    Fix,
    FixError,
    accuracy_from_hdop,
    decimal,
    midnight,
    need,
    position_of_either_layout,
    signed_degrees,
    time_of_day,
    unless_null,
)
from siaga.core.frame import UNKNOWN_ACCURACY


def _ignore(reason: str) -> None: ...


def modem_fix(line: bytes, refuse: "Refuse" = _ignore) -> "Fix | None":
    """Return the fix in a +CGNSSINFO:, +CGPSINFO: or +CGNSINF: answer; None while the modem has none. refuse: called
    for each unreadable field that the fix can do without.

    The layouts differ between firmwares (A76XX AT manual 1.09, 24.2; SIM7500/SIM7600 3.00, 24.5; SIM7000 1.08, 19.2; an
    A7670E's log), so the field N or S is searched for, and its neighbours are at fixed offsets. Raises FixError.
    """
    name, colon, rest = line.strip().partition(b":")
    fields = [field.strip() for field in rest.split(b",")]
    if not colon or name not in (b"+CGNSSINFO", b"+CGPSINFO", b"+CGNSINF"):
        raise FixError("fields")
    if name == b"+CGNSINF":
        return _cgnsinf(line, fields, refuse)
    at = -1
    for index in range(len(fields)):
        if fields[index] in (b"N", b"S"):
            at = index
    if at < 0:
        if any(fields):
            # A searching modem fills in satellites; a position without its hemisphere is no position.
            if any(b"." in field for field in fields):
                raise FixError("latitude")
        return None
    if at < 1 or len(fields) < at + 3:
        raise FixError("fields")
    latitude, longitude = position_of_either_layout(fields[at - 1], fields[at], fields[at + 1], fields[at + 2])
    date, time = _field(fields, at + 3), _field(fields, at + 4)
    day = _unless_refused(lambda: midnight(date[:2], date[2:4], date[4:]), 0, refuse)
    accuracy = _accuracy(fields, at + 9, refuse) if name == b"+CGNSSINFO" else UNKNOWN_ACCURACY
    return _fix(line, latitude, longitude, accuracy, day, time, refuse)


def _cgnsinf(line: bytes, fields: "list[bytes]", refuse: "Refuse") -> "Fix | None":
    """run, fix, yyyyMMddhhmmss.sss, lat, lon, altitude, km/h, course, mode, -, HDOP, PDOP, VDOP, ..."""
    if fields[0] == b"0" or (len(fields) > 1 and fields[1] != b"1"):
        return None
    need(fields, 5)
    latitude, longitude = unless_null(
        signed_degrees(fields[3], 90, "latitude"), signed_degrees(fields[4], 180, "longitude")
    )
    moment = fields[2]
    day = _unless_refused(lambda: midnight(moment[6:8], moment[4:6], moment[:4]), 0, refuse)
    return _fix(line, latitude, longitude, _accuracy(fields, 10, refuse), day, moment[8:], refuse)


def _fix(line: bytes, latitude: int, longitude: int, accuracy: int, day: int, time: bytes, refuse: "Refuse") -> Fix:
    """Make the fix. day: Unix seconds, 0 = implausible. Without a time the whole line identifies the epoch."""
    at = _unless_refused(lambda: time_of_day(time), -1, refuse)
    epoch = day * 1000 + at if at >= 0 else binascii.crc32(line)
    return Fix(latitude, longitude, accuracy, day + at // 1000 if day and at >= 0 else 0, epoch)


def _accuracy(fields: "list[bytes]", place: int, refuse: "Refuse") -> int:
    """Return metres, from the HDOP at this place."""
    text = _field(fields, place)
    if not text:
        return UNKNOWN_ACCURACY
    return _unless_refused(lambda: accuracy_from_hdop(decimal(text, 2), False), UNKNOWN_ACCURACY, refuse)


def _field(fields: "list[bytes]", place: int) -> bytes:
    return fields[place] if len(fields) > place else b""


def _unless_refused(read: "Callable[[], int]", otherwise: int, refuse: "Refuse") -> int:
    try:
        return read()
    except FixError as error:
        refuse(str(error))
        return otherwise


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Refuse = Callable[[str], None]
