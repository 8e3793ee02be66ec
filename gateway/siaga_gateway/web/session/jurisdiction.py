"""What the console reads of the store for a dispatcher of one station: without the calls of other jurisdictions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.dispatch.jurisdictions import Jurisdictions
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store.incident_search import CutSearch, IncidentSearch
from siaga_gateway.web.session.console_reader import ConsoleReader

_AT_ONCE: Final = 500
_MOST_PAGES: Final = 20  # of a search: nobody waits longer


class JurisdictionReader:
    """A ConsoleReader (`of` casts it) whose calls are those of a station. What is asked about a single call by its
    number is refused before, see route_guard."""

    def __init__(self, reader: ConsoleReader, jurisdictions: Jurisdictions, station: str) -> None:
        self._reader = reader
        self._jurisdictions = jurisdictions
        self._station = station

    @classmethod
    def of(cls, reader: ConsoleReader, jurisdictions: Jurisdictions, station: str) -> ConsoleReader:
        return cast(ConsoleReader, cls(reader, jurisdictions, station))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def incident(self, incident_id: int) -> Incident | None:
        found = self._reader.incident(incident_id)
        return found if found is not None and self._sees(found) else None

    def is_anothers(self, incident_id: int) -> bool:
        """Whether there is such a call, and it is not the station's."""
        found = self._reader.incident(incident_id)
        return found is not None and not self._sees(found)

    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        return {key: each for key, each in self._reader.incidents(ids).items() if self._sees(each)}

    def open_incidents(self) -> Sequence[Incident]:
        return [each for each in self._reader.open_incidents() if self._sees(each)]

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        # Of the whole site's newest, so that a few of the own are among them.
        return [each for each in self._reader.recent_incidents(10 * limit) if self._sees(each)][:limit]

    def found_incidents(self, wanted: IncidentSearch, before: int, limit: int) -> Sequence[Incident]:
        """Return his own of them; a CutSearch where so many are others' that he would wait too long."""
        own = list[Incident]()
        for _ in range(_MOST_PAGES):
            found = self._reader.found_incidents(wanted, before, _AT_ONCE)
            own += [each for each in found if self._sees(each)]
            # Fewer than were asked for may go on: what cannot be read is left out.
            if len(own) >= limit or not found:
                return own[:limit]
            before = found[-1].id
        return CutSearch(own, before)

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        return self.own_rows(self._reader.journal_last(limit))

    def own_rows(self, rows: Sequence[JournalEntry]) -> Sequence[JournalEntry]:
        """Return the rows without those of other jurisdictions' calls."""
        own = self.own_ids({row.incident_id for row in rows if row.incident_id is not None})
        return [row for row in rows if row.incident_id is None or row.incident_id in own]

    def own_ids(self, ids: Collection[int]) -> Collection[int]:
        """Return those of these calls that he sees; one that cannot be read is among them."""
        return set(ids) - {key for key, each in self._reader.incidents(ids).items() if not self._sees(each)}

    def _sees(self, incident: Incident) -> bool:
        return self._jurisdictions.sees(self._station, incident)
