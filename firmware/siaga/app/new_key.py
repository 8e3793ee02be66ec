"""A new key, and proof that this processor computes correctly. Needed once in a button's life."""

import hashlib
import os
import time

from siaga.core import p256, p256_verify
from siaga.core.errors import SiagaError


def gather(extra: bytes) -> bytes:
    """Return 64 bytes to make a key from: the port's random source, read several times, the jitter of CPU against
    timer, and chip-specific data, through SHA-256. extra: the board's unique id and noise.

    On an ESP32 the radio has to be on, or its random source is only pseudo-random (board.random_ready()).
    """
    pool = hashlib.sha256(b"siaga/1 key" + extra)
    halves = []
    for half in range(2):
        for _ in range(8):
            pool.update(os.urandom(32))
            count = 0
            until = time.ticks_add(time.ticks_us(), 300)
            while time.ticks_diff(until, time.ticks_us()) > 0:
                count += 1
            pool.update(("%d %s" % (count, time.ticks_us())).encode())
        digest = pool.digest()
        halves.append(digest)
        pool = hashlib.sha256(bytes([half]) + digest)
    return b"".join(halves)


def made(extra: bytes) -> "tuple[int, bytes]":
    """Return the private key as an integer and the public one as X || Y. extra: as in gather(). Raises SiagaError if a
    test signature does not verify."""
    private = p256.private_from(gather(extra))
    public = p256.public_key(private)
    probe = b"siaga: does this key sign?"
    if not p256_verify.verify(public, probe, p256.sign(private, probe)):
        raise SiagaError("the processor computes wrongly: a new key's signature does not verify")
    return private, public
