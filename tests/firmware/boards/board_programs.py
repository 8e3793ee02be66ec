"""Programs for a bare chip that make a board by its real file."""

from __future__ import annotations

from collections.abc import Callable

from firmware.boards.bare_chip import BareChip

Bare = Callable[..., BareChip]

PROGRAM = """
import machine, time
from siaga.app.board import RESTART, SLEEP
from siaga.start import boards
for board in boards():
    print("woke", board.woke_by())
    {body}
"""


def program(*lines: str) -> str:
    return PROGRAM.format(body="\n    ".join(lines))


SLEEPER = program(
    "print('kept', board.kept())",
    "board.keep(b'what it knows')",
    "while not board.external_power(): time.sleep_ms(5)",  # the test says when
    "board.sleep_ms, board.modem_sleeps, board.ended = 3600000, {modem}, SLEEP",
)


def sleeper(modem: bool = True) -> str:
    return SLEEPER.replace("{modem}", str(modem))


def driven(chip: BareChip) -> list[tuple[int, int | None]]:
    """Without those that the chip itself pulls up as it starts."""
    return [move for move in chip.moves if move[1] is not None and move[0] not in (0, 5, 15)]
