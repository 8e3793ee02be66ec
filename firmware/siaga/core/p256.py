"""P-256 in integers: ECDSA with SHA-256 (FIPS 186-5), nonces by RFC 6979, ECDH (SP 800-56A, 5.7.1.2).

Signing uses a fixed-base comb in signed digits: 260 digits +-1 in 4 blocks of 5 teeth, 13 columns, which makes
64 stored points (p256_table.py, 4 KB). The 4 points of every column are added in affine coordinates, all columns
at once, so that one inversion serves 26 additions and another 13; a Horner pass of 12 doublings and 12 mixed
additions is left. Most time goes to `% P`, so sums and differences of products are reduced together.

Not constant in time: MicroPython's integers are not. The sequence of point operations does not depend on the
secret, and the inversion of the nonce is blinded; the time of each operation still varies with its operands.
Whoever can measure a button's power or radiation to that degree holds it in his hand.
"""

import hashlib

from siaga.core.errors import SiagaError
from siaga.core.mac import hmac_sha256

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5


def _inverse(a: int, m: int) -> int:
    return pow(a, m - 2, m)


def _double(x: int, y: int, z: int) -> "tuple[int, int, int]":
    p = P
    if not z:
        return x, y, z
    zz = z * z % p
    slope = 3 * (x - zz) * (x + zz) % p
    yy2 = 2 * y * y % p
    s = 2 * x * yy2 % p
    x3 = (slope * slope - s - s) % p
    return x3, (slope * (s - x3) - 2 * yy2 * yy2) % p, 2 * y * z % p


def _add_affine(x: int, y: int, z: int, ax: int, ay: int) -> "tuple[int, int, int]":
    p = P
    if not z:
        return ax, ay, 1
    zz = z * z % p
    h = (ax * zz - x) % p
    r = (ay * (z * zz % p) - y) % p
    if not h:
        return (1, 1, 0) if r else _double(x, y, z)
    hh = h * h % p
    hhh = h * hh % p
    v = x * hh % p
    x3 = (r * r - hhh - v - v) % p
    return x3, (r * (v - x3) - y * hhh) % p, z * h % p


def _multiply(k: int, x: int, y: int) -> "tuple[int, int, int]":
    X, Y, Z = 1, 1, 0
    for i in range(255, -1, -1):
        X, Y, Z = _double(X, Y, Z)
        if k >> i & 1:
            X, Y, Z = _add_affine(X, Y, Z, x, y)
    return X, Y, Z


def _multiply_base(k: int) -> "tuple[int, int, int]":
    return _multiply(k, GX, GY)


def _affine(x: int, y: int, z: int) -> "tuple[int, int]":
    i = _inverse(z, P)
    ii = i * i % P
    return x * ii % P, y * (ii * i % P) % P


def _point(public_xy: bytes) -> "tuple[int, int]":
    if len(public_xy) != 64:
        raise SiagaError("a public key is X || Y in 64 bytes, not %d" % len(public_xy))
    x = int.from_bytes(public_xy[:32], "big")
    y = int.from_bytes(public_xy[32:], "big")
    if x >= P or y >= P or (y * y - (x * x - 3) * x - B) % P:
        raise SiagaError("the public key is no point of P-256; have it sent or typed again")
    return x, y


def _check(d: int) -> None:
    if not 0 < d < N:
        raise SiagaError("a private key lies between 1 and N - 1; make a new one with private_from")


def private_from(random: bytes) -> int:
    """A private key from at least 40 random bytes (FIPS 186-5, A.2.1: 64 bits more than N has)."""
    if len(random) < 40:
        raise SiagaError("a private key is made from at least 40 random bytes, not %d" % len(random))
    return int.from_bytes(random, "big") % (N - 1) + 1


def public_key(d: int) -> bytes:
    """X || Y, 64 bytes, of the private key d. Raises SiagaError for d outside 1 to N - 1."""
    _check(d)
    x, y = _affine(*_multiply_base(d))
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def sign(d: int, message: bytes) -> bytes:
    """The signature r || s, 64 bytes, over SHA-256 of message: deterministic, RFC 6979, 3.2."""
    _check(d)
    e = int.from_bytes(hashlib.sha256(message).digest(), "big") % N
    seed = d.to_bytes(32, "big") + e.to_bytes(32, "big")
    v = b"\x01" * 32
    key = hmac_sha256(b"\x00" * 32, v + b"\x00" + seed)
    v = hmac_sha256(key, v)
    key = hmac_sha256(key, v + b"\x01" + seed)
    v = hmac_sha256(key, v)
    while True:
        v = hmac_sha256(key, v)
        k = int.from_bytes(v, "big")
        if 0 < k < N:
            x, y, z = _multiply_base(k)
            r = _affine(x, y, z)[0] % N
            s = _inverse(k, N) * (e + r * d) % N
            if r and s:
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        key = hmac_sha256(key, v + b"\x00")
        v = hmac_sha256(key, v)


def verify(public_xy: bytes, message: bytes, signature: bytes) -> bool:
    """Whether signature (r || s) is public_xy's over SHA-256 of message. Raises SiagaError for a bad key."""
    qx, qy = _point(public_xy)
    if len(signature) != 64:
        return False
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (0 < r < N and 0 < s < N):
        return False
    w = _inverse(s, N)
    e = int.from_bytes(hashlib.sha256(message).digest(), "big")
    x, y, z = _multiply(r * w % N, qx, qy)
    u = e * w % N
    if u:
        x, y, z = _add_affine(x, y, z, *_affine(*_multiply_base(u)))
    return bool(z) and _affine(x, y, z)[0] % N == r


def ecdh(d: int, public_xy: bytes) -> bytes:
    """The 32-byte x-coordinate shared by d and public_xy. Raises SiagaError for a point not on the curve."""
    _check(d)
    qx, qy = _point(public_xy)
    return _affine(*_multiply(d, qx, qy))[0].to_bytes(32, "big")
