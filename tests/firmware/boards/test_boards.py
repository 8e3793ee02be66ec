"""Every board's pins by the ESP32's rules, by its vendor's pin map, and by the wiring that the simulation has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from board_pins import pins_of, sources_of
from micropython import FIRMWARE
from siaga_tools.board_wiring import BOARDS

FLASH_PINS = range(6, 12)
SERIAL = {1, 3}
PSRAM = {16, 17}  # of the WROVER modules
INPUT_ONLY = range(34, 40)  # and without pulls
MISSING = {20, 24, 28, 29, 30, 31, 37, 38}  # not there, or not led out of the module
# Read while the chip starts; a button or a switch on one of them can keep it from starting.
STRAPPING = {0, 2, 5, 12, 15}
WAKING = {0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40)}
ADC_BESIDE_RADIO = range(32, 40)
WROVER = {"t_a7670", "t_sim7600", "siaga_rev_a"}
OUTPUTS = re.compile(
    r"LED|SECOND_LED|BUZZER|VIBRATION|.*_TX|MODEM_KEY|MODEM_RESET|MODEM_DTR|FLIGHT|SUPPLY|GNSS_SUPPLY|LORAWAN_RESET"
)
WAKES = {"BUTTON", "INPUT", "CASE", "MODEM_RING"}
# Strapping pins where the board itself has something on them: an LED to ground; the modem's reset, pulled down on the
# board; the modem's supply, pulled down on the board. And a serial line's resting level, which is what 5 has to be at.
ON_STRAPPING = {
    "esp32_devkit": {"LED"},
    "t_a7670": {"MODEM_RESET", "SUPPLY"},
    "t_sim7600": {"LED", "LORAWAN_RX"},
    "siaga_rev_a": {"MODEM_RESET", "SUPPLY", "SECOND_LED"},
}
# LilyGO-T-A76XX and T-SIM7600X, utilities.h and pin maps.
VENDOR = {
    "t_a7670": {
        "MODEM_TX": 26,
        "MODEM_RX": 27,
        "MODEM_KEY": 4,
        "MODEM_RESET": 5,
        "MODEM_DTR": 25,
        "MODEM_RING": 33,
        "SUPPLY": 12,
        "CELL": 35,
    },
    "t_sim7600": {
        "MODEM_TX": 27,
        "MODEM_RX": 26,
        "MODEM_KEY": 4,
        "MODEM_DTR": 32,
        "MODEM_RING": 33,
        "FLIGHT": 25,
        "LED": 12,
        "CELL": 35,
    },
}
# What the vendor's board has on other pins; only the SD slot's may be used, and only while no card is in it.
VENDOR_TAKES = {"t_a7670": {36}, "t_sim7600": {34, 36}}
VENDOR["siaga_rev_a"], VENDOR_TAKES["siaga_rev_a"] = VENDOR["t_a7670"], VENDOR_TAKES["t_a7670"]

FOLDER = FIRMWARE / "siaga" / "boards"


def test_every_board_file_is_known_by_name_and_wired_in_the_simulation():
    files = {path.stem for path in FOLDER.glob("*.py")} - {
        "__init__",
        "choice",
        "esp32",
        "esp32_wifi",
        "internal_ram",
        "rtc",
        "simulated",
        "t_a7670_module",
        "wake_cause",
    }
    known = re.search(r"KNOWN = \((.*)\)", (FOLDER / "choice.py").read_text(encoding="utf-8"))
    assert known is not None
    assert files == set(re.findall(r'"(\w+)"', known[1])) == set(BOARDS)
    for board in files:
        assert f'name = "{board}"' in (FOLDER / f"{board}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_the_pins_obey_the_chip(board: str):
    used = pins_of(board)
    assert {"BUTTON", "CASE", "INPUT", "MAINS", "CELL", "LED", "BUZZER", "VIBRATION"} <= set(used)
    assert len(set(used.values())) == len(used), "two things on one pin"
    for name, pin in used.items():
        assert pin not in FLASH_PINS and pin not in SERIAL and pin not in MISSING and pin < 40, name
        assert board not in WROVER or pin not in PSRAM, f"{name} is on a pin of the PSRAM"
        assert pin not in STRAPPING or name in ON_STRAPPING[board], f"{name} is on a strapping pin"
        assert not OUTPUTS.fullmatch(name) or pin not in INPUT_ONLY, f"{name} needs an output"
        assert name not in WAKES or pin in WAKING, f"{name} cannot end deep sleep"
        assert pin not in VENDOR_TAKES.get(board, ()), f"{name} is on a pin that the vendor's board uses"
    assert used["CELL"] in ADC_BESIDE_RADIO


@pytest.mark.parametrize("board", sorted(VENDOR))
def test_the_pins_are_the_vendors(board: str):
    used = pins_of(board)
    assert {name: used[name] for name in VENDOR[board]} == VENDOR[board]


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_the_simulation_is_wired_alike(board: str):
    used, wiring = pins_of(board), BOARDS[board]
    wired = {
        "BUTTON": wiring.button.pin,
        "CASE": wiring.case.pin,
        "INPUT": wiring.foot_switch.pin,
        "MAINS": wiring.mains.pin,
        "CELL": wiring.cell,
        "LED": wiring.led,
        "BUZZER": wiring.buzzer,
        "VIBRATION": wiring.vibration,
        "LORAWAN_TX": wiring.lorawan[0],
        "LORAWAN_RX": wiring.lorawan[1],
        "LORAWAN_RESET": wiring.lorawan_reset,
    }
    if wiring.second_led is not None:
        wired["SECOND_LED"] = wiring.second_led
    if wiring.gnss is not None:
        wired |= {"GNSS_TX": wiring.gnss[0], "GNSS_RX": wiring.gnss[1], "GNSS_SUPPLY": wiring.gnss_supply}
    if (modem := wiring.modem) is not None:
        wired |= {"MODEM_TX": modem.tx, "MODEM_RX": modem.rx, "MODEM_KEY": modem.key, "MODEM_DTR": modem.dtr}
        wired["MODEM_RING"] = modem.ring
        for name, pin in (("MODEM_RESET", modem.reset), ("SUPPLY", modem.supply), ("FLIGHT", modem.flight)):
            if pin is not None:
                wired[name] = pin
    assert used == wired


def test_a_board_has_its_bases_pins_and_may_not_have_them_otherwise(tmp_path: Path):
    (tmp_path / "chip.py").write_text("WORD = 7\n")
    (tmp_path / "x_module.py").write_text("LED = 23\n")
    imports = "from siaga.boards.x_module import y\nfrom siaga.boards.chip import z\n"
    (tmp_path / "own.py").write_text(imports + "SECOND = 2\n")
    assert pins_of("own", tmp_path) == {"LED": 23, "SECOND": 2}
    (tmp_path / "own.py").write_text(imports + "LED = 2\n")
    with pytest.raises(ValueError, match="own names pins of its base again: LED"):
        pins_of("own", tmp_path)


@pytest.mark.parametrize("board", ["t_a7670", "siaga_rev_a"])
def test_the_supply_is_taken_high_before_anything_else_is_imported(board: str):
    own, base = sources_of(board)
    assert re.findall(r"^(?:from|import) (\S+)", own, re.MULTILINE)[0] == "siaga.boards.t_a7670_module"
    before = base[: base.index("machine.Pin(SUPPLY, machine.Pin.OUT, value=1, hold=True)")]
    assert re.findall(r"^(?:from|import) (\S+)", before, re.MULTILINE) == ["machine"]


def test_the_main_file_stays_short():
    assert len((FIRMWARE / "main.py").read_text(encoding="utf-8").splitlines()) < 25
