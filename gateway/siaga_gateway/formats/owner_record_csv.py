"""Tables as CSV files for a spreadsheet: semicolons, as in Indonesia, UTF-8 with a mark that Excel knows.

No cell can become a formula: who presses a button, or names it, could otherwise run something where the file is opened.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

BOM: Final = b"\xef\xbb\xbf"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def table(header: Sequence[str], rows: Iterable[Sequence[str | int | float]]) -> bytes:
    """Return the file: the header, then each row."""
    return BOM + rows_of([header, *rows])


def rows_of(rows: Iterable[Sequence[str | int | float]]) -> bytes:
    """Return lines without the mark, for a file that is written in parts. A number is no formula."""
    text = StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: str | int | float) -> str | int | float:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
