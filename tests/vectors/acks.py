"""Which acknowledgement is one of which message: exactly its own, in whatever form that went."""

from __future__ import annotations

import hashlib
from typing import Any

from vectors import bare
from vectors.bare import CANCEL, CHECKIN, DOWN, ENROL, ES256, HS256_64, PRESS, RECEIPT, TAMPER, UPDATE
from vectors.downlinks import NOON, PRESSED

Vector = dict[str, Any]
Message = tuple[int, int, bytes]  # kind, counter, body


def _changed(place: int) -> bytes:
    return PRESSED[:place] + bytes([PRESSED[place] ^ 1]) + PRESSED[place + 1 :]


# Neighbours differ in one thing: the kind, the counter, one field of the body.
MESSAGES: dict[str, Message] = {
    "PRESS 9": (PRESS, 9, PRESSED),
    "PRESS 10": (PRESS, 10, PRESSED),
    "PRESS 9, a second later": (PRESS, 9, _changed(3)),
    "PRESS 9, elsewhere": (PRESS, 9, _changed(7)),
    "PRESS 9, another battery": (PRESS, 9, _changed(16)),
    "PRESS 9, a test": (PRESS, 9, _changed(18)),
    "PRESS 9, another opening": (PRESS, 9, _changed(20)),
    "UPDATE 9": (UPDATE, 9, PRESSED),
    "CANCEL 9": (CANCEL, 9, PRESSED),
    "CHECKIN 9": (CHECKIN, 9, PRESSED),
    "TAMPER 9": (TAMPER, 9, PRESSED),
    "ENROL 9": (ENROL, 9, bare.DEVICE_XY),
    "RECEIPT 9, done": (RECEIPT, 9, b"\0\0\0\x09\0"),
    "RECEIPT 9, failed": (RECEIPT, 9, b"\0\0\0\x09\x02"),
}


def _vector(name: str, ack: bytes, message: Message, valid: bool, suite: int = HS256_64) -> Vector:
    kind, counter, body = message
    uplink = bare.uplink(ES256 if kind == ENROL else suite, kind, counter, body)
    return {"name": name, "ack": ack.hex(), "uplink": uplink.hex(), "valid": valid}


def _of(message: Message, stage: int = 1) -> bytes:
    return bare.ack(message[1], NOON, stage, 255, bare.digest(*message))


def pairs() -> list[Vector]:
    """Every acknowledgement against every message, then what else must or must not verify."""
    out = [
        _vector(f"ACK of {of}, for {name}", _of(MESSAGES[of]), message, of == name)
        for of in MESSAGES
        for name, message in MESSAGES.items()
    ]
    press, checkin = MESSAGES["PRESS 9"], MESSAGES["CHECKIN 9"]
    told = (CHECKIN, 9, PRESSED + bare.status((1, 2, 3), -71, 1, 2, 30, 1, 4))
    otherwise = (CHECKIN, 9, PRESSED + bare.status((1, 2, 3), -72, 3, 0, 31, 0, 0))
    out += [_vector(f"{name}, ES256", _of(message), message, True, ES256) for name, message in MESSAGES.items()]
    out += [_vector(f"PRESS 9, stage {stage}", _of(press, stage), press, True) for stage in range(2, 8)]
    for suite in (ES256, HS256_64):
        out += [
            _vector(f"CHECKIN, which went with a status, suite {suite}", _of(checkin), told, True, suite),
            _vector(f"CHECKIN, which came with another status, suite {suite}", _of(told), otherwise, True, suite),
            _vector(f"CHECKIN, which came with a status, suite {suite}", _of(told), checkin, True, suite),
        ]

    unsigned, about, key = _of(press)[:20], bare.digest(*press), bare.MAC_DOWN
    stranger = bare.private("stranger")
    other = bare.mac_key(bare.shared_x(stranger, bare.GATEWAY_XY), "down", bare.DEVICE_ID)
    tagged = bare.uplink(HS256_64, *press)
    for name, tag in {
        "a MAC of zeros": bytes(16),
        "a MAC that is bound to no message": bare.mac(key, DOWN + unsigned, 16),
        "a MAC over the message itself": bare.mac(key, DOWN + unsigned + bytes([PRESS]) + tagged[10:-8], 16),
        "a MAC over the whole frame's digest": bare.mac(key, DOWN + unsigned + hashlib.sha256(tagged).digest(), 16),
        "a MAC over half of the digest": bare.mac(key, DOWN + unsigned + about[:16], 16),
        "a MAC without a context": bare.mac(key, unsigned + about, 16),
        "a MAC in the uplink's context": bare.mac(key, bare.UP + unsigned + about, 16),
        "a MAC under the uplink's key": bare.mac(bare.MAC_UP, DOWN + unsigned + about, 16),
        "a MAC under a stranger's key": bare.mac(other, DOWN + unsigned + about, 16),
        "the last 16 bytes of the MAC": bare.mac(key, DOWN + unsigned + about, 32)[16:],
        "half of the MAC twice": bare.mac(key, DOWN + unsigned + about, 8) * 2,
        "the MAC of another stage": _of(press, 2)[20:],
    }.items():
        out.append(_vector(f"PRESS 9, {name}", unsigned + tag, press, False))
    return out
