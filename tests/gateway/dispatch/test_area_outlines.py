"""Borders for drawing: few corners, the large ones first, each with a place inside; what is damaged is left out."""

from __future__ import annotations

from math import cos, pi, sin

import pytest

from siaga_gateway.domain.jurisdiction import Jurisdiction, Ring, packed
from siaga_gateway.service.dispatch import area_outlines
from siaga_gateway.service.dispatch.area_outlines import outlines

CENTRE = (-54_000_000, 1_052_000_000)


def circle(radius: int, corners: int) -> Ring:
    turns = [2 * pi * corner / corners for corner in range(corners)]
    return tuple((CENTRE[0] + round(radius * sin(turn)), CENTRE[1] + round(radius * cos(turn))) for turn in turns)


SMALL = Jurisdiction("small", packed([(circle(100_000, 400),)]))
LARGE = Jurisdiction("large", packed([(circle(3_000_000, 4_000), circle(1_000_000, 400)[::-1])]))


def corners(found: list[area_outlines.Outline]) -> int:
    return sum(len(ring) for each in found for polygon in each.polygons for ring in polygon)


def test_the_larger_lies_below_and_corners_that_no_screen_shows_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    found = outlines([SMALL, Jurisdiction("damaged", b"x"), LARGE])
    assert [each.station_key for each in found] == ["large", "small"] and "damaged" in caplog.text
    assert 20 < corners(found) < 500
    hole = found[0].polygons[0][1]
    assert len(hole) > 4, "holes stay"
    away = max(abs(each - middle) for each, middle in zip(found[0].label, CENTRE, strict=True))
    assert away > 600_000, "the label stands in the area, not in its hole"


def test_of_very_many_corners_fewer_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(area_outlines, "_MOST", 60)
    found = outlines([SMALL, LARGE])
    assert corners(found) <= 60 and all(each.polygons for each in found)
