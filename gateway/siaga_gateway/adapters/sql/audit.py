"""The audit chain in the store: links entries and batches as they are numbered, and reads them back for
verification."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from siaga_gateway.adapters.sql.engine import Insert, Row, Session
from siaga_gateway.adapters.sql.rows import JOURNAL, columns, json_text
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.audit_hashing import (
    FIRST,
    STORED,
    Link,
    batch_digest,
    batch_facts,
    entry_text,
    event_record,
    next_hash,
)
from siaga_gateway.domain.frame import Suite, digest_of, is_private
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import NewEvent
from siaga_gateway.service.store.audit import FRAMES_UNTIL, REMOVALS, REMOVED_UNTIL, BatchRow, ChainEntry, EventRow

_HEAD: Final = "SELECT id, hash FROM audit_head WHERE one = 1"
# Where the chain and the outbox end, in one answer: every other writer waits for it.
# outbox.after: numbers that were skipped, see postgres/promotion.py.
ENDS: Final = (
    "SELECT id, hash, (SELECT coalesce(max(id), 0) FROM (SELECT max(id) AS id FROM outbox UNION ALL "
    "SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'outbox.after') AS ends) FROM audit_head WHERE one = 1"
)
_MOVED: Final = "UPDATE audit_head SET id = ?, hash = ? WHERE one = 1"
_BATCH: Final = Insert("batch", ("number", "id", "at_ms", "events", "digest", "hash"))
_ENTRY: Final = Insert("journal", (*JOURNAL, "hash"))
EVENT: Final = (
    "device_id",
    "counter",
    "kind",
    "suite",
    "frame",
    "signature",
    "received_ms",
    "bearer",
    "incident_id",
    "answer",
    "batch",
    "digest",
)
_WITHOUT_DIGEST: Final = EVENT[:-1]  # as it was when the audit chain was introduced
_EVENTS_AFTER: Final = f"SELECT id, {columns(EVENT)} FROM event WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
_EVENTS_THEN: Final = f"SELECT id, {columns(_WITHOUT_DIGEST)} FROM event WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
# Each half has its own limit: otherwise PostgreSQL would sort everything left of both for every page. It needs types,
# too.
_NUMBER, _TEXT, _BYTES = "CAST(NULL AS BIGINT)", "CAST(NULL AS TEXT)", "CAST(NULL AS BYTEA)"


def _chain(was: str) -> str:
    """Return the statement for a page of the chain; was: what there is of a frame that was taken away."""
    return (
        "SELECT * FROM ("  # noqa: S608 - constants
        f"SELECT {columns(JOURNAL)}, hash, {was} AS was, {_NUMBER} AS number, {_NUMBER} AS events, {_BYTES} AS digest "
        "FROM journal WHERE id > ? ORDER BY id LIMIT ?) AS entries UNION ALL SELECT * FROM ("
        f"SELECT id, at_ms, CAST('{STORED}' AS TEXT), {_NUMBER}, {_BYTES}, {_TEXT}, {_TEXT}, {_BYTES}, "
        f"hash, {_BYTES}, number, events, digest "
        "FROM batch WHERE id > ? ORDER BY id LIMIT ?) AS batches ORDER BY id LIMIT ?"
    )


_WAS: Final = "frame_sha256"
_CHAIN_AFTER: Final = _chain(_WAS)
_CHAIN_FRAMED: Final = _chain(_BYTES)  # of a copy from before any was
_BATCH_ROW: Final = "number, id, events, digest"
_KEPT: Final = "kept_events, kept_digest, removal"
_OF_KIND: Final = f"SELECT {columns(JOURNAL)}, hash FROM journal WHERE kind = ? AND id > ? ORDER BY id"  # noqa: S608
_FRAMES: Final = "SELECT id, frame FROM journal WHERE id > ? AND id <= ? AND frame IS NOT NULL ORDER BY id"
_FRAME_GONE: Final = "UPDATE journal SET frame = NULL, frame_sha256 = ? WHERE id = ?"
_AT_ONCE: Final = 1_000


@dataclass(slots=True)
class Batch:
    """The events that one transaction stores."""

    number: int
    at_ms: int = 0
    records: list[bytes] = field(default_factory=list)

    def row(self, event: NewEvent) -> Row:
        """Return the event's row, in the order of EVENT; from then on it counts as part of the batch."""
        kind, suite, answer = int(event.kind), int(event.suite), int(event.answer)
        self.at_ms = event.received_ms
        self.records.append(
            event_record(
                event.device_id,
                event.counter,
                kind,
                suite,
                event.frame,
                event.received_ms,
                event.bearer,
                event.incident_id,
                answer,
            )
        )
        return (
            event.device_id,
            event.counter,
            kind,
            suite,
            event.frame,
            event.signature,
            event.received_ms,
            event.bearer,
            event.incident_id,
            answer,
            self.number,
            event.digest,
        )


def append(session: Session, last: Link, entries: Sequence[Row], batch: Batch | None) -> None:
    """Number and link a transaction's batch and entries after the last; the rows are in the order of JOURNAL without
    the number.

    Call between Session.lock_end and the commit.
    """
    number, hash_ = last.id, last.hash
    if batch is not None:
        number += 1
        digest = batch_digest(batch.records)
        facts = batch_facts(batch.number, len(batch.records), digest)
        hash_ = next_hash(hash_, entry_text(number, batch.at_ms, STORED, None, None, None, facts, None))
        session.insert(_BATCH, [(batch.number, number, batch.at_ms, len(batch.records), digest, hash_)])
    if entries:
        linked = []
        for row in entries:
            number += 1
            hash_ = next_hash(hash_, entry_text(number, *row))
            linked.append((number, *row, hash_))
        session.insert(_ENTRY, linked)
    session.send(_MOVED, (number, hash_))


def chain_up(session: Session, now_ms: int) -> None:
    """Link the journal of an older store from its first entry on, and group its events into batches."""
    link, after = FIRST, 0
    while page := session.fetch(
        f"SELECT {columns(JOURNAL)} FROM journal WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
        (after, _AT_ONCE),
    ):
        linked = []
        for id_, *row in page:
            link = _next(link, row)
            linked.append((link.id, link.hash, id_))
        after = page[-1][0]
        session.many("UPDATE journal SET id = ?, hash = ? WHERE id = ?", linked)
    link = _gather(session, link, now_ms)
    session.run("INSERT INTO audit_head (one, id, hash) VALUES (1, ?, ?)", (link.id, link.hash))


def _next(link: Link, row: Sequence[Any]) -> Link:
    number = link.id + 1
    return Link(number, next_hash(link.hash, entry_text(number, *row)))


def _gather(session: Session, link: Link, now_ms: int) -> Link:
    after, number = 0, 0
    while page := session.fetch(_EVENTS_THEN, (after, _AT_ONCE)):
        number = session.batch_number()
        events = [EventRow(*row) for row in page]
        digest = batch_digest(map(EventRow.record, events))
        facts = batch_facts(number, len(events), digest)
        link = _next(link, (now_ms, STORED, None, None, None, facts, None))
        session.run(
            f"INSERT INTO batch ({columns(_BATCH.names)}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
            (number, link.id, now_ms, len(events), digest, link.hash),
        )
        session.run("UPDATE event SET batch = ? WHERE id > ? AND id <= ?", (number, after, events[-1].id))
        for event in events:
            if event.signature is not None and event.suite != Suite.ES256:
                row = signature_entry(now_ms, event.device_id, event.counter, event.signature)
                link = _next(link, row)
                session.run(
                    f"INSERT INTO journal ({columns(_ENTRY.names)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                    (link.id, *row, link.hash),
                )
        after = events[-1].id
    return link


def fill_digests(session: Session, now_ms: int) -> None:
    """Give each event of an older store its digest."""
    after = 0
    while page := session.fetch("SELECT id, frame FROM event WHERE id > ? ORDER BY id LIMIT ?", (after, _AT_ONCE)):
        session.many("UPDATE event SET digest = ? WHERE id = ?", [(digest_of(frame), id_) for id_, frame in page])
        after = page[-1][0]


def signature_entry(at_ms: int, device_id: bytes, counter: int, signature: bytes, digest: bytes | None = None) -> Row:
    """Return the entry for a signature that came after its event: a row in the order of JOURNAL without the number.

    digest: which event under this counter; None: there is only one.
    """
    of = {} if digest is None else {"digest": digest.hex()}
    facts = json_text({"counter": counter, **of, "sha256": sha256(signature).hexdigest()})
    return (at_ms, journal.SIGNATURE_ADDED, None, device_id, None, facts, None)


class AuditReading:
    """Implements service.store.audit.AuditReader."""

    thinned = True  # False: a copy from before check-ins were taken out of the evidence
    unframed = True  # False: a copy from before frames of check-ins were taken out of the journal

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        raise NotImplementedError

    def chain_head(self) -> Link:
        return Link(*self.fetch(_HEAD)[0])

    def chain_after(self, after_id: int, limit: int) -> Sequence[ChainEntry]:
        chain = _CHAIN_AFTER if self.unframed else _CHAIN_FRAMED
        return [_entry_of(row) for row in self.fetch(chain, (after_id, limit, after_id, limit, limit))]

    def batches_from(self, number: int, limit: int) -> Sequence[BatchRow]:
        columns = f"{_BATCH_ROW}, {_KEPT}" if self.thinned else _BATCH_ROW
        batches = f"SELECT {columns} FROM batch WHERE number >= ? ORDER BY number LIMIT ?"  # noqa: S608 - constants
        return [BatchRow(*row) for row in self.fetch(batches, (number, limit))]

    def event_rows_after(self, after_id: int, limit: int) -> Sequence[EventRow]:
        return [EventRow(*row) for row in self.fetch(_EVENTS_AFTER, (after_id, limit))]

    def event_signatures(self, device_id: bytes, counter: int) -> Sequence[tuple[bytes, bytes]]:
        rows = self.fetch(
            "SELECT digest, signature FROM event "
            "WHERE device_id = ? AND counter = ? AND signature IS NOT NULL ORDER BY id",
            (device_id, counter),
        )
        return [(row[0], row[1]) for row in rows]

    def removals(self, after_id: int) -> Sequence[ChainEntry]:
        return self._of_kind(journal.CHECKINS_REMOVED, after_id)

    def frame_removals(self, after_id: int) -> Sequence[ChainEntry]:
        return self._of_kind(journal.FRAMES_REMOVED, after_id)

    def _of_kind(self, kind: str, after_id: int = 0) -> Sequence[ChainEntry]:
        return [ChainEntry(*row) for row in self.fetch(_OF_KIND, (kind, after_id))]

    def private_frames(self, after_id: int, until_id: int) -> Sequence[int]:
        return [number for number, frame in self.fetch(_FRAMES, (after_id, until_id)) if _is_private(frame)]

    def rescues(self) -> Sequence[ChainEntry]:
        return self._of_kind(journal.RESCUED)

    def last_event_id(self) -> int:
        last: int = self.fetch("SELECT coalesce(max(id), 0) FROM event")[0][0]
        return last


class EvidenceWriting(WriteBatch):
    """Implements service.store.audit.EvidenceWriting."""

    def begin_removal(self) -> tuple[int, int]:
        self._run("UPDATE meta SET value = value WHERE name = ?", (REMOVED_UNTIL,))  # its row is the lock
        names = (REMOVED_UNTIL, REMOVALS)
        rows = self._fetch("SELECT name, value FROM meta WHERE name IN (?, ?)", names)
        told = {name: int(value) for name, value in rows}
        return told.get(REMOVED_UNTIL, 0), told.get(REMOVALS, 0)

    def stored_after(self, after_id: int, limit: int) -> Sequence[EventRow]:
        return [EventRow(*row) for row in self._fetch(_EVENTS_AFTER, (after_id, limit))]

    def batches(self, numbers: Collection[int]) -> Mapping[int, BatchRow]:
        if not numbers:
            return {}
        among, parameters = self._writing.among("batch", "number", numbers)
        rows = self._fetch(f"SELECT {_BATCH_ROW}, {_KEPT} FROM batch WHERE {among}", parameters)  # noqa: S608
        return {row[0]: BatchRow(*row) for row in rows}

    def remove_events(self, ids: Collection[int]) -> None:
        if ids:
            self.touched = True
            self._session.many("DELETE FROM event WHERE id = ?", [(each,) for each in sorted(ids)])

    def forget_private_frames(self, after_id: int, until_id: int) -> Sequence[int]:
        self._run("UPDATE meta SET value = value WHERE name = ?", (FRAMES_UNTIL,))  # its row is the lock
        gone = [each for each in self._fetch(_FRAMES, (after_id, until_id)) if _is_private(each[1])]
        self._session.many(_FRAME_GONE, [(sha256(frame).digest(), number) for number, frame in gone])
        return [number for number, _ in gone]

    def put_kept(self, rows: Sequence[BatchRow]) -> None:
        if rows:
            self._session.many(
                "UPDATE batch SET kept_events = ?, kept_digest = ?, removal = ? WHERE number = ?",
                [(row.kept_events, row.kept_digest, row.removal, row.number) for row in rows],
            )


def _is_private(frame: object) -> bool:
    return isinstance(frame, bytes) and is_private(frame)  # SQLite returns any type, where a bit was flipped


def _entry_of(row: Row) -> ChainEntry:
    *entry, was, number, events, digest = row
    if number is not None:
        entry[6] = batch_facts(number, events, digest)
    entry.append(was)
    return ChainEntry(*entry)
