"""What a registrar writes into the cells of a list of owners with their buttons, and types at a command."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.call_back import CodeWordError, checked
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.installation_area import typed_place
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.registry.bulk_enrol import Registration
from siaga_gateway.service.registry.enrol import EnrolError, proven_key
from siaga_gateway.service.registry.typed_owner import person

# In which column an owner's fault is; one of a name or an address says so itself.
_COLUMN_OF: Final = {
    "enrol.nik": "nik",
    "registration.nik_one_digit": "nik",
    "enrol.phone": "phone",
    "enrol.language": "language",
}


class ListedRegistration(Protocol):
    """A row of a list, as far as it could be read."""

    @property
    def line(self) -> int: ...
    @property
    def cells(self) -> Mapping[str, str]: ...
    @property
    def problems(self) -> Sequence[tuple[str, SiagaError]]:
        """Each with its column; empty: the whole row."""
        ...


@dataclass(frozen=True, slots=True)
class CellFault:
    line: int
    column: str
    why: SiagaError


def frame_of(text: str) -> bytes:
    """Raises: EnrolError."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EnrolError("enrol.frame_no_hex") from None


def day_end_ms(text: str, local: LocalTime) -> int:
    """Return the end of a day given as YYYY-MM-DD, Unix ms. Raises: EnrolError."""
    try:
        return local.end_of(date.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise EnrolError("enrol.no_day", text=text) from None


def position_of(text: str) -> tuple[int, int]:
    """Convert typed degrees to integers (degrees x 10^7). Raises: EnrolError."""
    place = typed_place(text)
    if place is None:
        raise EnrolError("enrol.no_position", text=text)
    return place


def code_words_of(code: str, duress: str) -> tuple[str, str] | None:
    """Raises: CodeWordError."""
    if not code and not duress:
        return None
    if not (code and duress):
        raise CodeWordError("code_word.both")
    checked(code, duress)
    return code, duress


def registrations(
    rows: Sequence[ListedRegistration], local: LocalTime
) -> tuple[Sequence[Registration], Sequence[CellFault]]:
    """Return what can be read of a list, and every fault of every row."""
    lines, faults = list[Registration](), list[CellFault]()
    for row in rows:
        found = [CellFault(row.line, column, why) for column, why in row.problems]
        made = None if found and not row.cells else _registration(row, local, found)
        if found or made is None:
            faults += found
        else:
            lines.append(made)
    return lines, faults


def _registration(row: ListedRegistration, local: LocalTime, faults: list[CellFault]) -> Registration | None:
    cells, values = row.cells, dict[str, Any]()
    bad = {fault.column for fault in faults}

    def take(name: str, column: str, read: Callable[[], Any]) -> None:
        if column in bad:
            return
        try:
            values[name] = read()
        except SiagaError as error:
            faults.append(CellFault(row.line, _COLUMN_OF.get(error.key) or _named(error) or column, error))

    def cell(column: str) -> str:
        return cells.get(column, "")

    def key() -> bytes:
        frame = frame_of(cell("frame"))
        proven_key(frame)
        return frame

    take("frame", "frame", key)
    if not bad & {"name", "nik", "phone", "address", "language"}:
        take(
            "owner",
            "",
            lambda: person(cell("name"), cell("nik"), cell("phone"), cell("address"), cell("language") or "id"),
        )
    if cell("valid_until"):
        take("valid_until_ms", "valid_until", lambda: day_end_ms(cell("valid_until"), local))
    if cell("installed"):
        take("installed", "installed", lambda: position_of(cell("installed")))
    take("words", "code_word", lambda: code_words_of(cell("code_word"), cell("duress_word")))
    if faults:
        return None
    where = Localized("errors.lists.line", number=row.line)
    return Registration(where=where, label=cell("label"), **values)


def _named(error: SiagaError) -> str:
    """Return the column that an error names by itself."""
    what = error.values.get("what")
    return what.key.rpartition(".")[2] if isinstance(what, Localized) else ""
