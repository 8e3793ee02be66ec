"""Rows of a list of stations into stations, with every fault of a row at once.

A column that the file does not have leaves what is known; a cell that is empty empties it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from siaga_gateway.domain import opening_hours
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import refuse_hidden, tidied
from siaga_gateway.domain.limits import LONGEST_LABEL
from siaga_gateway.domain.places import KEY, Contact, ContactWay, Station, StationKind
from siaga_gateway.domain.value import copied, record
from siaga_gateway.formats.sms_number import number_of
from siaga_gateway.formats.spreadsheet_csv import Sheet, SheetError, SheetRow, checked_number, degrees_e7

_COUNTRY: Final = "62"
# Every name that a column may have.
_COLUMNS: Final[dict[str, str]] = {
    name: column
    for column, names in {
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
        "phone": "phone telepon telpon telp hp",
        "sms": "sms",
        "whatsapp": "whatsapp wa",
        "telegram": "telegram",
        "email": "email surel e_mail",
        "ntfy": "ntfy",
        "radio": "radio",
    }.items()
    for name in names.split()
}
_REQUIRED: Final = ("key", "kind", "name", "latitude", "longitude")
_WAYS: Final = frozenset(way.value for way in ContactWay)
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
_CHAT: Final = re.compile(r"-?[0-9]{5,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_EMAIL: Final = re.compile(r"[^\s@\"<>,;]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_TOPIC: Final = re.compile(r"https://[^\s/]+/[A-Za-z0-9_-]{1,64}")
_DATES: Final = (
    re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<d>[0-9]{1,2})[/.-](?P<m>[0-9]{1,2})[/.-](?P<y>[0-9]{4})"),
)


class StationRowError(SheetError):
    """One value of a row is not what it should be."""


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
            values["contacts"] = self._contacts_after(before.contacts)
        return copied(before, **values)

    def _contacts_after(self, before: tuple[Contact, ...]) -> tuple[Contact, ...]:
        """Return the file's contacts, where the first of these ways was, among those of ways that the file lacks."""
        first = next((at for at, contact in enumerate(before) if contact.way in self.ways), len(before))
        kept = [(contact, at < first) for at, contact in enumerate(before) if contact.way not in self.ways]
        sooner = [contact for contact, is_sooner in kept if is_sooner]
        later = [contact for contact, is_sooner in kept if not is_sooner]
        return (*sooner, *self.values["contacts"], *later)


def station_rows(read: Sheet, today: int) -> list[StationRow]:
    """today: as date.toordinal. Raises: SheetError if the header lacks a column or has one that is not known."""
    columns = _columns(read.columns)
    return [_station_row(row, columns, today) for row in read.rows]


def _columns(names: tuple[str, ...]) -> dict[str, str]:
    """Return what each of the file's columns is, in its order."""
    known: dict[str, str] = {}
    for name in names:
        if not name:
            continue
        column = _COLUMNS.get(name)
        if column is None:
            near = difflib.get_close_matches(name, _COLUMNS, 1)
            if near:
                raise SheetError("sheet.column_like", column=name, near=near[0])
            raise SheetError("sheet.column", column=name, known=", ".join(dict.fromkeys(_COLUMNS.values())))
        if column in known.values():
            raise SheetError("sheet.column_twice", column=name)
        known[name] = column
    missing = [column for column in _REQUIRED if column not in known.values()]
    if missing:
        raise SheetError("sheet.lacks", columns=", ".join(missing))
    return known


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
    take("key", lambda: _key(cells["key"], "key"))
    take("kind", lambda: _kind(cells["kind"]))
    take("name", lambda: _text(cells["name"], "name", needed=True))
    if _swapped(cells["latitude"], cells["longitude"]):
        problems.append(StationRowError("station_row.swapped"))
    else:
        take("latitude", lambda: _within(cells["latitude"], "latitude", 90))
        take("longitude", lambda: _within(cells["longitude"], "longitude", 180))
    if "parent" in cells:
        take("parent", lambda: _key(cells["parent"], "parent") if cells["parent"] else None)
    if "address" in cells:
        take("address", lambda: _text(cells["address"], "address"))
    if "hours" in cells:
        take("hours", lambda: opening_hours.parsed(cells["hours"]))
    if "verified_on" in cells:
        take("verified_day", lambda: _day(cells["verified_on"], today) if cells["verified_on"] else None)
    if "verified_by" in cells:
        take("verified_by", lambda: _text(cells["verified_by"], "verified_by") or None)
    if "verified_by" in cells and "verified_on" in cells and bool(cells["verified_by"]) != bool(cells["verified_on"]):
        problems.append(StationRowError("station_row.half_verified"))
    ways = frozenset(ContactWay(column) for column in columns.values() if column in _WAYS)
    if ways:
        take("contacts", lambda: _contacts(cells, problems))
    return StationRow(row.line, values.get("key", ""), values, tuple(problems), ways)


def _key(text: str, column: str) -> str:
    if KEY.fullmatch(text):
        return text
    mended = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    if not text:
        raise StationRowError("station_row.empty", column=column)
    if mended:
        raise StationRowError("station_row.key_like", column=column, text=text, mended=mended)
    raise StationRowError("station_row.key", column=column, text=text)


def _kind(text: str) -> StationKind:
    kind = _KINDS.get(re.sub(r"[\s-]+", "_", text.strip().lower()))
    if kind is None:
        raise StationRowError("station_row.kind", text=text, known=", ".join(kind.value for kind in StationKind))
    return kind


def _text(text: str, column: str, *, needed: bool = False) -> str:
    if needed and not text:
        raise StationRowError("station_row.empty", column=column)
    if len(text) > LONGEST_LABEL:
        raise StationRowError("station_row.long", column=column, size=len(text), longest=LONGEST_LABEL)
    return tidied(text)


def _within(text: str, column: str, most: int) -> int:
    if not text:
        raise StationRowError("station_row.empty", column=column)
    degrees = degrees_e7(text)
    if abs(degrees) <= most * 10**7:
        return degrees
    # Excel with the comma as its decimal sign takes -5.4292 for thousands.
    lost = len(re.sub(r"[^0-9]", "", text)) > 3
    raise StationRowError(f"station_row.{'lost_comma' if lost else 'off_globe'}", column=column, text=text, most=most)


def _swapped(latitude: str, longitude: str) -> bool:
    """Whether each stands in the other's column: no latitude is beyond 90 degrees."""
    try:
        one, other = abs(degrees_e7(latitude)), abs(degrees_e7(longitude))
    except SheetError:
        return False
    return 90 * 10**7 < one <= 180 * 10**7 and other <= 90 * 10**7


def _day(text: str, today: int) -> int:
    for form in _DATES:
        if match := form.fullmatch(text):
            try:
                day = date(int(match["y"]), int(match["m"]), int(match["d"])).toordinal()
            except ValueError:
                break
            if day > today:
                raise StationRowError("station_row.future", text=text)
            return day
    raise StationRowError("station_row.no_day", text=text)


# Contacts


def _contacts(cells: Mapping[str, str], problems: list[SiagaError]) -> tuple[Contact, ...]:
    """Return the contacts in the order of the columns. What cannot be used is added to the problems."""
    contacts: dict[Contact, None] = {}
    for column, cell in cells.items():
        if column not in _WAYS:
            continue
        way = ContactWay(column)
        for part in re.split(r"\s/\s|[|\n]", cell):
            if part.strip():
                try:
                    contacts[Contact(way, _address(way, part.strip()))] = None
                except SiagaError as error:
                    problems.append(error)
    return tuple(contacts)


def _address(way: ContactWay, text: str) -> str:
    if way in (ContactWay.PHONE, ContactWay.SMS, ContactWay.WHATSAPP):
        return _number(way, checked_number(text))
    if way is ContactWay.TELEGRAM:
        written = checked_number(text)
        if not _CHAT.fullmatch(written):
            raise StationRowError("station_row.telegram", text=text)
        return written
    if way is ContactWay.EMAIL and not _EMAIL.fullmatch(text):
        raise StationRowError("station_row.email", text=text)
    if way is ContactWay.NTFY and not _TOPIC.fullmatch(text):
        raise StationRowError("station_row.ntfy", text=text)
    return _text(text, way.value)


def _number(way: ContactWay, text: str) -> str:
    number = number_of(text) or ""
    if number.startswith("0") and len(number) >= 8:
        number = f"+{_COUNTRY}{number.lstrip('0')}"
    elif number.startswith(_COUNTRY) and len(number) >= 9:
        number = f"+{number}"  # a spreadsheet drops the plus sign
    if number.startswith(f"+{_COUNTRY}0"):  # +62 0812: the trunk prefix is not dialled
        number = f"+{_COUNTRY}{number[len(_COUNTRY) + 1 :].lstrip('0')}"
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        return number
    if way is ContactWay.PHONE and re.fullmatch(r"1[0-9]{2,4}", number):
        return number  # 110, 113, 119
    raise StationRowError("station_row.number", column=way.value, text=text)
