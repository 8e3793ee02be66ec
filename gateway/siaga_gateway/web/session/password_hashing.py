"""Checks passwords one at a time in a thread of its own: a hash takes 64 MiB and a quarter of a second, and no page
waits for it.

Known browsers go first; with more than a few waiting, or after a while, it raises `Busy`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

_KNOWN: Final = 24  # that wait; a shift and its handover
_OTHERS: Final = 16
_DEADLINE_S: Final = 30.0  # a full queue on a small machine, where a hash takes a second


class Busy(Exception):  # Not a SiagaError: sign_in makes a SignInRefused of it.
    """Too many wait, or it took too long: the password was not checked, or the result came too late."""


class HashQueue:
    """Usable from any event loop."""

    def __init__(self, deadline_s: float = _DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._lanes: dict[bool, deque[tuple[Callable[[], bool], Future[bool]]]] = {True: deque(), False: deque()}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def check(self, work: Callable[[], bool], *, known: bool) -> bool:
        """Return what `work` returns. Raises: Busy."""
        future = self._join(work, known)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise Busy from None

    def close(self) -> None:
        """Tell everybody who waits that it is busy."""
        with self._changed:
            self._closed = True
            for lane in self._lanes.values():
                for _, future in lane:
                    if future.set_running_or_notify_cancel():
                        future.set_exception(Busy())
                lane.clear()

    def _join(self, work: Callable[[], bool], known: bool) -> Future[bool]:
        future: Future[bool] = Future()
        with self._changed:
            lane = self._lanes[known]
            for gone in [each for each in lane if each[1].cancelled()]:
                lane.remove(gone)
            if self._closed or len(lane) >= (_KNOWN if known else _OTHERS):
                raise Busy
            lane.append((work, future))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="passwords", daemon=True)
                self._thread.start()
            self._changed.notify()
        return future

    def _run(self) -> None:
        while True:
            with self._changed:
                while not any(self._lanes.values()):
                    self._changed.wait()
                work, future = (self._lanes[True] or self._lanes[False]).popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except Exception as error:
                future.set_exception(error)
