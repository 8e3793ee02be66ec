"""Owners, devices and strangers: what is registered, and what of it is forgotten."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from siaga_gateway.adapters.sql import forgetting, maintenance, sealing
from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.adapters.sql.gathering import CHANGED, Gathering
from siaga_gateway.adapters.sql.quarantine import let_go, merge
from siaga_gateway.adapters.sql.rows import DEVICE
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.store import Erased, Stranger

_DEVICE: Final = Insert("device", (*DEVICE, "state_since_ms", "changed"))


class RegistryWriting(Gathering):
    """Implements service.store.RegistryWriting and Forgetting."""

    def quarantine(self, strangers: Collection[Stranger], limit: int) -> int:
        self.flush()
        merge(self._session, strangers)
        return let_go(self._session, limit)

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
        # What is sealed is bound to the number, so that comes second.
        self._session.run(sealing.SEAL_OWNER, (*self._sealing.owner_columns(number, owner), index, number))
        return int(number)

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
        )
        self.flush()
        self._session.insert(_DEVICE, [(*row, device.enrolled_at_ms, version)])

    def set_registration(self, device_id: bytes, state: RegistrationState, at_ms: int) -> None:
        version = self._next_registry_version()
        self._run(
            "UPDATE device SET state = ?, state_since_ms = ?, changed = ? WHERE device_id = ?",
            (state.value, at_ms, version, device_id),
        )

    def set_checkin(self, device_id: bytes, checkin_s: int | None) -> None:
        self._run(maintenance.CHECKIN, (checkin_s, self._next_registry_version(), device_id))

    def forget_statuses(self, device_ids: Collection[bytes], before_ms: int) -> int:
        self.touched = True
        self.flush()
        return forgetting.statuses(self._session, self._writing, device_ids, before_ms)

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        self.touched = True
        self.flush()
        return forgetting.incidents(self._session, self._writing, ids, positions_before_ms, notes_before_ms)

    def forget_strangers(self, before_ms: int) -> int:
        self.touched = True
        self.flush()
        return forgetting.strangers(self._session, before_ms)

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        version = self._next_registry_version()
        self.touched = True
        self.flush()
        return forgetting.owner(self._session, self._writing, owner_id, at_ms, version)
