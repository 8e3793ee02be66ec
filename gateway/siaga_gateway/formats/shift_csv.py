"""Rows of a list of shifts: who, on which days of the week and at which times, from which day to which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from siaga_gateway.domain import opening_hours
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import refuse_hidden
from siaga_gateway.domain.opening_hours import Spans
from siaga_gateway.domain.shifts import DutyState, Shift
from siaga_gateway.domain.value import record
from siaga_gateway.formats.list_cells import CellError, columns_of, day, key, names_of
from siaga_gateway.formats.responder_csv import choice
from siaga_gateway.formats.spreadsheet_csv import Sheet, SheetRow

_COLUMNS: Final = names_of(
    {
        "responder": "responder petugas key kunci kode nrp",
        "duty": "duty jaga tugas status",
        "hours": "hours jam waktu",
        "first_day": "first_day from dari mulai",
        "last_day": "last_day until sampai hingga",
    }
)
_DUTIES: Final = {
    DutyState.ON_DUTY: "on_duty duty jaga dinas piket bertugas",
    DutyState.AVAILABLE: "available siap siaga siap_di_rumah di_rumah on_call oncall",
}


@record
class ShiftRow:
    """A row, read as far as it goes."""

    line: int
    responder: str  # empty: it names none
    shift: Shift | None  # None: it has problems
    problems: tuple[SiagaError, ...] = ()


def shift_rows(read: Sheet) -> list[ShiftRow]:
    """Raises: SheetError if the header lacks a column or has one that is not known."""
    columns = columns_of(read.columns, _COLUMNS, ("responder", "hours"))
    return [_row(row, columns) for row in read.rows]


def _row(row: SheetRow, columns: Mapping[str, str]) -> ShiftRow:
    if row.problem is not None:
        return ShiftRow(row.line, "", None, (row.problem,))
    cells = {column: row.cells[name] for name, column in columns.items()}
    values: dict[str, Any] = {"duty": DutyState.ON_DUTY}
    problems: list[SiagaError] = []

    def take(name: str, read: Callable[[str], Any]) -> None:
        if name not in cells:
            return
        try:
            refuse_hidden(cells[name], name)
            values[name] = read(cells[name])
        except SiagaError as error:
            problems.append(error)

    take("responder", lambda cell: key(cell, "responder"))
    take("duty", lambda cell: choice(cell or "on_duty", "duty", _DUTIES))
    take("hours", _hours)
    take("first_day", lambda cell: day(cell) if cell else None)
    take("last_day", lambda cell: day(cell) if cell else None)
    first, last = values.get("first_day"), values.get("last_day")
    if first is not None and last is not None and last < first:
        problems.append(CellError("cell.days_turned", first=cells["first_day"], last=cells["last_day"]))
    return ShiftRow(row.line, values.get("responder", ""), None if problems else Shift(**values), tuple(problems))


def _hours(text: str) -> Spans:
    if not text:
        raise CellError("cell.no_hours")
    return opening_hours.parsed_shifts(text)
