"""Personal data in the store: encrypted when written (domain/personal_encryption.py), decrypted as rows are read.

Without the key, only an owner's id and language are known. Decrypted owners are cached by their ciphertext, so that
many rows of one owner cost one decryption.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final, Protocol

from siaga_gateway.adapters.sql import notice_snapshots
from siaga_gateway.adapters.sql.engine import Row, Session, Writing
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.personal_encryption import PersonalKeyError, PersonalKeys, Unreadable
from siaga_gateway.domain.registry import Owner

log = logging.getLogger(__name__)

_REMEMBERED: Final = 20_000
_SEALED: Final = ("name", "nik", "phone", "address")
_NOTE: Final = re.compile(r"[0-9a-f]{8}\.[A-Za-z0-9+/]{38,}={0,2}")  # as seal_note makes it; nobody types such a note
SEAL_OWNER: Final = "UPDATE owner SET name = ?, nik = ?, phone = ?, address = ?, key_id = ?, nik_index = ? WHERE id = ?"
# Only what still stands as it was read: on PostgreSQL it may be changed or erased in between.
_RESEAL_OWNER: Final = (
    f"{SEAL_OWNER} AND erased_at_ms IS NULL AND name = ? AND nik = ? AND phone = ? AND address = ? AND key_id = ?"
)
_OWNERS: Final = (
    "SELECT id, name, nik, phone, address, language, key_id, nik_index FROM owner "
    "WHERE id > ? AND erased_at_ms IS NULL AND key_id <> ? ORDER BY id LIMIT ?"
)
# Columns of a device, and what they are sealed as.
ADDRESS: Final = "address"
SIM_NUMBER: Final = "sim_number"
_UNREADABLE: Final = {ADDRESS: "log.store.address", SIM_NUMBER: "log.store.sim_number"}
_OF_DEVICES: Final = (
    "SELECT device_id, address, sim_number FROM device WHERE device_id > ? "
    "AND ((address IS NOT NULL AND address NOT LIKE ?) OR (sim_number IS NOT NULL AND sim_number NOT LIKE ?)) "
    "ORDER BY device_id LIMIT ?"
)
_NOTES: Final = "SELECT id, note FROM incident WHERE id > ? AND note IS NOT NULL ORDER BY id LIMIT ?"


class KeySource(Protocol):
    """Source of the keys; adapters/files/personal_key.py is one."""

    def keys(self, wanted: str | None = None) -> PersonalKeys: ...
    def fault(self, wanted: str | None = None) -> str | None:
        """Return what is wrong with the keys' file, or None. wanted: the id of a key that must be there."""
        ...

    def make_missing(self) -> None:
        """Make a new key, for a store in which nothing was ever encrypted. Raises: PersonalKeyError."""
        ...


class HeldKeys:
    """Keys in memory only, for a store that nobody opens again."""

    def __init__(self, keys: PersonalKeys) -> None:
        self._keys = keys

    def keys(self, wanted: str | None = None) -> PersonalKeys:
        return self._keys

    def fault(self, wanted: str | None = None) -> str | None:
        return None

    def make_missing(self) -> None:
        return


class NoKeys:
    """No key at all: no personal data can be read or written."""

    def keys(self, wanted: str | None = None) -> PersonalKeys:
        return PersonalKeys([])

    def fault(self, wanted: str | None = None) -> str | None:
        return str(PersonalKeyError("personal_key.none"))

    def make_missing(self) -> None:
        return


class SealedNote(str):
    """An incident's note that cannot be decrypted: empty to readers, and kept unchanged."""

    sealed: str

    def __new__(cls, sealed: str) -> SealedNote:
        made = super().__new__(cls, "")
        made.sealed = sealed
        return made


class Sealing:
    """Encrypts and decrypts for one store."""

    def __init__(self, keys: KeySource, sealed_by: Callable[[], str | None] = lambda: None) -> None:
        """sealed_by: returns the id of the store's current key; None: nothing is encrypted yet."""
        self._source = keys
        self._sealed_by = sealed_by
        self._expected: str | None = None
        self._opened: dict[int, tuple[Row, Owner]] = {}
        self._told: set[tuple[str, int | None, str]] = set()  # what could not be read: each is logged once

    @property
    def keys(self) -> PersonalKeys:
        """The keys to encrypt with. Raises: PersonalKeyError if they are not this store's: nothing is encrypted under
        another's."""
        fault = self.unreadable()
        if fault is not None:
            raise PersonalKeyError("passed_on", why=fault)
        return self._source.keys(self._expected)

    def has(self, key_id: str) -> bool:
        return self._source.keys(key_id).has(key_id)

    def unreadable(self) -> str | None:
        """Return why owners cannot be read, nor personal data written, now; or None. Raises: StoreFailing."""
        if self._expected is None or not self.has(self._expected):
            self._expected = self._sealed_by()  # another process may have changed the key
        if self._expected is None or self.has(self._expected):
            return None
        return self._source.fault(self._expected)

    def fault(self) -> str | None:
        """Return what is wrong with the keys' file, even if keys read before still serve; or None. Raises:
        StoreFailing."""
        if self.unreadable() is None and self._source.fault(self._expected) is None:
            return None
        self._expected = self._sealed_by()
        return self._source.fault(self._expected)

    def make_missing(self) -> None:
        self._source.make_missing()

    def owner_columns(self, owner_id: int, owner: Owner) -> Row:
        """Return name, nik, phone, address, key_id, encrypted. Raises: PersonalKeyError without a key."""
        keys = self.keys
        return (*(keys.seal(getattr(owner, name), "owner", owner_id, name) for name in _SEALED), keys.current)

    def owner_of(self, row: Row) -> Owner | None:
        """Return the owner from the columns of rows.OWNER; None for no owner (a LEFT JOIN) and for an erased one."""
        owner_id = row[0]
        if owner_id is None or not (row[6] or row[1]):
            return None
        if not row[6]:  # stored unencrypted by an older version
            return Owner(owner_id, "", "", "", "", row[5], unreadable=True)
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
            if self._first("owner", owner_id, key_id):
                log.error(Localized("log.store.owner", owner=owner_id, why=error))
            return Owner(owner_id, "", "", "", "", language, unreadable=True)
        owner = Owner(owner_id, name, nik, phone, address, language)
        if len(self._opened) >= _REMEMBERED:
            self._opened.clear()
        self._opened[owner_id] = (row, owner)
        return owner

    def _first(self, what: str, number: int, key_id: str) -> bool:
        """Whether to log this: each thing once, and once for everything that one missing key hides."""
        told = (what, number if self._source.keys(key_id).has(key_id) else None, key_id)
        if told in self._told or len(self._told) >= _REMEMBERED:
            return False
        self._told.add(told)
        return True

    def seal_note(self, note: str | None, incident_id: int) -> str | None:
        """Encrypt a note. Raises: PersonalKeyError without a key: what was typed is not stored unencrypted."""
        if note is None:
            return None
        if isinstance(note, SealedNote):
            return note.sealed
        return self.keys.seal_note(note, "incident", incident_id, "note")

    def seal_text(self, text: str, *place: object) -> str:
        """Encrypt, bound to a place such as ("responder", "budi", "name"). Raises: PersonalKeyError without a key."""
        return self.keys.seal_note(text, *place)

    def open_text(self, sealed: str, *place: object) -> str:
        """Decrypt what `seal_text` made. Raises: Unreadable."""
        return self._source.keys(sealed.partition(".")[0]).open_note(sealed, *place)

    def seal_of_device(self, text: str | None, device_id: bytes, what: str) -> str | None:
        """Encrypt ADDRESS, where a device is mounted, or SIM_NUMBER. Raises: PersonalKeyError without a key."""
        return None if text is None else self.keys.seal_note(text, "device", device_id.hex(), what)

    def open_of_device(self, sealed: str | None, device_id: bytes, what: str) -> str | None:
        """None too where it cannot be decrypted now, which is logged once."""
        if sealed is None:
            return None
        key_id = sealed.partition(".")[0]
        try:
            return self._source.keys(key_id).open_note(sealed, "device", device_id.hex(), what)
        except Unreadable as error:
            if self._first(what, int.from_bytes(device_id, "big"), key_id):
                log.error(Localized(_UNREADABLE[what], device=device_id.hex(), why=error))
            return None

    def open_note(self, sealed: str | None, incident_id: int) -> str | None:
        if sealed is None:
            return None
        try:
            return self._source.keys(sealed.partition(".")[0]).open_note(sealed, "incident", incident_id, "note")
        except Unreadable as error:
            if self._first("note", incident_id, sealed.partition(".")[0]):
                log.error(Localized("log.store.note", incident=incident_id, why=error))
            return SealedNote(sealed)


# Unencrypted data, and data under an older key


def seal_owners(session: Session, sealing: Sealing, after: int, limit: int) -> tuple[int, int]:
    """Encrypt the next owners under the current key; what cannot be decrypted stays.

    Returns the id of the last one examined (0: no more), and how many were encrypted.
    """
    keys = sealing.keys
    rows = session.fetch(_OWNERS, (after, keys.current, limit))
    sealed = []
    for row in rows:
        owner_id, name, nik, phone, address, language, key_id, nik_index = row
        # As older versions stored it: unencrypted, with the NIK in place of its index.
        plain = Owner(owner_id, name, nik_index, phone, address, language)
        owner = sealing.owner_of(row[:7]) if key_id else plain
        if owner is not None and not owner.unreadable:
            stood = (name, nik, phone, address, key_id)
            sealed.append((*sealing.owner_columns(owner_id, owner), keys.index(owner.nik), owner_id, *stood))
    if sealed:
        session.many(_RESEAL_OWNER, sealed)
    return (rows[-1][0] if rows else 0), len(sealed)


def seal_devices(session: Session, sealing: Sealing, after: bytes, limit: int) -> bytes:
    """Encrypt the next devices' addresses and SIM numbers likewise. Returns the id of the last device examined; empty:
    no more."""
    current = f"{sealing.keys.current}.%"
    rows = session.fetch(_OF_DEVICES, (after, current, current, limit))
    for what, sealed in ((ADDRESS, 1), (SIM_NUMBER, 2)):
        opened = [(sealing.open_of_device(row[sealed], row[0], what), row[0], row[sealed]) for row in rows]
        session.many(
            f"UPDATE device SET {what} = ? WHERE device_id = ? AND {what} = ?",  # noqa: S608 - a column of ours
            [
                (sealing.seal_of_device(text, device_id, what), device_id, stood)
                for text, device_id, stood in opened
                if text is not None
            ],
        )
    return rows[-1][0] if rows else b""


def seal_notes(session: Session, writing: Writing, sealing: Sealing, after: int, limit: int) -> tuple[int, int]:
    """Encrypt the next incidents' notes likewise, and those in their notices, each of which has the note of its day."""
    rows = session.fetch(_NOTES, (after, limit))
    changed = [(new, id_, note) for id_, note in rows if (new := _resealed(sealing, note, id_)) is not None]
    if changed:
        # Only what still stands as it was read: an operator may have added to it in between.
        session.many("UPDATE incident SET note = ? WHERE id = ? AND note = ?", changed)
    if rows:
        among, parameters = writing.among("notice", "incident_id", [id_ for id_, _ in rows])
        notices = f"SELECT incident_id, sequence, incident FROM notice WHERE {among}"  # noqa: S608
        snapshots: list[Row] = []
        for incident_id, sequence, text in session.fetch(notices, parameters):
            note = _resealed(sealing, notice_snapshots.fields(text).get("note"), incident_id)
            if note is not None and (snapshot := notice_snapshots.changed(text, {"note": note})) is not None:
                snapshots.append((snapshot, incident_id, sequence, text))
        if snapshots:
            session.many(
                "UPDATE notice SET incident = ? WHERE incident_id = ? AND sequence = ? AND incident = ?", snapshots
            )
    return (rows[-1][0] if rows else 0), len(changed)


def _resealed(sealing: Sealing, note: str | None, incident_id: int) -> str | None:
    """Return a note under the current key; None: it is so already, there is none, or it cannot be decrypted."""
    if note is None or note.startswith(f"{sealing.keys.current}."):
        return None
    opened = sealing.open_note(note, incident_id) if _NOTE.fullmatch(note) else note
    if opened is None or isinstance(opened, SealedNote):
        return None
    return sealing.seal_note(opened, incident_id)
