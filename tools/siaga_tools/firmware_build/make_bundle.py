"""From a firmware folder to a bundle: stamp the version, compile, pack, sign."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from siaga_tools.firmware_build.bundle import Bundle, BundleError, Version, stamped, write_bundle
from siaga_tools.firmware_build.bytecode import AT_HOME, compile_firmware
from siaga_tools.messages import Trouble

SIMULATED: Final = "simulated"
VERSION: Final = "siaga/app/version.py"


def build_bundle(
    firmware: Path, key: ec.EllipticCurvePrivateKey, version: Version, built: int, boards: tuple[str, ...], battery: int
) -> bytes:
    """Return a signed bundle of `firmware`/siaga; the same arguments give the same bytes.

    built: the release's time, Unix seconds
    boards: empty = any; the virtual button's board is included only if named

    Raises BundleError, and Trouble if the compiler is missing or refuses.
    """
    for board in boards:
        if not board.isidentifier() or not (firmware / "siaga" / "boards" / f"{board}.py").is_file():
            raise BundleError("other_board", board=board)
    with tempfile.TemporaryDirectory() as made:
        source, out = Path(made) / "source", Path(made) / "out"
        shutil.copytree(firmware / "siaga", source / "siaga", ignore=shutil.ignore_patterns("__pycache__"))
        for loader in firmware.glob("*.py"):
            shutil.copy(loader, source)  # it finds what it calls by name
        stamp = source / VERSION
        stamp.write_text(stamped(stamp.read_text(encoding="utf-8"), version, built), encoding="utf-8")
        if SIMULATED in boards:
            compiled = compile_firmware(source, out, frozenset())
        else:
            compiled = compile_firmware(source, out, AT_HOME, boards=boards)
        files = {module.path: (out / module.path).read_bytes() for module in compiled}
    return write_bundle(Bundle(version, boards, battery, files), key)


def factory_bundle(firmware: Path, board: str) -> bytes:
    """Return what an installer copies onto a chip: `firmware`/siaga unchanged, for this board, unsigned. Raises
    Trouble."""
    version = re.search(r"^VERSION = \((\d+), (\d+), (\d+)\)$", (firmware / VERSION).read_text(encoding="utf-8"), re.M)
    if version is None:
        raise Trouble("mpy_failed", file=VERSION, why="no VERSION = (.., .., ..)")
    major, minor, patch = (int(part) for part in version.groups())
    with tempfile.TemporaryDirectory() as out:
        compiled = compile_firmware(firmware, Path(out), boards=(board,))
        files = {module.path: (Path(out) / module.path).read_bytes() for module in compiled}
    return write_bundle(Bundle((major, minor, patch), (board,), 0, files), None)
