"""Real board files, unchanged, on the simulated chip: their start, pins, lamp, watchdog and name."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from firmware.boards.board_programs import Bare, driven, program, sleeper
from micropython import FIRMWARE
from siaga_tools.board_wiring import BOARDS
from siaga_tools.simulate.chip import ChipState

pytestmark = pytest.mark.side_by_side(4)


def test_the_reference_board_takes_its_supply_before_anything_else_and_keeps_it(bare: Bare):
    chip = bare("t_a7670", program("board.ended = RESTART"))
    chip.line("woke", 3)
    assert driven(chip)[0] == (12, 1)
    assert [move for move in chip.moves if move[0] == 12] == [(12, 1)], "no reset may take it away"
    assert [chip.line("woke", n) for n in (1, 2, 3)] == ["power", "reset", "reset"]


def test_the_loader_takes_the_reference_boards_supply_before_it_reads_any_firmware(bare: Bare):
    """The same pin as the board's own file, by what the installer's files say."""
    chip = bare("t_a7670", "import siaga_boot\nsiaga_boot.Boot = None\nsiaga_boot.begin()\n")
    chip.until(lambda: chip.chip.life is ChipState.STOPPED, "end of a loader that cannot read what to start")
    assert driven(chip) == [(12, 1)] and t_a7670_supply() == 12


def t_a7670_supply() -> int:
    found = re.search(r"^SUPPLY = (\d+)", (FIRMWARE / "siaga/boards/t_a7670_module.py").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


@pytest.mark.parametrize("content", ["t_sim7600\n", "t_a7670 99\n", "t_a7670 x\n", "", None])
def test_a_loader_that_is_told_no_pin_takes_none(bare: Bare, content: str | None):
    write = "import os; os.remove('/board.txt')\n"
    if content is not None:
        write = f"f = open('/board.txt', 'w'); f.write({content!r}); f.close()\n"
    chip = bare(
        "t_a7670", write + "import siaga_boot\nsiaga_boot.hold()\nprint('held')\nimport time\ntime.sleep(1000)\n"
    )
    chip.line("held")
    assert not driven(chip)


def test_only_the_start_from_no_power_moves_the_modems_reset_line(bare: Bare):
    """GPIO5 is pulled up while nobody drives it: in deep sleep that would hold the modem in reset."""
    chip = bare("t_a7670", sleeper())
    chip.goes_to_sleep()
    moves = [move for move in chip.moves if move[0] == 5]
    assert moves == [(5, 1), (5, 0)]
    chip.chip.drive(32, 1)
    chip.line("woke button")
    chip.chip.drive(32, 0)
    chip.goes_to_sleep()
    assert [move for move in chip.moves if move[0] == 5] == moves


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_contacts_battery_and_lamp(bare: Bare, board: str):
    chip = bare(
        board,
        program(
            "while True:",
            "    print('sees', int(board.pressed()), int(board.alarm_input()), int(board.tamper_open()), "
            "int(board.external_power()), board.battery())",
            "    board.lamp.set(board.pressed(), 1500 if board.pressed() else 0, board.pressed())",
            "    time.sleep_ms(100)",
        ),
        speed=4,
    )
    wiring = BOARDS[board]

    def sees(what: str) -> None:
        chip.until(lambda: chip.said and chip.said[-1] == "sees " + what, what)

    sees("0 0 0 0 None")
    chip.chip.voltage(wiring.cell, 1_930_000)
    sees("0 0 0 0 62")
    for place, switch in enumerate((wiring.button, wiring.foot_switch, wiring.case, wiring.mains)):
        chip.chip.drive(switch.pin, switch.level(True))
        sees(" ".join("1" if place == index else "0" for index in range(4)) + " 62")
        if place == 0:
            chip.until(lambda: chip.level(wiring.led) == chip.level(wiring.vibration) == 1, "light and vibration")
        chip.chip.drive(switch.pin, switch.level(False))
    chip.until(lambda: chip.level(wiring.led) == chip.level(wiring.vibration) == 0, "darkness")


def test_a_lamp_of_two_colours_shows_one_at_a_time(bare: Bare):
    chip = bare(
        "siaga_rev_a",
        program(
            "from siaga.boards.esp32 import PinLamp",
            "print('colours', PinLamp(23, 19, 18).colours)",
            "print('colours', board.lamp.colours)",
            "for light in (1, 2, 0):",
            "    board.lamp.set(light, 0, False)",
            "time.sleep(1000)",
        ),
    )
    assert (chip.line("colours"), chip.line("colours", 2)) == ("1", "2")
    led, second = BOARDS["siaga_rev_a"].led, BOARDS["siaga_rev_a"].second_led
    one_by_one = [(led, 1), (led, 0), (second, 1), (second, 0)]

    def changes() -> list[tuple[int, int | None]]:
        moves = [move for move in list(chip.moves) if move[0] in (led, second)]
        return [move for before, move in pairwise(moves) if before != move]

    chip.until(lambda: changes()[-4:] == one_by_one, "one colour after the other")


def test_a_processor_that_hangs_is_reset(bare: Bare):
    chip = bare(
        "t_a7670",
        program("board.feed()", "if board.woke_by() == 'power':", "    while True: pass", "time.sleep(1000)"),
        speed=20,
    )
    assert chip.line("woke", 2) == "reset"
    assert (ChipState.RUNNING, "the watchdog was not fed: reset") in chip.lives


def test_a_start_that_hangs_is_reset_whatever_runs(bare: Bare):
    """Also where no firmware is on trial: what hangs before the firmware's own watchdog would hang for ever."""
    hangs = "import machine\nif machine.reset_cause() == 1:\n    while True: pass\nprint('runs')\n"
    chip = bare("t_a7670", "import siaga_boot\nsiaga_boot.begin()\n" + hangs, speed=20)
    chip.line("runs")
    assert (ChipState.RUNNING, "the watchdog was not fed: reset") in chip.lives


def test_a_loader_that_fails_starts_anew(bare: Bare):
    """Whatever it is that fails: without that the chip would stand at its prompt, dark, for ever."""
    loader = "import siaga_boot\nsiaga_boot.Boot = None\nwhile siaga_boot.again(siaga_boot.run()): pass\n"
    chip = bare("t_a7670", "import machine\nprint('cause', machine.reset_cause())\n" + loader, speed=20)
    assert (chip.line("cause"), chip.line("cause", 2)) == ("1", "2")


def test_a_program_that_ends_is_seen(bare: Bare):
    chip = bare("t_a7670", "raise ValueError('nothing works')")
    chip.until(lambda: chip.chip.life is ChipState.STOPPED, "end")
    assert "ValueError: nothing works" in chip.said


@pytest.mark.parametrize(
    ("content", "wrong"), [("t_a7670\n", ""), ("t_a7670 12\n", ""), ("t_a9999\n", "'t_a9999'"), (None, "ENOENT")]
)
def test_the_board_is_named_on_the_flash(bare: Bare, content: str | None, wrong: str):
    write = "import os; os.remove('/board.txt')"
    if content is not None:
        write = f"f = open('/board.txt', 'w'); f.write({content!r}); f.close()"
    chip = bare("t_a7670", write + program("print('board', board.name)", "time.sleep(1000)"), every_board=True)
    assert chip.line("board") == ("t_a7670" if not wrong else "esp32_devkit")
    said = [line for line in chip.said if '"error"' in line]
    assert not wrong if not said else wrong in said[0] and "t_sim7600" in said[0] and "/board.txt" in said[0]


@pytest.mark.parametrize("content", ["t_sim7600", "", None])
def test_without_its_name_it_is_the_one_board_that_is_installed(bare: Bare, content: str | None):
    write = "import os; os.remove('/board.txt')"
    if content is not None:
        write = f"f = open('/board.txt', 'w'); f.write({content!r}); f.close()"
    chip = bare("t_a7670", write + program("print('board', board.name)", "time.sleep(1000)"))
    assert chip.line("board") == "t_a7670"
    assert any('"error"' in line and "dianggap t_a7670" in line for line in chip.said)


LATE_LISTENER = """
import time
from siaga.boards.esp32 import uart
print("ready")
time.sleep(2)
line = uart(1, 21, 22, 9600)
print("open")
while True:
    got = line.read(64)
    if got:
        print("got", got)
        line.write(got)
    time.sleep_ms(20)
"""


def test_what_a_wire_said_before_anybody_listened_is_lost(bare: Bare):
    chip = bare("esp32_devkit", LATE_LISTENER)
    wire = chip.lines[21, 22]
    chip.line("ready")
    wire.write(b"too early")
    chip.line("open")
    wire.write(b"in time")
    assert chip.line("got") == "b'in time'"
    assert wire.read(20) == b"in time"
