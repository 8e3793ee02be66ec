"""Columns of many rows as PostgreSQL's binary arrays.

psycopg writes a list as text, item by item; for a batch that is a third of the gateway's whole work. The format is that
of PostgreSQL's array_recv: dimensions, whether there are nulls, the item type, then each item with its size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final

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


def _bytea(value: bytes) -> bytes:
    return _SIZE(len(value)) + value


def _text(value: str) -> bytes:
    return _bytea(value.encode())


# By item type: the array's class, the type OIDs of item and array (pg_type.dat), how to encode an item.
_KINDS: Final[dict[str, tuple[type[_Array], int, int, Callable[[Any], bytes]]]] = {
    "int8": (_Int8s, 20, 1016, _int8),
    "bytea": (_Byteas, 17, 1001, _bytea),
    "text": (_Texts, 25, 1009, _text),
}


def array(kind: str, values: Sequence[Any]) -> Any:
    """Encode values as one parameter. kind: the item type as PostgreSQL names it (udt_name)."""
    known = _KINDS.get(kind)
    if known is None or not values:
        return list(values)
    made, oid, _, write = known
    nulls = None in values
    items = [_NULL if value is None else write(value) for value in values] if nulls else map(write, values)
    return made(b"".join((_HEAD.pack(1, nulls, oid, len(values), 1), *items)))


def _dumper(oid_: int) -> type[Dumper]:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = oid_

        def dump(self, obj: bytes) -> bytes:
            return bytes(obj)

    return ArrayDumper


_DUMPERS: Final = tuple((made, _dumper(array_oid)) for made, _, array_oid, _ in _KINDS.values())


def register(connection: Connection[Any]) -> None:
    """Enable this connection to send what `array` makes."""
    for made, dumper in _DUMPERS:
        connection.adapters.register_dumper(made, dumper)
