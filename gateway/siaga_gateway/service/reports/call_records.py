"""Keeps a record of each call for the figures, from the journal's very beginning: calls that were closed before there
were figures have their record too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from siaga_gateway.domain.call_record import CallRecord, Milestone, begun, made_real, reached, renewed
from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.reports.journal_follower import JournalFollower
from siaga_gateway.service.reports.station_of_call import StationOfCall
from siaga_gateway.service.store import Store, Transaction

CURSOR: Final = "figures.journal"  # the last journal entry that was followed
# All that changes a call; what only tells of messages or places changes no figure.
FOLLOWED: Final = journal.INCIDENT_KINDS - {
    journal.POSITION,
    journal.CLUSTERED,
    journal.UNCLUSTERED,
    journal.CALL_FAILED,
    journal.DESK_RUNG,
    journal.SCENE_ASKED,
    journal.PHOTOGRAPHED,
    journal.PROMISE_PASSED,
    journal.LINK_TAKEN_OVER,
    journal.NOTE_ADDED,
    journal.DELIVERED,
    journal.DELIVERY_FAILED,
    journal.DELIVERY_ABANDONED,
    journal.DELIVERY_PASSED_ON,
    journal.DELIVERY_SUPERSEDED,
}
_MILESTONES: Final[Mapping[str, tuple[Milestone, ...]]] = {
    journal.SEEN: (Milestone.ACKNOWLEDGED,),
    journal.ACKNOWLEDGED: (Milestone.ACKNOWLEDGED,),
    journal.ASSIGNED: (Milestone.ACKNOWLEDGED, Milestone.ASSIGNED),
    journal.ON_SCENE: (Milestone.ACKNOWLEDGED, Milestone.ON_SCENE),
    journal.CLOSED: (Milestone.ACKNOWLEDGED,),  # whoever closes a call has it
}
# A responder's word is no desk's acknowledgement.
_SAID: Final = {FactKind.ACCEPTED.value: Milestone.ASSIGNED, FactKind.ARRIVED.value: Milestone.ON_SCENE}


class CallRecords(JournalFollower):
    def __init__(self, store: Store, station_of: StationOfCall) -> None:
        """station_of: tells the station of a call that was made before the journal named it."""
        super().__init__(store, CURSOR, FOLLOWED)
        self._station_of = station_of

    def _taken(self, entries: Sequence[JournalEntry]) -> Callable[[Transaction], None]:
        by_call: dict[int, list[JournalEntry]] = {}
        for entry in entries:
            if entry.incident_id is not None:
                by_call.setdefault(entry.incident_id, []).append(entry)
        facts, known = self._store.call_facts(by_call), self._store.call_records(by_call)
        records = []
        for number, call in facts.items():
            before = known.get(number)
            record = after(begun(call) if before is None else renewed(before, call), by_call[number])
            record = record._replace(station=self._station(record))
            if record != before:
                records.append(record)
        return lambda transaction: transaction.put_call_records(records)

    def _station(self, record: CallRecord) -> str | None:
        """Return the station of a call; of one that has ended and named none by today's lists and what is still known.

        Raises: StoreFailing.
        """
        if record.station is not None or record.closed_at_ms is None:
            return record.station
        incident = self._store.incidents([record.incident_id]).get(record.incident_id)
        return None if incident is None else self._station_of(incident, record.closed_at_ms)


def after(record: CallRecord, entries: Sequence[JournalEntry]) -> CallRecord:
    """Return a call's record after these entries of the journal. Pure."""
    for entry in entries:
        for milestone in _MILESTONES.get(entry.kind, ()):
            record = reached(record, milestone, entry.at_ms)
        match entry.kind:
            case journal.INCIDENT_OPENED if entry.facts.get("held"):
                record = record._replace(held=1)
            case journal.CALLED if record.station is None and isinstance(entry.facts.get("station"), str):
                record = record._replace(station=entry.facts["station"])
            case journal.ACKNOWLEDGEMENT_UNDONE if not entry.facts.get("again"):
                record = record._replace(acknowledged_ms=None)  # nobody had it
            case journal.MADE_REAL:
                record = made_real(record, entry.at_ms)
            case journal.RESPONDER_SAID if (said := _SAID.get(str(entry.facts.get("said")))) is not None:
                record = reached(record, said, entry.at_ms)
    return record
