"""What owners have told for those who come to help, and their photographs: in the store, sealed."""

from __future__ import annotations

import base64
import logging
from typing import Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Session
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.owner_profile import NOTHING_TOLD, OwnerProfile, of_text, to_text
from siaga_gateway.service.store.owner_profiles import StoredProfile

log = logging.getLogger(__name__)

# Each table has one sealed text a owner; what it is sealed as keeps one from standing in the other's place.
PROFILE: Final = ("owner_profile", "profile")
PHOTOGRAPH: Final = ("owner_photograph", "image")
TABLES: Final = (PROFILE, PHOTOGRAPH)


def _place(table: str, owner_id: int) -> Row:
    return table, owner_id


def _opened(sealing: Sealing, table: str, owner_id: int, sealed: str) -> str | None:
    try:
        return sealing.open_text(sealed, *_place(table, owner_id))
    except SiagaError as error:
        log.error(Localized("log.store.owner_told", owner=owner_id, what=table, why=error))
        return None


class OwnerProfileWriting(WriteBatch):
    """Implements service.store.owner_profiles.OwnerProfileWriting."""

    def put_profile(self, owner_id: int, profile: OwnerProfile | None, at_ms: int) -> None:
        self._put(PROFILE, owner_id, None if profile is None else to_text(profile), at_ms)

    def put_owner_photograph(self, owner_id: int, jpeg: bytes | None, at_ms: int) -> None:
        written = None if jpeg is None else base64.b64encode(jpeg).decode("ascii")
        self._put(PHOTOGRAPH, owner_id, written, at_ms)

    def _put(self, where: tuple[str, str], owner_id: int, text: str | None, at_ms: int) -> None:
        table, column = where
        if text is None:
            self._run(f"DELETE FROM {table} WHERE owner_id = ?", (owner_id,))  # noqa: S608 - constants
            return
        sealed = self._sealing.seal_text(text, *_place(table, owner_id))
        self._run(
            f"INSERT INTO {table} (owner_id, {column}, changed_ms) VALUES (?, ?, ?) ON CONFLICT (owner_id) "  # noqa: S608
            f"DO UPDATE SET {column} = excluded.{column}, changed_ms = excluded.changed_ms",
            (owner_id, sealed, at_ms),
        )


class OwnerProfileReading(Reads):
    """Implements service.store.owner_profiles.OwnerProfileReading."""

    def _told(self, columns: str, table: str, owner_id: int) -> list[Row]:
        # A gateway of a version before erases an owner without these: nobody reads them until the next retention run.
        return self.fetch(
            f"SELECT {columns} FROM {table} WHERE owner_id = ? "  # noqa: S608 - constants
            "AND owner_id IN (SELECT id FROM owner WHERE erased_at_ms IS NULL)",
            (owner_id,),
        )

    def profile_of(self, owner_id: int) -> StoredProfile | None:
        rows = self._told("profile, changed_ms", "owner_profile", owner_id)
        if not rows:
            return None
        sealed, changed_ms = rows[0]
        text = _opened(self.sealing, "owner_profile", owner_id, sealed)
        try:
            return StoredProfile(NOTHING_TOLD if text is None else of_text(text), changed_ms, text is None)
        except (ValueError, TypeError, AttributeError) as error:
            log.error(Localized("log.store.owner_told", owner=owner_id, what="owner_profile", why=type(error).__name__))
            return StoredProfile(NOTHING_TOLD, changed_ms, unreadable=True)

    def owner_photograph_ms(self, owner_id: int) -> int | None:
        rows = self._told("changed_ms", "owner_photograph", owner_id)
        return rows[0][0] if rows else None

    def owner_photograph(self, owner_id: int) -> bytes | None:
        rows = self._told("image", "owner_photograph", owner_id)
        written = _opened(self.sealing, "owner_photograph", owner_id, rows[0][0]) if rows else None
        return None if written is None else base64.b64decode(written)


def seal_told(session: Session, sealing: Sealing, where: tuple[str, str], after: int, limit: int) -> int:
    """Encrypt the next of these under the current key; what cannot be decrypted stays. Returns the number of the last
    owner examined; 0: no more."""
    table, column = where
    current = f"{sealing.keys.current}.%"
    rows = session.fetch(
        f"SELECT owner_id, {column} FROM {table} "  # noqa: S608 - constants
        f"WHERE owner_id > ? AND {column} NOT LIKE ? ORDER BY owner_id LIMIT ?",
        (after, current, limit),
    )
    sealed = []
    for owner_id, stood in rows:
        text = _opened(sealing, table, owner_id, stood)
        if text is not None:
            sealed.append((sealing.seal_text(text, *_place(table, owner_id)), owner_id, stood))
    if sealed:  # only what still stands as it was read
        session.many(f"UPDATE {table} SET {column} = ? WHERE owner_id = ? AND {column} = ?", sealed)  # noqa: S608
    return rows[-1][0] if rows else 0
