"""Under MicroPython: the arithmetic of p256.py and p256_verify.py against results that CPython fed.

    micropython tests/protocol/on_button/arithmetic.py < one JSON array a line

A line is a question and its answer: ["inverse", a, m, answer], ["public", d, answer], ["ecdh", d, key, answer],
["slow sign", d, message, answer] (the comb's columns meet), ["retry sign", d, message, answer] (the first nonce is too
large); numbers and bytes in hex. Prints the number of right answers and how often the comb gave way to the slow
multiplication, which is right as well and hides a comb that is not; and each wrong answer.
"""

import binascii
import json
import sys

from siaga.core import p256, p256_verify

unhex = binascii.unhexlify
right_hmac = p256.hmac_sha256
right_pairs = p256.add_pairs
right_multiply = p256_verify.multiply
calls = 0
slow = 0


def counted_multiply(k, x, y):
    global slow
    slow += x == p256._GX
    return right_multiply(k, x, y)


p256_verify.multiply = counted_multiply


def first_nonce_too_large(key, message):
    """The fifth HMAC of a signature gives the first candidate for its nonce."""
    global calls
    calls += 1
    return b"\xff" * 32 if calls == 5 else right_hmac(key, message)


def meeting_once(xs, ys):
    """As if two points of a pair had the same x, which no scalar is known to bring about."""
    p256.add_pairs = right_pairs
    xs[1] = xs[0]
    return right_pairs(xs, ys)


class Digest:
    """Stands in for hashlib: every message has the same digest."""

    def __init__(self, digest):
        self._digest = digest

    def sha256(self, message):
        return self

    def digest(self):
        return self._digest


def with_digest(digest, call, *arguments):
    right = p256.hashlib
    p256.hashlib = p256_verify.hashlib = Digest(digest)
    try:
        return call(*arguments)
    finally:
        p256.hashlib = p256_verify.hashlib = right


def ask(what, *given):
    global calls
    if what == "inverse":
        both = []
        # The chip's window of 28 bits and the 60 bits of a 64-bit build.
        for half in (14, 30):
            p256._HALF = half
            both.append(hex(p256.inverse_of(int(given[0], 16), int(given[1], 16)))[2:])
        return both[0] if both[0] == both[1] else "the windows differ: " + repr(both)
    if what == "digest verify":
        return with_digest(unhex(given[1]), p256_verify.verify, unhex(given[0]), b"", unhex(given[2]))
    d = int(given[0], 16)
    if what == "digest sign":
        return with_digest(unhex(given[1]), p256.sign, d, b"").hex()
    if what == "sum":
        e = int(given[1], 16)
        left = p256.multiply_base(d) if d else (1, 1, 0)
        x, y, z = p256.add_point(*left, *p256.affine(*p256.multiply_base(e)))
        if not z:
            return ""
        x, y = p256.affine(x, y, z)
        return x.to_bytes(32, "big").hex() + y.to_bytes(32, "big").hex()
    if what == "public":
        return p256.public_key(d).hex()
    if what == "ecdh":
        return p256_verify.ecdh(d, unhex(given[1])).hex()
    if what == "slow sign":
        p256.add_pairs = meeting_once
        return p256.sign(d, unhex(given[1])).hex()
    if what == "retry sign":
        calls = 0
        p256.hmac_sha256 = first_nonce_too_large
        try:
            return p256.sign(d, unhex(given[1])).hex()
        finally:
            p256.hmac_sha256 = right_hmac
    raise ValueError(what)


right = 0
for line in sys.stdin:
    question = json.loads(line)
    answer = ask(*question[:-1])
    if answer == question[-1]:
        right += 1
    else:
        print("wrong:", question, answer)
print(right, slow)
