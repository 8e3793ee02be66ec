"""Pings a dead man's switch service elsewhere, which calls somebody when no ping has come for a while: so the ping is
withheld while something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread

EVERY_S: Final = 60.0
_AGAIN_S: Final = 15.0  # after one that was not taken, or was withheld: it may be over before the service calls
_END_S: Final = 2.0

log = logging.getLogger(__name__)


class OutsidePings:
    """Call `start`, `stop`."""

    def __init__(self, ping: Callable[[], str], wrong: Callable[[], str], every_s: float = EVERY_S) -> None:
        """ping: sends one, within its own deadline; returns why it was not taken, or an empty text. wrong: returns what
        is wrong here; empty: nothing."""
        self._ping = ping
        self._wrong = wrong
        self._every_s = every_s
        self._withheld = self._failed = ""
        self._thread = PeriodicThread("pings", self._turn, end_s=_END_S)
        self.start = self._thread.start
        self.stop = self._thread.stop

    def _turn(self) -> float:
        before, self._withheld = self._withheld, self._wrong()
        if self._withheld:
            if not before:
                log.error(Localized("log.watch.withheld", why=self._withheld))
            return min(_AGAIN_S, self._every_s)
        before, self._failed = self._failed, self._ping()
        if self._failed and not before:
            log.warning(Localized("log.watch.ping_failed", why=self._failed))
        elif before and not self._failed:
            log.warning(Localized("log.watch.pings_again"))
        return min(_AGAIN_S, self._every_s) if self._failed else self._every_s
