"""The conditions of a search over past incidents, each of which an index of its own finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.text_search import ids_beginning, part_of
from siaga_gateway.service.store.incident_search import IncidentSearch

# Written out and not a parameter: only so does the engine know that a partial index holds.
_OF_MODE: Final = "incident.mode = '{}'"
# Numbers grow with time, but for a clock that was set: those of the first and the last bound what is looked through.
_IN_TIME: Final = "opened_at_ms >= ? AND opened_at_ms < ?"
_OPENED: Final = (
    f"incident.{_IN_TIME} AND incident.id >= (SELECT min(id) FROM incident WHERE {_IN_TIME}) "  # noqa: S608 - constants
    f"AND incident.id <= (SELECT max(id) FROM incident WHERE {_IN_TIME})"
)
_END: Final = 2**63 - 1
# Kept with the call's figures, and beyond them.
_STATION: Final = (
    "incident.id IN (SELECT incident_id FROM incident_figures WHERE station = ? "
    "UNION SELECT incident_id FROM incident_station WHERE station = ?)"
)
# Each label once, from the index: there are far fewer of them than incidents.
_LABELS: Final = (
    "WITH RECURSIVE known (label) AS (SELECT min(device_label) FROM incident UNION ALL "
    "SELECT (SELECT min(device_label) FROM incident WHERE device_label > known.label) "
    "FROM known WHERE known.label IS NOT NULL) "
    "SELECT label FROM known WHERE lower(label) LIKE ? ESCAPE '\\'"
)
_LABELLED: Final = f"SELECT id FROM incident WHERE device_label IN ({_LABELS})"  # noqa: S608
_OF_DEVICE: Final = "SELECT id FROM incident WHERE device_id BETWEEN ? AND ?"


def found_where(wanted: IncidentSearch) -> tuple[str, Sequence[Any]]:
    """Return what follows a first condition, and its values."""
    where, values = list[str](), list[Any]()
    if wanted.from_ms is not None or wanted.to_ms is not None:
        opened = (wanted.from_ms or 0, _END if wanted.to_ms is None else wanted.to_ms)
        where.append(_OPENED)
        values += opened * 3
    if wanted.disposition is not None:
        where.append("incident.disposition = ?")
        values.append(wanted.disposition)
    if wanted.mode is not None:
        where.append(_OF_MODE.format(wanted.mode.value))
    if wanted.station is not None:
        where.append(_STATION)
        values += [wanted.station, wanted.station]
    if wanted.text:
        among, pattern = [_LABELLED], list[Any]([part_of(wanted.text)])
        if (between := ids_beginning(wanted.text)) is not None:
            among.append(_OF_DEVICE)
            pattern += between
        where.append(f"incident.id IN ({' UNION '.join(among)})")
        values += pattern
    return "".join(f" AND {each}" for each in where), values
