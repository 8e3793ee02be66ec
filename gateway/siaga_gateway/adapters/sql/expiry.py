"""Statements that erase personal data, on expiry or request. They never touch frames or the journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.adapters.sql import notice_snapshots
from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.notice_snapshots import POSITION
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.registry import INCIDENT_IDS, WAITS, RegistryWriting
from siaga_gateway.service.store import Erased

_TOLD: Final = ("told_latitude", "told_longitude", "told_accuracy_m")
_PLACES: Final = frozenset((*POSITION, *_TOLD))
NO_LABEL: Final = "-"
_NO_POSITION: Final = ", ".join(f"{name} = NULL" for name in POSITION)
_NO_PLACES: Final = ", ".join(f"{name} = NULL" for name in (*POSITION, *_TOLD))
# When an incident ended; a test ended as it began.
_OVER: Final = "coalesce(incident.closed_at_ms, incident.opened_at_ms)"

_STATUSES: Final = (
    "SELECT device_id FROM device_status WHERE device_id > ? AND position_at_ms < ? ORDER BY device_id LIMIT ?"
)
_INCIDENTS: Final = (
    "SELECT id, device_id FROM incident "  # noqa: S608 - constants
    f"WHERE id > ? AND state = 'closed' AND (({_OVER} < ? AND (latitude IS NOT NULL OR told_latitude IS NOT NULL)) "
    f"OR ({_OVER} < ? AND note IS NOT NULL)) AND NOT {WAITS} ORDER BY id LIMIT ?"
)
_OWNERS: Final = (
    "SELECT owner.id FROM owner WHERE owner.id > ? AND owner.erased_at_ms IS NULL AND owner.created_at_ms < ? "  # noqa: S608
    "AND NOT EXISTS (SELECT 1 FROM device WHERE device.owner_id = owner.id AND NOT ("
    "(device.state IN ('expired', 'removed') AND device.state_since_ms < ?) "
    "OR (device.state = 'active' AND device.valid_until_ms IS NOT NULL AND device.valid_until_ms < ?))) "
    "AND NOT EXISTS (SELECT 1 FROM device JOIN incident ON incident.device_id = device.device_id "
    f"WHERE device.owner_id = owner.id AND (incident.state <> 'closed' OR {WAITS})) "
    "ORDER BY owner.id LIMIT ?"
)
_STRANGERS: Final = "SELECT count(*) FROM quarantine WHERE last_seen_ms < ?"


class ErasureWriting(RegistryWriting):
    """Implements service.store.expiry.ErasureWriting."""

    def forget_statuses(self, device_ids: Collection[bytes], before_ms: int) -> int:
        among, parameters = self._writing.among("device_status", "device_id", device_ids)
        return self._run(
            f"UPDATE device_status SET {_NO_POSITION} WHERE position_at_ms < ? AND {among}",  # noqa: S608
            (before_ms, *parameters),
        )

    def forget_incidents(self, ids: Collection[int], positions_before_ms: int, notes_before_ms: int) -> tuple[int, int]:
        self.touched = True
        self.flush()
        among, parameters = self._writing.among("incident", "id", ids)
        where = f"WHERE state = 'closed' AND {_OVER} < ? AND {among}"
        ids_before = f"SELECT id FROM incident {where}"  # noqa: S608
        old = {id_ for (id_,) in self._session.fetch(ids_before, (positions_before_ms, *parameters))}
        noted = {id_ for (id_,) in self._session.fetch(ids_before, (notes_before_ms, *parameters))}
        moved = self._session.run(
            f"UPDATE incident SET {_NO_PLACES} {where} "  # noqa: S608
            "AND (latitude IS NOT NULL OR told_latitude IS NOT NULL)",
            (positions_before_ms, *parameters),
        )
        unsaid = self._session.run(
            f"UPDATE incident SET note = NULL {where} AND note IS NOT NULL",  # noqa: S608
            (notes_before_ms, *parameters),
        )
        self._forget_in_notices(old, _PLACES)
        self._forget_in_notices(noted, frozenset({"note"}))
        return moved, unsaid

    def forget_strangers(self, before_ms: int) -> int:
        return self._run("DELETE FROM quarantine WHERE last_seen_ms < ?", (before_ms,))

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        # All that the store knows of a person but the evidence. Their devices stay, without labels and places.
        version = self._next_registry_version()
        self.flush()
        rows = self._session.fetch("SELECT device_id FROM device WHERE owner_id = ?", (owner_id,))
        devices = [device_id for (device_id,) in rows]
        ids = [id_ for (id_,) in self._session.fetch(INCIDENT_IDS, (owner_id,))]
        self._session.run(
            "UPDATE owner SET name = '', nik = '', nik_index = ?, phone = '', address = '', key_id = '', "
            "station_key = NULL, erased_at_ms = ? WHERE id = ?",
            (f"erased.{owner_id}", at_ms, owner_id),
        )
        self._session.run(
            "UPDATE device SET label = ?, installed_latitude = NULL, installed_longitude = NULL, address = NULL, "
            "changed = ? WHERE owner_id = ?",
            (NO_LABEL, version, owner_id),
        )
        if devices:
            among, parameters = self._writing.among("device_status", "device_id", devices)
            self._session.run(f"UPDATE device_status SET {_NO_POSITION} WHERE {among}", parameters)  # noqa: S608
            among, parameters = self._writing.among("maintenance", "device_id", devices)
            self._session.run(f"UPDATE maintenance SET note = NULL WHERE {among}", parameters)  # noqa: S608
        if ids:
            among, parameters = self._writing.among("incident", "id", ids)
            self._session.run(
                f"UPDATE incident SET {_NO_PLACES}, note = NULL, device_label = ? WHERE {among}",  # noqa: S608
                (NO_LABEL, *parameters),
            )
            self._forget_in_notices(ids, _PLACES | {"note"}, label=NO_LABEL)
        return Erased(tuple(devices), tuple(ids))

    def _forget_in_notices(self, ids: Collection[int], without: frozenset[str], label: str | None = None) -> None:
        """Remove these fields from the notices of these incidents."""
        if not ids:
            return
        among, parameters = self._writing.among("notice", "incident_id", ids)
        changes: dict[str, str | None] = dict.fromkeys(without)
        if label is not None:
            changes["device_label"] = label
        changed: list[Row] = []
        for incident_id, sequence, text in self._session.fetch(
            f"SELECT incident_id, sequence, incident FROM notice WHERE {among}",  # noqa: S608
            parameters,
        ):
            after = notice_snapshots.changed(text, changes)
            if after is not None:
                changed.append((after, incident_id, sequence))
        if changed:
            self._session.many("UPDATE notice SET incident = ? WHERE incident_id = ? AND sequence = ?", changed)


class ExpiryReading(Reads):
    """Implements service.store.expiry.Expired, except `scrub`."""

    def expired_statuses(self, before_ms: int, after: bytes, limit: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch(_STATUSES, (after, before_ms, limit))]

    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        rows = self.fetch(_INCIDENTS, (after, positions_before_ms, notes_before_ms, limit))
        return [(number, device_id) for number, device_id in rows]

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        rows = self.fetch(_OWNERS, (after, before_ms, before_ms, before_ms, limit))
        return [row[0] for row in rows]

    def expired_strangers(self, before_ms: int) -> int:
        count: int = self.fetch(_STRANGERS, (before_ms,))[0][0]
        return count
