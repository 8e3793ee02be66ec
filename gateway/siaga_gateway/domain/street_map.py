"""The streets under the console's map: where they come from, and how they are drawn."""

from __future__ import annotations

from enum import StrEnum

from siaga_gateway.domain.value import record


class MapSchema(StrEnum):
    """What tiles have in them."""

    PROTOMAPS = "protomaps"
    OPENMAPTILES = "openmaptiles"
    RASTER = "raster"  # pictures


@record
class StreetMap:
    schema: MapSchema
    tiles: str | None  # address of a tile with {z}, {x} and {y}; None: from the gateway's own file
    least: int  # zoom
    deepest: int
    attribution: str
    bounds: tuple[float, float, float, float] | None  # west, south, east, north, degrees; None: everywhere
