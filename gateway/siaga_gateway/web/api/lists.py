"""Buttons, owners, stations, responders, maintenance cases, drills and figures: what the console's other pages show."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from siaga_gateway.domain.drill import DrillState
from siaga_gateway.domain.limits import LONGEST_NOTE, LONGEST_SEARCH
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.places import StationKind
from siaga_gateway.domain.registry import RegistrationState, state_at
from siaga_gateway.domain.report_period import PeriodKind, free_period, period_of
from siaga_gateway.domain.responders import ResponderKind
from siaga_gateway.domain.shifts import DutyState
from siaga_gateway.domain.supervision import Case, Cause
from siaga_gateway.formats.figures_file import figures_json
from siaga_gateway.service.store.maintenance import SupervisedDevice
from siaga_gateway.web.api.answers import DeviceId, Limit, RowCursor, RowId, problems, there
from siaga_gateway.web.api.shapes import (
    DEGREE_E7,
    Cursor,
    FeatureCollectionShape,
    FeatureShape,
    Shape,
    at,
    at_or_none,
    point_of,
)
from siaga_gateway.web.console.incident_views import masked_nik
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import SignedIn, TheConsole

router = APIRouter(prefix=API)

Search = Annotated[str, Query(max_length=LONGEST_SEARCH, description="Part of a name, or of a key.")]
DeviceCursor = Annotated[str | None, Query(pattern="^[0-9a-f]{16}$", description="`next_cursor` of the page before.")]
Offset = Annotated[
    str | None, Query(pattern="^[0-9]{1,9}$", description="`next_cursor` of the page before; without it: the first.")
]


class CaseShape(Shape):
    """Something that an installer should look at."""

    id: int
    device: str | None = Field(description="Null: it stands for many devices with one cause.")
    cause: Cause
    level: int = Field(description="How bad it is; of a case for many: how many.")
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    note: str | None

    @classmethod
    def of(cls, case: Case) -> CaseShape:
        return cls(
            id=case.id,
            device=None if case.device_id is None else case.device_id.hex(),
            cause=case.cause,
            level=case.level,
            opened_at=at(case.opened_ms),
            closed_at=at_or_none(case.closed_ms),
            closed_by=case.closed_by,
            note=case.note,
        )


class CasePage(Shape):
    items: list[CaseShape]
    next_cursor: Cursor


class DeviceShape(Shape):
    """A button, and how it was last heard."""

    id: str = Field(examples=["0123456789abcdef"])
    label: str
    owner: int
    registration: RegistrationState
    enrolled_at: datetime
    valid_until: datetime | None
    latitude: float | None = Field(description="Where it is installed; null: it is carried.")
    longitude: float | None
    last_seen_at: datetime | None
    battery_percent: int | None
    low_battery: bool
    tamper_open: bool
    missing: int = Field(description="Messages that have not arrived.")
    cases: list[CaseShape] = Field(description="Open ones; in a page of devices.")

    @classmethod
    def of(cls, found: SupervisedDevice, now_ms: int) -> DeviceShape:
        device, status = found.device, found.status
        latitude, longitude = device.installed_latitude, device.installed_longitude
        return cls(
            id=device.device_id.hex(),
            label=device.label,
            owner=device.owner_id,
            registration=state_at(device, now_ms),
            enrolled_at=at(device.enrolled_at_ms),
            valid_until=at_or_none(device.valid_until_ms),
            latitude=None if latitude is None else latitude / DEGREE_E7,
            longitude=None if longitude is None else longitude / DEGREE_E7,
            last_seen_at=None if status is None else at(status.last_seen_ms),
            battery_percent=None if status is None else status.battery,
            low_battery=status is not None and status.low_battery,
            tamper_open=status is not None and status.tamper_open,
            missing=0 if status is None else status.missing,
            cases=[CaseShape.of(each) for each in found.standing],
        )


class DevicePage(Shape):
    items: list[DeviceShape]
    next_cursor: Cursor


class OwnerShape(Shape):
    """Who answers for buttons. Being shown him is noted."""

    id: int
    name: str
    phone: str
    address: str
    nik: str = Field(description="Masked but for the last four digits, unless you have `identity.read`.")
    language: str
    unreadable: bool = Field(description="Whether the key for personal data is missing.")
    devices: list[str] = Field(description="Ids of his buttons.")
    incidents: list[int] = Field(description="Ids of his calls that are still known, the newest first.")


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


class DrillShape(Shape):
    id: int
    name: str
    ordered_by: str
    state: DrillState
    buttons: list[str]
    contacts: list[str]
    begins_at: datetime
    ends_at: datetime


class DrillList(Shape):
    items: list[DrillShape]


class CloseCaseBody(Shape):
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NOTE)]
    level: Annotated[int | None, Field(ge=0, le=2**31, description="As you saw it; if it is worse now, 409.")] = None


@router.get(
    "/devices", operation_id="list_devices", summary="Buttons by label", tags=["devices"], responses=problems(404)
)
def list_devices(
    context: TheConsole,
    session: SignedIn,
    q: Search = "",
    troubled: Annotated[bool, Query(description="Only those with an open maintenance case.")] = False,
    limit: Limit = 50,
    cursor: Annotated[
        str | None, Query(pattern="^[0-9a-f]{16}$", description="`next_cursor` of the page before.")
    ] = None,
) -> DevicePage:
    maintenance, now_ms, after = there(context.maintenance), context.clock.now_ms(), None
    if cursor is not None:
        known = maintenance.history(bytes.fromhex(cursor), now_ms)
        after = (there(known)[0].device.label, bytes.fromhex(cursor))
    found = maintenance.devices(text=q.strip(), troubled=troubled, after=after, limit=limit)
    following = found[-1].device.device_id.hex() if len(found) == limit else None
    return DevicePage(items=[DeviceShape.of(each, now_ms) for each in found], next_cursor=following)


@router.get(
    "/devices/{device_id}", operation_id="get_device", summary="One button", tags=["devices"], responses=problems(404)
)
def get_device(context: TheConsole, session: SignedIn, device_id: DeviceId) -> DeviceShape:
    now_ms = context.clock.now_ms()
    watched, _ = there(there(context.maintenance).history(bytes.fromhex(device_id), now_ms))
    return DeviceShape.of(watched, now_ms)


@router.get(
    "/owners/{owner_id}", operation_id="get_owner", summary="One owner", tags=["owners"], responses=problems(404)
)
def get_owner(context: TheConsole, session: SignedIn, owner_id: RowId) -> OwnerShape:
    found = there(there(context.owners).record(owner_id))
    full = Permission.IDENTITY_READ in session.permissions
    for what in ("record", *(("nik",) if full else ())):
        context.disclosures.of_owner(session.operator, owner_id, what)
    owner = found.owner
    return OwnerShape(
        id=owner_id,
        name=owner.name,
        phone=owner.phone,
        address=owner.address,
        nik=owner.nik if full else masked_nik(owner.nik),
        language=owner.language,
        unreadable=owner.unreadable,
        devices=[each.device.device_id.hex() for each in found.devices],
        incidents=[each.id for each in found.calls],
    )


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


@router.get(
    "/maintenance/cases",
    operation_id="list_cases",
    summary="What installers should look at, the oldest first",
    tags=["maintenance"],
    responses=problems(404),
)
def list_cases(
    context: TheConsole,
    session: SignedIn,
    fold: Annotated[int | None, Query(ge=1, le=2**62, description="Those that one case stands for.")] = None,
    limit: Limit = 50,
    cursor: RowCursor = None,
) -> CasePage:
    """The first page begins with the cases that stand for many devices."""
    maintenance, after = there(context.maintenance), int(cursor or 0)
    found = [case for case, _ in maintenance.cases(fold=fold, after=after, limit=limit)]
    folds = [case for case, _ in maintenance.folds()] if fold is None and cursor is None else []
    following = str(found[-1].id) if len(found) == limit else None
    return CasePage(items=[CaseShape.of(each) for each in (*folds, *found)], next_cursor=following)


@router.post(
    "/maintenance/cases/{case_id}/close",
    operation_id="close_case",
    summary="Close a case",
    tags=["maintenance"],
    responses=problems(404, 409),
)
def close_case(context: TheConsole, session: SignedIn, case_id: RowId, body: CloseCaseBody) -> CaseShape:
    return CaseShape.of(there(context.maintenance).close(case_id, session.operator, body.note, level=body.level))


@router.get(
    "/drills", operation_id="list_drills", summary="The newest 50 drills", tags=["drills"], responses=problems(404)
)
def list_drills(context: TheConsole, session: SignedIn) -> DrillList:
    now_ms = context.clock.now_ms()
    items = [
        DrillShape(
            id=each.id,
            name=each.name,
            ordered_by=each.ordered_by,
            state=each.state_at(now_ms),
            buttons=[one.hex() for one in each.buttons],
            contacts=list(each.contacts),
            begins_at=at(each.begins_ms),
            ends_at=at(each.ends_ms),
        )
        for each in there(context.drills).all(50)
    ]
    return DrillList(items=items)


@router.get(
    "/figures",
    operation_id="get_figures",
    summary="A report of figures, as `siaga gateway figures --json` has it",
    tags=["figures"],
    response_class=Response,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}, **problems(404, 409)},
)
def get_figures(
    context: TheConsole,
    session: SignedIn,
    station: Annotated[str, Query(max_length=40, description="A station's key; empty: all.")] = "",
    period: PeriodKind = PeriodKind.MONTH,
    day: Annotated[date | None, Query(description="Within the period; without it: today.")] = None,
    to: Annotated[date | None, Query(description="Then it is from `day` to this day.")] = None,
) -> Response:
    today = context.site.local.at(context.clock.now_ms()).date()
    found = period_of(period, day or today)
    wanted = free_period(found.first, found.last) if to is None else free_period(day or today, to)
    report = there(context.figures).report(station.strip() or None, wanted)
    return Response(figures_json(report), media_type="application/json")


def _next(begin: int, count: int, total: int) -> str | None:
    return str(begin + count) if count and begin + count < total else None
