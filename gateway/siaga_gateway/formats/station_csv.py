"""Rows of a list of stations into stations, with every fault of a row at once.

A column that the file does not have leaves what is known; a cell that is empty empties it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from siaga_gateway.domain import opening_hours
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import refuse_hidden
from siaga_gateway.domain.places import ContactWay, Station, StationKind
from siaga_gateway.domain.value import copied, record
from siaga_gateway.formats.list_cells import (
    WAY_COLUMNS,
    WAYS,
    CellError,
    columns_of,
    contacts_after,
    contacts_of,
    day,
    degrees_within,
    key,
    names_of,
    swapped,
    text_of,
)
from siaga_gateway.formats.spreadsheet_csv import Sheet, SheetRow

_COLUMNS: Final = names_of(
    {
        "key": "key kunci kode",
        "kind": "kind jenis tipe",
        "name": "name nama",
        "parent": "parent induk atasan",
        "latitude": "latitude lat lintang",
        "longitude": "longitude lon lng long bujur",
        "address": "address alamat",
        "hours": "hours jam jam_buka",
        "verified_by": "verified_by diperiksa_oleh diverifikasi_oleh",
        "verified_on": "verified_on diperiksa diperiksa_tanggal diverifikasi diverifikasi_tanggal",
        **WAY_COLUMNS,
    }
)
_REQUIRED: Final = ("key", "kind", "name", "latitude", "longitude")
_KINDS: Final[dict[str, StationKind]] = {
    name: kind
    for kind, names in {
        StationKind.POLSEK: "polsek polsekta polsubsektor",
        StationKind.POLRES: "polres polresta polrestabes polres_metro",
        StationKind.POLDA: "polda",
        StationKind.AMBULANCE: "ambulance ambulans",
        StationKind.FIRE: "fire damkar pemadam",
        StationKind.SECURITY: "security satpam keamanan",
        StationKind.OTHER: "other lain lainnya",
    }.items()
    for name in names.split()
}


@record
class StationRow:
    """A row, read as far as it goes."""

    line: int
    key: str
    values: Mapping[str, Any]  # of the columns that the file has
    problems: tuple[SiagaError, ...] = ()
    ways: frozenset[ContactWay] = frozenset()  # for which the file has a column

    def station(self, before: Station | None) -> Station:
        """Return the station; what the file has no column for is as before."""
        values = dict(self.values)
        if before is None:
            return Station(**values)
        if "contacts" in values:
            values["contacts"] = contacts_after(before.contacts, values["contacts"], self.ways)
        return copied(before, **values)


def station_rows(read: Sheet, today: int) -> list[StationRow]:
    """today: as date.toordinal. Raises: SheetError if the header lacks a column or has one that is not known."""
    columns = columns_of(read.columns, _COLUMNS, _REQUIRED)
    return [_station_row(row, columns, today) for row in read.rows]


def _station_row(row: SheetRow, columns: Mapping[str, str], today: int) -> StationRow:
    if row.problem is not None:
        return StationRow(row.line, "", {}, (row.problem,))
    cells = {column: row.cells[name] for name, column in columns.items()}
    values: dict[str, Any] = {}
    problems: list[SiagaError] = []

    def take(name: str, read: Callable[[], Any]) -> None:
        try:
            values[name] = read()
        except SiagaError as error:
            problems.append(error)

    for column, cell in cells.items():
        try:
            refuse_hidden(cell, column)
        except SiagaError as error:
            problems.append(error)
    take("key", lambda: key(cells["key"], "key"))
    take("kind", lambda: _kind(cells["kind"]))
    take("name", lambda: text_of(cells["name"], "name", needed=True))
    if swapped(cells["latitude"], cells["longitude"]):
        problems.append(CellError("cell.swapped"))
    else:
        take("latitude", lambda: degrees_within(cells["latitude"], "latitude", 90))
        take("longitude", lambda: degrees_within(cells["longitude"], "longitude", 180))
    if "parent" in cells:
        take("parent", lambda: key(cells["parent"], "parent") if cells["parent"] else None)
    if "address" in cells:
        take("address", lambda: text_of(cells["address"], "address"))
    if "hours" in cells:
        take("hours", lambda: opening_hours.parsed(cells["hours"]))
    if "verified_on" in cells:
        take("verified_day", lambda: _past_day(cells["verified_on"], today) if cells["verified_on"] else None)
    if "verified_by" in cells:
        take("verified_by", lambda: text_of(cells["verified_by"], "verified_by") or None)
    if "verified_by" in cells and "verified_on" in cells and bool(cells["verified_by"]) != bool(cells["verified_on"]):
        problems.append(CellError("cell.half_verified"))
    ways = frozenset(ContactWay(column) for column in columns.values() if column in WAYS)
    if ways:
        take("contacts", lambda: contacts_of(cells, problems))
    return StationRow(row.line, values.get("key", ""), values, tuple(problems), ways)


def _kind(text: str) -> StationKind:
    kind = _KINDS.get(re.sub(r"[\s-]+", "_", text.strip().lower()))
    if kind is None:
        raise CellError("cell.kind", text=text, known=", ".join(kind.value for kind in StationKind))
    return kind


def _past_day(text: str, today: int) -> int:
    found = day(text)
    if found > today:
        raise CellError("cell.future", text=text)
    return found
