"""Coverage by cells: what is being gathered, and what may be told; see domain/coverage.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from siaga_gateway.domain.coverage import CellMonth


class CoverageWriting(Protocol):
    """Writes cells."""

    def gather_coverage(self, cells: Collection[CellMonth]) -> None:
        """Add to what is being gathered; each class_key once."""
        ...

    def release_coverage(self, before_month: int) -> int:
        """Keep of one band of the months before what may be told, and forget the rest.

        Returns how many rows it took; 0: no more are left.
        """
        ...

    def forget_coverage(self, before_month: int, after_month: int, limit: int) -> int:
        """Erase cells of months before and after these, at most `limit`; a clock may have been ahead. Returns how many;
        0: no more are left."""
        ...


class CoverageReading(Protocol):
    """Reads cells."""

    def coverage_bands(self, since_month: int) -> Sequence[int]:
        """Return a cell of each band (domain.coverage.band_of) of which anything is known, from south to north."""
        ...

    def coverage(self, months: Collection[int], cell: int) -> Sequence[CellMonth]:
        """Return what may be told of the band of a cell, of months that are not over too."""
        ...

    def expired_coverage(self, before_month: int, after_month: int) -> int: ...
