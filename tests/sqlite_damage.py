"""Damage to a real SQLite file: a page that the disk gives back as something else."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

PAGE: Final = 4096
ZEROS: Final = "zeros"  # never written, or lost by the disk's own table
NOISE: Final = "noise"  # other bytes
BITS: Final = "bits"  # a few bits turned


def damage(path: Path, page: int, how: str = NOISE, seed: int = 1) -> None:
    """Page `page`, counted from 1, of a file that may be in use."""
    chance = random.Random(f"{seed} {page}")
    with path.open("r+b", buffering=0) as file:
        file.seek((page - 1) * PAGE)
        before = bytearray(file.read(PAGE))
        if how == ZEROS:
            after = bytes(PAGE)
        elif how == NOISE:
            after = chance.randbytes(PAGE)
        else:
            for _ in range(40):
                before[chance.randrange(PAGE)] ^= 1 << chance.randrange(8)
            after = bytes(before)
        file.seek((page - 1) * PAGE)
        file.write(after)


def pages(path: Path) -> int:
    return path.stat().st_size // PAGE


def roots(path: Path) -> dict[str, int]:
    """The first page of each table and index."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0"))


def checkpoint(path: Path) -> None:
    """Carry the log over to the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
