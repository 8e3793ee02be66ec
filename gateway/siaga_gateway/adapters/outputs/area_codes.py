"""The code of the area that a position is in, from a file of areas. Imports shapely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import shapely  # type: ignore[import-untyped]

from siaga_gateway.domain.errors import SettingError, SiagaError
from siaga_gateway.domain.incident import Position
from siaga_gateway.formats import geojson
from siaga_gateway.formats.cap_profile import Pair, check_code
from siaga_gateway.service.dispatch.area_geometry import sound


class AreaCodes:
    """Areas with their codes, read once."""

    def __init__(self, file: Path, key: str, name: str, otherwise: Sequence[Pair]) -> None:
        """key: the property that holds the code. name: of the geocodes. otherwise: those of a message whose position is
        unknown, or in no area. Raises: SettingError, which names the feature."""
        self._name = name
        self._otherwise = tuple(otherwise)
        self._codes: list[str] = []
        shapes: list[Any] = []
        try:
            found = geojson.features(file.read_bytes())
        except (OSError, SiagaError) as error:
            raise SettingError("output.areas", file=file, why=error) from None
        for feature in found:
            if feature.problem is not None:
                raise SettingError("output.areas_line", file=file, line=feature.line, why=feature.problem)
            code = feature.properties.get(key)
            if not isinstance(code, str):
                raise SettingError("output.area_code", file=file, line=feature.line, property=key)
            try:
                self._codes.append(check_code(code, name))
                shapes.append(sound(feature.polygons).geometry)
            except SiagaError as error:
                raise SettingError("output.areas_line", file=file, line=feature.line, why=error) from None
        self._tree = shapely.STRtree(shapes)

    def of(self, position: Position | None) -> Sequence[Pair]:
        """Return the codes of every area that the position is in, borders included, sorted."""
        if position is None:
            return self._otherwise
        point = shapely.Point(position.longitude, position.latitude)
        codes = {self._codes[number] for number in self._tree.query(point, predicate="intersects")}
        return [(self._name, code) for code in sorted(codes)] or self._otherwise
