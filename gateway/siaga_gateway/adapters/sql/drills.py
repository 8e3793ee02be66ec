"""Drills in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.adapters.sql.incidents import SELECT as INCIDENTS
from siaga_gateway.adapters.sql.incidents import sound_incidents
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Columns, Layout
from siaga_gateway.adapters.sql.rows import DEVICE, columns, device_of
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.store.drills import DrillButton


def _buttons_text(buttons: tuple[bytes, ...]) -> str:
    return orjson.dumps([each.hex() for each in buttons]).decode()


def _buttons_of(text: str) -> tuple[bytes, ...]:
    found: list[str] = orjson.loads(text)
    return tuple(bytes.fromhex(each) for each in found)


def _contacts_text(contacts: tuple[str, ...]) -> str:
    return orjson.dumps(contacts).decode()


def _contacts_of(text: str) -> tuple[str, ...]:
    found: list[Any] = orjson.loads(text)
    return tuple(str(each) for each in found)


LAYOUT: Final = Layout(
    Drill,
    {
        "buttons": Columns(("buttons",), _buttons_text, _buttons_of),
        "contacts": Columns(("contacts",), _contacts_text, _contacts_of),
    },
)
_LAST: Final = "drill.last"  # its number is never used again, also when it is forgotten
_SELECT: Final = f"SELECT {columns(LAYOUT.names)} FROM drill"  # noqa: S608 - constants
_PUT: Final = Insert("drill", LAYOUT.names, ("id",))
_OF: Final = f"{_SELECT} WHERE id = ?"
_ALL: Final = f"{_SELECT} ORDER BY id DESC LIMIT ?"
# Worded like the partial index.
UNENDED: Final = f"{_SELECT} WHERE ended_ms IS NULL ORDER BY ends_ms"
_MEMBERS: Final = f"{INCIDENTS} WHERE incident.drill = ? ORDER BY incident.id"
# Worded like the partial index.
OPEN: Final = (
    f"{INCIDENTS} WHERE incident.drill IS NOT NULL AND incident.mode = 'exercise' AND incident.state <> 'closed'"
)
_BUTTONS: Final = (
    f"SELECT {columns(DEVICE, 'device')}, last_position.latitude, last_position.longitude "  # noqa: S608
    "FROM device LEFT JOIN last_position ON last_position.device_id = device.device_id"
)


class DrillWriting(WriteBatch):
    """Implements service.store.drills.DrillWriting."""

    def next_drill_id(self) -> int:
        self._run(
            "INSERT INTO meta (name, value) SELECT ?, CAST(coalesce(max(id), 0) AS TEXT) FROM drill WHERE true "
            "ON CONFLICT DO NOTHING",
            (_LAST,),
        )
        # The row is locked from here on: who orders another drill now waits.
        self._run("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = ?", (_LAST,))
        return int(self._fetch("SELECT value FROM meta WHERE name = ?", (_LAST,))[0][0])

    def put_drill(self, drill: Drill) -> None:
        self.touched = True
        self.flush()
        self._session.insert(_PUT, [LAYOUT.row(drill)])

    def unended_drills(self) -> Sequence[Drill]:
        return LAYOUT.sound(self._fetch(UNENDED), "drill")


def _place(latitude: int | None, longitude: int | None) -> tuple[int, int] | None:
    return None if latitude is None or longitude is None else (latitude, longitude)


class DrillReading(Reads):
    """Implements service.store.drills.DrillReading."""

    def drill_buttons(self, device_ids: Collection[bytes] | None = None) -> Sequence[DrillButton]:
        if device_ids is None:
            rows = self.fetch(_BUTTONS)
        elif device_ids:
            among, parameters = self.writing.among("device", "device_id", device_ids)
            rows = self.fetch(f"{_BUTTONS} WHERE {among}", parameters)
        else:
            rows = []
        return [DrillButton(device_of(row), _place(*row[len(DEVICE) :])) for row in rows]

    def drills(self, limit: int = 50) -> Sequence[Drill]:
        return LAYOUT.sound(self.fetch(_ALL, (limit,)), "drill")

    def drill(self, drill_id: int) -> Drill | None:
        found = LAYOUT.sound(self.fetch(_OF, (drill_id,)), "drill")
        return found[0] if found else None

    def unended_drills(self) -> Sequence[Drill]:
        return LAYOUT.sound(self.fetch(UNENDED), "drill")

    def open_exercises(self) -> Sequence[Incident]:
        return sound_incidents(self, OPEN)

    def incidents_of_drill(self, drill_id: int) -> Sequence[Incident]:
        return sound_incidents(self, _MEMBERS, (drill_id,))
