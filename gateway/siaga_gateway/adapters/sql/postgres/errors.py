"""The meaning of PostgreSQL's errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.service.store import StoreConflict, StoreDamaged, StoreFailing


def meaning(error: psycopg.Error) -> Localized:
    """One sentence for a person: what is wrong and, where it is known, how to mend it."""
    said = original(error.diag.message_primary or error)
    match error:
        case errors.DiskFull():
            key = "disk_full"
        case errors.ReadOnlySqlTransaction():
            key = "standby"
        case errors.AdminShutdown() | errors.CrashShutdown() | errors.CannotConnectNow():
            key = "restarting"
        case errors.TooManyConnections():
            key = "connections"
        case errors.QueryCanceled() | errors.LockNotAvailable() | errors.IdleInTransactionSessionTimeout():
            key = "slow"
        case errors.DeadlockDetected() | errors.SerializationFailure():
            key = "in_the_way"
        case errors.InsufficientPrivilege():
            key = "rights"
        case _:
            return said
    return Localized(f"errors.postgres.{key}", said=said)


def _mendable(error: psycopg.Error) -> bool:
    """Whether waiting or a person may cure it; otherwise it is a bug."""
    return isinstance(
        error,
        psycopg.OperationalError
        | psycopg.InterfaceError
        | errors.ReadOnlySqlTransaction
        | errors.IdleInTransactionSessionTimeout
        | errors.InsufficientPrivilege,
    )


@contextmanager
def failing() -> Iterator[None]:
    """Turn psycopg's errors into the port's. A bug stays what it is."""
    try:
        yield
    except UnicodeDecodeError as error:  # the database takes nothing but UTF-8: a bit was flipped
        raise StoreDamaged("store.database_damaged", why=original(error)) from error
    except psycopg.IntegrityError as error:
        raise StoreConflict("passed_on", why=original(error)) from error
    except psycopg.Error as error:
        if isinstance(error, errors.DataCorrupted | errors.IndexCorrupted):
            raise StoreDamaged("store.database_damaged", why=original(error)) from error
        if not _mendable(error):
            raise
        raise StoreFailing("store.database", why=meaning(error)) from error
