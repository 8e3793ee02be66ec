"""Maps a class's fields to a row's columns, both ways, from the class itself.

A field of a plain type is one column of the same name. A `Columns` describes every other one. So a new field of a plain
type needs a column in the store, and nothing here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from siaga_gateway.adapters.sql.engine import Row
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.store import RowUnreadable

T = TypeVar("T")
Convert = Callable[[Any], Any]

log = logging.getLogger(__name__)

_TOLD: set[tuple[str, Any]] = set()  # rows that could not be read: table and number
_MOST_TOLD: Final = 10_000
_AS_IT_IS: Final = frozenset({int, str, bytes})


@dataclass(frozen=True, slots=True)
class Columns:
    """How one field is stored. Each function handles one value for one column, a tuple for several; None: unchanged."""

    names: tuple[str, ...]
    write: Convert | None = None
    read: Convert | None = None
    written: str = ""  # `write` as an expression of `{value}`, which costs no call; empty: there is none


class Layout(Generic[T]):
    """The columns of a class's fields, in order.

    `row` returns a value's row, in the order of `names`. `values` returns the class's arguments from a row that begins
    with `names`; it raises KeyError for a value that is no member of an enumeration. Both are generated as one
    expression: every press goes both ways, and a loop over the fields would take twice as long.
    """

    def __init__(self, cls: type[T], special: Mapping[str, Columns] | None = None) -> None:
        """special: by field. Raises: TypeError for a field whose type needs a `Columns` and has none."""
        special = special or {}
        types = get_type_hints(cls)
        every = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]
        kept = {name: special.get(name) or _column(cls, name, types[name]) for name in every}
        self._cls = cls
        self._places = {name: at for at, name in enumerate(every)}
        self.names: Final = tuple(column for how in kept.values() for column in how.names)
        # By column: the value assumed for a row from before the column existed.
        self.absent: Final[Row] = tuple(value for name, how in kept.items() for value in _absent(every[name], how))
        there, back, column = [], [], 0
        known: dict[str, Convert | None] = {}
        for name, how in kept.items():
            many = len(how.names) > 1
            written, read = f"value.{name}", f"row[{column}:{column + len(how.names)}]" if many else f"row[{column}]"
            if how.written:
                there.append(how.written.format(value=written))
            else:
                there.append(f"{'*' * many}write_{name}({written})" if how.write else written)
            back.append(f"read_{name}({read})" if how.read else read)
            known |= {f"write_{name}": how.write, f"read_{name}": how.read}
            column += len(how.names)
        self._written = (dict(zip(kept, there, strict=True)), known)
        self.row: Final[Callable[[T], Row]] = self.part(tuple(kept))
        self.values: Final[Callable[[Row], list[Any]]] = eval(f"lambda row: [{', '.join(back)}]", known)  # noqa: S307

    def part(self, wanted: Sequence[str]) -> Callable[[T], Row]:
        """Return what makes the columns of these fields, in this order, as `row` those of all."""
        written, known = self._written
        made: Callable[[T], Row] = eval(f"lambda value: ({', '.join(written[name] for name in wanted)},)", known)  # noqa: S307
        return made

    def at(self, field: str) -> int:
        """Return the field's index in what `values` returns."""
        return self._places[field]

    def value(self, row: Row) -> T:
        return self._cls(*self.values(row))

    def sound(self, rows: Sequence[Row], table: str) -> list[T]:
        """Return the values of these rows without those that cannot be read: damaged, or a later version's. Each of
        those is logged once, and stands before no other."""
        return sound(self.value, rows, table)

    def only(self, rows: Sequence[Row], table: str) -> T | None:
        """Return the value of the only one of these rows; None: there is none. Raises: RowUnreadable."""
        return only(self.value, rows, table)

    def nested(self) -> Columns:
        """Return this layout as columns of a field of this class or None; its first column is NULL only for None."""
        nothing: Row = (None,) * len(self.names)
        return Columns(
            self.names,
            lambda value: nothing if value is None else self.row(value),
            lambda row: None if row[0] is None else self.value(row),
        )


def read(value: Callable[[Row], T], row: Row, table: str) -> T:
    """Return the value of a row that begins with its number or key. Raises: RowUnreadable, wherever it fails."""
    try:
        return value(row)
    except Exception as error:
        number = row[0].hex() if isinstance(row[0], bytes) else row[0]
        raise RowUnreadable("store.row", table=table, number=number, why=repr(error)) from error


def only(value: Callable[[Row], T], rows: Sequence[Row], table: str) -> T | None:
    """Return the value of the only one of these rows; None: there is none. Raises: RowUnreadable."""
    return read(value, rows[0], table) if rows else None


def sound(value: Callable[[Row], T], rows: Sequence[Row], table: str) -> list[T]:
    """Like Layout.sound; each row begins with its number or key."""
    found = []
    for row in rows:
        try:
            found.append(read(value, row, table))
        except RowUnreadable as error:
            if (table, row[0]) not in _TOLD and len(_TOLD) < _MOST_TOLD:
                _TOLD.add((table, row[0]))
                log.error(Localized("log.store.row", why=error))
    return found


def optional(convert: Convert) -> Convert:
    """Wrap a conversion to map NULL to None."""
    return lambda value: None if value is None else convert(value)


def _column(cls: type[Any], name: str, hint: Any) -> Columns:
    """Return the columns of a field of a plain type, or of an optional one."""
    inner = [each for each in get_args(hint) if each is not NoneType]
    may_be_none = get_origin(hint) in (Union, UnionType) and len(inner) == 1
    kind = inner[0] if may_be_none else hint
    if kind in _AS_IT_IS:
        return Columns((name,))
    if kind is bool:
        if may_be_none:
            return Columns((name,), optional(int), optional(bool))
        return Columns((name,), int, bool, "+{value}")  # of a bool that is an int
    if isinstance(kind, type) and issubclass(kind, Enum):
        # By lookup: a tenth of the cost of calling the class, and each event does it.
        members: dict[Any, Enum | None] = {member.value: member for member in kind}
        write: Convert = attrgetter("_value_")
        written = "{value}._value_"
        if may_be_none:
            members[None], write = None, optional(write)
            written = f"None if {{value}} is None else {written}"
        return Columns((name,), write, members.__getitem__, written)
    raise TypeError(f"{cls.__name__}.{name}: {hint} is no plain type, say in its layout how it is kept")


def _absent(field: Field[Any], how: Columns) -> Row:
    if field.default is MISSING or how.write is None:
        return (None if field.default is MISSING else field.default,) * len(how.names)
    written = how.write(field.default)
    return written if len(how.names) > 1 else (written,)
