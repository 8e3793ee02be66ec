"""What all outputs share: the deadlines, and how to report a document that cannot be made."""

from __future__ import annotations

from collections.abc import Callable

from siaga_gateway.catalogue import text
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.limits import LONGEST_DELIVERY_S
from siaga_gateway.service.ports import NotDelivered


def checked_deadline(deadline_s: float) -> float:
    """Return a deadline that the port allows. Raises: ValueError."""
    if not 0 < deadline_s <= LONGEST_DELIVERY_S:
        raise ValueError(f"deadline_s is {deadline_s!r}; it must be more than 0 and at most {LONGEST_DELIVERY_S:g} s")
    return deadline_s


def made(write: Callable[[], bytes], language: str) -> bytes | NotDelivered:
    """Return the document, or why there is none."""
    try:
        return write()
    except Exception as error:
        return no_document(error, language)


def no_document(error: Exception, language: str) -> NotDelivered:
    """Return why there is no document: no later attempt at the same notice would make one either.

    Only a SettingError's text is reported: those contain no personal data.
    """
    why = error.say(language) if isinstance(error, SettingError) else type(error).__name__
    return NotDelivered(text("formats.delivery.no_document", language, why=why), permanent=True)
