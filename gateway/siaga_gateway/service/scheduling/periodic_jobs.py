"""Runs jobs periodically in one thread, in turn; a bug in one does not end the others.

Each worker on a store runs its own. A job that only one of them may run (`shared`) is claimed before each turn: the
`Claim` alone decides that. Slow jobs get a thread of their own, so that frequent ones do not wait for them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job. `work` may raise StoreFailing: it is retried at its next turn."""

    name: str
    every_s: float
    work: Callable[[], None]
    shared: bool = False


class Claim(Protocol):
    """Decides whether this worker runs a shared job this time."""

    def mine(self, job: str, every_s: float) -> bool:
        """Whether to run the job; called once for each turn, in the jobs' thread. Raises: StoreFailing."""
        ...

    def give_back(self) -> None:
        """Release everything; called at the end, after the last turn. Never raises."""
        ...


class SoleWorker:
    """The claim of a gateway that is alone on its store."""

    def mine(self, job: str, every_s: float) -> bool:
        return True

    def give_back(self) -> None:
        return


class Leases:
    """The claim of workers that share a store: whoever holds the job's lease runs it, and keeps it."""

    _TURNS: Final = 3  # missed turns until another worker takes over

    def __init__(self, store: Store, holder: str) -> None:
        """holder: this worker's name among all on the store."""
        self._store = store
        self._holder = holder
        self._held: set[str] = set()

    def mine(self, job: str, every_s: float) -> bool:
        held = self._store.lease(_lease(job), self._holder, max(self._TURNS * every_s, 30.0))
        (self._held.add if held else self._held.discard)(job)
        return held

    def give_back(self) -> None:
        """Release the leases at the end, so that no other worker has to wait."""
        try:
            for job in tuple(self._held):
                self._store.release_lease(_lease(job), self._holder)
        except StoreFailing as error:
            log.info(Localized("log.rounds.leases", why=error))


def _lease(job: str) -> str:
    return f"job {job}"


class PeriodicJobs:
    """The thread that runs the jobs. Call `start`, `stop`."""

    def __init__(self, jobs: Sequence[Job], claim: Claim | None = None, name: str = "rounds") -> None:
        """claim: for shared jobs; None: no other worker on the store. name: of the thread."""
        self._jobs = tuple(jobs)
        self._claim = claim or SoleWorker()
        self._due = {job.name: 0.0 for job in jobs}
        self._failing: set[str] = set()
        self._beat = time.monotonic()
        self._turns = PeriodicThread(name, self._look, end_s=15)

    def start(self) -> None:
        self._turns.start()

    def stop(self) -> None:
        """Finish the current job and stop; another worker may take over the claims."""
        self._turns.stop()
        self._claim.give_back()

    def silent_s(self) -> float:
        """Return seconds since the thread's last sign of life; 0 before its start."""
        if not self._turns.started:
            return 0.0
        return time.monotonic() - self._beat if self._turns.alive else float("inf")

    def _look(self) -> float:
        self.turn(time.monotonic())
        return _LOOK_S

    def turn(self, now: float) -> None:
        """Run what is due. now: monotonic seconds."""
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
                log.error(Localized("log.rounds.again", job=job.name, why=error))
            self._failing.add(job.name)
        except Exception:
            log.exception(Localized("log.fault.again", what=job.name))
            self._failing.add(job.name)
        else:
            self._failing.discard(job.name)


def each_day(clock: Clock, work: Callable[[], None]) -> Callable[[], None]:
    """Wrap `work` as a job that is called often: it runs once in each day (UTC) that begins from now on."""
    day = clock.now_ms() // _DAY_MS

    def look() -> None:
        nonlocal day
        today = clock.now_ms() // _DAY_MS
        if today != day:
            day = today
            work()

    return look
