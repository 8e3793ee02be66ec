"""Reads the registry for the console: a search by whatever a registrar knows, an owner, and what waits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain import name_search, nik
from siaga_gateway.domain.consent import Consent
from siaga_gateway.domain.phone_number import e164
from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.registry_changes import RegistryChanges
from siaga_gateway.service.store import Enrolled, Store, UnknownDevice
from siaga_gateway.service.store.owner_profiles import StoredProfile

MOST: Final = 50  # found of each kind
MOST_WAITING: Final = 200
_UNSEARCHABLE: Final = 100_000
_DEVICE: Final = re.compile(r"[0-9a-fA-F]{4,16}")
_NUMBER: Final = re.compile(r"#?([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found."""

    owners: Sequence[Owner] = ()
    devices: Sequence[Enrolled] = ()
    more: bool = False  # than are here
    short: bool = False  # the text has fewer than three letters, and is no number of anything


@dataclass(frozen=True, slots=True)
class OwnerEntry:
    """All that is registered of an owner."""

    owner: Owner
    registered_ms: int
    consents: Sequence[Consent]  # the latest first
    devices: Sequence[Enrolled]
    station: str | None  # the key of the one in whose area he lives
    profile: StoredProfile | None = None  # what he told for helpers; None: nothing
    photographed_ms: int | None = None  # when his photograph was stored; None: there is none


@dataclass(slots=True)
class _Gathered:
    owners: dict[int, Owner] = field(default_factory=dict)
    devices: dict[bytes, Enrolled] = field(default_factory=dict)
    more: bool = False


class RegistryDirectory:
    """Thread-safe; every method raises StoreFailing, and PersonalKeyError where nothing can be decrypted."""

    def __init__(self, store: Store, clock: Clock, changes: RegistryChanges) -> None:
        self._store = store
        self._clock = clock
        self.changes = changes

    def unsearchable(self) -> int:
        """Return how many owners no search finds yet, for their index is being made; counted up to 100,000."""
        return self._store.unsearchable(_UNSEARCHABLE)

    def search(self, text: str) -> Found:
        """Find owners and devices by a name, a telephone number, a NIK, a device_id, a label, or an owner's number."""
        text, found, numeric = text.strip(), _Gathered(), False
        digits = text.replace(" ", "").replace(".", "")
        if nik.NIK.fullmatch(digits):
            numeric = True
            self._owner(self._store.owner_by_nik(digits), found)
        if (phone := e164(text)) is not None:
            numeric = True
            with_phone = self._store.owners_with_phone(phone, MOST)
            found.owners.update((owner.id, owner) for owner in with_phone.owners)
            found.more |= with_phone.more
        if (number := _NUMBER.fullmatch(text)) is not None:
            numeric = True
            self._owner(int(number[1]), found)
        if _DEVICE.fullmatch(text):
            numeric = True
            beginning = self._store.devices_beginning(text, MOST)
            found.devices.update((each.device.device_id, each) for each in beginning.devices)
            found.more |= beginning.more
        if name_search.long_enough(text):
            named, labelled = self._store.owners_named(text, MOST), self._store.devices_labelled(text, MOST)
            found.owners.update((owner.id, owner) for owner in named.owners)
            found.devices.update((each.device.device_id, each) for each in labelled.devices)
            found.more |= named.more or labelled.more
        elif not numeric:
            return Found(short=True)
        owners = sorted(found.owners.values(), key=lambda owner: (owner.name.casefold(), owner.id))
        return Found(owners, list(found.devices.values()), found.more)

    def _owner(self, owner_id: int | None, found: _Gathered) -> None:
        owner = None if owner_id is None else self._store.owner(owner_id)
        if owner is not None:
            found.owners[owner.id] = owner

    def owner(self, owner_id: int) -> OwnerEntry | None:
        """Return an owner; None: there is no such owner, or he was erased."""
        owner, registered_ms = self._store.owner(owner_id), self._store.owner_registered(owner_id)
        if owner is None or registered_ms is None:
            return None
        return OwnerEntry(
            owner,
            registered_ms,
            self._store.consents_of(owner_id),
            tuple(self._store.enrolled(self._store.devices_of(owner_id)).values()),
            self._store.home_station(owner_id),
            self._store.profile_of(owner_id),
            self._store.owner_photograph_ms(owner_id),
        )

    def photograph(self, owner_id: int) -> bytes | None:
        """Return an owner's photograph, a JPEG; None: there is none, or it cannot be decrypted now."""
        return self._store.owner_photograph(owner_id)

    def owners_after(self, owner_id: int, limit: int) -> Sequence[Owner]:
        """Return owners whose numbers are larger, by number, without those whose data was erased."""
        return self._store.owners_after(owner_id, limit)

    def enrolment(self, device: str) -> Enrolled | UnknownDevice | None:
        """Return how a button stands, enrolled or in the quarantine. device: 16 hex digits."""
        device_id = bytes.fromhex(device)
        return self._store.enrolled([device_id]).get(device_id) or self._store.stranger(device_id)

    def pending(self) -> Sequence[Enrolled]:
        """Return enrolments that wait for the registrar; only some if there are very many."""
        return self._store.pending_enrolments(MOST_WAITING)

    def strangers(self) -> Sequence[UnknownDevice]:
        """Return the quarantine, the latest heard first; only some if there are very many."""
        return self._store.strangers()[:MOST_WAITING]
