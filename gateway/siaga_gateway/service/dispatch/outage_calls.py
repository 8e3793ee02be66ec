"""Brings a watcher's messages to each administrator: one that hangs or fails delays no other.

The latest message counts: one that was not handed over is tried again until it is, or a later one takes its place.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.service.dispatch.ways import HandedOver, Way
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread

_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_LONGEST_WAIT_S: Final = 300.0  # that a service may ask for
_UNKNOWN_PAUSE_S: Final = 60.0  # it may have arrived: a repetition disturbs
_REST_S: Final = 3_600.0
_END_S: Final = 3.0

log = logging.getLogger(__name__)


class _Recipient:
    def __init__(self, way: Way, address: str, place: int) -> None:
        self._way = way
        self._address = address
        self._place = place
        self._lock = threading.Lock()
        self._message: tuple[PersonalMessage, str] | None = None
        self._pause_s = _FIRST_PAUSE_S
        self.thread = PeriodicThread(f"call {way.name}", self._turn, end_s=_END_S)

    def tell(self, message: PersonalMessage, key: str) -> None:
        with self._lock:
            self._message = message, f"{key}.{self._place}"
            self._pause_s = _FIRST_PAUSE_S
        self.thread.wake()

    def _turn(self) -> float:
        with self._lock:
            waiting = self._message
        if waiting is None:
            return _REST_S
        message, key = waiting
        outcome = self._way.send(self._address, message, key)
        if isinstance(outcome, HandedOver):
            log.info(Localized("log.watch.told", way=self._way.name, detail=outcome.detail))
        elif outcome.permanent:
            log.error(Localized("log.watch.dead", way=self._way.name, detail=outcome.detail))
        else:
            pause_s = min(max(self._pause_s, outcome.retry_after_s or 0), _LONGEST_WAIT_S)
            if outcome.unknown and not self._way.repeats_recognised:
                pause_s = max(pause_s, _UNKNOWN_PAUSE_S)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            seconds = round(pause_s)
            log.warning(Localized("log.watch.not_told", way=self._way.name, detail=outcome.detail, seconds=seconds))
            return pause_s
        with self._lock:
            if self._message is not waiting:
                return 0.0
            self._message = None
        return _REST_S


class OutageCalls:
    """Call `start`, `tell`, `stop`."""

    def __init__(self, recipients: Sequence[tuple[Way, str]]) -> None:
        """recipients: way and address of each."""
        self._recipients = [_Recipient(way, address, place) for place, (way, address) in enumerate(recipients)]

    def start(self) -> None:
        for each in self._recipients:
            each.thread.start()

    def tell(self, message: PersonalMessage, key: str) -> None:
        """Never blocks."""
        for each in self._recipients:
            each.tell(message, key)

    def stop(self) -> None:
        for each in self._recipients:
            each.thread.stop()
