"""Keeps the station of each test press, which no figure counts, so that a search by station finds it too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.reports.journal_follower import JournalFollower
from siaga_gateway.service.reports.station_of_call import StationOfCall
from siaga_gateway.service.store import Store, Transaction

CURSOR: Final = "test_stations.journal"


class StationsOfTests(JournalFollower):
    def __init__(self, store: Store, station_of: StationOfCall) -> None:
        super().__init__(store, CURSOR, frozenset({journal.TEST_PRESS}))
        self._station_of = station_of

    def _taken(self, entries: Sequence[JournalEntry]) -> Callable[[Transaction], None]:
        numbers = {entry.incident_id for entry in entries if entry.incident_id is not None}
        found: dict[int, str] = {}
        for number, incident in self._store.incidents(numbers).items():
            station = self._station_of(incident, incident.opened_at_ms) if incident.mode is Mode.TEST else None
            if station is not None:
                found[number] = station
        return partial(_put, found)


def _put(found: dict[int, str], transaction: Transaction) -> None:
    transaction.put_call_stations(found)
