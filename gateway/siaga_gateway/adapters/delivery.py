"""What every output shares: its longest deadline, and a document that cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.service.ports import NotDelivered

DEADLINE_S: Final = 10.0  # the port's longest (service.ports.Output)


def checked_deadline(deadline_s: float) -> float:
    """A deadline that the port allows; raises ValueError."""
    if not 0 < deadline_s <= DEADLINE_S:
        raise ValueError(f"deadline_s is {deadline_s!r}; it must be more than 0 and at most {DEADLINE_S:g} seconds")
    return deadline_s


def made(write: Callable[[], bytes], language: str) -> bytes | NotDelivered:
    """The document, or why there is none: no later attempt at the same notice would make one either.

    Only a ValueError's text is told: those are written in `formats` and hold no personal data.
    """
    try:
        return write()
    except Exception as error:
        why = str(error) if type(error) is ValueError else type(error).__name__
        return NotDelivered(text("formats.delivery.no_document", language, why=why), permanent=True)
