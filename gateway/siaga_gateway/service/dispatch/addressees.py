"""Where a message goes: what a sender looks up of its recipient."""

from __future__ import annotations

from typing import Protocol

from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import record


@record
class Addressee:
    """Where a recipient is told, and how."""

    address: str
    language: str  # id, en
    name: str  # a station's; "" for a person
    leads: bool = False  # a station: whoever does answers for its desk
    folds: bool = False  # is told of many calls in one message


class AddressList(Protocol):
    """Where each recipient is told, as the lists are at one moment."""

    def find(self, recipient: str, way: ContactWay) -> Addressee | None:
        """Return where; None: whoever it is has left, or has no such address any more. Raises: StoreFailing."""
        ...


class Addresses(Protocol):
    """Looks up recipients at the moment of sending."""

    def now(self) -> AddressList:
        """Return the lists as they are now. Never raises."""
        ...
