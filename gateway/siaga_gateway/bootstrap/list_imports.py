"""Puts together what takes each kind of list that a registrar brings as a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from siaga_gateway.adapters.files.built_in_land import BuiltInLand
from siaga_gateway.adapters.files.erasure_list import ErasureList
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.installation_area import Area
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.site import circle_about
from siaga_gateway.formats.registration_csv import registration_rows
from siaga_gateway.formats.responder_csv import responder_rows
from siaga_gateway.formats.shift_csv import shift_rows
from siaga_gateway.formats.spreadsheet_csv import sheet
from siaga_gateway.formats.station_csv import station_rows
from siaga_gateway.service.dispatch.list_imports import ImportDesk, Importer, ListKind
from siaga_gateway.service.dispatch.place_lists import Taken, take_stations
from siaga_gateway.service.dispatch.registration_lists import take_registrations
from siaga_gateway.service.dispatch.responder_lists import Gone, take_responders, take_shifts
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store


def area_of(settings: Settings) -> Area | None:
    """Return where stations can be: the buttons' area, or else about what the map shows; None: neither is set."""
    bounds = settings.site.map.bounds()
    return settings.area.area() or (None if bounds is None else circle_about(bounds))


def make_import_desk(settings: Settings, store: Store, clock: Clock, notifier: Notifier) -> ImportDesk:
    gone = ErasureList(settings.data_dir).add_responders
    importers = importers_on(store, clock, settings.local, settings.area.area(), area_of(settings), gone)
    return ImportDesk(store, clock, notifier, importers)


def importers_on(
    store: Store,
    clock: Clock,
    local: LocalTime,
    buttons_area: Area | None = None,
    stations_area: Area | None = None,
    gone: Gone = lambda added: None,
) -> Mapping[ListKind, Importer]:
    """buttons_area, stations_area: where they can be, from the settings; None: it is learnt. gone: see
    take_responders."""

    on_land = BuiltInLand()

    def buttons(raw: bytes, *, replace: bool, **how: Any) -> Taken:
        """A list of buttons removes none: whatever it does not name stays."""
        rows = registration_rows(sheet(raw))
        return take_registrations(store, clock, rows, local=local, area=buttons_area, on_land=on_land, **how)

    def stations(raw: bytes, *, done: Callable[[int], None], **how: Any) -> Taken:
        rows = station_rows(sheet(raw), local.at(clock.now_ms()).date().toordinal())
        return take_stations(store, clock, rows, area=stations_area, **how)

    def responders(raw: bytes, *, done: Callable[[int], None], **how: Any) -> Taken:
        return take_responders(store, clock, responder_rows(sheet(raw)), area=stations_area, gone=gone, **how)

    def shifts(raw: bytes, *, sure: bool, done: Callable[[int], None], **how: Any) -> Taken:
        return take_shifts(store, clock, shift_rows(sheet(raw)), **how)

    return {
        ListKind.BUTTONS: buttons,
        ListKind.STATIONS: stations,
        ListKind.RESPONDERS: responders,
        ListKind.SHIFTS: shifts,
    }
