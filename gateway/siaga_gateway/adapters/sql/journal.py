"""The journal in the store: a transaction's entries, numbered at its end, and reading them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql import audit
from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Session, Writing
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.rows import JOURNAL, columns, entry_of, json_text
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.catalogue.localized import remembered
from siaga_gateway.domain.audit_hashing import Link
from siaga_gateway.domain.frame import is_private
from siaga_gateway.service.journal.kinds import GATEWAY_STARTED, LINE_KINDS
from siaga_gateway.service.ports import JournalEntry

SELECT: Final = f"SELECT {columns(JOURNAL)} FROM journal"  # noqa: S608 - constants
_OF_INCIDENT: Final = f"{SELECT} WHERE incident_id = ? ORDER BY id"

# As literals: only so is the index journal_line used.
_OF_LINES: Final = f"kind IN ({', '.join(repr(kind) for kind in LINE_KINDS)})"
LAST_START: Final = f"SELECT max(id) FROM journal WHERE {_OF_LINES} AND kind = '{GATEWAY_STARTED}'"  # noqa: S608
LINES: Final = f"{SELECT} WHERE {_OF_LINES} AND id >= ? ORDER BY id DESC LIMIT ?"


class JournalWriting(WriteBatch):
    """Entries, and the batch of the events stored with them."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._journal: list[Row] = []  # without their numbers
        self._batch: audit.Batch | None = None

    def note(
        self,
        kind: str,
        at_ms: int,
        facts: Mapping[str, Any] | None = None,
        *,
        incident_id: int | None = None,
        device_id: bytes | None = None,
        actor: str | None = None,
        frame: bytes | None = None,
    ) -> None:
        if frame is not None and is_private(frame):
            frame = None  # the last of several that see to it: this record is for ever
        text = json_text(remembered(facts)) if facts else "{}"
        self._journal.append((at_ms, kind, incident_id, device_id, actor, text, frame))

    def journaled(self, incident_id: int) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self._fetch(_OF_INCIDENT, (incident_id,))]

    @property
    def _journal_waits(self) -> bool:
        return bool(self._journal) or self._batch is not None

    def _number_journal(self, last: Link) -> None:
        """Number the entries after the last; call between Session.lock_end and the commit."""
        if self._journal_waits:
            audit.append(self._session, last, self._journal, self._batch)


class JournalReading(Reads):
    """The journal's part of service.ports.JournalReader."""

    def journal_after(self, after_id: int, limit: int = 500) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self.fetch(f"{SELECT} WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))]

    def journal_of_kinds(self, kinds: Collection[str], after_id: int, until_id: int) -> Sequence[JournalEntry]:
        among, parameters = self.writing.among("journal", "kind", sorted(kinds))
        rows = self.fetch(
            f"{SELECT} WHERE id > ? AND id <= ? AND {among} ORDER BY id", (after_id, until_id, *parameters)
        )
        return [entry_of(row) for row in rows]

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self.fetch(f"{SELECT} ORDER BY id DESC LIMIT ?", (limit,))][::-1]

    def journal_of_lines(self, limit: int) -> Sequence[JournalEntry]:
        last = self.fetch(LAST_START)[0][0] or 0
        return [entry_of(row) for row in self.fetch(LINES, (last, limit))][::-1]

    def last_of_kind(self, kind: str) -> JournalEntry | None:
        """Return the newest entry of a kind; None: there is none."""
        rows = self.fetch(f"{SELECT} WHERE kind = ? ORDER BY id DESC LIMIT 1", (kind,))
        return entry_of(rows[0]) if rows else None

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]:
        return [entry_of(row) for row in self.fetch(_OF_INCIDENT, (incident_id,))]

    def last_journal_id(self) -> int:
        last: int = self.fetch("SELECT coalesce(max(id), 0) FROM journal")[0][0]
        return last
