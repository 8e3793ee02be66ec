"""Rows of a list of owners with their buttons: the columns, and what a spreadsheet has made of a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import refuse_hidden
from siaga_gateway.domain.value import record
from siaga_gateway.formats.list_cells import columns_of, names_of
from siaga_gateway.formats.spreadsheet_csv import Sheet, SheetRow, checked_number

_COLUMNS: Final = names_of(
    {
        "frame": "frame pesan bingkai",
        "name": "name nama",
        "nik": "nik",
        "phone": "phone telepon telpon telp hp",
        "address": "address alamat",
        "label": "label keterangan",
        "language": "language bahasa",
        "valid_until": "valid_until berlaku_sampai berlaku_hingga",
        "installed": "installed terpasang posisi lokasi",
        "code_word": "code_word kata_sandi",
        "duress_word": "duress_word kata_paksaan",
    }
)
_REQUIRED: Final = ("frame", "name", "nik", "phone", "address", "label")
_DIGITS: Final = ("nik", "phone")


@record
class RegistrationRow:
    """A row, as far as it could be read."""

    line: int
    cells: Mapping[str, str]  # by column
    problems: tuple[tuple[str, SiagaError], ...] = ()  # with the column; empty: the whole row


def registration_rows(read: Sheet) -> list[RegistrationRow]:
    """Raises: SheetError if the header lacks a column or has one that is not known."""
    columns = columns_of(read.columns, _COLUMNS, _REQUIRED)
    return [_row(row, columns) for row in read.rows]


def _row(row: SheetRow, columns: Mapping[str, str]) -> RegistrationRow:
    if row.problem is not None:
        return RegistrationRow(row.line, {}, (("", row.problem),))
    cells = {column: row.cells[name] for name, column in columns.items()}
    problems = list[tuple[str, SiagaError]]()
    for column, cell in cells.items():
        try:
            refuse_hidden(cell, column)
            if column in _DIGITS:
                cells[column] = checked_number(cell)
        except SiagaError as error:
            problems.append((column, error))
    return RegistrationRow(row.line, cells, tuple(problems))
