"""The press process's metrics and health, queried from the front."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from siaga_gateway.adapters.interprocess_link import FrontSide, PressesSilent
from siaga_gateway.adapters.operations.http_server import NoFigures
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread

METRICS: Final = "figures.metrics"
HANGS: Final = "figures.hangs"
PROBLEMS: Final = "figures.problems"
WARNINGS: Final = "figures.warnings"
ALIVE: Final = "figures.alive"

_DEADLINE_S: Final = 4.0
_EVERY_S: Final = 1.0
_SILENT_S: Final = 8.0
_KEPT_S: Final = 0.2  # frequent requests cost the press process at most five answers a second


class RemoteMetrics:
    """Implements http_server.Health, and `metrics`. Thread-safe."""

    def __init__(self, side: FrontSide) -> None:
        self._metrics = _Asked(side, METRICS)
        self._hangs = _Asked(side, HANGS)
        self._problems = _Asked(side, PROBLEMS)
        self._warnings = _Asked(side, WARNINGS)

    def metrics(self) -> bytes:
        """Raises: NoFigures if the press process does not answer."""
        try:
            found: bytes = self._metrics.now()
        except PressesSilent as error:
            raise NoFigures("passed_on", why=error) from None
        return found

    def hangs(self) -> str:
        try:
            found: str = self._hangs.now()
        except PressesSilent as error:
            return str(error)
        return found

    def problems(self) -> Mapping[str, str]:
        try:
            found: Mapping[str, str] = self._problems.now()
        except PressesSilent as error:
            return {"process": str(error)}
        return found

    def warnings(self) -> Mapping[str, str]:
        try:
            found: Mapping[str, str] = self._warnings.now()
        except PressesSilent:
            return {}  # reported as a problem
        return found


class PressProcessProbe:
    """Polls whether the press process answers, so that a reader of the result never waits."""

    def __init__(self, side: FrontSide) -> None:
        self._side = side
        self._at = time.monotonic()
        self._asks = PeriodicThread("pulse", self._ask, end_s=1)

    def start(self) -> None:
        self._asks.start()

    def silent(self) -> str:
        """Return what to report; empty while it answers."""
        silent_s = time.monotonic() - self._at
        return str(PressesSilent("front.silent", seconds=round(silent_s))) if silent_s > _SILENT_S else ""

    def _ask(self) -> float:
        try:
            self._side.ask(ALIVE, deadline_s=_DEADLINE_S)
        except PressesSilent:
            return 0.0
        self._at = time.monotonic()
        return _EVERY_S


class _Asked:
    """One request at a time; everybody who waits gets its answer."""

    def __init__(self, side: FrontSide, name: str) -> None:
        self._side = side
        self._name = name
        self._lock = threading.Lock()
        self._found: Any = None
        self._at = float("-inf")

    def now(self) -> Any:
        """Raises: PressesSilent, and whatever error the answer is."""
        with self._lock:
            if time.monotonic() - self._at > _KEPT_S:
                try:
                    self._found = self._side.ask(self._name, deadline_s=_DEADLINE_S)
                except Exception as error:
                    self._found = error
                self._at = time.monotonic()
            found = self._found
        if isinstance(found, Exception):
            raise found
        return found
