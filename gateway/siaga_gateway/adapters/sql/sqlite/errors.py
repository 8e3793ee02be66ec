"""The meaning of SQLite's errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.service.store import StoreConflict, StoreDamaged, StoreFailing

BUSY_TIMEOUT_MS: Final = 5_000

# The text in the catalogue's `errors.sqlite`, by SQLite's result code or its prefix.
_MEANINGS: Final = (
    *((f"SQLITE_IOERR_{name}", "damaged") for name in ("READ", "SHORT_READ", "CORRUPTFS", "DATA")),
    *((f"SQLITE_{name}", name) for name in ("FULL", "IOERR", "READONLY", "CANTOPEN", "BUSY", "LOCKED", "NOMEM")),
    ("SQLITE_CORRUPT", "damaged"),
    ("SQLITE_NOTADB", "NOTADB"),
)


def meaning(error: sqlite3.Error) -> Localized:
    """Return one sentence for a person: what is wrong and, if known, what to do."""
    code = getattr(error, "sqlite_errorname", "") or ""
    for beginning, key in _MEANINGS:
        if code.startswith(beginning):
            return Localized(f"errors.sqlite.{key}", code=code, seconds=BUSY_TIMEOUT_MS // 1000)
    return original(f"{error} ({code})" if code else error)


# Waiting does not help: a wrong statement or value, a bug.
_FAULTS: Final = frozenset(
    {"SQLITE_ERROR", "SQLITE_TOOBIG", "SQLITE_MISMATCH", "SQLITE_MISUSE", "SQLITE_RANGE", "SQLITE_SCHEMA"}
)


# A page was changed, or the disk does not return it.
_DAMAGES: Final = (
    "SQLITE_CORRUPT",
    "SQLITE_NOTADB",
    "SQLITE_IOERR_READ",
    "SQLITE_IOERR_SHORT_READ",
    "SQLITE_IOERR_CORRUPTFS",
    "SQLITE_IOERR_DATA",
)


def damages(error: sqlite3.Error) -> bool:
    """Whether the error means that the store is damaged."""
    return (getattr(error, "sqlite_errorname", "") or "").startswith(_DAMAGES)


@contextmanager
def failing() -> Iterator[None]:
    """Turn SQLite's errors into the port's.

    IntegrityError becomes StoreConflict, damage StoreDamaged, and whatever waiting or a person may cure StoreFailing. A
    bug stays what it is.
    """
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StoreConflict("passed_on", why=original(error)) from error
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", None) in _FAULTS:
            raise
        if damages(error):
            raise StoreDamaged("passed_on", why=meaning(error)) from error
        raise StoreFailing("passed_on", why=meaning(error)) from error
