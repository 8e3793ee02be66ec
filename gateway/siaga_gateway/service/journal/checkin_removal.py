"""Takes the check-ins that older versions stored as evidence out of a store, while the gateway works.

One short transaction after the other, and long pauses between: a press waits for one at most. Each takes whole batches,
writes what is left of them, and appends one entry to the chain, so that an audit passes at every moment (see
audit_removals.py). Where it stands is written in the same transaction: it may be killed at any moment.

A batch that is not as it was written is left alone, for the audit to find it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.audit_hashing import batch_digest, kept_digest
from siaga_gateway.domain.frame import Suite
from siaga_gateway.domain.value import record
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_gaps import KnownLosses, within
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction
from siaga_gateway.service.store.audit import REMOVALS, BatchRow, EventRow
from siaga_gateway.service.store.audit import REMOVED_UNTIL as AFTER

log = logging.getLogger(__name__)

EVERY_S: Final = 1.0
_LEAST: Final = 100  # events looked at in one transaction
_MOST: Final = 20_000  # no batch is spread over more
_FIRST: Final = 500
_GOAL_S: Final = 0.02  # of a transaction
_SHARE: Final = 5  # of the time, this part at most
_TURN_S: Final = 2.0  # other jobs wait for no longer
_APART_S: Final = 900.0  # between two lines of the log, and two times that the engine's is emptied
# A gateway of an older version, beside this one, may store more: younger events are looked at later.
_SETTLED_MS: Final = 3_600_000


@record
class Taken:
    """What one transaction did."""

    looked_at: int  # events
    removed: int
    more: bool  # whether there is more to look at


class CheckinRemoval:
    """A periodic job for one worker of all."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._limit = _FIRST
        self._told: set[int] = set()  # broken batches
        self._removed = 0  # since the last line of the log
        self._quiet_until = 0.0  # monotonic seconds

    def work(self) -> None:
        """Go on for a while. Raises: StoreFailing; what was done by then stays."""
        begun = time.monotonic()
        while time.monotonic() - begun < _TURN_S:
            since = time.monotonic()
            taken = self.step()
            took_s = time.monotonic() - since
            if not taken.more:
                # Each second some become an hour old, for an hour after an update: the log is not emptied for each.
                if self._removed and time.monotonic() >= self._quiet_until:
                    self._quiet_until = time.monotonic() + _APART_S
                    log.info(Localized("log.checkins.removed", removed=self._removed))
                    self._removed = 0
                    self._store.scrub()  # the engine's log still has what they told
                return
            if took_s > _GOAL_S:
                self._limit = max(_LEAST, self._limit // 2)
            elif took_s < _GOAL_S / 2:
                self._limit = min(_MOST // 4, self._limit * 2)
            time.sleep(took_s * (_SHARE - 1))

    def step(self, limit: int | None = None) -> Taken:
        """Run one transaction. limit: events to look at. Raises: StoreFailing."""
        limit = self._limit if limit is None else limit
        before_ms = self._clock.now_ms() - _SETTLED_MS
        ahead = self._store.event_rows_after(int(self._store.remembered(AFTER) or 0), 1)
        if not _settled(ahead, before_ms):
            return Taken(0, 0, False)
        with self._store.transaction() as transaction:
            after, removals = transaction.begin_removal()
            found = transaction.stored_after(after, limit)
            events = _settled(found, before_ms)
            whole, behind = self._whole(transaction, events)
            while behind == after and len(events) == limit < _MOST:  # the first batch is longer
                limit = min(limit * 2, _MOST)
                found = transaction.stored_after(after, limit)
                events = _settled(found, before_ms)
                whole, behind = self._whole(transaction, events)
            at_end = len(found) < limit
            stuck = behind == after and len(events) == limit
            if events and (stuck or (at_end and len(events) == len(found))):
                behind = events[-1].id  # what is missing of these batches does not come any more
            removed = self._take(transaction, whole, removals + 1)
            if behind > after:
                transaction.remember(AFTER, str(behind))
        self._removed += removed
        return Taken(len(events), removed, behind > after and not at_end)

    def _whole(
        self, transaction: Transaction, events: Sequence[EventRow]
    ) -> tuple[list[tuple[BatchRow, list[EventRow]]], int]:
        """Return the batches of which all events are here, and the event up to which none is missing."""
        gathered: dict[int, list[EventRow]] = {}
        for event in events:
            if isinstance(event.batch, int):
                gathered.setdefault(event.batch, []).append(event)
        rows: Mapping[int, BatchRow] = transaction.batches(gathered.keys())
        whole, first = [], None
        for number, those in gathered.items():
            row = rows.get(number)
            if row is None or row.removal is not None:
                continue
            if len(those) == row.events:
                whole.append((row, those))
            elif first is None or those[0].id < first:
                first = those[0].id
        last = events[-1].id if events else 0
        return whole, last if first is None else first - 1

    def _take(self, transaction: Transaction, whole: Sequence[tuple[BatchRow, list[EventRow]]], number: int) -> int:
        """Delete the check-ins of these batches. number: of the removal. Returns how many."""
        gone: list[EventRow] = []
        left: list[BatchRow] = []
        for row, events in whole:
            checkins = [event for event in events if event.is_checkin]
            if not checkins:
                continue
            records = _records(events)
            if batch_digest(records.values()) != row.digest:
                if self._is_known_loss(row.number):
                    gone += checkins  # a rescue has told of it; it stays told
                elif row.number not in self._told:
                    self._told.add(row.number)
                    log.error(Localized("log.checkins.broken", number=row.number, checkins=len(checkins)))
                continue
            gone += checkins
            rest = [records[event.id] for event in events if not event.is_checkin]
            left.append(BatchRow(row.number, row.entry, row.events, row.digest, len(rest), batch_digest(rest), number))
        if not gone:
            return 0
        transaction.remove_events([event.id for event in gone])
        transaction.put_kept(left)
        numbers = [row.number for row in left] or [0]
        told = [(row.number, row.kept_events or 0, row.kept_digest or b"") for row in left]
        facts = {
            "removal": number,
            "first": min(numbers),
            "last": max(numbers),
            "batches": len(left),
            "removed": len(gone),
            "digest": kept_digest(told).hex(),
            "signatures": [
                sha256(event.signature).hexdigest()
                for event in gone
                if event.signature is not None and event.suite != Suite.ES256
            ],
        }
        transaction.note(journal.CHECKINS_REMOVED, self._clock.now_ms(), facts)
        transaction.remember(REMOVALS, str(number))
        return len(gone)

    def _is_known_loss(self, number: int) -> bool:
        losses = KnownLosses()
        for entry in self._store.rescues():
            losses.add(entry.facts)
        return within(losses.batches, number)


def _records(events: Sequence[EventRow]) -> dict[int, bytes]:
    """Return what goes into the batch's digest, by event; nothing if one holds what no event can have."""
    try:
        return {event.id: event.record() for event in events}
    except Exception:
        return {}


def _settled(events: Sequence[EventRow], before_ms: int) -> Sequence[EventRow]:
    """Return the events up to the first that is younger."""
    young = next((at for at, event in enumerate(events) if event.received_ms > before_ms), len(events))
    return events[:young]
