"""Picks the board and runs the button. The loader, main.py, chose the firmware that this is part of."""

import sys
import time

from siaga.app.board import POWER, RESET
from siaga.app.board_faults import Faults
from siaga.boards.choice import chosen
from siaga.drivers.indicator import FIRST

# How the light says that this board cannot carry the firmware, before there is an indicator: `unfit_chip`, 3 s long.
_FLASHES = 8
_FLASH_MS = 200


def boards() -> "Iterator[Board]":
    """Yield the board that this runs on."""
    module, wrong = chosen()
    for board in module.boards():  # type: ignore[attr-defined]
        if wrong:
            board.tell("error", {"what": wrong})
        yield board


def start() -> str:
    """Return why the button ended; a chip resets instead."""
    board = None
    for board in boards():
        faults = Faults(board)
        try:
            _judge(board)
        except Exception as error:  # a failed check stops nothing
            sys.print_exception(error)
        from siaga.app.device import run  # only now: with too little memory this already fails

        run(board, faults)
    return "" if board is None else board.ended


def _judge(board: "Board") -> None:
    """Report what this board lacks, by its light too unless a button or timer woke it. It is tried all the same: a
    check does not stop a press that may yet be sent."""
    lack = board.lack()
    if not lack:
        return
    board.tell("error", {"what": lack})
    board.unfit = True
    try:
        for _ in range(_FLASHES if board.woke_by() in (POWER, RESET) else 0):
            board.lamp.set(FIRST, 0, False)
            time.sleep_ms(_FLASH_MS)
            board.lamp.set(0, 0, False)
            time.sleep_ms(_FLASH_MS)
    except Exception:
        pass  # a failed lamp stops no press either


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from siaga.app.board import Board
