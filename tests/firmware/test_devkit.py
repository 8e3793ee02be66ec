"""The real board, as far as it can be without the chip: its pins by the ESP32's rules, its file on stand-ins."""

from __future__ import annotations

import re
from pathlib import Path

from micropython import FIRMWARE, run_micropython

FLASH_PINS = range(6, 12)
INPUT_ONLY = range(34, 40)
# Read while the chip starts; a button or a switch on one of them can keep it from starting. GPIO2 may drive an LED.
STRAPPING = {0, 2, 5, 12, 15}
SERIAL = {1, 3}
WAKING = {0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40)}


def pins() -> dict[str, int]:
    source = (FIRMWARE / "siaga" / "boards" / "esp32_devkit.py").read_text(encoding="utf-8")
    return {name: int(number) for name, number in re.findall(r"^([A-Z]+) = (\d+)", source, flags=re.MULTILINE)}


def test_the_pins_obey_the_chip():
    used = pins()
    assert set(used) == {"BUTTON", "CASE", "LED", "BUZZER", "VIBRATION", "MAINS", "CELL"}
    assert len(set(used.values())) == len(used)
    for name, pin in used.items():
        assert pin not in FLASH_PINS and pin not in SERIAL, name
        assert pin not in STRAPPING or name == "LED", name
    for name in ("LED", "BUZZER", "VIBRATION", "BUTTON", "CASE"):
        assert used[name] not in INPUT_ONLY, f"{name} needs an output or a pull-up"
    assert used["BUTTON"] in WAKING and used["CASE"] in WAKING, "a later sleep is ended by these"


def test_the_board_file_runs_and_a_press_on_it_is_stored():
    program = Path(__file__).resolve().parent / "on_button" / "devkit.py"
    said = run_micropython(program, heap="1M").splitlines()
    assert len([line for line in said if line.startswith("holds:")]) == 5


def test_the_main_file_stays_short():
    assert len((FIRMWARE / "main.py").read_text(encoding="utf-8").splitlines()) < 20
