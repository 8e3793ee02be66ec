"""Personal data as it lies in the store: sealed (domain/personal.py), and opened as rows are read.

Whose key is not here is somebody of whom only the number and the language are known. Opened owners are remembered by
what they were opened from, so that the many rows of one owner cost one opening.
"""

from __future__ import annotations

import logging
import re
from typing import Final, Protocol

from siaga_gateway.adapters.sql import snapshots
from siaga_gateway.adapters.sql.engine import Row, Session, Writing
from siaga_gateway.domain.personal import PersonalKeys, Unreadable
from siaga_gateway.domain.registry import Owner

log = logging.getLogger(__name__)

_REMEMBERED: Final = 20_000
_SEALED: Final = ("name", "nik", "phone", "address")
_NOTE: Final = re.compile(r"[0-9a-f]{8}\.[A-Za-z0-9+/]{38,}={0,2}")  # as seal_note makes it; no person writes so
SEAL_OWNER: Final = "UPDATE owner SET name = ?, nik = ?, phone = ?, address = ?, key_id = ?, nik_index = ? WHERE id = ?"
_OWNERS: Final = (
    "SELECT id, name, nik, phone, address, language, key_id, nik_index FROM owner "
    "WHERE id > ? AND erased_at_ms IS NULL AND key_id <> ? ORDER BY id LIMIT ?"
)
_NOTES: Final = (
    "SELECT id, note FROM incident WHERE id > ? AND note IS NOT NULL AND note NOT LIKE ? ORDER BY id LIMIT ?"
)


class Keys(Protocol):
    """Where the keys come from; adapters/key_file.py is one."""

    def keys(self, wanted: str | None = None) -> PersonalKeys: ...
    def fault(self) -> str | None: ...
    def make_missing(self) -> None:
        """A new key, for a store in which nothing was ever sealed. Raises PersonalKeyError."""
        ...


class HeldKeys:
    """Keys in memory only, for a store that nobody opens again."""

    def __init__(self, keys: PersonalKeys) -> None:
        self._keys = keys

    def keys(self, wanted: str | None = None) -> PersonalKeys:
        return self._keys

    def fault(self) -> str | None:
        return None

    def make_missing(self) -> None:
        return


class NoKeys:
    """No key at all: nothing personal can be read or written."""

    def keys(self, wanted: str | None = None) -> PersonalKeys:
        return PersonalKeys([])

    def fault(self) -> str | None:
        return "no key for personal data was given"

    def make_missing(self) -> None:
        return


class SealedNote(str):
    """An incident's note that cannot be opened: empty to whoever reads it, and kept as it is."""

    sealed: str

    def __new__(cls, sealed: str) -> SealedNote:
        made = super().__new__(cls, "")
        made.sealed = sealed
        return made


class Sealing:
    """What seals and opens for one store."""

    def __init__(self, keys: Keys) -> None:
        self._source = keys
        self._opened: dict[int, tuple[Row, Owner]] = {}

    @property
    def keys(self) -> PersonalKeys:
        return self._source.keys()

    def has(self, key_id: str) -> bool:
        return self._source.keys(key_id).has(key_id)

    def fault(self) -> str | None:
        return self._source.fault()

    def make_missing(self) -> None:
        self._source.make_missing()

    def owner_columns(self, owner_id: int, owner: Owner) -> Row:
        """name, nik, phone, address, key_id. Raises PersonalKeyError without a key."""
        keys = self.keys
        return (*(keys.seal(getattr(owner, name), "owner", owner_id, name) for name in _SEALED), keys.current)

    def owner_of(self, row: Row) -> Owner | None:
        """From the columns of rows.OWNER: None for nobody (a LEFT JOIN) and for who was erased."""
        owner_id = row[0]
        if owner_id is None or not row[6]:
            return None
        known = self._opened.get(owner_id)
        if known is not None and known[0] == row:
            return known[1]
        language, key_id = row[5], row[6]
        keys = self._source.keys(key_id)
        try:
            name, nik, phone, address = (
                keys.open(sealed, key_id, "owner", owner_id, what)
                for what, sealed in zip(_SEALED, row[1:5], strict=True)
            )
        except Unreadable as error:
            log.error("owner %d cannot be read: %s", owner_id, error)
            return Owner(owner_id, "", "", "", "", language, unreadable=True)
        owner = Owner(owner_id, name, nik, phone, address, language)
        if len(self._opened) >= _REMEMBERED:
            self._opened.clear()
        self._opened[owner_id] = (row, owner)
        return owner

    def seal_note(self, note: str | None, incident_id: int) -> str | None:
        """Raises PersonalKeyError without a key: what was typed is not kept in the open."""
        if note is None:
            return None
        if isinstance(note, SealedNote):
            return note.sealed
        return self.keys.seal_note(note, "incident", incident_id, "note")

    def open_note(self, sealed: str | None, incident_id: int) -> str | None:
        if sealed is None:
            return None
        try:
            return self._source.keys(sealed.partition(".")[0]).open_note(sealed, "incident", incident_id, "note")
        except Unreadable as error:
            log.error("the note of incident %d cannot be read: %s", incident_id, error)
            return SealedNote(sealed)


# What is in the open, or under an older key


def seal_owners(session: Session, sealing: Sealing, after: int, limit: int) -> tuple[int, int]:
    """Seal the next owners under the current key. The number of the last that was looked at (0: there are no more), and
    how many were sealed; what cannot be opened stays."""
    keys = sealing.keys
    rows = session.fetch(_OWNERS, (after, keys.current, limit))
    sealed = []
    for row in rows:
        owner_id, name, _, phone, address, language, key_id, nik_index = row
        # As older versions kept it: in the open, with the NIK where its index is now.
        plain = Owner(owner_id, name, nik_index, phone, address, language)
        owner = sealing.owner_of(row[:7]) if key_id else plain
        if owner is not None and not owner.unreadable:
            sealed.append((*sealing.owner_columns(owner_id, owner), keys.index(owner.nik), owner_id))
    if sealed:
        session.many(SEAL_OWNER, sealed)
    return (rows[-1][0] if rows else 0), len(sealed)


def seal_notes(session: Session, writing: Writing, sealing: Sealing, after: int, limit: int) -> tuple[int, int]:
    """The same for the next incidents' notes, with what their notices kept of them."""
    rows = session.fetch(_NOTES, (after, f"{sealing.keys.current}.%", limit))
    sealed: dict[int, str] = {}
    for incident_id, note in rows:
        opened = sealing.open_note(note, incident_id) if _NOTE.fullmatch(note) else note
        if opened is not None and not isinstance(opened, SealedNote):
            sealed[incident_id] = sealing.seal_note(opened, incident_id) or ""
    if sealed:
        session.many("UPDATE incident SET note = ? WHERE id = ?", [(note, id_) for id_, note in sealed.items()])
        among, parameters = writing.among("notice", "incident_id", list(sealed))
        changed: list[Row] = []
        for incident_id, sequence, text in session.fetch(
            f"SELECT incident_id, sequence, incident FROM notice WHERE {among}",  # noqa: S608
            parameters,
        ):
            resealed = snapshots.changed(text, {"note": sealed[incident_id]})
            if resealed is not None:
                changed.append((resealed, incident_id, sequence))
        if changed:
            session.many("UPDATE notice SET incident = ? WHERE incident_id = ? AND sequence = ?", changed)
    return (rows[-1][0] if rows else 0), len(sealed)
