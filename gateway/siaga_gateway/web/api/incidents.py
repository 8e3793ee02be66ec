"""Incidents: pages of them, one with its ETag, its timeline, a map and a table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response

from siaga_gateway.domain.incident import Incident, IncidentState, Position
from siaga_gateway.formats.owner_record_csv import table
from siaga_gateway.formats.text_rules import utc_time
from siaga_gateway.web.api.answers import (
    Limit,
    RowCursor,
    RowId,
    each_of,
    etag_of,
    incident_of,
    problems,
    shape_of,
    there,
)
from siaga_gateway.web.api.shapes import (
    DEGREE_E7,
    EntryShape,
    FeatureCollectionShape,
    FeatureShape,
    IncidentPage,
    IncidentShape,
    NikShape,
    TimelineShape,
    point_of,
    unix_ms,
)
from siaga_gateway.web.console.timeline import timeline
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole

router = APIRouter(prefix=API, tags=["incidents"])

_COLUMNS: Final = (
    *("id", "identifier", "mode", "state", "opened_at", "closed_at", "disposition", "duress", "held"),
    *("presses", "unit", "device", "latitude", "longitude", "accuracy_m"),
)
_LINES: Final = "id;identifier;mode;state\r\n17;contoh-17.bcdfg;actual;open\r\n"  # its first columns
_MOST_IN_A_TABLE: Final = 5_000
_AT_ONCE: Final = 500
States = Annotated[list[IncidentState], Query(description="Only in these states; several are possible.")]
From = Annotated[datetime | None, Query(description="Opened at or after this time.", examples=["2026-12-01T00:00:00Z"])]
Before = Annotated[datetime | None, Query(description="Opened before this time.")]


@router.get("/incidents", operation_id="list_incidents", summary="Incidents, the newest first", responses=problems())
def list_incidents(
    context: TheConsole,
    session: SignedIn,
    state: States = [],  # noqa: B006 - never changed
    opened_from: From = None,
    opened_before: Before = None,
    limit: Limit = 50,
    cursor: RowCursor = None,
) -> IncidentPage:
    """Never a test press. Whoever is named in it is noted as shown to you."""
    found, numbers = _page(context, state, opened_from, opened_before, limit, cursor)
    context.disclosures.listed(session.operator, [each.id for each in found])
    missing = set(numbers) - {each.id for each in found}
    return IncidentPage(
        items=each_of(context, found),
        # Of others' jurisdictions nothing is told.
        unreadable=sorted(missing) if session.jurisdiction is None else [],
        next_cursor=str(numbers[-1]) if len(numbers) == limit else None,
    )


@router.get(
    "/incidents.geojson",
    operation_id="map_incidents",
    summary="Open incidents on a map (RFC 7946)",
    responses=problems(),
)
def map_incidents(context: TheConsole, session: SignedIn) -> FeatureCollectionShape:
    """Without personal data: whoever draws it asks for the incident."""
    return FeatureCollectionShape(features=[_feature(each) for each in context.reader.open_incidents()])


@router.get(
    "/incidents.csv",
    operation_id="table_incidents",
    summary="Incidents as a table: CSV with semicolons, UTF-8 with a byte order mark",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": _LINES}}}, **problems()},
)
def table_incidents(
    context: TheConsole,
    session: SignedIn,
    state: States = [],  # noqa: B006 - never changed
    opened_from: From = None,
    opened_before: Before = None,
) -> Response:
    """Without personal data; the newest 5,000 at most. Ask for shorter times if there are more."""
    rows, cursor = list[Incident](), None
    while len(rows) < _MOST_IN_A_TABLE:
        found, numbers = _page(context, state, opened_from, opened_before, _AT_ONCE, cursor)
        rows += found
        if len(numbers) < _AT_ONCE:
            break
        cursor = str(numbers[-1])
    named = {"Content-Disposition": 'attachment; filename="siaga-incidents.csv"'}
    lines = [_cells(each) for each in rows[:_MOST_IN_A_TABLE]]
    return Response(table(_COLUMNS, lines), media_type="text/csv; charset=utf-8", headers=named)


@router.get(
    "/incidents/{incident_id}",
    operation_id="get_incident",
    summary="One incident",
    response_model=IncidentShape,
    responses={304: {"description": "As it was: `If-None-Match` has its ETag."}, **problems(404)},
)
def get_incident(
    context: TheConsole,
    session: SignedIn,
    response: Response,
    incident_id: RowId,
    if_none_match: Annotated[str | None, Header()] = None,
) -> IncidentShape | Response:
    """Its owner is named: that you saw it is noted. The answer's ETag goes into `If-Match` of a step."""
    found = incident_of(context, incident_id)
    shape = shape_of(context, found)
    tag = etag_of(found, shape)
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=304, headers={"ETag": tag})
    context.disclosures.shown(session.operator, found.id)
    response.headers["ETag"] = tag
    return shape


@router.get(
    "/incidents/{incident_id}/timeline",
    operation_id="get_timeline",
    summary="What happened, in words",
    responses=problems(404),
)
def get_timeline(context: TheConsole, language: Language, session: SignedIn, incident_id: RowId) -> TimelineShape:
    incident_of(context, incident_id)
    entries = context.reader.journal_of_incident(incident_id)
    by_id = {each.id: each for each in entries}
    lines = timeline(entries, language, context.directory.name)
    return TimelineShape(items=[EntryShape.of(each, by_id.get(each.id)) for each in lines])


@router.post(
    "/incidents/{incident_id}/nik",
    operation_id="reveal_nik",
    summary="The owner's NIK in full; that you saw it is noted",
    responses=problems(404),
)
def reveal_nik(context: TheConsole, session: SignedIn, incident_id: RowId) -> NikShape:
    """By POST, so that no history or cache ever holds it."""
    owner = there(incident_of(context, incident_id).holder)
    context.disclosures.shown(session.operator, incident_id, "nik")
    return NikShape(nik=owner.nik)


def _page(
    context: ConsoleContext,
    states: Sequence[IncidentState],
    opened_from: datetime | None,
    opened_before: datetime | None,
    limit: int,
    cursor: str | None,
) -> tuple[list[Incident], Sequence[int]]:
    """Return those that can be read and seen, the newest first, and the numbers of all of the page."""
    numbers = context.reader.incident_numbers(
        before=None if cursor is None else int(cursor),
        states=states,
        from_ms=unix_ms(opened_from),
        before_ms=unix_ms(opened_before),
        limit=limit,
    )
    found = context.reader.incidents(numbers)
    return [found[each] for each in numbers if each in found], numbers


def _feature(incident: Incident) -> FeatureShape:
    place = incident.position
    return FeatureShape(
        id=incident.id,
        geometry=None if place is None else point_of(place.latitude, place.longitude),
        properties={
            "identifier": incident.identifier,
            "state": str(incident.state),
            "mode": str(incident.mode),
            "opened_at": utc_time(incident.opened_at_ms),
            "duress": incident.duress,
            "held": incident.held,
            "unit": incident.unit,
            "accuracy_m": None if place is None else place.accuracy_m,
            "device": incident.device_id.hex(),
        },
    )


def _cells(incident: Incident) -> tuple[str | int | float, ...]:
    place = incident.position
    told = (
        *(incident.id, incident.identifier, incident.mode, incident.state, utc_time(incident.opened_at_ms)),
        None if incident.closed_at_ms is None else utc_time(incident.closed_at_ms),
        *(incident.disposition, int(incident.duress), int(incident.held), incident.presses, incident.unit),
        incident.device_id.hex(),
        *((None, None, None) if place is None else (*_degrees(place), place.accuracy_m)),
    )
    return tuple("" if each is None else each if isinstance(each, int | float) else str(each) for each in told)


def _degrees(place: Position) -> tuple[float, float]:
    """As numbers: the guard against formulas would make text of what is south of the equator."""
    return place.latitude / DEGREE_E7, place.longitude / DEGREE_E7
