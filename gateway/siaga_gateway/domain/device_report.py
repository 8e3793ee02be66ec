"""What a device reports in a frame: the event's time, position and flags, and its health in a CHECKIN.

Any bit pattern is a valid report. The fields keep what was sent, for the record; the properties interpret it.
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag

from siaga_gateway.domain.value import record

NO_POSITION = -(2**31)
UNKNOWN_ACCURACY = 65535
UNKNOWN_FIX_AGE = 65535
UNKNOWN_BATTERY = 255
UNKNOWN_SIGNAL = -128
# Degrees x 10^7, either way.
MAX_LATITUDE = 900_000_000
MAX_LONGITUDE = 1_800_000_000

_REPORT = struct.Struct(">IiiHHBHH")
_STATUS = struct.Struct(">BBBbBBBB")


class Flags(IntFlag):
    """The single-bit flags of a report's flag word; source and trigger are in `PositionSource` and `Trigger`."""

    TEST = 1 << 0
    SILENT = 1 << 1
    DURESS = 1 << 2
    EXTERNAL_POWER = 1 << 3
    MOVING = 1 << 4
    TAMPER_OPEN = 1 << 5
    LOW_BATTERY = 1 << 6
    RESTARTED = 1 << 7


# As plain integers: `int & IntFlag` goes through the enum's operator, at ten times the cost, for every frame.
_TEST, _SILENT, _DURESS = int(Flags.TEST), int(Flags.SILENT), int(Flags.DURESS)
_EXTERNAL_POWER, _MOVING, _TAMPER_OPEN = int(Flags.EXTERNAL_POWER), int(Flags.MOVING), int(Flags.TAMPER_OPEN)
_LOW_BATTERY, _RESTARTED = int(Flags.LOW_BATTERY), int(Flags.RESTARTED)


class PositionSource(IntEnum):
    """Bits 8 and 9 of the flag word: where the position comes from."""

    NONE = 0
    GNSS = 1
    NETWORK = 2
    INSTALLED = 3


class Trigger(IntEnum):
    """Bits 10 and 11 of the flag word: what triggered the event."""

    HOLD = 0
    TRIPLE_TAP = 1
    EXTERNAL_INPUT = 2
    FALL = 3


class Bearer(IntEnum):
    """The bearer in use, from a CHECKIN's status; values 5 to 15 are read as UNKNOWN."""

    UNKNOWN = 0
    LTE = 1
    SMS = 2
    LORAWAN = 3
    WIFI = 4


@record
class Report:
    """The report of a PRESS, UPDATE, CANCEL, CHECKIN or TAMPER: the fields as sent; the properties interpret them."""

    time: int  # Unix seconds UTC; 0: the device's clock was not set
    latitude: int  # degrees x 10^7; NO_POSITION: none
    longitude: int
    accuracy: int  # metres, 95 %; or UNKNOWN_ACCURACY
    fix_age: int  # seconds before `time`; or UNKNOWN_FIX_AGE
    battery: int  # percent; or UNKNOWN_BATTERY
    flags: int
    opening: int  # counters since the PRESS that opened the incident, saturates at 65535

    @classmethod
    def from_body(cls, body: bytes) -> Report:
        """Decode the 21 bytes of a report body: every bit pattern is valid."""
        return cls(*_REPORT.unpack(body))

    @property
    def clock_set(self) -> bool:
        return self.time != 0

    @property
    def has_position(self) -> bool:
        """Whether both coordinates are present and on the globe. Without them there is no position, yet the frame
        stands."""
        return abs(self.latitude) <= MAX_LATITUDE and abs(self.longitude) <= MAX_LONGITUDE

    @property
    def latitude_degrees(self) -> float | None:
        return self.latitude / 10**7 if self.has_position else None

    @property
    def longitude_degrees(self) -> float | None:
        return self.longitude / 10**7 if self.has_position else None

    @property
    def accuracy_m(self) -> int | None:
        """Metres at 95 %, 65534: that or worse; None: unknown, or there is no position."""
        return self.accuracy if self.has_position and self.accuracy != UNKNOWN_ACCURACY else None

    @property
    def fix_age_s(self) -> int | None:
        """Seconds, 65534: that or older; None: unknown, or there is no position."""
        return self.fix_age if self.has_position and self.fix_age != UNKNOWN_FIX_AGE else None

    @property
    def battery_percent(self) -> int | None:
        """0 to 100; None: unknown, as 101 to 254 are read too."""
        return self.battery if self.battery <= 100 else None

    @property
    def position_source(self) -> PositionSource:
        """As declared; NONE if there is no position, whatever the bits say."""
        return PositionSource(self.flags >> 8 & 3) if self.has_position else PositionSource.NONE

    @property
    def trigger(self) -> Trigger:
        return Trigger(self.flags >> 10 & 3)

    @property
    def test(self) -> bool:
        """Whether it is an exercise. Duress overrides the flag: someone under threat is not exercising."""
        return self.flags & (_TEST | _DURESS) == _TEST

    @property
    def silent(self) -> bool:
        return bool(self.flags & _SILENT)

    @property
    def duress(self) -> bool:
        return bool(self.flags & _DURESS)

    @property
    def external_power(self) -> bool:
        return bool(self.flags & _EXTERNAL_POWER)

    @property
    def moving(self) -> bool:
        return bool(self.flags & _MOVING)

    @property
    def tamper_open(self) -> bool:
        return bool(self.flags & _TAMPER_OPEN)

    @property
    def low_battery(self) -> bool:
        return bool(self.flags & _LOW_BATTERY)

    @property
    def restarted(self) -> bool:
        return bool(self.flags & _RESTARTED)


@record
class Status:
    """A device's health, from a CHECKIN; the counts saturate at the width of their field."""

    version: tuple[int, int, int]
    signal: int  # dBm; or UNKNOWN_SIGNAL
    bearer: int  # as sent, 0 to 15
    waiting: int  # frames in the device's outbox; 15: that or more
    uptime_hours: int
    restarts: int  # since the last acknowledged CHECKIN, as is `rejected`
    rejected: int

    @classmethod
    def from_body(cls, body: bytes) -> Status:
        """Decode the 8 bytes after a CHECKIN's report: every bit pattern is valid."""
        major, minor, patch, signal, bearer_waiting, uptime, restarts, rejected = _STATUS.unpack(body)
        return cls(
            version=(major, minor, patch),
            signal=signal,
            bearer=bearer_waiting >> 4,
            waiting=bearer_waiting & 15,
            uptime_hours=uptime,
            restarts=restarts,
            rejected=rejected,
        )

    @property
    def signal_dbm(self) -> int | None:
        return self.signal if self.signal != UNKNOWN_SIGNAL else None

    @property
    def bearer_in_use(self) -> Bearer:
        return Bearer(self.bearer) if self.bearer <= Bearer.WIFI else Bearer.UNKNOWN
