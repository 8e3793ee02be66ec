"""The site: whose installation this is, where it is, and what its people call things."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

from siaga_gateway.domain.installation_area import Area
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import record


@record
class MapBounds:
    """A rectangle of the map, in degrees."""

    west: Decimal
    south: Decimal
    east: Decimal
    north: Decimal


_M_PER_DEGREE: Final = 111_195  # on a sphere of the earth's mean radius


def around(area: Area) -> MapBounds:
    """Return the rectangle about a circle, within the globe."""
    latitude, longitude = (Decimal(part) / 10**7 for part in area.middle)
    high = Decimal(area.radius_m) / _M_PER_DEGREE
    wide = high / max(Decimal(str(round(math.cos(math.radians(latitude)), 3))), Decimal("0.1"))
    west, east = max(longitude - wide, Decimal(-180)), min(longitude + wide, Decimal(180))
    south, north = max(latitude - high, Decimal(-90)), min(latitude + high, Decimal(90))
    return MapBounds(*(round(side, 4) for side in (west, south, east, north)))


def circle_about(bounds: MapBounds) -> Area:
    """Return a circle that holds what the map can be moved to, about: half as wide again as the rectangle."""
    sides = [(bounds.south, bounds.west), (bounds.north, bounds.east)]
    one, other = ((round(latitude * 10**7), round(longitude * 10**7)) for latitude, longitude in sides)
    middle = (one[0] + other[0]) // 2, (one[1] + other[1]) // 2
    return Area(middle, max(distance_m(middle, one), distance_m(middle, other)) * 3 // 2)


@record
class Site:
    name: str  # as its people say it: Polda Sulawesi Selatan
    local: LocalTime
    bounds: MapBounds | None  # what the map shows first; None: all of it
    languages: tuple[str, ...]  # in the order in which they stand side by side
    emergency_number: str  # whom a holder calls where the button does not get through
