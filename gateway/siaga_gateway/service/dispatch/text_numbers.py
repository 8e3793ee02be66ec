"""Whose a telephone number or a chat is, among the ways of responders on which they write back."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.value import record


class ResponderList(Protocol):
    """What is needed of the store. Raises: StoreFailing."""

    def responders_version(self) -> int: ...
    def responders(self) -> Sequence[Responder]: ...


@record
class Texter:
    """Somebody whose number it is."""

    responder: str
    language: str
    contact: Contact
    proven: bool


@record
class _Index:
    version: int
    by_number: Mapping[str, tuple[Texter, ...]]
    by_person: Mapping[str, frozenset[str]]  # numbers


class TextNumbers:
    """Thread-safe. The list is read again when it has changed."""

    def __init__(self, store: ResponderList, way: ContactWay = ContactWay.SMS) -> None:
        self._store = store
        self._way = way
        self._lock = threading.Lock()
        self._index: _Index | None = None

    def whose(self, number: str) -> Sequence[Texter]:
        """Return whose it is, by their keys; of two people who share it, both. number: E.164, or a chat's."""
        return self._current().by_number.get(number, ())

    def sharing(self, responder: str) -> frozenset[str]:
        """Return this person and everybody who has one of his numbers."""
        index = self._current()
        numbers = index.by_person.get(responder, frozenset())
        return frozenset({responder, *(each.responder for number in numbers for each in index.by_number[number])})

    def _current(self) -> _Index:
        version = self._store.responders_version()
        with self._lock:
            if self._index is None or self._index.version != version:
                self._index = _read(version, self._store.responders(), self._way)
            return self._index


def _read(version: int, responders: Sequence[Responder], kind: ContactWay) -> _Index:
    found: dict[str, list[Texter]] = {}
    numbers: dict[str, set[str]] = {}
    for each in responders:
        for way in each.ways:
            if way.contact.way is kind:
                texter = Texter(each.key, each.language, way.contact, way.proven)
                found.setdefault(way.contact.address, []).append(texter)
                numbers.setdefault(each.key, set()).add(way.contact.address)
    return _Index(
        version,
        {number: tuple(people) for number, people in found.items()},
        {key: frozenset(mine) for key, mine in numbers.items()},
    )
