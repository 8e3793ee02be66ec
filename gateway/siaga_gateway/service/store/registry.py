"""Owners, their devices, and devices that called without being enrolled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.domain.consent import Consent
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.service.ports import JournalEntry


@dataclass(frozen=True, slots=True)
class UnknownDevice:
    """A device that is not enrolled, and what it sent: for the registrar."""

    device_id: bytes
    first_seen_ms: int
    last_seen_ms: int
    frames: int
    frame: bytes  # the latest
    enrol_frame: bytes | None  # the latest ENROL that proves possession of its key


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device and its owner (None once the owner was erased)."""

    device: Device
    owner: Owner | None


@dataclass(frozen=True, slots=True)
class CodeWords:
    """An owner's words for a call-back, as hashes."""

    code_hash: str
    duress_hash: str
    set_at_ms: int


class RegistryWriting(Protocol):
    """Writes enrolments and the quarantine."""

    def quarantine(self, strangers: Collection[UnknownDevice], limit: int) -> int:
        """Merge these into the quarantine; then trim it to `limit`, longest unseen first, those without a proven ENROL
        before the others.

        Returns how many were dropped.
        """
        ...

    def forget_strangers_checkins(self) -> int:
        """Take away quarantined devices' latest frames that are a check-in's which calls nobody, as older versions kept
        them. Returns how many."""
        ...

    def release(self, device_id: bytes) -> None:
        """Remove a device from quarantine."""
        ...

    def add_owner(self, owner: Owner, at_ms: int) -> int: ...
    def change_owner(self, owner: Owner) -> None:
        """Replace all that is known of the person with this id. Raises: StoreConflict if the NIK is another's."""
        ...

    def add_consent(self, owner_id: int, consent: Consent) -> None: ...
    def add_device(self, device: Device) -> None: ...
    def registration(self, device_id: bytes) -> RegistrationState:
        """Return the state of an enrolled device, as of this transaction."""
        ...

    def set_registration(
        self,
        device_id: bytes,
        state: RegistrationState,
        at_ms: int,
        until_ms: int | None = None,
        registrar_until_ms: int | None = None,
    ) -> None:
        """until_ms: when a suspension ends by itself; None: it does not. registrar_until_ms: when one ends that a
        registrar gave, if it ends."""
        ...

    def set_checkin(self, device_id: bytes, checkin_s: int | None) -> None: ...
    def set_place(self, device_id: bytes, label: str, installed: tuple[int, int] | None) -> None:
        """Set the label and the mounting place, degrees x 10^7."""
        ...

    def set_address(self, device_id: bytes, address: str | None) -> None:
        """Set the address of the mounting place; it is kept encrypted."""
        ...

    def set_sim(self, device_id: bytes, sim: SimCard) -> None:
        """Replace what is known of a device's SIM card; its number is kept encrypted."""
        ...

    def set_code_words(self, owner_id: int, words: CodeWords | None) -> None:
        """Replace an owner's code words; None: there are none any more."""
        ...


class RegistryReading(Protocol):
    """Reads owners and devices."""

    def registry_version(self) -> int:
        """A number that grows with every change of an owner or a device."""
        ...

    def devices_changed(self, since_version: int) -> Sequence[bytes]: ...
    def enrolled(self, device_ids: Collection[bytes]) -> Mapping[bytes, Enrolled]: ...
    def installed_places(self, without: bytes = b"") -> Sequence[tuple[int, int]]:
        """Return mounting places, degrees x 10^7; only some of them if there are many.

        without: a device to leave out.
        """
        ...

    def mounting_address(self, device_id: bytes) -> str | None:
        """Return the address of the mounting place; None: there is none, or it cannot be decrypted now."""
        ...

    def sims(self, device_ids: Collection[bytes]) -> Mapping[bytes, SimCard]:
        """Return these devices' SIM cards, for those that are enrolled."""
        ...

    def devices(self) -> Sequence[tuple[Enrolled, DeviceStatus | None]]: ...
    def registrations(self) -> Mapping[bytes, RegistrationState]:
        """Return every device's registered state, by device_id."""
        ...

    def owners(self) -> Sequence[Owner]: ...
    def owners_after(self, owner_id: int, limit: int) -> Sequence[Owner]:
        """Return owners with larger ids, by id, but for those that were erased."""
        ...

    def owner(self, owner_id: int) -> Owner | None: ...
    def owner_by_nik(self, nik: str) -> int | None:
        """Return the id of the owner with this NIK."""
        ...

    def consents_of(self, owner_id: int) -> Sequence[Consent]:
        """Return what this owner has agreed to, the latest first."""
        ...

    def pending_enrolments(self, limit: int) -> Sequence[Enrolled]:
        """Return enrolments that wait for the registrar."""
        ...

    def owner_registered(self, owner_id: int) -> int | None:
        """Return when an owner was registered, Unix ms; None if unknown or erased."""
        ...

    def suspended(self) -> Mapping[bytes, int]:
        """Return the devices that are suspended until a date, and until when, Unix ms."""
        ...

    def code_words(self, owner_id: int) -> CodeWords | None: ...
    def last_change(self, device_id: bytes) -> JournalEntry | None:
        """Return the latest change of this device's registration."""
        ...

    def devices_of(self, owner_id: int) -> Sequence[bytes]: ...
    def incidents_of(self, owner_id: int) -> Sequence[int]: ...
    def under_way(self, owner_id: int) -> Sequence[int]:
        """Return this owner's incidents that are open, or that a receiver has yet to hear of."""
        ...

    def strangers(self) -> Sequence[UnknownDevice]:
        """Return devices that are not enrolled, the latest seen first."""
        ...

    def stranger(self, device_id: bytes) -> UnknownDevice | None: ...
