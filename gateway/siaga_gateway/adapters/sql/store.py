"""The store on an SQL database: SQLite or PostgreSQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from siaga_gateway.adapters.files.personal_key import FILE_NAME as KEY_FILE
from siaga_gateway.adapters.files.personal_key import KeyFile
from siaga_gateway.adapters.sql import counts
from siaga_gateway.adapters.sql.accounts import AccountReading
from siaga_gateway.adapters.sql.alarms import AlarmReading
from siaga_gateway.adapters.sql.audit import AuditReading
from siaga_gateway.adapters.sql.commands import CommandReading
from siaga_gateway.adapters.sql.coverage import CoverageReading
from siaga_gateway.adapters.sql.device_work import DeviceWorkReading
from siaga_gateway.adapters.sql.drills import DrillReading
from siaga_gateway.adapters.sql.encryption import KeySource, NoKeys, Sealing, seal_devices, seal_notes, seal_owners
from siaga_gateway.adapters.sql.engine import Engine, Row, StoreUnusable
from siaga_gateway.adapters.sql.escalations import EscalationReading
from siaga_gateway.adapters.sql.events import EventReading
from siaga_gateway.adapters.sql.expiry import ExpiryReading
from siaga_gateway.adapters.sql.figures import FigureReading
from siaga_gateway.adapters.sql.fleet_map import FleetMapReading
from siaga_gateway.adapters.sql.handovers import HandoverReading, seal_typed
from siaga_gateway.adapters.sql.incidents import IncidentReading
from siaga_gateway.adapters.sql.journal import JournalReading
from siaga_gateway.adapters.sql.maintenance import CaseReading
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.notifications import NotificationReading
from siaga_gateway.adapters.sql.operator_messages import DeskMessageReading, seal_desk_messages
from siaga_gateway.adapters.sql.outbox import OutboxReading
from siaga_gateway.adapters.sql.owner_cases import OwnerCaseReading
from siaga_gateway.adapters.sql.owner_profiles import TABLES as TOLD
from siaga_gateway.adapters.sql.owner_profiles import OwnerProfileReading, seal_told
from siaga_gateway.adapters.sql.owner_search import OwnerSearchReading
from siaga_gateway.adapters.sql.photographs import PhotographReading, seal_photographs
from siaga_gateway.adapters.sql.photographs import Place as PhotographPlace
from siaga_gateway.adapters.sql.places import PlaceReading
from siaga_gateway.adapters.sql.protocols import ProtocolReading
from siaga_gateway.adapters.sql.responders import ResponderReading, seal_responders
from siaga_gateway.adapters.sql.responses import ResponseReading
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.adapters.sql.text_codes import TextCodeReading
from siaga_gateway.adapters.sql.tokens import TokenReading
from siaga_gateway.adapters.sql.transaction import SqlTransaction
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.service.store import Tally

FILE_NAME: Final = "siaga.db"
# No vowels, no look-alikes: it is read out on the telephone and spells no word.
_NAME_LETTERS: Final = "bcdfghjkmnpqrstvwxyz"
_NAME_LENGTH: Final = 5
_PHOTOGRAPHS_AT_ONCE: Final = 8
_AT_ONCE: Final = 500  # in one transaction: the gateway writes between them


class SqlStore(
    EventReading,
    IncidentReading,
    OwnerSearchReading,  # brings the registry
    ExpiryReading,
    CommandReading,
    CaseReading,
    FleetMapReading,
    OutboxReading,
    PlaceReading,
    EscalationReading,
    ResponderReading,
    ResponseReading,
    PhotographReading,
    TextCodeReading,
    NotificationReading,
    AlarmReading,
    FigureReading,
    CoverageReading,
    OwnerCaseReading,
    OwnerProfileReading,
    DeskMessageReading,
    DrillReading,
    DeviceWorkReading,
    AccountReading,
    ProtocolReading,
    TokenReading,
    HandoverReading,
    JournalReading,
    AuditReading,
):
    """Implements service.store.Store. Thread-safe."""

    def __init__(self, place: Path | Engine, now_ms: int, keys: KeySource | None = None) -> None:
        """Open the store, create it if missing, and migrate it to this program's schema.

        place: a path for SQLite; its keys for personal data are beside it unless `keys` is given. Raises:
        StoreUnusable, which says why it cannot be used.
        """
        self.on_damage = lambda error: None
        self.engine: Engine = Sqlite(place) if isinstance(place, Path) else place
        self.writing = self.engine.writing
        if keys is None:
            keys = KeyFile(place.with_name(KEY_FILE)) if isinstance(place, Path) else NoKeys()
        self.sealing = Sealing(keys, self._sealed_by)
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
                self._writes += 1  # under the engine's lock when it matters: SQLite has a single writer

    def _seal(self) -> None:
        """Set up the key for personal data; encrypt what an older version left unencrypted."""
        if self._sealed_by() is None:
            try:
                self.sealing.make_missing()
                if (fault := self.sealing.fault()) is not None:
                    raise PersonalKeyError("passed_on", why=fault)
                current = self.sealing.keys.current
            except PersonalKeyError as error:
                raise StoreUnusable("passed_on", why=error) from error
            with self.engine.migrating() as session:
                # The first to come sets the key: another host must not encrypt under one of its own.
                session.run(
                    "INSERT INTO meta (name, value) VALUES ('personal_key', ?) ON CONFLICT DO NOTHING", (current,)
                )
        if self.key_fault is not None:
            return
        ((state,),) = self.fetch("SELECT value FROM meta WHERE name = 'personal'")
        if state == "open":
            if sum(self.reseal()):
                self.engine.scrub(whole=True)
            with self.engine.transaction() as session:
                session.run("UPDATE meta SET value = 'sealed' WHERE name = 'personal'")

    def _sealed_by(self) -> str | None:
        key_id: str | None = self.fetch("SELECT max(value) FROM meta WHERE name = 'personal_key'")[0][0]
        return key_id

    @property
    def key_fault(self) -> str | None:
        """Return why owners cannot be read now, in one sentence, or None. It passes once the key is back. Raises:
        StoreFailing."""
        return self.sealing.unreadable()

    def key_file_fault(self) -> str | None:
        """Return what is wrong with the key file, which the next start needs; see `key_fault`. Raises: StoreFailing."""
        return self.sealing.fault()

    def reseal(self) -> tuple[int, int]:
        """Encrypt everything unencrypted or under an older key. Returns the numbers of owners and notes. Raises:
        StoreFailing."""
        owners = notes = after = 0
        while True:
            with self.engine.transaction() as session:
                after, sealed = seal_owners(session, self.sealing, after, _AT_ONCE)
            if not after:
                break
            owners += sealed
        while True:  # what the former key gave finds nobody once that is gone
            with self.transaction() as transaction:
                after, _ = transaction.index_owners(after, _AT_ONCE)
            if not after:
                break
        while True:
            with self.engine.transaction() as session:
                after, sealed = seal_notes(session, self.writing, self.sealing, after, _AT_ONCE)
            if not after:
                break
            notes += sealed
        device_id = b""
        while True:
            with self.engine.transaction() as session:
                device_id = seal_devices(session, self.sealing, device_id, _AT_ONCE)
            if not device_id:
                break
        key = ""
        while True:
            with self.engine.transaction() as session:
                key = seal_responders(session, self.sealing, key, _AT_ONCE)
            if not key:
                break
        for table in TOLD:
            while True:
                with self.engine.transaction() as session:
                    after = seal_told(session, self.sealing, table, after, _PHOTOGRAPHS_AT_ONCE)
                if not after:
                    break
        place: PhotographPlace | None = (0, 0)
        while place is not None:
            with self.engine.transaction() as session:
                place = seal_photographs(session, self.sealing, place, _PHOTOGRAPHS_AT_ONCE)
        place = (0, 0)
        while place is not None:
            with self.engine.transaction() as session:
                place = seal_desk_messages(session, self.sealing, place, _AT_ONCE)
        number = -1
        while number:
            with self.engine.transaction() as session:
                number = seal_typed(session, self.sealing, max(0, number), _AT_ONCE)
        return owners, notes

    def sealed_by(self, key_id: str) -> None:
        """Record the key under which new data are encrypted."""
        with self.engine.transaction() as session:
            session.run("UPDATE meta SET value = ? WHERE name = 'personal_key'", (key_id,))

    def go_on(self, down_counter: int, sequences: int) -> str:
        """See service.registry.after_restore."""
        before = self.name
        with self.engine.transaction() as session:
            self.name = _drawn()
            session.run("UPDATE meta SET value = ? WHERE name = 'store'", (self.name,))
            session.run("UPDATE incident SET sequence = sequence + ? WHERE state <> 'closed'", (sequences,))
            session.run("UPDATE down_counter SET last = ? WHERE last < ?", (down_counter, down_counter))
            # A device without a row gets one too: the store may come from a damaged one that lost it.
            session.run(
                "INSERT INTO down_counter (device_id, last) SELECT device_id, CAST(? AS BIGINT) FROM device "
                "WHERE device_id NOT IN (SELECT device_id FROM down_counter)",
                (down_counter,),
            )
            # Who has signed out since, or was signed out, stays out.
            session.run("DELETE FROM console_session")
            # What buttons have signed since, the lost store had: none is blamed for the time between.
            session.run(
                "UPDATE device_status SET mac_since_ms = NULL, mac_until_ms = NULL WHERE mac_since_ms IS NOT NULL"
            )
        return before

    def scrub(self) -> None:
        self.engine.scrub(whole=False)

    def fetch(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return the rows of a query."""
        return self.engine.fetch(statement, parameters)

    def remembered(self, name: str) -> str | None:
        rows = self.fetch("SELECT value FROM meta WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def remembered_under(self, prefix: str) -> Mapping[str, str]:
        rows = self.fetch("SELECT name, value FROM meta WHERE name LIKE ?", (f"{prefix}%",))
        return {name: value for name, value in rows if name.startswith(prefix)}

    def tally(self) -> Tally:
        return counts.tally(self.fetch)

    def await_change(self, timeout_s: float) -> None:
        self.engine.await_change(timeout_s)

    def lease(self, name: str, holder: str, for_s: float) -> bool:
        return self.engine.lease(name, holder, for_s)

    def release_lease(self, name: str, holder: str) -> None:
        self.engine.release(name, holder)

    def close(self) -> None:
        """Wait for writers, then close everything. Later calls raise StoreFailing."""
        self.engine.close()


def _drawn() -> str:
    return "".join(secrets.choice(_NAME_LETTERS) for _ in range(_NAME_LENGTH))


def store_path(folder: Path) -> Path:
    return folder / FILE_NAME
