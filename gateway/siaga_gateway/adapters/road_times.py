"""Asks an OSRM server for road times; whoever asks waits for 300 ms at most, and goes on without."""

from __future__ import annotations

import http.client
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Final
from urllib.parse import urlsplit

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.places import Point
from siaga_gateway.formats.osrm import OsrmError, durations, table_path

log = logging.getLogger(__name__)

DEADLINE_S: Final = 0.3
_SOCKET_S: Final = 2.0  # of the thread that asks; meanwhile nobody else waits for the server
_REST_S: Final = 30.0  # after a failure
_LARGEST: Final = 256 * 1024
_TOLD_EVERY_S: Final = 600.0


class OsrmRoadTimes:
    """Implements service.dispatch.reachable.RoadTimes. One question at a time: who comes meanwhile does without."""

    def __init__(self, url: str, deadline_s: float = DEADLINE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """url: of the server, http:// or https://; the path before `/table` may stand in it."""
        self._url = urlsplit(url)
        self._deadline_s = deadline_s
        self._clock = clock
        self._busy = threading.Lock()
        self._rests_until = float("-inf")
        self._told_at = float("-inf")
        self._questions: queue.SimpleQueue[tuple[Sequence[Point], Point, Future[list[int | None]]]] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None

    def seconds(self, origins: Sequence[Point], to: Point) -> Sequence[int | None] | None:
        """Return how long it takes from each origin, None where there is no road; None: not known in time."""
        if not origins or self._clock() < self._rests_until or not self._busy.acquire(blocking=False):
            return None
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="road-times", daemon=True)
            self._thread.start()
        answer: Future[list[int | None]] = Future()
        self._questions.put((origins, to, answer))
        try:
            return answer.result(self._deadline_s)
        except Late:
            self._rest(Localized("errors.osrm.late", seconds=self._deadline_s))
        except (OSError, http.client.HTTPException, OsrmError) as error:
            self._rest(error)
        return None

    def _rest(self, why: object) -> None:
        now = self._clock()
        self._rests_until = now + _REST_S
        if now - self._told_at >= _TOLD_EVERY_S:
            self._told_at = now
            log.warning(Localized("log.responders.no_road_times", why=why))

    def _run(self) -> None:
        while True:
            origins, to, answer = self._questions.get()
            try:
                found = self._ask(origins, to)
            except Exception as error:
                answer.set_exception(error)
            else:
                answer.set_result(found)
            finally:
                self._busy.release()

    def _ask(self, origins: Sequence[Point], to: Point) -> list[int | None]:
        """Raises: OSError, HTTPException, OsrmError."""
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=_SOCKET_S)
        try:
            connection.request("GET", self._url.path.rstrip("/") + table_path(origins, to))
            response = connection.getresponse()
            return durations(response.read(_LARGEST), len(origins))
        finally:
            connection.close()
