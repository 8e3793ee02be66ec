"""The queue as the page shows it; blocking reads, called from threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.web.desk import Desk
from siaga_gateway.web.views import IncidentView, is_trial, views

CLOSED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """All open incidents and the newest closed ones, as they were once every row up to `last` had happened."""

    last: int | None = None  # None: the store could not be read
    incidents: tuple[IncidentView, ...] = ()
    units: tuple[str, ...] = field(default=())  # names of units in use, to choose from

    def group(self, name: str) -> list[IncidentView]:
        """unseen | active | closed"""
        return [incident for incident in self.incidents if incident.group == name]


def read_queue(desk: Desk, language: str) -> Queue:
    """The whole queue."""
    last = desk.reader.last_journal_id()  # before the incidents: never younger than they are
    found = [*desk.reader.open_incidents(), *desk.reader.recent_incidents(CLOSED_SHOWN)]
    # One that is closed between the two reads is in both: the later reading counts.
    unique = {incident.id: incident for incident in found}
    units = sorted({incident.unit for incident in unique.values() if incident.unit})
    return Queue(last, tuple(views(unique.values(), language, desk.mode)), tuple(units))


def read_some(desk: Desk, ids: Iterable[int], language: str) -> list[IncidentView]:
    """Those of these incidents that belong in the queue: trials do not."""
    found = (desk.reader.incident(incident_id) for incident_id in ids)
    earnest = (incident for incident in found if incident is not None and not is_trial(incident))
    return views(earnest, language, desk.mode)
