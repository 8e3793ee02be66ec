"""What lists of stations, people and shifts have in common: their columns, and what stands in a cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.invisible_characters import tidied
from siaga_gateway.domain.limits import LONGEST_LABEL
from siaga_gateway.domain.places import KEY, Contact, ContactWay
from siaga_gateway.formats.sms_number import e164, number_of
from siaga_gateway.formats.spreadsheet_csv import SheetError, checked_number, degrees_e7

WAYS: Final = frozenset(way.value for way in ContactWay)
# Every name that the column of a way may have.
WAY_COLUMNS: Final = {
    "phone": "phone telepon telpon telp hp",
    "sms": "sms",
    "whatsapp": "whatsapp wa",
    "telegram": "telegram",
    "email": "email surel e_mail",
    "ntfy": "ntfy",
    "radio": "radio",
    "apprise": "apprise",
}
_CHAT: Final = re.compile(r"-?[0-9]{5,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_EMAIL: Final = re.compile(r"[^\s@\"<>,;]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_TOPIC: Final = re.compile(r"(https://[^\s/]+/)?[A-Za-z0-9_-]{1,64}")
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_DATES: Final = (
    re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<d>[0-9]{1,2})[/.-](?P<m>[0-9]{1,2})[/.-](?P<y>[0-9]{4})"),
)


class CellError(SheetError):
    """One value of a row is not what it should be."""


def names_of(columns: Mapping[str, str]) -> dict[str, str]:
    """Return what each name is. columns: names with blanks between them, by what they are."""
    return {name: column for column, names in columns.items() for name in names.split()}


def columns_of(names: tuple[str, ...], every: Mapping[str, str], required: Sequence[str]) -> dict[str, str]:
    """Return what each of the file's columns is, in its order. every: each name that a column may have, and what it is.

    Raises: SheetError if one is not known, or one that is required is not there."""
    known: dict[str, str] = {}
    for name in names:
        if not name:
            continue
        column = every.get(name)
        if column is None:
            near = difflib.get_close_matches(name, every, 1)
            if near:
                raise SheetError("sheet.column_like", column=name, near=near[0])
            raise SheetError("sheet.column", column=name, known=", ".join(dict.fromkeys(every.values())))
        if column in known.values():
            raise SheetError("sheet.column_twice", column=name)
        known[name] = column
    missing = [column for column in required if column not in known.values()]
    if missing:
        raise SheetError("sheet.lacks", columns=", ".join(missing))
    return known


def key(text: str, column: str) -> str:
    if KEY.fullmatch(text):
        return text
    mended = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")
    if not text:
        raise CellError("cell.empty", column=column)
    if mended:
        raise CellError("cell.key_like", column=column, text=text, mended=mended)
    raise CellError("cell.key", column=column, text=text)


def text_of(text: str, column: str, *, needed: bool = False) -> str:
    if needed and not text:
        raise CellError("cell.empty", column=column)
    if len(text) > LONGEST_LABEL:
        raise CellError("cell.long", column=column, size=len(text), longest=LONGEST_LABEL)
    return tidied(text)


def degrees_within(text: str, column: str, most: int) -> int:
    if not text:
        raise CellError("cell.empty", column=column)
    degrees = degrees_e7(text)
    if abs(degrees) <= most * 10**7:
        return degrees
    # Excel with the comma as its decimal sign takes -5.4292 for thousands.
    lost = len(re.sub(r"[^0-9]", "", text)) > 3
    raise CellError(f"cell.{'lost_comma' if lost else 'off_globe'}", column=column, text=text, most=most)


def swapped(latitude: str, longitude: str) -> bool:
    """Whether each stands in the other's column: no latitude is beyond 90 degrees."""
    try:
        one, other = abs(degrees_e7(latitude)), abs(degrees_e7(longitude))
    except SheetError:
        return False
    return 90 * 10**7 < one <= 180 * 10**7 and other <= 90 * 10**7


def day(text: str) -> int:
    """Return a date as date.toordinal. Raises: CellError."""
    for form in _DATES:
        if match := form.fullmatch(text):
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"])).toordinal()
            except ValueError:
                break
    raise CellError("cell.no_day", text=text)


# Contacts


def contacts_of(cells: Mapping[str, str], problems: list[SiagaError]) -> tuple[Contact, ...]:
    """Return the contacts in the order of the columns. What cannot be used is added to the problems."""
    contacts: dict[Contact, None] = {}
    for column, cell in cells.items():
        if column not in WAYS:
            continue
        way = ContactWay(column)
        for part in re.split(r"\s/\s|[|\n]", cell):
            if part.strip():
                try:
                    contacts[Contact(way, _address(way, part.strip()))] = None
                except SiagaError as error:
                    problems.append(error)
    return tuple(contacts)


def contacts_after(
    before: tuple[Contact, ...], listed: tuple[Contact, ...], ways: frozenset[ContactWay]
) -> tuple[Contact, ...]:
    """Return the file's contacts, where the first of its ways was, among those of ways that the file lacks."""
    first = next((at for at, contact in enumerate(before) if contact.way in ways), len(before))
    kept = [(contact, at < first) for at, contact in enumerate(before) if contact.way not in ways]
    sooner = [contact for contact, is_sooner in kept if is_sooner]
    later = [contact for contact, is_sooner in kept if not is_sooner]
    return (*sooner, *listed, *later)


def _address(way: ContactWay, text: str) -> str:
    if way in (ContactWay.PHONE, ContactWay.SMS, ContactWay.WHATSAPP):
        return _number(way, checked_number(text))
    if way is ContactWay.TELEGRAM:
        written = checked_number(text)
        if not _CHAT.fullmatch(written):
            raise CellError("cell.telegram", text=text)
        return written
    if way is ContactWay.EMAIL and not _EMAIL.fullmatch(text):
        raise CellError("cell.email", text=text)
    if way is ContactWay.NTFY and not _TOPIC.fullmatch(text):
        raise CellError("cell.ntfy", text=text)
    if way is ContactWay.APPRISE and not _URL.fullmatch(text):
        raise CellError("cell.apprise")  # without the text: it has a token in it
    return text_of(text, way.value)


def _number(way: ContactWay, text: str) -> str:
    if (number := e164(text)) is not None:
        return number
    number = number_of(text) or ""
    if way is ContactWay.PHONE and re.fullmatch(r"1[0-9]{2,4}", number):
        return number  # 110, 113, 119
    raise CellError("cell.number", column=way.value, text=text)
