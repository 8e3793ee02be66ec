"""Verifies that the journal and the stored events are as written: recomputes the whole chain, page by page.

Three passes that need little memory even for a big store: the chain from its first entry to its head; the events, whose
batches are entries of the chain; and the batches that no event named. It may run beside a working gateway: whatever is
written meanwhile is left for the next run. Check-ins that older versions stored as evidence go by recorded removals,
also meanwhile: see audit_events.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from hashlib import sha256

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.audit_hashing import (
    FIRST,
    HASH_BYTES,
    Link,
    next_hash,
)
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_events import EventAudit, NotedSignatures, Progress, chain
from siaga_gateway.service.journal.audit_gaps import AuditBroken as AuditBroken
from siaga_gateway.service.journal.audit_gaps import KnownLosses, LossAccounting, within
from siaga_gateway.service.journal.audit_removals import FrameRemovals, Removals
from siaga_gateway.service.store.audit import AuditReader, ChainEntry, device_hex


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain that is intact, apart from losses that rescues noted."""

    head: Link
    batches: int
    events: int
    removed: int = 0  # check-ins that older versions stored, gone by recorded removals
    frames_removed: int = 0  # of check-ins, that older versions kept in the journal; gone in the same way
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
    found = _verify_all(reader, head, kept, progress, bearing)
    return replace(found, losses=losses, rescues=tuple(rescues))


def survey(reader: AuditReader, progress: Progress = lambda what, done, of: None) -> KnownLosses:
    """Return everything wrong with a damaged store, for its rescue's entry. Raises: StoreFailing."""
    head = reader.chain_head()
    losses = KnownLosses()
    for entry in reader.rescues():
        losses.add(entry.facts)
    bearing = LossAccounting(losses, KnownLosses())
    _verify_all(reader, head, None, progress, bearing)
    return bearing.new()


def _verify_all(
    reader: AuditReader, head: Link, kept: Link | None, progress: Progress, bearing: LossAccounting
) -> Verified:
    removals = Removals(reader, bearing)
    frames = FrameRemovals(reader)
    signatures = _verify_chain(reader, head, kept, progress, bearing, removals, frames)
    batches, events = EventAudit(reader, head, progress, bearing, removals).verify(signatures)
    return Verified(head, batches, events, removals.removed, frames.removed)


def _verify_chain(
    reader: AuditReader,
    head: Link,
    kept: Link | None,
    progress: Progress,
    bearing: LossAccounting,
    removals: Removals,
    frames: FrameRemovals,
) -> NotedSignatures:
    """Verify the chain. Returns how many signatures were added to events later."""
    link, signatures = FIRST, NotedSignatures()
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
            if entry.frame_sha256 is not None and not frames.took(entry.id):
                bearing.changed(entry.id, AuditBroken("audit.frame_gone", id=entry.id, kind=entry.kind))
            if entry.kind == journal.SIGNATURE_ADDED:
                signatures.all += 1
                signatures.removed += _verify_signature(reader, entry, bearing, removals)
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
        and isinstance(entry.frame_sha256, bytes | None)
        and (entry.frame is None or entry.frame_sha256 is None)
        and isinstance(entry.hash, bytes)
        and len(entry.hash) == HASH_BYTES
    )


def _verify_signature(reader: AuditReader, entry: ChainEntry, bearing: LossAccounting, removals: Removals) -> bool:
    """Return whether the event whose signature the entry tells of was taken away by a removal."""
    facts = json.loads(entry.facts)
    # Older versions' entries do not say which: there was only one.
    signatures = [
        signature
        for digest, signature in reader.event_signatures(entry.device_id or b"", facts["counter"])
        if digest.hex() == facts.get("digest", digest.hex())
    ]
    if facts["sha256"] in (sha256(signature).hexdigest() for signature in signatures):
        return False
    if removals.took(facts["sha256"]):
        return True
    key, device = "audit.added_changed" if signatures else "audit.added_gone", device_hex(entry.device_id)
    bearing.signatures(AuditBroken(key, id=entry.id, device=device, counter=facts["counter"]))
    return False


def _span(first: int, last: int) -> Localized:
    if first == last:
        return Localized("errors.audit.one_entry", number=first)
    return Localized("errors.audit.entries", first=first, last=last)
