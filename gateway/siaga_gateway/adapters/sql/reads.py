"""Everything that is read outside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql import commands, forgetting, tallies
from siaga_gateway.adapters.sql.audit import AuditReads
from siaga_gateway.adapters.sql.engine import Row, Writing
from siaga_gateway.adapters.sql.event_writing import INCIDENTS
from siaga_gateway.adapters.sql.maintenance import MaintenanceReads
from siaga_gateway.adapters.sql.rows import (
    DELIVERY,
    DEVICE,
    JOURNAL,
    OWNER,
    STATUS,
    attempt_of,
    columns,
    delivery_of,
    enrolled_of,
    entry_of,
    from_snapshot,
    incident_of,
    status_of,
    stranger_of,
)
from siaga_gateway.adapters.sql.sealing import Sealing
from siaga_gateway.domain.command import Command
from siaga_gateway.domain.incident import Incident, Notice
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Attempt, Delivery, DeliveryState, Enrolled, Stranger, Tally

_JOURNAL: Final = f"SELECT {columns(JOURNAL)} FROM journal"  # noqa: S608 - constants, as everywhere here
_ENROLLED: Final = (
    f"SELECT {columns(DEVICE, 'device')}, {columns(OWNER, 'owner')} "  # noqa: S608
    "FROM device LEFT JOIN owner ON owner.id = device.owner_id"
)
_DEVICES: Final = (
    f"SELECT {columns(DEVICE, 'device')}, {columns(OWNER, 'owner')}, {columns(STATUS, 'device_status')} "  # noqa: S608
    "FROM device LEFT JOIN owner ON owner.id = device.owner_id "
    "LEFT JOIN device_status ON device_status.device_id = device.device_id ORDER BY device.enrolled_at_ms"
)
_STRANGER: Final = "SELECT device_id, first_seen_ms, last_seen_ms, frames, frame, enrol_frame FROM quarantine"
_DELIVERY: Final = (
    f"SELECT {columns(DELIVERY)} FROM outbox JOIN notice "  # noqa: S608
    "ON notice.incident_id = outbox.incident_id AND notice.sequence = outbox.sequence "
    "JOIN incident ON incident.id = outbox.incident_id"
)

_EARLIER: Final = (
    "SELECT outbox.incident_id, notice.sequence, notice.made_at_ms FROM outbox JOIN notice "
    "ON notice.incident_id = outbox.incident_id AND notice.sequence = outbox.sequence"
)
_OWNER_OF: Final = (
    f"SELECT incident.id, {columns(OWNER, 'owner')} "  # noqa: S608
    "FROM incident LEFT JOIN owner ON owner.id = incident.owner_id"
)


class SqlReads(AuditReads, MaintenanceReads):
    """The reading half of SqlStore."""

    name: str
    writing: Writing
    sealing: Sealing

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        raise NotImplementedError

    def remembered(self, name: str) -> str | None:
        rows = self.fetch("SELECT value FROM meta WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def tally(self) -> Tally:
        return tallies.tally(self.fetch)

    # Journal and incidents

    def journal_after(self, after_id: int, limit: int = 500) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self.fetch(f"{_JOURNAL} WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))]

    def journal_of_kinds(self, kinds: Collection[str], after_id: int, until_id: int) -> Sequence[JournalEntry]:
        among, parameters = self.writing.among("journal", "kind", sorted(kinds))
        rows = self.fetch(
            f"{_JOURNAL} WHERE id > ? AND id <= ? AND {among} ORDER BY id", (after_id, until_id, *parameters)
        )
        return [entry_of(row) for row in rows]

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self.fetch(f"{_JOURNAL} ORDER BY id DESC LIMIT ?", (limit,))][::-1]

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self.fetch(f"{_JOURNAL} WHERE incident_id = ? ORDER BY id", (incident_id,))]

    def last_journal_id(self) -> int:
        last: int = self.fetch("SELECT coalesce(max(id), 0) FROM journal")[0][0]
        return last

    def incident(self, incident_id: int) -> Incident | None:
        rows = self.fetch(f"{INCIDENTS} WHERE incident.id = ?", (incident_id,))
        return incident_of(rows[0], self.sealing) if rows else None

    def open_incidents(self) -> Sequence[Incident]:
        rows = self.fetch(f"{INCIDENTS} WHERE incident.state <> 'closed' ORDER BY incident.opened_at_ms, incident.id")
        return [incident_of(row, self.sealing) for row in rows]

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        rows = self.fetch(
            f"{INCIDENTS} WHERE incident.state = 'closed' AND incident.mode <> 'test' "
            "ORDER BY incident.closed_at_ms DESC, incident.id DESC LIMIT ?",
            (limit,),
        )
        return [incident_of(row, self.sealing) for row in rows]

    def recent_tests(self, limit: int = 50) -> Sequence[Incident]:
        rows = self.fetch(f"{INCIDENTS} WHERE incident.mode = 'test' ORDER BY incident.id DESC LIMIT ?", (limit,))
        return [incident_of(row, self.sealing) for row in rows]

    # Registry

    def _version(self, name: str) -> int:
        version: int = self.fetch("SELECT CAST(value AS BIGINT) FROM meta WHERE name = ?", (name,))[0][0]
        return version

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

    def devices(self) -> Sequence[tuple[Enrolled, DeviceStatus | None]]:
        cut = len(DEVICE) + len(OWNER)
        return [
            (enrolled_of(row[:cut], self.sealing), None if row[cut] is None else status_of(row[cut:]))
            for row in self.fetch(_DEVICES)
        ]

    def registrations(self) -> Mapping[bytes, RegistrationState]:
        return {row[0]: RegistrationState(row[1]) for row in self.fetch("SELECT device_id, state FROM device")}

    def owners(self) -> Sequence[Owner]:
        found = (self.sealing.owner_of(row) for row in self.fetch(f"SELECT {columns(OWNER)} FROM owner ORDER BY id"))  # noqa: S608
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

    def owner_registered(self, owner_id: int) -> int | None:
        rows = self.fetch("SELECT created_at_ms FROM owner WHERE id = ? AND erased_at_ms IS NULL", (owner_id,))
        return rows[0][0] if rows else None

    def devices_of(self, owner_id: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch("SELECT device_id FROM device WHERE owner_id = ?", (owner_id,))]

    def incidents_of(self, owner_id: int) -> Sequence[int]:
        return sorted(row[0] for row in self.fetch(forgetting.INCIDENT_IDS, (owner_id,)))

    def under_way(self, owner_id: int) -> Sequence[int]:
        return [row[0] for row in self.fetch(forgetting.UNDER_WAY, (owner_id,))]

    def status(self, device_id: bytes) -> DeviceStatus | None:
        rows = self.fetch(f"SELECT {columns(STATUS)} FROM device_status WHERE device_id = ?", (device_id,))  # noqa: S608
        return status_of(rows[0]) if rows else None

    def expired_statuses(self, before_ms: int, after: bytes, limit: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch(forgetting.STATUSES, (after, before_ms, limit))]

    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        rows = self.fetch(forgetting.INCIDENTS, (after, positions_before_ms, notes_before_ms, limit))
        return [(number, device_id) for number, device_id in rows]

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        rows = self.fetch(forgetting.OWNERS, (after, before_ms, before_ms, before_ms, limit))
        return [row[0] for row in rows]

    def expired_strangers(self, before_ms: int) -> int:
        count: int = self.fetch(forgetting.STRANGERS, (before_ms,))[0][0]
        return count

    def strangers(self) -> Sequence[Stranger]:
        return [stranger_of(row) for row in self.fetch(f"{_STRANGER} ORDER BY last_seen_ms DESC")]

    def stranger(self, device_id: bytes) -> Stranger | None:
        rows = self.fetch(f"{_STRANGER} WHERE device_id = ?", (device_id,))
        return stranger_of(rows[0]) if rows else None

    # Commands

    def command_version(self) -> int:
        return self._version("command")

    def commands_due(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        return [commands.command_of(row) for row in self.fetch(commands.DUE, (now_ms, limit))]

    def commands_expired(self, now_ms: int, limit: int = 200) -> Sequence[Command]:
        return [commands.command_of(row) for row in self.fetch(commands.EXPIRED, (now_ms, limit))]

    def first_command(self, device_id: bytes) -> Command | None:
        rows = self.fetch(commands.FIRST_OF, (device_id,))
        return commands.command_of(rows[0]) if rows else None

    def devices_with_commands(self) -> Sequence[bytes]:
        return [row[0] for row in self.fetch(commands.DEVICES)]

    def commands(self, device_id: bytes | None = None, limit: int = 200) -> Sequence[Command]:
        where, parameters = ("", ()) if device_id is None else (" WHERE device_id = ?", (device_id,))
        newest = f"{commands.SELECT}{where} ORDER BY asked_ms DESC, down_counter DESC LIMIT ?"
        return [commands.command_of(row) for row in self.fetch(newest, (*parameters, limit))]

    # Outbox

    def outbox_version(self) -> int:
        return self._version("outbox")

    def pending(self, output: str, after_id: int = 0) -> Sequence[Delivery]:
        rows = self.fetch(
            f"{_DELIVERY} WHERE outbox.state = 'pending' AND output = ? AND outbox.id > ? ORDER BY outbox.id",
            (output, after_id),
        )
        return [delivery_of(row) for row in rows]

    def deliveries(self, *, states: Collection[DeliveryState] | None = None, limit: int = 200) -> Sequence[Delivery]:
        wanted = [state.value for state in (DeliveryState if states is None else states)]
        among, parameters = self.writing.among("outbox", "state", wanted)
        rows = self.fetch(f"{_DELIVERY} WHERE {among} ORDER BY outbox.id DESC LIMIT ?", [*parameters, limit])
        return [delivery_of(row) for row in rows]

    def attempts(self, delivery_id: int) -> Sequence[Attempt]:
        rows = self.fetch(
            "SELECT outbox_id, at_ms, state, detail FROM attempt WHERE outbox_id = ? ORDER BY id", (delivery_id,)
        )
        return [attempt_of(row) for row in rows]

    def notice(self, delivery: Delivery) -> Notice:
        return self.notices([delivery])[delivery.id]

    def notices(self, deliveries: Sequence[Delivery]) -> Mapping[int, Notice]:
        if not deliveries:
            return {}
        keys = {(delivery.incident_id, delivery.sequence): delivery for delivery in deliveries}
        select = "notice.incident_id, notice.sequence, notice.incident"
        kept = self.fetch(*self.writing.by_keys(select, "notice", ("incident_id", "sequence"), list(keys)))
        among, parameters = self.writing.among("incident", "id", [delivery.incident_id for delivery in deliveries])
        owners = {row[0]: row[1:] for row in self.fetch(f"{_OWNER_OF} WHERE {among}", parameters)}
        earlier = self._earlier([delivery for delivery in deliveries if delivery.sequence > 1])
        found: dict[int, Notice] = {}
        for incident_id, sequence, text in kept:
            delivery = keys[incident_id, sequence]
            found[delivery.id] = Notice(
                incident=from_snapshot(text, owners[incident_id], self.sealing),
                change=delivery.change,
                sequence=sequence,
                sent_at_ms=delivery.made_at_ms,
                previous=tuple(one for one in earlier.get(incident_id, ()) if one[0] < sequence),
            )
        if len(found) != len(deliveries):
            missing = next(delivery.key for delivery in deliveries if delivery.id not in found)
            raise LookupError(f"the notice of delivery {missing} is not there")
        return found

    def _earlier(self, deliveries: Sequence[Delivery]) -> Mapping[int, list[tuple[int, int]]]:
        """(sequence, made_at_ms) of all that this output was to get of these deliveries' incidents, by incident."""
        if not deliveries:
            return {}
        among, parameters = self.writing.among("outbox", "incident_id", [one.incident_id for one in deliveries])
        rows = self.fetch(
            f"{_EARLIER} WHERE {among} AND output = ? ORDER BY outbox.sequence", [*parameters, deliveries[0].output]
        )
        earlier: dict[int, list[tuple[int, int]]] = {}
        for incident_id, sequence, made_at_ms in rows:
            earlier.setdefault(incident_id, []).append((sequence, made_at_ms))
        return earlier
