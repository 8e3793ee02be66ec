"""What must be refused: bytes that are no frame, each with the reason, and frames that somebody else made."""

from __future__ import annotations

import base64
from typing import Any

from vectors import bare, uplinks
from vectors.bare import (
    CANCEL,
    CHECKIN,
    DOWN,
    ENROL,
    ES256,
    HS256_64,
    HS256_128,
    PRESS,
    RECEIPT,
    TAMPER,
    UP,
    UPDATE,
)

Vector = dict[str, Any]

_REPORT = bare.report(uplinks.NOON, *uplinks.LAMPUNG, 12, 3, 80, 1 << 8, 0)
_STATUS = bare.status((1, 2, 3), -71, 1, 2, 3, 4, 5)
_ABOUT = bare.digest(PRESS, 9, _REPORT)
_ACK = bare.ack(9, uplinks.NOON, 1, 255, _ABOUT)
_RECEIPT = b"\x00\x00\x00\x11\x00"
_BODIES = {
    PRESS: _REPORT,
    UPDATE: _REPORT,
    CANCEL: _REPORT,
    CHECKIN: _REPORT + _STATUS,
    TAMPER: _REPORT,
    ENROL: bare.DEVICE_XY,
    RECEIPT: _RECEIPT,
}


def _refused(name: str, reason: str, frame: bytes) -> Vector:
    return {"name": name, "reason": reason, "frame": frame.hex()}


def _signed(unsigned: bytes) -> bytes:
    """With a genuine signature, so that the form alone is what is wrong."""
    return unsigned + bare.sign(bare.DEVICE, UP + unsigned)


def uplink_frames() -> list[Vector]:
    press = bare.uplink(ES256, PRESS, 9, _REPORT)
    short = bare.uplink(HS256_64, PRESS, 9, _REPORT)
    out = [_refused("nothing", "length", b"")]
    for size in (1, 2, 10, 13):
        out.append(_refused(f"the first {size} bytes of a PRESS", "length", press[:size]))
    out.append(_refused("a header and no body", "length", press[:14]))
    out.append(_refused("a PRESS without its tag", "length", press[:35]))
    for kind, body in _BODIES.items():
        for suite in (ES256, HS256_64) if kind != ENROL else (ES256,):
            frame = bare.uplink(suite, kind, 9, body)
            name = f"{bare.KINDS[kind]} under suite {suite}"
            out.append(_refused(f"{name}, a byte short", "length", frame[:-1]))
            out.append(_refused(f"{name}, a byte long", "length", frame + b"\x00"))
    for cut in (1, 4, 7):
        body = (_REPORT + _STATUS)[:-cut]
        for suite in (ES256, HS256_64):
            frame = bare.uplink(suite, CHECKIN, 9, body)
            out.append(_refused(f"CHECKIN under suite {suite}, {8 - cut} bytes of status", "length", frame))
    out += [
        _refused("PRESS with a status", "length", bare.uplink(ES256, PRESS, 9, _REPORT + _STATUS)),
        _refused("ENROL with a report", "length", bare.uplink(ES256, ENROL, 9, _REPORT)),
        _refused("RECEIPT with a report", "length", bare.uplink(ES256, RECEIPT, 9, _REPORT)),
        _refused("PRESS with a receipt", "length", bare.uplink(ES256, PRESS, 9, _RECEIPT)),
        _refused("PRESS of suite 2 with a signature", "length", b"\x12" + press[1:]),
        _refused("PRESS of suite 1 with a short MAC", "length", b"\x11" + short[1:]),
        _refused("two PRESS frames in one", "length", press + press),
        _refused("512 bytes too long", "length", press + bytes(512)),
        _refused("a PRESS as base64 text, undecoded", "version", base64.b64encode(press)),
        _refused("a PRESS as hex text, undecoded", "version", press.hex().encode()),
        _refused("a JSON object", "version", b'{"button": "pressed"}'),
    ]
    for version in (0, 2, 15):
        out.append(_refused(f"version {version}", "version", _signed(bytes([version << 4 | 1]) + press[1:35])))
    out.append(_refused("version 2 and wrong in everything else", "version", b"\x2f\xff" + bytes(12)))
    for suite in (0, HS256_128, 4, 15):
        out.append(_refused(f"suite {suite}", "suite", _signed(bytes([0x10 | suite]) + press[1:35])))
    out.append(_refused("suite 3 and an unknown kind", "suite", b"\x13\x09" + press[2:]))
    for kind in (0, 8, 0x11, 0x7F, 0x80, 0xFF):
        out.append(_refused(f"kind 0x{kind:02x}", "kind", _signed(b"\x11" + bytes([kind]) + press[2:35])))
    out += [
        _refused("an ACK sent upward", "suite", _ACK),
        _refused("an ACK's kind in an uplink", "kind", _signed(b"\x11\x81" + press[2:35])),
        _refused("a COMMAND's kind in an uplink", "kind", _signed(b"\x11\x82" + press[2:35])),
        _refused("unknown kind and wrong length", "kind", b"\x11\x08" + bytes(12)),
        _refused("ENROL under a MAC", "suite", bare.uplink(HS256_64, ENROL, 0, bare.DEVICE_XY)),
        _refused("ENROL under a MAC, a byte short", "suite", bare.uplink(HS256_64, ENROL, 0, bare.DEVICE_XY)[:-1]),
    ]
    other = bare.header(1, ES256, ENROL, bytes(8), 0) + bare.DEVICE_XY
    out.append(_refused("ENROL of another device_id", "device_id", _signed(other)))
    swapped = bare.DEVICE_XY[32:] + bare.DEVICE_XY[:32]
    unhashed = bare.header(1, ES256, ENROL, bare.DEVICE_ID, 0) + swapped
    out.append(_refused("ENROL of a key that device_id is not the hash of", "device_id", _signed(unhashed)))
    for name, key in [
        ("a point not on the curve", swapped),
        ("all zero", bytes(64)),
        ("all ones", b"\xff" * 64),
        ("a point on the curve, its x plus P", bare.packed((bare.lowest()[0] + bare.P, bare.lowest()[1]))),
        ("a point on the curve, its y plus P", bare.packed((bare.FLAT[0], bare.FLAT[1] + bare.P))),
    ]:
        frame = _signed(bare.header(1, ES256, ENROL, bare.device_id(key), 0) + key)
        out.append(_refused(f"ENROL of {name}", "key", frame))
    for result in (3, 255):
        frame = bare.uplink(ES256, RECEIPT, 9, b"\x00\x00\x00\x11" + bytes([result]))
        out.append(_refused(f"RECEIPT with result {result}", "result", frame))
    return out


def downlink_frames() -> list[Vector]:
    command = bare.command(9, uplinks.NOON, b"\x01\x03abc")
    out = [_refused("nothing", "length", b"")]
    for size in (1, 2, 18, 20, 35):
        out.append(_refused(f"the first {size} bytes of an ACK", "length", _ACK[:size]))
    out += [
        _refused("an ACK, a byte long", "length", _ACK + b"\x00"),
        _refused("two ACKs in one", "length", _ACK + _ACK),
        _refused("a COMMAND, a byte short", "length", command[:-1]),
        _refused("a COMMAND, a byte long", "length", command + b"\x00"),
        _refused("a COMMAND that claims 255 bytes", "length", command[:19] + b"\xff" + command[20:]),
        _refused("a COMMAND that claims none of its 3 bytes", "length", command[:19] + b"\x00" + command[20:]),
        _refused("an ACK as base64 text, undecoded", "version", base64.b64encode(_ACK)),
    ]
    for version in (0, 2, 15):
        out.append(_refused(f"version {version}", "version", bytes([version << 4 | 3]) + _ACK[1:]))
    for suite in (0, ES256, HS256_64, 4, 15):
        out.append(_refused(f"suite {suite}", "suite", bytes([0x10 | suite]) + _ACK[1:]))
    for kind in (0, 1, 7, 0x80, 0x83, 0xFF):
        out.append(_refused(f"kind 0x{kind:02x}", "kind", _ACK[:1] + bytes([kind]) + _ACK[2:]))
    for stage in (0, 8, 255):
        out.append(_refused(f"ACK of stage {stage}", "stage", bare.ack(9, uplinks.NOON, stage, 255, _ABOUT)))
    out.append(_refused("a PRESS sent downward", "suite", bare.uplink(ES256, PRESS, 9, _REPORT)))
    return out


def forged_frames() -> list[Vector]:
    """Frames of the right form that are not genuine: `way` is up or down, `frame` must not verify."""
    stranger = bare.private("stranger")
    other = bare.shared_x(stranger, bare.GATEWAY_XY)
    stranger_id = bare.device_id(bare.public(stranger))
    signed = bare.header(1, ES256, PRESS, bare.DEVICE_ID, 9) + _REPORT
    maced = bare.header(1, HS256_64, PRESS, bare.DEVICE_ID, 9) + _REPORT
    genuine = bare.sign(bare.DEVICE, UP + signed)
    n = bare.N.to_bytes(32, "big")

    def up(name: str, frame: bytes) -> Vector:
        return {"name": name, "way": "up", "frame": frame.hex()}

    def down(name: str, frame: bytes) -> Vector:
        return {"name": name, "way": "down", "frame": frame.hex()}

    out = [
        up("signed by a stranger", signed + bare.sign(stranger, UP + signed)),
        up("signed by the gateway", signed + bare.sign(bare.GATEWAY, UP + signed)),
        up("signed without a context", signed + bare.sign(bare.DEVICE, signed)),
        up("signed in the downlink's context", signed + bare.sign(bare.DEVICE, DOWN + signed)),
        up("signature of another counter", signed[:13] + b"\x0a" + signed[14:] + genuine),
        up("signature of zeros", signed + bytes(64)),
        up("r = 0", signed + bytes(32) + genuine[32:]),
        up("s = 0", signed + genuine[:32] + bytes(32)),
        up("r = N", signed + n + genuine[32:]),
        up("s = N", signed + genuine[:32] + n),
        up("r = s = 1", signed + (1).to_bytes(32, "big") * 2),
        up("signature of ones", signed + b"\xff" * 64),
        up("r and s swapped", signed + genuine[32:] + genuine[:32]),
        up("MAC of zeros", maced + bytes(8)),
        up("MAC without a context", maced + bare.mac(bare.MAC_UP, maced, 8)),
        up("MAC in the downlink's context", maced + bare.mac(bare.MAC_UP, DOWN + maced, 8)),
        up("MAC under the downlink's key", maced + bare.mac(bare.MAC_DOWN, UP + maced, 8)),
        up("MAC under the shared x itself", maced + bare.mac(bare.SHARED_X, UP + maced, 8)),
        up("MAC over the signed form", maced + bare.mac(bare.MAC_UP, UP + signed, 8)),
        up("the last 8 bytes of the MAC", maced + bare.mac(bare.MAC_UP, UP + maced, 32)[-8:]),
        up("MAC of a stranger's key", maced + bare.mac(bare.mac_key(other, "up", stranger_id), UP + maced, 8)),
        up(
            "MAC of a stranger's key, this device_id",
            maced + bare.mac(bare.mac_key(other, "up", bare.DEVICE_ID), UP + maced, 8),
        ),
    ]
    enrol = bare.header(1, ES256, ENROL, bare.DEVICE_ID, 0) + bare.DEVICE_XY
    out.append(up("ENROL signed by a stranger", enrol + bare.sign(stranger, UP + enrol)))

    command = bare.command(9, uplinks.NOON, b"\x05\x00")[:20]
    down_key = bare.MAC_DOWN
    out += [
        down("COMMAND with a MAC of zeros", command + bytes(16)),
        down("COMMAND without a context", command + bare.mac(down_key, command, 16)),
        down("COMMAND in the uplink's context", command + bare.mac(down_key, UP + command, 16)),
        down("COMMAND under the uplink's key", command + bare.mac(bare.MAC_UP, DOWN + command, 16)),
        down("COMMAND with the last 16 bytes of the MAC", command + bare.mac(down_key, DOWN + command, 32)[16:]),
        down("COMMAND with an event's digest under its MAC", command + bare.mac(down_key, DOWN + command + _ABOUT, 16)),
        down("COMMAND with the MAC of an ACK", command + _ACK[20:]),
        down(
            "COMMAND of a stranger's key",
            command + bare.mac(bare.mac_key(other, "down", stranger_id), DOWN + command, 16),
        ),
    ]
    return out
