"""Where the signal is weak: coverage by coarse cells and months, without a device.

A check-in counts once an hour for the cell that it was sent from. Of its owner only a class remains, one of 16, so
that a cell is told only when buttons of several have reported from it: all buttons of one person, at home or laid out
by somebody who waits for another's, count as one. What too few report from counts for the
larger square around it; what is too few there as well is told by nobody, and forgotten after its month.

Of what is told no class makes up more than a fifth: each counts for as much as the fifth largest at most. Else the
number of a cell where one lives and four have passed by would say in which months, or hours, he was at home.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from siaga_gateway.domain.device_report import Bearer, PositionSource, Report
from siaga_gateway.domain.frame import Uplink
from siaga_gateway.domain.position import is_zero
from siaga_gateway.domain.registry import Device
from siaga_gateway.domain.value import record

CELL_E7: Final = 100_000  # 0.01 degrees: 1.1 km, less from west to east far from the equator
SQUARE: Final = 5  # cells along the side of a square
CLASSES: Final = 16
LEAST: Final = 5  # classes that must have reported; so many owners at least
MOST: Final = 1_000_000  # samples of one cell, bearer and month; more change nothing
# Weaker than this, dBm, a bearer loses messages. That of a holder's own Wi-Fi says nothing of a place.
WEAK_DBM: Final = {Bearer.LTE: -100, Bearer.SMS: -100, Bearer.LORAWAN: -115}
_OLDEST_FIX_S: Final = 600
_COARSEST_M: Final = 500
_SOUTH_E7: Final = -900_000_000
_WEST_E7: Final = -1_800_000_000
_ACROSS: Final = 36_001  # cells from west to east
BAND: Final = SQUARE * _ACROSS  # cells of all squares from west to east


Key = tuple[int, int, int, int]  # of a CellMonth


@record
class Sample:
    """One check-in, as far as the survey keeps it."""

    month: int  # see month_of
    cell: int  # see cell_at
    bearer: int  # a Bearer
    classes: int  # a bit: its owner's class
    dbm: int


class CellMonth(NamedTuple):
    """What is known of one cell or square, for one bearer and month; the store's row."""

    month: int
    size: int  # cells along its side: 1 or SQUARE
    cell: int  # its south-western corner
    bearer: int
    classes: int  # a bit for each class that reported; of what is being gathered, one
    samples: int
    weak: int  # of these
    dbm: int  # their sum

    @property
    def key(self) -> Key:
        return self.month, self.size, self.cell, self.bearer

    @property
    def class_key(self) -> tuple[int, int, int, int, int]:
        return self.month, self.size, self.cell, self.bearer, self.classes


def month_of(at_ms: int) -> int:
    """Return the number of a month, UTC, from the year 0 on."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.year * 12 + at.month - 1


def cell_at(latitude: int, longitude: int) -> int:
    """Return the cell of a place, degrees x 10^7."""
    return (latitude - _SOUTH_E7) // CELL_E7 * _ACROSS + (longitude - _WEST_E7) // CELL_E7


def corner_of(cell: int) -> tuple[int, int]:
    """Return a cell's south-western corner, degrees x 10^7."""
    north, east = divmod(cell, _ACROSS)
    return north * CELL_E7 + _SOUTH_E7, east * CELL_E7 + _WEST_E7


def square_of(cell: int) -> int:
    """Return the square that a cell lies in: its south-western cell."""
    north, east = divmod(cell, _ACROSS)
    return north // SQUARE * SQUARE * _ACROSS + east // SQUARE * SQUARE


def band_of(cell: int) -> tuple[int, int]:
    """Return the first and the last cell of the squares from west to east that a cell is in: what is told of any of
    these depends on no other."""
    first = cell // BAND * BAND
    return first, first + BAND - 1


def sample_of(device: Device, uplink: Uplink, at_ms: int) -> Sample | None:
    """Return what a check-in says of a place; None: nothing that can be trusted.

    Where a button is mounted counts more than what it reports. at_ms: when it came.
    """
    status, report = uplink.status, uplink.report
    if status is None or report is None or status.signal_dbm is None or status.bearer_in_use not in WEAK_DBM:
        return None
    latitude, longitude = device.installed_latitude, device.installed_longitude
    place = _place_of(report) if latitude is None or longitude is None else (latitude, longitude)
    if place is None:
        return None
    class_ = 1 << device.owner_id % CLASSES
    return Sample(month_of(at_ms), cell_at(*place), status.bearer_in_use.value, class_, status.signal_dbm)


def _place_of(report: Report) -> tuple[int, int] | None:
    """Return where the check-in was sent from, if it knows to a cell's size."""
    if not report.has_position or is_zero(report.latitude, report.longitude):
        return None
    accuracy_m, fix_age_s = report.accuracy_m, report.fix_age_s
    fresh = fix_age_s is not None and fix_age_s <= _OLDEST_FIX_S
    mounted = report.position_source is PositionSource.INSTALLED
    if not mounted and not (report.position_source is PositionSource.GNSS and fresh):
        return None
    if accuracy_m is not None and accuracy_m > _COARSEST_M:
        return None
    return report.latitude, report.longitude


def added(cells: dict[Any, CellMonth], key: Any, more: CellMonth) -> None:
    """Add to what is known under a key."""
    before = cells.get(key)
    cells[key] = (
        more
        if before is None
        else more._replace(
            classes=before.classes | more.classes,
            samples=before.samples + more.samples,
            weak=before.weak + more.weak,
            dbm=before.dbm + more.dbm,
        )
    )


def first_of(sample: Sample) -> CellMonth:
    """Return a cell that only this sample has come from."""
    weak = int(sample.dbm < WEAK_DBM[Bearer(sample.bearer)])
    return CellMonth(sample.month, 1, sample.cell, sample.bearer, sample.classes, 1, weak, sample.dbm)


def released(gathered: Iterable[CellMonth]) -> list[CellMonth]:
    """Return what may be told of cells: those that enough report from, and the others by squares.

    gathered: each cell's classes one by one; all of the band's cells (see band_of).
    """
    told: list[CellMonth] = []
    cells: dict[Key, dict[int, CellMonth]] = {}
    squares: dict[Key, dict[int, CellMonth]] = {}
    for each in gathered:
        added(cells.setdefault(each.key, {}), each.classes, each)
    for classes in cells.values():
        if len(classes) >= LEAST:
            told.append(_together(classes.values()))
            continue
        for each in classes.values():
            square = each._replace(size=SQUARE, cell=square_of(each.cell))
            added(squares.setdefault(square.key, {}), square.classes, square)
    return told + [_together(classes.values()) for classes in squares.values() if len(classes) >= LEAST]


def _together(classes: Collection[CellMonth]) -> CellMonth:
    """Return what is told of a cell of which at least LEAST classes are known."""
    most = sorted(each.samples for each in classes)[-LEAST]
    told: dict[None, CellMonth] = {}
    for each in classes:
        added(told, None, _bounded(each, most))
    return told[None]


def _bounded(each: CellMonth, most: int) -> CellMonth:
    """Return a class as if it had reported so often at most, as weak and as strong as it is."""
    if each.samples <= most:
        return each
    half = each.samples // 2
    weak, dbm = ((value * most + half) // each.samples for value in (each.weak, each.dbm))
    return each._replace(samples=most, weak=weak, dbm=dbm)
