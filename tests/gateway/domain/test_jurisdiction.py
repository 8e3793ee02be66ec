"""Areas as bytes: every number comes back, and a damaged row is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.jurisdiction import Polygon, ShapeError, packed, ring_sizes, unpacked

POINTS = st.tuples(st.integers(-900_000_000, 900_000_000), st.integers(-1_800_000_000, 1_800_000_000))
RINGS = st.lists(POINTS, min_size=3, max_size=6).map(tuple)
POLYGONS = st.lists(st.lists(RINGS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4).map(tuple)
SQUARE = ((-54_000_000, 1_052_000_000), (-54_000_000, 1_053_000_000), (-53_000_000, 1_053_000_000))


@given(POLYGONS)
def test_what_is_packed_is_unpacked(polygons: tuple[Polygon, ...]) -> None:
    assert unpacked(packed(polygons)) == polygons


def test_the_form_is_the_same_on_every_machine() -> None:
    shape = packed([(SQUARE,)])
    assert shape[:12] == bytes.fromhex("000000010000000100000003")
    assert shape[12:20] == (-54_000_000).to_bytes(4, "big", signed=True) + (1_052_000_000).to_bytes(4, "big")
    assert ring_sizes(shape) == ([[3]], 12)


@pytest.mark.parametrize("cut", [1, 4, 8, 12, 16, 35])
def test_a_shape_that_lost_something_is_damaged(cut: int) -> None:
    shape = packed([(SQUARE,)])
    with pytest.raises(ShapeError):
        unpacked(shape[:cut])


@pytest.mark.parametrize("shape", [b"", b"\xff" * 40, b"\0\0\0\1\0\0\0\1\0\0\0\2", packed([(SQUARE,)]) + b"x"])
def test_no_bytes_make_it_ask_for_all_memory(shape: bytes) -> None:
    with pytest.raises(ShapeError):
        ring_sizes(shape)


@pytest.mark.parametrize("polygons", [[], [()], [(SQUARE, ())], [(SQUARE[:2],)], [(SQUARE,), ()]])
def test_what_encloses_nothing_is_damaged(polygons: list[Polygon]) -> None:
    with pytest.raises(ShapeError):
        ring_sizes(packed(polygons))
