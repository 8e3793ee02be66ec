"""Whether the gateway works: what hangs (it must then be restarted), and what it cannot do now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import DeviceCensus, Store, StoreFailing, Tally, Waiting

# A verified batch, a commit on a slow disk, a delivery up to its deadline: all take far less.
HANGS_S: Final = 120.0
# No pause between two attempts at a delivery exceeds 300 s; if nothing was tried for longer, nobody tries.
STUCK_S: Final = 400.0
PROBE_S: Final = 15.0
LOST_MS: Final = 60_000
CENSUS_S: Final = 60.0
_PROBE_LATE_S: Final = 60.0
ALIVE: Final = "alive_ms"  # name under which the store remembers when this was last asked


class StoreProbe:
    """Writes a few bytes now and then: a disk may fill while no press arrives to show it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._why = ""
        self._at = time.monotonic()

    def work(self) -> None:
        """Raises: StoreFailing if nothing can be written."""
        try:
            with self._store.transaction() as transaction:
                transaction.remember(ALIVE, str(self._clock.now_ms()))
        except StoreFailing as error:
            self._why = str(error)
            raise
        else:
            self._why = ""
        finally:
            self._at = time.monotonic()

    def problem(self) -> str:
        """Return what is wrong; empty while the store accepts writes."""
        if self._why:
            return self._why
        late_s = time.monotonic() - self._at
        return f"the store has not answered for {late_s:.0f} s" if late_s > _PROBE_LATE_S else ""


class Health:
    """Answers from any thread, without blocking."""

    def __init__(
        self,
        parts: Mapping[str, Callable[[], float]],
        needs: Mapping[str, Callable[[], str]],
        warnings: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """parts: seconds since the last sign of life of each thread that must keep going. needs: what presses need,
        each with what is wrong, or empty. warnings: what is wrong but keeps no press from being accepted."""
        self._parts = dict(parts)
        self._needs = dict(needs)
        self.warnings = warnings

    def hangs(self) -> str:
        """Return the parts without a sign of life; empty if none."""
        silent = {name: part() for name, part in self._parts.items()}
        return ", ".join(
            f"{name} has ended" if seconds == float("inf") else f"{name} is silent for {seconds:.0f} s"
            for name, seconds in silent.items()
            if seconds > HANGS_S
        )

    def problems(self) -> dict[str, str]:
        """Return what presses need and is not there, by name; empty: ready."""
        found = {name: need() for name, need in self._needs.items()}
        if hangs := self.hangs():
            found["process"] = hangs
        return {name: why for name, why in found.items() if why}


class CachedTally:
    """The store's sums, recounted at most every few seconds however often they are read."""

    def __init__(self, store: Store, kept_s: float = 5.0) -> None:
        self._store = store
        self._kept_s = kept_s
        self._lock = threading.Lock()
        self._tally: Tally | None = None
        self._at = 0.0
        self.census: DeviceCensus | None = None  # None: not counted yet

    def count_all(self) -> None:
        """Count what takes a while, as a periodic job. Raises: StoreFailing."""
        self.census = self._store.census()

    def now(self) -> Tally:
        """Raises: StoreFailing."""
        with self._lock:
            if self._tally is None or time.monotonic() - self._at > self._kept_s:
                self._tally = self._store.tally()
                self._at = time.monotonic()
            return self._tally


def outputs_lost(tallies: CachedTally, outputs: Collection[str], clock: Clock) -> Callable[[], str]:
    """Detect that no output at all gets its messages through: each has one that waits for a minute or longer.

    outputs: those of the settings. Without any there is none to lose.
    """

    def lost() -> str:
        try:
            waiting = tallies.now().waiting
        except StoreFailing:
            return ""  # reported by itself
        before_ms = clock.now_ms() - LOST_MS
        late = [name for name in outputs if name in waiting and waiting[name].oldest_ms <= before_ms]
        return ", ".join(late) if late and len(late) == len(outputs) else ""

    return lost


def stuck_outbox(tallies: CachedTally, untried_s: Mapping[str, Callable[[], float]], clock: Clock) -> Callable[[], str]:
    """Detect deliveries that nobody tries. A receiver that is down is not one: its deliveries are tried again and
    again.

    untried_s: seconds since this process tried a delivery, for each of its outputs.
    """

    def stuck_s(name: str, waiting: Waiting) -> float:
        here = untried_s.get(name)
        if here is None:
            return 0.0  # the settings do not name this output: reported at the start
        there = (clock.now_ms() - max(waiting.oldest_ms, waiting.attempted_ms or 0)) / 1000
        return min(here(), there)  # another worker may be delivering

    def problem() -> str:
        try:
            waiting = tallies.now().waiting
        except StoreFailing as error:
            return f"the store cannot be read: {error}"
        stuck = {name: stuck_s(name, each) for name, each in waiting.items()}
        return ", ".join(
            f"nothing was tried at {name!r} for {seconds:.0f} s" for name, seconds in stuck.items() if seconds > STUCK_S
        )

    return problem
