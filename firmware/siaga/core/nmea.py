"""Decodes NMEA 0183 sentences of satellite receivers, bytes to fixes. Pure.

NMEA 0183 4.11: RMC (validity, position, date), GGA and GNS (position, quality, HDOP), GLL (position), GSA (HDOP), GST
(deviations). Sentences with the same time of day are one fix. It is returned once its accuracy is known, and again when
a later sentence improves it; without accuracy only if the receiver sends none. A sentence that says "not valid"
overrides the others of its time of day. An unreadable field is counted and costs only itself: the position beside it
stands, perhaps without its time or accuracy.
"""

import binascii

from micropython import const
from siaga.core.fix import (
    Fix,
    FixError,
    accuracy_from_deviations,
    accuracy_from_hdop,
    decimal,
    midnight,
    need,
    position,
    time_of_day,
)
from siaga.core.frame import UNKNOWN_ACCURACY

# The standard allows 82; receivers with many decimals write more.
_LONGEST = const(120)
_TALKERS = (b"GN", b"GP", b"GL", b"GA", b"GB", b"BD", b"GQ", b"GI")
_DAY_MS = const(86400000)
# How long a date, HDOP or deviation of an earlier fix applies to the next.
_HOLDS_MS = const(5000)
# GGA quality: 1 single, 2 differential, 3 PPS, 4 and 5 RTK. 6 estimated, 7 manual and 8 simulated are no fixes.
_QUALITIES = (b"1", b"2", b"3", b"4", b"5")
_CORRECTED = (b"2", b"4", b"5")
# GNS has a letter for each constellation: autonomous, differential, precise, RTK; N: none.
_CONSTELLATION_MODES = b"ADFPR"
_CONSTELLATION_CORRECTED = b"DFR"
# RMC and GLL mode (NMEA 2.3 on): autonomous, differential, RTK fixed and float, precise.
_MODES = (b"", b"A", b"D", b"F", b"R", b"P")


class Decoder:
    """feed() takes what the UART gives, in pieces of any size.

    rejected: inputs refused so far
    by_reason: the same by FixError's codes
    heard: sentences with a correct checksum
    positions: those with a position
    denials: those that said there is none
    """

    def __init__(self) -> None:
        self.rejected = 0
        self.by_reason = {}  # type: dict[str, int]
        self.heard = 0
        self.positions = 0
        self.denials = 0
        self._line = bytearray()
        self._inside = False
        self._garbage = False
        self._epoch = 0
        self._at = -1  # time of day of the current fix, ms; -1 = none
        self._timeless = []  # type: list[bytes]
        self._denied = False
        self._where = None  # type: tuple[int, int] | None
        self._told = None  # type: tuple[int, int, int, int] | None
        self._midnight = 0
        self._dated_at = -1
        self._hdop = -1  # x 100
        self._hdop_at = -1
        self._corrected = False
        self._deviations = None  # type: tuple[int, int] | None
        self._deviations_at = -1

    def feed(self, chunk: bytes) -> "list[Fix]":
        """Return the fixes that these bytes complete or improve, in order."""
        fixes = []  # type: list[Fix]
        for byte in chunk:
            if byte == 0x24:  # $
                if self._inside:
                    self._refuse("cut")
                self._inside = True
                self._garbage = False
                self._line = bytearray()
            elif byte == 10 or byte == 13:
                if self._inside:
                    self._inside = False
                    self._sentence(bytes(self._line), fixes)
                self._garbage = False
            elif not self._inside:
                self._outside()
            elif byte < 32 or byte > 126:
                self._inside = False
                self._garbage = True
                self._refuse("garbage")
            elif len(self._line) >= _LONGEST:
                self._inside = False
                self._garbage = True
                self._refuse("length")
            else:
                self._line.append(byte)
        return fixes

    def _outside(self) -> None:
        """Count a run of bytes outside of sentences once."""
        if not self._garbage:
            self._garbage = True
            self._refuse("garbage")

    def _refuse(self, reason: str) -> None:
        self.rejected += 1
        self.by_reason[reason] = self.by_reason.get(reason, 0) + 1

    def _sentence(self, line: bytes, fixes: "list[Fix]") -> None:
        try:
            fields = _fields(line)
            self.heard += 1
            if fields[0][:2] not in _TALKERS or len(fields[0]) != 5:
                return
            kind = fields[0][2:]
            if kind == b"RMC":
                self._rmc(fields, fixes)
            elif kind == b"GGA":
                self._gga(fields, fixes)
            elif kind == b"GNS":
                self._gns(fields, fixes)
            elif kind == b"GLL":
                self._gll(fields, fixes)
            elif kind == b"GSA":
                self._gsa(fields, fixes)
            elif kind == b"GST":
                self._gst(fields, fixes)
        except FixError as error:
            self._refuse(str(error))

    def _rmc(self, fields: "list[bytes]", fixes: "list[Fix]") -> None:
        """time, status, lat, N, lon, E, knots, course, ddmmyy, variation, E[, mode[, navigation status]]. The
        navigation status (4.1 on) is ignored: receivers that do not support it write V."""
        need(fields, 7)
        if not self._begins(fields, 1, fields[2] == b"A" and _mode(fields, 12) in _MODES, fixes):
            return
        if len(fields) > 9 and fields[9]:
            self._date(fields[9])
        self._is_at(position(fields[3], fields[4], fields[5], fields[6]), fixes)

    def _gga(self, fields: "list[bytes]", fixes: "list[Fix]") -> None:
        """time, lat, N, lon, E, quality, satellites, HDOP, altitude, M, ..."""
        need(fields, 7)
        if not self._begins(fields, 1, fields[6] in _QUALITIES, fixes):
            return
        self._corrected = fields[6] in _CORRECTED
        self._dilute(fields, 8)
        self._is_at(position(fields[2], fields[3], fields[4], fields[5]), fixes)

    def _gns(self, fields: "list[bytes]", fixes: "list[Fix]") -> None:
        """time, lat, N, lon, E, a mode letter for each constellation, satellites, HDOP, altitude, ... Beside the one
        with the position there may be one for each constellation, without position and modes."""
        need(fields, 7)
        modes = fields[6]
        if not modes and not fields[2]:
            return
        if not self._begins(fields, 1, any(mode in _CONSTELLATION_MODES for mode in modes), fixes):
            return
        self._corrected = b"A" not in modes and any(mode in _CONSTELLATION_CORRECTED for mode in modes)
        self._dilute(fields, 8)
        self._is_at(position(fields[2], fields[3], fields[4], fields[5]), fixes)

    def _gll(self, fields: "list[bytes]", fixes: "list[Fix]") -> None:
        """lat, N, lon, E, time, status[, mode]. Another sentence may have a better position."""
        need(fields, 7)
        if not self._begins(fields, 5, fields[6] == b"A" and _mode(fields, 7) in _MODES, fixes):
            return
        if self._where is None:
            self._is_at(position(fields[1], fields[2], fields[3], fields[4]), fixes)

    def _gsa(self, fields: "list[bytes]", fixes: "list[Fix]") -> None:
        """selection, dimensions (1 = no fix), 12 satellites, PDOP, HDOP, VDOP[, system]. It has no time of day."""
        need(fields, 18)
        if fields[2] not in (b"2", b"3"):
            self.denials += 1
            return
        self._dilute(fields, 16)
        self._tell(fixes)

    def _gst(self, fields: "list[bytes]", fixes: "list[Fix]") -> None:
        """time, RMS, major, minor, orientation, latitude, longitude and altitude deviation (metres, 1 sigma)."""
        need(fields, 9)
        if not fields[6] or not fields[7]:
            return
        deviations = decimal(fields[6], 3), decimal(fields[7], 3)
        at = time_of_day(fields[1])
        if at != self._at:
            self._next(at, fixes)
        self._deviations = deviations
        self._deviations_at = at
        self._tell(fixes)

    def _begins(self, fields: "list[bytes]", place: int, valid: bool, fixes: "list[Fix]") -> bool:
        """Return whether a sentence belongs to a fix that is not denied so far; another time of day, at this place,
        begins a new fix. If the time is unreadable, another sentence type does: a repeated one is no new fix."""
        if fields[place] or valid:
            at = self._time(fields[place])
            if at != self._at or at < 0 and fields != self._timeless:
                self._next(at, fixes)
            if at < 0:
                self._timeless = fields
        if not valid:
            self.denials += 1
            self._denied = True
        return not self._denied

    def _time(self, text: bytes) -> int:
        """Return the time of day, -1 if unreadable."""
        try:
            return time_of_day(text)
        except FixError as error:
            self._refuse(str(error))
            return -1

    def _date(self, text: bytes) -> None:
        try:
            self._midnight = midnight(text[:2], text[2:4], text[4:])
            self._dated_at = self._at
        except FixError as error:
            self._refuse(str(error))

    def _next(self, at: int, fixes: "list[Fix]") -> None:
        if self._where is not None and self._told is None and not self._denied:
            self._told_as(UNKNOWN_ACCURACY, fixes)
        self._at = at
        self._epoch += 1
        self._denied = False
        self._where = None
        self._told = None

    def _dilute(self, fields: "list[bytes]", place: int) -> None:
        if len(fields) <= place or not fields[place]:
            return
        try:
            self._hdop = decimal(fields[place], 2)
            self._hdop_at = self._at
        except FixError as error:
            self._refuse(str(error))

    def _is_at(self, where: "tuple[int, int]", fixes: "list[Fix]") -> None:
        self.positions += 1
        self._where = where
        self._tell(fixes)

    def _tell(self, fixes: "list[Fix]") -> None:
        if self._where is None or self._denied:
            return
        if self._deviations is not None and self._recent(self._deviations_at):
            self._told_as(accuracy_from_deviations(self._deviations[0], self._deviations[1]), fixes)
        elif self._hdop >= 0 and self._recent(self._hdop_at):
            self._told_as(accuracy_from_hdop(self._hdop, self._corrected), fixes)

    def _told_as(self, accuracy: int, fixes: "list[Fix]") -> None:
        if self._where is None:
            return
        latitude, longitude = self._where
        fix = Fix(latitude, longitude, accuracy, self._unix(), self._epoch)
        told = latitude, longitude, accuracy, fix.time
        if told != self._told:
            self._told = told
            fixes.append(fix)

    def _recent(self, at: int) -> bool:
        return at >= 0 and self._at >= 0 and (self._at - at) % _DAY_MS <= _HOLDS_MS

    def _unix(self) -> int:
        """Return the time of the current fix; 0 if no RMC gave the date recently. Midnight may have passed in
        between."""
        if self._at < 0 or not self._midnight or not self._recent(self._dated_at):
            return 0
        return self._midnight + self._at // 1000 + (86400 if self._at < self._dated_at else 0)


def _mode(fields: "list[bytes]", place: int) -> bytes:
    return fields[place] if len(fields) > place else b""


def checksum(text: bytes) -> int:
    """Return the XOR of all bytes between $ and * (NMEA 0183, 5.3.2)."""
    total = 0
    for byte in text:
        total ^= byte
    return total


def _fields(line: bytes) -> "list[bytes]":
    """Return the fields of a sentence without its $. Raises FixError if its checksum is missing or wrong."""
    text, _, digits = line.rpartition(b"*")
    try:
        right = len(digits) == 2 and binascii.unhexlify(digits)[0] == checksum(text)
    except ValueError:
        right = False
    if not right:
        raise FixError("checksum")
    return text.split(b",")
