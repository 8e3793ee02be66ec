"""Road times from an OSRM server: its table service, https://project-osrm.org/docs/v5.24.0/api/#table-service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.places import Point
from siaga_gateway.formats.text_rules import degrees

MOST: Final = 90  # origins: a server takes 100 places unless it is told otherwise
_LONGEST_S: Final = 7 * 86_400


class OsrmError(Malformed):
    """The server's answer has no times."""


def table_path(origins: Sequence[Point], to: Point, profile: str = "driving") -> str:
    """Return the path and query that ask how long it takes from each of the origins to a place."""
    places = ";".join(f"{degrees(longitude)},{degrees(latitude)}" for latitude, longitude in (*origins, to))
    sources = ";".join(str(number) for number in range(len(origins)))
    return f"/table/v1/{profile}/{places}?sources={sources}&destinations={len(origins)}&annotations=duration"


def durations(raw: bytes, count: int) -> list[int | None]:
    """Return seconds from each origin; None: there is no road. Raises: OsrmError."""
    try:
        told = json.loads(raw)
        rows = told["durations"]
        if told["code"] != "Ok" or len(rows) != count:
            raise ValueError
        found = [None if row[0] is None else float(row[0]) for row in rows]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise OsrmError("osrm.answer") from None
    return [None if each is None or not 0 <= each <= _LONGEST_S else round(each) for each in found]
