"""Columns of many rows as PostgreSQL's binary arrays.

psycopg writes a list as text, item by item; for a batch that is a third of the gateway's whole work. The format is that
of PostgreSQL's array_recv: dimensions, whether there are nulls, the item type, then each item with its size.
"""

from __future__ import annotations

import sys
from array import array as Numbers
from collections.abc import Callable, Sequence
from itertools import chain
from struct import Struct
from typing import Any, Final, NamedTuple

from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD: Final = Struct(">iiIii")
_SIZE: Final = Struct(">i").pack
_INT8: Final = Struct(">iq").pack
_NULL: Final = _SIZE(-1)


class _Array(bytes):
    """An encoded array."""


class _Int8s(_Array):
    pass


class _Byteas(_Array):
    pass


class _Texts(_Array):
    pass


def _int8(value: int) -> bytes:
    return _INT8(8, value)


def _int8s(values: Sequence[int]) -> bytes:
    numbers = Numbers("q", values)
    if sys.byteorder == "little":
        numbers.byteswap()
    raw, items = numbers.tobytes(), bytearray(_INT8(8, 0) * len(values))
    for byte in range(8):  # by the first byte of every number, then the second: no loop over the numbers
        items[4 + byte :: 12] = raw[byte::8]
    return bytes(items)


def _bytea(value: bytes) -> bytes:
    return _SIZE(len(value)) + value


def _byteas(values: Sequence[bytes]) -> bytes:
    sizes = list(map(len, values))
    if sizes.count(sizes[0]) == len(sizes):
        return _SIZE(sizes[0]).join((b"", *values))
    return b"".join(chain.from_iterable(zip(map(_SIZE, sizes), values, strict=True)))


def _text(value: str) -> bytes:
    return _bytea(value.encode())


def _texts(values: Sequence[str]) -> bytes:
    return _byteas(list(map(str.encode, values)))


class _Kind(NamedTuple):
    """How values of one type are sent."""

    made: type[_Array]
    oid: int  # pg_type.dat
    array_oid: int
    one: Callable[[Any], bytes]  # an item with its size
    every: Callable[[Sequence[Any]], bytes]  # the same of several, none of which is null


# By item type.
_KINDS: Final[dict[str, _Kind]] = {
    "int8": _Kind(_Int8s, 20, 1016, _int8, _int8s),
    "bytea": _Kind(_Byteas, 17, 1001, _bytea, _byteas),
    "text": _Kind(_Texts, 25, 1009, _text, _texts),
}


def array(kind: str, values: Sequence[Any]) -> Any:
    """Encode values as one parameter. kind: the item type as PostgreSQL names it (udt_name)."""
    known = _KINDS.get(kind)
    if known is None or not values:
        return list(values)
    first, count, nulls = values[0], len(values), False
    if values.count(first) == count:  # half of the columns of a batch
        nulls = first is None
        items = (_NULL if nulls else known.one(first)) * count
    elif None in values:
        nulls = True
        write = known.one
        items = b"".join([_NULL if value is None else write(value) for value in values])
    else:
        items = known.every(values)
    return known.made(_HEAD.pack(1, nulls, known.oid, count, 1) + items)


def _dumper(oid_: int) -> type[Dumper]:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = oid_

        def dump(self, obj: bytes) -> bytes:
            return bytes(obj)

    return ArrayDumper


_DUMPERS: Final = tuple((kind.made, _dumper(kind.array_oid)) for kind in _KINDS.values())


def register(connection: Connection[Any]) -> None:
    """Enable this connection to send what `array` makes."""
    for made, dumper in _DUMPERS:
        connection.adapters.register_dumper(made, dumper)
