"""The lease on sending by one kind of way, and which kinds are sent by anybody.

Not every machine has every way: a modem is at one of them. So whoever sends says so in the store, for those who plan
the calls elsewhere; and a machine whose ways of a kind are all broken leaves them to another from time to time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from typing import Final

from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import Store, StoreFailing

_NOTED_EVERY_S: Final = 30.0
_FRESH_MS: Final = 180_000  # a sender that restarts is not gone
_READ_EVERY_S: Final = 5.0
_KEPT_S: Final = 10.0  # broken ways are tried for so long: nobody else may have any
_LEFT_S: Final = 3.0  # then any other may take it, who looks once a second


class SenderLease(Lease):
    """As Lease, for the thread of a NotificationSender."""

    def __init__(
        self,
        store: Store,
        kind: ContactWay,
        holder: str,
        longest_s: float,
        clock: Clock,
        *,
        able: Callable[[], bool] = lambda: True,
        notes: bool = True,
    ) -> None:
        """able: whether anything can be sent from here, as far as is known; never raises. notes: whether others may
        have to know that this kind is sent."""
        super().__init__(store, f"way {kind}", holder, longest_s)
        self._kind = kind
        self._clock = clock
        self._able = able
        self._notes = notes
        self._had = False
        self._since = 0.0  # it was taken
        self._left_until = 0.0
        self._note_at = 0.0

    def at_rest(self) -> None:
        now = time.monotonic()
        if self._had and not self._able() and now - self._since >= _KEPT_S:
            self.give_back()
            self._had, self._left_until = False, now + _LEFT_S

    def held(self) -> bool:
        now = time.monotonic()
        if now < self._left_until:
            return False
        held = super().held()
        if held and not self._had:
            self._since = now
        self._had = held
        if held and self._notes and now >= self._note_at:
            self._note_at = now + _READ_EVERY_S
            with contextlib.suppress(StoreFailing):  # what is due goes out all the same
                with self._store.transaction() as transaction:
                    transaction.remember(_remembered_as(self._kind), str(self._clock.now_ms()))
                self._note_at = now + _NOTED_EVERY_S
        return held


class KindsSent:
    """On which kinds of ways any worker, of any machine, has sent lately. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: tuple[float, frozenset[ContactWay]] = (0.0, frozenset())  # until when; monotonic

    def now(self) -> Collection[ContactWay]:
        """Return them as they were a few seconds ago at most. Raises: StoreFailing."""
        until, kinds = self._known
        now = time.monotonic()
        if now >= until:
            kinds = frozenset(kind for kind in ContactWay if self._is_sent(kind))
            self._known = now + _READ_EVERY_S, kinds
        return kinds

    def _is_sent(self, kind: ContactWay) -> bool:
        noted = self._store.remembered(_remembered_as(kind)) or ""
        return noted.isdecimal() and abs(self._clock.now_ms() - int(noted)) <= _FRESH_MS


def _remembered_as(kind: ContactWay) -> str:
    return f"way_sent.{kind}"
