"""Searches owners and devices by the index of owner_index.py.

A search takes the owners that have the numbers of all its parts, the rarest number first, decrypts them and compares
the text itself, since several parts share a number.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from siaga_gateway.adapters.sql.owner_index import DEVICES_UNTIL, LABEL, NAME, STALE
from siaga_gateway.adapters.sql.registry import RegistryReading
from siaga_gateway.adapters.sql.rows import OWNER, columns
from siaga_gateway.domain.name_search import matches, wanted_grams
from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.store import Enrolled
from siaga_gateway.service.store.owner_search import FoundDevices, FoundOwners

_COMMON: Final = 20_000  # a number that more owners have is counted no further
_COMPARED: Final = 8  # numbers of a search that are intersected; the text itself decides
_TOGETHER: Final = 200  # decrypted at once
_MOST_DECRYPTED: Final = 2_000  # for one search
_MOST_LABELS: Final = 20_000  # the same, of labels compared
_HOW_MANY: Final = "SELECT count(*) FROM (SELECT 1 FROM owner_search WHERE number = ? LIMIT ?) AS counted"


class OwnerSearchReading(RegistryReading):
    """Implements service.store.owner_search.OwnerSearchReading."""

    def owners_named(self, text: str, limit: int) -> FoundOwners:
        found: list[Owner] = []
        more = self._gather(NAME, text, lambda owner: matches(text, owner.name), found, limit)
        return FoundOwners(found, more)

    def owners_with_phone(self, phone: str, limit: int) -> FoundOwners:
        found: list[Owner] = []
        for index in self.sealing.keys.phone_indexes(phone):
            ids = self.fetch("SELECT id FROM owner WHERE phone_index = ? ORDER BY id LIMIT ?", (index, limit + 1))
            found += [owner for owner in self._opened([row[0] for row in ids]) if owner.phone == phone]
        return FoundOwners(found[:limit], len(found) > limit)

    def devices_labelled(self, text: str, limit: int) -> FoundDevices:
        found: list[Enrolled] = []
        numbers = self.sealing.keys.searches(LABEL, wanted_grams(text))
        looked_at = 0
        for ids in self._candidates(numbers.values()):
            among, parameters = self.writing.among("device", "owner_id", ids)
            rows = self.fetch(f"SELECT device_id, label FROM device WHERE {among}", parameters)  # noqa: S608
            looked_at += len(rows)
            wanted = [device_id for device_id, label in rows if matches(text, label)]
            found += self._enrolled(wanted[: limit + 1 - len(found)])
            if len(found) > limit or looked_at > _MOST_LABELS:
                return FoundDevices(found[:limit], True)
        return FoundDevices(found)

    def devices_beginning(self, digits: str, limit: int) -> FoundDevices:
        low, high = bytes.fromhex(digits.ljust(16, "0")), bytes.fromhex(digits.ljust(16, "f"))
        rows = self.fetch(
            "SELECT device_id FROM device WHERE device_id BETWEEN ? AND ? ORDER BY device_id LIMIT ?",
            (low, high, limit + 1),
        )
        found = self._enrolled([row[0] for row in rows])
        return FoundDevices(found[:limit], len(found) > limit)

    def unsearchable(self, most: int) -> int:
        rows = self.fetch(f"SELECT count(*) FROM (SELECT 1 FROM owner WHERE {STALE} LIMIT ?) AS counted", (most,))  # noqa: S608
        return int(rows[0][0])

    def labels_wait(self) -> bool:
        changed = "SELECT 1 FROM device WHERE changed > (SELECT CAST(value AS BIGINT) FROM meta WHERE name = ?) LIMIT 1"
        return bool(self.fetch(changed, (DEVICES_UNTIL,)))

    def _enrolled(self, device_ids: Sequence[bytes]) -> list[Enrolled]:
        found = self.enrolled(device_ids)
        return [found[device_id] for device_id in device_ids if device_id in found]

    def _gather(self, field: str, text: str, fits: Callable[[Owner], bool], found: list[Owner], limit: int) -> bool:
        """Add to `found` until there are enough. Returns whether there are more, or may be."""
        decrypted = 0
        for ids in self._candidates(self.sealing.keys.searches(field, wanted_grams(text)).values()):
            for owner in self._opened(ids):
                if not fits(owner) or owner in found:
                    continue
                if len(found) == limit:
                    return True
                found.append(owner)
            decrypted += len(ids)
            if decrypted >= _MOST_DECRYPTED:
                return True
        return False

    def _candidates(self, searches: Collection[frozenset[int]]) -> Iterator[list[int]]:
        """Yield the owners that have all numbers of one of the searches, some at a time, by id."""
        for numbers in searches:
            if not numbers:
                continue
            counted = sorted((self.fetch(_HOW_MANY, (number, _COMMON))[0][0], number) for number in numbers)
            (_, rarest), *others = counted[:_COMPARED]
            also = "".join(
                " AND EXISTS (SELECT 1 FROM owner_search WHERE number = ? AND owner_id = one.owner_id)" for _ in others
            )
            after, limit = 0, _TOGETHER
            while True:
                rows = self.fetch(
                    f"SELECT one.owner_id FROM owner_search AS one WHERE one.number = ? AND one.owner_id > ?{also} "  # noqa: S608
                    "ORDER BY one.owner_id LIMIT ?",
                    (rarest, after, *(number for _, number in others), limit),
                )
                if rows:
                    yield [row[0] for row in rows]
                if len(rows) < limit:
                    break
                after = rows[-1][0]

    def _opened(self, owner_ids: Sequence[int]) -> list[Owner]:
        """Return those of the owners that can be decrypted, in this order."""
        if not owner_ids:
            return []
        among, parameters = self.writing.among("owner", "id", owner_ids)
        rows = self.fetch(f"SELECT {columns(OWNER)} FROM owner WHERE {among} ORDER BY id", parameters)  # noqa: S608
        found = (self.sealing.owner_of(row) for row in rows)
        return [owner for owner in found if owner is not None and not owner.unreadable]
