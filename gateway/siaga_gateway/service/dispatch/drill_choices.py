"""What a drill can be made of: buttons by label, number or the station that answers for them, and whom each calls."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from siaga_gateway.domain.drill import MOST_BUTTONS, Drill
from siaga_gateway.domain.escalation_settings import Rung
from siaga_gateway.domain.jurisdiction import Point
from siaga_gateway.domain.registry import Device, RegistrationState, state_at
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.drill_preview import CallPreview
from siaga_gateway.service.dispatch.drills import DrillError
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store
from siaga_gateway.service.store.drills import DrillButton

_NUMBER: Final = 16  # hex digits of a device id
_LEAST: Final = 4  # of them, to look for


@record
class ButtonsOfStation:
    """The buttons for which a station answers."""

    buttons: tuple[Device, ...]  # in service, by label
    inactive: int  # that are not in service, and so cannot take part
    unplaced: int  # in service anywhere, and nobody knows where


class DrillChoices:
    """Thread-safe. Every method raises StoreFailing."""

    def __init__(self, store: Store, router: Router, clock: Clock, preview: CallPreview) -> None:
        self._store = store
        self._router = router
        self._clock = clock
        self._preview = preview

    def find(self, text: str, limit: int) -> tuple[Sequence[Device], int]:
        """Return buttons in service whose label has the text, or whose number begins with one of its words; and how
        many there are."""
        wanted, now_ms = text.casefold(), self._clock.now_ms()
        numbers = tuple(each for each in wanted.replace(",", " ").split() if _LEAST <= len(each) <= _NUMBER)
        found = [
            each.device
            for each in self._store.drill_buttons()
            if (wanted in each.device.label.casefold() or each.device.device_id.hex().startswith(numbers))
            and _serves(each.device, now_ms)
        ]
        return _by_label(found)[:limit], len(found)

    def listed(self, device_ids: Collection[bytes]) -> Sequence[Device]:
        """Return those of them that are enrolled, by label."""
        return _by_label([each.device for each in self._store.drill_buttons(device_ids)])

    def of_station(self, key: str) -> ButtonsOfStation:
        """Return the buttons mounted, or else last seen, where this station or one below it answers for a press.

        Raises: DrillError if there is no such station, no such button, or more than a drill can have.
        """
        station = self._router.stations().get(key)
        if station is None:
            raise DrillError("drill.no_station", station=key)
        now_ms = self._clock.now_ms()
        found: list[Device] = []
        inactive = unplaced = 0
        for each in self._store.drill_buttons():
            serves, place = _serves(each.device, now_ms), place_of(each)
            if place is None:
                unplaced += serves
            elif key in self._router.answering(place, now_ms):
                if serves:
                    found.append(each.device)
                else:
                    inactive += 1
        if not found:
            raise DrillError("drill.station_empty", station=station.name)
        if len(found) > MOST_BUTTONS:
            raise DrillError("drill.station_full", station=station.name, count=len(found), most=MOST_BUTTONS)
        return ButtonsOfStation(tuple(_by_label(found)), inactive, unplaced)

    def calls(self, drill: Drill, device_id: bytes) -> Iterator[tuple[Rung, Sequence[str]]]:
        """Yield each rung and the keys of those whom it would call now."""
        return self._preview(drill, device_id, self._clock.now_ms())


def place_of(button: DrillButton) -> Point | None:
    """Return where it is mounted; of one that is carried, where it was seen last. None: nobody knows."""
    device = button.device
    if device.installed_latitude is not None and device.installed_longitude is not None:
        return device.installed_latitude, device.installed_longitude
    return button.seen


def _serves(device: Device, now_ms: int) -> bool:
    return state_at(device, now_ms) is RegistrationState.ACTIVE


def _by_label(devices: Collection[Device]) -> list[Device]:
    return sorted(devices, key=lambda each: (each.label.casefold(), each.device_id))
