"""What registrars write: frames in hex, days, positions in degrees."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from siaga_gateway.catalogue import WIB
from siaga_gateway.service.enrol import EnrolError


def frame_of(text: str) -> bytes:
    """Raises EnrolError."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EnrolError("the frame is not hex: copy the whole line that the button prints, digits only") from None


def day_end_ms(text: str) -> int:
    """The end of a day written as YYYY-MM-DD, WIB, Unix ms. Raises EnrolError."""
    try:
        return end_of(date.fromisoformat(text.strip()))
    except ValueError:
        raise EnrolError(f"{text!r} is no day: write it as 2027-12-31") from None


def end_of(day: date) -> int:
    """The first moment after that day in western Indonesia, Unix ms."""
    return int(datetime.combine(day + timedelta(days=1), time(), WIB).timestamp() * 1000)


def position_of(text: str) -> tuple[int, int]:
    """Degrees as written, to integers (degrees x 10^7) without a float between. Raises EnrolError."""
    try:
        latitude, longitude = (Decimal(part.strip()) for part in text.split(","))
        return int((latitude * 10**7).to_integral_value()), int((longitude * 10**7).to_integral_value())
    except (ValueError, InvalidOperation):
        raise EnrolError(f"{text!r} is no position: latitude,longitude in degrees, as -5.4292,105.2610") from None
