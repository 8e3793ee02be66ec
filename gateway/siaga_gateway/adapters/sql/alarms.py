"""Alarm levels in the store, and what they are judged from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.cluster import OpenCall
from siaga_gateway.domain.incident import Disposition
from siaga_gateway.domain.triage import Alarm, Effect, Reason, Sign
from siaga_gateway.service.store.alarms import NearCall

_PUT: Final = (
    "INSERT INTO alarm (incident_id, level, reasons) VALUES (?, ?, ?) "
    "ON CONFLICT (incident_id) DO UPDATE SET level = excluded.level, reasons = excluded.reasons"
)
# As domain/drill.py, is_exercise.
IN_EARNEST: Final = "(drill IS NULL OR mode <> 'exercise')"
# Worded like the partial index.
ENDED: Final = (
    "SELECT disposition, closed_at_ms FROM incident WHERE owner_id = ? AND closed_at_ms >= ? "  # noqa: S608 - constants
    "AND state = 'closed' AND mode <> 'test' AND disposition IS NOT NULL "
    f"AND {IN_EARNEST} ORDER BY closed_at_ms, id"
)
_WITHIN: Final = (
    "SELECT id, owner_id, device_id, latitude, longitude, opened_at_ms FROM incident WHERE state <> 'closed' "  # noqa: S608
    f"AND mode <> 'test' AND {IN_EARNEST} AND latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ? ORDER BY id"
)
_OPEN: Final = (
    "SELECT id, latitude, longitude, opened_at_ms, cluster, alone FROM incident WHERE state <> 'closed' "  # noqa: S608
    f"AND mode <> 'test' AND {IN_EARNEST} AND latitude IS NOT NULL ORDER BY id"
)


_DISPOSITIONS: Final = {each.value: each for each in Disposition}


class AlarmWriting(WriteBatch):
    """Implements service.store.alarms.AlarmWriting."""

    def put_alarm(self, incident_id: int, alarm: Alarm) -> None:
        reasons = [(each.sign.value, each.effect.value, each.count) for each in alarm.reasons]
        self._run_aside(_PUT, (incident_id, alarm.level, orjson.dumps(reasons).decode()))

    def has_members(self, cluster: int) -> bool:
        return bool(self._fetch("SELECT 1 FROM incident WHERE cluster = ? LIMIT 1", (cluster,)))


class AlarmReading(Reads):
    """Implements service.store.alarms.AlarmReading."""

    def alarms(self, incident_ids: Collection[int]) -> Mapping[int, Alarm]:
        if not incident_ids:
            return {}
        among, parameters = self.writing.among("alarm", "incident_id", list(incident_ids))
        rows = self.fetch(f"SELECT incident_id, level, reasons FROM alarm WHERE {among}", parameters)  # noqa: S608
        return {incident_id: Alarm(level, _reasons(text)) for incident_id, level, text in rows}

    def ended_calls(self, owner_id: int, since_ms: int) -> Sequence[tuple[Disposition, int]]:
        rows = self.fetch(ENDED, (owner_id, since_ms))
        return ended_of(rows)

    def calls_within(self, south_west: tuple[int, int], north_east: tuple[int, int]) -> Sequence[NearCall]:
        (south, west), (north, east) = south_west, north_east
        return [
            NearCall(number, bytes(device) if owner is None else owner, (latitude, longitude), opened_ms)
            for number, owner, device, latitude, longitude, opened_ms in self.fetch(_WITHIN, (south, north, west, east))
        ]

    def open_calls(self) -> Sequence[OpenCall]:
        return [
            OpenCall(number, (latitude, longitude), opened_ms, cluster, bool(alone))
            for number, latitude, longitude, opened_ms, cluster, alone in self.fetch(_OPEN, ())
        ]


def ended_of(rows: Sequence[Row]) -> list[tuple[Disposition, int]]:
    """Return what ENDED found. A disposition that a later version gave, or that is damaged, counts for nothing: it
    stops no other call."""
    return [(_DISPOSITIONS[row[0]], row[1]) for row in rows if row[0] in _DISPOSITIONS]


def _reasons(text: str) -> tuple[Reason, ...]:
    """A reason that a later version gave, or that is damaged, is left out: the level stands."""
    try:
        found: list[list[Any]] = orjson.loads(text)
        signs, effects = set(Sign), set(Effect)
        return tuple(
            Reason(Sign(sign), Effect(effect), count)
            for sign, effect, count in found
            if sign in signs and effect in effects
        )
    except (ValueError, TypeError):
        return ()
