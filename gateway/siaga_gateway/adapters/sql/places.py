"""Stations and areas in the store: few, written seldom, read whole."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.engine import Insert
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Columns, Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import CHANGED, WriteBatch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.jurisdiction import Jurisdiction
from siaga_gateway.domain.opening_hours import parsed, written
from siaga_gateway.domain.places import Contact, ContactWay, Station

log = logging.getLogger(__name__)


def _contacts_text(contacts: tuple[Contact, ...]) -> str:
    return orjson.dumps([(contact.way.value, contact.address) for contact in contacts]).decode()


def _contacts_of(text: str) -> tuple[Contact, ...]:
    pairs: list[Any] = orjson.loads(text)
    return tuple(Contact(ContactWay(way), address) for way, address in pairs)


_STATION: Final = Layout(
    Station,
    {
        "key": Columns(("station_key",)),
        "contacts": Columns(("contacts",), _contacts_text, _contacts_of),
        "hours": Columns(("hours",), written, parsed),
    },
)
_AREA: Final = Layout(Jurisdiction)
_PUT_STATION: Final = Insert("station", _STATION.names, ("station_key",))
_PUT_AREA: Final = Insert("jurisdiction", _AREA.names, ("station_key",))
_STATIONS: Final = f"SELECT {columns(_STATION.names)} FROM station"  # noqa: S608 - constants
_AREAS: Final = f"SELECT {columns(_AREA.names)} FROM jurisdiction"  # noqa: S608
_HOMES: Final = "SELECT station_key, count(*) FROM owner WHERE station_key IS NOT NULL GROUP BY station_key"


class PlaceWriting(WriteBatch):
    """Implements service.store.places.PlaceWriting."""

    def change_places(self) -> int:
        self.touched = True
        ((version,),) = self._fetch(f"{CHANGED} RETURNING CAST(value AS BIGINT)", ("places",))
        return int(version) - 1

    def put_stations(self, stations: Collection[Station]) -> None:
        if stations:
            self.flush()
            self._session.insert(_PUT_STATION, [_STATION.row(station) for station in stations])

    def remove_stations(self, keys: Collection[str]) -> None:
        for key in keys:
            self._run("DELETE FROM station WHERE station_key = ?", (key,))

    def put_areas(self, areas: Collection[Jurisdiction]) -> None:
        if areas:
            self.flush()
            self._session.insert(_PUT_AREA, [_AREA.row(area) for area in areas])

    def remove_areas(self, keys: Collection[str]) -> None:
        for key in keys:
            self._run("DELETE FROM jurisdiction WHERE station_key = ?", (key,))

    def set_home_station(self, owner_id: int, station_key: str | None) -> None:
        self._run("UPDATE owner SET station_key = ? WHERE id = ?", (station_key, owner_id))


class PlaceReading(Reads):
    """Implements service.store.places.PlaceReading."""

    def places_version(self) -> int:
        return self._version("places")

    def stations(self) -> Sequence[Station]:
        found = []
        for row in self.fetch(_STATIONS):
            try:
                found.append(_STATION.value(row))
            except (KeyError, ValueError, TypeError, SiagaError) as error:  # damaged: the others are still called
                log.error(Localized("log.places.unreadable", station=row[0], why=error))
        # Sorted here: databases sort by rules of their own.
        return sorted(found, key=lambda station: station.key)

    def areas(self) -> Sequence[Jurisdiction]:
        return sorted(_AREA.sound(self.fetch(_AREAS), "jurisdiction"), key=lambda area: area.station_key)

    def home_station(self, owner_id: int) -> str | None:
        rows = self.fetch("SELECT station_key FROM owner WHERE id = ?", (owner_id,))
        return rows[0][0] if rows else None

    def home_stations(self) -> Mapping[str, int]:
        return dict(self.fetch(_HOMES))
