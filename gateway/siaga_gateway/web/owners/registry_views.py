"""The registry in words: what a search found, an owner's data, and what waits for a decision. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from siaga_gateway.catalogue import text
from siaga_gateway.domain.installation_area import in_degrees
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.nik import masked
from siaga_gateway.domain.registry import Device, Owner, state_at
from siaga_gateway.service.registry.registry_changes import fingerprint
from siaga_gateway.service.registry.registry_directory import Found, OwnerEntry
from siaga_gateway.service.store import Enrolled, UnknownDevice


@dataclass(frozen=True, slots=True)
class FoundOwner:
    id: int
    name: str
    phone: str
    address: str


@dataclass(frozen=True, slots=True)
class RegisteredDevice:
    """A button, with its owner where he is not who the page is about."""

    device_id: str
    label: str
    state: str
    enrolled: str
    valid_until: str
    place: str  # degrees, as they are typed; empty: it is carried
    owner_id: int
    owner: str


@dataclass(frozen=True, slots=True)
class Stranger:
    device_id: str
    proven: bool
    frames: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class OwnerForm:
    """An owner's data as they stand in the form."""

    name: str = ""
    nik: str = ""
    phone: str = ""
    address: str = ""
    language: str = "id"


@dataclass(frozen=True, slots=True)
class ConsentView:
    version: str
    signed: str
    recorded: str


@dataclass(frozen=True, slots=True)
class EntryView:
    """An owner's page in the registry."""

    id: int
    name: str
    seen: str  # see registry_changes.fingerprint
    registered: str
    unreadable: bool
    station: str
    form: OwnerForm
    nik_shown: str  # in full, or but for the last digits
    consents: tuple[ConsentView, ...]
    devices: tuple[RegisteredDevice, ...]


def name_of(owner: Owner | None, language: str) -> str:
    if owner is None:
        return text("console.owners.erased", language)
    return text("console.owners.unreadable", language) if owner.unreadable else owner.name


def found_owners(found: Found) -> list[FoundOwner]:
    return [FoundOwner(each.id, each.name, each.phone, each.address) for each in found.owners]


def devices_of(
    devices: Sequence[Enrolled], language: str, now_ms: int, local: LocalTime
) -> tuple[RegisteredDevice, ...]:
    return tuple(_device(each.device, each.owner, language, now_ms, local) for each in devices)


def _device(device: Device, owner: Owner | None, language: str, now_ms: int, local: LocalTime) -> RegisteredDevice:
    latitude, longitude = device.installed_latitude, device.installed_longitude
    return RegisteredDevice(
        device_id=device.device_id.hex(),
        label=device.label,
        state=text(f"console.registration.{state_at(device, now_ms)}", language),
        enrolled=local.moment(device.enrolled_at_ms),
        valid_until="" if device.valid_until_ms is None else local.moment(device.valid_until_ms - 1),
        place="" if latitude is None or longitude is None else in_degrees((latitude, longitude)),
        owner_id=device.owner_id,
        owner=name_of(owner, language),
    )


def strangers_of(strangers: Sequence[UnknownDevice], local: LocalTime) -> list[Stranger]:
    return [
        Stranger(
            each.device_id.hex(),
            each.enrol_frame is not None,
            each.frames,
            local.moment(each.first_seen_ms),
            local.moment(each.last_seen_ms),
        )
        for each in strangers
    ]


def entry_view(
    entry: OwnerEntry, language: str, now_ms: int, local: LocalTime, *, in_full: bool, form: OwnerForm | None = None
) -> EntryView:
    """in_full: the reader may see the NIK. form: what was typed and not taken."""
    owner = entry.owner
    return EntryView(
        id=owner.id,
        name=name_of(owner, language),
        seen=fingerprint(owner),
        registered=local.moment(entry.registered_ms),
        unreadable=owner.unreadable,
        station=entry.station or "",
        form=form or OwnerForm(owner.name, owner.nik, owner.phone, owner.address, owner.language),
        nik_shown=owner.nik if in_full else masked(owner.nik),
        consents=tuple(
            ConsentView(each.version, each.signed_on, f"{local.moment(each.recorded_ms)} · {each.recorded_by}")
            for each in entry.consents
        ),
        devices=devices_of(entry.devices, language, now_ms, local),
    )
