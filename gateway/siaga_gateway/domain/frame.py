"""Decodes and encodes the Siaga wire protocol, version 1 (firmware/PROTOCOL.md), on the gateway's side.

Only the layout: `frame_authentication.py` decides whether a frame is authentic. A frame is rejected for its form, never
for its content: a press without a position, a set clock or a charged battery is still a press.
"""

from __future__ import annotations

import hashlib
import struct
from enum import IntEnum, StrEnum

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.device_report import NO_POSITION as NO_POSITION
from siaga_gateway.domain.device_report import Bearer as Bearer
from siaga_gateway.domain.device_report import Flags as Flags
from siaga_gateway.domain.device_report import PositionSource as PositionSource
from siaga_gateway.domain.device_report import Report as Report
from siaga_gateway.domain.device_report import Status as Status
from siaga_gateway.domain.device_report import Trigger as Trigger
from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.hmac_sha256 import hmac_sha256

# Re-exported: they are part of what decode_uplink returns.
from siaga_gateway.domain.value import record

VERSION = 1
UP_CONTEXT = b"siaga/1 up"
DOWN_CONTEXT = b"siaga/1 down"

UNKNOWN_ETA = 255
LONGEST_ETA = UNKNOWN_ETA - 1  # minutes; the wire has one byte for it

_HEADER = struct.Struct(">BB8sI")
_RECEIPT = struct.Struct(">IB")
_DOWN = struct.Struct(">BB8sII")
_EVENT = struct.Struct(">BI")

# P-256 (SP 800-186, 3.2.1.3), for the one check on an ENROL's key.
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


class Suite(IntEnum):
    """How the tag is made, and hence its length."""

    ES256 = 1  # r || s, 64 bytes
    HS256_64 = 2  # uplinks where 99 bytes do not fit: 8 bytes
    HS256_128 = 3  # downlinks: 16 bytes


class Kind(IntEnum):
    """The kind of a frame."""

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
    """What a COMMAND asks a device to do."""

    LOCATE = 1  # get a fresh fix and report it in a CHECKIN
    TEST = 2  # make a test press
    SETTINGS = 3  # arguments: UTF-8 JSON object of the settings to change
    UPDATE = 4  # arguments: ASCII URL of a signed bundle
    RESTART = 5


class Result(IntEnum):
    """The outcome of a COMMAND."""

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
    """Why bytes are not a frame. Stable codes: they are counted, logged and used in the test vectors."""

    LENGTH = "length"
    VERSION = "version"
    SUITE = "suite"
    KIND = "kind"
    KEY = "key"  # an ENROL whose key is not on P-256
    DEVICE_ID = "device_id"  # an ENROL whose device_id is not the hash of its key
    RESULT = "result"  # a RECEIPT with an unknown result


class FrameError(Malformed):
    """Bytes that are not a frame of this protocol. `detail` says what is wrong, in one sentence."""

    def __init__(self, reason: Reason, key: str, /, **values: object) -> None:
        super().__init__("frame.no_frame", reason=str(reason), detail=Localized(f"errors.{key}", **values))
        self.reason = reason
        self.detail: Localized = self.values["detail"]


@record
class Receipt:
    """A device's answer to a COMMAND."""

    down_counter: int
    result: Result


@record
class Uplink:
    """One uplink frame, decoded but not verified. Exactly one of report, public_key and receipt is set."""

    suite: Suite
    kind: Kind
    device_id: bytes  # 8 bytes
    counter: int
    body: bytes  # the same under both suites of one event
    tag: bytes
    signed: bytes  # the frame without its tag; UP_CONTEXT + signed is what is signed or MACed
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
# Keyed by plain numbers: every frame looks them up, and an enum lookup costs more than the rest.
_SUITES = {int(suite): suite for suite in (Suite.ES256, Suite.HS256_64)}
_KINDS = {int(kind): kind for kind in _BODY_LENGTHS}
_TAG_LENGTHS = {int(Suite.ES256): 64, int(Suite.HS256_64): 8}
_LENGTHS = {
    (suite, int(kind)): tuple(_HEADER.size + length + tag_length for length in lengths)
    for suite, tag_length in _TAG_LENGTHS.items()
    for kind, lengths in _BODY_LENGTHS.items()
}

# The same, by the first two bytes, for `glance`.
_FORMS = {
    bytes([VERSION << 4 | suite, kind]): (_KINDS[kind], lengths)
    for (suite, kind), lengths in _LENGTHS.items()
    if kind != Kind.ENROL or suite == Suite.ES256
}
_BY_MAC_HEAD = bytes([VERSION << 4 | Suite.HS256_64])
_REPORTING = frozenset({Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER})
_DEVICE_ID_AT = slice(2, 10)
_COUNTER_AT = slice(10, 14)
_STAGE_AT = _DOWN.size
_ARGUMENTS_AT = _DOWN.size + 1  # how many bytes of arguments a COMMAND has
_DOWN_TAG = 16
_ACK_LENGTH = _DOWN.size + 2 + _DOWN_TAG
_FLAGS_AT = _HEADER.size + 18  # the low byte of the report's flags
_DURESS = int(Flags.DURESS)
_CHECKIN = bytes([Kind.CHECKIN])


def glance(raw: bytes) -> Kind | None:
    """Return the kind that a frame claims to be; None if its header or length already rules it out."""
    form = _FORMS.get(raw[:2])
    return form[0] if form is not None and len(raw) in form[1] else None


def lengths_after(head: bytes) -> tuple[int, ...]:
    """Return the possible lengths of an uplink frame that begins with these two bytes; empty if none does."""
    form = _FORMS.get(head[:2])
    return () if form is None else form[1]


def is_by_mac(raw: bytes) -> bool:
    """Whether a frame claims to prove itself by a MAC."""
    return raw[:1] == _BY_MAC_HEAD


def signed_later(raw: bytes, signature: bytes) -> bytes:
    """Return a frame that came with a MAC as the button signed it: `signature` came later."""
    return bytes([VERSION << 4 | Suite.ES256]) + raw[1 : -_TAG_LENGTHS[Suite.HS256_64]] + signature


def says_duress(raw: bytes, kind: Kind) -> bool:
    """Whether a frame of the kind that `glance` returned claims duress."""
    return kind in _REPORTING and raw[_FLAGS_AT] & _DURESS != 0


def is_private(raw: bytes) -> bool:
    """Whether bytes claim to be a check-in that calls nobody, whatever else is wrong with them.

    They say where a person is who did not ask for anything: no record that stays for ever has them.
    """
    return raw[1:2] == _CHECKIN and not (glance(raw) is Kind.CHECKIN and says_duress(raw, Kind.CHECKIN))


def decode_uplink(raw: bytes) -> Uplink:
    """Decode an uplink frame.

    Raises: FrameError with LENGTH, VERSION, SUITE or KIND (checked in the order header, version, suite, kind, total
    length); then DEVICE_ID or KEY for an ENROL, RESULT for a RECEIPT.
    """
    size = len(raw)
    if size < _HEADER.size:
        raise FrameError(Reason.LENGTH, "frame.short", size=size, size_2=_HEADER.size)
    version_suite, kind_byte, device_id, counter = _HEADER.unpack_from(raw)
    if version_suite >> 4 != VERSION:
        raise FrameError(Reason.VERSION, "frame.version", version_suite=version_suite >> 4, version=VERSION)
    suite_number = version_suite & 15
    suite = _SUITES.get(suite_number)
    if suite is None:
        raise FrameError(Reason.SUITE, "frame.suite", suite_number=suite_number)
    kind = _KINDS.get(kind_byte)
    if kind is None:
        raise FrameError(Reason.KIND, "frame.kind", kind_byte=kind_byte)
    if kind is Kind.ENROL and suite is not Suite.ES256:
        raise FrameError(Reason.SUITE, "frame.enrol_suite")
    lengths = _LENGTHS[suite_number, kind_byte]
    if size not in lengths:
        expected = " or ".join(map(str, lengths))
        raise FrameError(Reason.LENGTH, "frame.length", size=size, name=kind.name, name_2=suite.name, expected=expected)
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
        raise FrameError(Reason.DEVICE_ID, "frame.device_id", device_id=device_id.hex())
    x, y = int.from_bytes(body[:32], "big"), int.from_bytes(body[32:], "big")
    if x >= _P or y >= _P or (y * y - (x * x - 3) * x - _B) % _P:
        raise FrameError(Reason.KEY, "frame.key")
    return body


def _receipt(body: bytes) -> Receipt:
    down_counter, result = _RECEIPT.unpack(body)
    if result > Result.FAILED:
        raise FrameError(Reason.RESULT, "frame.result", result=result)
    return Receipt(down_counter, Result(result))


def event_digest(kind: int, counter: int, body: bytes) -> bytes:
    """Return the 32 bytes that identify an event under either suite (PROTOCOL.md, 1.5).

    They cover neither the tag nor a CHECKIN's status, because those differ by bearer.
    """
    return hashlib.sha256(_EVENT.pack(kind, counter) + (body[:21] if kind == Kind.CHECKIN else body)).digest()


def kind_and_body(frame: bytes) -> tuple[Kind, bytes]:
    """Return the kind and the body of an uplink that was decoded before."""
    return Kind(frame[1]), frame[_HEADER.size : -_TAG_LENGTHS[frame[0] & 15]]


def digest_of(frame: bytes) -> bytes:
    """Return the `event_digest` of an uplink that was decoded before."""
    kind, body = kind_and_body(frame)
    return event_digest(kind, counter_of(frame), body)


def counter_of(frame: bytes) -> int:
    """Return the counter of an uplink or downlink frame."""
    return int.from_bytes(frame[_COUNTER_AT], "big")


def device_id_of(frame: bytes) -> bytes:
    """Return the device_id that an uplink or downlink frame names; any bytes are taken."""
    return frame[_DEVICE_ID_AT]


def kind_of(frame: bytes) -> int:
    """Return the kind byte of an uplink or downlink frame."""
    return frame[1]


def stage_of(ack: bytes) -> int:
    """Return the stage of an ACK."""
    return ack[_STAGE_AT]


def glance_down(frame: bytes) -> Kind | None:
    """Return the kind that a downlink claims to be; None if its header or length already rules it out."""
    if len(frame) < _ACK_LENGTH or frame[0] != VERSION << 4 | Suite.HS256_128:
        return None
    if kind_of(frame) == Kind.ACK:
        return Kind.ACK if len(frame) == _ACK_LENGTH else None
    whole = kind_of(frame) == Kind.COMMAND and len(frame) == _ACK_LENGTH + frame[_ARGUMENTS_AT]
    return Kind.COMMAND if whole else None


def unsigned_and_tag(down: bytes) -> tuple[bytes, bytes]:
    """Split a downlink into what its tag covers and the tag, 16 bytes."""
    return down[:-_DOWN_TAG], down[-_DOWN_TAG:]


def eta_field(minutes: int | None) -> int:
    """Return an ACK's eta field: 255 (unknown) for None, 254 (that or longer) for more than 254 minutes."""
    return UNKNOWN_ETA if minutes is None else min(minutes, LONGEST_ETA)


def encode_ack(
    mac_down_key: bytes, device_id: bytes, counter: int, digest: bytes, time: int, stage: Stage, eta: int = UNKNOWN_ETA
) -> bytes:
    """Encode an ACK, 36 bytes.

    mac_down_key: 32 bytes. counter, digest: of the uplink it answers (`event_digest`). time: Unix seconds, the
    gateway's clock. eta: minutes; more than 254 are sent as 254, 255 means unknown.

    Raises: ValueError for an argument that does not fit its field.
    """
    if len(digest) != 32:
        raise ValueError(f"a digest of {len(digest)} bytes: it is 32")
    if eta < 0:
        raise ValueError(f"eta {eta}: minutes from 0, or {UNKNOWN_ETA} for unknown")
    if eta > UNKNOWN_ETA:
        eta = LONGEST_ETA
    if stage.__class__ is not Stage:  # its lookup costs as much as the hash
        stage = Stage(stage)
    unsigned = _unsigned(mac_down_key, Kind.ACK, device_id, counter, time, bytes([stage, eta]))
    return unsigned + ack_tag(mac_down_key, unsigned, digest)


def ack_tag(mac_down_key: bytes, unsigned: bytes, digest: bytes) -> bytes:
    """Return the 16-byte tag for an ACK's first 20 bytes, about the uplink with this digest."""
    return hmac_sha256(mac_down_key, DOWN_CONTEXT + unsigned + digest)[:16]


def encode_command(
    mac_down_key: bytes, device_id: bytes, down_counter: int, time: int, code: int, arguments: bytes
) -> bytes:
    """Encode a COMMAND: 36 bytes plus at most 255 of arguments.

    down_counter: never used before for this device. Raises: ValueError for an argument that does not fit its field.
    """
    if not 0 <= code <= 255:
        raise ValueError(f"code {code}: one byte, 0 to 255")
    if len(arguments) > 255:
        raise ValueError(f"{len(arguments)} bytes of arguments: at most 255 fit in a COMMAND")
    body = bytes([code, len(arguments)]) + arguments
    unsigned = _unsigned(mac_down_key, Kind.COMMAND, device_id, down_counter, time, body)
    return unsigned + hmac_sha256(mac_down_key, DOWN_CONTEXT + unsigned)[:16]


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
