"""Keeps a record of each call for the figures: it follows the journal, as the waves do, and from its very beginning, so
that calls which were closed before there were figures have their record too.

The records and the place in the journal are one transaction. What is followed twice changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.call_record import CallRecord, Milestone, begun, made_real, reached, renewed
from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.incident import Incident
from siaga_gateway.service.dispatch.routing import PressOrigin, Router
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
CURSOR: Final = "figures.journal"  # the last journal entry that was followed
_SPAN: Final = 2_000  # journal numbers looked through at once
_AT_ONCE: Final = 200  # entries in one transaction: presses wait for it
_TURN_S: Final = 1.0  # then presses and others come first for a while
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


class CallRecords:
    """A periodic job, shared: one of all workers runs it."""

    def __init__(self, store: Store, router: Router, origin: Callable[[Incident], PressOrigin]) -> None:
        """router, origin: tell the station of a call that was made before the journal named it."""
        self._store = store
        self._router = router
        self._origin = origin
        self._at: int | None = None  # the last journal entry; None: as the store remembers
        self._kept = 0  # what the store remembers

    def work(self) -> None:
        """Follow the journal for a second at most. Raises: StoreFailing."""
        until = time.monotonic() + _TURN_S
        while self.follow() and time.monotonic() < until:
            pass

    def follow(self) -> bool:
        """Follow some of the journal. Returns whether there is more. Raises: StoreFailing."""
        if self._at is None:
            self._at = self._kept = int(self._store.remembered(CURSOR) or 0)
        last, begin = self._store.last_journal_id(), self._at
        until = min(last, begin + _SPAN)
        if until <= begin:
            return False
        entries = self._store.journal_of_kinds(FOLLOWED, begin, until)
        self._at = None  # unless all of this goes through
        for number in range(0, len(entries), _AT_ONCE):
            self._take(entries[number : number + _AT_ONCE])
        # Most of the journal is nothing to us: that need not be written each time.
        if entries or until - self._kept >= _SPAN:
            self._keep((), until)
        self._at = until
        return until < last

    def _take(self, entries: Sequence[JournalEntry]) -> None:
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
        self._keep(records, entries[-1].id)

    def _keep(self, records: Sequence[CallRecord], until: int) -> None:
        with self._store.transaction() as transaction:
            transaction.put_call_records(records)
            transaction.remember(CURSOR, str(until))
        self._kept = until

    def _station(self, record: CallRecord) -> str | None:
        """Return the station of a call; of one that has ended and named none by today's lists and what is still known.

        Raises: StoreFailing.
        """
        if record.station is not None or record.closed_at_ms is None:
            return record.station
        incident = self._store.incidents([record.incident_id]).get(record.incident_id)
        if incident is None:
            return None
        try:
            route = self._router.route(self._origin(incident), record.closed_at_ms)
        except StoreFailing:
            raise
        except Exception:
            log.exception(Localized("log.figures.station", incident=record.incident_id))
            return None
        return route.station


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
