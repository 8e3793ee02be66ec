"""What woke the chip, where several things come together: a hand is never taken for a timer or a ring."""

from __future__ import annotations

import pytest

from firmware.boards.bare_chip import BareChip
from firmware.boards.board_programs import Bare, sleeper
from siaga_tools.board_wiring import BOARDS


def together(chip: BareChip, moves: dict[int, int], *, seconds: float = 0) -> None:
    """In one moment: these levels, and so much time has passed."""

    def happen() -> None:
        if seconds:
            chip.clock.jump(seconds)
        for pin, level in moves.items():
            chip.chip.pads.levels[pin] = level
        chip.chip._look()

    chip.chip.do(happen)


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_a_hand_that_comes_with_the_timer_is_the_hand(bare: Bare, board: str):
    """ESP-IDF 5 tells such a wake as the timer's."""
    chip, switch = bare(board, sleeper(modem=False)), BOARDS[board].button
    chip.goes_to_sleep()
    together(chip, {switch.pin: switch.acting}, seconds=3601)
    assert chip.line("woke", 2) == "button"


@pytest.mark.parametrize("board", ["t_a7670", "t_sim7600"])
@pytest.mark.parametrize("other", ["ring", "case", "foot_switch"])
def test_a_hand_that_comes_with_something_else_is_the_hand(bare: Bare, board: str, other: str):
    chip, wiring = bare(board, sleeper()), BOARDS[board]
    assert wiring.modem is not None
    moves = {wiring.button.pin: 1, wiring.modem.ring: 1}
    if other == "ring":
        moves[wiring.modem.ring] = 0
    else:
        moves[getattr(wiring, other).pin] = 1
    chip.goes_to_sleep()
    together(chip, moves)
    assert chip.line("woke", 2) == "button"


@pytest.mark.parametrize("board", ["t_a7670", "t_sim7600"])
def test_the_foot_switch_that_comes_with_timer_and_ring_is_the_foot_switch(bare: Bare, board: str):
    chip, wiring = bare(board, sleeper()), BOARDS[board]
    assert wiring.modem is not None
    chip.goes_to_sleep()
    together(chip, {wiring.foot_switch.pin: 1, wiring.modem.ring: 0}, seconds=3601)
    assert chip.line("woke", 2) == "input"


def test_a_wake_by_a_pin_that_the_register_does_not_tell_is_the_hand(bare: Bare):
    """The register was read in headers, not tried on a chip: nothing may rest on it alone."""
    program = (
        "import machine\nclass Nothing:\n    def __getitem__(self, address): return 0\nmachine.mem32 = Nothing()\n"
        + sleeper()
    )
    chip = bare("t_a7670", program)
    chip.goes_to_sleep()
    chip.chip.drive(BOARDS["t_a7670"].button.pin, 1)
    assert chip.line("woke", 2) == "button"
