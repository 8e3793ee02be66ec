"""Bytes with one bit changed. A constant in a byte's place may be that very byte: of random ones once in 256 runs."""

from __future__ import annotations


def spoilt(content: bytes, at: int = -1) -> bytes:
    """With the lowest bit of the byte at this place changed, of the last one unless told; whatever it was. IndexError
    where there is none."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def spoilt_hex(digits: str, at: int = -1) -> str:
    """The same with a byte of what is written in hexadecimal."""
    return spoilt(bytes.fromhex(digits), at).hex()
