"""Coverage by cells in the store: `coverage_gathered`, which no backup has, and `coverage`, which may be told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.coverage import MOST, CellMonth, band_of, released

GATHERED: Final = "coverage_gathered"
_TOLD: Final = "coverage"
_NAMES: Final = CellMonth._fields


def _add(table: str) -> str:
    places = ", ".join("?" for _ in _NAMES)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in ("samples", "weak", "dbm"))
    return (
        f"INSERT INTO {table} ({columns(_NAMES)}) VALUES ({places}) ON CONFLICT (month, size, cell, bearer) "  # noqa: S608
        f"DO UPDATE SET classes = {table}.classes | excluded.classes, {sums} WHERE {table}.samples < {MOST}"
    )


_GATHER: Final = _add(GATHERED)
_TELL: Final = _add(_TOLD)
_OUTSIDE: Final = "WHERE month < ? OR month > ?"
_KEY: Final = "month, size, cell, bearer"


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
            return 0
        month, cell = first[0]
        taken = f"DELETE FROM {GATHERED} WHERE month = ? AND cell BETWEEN ? AND ? RETURNING {columns(_NAMES)}"  # noqa: S608
        rows = self._session.fetch(taken, (month, *band_of(cell)))
        told = released(CellMonth._make(row) for row in rows)
        if told:
            self._session.many(_TELL, sorted(told))
        return len(rows)

    def forget_coverage(self, before_month: int, after_month: int, limit: int) -> int:
        for table in (GATHERED, _TOLD):
            for condition, month in (("month < ?", before_month), ("month > ?", after_month)):
                oldest = f"SELECT {_KEY} FROM {table} WHERE {condition} ORDER BY {_KEY} LIMIT ?"  # noqa: S608
                gone = self._run_aside(f"DELETE FROM {table} WHERE ({_KEY}) IN ({oldest})", (month, limit))  # noqa: S608
                if gone:
                    return gone
        return 0


class CoverageReading(Reads):
    """Implements service.store.coverage.CoverageReading."""

    def coverage(self, since_month: int) -> Sequence[CellMonth]:
        told, gathered = (
            [
                CellMonth._make(row)
                for row in self.fetch(f"SELECT {columns(_NAMES)} FROM {table} WHERE month >= ?", (since_month,))  # noqa: S608
            ]
            for table in (_TOLD, GATHERED)
        )
        return [*told, *released(gathered)]

    def expired_coverage(self, before_month: int, after_month: int) -> int:
        counts = (
            self.fetch(f"SELECT count(*) FROM {table} {_OUTSIDE}", (before_month, after_month))  # noqa: S608
            for table in (GATHERED, _TOLD)
        )
        return sum(count for ((count,),) in counts)
