"""Delivery reports of text messages: that a phone has one is a fact of its own, and no answer.

A report names a number and no message. One of a code or a confirmation counts as that of a call's text that waits for
one; so it says that the phone is on and takes messages, and only what was sent lately is marked by it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from siaga_gateway.domain.notification import RESPONDER, STATION, on_address
from siaga_gateway.domain.operator_message import HOLDER
from siaga_gateway.domain.personal_encryption import PersonalKeyError
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.service.store import Store

_MOST_OWNERS: Final = 5  # of one number
OLDEST_MS: Final = 15 * 60_000  # later a report is more likely that of another message


class TextReceipts:
    """Thread-safe. The lists are read again when they have changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._versions: tuple[int, int] | None = None
        self._recipients: Mapping[str, Sequence[str]] = {}

    def note(self, number: str, at_ms: int) -> None:
        """Keep that a phone has received a message; of those that wait for it, the oldest. Raises: StoreFailing."""
        recipients = [*self._current().get(number, ()), *self._holders(number)]
        if recipients:
            with self._store.transaction() as transaction:
                transaction.mark_text_delivered(recipients, at_ms - OLDEST_MS, at_ms)

    def _holders(self, number: str) -> Iterator[str]:
        """Yield the owners who have this number: a desk may have written to one. Without the key nobody is found."""
        with suppress(PersonalKeyError):
            for owner in self._store.owners_with_phone(number, _MOST_OWNERS).owners:
                yield f"{HOLDER}{owner.id}"

    def _current(self) -> Mapping[str, Sequence[str]]:
        versions = self._store.places_version(), self._store.responders_version()
        with self._lock:
            if self._versions != versions:
                found: dict[str, list[str]] = {}
                for station in self._store.stations():
                    for number, recipient in _numbers(f"{STATION}{station.key}", station.contacts):
                        found.setdefault(number, []).append(recipient)
                for responder in self._store.responders():
                    for number, recipient in _numbers(f"{RESPONDER}{responder.key}", responder.contacts):
                        found.setdefault(number, []).append(recipient)
                self._versions, self._recipients = versions, found
            return self._recipients


def _numbers(key: str, contacts: Sequence[Contact]) -> Iterator[tuple[str, str]]:
    """Yield each number for text messages, and the recipient of what goes there."""
    numbers = [contact.address for contact in contacts if contact.way is ContactWay.SMS]
    for at, number in enumerate(numbers, 1):
        yield number, on_address(key, at)
