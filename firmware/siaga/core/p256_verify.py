"""Operations on other people's public keys, which are rare: verify a signature (FIPS 186-5), agree on a secret (ECDH,
SP 800-56A, 5.7.1.2) and derive the two MAC keys from it (HKDF). Loaded on demand."""

import hashlib

from siaga.core import hmac, p256
from siaga.core.errors import SiagaError

_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def multiply(k: int, x: int, y: int) -> "tuple[int, int, int]":
    """Return k (x, y), Jacobian, for a point on the curve and 0 < k < N: 4-bit windows, every digit odd."""
    # 1, 3, 5, ... 15 times the point.
    xs = [x]
    ys = [y]
    step_x, step_y = p256.affine(*p256.double(x, y, 1))
    while True:
        pair_xs: "list[int]" = []
        pair_ys: "list[int]" = []
        for i in range(len(xs)):
            pair_xs += (step_x, xs[i])
            pair_ys += (step_y, ys[i])
        pair_xs, pair_ys = p256.add_pairs(pair_xs, pair_ys)
        xs += pair_xs
        ys += pair_ys
        if len(xs) == 8:
            break
        step_x, step_y = p256.affine(*p256.double(step_x, step_y, 1))
    odd = k if k & 1 else p256.N - k
    first = odd >> 253
    x = xs[first]
    y = ys[first]
    z = 1
    for shift in range(248, -1, -4):
        for _ in range(4):
            x, y, z = p256.double(x, y, z)
        # 5 bits, the lowest forced to 1, make the digit -15, -13, ... 15.
        digit = (odd >> shift & 31 | 1) - 16
        if digit > 0:
            x, y, z = p256.add_point(x, y, z, xs[digit >> 1], ys[digit >> 1])
        else:
            x, y, z = p256.add_point(x, y, z, xs[-digit >> 1], p256.P - ys[-digit >> 1])
    return x, y if k & 1 else p256.P - y, z


def check_point(public_xy: bytes) -> "tuple[int, int]":
    """Return x and y of a public key X || Y. Raises SiagaError if it is not a point on the curve."""
    if len(public_xy) != 64:
        raise SiagaError("a public key is X || Y in 64 bytes, not %d" % len(public_xy))
    x = int.from_bytes(public_xy[:32], "big")
    y = int.from_bytes(public_xy[32:], "big")
    if x >= p256.P or y >= p256.P or (y * y - (x * x - 3) * x - _B) % p256.P:
        raise SiagaError("the public key is no point of P-256; have it sent or typed again")
    return x, y


def verify(public_xy: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether signature (r || s) is public_xy's over SHA-256 of message. Raises SiagaError for a key that is not
    on the curve; a malformed signature is just False."""
    qx, qy = check_point(public_xy)
    if len(signature) != 64:
        return False
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (0 < r < p256.N and 0 < s < p256.N):
        return False
    w = p256.inverse_of(s, p256.N)
    e = int.from_bytes(hashlib.sha256(message).digest(), "big")
    x, y, z = multiply(r * w % p256.N, qx, qy)
    u = e * w % p256.N
    if u:
        x, y, z = p256.add_point(x, y, z, *p256.affine(*p256.multiply_base(u)))
    return z != 0 and p256.affine_x(x, y, z) % p256.N == r


def ecdh(d: int, public_xy: bytes) -> bytes:
    """Return the 32-byte x-coordinate shared by d and public_xy. Raises SiagaError for a point that is not on the
    curve, and for d outside 1 to N - 1."""
    p256.check(d)
    qx, qy = check_point(public_xy)
    return p256.affine_x(*multiply(d, qx, qy)).to_bytes(32, "big")


def hkdf_sha256(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Return length bytes (at most 8160) from the input keying material: HKDF with SHA-256, RFC 5869."""
    if not 0 < length <= 255 * 32:
        raise ValueError("HKDF gives 1 to 8160 bytes, not %d" % length)
    key = hmac.hmac_sha256(salt, ikm)
    out = b""
    block = b""
    number = 0
    while len(out) < length:
        number += 1
        block = hmac.hmac_sha256(key, block + info + bytes([number]))
        out += block
    return out[:length]


def mac_keys(shared_x: bytes, device_id: bytes) -> "tuple[bytes, bytes]":
    """Return the MAC keys (up, down), 32 bytes each, from the 32-byte ECDH x-coordinate of button and gateway."""
    return (
        hkdf_sha256(shared_x, b"", b"siaga/1 mac up" + device_id, 32),
        hkdf_sha256(shared_x, b"", b"siaga/1 mac down" + device_id, 32),
    )
