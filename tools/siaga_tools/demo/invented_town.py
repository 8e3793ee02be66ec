"""Map tiles of towns that do not exist, as a PMTiles file in either schema: streets, a river, houses, names.

For the demo's map, and for tests of the map. Written by a few lines of our own after the two specifications (PMTiles
v3, Mapbox Vector Tile 2): what is read must not have been written by what reads it.
"""

from __future__ import annotations

import gzip
import json
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MIDDLE: Final = (105.2596, -5.38354)  # longitude and latitude of its square
NAME: Final = "Kota Contoh"
MAIN_STREET: Final = "Jalan Contoh Raya"
ATTRIBUTION: Final = "Kota rekaan"  # invented
LEAST, DEEPEST = 8, 14
_EXTENT: Final = 4096
_HALF: Final = 0.02  # degrees, from its middle to its edge
STEP: Final = 0.002  # from one street to the next
_POINT, _LINE, _AREA = 1, 2, 3

Point = tuple[float, float]
Shape = tuple[str, int, Sequence[Point], dict[str, Any]]  # layer, kind, corners, properties


@dataclass(frozen=True, slots=True)
class Town:
    """A town around its square."""

    name: str
    middle: Point  # longitude and latitude, degrees


TOWN: Final = Town(NAME, MIDDLE)


def write(path: Path, schema: str = "protomaps", towns: Sequence[Town] = (TOWN,), least: int = LEAST) -> Path:
    """Write the towns' tiles, and return the path. least: the first zoom that has some."""
    shapes = {town: _shapes(town, schema) for town in towns}
    within: dict[tuple[int, int, int], list[Shape]] = {}
    for town in towns:
        for zoom in range(least, DEEPEST + 1):
            for x, y in _covering(town, zoom):
                within.setdefault((zoom, x, y), []).extend(shapes[town])
    tiles = {
        _number(zoom, x, y): gzip.compress(_tile(zoom, x, y, there), mtime=0) for (zoom, x, y), there in within.items()
    }
    names = sorted({shape[0] for each in shapes.values() for shape in each})
    metadata = {"attribution": f"<b>{ATTRIBUTION}</b>", "vector_layers": [{"id": name, "fields": {}} for name in names]}
    path.write_bytes(_archive(tiles, metadata, towns, least))
    return path


def tile(zoom: int, x: int, y: int, schema: str = "protomaps", town: Town = TOWN) -> bytes:
    """Return one tile as a tile server has it; empty: nothing of the town is there."""
    return _tile(zoom, x, y, _shapes(town, schema)) if (x, y) in _covering(town, zoom) else b""


def _sides(town: Town) -> tuple[float, float, float, float]:
    """Return west, south, east and north, degrees."""
    longitude, latitude = town.middle
    return longitude - _HALF, latitude - _HALF, longitude + _HALF, latitude + _HALF


def _shapes(place: Town, schema: str) -> list[Shape]:
    own = schema == "protomaps"
    longitude, latitude = place.middle
    west, south, east, north = _sides(place)
    found: list[Shape] = []

    def street(a: Point, b: Point, size: str, name: str) -> None:
        kind = {"main": ("highway", "primary"), "minor": ("minor_road", "minor")}[size]
        told = {"kind": kind[0], "name": name} if own else {"class": kind[1]}
        found.append(("roads" if own else "transportation", _LINE, [a, b], told))
        if not own:
            found.append(("transportation_name", _LINE, [a, b], {"class": kind[1], "name": name}))

    river = [(west, south + 0.011), (east, south + 0.013), (east, south + 0.0145), (west, south + 0.0125)]
    found.append(("water", _AREA, river, {"kind": "river"} if own else {"class": "river"}))
    park = [(longitude + 0.0042, latitude + 0.0042), (longitude + 0.0078, latitude + 0.0042)]
    park += [(longitude + 0.0078, latitude + 0.0078), (longitude + 0.0042, latitude + 0.0078)]
    found.append(("landuse", _AREA, park, {"kind": "park"}) if own else ("landcover", _AREA, park, {"class": "grass"}))
    count = round(2 * _HALF / STEP)
    for at in range(count + 1):
        x, y = west + at * STEP, south + at * STEP
        main = at == count // 2
        size = "main" if main else "minor"
        street((west, y), (east, y), size, MAIN_STREET if main else f"Jalan Contoh {at + 1}")
        street((x, south), (x, north), size, "Jalan Rekaan Raya" if main else f"Gang Rekaan {at + 1}")
        for other in range(count + 1):
            corner = (x + 0.0003, south + other * STEP + 0.0003)
            house = [
                (corner[0] + dx, corner[1] + dy) for dx, dy in ((0, 0), (0.0006, 0), (0.0006, 0.0004), (0, 0.0004))
            ]
            found.append(("buildings" if own else "building", _AREA, house, {"kind": "building"}))
    called = {"kind": "locality", "kind_detail": "town"} if own else {"class": "town"}
    found.append(
        ("places" if own else "place", _POINT, [(longitude, latitude + 0.001)], {**called, "name": place.name})
    )
    clinic = {"kind": "hospital", "name": "RS Contoh"} if own else {"class": "hospital", "name": "RS Contoh"}
    found.append(("pois" if own else "poi", _POINT, [(longitude + 0.003, latitude + 0.001)], clinic))
    return found


def _world(point: Point, zoom: int) -> Point:
    """Return a place in tiles from the north-western corner (Web Mercator)."""
    longitude, latitude = point
    turn = math.radians(latitude)
    size = 1 << zoom
    return (longitude + 180) / 360 * size, (1 - math.asinh(math.tan(turn)) / math.pi) / 2 * size


def _covering(town: Town, zoom: int) -> Iterable[tuple[int, int]]:
    west, south, east, north = _sides(town)
    left, top = _world((west, north), zoom)
    right, bottom = _world((east, south), zoom)
    return [(x, y) for x in range(int(left), int(right) + 1) for y in range(int(top), int(bottom) + 1)]


def _tile(zoom: int, x: int, y: int, shapes: Iterable[Shape]) -> bytes:
    layers: dict[str, list[tuple[int, list[tuple[int, int]], dict[str, Any]]]] = {}
    for layer, kind, corners, properties in shapes:
        at = [_world(corner, zoom) for corner in corners]
        inside = [(round((left - x) * _EXTENT), round((top - y) * _EXTENT)) for left, top in at]
        if kind == _POINT and not all(0 <= each < _EXTENT for each in inside[0]):
            continue
        # All lines here run north or east: what is beyond the tile and a margin is cut off by its numbers alone.
        inside = [(min(max(a, -256), _EXTENT + 256), min(max(b, -256), _EXTENT + 256)) for a, b in inside]
        if kind == _POINT or len(set(inside)) > 1:
            layers.setdefault(layer, []).append((kind, inside, properties))
    return b"".join(_bytes(3, _layer(name, features)) for name, features in layers.items())


def _layer(name: str, features: Iterable[tuple[int, list[tuple[int, int]], dict[str, Any]]]) -> bytes:
    keys: list[str] = []
    values: list[str] = []
    body = b""
    for kind, corners, properties in features:
        tags: list[int] = []
        for key, value in properties.items():
            for known, one in ((keys, key), (values, value)):
                if one not in known:
                    known.append(one)
                tags.append(known.index(one))
        body += _bytes(
            2, _bytes(2, b"".join(map(_varint, tags))) + _number_field(3, kind) + _bytes(4, _drawn(kind, corners))
        )
    told = b"".join(_bytes(3, key.encode()) for key in keys)
    told += b"".join(_bytes(4, _bytes(1, value.encode())) for value in values)
    return _bytes(1, name.encode()) + body + told + _number_field(5, _EXTENT) + _number_field(15, 2)


def _drawn(kind: int, corners: list[tuple[int, int]]) -> bytes:
    moves: list[int] = []
    before = (0, 0)
    for at, corner in enumerate(corners):
        if at == 0:
            moves.append(1 << 3 | 1)
        elif at == 1:
            moves.append((len(corners) - 1) << 3 | 2)
        for now, then in zip(corner, before, strict=True):
            moves.append((now - then) * 2 if now >= then else (then - now) * 2 - 1)
        before = corner
    if kind == _AREA:
        moves.append(1 << 3 | 7)
    return b"".join(map(_varint, moves))


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _number_field(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _number(zoom: int, x: int, y: int) -> int:
    """Return a tile's place on the Hilbert curve, after all tiles of lower zooms."""
    number: int = (4**zoom - 1) // 3
    side = 1 << zoom
    half = side // 2
    while half > 0:
        right, below = int((x & half) > 0), int((y & half) > 0)
        number += half * half * ((3 * right) ^ below)
        if below == 0:
            if right:
                x, y = half - 1 - (x & (half - 1)), half - 1 - (y & (half - 1))
            x, y = y, x
        half //= 2
    return number


def _archive(tiles: dict[int, bytes], metadata: dict[str, Any], towns: Sequence[Town], least: int) -> bytes:
    order = sorted(tiles)
    body = b"".join(tiles[each] for each in order)
    steps = [now - before for before, now in zip([0, *order], order, strict=False)]
    lengths = [len(tiles[each]) for each in order]
    directory = _varint(len(order)) + b"".join(map(_varint, [*steps, *[1] * len(order), *lengths]))
    directory += b"".join(_varint(1 if at == 0 else 0) for at in range(len(order)))  # each right after the one before
    root, told = gzip.compress(directory, mtime=0), gzip.compress(json.dumps(metadata).encode(), mtime=0)
    begin, (longitude, latitude) = 127, towns[0].middle
    west, south, east, north = zip(*map(_sides, towns), strict=True)
    sides = [round(each * 1e7) for each in (min(west), min(south), max(east), max(north))]
    numbers = [begin, len(root), begin + len(root), len(told), begin + len(root) + len(told), 0]
    numbers += [begin + len(root) + len(told), len(body), len(order), len(order), len(order)]
    head = b"PMTiles\x03" + struct.pack("<11Q", *numbers) + bytes([1, 2, 2, 1, least, DEEPEST])
    head += struct.pack("<4i", *sides) + bytes([12]) + struct.pack("<2i", round(longitude * 1e7), round(latitude * 1e7))
    assert len(head) == begin
    return head + root + told + body
