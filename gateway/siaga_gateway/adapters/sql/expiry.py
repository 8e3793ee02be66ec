"""Statements that erase personal data, on expiry or request. They never touch frames or the journal."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql import notice_snapshots
from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.events import DAYS
from siaga_gateway.adapters.sql.notice_snapshots import POSITION
from siaga_gateway.adapters.sql.owner_index import index_now
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.registry import INCIDENT_IDS, WAITS, RegistryWriting
from siaga_gateway.adapters.sql.rows import LAST_POSITION, columns, json_text
from siaga_gateway.service.store import Erased
from siaga_gateway.service.store.expiry import TOUCHED, UNTOLD, LastPositionAge

_TOLD: Final = ("told_latitude", "told_longitude", "told_accuracy_m")
_PLACES: Final = frozenset((*POSITION, *_TOLD))
NO_LABEL: Final = "-"
_NO_PLACES: Final = ", ".join(f"{name} = NULL" for name in (*POSITION, *_TOLD))
# When an incident ended; a test ended as it began.
_OVER: Final = "coalesce(incident.closed_at_ms, incident.opened_at_ms)"

# Older than the period, or than two check-ins of its device if those are longer. Values: now, usual check-in (s),
# period (ms), usual check-in, period.
_OUT_OF_DATE: Final = (
    "last_position.position_at_ms < CAST(? AS BIGINT) - (SELECT CASE "
    "WHEN 2000 * coalesce(device.checkin_s, ?) > ? THEN 2000 * coalesce(device.checkin_s, ?) ELSE ? END "
    "FROM device WHERE device.device_id = last_position.device_id)"
)
# What a gateway of the version before writes beside this one, see migration 39.
_LEFT: Final = (
    "SELECT device_id FROM device_status WHERE latitude IS NOT NULL AND device_id > ? ORDER BY device_id LIMIT ?"
)
NOT_LEFT: Final = (
    f"UPDATE device_status SET {', '.join(f'{name} = NULL' for name in POSITION)} WHERE latitude IS NOT NULL"  # noqa: S608
)
_TAKE_OVER: Final = (
    f"INSERT INTO last_position ({columns(LAST_POSITION)}) SELECT {columns(LAST_POSITION)} FROM device_status "  # noqa: S608
    "WHERE latitude IS NOT NULL AND longitude IS NOT NULL AND position_source IS NOT NULL "
    "AND position_at_ms IS NOT NULL AND {among} ON CONFLICT (device_id) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in POSITION)} "
    "WHERE excluded.position_at_ms > last_position.position_at_ms"
)
# Every device is looked at: so few at once that no statement takes long.
_HOURS: Final = (
    "SELECT device_id, hours IS NOT NULL AND (day < ? OR day > ?) FROM device_status "
    "WHERE device_id > ? ORDER BY device_id LIMIT ?"
)
_STATUSES: Final = (
    f"SELECT device_id FROM last_position WHERE device_id > ? AND {_OUT_OF_DATE} "  # noqa: S608 - constants
    "ORDER BY device_id LIMIT ?"
)
_PHOTOGRAPHED: Final = "EXISTS (SELECT 1 FROM photograph WHERE photograph.incident_id = incident.id)"
_INCIDENTS: Final = (
    "SELECT id, device_id FROM incident "  # noqa: S608 - constants
    f"WHERE id > ? AND state = 'closed' AND (({_OVER} < ? AND (latitude IS NOT NULL OR told_latitude IS NOT NULL)) "
    f"OR ({_OVER} < ? AND (note IS NOT NULL OR {_PHOTOGRAPHED}))) AND NOT {WAITS} ORDER BY id LIMIT ?"
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
# What an erasure by a gateway of a version before knows nothing of, and so leaves.
_ERASED: Final = "(SELECT id FROM owner WHERE erased_at_ms IS NOT NULL)"
_NUMBERS_LEFT: Final = (
    f"SELECT device_id FROM device WHERE sim_number IS NOT NULL AND owner_id IN {_ERASED} ORDER BY device_id LIMIT ?"  # noqa: S608
)
_CONSENTS_LEFT: Final = f"SELECT id FROM owner_consent WHERE owner_id IN {_ERASED} ORDER BY id LIMIT ?"  # noqa: S608
_TOLD_OF: Final = ("owner_profile", "owner_photograph")  # what is told beside a registration
_TOLD_LEFT: Final = tuple(
    f"SELECT owner_id FROM {table} WHERE owner_id IN {_ERASED} ORDER BY owner_id LIMIT ?"  # noqa: S608
    for table in _TOLD_OF
)
_WRITTEN_LEFT: Final = (
    "SELECT incident_id FROM desk_message WHERE incident_id IN "  # noqa: S608
    f"(SELECT id FROM incident WHERE owner_id IN {_ERASED}) ORDER BY incident_id LIMIT ?"
)
_STRANGERS: Final = "SELECT count(*) FROM quarantine WHERE last_seen_ms < ?"


class ErasureWriting(RegistryWriting):
    """Implements service.store.expiry.ErasureWriting."""

    def take_over_positions(self, device_ids: Collection[bytes]) -> None:
        among, parameters = self._writing.among("device_status", "device_id", device_ids)
        self._run(_TAKE_OVER.format(among=among), parameters)
        self._run(f"{NOT_LEFT} AND {among}", parameters)

    def forget_last_positions(self, device_ids: Collection[bytes], age: LastPositionAge) -> int:
        among, parameters = self._writing.among("last_position", "device_id", device_ids)
        return self._run(
            f"DELETE FROM last_position WHERE {_OUT_OF_DATE} AND {among}",  # noqa: S608
            (*_values(age), *parameters),
        )

    def forget_days(self, before_day: int, after_day: int, limit: int) -> int:
        for condition, day in (("day < ?", before_day), ("day > ?", after_day)):
            gone = self._run(
                "DELETE FROM device_day WHERE (day, device_id) IN (SELECT day, device_id FROM device_day "  # noqa: S608
                f"WHERE {condition} ORDER BY day, device_id LIMIT ?)",
                (day, limit),
            )
            if gone:
                return gone
        return 0

    def forget_hours(self, device_ids: Collection[bytes], before_day: int, after_day: int) -> int:
        among, parameters = self._writing.among("device_status", "device_id", device_ids)
        return self._run(
            f"UPDATE device_status SET hours = NULL WHERE hours IS NOT NULL AND (day < ? OR day > ?) AND {among}",  # noqa: S608
            (before_day, after_day, *parameters),
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
        if noted:
            among, parameters = self._writing.among("photograph", "incident_id", noted)
            self._session.run(f"DELETE FROM photograph WHERE {among}", parameters)  # noqa: S608
        self._forget_in_notices(old, _PLACES)
        self._forget_in_notices(noted, frozenset({"note"}))
        return moved, unsaid

    def forget_strangers(self, before_ms: int, limit: int) -> int:
        # The time is asked for twice: who is heard meanwhile stays.
        return self._run(
            "DELETE FROM quarantine WHERE last_seen_ms < ? AND device_id IN (SELECT device_id FROM quarantine "
            "WHERE last_seen_ms < ? ORDER BY last_seen_ms LIMIT ?)",
            (before_ms, before_ms, limit),
        )

    def forget_left(self, device_ids: Collection[bytes], limit: int) -> int:
        gone = 0
        if device_ids:
            version = self._next_registry_version()
            among, parameters = self._writing.among("device", "device_id", device_ids)
            gone = self._run(
                "UPDATE device SET sim_number = NULL, changed = ? "  # noqa: S608
                f"WHERE sim_number IS NOT NULL AND owner_id IN {_ERASED} AND {among}",
                (version, *parameters),
            )
        for table, left in zip(_TOLD_OF, _TOLD_LEFT, strict=True):
            gone += self._run(f"DELETE FROM {table} WHERE owner_id IN ({left})", (limit,))  # noqa: S608
        gone += self._run(f"DELETE FROM desk_message WHERE incident_id IN ({_WRITTEN_LEFT})", (limit,))  # noqa: S608
        return gone + self._run(f"DELETE FROM owner_consent WHERE id IN ({_CONSENTS_LEFT})", (limit,))  # noqa: S608

    def add_untold(self, actor: str | None, counts: Mapping[str, int], at_ms: int) -> None:
        told = self._untold()
        own = told.setdefault(actor or "", {})
        for what, count in counts.items():
            own[what] = own.get(what, 0) + count
        self.remember(UNTOLD, json_text(told))
        self.remember(TOUCHED, json_text({**self._touched(), actor or "": at_ms}))

    def untold(self) -> Mapping[str | None, int | None]:
        told, touched = self._untold(), self._touched()
        return {actor or None: touched.get(actor) for actor in told}

    def take_untold(self, actor: str | None) -> Mapping[str, int]:
        told = self._untold()
        taken = told.pop(actor or "", {})
        if taken:
            self.remember(UNTOLD, json_text(told))
            self.remember(TOUCHED, json_text({who: at_ms for who, at_ms in self._touched().items() if who in told}))
        return taken

    def _touched(self) -> dict[str, int]:
        """After `_untold`, whose lock is for this too. Beside it: an older gateway takes all there for counts."""
        kept = self._fetch("SELECT value FROM meta WHERE name = ?", (TOUCHED,))
        try:
            touched: dict[str, int] = json.loads(kept[0][0]) if kept else {}
        except ValueError:
            return {}
        return touched

    def _untold(self) -> dict[str, dict[str, int]]:
        self._run_aside("INSERT INTO meta (name, value) VALUES (?, '{}') ON CONFLICT DO NOTHING", (UNTOLD,))
        self._run_aside("UPDATE meta SET value = value WHERE name = ?", (UNTOLD,))  # its row is the lock
        kept = self._fetch("SELECT value FROM meta WHERE name = ?", (UNTOLD,))
        try:
            told: dict[str, dict[str, int]] = json.loads(kept[0][0])
        except ValueError:  # damaged: what is too old goes all the same
            return {}
        return told

    def erase_owner(self, owner_id: int, at_ms: int) -> Erased:
        # All that the store knows of a person but the evidence. Their devices stay, without labels and places, and no
        # suspension of theirs ends by itself.
        version = self._next_registry_version()
        self.flush()
        self._session.run("DELETE FROM code_words WHERE owner_id = ?", (owner_id,))
        rows = self._session.fetch("SELECT device_id FROM device WHERE owner_id = ?", (owner_id,))
        devices = [device_id for (device_id,) in rows]
        ids = [id_ for (id_,) in self._session.fetch(INCIDENT_IDS, (owner_id,))]
        self._session.run(
            "UPDATE owner SET name = '', nik = '', nik_index = ?, phone = '', address = '', key_id = '', "
            "station_key = NULL, erased_at_ms = ? WHERE id = ?",
            (f"erased.{owner_id}", at_ms, owner_id),
        )
        index_now(self._session, self._writing, self._sealing, (owner_id,))
        self._session.run(
            "UPDATE device SET label = ?, installed_latitude = NULL, installed_longitude = NULL, address = NULL, "
            "sim_number = NULL, suspended_until_ms = NULL, registrar_until_ms = NULL, changed = ? WHERE owner_id = ?",
            (NO_LABEL, version, owner_id),
        )
        self._session.run("DELETE FROM owner_case WHERE owner_id = ?", (owner_id,))
        for table in ("owner_consent", *_TOLD_OF):
            self._session.run(f"DELETE FROM {table} WHERE owner_id = ?", (owner_id,))  # noqa: S608 - tables of ours
        if devices:
            among, parameters = self._writing.among("device_status", "device_id", devices)
            self._session.run(f"UPDATE device_status SET hours = NULL WHERE {among}", parameters)  # noqa: S608
            self._session.run(f"{NOT_LEFT} AND {among}", parameters)
            among, parameters = self._writing.among("last_position", "device_id", devices)
            self._session.run(f"DELETE FROM last_position WHERE {among}", parameters)  # noqa: S608
            among, parameters = self._writing.among("device_day", "device_id", devices)
            self._session.run(
                f"DELETE FROM device_day WHERE {among} AND day IN ({DAYS}SELECT day FROM days)",  # noqa: S608
                parameters,
            )
            among, parameters = self._writing.among("maintenance", "device_id", devices)
            self._session.run(f"UPDATE maintenance SET note = NULL WHERE {among}", parameters)  # noqa: S608
        if ids:
            among, parameters = self._writing.among("incident", "id", ids)
            self._session.run(
                f"UPDATE incident SET {_NO_PLACES}, note = NULL, device_label = ? WHERE {among}",  # noqa: S608
                (NO_LABEL, *parameters),
            )
            among, parameters = self._writing.among("photograph", "incident_id", ids)
            self._session.run(f"DELETE FROM photograph WHERE {among}", parameters)  # noqa: S608
            among, parameters = self._writing.among("desk_message", "incident_id", ids)
            self._session.run(f"DELETE FROM desk_message WHERE {among}", parameters)  # noqa: S608
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

    def positions_left(self, after: bytes, limit: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch(_LEFT, (after, limit))]

    def expired_last_positions(self, age: LastPositionAge, after: bytes, limit: int) -> Sequence[bytes]:
        return [row[0] for row in self.fetch(_STATUSES, (after, *_values(age), limit))]

    def hours_after(
        self, before_day: int, after_day: int, after: bytes, limit: int
    ) -> tuple[Sequence[bytes], bytes | None]:
        rows = self.fetch(_HOURS, (before_day, after_day, after, limit))
        return [device_id for device_id, old in rows if old], rows[-1][0] if rows else None

    def expired_days(self, before_day: int, after_day: int) -> int:
        counted = "SELECT count(*) FROM device_day WHERE day < ? OR day > ?"
        count: int = self.fetch(counted, (before_day, after_day))[0][0]
        return count

    def expired_incidents(
        self, positions_before_ms: int, notes_before_ms: int, after: int, limit: int
    ) -> Sequence[tuple[int, bytes]]:
        rows = self.fetch(_INCIDENTS, (after, positions_before_ms, notes_before_ms, limit))
        return [(number, device_id) for number, device_id in rows]

    def expired_owners(self, before_ms: int, after: int, limit: int) -> Sequence[int]:
        rows = self.fetch(_OWNERS, (after, before_ms, before_ms, before_ms, limit))
        return [row[0] for row in rows]

    def left_of_erased(self, limit: int) -> tuple[Sequence[bytes], bool]:
        numbers = [row[0] for row in self.fetch(_NUMBERS_LEFT, (limit,))]
        return numbers, any(self.fetch(left, (1,)) for left in (_CONSENTS_LEFT, _WRITTEN_LEFT, *_TOLD_LEFT))

    def expired_strangers(self, before_ms: int) -> int:
        count: int = self.fetch(_STRANGERS, (before_ms,))[0][0]
        return count


def _values(age: LastPositionAge) -> Row:
    return (age.now_ms, age.checkin_s, age.least_ms, age.checkin_s, age.least_ms)
