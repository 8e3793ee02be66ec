"""Coverage by cells: `coverage_reported`, by classes, in no backup, and `coverage_told`, which may be told.

A gateway of an older version beside this one may still be counting for all classes together in `coverage_gathered`, and
release that to `coverage`. No class in it is bounded: it is told by nobody, and goes with its month.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.coverage import BAND, MOST, SQUARE, CellMonth, band_of, released

GATHERED: Final = "coverage_reported"
FORMER: Final = ("coverage_gathered", "coverage")
_AT_ONCE: Final = 5_000
_TOLD: Final = "coverage_told"
_NAMES: Final = CellMonth._fields


def _add(table: str, key: str, others: str = "") -> str:
    places = ", ".join("?" for _ in _NAMES)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in ("samples", "weak", "dbm"))
    return (
        f"INSERT INTO {table} ({columns(_NAMES)}) VALUES ({places}) ON CONFLICT ({key}) "  # noqa: S608
        f"DO UPDATE SET {others}{sums} WHERE {table}.samples < {MOST}"
    )


_KEY: Final = "month, size, cell, bearer"
_CLASS_KEY: Final = f"{_KEY}, classes"
_GATHER: Final = _add(GATHERED, _CLASS_KEY)
_TELL: Final = _add(_TOLD, _KEY, f"classes = {_TOLD}.classes | excluded.classes, ")
_OUTSIDE: Final = "WHERE month < ? OR month > ?"
_KEYS: Final = {GATHERED: _CLASS_KEY, **dict.fromkeys((*FORMER, _TOLD), _KEY)}


class CoverageWriting(WriteBatch):
    """Implements service.store.coverage.CoverageWriting. What ingest knows of devices holds all the same."""

    def gather_coverage(self, cells: Collection[CellMonth]) -> None:
        if cells:
            self.flush()
            # In one order: two workers at once do not wait for each other's rows.
            self._session.many(_GATHER, sorted(cells))

    def release_coverage(self, before_month: int) -> int:
        self.flush()
        first = self._session.fetch(
            f"SELECT month, cell FROM {GATHERED} WHERE month < ? ORDER BY {_KEY} LIMIT 1",  # noqa: S608 - constants
            (before_month,),
        )
        if not first:
            return self._forget_former(before_month)
        month, cell = first[0]
        taken = (
            f"DELETE FROM {GATHERED} WHERE month = ? AND size = 1 AND cell BETWEEN ? AND ? RETURNING {columns(_NAMES)}"  # noqa: S608
        )
        rows = self._session.fetch(taken, (month, *band_of(cell)))
        told = released(CellMonth._make(row) for row in rows)
        if told:
            self._session.many(_TELL, sorted(told))
        return len(rows)

    def _forget_former(self, before_month: int) -> int:
        for table in FORMER:
            oldest = f"SELECT {_KEY} FROM {table} WHERE month < ? ORDER BY {_KEY} LIMIT {_AT_ONCE}"  # noqa: S608
            gone = self._run_aside(f"DELETE FROM {table} WHERE ({_KEY}) IN ({oldest})", (before_month,))  # noqa: S608
            if gone:
                return gone
        return 0

    def forget_coverage(self, before_month: int, after_month: int, limit: int) -> int:
        for table, key in _KEYS.items():
            for condition, month in (("month < ?", before_month), ("month > ?", after_month)):
                oldest = f"SELECT {key} FROM {table} WHERE {condition} ORDER BY {key} LIMIT ?"  # noqa: S608
                gone = self._run_aside(f"DELETE FROM {table} WHERE ({key}) IN ({oldest})", (month, limit))  # noqa: S608
                if gone:
                    return gone
        return 0


class CoverageReading(Reads):
    """Implements service.store.coverage.CoverageReading."""

    def coverage_bands(self, since_month: int) -> Sequence[int]:
        found: set[int] = set()
        for table in (_TOLD, GATHERED):
            bands = f"SELECT DISTINCT cell / {BAND} FROM {table} WHERE month >= ?"  # noqa: S608 - constants
            found.update(row[0] for row in self.fetch(bands, (since_month,)))
        return sorted(band * BAND for band in found)

    def coverage(self, months: Collection[int], cell: int) -> Sequence[CellMonth]:
        told, gathered = (self._rows(table, months, cell) for table in (_TOLD, GATHERED))
        return [*told, *released(gathered)]

    def _rows(self, table: str, months: Collection[int], cell: int) -> list[CellMonth]:
        # Both lists before the cells: so the primary key finds them.
        among, parameters = self.writing.among(table, "month", months)
        where = f"{among} AND size IN (1, {SQUARE}) AND cell BETWEEN ? AND ?"
        rows = self.fetch(f"SELECT {columns(_NAMES)} FROM {table} WHERE {where}", (*parameters, *band_of(cell)))  # noqa: S608
        return [CellMonth._make(row) for row in rows]

    def expired_coverage(self, before_month: int, after_month: int) -> int:
        counts = (
            self.fetch(f"SELECT count(*) FROM {table} {_OUTSIDE}", (before_month, after_month))  # noqa: S608
            for table in _KEYS
        )
        return sum(count for ((count,),) in counts)
