"""Whether the journal and the stored events are what was written: the whole chain recomputed, a page at a time.

Three passes that need no memory for a big store: the chain from its first entry to its head; the events, whose batches
are entries of the chain; and the batches that none of the events named. It may run beside a gateway at work: what is
written meanwhile is left for the next time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Protocol

from siaga_gateway.domain.audit import (
    FIRST,
    HASH_BYTES,
    Link,
    batch_digest,
    entry_text,
    event_record,
    next_hash,
    signature_fits,
)
from siaga_gateway.domain.frame import Suite, digest_of
from siaga_gateway.service import journal

PAGE: Final = 2_000
_GATHERED: Final = 200_000  # events of batches under way, at most: several workers' batches lie mixed, not more


class AuditBroken(Exception):
    """What was written is not what is there; the text says in one line what is wrong and where."""


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """An entry as it is stored, whatever somebody made of it."""

    id: int
    at_ms: int
    kind: str
    incident_id: int | None
    device_id: bytes | None
    actor: str | None
    facts: str  # JSON, to the letter
    frame: bytes | None
    hash: bytes

    @property
    def text(self) -> str:
        return entry_text(
            self.id,
            self.at_ms,
            self.kind,
            self.incident_id,
            self.device_id,
            self.actor,
            self.facts,
            self.frame,
        )


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What a batch's entry says of its events."""

    number: int
    entry: int
    events: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class EventRow:
    """A stored event with the number of its batch."""

    id: int
    device_id: bytes
    counter: int
    kind: int
    suite: int
    frame: bytes
    signature: bytes | None
    received_ms: int
    bearer: str
    incident_id: int | None
    answer: int
    batch: int | None
    digest: bytes = b""

    def record(self) -> bytes:
        """What is digested of it. Raises where it holds what no event holds."""
        return event_record(
            self.device_id,
            self.counter,
            self.kind,
            self.suite,
            self.frame,
            self.received_ms,
            self.bearer,
            self.incident_id,
            self.answer,
        )

    @property
    def name(self) -> str:
        return f"event {self.id} (device {_hex(self.device_id)}, counter {self.counter})"


class AuditReader(Protocol):
    """What the audit reads of a store. Every page is read for itself; numbers only grow."""

    def chain_head(self) -> Link:
        """The end of the chain as the last commit left it."""
        ...

    def chain_after(self, after_id: int, limit: int) -> Sequence[ChainEntry]: ...

    def batches_from(self, number: int, limit: int) -> Sequence[BatchRow]:
        """Those with this number or a higher one, by number."""
        ...

    def event_rows_after(self, after_id: int, limit: int) -> Sequence[EventRow]: ...

    def event_signatures(self, device_id: bytes, counter: int) -> Sequence[tuple[bytes, bytes]]:
        """Digest and signature of all messages under this counter that have one."""
        ...

    def last_event_id(self) -> int: ...


Progress = Callable[[str, int, int], None]  # what, done, of


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that is whole."""

    head: Link
    batches: int
    events: int


def verify(reader: AuditReader, kept: Link | None = None, progress: Progress = lambda what, done, of: None) -> Verified:
    """Recompute everything. kept: a head that somebody noted elsewhere earlier. Raises AuditBroken, StoreFailing."""
    head = reader.chain_head()
    if kept is not None and kept.id > head.id:
        raise AuditBroken(f"entry {kept.id} was noted as the head and the chain ends at {head.id}: the rest is gone")
    signatures = _verify_chain(reader, head, kept, progress)
    return _Events(reader, head, progress).verify(signatures)


def chain(reader: AuditReader, after: Link = FIRST, until: int | None = None) -> Sequence[ChainEntry]:
    """The next page of the chain, at most up to an entry."""
    page = reader.chain_after(after.id, PAGE)
    return page if until is None else [entry for entry in page if entry.id <= until]


def _verify_chain(reader: AuditReader, head: Link, kept: Link | None, progress: Progress) -> int:
    """Returns how many signatures were added to events later."""
    link, signatures = FIRST, 0
    if kept is not None and kept.id == 0 and kept.hash != FIRST.hash:
        raise AuditBroken("entry 0 is before any entry: its hash is 64 zeros")
    while link.id < head.id:
        page = chain(reader, link, head.id)
        if not page:
            raise AuditBroken(
                f"{_span(link.id + 1, head.id)} gone: the chain ends at {link.id}, the store says {head.id}"
            )
        for entry in page:
            link = _next(link, entry)
            if kept is not None and kept.id == entry.id and kept.hash != entry.hash:
                raise AuditBroken(
                    f"entry {entry.id} is not the one that was noted as the head: the chain was rewritten"
                )
            if entry.kind == journal.SIGNATURE_ADDED:
                signatures += 1
                _verify_signature(reader, entry)
        progress("entries", link.id, head.id)
    if link != head:
        raise AuditBroken(f"the head of the chain was changed: entry {head.id} has another hash")
    newer = reader.chain_after(head.id, 1)
    if newer and newer[0].id > reader.chain_head().id:
        raise AuditBroken(f"entry {newer[0].id} was slipped in behind the head")
    return signatures


def _next(link: Link, entry: ChainEntry) -> Link:
    if entry.id > link.id + 1:
        raise AuditBroken(f"{_span(link.id + 1, entry.id - 1)} gone")
    if entry.id <= link.id:
        raise AuditBroken(f"entry {entry.id} is there twice")
    try:
        good = _typed(entry) and next_hash(link.hash, entry.text) == entry.hash
    except (TypeError, ValueError, AttributeError):
        good = False
    if not good:
        raise AuditBroken(f"entry {entry.id} ({entry.kind}) was changed, or put in another's place")
    return Link(entry.id, entry.hash)


def _typed(entry: ChainEntry) -> bool:
    """A value of another type could read like the right one: SQLite takes anything anywhere."""
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


def _verify_signature(reader: AuditReader, entry: ChainEntry) -> None:
    facts = json.loads(entry.facts)
    # Entries of older versions do not say which: there was only one.
    signatures = [
        signature
        for digest, signature in reader.event_signatures(entry.device_id or b"", facts["counter"])
        if digest.hex() == facts.get("digest", digest.hex())
    ]
    if facts["sha256"] not in (sha256(signature).hexdigest() for signature in signatures):
        raise AuditBroken(
            f"the signature that entry {entry.id} added to event {_hex(entry.device_id)}, counter {facts['counter']}, "
            f"{'was changed' if signatures else 'is gone'}"
        )


@dataclass(slots=True)
class _Gathering:
    """A batch some of whose events were met."""

    row: BatchRow
    first: int  # id of the first of them
    records: list[bytes] = field(default_factory=list)


class _Events:
    """The second and third pass."""

    def __init__(self, reader: AuditReader, head: Link, progress: Progress) -> None:
        self._reader = reader
        self._head = head
        self._progress = progress
        self._known: dict[int, BatchRow] = {}  # read ahead
        self._gathering: dict[int, _Gathering] = {}
        self._gathered = 0
        self._done = _Numbers()
        self._signed_later = 0
        self._events = 0

    def verify(self, signatures: int) -> Verified:
        after, last = 0, self._reader.last_event_id()
        while page := self._reader.event_rows_after(after, PAGE):
            for event in page:
                self._take(event)
            after = page[-1].id
            self._progress("events", after, max(after, last))
        for batch in self._gathering.values():
            raise AuditBroken(
                f"of batch {batch.row.number} (entry {batch.row.entry}) {len(batch.records)} events are there and "
                f"{batch.row.events} were stored: some are gone"
            )
        batches = self._verify_batches()
        self._verify_signatures(signatures)
        return Verified(self._head, batches, self._events)

    def _take(self, event: EventRow) -> None:
        batch = None if event.batch is None else self._gathering.get(event.batch)
        if batch is None:
            row = self._row_of(event)
            if row.entry > self._head.id:
                return  # stored since this began
            if self._done.has(row.number):
                raise AuditBroken(f"{event.name} was slipped in: batch {row.number} is whole without it")
            batch = self._gathering[row.number] = _Gathering(row, event.id)
        if not signature_fits(event.suite, event.frame, event.signature):
            raise AuditBroken(
                f"the signature of {event.name} was {'removed' if event.signature is None else 'changed'}"
            )
        if event.signature is not None and event.suite != Suite.ES256:
            self._signed_later += 1
        try:
            record = event.record()
            known_by = digest_of(event.frame)
        except Exception:
            raise AuditBroken(f"{event.name} was changed: it holds what no event holds") from None
        if event.digest != known_by:
            raise AuditBroken(f"{event.name} was changed: its digest is not that of its frame")
        batch.records.append(record)
        self._gathered += 1
        self._events += 1
        if len(batch.records) == batch.row.events:
            self._close(batch, event)
        elif self._gathered > _GATHERED:
            oldest = next(iter(self._gathering.values()))
            raise AuditBroken(f"of batch {oldest.row.number} (entry {oldest.row.entry}) some events are gone")

    def _close(self, batch: _Gathering, last: EventRow) -> None:
        row = batch.row
        if batch_digest(batch.records) != row.digest:
            where = f"event {last.id}" if batch.first == last.id else f"one of events {batch.first} to {last.id}"
            raise AuditBroken(
                f"{where} was changed, put in another's place or slipped in: batch {row.number} (entry {row.entry}) "
                "is not what was stored"
            )
        del self._gathering[row.number]
        self._gathered -= row.events
        self._done.add(row.number)

    def _row_of(self, event: EventRow) -> BatchRow:
        if not isinstance(event.batch, int):
            raise AuditBroken(f"{event.name} was slipped in: it belongs to no batch")
        row = self._known.pop(event.batch, None)
        if row is None:
            self._known = {row.number: row for row in self._reader.batches_from(event.batch, PAGE)}
            row = self._known.pop(event.batch, None)
        if row is None:
            raise AuditBroken(f"{event.name} was slipped in, or the entry of its batch {event.batch} is gone")
        return row

    def _verify_batches(self) -> int:
        number, batches = 0, 0
        while page := self._reader.batches_from(number, PAGE):
            for row in page:
                if row.entry > self._head.id:
                    continue
                batches += 1
                if not self._done.has(row.number):
                    raise AuditBroken(f"all {row.events} events of batch {row.number} (entry {row.entry}) are gone")
            number = page[-1].number + 1
        return batches

    def _verify_signatures(self, noted: int) -> None:
        """Each signature that came later has an entry. Some may have come since this began."""
        if self._signed_later == noted:
            return
        newer, link = 0, self._head
        while page := chain(self._reader, link):
            newer += sum(entry.kind == journal.SIGNATURE_ADDED for entry in page)
            link = Link(page[-1].id, page[-1].hash)
        if not noted <= self._signed_later <= noted + newer:
            raise AuditBroken(
                f"{self._signed_later} events have a signature that came later and {noted} were noted: "
                "one was slipped in"
            )


class _Numbers:
    """A set of numbers from 0 that takes a bit each."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, number: int) -> None:
        byte = number >> 3
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1024 - len(self._bits)))
        self._bits[byte] |= 1 << (number & 7)

    def has(self, number: int) -> bool:
        byte = number >> 3
        return byte < len(self._bits) and bool(self._bits[byte] >> (number & 7) & 1)


def _span(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _hex(device_id: object) -> str:
    return device_id.hex() if isinstance(device_id, bytes) else repr(device_id)
