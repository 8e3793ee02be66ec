"""Real board files on the simulated chip: deep sleep, and what ends it."""

from __future__ import annotations

import pytest

from firmware.boards.board_programs import Bare, sleeper
from siaga_tools.board_wiring import BOARDS
from siaga_tools.simulate.chip import ChipState

pytestmark = pytest.mark.side_by_side(4)


def test_a_pad_that_is_not_held_goes_its_own_way_in_sleep(bare: Bare):
    """What the simulation is good for: the same without the hold."""
    chip = bare("t_a7670", "import machine\nmachine.Pin(5, machine.Pin.OUT, value=0)\nmachine.deepsleep(3600000)\n")
    chip.asleep()
    assert chip.level(5) == 1


@pytest.mark.parametrize("board", ["t_a7670", "t_sim7600"])
def test_what_ends_the_sleep_of_a_board_with_a_modem(bare: Bare, board: str):
    chip = bare(board, sleeper())
    wiring = BOARDS[board]
    assert wiring.modem is not None
    assert chip.line("woke") == "power"
    assert chip.line("kept") == "b''"
    for number, (pin, acting, word) in enumerate(
        (
            (wiring.button.pin, 1, "button"),
            (wiring.foot_switch.pin, 1, "input"),
            (wiring.modem.ring, 0, "modem"),
            (wiring.case.pin, 1, "case"),
        ),
        start=2,
    ):
        chip.goes_to_sleep()
        chip.chip.drive(pin, acting)
        assert chip.line("woke", number) == word
        chip.chip.drive(pin, 1 - acting)
        assert chip.line("kept", number) == "b'what it knows'"
    chip.goes_to_sleep()
    chip.clock.jump(3600)
    assert chip.line("woke", 6) == "timer"


def test_with_the_modem_off_its_ring_line_wakes_nobody(bare: Bare):
    chip = bare("t_a7670", sleeper(modem=False))
    chip.goes_to_sleep()
    chip.chip.drive(33, 0)
    assert chip.chip.life is ChipState.ASLEEP
    chip.chip.drive(32, 1)
    assert chip.line("woke", 2) == "button"


def test_the_devkit_is_woken_by_its_button_to_ground_its_case_and_its_input(bare: Bare):
    chip = bare("esp32_devkit", sleeper(modem=False))
    for number, (pin, acting, word) in enumerate(((27, 0, "button"), (32, 1, "input"), (26, 1, "case")), start=2):
        chip.goes_to_sleep()
        chip.chip.drive(pin, acting)
        assert chip.line("woke", number) == word
        chip.chip.drive(pin, 1 - acting)


def test_an_open_case_does_not_wake_it_for_ever(bare: Bare):
    chip = bare("t_a7670", sleeper())
    chip.goes_to_sleep()
    chip.chip.drive(34, 1)
    assert chip.line("woke", 2) == "case"
    chip.goes_to_sleep()
    assert chip.chip.wakes_at_us is not None
    assert chip.chip.wakes_at_us - chip.clock.now_us() > 3_000_000_000
    chip.chip.drive(32, 1)
    assert chip.line("woke", 3) == "button"


@pytest.mark.parametrize("board", sorted(BOARDS))
@pytest.mark.parametrize(("which", "word"), [("button", "button"), ("foot_switch", "input")])
def test_a_hand_that_came_after_the_last_look_wakes_it_at_once(bare: Bare, board: str, which: str, word: str):
    """The firmware sleeps only with nobody at it; between its last look and the sleep somebody may come."""
    chip = bare(board, sleeper(modem=False))
    chip.line("woke")
    switch = getattr(chip.wiring, which)
    chip.chip.drive(switch.pin, switch.level(True))
    chip.chip.drive(chip.wiring.mains.pin, chip.wiring.mains.level(True))
    assert chip.line("woke", 2) == word
