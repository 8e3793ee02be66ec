"""The area of an installation's buttons, and what a registrar may have meant by a place outside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final

from siaga_gateway.domain.device_report import MAX_LATITUDE, MAX_LONGITUDE
from siaga_gateway.domain.position import distance_m, is_zero
from siaga_gateway.domain.value import record

Place = tuple[int, int]  # latitude, longitude; degrees x 10^7

# A learnt radius: at least this, or five times the median distance from the middle.
_LEAST_M: Final = 100_000
_FEW: Final = 3
_FEW_LEAST_M: Final = 300_000  # with fewer buttons than that, little is learnt
_TIMES: Final = 5
_NO_DEGREES: Final = 1_000  # more digits than that are not worth converting


@record
class Area:
    """A circle around the site."""

    middle: Place
    radius_m: int

    def distance_m(self, place: Place) -> int:
        """Return how far a place is from the middle, metres."""
        return distance_m(self.middle, place)

    def holds(self, place: Place) -> bool:
        return self.distance_m(place) <= self.radius_m


@record
class Doubt:
    """A place that is probably a mistake."""

    why: str  # zero | far
    km: int  # from the middle of the area; 0 if none is known
    meant: Place | None  # the place with a sign or the order changed, if that lies within


def on_globe(place: Place) -> bool:
    return abs(place[0]) <= MAX_LATITUDE and abs(place[1]) <= MAX_LONGITUDE


def typed_place(text: str) -> Place | None:
    """Return the place typed in degrees as `-5.4292, 105.2610`, without floating point; None: it is none.

    Whether it is on the globe is another question."""
    try:
        latitude, longitude = (Decimal(part.strip()) for part in text.split(","))
        if max(abs(latitude), abs(longitude)) > _NO_DEGREES:
            return None
        return int((latitude * 10**7).to_integral_value()), int((longitude * 10**7).to_integral_value())
    except (ValueError, ArithmeticError):
        return None


def learnt(places: Sequence[Place]) -> Area | None:
    """Return the area of the existing buttons; None without any. A single wrong place does not move it (medians)."""
    if not places:
        return None
    middle = _median([place[0] for place in places]), _median([place[1] for place in places])
    far = sorted(distance_m(middle, place) for place in places)
    radius = _TIMES * far[(len(far) - 1) // 2]
    return Area(middle, max(radius, _LEAST_M if len(places) >= _FEW else _FEW_LEAST_M))


def doubt(place: Place, area: Area | None) -> Doubt | None:
    """Return why a person should check a place before a button is registered there; None: no reason."""
    if is_zero(*place):
        return Doubt("zero", 0, None)
    if area is None or area.holds(place):
        return None
    return Doubt("far", round(area.distance_m(place) / 1000), _meant(place, area))


def _meant(place: Place, area: Area) -> Place | None:
    inside = [other for other in _slips(place) if on_globe(other) and area.holds(other)]
    return min(inside, key=area.distance_m) if inside else None


def _slips(place: Place) -> Collection[Place]:
    """Return the places with a lost sign, or with both numbers swapped."""
    latitude, longitude = place
    return [
        (sign_1 * one, sign_2 * other)
        for one, other in ((latitude, longitude), (longitude, latitude))
        for sign_1 in (1, -1)
        for sign_2 in (1, -1)
        if (sign_1 * one, sign_2 * other) != place
    ]


def _median(numbers: Sequence[int]) -> int:
    return sorted(numbers)[len(numbers) // 2]


def in_degrees(place: Place) -> str:
    """Format as a registrar types it: -6.1754,106.8272"""
    return ",".join(f"{part / 10**7:.7f}".rstrip("0").rstrip(".") for part in place)
