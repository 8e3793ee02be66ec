"""Signed firmware bundles for the tests, made as a release engineer makes them."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from micropython import FIRMWARE
from siaga_tools.firmware_build.bundle import Bundle, public_hex, write_bundle
from siaga_tools.firmware_build.make_bundle import SIMULATED, build_bundle

BUILT = 1795392000


@functools.cache
def release_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def release_public() -> str:
    return public_hex(release_key())


@functools.cache
def release(
    version: tuple[int, int, int], changes: tuple[tuple[str, str, str], ...] = (), board: str = SIMULATED
) -> bytes:
    """A bundle of this checkout's firmware for a board, the virtual button's if none is named. changes: (file, text in
    it, what stands there)."""
    with tempfile.TemporaryDirectory() as made:
        firmware = Path(made)
        shutil.copytree(FIRMWARE / "siaga", firmware / "siaga", ignore=shutil.ignore_patterns("__pycache__"))
        for loader in FIRMWARE.glob("*.py"):
            shutil.copy(loader, firmware)
        for file, old, new in changes:
            path = firmware / file
            source = path.read_text(encoding="utf-8")
            assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {file}"
            path.write_text(source.replace(old, new), encoding="utf-8")
        return build_bundle(firmware, release_key(), version, BUILT, (board,), 0)


def refused_release(version: tuple[int, int, int], board: str = SIMULATED) -> bytes:
    """One that is signed and not for use: what is refused for its head needs no firmware in it."""
    return write_bundle(Bundle(version, (board,), 0, {"siaga/__init__.py": b"\n"}), release_key())
