"""What can befall an installation, each as it does: a fault begins, lasts, and ends."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from parts import Part
from surroundings import HOUR_S
from tortured_installation import Installation

import sqlite_damage
from gateway.outputs.http_receiver import answer, drip, never, reset
from siaga_gateway.adapters.sql import store_path
from waiting import RUNS_S

# Indices that a press or a delivery needs; damage is met at once.
INDICES = ("sqlite_autoindex_event_1", "incident_open", "journal_incident", "outbox_pending")
# Not a few bits: SQLite keeps no checksums, and takes an index with another button's number in it for a good one.
HOW = (sqlite_damage.ZEROS, sqlite_damage.NOISE)

Fault = Callable[[Installation, random.Random], AbstractContextManager[None]]


def _killed(part: Callable[[Installation], Part]) -> Fault:
    """SIGKILL; it stays down while the fault lasts."""

    @contextmanager
    def fault(installation: Installation, chance: random.Random) -> Iterator[None]:
        one = part(installation)
        one.stay_down.set()
        try:
            one.kill()
            yield
        finally:
            one.stay_down.clear()

    return fault


def _killed_in_passing(part: Callable[[Installation], Part]) -> Fault:
    """SIGKILL; the service manager starts it again at once."""

    @contextmanager
    def fault(installation: Installation, chance: random.Random) -> Iterator[None]:
        part(installation).kill()
        yield

    return fault


def _frozen(part: Callable[[Installation], Part]) -> Fault:
    """SIGSTOP: it holds its connections and answers nothing."""

    @contextmanager
    def fault(installation: Installation, chance: random.Random) -> Iterator[None]:
        one = part(installation)
        one.freeze()
        try:
            yield
        finally:
            one.thaw()

    return fault


@contextmanager
def _stopped(installation: Installation, chance: random.Random) -> Iterator[None]:
    """An administrator restarts it in order."""
    installation.gateway.stay_down.set()
    try:
        if installation.gateway.running:
            with contextlib.suppress(Exception):  # a gateway that will not end is found out at the end
                installation.gateway.stop()
        yield
    finally:
        installation.gateway.stay_down.clear()


@contextmanager
def _unplugged(installation: Installation, chance: random.Random) -> Iterator[None]:
    with installation.cable.pulled():
        yield


@contextmanager
def _full_disk(installation: Installation, chance: random.Random) -> Iterator[None]:
    writer = installation.database or installation.gateway
    with installation.disk.full([writer.pid, *writer.children()]):
        yield


def _clock(ahead_s: int) -> Fault:
    @contextmanager
    def fault(installation: Installation, chance: random.Random) -> Iterator[None]:
        installation.clock.set(ahead_s)
        try:
            yield
        finally:
            installation.clock.set(0)

    return fault


def _outputs(cad: str) -> Fault:
    """Every output fails: the webhook's receiver in that way, the share of the CAP files is gone."""

    @contextmanager
    def fault(installation: Installation, chance: random.Random) -> Iterator[None]:
        behaviours = {
            "hang": never,
            "reset": reset,
            "error": answer(503),
            "drip": drip(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x"),
        }
        elsewhere = installation.cap.with_name("cap.elsewhere")
        with ExitStack() as stack:
            stack.enter_context(
                installation.cad.away() if cad == "away" else installation.cad.behaving(behaviours[cad])
            )
            installation.cap.rename(elsewhere)
            stack.callback(lambda: elsewhere.rename(installation.cap))
            yield

    return fault


@contextmanager
def _worker_killed(installation: Installation, chance: random.Random) -> Iterator[None]:
    """SIGKILL to one of the workers; their parent starts it anew."""
    installation.gateway.kill_a_child(chance)
    yield


@contextmanager
def _damaged_page(installation: Installation, chance: random.Random) -> Iterator[None]:
    """The machine goes down, and comes up with a bad page in the store.

    It is one of an index: all rows are still there, so whatever is missing afterwards the rescue has lost. While the
    gateway runs, or with a rescue half done, another page could have taken its number.
    """
    gateway, path = installation.gateway, store_path(installation.office.data)
    gateway.stay_down.set()
    try:
        gateway.kill()
        with contextlib.suppress(sqlite3.Error):  # no room, a rescue half done, or damaged already
            sqlite_damage.checkpoint(path)
            indices = [page for name, page in sqlite_damage.roots(path).items() if name in INDICES]
            # One that was rescued a moment ago it leaves to a person.
            for aside in path.parent.glob(f"{path.name}.damaged-*"):
                if aside.stat().st_ino != path.stat().st_ino:
                    aside.unlink()
            sqlite_damage.damage(path, chance.choice(indices), chance.choice(HOW), chance.randrange(1 << 30))
    finally:
        gateway.stay_down.clear()
    yield


def _database(installation: Installation) -> Part:
    assert installation.database is not None
    return installation.database


PROCESSES: dict[str, Fault] = {
    "gateway killed": _killed_in_passing(lambda installation: installation.gateway),
    "gateway down": _killed(lambda installation: installation.gateway),
    "gateway frozen": _frozen(lambda installation: installation.gateway),
    "gateway restarted": _stopped,
    "broker killed": _killed_in_passing(lambda installation: installation.broker),
    "broker down": _killed(lambda installation: installation.broker),
    "broker frozen": _frozen(lambda installation: installation.broker),
}
DATABASE: dict[str, Fault] = {
    "database killed": _killed_in_passing(_database),
    "database down": _killed(_database),
    "database frozen": _frozen(_database),
}
FILE: dict[str, Fault] = {"page damaged": _damaged_page}
WORKERS: dict[str, Fault] = {
    "worker killed": _worker_killed,
    "worker killed again": _worker_killed,
}
NETWORK: dict[str, Fault] = {"network cut": _unplugged}
SURROUNDINGS: dict[str, Fault] = {
    "disk full": _full_disk,
    "clock an hour ahead": _clock(HOUR_S),
    "clock an hour behind": _clock(-HOUR_S),
    "outputs away": _outputs("away"),
    "outputs hang": _outputs("hang"),
    "outputs reset": _outputs("reset"),
    "outputs err": _outputs("error"),
    "outputs drip": _outputs("drip"),
}


@dataclass(frozen=True)
class Pace:
    """Seconds: how long a fault lasts and the pause until the next, on average, and how long at most. Most are brief,
    a few last long."""

    lasts: float
    pause: float
    longest: float

    def fault_s(self, chance: random.Random) -> float:
        return min(chance.expovariate(1 / self.lasts), self.longest)

    def pause_s(self, chance: random.Random) -> float:
        return min(chance.expovariate(1 / self.pause), self.longest)


class Lane(threading.Thread):
    """Faults one after the other, in an order by chance, each of them before any comes again. Two lanes side by side
    let faults of both meet."""

    def __init__(
        self, installation: Installation, faults: dict[str, Fault], pace: Pace, seed: int, *, once: bool = False
    ) -> None:
        super().__init__(name="faults", daemon=True)
        self.counts: Counter[str] = Counter()
        self.fault: BaseException | None = None
        self._place = installation
        self._faults = faults
        self._pace = pace
        self._chance = random.Random(seed)
        self._once = once
        self._enough = threading.Event()

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                self._all_of(self._chance.sample(list(self._faults), len(self._faults)))
                if self._once:
                    return
        except BaseException as error:
            self.fault = error

    def _all_of(self, names: Sequence[str]) -> None:
        for name in names:
            if self._enough.wait(self._pace.pause_s(self._chance)):
                return
            self.counts[name] += 1
            with self._faults[name](self._place, self._chance):
                self._enough.wait(self._pace.fault_s(self._chance))

    def finish(self, timeout_s: float = RUNS_S) -> None:
        """End the fault that is under way and begin no other."""
        self._enough.set()
        self.wait_for(timeout_s)

    def wait_for(self, timeout_s: float) -> None:
        self.join(timeout_s)
        assert not self.is_alive(), "a fault does not end"
        if self.fault is not None:
            raise self.fault


# A delivery to them lasts as long as it may, ten seconds, and so does everything behind it.
SLOW = ("outputs hang", "outputs drip")


def that_can_befall(installation: Installation, *, slow: bool) -> tuple[dict[str, Fault], dict[str, Fault]]:
    """Two lanes: what befalls processes and lines, what befalls the things around them."""
    inner = {
        **PROCESSES,
        **(DATABASE if installation.database else FILE),
        **(WORKERS if installation.workers > 1 else {}),
        **(NETWORK if installation.cable.plugged else {}),
    }
    return inner, {name: fault for name, fault in SURROUNDINGS.items() if slow or name not in SLOW}
