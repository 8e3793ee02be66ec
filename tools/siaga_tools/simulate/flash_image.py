"""A chip's flash with the firmware on it, made as an installer does: littlefs, and files copied onto it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from siaga_tools.firmware_build.board_files import board_line
from siaga_tools.firmware_build.bytecode import compile_firmware, loader
from siaga_tools.firmware_build.make_bundle import factory_bundle
from siaga_tools.messages import Trouble
from siaga_tools.simulate.chip import CHIP

BLOCKS: Final = 512  # the 2 MB that MicroPython leaves for files on a chip with 4 MB
# Must match siaga_boot.py's mount point.
FACTORY: Final = "siaga-factory"
_NOT_FOR_A_CHIP: Final = frozenset({"siaga_flash.py"})
_INSTALL_S: Final = 120.0


def lay_out(firmware: Path, folder: Path, board: str, *, apart: tuple[str, ...] | None = None) -> list[Path]:
    """Lay out the files of a chip's flash: the firmware as one bundle, the loader that starts it, and the board's name.
    apart: boards, () = all, whose files go into a folder siaga/ instead, unbundled, for custom programs. Raises
    Trouble."""
    if apart is not None:
        compile_firmware(firmware, folder, boards=apart)
    else:
        (folder / FACTORY).write_bytes(factory_bundle(firmware, board))
    loader(firmware, folder, _NOT_FOR_A_CHIP)
    (folder / "board.txt").write_text(board_line(firmware, board) + "\n", encoding="ascii")
    return sorted(path for path in folder.rglob("*") if path.is_file())


class Installer:
    """Makes flash images.

    firmware: the folder with main.py and siaga/
    folder: its working directory
    """

    def __init__(self, micropython: str, firmware: Path, folder: Path) -> None:
        self._micropython = micropython
        self._firmware = firmware
        self._folder = folder

    def make(self, image: Path, board: str, *, apart: tuple[str, ...] | None = None) -> None:
        """Make a new flash image with what lay_out() gives. Raises Trouble."""
        room = self._folder / "compiled"
        room.mkdir(parents=True, exist_ok=True)
        files = lay_out(self._firmware, room, board, apart=apart)
        fresh = image.with_name(f".{image.name}.new")
        fresh.unlink(missing_ok=True)
        self.copy(fresh, {path: f"/{path.relative_to(room).as_posix()}" for path in files})
        fresh.rename(image)
        shutil.rmtree(room)

    def copy(self, image: Path, files: Mapping[Path, str]) -> None:
        """Copy files onto an image: source to destination. Raises Trouble."""
        pairs = [word for source, target in files.items() for word in (str(source), target)]
        command = [self._micropython, str(CHIP / "install.py"), str(image), str(BLOCKS), *pairs]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise Trouble("not_installed", file=image, why=said.rpartition("\n")[2] or done.returncode)
