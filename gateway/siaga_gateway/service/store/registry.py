"""Owners, their devices, and those who called without being enrolled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.status import DeviceStatus


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device that is not enrolled, and what it sent: for the registrar."""

    device_id: bytes
    first_seen_ms: int
    last_seen_ms: int
    frames: int
    frame: bytes  # the latest
    enrol_frame: bytes | None  # the latest ENROL that proves possession of its key


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device and the person who answers for it (None once the person's data was erased)."""

    device: Device
    owner: Owner | None


class RegistryWriting(Protocol):
    """Enrolment and the quarantine."""

    def quarantine(self, strangers: Collection[Stranger], limit: int) -> int:
        """Add these to what is known of them; then, past `limit`, let go of those longest unseen, those without a
        proven ENROL first. Returns how many were let go."""
        ...

    def release(self, device_id: bytes) -> None:
        """Take a device out of the quarantine."""
        ...

    def add_owner(self, owner: Owner, at_ms: int) -> int: ...
    def add_device(self, device: Device) -> None: ...
    def set_registration(self, device_id: bytes, state: RegistrationState, at_ms: int) -> None: ...
    def set_checkin(self, device_id: bytes, checkin_s: int | None) -> None: ...


class RegistryReading(Protocol):
    """What is known of people and devices."""

    def registry_version(self) -> int:
        """Grows with every change of an owner or a device."""
        ...

    def devices_changed(self, since_version: int) -> Sequence[bytes]: ...
    def enrolled(self, device_ids: Collection[bytes]) -> Mapping[bytes, Enrolled]: ...
    def devices(self) -> Sequence[tuple[Enrolled, DeviceStatus | None]]: ...
    def registrations(self) -> Mapping[bytes, RegistrationState]:
        """The registered state of every device, by its device_id."""
        ...

    def owners(self) -> Sequence[Owner]: ...
    def owner(self, owner_id: int) -> Owner | None: ...
    def owner_by_nik(self, nik: str) -> int | None:
        """The number of the owner who has it."""
        ...

    def owner_registered(self, owner_id: int) -> int | None:
        """When, Unix ms; None for nobody and for who was erased."""
        ...

    def devices_of(self, owner_id: int) -> Sequence[bytes]: ...
    def incidents_of(self, owner_id: int) -> Sequence[int]: ...
    def under_way(self, owner_id: int) -> Sequence[int]:
        """Incidents of this owner that are open, or that a receiver has still to hear of."""
        ...

    def strangers(self) -> Sequence[Stranger]:
        """The latest seen first."""
        ...

    def stranger(self, device_id: bytes) -> Stranger | None: ...
