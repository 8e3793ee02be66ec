"""HMAC-SHA-256 on the port's own SHA-256."""

import binascii
import hashlib

_INNER_PAD = int.from_bytes(b"\x36" * 64, "big")
_OUTER_PAD = int.from_bytes(b"\x5c" * 64, "big")


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """The 32-byte HMAC (RFC 2104, FIPS 198-1) of message under a key of any length."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    # Shifted left, because a short key is zero-padded at its end. XOR on one big integer is about ten times faster here
    # than a loop over 64 bytes, and a signature needs five HMACs.
    padded = int.from_bytes(key, "big") << (8 * (64 - len(key)))
    inner = hashlib.sha256((padded ^ _INNER_PAD).to_bytes(64, "big"))
    inner.update(message)
    outer = hashlib.sha256((padded ^ _OUTER_PAD).to_bytes(64, "big"))
    outer.update(inner.digest())
    return outer.digest()


def broker_password(mac_up: bytes) -> str:
    """Return the button's password at the broker (PROTOCOL.md 4): 32 hexadecimal digits."""
    return binascii.hexlify(hmac_sha256(mac_up, b"siaga/1 mqtt")[:16]).decode()


def equal(a: bytes, b: bytes) -> bool:
    """Return whether two byte strings are equal, comparing every byte, without an early exit."""
    if len(a) != len(b):
        return False
    difference = 0
    for x, y in zip(a, b):
        difference |= x ^ y
    return difference == 0
