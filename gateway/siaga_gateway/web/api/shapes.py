"""What the API answers with: the words of `formats/incident.v1.schema.json`, which webhooks use too.

Times are RFC 3339 in UTC; positions are decimal degrees beside the integers that they come from (degrees x 10^7).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from siaga_gateway.domain.incident import Answered, Disposition, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.web.console.incident_views import masked_nik
from siaga_gateway.web.console.timeline import TimelineLine

DEGREE_E7: Final = 10**7
_DEVICE: Final = "0123456789abcdef"
Cursor = Annotated[
    str | None, Field(description="Give it as `cursor` to get the next page; null: this is the last.", examples=["17"])
]


def at(unix_ms: int) -> datetime:
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def at_or_none(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else at(unix_ms)


def unix_ms(time: datetime | None) -> int | None:
    """A time without a zone is UTC."""
    if time is None:
        return None
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


class Shape(BaseModel):
    """One object; fields may be added within v1, none is removed or changes its meaning."""

    model_config = ConfigDict(frozen=True)


class Body(BaseModel):
    """What a step takes; a field that is unknown is refused, for it is probably misspelt."""

    model_config = ConfigDict(extra="forbid")


class PointShape(Shape):
    """RFC 7946: longitude, latitude."""

    type: Literal["Point"] = "Point"
    coordinates: list[float] = Field(min_length=2, max_length=2, examples=[[105.261, -5.4292]])


class PositionShape(Shape):
    """Where, how good, how old."""

    latitude_e7: int = Field(description="Degrees x 10^7, WGS 84.", examples=[-54292000])
    longitude_e7: int = Field(examples=[1052610000])
    latitude: float
    longitude: float
    accuracy_m: int | None = Field(description="95 %; null: unknown.")
    fix_age_s: int | None = Field(description="How old the fix was when the button sent it.")
    source: str = Field(description="gnss, network, installed or unknown.", examples=["gnss"])
    at: datetime

    @classmethod
    def of(cls, position: Position) -> PositionShape:
        return cls(
            latitude_e7=position.latitude,
            longitude_e7=position.longitude,
            latitude=position.latitude / DEGREE_E7,
            longitude=position.longitude / DEGREE_E7,
            accuracy_m=position.accuracy_m,
            fix_age_s=position.fix_age_s,
            source=position.source,
            at=at(position.at_ms),
        )


class DeviceOnCall(Shape):
    """The button that was pressed, as it was registered then."""

    id: str = Field(examples=[_DEVICE])
    label: str = Field(examples=["Toko Contoh, kasir"])
    registration: RegistrationState
    battery_percent: int | None


class OwnerOnCall(Shape):
    """Who answers for the button. Being shown it is noted."""

    id: int
    name: str = Field(examples=["Contoh Pemilik"])
    phone: str = Field(examples=["+6281200000000"])
    address: str
    nik: str = Field(description="Masked but for the last four digits.", examples=["••••••••••••0001"])
    language: str

    @classmethod
    def of(cls, owner: Owner) -> OwnerOnCall:
        return cls(
            id=owner.id,
            name=owner.name,
            phone=owner.phone,
            address=owner.address,
            nik=masked_nik(owner.nik),
            language=owner.language,
        )


class UnitShape(Shape):
    """A unit that a desk has sent."""

    name: str = Field(description="As it was sent; steps on it take this.", examples=["Sabhara 12"])
    label: str = Field(description="As people call it.", examples=["Sabhara 12"])
    eta_minutes: int | None = Field(description="As estimated at `since`; null: unknown.")
    progress: UnitProgress
    since: datetime

    @classmethod
    def of(cls, unit: UnitOnCall, name: Callable[[str], str]) -> UnitShape:
        return cls(
            name=unit.name,
            label=name(f"{RESPONDER}{unit.name}"),
            eta_minutes=unit.eta_minutes,
            progress=unit.progress,
            since=at(unit.since_ms),
        )


class IncidentShape(Shape):
    """One call for help."""

    id: int = Field(description="Within this gateway.", examples=[17])
    identifier: str = Field(description="Unique for ever, as webhooks and CAP have it.")
    mode: Mode
    state: IncidentState
    opened_at: datetime
    pressed_at: datetime | None = Field(description="By the button's clock; null: it was not set.")
    delayed_s: int | None = Field(description="How long the message was under way, where that was long.")
    presses: int
    silent: bool
    duress: bool = Field(description="Somebody may be forcing the holder: do not ring the button's telephone.")
    cancelled_by_holder: bool
    key_copied: bool
    held: bool = Field(description="Its registration is not active: a person has to dispatch it.")
    seen_by: str | None
    seen_at: datetime | None
    unit: str | None = Field(description="The unit that leads.")
    eta_minutes: int | None
    units: list[UnitShape]
    answered: Answered | None = Field(description="How far responders are who answered by themselves.")
    closed_by: str | None
    closed_at: datetime | None
    disposition: Disposition | None
    note: str | None
    drill: int | None
    major: int | None = Field(description="Number of its major incident.")
    wave: int | None = Field(description="The newest wave of its call for help, for `acknowledge`; null: none.")
    device: DeviceOnCall
    position: PositionShape | None
    owner: OwnerOnCall | None = Field(description="Null: erased, or unreadable now.")
    owner_unreadable: bool = Field(description="Whether the key for personal data is missing.")

    @classmethod
    def of(cls, incident: Incident, name: Callable[[str], str], wave: int | None) -> IncidentShape:
        """name: of an assignee. wave: of its call for help."""
        return cls(
            id=incident.id,
            identifier=incident.identifier,
            mode=incident.mode,
            state=incident.state,
            opened_at=at(incident.opened_at_ms),
            pressed_at=at_or_none(incident.pressed_at_ms),
            delayed_s=incident.delayed_s,
            presses=incident.presses,
            silent=incident.silent,
            duress=incident.duress,
            cancelled_by_holder=incident.cancelled_by_holder,
            key_copied=incident.key_copied,
            held=incident.held,
            seen_by=incident.seen_by,
            seen_at=at_or_none(incident.seen_at_ms),
            unit=incident.unit,
            eta_minutes=incident.eta_minutes,
            units=[UnitShape.of(each, name) for each in incident.units],
            answered=incident.answered,
            closed_by=incident.closed_by,
            closed_at=at_or_none(incident.closed_at_ms),
            disposition=incident.disposition,
            note=incident.note,
            drill=incident.drill,
            major=incident.cluster,
            wave=wave,
            device=DeviceOnCall(
                id=incident.device_id.hex(),
                label=incident.device_label,
                registration=incident.registration,
                battery_percent=incident.battery,
            ),
            position=None if incident.position is None else PositionShape.of(incident.position),
            owner=None if incident.holder is None else OwnerOnCall.of(incident.holder),
            owner_unreadable=incident.unreadable,
        )


class IncidentPage(Shape):
    """Incidents, the newest first."""

    items: list[IncidentShape]
    unreadable: list[int] = Field(description="Ids of those whose row cannot be read now.")
    next_cursor: Cursor


class EntryShape(Shape):
    """One entry of an incident's journal. `text` is for people, in the language asked for; `kind` never changes."""

    id: int
    at: datetime
    kind: str = Field(examples=["assigned"])
    actor: str | None = Field(description="Who did it; null: the gateway itself.")
    text: str
    detail: str | None

    @classmethod
    def of(cls, line: TimelineLine, entry: JournalEntry | None) -> EntryShape:
        actor = None if entry is None else entry.actor
        return cls(id=line.id, at=at(line.at_ms), kind=line.kind, actor=actor, text=line.title, detail=line.extra)


class TimelineShape(Shape):
    """An incident's journal, the newest first."""

    items: list[EntryShape]


class NikShape(Shape):
    """The number of an identity card, 16 digits."""

    nik: str


class FeatureShape(Shape):
    """RFC 7946. No personal data: properties name the incident, its state and its button."""

    type: Literal["Feature"] = "Feature"
    id: int | str
    geometry: PointShape | None
    properties: dict[str, str | int | bool | None]


class FeatureCollectionShape(Shape):
    """RFC 7946."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[FeatureShape]


def point_of(latitude_e7: int, longitude_e7: int) -> PointShape:
    return PointShape(coordinates=[longitude_e7 / DEGREE_E7, latitude_e7 / DEGREE_E7])
