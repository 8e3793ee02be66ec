"""The queue as the page shows it; blocking reads, called from threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.web.console.incident_views import IncidentView, is_trial, views
from siaga_gateway.web.session.context import ConsoleContext

CLOSED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """All open incidents and the newest closed ones, as of the journal row `last`."""

    last: int | None = None  # None: the store could not be read
    incidents: tuple[IncidentView, ...] = ()
    units: tuple[str, ...] = field(default=())  # names of units in use, as suggestions

    def group(self, name: str) -> list[IncidentView]:
        """unseen | active | closed"""
        return [incident for incident in self.incidents if incident.group == name]


def read_queue(context: ConsoleContext, language: str) -> Queue:
    """Return the whole queue."""
    last = context.reader.last_journal_id()  # before the incidents: never newer than they are
    known = {each.incident_id: each for each in context.reader.open_escalations()}
    found = [*context.reader.open_incidents(), *context.reader.recent_incidents(CLOSED_SHOWN)]
    # An incident closed between the two reads is in both: the later read counts.
    unique = {incident.id: incident for incident in found}
    shown = views(unique.values(), language, context.mode, known, context.directory.name)
    units = sorted({incident.unit for incident in shown if incident.unit})
    return Queue(last, tuple(shown), tuple(units))


def read_some(context: ConsoleContext, ids: Iterable[int], language: str) -> list[IncidentView]:
    """Return those of these incidents that belong in the queue; test presses do not."""
    found = (context.reader.incident(incident_id) for incident_id in ids)
    earnest = [incident for incident in found if incident is not None and not is_trial(incident)]
    known = {incident.id: context.reader.escalation_of(incident.id) for incident in earnest}
    open_ones = {number: each for number, each in known.items() if each is not None}
    return views(earnest, language, context.mode, open_ones, context.directory.name)
