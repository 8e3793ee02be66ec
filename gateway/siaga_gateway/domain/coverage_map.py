"""What the survey of the signal tells, put together over months."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.coverage import CELL_E7, LEAST, CellMonth, added, corner_of
from siaga_gateway.domain.device_report import Bearer
from siaga_gateway.domain.value import record

_STEP: Final = 10 * LEAST  # check-ins are told in steps of this: no hour of the rarest class can be made out


class Network(StrEnum):
    """What a signal is of."""

    MOBILE = "mobile"
    LORAWAN = "lorawan"


BEARERS: Final[Mapping[Network, tuple[Bearer, ...]]] = {
    Network.MOBILE: (Bearer.LTE, Bearer.SMS),
    Network.LORAWAN: (Bearer.LORAWAN,),
}


@record
class CoverageCell:
    """A cell or a square, over the months that were asked for."""

    south: int  # degrees x 10^7
    west: int
    size_e7: int  # along its side, degrees x 10^7
    checkins: int  # rounded down to fifties; 0: fewer than fifty
    dbm: int  # mean, rounded
    weak: int  # per cent
    by_sms: int  # per cent: where there was no data service

    @property
    def middle(self) -> tuple[int, int]:
        return self.south + self.size_e7 // 2, self.west + self.size_e7 // 2


def cells_of(months: Iterable[CellMonth], network: Network) -> list[CoverageCell]:
    """Return what cells and squares say of a network, the weakest first."""
    wanted = {bearer.value for bearer in BEARERS[network]}
    found: dict[tuple[int, int, int, int], CellMonth] = {}
    by_sms: dict[tuple[int, int], int] = {}
    for each in months:
        if each.bearer in wanted and each.samples > 0:
            same = each._replace(month=0, bearer=0)
            added(found, same.key, same)
            if each.bearer == Bearer.SMS:
                by_sms[each.size, each.cell] = by_sms.get((each.size, each.cell), 0) + each.samples
    return weakest_first(_told(each, by_sms.get((each.size, each.cell), 0)) for each in found.values())


def weakest_first(cells: Iterable[CoverageCell]) -> list[CoverageCell]:
    """Return the cells in the order in which they are shown."""
    return sorted(cells, key=lambda each: (-each.weak, each.dbm, -each.checkins, each.south, each.west))


def _told(each: CellMonth, by_sms: int) -> CoverageCell:
    south, west = corner_of(each.cell)
    return CoverageCell(
        south,
        west,
        each.size * CELL_E7,
        each.samples // _STEP * _STEP,
        -((-2 * each.dbm + each.samples) // (2 * each.samples)),
        (200 * each.weak + each.samples) // (2 * each.samples),
        (200 * by_sms + each.samples) // (2 * each.samples),
    )
