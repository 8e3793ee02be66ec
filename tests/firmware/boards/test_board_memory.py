"""What a chip without PSRAM, or with too little memory of its own, says; and what a whole one tells of its memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firmware.boards.bare_chip import BareChip
from micropython import FIRMWARE, flash_image, micropython, run_micropython
from siaga_tools.board_wiring import BOARDS
from siaga_tools.simulate.flash_image import Installer

# What a plain ESP32 gives Python, 110 KB, in objects of this build.
PLAIN = "160k"


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Callable[..., BareChip]]:
    """whole(board, ...): a chip with the firmware that an installer copies onto it."""
    chips = []

    def start(board: str, **more: object) -> BareChip:
        image = tmp_path / "flash.img"
        shutil.copy(flash_image(board), image)
        chip = BareChip(image, BOARDS[board], **more)  # type: ignore[arg-type]
        chips.append(chip)
        return chip.__enter__()

    yield start
    for chip in chips:
        chip.__exit__(None, None, None)


def told(chip: BareChip, event: str) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in chip.said if line.startswith("{")]
    return [line for line in lines if line["ev"] == event]


@pytest.mark.parametrize("board", ["esp32_devkit", "t_a7670"])
def test_a_chip_without_psram_says_so_and_flashes(whole: Callable[..., BareChip], board: str) -> None:
    chip = whole(board, heap=PLAIN, psram=False)
    (wrong,) = chip.until(lambda: [e for e in told(chip, "error") if "PSRAM" in str(e["what"])], "what is wrong")[:1]
    assert "ESP32_GENERIC-SPIRAM" in str(wrong["what"]) and "\n" not in str(wrong["what"])
    light = BOARDS[board].led
    chip.until(lambda: chip.moves.count((light, 1)) >= 8, "light")
    assert not told(chip, "state"), "it showed ready"


def test_a_chip_that_cannot_carry_the_firmware_and_runs_never_looks_ready(whole: Callable[..., BareChip]) -> None:
    chip = whole("t_a7670", psram=False, speed=8)
    chip.until(lambda: told(chip, "state"), "a start")
    shown = chip.until(lambda: told(chip, "indicator"), "a light")
    assert [each["signal"] for each in shown] == ["unfit_chip"]


def test_a_chip_with_psram_says_nothing_and_tells_its_memory_with_each_check_in(
    whole: Callable[..., BareChip],
) -> None:
    chip = whole("esp32_devkit", speed=20)
    first = chip.until(lambda: told(chip, "memory"), "memory")[0]
    assert first["free"] >= first["largest"] > 0 and first["free"] >= first["low"] > 16384
    assert not any("PSRAM" in line for line in chip.said)


DARK = """
from siaga import start
class Lamp:
    def set(self, light, tone_hz, vibration):
        raise OSError(5)
class Board:
    lamp = Lamp()
    unfit = False
    def lack(self):
        return "no PSRAM"
    def woke_by(self):
        return "power"
    def tell(self, event, facts):
        print(event, facts["what"])
board = Board()
start._judge(board)
print(board.unfit)
"""


def test_a_lamp_that_fails_does_not_stop_a_start() -> None:
    assert run_micropython(DARK).splitlines() == ["error no PSRAM", "True"]


LOW = """
import pool
pool.FREE = {free}
import esp32
from siaga.boards import internal_ram as memory
print("lack", memory.lack())
print("internal", memory.internal())
"""


def test_too_little_memory_of_its_own_is_named_too(bare: Callable[..., BareChip]) -> None:
    chip = bare("t_a7670", LOW.format(free=90000))
    assert chip.line("lack") == "memori chip sendiri tinggal 90000 byte, Wi-Fi dan TLS perlu 98304"


def test_what_cannot_be_asked_stops_nothing(bare: Callable[..., BareChip]) -> None:
    program = """
import esp32
def idf_heap_info(capabilities):
    raise OSError(-258)
esp32.idf_heap_info = idf_heap_info
from siaga.boards.t_a7670 import TA7670
board = TA7670()
print("asked", repr(board.lack()), board.memory())
"""
    assert bare("t_a7670", program).line("asked") == "'' None"


def test_without_psram_pythons_heap_leaves_wifi_nothing(bare: Callable[..., BareChip]) -> None:
    """As on a chip: its heap doubles, then takes the largest block whole."""
    program = """
import esp32
print("before", esp32.idf_heap_info(esp32.HEAP_DATA))
taken = bytearray(200000)
import network
wlan = network.WLAN()
wlan.active(True)
print("after", esp32.idf_heap_info(esp32.HEAP_DATA)[0][1])
"""
    chip = bare("t_a7670", program, psram=False)
    assert "143984" in chip.line("before") and int(chip.line("after")) == 500


def test_a_low_mark_is_told_once_and_the_check_in_counts_it(tmp_path: Path) -> None:
    """A chip whose own memory is short, and whose Wi-Fi came on for a moment."""
    image = tmp_path / "flash.img"
    shutil.copy(flash_image("esp32_devkit"), image)
    (tmp_path / "main.py").write_text("import pool\npool.FREE = 50000\nimport siaga_boot\nsiaga_boot.run()\n")
    (tmp_path / "settings.json").write_text('{"checkin_s": 10, "language": "en"}')
    files = {tmp_path / name: f"/{name}" for name in ("main.py", "settings.json")}
    Installer(micropython(), FIRMWARE, tmp_path).copy(image, files)
    with BareChip(image, BOARDS["esp32_devkit"], speed=20) as chip:
        chip.until(lambda: len(told(chip, "frame")) >= 1, "a check-in")
        down = [event for event in told(chip, "error") if "own memory was down to" in str(event["what"])]
        assert len(down) == 1, chip.said
        assert " 5000 bytes" in str(down[0]["what"])
        assert told(chip, "memory")[0]["low"] == 5000
        assert any("50000 byte" in str(event["what"]) for event in told(chip, "error")), "before it knows its language"
