"""Gathers refused sign-ins at the console and reports them once a second, however often somebody guesses."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from siaga_gateway.service.ports import SignIns
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread

_EVERY_S: Final = 1.0


class GatheredSignIns:
    """Implements ports.SignIns on top of `told`, another one. Call `start`, `stop`; thread-safe, never blocks."""

    def __init__(self, told: SignIns) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._refused: Counter[tuple[str | None, str]] = Counter()
        self._tells = PeriodicThread("sign-ins", self._turn, end_s=2)

    def start(self) -> None:
        self._tells.start()

    def stop(self) -> None:
        self._tells.stop()
        self.tell()

    def signed_in(self, operator: str, by_password: bool) -> None:
        self._told.signed_in(operator, by_password)

    def signed_out(self, operator: str) -> None:
        self._told.signed_out(operator)

    def refused(self, operator: str | None, why: str, times: int = 1) -> None:
        with self._lock:
            self._refused[operator, why] += times

    def tell(self) -> None:
        """Report what has been gathered."""
        with self._lock:
            refused, self._refused = self._refused, Counter()
        for (operator, why), times in refused.items():
            self._told.refused(operator, why, times)

    def _turn(self) -> float:
        self.tell()
        return _EVERY_S
