"""Rows of a list of officers and patrols, with every fault of a row at once.

A column that the file does not have leaves what is known; a cell that is empty empties it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from siaga_gateway.domain import opening_hours
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import refuse_hidden
from siaga_gateway.domain.opening_hours import Spans
from siaga_gateway.domain.places import Contact, ContactWay, Point
from siaga_gateway.domain.responders import Responder, ResponderKind, Transport
from siaga_gateway.domain.value import copied, record
from siaga_gateway.domain.way_proof import kept_ways
from siaga_gateway.formats.list_cells import (
    WAY_COLUMNS,
    WAYS,
    CellError,
    columns_of,
    contacts_after,
    contacts_of,
    degrees_within,
    key,
    names_of,
    swapped,
    text_of,
)
from siaga_gateway.formats.spreadsheet_csv import Sheet, SheetRow

T = TypeVar("T")

_COLUMNS: Final = names_of(
    {
        "key": "key kunci kode nrp",
        "kind": "kind jenis tipe",
        "name": "name nama",
        "station": "station pos kantor polsek satuan kesatuan",
        "language": "language bahasa",
        "transport": "transport kendaraan",
        "skills": "skills keahlian",
        "quiet": "quiet quiet_hours jam_tenang",
        "home_latitude": "home_latitude latitude lat lintang lintang_rumah",
        "home_longitude": "home_longitude longitude lon lng bujur bujur_rumah",
        **WAY_COLUMNS,
    }
)
_KINDS: Final = {
    ResponderKind.OFFICER: "officer petugas anggota polisi",
    ResponderKind.PATROL: "patrol patroli regu mobil_patroli unit",
}
_TRANSPORTS: Final = {
    Transport.FOOT: "foot jalan_kaki kaki",
    Transport.BICYCLE: "bicycle sepeda",
    Transport.MOTORCYCLE: "motorcycle motor sepeda_motor",
    Transport.CAR: "car mobil",
    Transport.BOAT: "boat perahu kapal speedboat",
}
_LANGUAGES: Final = {"id": "id indonesia indonesian bahasa_indonesia", "en": "en english inggris"}
_MOST_SKILLS: Final = 20


@record
class ResponderRow:
    """A row, read as far as it goes."""

    line: int
    key: str
    values: Mapping[str, Any]  # of the columns that the file has; `contacts` instead of ways
    problems: tuple[SiagaError, ...] = ()
    ways: frozenset[ContactWay] = frozenset()  # for which the file has a column

    def responder(self, before: Responder | None, now_ms: int) -> Responder:
        """Return the responder; what the file has no column for is as before, and so is what he has proven."""
        values = dict(self.values)
        listed: tuple[Contact, ...] | None = values.pop("contacts", None)
        if before is None:
            return Responder(
                **{"kind": ResponderKind.OFFICER, **values}, ways=kept_ways((), listed or ()), added_ms=now_ms
            )
        if listed is not None:
            there = tuple(way.contact for way in before.ways)
            values["ways"] = kept_ways(before.ways, contacts_after(there, listed, self.ways))
        return copied(before, **values)


def responder_rows(read: Sheet) -> list[ResponderRow]:
    """Raises: SheetError if the header lacks a column or has one that is not known."""
    columns = columns_of(read.columns, _COLUMNS, ("key", "name"))
    halves = {"home_latitude", "home_longitude"} & set(columns.values())
    if len(halves) == 1:
        raise CellError("cell.half_place", column=halves.pop())
    return [_row(row, columns) for row in read.rows]


def _row(row: SheetRow, columns: Mapping[str, str]) -> ResponderRow:
    if row.problem is not None:
        return ResponderRow(row.line, "", {}, (row.problem,))
    cells = {column: row.cells[name] for name, column in columns.items()}
    values: dict[str, Any] = {}
    problems: list[SiagaError] = []

    def take(name: str, read: Callable[[], Any], column: str | None = None) -> None:
        if (column or name) not in cells:
            return
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
    take("kind", lambda: choice(cells["kind"] or "officer", "kind", _KINDS))
    take("name", lambda: text_of(cells["name"], "name", needed=True))
    take("station", lambda: key(cells["station"], "station") if cells["station"] else None)
    take("language", lambda: choice(cells["language"] or "id", "language", _LANGUAGES))
    take("transport", lambda: choice(cells["transport"] or "motorcycle", "transport", _TRANSPORTS))
    take("skills", lambda: _skills(cells["skills"]))
    take("quiet", lambda: _quiet(cells["quiet"]))
    take("home", lambda: _home(cells["home_latitude"], cells["home_longitude"]), "home_latitude")
    ways = frozenset(ContactWay(column) for column in columns.values() if column in WAYS)
    if ways:
        values["contacts"] = contacts_of(cells, problems)
    return ResponderRow(row.line, values.get("key", ""), values, tuple(problems), ways)


def choice(text: str, column: str, names: Mapping[T, str]) -> T:
    """Return what a word stands for. names: words with blanks between them. Raises: CellError."""
    wanted = re.sub(r"[\s-]+", "_", text.strip().lower())
    for value, words in names.items():
        if wanted in words.split():
            return value
    raise CellError(
        "cell.choice", column=column, text=text, known=", ".join(words.split()[0] for words in names.values())
    )


def _skills(text: str) -> tuple[str, ...]:
    skills = dict.fromkeys(text_of(part.strip(), "skills") for part in re.split(r"[,;|\n]", text) if part.strip())
    if len(skills) > _MOST_SKILLS:
        raise CellError("cell.skills", count=len(skills), most=_MOST_SKILLS)
    return tuple(skills)


def _quiet(text: str) -> Spans:
    if not text:
        return ()
    spans = opening_hours.parsed(text)
    if not spans:  # the whole week
        raise CellError("cell.always_quiet", text=text)
    return spans


def _home(latitude: str, longitude: str) -> Point | None:
    if not latitude and not longitude:
        return None
    if swapped(latitude, longitude):
        raise CellError("cell.swapped")
    return degrees_within(latitude, "home_latitude", 90), degrees_within(longitude, "home_longitude", 180)
