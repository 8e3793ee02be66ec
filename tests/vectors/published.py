"""Published vectors, typed in from where they stand and checked against `cryptography` before they are written."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vectors import bare
from vectors.bare import N, P

Vector = dict[str, Any]

# RFC 4231, 4.2 to 4.8: key, message, HMAC-SHA-256 (case 5 is truncated to 128 bits there).
_RFC_4231 = [
    ("0b" * 20, b"Hi There".hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe".hex(),
        b"what do ya want for nothing?".hex(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        "0102030405060708090a0b0c0d0e0f10111213141516171819",
        "cd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    ("0c" * 20, b"Test With Truncation".hex(), "a3b6167473100ee06e0c796c2955552b"),
    (
        "aa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        "aa" * 131,
        (
            b"This is a test using a larger than block-size key and a larger than block-size data. "
            b"The key needs to be hashed before being used by the HMAC algorithm."
        ).hex(),
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]

# RFC 5869, A.1 to A.3: IKM, salt, info, length, OKM.
_RFC_5869 = [
    (
        "0b" * 22,
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)).hex(),
        bytes(range(0x60, 0xB0)).hex(),
        bytes(range(0xB0, 0x100)).hex(),
        82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        "0b" * 22,
        "",
        "",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]

# RFC 6979, A.2.5: the key, and for each message r and s under SHA-256.
_RFC_6979_KEY = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
_RFC_6979_PUBLIC = (
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
_RFC_6979 = [
    (
        b"sample",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    ),
    (
        b"test",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ),
]

# RFC 5903, 8.1: both private keys and the shared x.
_RFC_5903 = (
    0xC88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433,
    0xC6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53,
    "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
)

# NIST CAVP, ECC CDH primitive, P-256, count 0: the other side's point, the own private key, the shared x.
_CAVP_CDH = (
    "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"
    "db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac",
    0x7D7DC5F71EB29DDAF80D6214632EEAE03D9058AF1FB6D22ED80BADB62BC1A534,
    "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
)


def hmac_sha256() -> list[Vector]:
    vectors = []
    for number, (key, message, tag) in enumerate(_RFC_4231, 1):
        full = hmac.new(bytes.fromhex(key), bytes.fromhex(message), hashlib.sha256).hexdigest()
        if not full.startswith(tag):
            raise SystemExit(f"RFC 4231 case {number} is typed wrongly")
        vectors.append({"name": f"RFC 4231 case {number}", "key": key, "message": message, "tag": tag})
    return vectors


def hkdf_sha256() -> list[Vector]:
    vectors = []
    for number, (ikm, salt, info, length, okm) in enumerate(_RFC_5869, 1):
        derive = HKDF(hashes.SHA256(), length, bytes.fromhex(salt), bytes.fromhex(info))
        if derive.derive(bytes.fromhex(ikm)).hex() != okm:
            raise SystemExit(f"RFC 5869 case {number} is typed wrongly")
        vectors.append(
            {"name": f"RFC 5869 case {number}", "ikm": ikm, "salt": salt, "info": info, "length": length, "okm": okm}
        )
    return vectors


def _verdict(public: bytes, message: bytes, r: int, s: int) -> bool:
    try:
        bare.load(public).verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def ecdsa() -> list[Vector]:
    """Signatures that a button must make to the bit ("private" is given), and some that must not verify."""
    vectors = []
    if bare.public(_RFC_6979_KEY).hex() != _RFC_6979_PUBLIC:
        raise SystemExit("RFC 6979, A.2.5: the key is typed wrongly")
    made = [("RFC 6979 A.2.5 " + message.decode(), _RFC_6979_KEY, message, r + s) for message, r, s in _RFC_6979]
    # Keys and messages at the edges: the smallest and largest key, an empty and a long message.
    for label, d in [("1", 1), ("2", 2), ("N - 1", N - 1), ("N // 2", N // 2), ("2^255", 2**255)]:
        made.append((f"key {label}", d, b"siaga", bare.sign(d, b"siaga").hex()))
    for label, message in [("empty", b""), ("1000 bytes", bytes(range(250)) * 4)]:
        made.append((f"message {label}", bare.DEVICE, message, bare.sign(bare.DEVICE, message).hex()))
    for name, d, message, signature in made:
        if bare.sign(d, message).hex() != signature:
            raise SystemExit(f"{name} is typed wrongly")
        vectors.append(
            {
                "name": name,
                "private": d.to_bytes(32, "big").hex(),
                "public": bare.public(d).hex(),
                "message": message.hex(),
                "signature": signature,
                "valid": True,
            }
        )
    public, message = bytes.fromhex(_RFC_6979_PUBLIC), _RFC_6979[0][0]
    r, s = int(_RFC_6979[0][1], 16), int(_RFC_6979[0][2], 16)
    variants = [
        ("the other s of the same signature, N - s: ECDSA allows it", r, N - s),
        ("r of N - r", N - r, s),
        ("r = 0", 0, s),
        ("s = 0", r, 0),
        ("r = s = 0", 0, 0),
        ("r = N", N, s),
        ("s = N", r, N),
        ("r = N - 1", N - 1, s),
        ("s = N - 1", r, N - 1),
        ("r = s = 1", 1, 1),
        ("r = 2^256 - 1", 2**256 - 1, s),
        ("s = 2^256 - 1", r, 2**256 - 1),
        ("r and s swapped", s, r),
        ("r + 1", r + 1, s),
        ("s + 1", r, s + 1),
    ]
    for name, a, b in variants:
        vectors.append(
            {
                "name": name,
                "public": public.hex(),
                "message": message.hex(),
                "signature": (a.to_bytes(32, "big") + b.to_bytes(32, "big")).hex(),
                "valid": _verdict(public, message, a, b),
            }
        )
    signature = _RFC_6979[0][1] + _RFC_6979[0][2]
    for name, other_key, other_message, other in [
        ("another message", public, b"samplf", signature),
        ("another key", bare.DEVICE_XY, message, signature),
        ("a byte short", public, message, signature[:-2]),
        ("a byte long", public, message, signature + "00"),
        ("a zero byte before s", public, message, signature[:64] + "00" + signature[64:]),
        ("empty", public, message, ""),
    ]:
        vectors.append(
            {
                "name": name,
                "public": other_key.hex(),
                "message": other_message.hex(),
                "signature": other,
                "valid": False,
            }
        )
    # Crafted so that the sum of the two products is special: u1 G + u2 Q doubles a point, or is infinity.
    d = bare.DEVICE
    for name, sign in [("u1 G = u2 Q", 1), ("u1 G = -u2 Q", -1)]:
        # u1 = e/s and u2 = r/s, so r = +-e/d makes u1 = +-u2 d.
        e = int.from_bytes(hashlib.sha256(b"siaga").digest(), "big")
        r = sign * e * pow(d, -1, N) % N
        verdict = _verdict(bare.DEVICE_XY, b"siaga", r, 1)
        vectors.append(
            {
                "name": name,
                "public": bare.DEVICE_XY.hex(),
                "message": b"siaga".hex(),
                "signature": (r.to_bytes(32, "big") + (1).to_bytes(32, "big")).hex(),
                "valid": verdict,
            }
        )
    return [*vectors, *_recovered()]


def _recovered() -> list[Vector]:
    """Signatures whose r or s was chosen, under the key that makes them right: Q = (s R - e G) / r."""
    e = int.from_bytes(hashlib.sha256(b"siaga").digest(), "big")
    lowest = bare.lowest()
    above = next(point for point in map(bare.lift, range(N, P)) if point is not None)
    base = bare.public(1)
    minus_e = bare.multiply(N - e % N, (int.from_bytes(base[:32], "big"), int.from_bytes(base[32:], "big")))
    chosen = [
        ("x of R is above N, so that r = x - N", above, 1, 0, 0),
        ("r is the smallest that there is", lowest, N // 3, 0, 0),
        ("r is that plus N", lowest, N // 3, N, 0),
        ("s = 1", lowest, 1, 0, 0),
        ("s = 1 + N", lowest, 1, 0, N),
        ("s = N - 1", lowest, N - 1, 0, 0),
    ]
    vectors = []
    for name, point, s, more_r, more_s in chosen:
        r = point[0] % N
        key = bare.multiply(pow(r, -1, N), bare.add(bare.multiply(s, point), minus_e))
        assert key is not None
        verdict = _verdict(bare.packed(key), b"siaga", r + more_r, s + more_s)
        if verdict is not (more_r == more_s == 0):
            raise SystemExit(f"{name}: the key recovered is wrong")
        vectors.append(
            {
                "name": name,
                "public": bare.packed(key).hex(),
                "message": b"siaga".hex(),
                "signature": bare.packed((r + more_r, s + more_s)).hex(),
                "valid": verdict,
            }
        )
    return vectors


def _off_the_curve() -> list[tuple[str, bytes]]:
    x, y = int.from_bytes(bare.DEVICE_XY[:32], "big"), int.from_bytes(bare.DEVICE_XY[32:], "big")
    lowest, flat = bare.lowest(), bare.FLAT
    twist = next(n for n in range(1, 1000) if bare.lift(n) is None)
    other = next(n for n in range(1, 1000) if bare.square_root(n**3 - 3 * n + 7) is not None)
    other_y = bare.square_root(other**3 - 3 * other + 7)
    assert other_y is not None
    points = [
        ("y + 1", (x, (y + 1) % P)),
        ("x + 1", ((x + 1) % P, y)),
        ("coordinates swapped", (y, x)),
        ("all zero, as the point at infinity is sometimes written", (0, 0)),
        ("all ones", (2**256 - 1, 2**256 - 1)),
        ("x = P", (P, y)),
        ("y = P", (x, P)),
        ("a point on the curve, its x plus P", (lowest[0] + P, lowest[1])),
        ("a point on the curve, its y plus P", (flat[0], flat[1] + P)),
        ("x that no point has", (twist, 1)),
        ("a point of y^2 = x^3 - 3 x + 7", (other, other_y)),
    ]
    return [(name, a.to_bytes(32, "big") + b.to_bytes(32, "big")) for name, (a, b) in points]


def ecdh() -> list[Vector]:
    """Shared x-coordinates; null where the point must be refused."""
    a, b, x = _RFC_5903
    point, d, z = _CAVP_CDH
    pairs = [
        ("RFC 5903 8.1, initiator", a, bare.public(b), x),
        ("RFC 5903 8.1, responder", b, bare.public(a), x),
        ("CAVP ECC CDH P-256 0", d, bytes.fromhex(point), z),
    ]
    for label, own in [("1", 1), ("2", 2), ("3", 3), ("16", 16), ("N - 1", N - 1), ("N - 2", N - 2)]:
        pairs.append((f"key {label}", own, bare.DEVICE_XY, bare.shared_x(own, bare.DEVICE_XY).hex()))
    base = bare.public(1)
    pairs.append(("with the base point itself", bare.GATEWAY, base, bare.shared_x(bare.GATEWAY, base).hex()))
    pairs.append(("device and gateway", bare.DEVICE, bare.GATEWAY_XY, bare.SHARED_X.hex()))
    vectors: list[Vector] = []
    for name, own, other, shared in pairs:
        if bare.shared_x(own, other).hex() != shared:
            raise SystemExit(f"{name} is typed wrongly")
        private = own.to_bytes(32, "big").hex()
        vectors.append({"name": name, "private": private, "public": other.hex(), "shared_x": shared})
    for name, other in _off_the_curve():
        private = bare.DEVICE.to_bytes(32, "big").hex()
        vectors.append({"name": name, "private": private, "public": other.hex(), "shared_x": None})
    return vectors
