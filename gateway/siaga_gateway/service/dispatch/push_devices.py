"""Browsers that take a person's messages by web push: he adds and removes them himself, and what is gone is removed.

A browser counts as a way to him once he has answered the code that was sent to it, as any other does.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Final

from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.responder_lists import unknown
from siaga_gateway.service.dispatch.ways import HandedOver, Way
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, NotDelivered
from siaga_gateway.service.store import Store, Transaction

EVERY_S: Final = 60.0
MOST: Final = 5  # of one person
LATER_MS: Final = 600_000  # one that is gone keeps its place meanwhile: messages to the others are numbered by it


class PushDevices:
    """Thread-safe. `work` is a periodic job."""

    def __init__(self, store: Store, clock: Clock, checked: Callable[[str], str], key: str) -> None:
        """checked: returns a browser's subscription as JSON in its one form; raises ResponderRefused. key: the public
        one that browsers subscribe with."""
        self._store = store
        self._clock = clock
        self._checked = checked
        self.key = key
        self._lock = threading.Lock()
        self._gone: dict[str, int] = {}

    def add(
        self, key: str, subscription: str, allowed: Callable[[Transaction], object] = lambda transaction: None
    ) -> None:
        """Add a browser of somebody's; of too many the one that was proven the longest ago gives way.

        allowed: raises if whoever asks may not, as his link was voided just now.

        Raises: ResponderRefused, ResponderError, StoreFailing.
        """
        new = Contact(ContactWay.PUSH, self._checked(subscription))
        with self._lock:
            self._gone.pop(new.address, None)
        with self._store.transaction() as transaction:
            there = self._there(transaction, key)
            allowed(transaction)
            if any(way.contact == new for way in there.ways):
                return
            mine = [way for way in there.ways if way.contact.way is ContactWay.PUSH]
            same = {way.contact for way in mine if endpoint(way.contact) == endpoint(new)}  # with other keys
            mine = [way for way in mine if way.contact not in same]
            by_age = sorted(mine, key=lambda way: way.proven_ms or 0)
            left = {way.contact for way in by_age[: max(0, len(mine) - MOST + 1)]}
            others = [way for way in there.ways if way.contact.way is not ContactWay.PUSH]
            kept = [way for way in mine if way.contact not in left]
            transaction.put_responders([copied(there, ways=(*kept, ProvenWay(new), *others))])
            if left:
                self._note(transaction, journal.WAY_REMOVED, key)
            self._note(transaction, journal.WAY_ADDED, key)

    def remove(self, key: str, of: str) -> None:
        """Remove the browser with this endpoint. Raises: ResponderError, StoreFailing."""
        with self._store.transaction() as transaction:
            self._remove(transaction, key, lambda contact: endpoint(contact) == of)

    def gone(self, address: str) -> None:
        """Take it that a push service knows this browser no more. Never raises."""
        with self._lock:
            self._gone.setdefault(address, self._clock.now_ms())

    def taken(self, address: str) -> None:
        """Take it that a push service took a message for this browser: it is there, whatever was said before. Never
        raises."""
        with self._lock:
            self._gone.pop(address, None)

    def work(self) -> None:
        """Remove those that have been gone for a while. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        with self._lock:
            due = {address for address, at_ms in self._gone.items() if not 0 <= now_ms - at_ms < LATER_MS}
        if not due:
            return
        for each in self._store.responders():
            if any(way.contact.address in due for way in each.ways):
                with self._store.transaction() as transaction:
                    self._remove(transaction, each.key, lambda contact: contact.address in due)
        with self._lock:
            for address in due:
                self._gone.pop(address, None)

    def _there(self, transaction: Transaction, key: str) -> Responder:
        transaction.change_responders()
        there = transaction.responder(key)
        if there is None:
            raise unknown(key, self._store.responder_keys())
        return there

    def _remove(self, transaction: Transaction, key: str, which: Callable[[Contact], bool]) -> None:
        there = self._there(transaction, key)
        kept = tuple(way for way in there.ways if way.contact.way is not ContactWay.PUSH or not which(way.contact))
        if kept != there.ways:
            transaction.put_responders([copied(there, ways=kept)])
            self._note(transaction, journal.WAY_REMOVED, key)

    def _note(self, transaction: Transaction, kind: str, key: str) -> None:
        transaction.note(kind, self._clock.now_ms(), {"responder": key, "way": ContactWay.PUSH.value})


def endpoint(contact: Contact) -> str:
    """Return where a subscription takes messages; empty: it cannot be read."""
    try:
        return str(json.loads(contact.address)["endpoint"])
    except (ValueError, KeyError, TypeError):
        return ""


class WatchedPush:
    """Implements ways.Way: another one that sends by web push; tells whose browser is gone."""

    def __init__(self, way: Way, gone: Callable[[str], None], taken: Callable[[str], None]) -> None:
        """gone, taken: told the address of each message that was refused for good, or was taken."""
        self._way = way
        self._gone = gone
        self._taken = taken
        self.name, self.kind, self.at_once, self.budget = way.name, way.kind, way.at_once, way.budget
        self.repeats_recognised = way.repeats_recognised

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        outcome = self._way.send(address, message, key)
        if isinstance(outcome, NotDelivered) and outcome.permanent:
            self._gone(address)
        elif isinstance(outcome, HandedOver):
            self._taken(address)
        return outcome

    def close(self) -> None:
        self._way.close()
