"""The second and the third pass of an audit: stored events and their batches.

A batch is whole as it was stored, or, where check-ins were taken from it, as what is left of it. Those may go while the
audit runs: what does not fit is read anew before it is called broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.audit_hashing import FIRST, Link, batch_digest, signature_fits
from siaga_gateway.domain.frame import Suite, digest_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_gaps import AuditBroken, LossAccounting, NumberSet
from siaga_gateway.service.journal.audit_removals import Removals
from siaga_gateway.service.store.audit import AuditReader, BatchRow, ChainEntry, EventRow

PAGE: Final = 2_000
_GATHERED: Final = 200_000  # limit of events of incomplete batches: several workers' batches interleave, no more

Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(slots=True)
class NotedSignatures:
    """Entries about signatures that were added to events later."""

    all: int = 0
    removed: int = 0  # of events that a removal took


def chain(reader: AuditReader, after: Link = FIRST, until: int | None = None) -> Sequence[ChainEntry]:
    """Return the next page of the chain; until: the last entry to return."""
    page = reader.chain_after(after.id, PAGE)
    return page if until is None else [entry for entry in page if entry.id <= until]


@dataclass(slots=True)
class _Gathering:
    """A batch of which some events were read."""

    row: BatchRow
    first: int  # lowest id of them
    records: list[bytes] = field(default_factory=list)
    checkins: list[bytes] = field(default_factory=list)  # of the records, those that a removal takes

    def is_whole(self) -> bool:
        """Whether the records are what was stored, or what is left of it."""
        row = self.row
        if len(self.records) == row.events and batch_digest(self.records) == row.digest:
            return True
        if row.kept_events is None:
            return False
        checkins = set(self.checkins)
        left = [record for record in self.records if record not in checkins]
        return len(left) == row.kept_events and batch_digest(left) == row.kept_digest


class EventAudit:
    """Both passes."""

    def __init__(
        self, reader: AuditReader, head: Link, progress: Progress, bearing: LossAccounting, removals: Removals
    ) -> None:
        self._reader = reader
        self._head = head
        self._progress = progress
        self._bearing = bearing
        self._removals = removals
        self._known: dict[int, BatchRow] = {}  # read ahead
        self._gathering: dict[int, _Gathering] = {}
        self._gathered = 0
        self._done = NumberSet()
        self._signed_later = 0
        self._events = 0

    def verify(self, signatures: NotedSignatures) -> tuple[int, int]:
        """Return the numbers of batches and events. Raises: AuditBroken, StoreFailing."""
        after, last = 0, self._reader.last_event_id()
        while page := self._reader.event_rows_after(after, PAGE):
            for event in page:
                try:
                    self._take(event)
                except AuditBroken as broken:
                    self._bearing.batch(event.batch if isinstance(event.batch, int) else 0, broken)
            after = page[-1].id
            self._progress("events", after, max(after, last))
        for batch in list(self._gathering.values()):
            if not self._is_whole_now(batch):
                row, there = batch.row, len(batch.records)
                facts = {"number": row.number, "entry": row.entry, "records": there, "events": _left_of(row)}
                self._bearing.batch(row.number, AuditBroken("audit.some_gone", **facts))
        batches = self._verify_batches()
        self._verify_signatures(signatures)
        return batches, self._events

    def _take(self, event: EventRow) -> None:
        batch = None if event.batch is None else self._gathering.get(event.batch)
        if batch is None:
            row = self._row_of(event)
            if row.entry > self._head.id:
                return  # stored since this began
            if row.number in self._done:
                if event.is_checkin and self._has_gone(event):
                    return
                raise AuditBroken("audit.slipped_in", name=event.name, number=row.number)
            batch = self._gathering[row.number] = _Gathering(row, event.id)
        if batch.row.removal is not None and event.is_checkin:
            if self._has_gone(event):
                return
            raise AuditBroken("audit.slipped_in", name=event.name, number=batch.row.number)
        if not signature_fits(event.suite, event.frame, event.signature):
            key = "audit.signature_removed" if event.signature is None else "audit.signature_changed"
            raise AuditBroken(key, name=event.name)
        if event.signature is not None and event.suite != Suite.ES256:
            self._signed_later += 1
        try:
            record = event.record()
            known_by = digest_of(event.frame)
        except Exception:
            raise AuditBroken("audit.strange", name=event.name) from None
        if event.digest != known_by:
            raise AuditBroken("audit.digest", name=event.name)
        batch.records.append(record)
        if event.is_checkin:
            batch.checkins.append(record)
        self._gathered += 1
        self._events += 1
        if len(batch.records) == _left_of(batch.row):
            self._close(batch, event)
        elif self._gathered > _GATHERED:
            oldest = next(iter(self._gathering.values()))
            number, entry = oldest.row.number, oldest.row.entry
            if not self._is_whole_now(oldest):
                self._bearing.batch(number, AuditBroken("audit.events_gone", number=number, entry=entry))
            self._give_up(oldest)

    def _has_gone(self, event: EventRow) -> bool:
        """Whether a removal has taken an event since its page was read."""
        now = self._reader.event_rows_after(event.id - 1, 1)
        return not now or now[0].id != event.id

    def _is_whole_now(self, batch: _Gathering) -> bool:
        """Whether it is whole as its row is now: a removal may have come between."""
        row = self._reader.batches_from(batch.row.number, 1)
        if not row or row[0].number != batch.row.number:
            return False
        batch.row = row[0]
        return batch.is_whole() and self._is_accounted_for(batch.row)

    def _is_accounted_for(self, row: BatchRow) -> bool:
        if row.removal is None or self._removals.cover(row):
            return True
        self._bearing.batch(row.number, AuditBroken("audit.removal_gone", number=row.number, entry=row.entry))
        return True

    def _give_up(self, batch: _Gathering) -> None:
        """Stop tracking it. More of its events may follow, but it is known to be incomplete."""
        del self._gathering[batch.row.number]
        self._gathered -= len(batch.records)
        self._done.add(batch.row.number)

    def _close(self, batch: _Gathering, last: EventRow) -> None:
        self._give_up(batch)
        row = batch.row
        whole = batch.is_whole() and self._is_accounted_for(row)
        if not whole and not self._is_whole_now(batch):
            one = batch.first == last.id
            events = Localized("errors.audit.one_of", first=batch.first, last=last.id)
            where = Localized("errors.audit.event", event=last.id) if one else events
            raise AuditBroken("audit.batch_changed", where=where, number=row.number, entry=row.entry)

    def _row_of(self, event: EventRow) -> BatchRow:
        if not isinstance(event.batch, int):
            raise AuditBroken("audit.no_batch", name=event.name)
        row = self._known.pop(event.batch, None)
        if row is None:
            self._known = {row.number: row for row in self._reader.batches_from(event.batch, PAGE)}
            row = self._known.pop(event.batch, None)
        if row is None:
            raise AuditBroken("audit.batch_entry_gone", name=event.name, batch=event.batch)
        return row

    def _verify_batches(self) -> int:
        number, batches = 0, 0
        while page := self._reader.batches_from(number, PAGE):
            for row in page:
                if row.entry > self._head.id:
                    continue
                batches += 1
                if row.number in self._gathering or row.number in self._done or not row.events:
                    continue
                if _left_of(row):
                    broken = AuditBroken("audit.all_gone", events=_left_of(row), number=row.number, entry=row.entry)
                    self._bearing.batch(row.number, broken)
                elif row.kept_digest != batch_digest([]):
                    broken = AuditBroken("audit.removal_gone", number=row.number, entry=row.entry)
                    self._bearing.batch(row.number, broken)
                else:
                    self._is_accounted_for(row)
            number = page[-1].number + 1
        return batches

    def _verify_signatures(self, noted: NotedSignatures) -> None:
        """Check that each signature added later has an entry. Some may have been added since this began, and some of
        the events may have gone by a removal."""
        if self._signed_later == noted.all - noted.removed:
            return
        newer, link = 0, self._head
        while page := chain(self._reader, link):
            newer += sum(entry.kind == journal.SIGNATURE_ADDED for entry in page)
            link = Link(page[-1].id, page[-1].hash)
        least = 0 if self._removals.removed else noted.all
        if not least <= self._signed_later <= noted.all + newer:
            broken = AuditBroken("audit.signed_later", signed_later=self._signed_later, noted=noted.all)
            self._bearing.signatures(broken)


def _left_of(row: BatchRow) -> int:
    return row.events if row.kept_events is None else row.kept_events
