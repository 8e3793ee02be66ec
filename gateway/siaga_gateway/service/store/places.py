"""Stations and their areas, and in whose area owners live."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.jurisdiction import Jurisdiction
from siaga_gateway.domain.places import Station


class PlaceWriting(Protocol):
    """Writes the lists."""

    def change_places(self) -> int:
        """Count one more change of stations or areas, and return how many there were before.

        Call it first: until this transaction ends nobody else changes them.
        """
        ...

    def put_stations(self, stations: Collection[Station]) -> None:
        """Add stations, or change those with these keys."""
        ...

    def remove_stations(self, keys: Collection[str]) -> None: ...
    def put_areas(self, areas: Collection[Jurisdiction]) -> None:
        """Add areas, or replace those of these stations."""
        ...

    def remove_areas(self, keys: Collection[str]) -> None: ...
    def set_home_station(self, owner_id: int, station_key: str | None) -> None:
        """Set in whose area an owner lives."""
        ...


class PlaceReading(Protocol):
    """Reads the lists."""

    def places_version(self) -> int:
        """A number that grows with every change of stations or areas."""
        ...

    def stations(self) -> Sequence[Station]:
        """Return all, by their keys."""
        ...

    def areas(self) -> Sequence[Jurisdiction]:
        """Return all, by the keys of their stations."""
        ...

    def home_station(self, owner_id: int) -> str | None:
        """Return the key of the station in whose area an owner lives."""
        ...

    def home_stations(self) -> Mapping[str, int]:
        """Return how many owners are registered in the area of each station."""
        ...
