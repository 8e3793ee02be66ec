"""Names and addresses of those who are called, as the lists are now: for a person who calls them by hand."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.invisible_characters import tidied
from siaga_gateway.domain.limits import LONGEST_UNIT
from siaga_gateway.domain.notification import RESPONDER, STATION, address_number, whose
from siaga_gateway.domain.places import Contact, ContactWay, Station
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.incident_facts import UNIT


class ListReading(Protocol):
    """What the directory needs of the store. Raises: StoreFailing."""

    def places_version(self) -> int: ...
    def stations(self) -> Sequence[Station]: ...
    def responders_version(self) -> int: ...
    def responders(self) -> Sequence[Responder]: ...


@record
class Listed:
    """Somebody on the lists."""

    name: str
    contacts: tuple[Contact, ...]

    def address(self, recipient: str, way: ContactWay) -> str | None:
        """Return where this recipient of a notification is told on a way; None: he has no such address any more."""
        addresses = [each.address for each in self.contacts if each.way is way]
        number = address_number(recipient)
        return addresses[number - 1] if number <= len(addresses) else None


def key_alone(who: str) -> str:
    """Return the key of somebody who is on no list, without what kind of recipient he is."""
    return who.partition(":")[2] or who


class CallDirectory:
    """Thread-safe. The lists are read again when they have changed."""

    def __init__(self, store: ListReading) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._stations: tuple[int, Mapping[str, Station]] | None = None
        self._responders: tuple[int, Mapping[str, Responder]] | None = None
        self._called: tuple[int, Mapping[str, Sequence[str]]] | None = None  # keys of officers, by what they are called

    def find(self, recipient: str) -> Listed | None:
        """Return who is meant: the recipient of a notification, or whoever is assigned.

        None: it is not, or no longer, on the lists, or his name cannot be read. Raises: StoreFailing.
        """
        key = whose(recipient)
        if key.startswith(STATION):
            station = self._known_stations().get(key.removeprefix(STATION))
            return None if station is None else Listed(station.name, station.contacts)
        if key.startswith(RESPONDER):
            person = self._known_responders().get(key.removeprefix(RESPONDER))
            return None if person is None else Listed(person.name, person.contacts)
        return None

    def people(self, unit: str) -> Sequence[str]:
        """Return the keys of the officers and patrols on the lists that a desk may have sent under this name: it types
        a key or a name, and sends by one click under the name. Raises: StoreFailing."""
        version = self._store.responders_version()
        known = self._known_responders()
        with self._lock:
            if self._called is None or self._called[0] != version:
                called: dict[str, list[str]] = {}
                for key, each in known.items():
                    for name in {_as_unit(key), _as_unit(each.name)}:
                        called.setdefault(name, []).append(key)
                self._called = version, called
            return self._called[1].get(_as_unit(unit), ())

    def stations(self, text: str, limit: int) -> Sequence[Station]:
        """Return stations whose name or key has the text, by name. Raises: StoreFailing."""
        wanted = text.casefold()
        found = [each for each in self._known_stations().values() if _has(wanted, each.name, each.key)]
        return sorted(found, key=lambda each: (each.name.casefold(), each.key))[:limit]

    def search(self, text: str, limit: int) -> tuple[Sequence[tuple[str, Listed]], int]:
        """Return stations and officers whose name or key has the text and who can be told on some way, as (recipient,
        whom it is), by name; and how many there are. Raises: StoreFailing."""
        wanted = text.casefold()
        everybody: list[tuple[str, Station | Responder]] = [
            *((f"{STATION}{key}", each) for key, each in self._known_stations().items()),
            *((f"{RESPONDER}{key}", each) for key, each in self._known_responders().items()),
        ]
        found = [
            (recipient, Listed(each.name, each.contacts))
            for recipient, each in everybody
            if each.contacts and _has(wanted, each.name, each.key)
        ]
        found.sort(key=lambda each: (each[1].name.casefold(), each[0]))
        return found[:limit], len(found)

    def name(self, who: str) -> str:
        """Return the name of a recipient, an assignee or a unit; its key, if it is not on the lists."""
        if who.startswith(UNIT):
            return who.removeprefix(UNIT)
        found = self.find(who)
        return key_alone(who) if found is None else found.name

    def _known_stations(self) -> Mapping[str, Station]:
        version = self._store.places_version()
        with self._lock:
            if self._stations is None or self._stations[0] != version:
                self._stations = version, {each.key: each for each in self._store.stations()}
            return self._stations[1]

    def _known_responders(self) -> Mapping[str, Responder]:
        version = self._store.responders_version()
        with self._lock:
            if self._responders is None or self._responders[0] != version:
                self._responders = version, {each.key: each for each in self._store.responders()}
            return self._responders[1]


def _as_unit(name: str) -> str:
    """Return a name as it is compared: cut as that of a unit is, whatever its case and its blanks."""
    return tidied(tidied(name)[:LONGEST_UNIT]).casefold()


def _has(wanted: str, *fields: str) -> bool:
    return any(wanted in each.casefold() for each in fields)
