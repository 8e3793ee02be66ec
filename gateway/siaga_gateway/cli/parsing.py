"""What registrars type: frames in hex, dates, positions in degrees."""

from __future__ import annotations

from datetime import date

from siaga_gateway.domain.installation_area import typed_place
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.registry.enrol import EnrolError


def frame_of(text: str) -> bytes:
    """Raises: EnrolError."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EnrolError("enrol.frame_no_hex") from None


def day_end_ms(text: str, local: LocalTime) -> int:
    """Return the end of a day given as YYYY-MM-DD, Unix ms. Raises: EnrolError."""
    try:
        return local.end_of(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise EnrolError("enrol.no_day", text=text) from None


def position_of(text: str) -> tuple[int, int]:
    """Convert typed degrees to integers (degrees x 10^7). Raises: EnrolError."""
    place = typed_place(text)
    if place is None:
        raise EnrolError("enrol.no_position", text=text)
    return place
