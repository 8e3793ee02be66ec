"""The frames of the Siaga wire protocol, version 1, as the button writes and reads them (firmware/PROTOCOL.md).

Integers only: the chip's floats are single precision, a position is degrees x 10^7 in an i32.
"""

import hashlib
import struct

from micropython import const
from siaga.core.errors import FrameError

VERSION = const(1)

ES256 = const(1)
HS256_64 = const(2)
HS256_128 = const(3)

PRESS = const(1)
UPDATE = const(2)
CANCEL = const(3)
CHECKIN = const(4)
TAMPER = const(5)
ENROL = const(6)
RECEIPT = const(7)
ACK = const(0x81)
COMMAND = const(0x82)

NO_POSITION = const(-2147483648)
UNKNOWN_ACCURACY = const(65535)
UNKNOWN_FIX_AGE = const(65535)
UNKNOWN_BATTERY = const(255)
UNKNOWN_SIGNAL = const(-128)
UNKNOWN_ETA = const(255)

FLAG_TEST = const(1 << 0)
FLAG_SILENT = const(1 << 1)
FLAG_DURESS = const(1 << 2)
FLAG_EXTERNAL_POWER = const(1 << 3)
FLAG_MOVING = const(1 << 4)
FLAG_TAMPER_OPEN = const(1 << 5)
FLAG_LOW_BATTERY = const(1 << 6)
FLAG_RESTARTED = const(1 << 7)
SOURCE_NONE = const(0 << 8)
SOURCE_GNSS = const(1 << 8)
SOURCE_NETWORK = const(2 << 8)
SOURCE_INSTALLED = const(3 << 8)
TRIGGER_HOLD = const(0 << 10)
TRIGGER_TRIPLE_TAP = const(1 << 10)
TRIGGER_EXTERNAL = const(2 << 10)
TRIGGER_FALL = const(3 << 10)

BEARER_UNKNOWN = const(0)
BEARER_LTE = const(1)
BEARER_SMS = const(2)
BEARER_LORAWAN = const(3)
BEARER_WIFI = const(4)

LOCATE = const(1)
TEST = const(2)
SETTINGS = const(3)
UPGRADE = const(4)
RESTART = const(5)

RESULT_DONE = const(0)
RESULT_REFUSED = const(1)
RESULT_FAILED = const(2)

STAGE_RECEIVED = const(1)
STAGE_SEEN = const(2)
STAGE_ASSIGNED = const(3)
STAGE_ON_SCENE = const(4)
STAGE_CLOSED = const(5)
STAGE_TEST = const(6)
STAGE_REFUSED = const(7)

UP_CONTEXT = b"siaga/1 up"
DOWN_CONTEXT = b"siaga/1 down"

# The body lengths of each kind.
_BODY = {PRESS: (21,), UPDATE: (21,), CANCEL: (21,), CHECKIN: (21, 29), TAMPER: (21,), ENROL: (64,), RECEIPT: (5,)}

_REPORT = const(21)
_DOWN = const(36)  # an ACK, a COMMAND without arguments
_MAX_LATITUDE = const(900000000)
_MAX_LONGITUDE = const(1800000000)
_SOURCE_BITS = const(3 << 8)
_DEFINED_FLAGS = const(0x0FFF)


def device_id(public_xy: bytes) -> bytes:
    """Return a button's 8-byte id: the start of SHA-256 over its 64-byte public key X || Y."""
    if len(public_xy) != 64:
        raise FrameError("length", "a public key is X || Y in 64 bytes, not %d" % len(public_xy))
    return hashlib.sha256(public_xy).digest()[:8]


def tag_length(suite: int) -> int:
    """Return the length of a suite's tag at the frame's end: 64, 8 or 16 bytes."""
    if suite == ES256:
        return 64
    if suite == HS256_64:
        return 8
    if suite == HS256_128:
        return 16
    raise FrameError("suite", "suite %d is unknown; ES256 is 1, HS256-64 is 2, HS256-128 is 3" % suite)


def flags(
    test: bool = False,
    silent: bool = False,
    duress: bool = False,
    external_power: bool = False,
    moving: bool = False,
    tamper_open: bool = False,
    low_battery: bool = False,
    restarted: bool = False,
    source: int = SOURCE_NONE,
    trigger: int = TRIGGER_HOLD,
) -> int:
    """Return the flag word of a report; source and trigger are SOURCE_ and TRIGGER_ values."""
    return (
        (FLAG_TEST if test else 0)
        | (FLAG_SILENT if silent else 0)
        | (FLAG_DURESS if duress else 0)
        | (FLAG_EXTERNAL_POWER if external_power else 0)
        | (FLAG_MOVING if moving else 0)
        | (FLAG_TAMPER_OPEN if tamper_open else 0)
        | (FLAG_LOW_BATTERY if low_battery else 0)
        | (FLAG_RESTARTED if restarted else 0)
        | (source & _SOURCE_BITS)
        | (trigger & (3 << 10))
    )


def _clamp(value: int, low: int, high: int) -> int:
    return low if value < low else high if value > high else value


def encode_report(
    time: int,
    latitude: int,
    longitude: int,
    accuracy: int,
    fix_age: int,
    battery: int,
    flags: int,
    opening: int,
) -> bytes:
    """Return the 21-byte body of a PRESS, UPDATE, CANCEL, CHECKIN or TAMPER. Never raises for an integer.

    A press must go out whatever a sensor says, so an out-of-range value is no error: it becomes the nearest one that
    can be sent, or "unknown" where a near one would mislead.

    time: Unix seconds, 0 = clock not set (also sent for one that does not fit in a u32)
    latitude, longitude: degrees x 10^7, NO_POSITION = none; one that is missing or off the globe makes both "none", and
        accuracy, fix age and source "unknown" too
    accuracy: metres at 95 %, 65534 = that or worse
    fix_age: seconds, 65534 = that or older
    battery: percent
    opening: counters since the opening PRESS

    A negative accuracy, fix age or battery means unknown.
    """
    if not 0 <= time <= 0xFFFFFFFF:
        time = 0
    if not (-_MAX_LATITUDE <= latitude <= _MAX_LATITUDE and -_MAX_LONGITUDE <= longitude <= _MAX_LONGITUDE):
        latitude = longitude = NO_POSITION
        accuracy = UNKNOWN_ACCURACY
        fix_age = UNKNOWN_FIX_AGE
        flags &= ~_SOURCE_BITS
    if accuracy != UNKNOWN_ACCURACY:
        accuracy = UNKNOWN_ACCURACY if accuracy < 0 else min(accuracy, 65534)
    if fix_age != UNKNOWN_FIX_AGE:
        fix_age = UNKNOWN_FIX_AGE if fix_age < 0 else min(fix_age, 65534)
    if battery != UNKNOWN_BATTERY:
        battery = UNKNOWN_BATTERY if battery < 0 else min(battery, 100)
    return struct.pack(
        ">IiiHHBHH",
        time,
        latitude,
        longitude,
        accuracy,
        fix_age,
        battery,
        flags & _DEFINED_FLAGS,
        _clamp(opening, 0, 65535),
    )


def flags_of(body: bytes) -> int:
    """Return the flag word of a report."""
    return body[17] << 8 | body[18]


def opening_of(body: bytes) -> int:
    """Return the opening of a report: counters since the opening PRESS."""
    return body[19] << 8 | body[20]


def as_opening(body: bytes) -> bytes:
    """Return the same report as the first of an incident."""
    return body[:19] + b"\0\0"


def accuracy_of(body: bytes) -> "int | None":
    """Return the accuracy of a report in metres, UNKNOWN_ACCURACY if unknown; None without a position."""
    return None if body[4:8] == b"\x80\0\0\0" else body[12] << 8 | body[13]


def encode_status(
    version: "tuple[int, int, int]",
    signal: int,
    bearer: int,
    waiting: int,
    uptime_h: int,
    restarts: int,
    rejected: int,
) -> bytes:
    """Return the 8 bytes of status after a CHECKIN's report; every value saturates. Never raises for an integer.

    version: firmware (major, minor, patch)
    signal: dBm, UNKNOWN_SIGNAL = unknown, below -127 is sent as -127
    bearer: a BEARER_ value
    waiting: frames in the outbox, up to 15
    uptime_h: hours
    restarts, rejected: counts since the last acknowledged CHECKIN
    """
    if signal != UNKNOWN_SIGNAL:
        signal = _clamp(signal, -127, 127)
    if not BEARER_UNKNOWN <= bearer <= 15:
        bearer = BEARER_UNKNOWN
    return struct.pack(
        ">BBBbBBBB",
        _clamp(version[0], 0, 255),
        _clamp(version[1], 0, 255),
        _clamp(version[2], 0, 255),
        signal,
        bearer << 4 | _clamp(waiting, 0, 15),
        _clamp(uptime_h, 0, 255),
        _clamp(restarts, 0, 255),
        _clamp(rejected, 0, 255),
    )


def counts_of(body: bytes) -> "tuple[int, int] | None":
    """Return restarts and rejected frames from a CHECKIN's status; None if it has none."""
    return (body[27], body[28]) if len(body) == 29 else None


def encode_receipt(down_counter: int, result: int) -> bytes:
    """Return the 5-byte body of a RECEIPT: the COMMAND's counter and a RESULT_ value. Raises FrameError, reason
    "counter" or "result"."""
    if not 0 <= down_counter <= 0xFFFFFFFF:
        raise FrameError("counter", "a down-counter is a u32, not %d" % down_counter)
    if not RESULT_DONE <= result <= RESULT_FAILED:
        raise FrameError("result", "a result is 0 done, 1 refused or 2 failed, not %d" % result)
    return struct.pack(">IB", down_counter, result)


def receipt_of(body: bytes) -> "tuple[int, int]":
    """Return the counter of the COMMAND that a RECEIPT answers, and its RESULT_ value."""
    return int.from_bytes(body[:4], "big"), body[4]


def unsigned(suite: int, kind: int, device_id: bytes, counter: int, body: bytes) -> bytes:
    """Return an uplink frame without its tag. What is signed or MACed is UP_CONTEXT + this.

    Raises FrameError if the arguments make no frame; "counter" if the counter does not fit in its u32: it must never
    wrap, a button that has used it up is enrolled again with a new key.
    """
    if suite != ES256 and suite != HS256_64:
        raise FrameError("suite", "an uplink is ES256 (1) or HS256-64 (2), not suite %d" % suite)
    if kind not in _BODY:
        raise FrameError("kind", "kind %d is no uplink kind; they are 1 to 7" % kind)
    if kind == ENROL and suite != ES256:
        raise FrameError("suite", "an ENROL is signed with ES256, it is its own proof of possession")
    if len(device_id) != 8:
        raise FrameError("length", "a device_id is 8 bytes, not %d" % len(device_id))
    if not 0 <= counter <= 0xFFFFFFFF:
        raise FrameError("counter", "counter %d does not fit in a u32: enrol anew with a new key" % counter)
    if len(body) not in _BODY[kind]:
        raise FrameError("length", "a body of kind %d is not %d bytes long" % (kind, len(body)))
    return struct.pack(">BB8sI", VERSION << 4 | suite, kind, device_id, counter) + body


def event_digest(kind: int, counter: int, body: bytes) -> bytes:
    """Return the 32 bytes that identify a message in any form: they cover no tag and no CHECKIN status. An ACK's tag
    covers them, so that it acknowledges this message and no other."""
    return hashlib.sha256(struct.pack(">BI", kind, counter) + body[: _REPORT if kind == CHECKIN else None]).digest()


def kind_of(frame: bytes) -> int:
    """Return the kind of a frame, up or down."""
    return frame[1]


def counter_of(frame: bytes) -> int:
    """Return the counter of a frame, up or down; 0 if it is too short."""
    return int.from_bytes(frame[10:14], "big")


def down_size(head: bytes) -> int:
    """Return the length of the downlink with these first 20 (at least) bytes; 0 if it is none."""
    if head[1] == ACK:
        return _DOWN
    return _DOWN + head[19] if head[1] == COMMAND else 0


class Down:
    """One downlink frame, decoded but not yet verified: compare tag with the MAC of DOWN_CONTEXT + signed, followed,
    for an ACK, by the event_digest of the message that it names.

    kind: ACK or COMMAND
    device_id: the addressee
    counter: of the uplink that an ACK names, or the gateway's down-counter
    time: the gateway's clock, Unix seconds
    stage, eta: ACK only, else None; eta in minutes, UNKNOWN_ETA = none
    code, arguments: COMMAND only, else None
    """

    def __init__(self, frame: bytes) -> None:
        self.kind = frame[1]
        self.device_id = frame[2:10]
        self.counter, self.time = struct.unpack(">II", frame[10:18])
        self.stage: int | None = None
        self.eta: int | None = None
        self.code: int | None = None
        self.arguments: bytes | None = None
        if self.kind == ACK:
            self.stage = frame[18]
            self.eta = frame[19]
        else:
            self.code = frame[18]
            self.arguments = frame[20:-16]
        self.signed = frame[:-16]
        self.tag = frame[-16:]


def decode_down(frame: bytes) -> Down:
    """Decode an ACK or COMMAND. Raises FrameError, reason "length", "version", "suite", "kind" or "stage".

    Nothing is verified here; addressee (reason "addressee") and tag (reason "tag") are for the caller, who has the
    device_id and the key.
    """
    size = len(frame)
    if size < _DOWN:
        raise FrameError("length", "a downlink is at least 36 bytes, not %d" % size)
    if frame[0] >> 4 != VERSION:
        raise FrameError("version", "version %d is not spoken here, only 1" % (frame[0] >> 4))
    if frame[0] & 15 != HS256_128:
        raise FrameError("suite", "a downlink is suite 3 (HS256-128), not %d" % (frame[0] & 15))
    if frame[1] == ACK:
        if size != _DOWN:
            raise FrameError("length", "an ACK is 36 bytes, not %d" % size)
        if not STAGE_RECEIVED <= frame[18] <= STAGE_REFUSED:
            raise FrameError("stage", "stage %d is unknown; they are 1 to 7" % frame[18])
    elif frame[1] == COMMAND:
        if size != _DOWN + frame[19]:
            raise FrameError("length", "a COMMAND with %d bytes of arguments is not %d" % (frame[19], size))
    else:
        raise FrameError("kind", "kind 0x%02x is no downlink kind; ACK is 0x81, COMMAND 0x82" % frame[1])
    return Down(bytes(frame))
