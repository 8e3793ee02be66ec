"""The gateway's own reader and writer of the Siaga wire protocol, version 1 (firmware/PROTOCOL.md).

Laying out is all that happens here; whether a frame is genuine is for `verify.py`. A frame is refused for its form
only, never for what it reports: a press without a position, a clock or a charged battery is a press.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from enum import IntEnum, StrEnum

# Named again, because they are part of what decode_uplink returns.
from siaga_gateway.domain.record import record
from siaga_gateway.domain.report import NO_POSITION as NO_POSITION
from siaga_gateway.domain.report import Bearer as Bearer
from siaga_gateway.domain.report import Flags as Flags
from siaga_gateway.domain.report import PositionSource as PositionSource
from siaga_gateway.domain.report import Report as Report
from siaga_gateway.domain.report import Status as Status
from siaga_gateway.domain.report import Trigger as Trigger

VERSION = 1
UP_CONTEXT = b"siaga/1 up"
DOWN_CONTEXT = b"siaga/1 down"

UNKNOWN_ETA = 255

_HEADER = struct.Struct(">BB8sI")
_RECEIPT = struct.Struct(">IB")
_DOWN = struct.Struct(">BB8sII")
_EVENT = struct.Struct(">BI")

# P-256 (SP 800-186, 3.2.1.3), for the one check that an ENROL's key needs.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


class Suite(IntEnum):
    """How the tag is made, and so how long it is."""

    ES256 = 1  # r || s, 64 bytes
    HS256_64 = 2  # uplinks where 99 bytes do not fit: 8 bytes
    HS256_128 = 3  # downlinks: 16 bytes


class Kind(IntEnum):
    """What a frame says."""

    PRESS = 1
    UPDATE = 2
    CANCEL = 3
    CHECKIN = 4
    TAMPER = 5
    ENROL = 6
    RECEIPT = 7
    ACK = 0x81
    COMMAND = 0x82


class CommandCode(IntEnum):
    """What a COMMAND asks of a device."""

    LOCATE = 1  # get a fresh fix and report it in a CHECKIN
    TEST = 2  # make a test press
    SETTINGS = 3  # arguments: UTF-8 JSON object of settings to change
    UPDATE = 4  # arguments: ASCII URL of a signed bundle
    RESTART = 5


class Result(IntEnum):
    """What became of a COMMAND."""

    DONE = 0
    REFUSED = 1
    FAILED = 2


class Stage(IntEnum):
    """What an ACK tells the holder."""

    RECEIVED = 1
    SEEN = 2
    ASSIGNED = 3
    ON_SCENE = 4
    CLOSED = 5
    TEST = 6
    REFUSED = 7


class Reason(StrEnum):
    """Why bytes are no frame. Stable codes: they are counted, logged and written in the test vectors."""

    LENGTH = "length"
    VERSION = "version"
    SUITE = "suite"
    KIND = "kind"
    KEY = "key"  # an ENROL whose key is no point of P-256
    DEVICE_ID = "device_id"  # an ENROL whose device_id is not the hash of its key
    RESULT = "result"  # a RECEIPT with an unknown result


class FrameError(Exception):
    """Bytes that are no frame of this protocol. `detail` names what is wrong with them, in one sentence."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@record
class Receipt:
    """A device's answer to a COMMAND."""

    down_counter: int
    result: Result


@record
class Uplink:
    """One uplink frame, laid out and not yet verified. Exactly one of report, public_key and receipt is there."""

    suite: Suite
    kind: Kind
    device_id: bytes  # 8
    counter: int
    body: bytes  # the same in both forms (suites) of one event
    tag: bytes
    signed: bytes  # the frame without its tag; signed or MACed is UP_CONTEXT + signed
    report: Report | None = None
    status: Status | None = None
    public_key: bytes | None = None  # X || Y, 64 bytes, on the curve and hashing to device_id
    receipt: Receipt | None = None


_BODY_LENGTHS = {
    Kind.PRESS: (21,),
    Kind.UPDATE: (21,),
    Kind.CANCEL: (21,),
    Kind.CHECKIN: (21, 29),
    Kind.TAMPER: (21,),
    Kind.ENROL: (64,),
    Kind.RECEIPT: (5,),
}
# By their plain numbers, because every frame asks and looking an enum member up costs more than the rest.
_SUITES = {int(suite): suite for suite in (Suite.ES256, Suite.HS256_64)}
_KINDS = {int(kind): kind for kind in _BODY_LENGTHS}
_TAG_LENGTHS = {int(Suite.ES256): 64, int(Suite.HS256_64): 8}
_LENGTHS = {
    (suite, int(kind)): tuple(_HEADER.size + length + tag_length for length in lengths)
    for suite, tag_length in _TAG_LENGTHS.items()
    for kind, lengths in _BODY_LENGTHS.items()
}

# The same by the first two bytes, for a glance.
_FORMS = {
    bytes([VERSION << 4 | suite, kind]): (_KINDS[kind], lengths)
    for (suite, kind), lengths in _LENGTHS.items()
    if kind != Kind.ENROL or suite == Suite.ES256
}
_REPORTING = frozenset({Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER})
_COUNTER_AT = slice(10, 14)
_FLAGS_AT = _HEADER.size + 18  # the lower byte of the report's flags
_DURESS = int(Flags.DURESS)


def glance(raw: bytes) -> Kind | None:
    """The kind that a frame claims; None where its header or its length already say that it is none."""
    form = _FORMS.get(raw[:2])
    return form[0] if form is not None and len(raw) in form[1] else None


def says_duress(raw: bytes, kind: Kind) -> bool:
    """Whether a frame, of the kind that `glance` found, claims that its holder is under threat."""
    return kind in _REPORTING and raw[_FLAGS_AT] & _DURESS != 0


def decode_uplink(raw: bytes) -> Uplink:
    """Lay out an uplink frame.

    Raises FrameError: LENGTH, VERSION, SUITE, KIND (checked in the order header, version, suite, kind, whole length),
    then for an ENROL DEVICE_ID and KEY, for a RECEIPT RESULT.
    """
    size = len(raw)
    if size < _HEADER.size:
        raise FrameError(Reason.LENGTH, f"{size} bytes do not hold the {_HEADER.size} bytes of a header")
    version_suite, kind_byte, device_id, counter = _HEADER.unpack_from(raw)
    if version_suite >> 4 != VERSION:
        raise FrameError(Reason.VERSION, f"version {version_suite >> 4}, only {VERSION} is spoken here")
    suite_number = version_suite & 15
    suite = _SUITES.get(suite_number)
    if suite is None:
        raise FrameError(Reason.SUITE, f"suite {suite_number}, an uplink is 1 (ES256) or 2 (HS256-64)")
    kind = _KINDS.get(kind_byte)
    if kind is None:
        raise FrameError(Reason.KIND, f"kind 0x{kind_byte:02x}, an uplink is of kind 1 to 7")
    if kind is Kind.ENROL and suite is not Suite.ES256:
        raise FrameError(Reason.SUITE, "an ENROL must be ES256, it is its own proof of possession")
    lengths = _LENGTHS[suite_number, kind_byte]
    if size not in lengths:
        expected = " or ".join(map(str, lengths))
        raise FrameError(Reason.LENGTH, f"{size} bytes, a {kind.name} under {suite.name} is {expected}")
    tag_length = _TAG_LENGTHS[suite_number]

    body = raw[_HEADER.size : size - tag_length]
    report: Report | None = None
    status: Status | None = None
    public_key: bytes | None = None
    receipt: Receipt | None = None
    if kind is Kind.ENROL:
        public_key = _enrolled_key(body, device_id)
    elif kind is Kind.RECEIPT:
        receipt = _receipt(body)
    else:
        report = Report.from_body(body[:21])
        if len(body) > 21:
            status = Status.from_body(body[21:])
    return Uplink(
        suite=suite,
        kind=kind,
        device_id=device_id,
        counter=counter,
        body=body,
        tag=raw[size - tag_length :],
        signed=raw[: size - tag_length],
        report=report,
        status=status,
        public_key=public_key,
        receipt=receipt,
    )


def _enrolled_key(body: bytes, device_id: bytes) -> bytes:
    if hashlib.sha256(body).digest()[:8] != device_id:
        raise FrameError(Reason.DEVICE_ID, f"device_id {device_id.hex()} is not the hash of the key enrolled")
    x, y = int.from_bytes(body[:32], "big"), int.from_bytes(body[32:], "big")
    if x >= _P or y >= _P or (y * y - (x * x - 3) * x - _B) % _P:
        raise FrameError(Reason.KEY, "the key enrolled is no point of P-256")
    return body


def _receipt(body: bytes) -> Receipt:
    down_counter, result = _RECEIPT.unpack(body)
    if result > Result.FAILED:
        raise FrameError(Reason.RESULT, f"result {result}, a RECEIPT says 0 done, 1 refused or 2 failed")
    return Receipt(down_counter, Result(result))


def event_digest(kind: int, counter: int, body: bytes) -> bytes:
    """The 32 bytes that identify an event whatever its form (PROTOCOL.md, 1.5): no tag and no CHECKIN's status is in
    them, since neither is the same on every bearer."""
    return hashlib.sha256(_EVENT.pack(kind, counter) + (body[:21] if kind == Kind.CHECKIN else body)).digest()


def kind_and_body(frame: bytes) -> tuple[Kind, bytes]:
    """Of an uplink that was decoded once."""
    return Kind(frame[1]), frame[_HEADER.size : -_TAG_LENGTHS[frame[0] & 15]]


def digest_of(frame: bytes) -> bytes:
    """The `event_digest` of an uplink that was decoded once."""
    kind, body = kind_and_body(frame)
    return event_digest(kind, counter_of(frame), body)


def counter_of(frame: bytes) -> int:
    """The counter of a frame, uplink or downlink."""
    return int.from_bytes(frame[_COUNTER_AT], "big")


def eta_field(minutes: int | None) -> int:
    """An ACK's eta for so many minutes: None is 255 (unknown), more than 254 is 254 (that or longer)."""
    return UNKNOWN_ETA if minutes is None else min(minutes, UNKNOWN_ETA - 1)


def encode_ack(
    mac_down_key: bytes, device_id: bytes, counter: int, digest: bytes, time: int, stage: Stage, eta: int = UNKNOWN_ETA
) -> bytes:
    """The 36 bytes of an ACK.

    mac_down_key: 32 bytes. counter, digest: of the uplink that it is about (`event_digest`). time: Unix seconds of the
    gateway's clock. eta: minutes; more than 254 are sent as 254, 255 itself means unknown.
    Raises ValueError for an argument that has no place in its field.
    """
    if len(digest) != 32:
        raise ValueError(f"a digest of {len(digest)} bytes: it is 32")
    if eta < 0:
        raise ValueError(f"eta {eta}: minutes from 0, or {UNKNOWN_ETA} for unknown")
    if eta > UNKNOWN_ETA:
        eta = UNKNOWN_ETA - 1
    unsigned = _unsigned(mac_down_key, Kind.ACK, device_id, counter, time, bytes([Stage(stage), eta]))
    return unsigned + ack_tag(mac_down_key, unsigned, digest)


def ack_tag(mac_down_key: bytes, unsigned: bytes, digest: bytes) -> bytes:
    """The 16 bytes of tag of an ACK's first 20, for the uplink with this digest."""
    return hmac.digest(mac_down_key, DOWN_CONTEXT + unsigned + digest, "sha256")[:16]


def encode_command(
    mac_down_key: bytes, device_id: bytes, down_counter: int, time: int, code: int, arguments: bytes
) -> bytes:
    """A COMMAND, 36 bytes and its arguments (at most 255). down_counter: never used before for this device.

    Raises ValueError for an argument that has no place in its field.
    """
    if not 0 <= code <= 255:
        raise ValueError(f"code {code}: one byte, 0 to 255")
    if len(arguments) > 255:
        raise ValueError(f"{len(arguments)} bytes of arguments: at most 255 fit in a COMMAND")
    body = bytes([code, len(arguments)]) + arguments
    unsigned = _unsigned(mac_down_key, Kind.COMMAND, device_id, down_counter, time, body)
    return unsigned + hmac.digest(mac_down_key, DOWN_CONTEXT + unsigned, "sha256")[:16]


def _unsigned(key: bytes, kind: Kind, device_id: bytes, counter: int, time: int, body: bytes) -> bytes:
    if len(key) != 32:
        raise ValueError(f"mac_down_key of {len(key)} bytes: a MAC key is 32")
    if len(device_id) != 8:
        raise ValueError(f"device_id of {len(device_id)} bytes: it is 8")
    if not 0 <= counter < 2**32:
        raise ValueError(f"counter {counter}: it is a u32")
    if not 0 <= time < 2**32:
        raise ValueError(f"time {time}: Unix seconds in a u32")
    return _DOWN.pack(VERSION << 4 | Suite.HS256_128, kind, device_id, counter, time) + body
