"""Repairs references to lost rows: rebuilds the rows from what else is known, or removes the references."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from siaga_gateway.adapters.sql import notice_snapshots
from siaga_gateway.domain.audit_hashing import STORED, batch_digest, batch_facts, entry_text, next_hash
from siaga_gateway.domain.frame import FrameError, Kind, decode_uplink
from siaga_gateway.domain.frame_authentication import verify_enrol
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal

# Tables whose rows are a device's state, useless without the device.
_STATE: Final = ("device_status", "press", "command", "maintenance", "last_position", "device_day")
_STATES: Final = frozenset(RegistrationState)
_DISPOSITIONS: Final = frozenset(Disposition)
_LOST: Final = "lost"  # in place of an owner's index


@dataclass(slots=True)
class RepairedReferences:
    """What was rebuilt, and what had to go. Ids; device_ids in hex."""

    owners: list[int] = field(default_factory=list)  # of whom only the id is known
    devices: list[str] = field(default_factory=list)  # registered again by their own ENROL
    unregistered: list[str] = field(default_factory=list)  # must be enrolled again
    incidents: list[int] = field(default_factory=list)  # rebuilt from what outputs and the journal were told of them
    taken_out: dict[str, int] = field(default_factory=dict)  # rows by table


class ReferenceRepair:
    """For a new store, on a connection without foreign keys."""

    def __init__(self, connection: sqlite3.Connection, gateway: str, now_ms: int) -> None:
        """gateway: its name, with which incidents' identifiers begin."""
        self._store = connection
        self._gateway = gateway
        self._now_ms = now_ms
        self.mended = RepairedReferences()

    def run(self) -> RepairedReferences:
        self._meta()
        self._devices()
        self._owners()
        self._incidents()
        self._deliveries()
        self._statuses()
        self._head()
        self._rest()
        return self.mended

    def _all(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._store.execute(statement, parameters).fetchall()

    def _take_out(self, table: str, where: str, parameters: Sequence[Any] = ()) -> None:
        gone = self._store.execute(f"DELETE FROM {table} WHERE {where}", parameters).rowcount  # noqa: S608
        if gone:
            self.mended.taken_out[table] = self.mended.taken_out.get(table, 0) + gone

    def _meta(self) -> None:
        counted = ("registry", "outbox", "command", "places", "responders", "duty")
        for name, value in (*((each, "0") for each in counted), ("personal", "sealed")):
            self._store.execute("INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)", (name, value))
        self._store.execute(
            "UPDATE meta SET value = CAST(max(CAST(value AS INTEGER), (SELECT coalesce(max(changed), 0) FROM device)) "
            "AS TEXT) WHERE name = 'registry'"
        )
        for (key_id,) in self._all(
            "SELECT key_id FROM owner WHERE key_id <> '' GROUP BY key_id ORDER BY count(*) DESC"
        ):
            self._store.execute("INSERT OR IGNORE INTO meta (name, value) VALUES ('personal_key', ?)", (key_id,))

    # The registry

    def _devices(self) -> None:
        referring = ("event", "incident", *_STATE)
        asked = " UNION ".join(f"SELECT device_id FROM {table}" for table in referring)  # noqa: S608
        missing = self._all(
            f"SELECT device_id FROM ({asked}) WHERE device_id IS NOT NULL "  # noqa: S608
            "AND device_id NOT IN (SELECT device_id FROM device)"
        )
        # A registration without any other trace is in the journal.
        missing += self._all(
            "SELECT DISTINCT device_id FROM journal WHERE kind = ? AND device_id NOT IN (SELECT device_id FROM device)",
            (journal.ENROLLED,),
        )
        for (device_id,) in sorted(set(missing)):
            public_xy = self._key_of(device_id)
            if public_xy is not None:
                self._register(device_id, public_xy)
                self.mended.devices.append(device_id.hex())
                continue
            if self._all(
                "SELECT 1 FROM journal WHERE device_id = ? AND kind = ? LIMIT 1", (device_id, journal.ENROLLED)
            ):
                self.mended.unregistered.append(device_id.hex())
            for table in _STATE:
                self._take_out(table, "device_id = ?", (device_id,))
            self._take_out("event", "device_id = ?", (device_id,))
            # If its real button is known it is rebuilt below: a bit of this one's id was flipped.
            self._take_out("incident", "device_id = ?", (device_id,))

    def _key_of(self, device_id: bytes) -> bytes | None:
        """Return the key from an ENROL that it sent, which proves itself."""
        rows = self._all("SELECT frame FROM event WHERE device_id = ? AND kind = ?", (device_id, int(Kind.ENROL)))
        rows += self._all("SELECT enrol_frame FROM quarantine WHERE device_id = ?", (device_id,))
        for (frame,) in rows:
            if frame is None:
                continue
            try:
                uplink = decode_uplink(frame)
            except FrameError:
                continue
            if uplink.device_id == device_id and uplink.public_key is not None and verify_enrol(uplink):
                return uplink.public_key
        return None

    def _register(self, device_id: bytes, public_xy: bytes) -> None:
        owner_id, state, since_ms, enrolled_ms = 0, "active", self._now_ms, self._now_ms
        for kind, at_ms, text in self._all(
            "SELECT kind, at_ms, facts FROM journal WHERE device_id = ? AND kind IN (?, ?) ORDER BY id",
            (device_id, journal.ENROLLED, journal.REGISTRATION_CHANGED),
        ):
            facts = _facts(text)
            told_state = facts.get("state" if kind == journal.ENROLLED else "after")
            if str(told_state) in _STATES:
                state = str(told_state)
            if kind == journal.ENROLLED:
                told_owner, enrolled_ms = facts.get("owner_id"), at_ms
                owner_id = told_owner if isinstance(told_owner, int) and told_owner > 0 else 0
            since_ms = at_ms
        told = self._all(
            "SELECT owner_id, device_label FROM incident WHERE device_id = ? ORDER BY id DESC LIMIT 1", (device_id,)
        )
        owner_id, label = (owner_id or told[0][0] or 0, told[0][1]) if told else (owner_id, "")
        if not owner_id:
            owner_id = self._all("SELECT coalesce(max(id), 0) + 1 FROM owner")[0][0]
        self._store.execute(
            "INSERT INTO device "
            "(device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed, state_since_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'registry'), ?)",
            (device_id, public_xy, owner_id, state, label or device_id.hex(), enrolled_ms, since_ms),
        )

    def _owners(self) -> None:
        for (owner_id,) in self._all(
            "SELECT owner_id FROM device UNION SELECT owner_id FROM incident WHERE owner_id IS NOT NULL "
            "EXCEPT SELECT id FROM owner"
        ):
            self.mended.owners.append(owner_id)
            self._store.execute(
                "INSERT INTO owner (id, name, nik_index, phone, address, language, created_at_ms, erased_at_ms) "
                "VALUES (?, '', ?, '', '', 'id', ?, ?)",
                (owner_id, f"{_LOST}.{owner_id}", self._now_ms, self._now_ms),
            )

    # Incidents and their notices

    def _incidents(self) -> None:
        missing = self._all(
            "SELECT incident_id FROM event WHERE incident_id IS NOT NULL UNION SELECT incident_id FROM press "
            "UNION SELECT incident_id FROM journal WHERE incident_id IS NOT NULL UNION SELECT incident_id FROM notice "
            "EXCEPT SELECT id FROM incident"
        )
        for (incident_id,) in missing:
            # Incidents count from 1: another number is damage in whatever refers to it.
            row = (self._from_notice(incident_id) or self._from_events(incident_id)) if incident_id >= 1 else None
            if row is None:
                self._forget(incident_id)
                continue
            names = ", ".join(row)
            done = self._store.execute(
                f"INSERT OR IGNORE INTO incident ({names}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
                list(row.values()),
            )
            if done.rowcount:
                self.mended.incidents.append(incident_id)
            else:
                self._forget(incident_id)

    def _from_notice(self, incident_id: int) -> dict[str, Any] | None:
        """Rebuild from the outputs' last notice, plus what the journal knows."""
        for (text,) in self._all(
            "SELECT incident FROM notice WHERE incident_id = ? ORDER BY sequence DESC", (incident_id,)
        ):
            try:
                row = dict(zip(notice_snapshots.INCIDENT, notice_snapshots.row(text), strict=True))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            if row["id"] != incident_id or not self._all(
                "SELECT 1 FROM device WHERE device_id = ?", (row["device_id"],)
            ):
                continue
            row.update(self._end_of(incident_id))
            row["presses"] = max(row["presses"], self._presses(incident_id)[0])
            return row
        return None

    def _from_events(self, incident_id: int) -> dict[str, Any] | None:
        """Rebuild an incident of which only button, time and presses are known.

        It is open unless the journal says that it was closed or a test: a person will look at it.
        """
        found = self._all(
            "SELECT device_id, min(received_ms), min(counter) FROM event WHERE incident_id = ? GROUP BY device_id "
            "UNION ALL SELECT device_id, min(at_ms), 0 FROM journal WHERE incident_id = ? AND device_id IS NOT NULL "
            "GROUP BY device_id",
            (incident_id, incident_id),
        )
        devices = [row for row in found if self._all("SELECT 1 FROM device WHERE device_id = ?", (row[0],))]
        if not devices:
            return None
        device_id, opened_ms, counter = devices[0]
        label, owner_id, state = self._all(
            "SELECT label, owner_id, state FROM device WHERE device_id = ?", (device_id,)
        )[0]
        presses, last_press = self._presses(incident_id)
        test = bool(
            self._all("SELECT 1 FROM press WHERE incident_id = ? AND test = 1", (incident_id,))
            or self._all("SELECT 1 FROM journal WHERE incident_id = ? AND kind = ?", (incident_id, journal.TEST_PRESS))
        )
        row: dict[str, Any] = {
            "id": incident_id,
            "identifier": f"{self._gateway}-{incident_id}.{_LOST}",
            "mode": "test" if test else "actual",
            "state": "closed" if test else "open",
            "device_id": device_id,
            "device_label": label,
            "registration": state,
            "owner_id": owner_id,
            "opening_counter": counter,
            "opened_at_ms": opened_ms,
            "presses": max(presses, 1),
            "silent": 0,
            "duress": 0,
            "cancelled_by_holder": 0,
            "held": 0,
            "sequence": 1,
            "last_press": last_press,
        }
        if test:
            row["closed_at_ms"] = opened_ms
        row.update(self._end_of(incident_id))
        return row

    def _end_of(self, incident_id: int) -> dict[str, Any]:
        ends = self._all(
            "SELECT at_ms, actor, facts FROM journal WHERE incident_id = ? AND kind = ? ORDER BY id DESC LIMIT 1",
            (incident_id, journal.CLOSED),
        )
        if not ends:
            return {}
        at_ms, actor, facts = ends[0]
        corrected = self._all(
            "SELECT facts FROM journal WHERE incident_id = ? AND kind = ? ORDER BY id DESC LIMIT 1",
            (incident_id, journal.DISPOSITION_CORRECTED),
        )
        facts = corrected[0][0] if corrected else facts
        return {
            "state": "closed",
            "closed_at_ms": at_ms,
            "closed_by": actor,
            "disposition": told if (told := str(_facts(facts).get("disposition"))) in _DISPOSITIONS else None,
        }

    def _presses(self, incident_id: int) -> tuple[int, int]:
        """Return the number of its PRESSes, and their highest counter."""
        count, last = self._all(
            "SELECT count(*), coalesce(max(counter), 0) FROM event WHERE incident_id = ? AND kind = ?",
            (incident_id, int(Kind.PRESS)),
        )[0]
        return int(count), int(last)

    def _forget(self, incident_id: int) -> None:
        """Nothing is known of it: remove it."""
        self._take_out("attempt", "outbox_id IN (SELECT id FROM outbox WHERE incident_id = ?)", (incident_id,))
        for table in ("outbox", "notice", "press"):
            self._take_out(table, "incident_id = ?", (incident_id,))
        self._take_out("incident", "id = ?", (incident_id,))
        for table in ("event", "journal"):
            self._store.execute(f"UPDATE {table} SET incident_id = NULL WHERE incident_id = ?", (incident_id,))  # noqa: S608

    def _deliveries(self) -> None:
        self._take_out(
            "outbox",
            "NOT EXISTS (SELECT 1 FROM notice WHERE notice.incident_id = outbox.incident_id "
            "AND notice.sequence = outbox.sequence)",
        )
        self._take_out("attempt", "outbox_id NOT IN (SELECT id FROM outbox)")

    # Numbers that must not decrease

    def _statuses(self) -> None:
        """Restore the devices' counters: a stored frame above its highest counter would count as new."""
        self._store.execute(
            "INSERT OR IGNORE INTO device_status (device_id, first_counter, highest_counter, events, last_seen_ms, "
            "battery_counter, low_battery, tamper_open, external_power) "
            "SELECT device_id, min(counter), max(counter), count(DISTINCT counter), max(received_ms), -1, 0, 0, 0 "
            "FROM event GROUP BY device_id"
        )
        self._store.execute(
            "UPDATE device_status SET highest_counter = top FROM "
            "(SELECT device_id AS of, max(counter) AS top FROM event GROUP BY device_id) "
            "WHERE of = device_id AND top > highest_counter"
        )

    def _head(self) -> None:
        """Continue the chain after the highest known entry, and batches after the highest number."""
        last = self._all(
            "SELECT id, hash FROM journal WHERE hash IS NOT NULL UNION ALL SELECT id, hash FROM batch "
            "ORDER BY id DESC LIMIT 1"
        )
        head = self._all("SELECT id, hash FROM audit_head WHERE one = 1")
        number, hash_ = max([*last, *head, (0, bytes(32))], key=lambda link: int(link[0]))
        highest, used = self._all(
            "SELECT (SELECT coalesce(max(number), 0) FROM batch), (SELECT coalesce(max(batch), 0) FROM event)"
        )[0]
        if used > highest:
            number += 1
            digest = batch_digest([])
            text = entry_text(number, self._now_ms, STORED, None, None, None, batch_facts(used + 1, 0, digest), None)
            hash_ = next_hash(hash_, text)
            self._store.execute(
                "INSERT INTO batch (number, id, at_ms, events, digest, hash) VALUES (?, ?, ?, 0, ?, ?)",
                (used + 1, number, self._now_ms, digest, hash_),
            )
        self._store.execute("INSERT OR REPLACE INTO audit_head (one, id, hash) VALUES (1, ?, ?)", (number, hash_))

    def _rest(self) -> None:
        self._store.execute("UPDATE maintenance SET fold = NULL WHERE fold NOT IN (SELECT id FROM maintenance)")
        self._take_out("down_counter", "device_id NOT IN (SELECT device_id FROM device)")
        for table, rowid, *_ in self._all("PRAGMA foreign_key_check"):
            if rowid is not None:
                self._take_out(table, "rowid = ?", (rowid,))


def _facts(text: str) -> dict[str, Any]:
    """Return an entry's facts; empty if damaged: the chain shows that the entry is."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
