"""The survey of the signal as files: CSV for a spreadsheet or a GIS, GeoJSON for a map.

The CSV is what Excel in Indonesia opens by a double click: UTF-8 with a mark, semicolons; degrees have the decimal sign
of the language.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any, Final

import orjson

from siaga_gateway.catalogue import text
from siaga_gateway.domain.coverage_map import CoverageCell

_E7: Final = 10**7


_COLUMNS: Final = ("south", "west", "north", "east", "checkins", "dbm", "weak", "by_sms")


def coverage_csv(cells: Iterable[CoverageCell], language: str) -> bytes:
    """Return a line a cell."""
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([text(f"console.signal_column.{name}", language) for name in _COLUMNS])
    for each in cells:
        sides = (each.south, each.west, each.south + each.size_e7, each.west + each.size_e7)
        writer.writerow(
            [*(_degrees(side, language) for side in sides), each.checkins, each.dbm, each.weak, each.by_sms]
        )
    return ("\ufeff" + out.getvalue()).encode()


def coverage_geojson(cells: Iterable[CoverageCell]) -> bytes:
    """Return a FeatureCollection (RFC 7946), the largest first."""
    features = [_feature(each) for each in sorted(cells, key=lambda each: -each.size_e7)]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _feature(each: CoverageCell) -> dict[str, Any]:
    south, west = each.south / _E7, each.west / _E7
    north, east = (each.south + each.size_e7) / _E7, (each.west + each.size_e7) / _E7
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    told = {"dbm": each.dbm, "weak": each.weak, "checkins": each.checkins}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": told}


def _degrees(value_e7: int, language: str) -> str:
    written = f"{value_e7 / _E7:.2f}"
    return written.replace(".", ",") if language == "id" else written
