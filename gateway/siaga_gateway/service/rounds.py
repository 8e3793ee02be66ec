"""What is done every so often, by one thread: each job in its turn, none ended by another's fault.

Of several workers on one store each has its rounds. A job that only one of them may do (`shared`) is claimed before
each turn: a `Claim` is the one place where that is decided. What may take minutes has rounds of its own, so that what
is due every few seconds does not wait for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.service.ports import Clock
from siaga_gateway.service.recurring import Recurring
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Job:
    """`work` may raise StoreFailing: it is tried again at the next turn."""

    name: str
    every_s: float
    work: Callable[[], None]
    shared: bool = False


class Claim(Protocol):
    """Whether this worker does a shared job this time."""

    def mine(self, job: str, every_s: float) -> bool:
        """Called once for each turn, from the rounds' thread. Raises StoreFailing."""
        ...

    def give_back(self) -> None:
        """Called at the end, when no more turns come. Never raises."""
        ...


class Alone:
    """The claim of a gateway that is the only one on its store."""

    def mine(self, job: str, every_s: float) -> bool:
        return True

    def give_back(self) -> None:
        return


class Leases:
    """The claim of workers that share a store: whoever has the store's lease does the job, and goes on doing it."""

    _TURNS: Final = 3  # so many that are missed, and another worker takes over

    def __init__(self, store: Store, holder: str) -> None:
        """holder: this worker among all of the store."""
        self._store = store
        self._holder = holder
        self._held: set[str] = set()

    def mine(self, job: str, every_s: float) -> bool:
        held = self._store.lease(_lease(job), self._holder, max(self._TURNS * every_s, 30.0))
        (self._held.add if held else self._held.discard)(job)
        return held

    def give_back(self) -> None:
        """At the end, so that another need not wait."""
        try:
            for job in tuple(self._held):
                self._store.release_lease(_lease(job), self._holder)
        except StoreFailing as error:
            log.info("the leases end by themselves: %s", error)


def _lease(job: str) -> str:
    return f"job {job}"


class Rounds:
    """`start`, `stop`."""

    def __init__(self, jobs: Sequence[Job], claim: Claim | None = None, name: str = "rounds") -> None:
        """claim: of shared jobs; none: nobody else is on the store. name: of the thread."""
        self._jobs = tuple(jobs)
        self._claim = claim or Alone()
        self._due = {job.name: 0.0 for job in jobs}
        self._failing: set[str] = set()
        self._beat = time.monotonic()
        self._turns = Recurring(name, self._look, end_s=15)

    def start(self) -> None:
        self._turns.start()

    def stop(self) -> None:
        """Finish the job under way and end; another worker may have what was claimed."""
        self._turns.stop()
        self._claim.give_back()

    def silent_s(self) -> float:
        """Seconds since the thread last showed that it goes on; 0 before its start."""
        if not self._turns.started:
            return 0.0
        return time.monotonic() - self._beat if self._turns.alive else float("inf")

    def _look(self) -> float:
        self.turn(time.monotonic())
        return _LOOK_S

    def turn(self, now: float) -> None:
        """Do what is due. now: monotonic seconds."""
        for job in self._jobs:
            self._beat = time.monotonic()
            if self._turns.stopping or now < self._due[job.name]:
                continue
            self._due[job.name] = now + job.every_s
            self._do(job)

    def _do(self, job: Job) -> None:
        try:
            if not job.shared or self._claim.mine(job.name, job.every_s):
                job.work()
        except StoreFailing as error:
            if job.name not in self._failing:
                log.error("%s: %s; trying again", job.name, error)
            self._failing.add(job.name)
        except Exception:
            log.exception("%s: an unexpected fault; trying again", job.name)
            self._failing.add(job.name)
        else:
            self._failing.discard(job.name)


def each_day(clock: Clock, work: Callable[[], None]) -> Callable[[], None]:
    """`work` as a job that is asked often: it is done once in each day (UTC) that begins from now on."""
    day = clock.now_ms() // _DAY_MS

    def look() -> None:
        nonlocal day
        today = clock.now_ms() // _DAY_MS
        if today != day:
            day = today
            work()

    return look
