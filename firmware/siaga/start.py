"""Pick the board, be the button. The loader, main.py, chose the firmware that this is part of."""

from siaga.app.device import run
from siaga.boards.choice import chosen


def boards() -> "Iterator[Board]":
    """The board that this runs on."""
    module, wrong = chosen()
    for board in module.boards():  # type: ignore[attr-defined]
        if wrong:
            board.tell("error", {"what": wrong})
        yield board


def start() -> str:
    """Why it came back; a chip resets instead."""
    board = None
    for board in boards():
        run(board)
    return "" if board is None else board.ended


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from siaga.app.board import Board
