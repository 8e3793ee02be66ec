"""A store that temporarily takes no writes: what it keeps is retried; since when, who is told, and what is journalled
afterwards."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import StoreDamaged, StoreFailing, StoreGone, Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

_REMIND_S: Final = 30.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0


class Stopping(Exception):  # Not a SiagaError: it ends the thread of ingest and is caught there.
    """The gateway is stopping; what was in progress is not acknowledged, and will be redelivered."""


class StoreOutage:
    """For one thread; `why` may be read from any."""

    def __init__(
        self,
        hold: Callable[[bool], None],
        on_health: Callable[[bool, str], None],
        waiting: Callable[[], int],
        wait: Callable[[float], bool],
        on_damage: Callable[[StoreFailing, bool], None],
    ) -> None:
        """Make the state of a store that works.

        hold: told whether to stop shedding waiting frames. on_health: called at the beginning, with the reason, and at
        the end. waiting: returns how many frames wait. wait: waits so many seconds, and returns whether the gateway is
        stopping. on_damage: called with the error if the store's file is gone.
        """
        self._hold = hold
        self._on_health = on_health
        self._waiting = waiting
        self._wait = wait
        self._on_damage = on_damage
        self._since: float | None = None  # monotonic seconds
        self._remind_at = 0.0
        self._noted = False  # the recovery is in the journal
        self.why = ""  # empty: it works, as far as has been tried

    def retried(self, work: Callable[[], T]) -> T:
        """Return the result of work, retrying until the store takes it. Raises: StoreDamaged; Stopping if the gateway
        stops first."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                result = work()
            except StoreDamaged:
                raise
            except StoreFailing as error:
                self._fails(str(error))
                if isinstance(error, StoreGone):
                    self._on_damage(error, True)
            else:
                self._works()
                return result
            if self._wait(pause_s):
                raise Stopping
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _fails(self, why: str) -> None:
        now = time.monotonic()
        self._noted = False
        if self._since is None:
            self._since = now
            self.why = why
            self._hold(True)
            self._on_health(False, why)
        elif now < self._remind_at:
            return
        self._remind_at = now + _REMIND_S
        log.error(Localized("log.ingest.store_failing", why=why, frames=self._waiting()))

    def _works(self) -> None:
        """A transaction was committed; the outage is over once one of them has noted it."""
        if not self._noted:
            return
        log.warning(Localized("log.ingest.store_back", seconds=self._seconds(), why=self.why))
        self._since, self._noted, self.why = None, False, ""
        self._hold(False)
        self._on_health(True, "")

    def note_recovery(self, transaction: Transaction, now_ms: int) -> None:
        """Note the recovery, in a transaction that may be the first to succeed."""
        if self._since is not None:
            transaction.note(journal.STORE_BACK, now_ms, {"seconds": self._seconds(), "why": self.why})
            self._noted = True

    def _seconds(self) -> int:
        return 0 if self._since is None else round(time.monotonic() - self._since)
