"""What is due on one kind of way, in the order in which it is begun.

The store is read for many messages at once, and what is read is used up: a thousand calls at once are ten thousand
messages, and a reading for each few of them would cost more than the sending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from siaga_gateway.domain.notification import Notification
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import CALL, wave_order
from siaga_gateway.service.store import Store, StoreDamaged

FRESH_S: Final = 1.0  # what was read is used for so long; whatever waits longer is looked at again
_READ: Final = 500  # at once: many may wait for one person's turn
_READS: Final = 3  # in one turn, each without those who wait for theirs


class DueMessages:
    """For one thread, except `changed`."""

    def __init__(self, store: Store, kind: ContactWay, enough: int) -> None:
        """enough: so few need no order: all of them are begun at once."""
        self._store = store
        self._kind = kind
        self._enough = enough
        self._rows: Sequence[Notification] = ()
        self._more = False  # behind these
        self._changed = False
        self.read_s = 0.0  # when they were read; monotonic

    def changed(self) -> None:
        """Signal that there may be new ones. Thread-safe."""
        self._changed = True

    def forget(self) -> None:
        """Whatever is due is read again."""
        self._rows = ()

    def begin(
        self,
        now_ms: int,
        under_way: Callable[[], Collection[Notification]],
        read: Callable[[Sequence[Notification]], None],
        begin: Callable[[Sequence[Notification]], tuple[Sequence[Notification], bool]],
    ) -> bool:
        """Offer what is due to `begin`, which returns those that wait for their turn, and whether it takes more.

        read: called with what has been read anew. Returns whether some that are due were not offered. Raises:
        StoreFailing.
        """
        rows = self._rows
        if not rows or self._changed or time.monotonic() - self.read_s >= FRESH_S:
            self._changed = False  # before it is read: what comes meanwhile is read next time
            rows = self._read(now_ms, under_way(), set())
            self.read_s = time.monotonic()
            read(rows)
        self._rows = ()  # should beginning fail half-way, none of them is begun again
        waiting, takes = begin(rows)
        for _ in range(1, _READS):
            # Behind many for those whose turn has not come there may be others.
            if not (takes and self._more and waiting):
                break
            rows = self._read(now_ms, under_way(), {each.recipient for each in waiting})
            read(rows)
            still, takes = begin(rows)
            waiting = [*waiting, *still]
        self._rows = waiting
        return self._more or not takes

    def _read(
        self, now_ms: int, under_way: Collection[Notification], not_to: Collection[str]
    ) -> Sequence[Notification]:
        due = self._store.notifications_due(self._kind, now_ms, under_way, _READ, not_to)
        self._more = len(due) == _READ
        if len(due) <= self._enough:
            return due
        try:
            alarms = self._store.alarms({each.incident_id for each in due})
        except StoreDamaged:
            alarms = {}  # without their order, but sent

        def order(each: Notification) -> tuple[bool, bool, tuple[int, int]]:
            """First notices, one of each call before the others, then by the alarm level; but nobody waits for ever
            behind graver calls."""
            alarm = alarms.get(each.incident_id)
            level = CALL if alarm is None else alarm.level
            return not each.is_first, not each.is_foremost, wave_order(level, each.next_at_ms or 0, now_ms)

        return sorted(due, key=order)
