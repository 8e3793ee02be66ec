"""Stations, and officers and patrols."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from siaga_gateway.domain.places import StationKind
from siaga_gateway.domain.responders import ResponderKind
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.web.api.answers import Limit, Search, problems, there
from siaga_gateway.web.api.shapes import (
    DEGREE_E7,
    Cursor,
    FeatureCollectionShape,
    FeatureShape,
    Shape,
    at_or_none,
    point_of,
)
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole

router = APIRouter(prefix=API)

Offset = Annotated[
    str | None, Query(pattern="^[0-9]{1,9}$", description="`next_cursor` of the page before; without it: the first.")
]


class StationShape(Shape):
    """A place from which somebody comes, or which must know."""

    key: str = Field(examples=["polsek-contoh"])
    kind: StationKind
    name: str
    latitude: float
    longitude: float
    parent: str | None = Field(description="The key of the station above it.")
    address: str
    has_area: bool = Field(description="Whether its jurisdiction is known.")


class StationPage(Shape):
    items: list[StationShape]
    total: int
    next_cursor: Cursor


class ResponderShape(Shape):
    """An officer or a patrol. No telephone number: the gateway calls."""

    key: str
    kind: ResponderKind
    name: str
    station: str | None
    duty: DutyState | None
    until: datetime | None = Field(description="Until when that is sure; null: not foreseen.")
    position_age_s: int | None = Field(description="Null: no phone has told one.")


class ResponderPage(Shape):
    items: list[ResponderShape]
    total: int
    next_cursor: Cursor


@router.get(
    "/stations", operation_id="list_stations", summary="Stations by name", tags=["places"], responses=problems(404)
)
def list_stations(
    context: TheConsole, session: SignedIn, q: Search = "", limit: Limit = 50, cursor: Offset = None
) -> StationPage:
    begin = int(cursor or 0)
    found, total = there(context.places).stations(q.strip(), begin, limit)
    items = [
        StationShape(
            key=each.station.key,
            kind=each.station.kind,
            name=each.station.name,
            latitude=each.station.latitude / DEGREE_E7,
            longitude=each.station.longitude / DEGREE_E7,
            parent=each.station.parent,
            address=each.station.address,
            has_area=each.has_area,
        )
        for each in found
    ]
    return StationPage(items=items, total=total, next_cursor=_next(begin, len(items), total))


@router.get(
    "/stations.geojson",
    operation_id="map_stations",
    summary="Stations on a map (RFC 7946)",
    tags=["places"],
    responses=problems(404),
)
def map_stations(context: TheConsole, session: SignedIn) -> FeatureCollectionShape:
    found, _ = there(context.places).stations("", 0, 20_000)
    features = [
        FeatureShape(
            id=each.station.key,
            geometry=point_of(each.station.latitude, each.station.longitude),
            properties={"name": each.station.name, "kind": str(each.station.kind), "parent": each.station.parent},
        )
        for each in found
    ]
    return FeatureCollectionShape(features=features)


@router.get(
    "/responders",
    operation_id="list_responders",
    summary="Officers and patrols, and whether they are on duty",
    tags=["places"],
    responses=problems(404),
)
def list_responders(
    context: TheConsole, session: SignedIn, q: Search = "", limit: Limit = 50, cursor: Offset = None
) -> ResponderPage:
    begin = int(cursor or 0)
    found, total = there(context.places).people(q.strip(), begin, limit)
    items = [
        ResponderShape(
            key=each.person.key,
            kind=each.person.kind,
            name=each.person.name,
            station=each.person.station,
            duty=None if each.standing is None else each.standing.duty,
            until=None if each.standing is None else at_or_none(each.standing.until_ms),
            position_age_s=each.position_age_s,
        )
        for each in found
    ]
    return ResponderPage(items=items, total=total, next_cursor=_next(begin, len(items), total))


def _next(begin: int, count: int, total: int) -> str | None:
    return str(begin + count) if count and begin + count < total else None
