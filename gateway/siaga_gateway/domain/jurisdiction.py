"""The area of a station's responsibility: polygons with holes, in degrees x 10^7, and how the store keeps them."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.value import record

Point = tuple[int, int]  # latitude, longitude; degrees x 10^7
Ring = tuple[Point, ...]  # the first point is not repeated at the end
Polygon = tuple[Ring, ...]  # the outer ring, then its holes

_COUNT: Final = struct.Struct(">I")
# A number is four bytes; 180 degrees x 10^7 fit.
_NUMBER: Final = "i"


class ShapeError(Malformed):
    """A stored shape is not one: the row is damaged."""


@record
class Jurisdiction:
    """Where one station is responsible. It may lie in several parts."""

    station_key: str
    shape: bytes  # see `packed`


def packed(polygons: Sequence[Polygon]) -> bytes:
    """Return polygons as bytes: their number, for each the number of its rings, for each of those the number of its
    points; then all points, latitude and longitude. All are 32-bit integers, big-endian."""
    counts = [len(polygons)]
    for polygon in polygons:
        counts += [len(polygon), *map(len, polygon)]
    numbers = array(_NUMBER, chain.from_iterable(point for polygon in polygons for ring in polygon for point in ring))
    return b"".join(map(_COUNT.pack, counts)) + _big_endian(numbers).tobytes()


def unpacked(shape: bytes) -> tuple[Polygon, ...]:
    """Reverse `packed`. Raises: ShapeError."""
    counts, begin = ring_sizes(shape)
    numbers = array(_NUMBER)
    numbers.frombytes(shape[begin:])
    points = iter(_big_endian(numbers))
    pairs = zip(points, points, strict=True)
    return tuple(tuple(_ring(pairs, size) for size in sizes) for sizes in counts)


def ring_sizes(shape: bytes) -> tuple[list[list[int]], int]:
    """Return the number of points of each ring of each polygon, and where the points begin. Raises: ShapeError."""
    at = 0

    def count() -> int:
        nonlocal at
        if at + 4 > len(shape):
            raise ShapeError("areas.damaged")
        (number,) = _COUNT.unpack_from(shape, at)
        at += 4
        if number > len(shape):
            raise ShapeError("areas.damaged")
        return int(number)

    sizes = [[count() for _ in range(count())] for _ in range(count())]
    if not sizes or not all(sizes) or min(map(min, sizes)) < 3:
        raise ShapeError("areas.damaged")
    if len(shape) - at != 8 * sum(map(sum, sizes)):
        raise ShapeError("areas.damaged")
    return sizes, at


def _ring(pairs: Iterator[Point], size: int) -> Ring:
    return tuple(next(pairs) for _ in range(size))


def _big_endian(numbers: array[int]) -> array[int]:
    """Swap the bytes where the machine has the other order; that goes both ways."""
    if struct.pack("=I", 1) != struct.pack(">I", 1):
        numbers.byteswap()
    return numbers
