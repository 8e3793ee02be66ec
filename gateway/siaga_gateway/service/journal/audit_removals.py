"""The recorded removals of check-ins that older versions stored as evidence, as an audit sees them.

Each is one entry of the chain: how many check-ins went from which batches, and a digest over what is left of each of
these. So a removal is no hole, and what is left is covered as before. Frames of check-ins leave the journal by such
entries too, which name those that lost theirs.
"""

from __future__ import annotations

import json
from typing import Any

from siaga_gateway.domain.audit_hashing import kept_digest
from siaga_gateway.service.journal.audit_gaps import AuditBroken, LossAccounting, NumberSet
from siaga_gateway.service.store.audit import AuditReader, BatchRow, ChainEntry

_PAGE = 2_000


class FrameRemovals:
    """The recorded removals of frames from the journal; whenever an entry is met that none of them names, those that
    came since are read."""

    def __init__(self, reader: AuditReader) -> None:
        self._reader = reader
        self._read = 0  # removals up to this entry
        self._entries = NumberSet()
        self.removed = 0

    def took(self, entry: int) -> bool:
        """Whether a removal names this entry; counts those that are asked for."""
        if entry not in self._entries:
            for told in self._reader.frame_removals(self._read):
                self._read = told.id
                self._take(told)
        if entry not in self._entries:
            return False
        self.removed += 1
        return True

    def _take(self, told: ChainEntry) -> None:
        try:
            for number in json.loads(told.facts)["entries"]:
                self._entries.add(int(number))
        except (ValueError, KeyError, TypeError):
            return  # the chain shows that it was changed


class Removals:
    """Read once at the beginning, and those that came since whenever something is met that none of them covers."""

    def __init__(self, reader: AuditReader, bearing: LossAccounting) -> None:
        self._reader = reader
        self._bearing = bearing
        self._signatures: set[str] = set()
        self._known: set[int] = set()  # numbers
        self._read = 0  # removals up to this entry
        self.removed = 0
        self._look()

    def took(self, signature_hex: str) -> bool:
        """Whether a removal took an event with the signature of this SHA-256."""
        if signature_hex not in self._signatures:
            self._look()
        return signature_hex in self._signatures

    def cover(self, row: BatchRow) -> bool:
        """Whether a removal accounts for what is left of a batch."""
        if row.removal not in self._known:
            self._look()
        return row.removal in self._known

    def _look(self) -> None:
        for entry in self._reader.removals(self._read):
            self._read = entry.id
            self._take(entry)

    def _take(self, entry: ChainEntry) -> None:
        try:
            facts: Any = json.loads(entry.facts)
            number, first, last = int(facts["removal"]), int(facts["first"]), int(facts["last"])
            removed, digest, signatures = int(facts["removed"]), str(facts["digest"]), list(facts["signatures"])
        except (ValueError, KeyError, TypeError):
            return  # the chain shows that it was changed
        self._signatures.update(signatures)
        left = []
        at = first
        while page := [row for row in self._reader.batches_from(at, _PAGE) if row.number <= last]:
            left += [row for row in page if row.removal == number]
            at = page[-1].number + 1
        told = [(row.number, row.kept_events or 0, row.kept_digest or b"") for row in left]
        if kept_digest(told).hex() != digest:
            for row in left:
                self._bearing.batch(row.number, AuditBroken("audit.removal_changed", id=entry.id, number=row.number))
            if not left:
                raise AuditBroken("audit.removal_changed", id=entry.id, number=first)
        self._known.add(number)
        self.removed += removed
