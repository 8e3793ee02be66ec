"""A rescue of tables whose rows have one shape: none ever gets a row of another one, whatever page is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import sqlite_damage
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.rescue.row_copy import RowCopy, Table, tables_of
from siaga_gateway.adapters.sql.rescue.sqlite_pages import Cell
from siaga_gateway.adapters.sql.sqlite.engine import Sqlite
from sqlite_damage import NOISE, ZEROS

ROWS = 200  # of each table: more than a page has room for
PADDING = "x" * 60
OWN = {"migration", "lease", "owner_search"}
# Whose rows fit which other table's columns. What a new table adds to it is to be thought about: rows of a lost tree
# are given to neither, unless what they hold tells them apart.
ALIKE = ("coverage", "coverage_gathered", "coverage_reported", "coverage_told")
FITTING = {
    *permutations(ALIKE, 2),
    ("duty_link", "self_declared"),
    ("self_declared", "duty_link"),
    ("handover_receipt", "migration"),
    ("migration", "handover_receipt"),
    ("notice", "photograph"),
    ("photograph", "notice"),
    ("owner_photograph", "owner_profile"),
    ("owner_profile", "owner_photograph"),
}
TOLD_BY_CONTENT = {"notice", "photograph"}


def new_store(path: Path) -> list[Table]:
    engine = Sqlite(path)
    engine.open()
    migrate(engine, known_migrations(engine), 1)
    engine.close()
    with closing(sqlite3.connect(path)) as connection:
        return tables_of(connection)


@contextmanager
def unchecked(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON", "synchronous = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")


def value(table: Table, column: int, number: int) -> Any:
    kind = table.columns[column].type
    if kind is int:
        return 31 if table.name in ALIKE and column == 4 else number
    told = f"{table.name}-{number}-{PADDING}"
    if table.name == "notice" and column == 4:
        told = f"[{told}"
    return told if kind is str else told.encode()


def fill(path: Path, tables: list[Table]) -> None:
    with unchecked(path) as connection:
        for at, table in enumerate(tables):
            rows = [
                [value(table, column, 1000 * (at + 1) + number) for column in range(len(table.columns))]
                for number in range(ROWS)
            ]
            marks = ", ".join("?" * len(table.columns))
            connection.executemany(f"INSERT OR REPLACE INTO {table.name} VALUES ({marks})", rows)
    sqlite_damage.checkpoint(path)


def rows_of(connection: sqlite3.Connection, tables: list[Table]) -> dict[str, set[tuple[Any, ...]]]:
    return {table.name: set(connection.execute(f"SELECT * FROM {table.name}")) for table in tables}


def copied(path: Path, target: Path, tables: list[Table]) -> tuple[dict[str, set[tuple[Any, ...]]], RowCopy]:
    """Return what a copy into a new store has, which is emptied first."""
    with unchecked(target) as connection:
        copy = RowCopy(path, connection, lambda what, done, of: None)
        copy.run()
        return rows_of(connection, tables), copy


def fits(row: Table, table: Table, *, nulls: bool) -> bool:
    values = [
        None if at == row.rowid or (nulls and not column.needed) else {int: 5, str: "x", bytes: b"x"}[column.type]
        for at, column in enumerate(row.columns)
    ]
    return table.row_of(Cell(rowid=5 if row.has_rowid else None, record=tuple(values))) is not None


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Table]]:
    folder = tmp_path_factory.mktemp("like")
    tables = new_store(folder / "old.db")
    new_store(folder / "new.db")
    fill(folder / "old.db", tables)
    return folder / "old.db", folder / "new.db", tables


def test_which_tables_rows_are_alike_is_known(filled: tuple[Path, Path, list[Table]]) -> None:
    tables = filled[2]
    found = {
        (one.name, other.name)
        for one, other in permutations(tables, 2)
        if fits(one, other, nulls=False) or fits(one, other, nulls=True)
    }
    assert found == FITTING


@pytest.mark.parametrize("how", [ZEROS, NOISE])
def test_no_table_gets_a_row_of_another_one(filled: tuple[Path, Path, list[Table]], tmp_path: Path, how: Any) -> None:
    """The roots are lost, of each table that is like another one, and of both; then the schema, and with it all."""
    path, target, tables = filled
    whole, roots = path.read_bytes(), sqlite_damage.roots(path)
    with closing(sqlite3.connect(path)) as connection:
        before = rows_of(connection, tables)
    names = {name for pair in FITTING for name in pair}
    lost = [{name} for name in sorted(names)] + [{one, other} for one, other in sorted(FITTING) if one < other]
    try:
        for damaged in (*lost, names, {"sqlite_schema"}):
            path.write_bytes(whole)
            for name in damaged:
                sqlite_damage.damage(path, roots.get(name, 1), how)
            after, copy = copied(path, target, tables)
            for table in copy.tables:
                assert after[table.name] <= before[table.name], (damaged, f"{table.name} has got another's rows")
                if table.name not in damaged and "sqlite_schema" not in damaged and table.name not in SOUNDNESS:
                    assert after[table.name] == before[table.name], (damaged, f"{table.name} has lost rows")
            for name in damaged & TOLD_BY_CONTENT:
                assert after[name] == before[name], (damaged, "what the rows hold tells whose they are")
            if damaged == {"owner_profile", "owner_photograph"}:
                refused = [copy.findings.tables[name].refused for name in sorted(damaged)]
                assert sum(refused) >= 2 * ROWS, "what cannot be told apart is counted"
            if len(damaged) == 1 and damaged <= {"owner_profile", "owner_photograph", "self_declared"}:
                (name,) = damaged
                assert after[name] == before[name], "the other one's tree is whole: no row of it is in question"
    finally:
        path.write_bytes(whole)


SOUNDNESS = {"device", "event"}  # these rows are none that could be sound
