"""Notes of a shift, handovers and their receipts in the store; what was typed is sealed under the key for personal
data."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, TypeVar

import orjson

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Session
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Columns, Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.handover import (
    CaseLine,
    ClosedCall,
    DrillLine,
    Handover,
    LineFault,
    OpenCall,
    Receipt,
    ShiftFacts,
    ShiftNote,
)
from siaga_gateway.domain.value import copied

log = logging.getLogger(__name__)

T = TypeVar("T")
_LINES: Final[Mapping[str, type[Any]]] = {
    "open": OpenCall,
    "closed": ClosedCall,
    "drills": DrillLine,
    "cases": CaseLine,
    "lines": LineFault,
}


def _text(facts: ShiftFacts) -> str:
    return orjson.dumps(asdict(facts)).decode()


def _facts(text: str) -> ShiftFacts:
    """What a later version has added to it is passed over."""
    found: dict[str, Any] = orjson.loads(text)
    given: dict[str, Any] = {name: found[name] for name in ShiftFacts.__dataclass_fields__ if name in found}
    for name, value in given.items():
        if name in _LINES:
            given[name] = tuple(_line(_LINES[name], each) for each in value)
        elif isinstance(value, list):
            given[name] = tuple(value)
    return ShiftFacts(**given)


def _line(kind: type[T], found: Mapping[str, Any]) -> T:
    return kind(**{name: found[name] for name in kind.__dataclass_fields__ if name in found})  # type: ignore[attr-defined]


_NOTE: Final = Layout(ShiftNote)
_HANDOVER: Final = Layout(Handover, {"facts": Columns(("facts",), _text, _facts)})
_RECEIPT: Final = Layout(Receipt)
_LOCK: Final = "handovers.lock"


def _insert(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({columns(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - constants


_NOTES: Final = f"SELECT {columns(_NOTE.names)} FROM shift_note"  # noqa: S608
_HANDOVERS: Final = f"SELECT {columns(_HANDOVER.names)} FROM handover"  # noqa: S608
_ADD_NOTE: Final = _insert("shift_note", _NOTE.names)
_ADD: Final = _insert("handover", _HANDOVER.names)
_ADD_RECEIPT: Final = f"{_insert('handover_receipt', _RECEIPT.names)} ON CONFLICT DO NOTHING"
_STATION: Final = "coalesce(station, '') = ?"
_CLOSED: Final = (
    "SELECT id FROM incident WHERE state = 'closed' AND mode <> 'test' AND closed_at_ms > ? "
    "ORDER BY closed_at_ms DESC, id DESC"
)
_TAKEN: Final = "EXISTS (SELECT 1 FROM handover_receipt WHERE handover_id = handover.id)"
# What was typed: the table, its column, and when.
_TYPED: Final = (("shift_note", "text", "at_ms"), ("handover", "remarks", "made_ms"))


def _sealed(sealing: Sealing, text: str | None, table: str, number: int) -> str | None:
    return None if text is None else sealing.seal_text(text, table, number)


def _opened(sealing: Sealing, sealed: str | None, table: str, number: int) -> str | None:
    """Empty: it cannot be decrypted now, which is logged."""
    if sealed is None:
        return None
    try:
        return sealing.open_text(sealed, table, number)
    except SiagaError as error:
        log.error(Localized("log.store.handover", number=number, why=error))
        return ""


class _Opens:
    """Reads rows, and opens what was typed."""

    def __init__(self, sealing: Sealing) -> None:
        self._sealing = sealing

    def notes(self, rows: Sequence[Row]) -> list[ShiftNote]:
        found = _NOTE.sound(rows, "shift_note")
        return [copied(each, text=_opened(self._sealing, each.text, "shift_note", each.id)) for each in found]

    def handovers(self, rows: Sequence[Row]) -> list[Handover]:
        found = _HANDOVER.sound(rows, "handover")
        return [copied(each, remarks=_opened(self._sealing, each.remarks, "handover", each.id)) for each in found]


class HandoverWriting(WriteBatch):
    """Implements service.store.handovers.HandoverWriting. Nothing of it concerns a batch of events."""

    def lock_handovers(self) -> None:
        self._lock_aside(_LOCK)

    def next_shift_note(self) -> int:
        return self._after("shift_note")

    def next_handover(self) -> int:
        return self._after("handover")

    def _after(self, table: str) -> int:
        last: int = self._fetch(f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]  # noqa: S608
        return last + 1

    def add_shift_note(self, note: ShiftNote) -> None:
        sealed = copied(note, text=_sealed(self._sealing, note.text, "shift_note", note.id))
        self._run_aside(_ADD_NOTE, _NOTE.row(sealed))

    def add_handover(self, handover: Handover) -> None:
        sealed = copied(handover, remarks=_sealed(self._sealing, handover.remarks, "handover", handover.id))
        self._run_aside(_ADD, _HANDOVER.row(sealed))

    def handover(self, handover_id: int) -> Handover | None:
        found = _Opens(self._sealing).handovers(self._fetch(f"{_HANDOVERS} WHERE id = ?", (handover_id,)))
        return found[0] if found else None

    def handover_of_form(self, form: str) -> int | None:
        rows = self._fetch("SELECT id FROM handover WHERE form = ?", (form,))
        return rows[0][0] if rows else None

    def add_receipt(self, receipt: Receipt) -> bool:
        return self._run_aside(_ADD_RECEIPT, _RECEIPT.row(receipt)) > 0

    def forget_shift_texts(self, before_ms: int, limit: int) -> int:
        return sum(
            self._run_aside(
                f"UPDATE {table} SET {column} = NULL WHERE id IN (SELECT id FROM {table} "  # noqa: S608
                f"WHERE {column} IS NOT NULL AND {at} < ? ORDER BY id LIMIT ?)",
                (before_ms, limit),
            )
            for table, column, at in _TYPED
        )


class HandoverReading(Reads):
    """Implements service.store.handovers.HandoverReading."""

    def shift_notes(self, station: str | None, from_ms: int, above: int, least_ms: int) -> Sequence[ShiftNote]:
        # The first condition is for the index.
        where = f"{_NOTES} WHERE at_ms > ? AND (at_ms > ? OR (id > ? AND at_ms > ?)) AND {_STATION} ORDER BY id"
        asked = (min(from_ms, least_ms), from_ms, above, least_ms, station or "")
        return _Opens(self.sealing).notes(self.fetch(where, asked))

    def closed_since(self, from_ms: int) -> Sequence[int]:
        return [number for (number,) in self.fetch(_CLOSED, (from_ms,))]

    def shift_notes_of(self, ids: Collection[int]) -> Sequence[ShiftNote]:
        if not ids:
            return []
        among, parameters = self.writing.among("shift_note", "id", ids)
        return _Opens(self.sealing).notes(self.fetch(f"{_NOTES} WHERE {among} ORDER BY id", parameters))

    def handover(self, handover_id: int) -> Handover | None:
        found = _Opens(self.sealing).handovers(self.fetch(f"{_HANDOVERS} WHERE id = ?", (handover_id,)))
        return found[0] if found else None

    def handovers(
        self, station: str | None, before: int, limit: int, from_ms: int | None = None, to_ms: int | None = None
    ) -> Sequence[Handover]:
        since = -(2**62) if from_ms is None else from_ms
        until = 2**62 if to_ms is None else to_ms
        where = f"{_HANDOVERS} WHERE id < ? AND {_STATION} AND made_ms >= ? AND made_ms < ? ORDER BY id DESC LIMIT ?"
        return _Opens(self.sealing).handovers(self.fetch(where, (before, station or "", since, until, limit)))

    def handovers_untaken(self, station: str | None, since_ms: int) -> Sequence[Handover]:
        where = f"{_HANDOVERS} WHERE made_ms >= ? AND {_STATION} AND NOT {_TAKEN} ORDER BY id DESC"
        return _Opens(self.sealing).handovers(self.fetch(where, (since_ms, station or "")))

    def last_taken_ms(self, station: str | None) -> int | None:
        rows = self.fetch(
            f"SELECT max(made_ms) FROM handover WHERE {_STATION} "  # noqa: S608
            f"AND {_TAKEN}",
            (station or "",),
        )
        taken: int | None = rows[0][0]
        return taken

    def last_taken_note(self, station: str | None) -> int:
        where = f"{_HANDOVERS} WHERE {_STATION} AND facts NOT LIKE ? AND {_TAKEN} ORDER BY id DESC LIMIT 1"
        found = _HANDOVER.sound(self.fetch(where, (station or "", '%"notes":[]%')), "handover")
        return max((number for each in found for number in each.facts.notes), default=0)

    def receipts(self, handover_ids: Collection[int]) -> Mapping[int, Sequence[Receipt]]:
        if not handover_ids:
            return {}
        among, parameters = self.writing.among("handover_receipt", "handover_id", handover_ids)
        rows = self.fetch(
            f"SELECT {columns(_RECEIPT.names)} FROM handover_receipt WHERE {among} ORDER BY at_ms, name",  # noqa: S608
            parameters,
        )
        found: dict[int, list[Receipt]] = {}
        for each in _RECEIPT.sound(rows, "handover_receipt"):
            found.setdefault(each.handover_id, []).append(each)
        return found

    def expired_shift_texts(self, before_ms: int) -> int:
        return sum(
            self.fetch(f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {at} < ?", (before_ms,))[0][0]  # noqa: S608
            for table, column, at in _TYPED
        )


def seal_typed(session: Session, sealing: Sealing, after: int, limit: int) -> int:
    """Encrypt what was typed into the next notes and handovers under the current key; what cannot be decrypted stays.
    Returns the number of the last one examined; 0: no more."""
    last = 0
    for table, column, _ in _TYPED:
        rows = session.fetch(
            f"SELECT id, {column} FROM {table} WHERE id > ? AND {column} IS NOT NULL AND {column} NOT LIKE ? "  # noqa: S608
            "ORDER BY id LIMIT ?",
            (after, f"{sealing.keys.current}.%", limit),
        )
        opened = [(number, sealed, _opened(sealing, sealed, table, number)) for number, sealed in rows]
        session.many(
            f"UPDATE {table} SET {column} = ? WHERE id = ? AND {column} = ?",  # noqa: S608
            [(_sealed(sealing, text, table, number), number, stood) for number, stood, text in opened if text],
        )
        # Both tables go on from the nearer of the two.
        if rows:
            last = rows[-1][0] if not last else min(last, rows[-1][0])
    return last
