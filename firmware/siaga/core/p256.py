"""P-256 in integers, for every frame: ECDSA with SHA-256 (FIPS 186-5), nonces by RFC 6979. Operations on other people's
public keys are in p256_verify.py.

Signing uses a fixed-base comb in signed digits: 260 digits +-1 in 4 blocks of 5 teeth, 13 columns, for which 64
points are stored (p256_table.py, 4 KB). The 4 points of a column are added in affine coordinates, all columns at
once, so that one inversion serves 26 additions and another 13; there remain 12 doublings and 12 mixed additions.
Most of the time goes to `% P`, so sums and differences of products are reduced once.

What an observer can learn: the sequence of point operations is the same for every key and nonce, and the inversion
of the nonce is blinded. The time of a single operation does vary with its operands, because MicroPython's integers
are not constant-time, and so does the number of steps of an inversion. Over a bearer that is lost in network noise;
against an attacker who measures power or emissions of a button in hand it is no defence.
"""

import hashlib
import sys

from siaga.core.errors import SiagaError
from siaga.core.hmac import hmac_sha256
from siaga.core.p256_table import POINTS

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_GX = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
_GY = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5

# Bits of a number in the inversion's inner loop: what fits a small integer, which is not on the heap.
_HALF = 30 if sys.maxsize > 0x7FFFFFFF else 14
_ALL_DIGITS = (1 << 260) - 1
_TEETH = 1 << 52 | 1 << 39 | 1 << 26 | 1 << 13 | 1


def inverse_of(a: int, m: int) -> int:
    """Return 1 / a modulo the prime m, for 0 < a < m < 2^256: Euclid's algorithm with Lehmer's method.

    Quotients are found from the leading bits in small integers and gathered in a 2x2 matrix. A wrong last quotient does
    no harm: the matrix keeps its determinant of +-1, and a flipped sign is flipped back.
    """
    half = _HALF
    limit = 1 << (2 * half + 1)
    shift = 256 - 2 * half
    # Always x = u a and y = v a modulo m.
    x = m
    y = a
    u = 0
    v = 1
    while y:
        lead = x >> shift
        if shift:
            lower = shift - half if shift > half else 0
            more = x >> lower
            if more < limit:
                shift = lower
                lead = more
        follow = y >> shift
        # With shift 0 these are x and y themselves, and the loop below runs to the end.
        enough = 1 << half if shift else 0
        if follow <= enough:
            q = x // y
            x, y = y, x - q * y
            u, v = v, u - q * v
            continue
        a00 = a11 = 1
        a01 = a10 = 0
        while True:
            q = lead // follow
            lead -= q * follow
            a00 -= q * a10
            a01 -= q * a11
            if lead <= enough:
                break
            q = follow // lead
            follow -= q * lead
            a10 -= q * a00
            a11 -= q * a01
            if follow <= enough:
                break
        x, y = a00 * x + a01 * y, a10 * x + a11 * y
        u, v = a00 * u + a01 * v, a10 * u + a11 * v
        if x < 0:
            x = -x
            u = -u
        if y < 0:
            y = -y
            v = -v
        if x < y:
            x, y = y, x
            u, v = v, u
    return u % m


def double(x: int, y: int, z: int) -> "tuple[int, int, int]":
    """Return 2 (x, y, z), Jacobian; z = 0 is the point at infinity."""
    p = P
    zz = z * z % p
    slope = 3 * (x - zz) * (x + zz) % p
    y2 = y + y
    yy2 = y2 * y % p
    s = (x + x) * yy2 % p
    x3 = (slope * slope - s - s) % p
    return x3, (slope * (s - x3) - 2 * yy2 * yy2) % p, y2 * z % p


def add_point(x: int, y: int, z: int, ax: int, ay: int) -> "tuple[int, int, int]":
    """Return (x, y, z) + (ax, ay), Jacobian and affine, for all inputs: also equal, opposite or z = 0."""
    if not z:
        return ax, ay, 1
    p = P
    zz = z * z % p
    h = (ax * zz - x) % p
    r = (ay * (z * zz % p) - y) % p
    if not h:
        return (1, 1, 0) if r else double(x, y, z)
    hh = h * h % p
    hhh = h * hh % p
    v = x * hh % p
    x3 = (r * r - hhh - v - v) % p
    return x3, (r * (v - x3) - y * hhh) % p, z * h % p


def add_pairs(xs: "list[int]", ys: "list[int] | _StoredYs") -> "tuple[list[int], list[int]]":
    """Return the sums of the affine points 0 + 1, 2 + 3, ..., with one inversion in all.

    Both lists are consumed, so that the sums reuse their space; no list grows, because a longer contiguous block is
    hard to find on a heap full of numbers. Raises ZeroDivisionError if the two points of a pair have the same x.
    """
    p = P
    pairs = len(xs) // 2
    sum_xs = [0] * pairs
    sum_ys = [0] * pairs
    before = [0] * pairs
    total = 1
    for i in range(pairs):
        before[i] = total
        total = total * (xs[2 * i + 1] - xs[2 * i]) % p
    if not total:
        raise ZeroDivisionError
    inverse = inverse_of(total, p)
    for i in range(pairs - 1, -1, -1):
        x = xs.pop()
        y = ys.pop()
        x2 = xs.pop()
        slope = (y - ys.pop()) * (inverse * before.pop() % p) % p
        inverse = inverse * (x - x2) % p
        x3 = (slope * slope - x - x2) % p
        sum_xs[i] = x3
        sum_ys[i] = (slope * (x - x3) - y) % p
    return sum_xs, sum_ys


def _rows(k: int) -> "list[int]":
    """Return which stored points add up to k G (-k G for an even k): 13 columns of 4, lowest column first. A point is
    given by its offset in POINTS, its negative by the complement ~ of that."""
    teeth = _TEETH
    # An odd number is a sum of all 2^i, i = 0..259, each plus or minus: plus where bit i here is 1.
    digits = ((k if k & 1 else N - k) + _ALL_DIGITS) >> 1
    blocks = (digits, digits >> 65, digits >> 130, digits >> 195)
    rows = [0] * 52
    i = 0
    for column in range(13):
        at = -1024
        for block in blocks:
            # The 5 digits of this column are 13 bits apart; modulo 2^12 - 1 they stand side by side.
            tooth = (block >> column & teeth) % 4095
            rows[i] = at + tooth * 64 if tooth > 15 else -1985 - at + tooth * 64
            at += 1024
            i += 1
    return rows


class _StoredYs:
    """The y-coordinates of the points that rows give, read only when needed: that halves the heap."""

    def __init__(self, rows: "list[int]") -> None:
        self._rows = rows

    def pop(self) -> int:
        row = self._rows.pop()
        if row < 0:
            return P - int.from_bytes(POINTS[~row + 32 : ~row + 64], "big")
        return int.from_bytes(POINTS[row + 32 : row + 64], "big")


def multiply_base(k: int) -> "tuple[int, int, int]":
    """Return k G, Jacobian, for 0 < k < N."""
    points = POINTS
    integer = int.from_bytes
    rows = _rows(k)
    xs = [0] * 52
    for i in range(52):
        row = rows[i]
        if row < 0:
            row = ~row
        xs[i] = integer(points[row : row + 32], "big")
    try:
        xs, ys = add_pairs(xs, _StoredYs(rows))
        xs, ys = add_pairs(xs, ys)
    except ZeroDivisionError:
        # Two of the sums coincide, about once in 2^250 signatures.
        from siaga.core import p256_verify

        return p256_verify.multiply(k, _GX, _GY)
    x = xs.pop()
    y = ys.pop()
    z = 1
    while xs:
        x, y, z = double(x, y, z)
        x, y, z = add_point(x, y, z, xs.pop(), ys.pop())
    return x, y if k & 1 else P - y, z


def affine(x: int, y: int, z: int) -> "tuple[int, int]":
    inverse = inverse_of(z, P)
    square = inverse * inverse % P
    return x * square % P, y * (square * inverse % P) % P


def affine_x(x: int, y: int, z: int) -> int:
    return x * inverse_of(z * z % P, P) % P


def check(d: int) -> None:
    if not 0 < d < N:
        raise SiagaError("a private key lies between 1 and N - 1; make a new one with private_from")


def private_from(random: bytes) -> int:
    """Return a private key from at least 40 random bytes (FIPS 186-5, A.2.1: 64 bits more than N has). Raises
    SiagaError for fewer."""
    if len(random) < 40:
        raise SiagaError("a private key is made from at least 40 random bytes, not %d" % len(random))
    return int.from_bytes(random, "big") % (N - 1) + 1


def public_key(d: int) -> bytes:
    """Return X || Y, 64 bytes, of the private key d. Raises SiagaError for d outside 1 to N - 1."""
    check(d)
    x, y = affine(*multiply_base(d))
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def sign(d: int, message: bytes) -> bytes:
    """Return the signature r || s, 64 bytes, over SHA-256 of message: deterministic, RFC 6979, 3.2. Raises SiagaError
    for d outside 1 to N - 1."""
    check(d)
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
        # The generator's next key: secret, and not needed once k is used.
        key = hmac_sha256(key, v + b"\x00")
        if 0 < k < N:
            r = affine_x(*multiply_base(k)) % N
            blind = int.from_bytes(key, "big") | 1
            s = inverse_of(k * blind % N, N) * (e * blind + d * blind % N * r) % N
            if r and s:
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        v = hmac_sha256(key, v)
