"""Records of calls in the store, read by index and page by page; and for how long buttons were silent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.call_record import CallFacts, CallRecord
from siaga_gateway.service.store.figures import Registered, Silence

_PUT: Final = Insert("incident_figures", CallRecord._fields, ("incident_id",))
_SELECT: Final = f"SELECT {columns(CallRecord._fields)} FROM incident_figures"  # noqa: S608 - constants
_OLD: Final = (
    "SELECT incident_id FROM incident_figures WHERE opened_at_ms < ? ORDER BY opened_at_ms, incident_id LIMIT ?"
)
_STATION_OF_OLD: Final = (
    "SELECT incident_id, station FROM incident_figures "  # noqa: S608 - constants
    f"WHERE incident_id IN ({_OLD}) AND station IS NOT NULL"
)
_KEEP_STATION: Final = "INSERT INTO incident_station (incident_id, station) {} ON CONFLICT (incident_id) DO NOTHING"
_FACTS: Final = "id, opened_at_ms, mode, pressed_at_ms, presses, closed_at_ms, disposition"
OPENED: Final = (
    f"{_SELECT} WHERE (opened_at_ms, incident_id) > (?, ?) AND opened_at_ms >= ? AND opened_at_ms < ? "
    "ORDER BY opened_at_ms, incident_id LIMIT ?"
)
# A button serves from its enrolment until its registration ends, as far as that is within the time.
_FROM: Final = "CASE WHEN device.enrolled_at_ms > ? THEN device.enrolled_at_ms ELSE ? END"
_ENDED: Final = (
    "CASE WHEN device.state NOT IN ('active', 'pending') THEN device.state_since_ms "
    "WHEN device.valid_until_ms IS NOT NULL AND device.valid_until_ms < ? THEN device.valid_until_ms ELSE ? END"
)
_SERVED: Final = (
    "SELECT owner.station_key AS station, "  # noqa: S608
    f"{_FROM} AS begun, {_ENDED} AS ended FROM device JOIN owner ON owner.id = device.owner_id"
)
_REGISTERED: Final = (
    "SELECT station, count(*), CAST(sum((CASE WHEN ended < ? THEN ended ELSE ? END) - begun) AS BIGINT) "  # noqa: S608
    f"FROM ({_SERVED}) AS served WHERE ended > begun AND begun < ? GROUP BY station ORDER BY station"
)
# A case's level is the silence, in seconds, when it was opened, or when a person closed it.
_SINCE: Final = (
    "(CASE WHEN maintenance.closed_by IS NULL THEN maintenance.opened_ms ELSE maintenance.closed_ms END) "
    "- 1000 * CAST(maintenance.level AS BIGINT)"
)
_SILENT: Final = (
    f"SELECT owner.station_key, maintenance.device_id, {_SINCE}, maintenance.gone_ms FROM maintenance "  # noqa: S608
    "JOIN device ON device.device_id = maintenance.device_id JOIN owner ON owner.id = device.owner_id "
    "WHERE maintenance.cause = 'silent' AND maintenance.device_id IS NOT NULL AND "
    f"{_SINCE} < ? AND "
)
SILENT: Final = f"{_SILENT} maintenance.gone_ms > ? UNION ALL {_SILENT} maintenance.gone_ms IS NULL"


class FigureWriting(WriteBatch):
    """Implements service.store.figures.FigureWriting."""

    def put_call_records(self, records: Collection[CallRecord]) -> None:
        if records:
            self.touched = True
            self.flush()
            self._session.insert(_PUT, list(records))

    def put_call_stations(self, stations: Mapping[int, str]) -> None:
        if stations:
            self.touched = True
            self.flush()
            self._session.many(_KEEP_STATION.format("VALUES (?, ?)"), list(stations.items()))

    def forget_call_records(self, before_ms: int, limit: int) -> int:
        old = (before_ms, limit)
        known = (
            f"SELECT incident_id, station FROM incident_figures WHERE incident_id IN ({_OLD}) AND station IS NOT NULL"  # noqa: S608
        )
        self._run(_KEEP_STATION.format(known), old)
        return self._run(f"DELETE FROM incident_figures WHERE incident_id IN ({_OLD})", old)  # noqa: S608


class FigureReading(Reads):
    """Implements service.store.figures.FigureReading."""

    def call_facts(self, incident_ids: Collection[int]) -> Mapping[int, CallFacts]:
        if not incident_ids:
            return {}
        among, parameters = self.writing.among("incident", "id", list(incident_ids))
        rows = self.fetch(f"SELECT {_FACTS} FROM incident WHERE mode <> 'test' AND {among}", parameters)  # noqa: S608
        return {row[0]: CallFacts._make(row) for row in rows}

    def call_records(self, incident_ids: Collection[int]) -> Mapping[int, CallRecord]:
        if not incident_ids:
            return {}
        among, parameters = self.writing.among("incident_figures", "incident_id", list(incident_ids))
        return {row[0]: CallRecord._make(row) for row in self.fetch(f"{_SELECT} WHERE {among}", parameters)}

    def calls_opened(self, from_ms: int, to_ms: int, after: tuple[int, int], limit: int) -> Sequence[CallRecord]:
        return [CallRecord._make(row) for row in self.fetch(OPENED, (*after, from_ms, to_ms, limit))]

    def expired_call_records(self, before_ms: int) -> int:
        count: int = self.fetch("SELECT count(*) FROM incident_figures WHERE opened_at_ms < ?", (before_ms,))[0][0]
        return count

    def registered_buttons(self, from_ms: int, to_ms: int) -> Sequence[Registered]:
        rows = self.fetch(_REGISTERED, (to_ms, to_ms, from_ms, from_ms, to_ms, to_ms, to_ms))
        return [Registered._make(row) for row in rows]

    def silences(self, from_ms: int, to_ms: int) -> Sequence[Silence]:
        return [Silence._make(row) for row in self.fetch(SILENT, (to_ms, from_ms, to_ms))]
