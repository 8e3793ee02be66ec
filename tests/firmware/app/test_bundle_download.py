"""An update on the flash, under MicroPython with the real littlefs: the power goes at every single operation."""

from __future__ import annotations

import random
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from micropython import run_micropython
from siaga_tools.firmware_build.bundle import Bundle, Version, public_hex, write_bundle

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"


def small_bundle(
    version: Version, key: ec.EllipticCurvePrivateKey, boards: tuple[str, ...] = (), battery: int = 0, seed: int = 0
) -> bytes:
    some = random.Random(version[1] + seed)
    files = {
        "siaga/__init__.mpy": b"",
        "siaga/app/a.mpy": some.randbytes(3000 + 3000 * len(boards)),
        "siaga/core/b.mpy": some.randbytes(2500),
    }
    return write_bundle(Bundle(version, boards, battery, files), key)


def test_the_power_is_cut_at_every_single_operation_of_an_update():
    """Of one from the factory's firmware, and of a second that works, raises at its start, or reaches nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    given = [public_hex(key), small_bundle((0, 2, 0), key).hex(), small_bundle((0, 3, 0), key).hex()]
    seconds = ("works", "raises", "reaches nobody")
    said = run_micropython(
        ON_BUTTON / "update_cuts.py", *seconds, feed="\n".join(given) + "\n", heap="8M", deadline_s=280
    )
    # littlefs' own complaints about files of a cut life that are collected later stand between.
    survived = [line.rpartition(" ") for line in said.splitlines() if line.startswith("survived")]
    updates = ["works factory to slot", *(f"{second} slot to slot" for second in seconds)]
    assert [what for what, _, _ in survived] == [f"survived {update}" for update in updates]
    assert all(int(operations) > 60 for _, _, operations in survived), "too few operations for an update"


def test_an_update_waits_refuses_and_goes_on():
    key = ec.generate_private_key(ec.SECP256R1())
    bundles = [small_bundle((0, 2, 0), key, ("t_a7670",), 30, seed) for seed in (0, 1)]
    given = [public_hex(key), *(bundle.hex() for bundle in bundles)]
    said = run_micropython(ON_BUTTON / "update_rules.py", feed="\n".join(given) + "\n", heap="4M")
    assert len([line for line in said.splitlines() if line.startswith("holds:")]) == 6


def test_commands_are_carried_out_once():
    said = run_micropython(ON_BUTTON / "command_rules.py", heap="8M")
    assert len([line for line in said.splitlines() if line.startswith("holds:")]) == 7
