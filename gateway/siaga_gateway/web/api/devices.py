"""Buttons, and how they were last heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.position import about
from siaga_gateway.domain.registry import Device, RegistrationState, state_at
from siaga_gateway.service.store.maintenance import SupervisedDevice
from siaga_gateway.web.api.answers import DeviceId, Limit, Search, problems, there
from siaga_gateway.web.api.maintenance import CaseShape
from siaga_gateway.web.api.shapes import DEGREE_E7, Cursor, Shape, at, at_or_none
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, SignedIn, TheConsole

router = APIRouter(prefix=API)


class DeviceShape(Shape):
    """A button, and how it was last heard."""

    id: str = Field(examples=["0123456789abcdef"])
    label: str
    owner: int
    registration: RegistrationState
    enrolled_at: datetime
    valid_until: datetime | None
    latitude: float | None = Field(
        description="Where it is installed, without `owners.read` to a kilometre; null: it is carried."
    )
    longitude: float | None
    last_seen_at: datetime | None
    battery_percent: int | None
    low_battery: bool
    tamper_open: bool
    missing: int = Field(description="Messages that have not arrived.")
    cases: list[CaseShape] = Field(description="Open ones; in a page of devices.")

    @classmethod
    def of(cls, found: SupervisedDevice, now_ms: int, exact: bool) -> DeviceShape:
        device, status = found.device, found.status
        latitude, longitude = device.installed_latitude, device.installed_longitude
        if not exact and latitude is not None and longitude is not None:
            latitude, longitude = about(latitude), about(longitude)
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
    exact = _placed(context, session, [each.device for each in found])
    return DevicePage(items=[DeviceShape.of(each, now_ms, exact) for each in found], next_cursor=following)


@router.get(
    "/devices/{device_id}", operation_id="get_device", summary="One button", tags=["devices"], responses=problems(404)
)
def get_device(context: TheConsole, session: SignedIn, device_id: DeviceId) -> DeviceShape:
    now_ms = context.clock.now_ms()
    watched, _ = there(there(context.maintenance).history(bytes.fromhex(device_id), now_ms))
    return DeviceShape.of(watched, now_ms, _placed(context, session, [watched.device]))


def _placed(context: ConsoleContext, session: Session, devices: Sequence[Device]) -> bool:
    """Return whether their places are told exactly, which is noted: many are homes."""
    if Permission.OWNERS_READ not in session.permissions:
        return False
    whose = sorted({each.owner_id for each in devices if each.installed_latitude is not None})
    if whose:
        context.disclosures.owners_listed(session.operator, whose, "places")
    return True
