"""Verifies that the journal and the stored events are as written: recomputes the whole chain, page by page.

Three passes that need little memory even for a big store: the chain from its first entry to its head; the events, whose
batches are entries of the chain; and the batches that no event named. It may run beside a working gateway: whatever is
written meanwhile is left for the next run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.audit_hashing import (
    FIRST,
    HASH_BYTES,
    Link,
    batch_digest,
    next_hash,
    signature_fits,
)
from siaga_gateway.domain.frame import Suite, digest_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_gaps import AuditBroken as AuditBroken
from siaga_gateway.service.journal.audit_gaps import KnownLosses, LossAccounting, NumberSet, within
from siaga_gateway.service.store.audit import AuditReader, BatchRow, ChainEntry, EventRow, device_hex

PAGE: Final = 2_000
_GATHERED: Final = 200_000  # limit of events of incomplete batches: several workers' batches interleave, no more


Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that is intact, apart from losses that rescues noted."""

    head: Link
    batches: int
    events: int
    losses: KnownLosses = field(default_factory=KnownLosses)
    rescues: tuple[int, ...] = ()  # the entries that note the losses


def verify(reader: AuditReader, kept: Link | None = None, progress: Progress = lambda what, done, of: None) -> Verified:
    """Recompute everything.

    kept: a chain head noted elsewhere earlier. Raises: AuditBroken, StoreFailing.
    """
    head = reader.chain_head()
    if kept is not None and kept.id > head.id:
        raise AuditBroken("audit.rest_gone", id=kept.id, id_2=head.id)
    losses, rescues = KnownLosses(), []
    for entry in reader.rescues():
        losses.add(entry.facts)
        rescues.append(entry.id)
    bearing = LossAccounting(losses)
    if kept is not None and within(losses.gone + losses.changed, kept.id):
        raise AuditBroken("audit.head_given_up", id=kept.id)
    signatures = _verify_chain(reader, head, kept, progress, bearing)
    found = _Events(reader, head, progress, bearing).verify(signatures)
    return replace(found, losses=losses, rescues=tuple(rescues))


def survey(reader: AuditReader, progress: Progress = lambda what, done, of: None) -> KnownLosses:
    """Return everything wrong with a damaged store, for its rescue's entry. Raises: StoreFailing."""
    head = reader.chain_head()
    losses = KnownLosses()
    for entry in reader.rescues():
        losses.add(entry.facts)
    bearing = LossAccounting(losses, KnownLosses())
    signatures = _verify_chain(reader, head, None, progress, bearing)
    _Events(reader, head, progress, bearing).verify(signatures)
    return bearing.new()


def chain(reader: AuditReader, after: Link = FIRST, until: int | None = None) -> Sequence[ChainEntry]:
    """Return the next page of the chain; until: the last entry to return."""
    page = reader.chain_after(after.id, PAGE)
    return page if until is None else [entry for entry in page if entry.id <= until]


def _verify_chain(
    reader: AuditReader, head: Link, kept: Link | None, progress: Progress, bearing: LossAccounting
) -> int:
    """Verify the chain. Returns how many signatures were added to events later."""
    link, signatures = FIRST, 0
    if kept is not None and kept.id == 0 and kept.hash != FIRST.hash:
        raise AuditBroken("audit.zero")
    while link.id < head.id:
        page = chain(reader, link, head.id)
        if not page:
            first, last = link.id + 1, head.id
            span = _span(first, last)
            bearing.gone(first, last, AuditBroken("audit.end_gone", span=span, end=link.id, head=head.id))
            link = head
            break
        for entry in page:
            link = _next(link, entry, bearing)
            if kept is not None and kept.id == entry.id and kept.hash != entry.hash:
                raise AuditBroken("audit.rewritten", id=entry.id)
            if entry.kind == journal.SIGNATURE_ADDED:
                signatures += 1
                _verify_signature(reader, entry, bearing)
        progress("entries", link.id, head.id)
    if link != head:
        bearing.changed(head.id, AuditBroken("audit.head_changed", id=head.id))
    newer = reader.chain_after(head.id, 1)
    if newer and newer[0].id > reader.chain_head().id:
        raise AuditBroken("audit.behind_head", id=newer[0].id)
    return signatures


def _next(link: Link, entry: ChainEntry, bearing: LossAccounting) -> Link:
    if entry.id > link.id + 1:
        first, last = link.id + 1, entry.id - 1
        bearing.gone(first, last, AuditBroken("audit.gap", span=_span(first, last)))
        if _typed(entry):
            return Link(entry.id, entry.hash)  # a new beginning: the entry it linked to is lost
    if entry.id <= link.id:
        raise AuditBroken("audit.twice", id=entry.id)
    try:
        good = _typed(entry) and next_hash(link.hash, entry.text) == entry.hash
    except (TypeError, ValueError, AttributeError):
        good = False
    if not good:
        bearing.changed(entry.id, AuditBroken("audit.entry_changed", id=entry.id, kind=entry.kind))
    return Link(entry.id, entry.hash)


def _typed(entry: ChainEntry) -> bool:
    """Whether the values have the right types: another type could read like the right one, and SQLite stores any
    type."""
    return (
        isinstance(entry.at_ms, int)
        and isinstance(entry.kind, str)
        and isinstance(entry.incident_id, int | None)
        and isinstance(entry.device_id, bytes | None)
        and isinstance(entry.actor, str | None)
        and isinstance(entry.facts, str)
        and isinstance(entry.frame, bytes | None)
        and isinstance(entry.hash, bytes)
        and len(entry.hash) == HASH_BYTES
    )


def _verify_signature(reader: AuditReader, entry: ChainEntry, bearing: LossAccounting) -> None:
    facts = json.loads(entry.facts)
    # Older versions' entries do not say which: there was only one.
    signatures = [
        signature
        for digest, signature in reader.event_signatures(entry.device_id or b"", facts["counter"])
        if digest.hex() == facts.get("digest", digest.hex())
    ]
    if facts["sha256"] not in (sha256(signature).hexdigest() for signature in signatures):
        key, device = "audit.added_changed" if signatures else "audit.added_gone", device_hex(entry.device_id)
        bearing.signatures(AuditBroken(key, id=entry.id, device=device, counter=facts["counter"]))


@dataclass(slots=True)
class _Gathering:
    """A batch of which some events were read."""

    row: BatchRow
    first: int  # lowest id of them
    records: list[bytes] = field(default_factory=list)


class _Events:
    """The second and third pass."""

    def __init__(self, reader: AuditReader, head: Link, progress: Progress, bearing: LossAccounting) -> None:
        self._reader = reader
        self._head = head
        self._progress = progress
        self._bearing = bearing
        self._known: dict[int, BatchRow] = {}  # read ahead
        self._gathering: dict[int, _Gathering] = {}
        self._gathered = 0
        self._done = NumberSet()
        self._signed_later = 0
        self._events = 0

    def verify(self, signatures: int) -> Verified:
        after, last = 0, self._reader.last_event_id()
        while page := self._reader.event_rows_after(after, PAGE):
            for event in page:
                try:
                    self._take(event)
                except AuditBroken as broken:
                    self._bearing.batch(event.batch if isinstance(event.batch, int) else 0, broken)
            after = page[-1].id
            self._progress("events", after, max(after, last))
        for batch in self._gathering.values():
            row, there = batch.row, len(batch.records)
            gone = AuditBroken("audit.some_gone", number=row.number, entry=row.entry, records=there, events=row.events)
            self._bearing.batch(row.number, gone)
        batches = self._verify_batches()
        self._verify_signatures(signatures)
        return Verified(self._head, batches, self._events)

    def _take(self, event: EventRow) -> None:
        batch = None if event.batch is None else self._gathering.get(event.batch)
        if batch is None:
            row = self._row_of(event)
            if row.entry > self._head.id:
                return  # stored since this began
            if row.number in self._done:
                raise AuditBroken("audit.slipped_in", name=event.name, number=row.number)
            batch = self._gathering[row.number] = _Gathering(row, event.id)
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
        self._gathered += 1
        self._events += 1
        if len(batch.records) == batch.row.events:
            self._close(batch, event)
        elif self._gathered > _GATHERED:
            oldest = next(iter(self._gathering.values()))
            number, entry = oldest.row.number, oldest.row.entry
            self._bearing.batch(number, AuditBroken("audit.events_gone", number=number, entry=entry))
            self._give_up(oldest)

    def _give_up(self, batch: _Gathering) -> None:
        """Stop tracking it. More of its events may follow, but it is known to be incomplete."""
        del self._gathering[batch.row.number]
        self._gathered -= len(batch.records)
        self._done.add(batch.row.number)

    def _close(self, batch: _Gathering, last: EventRow) -> None:
        row = batch.row
        del self._gathering[row.number]
        self._gathered -= row.events
        self._done.add(row.number)
        if batch_digest(batch.records) != row.digest:
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
                if row.events and row.number not in self._gathering and row.number not in self._done:
                    broken = AuditBroken("audit.all_gone", events=row.events, number=row.number, entry=row.entry)
                    self._bearing.batch(row.number, broken)
            number = page[-1].number + 1
        return batches

    def _verify_signatures(self, noted: int) -> None:
        """Check that each signature added later has an entry. Some may have been added since this began."""
        if self._signed_later == noted:
            return
        newer, link = 0, self._head
        while page := chain(self._reader, link):
            newer += sum(entry.kind == journal.SIGNATURE_ADDED for entry in page)
            link = Link(page[-1].id, page[-1].hash)
        if not noted <= self._signed_later <= noted + newer:
            self._bearing.signatures(AuditBroken("audit.signed_later", signed_later=self._signed_later, noted=noted))


def _span(first: int, last: int) -> Localized:
    if first == last:
        return Localized("errors.audit.one_entry", number=first)
    return Localized("errors.audit.entries", first=first, last=last)
