"""The wire format and its cryptography written down a third time, as plainly as can be, for the generator alone."""

from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

ES256, HS256_64, HS256_128 = 1, 2, 3
PRESS, UPDATE, CANCEL, CHECKIN, TAMPER, ENROL, RECEIPT = range(1, 8)
ACK, COMMAND = 0x81, 0x82
KINDS = {1: "PRESS", 2: "UPDATE", 3: "CANCEL", 4: "CHECKIN", 5: "TAMPER", 6: "ENROL", 7: "RECEIPT"}
UP, DOWN = b"siaga/1 up", b"siaga/1 down"
NONE = -(2**31)


def private(label: str) -> int:
    """A key that everybody knows, for tests."""
    return int.from_bytes(hashlib.sha512(b"siaga test key " + label.encode()).digest(), "big") % (N - 1) + 1


def key(d: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(d, ec.SECP256R1())


def public(d: int) -> bytes:
    numbers = key(d).public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def load(xy: bytes) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + xy)


def device_id(xy: bytes) -> bytes:
    return hashlib.sha256(xy).digest()[:8]


def sign(d: int, message: bytes) -> bytes:
    """r || s, with the nonce of RFC 6979."""
    der = key(d).sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def shared_x(d: int, xy: bytes) -> bytes:
    return key(d).exchange(ec.ECDH(), load(xy))


def mac_key(x: bytes, way: str, device: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"siaga/1 mac " + way.encode() + device).derive(x)


def mac(secret: bytes, message: bytes, length: int) -> bytes:
    return hmac.new(secret, message, hashlib.sha256).digest()[:length]


def header(version: int, suite: int, kind: int, device: bytes, counter: int) -> bytes:
    return bytes([version * 16 + suite, kind]) + device + struct.pack(">I", counter)


def report(*fields: int) -> bytes:
    return struct.pack(">I i i H H B H H", *fields)


def status(version: tuple[int, int, int], signal: int, bearer: int, waiting: int, *counts: int) -> bytes:
    return struct.pack(">3B b B 3B", *version, signal, bearer * 16 + waiting, *counts)


# The device and the gateway of all vectors.
DEVICE = private("device")
DEVICE_XY = public(DEVICE)
DEVICE_ID = device_id(DEVICE_XY)
GATEWAY = private("gateway")
GATEWAY_XY = public(GATEWAY)
SHARED_X = shared_x(DEVICE, GATEWAY_XY)
MAC_UP = mac_key(SHARED_X, "up", DEVICE_ID)
MAC_DOWN = mac_key(SHARED_X, "down", DEVICE_ID)


def uplink(suite: int, kind: int, counter: int, body: bytes) -> bytes:
    """A genuine frame of the device."""
    unsigned = header(1, suite, kind, DEVICE_ID, counter) + body
    return unsigned + (sign(DEVICE, UP + unsigned) if suite == ES256 else mac(MAC_UP, UP + unsigned, 8))


def downlink(kind: int, counter: int, time: int, body: bytes) -> bytes:
    """A genuine frame of the gateway to the device."""
    unsigned = header(1, HS256_128, kind, DEVICE_ID, counter) + struct.pack(">I", time) + body
    return unsigned + mac(MAC_DOWN, DOWN + unsigned, 16)
