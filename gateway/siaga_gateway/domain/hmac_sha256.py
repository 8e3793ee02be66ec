"""HMAC-SHA-256 (RFC 2104) with the keys of this protocol, which fit into one block of the hash.

`hmac.digest` asks OpenSSL 3 for the algorithm anew with each call: 8 us, of which the hash itself takes 2, and every
check-in needs two calls. tests/gateway/domain/test_hmac_sha256.py compares the two.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

_BLOCK: Final = 64  # bytes of SHA-256
_INNER: Final = bytes(each ^ 0x36 for each in range(256))
_OUTER: Final = bytes(each ^ 0x5C for each in range(256))


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Return the whole MAC, 32 bytes. key: at most 64 bytes. Raises: ValueError for a longer one."""
    if len(key) > _BLOCK:
        raise ValueError(f"a key of {len(key)} bytes: at most {_BLOCK}")
    block = key.ljust(_BLOCK, b"\0")
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + message).digest()).digest()
