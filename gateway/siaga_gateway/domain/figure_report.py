"""A report of figures: what is shown as a page, printed, and written as CSV or JSON."""

from __future__ import annotations

from siaga_gateway.domain.availability import Availability
from siaga_gateway.domain.figures import FEW, CallFigures, Step
from siaga_gateway.domain.places import Station
from siaga_gateway.domain.report_period import Period
from siaga_gateway.domain.value import record


@record
class StationRow:
    """One station with those under it; None: calls of no station that is on the list now."""

    station: Station | None
    figures: CallFigures


@record
class Report:
    station: Station | None  # None: all
    period: Period
    from_ms: int
    to_ms: int
    now_ms: int
    total: CallFigures
    rows: tuple[StationRow, ...]  # of the stations next under it, and of itself where calls have no lower one
    hours: tuple[int, ...]  # 7 x 24 counts, from Monday 0 h
    steps: tuple[Step, ...]
    by_week: bool
    availability: Availability
    behind: bool  # older calls are still being counted
    exercise: bool = False  # of a gateway that is there for exercises: nothing of it was real

    @property
    def few(self) -> bool:
        """Whether a number is so small that it may tell who it was."""
        return any(0 < each.calls < FEW for each in (self.total, *(row.figures for row in self.rows)))
