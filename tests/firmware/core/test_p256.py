"""The button's own P-256, beyond what the published vectors reach."""

from __future__ import annotations

import hashlib
import hmac
import json
import random

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from micropython import FIRMWARE, run_micropython
from protocol import comb_table
from protocol.shared_vectors import ON_BUTTON
from vectors import bare
from vectors.bare import N, P

SEED = 20261123


def test_the_stored_table_is_its_recomputation() -> None:
    stored = (FIRMWARE / "siaga" / "core" / "p256_table.py").read_text(encoding="ascii")
    assert stored == comb_table.module()


def test_the_recomputed_points_are_the_multiples_that_they_are_said_to_be() -> None:
    for at, (x, y) in enumerate(comb_table.points()):
        block, signs = divmod(at, 16)
        teeth = 2**52 + sum(2 ** (13 * t) * (1 if signs >> t & 1 else -1) for t in range(4))
        expected = bare.public(2 ** (65 * block) * teeth % N)
        assert x.to_bytes(32, "big") + y.to_bytes(32, "big") == expected
    assert len(comb_table.points()) * 64 <= 4096


def edges() -> list[int]:
    """Scalars whose digits are all alike, few, or at a border of the comb's blocks and columns."""
    near = [n + step for bit in (13, 52, 65, 130, 195, 252, 255) for n in (2**bit,) for step in (-1, 0, 1)]
    small = [
        *range(1, 34),
        N // 2,
        N // 2 + 1,
        N // 3,
        2**256 % N,
        (2**260 - 1) % N,
        int("55" * 32, 16),
        int("aa" * 32, 16),
    ]
    scalars = [*near, *small]
    return [k % N for k in [*scalars, *(-k for k in scalars)]]


def test_the_button_s_arithmetic_is_right_at_the_edges_and_at_random() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    scalars = [*edges(), *(chance.randrange(1, N) for _ in range(100))]
    questions: list[list[str | bool]] = []
    for d in scalars:
        questions.append(["public", f"{d:x}", bare.public(d).hex()])
        for m in (P, N):
            questions.append(["inverse", f"{d:x}", f"{m:x}", f"{pow(d, -1, m):x}"])
    # Numbers whose quotients are large or all one are hard on an inversion that looks at leading bits only.
    fibonacci = [1, 2]
    while fibonacci[-1] < 2**255:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    hard = [2**bit for bit in range(256)] + fibonacci + [m // small for m in (P, N) for small in range(1, 200)]
    for a in [*hard, *(chance.randrange(1, N) for _ in range(1000))]:
        for m in (P, N):
            if a % m:
                questions.append(["inverse", f"{a % m:x}", f"{m:x}", f"{pow(a % m, -1, m):x}"])
    for d in [*edges()[::3], *(chance.randrange(1, N) for _ in range(20))]:
        other = bare.public(chance.randrange(1, N))
        questions.append(["ecdh", f"{d:x}", other.hex(), bare.shared_x(d, other).hex()])
    for message in (b"", b"siaga", b"another"):
        signature = bare.sign(bare.DEVICE, message)
        questions.append(["slow sign", f"{bare.DEVICE:x}", message.hex(), signature.hex()])
        retried = second_nonce_signature(bare.DEVICE, message)
        assert retried != signature
        questions.append(["retry sign", f"{bare.DEVICE:x}", message.hex(), retried.hex()])
    # Digests that are not below N are 2^32 hashes away, and must be signed all the same.
    for digest in (b"\xff" * 32, N.to_bytes(32, "big"), (N + 1).to_bytes(32, "big"), bytes(32)):
        der = bare.key(bare.DEVICE).sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))
        signature = bare.packed(decode_dss_signature(der)).hex()
        questions.append(["digest sign", f"{bare.DEVICE:x}", digest.hex(), signature])
        for claimed, verdict in ((digest, True), (hashlib.sha256(digest).digest(), False)):
            questions.append(["digest verify", bare.DEVICE_XY.hex(), claimed.hex(), signature, verdict])
    for d, e in ((5, 5), (5, N - 5), (1, 1), (N - 1, 1), (0, 7), (5, 6)):
        total = (d + e) % N
        questions.append(["sum", f"{d:x}", f"{e:x}", bare.public(total).hex() if total else ""])
    printed = run_micropython(
        ON_BUTTON / "arithmetic.py", feed="".join(json.dumps(question) + "\n" for question in questions)
    )
    asked_for = sum(question[0] == "slow sign" for question in questions)
    assert printed == f"{len(questions)} {asked_for}\n", "the comb gave way to the slow way where nothing made it"


def second_nonce_signature(d: int, message: bytes) -> bytes:
    """RFC 6979, 3.2, where the first candidate of step h was 2^256 - 1."""
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    seed = d.to_bytes(32, "big") + (digest % N).to_bytes(32, "big")

    def mac(key: bytes, text: bytes) -> bytes:
        return hmac.digest(key, text, "sha256")

    v = b"\x01" * 32
    key = mac(bytes(32), v + b"\x00" + seed)
    v = mac(key, v)
    key = mac(key, v + b"\x01" + seed)
    v = b"\xff" * 32
    key = mac(key, v + b"\x00")
    v = mac(key, v)
    k = int.from_bytes(mac(key, v), "big")
    r = int.from_bytes(bare.public(k)[:32], "big") % N
    s = pow(k, -1, N) * (digest + r * d) % N
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def test_the_button_refuses_what_it_cannot_make() -> None:
    assert int(run_micropython(ON_BUTTON / "refusals.py")) > 100


def test_a_signature_fits_the_chip() -> None:
    # The figure that `make bench` reports, here only that it can be measured and that the heap suffices.
    result = json.loads(run_micropython(FIRMWARE.parent / "tests" / "bench" / "sign_cost.py"))
    assert set(result) == {"modmul_us", "sign_us", "ratio", "peak_heap"}
    assert 4096 < result["peak_heap"] < 24 * 1024
