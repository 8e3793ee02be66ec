"""Which calls are open at the consoles of one machine, told to the other machines on its store.

Each machine keeps one value in the store, and writes it when it changes and every few seconds while there is anything
to say: however many consoles it has, that is one small write a second at most. How old another machine's word is, is
measured by this one's own clock, from when the value was last seen to change.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing

Look = tuple[int, str]  # an incident, and the operator at whose console it is open

PREFIX: Final = "presence."
AGAIN_S: Final = 8.0  # between two words of a machine that has nothing new to say
GONE_S: Final = 20.0  # a machine that has said nothing for so long is gone, with its consoles
_OLDEST_MS: Final = 60_000  # what was written longer ago is no word of a machine that runs; clocks may differ so much
_MOST: Final = 400  # of one machine


class PresenceNotes(Protocol):
    """Keeps what a machine says; called from the console's process."""

    def note(self, machine: str, looks: Sequence[Sequence[object]]) -> None:
        """looks: pairs of an incident and an operator."""
        ...


class PresenceBook(PresenceNotes):
    """On the store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def note(self, machine: str, looks: Sequence[Sequence[object]]) -> None:
        told = {"at_ms": self._clock.now_ms(), "looks": [list(each) for each in looks][:_MOST]}
        with self._store.transaction() as transaction:
            transaction.remember(f"{PREFIX}{machine}", json.dumps(told))


class PresenceReading(Protocol):
    def remembered_under(self, prefix: str) -> Mapping[str, str]:
        """See service.store.Store."""
        ...


class SharedPresence:
    """Thread-safe."""

    def __init__(self, reader: PresenceReading, notes: PresenceNotes, machine: str, clock: Clock) -> None:
        """machine: its name among those on the store, the same after a restart."""
        self._reader = reader
        self._notes = notes
        self._machine = machine
        self._clock = clock
        self._lock = threading.Lock()
        self._told: list[Look] | None = None
        self._told_at = 0.0  # monotonic, as all below
        self._heard: dict[str, tuple[str, float]] = {}  # by machine: its value, and when it was first seen

    def exchange(self, own: Collection[Look]) -> set[Look]:
        """Tell what is open here; return what is open elsewhere. While the store fails: what was heard lately."""
        with self._lock:
            now = time.monotonic()
            try:
                self._tell(sorted(own), now)
                self._hear(now)
            except StoreFailing:
                pass  # the page is told of it by whatever it needs more
            return {look for value, since in self._heard.values() if now - since < GONE_S for look in _looks(value)}

    def _tell(self, own: list[Look], now: float) -> None:
        if own == (self._told or []) and (not own or now - self._told_at < AGAIN_S):
            return
        self._notes.note(self._machine, own)
        self._told, self._told_at = own, now

    def _hear(self, now: float) -> None:
        found = self._reader.remembered_under(PREFIX)
        for name in self._heard.keys() - found.keys():
            del self._heard[name]
        for name, value in found.items():
            if name == f"{PREFIX}{self._machine}":
                continue
            known = self._heard.get(name)
            if known is None:
                fresh = abs(self._clock.now_ms() - _at_ms(value)) < _OLDEST_MS
                self._heard[name] = (value, now if fresh else now - GONE_S)
            elif known[0] != value:
                self._heard[name] = (value, now)


def _read(value: str) -> dict[str, object]:
    """Return what a machine wrote, perhaps of another version; nothing, where that is not understood."""
    try:
        told = json.loads(value)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _at_ms(value: str) -> int:
    at_ms = _read(value).get("at_ms")
    return at_ms if isinstance(at_ms, int) else 0


def _looks(value: str) -> list[Look]:
    looks = _read(value).get("looks")
    found = [each for each in looks if isinstance(each, list) and len(each) >= 2] if isinstance(looks, list) else []
    return [(each[0], each[1]) for each in found if isinstance(each[0], int) and isinstance(each[1], str)][:_MOST]
