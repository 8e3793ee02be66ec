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


Point = tuple[int, int] | None  # None: infinity


def add(a: Point, b: Point) -> Point:
    """Affine and plain: for the few points that `cryptography` does not hand out."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    rise, run = (3 * a[0] ** 2 - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(k: int, point: Point) -> Point:
    total: Point = None
    while k:
        if k & 1:
            total = add(total, point)
        point = add(point, point)
        k >>= 1
    return total


def square_root(value: int) -> int | None:
    root = pow(value, (P + 1) // 4, P)
    return root if root * root % P == value % P else None


def lift(x: int) -> tuple[int, int] | None:
    """The point with this x and its smaller y, if there is one."""
    y = square_root(x**3 - 3 * x + B)
    return None if y is None else (x, min(y, P - y))


def lowest() -> tuple[int, int]:
    """The point with the smallest x: x + P still fits in 32 bytes."""
    return next(point for point in map(lift, range(1, 1000)) if point is not None)


# A point with a small y, found by solving the cubic for y = 1, 2, ...: y + P still fits in 32 bytes.
FLAT = (0xD7325D7646CD60D80A92738CEB345F844CFFAF35841022CAB176F692DE8DE1D7, 5)
assert lift(FLAT[0]) == FLAT


def packed(point: tuple[int, int]) -> bytes:
    return point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


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


def digest(kind: int, counter: int, body: bytes) -> bytes:
    """What identifies an event: its kind, counter and body, a CHECKIN's without its status."""
    report_only = body[:21] if kind == CHECKIN else body
    return hashlib.sha256(bytes([kind]) + struct.pack(">I", counter) + report_only).digest()


def command(counter: int, time: int, body: bytes) -> bytes:
    """A genuine COMMAND of the gateway to the device."""
    unsigned = header(1, HS256_128, COMMAND, DEVICE_ID, counter) + struct.pack(">I", time) + body
    return unsigned + mac(MAC_DOWN, DOWN + unsigned, 16)


def ack(counter: int, time: int, stage: int, eta: int, about: bytes) -> bytes:
    """A genuine ACK of the event with the digest `about`."""
    unsigned = header(1, HS256_128, ACK, DEVICE_ID, counter) + struct.pack(">I", time) + bytes([stage, eta])
    return unsigned + mac(MAC_DOWN, DOWN + unsigned + about, 16)
