"""The figures of a station with those under it, or of all, over some days: read page by page, in bounded memory."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from siaga_gateway.domain.availability import Availability, Silent, availability
from siaga_gateway.domain.errors import Failing, Refused
from siaga_gateway.domain.figure_report import Report, StationRow
from siaga_gateway.domain.figures import CallCalendar, CallCount
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.places import Station, ladder
from siaga_gateway.domain.report_period import Period
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.reports.call_records import CURSOR
from siaga_gateway.service.scheduling.turns import Turns
from siaga_gateway.service.store.figures import FigureReading
from siaga_gateway.service.store.places import PlaceReading

_PAGE: Final = 20_000  # calls in one statement, tens of milliseconds
_LONGEST_S: Final = 30.0  # of one report, and of the wait for another
_BEHIND: Final = 20_000  # journal entries that are still to be counted, before a report says so


class UnknownStation(Refused):
    """No station of the list has this key."""


class ReportSlow(Failing):
    """The report takes too long."""


class ReportReading(FigureReading, PlaceReading, Protocol):
    def last_journal_id(self) -> int: ...
    def remembered(self, name: str) -> str | None: ...


class FigureReports:
    """Makes reports, one at a time; few wait, see Turns. Thread-safe."""

    def __init__(self, store: ReportReading, clock: Clock, local: LocalTime, mode: Mode = Mode.ACTUAL) -> None:
        """mode: of the gateway."""
        self._store = store
        self._clock = clock
        self._local = local
        self._mode = mode
        self._turns = Turns()

    def stations(self) -> Sequence[Station]:
        """Return all, by their keys. Raises: StoreFailing."""
        return self._store.stations()

    def report(self, station: str | None, period: Period) -> Report:
        """station: a key; None: all. Raises: UnknownStation, ReportSlow, StoreFailing."""
        until = time.monotonic() + _LONGEST_S
        if not self._turns.take(_LONGEST_S):
            raise ReportSlow("figures.busy")
        try:
            return self._report(station, period, until)
        finally:
            self._turns.give_back()

    def _report(self, key: str | None, period: Period, until: float) -> Report:
        stations = {each.key: each for each in self._store.stations()}
        if key is not None and key not in stations:
            raise UnknownStation("figures.no_station", station=key)
        now_ms = self._clock.now_ms()
        from_ms, to_ms = period.bounds(self._local)
        under = _rows_of(stations, key)
        spans = self._local.spans(from_ms, to_ms)
        begins, offsets = [span.from_ms for span in spans], [span.offset_s * 1000 for span in spans]
        calendar = CallCalendar(period.first_day, period.last_day)
        counts: dict[str | None, CallCount] = {}
        after = (from_ms, 0)
        while page := self._store.calls_opened(from_ms, to_ms, after, _PAGE):
            for call in page:
                row = under.get(call.station or "")
                if row is None and key is not None:
                    continue
                count = counts.get(row)
                if count is None:
                    count = counts[row] = CallCount()
                if count.add(call, now_ms, self._mode):
                    calendar.add(call, offsets[max(0, bisect_right(begins, call.opened_at_ms) - 1)])
            after = (page[-1].opened_at_ms, page[-1].incident_id)
            if time.monotonic() > until:
                raise ReportSlow("figures.slow", days=period.days)
        total = CallCount()
        for count in counts.values():
            total.merge(count)
        rows = [StationRow(None if row is None else stations[row], count.figures()) for row, count in counts.items()]
        rows.sort(key=lambda row: (row.station is None, "" if row.station is None else row.station.key))
        return Report(
            station=None if key is None else stations[key],
            period=period,
            from_ms=from_ms,
            to_ms=to_ms,
            now_ms=now_ms,
            total=total.figures(),
            rows=tuple(rows),
            hours=calendar.hours(),
            steps=calendar.steps(),
            by_week=calendar.by_week,
            availability=self._availability(under, key, from_ms, min(to_ms, now_ms)),
            behind=self._store.last_journal_id() - int(self._store.remembered(CURSOR) or 0) > _BEHIND,
            exercise=self._mode is not Mode.ACTUAL,
        )

    def _availability(self, under: Mapping[str, str], key: str | None, from_ms: int, to_ms: int) -> Availability:
        if to_ms <= from_ms:
            return Availability()
        registered = [
            each for each in self._store.registered_buttons(from_ms, to_ms) if key is None or each.station in under
        ]
        silent = [
            Silent(each.device_id, each.from_ms, each.to_ms)
            for each in self._store.silences(from_ms, to_ms)
            if key is None or each.station in under
        ]
        buttons = sum(each.buttons for each in registered)
        return availability(buttons, sum(each.served_ms for each in registered), silent, from_ms, to_ms)


def _rows_of(stations: Mapping[str, Station], key: str | None) -> dict[str, str]:
    """Return in which row the calls of each station are: that of the station next under `key` on its ladder; without
    `key` next under the highest, or that of the highest where there are several."""
    highest = {ladder(stations, each)[-1] for each in stations}
    if key is None and len(highest) == 1:
        (key,) = highest
    found = {}
    for each in stations:
        above = ladder(stations, each)
        if key is None:
            found[each] = above[-1]
        elif key in above:
            found[each] = above[max(0, above.index(key) - 1)]
    return found
