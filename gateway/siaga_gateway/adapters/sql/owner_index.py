"""The index by which owners are found though they are encrypted: how it is kept. owner_search.py searches.

Each owner has a set of numbers in `owner_search`: those that the key gives for the parts of the name and of the labels
of the owner's devices (domain/name_search.py).

`owner.search_numbers` has the same numbers again, so that they can be taken out of the index when the name is gone.
`owner.search_key` is the key that gave them: where it is not the one that the owner is encrypted under, the numbers are
made anew (a new owner, a change of the key, an erasure, by an older gateway beside this one).
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from typing import Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Row, Session, Writing
from siaga_gateway.adapters.sql.rows import OWNER, columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.name_search import grams
from siaga_gateway.domain.personal_encryption import PersonalKeys
from siaga_gateway.domain.registry import Owner

DEVICES_UNTIL: Final = "search.devices"  # the registry's version up to which labels were taken up
NAME: Final = "name"
LABEL: Final = "label"
_LABELS_OF_ONE: Final = 1_000  # devices of one owner whose labels are indexed

# Worded like the partial index.
STALE: Final = "coalesce(search_key, '') <> key_id"
_WHAT: Final = f"SELECT {columns(OWNER)}, search_key, search_numbers FROM owner"  # noqa: S608 - constants
_NEXT: Final = f"SELECT id FROM owner WHERE {STALE} AND id > ? ORDER BY id LIMIT ?"  # noqa: S608
_SET: Final = "UPDATE owner SET phone_index = ?, search_numbers = ?, search_key = ? WHERE id = ?"
_ADD: Final = "INSERT INTO owner_search (number, owner_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_REMOVE: Final = "DELETE FROM owner_search WHERE number = ? AND owner_id = ?"


def packed(numbers: Collection[int]) -> bytes:
    return struct.pack(f">{len(numbers)}H", *sorted(numbers))


def unpacked(raw: bytes | None) -> frozenset[int]:
    """What is damaged is taken for nothing."""
    if raw is None or len(raw) % 2:
        return frozenset()
    return frozenset(struct.unpack(f">{len(raw) // 2}H", raw))


def numbers_of(keys: PersonalKeys, name: str, labels: Collection[str]) -> frozenset[int]:
    of_labels = frozenset[str]().union(*map(grams, labels))
    return keys.search_numbers(NAME, grams(name)) | keys.search_numbers(LABEL, of_labels)


def index_now(session: Session, writing: Writing, sealing: Sealing, owner_ids: Collection[int]) -> int:
    """Bring the index up to date for these owners. Returns for how many it is now."""
    if not owner_ids:
        return 0
    among, parameters = writing.among("owner", "id", sorted(owner_ids))
    # Nobody changes them meanwhile: on PostgreSQL a write that changes nothing locks rows, SQLite has one writer.
    session.run(f"UPDATE owner SET language = language WHERE {among}", parameters)  # noqa: S608
    rows = session.fetch(f"{_WHAT} WHERE {among} ORDER BY id", parameters)
    return sum(_index(session, sealing, row) for row in rows)


def _index(session: Session, sealing: Sealing, row: Row) -> bool:
    *of_owner, search_key, raw = row
    owner_id, key_id = of_owner[0], of_owner[-1]
    before, numbers, phone_index = unpacked(raw), frozenset[int](), None
    if key_id:  # else the owner was erased
        owner, keys = _current(sealing, tuple(of_owner)), sealing.keys
        if owner is None:
            return False
        labels = session.fetch("SELECT label FROM device WHERE owner_id = ? LIMIT ?", (owner_id, _LABELS_OF_ONE))
        numbers = numbers_of(keys, owner.name, [label for (label,) in labels])
        phone_index = keys.phone_index(owner.phone)
    session.run(_SET, (phone_index, packed(numbers) if key_id else None, key_id, owner_id))
    session.many(_REMOVE, [(number, owner_id) for number in before - numbers])
    # After a rescue some may be missing that were there before: then search_key is not set.
    session.many(_ADD, [(number, owner_id) for number in (numbers - before if search_key == key_id else numbers)])
    return True


def _current(sealing: Sealing, row: Row) -> Owner | None:
    """Return the owner if it can be decrypted, and is under the key that encrypts now."""
    owner = sealing.owner_of(row)
    return None if owner is None or owner.unreadable or row[-1] != sealing.keys.current else owner


class OwnerIndexWriting(WriteBatch):
    """Implements service.store.owner_search.OwnerIndexWriting."""

    def index_owners(self, after: int, limit: int) -> tuple[int, int]:
        ids = [owner_id for (owner_id,) in self._fetch(_NEXT, (after, limit))]
        ready = self._ready(ids)
        done = index_now(self._session, self._writing, self._sealing, ready)
        return (ids[-1] if ids else 0), done

    def _ready(self, owner_ids: Collection[int]) -> list[int]:
        """Those that were erased or can be decrypted: nothing is written for the others."""
        if not owner_ids:
            return []
        among, parameters = self._writing.among("owner", "id", owner_ids)
        rows = self._fetch(f"SELECT {columns(OWNER)} FROM owner WHERE {among} ORDER BY id", parameters)  # noqa: S608
        return [row[0] for row in rows if not row[-1] or _current(self._sealing, row) is not None]

    def index_labels(self, limit: int) -> int:
        kept = self._fetch("SELECT value FROM meta WHERE name = ?", (DEVICES_UNTIL,))
        after = int(kept[0][0]) if kept else 0
        changed = "SELECT changed, owner_id FROM device WHERE changed"
        rows = self._fetch(f"{changed} > ? ORDER BY changed LIMIT ?", (after, limit))
        if not rows:
            return 0
        last = rows[-1][0]
        rows += self._fetch(f"{changed} = ?", (last,))  # all of one change
        index_now(self._session, self._writing, self._sealing, {owner_id for _, owner_id in rows})
        self.remember(DEVICES_UNTIL, str(last))
        return len(rows)
