"""Starts the pieces of the gateway in order and stops them in reverse order, whatever fails on the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Failing

log = logging.getLogger(__name__)

STOP_S: Final = 20.0  # longer than any piece waits for its own threads


class StopLate(Failing):
    """A piece has not stopped in its time; the others have been stopped all the same."""


def nothing() -> None:
    """Do nothing: the default of a piece that only starts, or only stops."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to start and stop. What has to start late and stop late as well becomes two pieces: the earlier one
    only stops it, the later one only starts it."""

    name: str
    start: Callable[[], object] = nothing
    stop: Callable[[], object] = nothing  # also called if the start failed, however far it got
    stops_first: bool = False  # before all others, whenever it started
    stop_s: float = STOP_S  # seconds; after that the next piece is stopped anyway


def starts_of(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces without their stops, for which see stops_of."""
    return [Piece(each.name, each.start) for each in pieces]


def stops_of(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the stops of the pieces, which start later."""
    return [
        Piece(f"end of {each.name}", stop=each.stop, stop_s=each.stop_s) for each in pieces if each.stop is not nothing
    ]


class Running:
    """A context that stops the pieces started in it. A stop that fails or hangs is logged and prevents no other. If
    nothing else was raised, the first such failure is raised at the end."""

    def __init__(self, around_end: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """around_end: entered before the first stop, left after the last."""
        self._around_end = around_end
        self._first = ExitStack()
        self._others = ExitStack()
        self._faults: list[BaseException] = []

    def start(self, piece: Piece) -> None:
        """Start a piece. It is stopped at the end even if this raises."""
        if piece.stop is not nothing:
            (self._first if piece.stops_first else self._others).callback(self._stop, piece)
        piece.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with self._around_end():
            self._first.close()
            self._others.close()
            if error is None and self._faults:
                raise self._faults[0]

    def _stop(self, piece: Piece) -> None:
        def stop() -> None:
            try:
                piece.stop()
            except BaseException as error:
                log.exception(Localized("log.gateway.stop_failed", piece=piece.name))
                self._faults.append(error)

        thread = threading.Thread(target=stop, name=f"stop {piece.name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads to be had
            stop()
            return
        thread.join(piece.stop_s)
        if thread.is_alive():
            late = StopLate("stop.late", piece=piece.name, seconds=round(piece.stop_s))
            log.error(Localized("log.gateway.stop_late", piece=piece.name, seconds=round(piece.stop_s)))
            self._faults.append(late)
