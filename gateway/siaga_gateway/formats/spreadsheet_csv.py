"""A CSV file as spreadsheets save it: bytes into rows, each with the line in which it begins.

Excel in Indonesia writes semicolons, since the comma is the decimal sign, and, without "UTF-8" in the list of formats,
Windows-1252; "Unicode text" is UTF-16 with tabs.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.invisible_characters import without_hidden
from siaga_gateway.domain.value import record

_SEPARATORS: Final = ";,\t"
_SAID: Final = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # a first line for Excel alone
_LONGEST_CELL: Final = 2_000
# What spreadsheets and people put for a minus sign and a blank.
_SIGNS: Final = str.maketrans({"−": "-", "–": "-", "‐": "-", "‑": "-", "\u00a0": " ", "\u202f": " "})
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?")
_DEGREES_E7: Final = 10**7


class SheetError(Malformed):
    """The file, or one cell, cannot be read; the text says why and what to do."""


@record
class SheetRow:
    """One row. A row that has not the header's number of cells has a problem and no cells."""

    line: int  # from 1, where it begins
    cells: Mapping[str, str]  # by the column's name as the header has it
    problem: SheetError | None = None


@record
class Sheet:
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]


def sheet(raw: bytes) -> Sheet:
    """Read a file. Rows without any content are left out. Raises: SheetError."""
    text = _decoded(raw)
    said = _SAID.match(text)
    skipped = 0 if said is None else 1
    if said is not None:
        text = text[said.end() :]
    first = text.partition("\n")[0]
    separator = said[1] if said is not None else max(_SEPARATORS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: tuple[str, ...] | None = None
    rows = []
    line = 1
    try:
        for cells in reader:
            begins, line = line + skipped, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = tuple(_tidy(cell) for cell in cells)
                continue
            rows.append(_row(columns, cells, begins))
    except csv.Error as error:
        raise SheetError("sheet.no_csv", line=reader.line_num + skipped, why=error) from None
    if columns is None:
        raise SheetError("sheet.empty")
    return Sheet(columns, tuple(rows))


def _row(columns: tuple[str, ...], cells: list[str], line: int) -> SheetRow:
    # Excel leaves out what is empty at the end of some rows, and adds what was once touched.
    while len(cells) > len(columns) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > len(columns):
        return SheetRow(line, {}, SheetError("sheet.cells", cells=len(cells), columns=len(columns)))
    cells = [*cells, *[""] * (len(columns) - len(cells))]
    if any(len(cell) > _LONGEST_CELL for cell in cells):
        return SheetRow(line, {}, SheetError("sheet.long", most=_LONGEST_CELL))
    for number, (name, cell) in enumerate(zip(columns, cells, strict=True), 1):
        if not name and cell.strip():
            return SheetRow(line, {}, SheetError("sheet.unnamed", number=number))
    return SheetRow(line, {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if name})


def _decoded(raw: bytes) -> str:
    """Raises: SheetError."""
    encodings = ["utf-16"] if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetError("sheet.encoding")


def _tidy(name: str) -> str:
    return re.sub(r"[\s-]+", "_", without_hidden(name).strip().lower())


def degrees_e7(text: str) -> int:
    """Return degrees x 10^7 of a decimal number, with comma or point, without floating point. Raises: SheetError."""
    written = text.translate(_SIGNS).strip()
    if not _NUMBER.fullmatch(written):
        raise SheetError("sheet.scientific" if _is_scientific(written) else "sheet.no_degrees", text=text)
    try:
        value = Decimal(written.replace(",", "."))
        return int((value * _DEGREES_E7).to_integral_value())
    except (InvalidOperation, OverflowError, ValueError):
        raise SheetError("sheet.no_degrees", text=text) from None


def _is_scientific(text: str) -> bool:
    """Whether Excel took a long number for a measurement: 6,28123E+11."""
    return re.fullmatch(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+", text) is not None


def checked_number(text: str) -> str:
    """Return a cell that holds digits. Raises: SheetError if a spreadsheet has rounded them."""
    written = text.translate(_SIGNS).strip()
    if _is_scientific(written):
        raise SheetError("sheet.scientific", text=text)
    return written
