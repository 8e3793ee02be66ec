"""What expires or is erased: statements over what is known of people. Frames and the journal are never touched."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from siaga_gateway.adapters.sql import snapshots
from siaga_gateway.adapters.sql.engine import Row, Session, Writing
from siaga_gateway.adapters.sql.snapshots import POSITION
from siaga_gateway.service.store import Erased

_TOLD: Final = ("told_latitude", "told_longitude", "told_accuracy_m")
_PLACES: Final = frozenset((*POSITION, *_TOLD))
NO_LABEL: Final = "-"
_NO_POSITION: Final = ", ".join(f"{name} = NULL" for name in POSITION)
_NO_PLACES: Final = ", ".join(f"{name} = NULL" for name in (*POSITION, *_TOLD))
# Since when an incident is over; a test is over from its birth.
_OVER: Final = "coalesce(incident.closed_at_ms, incident.opened_at_ms)"
_WAITS: Final = "EXISTS (SELECT 1 FROM outbox WHERE outbox.incident_id = incident.id AND outbox.state = 'pending')"

# For reading, see service.store.Store
STATUSES: Final = (
    "SELECT device_id FROM device_status WHERE device_id > ? AND position_at_ms < ? ORDER BY device_id LIMIT ?"
)
INCIDENTS: Final = (
    "SELECT id, device_id FROM incident "  # noqa: S608 - constants
    f"WHERE id > ? AND state = 'closed' AND (({_OVER} < ? AND (latitude IS NOT NULL OR told_latitude IS NOT NULL)) "
    f"OR ({_OVER} < ? AND note IS NOT NULL)) AND NOT {_WAITS} ORDER BY id LIMIT ?"
)
OWNERS: Final = (
    "SELECT owner.id FROM owner WHERE owner.id > ? AND owner.erased_at_ms IS NULL AND owner.created_at_ms < ? "  # noqa: S608
    "AND NOT EXISTS (SELECT 1 FROM device WHERE device.owner_id = owner.id AND NOT ("
    "(device.state IN ('expired', 'removed') AND device.state_since_ms < ?) "
    "OR (device.state = 'active' AND device.valid_until_ms IS NOT NULL AND device.valid_until_ms < ?))) "
    "AND NOT EXISTS (SELECT 1 FROM device JOIN incident ON incident.device_id = device.device_id "
    f"WHERE device.owner_id = owner.id AND (incident.state <> 'closed' OR {_WAITS})) "
    "ORDER BY owner.id LIMIT ?"
)
STRANGERS: Final = "SELECT count(*) FROM quarantine WHERE last_seen_ms < ?"
# Of one owner: what stands in the way of erasing, and what there is to tell.
UNDER_WAY: Final = (
    "SELECT incident.id FROM device JOIN incident ON incident.device_id = device.device_id "  # noqa: S608
    f"WHERE device.owner_id = ? AND (incident.state <> 'closed' OR {_WAITS}) ORDER BY incident.id"
)
# By the events of their devices, for which there is an index.
INCIDENT_IDS: Final = (
    "SELECT DISTINCT event.incident_id FROM device JOIN event ON event.device_id = device.device_id "
    "WHERE device.owner_id = ? AND event.incident_id IS NOT NULL"
)


def statuses(session: Session, writing: Writing, device_ids: Collection[bytes], before_ms: int) -> int:
    among, parameters = writing.among("device_status", "device_id", device_ids)
    return session.run(
        f"UPDATE device_status SET {_NO_POSITION} WHERE position_at_ms < ? AND {among}",  # noqa: S608
        (before_ms, *parameters),
    )


def incidents(
    session: Session, writing: Writing, ids: Collection[int], positions_before_ms: int, notes_before_ms: int
) -> tuple[int, int]:
    """How many lost their positions, and how many their note; their notices lose the same."""
    among, parameters = writing.among("incident", "id", ids)
    where = f"WHERE state = 'closed' AND {_OVER} < ? AND {among}"
    old = {id_ for (id_,) in session.fetch(f"SELECT id FROM incident {where}", (positions_before_ms, *parameters))}  # noqa: S608
    noted = {id_ for (id_,) in session.fetch(f"SELECT id FROM incident {where}", (notes_before_ms, *parameters))}  # noqa: S608
    moved = session.run(
        f"UPDATE incident SET {_NO_PLACES} {where} "  # noqa: S608
        "AND (latitude IS NOT NULL OR told_latitude IS NOT NULL)",
        (positions_before_ms, *parameters),
    )
    unsaid = session.run(
        f"UPDATE incident SET note = NULL {where} AND note IS NOT NULL",  # noqa: S608
        (notes_before_ms, *parameters),
    )
    _notices(session, writing, old, _PLACES)
    _notices(session, writing, noted, frozenset({"note"}))
    return moved, unsaid


def strangers(session: Session, before_ms: int) -> int:
    return session.run("DELETE FROM quarantine WHERE last_seen_ms < ?", (before_ms,))


def owner(session: Session, writing: Writing, owner_id: int, at_ms: int, version: int) -> Erased:
    """All that the store knows of a person but the evidence. Their devices stay, without labels and places."""
    devices = [
        device_id for (device_id,) in session.fetch("SELECT device_id FROM device WHERE owner_id = ?", (owner_id,))
    ]
    ids = [id_ for (id_,) in session.fetch(INCIDENT_IDS, (owner_id,))]
    session.run(
        "UPDATE owner SET name = '', nik = '', nik_index = ?, phone = '', address = '', key_id = '', erased_at_ms = ? "
        "WHERE id = ?",
        (f"erased.{owner_id}", at_ms, owner_id),
    )
    session.run(
        "UPDATE device SET label = ?, installed_latitude = NULL, installed_longitude = NULL, changed = ? "
        "WHERE owner_id = ?",
        (NO_LABEL, version, owner_id),
    )
    if devices:
        among, parameters = writing.among("device_status", "device_id", devices)
        session.run(f"UPDATE device_status SET {_NO_POSITION} WHERE {among}", parameters)  # noqa: S608
        among, parameters = writing.among("maintenance", "device_id", devices)
        session.run(f"UPDATE maintenance SET note = NULL WHERE {among}", parameters)  # noqa: S608
    if ids:
        among, parameters = writing.among("incident", "id", ids)
        session.run(
            f"UPDATE incident SET {_NO_PLACES}, note = NULL, device_label = ? WHERE {among}",  # noqa: S608
            (NO_LABEL, *parameters),
        )
        _notices(session, writing, ids, _PLACES | {"note"}, label=NO_LABEL)
    return Erased(tuple(devices), tuple(ids))


def _notices(
    session: Session, writing: Writing, ids: Collection[int], without: frozenset[str], label: str | None = None
) -> None:
    """Take these out of the notices of these incidents."""
    if not ids:
        return
    among, parameters = writing.among("notice", "incident_id", ids)
    changes: dict[str, str | None] = dict.fromkeys(without)
    if label is not None:
        changes["device_label"] = label
    changed: list[Row] = []
    for incident_id, sequence, text in session.fetch(
        f"SELECT incident_id, sequence, incident FROM notice WHERE {among}",  # noqa: S608
        parameters,
    ):
        after = snapshots.changed(text, changes)
        if after is not None:
            changed.append((after, incident_id, sequence))
    if changed:
        session.many("UPDATE notice SET incident = ? WHERE incident_id = ? AND sequence = ?", changed)
