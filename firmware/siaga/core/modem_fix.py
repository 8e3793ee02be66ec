"""Where SIMCom's modems say they are. Pure."""

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


def modem_fix(line: bytes) -> "Fix | None":
    """The fix in a +CGNSSINFO:, +CGPSINFO: or +CGNSINF: answer; None while the modem has none.

    Their layouts differ from firmware to firmware (A76XX AT manual 1.09, 24.2; SIM7500/SIM7600 3.00, 24.5; SIM7000
    1.08, 19.2; an A7670E's log), so the field N or S is looked for, and what surrounds it stands at fixed places.
    Raises FixError.
    """
    name, colon, rest = line.strip().partition(b":")
    fields = [field.strip() for field in rest.split(b",")]
    if not colon or name not in (b"+CGNSSINFO", b"+CGPSINFO", b"+CGNSINF"):
        raise FixError("fields")
    if name == b"+CGNSINF":
        return _cgnsinf(fields)
    at = -1
    for index in range(len(fields)):
        if fields[index] in (b"N", b"S"):
            at = index
    if at < 0:
        if any(fields):
            # Searching modems fill in satellites; a position without its side of the equator is no position.
            if any(b"." in field for field in fields):
                raise FixError("latitude")
        return None
    if at < 1 or len(fields) < at + 5:
        raise FixError("fields")
    latitude, longitude = position_of_either_layout(fields[at - 1], fields[at], fields[at + 1], fields[at + 2])
    time, epoch = _moment(fields[at + 3], fields[at + 4])
    accuracy = UNKNOWN_ACCURACY
    if name == b"+CGNSSINFO" and len(fields) > at + 9 and fields[at + 9]:
        accuracy = accuracy_from_hdop(decimal(fields[at + 9], 2), False)
    return Fix(latitude, longitude, accuracy, time, epoch)


def _moment(date: bytes, time: bytes) -> "tuple[int, int]":
    """Unix seconds (0 = the date cannot be right) and what is peculiar to this moment, from ddmmyy and hhmmss.s."""
    at = time_of_day(time)
    day = midnight(date[:2], date[2:4], date[4:])
    return (day + at // 1000 if day else 0), day * 1000 + at


def _cgnsinf(fields: "list[bytes]") -> "Fix | None":
    """run, fix, yyyyMMddhhmmss.sss, lat, lon, altitude, km/h, course, mode, -, HDOP, PDOP, VDOP, ..."""
    if fields[0] == b"0" or (len(fields) > 1 and fields[1] != b"1"):
        return None
    need(fields, 11)
    latitude, longitude = unless_null(
        signed_degrees(fields[3], 90, "latitude"), signed_degrees(fields[4], 180, "longitude")
    )
    moment = fields[2]
    at = time_of_day(moment[8:])
    day = midnight(moment[6:8], moment[4:6], moment[:4])
    accuracy = accuracy_from_hdop(decimal(fields[10], 2), False) if fields[10] else UNKNOWN_ACCURACY
    return Fix(latitude, longitude, accuracy, (day + at // 1000 if day else 0), day * 1000 + at)
