"""Says at intervals that the line to a receiver is whole, where its protocol has a message for that, and tells when the
receiver does not answer: before the first press finds out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Delivered, NotDelivered, Notifier, SupervisedOutput
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_AGAIN_S: Final = 10.0  # after a failure, or at the next interval if that is sooner
_FAULT_AFTER: Final = 2  # failures in a row; one may be a lost packet
_NEVER_S: Final = 3_600.0


class LineSupervision:
    """Supervises one output's line. Call `start`, `stop`."""

    def __init__(
        self, store: Store, output: SupervisedOutput, notifier: Notifier, clock: Clock, may: Callable[[], bool]
    ) -> None:
        """may: whether this worker delivers for the output now; only that one supervises."""
        self._store = store
        self._output = output
        self._notifier = notifier
        self._clock = clock
        self._may = may
        self._failures = 0
        self._failing_since: float | None = None  # monotonic; of what was told
        self._why = ""
        self._untold: tuple[str, dict[str, object]] | None = None
        self._thread = PeriodicThread(f"line {output.name}", self.turn, end_s=1)

    def start(self) -> None:
        if self._output.supervision_due_s() is not None:
            self._thread.start()

    def stop(self) -> None:
        self._thread.stop()

    def turn(self) -> float:
        """Send a supervision message if one is due. Returns seconds until the next look."""
        self._tell()
        due_s = self._output.supervision_due_s()
        if due_s is None:
            return _NEVER_S
        if not self._may():
            return _LOOK_S
        if due_s > 0:  # heard lately: any message counts
            self._heard()
            return min(due_s, _LOOK_S)
        result = self._output.supervise()
        if isinstance(result, Delivered):
            self._heard()
            return _LOOK_S
        self._missed(result)
        return _AGAIN_S

    def _missed(self, result: NotDelivered) -> None:
        self._failures += 1
        if self._failures < _FAULT_AFTER and not result.permanent:
            return
        if self._failing_since is None or result.detail != self._why:
            self._failing_since = self._failing_since or time.monotonic()
            self._why = result.detail
            log.error(Localized("log.outbox.line_fault", output=self._output.name, why=result.detail))
            self._untold = (journal.LINE_FAULT, {"output": self._output.name, "why": result.detail})
            self._tell()

    def _heard(self) -> None:
        self._failures = 0
        if self._failing_since is not None:
            seconds = round(time.monotonic() - self._failing_since)
            self._failing_since, self._why = None, ""
            log.warning(Localized("log.outbox.line_restored", output=self._output.name, seconds=seconds))
            self._untold = (journal.LINE_RESTORED, {"output": self._output.name, "seconds": seconds})
            self._tell()

    def _tell(self) -> None:
        """Write the latest state into the journal, as soon as the store takes it."""
        if self._untold is None:
            return
        kind, facts = self._untold
        try:
            with self._store.transaction() as transaction:
                transaction.note(kind, self._clock.now_ms(), facts, actor=self._output.name)
        except StoreFailing:
            return
        self._untold = None
        self._notifier.ring()
