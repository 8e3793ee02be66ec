"""The store on an SQL database: SQLite, or PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.key_file import FILE_NAME as KEY_FILE
from siaga_gateway.adapters.key_file import KeyFile
from siaga_gateway.adapters.sql.engine import Engine, Row, StoreUnusable
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.reads import SqlReads
from siaga_gateway.adapters.sql.sealing import Keys, NoKeys, Sealing, seal_notes, seal_owners
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.personal import PersonalKeyError

FILE_NAME: Final = "siaga.db"
# No vowels, no look-alikes: it is read out on the telephone and spells nothing.
_NAME_LETTERS: Final = "bcdfghjkmnpqrstvwxyz"
_NAME_LENGTH: Final = 5
_AT_ONCE: Final = 500  # in one transaction: the gateway writes between them


class SqlStore(SqlReads):
    """Implements service.store.Store. Safe to use from several threads."""

    def __init__(self, place: Path | Engine, now_ms: int, keys: Keys | None = None) -> None:
        """Open the store, make it where there is none, and bring it to this program's shape. A path: SQLite's file; its
        keys for personal data lie beside it, where none are named.

        Raises StoreUnusable with a sentence that says why it cannot be used.
        """
        self.engine: Engine = Sqlite(place) if isinstance(place, Path) else place
        self.writing = self.engine.writing
        if keys is None:
            keys = KeyFile(place.with_name(KEY_FILE)) if isinstance(place, Path) else NoKeys()
        self.sealing = Sealing(keys)
        self._writes = 0  # transactions of this process that touched more than the journal and the outbox
        self.engine.open()
        try:
            migrate(self.engine, known_migrations(self.engine), now_ms)
            with self.engine.migrating() as session:
                session.run("INSERT INTO meta (name, value) VALUES ('store', ?) ON CONFLICT DO NOTHING", (_drawn(),))
                self.name: str = session.fetch("SELECT value FROM meta WHERE name = 'store'")[0][0]
            self.engine.opened()
            self._seal()
        except BaseException:
            self.engine.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        with self.engine.transaction() as session:
            transaction = SqlTransaction(session, self.writing, self.sealing, self._writes)
            yield transaction
            transaction.finish()
            if transaction.touched:
                self._writes += 1  # under the engine's lock where it matters: SQLite's writer is alone

    def _seal(self) -> None:
        """See to the key that personal data is sealed under; seal what an older version left in the open."""
        ((sealed_by,),) = self.fetch("SELECT max(value) FROM meta WHERE name = 'personal_key'")
        if sealed_by is None:
            try:
                self.sealing.make_missing()
                if (fault := self.sealing.fault()) is not None:
                    raise PersonalKeyError(fault)
                current = self.sealing.keys.current
            except PersonalKeyError as error:
                raise StoreUnusable(str(error)) from error
            with self.engine.migrating() as session:
                # Whoever comes first says which key it is: another host must not seal under one of its own.
                session.run(
                    "INSERT INTO meta (name, value) VALUES ('personal_key', ?) ON CONFLICT DO NOTHING", (current,)
                )
                ((sealed_by,),) = session.fetch("SELECT value FROM meta WHERE name = 'personal_key'")
        self.key_fault = None
        if not self.sealing.has(sealed_by):
            self.key_fault = self.sealing.fault() or (
                f"the key for personal data is another: the store is sealed by {sealed_by}; copy that key file to here"
            )
            self.sealing = Sealing(NoKeys())
            return
        ((state,),) = self.fetch("SELECT value FROM meta WHERE name = 'personal'")
        if state == "open":
            if sum(self.reseal()):
                self.engine.scrub(whole=True)
            with self.engine.transaction() as session:
                session.run("UPDATE meta SET value = 'sealed' WHERE name = 'personal'")

    def reseal(self) -> tuple[int, int]:
        """Seal all that is in the open or under an older key: how many owners, how many notes. Raises StoreFailing."""
        owners = notes = after = 0
        while True:
            with self.engine.transaction() as session:
                after, sealed = seal_owners(session, self.sealing, after, _AT_ONCE)
            if not after:
                break
            owners += sealed
        while True:
            with self.engine.transaction() as session:
                after, sealed = seal_notes(session, self.writing, self.sealing, after, _AT_ONCE)
            if not after:
                break
            notes += sealed
        return owners, notes

    def sealed_by(self, key_id: str) -> None:
        """Note under which key new text is sealed."""
        with self.engine.transaction() as session:
            session.run("UPDATE meta SET value = ? WHERE name = 'personal_key'", (key_id,))

    def go_on(self, down_counter: int, sequences: int) -> str:
        """See service.restored."""
        before = self.name
        with self.engine.transaction() as session:
            self.name = _drawn()
            session.run("UPDATE meta SET value = ? WHERE name = 'store'", (self.name,))
            session.run("UPDATE incident SET sequence = sequence + ? WHERE state <> 'closed'", (sequences,))
            session.run("UPDATE down_counter SET last = ? WHERE last < ?", (down_counter, down_counter))
        return before

    def scrub(self) -> None:
        self.engine.scrub(whole=False)

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a reading statement."""
        return self.engine.fetch(statement, parameters)

    def await_change(self, timeout_s: float) -> None:
        self.engine.await_change(timeout_s)

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        return self.engine.lease(name, holder, for_s)

    def release_lease(self, name: str, holder: str) -> None:
        self.engine.release(name, holder)

    def close(self) -> None:
        """Wait for writers, then close everything. Further calls raise StoreFailing."""
        self.engine.close()


def _drawn() -> str:
    return "".join(secrets.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))


def store_path(folder: Path) -> Path:
    return folder / FILE_NAME
