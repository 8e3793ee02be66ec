"""Copies rows of a damaged store into a new one of the current schema: by SQLite if it can read the table, else page by
page."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.sql.rescue.sqlite_pages import (
    INDEX_INTERIOR,
    INDEX_LEAF,
    TABLE_LEAF,
    Cell,
    Pages,
    Unreadable,
    cells,
    kind_of,
    trees,
)
from siaga_gateway.domain.frame import digest_of
from siaga_gateway.domain.frame_authentication import device_id_of
from siaga_gateway.service.journal.audit_gaps import NumberSet, Ranges, ranges_of

Progress = Callable[[str, int, int], None]  # what, done, total

# Each store has its own of these: applied migrations, current leases, and what is made anew from the owners.
_OWN: Final = frozenset({"migration", "lease", "owner_search"})
# Its rows look like an index's. A rescued store sets all down-counters again, above any that can have been issued.
_FOUND_BY_NAME_ONLY: Final = "down_counter"
# Their last columns may be empty, but were there from the first: a row without them is another table's.
_NEVER_SHORTER: Final = frozenset({"duty_link", "shift_note"})
# Rows of one shape that what they hold tells apart: a notice's snapshot is a JSON array, an image never is one.
_HOLDS: Final[dict[str, Callable[[Sequence[Any]], bool]]] = {
    "notice": lambda row: str(row[4]).startswith("["),
    "photograph": lambda row: not str(row[4]).startswith("["),
}
# Of rows of these only the tree says which is which, or what is in them, see _alike.
_ALIKE: Final = frozenset({"coverage", "coverage_gathered", "coverage_reported", "coverage_told"})
_REPORTED: Final = "coverage_reported"
_CLASSES: Final = 4  # the column
_AT_ONCE: Final = 2_000
_PUBLIC_XY: Final = 64
_FIRST: Final = 4  # rows of a page that sort out most of the tables that it cannot be of
# The second where SQLite's own message repeats a damaged schema.
_UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
_TYPES: Final = {"INTEGER": int, "BIGINT": int, "TEXT": str, "BLOB": bytes}
# An index names all rows of these: with the columns that it adds to the row number.
_NAMED: Final[dict[str, tuple[str, ...]]] = {
    "owner": (),
    "device": ("device_id",),
    "incident": (),
    "event": ("device_id", "counter"),
    "notice": (),
    "outbox": (),
    "batch": (),
}


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: type
    needed: bool  # NOT NULL
    default: Any  # for rows from before the column existed


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the current schema."""

    name: str
    columns: tuple[Column, ...]
    rowid: int | None  # index of the rowid column; None: there is none
    has_rowid: bool
    least: int = 1  # values in a row

    @staticmethod
    def is_number(value: Any) -> bool:
        """Whether a row can have it as its number: all of ours count from 1. Damage can turn one into any other."""
        return isinstance(value, int) and value >= 1

    def row_of(self, cell: Cell) -> tuple[Any, ...] | None:
        """Return the cell's row, if it can be one of this table."""
        values = cell.record
        if (cell.rowid is not None) != self.has_rowid or not self.least <= len(values) <= len(self.columns):
            return None
        if self.rowid is not None and not self.is_number(cell.rowid):
            return None
        for number, column in enumerate(self.columns):
            if number >= len(values):
                if column.needed and column.default is None:
                    return None
                continue
            value = values[number]
            if number == self.rowid:
                if value is not None:
                    return None
            elif (value is None and column.needed) or (value is not None and not isinstance(value, column.type)):
                return None
        row = [*values, *(column.default for column in self.columns[len(values) :])]
        if self.rowid is not None:
            row[self.rowid] = cell.rowid
        return tuple(row)


@dataclass(slots=True)
class TableResult:
    """The result for one table."""

    rows: int = 0
    by_pages: bool = False  # SQLite could not read all of it
    refused: int = 0  # rows found that do not fit the table, or are duplicates
    missing: int = 0  # rows that an index still names and no page has
    lost: Ranges = field(default_factory=list)  # their numbers, if rows have any
    named: list[str] = field(default_factory=list)  # what else is known of them: device, or device and counter


@dataclass(slots=True)
class RescueFindings:
    """The result of a rescue."""

    tables: dict[str, TableResult] = field(default_factory=dict)
    unreadable: int = 0  # pages that the disk does not return
    faults: list[str] = field(default_factory=list)  # SQLite's errors for tables that it could not read


def tables_of(connection: sqlite3.Connection) -> list[Table]:
    """Return all tables, those that are not copied too."""
    found = []
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"):
        if name.startswith("sqlite_"):
            continue
        columns, rowid = [], None
        has_rowid = not sql.rstrip().upper().endswith("WITHOUT ROWID")
        described = connection.execute(f"PRAGMA table_info({name})").fetchall()
        keys = sum(row[5] > 0 for row in described)
        for number, column, type_, needed, default, key in described:
            if has_rowid and key and keys == 1 and type_ == "INTEGER":
                rowid = number
            value = None if default is None else connection.execute(f"SELECT {default}").fetchone()[0]
            columns.append(Column(column, _TYPES[type_], bool(needed or key), value))
        least = len(columns) if name in _NEVER_SHORTER else 1
        found.append(Table(name, tuple(columns), rowid, has_rowid, least))
    return found


class RowCopy:
    """Copies `path` into the new store behind `target`, a connection without foreign keys."""

    def __init__(self, path: Path, target: sqlite3.Connection, progress: Progress) -> None:
        self._path = path
        self._target = target
        self._progress = progress
        every = tables_of(target)
        self.tables = [table for table in every if table.name not in _OWN]
        self._own = [table for table in every if table.name in _OWN]
        self.findings = RescueFindings()

    def run(self) -> RescueFindings:
        """Copy all that can be read. Raises: OSError if the file cannot be opened, sqlite3.Error if the new one cannot
        be written."""
        target = self._target
        indexes = target.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND sql NOT LIKE '%UNIQUE%'"
        ).fetchall()
        for name, _ in indexes:
            target.execute(f"DROP INDEX {name}")
        for table in self.tables:
            target.execute(f"DELETE FROM {table.name}")  # noqa: S608 - what migrations have put there
            self.findings.tables[table.name] = TableResult()
        # Read-only: the damaged file is left unchanged, and its log is not checkpointed.
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with Pages(self._path) as pages, closing(sqlite3.connect(uri, uri=True)) as old:
            damaged = [table for table in self.tables if pages.log_damaged or not self._by_sqlite(old, table)]
            if damaged:
                sound = {table.name for table in self.tables if table not in damaged}
                self._by_pages(pages, damaged, trees(pages, _roots(old), sound))
                self._name_lost(old)
        for number, (_, sql) in enumerate(indexes):
            self._progress("indexes", number, len(indexes))
            target.execute(sql)
        return self.findings

    def _by_sqlite(self, old: sqlite3.Connection, table: Table) -> bool:
        """Copy a table; False if SQLite cannot read all of it, or its index names more rows."""
        self._progress("tables", list(self.tables).index(table), len(self.tables))
        copied = self.findings.tables[table.name]
        names = ", ".join(column.name for column in table.columns)
        types = [(column.type,) if column.needed else (column.type, type(None)) for column in table.columns]
        sound = True
        try:
            read = old.execute(f"SELECT {names} FROM {table.name}")  # noqa: S608
            while rows := read.fetchmany(_AT_ONCE):
                good = [row for row in rows if all(map(isinstance, row, types)) and self._is_numbered(table, row)]
                sound = sound and len(good) == len(rows)
                self._put(table, good)
            if table.name in _NAMED:
                counted = old.execute(f"SELECT count(*) FROM {table.name} {_index(table.name)}").fetchone()[0]  # noqa: S608
                sound = sound and counted <= copied.rows
        except _UNREADABLE as error:
            self.findings.faults.append(f"{table.name}: {error}")
            return False
        return sound and not copied.refused

    def _is_numbered(self, table: Table, row: Sequence[Any]) -> bool:
        return table.rowid is None or table.is_number(row[table.rowid])

    def _by_pages(self, pages: Pages, damaged: Sequence[Table], tree_of: Mapping[int, str]) -> None:
        """tree_of: of which table a page is, where that can be told."""
        for table in damaged:
            self.findings.tables[table.name].by_pages = True
        tables = [table for table in damaged if table.name != _FOUND_BY_NAME_ONLY]
        waiting: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in tables}
        for table, row in self._found(pages, tables, tree_of):
            rows = waiting[table.name]
            rows.append(row)
            if len(rows) >= _AT_ONCE:
                self._put(table, rows)
                rows.clear()
        for table in tables:
            self._put(table, waiting[table.name])

    def _found(
        self, pages: Pages, tables: Sequence[Table], tree_of: Mapping[int, str]
    ) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        for number in range(1, pages.count + 1):
            if number % 1000 == 0:
                self._progress("pages", number, pages.count)
            try:
                page = pages.page(number)
            except Unreadable:
                self.findings.unreadable += 1
                continue
            kind = kind_of(page, number)
            if kind not in (TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR):
                continue
            possible = self._possible(tree_of.get(number), kind == TABLE_LEAF, tables)
            if possible:
                yield from self._rows([cell for cell in cells(pages, page, number) if cell is not None], possible)

    def _possible(self, tree: str | None, has_rowid: bool, tables: Sequence[Table]) -> list[Table]:
        """Return of which tables a page can be: of its tree's alone; of a lost tree, any that SQLite could not read."""
        told = next((table for table in (*self.tables, *self._own) if table.name == tree), None)
        if told is not None and told.has_rowid == has_rowid:
            return [told] if told in tables else []
        if tree is not None and told is None and not has_rowid:
            return []  # an index
        return [table for table in (*tables, *self._own) if table.has_rowid == has_rowid]

    def _rows(self, found: Sequence[Cell], possible: list[Table]) -> Iterator[tuple[Table, tuple[Any, ...]]]:
        """Yield a page's rows, with their table. Where two can have them, nobody gets them, and they are counted."""
        if not found:
            return
        if not (from_tree := len(possible) == 1):
            possible = _fitting(found[:_FIRST], possible) or possible
            possible = _fitting(found, possible)
        alike = not from_tree and any(table.name in _ALIKE for table in possible)
        if not alike and len(possible) > 1:
            unknown = next(table for table in possible if table not in self._own)
            self.findings.tables[unknown.name].refused += len(found)
        elif possible and possible[0] not in self._own:
            for cell in found:
                row = possible[0].row_of(cell)
                table = self._alike(row, possible) if alike and row is not None else possible[0]
                if row is None or table is None:
                    self.findings.tables[possible[0].name].refused += 1
                else:
                    yield table, row

    def _alike(self, row: tuple[Any, ...], tables: Sequence[Table]) -> Table | None:
        """Return of which of _ALIKE a row is whose tree is lost; None: nobody can say.

        What may be told is never guessed: it would tell what few have reported. What one class has reported may be
        taken for reported: it counts for as much as one class may.
        """
        if row[_CLASSES].bit_count() != 1:
            return None
        return next((table for table in tables if table.name == _REPORTED), None)

    def _put(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if (is_sound := SOUND.get(table.name)) is not None:
            offered, rows = len(rows), [row for row in rows if is_sound(row)]
            self.findings.tables[table.name].refused += offered - len(rows)
        names = ", ".join(column.name for column in table.columns)
        marks = ", ".join("?" * len(table.columns))
        before = self._target.total_changes
        self._target.executemany(
            f"INSERT OR IGNORE INTO main.{table.name} ({names}) VALUES ({marks})",  # noqa: S608
            rows,
        )
        copied = self.findings.tables[table.name]
        added = self._target.total_changes - before
        copied.rows += added
        copied.refused += len(rows) - added

    def _name_lost(self, old: sqlite3.Connection) -> None:
        """Record what an index of the old file still names and no page had."""
        for table in self.tables:
            name, copied = table.name, self.findings.tables[table.name]
            if not copied.by_pages or name not in _NAMED:
                continue
            try:
                counted = old.execute(f"SELECT count(*) FROM {name} {_index(name)}").fetchone()[0]  # noqa: S608
                copied.missing = max(0, counted - copied.rows)
                if copied.missing and (table.rowid is not None or _NAMED[name]):
                    self._name(old, table, copied)
            except _UNREADABLE as error:
                self.findings.faults.append(f"{name}: {error}")

    def _name(self, old: sqlite3.Connection, table: Table, copied: TableResult) -> None:
        key = "rowid" if table.rowid is not None else _NAMED[table.name][0]
        there: NumberSet | set[Any] = set() if table.rowid is None else NumberSet()
        for row in self._target.execute(f"SELECT {key} FROM {table.name}"):  # noqa: S608
            there.add(row[0])
        listed = ", ".join((key, *_NAMED[table.name]))
        lost = []
        for row in old.execute(f"SELECT {listed} FROM {table.name} {_index(table.name)}"):  # noqa: S608
            if row[0] not in there:
                lost.append(row)
        if table.rowid is not None:
            copied.lost = ranges_of({row[0] for row in lost})
        copied.named = sorted({" ".join(_shown(value) for value in row[1:]) for row in lost if row[1:]})


def _roots(old: sqlite3.Connection) -> dict[str, int]:
    """Return the first page of each table and index; nothing where the schema cannot be read."""
    try:
        rows = old.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
    except _UNREADABLE:
        return {}
    return {name: root for name, root in rows if isinstance(name, str) and isinstance(root, int)}


def _index(table: str) -> str:
    return f"INDEXED BY sqlite_autoindex_{table}_1"


def _sound_device(row: Sequence[Any]) -> bool:
    return len(row[1]) == _PUBLIC_XY and device_id_of(row[1]) == row[0]


def _sound_event(row: Sequence[Any]) -> bool:
    try:
        return bool(digest_of(row[6]) == row[3] and row[6][2:10] == row[1])
    except (LookupError, ValueError, struct.error):
        return False


# Whether a row shows a flipped bit. For the journal the chain shows it, see audit_chain.py.
SOUND: Final[dict[str, Callable[[Sequence[Any]], bool]]] = {"device": _sound_device, "event": _sound_event}


def _fitting(found: Sequence[Cell], tables: Sequence[Table]) -> list[Table]:
    """Return the tables that most of these rows fit: one, or those that cannot be told apart; empty: they fit none."""
    fits = [sum(_can_hold(table, cell) for cell in found) for table in tables]
    most = max(fits, default=0)
    return [table for table, count in zip(tables, fits, strict=True) if most and count == most]


def _can_hold(table: Table, cell: Cell) -> bool:
    row = table.row_of(cell)
    return row is not None and (table.name not in _HOLDS or _HOLDS[table.name](row))


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
