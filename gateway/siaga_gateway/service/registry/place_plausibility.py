"""Whether somebody is to look again at the place of a button: it is far from the others, in the water, in nobody's
area, or far from the station in whose area its owner lives. Never more than a question: it may be intended."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from siaga_gateway.domain.installation_area import Area, Place, doubt, in_degrees
from siaga_gateway.domain.jurisdiction import ShapeError, unpacked
from siaga_gateway.domain.places import Station
from siaga_gateway.domain.polygon_set import PolygonSet
from siaga_gateway.domain.position import distance_m
from siaga_gateway.service.store.places import PlaceReading

OnLand = Callable[[Place], bool]  # true also where nothing is known of land and water

_BORDER_M: Final = 2_000  # borders on lists are simplified, and a yard may cross one
_FROM_AREA_M: Final = 10_000
_FROM_STATION_M: Final = 40_000  # where it has no area: about a district's half


def anywhere(place: Place) -> bool:
    """An OnLand that knows no water."""
    return True


class PlaceRules:
    """Reads the lists once, when they are first needed: ask one object for a whole list of places."""

    def __init__(self, lists: PlaceReading, area: Area | None, on_land: OnLand = anywhere) -> None:
        """area: of all buttons; None: not known."""
        self._lists = lists
        self._area = area
        self._on_land = on_land

    def doubt(self, place: Place, home: str | None = None) -> tuple[str, dict[str, Any]] | None:
        """Return the key of an error, and its values; None: there is no reason to ask. home: the key of the station in
        whose area the owner lives. Raises: StoreFailing."""
        found = doubt(place, self._area)
        shown = in_degrees(place)
        if found is not None and found.why == "zero":
            return "registration.place_zero", {}
        if found is not None and found.meant is not None:
            return "registration.place_meant", {"place": shown, "km": found.km, "meant": in_degrees(found.meant)}
        if found is not None:
            return "registration.place_far", {"place": shown, "km": found.km}
        if not self._on_land(place):
            return "registration.place_water", {"place": shown}
        if self._areas and not any(each.within_m(place, _BORDER_M) for each in self._areas.values()):
            return "registration.place_outside", {"place": shown}
        return None if home is None else self._far_from_home(place, home)

    def _far_from_home(self, place: Place, home: str) -> tuple[str, dict[str, Any]] | None:
        station, area = self._stations.get(home), self._areas.get(home)
        if station is None:
            return None
        if area is not None:
            if area.within_m(place, _FROM_AREA_M):
                return None
            metres = area.border_m(place) or 0
        else:
            metres = distance_m(station.place, place)
            if metres <= _FROM_STATION_M:
                return None
        values = {"place": in_degrees(place), "km": round(metres / 1000), "station": station.name}
        return "registration.place_station", values

    @cached_property
    def _areas(self) -> dict[str, PolygonSet]:
        found = {}
        for each in self._lists.areas():
            try:
                found[each.station_key] = PolygonSet(unpacked(each.shape))
            except ShapeError:
                continue  # places_check tells of it
        return found

    @cached_property
    def _stations(self) -> dict[str, Station]:
        return {each.key: each for each in self._lists.stations()}
