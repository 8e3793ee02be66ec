"""Snapshots of incidents, stored with each notice: the row as one text."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.adapters.sql.row_layout import Columns, Layout, optional
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress

POSITION_COLUMNS: Final = Layout(
    Position, {"source": Columns(("position_source",)), "at_ms": Columns(("position_at_ms",))}
).nested()
POSITION: Final = POSITION_COLUMNS.names
_NO_PLACE: Final = (None, None, None)


def _units_text(units: tuple[UnitOnCall, ...]) -> str | None:
    if not units:
        return None
    kept = [(each.name, each.eta_minutes, each.since_ms, each.progress.value) for each in units]
    text: str = orjson.dumps(kept).decode()
    return text


def _units_of(text: str | None) -> tuple[UnitOnCall, ...]:
    if text is None:
        return ()
    found: list[list[Any]] = orjson.loads(text)
    return tuple(UnitOnCall(name, eta, since_ms, UnitProgress(progress)) for name, eta, since_ms, progress in found)


# The owner by id only; the note encrypted, by whoever has the keys.
INCIDENT_LAYOUT: Final = Layout(
    Incident,
    {
        "owner": Columns(("owner_id",), optional(attrgetter("id"))),
        "position": POSITION_COLUMNS,
        "told_place": Columns(
            ("told_latitude", "told_longitude", "told_accuracy_m"),
            lambda place: place or _NO_PLACE,
            lambda row: None if row[0] is None else row,
        ),
        "units": Columns(("units",), _units_text, _units_of),
    },
)
# The order in snapshots: append only.
INCIDENT: Final = INCIDENT_LAYOUT.names
_ID_AT: Final = INCIDENT.index("device_id")


def packed(row: Row) -> str:
    """Encode a row in the order of INCIDENT as a JSON array, device_id in hex.

    The owner is in it by id only, so that an erasure covers it.
    """
    text: str = orjson.dumps(row, default=bytes.hex).decode()
    return text


def fields(text: str) -> dict[str, Any]:
    """Return a snapshot's fields by name; device_id in hex. Older versions stored an object, without NULL values."""
    kept: list[Any] | dict[str, Any] = orjson.loads(text)
    return kept if isinstance(kept, dict) else dict(zip(INCIDENT, kept, strict=False))


def row(text: str) -> Row:
    """Decode what `packed` made. Fields that older versions did not store get the class's defaults."""
    kept: list[Any] | dict[str, Any] = orjson.loads(text)
    if isinstance(kept, dict):
        kept = [kept.get(name, absent) for name, absent in zip(INCIDENT, INCIDENT_LAYOUT.absent, strict=True)]
    kept[_ID_AT] = bytes.fromhex(kept[_ID_AT])
    return (*kept, *INCIDENT_LAYOUT.absent[len(kept) :])


def changed(text: str, changes: Mapping[str, Any]) -> str | None:
    """Return the snapshot with changed values; None: nothing to change."""
    kept = fields(text)
    new = {name: value for name, value in changes.items() if kept.get(name) not in (None, value)}
    if not new:
        return None
    kept.update(new)
    whole = [kept.get(name, absent) for name, absent in zip(INCIDENT, INCIDENT_LAYOUT.absent, strict=True)]
    made: str = orjson.dumps(whole).decode()
    return made
