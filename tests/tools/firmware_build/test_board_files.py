"""What a board is given: its own file, what it can come to import, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from micropython import FIRMWARE
from siaga_tools.firmware_build.board_files import boards
from siaga_tools.firmware_build.bytecode import AT_HOME, LIMIT_BYTES, compile_firmware
from siaga_tools.simulate.chip import BLOCK_BYTES
from siaga_tools.simulate.flash_image import BLOCKS


@pytest.mark.parametrize("board", boards(FIRMWARE))
def test_a_board_gets_what_it_can_use_and_no_more_than_200_kb(board: str, tmp_path: Path) -> None:
    compiled = compile_firmware(FIRMWARE, tmp_path, boards=(board,))
    assert sum(module.size for module in compiled) <= LIMIT_BYTES == 204_800
    paths = {module.path for module in compiled}
    assert f"siaga/boards/{board}.mpy" in paths
    assert not {f"siaga/boards/{other}.mpy" for other in boards(FIRMWARE)} - {f"siaga/boards/{board}.mpy"} & paths
    assert ("siaga/drivers/gnss.mpy" in paths) == (board == "esp32_devkit")
    assert ("siaga/drivers/simcom.mpy" in paths) == (board != "esp32_devkit")


def test_every_file_is_on_some_board_and_every_part_is_known(tmp_path: Path) -> None:
    everywhere = {module.path for module in compile_firmware(FIRMWARE, tmp_path / "all")}
    some = {module.path for module in compile_firmware(FIRMWARE, tmp_path / "some", boards=boards(FIRMWARE))}
    assert everywhere == some
    assert {f"siaga/boards/{board}.mpy" for board in boards(FIRMWARE)} <= everywhere
    files = {path.stem for path in (FIRMWARE / "siaga" / "boards").glob("*.py")}
    assert files == {
        *boards(FIRMWARE),
        "__init__",
        "choice",
        "esp32",
        "esp32_wifi",
        "internal_ram",
        "rtc",
        "t_a7670_module",
        "wake_cause",
        *(Path(name).stem for name in AT_HOME),
    }


def test_three_firmwares_of_the_largest_size_fit_on_a_flash_of_4_mb() -> None:
    """The factory's and two slots, in the 2 MB that MicroPython leaves for files."""
    assert 3 * LIMIT_BYTES + 65536 < BLOCKS * BLOCK_BYTES // 2  # app/firmware_slots.py keeps 64 KB free
