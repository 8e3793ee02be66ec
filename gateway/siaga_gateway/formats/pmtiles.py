"""PMTiles, version 3: what the head of a file tells of the tiles in it. Pure.

The specification is that of protomaps/PMTiles, spec/v3; its reader in the browser does the rest.
"""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from typing import Any, Final, NamedTuple

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.street_map import MapSchema

HEAD_BYTES: Final = 127
LONGEST_METADATA: Final = 16 * 1024 * 1024
_MAGIC: Final = b"PMTiles"
_VERSION: Final = 3
_LAYOUT: Final = struct.Struct("<11Q6B4i")
_NONE, _GZIP = 1, 2
_VECTOR: Final = 1
_PICTURES: Final = (2, 3, 4, 5)  # PNG, JPEG, WebP, AVIF
_DEEPEST: Final = 24
_E7: Final = 10**7


class TilesMalformed(Malformed):
    """A file is no PMTiles that the map could show."""


class TilesHead(NamedTuple):
    """What stands in the first 127 bytes."""

    metadata_at: int  # bytes from the file's begin
    metadata_bytes: int
    metadata_packed: bool
    ends_at: int  # the file has at least so many bytes
    pictures: bool  # else vector tiles
    least: int  # zoom
    deepest: int
    bounds: tuple[float, float, float, float]  # west, south, east, north, degrees


def head_of(begin: bytes) -> TilesHead:
    """Return what the first bytes of a file say. Raises: TilesMalformed."""
    if len(begin) < HEAD_BYTES or not begin.startswith(_MAGIC):
        raise TilesMalformed("tiles.no_pmtiles")
    if begin[7] != _VERSION:
        raise TilesMalformed("tiles.version", version=begin[7])
    numbers = _LAYOUT.unpack_from(begin, 8)
    parts = [(numbers[at], numbers[at + 1]) for at in (0, 2, 4, 6)]  # directory, metadata, leaves, tiles
    _, packed, tiles_packed, kind, least, deepest = numbers[11:17]
    if packed not in (_NONE, _GZIP) or (kind == _VECTOR and tiles_packed not in (_NONE, _GZIP)):
        raise TilesMalformed("tiles.compression")
    if kind != _VECTOR and kind not in _PICTURES:
        raise TilesMalformed("tiles.kind", kind=kind)
    if not least <= deepest <= _DEEPEST or parts[1][1] > LONGEST_METADATA:
        raise TilesMalformed("tiles.no_pmtiles")
    west, south, east, north = (side / _E7 for side in numbers[17:21])
    return TilesHead(
        parts[1][0],
        parts[1][1],
        packed == _GZIP,
        max(at + size for at, size in parts),
        kind != _VECTOR,
        least,
        deepest,
        (west, south, east, north),
    )


def metadata_of(head: TilesHead, raw: bytes) -> dict[str, Any]:
    """Return the metadata, a JSON object. Raises: TilesMalformed."""
    try:
        if head.metadata_packed:
            unpacked = zlib.decompressobj(wbits=31)
            raw = unpacked.decompress(raw, LONGEST_METADATA)
        found = json.loads(raw or b"{}")
    except (ValueError, zlib.error, gzip.BadGzipFile) as error:
        raise TilesMalformed("tiles.metadata") from error
    if not isinstance(found, dict):
        raise TilesMalformed("tiles.metadata")
    return found


def schema_of(head: TilesHead, metadata: dict[str, Any]) -> MapSchema:
    """Return how the tiles are to be drawn, by the names of their layers. Raises: TilesMalformed."""
    if head.pictures:
        return MapSchema.RASTER
    listed = metadata.get("vector_layers")
    names = {each.get("id") for each in listed if isinstance(each, dict)} if isinstance(listed, list) else set()
    if "transportation" in names:
        return MapSchema.OPENMAPTILES
    if "roads" in names:
        return MapSchema.PROTOMAPS
    raise TilesMalformed("tiles.schema", names=", ".join(sorted(map(str, names))) or "-")
