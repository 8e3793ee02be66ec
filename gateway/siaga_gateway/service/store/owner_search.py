"""Finding owners and their devices by what is encrypted: the port, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga_gateway.domain.registry import Owner
from siaga_gateway.service.store.registry import Enrolled


@dataclass(frozen=True, slots=True)
class FoundOwners:
    """Owners in the order of their ids. more: there are others, or may be."""

    owners: Sequence[Owner]
    more: bool = False


@dataclass(frozen=True, slots=True)
class FoundDevices:
    """Devices; more: there are others, or may be."""

    devices: Sequence[Enrolled]
    more: bool = False


class OwnerIndexWriting(Protocol):
    """Keeps the index. What changes an owner in this version changes it too; the rest is taken up here."""

    def index_owners(self, after: int, limit: int) -> tuple[int, int]:
        """Index the next owners that are not, or by another key, or that were erased.

        Returns the id of the last one examined (0: no more), and how many were indexed. One that cannot be decrypted
        stays.
        """
        ...

    def index_labels(self, limit: int) -> int:
        """Index the labels of devices that have changed. Returns how many devices were looked at; 0: no more."""
        ...


class OwnerSearchReading(Protocol):
    """Searches. Each looks at what it found in clear before it returns it."""

    def owners_named(self, text: str, limit: int) -> FoundOwners:
        """Return owners with all words of the text in their names, see domain/name_search.py."""
        ...

    def owners_with_phone(self, phone: str, limit: int) -> FoundOwners:
        """phone: E.164."""
        ...

    def devices_labelled(self, text: str, limit: int) -> FoundDevices: ...
    def devices_beginning(self, digits: str, limit: int) -> FoundDevices:
        """Return devices whose id begins with these hexadecimal digits."""
        ...

    def unsearchable(self, most: int) -> int:
        """Return how many owners the index does not have yet; counted up to `most`."""
        ...

    def labels_wait(self) -> bool:
        """Whether devices have changed since their labels were indexed."""
        ...
