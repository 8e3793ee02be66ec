"""HMAC-SHA-256 and HKDF on the port's own SHA-256, and the two MAC keys a button shares with its gateway."""

import binascii
import hashlib

_INNER_PAD = int.from_bytes(b"\x36" * 64, "big")
_OUTER_PAD = int.from_bytes(b"\x5c" * 64, "big")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """The 32-byte HMAC (RFC 2104, FIPS 198-1) of message under a key of any length."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    # Shifted left, because a short key is padded with zero bytes at its end. XOR on one big integer is about
    # ten times faster here than a loop over 64 bytes, and a signature needs five HMACs.
    padded = int.from_bytes(key, "big") << (8 * (64 - len(key)))
    inner = hashlib.sha256((padded ^ _INNER_PAD).to_bytes(64, "big"))
    inner.update(message)
    outer = hashlib.sha256((padded ^ _OUTER_PAD).to_bytes(64, "big"))
    outer.update(inner.digest())
    return outer.digest()


def hkdf_sha256(ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """length bytes (at most 8160) from the input keying material: HKDF with SHA-256, RFC 5869."""
    if not 0 < length <= 255 * 32:
        raise ValueError("HKDF gives 1 to 8160 bytes, not %d" % length)
    key = hmac_sha256(salt, ikm)
    out = b""
    block = b""
    number = 0
    while len(out) < length:
        number += 1
        block = hmac_sha256(key, block + info + bytes([number]))
        out += block
    return out[:length]


def mac_keys(shared_x: bytes, device_id: bytes) -> "tuple[bytes, bytes]":
    """The MAC keys (up, down), 32 bytes each, from the 32-byte ECDH x-coordinate of button and gateway."""
    return (
        hkdf_sha256(shared_x, b"", b"siaga/1 mac up" + device_id, 32),
        hkdf_sha256(shared_x, b"", b"siaga/1 mac down" + device_id, 32),
    )


def broker_password(mac_up: bytes) -> str:
    """What the broker knows the button by (PROTOCOL.md 4): 32 hexadecimal digits."""
    return binascii.hexlify(hmac_sha256(mac_up, b"siaga/1 mqtt")[:16]).decode()


def equal(a: bytes, b: bytes) -> bool:
    """Whether two byte strings are the same, looking at every byte whatever the first ones say."""
    if len(a) != len(b):
        return False
    difference = 0
    for x, y in zip(a, b):
        difference |= x ^ y
    return difference == 0
