"""Owners, devices and strangers in the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql import encryption, journal
from siaga_gateway.adapters.sql.encryption import ADDRESS, SIM_NUMBER, Sealing
from siaga_gateway.adapters.sql.engine import Insert, Session, Writing
from siaga_gateway.adapters.sql.owner_index import index_now
from siaga_gateway.adapters.sql.quarantine import forget_checkins, let_go, merge
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import only, sound
from siaga_gateway.adapters.sql.rows import (
    DEVICE,
    OWNER,
    STATUS_JOIN,
    columns,
    enrolled_of,
    entry_of,
    registration_of,
    status_columns,
    status_if_readable,
    stranger_of,
)
from siaga_gateway.adapters.sql.write_batch import CHANGED, WriteBatch
from siaga_gateway.domain.consent import Consent
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Enrolled, UnknownDevice
from siaga_gateway.service.store.registry import CodeWords

_DEVICE: Final = Insert("device", (*DEVICE, "state_since_ms", "changed"))
_ENROLLED: Final = (
    f"SELECT {columns(DEVICE, 'device')}, {columns(OWNER, 'owner')} "  # noqa: S608 - constants
    "FROM device LEFT JOIN owner ON owner.id = device.owner_id"
)
_DEVICES: Final = (
    f"SELECT {columns(DEVICE, 'device')}, {columns(OWNER, 'owner')}, {status_columns()} "  # noqa: S608
    "FROM device LEFT JOIN owner ON owner.id = device.owner_id "
    "LEFT JOIN device_status ON device_status.device_id = device.device_id "
    f"{STATUS_JOIN} ORDER BY device.enrolled_at_ms"
)
_PLACES_LOOKED_AT: Final = 5_000
_PLACES: Final = (
    "SELECT installed_latitude, installed_longitude FROM device "
    "WHERE installed_latitude IS NOT NULL AND installed_longitude IS NOT NULL AND device_id <> ? LIMIT ?"
)
_STRANGER: Final = "SELECT device_id, first_seen_ms, last_seen_ms, frames, frame, enrol_frame FROM quarantine"
WAITS: Final = "EXISTS (SELECT 1 FROM outbox WHERE outbox.incident_id = incident.id AND outbox.state = 'pending')"
# For one owner: what prevents the erasure, and what there is to erase.
_UNDER_WAY: Final = (
    "SELECT incident.id FROM device JOIN incident ON incident.device_id = device.device_id "  # noqa: S608
    f"WHERE device.owner_id = ? AND (incident.state <> 'closed' OR {WAITS}) ORDER BY incident.id"
)
# Through their devices' events, which have an index.
INCIDENT_IDS: Final = (
    "SELECT DISTINCT event.incident_id FROM device JOIN event ON event.device_id = device.device_id "
    "WHERE device.owner_id = ? AND event.incident_id IS NOT NULL"
)


# Worded like the partial index.
SUSPENDED: Final = "SELECT device_id, suspended_until_ms FROM device WHERE suspended_until_ms IS NOT NULL"


class RegistryWriting(WriteBatch):
    """Implements service.store.registry.RegistryWriting."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._registry: int | None = None  # the registry's version, once this transaction has changed it

    def quarantine(self, strangers: Collection[UnknownDevice], limit: int) -> int:
        self.flush()
        merge(self._session, strangers)
        return let_go(self._session, limit)

    def forget_strangers_checkins(self) -> int:
        return forget_checkins(self._session)

    def release(self, device_id: bytes) -> None:
        self._run("DELETE FROM quarantine WHERE device_id = ?", (device_id,))

    def _next_registry_version(self) -> int:
        self.touched = True
        if self._registry is None:
            ((version,),) = self._fetch(f"{CHANGED} RETURNING CAST(value AS BIGINT)", ("registry",))
            self._registry = int(version)
        return self._registry

    def add_owner(self, owner: Owner, at_ms: int) -> int:
        self._next_registry_version()
        index = self._sealing.keys.index(owner.nik)
        ((number,),) = self._fetch(
            "INSERT INTO owner (name, nik_index, phone, address, language, created_at_ms) VALUES ('', ?, '', '', ?, ?) "
            "RETURNING id",
            (index, owner.language, at_ms),
        )
        # Encrypted data are bound to the id, so that step comes second.
        self._session.run(encryption.SEAL_OWNER, (*self._sealing.owner_columns(number, owner), index, number))
        index_now(self._session, self._writing, self._sealing, (number,))
        return int(number)

    def change_owner(self, owner: Owner) -> None:
        version = self._next_registry_version()
        index = self._sealing.keys.index(owner.nik)
        self._run(encryption.SEAL_OWNER, (*self._sealing.owner_columns(owner.id, owner), index, owner.id))
        self._run("UPDATE owner SET language = ? WHERE id = ?", (owner.language, owner.id))
        self._run("UPDATE device SET changed = ? WHERE owner_id = ?", (version, owner.id))
        self._run("UPDATE owner SET search_key = NULL WHERE id = ?", (owner.id,))
        index_now(self._session, self._writing, self._sealing, (owner.id,))

    def add_consent(self, owner_id: int, consent: Consent) -> None:
        self._run(
            "INSERT INTO owner_consent (owner_id, version, signed_on, recorded_ms, recorded_by) VALUES (?, ?, ?, ?, ?)",
            (owner_id, consent.version, consent.signed_on, consent.recorded_ms, consent.recorded_by),
        )

    def add_device(self, device: Device) -> None:
        version = self._next_registry_version()
        row = (
            device.device_id,
            device.public_xy,
            device.owner_id,
            device.state.value,
            device.label,
            device.enrolled_at_ms,
            device.valid_until_ms,
            device.installed_latitude,
            device.installed_longitude,
            device.checkin_s,
            device.suspended_until_ms,
            device.registrar_until_ms,
            device.sim_until_ms,
            device.sim_quota_mb,
        )
        self.flush()
        self._session.insert(_DEVICE, [(*row, device.enrolled_at_ms, version)])

    def registration(self, device_id: bytes) -> RegistrationState:
        ((state,),) = self._fetch("SELECT state FROM device WHERE device_id = ?", (device_id,))
        return registration_of(state, device_id)

    def set_registration(
        self,
        device_id: bytes,
        state: RegistrationState,
        at_ms: int,
        until_ms: int | None = None,
        registrar_until_ms: int | None = None,
    ) -> None:
        version = self._next_registry_version()
        self._run(
            "UPDATE device SET state = ?, state_since_ms = ?, suspended_until_ms = ?, registrar_until_ms = ?, "
            "changed = ? WHERE device_id = ?",
            (state.value, at_ms, until_ms, registrar_until_ms, version, device_id),
        )

    def set_checkin(self, device_id: bytes, checkin_s: int | None) -> None:
        self._run(
            "UPDATE device SET checkin_s = ?, changed = ? WHERE device_id = ?",
            (checkin_s, self._next_registry_version(), device_id),
        )

    def set_place(self, device_id: bytes, label: str, installed: tuple[int, int] | None) -> None:
        latitude, longitude = (None, None) if installed is None else installed
        self._run(
            "UPDATE device SET label = ?, installed_latitude = ?, installed_longitude = ?, changed = ? "
            "WHERE device_id = ?",
            (label, latitude, longitude, self._next_registry_version(), device_id),
        )

    def set_address(self, device_id: bytes, address: str | None) -> None:
        sealed = self._sealing.seal_of_device(address, device_id, ADDRESS)
        self._run(
            "UPDATE device SET address = ?, changed = ? WHERE device_id = ?",
            (sealed, self._next_registry_version(), device_id),
        )

    def set_sim(self, device_id: bytes, sim: SimCard) -> None:
        row = (
            self._sealing.seal_of_device(sim.number, device_id, SIM_NUMBER),
            sim.operator,
            sim.active_until_ms,
            sim.quota_mb,
            sim.quota_until_ms,
            sim.until_ms,
            self._next_registry_version(),
            device_id,
        )
        self._run(
            "UPDATE device SET sim_number = ?, sim_operator = ?, sim_active_until_ms = ?, sim_quota_mb = ?, "
            "sim_quota_until_ms = ?, sim_until_ms = ?, changed = ? WHERE device_id = ?",
            row,
        )

    def set_code_words(self, owner_id: int, words: CodeWords | None) -> None:
        self._run("DELETE FROM code_words WHERE owner_id = ?", (owner_id,))
        if words is not None:
            self._run(
                "INSERT INTO code_words (owner_id, code_hash, duress_hash, set_at_ms) VALUES (?, ?, ?, ?)",
                (owner_id, words.code_hash, words.duress_hash, words.set_at_ms),
            )


class RegistryReading(Reads):
    """Implements service.store.registry.RegistryReading."""

    def registry_version(self) -> int:
        return self._version("registry")

    def devices_changed(self, since_version: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch("SELECT device_id FROM device WHERE changed > ?", (since_version,))]

    def enrolled(self, device_ids: Collection[bytes]) -> Mapping[bytes, Enrolled]:
        if not device_ids:
            return {}
        among, parameters = self.writing.among("device", "device_id", device_ids)
        rows = self.fetch(f"{_ENROLLED} WHERE {among}", parameters)
        return {row[0]: enrolled_of(row, self.sealing) for row in rows}

    def installed_places(self, without: bytes = b"") -> Sequence[tuple[int, int]]:
        return [(row[0], row[1]) for row in self.fetch(_PLACES, (without, _PLACES_LOOKED_AT))]

    def mounting_address(self, device_id: bytes) -> str | None:
        rows = self.fetch("SELECT address FROM device WHERE device_id = ?", (device_id,))
        return self.sealing.open_of_device(rows[0][0], device_id, ADDRESS) if rows else None

    def sims(self, device_ids: Collection[bytes]) -> Mapping[bytes, SimCard]:
        if not device_ids:
            return {}
        among, parameters = self.writing.among("device", "device_id", device_ids)
        rows = self.fetch(
            "SELECT device_id, sim_number, sim_operator, sim_active_until_ms, sim_quota_mb, sim_quota_until_ms "  # noqa: S608
            f"FROM device WHERE {among}",
            parameters,
        )
        return {
            device_id: SimCard(self.sealing.open_of_device(number, device_id, SIM_NUMBER), *rest)
            for device_id, number, *rest in rows
        }

    def code_words(self, owner_id: int) -> CodeWords | None:
        found = self.fetch("SELECT code_hash, duress_hash, set_at_ms FROM code_words WHERE owner_id = ?", (owner_id,))
        return CodeWords(*found[0]) if found else None

    def devices(self) -> Sequence[tuple[Enrolled, DeviceStatus | None]]:
        cut = len(DEVICE) + len(OWNER)
        return [(enrolled_of(row[:cut], self.sealing), status_if_readable(row[cut:])) for row in self.fetch(_DEVICES)]

    def registrations(self) -> Mapping[bytes, RegistrationState]:
        rows = self.fetch("SELECT device_id, state FROM device")
        return {device_id: registration_of(state, device_id) for device_id, state in rows}

    def owners(self) -> Sequence[Owner]:
        found = (self.sealing.owner_of(row) for row in self.fetch(f"SELECT {columns(OWNER)} FROM owner ORDER BY id"))  # noqa: S608
        return [owner for owner in found if owner is not None]

    def owners_after(self, owner_id: int, limit: int) -> Sequence[Owner]:
        whole = f"SELECT {columns(OWNER)} FROM owner WHERE id > ? AND erased_at_ms IS NULL ORDER BY id LIMIT ?"  # noqa: S608
        found = (self.sealing.owner_of(row) for row in self.fetch(whole, (owner_id, limit)))
        return [owner for owner in found if owner is not None]

    def owner(self, owner_id: int) -> Owner | None:
        rows = self.fetch(f"SELECT {columns(OWNER)} FROM owner WHERE id = ?", (owner_id,))  # noqa: S608
        return self.sealing.owner_of(rows[0]) if rows else None

    def owner_by_nik(self, nik: str) -> int | None:
        for index in self.sealing.keys.indexes(nik):
            rows = self.fetch("SELECT id FROM owner WHERE nik_index = ?", (index,))
            if rows:
                return int(rows[0][0])
        return None

    def consents_of(self, owner_id: int) -> Sequence[Consent]:
        agreed = "SELECT version, signed_on, recorded_ms, recorded_by FROM owner_consent WHERE owner_id = ?"
        rows = self.fetch(f"{agreed} ORDER BY id DESC", (owner_id,))
        return [Consent(*row) for row in rows]

    def pending_enrolments(self, limit: int) -> Sequence[Enrolled]:
        # Worded like the partial index.
        where = "WHERE device.state = 'pending' ORDER BY device.device_id LIMIT ?"
        return [enrolled_of(row, self.sealing) for row in self.fetch(f"{_ENROLLED} {where}", (limit,))]

    def owner_registered(self, owner_id: int) -> int | None:
        rows = self.fetch("SELECT created_at_ms FROM owner WHERE id = ? AND erased_at_ms IS NULL", (owner_id,))
        return rows[0][0] if rows else None

    def suspended(self) -> Mapping[bytes, int]:
        return dict(self.fetch(SUSPENDED))

    def last_change(self, device_id: bytes) -> JournalEntry | None:
        changed = f"{journal.SELECT} WHERE kind = 'registration_changed' AND device_id = ? ORDER BY id DESC LIMIT 1"
        rows = self.fetch(changed, (device_id,))
        return entry_of(rows[0]) if rows else None

    def devices_of(self, owner_id: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch("SELECT device_id FROM device WHERE owner_id = ?", (owner_id,))]

    def incidents_of(self, owner_id: int) -> Sequence[int]:
        return sorted(row[0] for row in self.fetch(INCIDENT_IDS, (owner_id,)))

    def under_way(self, owner_id: int) -> Sequence[int]:
        return [row[0] for row in self.fetch(_UNDER_WAY, (owner_id,))]

    def strangers(self) -> Sequence[UnknownDevice]:
        # A frame in transit while its device was enrolled was received as a stranger's.
        known = "EXISTS (SELECT 1 FROM device WHERE device.device_id = quarantine.device_id)"
        rows = self.fetch(f"{_STRANGER} WHERE NOT {known} ORDER BY last_seen_ms DESC")
        return sound(stranger_of, rows, "quarantine")

    def stranger(self, device_id: bytes) -> UnknownDevice | None:
        rows = self.fetch(f"{_STRANGER} WHERE device_id = ?", (device_id,))
        return only(stranger_of, rows, "quarantine")
