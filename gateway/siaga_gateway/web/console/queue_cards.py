"""The queue as the page shows it; blocking reads, called from threads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.service.ports import UnreadableCall
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.console.incident_views import IncidentView, is_trial, views
from siaga_gateway.web.session.context import ConsoleContext

CLOSED_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """All open incidents and the newest closed ones, as of the journal row `last`."""

    last: int | None = None  # None: the store could not be read
    incidents: tuple[IncidentView, ...] = ()
    units: tuple[str, ...] = field(default=())  # names of units in use, as suggestions
    unreadable: tuple[UnreadableCall, ...] = ()  # open calls, of which a person must know all the same

    def group(self, name: str) -> list[IncidentView]:
        """unseen | active | closed"""
        return [incident for incident in self.incidents if incident.group == name]

    def unreadable_in(self, name: str) -> tuple[UnreadableCall, ...]:
        """Those that stand in this group: on top of what is worked on, as nobody can step them."""
        return self.unreadable if name == "active" else ()


def read_queue(context: ConsoleContext, language: str) -> Queue:
    """Return the whole queue."""
    last = context.reader.last_journal_id()  # before the incidents: never newer than they are
    known = {each.incident_id: each for each in context.reader.open_escalations()}
    opened = context.reader.open_incidents()
    found = [*opened, *context.reader.recent_incidents(CLOSED_SHOWN)]
    # An incident closed between the two reads is in both: the later read counts.
    unique = {incident.id: incident for incident in found}
    shown = views(
        unique.values(), language, context.mode, known, context.directory.name, alarms_of(context, unique.values())
    )
    units = sorted({incident.unit for incident in shown if incident.unit})
    unreadable = context.reader.unreadable_calls({incident.id for incident in opened})
    return Queue(last, tuple(shown), tuple(units), tuple(unreadable))


def read_some(context: ConsoleContext, ids: Collection[int], language: str) -> Queue:
    """Return those of these incidents that belong in the queue; test presses do not."""
    found = context.reader.incidents(ids)
    missing = set(ids) - found.keys()
    unreadable = context.reader.unreadable_calls(found.keys()) if missing else ()
    earnest = [found[each] for each in ids if each in found and not is_trial(found[each])]
    open_ones = {}
    for incident in earnest:
        with suppress(StoreDamaged):  # the card comes without its ladder
            if (known := context.reader.escalation_of(incident.id)) is not None:
                open_ones[incident.id] = known
    shown = views(earnest, language, context.mode, open_ones, context.directory.name, alarms_of(context, earnest))
    return Queue(None, tuple(shown), (), tuple(each for each in unreadable if each.id in missing))


def alarms_of(context: ConsoleContext, incidents: Iterable[Incident]) -> Mapping[int, Alarm]:
    """Return the levels of those that are open: they order the queue."""
    return context.reader.alarms([each.id for each in incidents if each.state is not IncidentState.CLOSED])
